/*
 * A table of at most SEAT_COUNT records under 16-byte ids: sets of SEAT_WAYS, so that a look costs
 * the same however full it is. A new id in a full set takes the place of the one that was not used
 * for the longest time. Ids are hashes with a seed of this process, so that nobody can choose who
 * shares a set. Thread: loop.
 */
#ifndef API_SEATS_H
#define API_SEATS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SEAT_COUNT 8192
#define SEAT_WAYS 8
#define SEAT_ID 16

/* First in every record. */
struct seat {
    uint8_t id[SEAT_ID];
    uint64_t used_ms; /* monotonic */
    bool taken;
};

struct seats;
/* Gives a table of records of `size` bytes; NULL: no memory. */
struct seats *seats_create(size_t size);
void seats_free(struct seats *s); /* NULL accepted */
/* name and kind make the id. */
void seats_id(const struct seats *s, const void *name, size_t len, unsigned kind,
              uint8_t id[SEAT_ID]);
/* The record; NULL: none. */
void *seats_find(struct seats *s, const uint8_t id[SEAT_ID], uint64_t now_ms);
/* The record, zeroed but for its head (and *fresh) when it was not there. */
void *seats_take(struct seats *s, const uint8_t id[SEAT_ID], uint64_t now_ms, bool *fresh);

#endif
