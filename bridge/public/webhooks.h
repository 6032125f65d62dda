/*
 * Webhooks, their deliveries and dead letters (docs/webhooks.md).
 *
 * Thread: loop. What holds for every function of the bridge stands in bridge.h.
 */
#ifndef BRIDGE_PUBLIC_WEBHOOKS_H
#define BRIDGE_PUBLIC_WEBHOOKS_H

#include "public/who.h"

/* who, in all of these: a key that does not see every session has to do only with webhooks whose
 * session patterns lie within its own; one that it touches gets no event that is of no session.
 * NULL: all. E_FORBIDDEN when the patterns in body go beyond. */
void bridge_webhook_put(struct bridge *b, const char *tenant, const struct bridge_principal *who,
                        const char *webhook, const json_t *body, bridge_done_fn done, void *arg);
/* 0, also when there is no such webhook; else E_NOTFOUND "unknown_webhook". */
int bridge_webhook_seen(struct bridge *b, const char *tenant, const struct bridge_principal *who,
                        const char *webhook, struct err *e);
int bridge_webhook_get(struct bridge *b, const char *tenant, const char *webhook, json_t **out,
                       struct err *e);
int bridge_webhook_list(struct bridge *b, const char *tenant, const struct bridge_principal *who,
                        const struct bridge_paging *p, json_t **out, struct err *e);
void bridge_webhook_delete(struct bridge *b, const char *tenant, const char *webhook,
                           bridge_done_fn done, void *arg);
/* Would a put with this body be refused for what stands in it? Stores nothing. */
int bridge_webhook_check(struct bridge *b, const json_t *body, struct err *e);
/* Sends webhook.test now. Body {ok,status,duration_ms,error,reason,response_headers (first 4 KiB),
 * response_body (first 2 KiB)}. */
void bridge_webhook_test(struct bridge *b, const char *tenant, const char *webhook,
                         bridge_done_fn done, void *arg);
/* state: "pending", "delivered", "dead", NULL: pending. */
int bridge_delivery_list(struct bridge *b, const char *tenant, const char *webhook,
                         const struct bridge_principal *who, const char *state,
                         const struct bridge_paging *p, json_t **out, struct err *e);
/* One, with its last tries and the event as it is posted: null for who may not read events, or when
 * it is gone. E_NOTFOUND "unknown_delivery". */
int bridge_delivery_get(struct bridge *b, const char *tenant, const char *webhook,
                        const struct bridge_principal *who, const char *delivery, json_t **out,
                        struct err *e);
/* body {delivery_ids?}: dead letters back into the queue. Answers {redriven:n}. */
void bridge_webhook_redrive(struct bridge *b, const char *tenant, const char *webhook,
                            const json_t *body, bridge_done_fn done, void *arg);

#endif
