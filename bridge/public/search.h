/*
 * Full-text search in messages.
 *
 * Thread: loop. What holds for every function of the bridge stands in bridge.h.
 */
#ifndef BRIDGE_PUBLIC_SEARCH_H
#define BRIDGE_PUBLIC_SEARCH_H

#include "public/who.h"

#include <stdint.h>

/* Full-text search, newest first or by rank. Answers {items:[{message,snippet}],next_cursor,
 * index:{state:"ready|building|failed",messages}}; while the index is being made, with what is in it
 * so far. session NULL: all of the tenant's. E_TIMEOUT "search_too_slow". */
struct bridge_search {
    const char *tenant, *session;
    const struct bridge_principal *who; /* NULL: all; else only sessions that it sees */
    const char *q; /* words; the last one may be the beginning of one; "a phrase" */
    const char *chat, *type, *direction; /* NULL: any */
    uint64_t since_ms, until_ms;         /* until 0: no end */
    bool by_rank;
    struct bridge_paging paging;
};
void bridge_search(struct bridge *b, const struct bridge_search *q, bridge_done_fn done, void *arg);

#endif
