/*
 * What the store holds of one session, as a file: written by an export, read by an import. Rows are
 * put with the store's own verbs, so every index and count comes into being with them.
 *
 *   kind (1) | texts (1) | length (2) text … | number (8) | length (4) value
 *   'D' document: table, path behind the session …     'C' chat: id; time of its last message
 *   'M' message: chat, id; its time                    'O' outbox: message id; when it expires
 *
 * The session's own document comes first. Left out: the auto-reply agent's settings and queue (its
 * secrets are sealed for the old host) and the event log, which are the tenant's business.
 * Private to bridge/backup.
 */
#ifndef BRIDGE_BACKUP_ROWS_H
#define BRIDGE_BACKUP_ROWS_H

#include "pack.h"
#include "store.h"

#include <stdio.h>

#define ROW_TEXTS 4

/* media is called after the rows for each file that a message refers to, in order of their sums; NULL:
 * without files. Blocking; any thread but the loop's. */
int rows_pack(struct pack_writer *p, struct store *store, const char *tenant, const char *session,
              int (*media)(void *arg, const char *sha256), void *arg, struct err *e);

struct row {
    char kind;
    unsigned count;
    const char *text[ROW_TEXTS + 1];
    uint64_t number;
    const char *data;
    size_t len;
};
struct rows_reader {
    FILE *f;
    char *memory; /* of the present row */
};
int rows_open(struct rows_reader *r, const char *path, struct err *e);
/* 0, E_NOTFOUND at the end, E_PROTO. The row is valid until the next call. */
int rows_next(struct rows_reader *r, struct row *out, struct err *e);
void rows_close(struct rows_reader *r); /* zeroed accepted */
bool row_is_session(const struct row *row);
/* Writes the row as one of tenant/session; the session's own document is not written. Writer. */
int row_put(struct store_txn *t, const char *tenant, const char *session, const struct row *row,
            struct err *e);

#endif
