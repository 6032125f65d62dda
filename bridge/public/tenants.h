/*
 * Tenants and their limits.
 *
 * Thread: loop. What holds for every function of the bridge stands in bridge.h.
 */
#ifndef BRIDGE_PUBLIC_TENANTS_H
#define BRIDGE_PUBLIC_TENANTS_H

#include "public/answers.h"

#include <stdint.h>

void bridge_tenant_put(struct bridge *b, const char *tenant, const json_t *body,
                       bridge_done_fn done, void *arg);
int bridge_tenant_get(struct bridge *b, const char *tenant, json_t **out, struct err *e);
int bridge_tenant_list(struct bridge *b, const struct bridge_paging *p, json_t **out,
                       struct err *e);
/* Unlinks and erases all of it: sessions, messages, webhooks, events, keys. */
void bridge_tenant_delete(struct bridge *b, const char *tenant, bridge_done_fn done, void *arg);

/* limits.<name> of the tenant, else fallback. */
uint64_t bridge_tenant_limit(struct bridge *b, const char *tenant, const char *name,
                             uint64_t fallback);

#endif
