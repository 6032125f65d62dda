/*
 * The child between fork and exec. Async-signal-safe functions only: another thread may have held
 * malloc's lock, or any other, at the moment of the fork.
 */
#include "spawn_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static void __attribute__((noreturn)) give_up(const struct spawn_child *c, enum spawn_step step)
{
    struct spawn_failure f = {.step = step, .sys = errno};
    while (write(c->report, &f, sizeof(f)) < 0 && errno == EINTR) {
    }
    _exit(127);
}

static void reset_signals(void)
{
    struct sigaction sa = {.sa_handler = SIG_DFL};
    for (int sig = 1; sig < NSIG; sig++) {
        (void)sigaction(sig, &sa, NULL); /* SIGKILL, SIGSTOP and glibc's own two refuse */
    }
    sigset_t none;
    sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
}

/* fds[i] becomes i. All sources move above the targets first, since they may overlap. */
static int place_fds(struct spawn_child *c)
{
    int n = c->fd_count;
    c->report = fcntl(c->report, F_DUPFD_CLOEXEC, n);
    if (c->report < 0) {
        return -1;
    }
    for (int i = 0; i < n; i++) {
        int fd = c->fds[i];
        if (fd < 0) {
            fd = open("/dev/null", O_RDWR | O_CLOEXEC);
        }
        c->fds[i] = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, n);
        if (c->fds[i] < 0) {
            return -1;
        }
    }
    for (int i = 0; i < n; i++) {
        if (dup2(c->fds[i], i) < 0) {
            return -1;
        }
    }
    /* Closed by execve(), for the report pipe must live until then. */
    return close_range((unsigned)n, ~0U, CLOSE_RANGE_CLOEXEC);
}

static int change_user(const struct spawn_child *c)
{
    if (!c->change_user) {
        return 0;
    }
    if (syscall(SYS_setgroups, 0, NULL) != 0 || syscall(SYS_setgid, c->gid) != 0 ||
        syscall(SYS_setuid, c->uid) != 0) {
        return -1;
    }
    return 0;
}

void spawn_child_run(struct spawn_child *c)
{
    int keep = c->report;
    if (setpgid(0, 0) != 0 || place_fds(c) != 0) {
        c->report = c->report < 0 ? keep : c->report;
        give_up(c, SPAWN_PREPARE);
    }
    if (change_user(c) != 0) {
        give_up(c, SPAWN_USER);
    }
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) {
        give_up(c, SPAWN_PREPARE);
    }
    if (getppid() != c->parent) {
        _exit(127); /* it died before the line above: nobody would send the signal */
    }
    reset_signals();
    umask(077);
    if (chdir(c->cwd) != 0) {
        give_up(c, SPAWN_CHDIR);
    }
    execve(c->file, c->argv, c->env);
    give_up(c, SPAWN_EXEC);
}
