/* See pack.h for the form. */
#include "pack.h"

#include "mem.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool pack_name_ok(const char *name)
{
    size_t len = strnlen(name, PACK_NAME_MAX + 1);
    if (len == 0 || len > PACK_NAME_MAX) {
        return false;
    }
    for (const char *p = name;;) {
        size_t n = strcspn(p, "/");
        if (n == 0 || n > 255 || (n == 1 && p[0] == '.') || (n == 2 && memcmp(p, "..", 2) == 0)) {
            return false;
        }
        for (size_t i = 0; i < n; i++) {
            if ((unsigned char)p[i] < ' ' || p[i] == 0x7F) {
                return false;
            }
        }
        if (p[n] == '\0') {
            return true;
        }
        p += n + 1;
    }
}

static void put(uint8_t *out, uint64_t v, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++) {
        out[i] = (uint8_t)(v >> (8 * (bytes - 1 - i)));
    }
}

static uint64_t get(const uint8_t *in, unsigned bytes)
{
    uint64_t v = 0;
    for (unsigned i = 0; i < bytes; i++) {
        v = v << 8 | in[i];
    }
    return v;
}

/* ---- writing ---------------------------------------------------------------------------------- */

struct pack_writer {
    struct vault_writer *vault;
    struct crypto_digest *digest; /* of the file begun */
    uint64_t files, bytes;
};

int pack_create(struct vault_writer *vault, struct pack_writer **out, struct err *e)
{
    *out = mem_calloc(1, sizeof(**out));
    if (*out == NULL) {
        return err_set(e, E_NOMEM, "out of memory");
    }
    (*out)->vault = vault;
    return 0;
}

int pack_begin(struct pack_writer *p, const char *name, struct err *e)
{
    uint8_t head[3] = {'F'};
    if (!pack_name_ok(name)) {
        return err_set(e, E_INVALID, "a file's name cannot be kept in a backup: %.100s", name);
    }
    crypto_digest_free(p->digest);
    p->digest = crypto_digest_new();
    if (p->digest == NULL) {
        return err_set(e, E_NOMEM, "out of memory");
    }
    put(head + 1, strlen(name), 2);
    p->files++;
    int rc = vault_write(p->vault, head, sizeof(head), e);
    return rc != 0 ? rc : vault_write(p->vault, name, strlen(name), e);
}

int pack_data(struct pack_writer *p, const void *data, size_t len, struct err *e)
{
    const uint8_t *at = data;
    int rc = 0;
    while (rc == 0 && len > 0) {
        uint8_t head[4];
        size_t n = len < PACK_PIECE ? len : PACK_PIECE;
        put(head, n, 4);
        rc = vault_write(p->vault, head, sizeof(head), e);
        rc = rc != 0 ? rc : vault_write(p->vault, at, n, e);
        if (rc == 0 && crypto_digest_update(p->digest, at, n) != 0) {
            rc = err_set(e, E_NOMEM, "out of memory");
        }
        at += n;
        len -= n;
        p->bytes += n;
    }
    return rc;
}

int pack_finish(struct pack_writer *p, struct err *e)
{
    uint8_t tail[4 + CRYPTO_SHA256_LEN] = {0};
    if (crypto_digest_end(p->digest, tail + 4) != 0) {
        return err_set(e, E_NOMEM, "out of memory");
    }
    return vault_write(p->vault, tail, sizeof(tail), e);
}

int pack_end(struct pack_writer *p, struct err *e)
{
    uint8_t tail[9] = {'E'};
    put(tail + 1, p->files, 8);
    int rc = vault_write(p->vault, tail, sizeof(tail), e);
    return rc != 0 ? rc : vault_end(p->vault, e);
}

void pack_writer_free(struct pack_writer *p)
{
    if (p != NULL) {
        crypto_digest_free(p->digest);
        free(p);
    }
}

uint64_t pack_bytes(const struct pack_writer *p)
{
    return p->bytes;
}

int pack_text(struct pack_writer *p, const char *name, const void *data, size_t len, struct err *e)
{
    int rc = pack_begin(p, name, e);
    rc = rc != 0 ? rc : pack_data(p, data, len, e);
    return rc != 0 ? rc : pack_finish(p, e);
}

int pack_fd(struct pack_writer *p, const char *name, int fd, uint64_t max, struct err *e)
{
    uint8_t *piece = mem_malloc(PACK_PIECE);
    int rc = piece == NULL ? err_set(e, E_NOMEM, "out of memory") : pack_begin(p, name, e);
    while (rc == 0 && max > 0) {
        ssize_t n = read(fd, piece, max < PACK_PIECE ? (size_t)max : PACK_PIECE);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            rc = err_sys(e, E_IO, errno, "cannot read %.150s for the backup", name);
        } else if (n == 0) {
            break;
        } else {
            rc = pack_data(p, piece, (size_t)n, e);
            max -= (uint64_t)n;
        }
    }
    free(piece);
    return rc != 0 ? rc : pack_finish(p, e);
}

/* ---- reading ---------------------------------------------------------------------------------- */

struct pack_reader {
    struct vault_reader *vault;
    struct crypto_digest *digest;
    uint64_t files;
    size_t left; /* of the piece */
    bool inside; /* of a file */
    bool ended;
};

static int damaged(struct err *e)
{
    return err_word(e, E_PROTO, "damaged_backup",
                    "the backup's content has a form that this wabridge never writes");
}

static int take(struct pack_reader *p, void *data, size_t len, struct err *e)
{
    uint8_t *at = data;
    while (len > 0) {
        size_t got = 0;
        int rc = vault_read(p->vault, at, len, &got, e);
        if (rc != 0 || got == 0) {
            return rc != 0 ? rc : damaged(e);
        }
        at += got;
        len -= got;
    }
    return 0;
}

int pack_open(struct vault_reader *vault, struct pack_reader **out, struct err *e)
{
    *out = mem_calloc(1, sizeof(**out));
    if (*out == NULL) {
        return err_set(e, E_NOMEM, "out of memory");
    }
    (*out)->vault = vault;
    return 0;
}

static int file_end(struct pack_reader *p, struct err *e)
{
    uint8_t want[CRYPTO_SHA256_LEN], is[CRYPTO_SHA256_LEN];
    int rc = take(p, want, sizeof(want), e);
    p->inside = false;
    if (rc == 0 && crypto_digest_end(p->digest, is) != 0) {
        rc = err_set(e, E_NOMEM, "out of memory");
    }
    return rc == 0 && !crypto_equal(want, is, sizeof(is)) ? damaged(e) : rc;
}

int pack_read(struct pack_reader *p, void *data, size_t len, size_t *got, struct err *e)
{
    int rc = 0;
    *got = 0;
    if (!p->inside) {
        return 0;
    }
    if (p->left == 0) {
        uint8_t head[4];
        rc = take(p, head, sizeof(head), e);
        p->left = rc == 0 ? (size_t)get(head, 4) : 0;
        if (rc == 0 && p->left > PACK_PIECE) {
            rc = damaged(e);
        } else if (rc == 0 && p->left == 0) {
            return file_end(p, e);
        }
    }
    size_t n = len < p->left ? len : p->left;
    rc = rc != 0 ? rc : take(p, data, n, e);
    if (rc == 0 && crypto_digest_update(p->digest, data, n) != 0) {
        rc = err_set(e, E_NOMEM, "out of memory");
    }
    p->left -= rc == 0 ? n : 0;
    *got = rc == 0 ? n : 0;
    return rc;
}

static int skip(struct pack_reader *p, struct err *e)
{
    uint8_t piece[4096];
    size_t got = 1;
    int rc = 0;
    while (rc == 0 && p->inside) {
        rc = pack_read(p, piece, sizeof(piece), &got, e);
    }
    return rc;
}

static int last(struct pack_reader *p, struct err *e)
{
    uint8_t tail[8], more;
    size_t got = 0;
    int rc = take(p, tail, sizeof(tail), e);
    rc = rc != 0 ? rc : vault_read(p->vault, &more, 1, &got, e);
    p->ended = true;
    return rc == 0 && (got != 0 || get(tail, 8) != p->files) ? damaged(e) : rc;
}

int pack_next(struct pack_reader *p, char *name, struct err *e)
{
    uint8_t kind, head[2];
    name[0] = '\0';
    int rc = p->ended ? damaged(e) : skip(p, e);
    rc = rc != 0 ? rc : take(p, &kind, 1, e);
    if (rc == 0 && kind == 'E') {
        return last(p, e);
    }
    rc = rc != 0 ? rc : kind == 'F' ? take(p, head, sizeof(head), e) : damaged(e);
    size_t len = rc == 0 ? (size_t)get(head, 2) : 0;
    if (rc == 0 && (len == 0 || len > PACK_NAME_MAX)) {
        rc = damaged(e);
    }
    rc = rc != 0 ? rc : take(p, name, len, e);
    name[rc == 0 ? len : 0] = '\0';
    if (rc == 0 && (strlen(name) != len || !pack_name_ok(name))) {
        rc = err_word(e, E_PROTO, "damaged_backup", "the backup names a file that is not allowed");
    }
    crypto_digest_free(p->digest);
    p->digest = rc == 0 ? crypto_digest_new() : NULL;
    if (rc == 0 && p->digest == NULL) {
        rc = err_set(e, E_NOMEM, "out of memory");
    }
    p->inside = rc == 0;
    p->left = 0;
    p->files += rc == 0;
    return rc;
}

void pack_reader_free(struct pack_reader *p)
{
    if (p != NULL) {
        crypto_digest_free(p->digest);
        free(p);
    }
}

uint64_t pack_files(const struct pack_reader *p)
{
    return p->files;
}
