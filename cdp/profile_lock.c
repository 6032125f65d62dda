/*
 * Who has a profile.
 *
 * Our own flock on <profile>/wabridge.lock is the rule: it goes with the daemon however that dies,
 * and headless-shell has no lock at all. Chromium's own SingletonLock is looked at as well, because
 * somebody may have opened the profile by hand: it is a link "host-pid" that outlives a killed
 * browser, and after a change of the host's name (a container) Chromium refuses it for ever. So: a
 * live browser process on this very profile keeps it (E_EXISTS); anything else is stale and
 * removed.
 *
 * And nobody may still have the databases of the profile locked (LevelDB's LOCK files).
 *
 * The lock file says which browser was started last: pid and start time (a pid alone may be
 * somebody else by now), and its temporary directory. If that very process still lives although
 * nobody holds the flock, its daemon is dead and the browser about to follow: we kill its group and
 * say so. Only a lock file that is ours (owner, regular, one name) is believed.
 */
#include "profile_priv.h"

#include "log.h"
#include "mem.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define TMP_NAME "wabridge-tmp"
#define TMP_FALLBACK "/tmp/wabridge-XXXXXX"
/* what Chromium appends to TMPDIR for its socket */
#define TMP_SOCKET "/org.chromium.Chromium.XXXXXX/SingletonSocket"

/* ---- processes --------------------------------------------------------------------------- */

pid_t profile_singleton_pid(const char *target)
{
    const char *dash = strrchr(target, '-');
    char *end;
    if (!dash || !isdigit((unsigned char)dash[1])) {
        return 0;
    }
    errno = 0;
    long pid = strtol(dash + 1, &end, 10);
    return errno == 0 && *end == '\0' && pid > 0 && pid < (1 << 30) ? (pid_t)pid : 0;
}

static bool same_dir(const char *a, const char *b)
{
    struct stat sa, sb;
    if (strcmp(a, b) == 0) {
        return true;
    }
    return stat(a, &sa) == 0 && stat(b, &sb) == 0 && sa.st_dev == sb.st_dev &&
           sa.st_ino == sb.st_ino;
}

bool profile_held_by(pid_t pid, const char *dir)
{
    char path[64], args[16384];
    if (pid <= 0 || (kill(pid, 0) != 0 && errno == ESRCH)) {
        return false;
    }
    snprintf(path, sizeof(path), "/proc/%ld/cmdline", (long)pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return errno != ENOENT; /* gone meanwhile; otherwise it lives and we may not look */
    }
    ssize_t n = read(fd, args, sizeof(args) - 1);
    close(fd);
    if (n <= 0) {
        return false; /* a zombie holds nothing */
    }
    args[n] = '\0';
    static const char option[] = "--user-data-dir=";
    bool ours = false;
    for (const char *arg = args; arg < args + n; arg += strlen(arg) + 1) {
        if (strncmp(arg, "--type=", 7) == 0) {
            return false; /* a renderer or the like: that pid has been reused */
        }
        if (strncmp(arg, option, sizeof(option) - 1) == 0) {
            ours = same_dir(arg + sizeof(option) - 1, dir);
        }
    }
    return ours;
}

/* Clock ticks after boot at which pid started; 0 when it does not live. */
static unsigned long long start_time(pid_t pid)
{
    char path[64], text[1024];
    unsigned long long ticks = 0;
    snprintf(path, sizeof(path), "/proc/%ld/stat", (long)pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return 0;
    }
    ssize_t n = read(fd, text, sizeof(text) - 1);
    close(fd);
    if (n <= 0) {
        return 0;
    }
    text[n] = '\0';
    char *at = strrchr(text, ')'); /* the name before may hold anything */
    if (!at || at[1] == '\0' || at[2] == 'Z') {
        return 0;
    }
    /* the 22nd field; the one after ')' is the 3rd */
    int field = 2;
    for (; *at; at++) {
        if (*at == ' ' && ++field == 22) {
            ticks = strtoull(at + 1, NULL, 10);
            break;
        }
    }
    return ticks;
}

/* ---- the lock file ----------------------------------------------------------------------- */

struct note {
    long daemon;
    long browser;
    unsigned long long started;
    char tmp[128]; /* "" when inside the profile */
};

static void read_note(int fd, struct note *note)
{
    char text[512];
    *note = (struct note){0};
    ssize_t n = pread(fd, text, sizeof(text) - 1, 0);
    if (n <= 0) {
        return;
    }
    text[n] = '\0';
    if (sscanf(text, "daemon %ld browser %ld started %llu tmp %127s", &note->daemon, &note->browser,
               &note->started, note->tmp) < 1) {
        *note = (struct note){0};
    }
}

static void write_note(struct profile *p, pid_t browser)
{
    char text[512];
    bool outside = p->tmp && strncmp(p->tmp, p->dir, strlen(p->dir)) != 0;
    int n =
        snprintf(text, sizeof(text), "daemon %ld browser %ld started %llu tmp %s\n", (long)getpid(),
                 (long)browser, browser > 0 ? start_time(browser) : 0, outside ? p->tmp : "");
    if (ftruncate(p->lock_fd, 0) != 0 || pwrite(p->lock_fd, text, (size_t)n, 0) != n) {
        log_debug(NULL, "profile.note", "cannot write %s/" PROFILE_LOCK_FILE, p->dir);
    }
}

void profile_note_browser(struct profile *p, pid_t pid)
{
    write_note(p, pid);
}

static int open_lock(struct profile *p, struct err *e)
{
    struct stat st;
    for (int attempt = 0; attempt < 3; attempt++) {
        int fd =
            openat(p->dir_fd, PROFILE_LOCK_FILE, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (fd < 0 && errno != ELOOP && errno != EACCES) {
            return err_sys(e, E_IO, errno, "cannot open %s/" PROFILE_LOCK_FILE, p->dir);
        }
        if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_nlink == 1 &&
            st.st_uid == geteuid()) {
            p->lock_fd = fd;
            return 0;
        }
        if (fd >= 0) {
            close(fd);
        }
        /* not made by us: only a name in a directory that we may write */
        if (unlinkat(p->dir_fd, PROFILE_LOCK_FILE, 0) != 0 && errno != ENOENT) {
            return err_sys(e, E_IO, errno, "%s/" PROFILE_LOCK_FILE " is not ours and stays",
                           p->dir);
        }
    }
    return err_set(e, E_IO, "cannot make %s/" PROFILE_LOCK_FILE, p->dir);
}

static int take_flock(struct profile *p, struct note *note, struct err *e)
{
    int r = open_lock(p, e);
    if (r != 0) {
        return r;
    }
    read_note(p->lock_fd, note);
    if (flock(p->lock_fd, LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK) {
            return err_sys(e, E_IO, errno, "cannot lock the profile %s", p->dir);
        }
        return err_set(e, E_EXISTS,
                       "the profile %s is in use by process %ld: stop that session or daemon first",
                       p->dir, note->daemon);
    }
    return 0;
}

/* ---- leftovers --------------------------------------------------------------------------- */

static int refuse_live_browser(struct profile *p, const struct note *note, struct err *e)
{
    char target[256];
    pid_t noted = (pid_t)note->browser;
    if (noted > 0 && note->started != 0 && start_time(noted) == note->started) {
        kill(-noted, SIGKILL);
        p->orphan = noted;
        return err_set(
            e, E_EXISTS,
            "browser %ld of a dead daemon still had the profile %s: killed it, try again",
            (long)noted, p->dir);
    }
    ssize_t n = readlinkat(p->dir_fd, "SingletonLock", target, sizeof(target) - 1);
    if (n < 0) {
        return 0;
    }
    target[n] = '\0';
    pid_t pid = profile_singleton_pid(target);
    if (profile_held_by(pid, p->dir)) {
        return err_set(e, E_EXISTS, "the profile %s is open in browser process %ld: close it first",
                       p->dir, (long)pid);
    }
    log_info(NULL, "profile.stale_lock", "removed the lock of a browser that is gone (%s)", target);
    return 0;
}

/* A browser that dies under load keeps its files for a moment after it looks dead. Chromium takes a
 * database that it cannot lock for a broken one and begins a new one: the link would be lost. */
static int refuse_busy_databases(struct profile *p, struct err *e)
{
    pid_t holder = profile_database_holder(p);
    if (holder == 0) {
        return 0;
    }
    p->orphan = holder;
    return err_set(e, E_EXISTS, "process %ld still has the databases of the profile %s open",
                   (long)holder, p->dir);
}

static void remove_leftovers(struct profile *p, const struct note *note)
{
    static const char *const names[] = {"SingletonLock", "SingletonCookie", "SingletonSocket",
                                        "DevToolsActivePort"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        unlinkat(p->dir_fd, names[i], 0);
    }
    profile_remove_tree(p->dir_fd, TMP_NAME);
    if (strncmp(note->tmp, TMP_FALLBACK, strlen(TMP_FALLBACK) - 6) == 0 &&
        strchr(note->tmp + 5, '/') == NULL) {
        profile_remove_tree(AT_FDCWD, note->tmp);
    }
}

static int make_tmp(struct profile *p, struct err *e)
{
    struct sockaddr_un un;
    p->tmp = mem_printf("%s/" TMP_NAME, p->dir);
    if (!p->tmp) {
        return err_set(e, E_NOMEM, "out of memory");
    }
    if (strlen(p->tmp) + sizeof(TMP_SOCKET) > sizeof(un.sun_path)) {
        free(p->tmp);
        p->tmp = mem_strdup(TMP_FALLBACK);
        if (!p->tmp) {
            return err_set(e, E_NOMEM, "out of memory");
        }
        if (!mkdtemp(p->tmp)) {
            free(p->tmp);
            p->tmp = NULL;
            return err_sys(e, E_IO, errno, "cannot make a temporary directory in /tmp");
        }
    } else if (mkdir(p->tmp, 0700) != 0) {
        return err_sys(e, E_IO, errno, "cannot make %s", p->tmp);
    }
    if (p->uid != (uid_t)-1 && lchown(p->tmp, p->uid, p->gid) != 0) {
        return err_sys(e, E_IO, errno, "cannot give %s to uid %ld", p->tmp, (long)p->uid);
    }
    return 0;
}

/* ---- take and release -------------------------------------------------------------------- */

int profile_take(struct profile *p, const char *dir, uid_t uid, gid_t gid, struct err *e)
{
    struct note note;
    *p = (struct profile){.dir_fd = -1, .lock_fd = -1, .uid = uid, .gid = gid};
    p->dir = mem_strdup(dir);
    if (!p->dir) {
        return err_set(e, E_NOMEM, "out of memory");
    }
    int r = profile_make_dir(p, dir, e);
    if (r != 0) {
        goto fail;
    }
    p->dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (p->dir_fd < 0) {
        r = err_sys(e, E_IO, errno, "cannot open the profile %s", dir);
        goto fail;
    }
    r = take_flock(p, &note, e);
    if (r != 0) {
        goto fail;
    }
    r = refuse_live_browser(p, &note, e);
    if (r == 0) {
        r = refuse_busy_databases(p, e);
    }
    if (r != 0) {
        goto fail;
    }
    remove_leftovers(p, &note);
    profile_mend_databases(p);
    r = make_tmp(p, e);
    if (r != 0) {
        goto fail;
    }
    write_note(p, 0);
    return 0;

fail:
    profile_release(p);
    return r;
}

void profile_release(struct profile *p)
{
    if (p->tmp) {
        profile_remove_tree(AT_FDCWD, p->tmp);
    }
    if (p->lock_fd >= 0) {
        if (p->tmp) {
            free(p->tmp);
            p->tmp = NULL;
            write_note(p, 0);
        }
        close(p->lock_fd); /* unlocks */
    }
    if (p->dir_fd >= 0) {
        close(p->dir_fd);
    }
    free(p->tmp);
    free(p->dir);
    p->tmp = p->dir = NULL;
    p->lock_fd = p->dir_fd = -1;
}
