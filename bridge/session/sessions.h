/* All sessions of the node: loaded at start, started in turn, found by name. Private to bridge/. */
#ifndef BRIDGE_SESSIONS_H
#define BRIDGE_SESSIONS_H

#include "session.h"

/* Loads every stored session (blocking, start-up only). */
int sessions_create(struct bridge *b, struct sessions **out, struct err *e);
/* Starts the autostart ones, staggered. */
void sessions_start(struct sessions *s);
/* Stops all (keeping their intent), then on_closed; frees. */
void sessions_close(struct sessions *s, uint64_t grace_ms, void (*on_closed)(void *arg), void *arg);
/* A tenant is going away: unlink, stop and erase each of its sessions, then done. */
void sessions_erase_tenant(struct sessions *s, const char *tenant, void (*done)(void *arg),
                           void *arg);
struct sessions_totals {
    unsigned total, ready, unlinked, disconnected, failed;
};
void sessions_totals(struct sessions *s, struct sessions_totals *out);

#endif
