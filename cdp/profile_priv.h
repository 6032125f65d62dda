/*
 * The profile directory of one launched browser: made, given to its user, locked, and cleared of
 * what a killed browser leaves. Synchronous and short. Thread: loop.
 */
#ifndef CDP_PROFILE_H
#define CDP_PROFILE_H

#include "err.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct profile {
    int dir_fd;  /* -1 when not open */
    int lock_fd; /* holds the flock; -1 when not taken */
    char *dir;
    char *tmp; /* TMPDIR of the browser, ours alone; removed by profile_release() */
    uid_t uid; /* who shall own it */
    gid_t gid;
    pid_t orphan; /* after E_EXISTS: a browser of a dead daemon, killed just now or dying; 0: none */
};

/* Makes and locks dir (absolute). uid and gid: who runs the browser, (uid_t)-1 for ourselves.
 * E_EXISTS when a live process has it: this or another daemon, or a browser; with p->orphan set a
 * retry in a moment will do. E_FORBIDDEN when uid cannot reach it, E_INVALID, E_IO. On error
 * nothing is held. */
int profile_take(struct profile *p, const char *dir, uid_t uid, gid_t gid, struct err *e);
/* Notes which browser runs on it, for the daemon after us. Failure is only a weaker clean-up. */
void profile_note_browser(struct profile *p, pid_t pid);
/* Removes the temporary directory and unlocks. Accepts a profile not taken (lock_fd -1). */
void profile_release(struct profile *p);

/* One more directory for the same user, e.g. the cache. */
int profile_make_dir(const struct profile *p, const char *dir, struct err *e);

/* Pieces with tests of their own. */
#define PROFILE_LOCK_FILE "wabridge.lock"
/* Chromium's link: target "host-pid". The pid, or 0 when it is none. */
pid_t profile_singleton_pid(const char *target);
/* True when pid is a live browser process (no child of one) started on dir, or when we may not look
 * and so must assume it. */
bool profile_held_by(pid_t pid, const char *dir);
/* A process that has a database of the profile's pages locked; 0: nobody. (profile_database.c) */
pid_t profile_database_holder(const struct profile *p);
/* Makes the databases such that Chromium does not begin them anew: cuts off what a killed browser
 * wrote half at the end of a log, and takes back transactions that were open together. Call it when
 * nobody has them open. */
void profile_mend_databases(const struct profile *p);
/* Bytes of a LevelDB log, from its beginning, that are whole records (log_format.md of LevelDB);
 * len when all are. Pure. (leveldb_log.c) */
size_t profile_log_whole(const unsigned char *log, size_t len);
/* Everything below dir_fd/name and name itself; never follows a link. 0 or -errno. */
int profile_remove_tree(int dir_fd, const char *name);

#endif
