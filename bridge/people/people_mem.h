/* What people/ keeps in memory. Thread: loop. */
#ifndef PEOPLE_MEM_H
#define PEOPLE_MEM_H

#include "people.h"
#include "people_priv.h"

#define PICTURES_MAX_BYTES (4u << 20) /* of all sessions together */

struct picture {
    struct list link; /* oldest first */
    char tenant[64], session[64], jid[STORE_MAX_ID + 1], tag[257], mimetype[32];
    uint8_t *data;
    size_t len;
};

/* What was counted of an inbox, good until the tenant's log grows (chats_all.c). */
#define FACETS_KEPT 8
struct facets_kept {
    char *of; /* tenant and sessions; NULL: free */
    uint64_t seq, at_ms; /* the log's end then; monotonic */
    uint64_t used;       /* the oldest goes first */
    json_t *answer;
};

struct people {
    struct list pictures;
    size_t picture_bytes;
    struct list walks;  /* refresh.c: one a session at most */
    struct list checks; /* check.c: one a session at most */
    struct facets_kept facets[FACETS_KEPT];
    uint64_t facets_used;
};
void pictures_free(struct people *p);
void facets_free(struct people *p);

#endif
