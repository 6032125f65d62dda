/*
 * Work on a data directory, or on an archive, without a daemon: for the command line. Blocking.
 * Errors name what to do next.
 */
#ifndef BRIDGE_OFFLINE_H
#define BRIDGE_OFFLINE_H

#include "err.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What opens an archive, as the archive wants it: key_file holds a master key (32 bytes) or a
 * passphrase (a text; the line break at its end does not count). Without it: the master key of this
 * host. All borrowed. */
struct offline_key {
    const char *key_file;            /* NULL: none */
    const unsigned char *master_key; /* of this host, or */
    const char *master_key_file;     /* its file; both NULL: <data_dir>/store/master.key */
    const char *data_dir;
};

/* Reads all of it. manifest: {kind,version,created_at,media,tenant,session,files}; gives. E_AUTH
 * "wrong_key"; E_PROTO "not_a_backup", "damaged_backup"; E_NOTFOUND. */
int offline_verify(const char *file, const struct offline_key *key, json_t **manifest,
                   struct err *e);

/* Unpacks beside data_dir, checks all, then puts it in its place. E_EXISTS: the directory has
 * something in it and force is false; with force that is kept as *kept (free()), else NULL. E_CONFLICT
 * "daemon_running". Files belong to whoever owned data_dir, if that existed and we are root. */
int offline_restore(const char *file, const struct offline_key *key, const char *data_dir,
                    bool force, json_t **manifest, char **kept, struct err *e);

/* Unpacks an exported session below <data_dir>/import, for bridge_session_import(). folder gets its
 * name. Files belong to whoever owns data_dir. */
#define OFFLINE_FOLDER_LEN 27
int offline_unpack_session(const char *file, const struct offline_key *key, const char *data_dir,
                           char folder[OFFLINE_FOLDER_LEN], json_t **manifest, struct err *e);
void offline_forget(const char *data_dir, const char *folder); /* removes it */

/* A backup of the directory of a daemon that does not run, to fd. E_EXISTS: it does. */
struct offline_backup {
    const char *data_dir;
    uint64_t map_size;
    bool media;
    const char *passphrase; /* NULL: sealed with the master key */
    struct offline_key key; /* of the store; key_file is not looked at */
    const char *key_from;   /* what to call it in errors; may be NULL */
    int fd;
};
int offline_backup(const struct offline_backup *o, struct err *e);

/* Looks at everything in the directory of a daemon that does not run: the store with its indexes and
 * counts, the files of messages against their records, the profiles, the search index. note is
 * called with what was found (level 0 in order, 1 mended, 2 wrong) and what to do about it. repair
 * mends what can be made anew from what is sound. E_EXISTS: a daemon runs; other errors: the store
 * cannot be opened at all. */
struct offline_fsck {
    const char *data_dir;
    uint64_t map_size;
    bool repair;
    struct offline_key key; /* of the store */
    const char *key_from;
    void (*note)(void *arg, int level, const char *what, const char *text);
    void *arg;
};
int offline_fsck(const struct offline_fsck *o, struct err *e);

/* The passphrase that a file holds; gives (mem_wipe_free() with its length), NULL with e. */
char *offline_passphrase(const char *key_file, struct err *e);

#endif
