/*
 * Keys: big-endian tuples. A text part is its bytes and a NUL, so the order of keys is the order of
 * the texts and "a" is never a prefix of "a-b". A number is 8 bytes, most significant first.
 * The longest key (due index: 8 + 64 + 64 + 8 + 8; message by id: 64 + 64 + 129 + 129; idempotency
 * by expiry: 8 + 64 + 256) stays under LMDB's 511 bytes, so nothing is ever hashed.
 *
 * Pure functions. An error sticks to the key, so parts can be added and checked once.
 */
#ifndef STORE_KEY_PRIV_H
#define STORE_KEY_PRIV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KEY_MAX 511
#define KEY_NAME_MAX 63    /* tenant, session, webhook */
#define KEY_CLIENT_MAX 255 /* idempotency keys */

struct key {
    int rc; /* 0, E_INVALID (missing or empty part), E_TOOLARGE */
    size_t len;
    unsigned char b[KEY_MAX];
};

void key_init(struct key *k);
void key_text(struct key *k, const char *s, size_t max); /* max: bytes without the NUL */
void key_u8(struct key *k, uint8_t v);
void key_u64(struct key *k, uint64_t v);
void key_copy(struct key *to, const void *data, size_t len);
bool key_equal(const struct key *a, const struct key *b);
bool key_starts(const void *data, size_t len, const struct key *prefix);
/* The smallest key above all that start with k; false when there is none (k empty or all 0xff). */
bool key_successor(struct key *k);
/* Most used beginnings. */
void key_tenant(struct key *k, const char *tenant);
void key_session(struct key *k, const char *tenant, const char *session);
/* session NULL: only the tenant. */
void key_owner(struct key *k, const char *tenant, const char *session);

/* Reads what the functions above wrote. Texts point into the bytes read. */
struct key_reader {
    const unsigned char *p, *end;
    bool bad;
};
void key_read(struct key_reader *r, const void *data, size_t len);
const char *key_read_text(struct key_reader *r); /* "" when bad */
uint8_t key_read_u8(struct key_reader *r);
uint32_t key_read_u32(struct key_reader *r);
uint64_t key_read_u64(struct key_reader *r);
/* The next n bytes; NULL when there are fewer. */
const unsigned char *key_read_bytes(struct key_reader *r, size_t n);
bool key_read_done(const struct key_reader *r); /* nothing bad and nothing left */

void be32_put(unsigned char out[4], uint32_t v);
void be64_put(unsigned char out[8], uint64_t v);
uint64_t be64_get(const unsigned char in[8]);

#endif
