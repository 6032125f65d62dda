/*
 * The databases of a profile's pages (LevelDB): IndexedDB holds the link to the account.
 *
 * A browser that is killed may leave half a record at the end of a log. Chromium opens its
 * databases with reuse_logs: it goes on writing behind that half record, the next start finds it in
 * the middle of the log, takes the whole database for broken and begins an empty one. Two kills in
 * a row so lose the link. So the half record is cut off before each start, as LevelDB itself skips
 * it at the end of a log. A database that is locked by a browser that still dies is left alone and
 * waited for.
 *
 * The files belong to the browser's user, we may be root: nothing is reached through a link, and
 * only a regular file of that user under one name is changed.
 */
#include "profile_priv.h"

#include "log.h"
#include "mem.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOG_BLOCK 32768u
#define LOG_HEADER 7u
#define LOG_FIRST_LAST_CHECKED (2 * LOG_BLOCK) /* at the end of a log sums are checked too */
#define LOG_MAX (64u << 20)

/* ---- the form of a log (LevelDB, doc/log_format.md) ----------------------------------------- */

enum { RECORD_FULL = 1, RECORD_FIRST, RECORD_MIDDLE, RECORD_LAST };

/* CRC-32C of type and data, masked as LevelDB stores it. */
static uint32_t record_sum(const unsigned char *p, size_t len)
{
    uint32_t crc = 0xFFFFFFFFu;
    for (size_t i = 0; i < len; i++) {
        crc ^= p[i];
        for (int bit = 0; bit < 8; bit++) {
            crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0x82F63B78u : 0);
        }
    }
    crc = ~crc;
    return ((crc >> 15) | (crc << 17)) + 0xA282EAD8u;
}

static uint32_t sum_of(const unsigned char *header)
{
    return (uint32_t)header[0] | (uint32_t)header[1] << 8 | (uint32_t)header[2] << 16 |
           (uint32_t)header[3] << 24;
}

/* The length of the record at `at` with its header, or 0 when there is no whole one. */
static size_t record_at(const unsigned char *log, size_t len, size_t at)
{
    const unsigned char *h = log + at;
    if (at + LOG_HEADER > len) {
        return 0;
    }
    size_t data = (size_t)h[4] | (size_t)h[5] << 8;
    size_t whole = LOG_HEADER + data;
    if (h[6] < RECORD_FULL || h[6] > RECORD_LAST || at % LOG_BLOCK + whole > LOG_BLOCK ||
        at + whole > len) {
        return 0;
    }
    bool checked = at + LOG_FIRST_LAST_CHECKED >= len;
    return !checked || record_sum(h + 6, data + 1) == sum_of(h) ? whole : 0;
}

size_t profile_log_whole(const unsigned char *log, size_t len)
{
    size_t at = 0, good = 0;
    for (;;) {
        size_t room = LOG_BLOCK - at % LOG_BLOCK;
        if (room < LOG_HEADER) {
            at += room; /* the end of a block is filled with zeros */
        }
        if (at >= len) {
            return len - good < LOG_HEADER ? len : good;
        }
        size_t whole = record_at(log, len, at);
        if (whole == 0) {
            return good;
        }
        at += whole;
        unsigned char type = log[at - whole + 6];
        if (type == RECORD_FULL || type == RECORD_LAST) {
            good = at;
        }
    }
}

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

static void mend_log(const struct profile *p, int dir, const char *name)
{
    struct stat st;
    int fd = open_file(p, dir, name, &st);
    size_t len = fd >= 0 && st.st_size > 0 && st.st_size <= (off_t)LOG_MAX ? (size_t)st.st_size : 0;
    unsigned char *log = len > 0 ? mem_calloc(1, len) : NULL;
    size_t whole = len;
    if (log && pread(fd, log, len, 0) == (ssize_t)len) {
        whole = profile_log_whole(log, len);
    }
    /* A new log may have only half a record so far; a MANIFEST never is without a whole one. */
    bool begun = strncmp(name, "MANIFEST-", 9) != 0 &&
                 (len < LOG_HEADER || (log && (log[6] == RECORD_FULL || log[6] == RECORD_FIRST)));
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

static void mend_logs(const struct profile *p, int dir)
{
    int fd = dup(dir);
    DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
    if (!d) {
        if (fd >= 0) {
            close(fd);
        }
        return;
    }
    for (struct dirent *it; (it = readdir(d)) != NULL;) {
        size_t len = strlen(it->d_name);
        if (strncmp(it->d_name, "MANIFEST-", 9) == 0 ||
            (len > 4 && strcmp(it->d_name + len - 4, ".log") == 0)) {
            mend_log(p, dir, it->d_name);
        }
    }
    closedir(d);
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
