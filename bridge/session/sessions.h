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
/* Stops a session for good because it goes on elsewhere. The mark is durable and its run has ended when
 * done comes (once, later): what the store and the profile hold then is all there is. was_… are
 * for the undoing, which is for the first export only. At once: E_CONFLICT "session_busy". */
int session_export(struct session *s, bool *was_running, bool *was_exported,
                   void (*done)(void *arg, const struct err *e), void *arg, struct err *e);
/* It did not leave after all; start: it runs again. */
void session_export_undo(struct session *s, bool start, bridge_done_fn done, void *arg);
/* An import has put its record into the store: it is there from now on, and starts when it is wanted
 * running. */
int session_adopt(struct bridge *b, const char *tenant, const char *id, const json_t *record,
                  json_t **body, struct err *e);
struct sessions_totals {
    unsigned total, ready, unlinked, disconnected, failed;
};
void sessions_totals(struct sessions *s, struct sessions_totals *out);

#endif
