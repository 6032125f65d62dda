/*
 * How the bridge answers: a reply that comes later, and the pages of a list.
 *
 * Thread: loop. What holds for every function of the bridge stands in bridge.h.
 */
#ifndef BRIDGE_PUBLIC_ANSWERS_H
#define BRIDGE_PUBLIC_ANSWERS_H

#include "err.h"

#include <jansson.h>
#include <stdbool.h>

struct bridge;

struct bridge_reply {
    const struct err *err; /* NULL: worked */
    json_t *body;          /* borrowed; may be NULL (deletes) */
    bool created;          /* PUT made it (201) rather than updated it */
    bool replayed;         /* the first answer to this idempotency key, again */
};
typedef void (*bridge_done_fn)(void *arg, const struct bridge_reply *r);

/* A page of a list: limit 1..500; cursor "" or what an earlier answer gave as next_cursor. Lists
 * give {items:[…],next_cursor} with next_cursor null at the end. */
struct bridge_paging {
    unsigned limit;
    const char *cursor;
};

#endif
