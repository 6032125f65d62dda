/*
 * The event log of a tenant, and being told that it has grown.
 *
 * Thread: loop. What holds for every function of the bridge stands in bridge.h.
 */
#ifndef BRIDGE_PUBLIC_EVENTS_H
#define BRIDGE_PUBLIC_EVENTS_H

#include "list.h"
#include "public/answers.h"

#include <stddef.h>
#include <stdint.h>

/* text is the event's JSON object, borrowed. Return 0 to go on, 1 to stop. */
typedef int (*bridge_event_fn)(void *arg, uint64_t seq, const char *type, const char *text,
                               size_t len);
int bridge_events(struct bridge *b, const char *tenant, uint64_t after, unsigned limit,
                  bridge_event_fn fn, void *arg, struct err *e);
/* A list of types with commas, "message.*,session.status": patterns as a webhook's events are. At most
 * BRIDGE_MAX_TYPES. E_INVALID "invalid_pattern". */
#define BRIDGE_MAX_TYPES 20
int bridge_types_check(const char *list, struct err *e);
bool bridge_types_match(const char *list, const char *type); /* NULL: all */
uint64_t bridge_events_last(struct bridge *b, const char *tenant);
/* Tells that the tenant's log has grown (read with bridge_events()). Embedded; on_grown comes from
 * the loop, at most once a turn; stop it before freeing. */
struct bridge_watch {
    struct list link; /* private */
    char tenant[64];
    void (*on_grown)(struct bridge_watch *w);
    /* NULL, or takes events that are told once and not kept ("chat.presence"), at once; it must
     * start and stop no watch. text: {type,occurred_at,tenant,session,data}, borrowed. */
    void (*on_passing)(struct bridge_watch *w, const char *type, const char *text, size_t len);
    void *data;
};
int bridge_watch_start(struct bridge *b, const char *tenant, struct bridge_watch *w, struct err *e);
void bridge_watch_stop(struct bridge_watch *w);

#endif
