/*
 * The chat widget in other people's pages, and what somebody who is limited to one chat may do
 * (docs/widget.md).
 *
 * Thread: loop. What holds for every function of the bridge stands in bridge.h.
 */
#ifndef BRIDGE_PUBLIC_WIDGET_H
#define BRIDGE_PUBLIC_WIDGET_H

#include "public/who.h"

bool bridge_of_one_chat(const struct bridge_principal *who);
/* Of somebody who is limited to one chat: are these (NULL: not asked) of it? E_NOTFOUND
 * "unknown_chat", "unknown_message", "unknown_media". */
int bridge_one_chat_check(struct bridge *b, const struct bridge_principal *who, const char *chat,
                          const char *message, const char *media, struct err *e);
/* May he edit or delete this message? E_NOTFOUND "unknown_message" when it is of another chat,
 * E_CONFLICT "not_yours" when it was not sent from here. */
int bridge_one_chat_change(struct bridge *b, const struct bridge_principal *who,
                           const char *message, struct err *e);
/* May he send this body? E_FORBIDDEN for what is not a text, a file of his, a reply or a reaction;
 * the same as above for what is of another chat. */
int bridge_one_chat_send(struct bridge *b, const struct bridge_principal *who, const json_t *body,
                         struct err *e);
void bridge_one_chat_uploaded(struct bridge *b, const struct bridge_principal *who,
                              const char *media); /* he may send it */
/* body {session,to,name,agent,can_send,ttl_s}. Answers {ticket,tenant,expires_at,url}. who: asks,
 * and the credential ends with his key. E_FORBIDDEN, E_NOTFOUND, E_LIMIT "too_many_tickets". */
int bridge_widget_ticket(struct bridge *b, const char *tenant, const struct bridge_principal *who,
                         const json_t *body, json_t **out, struct err *e);
/* body {ticket}, which is void then. Answers what bridge_widget_chat() does, and `credential`; who
 * gets its principal. E_AUTH "unknown_ticket", "ticket_used" (a good one, once). */
int bridge_widget_sign_in(struct bridge *b, const json_t *body, struct bridge_principal *who,
                          json_t **out, struct err *e);
/* {tenant,session,session_status,chat,name,phone,agent,can_send,can_attach,expires_at} of somebody
 * who is limited to one chat. */
int bridge_widget_chat(struct bridge *b, const struct bridge_principal *who, json_t **out,
                       struct err *e);
/* {origins:[…]}: which pages may show it. E_INVALID "invalid_origin". */
int bridge_widget_get(struct bridge *b, const char *tenant, json_t **out, struct err *e);
void bridge_widget_put(struct bridge *b, const char *tenant, const json_t *body,
                       bridge_done_fn done, void *arg);
/* The same as frame-ancestors of a Content-Security-Policy; "'none'" also for a tenant that is not
 * there. */
#define BRIDGE_WIDGET_ANCESTORS 2304
void bridge_widget_ancestors(struct bridge *b, const char *tenant,
                             char out[BRIDGE_WIDGET_ANCESTORS]);

#endif
