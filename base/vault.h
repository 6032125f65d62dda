/*
 * A file that only its key opens, written and read as a stream: what a backup is kept in.
 *
 * Form, numbers big-endian:
 *   head   "WABRIDGE" | version 1 | kind of key | 2 zero bytes | salt (32) | check (16)
 *   chunk  length and flag (4; the top bit marks the last chunk) | nonce (12) | AES-256-GCM | tag (16)
 * The key of a file comes from its salt and the secret that was given: HMAC-SHA-256 under a key of 32
 * bytes (VAULT_KEY), or scrypt (N 2^15, r 8, p 1) of a passphrase (VAULT_PASSPHRASE). The check tells
 * a wrong key from a damaged file. A chunk is bound to its number and to being the last or not, so a
 * file that was cut, put together otherwise or changed in one bit is refused. What lies behind the
 * last chunk is refused too.
 *
 * Blocking. Thread: any; one owner at a time.
 */
#ifndef BASE_VAULT_H
#define BASE_VAULT_H

#include "crypto.h"
#include "err.h"

#include <stddef.h>
#include <stdint.h>

#define VAULT_SALT_LEN 32
#define VAULT_CHUNK 65536u /* plain bytes of a chunk at most */

enum vault_kind { VAULT_KEY = 1, VAULT_PASSPHRASE = 2 };

struct vault_secret {
    enum vault_kind kind;
    uint8_t key[CRYPTO_KEY_LEN]; /* VAULT_KEY */
    const char *phrase;          /* VAULT_PASSPHRASE; borrowed */
    size_t phrase_len;
};

struct vault_writer;
/* Gives a writer on fd (borrowed; a file, a pipe or a socket that blocks) and writes the head. */
int vault_create(int fd, const struct vault_secret *secret, struct vault_writer **out,
                 struct err *e);
/* E_FULL, E_CLOSED (nobody reads any more), E_IO. */
int vault_write(struct vault_writer *w, const void *data, size_t len, struct err *e);
/* The last chunk: without it a reader refuses the file. */
int vault_end(struct vault_writer *w, struct err *e);
void vault_writer_free(struct vault_writer *w); /* NULL accepted */

struct vault_reader;
/* Reads the head from fd (borrowed). kind: which secret it wants, so that it can be asked for. E_PROTO
 * "not_a_backup"; E_UNSUPPORTED: of a newer version. */
int vault_open(int fd, enum vault_kind *kind, struct vault_reader **out, struct err *e);
/* E_AUTH "wrong_key". Before the first read. */
int vault_unlock(struct vault_reader *r, const struct vault_secret *secret, struct err *e);
/* Up to len bytes; *got 0: the end, and all of it was whole. E_PROTO "damaged_backup". */
int vault_read(struct vault_reader *r, void *data, size_t len, size_t *got, struct err *e);
void vault_reader_free(struct vault_reader *r); /* NULL accepted */

#endif
