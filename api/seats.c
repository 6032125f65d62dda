/* A bounded table with sets; see seats.h. */
#include "seats.h"

#include "crypto.h"
#include "mem.h"

#include <stdlib.h>
#include <string.h>

#define SETS (SEAT_COUNT / SEAT_WAYS)
#define SEED 16
#define NAME_MAX_LEN 160

struct seats {
    uint8_t seed[SEED];
    size_t size;
    unsigned char *rows;
};

struct seats *seats_create(size_t size)
{
    struct seats *s = mem_calloc(1, sizeof(*s));
    unsigned char *rows = s != NULL ? mem_calloc(SEAT_COUNT, size) : NULL;
    if (rows == NULL) {
        free(s);
        return NULL;
    }
    s->size = size;
    s->rows = rows;
    crypto_random(s->seed, sizeof(s->seed));
    return s;
}

void seats_free(struct seats *s)
{
    if (s != NULL) {
        free(s->rows);
        free(s);
    }
}

void seats_id(const struct seats *s, const void *name, size_t len, unsigned kind,
              uint8_t id[SEAT_ID])
{
    uint8_t text[SEED + 1 + NAME_MAX_LEN], hash[CRYPTO_SHA256_LEN];
    len = len < NAME_MAX_LEN ? len : NAME_MAX_LEN;
    memcpy(text, s->seed, SEED);
    text[SEED] = (uint8_t)kind;
    memcpy(text + SEED + 1, name, len);
    memset(hash, 0, sizeof(hash));
    (void)crypto_sha256(text, SEED + 1 + len, hash); /* without memory all share one record */
    memcpy(id, hash, SEAT_ID);
}

static struct seat *row(struct seats *s, const uint8_t id[SEAT_ID], size_t way)
{
    size_t set = ((size_t)id[0] << 8 | id[1]) % SETS;
    return (struct seat *)(void *)(s->rows + (set * SEAT_WAYS + way) * s->size);
}

void *seats_find(struct seats *s, const uint8_t id[SEAT_ID], uint64_t now_ms)
{
    for (size_t i = 0; i < SEAT_WAYS; i++) {
        struct seat *seat = row(s, id, i);
        if (seat->taken && memcmp(seat->id, id, SEAT_ID) == 0) {
            seat->used_ms = now_ms;
            return seat;
        }
    }
    return NULL;
}

void *seats_take(struct seats *s, const uint8_t id[SEAT_ID], uint64_t now_ms, bool *fresh)
{
    struct seat *found = seats_find(s, id, now_ms);
    *fresh = found == NULL;
    for (size_t i = 0; *fresh && i < SEAT_WAYS; i++) {
        struct seat *seat = row(s, id, i);
        if (found == NULL || !seat->taken || (found->taken && seat->used_ms < found->used_ms)) {
            found = seat;
        }
        if (!seat->taken) {
            break;
        }
    }
    if (*fresh) {
        memset(found, 0, s->size);
        memcpy(found->id, id, SEAT_ID);
        found->used_ms = now_ms;
        found->taken = true;
    }
    return found;
}
