/*
 * A bridge from its making to its end, and what the program around it asks: health, numbers, a
 * new master key.
 *
 * Thread: loop. What holds for every function of the bridge stands in bridge.h.
 */
#ifndef BRIDGE_PUBLIC_LIFE_H
#define BRIDGE_PUBLIC_LIFE_H

#include "buf.h"
#include "public/config.h"

#include <jansson.h>
#include <stddef.h>
#include <uv.h>

struct bridge;
struct store; /* session-store/store.h */
struct cdp;   /* cdp/cdp.h */

/* Gives the bridge: loads tenants and sessions, creates tenant `default` with session `main` and
 * the admin key at the very first start. Config texts are copied. store and cdp are borrowed and
 * must outlive it. new_key (may be NULL): receives the admin key made just now (at the very first
 * start, or because new_admin_key asks for one), or NULL; the caller frees it; it was also written
 * to <data_dir>/admin.key with mode 0600. Blocks (start-up only, before the loop runs). */
int bridge_create(uv_loop_t *loop, struct store *store, struct cdp *cdp,
                  const struct bridge_config *config, struct bridge **out, char **new_key,
                  struct err *e);
/* Starts the autostart sessions (staggered), the relay, the housekeeping. */
void bridge_start(struct bridge *b);
/* Graceful stop: waits end with E_CANCELED, browsers are closed, in-flight webhooks get grace_ms,
 * the last states are committed. on_closed once; frees. */
void bridge_close(struct bridge *b, uint64_t grace_ms, void (*on_closed)(void *arg), void *arg);
/* The body of GET /metrics, appended to out (at most BRIDGE_MAX_METRICS bytes): E_TOOLARGE. */
#define BRIDGE_MAX_METRICS (16u << 20)
int bridge_metrics(struct bridge *b, struct buf *out, struct err *e);
/* The body of GET /health; *healthy is false when the store cannot write. Gives. */
int bridge_health(struct bridge *b, json_t **out, bool *healthy, struct err *e);

/* Seals every secret of the store anew, under `key` (STORE_KEY_LEN bytes), in one transaction: all
 * or nothing. Offline and blocking, before any bridge is made on the store. *sealed: how many;
 * *unreadable: how many could not be opened even before (sealed with a key lost earlier) and stay as
 * they are. E_UNSUPPORTED: the store holds a sealed text that this version does not know. */
int bridge_rekey(uv_loop_t *loop, struct store *store, const unsigned char *key, size_t *sealed,
                 size_t *unreadable, struct err *e);

#endif
