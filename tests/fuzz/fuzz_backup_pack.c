/*
 * A backup as it comes from elsewhere: the vault's form of any bytes; and, behind a vault that opens,
 * the files inside (pack) and the rows of a session. Anything is refused or read within its bounds.
 */
#include "fuzz.h"

#include "pack.h"
#include "rows.h"

#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

static const struct vault_secret secret = {.kind = VAULT_KEY, .key = {7}};

static int file_of(const uint8_t *data, size_t size)
{
    int fd = memfd_create("fuzz", MFD_CLOEXEC);
    must(fd >= 0);
    must(size == 0 || write(fd, data, size) == (ssize_t)size);
    must(lseek(fd, 0, SEEK_SET) == 0);
    return fd;
}

/* What the sums vouch for is in order: the reader has seen to names and numbers. */
static void read_files(struct vault_reader *v)
{
    struct pack_reader *p = NULL;
    struct err e = {0};
    char name[PACK_NAME_MAX + 1], piece[512];
    must(pack_open(v, &p, &e) == 0);
    while (pack_next(p, name, &e) == 0 && name[0] != '\0') {
        size_t got = 1;
        must(pack_name_ok(name));
        while (name[0] != 's' && got > 0 && pack_read(p, piece, sizeof(piece), &got, &e) == 0) {
            must(got <= sizeof(piece));
        }
    }
    pack_reader_free(p);
}

static void fuzz_vault(const uint8_t *data, size_t size)
{
    struct vault_reader *v = NULL;
    struct err e = {0};
    enum vault_kind kind;
    int fd = file_of(data, size);
    if (vault_open(fd, &kind, &v, &e) == 0) {
        /* a passphrase is slow by design */
        if (kind == VAULT_KEY && vault_unlock(v, &secret, &e) == 0) {
            read_files(v);
        }
        vault_reader_free(v);
    }
    (void)close(fd);
}

static void fuzz_pack(const uint8_t *data, size_t size)
{
    struct vault_writer *w = NULL;
    struct vault_reader *v = NULL;
    struct err e = {0};
    enum vault_kind kind;
    int fd = file_of(NULL, 0);
    must(vault_create(fd, &secret, &w, &e) == 0 && vault_write(w, data, size, &e) == 0 &&
         vault_end(w, &e) == 0);
    vault_writer_free(w);
    must(lseek(fd, 0, SEEK_SET) == 0);
    must(vault_open(fd, &kind, &v, &e) == 0 && vault_unlock(v, &secret, &e) == 0);
    read_files(v);
    vault_reader_free(v);
    (void)close(fd);
}

static void fuzz_rows(const uint8_t *data, size_t size)
{
    struct rows_reader r = {0};
    struct row row;
    struct err e = {0};
    char path[64];
    int fd = file_of(data, size);
    (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    must(rows_open(&r, path, &e) == 0);
    while (rows_next(&r, &row, &e) == 0) {
        must(row.count >= 1 && row.count <= ROW_TEXTS && row.len <= STORE_MAX_VALUE);
        for (unsigned i = 0; i < row.count; i++) {
            must(strlen(row.text[i]) <= 255);
        }
        volatile char last = row.len > 0 ? row.data[row.len - 1] : '\0';
        (void)last;
        (void)row_is_session(&row);
    }
    rows_close(&r);
    (void)close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > 0) {
        uint8_t kind = data[0] % 3;
        (kind == 0 ? fuzz_vault : kind == 1 ? fuzz_pack : fuzz_rows)(data + 1, size - 1);
    }
    return 0;
}
