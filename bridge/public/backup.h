/*
 * Backups, exports and imports of a running daemon (docs/backup.md).
 *
 * Thread: loop. What holds for every function of the bridge stands in bridge.h.
 */
#ifndef BRIDGE_PUBLIC_BACKUP_H
#define BRIDGE_PUBLIC_BACKUP_H

#include "public/answers.h"

/* Without a daemon: bridge/offline.h. What is in an archive: bridge/backup/archive.h. */
struct bridge_backup;
struct bridge_backup_spec {
    const char *tenant, *session; /* export this session, which stops for good; NULL: back all up */
    bool media;                   /* with the files of messages */
    const char *passphrase;       /* NULL: sealed with the master key */
};
/* Starts a backup on a thread of its own; ready comes when its bytes can be read, or with what went
 * wrong. One at a time. At once: E_LIMIT "backup_running", E_NOTFOUND, E_CONFLICT, E_NOMEM. */
typedef void (*bridge_backup_fn)(void *arg, const struct err *e, struct bridge_backup *backup);
int bridge_backup(struct bridge *b, const struct bridge_backup_spec *spec, bridge_backup_fn ready,
                  void *arg, struct err *e);
/* A pipe that does not block; borrowed. At its end: bridge_backup_result(). */
int bridge_backup_fd(const struct bridge_backup *backup);
/* After the end of the pipe: 0, or why the archive is not whole. */
int bridge_backup_result(const struct bridge_backup *backup, struct err *e);
/* Done with it, at any time, once. delivered false: nobody has the archive, so a session that this
 * export stopped is not exported and runs again. */
void bridge_backup_close(struct bridge_backup *backup, bool delivered);
/* The exported session was not started elsewhere and is to be used here again; it is stopped then.
 * E_CONFLICT "not_exported", "backup_running". */
void bridge_export_undo(struct bridge *b, const char *tenant, const char *session,
                        bridge_done_fn done, void *arg);
/* body {folder, start}: what offline_unpack_session() unpacked becomes this session, which must not
 * be there yet. E_EXISTS "session_exists"; E_PROTO "damaged_backup". Answers with the session. */
void bridge_session_import(struct bridge *b, const char *tenant, const char *session,
                           const json_t *body, bridge_done_fn done, void *arg);

#endif
