/*
 * Writing a backup, and unpacking one: blocking work on files, for a thread of its own (backup.c) or
 * for the command line when no daemon runs. Private to bridge/backup.
 *
 * Content of a backup, in this order: manifest.json, store/master.key, admin.key, wa-js.js (when they
 * are there), store/data.mdb, profiles/TENANT/SESSION/..., media/TENANT/xx/SHA256. The store is of an
 * earlier moment than the profiles: what a page learned between the two is caught up from the page.
 * The search index is left out: it makes itself anew.
 *
 * Content of an exported session: manifest.json, rows (rows.h), profile/..., media/SHA256.
 */
#ifndef BRIDGE_BACKUP_ARCHIVE_H
#define BRIDGE_BACKUP_ARCHIVE_H

#include "pack.h"

#include "store.h"

#include <jansson.h>

struct archive_order {
    struct store *store;  /* open */
    const char *data_dir; /* absolute */
    bool media;           /* with the files of messages */
    const char *tenant, *session; /* one session only; NULL: everything */
    struct vault_secret secret;
    int fd; /* where it goes; borrowed */
};

/* E_CLOSED: nobody reads it any more; E_FULL, E_IO, E_STATE "profile_busy", E_NOMEM. Without 0 the
 * file is not whole and no reader takes it. */
int archive_write(const struct archive_order *o, struct err *e);

struct archive_reader {
    struct vault_reader *vault;
    struct pack_reader *pack;
    json_t *manifest; /* borrowed by callers */
    int fd;
};
/* find is called when the kind of key is known; it fills the secret or fails. */
struct archive_key {
    int (*find)(void *arg, enum vault_kind kind, struct vault_secret *out, struct err *e);
    void *arg;
};
/* Opens the file and reads the manifest. kind: "backup" or "session"; NULL: either. archive_close()
 * in any case. */
int archive_open(struct archive_reader *r, const char *file, const struct archive_key *key,
                 const char *kind, struct err *e);
void archive_close(struct archive_reader *r);
/* Reads what is left to the end: all of it is whole. */
int archive_verify(struct archive_reader *r, struct err *e);
/* Writes every file below dir (an empty directory that is there), synced, mode 0600, directories
 * 0700. allowed: names, or folders that end with "/", NULL-terminated; any other name is refused. */
int archive_unpack(struct archive_reader *r, const char *dir, const char *const *allowed,
                   struct err *e);

#endif
