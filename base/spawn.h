/*
 * Child processes that cannot outlive us: own process group, PR_SET_PDEATHSIG, no inherited
 * descriptors but those named, optional change of user, killed as a group.
 * Thread: loop.
 */
#ifndef BASE_SPAWN_H
#define BASE_SPAWN_H

#include "err.h"

#include <stdbool.h>
#include <uv.h>

#define SPAWN_MAX_FDS 16

struct spawn;

struct spawn_options {
    const char *file;         /* absolute path */
    char *const *argv;        /* NULL-terminated, borrows */
    char *const *env;         /* NULL-terminated; NULL: a small clean one (PATH, HOME, LANG) */
    const char *cwd;          /* NULL: "/" */
    const char *home;         /* HOME in the clean environment; NULL: cwd */
    const char *user;         /* NULL: no change. Needs root; sets uid, gid, empty groups */
    const int *fds;           /* fds[i] becomes descriptor i in the child; -1: /dev/null */
    int fd_count;             /* <= SPAWN_MAX_FDS. All others are closed in the child, but 0, 1 and
                               * 2 are /dev/null when not given. */
    /* Once, from the loop, after the leader was reaped. signal is 0 after an exit, else status is.
     * The rest of the group has been killed by then. */
    void (*on_exit)(void *arg, int status, int signal);
    void *arg;
};

/* Gives a running child, freed by spawn_close(). Blocks until its exec, about a millisecond. The
 * parent's death kills the leader alone: what it started must notice by itself. Errors: E_NOTFOUND
 * (no such program), E_INVALID (no such user, a relative path), E_FORBIDDEN, E_IO, E_NOMEM. */
int spawn_start(uv_loop_t *loop, const struct spawn_options *o, struct spawn **out, struct err *e);
int spawn_pid(const struct spawn *s);
bool spawn_running(const struct spawn *s);
/* Signal to the whole process group. Does nothing once the leader was reaped. */
void spawn_kill(struct spawn *s, int signal);
/* SIGKILL to the group if anything is left, waits for the leader, then on_closed (once, from the
 * loop, after on_exit if that was still due; may be NULL) and frees. May be called in on_exit. */
void spawn_close(struct spawn *s, void (*on_closed)(void *arg), void *arg);

#endif
