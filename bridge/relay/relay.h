/*
 * Event log -> webhook deliveries: order per chat, signature, retry, dead letters, address rules.
 * Private to bridge/. Thread: loop.
 */
#ifndef BRIDGE_RELAY_H
#define BRIDGE_RELAY_H

#include "core.h"

int relay_create(struct bridge *b, struct relay **out, struct err *e);
void relay_start(struct relay *r);
/* In-flight posts get grace_ms, what did not finish stays pending; then on_closed; frees. */
void relay_close(struct relay *r, uint64_t grace_ms, void (*on_closed)(void *arg), void *arg);
/* fn for every endpoint in use, until it returns false. failures: in a row. */
struct endpoint_vitals {
    const char *tenant, *webhook, *error;
    bool paused;
    unsigned failures;
};
void relay_each_endpoint(const struct relay *r,
                         bool (*fn)(void *arg, const struct endpoint_vitals *v), void *arg);
/* Something may be due. */
void relay_wake(struct relay *r);

/* The router: which webhooks want an event. Filled from the store on the writer thread. */
int router_create(struct bridge *b, struct router **out, struct err *e);
void router_free(struct router *r);

#endif
