/* What happens between fork and exec; filled by spawn.c before the fork. */
#ifndef BASE_SPAWN_PRIV_H
#define BASE_SPAWN_PRIV_H

#include "spawn.h"

#include <stdbool.h>
#include <sys/types.h>

enum spawn_step { SPAWN_PREPARE, SPAWN_USER, SPAWN_CHDIR, SPAWN_EXEC };

/* Sent through the report pipe when exec was not reached. */
struct spawn_failure {
    enum spawn_step step;
    int sys;
};

struct spawn_child {
    const char *file;
    char *const *argv;
    char *const *env;
    const char *cwd;
    int fds[SPAWN_MAX_FDS];
    int fd_count;
    bool change_user;
    uid_t uid;
    gid_t gid;
    pid_t parent;
    int report; /* write end, close-on-exec */
};

/* Async-signal-safe. Every signal is blocked when it begins. */
void spawn_child_run(struct spawn_child *c) __attribute__((noreturn));

#endif
