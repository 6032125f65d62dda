#include "storage.h"

#include "mem.h"
#include "session_profile.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEPTH_MAX 32
#define ASIDE_MAX 1024
#define ASIDE ".quarantine-"

/* Below the profile; Chromium makes them again. Not among them: Service Worker/Database and
 * IndexedDB, which hold the link. */
static const char *const caches[] = {
    "Default/Cache",        "Default/Code Cache",  "Default/GPUCache",
    "Default/DawnCache",    "Default/DawnGraphiteCache", "Default/DawnWebGPUCache",
    "Default/Service Worker/CacheStorage", "Default/Service Worker/ScriptCache",
    "GrShaderCache",        "GraphiteDawnCache",   "ShaderCache",
};

/* Opens what `path` below dir lies in, following no link on the way: the browser's user owns the
 * profile, and may have put anything there. *last: the name in it. -1: there is no such place. */
static int enter(int dir, const char *path, const char **last)
{
    int fd = fcntl(dir, F_DUPFD_CLOEXEC, 0);
    const char *slash;
    while (fd >= 0 && (slash = strchr(path, '/'))) {
        char name[256];
        (void)snprintf(name, sizeof(name), "%.*s", (int)(slash - path), path);
        int next = openat(fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        close(fd);
        fd = next;
        path = slash + 1;
    }
    *last = path;
    return fd;
}

/* ---- measuring -------------------------------------------------------------------------------- */

static uint64_t tree_bytes(int dir, const char *name, int depth)
{
    struct stat st;
    if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) != 0) {
        return 0;
    }
    uint64_t bytes = (uint64_t)st.st_blocks * 512;
    if (!S_ISDIR(st.st_mode) || depth == 0) {
        return bytes;
    }
    int fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
    if (!d) {
        if (fd >= 0) {
            close(fd);
        }
        return bytes;
    }
    const struct dirent *entry;
    while ((entry = readdir(d))) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {
            bytes += tree_bytes(fd, entry->d_name, depth - 1);
        }
    }
    closedir(d);
    return bytes;
}

static int open_dir(const char *dir, struct err *e)
{
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 && errno != ENOENT) {
        (void)err_sys(e, E_IO, errno, "cannot open %s", dir);
    }
    return fd;
}

/* ---- profiles set aside ----------------------------------------------------------------------- */

struct aside {
    char name[256];
    uint64_t at_ms;
};

static int newest_first(const void *a, const void *b)
{
    uint64_t x = ((const struct aside *)a)->at_ms, y = ((const struct aside *)b)->at_ms;
    return x > y ? -1 : x < y;
}

/* Those of this session, newest first; at most ASIDE_MAX. Gives *out. Negative: E_*. */
static int list_aside(int fd, const char *id, struct aside **out, struct err *e)
{
    size_t len = strlen(id);
    int n = 0;
    int own = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    DIR *d = own >= 0 ? fdopendir(own) : NULL;
    *out = d ? mem_calloc(ASIDE_MAX, sizeof(**out)) : NULL;
    if (!*out) {
        if (d) {
            closedir(d);
            return err_set(e, E_NOMEM, "out of memory");
        }
        if (own >= 0) {
            close(own);
        }
        return err_set(e, E_IO, "the profiles of %s cannot be listed", id);
    }
    const struct dirent *entry;
    while (n < ASIDE_MAX && (entry = readdir(d))) {
        const char *name = entry->d_name;
        if (strncmp(name, id, len) == 0 && strncmp(name + len, ASIDE, sizeof(ASIDE) - 1) == 0) {
            struct aside *a = &(*out)[n++];
            (void)snprintf(a->name, sizeof(a->name), "%s", name);
            a->at_ms = strtoull(name + len + sizeof(ASIDE) - 1, NULL, 10);
        }
    }
    closedir(d);
    qsort(*out, (size_t)n, sizeof(**out), newest_first);
    return n;
}

int storage_prune(const char *dir, const char *id, unsigned keep, uint64_t max_age_ms,
                  uint64_t now_ms, struct err *e)
{
    struct err why;
    struct aside *all = NULL;
    err_clear(&why);
    int fd = open_dir(dir, &why);
    if (fd < 0) {
        err_copy(e, &why);
        return why.code;
    }
    int n = list_aside(fd, id, &all, e);
    int rc = n < 0 ? n : 0;
    for (int i = 0; i < n && rc == 0; i++) {
        bool old = max_age_ms > 0 && all[i].at_ms < now_ms && now_ms - all[i].at_ms > max_age_ms;
        if ((unsigned)i >= keep || old) {
            rc = session_tree_remove(fd, all[i].name, e);
        }
    }
    free(all);
    close(fd);
    return rc;
}

/* ---- a session -------------------------------------------------------------------------------- */

int storage_measure(const char *dir, const char *id, struct storage *out, struct err *e)
{
    struct err why;
    struct aside *all = NULL;
    *out = (struct storage){0};
    err_clear(&why);
    int fd = open_dir(dir, &why);
    if (fd < 0) {
        err_copy(e, &why);
        return why.code;
    }
    char path[512];
    for (size_t i = 0; i < sizeof(caches) / sizeof(caches[0]); i++) {
        (void)snprintf(path, sizeof(path), "%s/%s", id, caches[i]);
        const char *name;
        int in = enter(fd, path, &name);
        if (in >= 0) {
            out->cache_bytes += tree_bytes(in, name, DEPTH_MAX);
            close(in);
        }
    }
    uint64_t whole = tree_bytes(fd, id, DEPTH_MAX);
    out->profile_bytes = whole > out->cache_bytes ? whole - out->cache_bytes : 0;
    int n = list_aside(fd, id, &all, e);
    for (int i = 0; i < n; i++) {
        out->quarantined++;
        out->quarantine_bytes += tree_bytes(fd, all[i].name, DEPTH_MAX);
    }
    free(all);
    close(fd);
    return n < 0 ? n : 0;
}

int storage_clear_caches(const char *dir, const char *id, struct err *e)
{
    struct err why;
    err_clear(&why);
    int fd = open_dir(dir, &why), rc = 0;
    if (fd < 0) {
        err_copy(e, &why);
        return why.code;
    }
    char path[512];
    for (size_t i = 0; i < sizeof(caches) / sizeof(caches[0]) && rc == 0; i++) {
        (void)snprintf(path, sizeof(path), "%s/%s", id, caches[i]);
        const char *name;
        int in = enter(fd, path, &name);
        if (in >= 0) {
            rc = session_tree_remove(in, name, e);
            close(in);
        }
    }
    close(fd);
    return rc;
}
