/*
 * The auto-reply agent (docs/agent.md).
 *
 * Thread: loop. What holds for every function of the bridge stands in bridge.h.
 */
#ifndef BRIDGE_PUBLIC_AGENT_H
#define BRIDGE_PUBLIC_AGENT_H

#include "public/answers.h"

/* E_NOTFOUND "unknown_agent" when the session has none. Keys and secrets are never in an answer. */
void bridge_agent_put(struct bridge *b, const char *tenant, const char *session,
                      const json_t *body, bridge_done_fn done, void *arg);
int bridge_agent_get(struct bridge *b, const char *tenant, const char *session, json_t **out,
                     struct err *e);
void bridge_agent_delete(struct bridge *b, const char *tenant, const char *session,
                         bridge_done_fn done, void *arg);
/* chat: a chat id, or a phone number. body {enabled?,conversation_id?}. */
int bridge_agent_chat_get(struct bridge *b, const char *tenant, const char *session,
                          const char *chat, json_t **out, struct err *e);
void bridge_agent_chat_set(struct bridge *b, const char *tenant, const char *session,
                           const char *chat, const json_t *body, bridge_done_fn done, void *arg);

#endif
