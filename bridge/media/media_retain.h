/*
 * The inside of a round of retention: what its steps share. media_retain.c goes from step to step
 * and removes; media_retain_read.c looks. Private to bridge/media. Thread: loop.
 */
#ifndef MEDIA_RETAIN_H
#define MEDIA_RETAIN_H

#include "media_need.h"
#include "media_priv.h"

#define RETENTION_STEP 200    /* rows a step looks at: a millisecond or so */
#define RETENTION_BUCKETS 768 /* 48 octaves of age in ms, 16 parts each */

enum phase { TENANT, COUNT, OUTBOX, DELIVERIES, RECOUNT, SELECT, ORPHANS };

struct retention {
    struct media *m;
    struct work work;
    enum phase phase;
    bool over, stopping, ended_step, orphans;
    uint64_t now_ms;
    char tenant[64];
    char after[STORE_MAX_ID + 1]; /* place in the scan of this phase */
    uint64_t after_number;
    unsigned pass;  /* DELIVERIES: pending, dead, and pending again: a redrive moves between */
    char inner[64]; /* OUTBOX, DELIVERIES: the session or webhook under way; "" none */
    uint64_t total, aged, freed, histogram[RETENTION_BUCKETS];
    unsigned cut_bucket;
    uint64_t excess; /* still to go of it */
    uint64_t events_seen;
    struct need need;
    unsigned looked, picked;
    char pick[REMOVAL_MAX][MEDIA_ID_LEN + 1];
    uint64_t pick_bytes[REMOVAL_MAX];
    unsigned folder;
    struct media_removal *sweep;
    char (*found)[MEDIA_ID_LEN + 1]; /* of one folder */
    size_t found_count, found_room, found_at;
    void (*done)(void *arg);
    void *arg;
};

/* Looks at the next rows of the phase; sets ended_step at its end. 0 or E_*. */
int retention_read(struct store_txn *t, struct retention *x);
/* Used a moment ago: nobody takes it away. */
bool retention_fresh(const struct retention *x, uint64_t used_ms);

#endif
