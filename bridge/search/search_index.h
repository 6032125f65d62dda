/*
 * The SQLite file of one tenant. Worker thread, one at a time. Private to bridge/search.
 */
#ifndef BRIDGE_SEARCH_INDEX_H
#define BRIDGE_SEARCH_INDEX_H

#include "err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct search_db;

struct search_db_state {
    bool built;    /* every message of the store was looked at */
    uint64_t done; /* dirty rows up to here are in it */
    uint64_t count;
};
/* Gives. fresh: an older file is removed first. E_PROTO: the file is broken or of another version,
 * make it anew; E_FULL, E_IO. */
int search_db_open(const char *path, bool fresh, uint64_t done, struct search_db **out,
                   struct search_db_state *state, struct err *e);
void search_db_close(struct search_db *db); /* NULL accepted */
/* The file and what belongs to it. */
void search_db_remove(const char *path);

/* A message as it is now. */
struct search_doc {
    const char *session, *chat, *id;
    uint64_t time_ms, ordinal;
    const char *data; /* the stored JSON; NULL: it is not there any more */
    size_t len;
};
/* All in one transaction. done 0: as it is. */
int search_db_apply(struct search_db *db, const struct search_doc *docs, size_t count,
                    uint64_t done, bool built, struct search_db_state *state, struct err *e);

struct search_hit {
    int64_t place;
    char *session, *chat, *id, *snippet; /* owned */
};
struct search_db_query {
    const char *match;    /* of search_match() */
    int64_t from, before; /* places, from <= … < before */
    bool by_rank;
    uint64_t skip; /* by_rank */
    size_t limit;
    uint64_t timeout_ms;
};
/* hits holds query.limit. E_TIMEOUT, E_PROTO, E_IO. */
int search_db_find(struct search_db *db, const struct search_db_query *q, struct search_hit *hits,
                   size_t *count, struct err *e);
void search_hits_finish(struct search_hit *hits, size_t count);

#endif
