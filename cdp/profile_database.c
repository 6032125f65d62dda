/*
 * The databases of a profile's pages (LevelDB): IndexedDB holds the link to the account.
 *
 * A browser that is killed may leave half a record at the end of a log. Chromium opens its
 * databases with reuse_logs: it goes on writing behind that half record, the next start finds it in
 * the middle of the log, takes the whole database for broken and begins an empty one. Two kills in
 * a row so lose the link. So the half record is cut off before each start, as LevelDB itself skips
 * it at the end of a log. Then what the browser had begun and not finished is taken back where
 * Chromium cannot do it (profile_scopes.c). A database that is locked by a browser that still dies
 * is left alone and waited for.
 *
 * The files belong to the browser's user, we may be root: nothing is reached through a link, and
 * only a regular file of that user under one name is changed.
 */
#include "profile_priv.h"
#include "profile_scopes_priv.h"

#include "log.h"
#include "mem.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOG_HEADER 7u
#define MANIFEST "MANIFEST-"
#define LOGS_MAX 8 /* of one database: one is written, another may be on its way into a table */
#define LOG_MAX (64u << 20)

/* ---- files ----------------------------------------------------------------------------------- */

/* The directory path (components of plain names) below fd, reached through no link; -1. */
static int open_below(int fd, const char *path)
{
    char name[256];
    int at = dup(fd);
    while (at >= 0 && *path != '\0') {
        size_t len = strcspn(path, "/");
        if (len == 0 || len >= sizeof(name)) {
            close(at);
            return -1;
        }
        memcpy(name, path, len);
        name[len] = '\0';
        int next = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        close(at);
        at = next;
        path += len + (path[len] == '/');
    }
    return at;
}

/* A regular file of the browser's user; -1. */
static int open_file(const struct profile *p, int dir, const char *name, struct stat *st)
{
    uid_t owner = p->uid != (uid_t)-1 ? p->uid : geteuid();
    int fd = openat(dir, name, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0) {
        return -1;
    }
    if (fstat(fd, st) != 0 || !S_ISREG(st->st_mode) || st->st_nlink != 1 || st->st_uid != owner) {
        close(fd);
        return -1;
    }
    return fd;
}

static pid_t holder_of(const struct profile *p, int dir)
{
    struct stat st;
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    int fd = open_file(p, dir, "LOCK", &st);
    if (fd < 0) {
        return 0;
    }
    bool held = fcntl(fd, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
    close(fd);
    return held ? lock.l_pid : 0;
}

/* All of a file of at most LOG_MAX bytes. Gives (free()); NULL when it cannot be read. */
static unsigned char *read_all(int fd, const struct stat *st, size_t *len)
{
    *len = st->st_size > 0 && st->st_size <= (off_t)LOG_MAX ? (size_t)st->st_size : 0;
    unsigned char *data = *len > 0 ? mem_malloc(*len) : NULL;
    if (data && pread(fd, data, *len, 0) != (ssize_t)*len) {
        free(data);
        data = NULL;
    }
    return data;
}

/* ---- half a record ----------------------------------------------------------------------------
 */

static void mend_log(const struct profile *p, int dir, const char *name)
{
    struct stat st;
    size_t len = 0;
    int fd = open_file(p, dir, name, &st);
    unsigned char *log = fd >= 0 ? read_all(fd, &st, &len) : NULL;
    size_t whole = log ? profile_log_whole(log, len) : len;
    /* A new log may have only half a record so far; a MANIFEST never is without a whole one. */
    bool begun = strncmp(name, MANIFEST, strlen(MANIFEST)) != 0 && log &&
                 (len < LOG_HEADER || log[6] == 1 || log[6] == 2);
    if (whole < len && (whole > 0 || begun)) {
        if (ftruncate(fd, (off_t)whole) == 0) {
            log_warn(NULL, "profile.mended",
                     "%s: cut %zu bytes that a killed browser wrote half off %s", p->dir,
                     len - whole, name);
        } else {
            log_warn(NULL, "profile.mend", "%s: %s ends in half a record and cannot be cut: %s",
                     p->dir, name, strerror(errno));
        }
    }
    free(log);
    if (fd >= 0) {
        close(fd);
    }
}

/* ---- transactions that were not finished ------------------------------------------------------
 */

struct log_list {
    unsigned long number[LOGS_MAX]; /* ascending */
    size_t count;
    bool more; /* than are listed */
};

static void list_add(struct log_list *l, unsigned long number)
{
    if (l->count == LOGS_MAX) {
        l->more = true;
        return;
    }
    size_t i = l->count++;
    for (; i > 0 && l->number[i - 1] > number; i--) {
        l->number[i] = l->number[i - 1];
    }
    l->number[i] = number;
}

static bool append(int fd, off_t at, const struct buf *b)
{
    return pwrite(fd, b->data, b->len, at) == (ssize_t)b->len && fdatasync(fd) == 0;
}

/* Opens and reads every log; the number that was, the last one's descriptor in *last. */
static size_t read_logs(const struct profile *p, int dir, const struct log_list *l,
                        struct bytes *logs, int *last)
{
    char name[32];
    size_t n = 0;
    for (; n < l->count; n++) {
        struct stat st;
        size_t len = 0;
        (void)snprintf(name, sizeof(name), "%06lu.log", l->number[n]);
        int fd = open_file(p, dir, name, &st);
        unsigned char *data = fd >= 0 ? read_all(fd, &st, &len) : NULL;
        bool readable = fd >= 0 && (data || st.st_size == 0);
        logs[n] = (struct bytes){data, len};
        if (readable && n + 1 == l->count) {
            *last = fd;
        } else if (fd >= 0) {
            close(fd);
        }
        if (!readable) {
            break;
        }
    }
    return n;
}

static void undo_unfinished(const struct profile *p, int dir, const struct log_list *l)
{
    struct bytes logs[LOGS_MAX];
    struct buf out;
    int fd = -1;
    size_t total = 0, n = read_logs(p, dir, l, logs, &fd);
    buf_init(&out, LOG_MAX);
    for (size_t i = 0; i < n; i++) {
        total += logs[i].len;
    }
    unsigned char *joined = n == l->count && total > 0 ? mem_malloc(total) : NULL;
    size_t open = joined ? profile_scopes_undo(logs, n, joined, &out) : 0;
    if (open > 0 && append(fd, (off_t)logs[n - 1].len, &out)) {
        log_warn(NULL, "profile.mended",
                 "%s: took back %zu transactions that a killed browser did not finish", p->dir,
                 open);
    } else if (open > 0) {
        log_warn(NULL, "profile.mend", "%s: %zu unfinished transactions cannot be taken back: %s",
                 p->dir, open, strerror(errno));
    }
    for (size_t i = 0; i < n; i++) {
        free((void *)(uintptr_t)logs[i].p);
    }
    free(joined);
    buf_finish(&out);
    if (fd >= 0) {
        close(fd);
    }
}

static void mend_logs(const struct profile *p, int dir)
{
    struct log_list list = {0};
    int fd = dup(dir);
    DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
    if (!d) {
        if (fd >= 0) {
            close(fd);
        }
        return;
    }
    rewinddir(d); /* its place is shared with whoever read the directory before */
    for (struct dirent *it; (it = readdir(d)) != NULL;) {
        char *end = NULL;
        unsigned long number = strtoul(it->d_name, &end, 10);
        bool log = end != it->d_name && strcmp(end, ".log") == 0;
        if (log || strncmp(it->d_name, MANIFEST, strlen(MANIFEST)) == 0) {
            mend_log(p, dir, it->d_name);
        }
        if (log) {
            list_add(&list, number);
        }
    }
    closedir(d);
    if (list.count > 0 && !list.more) {
        undo_unfinished(p, dir, &list);
    }
}

/* ---- every database ---------------------------------------------------------------------------
 */

static pid_t look_at(const struct profile *p, int dir, bool mend)
{
    if (dir < 0) {
        return 0;
    }
    pid_t holder = 0;
    if (mend) {
        mend_logs(p, dir);
    } else {
        holder = holder_of(p, dir);
    }
    close(dir);
    return holder;
}

static pid_t each_database(const struct profile *p, bool mend)
{
    pid_t holder = look_at(p, open_below(p->dir_fd, "Default/Local Storage/leveldb"), mend);
    int parent = open_below(p->dir_fd, "Default/IndexedDB");
    DIR *d = parent >= 0 ? fdopendir(parent) : NULL;
    if (!d) {
        if (parent >= 0) {
            close(parent);
        }
        return holder;
    }
    for (struct dirent *it; holder == 0 && (it = readdir(d)) != NULL;) {
        if (it->d_name[0] != '.') {
            holder = look_at(p, open_below(parent, it->d_name), mend);
        }
    }
    closedir(d);
    return holder;
}

pid_t profile_database_holder(const struct profile *p)
{
    return each_database(p, false);
}

void profile_mend_databases(const struct profile *p)
{
    (void)each_database(p, true);
}
