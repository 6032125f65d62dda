/* See vault.h for the form. */
#include "vault.h"

#include "mem.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define VERSION 1
#define CHECK_LEN 16
#define HEAD_LEN (8 + 4 + VAULT_SALT_LEN + CHECK_LEN)
#define LAST 0x80000000u
#define AAD_LEN 64
#define SCRYPT_MEMORY (64u << 20)

static const char magic[8] = {'W', 'A', 'B', 'R', 'I', 'D', 'G', 'E'};

/* ---- the key ---------------------------------------------------------------------------------- */

static int derive(const struct vault_secret *secret, const uint8_t salt[VAULT_SALT_LEN],
                  uint8_t out[CRYPTO_KEY_LEN], struct err *e)
{
    static const char label[] = "wabridge vault 1";
    if (secret->kind == VAULT_PASSPHRASE) {
        return EVP_PBE_scrypt(secret->phrase, secret->phrase_len, salt, VAULT_SALT_LEN, 1u << 15, 8,
                              1, SCRYPT_MEMORY, out, CRYPTO_KEY_LEN) == 1
                   ? 0
                   : err_set(e, E_NOMEM, "cannot make a key of the passphrase");
    }
    uint8_t text[sizeof(label) - 1 + VAULT_SALT_LEN];
    memcpy(text, label, sizeof(label) - 1);
    memcpy(text + sizeof(label) - 1, salt, VAULT_SALT_LEN);
    int rc = crypto_hmac_sha256(secret->key, CRYPTO_KEY_LEN, text, sizeof(text), out);
    return rc == 0 ? 0 : err_set(e, rc, "cannot make a key");
}

static int check_of(const uint8_t key[CRYPTO_KEY_LEN], uint8_t out[CHECK_LEN])
{
    static const char text[] = "wabridge vault check";
    uint8_t mac[CRYPTO_SHA256_LEN];
    int rc = crypto_hmac_sha256(key, CRYPTO_KEY_LEN, text, sizeof(text) - 1, mac);
    memcpy(out, mac, CHECK_LEN);
    return rc;
}

static void chunk_aad(char out[AAD_LEN], uint64_t n, bool last)
{
    (void)snprintf(out, AAD_LEN, "wabridge vault chunk %llu%s", (unsigned long long)n,
                   last ? " last" : "");
}

/* ---- writing ---------------------------------------------------------------------------------- */

struct vault_writer {
    int fd;
    uint8_t key[CRYPTO_KEY_LEN];
    uint64_t n;
    size_t len;
    uint8_t plain[VAULT_CHUNK];
    uint8_t sealed[4 + VAULT_CHUNK + CRYPTO_SEAL_OVERHEAD];
};

static int write_all(int fd, const uint8_t *data, size_t len, struct err *e)
{
    while (len > 0) {
        ssize_t n = write(fd, data, len);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0 && (errno == EPIPE || errno == ECONNRESET)) {
            return err_set(e, E_CLOSED, "nobody reads the backup any more");
        }
        if (n <= 0) {
            int sys = n < 0 ? errno : EIO;
            bool full = sys == ENOSPC || sys == EDQUOT || sys == EFBIG;
            return err_sys(e, full ? E_FULL : E_IO, sys, "cannot write the backup");
        }
        data += n;
        len -= (size_t)n;
    }
    return 0;
}

int vault_create(int fd, const struct vault_secret *secret, struct vault_writer **out,
                 struct err *e)
{
    uint8_t head[HEAD_LEN] = {0};
    struct vault_writer *w = mem_calloc(1, sizeof(*w));
    *out = NULL;
    if (w == NULL) {
        return err_set(e, E_NOMEM, "out of memory");
    }
    w->fd = fd;
    memcpy(head, magic, sizeof(magic));
    head[8] = VERSION;
    head[9] = (uint8_t)secret->kind;
    crypto_random(head + 12, VAULT_SALT_LEN);
    int rc = derive(secret, head + 12, w->key, e);
    if (rc == 0 && check_of(w->key, head + 12 + VAULT_SALT_LEN) != 0) {
        rc = err_set(e, E_NOMEM, "cannot make a key");
    }
    rc = rc != 0 ? rc : write_all(fd, head, sizeof(head), e);
    if (rc != 0) {
        vault_writer_free(w);
        return rc;
    }
    *out = w;
    return 0;
}

static int flush(struct vault_writer *w, bool last, struct err *e)
{
    char aad[AAD_LEN];
    uint32_t head = (uint32_t)w->len | (last ? LAST : 0);
    for (unsigned i = 0; i < 4; i++) {
        w->sealed[i] = (uint8_t)(head >> (24 - 8 * i));
    }
    chunk_aad(aad, w->n, last);
    int rc = crypto_seal(w->key, w->plain, w->len, aad, w->sealed + 4, e);
    rc = rc != 0 ? rc : write_all(w->fd, w->sealed, 4 + w->len + CRYPTO_SEAL_OVERHEAD, e);
    w->n++;
    w->len = 0;
    return rc;
}

int vault_write(struct vault_writer *w, const void *data, size_t len, struct err *e)
{
    const uint8_t *p = data;
    while (len > 0) {
        /* a full chunk waits until more comes: only the end knows which one is the last */
        if (w->len == VAULT_CHUNK) {
            int rc = flush(w, false, e);
            if (rc != 0) {
                return rc;
            }
        }
        size_t room = VAULT_CHUNK - w->len;
        size_t n = len < room ? len : room;
        memcpy(w->plain + w->len, p, n);
        w->len += n;
        p += n;
        len -= n;
    }
    return 0;
}

int vault_end(struct vault_writer *w, struct err *e)
{
    return flush(w, true, e);
}

void vault_writer_free(struct vault_writer *w)
{
    mem_wipe_free(w, sizeof(*w));
}

/* ---- reading ---------------------------------------------------------------------------------- */

struct vault_reader {
    int fd;
    enum vault_kind kind;
    uint8_t key[CRYPTO_KEY_LEN], salt[VAULT_SALT_LEN], check[CHECK_LEN];
    uint64_t n;
    size_t len, at; /* of plain */
    bool last;
    uint8_t plain[VAULT_CHUNK];
    uint8_t sealed[VAULT_CHUNK + CRYPTO_SEAL_OVERHEAD];
};

static int damaged(struct err *e, const char *how)
{
    return err_word(e, E_PROTO, "damaged_backup", "the backup is damaged: %s; use another one", how);
}

/* *got is less than len only at the end of the file. */
static int read_all(int fd, uint8_t *data, size_t len, size_t *got, struct err *e)
{
    *got = 0;
    while (*got < len) {
        ssize_t n = read(fd, data + *got, len - *got);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return err_sys(e, E_IO, errno, "cannot read the backup");
        }
        if (n == 0) {
            return 0;
        }
        *got += (size_t)n;
    }
    return 0;
}

int vault_open(int fd, enum vault_kind *kind, struct vault_reader **out, struct err *e)
{
    uint8_t head[HEAD_LEN];
    size_t got = 0;
    *out = NULL;
    int rc = read_all(fd, head, sizeof(head), &got, e);
    if (rc != 0) {
        return rc;
    }
    if (got < sizeof(head) || memcmp(head, magic, sizeof(magic)) != 0) {
        return err_word(e, E_PROTO, "not_a_backup", "this is no backup of wabridge");
    }
    if (head[8] != VERSION || head[9] < VAULT_KEY || head[9] > VAULT_PASSPHRASE) {
        return err_set(e, E_UNSUPPORTED,
                       "the backup was written by a newer wabridge (form %u, this one knows %d)",
                       head[8], VERSION);
    }
    struct vault_reader *r = mem_calloc(1, sizeof(*r));
    if (r == NULL) {
        return err_set(e, E_NOMEM, "out of memory");
    }
    r->fd = fd;
    r->kind = *kind = (enum vault_kind)head[9];
    memcpy(r->salt, head + 12, VAULT_SALT_LEN);
    memcpy(r->check, head + 12 + VAULT_SALT_LEN, CHECK_LEN);
    *out = r;
    return 0;
}

int vault_unlock(struct vault_reader *r, const struct vault_secret *secret, struct err *e)
{
    uint8_t check[CHECK_LEN];
    int rc = secret->kind == r->kind ? derive(secret, r->salt, r->key, e) : 0;
    if (rc == 0 && (secret->kind != r->kind || check_of(r->key, check) != 0 ||
                    !crypto_equal(check, r->check, CHECK_LEN))) {
        rc = err_word(e, E_AUTH, "wrong_key", "%s",
                      r->kind == VAULT_KEY
                          ? "this is not the master key that the backup was made with: give that "
                            "one with --key-file"
                          : "this is not the passphrase of the backup: give a file that holds it "
                            "with --key-file");
    }
    return rc;
}

static int next_chunk(struct vault_reader *r, struct err *e)
{
    uint8_t head[4];
    char aad[AAD_LEN];
    size_t got = 0;
    int rc = read_all(r->fd, head, sizeof(head), &got, e);
    if (rc != 0 || got < sizeof(head)) {
        return rc != 0 ? rc : damaged(e, "its end is missing");
    }
    uint32_t n = (uint32_t)head[0] << 24 | (uint32_t)head[1] << 16 | (uint32_t)head[2] << 8 | head[3];
    r->last = (n & LAST) != 0;
    size_t len = n & ~LAST;
    if (len > VAULT_CHUNK) {
        return damaged(e, "a piece of it has an impossible length");
    }
    rc = read_all(r->fd, r->sealed, len + CRYPTO_SEAL_OVERHEAD, &got, e);
    if (rc != 0 || got < len + CRYPTO_SEAL_OVERHEAD) {
        return rc != 0 ? rc : damaged(e, "its end is missing");
    }
    chunk_aad(aad, r->n++, r->last);
    r->at = 0;
    r->len = len;
    rc = crypto_open(r->key, r->sealed, len + CRYPTO_SEAL_OVERHEAD, aad, r->plain, e);
    if (rc == E_AUTH) {
        r->len = 0;
        return damaged(e, "a piece of it was changed or is out of place");
    }
    if (rc == 0 && r->last) {
        rc = read_all(r->fd, head, 1, &got, e);
        rc = rc == 0 && got > 0 ? damaged(e, "something follows its end") : rc;
    }
    return rc;
}

int vault_read(struct vault_reader *r, void *data, size_t len, size_t *got, struct err *e)
{
    *got = 0;
    while (r->at == r->len && !r->last) {
        int rc = next_chunk(r, e);
        if (rc != 0) {
            return rc;
        }
    }
    size_t rest = r->len - r->at;
    size_t n = len < rest ? len : rest;
    memcpy(data, r->plain + r->at, n);
    r->at += n;
    *got = n;
    return 0;
}

void vault_reader_free(struct vault_reader *r)
{
    mem_wipe_free(r, sizeof(*r));
}
