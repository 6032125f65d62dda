/*
 * Happy path
 *
 * spawn_start() resolves the user and builds argv and environment, forks, and reads the error pipe,
 * which the child's execve() closes: no byte means that the program runs. A pidfd in the loop tells
 * when the leader has died; on_dead() then kills what is left of the group, reaps, calls on_exit.
 *
 * Details that are easy to lose
 *
 * - libuv's uv_spawn() is not used: it cannot set PR_SET_PDEATHSIG.
 * - PDEATHSIG fires when the *thread* that forked ends (the loop's is the main thread), is cleared
 *   by a change of uid (so it is set after), and reaches the leader alone: children of the leader
 *   must watch it, as Chromium's do by their channel to it.
 * - The group's number is ours only while the leader is alive or a zombie. So the last SIGKILL is
 *   sent after the leader's death and before it is reaped, and spawn_kill() is silent from then on:
 *   a number that another process may have by then is never signalled.
 * - The child of a program with threads may call async-signal-safe functions only, until execve().
 *   Ids are changed by raw system calls: glibc's wrappers want to tell every thread.
 *
 * Failure modes: what fails before execve() is reported through the pipe with the step's name, and
 * the child has been reaped when spawn_start() returns. The read blocks the loop for the time of
 * fork and exec, about a millisecond.
 */
#include "spawn.h"

#include "mem.h"
#include "spawn_priv.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#define PASSWD_MAX (1u << 20)

struct spawn {
    uv_poll_t poll;
    int pidfd;
    pid_t pid;
    bool running; /* not yet reaped */
    void (*on_exit)(void *arg, int status, int signal);
    void *arg;
    void (*on_closed)(void *arg);
    void *closed_arg;
};

static int find_user(const char *name, struct spawn_child *c, struct err *e)
{
    struct passwd pw, *found = NULL;
    char *buf = NULL;
    int rc = ERANGE;
    for (size_t size = 1024; rc == ERANGE && size <= PASSWD_MAX; size *= 4) {
        free(buf);
        buf = mem_malloc(size);
        if (buf == NULL) {
            return err_set(e, E_NOMEM, "out of memory");
        }
        rc = getpwnam_r(name, &pw, buf, size, &found);
    }
    if (rc == 0 && found != NULL) {
        c->change_user = true;
        c->uid = pw.pw_uid;
        c->gid = pw.pw_gid;
    }
    free(buf);
    if (rc != 0) {
        return err_sys(e, E_IO, rc, "cannot look up the user \"%s\"", name);
    }
    return found != NULL ? 0 : err_set(e, E_INVALID, "no such user: \"%s\"", name);
}

static int check(const struct spawn_options *o, struct err *e)
{
    if (o->file == NULL || o->file[0] != '/') {
        return err_set(e, E_INVALID, "the program's path must be absolute");
    }
    if (o->argv == NULL || o->argv[0] == NULL) {
        return err_set(e, E_INVALID, "argv must name the program");
    }
    if (o->fd_count < 0 || o->fd_count > SPAWN_MAX_FDS) {
        return err_set(e, E_INVALID, "at most %d descriptors can be given", SPAWN_MAX_FDS);
    }
    return 0;
}

/* PATH, HOME and LANG of a child that brings no environment. */
struct clean_env {
    char *home;
    char *list[4];
};

static int clean_env(struct clean_env *env, const struct spawn_options *o, struct err *e)
{
    static char path[] = "PATH=/usr/local/bin:/usr/bin:/bin";
    static char lang[] = "LANG=C.UTF-8";
    const char *home = o->home != NULL ? o->home : o->cwd != NULL ? o->cwd : "/";
    env->home = mem_printf("HOME=%s", home);
    if (env->home == NULL) {
        return err_set(e, E_NOMEM, "out of memory");
    }
    env->list[0] = path;
    env->list[1] = env->home;
    env->list[2] = lang;
    env->list[3] = NULL;
    return 0;
}

static int explain(const struct spawn_failure *f, const struct spawn_options *o, struct err *e)
{
    int code = f->sys == EACCES || f->sys == EPERM ? E_FORBIDDEN : E_IO;
    if (f->step == SPAWN_EXEC) {
        code = f->sys == ENOENT || f->sys == ENOTDIR ? E_NOTFOUND : code;
        return err_sys(e, code, f->sys, "cannot start %s", o->file);
    } else if (f->step == SPAWN_CHDIR) {
        return err_sys(e, code, f->sys, "cannot enter the directory %s", o->cwd);
    } else if (f->step == SPAWN_USER) {
        return err_sys(e, code, f->sys, "cannot become the user %s", o->user);
    }
    return err_sys(e, code, f->sys, "cannot prepare the process for %s", o->file);
}

/* Until exec (end of file) or a failure's record. */
static bool read_failure(int fd, struct spawn_failure *f)
{
    ssize_t n;
    do {
        n = read(fd, f, sizeof(*f)); /* whole: a pipe's write of so few bytes is atomic */
    } while (n < 0 && errno == EINTR);
    return n == (ssize_t)sizeof(*f);
}

static void reap(pid_t pid)
{
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR) {
    }
}

static int fork_exec(struct spawn_child *c, const struct spawn_options *o, pid_t *out,
                     struct err *e)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) {
        return err_sys(e, E_IO, errno, "cannot create a pipe");
    }
    c->report = ends[1];
    c->parent = getpid();
    /* No handler of ours may run in the child before it has reset them. */
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pid_t pid = fork();
    if (pid == 0) {
        spawn_child_run(c);
    }
    int sys = errno;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    close(ends[1]);
    int rc = 0;
    struct spawn_failure f;
    if (pid < 0) {
        rc = err_sys(e, E_IO, sys, "cannot fork");
    } else if (read_failure(ends[0], &f)) {
        reap(pid);
        rc = explain(&f, o, e);
    } else {
        *out = pid;
    }
    close(ends[0]);
    return rc;
}

/* When the leader is dead: ends what is left of the group, then reaps, in this order. */
static bool bury(const struct spawn *s, int *status)
{
    siginfo_t info = {0};
    if (waitid(P_PID, (id_t)s->pid, &info, WEXITED | WNOHANG | WNOWAIT) != 0) {
        *status = -1; /* somebody else reaped it: our claim to the number is gone too */
        return errno == ECHILD;
    }
    if (info.si_pid != s->pid) {
        return false;
    }
    kill(-s->pid, SIGKILL);
    return waitpid(s->pid, status, WNOHANG) == s->pid;
}

static void on_poll_closed(uv_handle_t *handle)
{
    struct spawn *s = handle->data;
    void (*on_closed)(void *) = s->on_closed;
    void *arg = s->closed_arg;
    close(s->pidfd);
    free(s);
    if (on_closed != NULL) {
        on_closed(arg);
    }
}

static void on_dead(uv_poll_t *poll, int uv_status, int events)
{
    (void)uv_status;
    (void)events;
    struct spawn *s = poll->data;
    int status;
    if (!s->running || !bury(s, &status)) {
        return;
    }
    s->running = false;
    uv_poll_stop(&s->poll);
    int signal = status >= 0 && WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    int code = status < 0 ? -1 : signal != 0 ? 0 : WEXITSTATUS(status);
    if (s->on_exit != NULL) {
        s->on_exit(s->arg, code, signal);
    }
    /* on_exit may have called spawn_close() itself; the memory lives until on_poll_closed(). */
    if (s->on_closed != NULL && !uv_is_closing((uv_handle_t *)&s->poll)) {
        uv_close((uv_handle_t *)&s->poll, on_poll_closed);
    }
}

/* The child runs: watch it, or end it again. */
static int watch(uv_loop_t *loop, struct spawn *s, struct err *e)
{
    s->pidfd = pidfd_open(s->pid, 0); /* close-on-exec by itself */
    int sys = s->pidfd < 0 ? errno : -uv_poll_init(loop, &s->poll, s->pidfd);
    if (sys == 0) {
        s->poll.data = s;
        uv_poll_start(&s->poll, UV_READABLE, on_dead);
        s->running = true;
        return 0;
    }
    kill(-s->pid, SIGKILL);
    reap(s->pid);
    if (s->pidfd >= 0) {
        close(s->pidfd);
    }
    return err_sys(e, E_IO, sys, "cannot watch a process");
}

int spawn_start(uv_loop_t *loop, const struct spawn_options *o, struct spawn **out, struct err *e)
{
    *out = NULL;
    int rc = check(o, e);
    if (rc != 0) {
        return rc;
    }
    struct spawn_child c = {.file = o->file, .argv = o->argv, .env = o->env};
    struct clean_env env = {0};
    struct spawn *s = mem_calloc(1, sizeof(*s));
    if (s == NULL) {
        return err_set(e, E_NOMEM, "out of memory");
    }
    c.cwd = o->cwd != NULL ? o->cwd : "/";
    c.fd_count = o->fd_count;
    for (int i = 0; i < o->fd_count; i++) {
        c.fds[i] = o->fds[i];
    }
    for (; c.fd_count < 3; c.fd_count++) {
        c.fds[c.fd_count] = -1; /* else the first file it opens would become its stderr */
    }
    if (o->env == NULL) {
        rc = clean_env(&env, o, e);
        c.env = env.list;
    }
    if (rc == 0 && o->user != NULL) {
        rc = find_user(o->user, &c, e);
    }
    if (rc == 0) {
        rc = fork_exec(&c, o, &s->pid, e);
    }
    if (rc == 0) {
        s->on_exit = o->on_exit;
        s->arg = o->arg;
        rc = watch(loop, s, e);
    }
    free(env.home);
    if (rc != 0) {
        free(s);
        return rc;
    }
    *out = s;
    return 0;
}

int spawn_pid(const struct spawn *s)
{
    return s->pid;
}

bool spawn_running(const struct spawn *s)
{
    return s->running;
}

void spawn_kill(struct spawn *s, int signal)
{
    if (s->running) {
        kill(-s->pid, signal);
    }
}

static void on_nothing(void *arg)
{
    (void)arg;
}

void spawn_close(struct spawn *s, void (*on_closed)(void *arg), void *arg)
{
    assert(s->on_closed == NULL);
    s->on_closed = on_closed != NULL ? on_closed : on_nothing;
    s->closed_arg = arg;
    if (s->running) {
        kill(-s->pid, SIGKILL); /* on_dead() goes on */
    } else {
        uv_close((uv_handle_t *)&s->poll, on_poll_closed);
    }
}
