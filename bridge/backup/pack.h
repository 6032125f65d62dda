/*
 * What lies inside a backup's vault: files, one behind the other.
 *
 *   'F' name length (2) name | piece length (4) piece … | 0 (4) | SHA-256 of the pieces (32)
 *   'E' number of files (8)
 * The first file is manifest.json. Names are relative paths of plain components; what reads them
 * trusts none (pack_name_ok()). Private to bridge/backup. Blocking; one thread at a time.
 */
#ifndef BRIDGE_BACKUP_PACK_H
#define BRIDGE_BACKUP_PACK_H

#include "vault.h"

#include <stdbool.h>

#define PACK_NAME_MAX 1024
#define PACK_PIECE 65536u
#define PACK_FORMAT 1

/* "a/b/c": no empty, "." or ".." component, no control character, no leading or ending slash. */
bool pack_name_ok(const char *name);

struct pack_writer;
/* vault is borrowed. */
int pack_create(struct vault_writer *vault, struct pack_writer **out, struct err *e);
int pack_begin(struct pack_writer *p, const char *name, struct err *e);
int pack_data(struct pack_writer *p, const void *data, size_t len, struct err *e);
int pack_finish(struct pack_writer *p, struct err *e); /* of the file begun */
int pack_end(struct pack_writer *p, struct err *e);    /* ends the vault too */
void pack_writer_free(struct pack_writer *p);
uint64_t pack_bytes(const struct pack_writer *p); /* of content so far */
/* A file of these bytes; or of up to max bytes of fd, from where it is. */
int pack_text(struct pack_writer *p, const char *name, const void *data, size_t len, struct err *e);
int pack_fd(struct pack_writer *p, const char *name, int fd, uint64_t max, struct err *e);

struct pack_reader;
int pack_open(struct vault_reader *vault, struct pack_reader **out, struct err *e);
/* The next file's name (PACK_NAME_MAX + 1 bytes), or "" at the end, when all of it was whole. What was
 * not read of the file before is read and checked. */
int pack_next(struct pack_reader *p, char *name, struct err *e);
/* *got 0: the end of the file, and its sum is right. */
int pack_read(struct pack_reader *p, void *data, size_t len, size_t *got, struct err *e);
void pack_reader_free(struct pack_reader *p);
uint64_t pack_files(const struct pack_reader *p);

#endif
