/*
 * Groups.
 *
 * Thread: loop. What holds for every function of the bridge stands in bridge.h.
 */
#ifndef BRIDGE_PUBLIC_GROUPS_H
#define BRIDGE_PUBLIC_GROUPS_H

#include "public/answers.h"

/* group: its id (…@g.us); E_NOTFOUND "unknown_group". All but list and get are done at WhatsApp:
 * E_CONFLICT "session_not_ready", "not_group_admin", "refused_by_whatsapp". */
int bridge_group_list(struct bridge *b, const char *tenant, const char *session, const char *q,
                      const struct bridge_paging *p, json_t **out, struct err *e);
void bridge_group_get(struct bridge *b, const char *tenant, const char *session, const char *group,
                      bridge_done_fn done, void *arg);
/* body {name,participants[]}. Answers {group,failed:[{person,code}]}. */
void bridge_group_create(struct bridge *b, const char *tenant, const char *session,
                         const json_t *body, bridge_done_fn done, void *arg);
/* body {name,description,announce,locked}, any of them. */
void bridge_group_patch(struct bridge *b, const char *tenant, const char *session,
                        const char *group, const json_t *body, bridge_done_fn done, void *arg);
/* body {add[],remove[],promote[],demote[]}. Answers {group,results:[{action,person,ok,code}]}. */
void bridge_group_people(struct bridge *b, const char *tenant, const char *session,
                         const char *group, const json_t *body, bridge_done_fn done, void *arg);
/* Answers {link}; revoke: a new one, the old is void. */
void bridge_group_invite(struct bridge *b, const char *tenant, const char *session,
                         const char *group, bool revoke, bridge_done_fn done, void *arg);
void bridge_group_leave(struct bridge *b, const char *tenant, const char *session,
                        const char *group, bridge_done_fn done, void *arg);

#endif
