/*
 * A profile, copied while its browser runs or not.
 *
 * The link lives in LevelDB (IndexedDB, Local Storage). Its files only grow or appear whole: tables
 * never change, logs and the MANIFEST are appended to, CURRENT names the MANIFEST. So all files of a
 * database are opened and their sizes noted; when the MANIFEST, CURRENT and the list of names are the
 * same after that as before, these sizes are one state of the database, as a killed browser would
 * have left it, and may be read at leisure: an open file stays when it is deleted. Else it is tried
 * again. A record that is half within the noted size is cut off at the next start of the session,
 * as it always is (cdp/profile_database.c).
 *
 * The other files are small SQLite databases that the link does not depend on: they are read until
 * they were the same before and after, or as they are, and Chromium makes a broken one anew.
 *
 * The files belong to the browser's user: nothing is reached through a link, only regular files are
 * read.
 */
#include "profile_files.h"

#include "mem.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define FILES_MAX 8192
#define TRIES 200
#define PAUSE_MS 10
#define DEPTH_MAX 16
#define SMALL_MAX (32u << 20)

static const char *const wanted[] = {
    "Default/IndexedDB",
    "Default/Local Storage",
    "Default/Session Storage",
    "Default/WebStorage",
    "Default/Service Worker/Database",
    "Default/Cookies",
    "Default/Cookies-journal",
    "Default/Network/Cookies",
    "Default/Network/Cookies-journal",
};

struct held {
    char name[256];
    int fd;
    uint64_t size;
};

struct holding {
    struct held *list;
    size_t count, cap;
};

static void pause_briefly(void)
{
    const struct timespec t = {.tv_nsec = PAUSE_MS * 1000000L};
    (void)nanosleep(&t, NULL);
}

static int open_regular(int dir, const char *name, struct stat *st)
{
    int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd >= 0 && (fstat(fd, st) != 0 || !S_ISREG(st->st_mode))) {
        close(fd);
        errno = ENOENT;
        fd = -1;
    }
    return fd;
}

static DIR *list_of(int dir)
{
    int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
    if (d == NULL && fd >= 0) {
        close(fd);
    }
    return d;
}

/* ---- a LevelDB database ----------------------------------------------------------------------- */

static bool no_part(const char *name)
{
    return name[0] == '.' || strcmp(name, "LOCK") == 0 || strncmp(name, "LOG", 3) == 0;
}

static void let_go(struct holding *h)
{
    for (size_t i = 0; i < h->count; i++) {
        close(h->list[i].fd);
    }
    h->count = 0;
}

static int hold(struct holding *h, int dir, const char *name, struct err *e)
{
    struct stat st;
    if (strlen(name) >= sizeof(h->list->name) || h->count == FILES_MAX) {
        return err_set(e, E_TOOLARGE, "a profile has too many files");
    }
    if (h->count == h->cap) {
        size_t cap = h->cap == 0 ? 64 : 2 * h->cap;
        struct held *list = mem_realloc(h->list, cap * sizeof(*list));
        if (list == NULL) {
            return err_set(e, E_NOMEM, "out of memory");
        }
        h->list = list;
        h->cap = cap;
    }
    int fd = open_regular(dir, name, &st);
    if (fd < 0) {
        return errno == ENOENT || errno == ELOOP
                   ? 0 /* went just now; the second look tells */
                   : err_sys(e, E_IO, errno, "cannot open %s of a profile", name);
    }
    struct held *f = &h->list[h->count++];
    (void)snprintf(f->name, sizeof(f->name), "%s", name);
    f->fd = fd;
    f->size = (uint64_t)st.st_size;
    return 0;
}

static int hold_all(struct holding *h, int dir, struct err *e)
{
    DIR *d = list_of(dir);
    int rc = d == NULL ? err_sys(e, E_IO, errno, "cannot read a profile") : 0;
    for (struct dirent *it; rc == 0 && (it = readdir(d)) != NULL;) {
        if (!no_part(it->d_name)) {
            rc = hold(h, dir, it->d_name, e);
        }
    }
    if (d != NULL) {
        closedir(d);
    }
    return rc;
}

static const struct held *find(const struct holding *h, const char *name)
{
    for (size_t i = 0; i < h->count; i++) {
        if (strcmp(h->list[i].name, name) == 0) {
            return &h->list[i];
        }
    }
    return NULL;
}

static bool same_names(const struct holding *h, int dir)
{
    size_t seen = 0;
    bool same = true;
    DIR *d = list_of(dir);
    for (struct dirent *it; d != NULL && same && (it = readdir(d)) != NULL;) {
        if (!no_part(it->d_name)) {
            same = find(h, it->d_name) != NULL;
            seen++;
        }
    }
    if (d != NULL) {
        closedir(d);
    }
    return d != NULL && same && seen == h->count;
}

struct mark {
    char current[64];
    off_t size; /* of the MANIFEST that it names */
    ino_t inode;
};

static bool read_mark(int dir, struct mark *m)
{
    struct stat st;
    memset(m, 0, sizeof(*m));
    int fd = open_regular(dir, "CURRENT", &st);
    ssize_t n = fd >= 0 ? read(fd, m->current, sizeof(m->current) - 1) : -1;
    if (fd >= 0) {
        close(fd);
    }
    if (n <= 0) {
        return false;
    }
    m->current[strcspn(m->current, "\n")] = '\0';
    if (strncmp(m->current, "MANIFEST-", 9) != 0 || strchr(m->current, '/') != NULL ||
        fstatat(dir, m->current, &st, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(st.st_mode)) {
        return false;
    }
    m->size = st.st_size;
    m->inode = st.st_ino;
    return true;
}

static int pack_held(struct pack_writer *p, const struct holding *h, const char *prefix,
                     struct err *e)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < h->count; i++) {
        char name[PACK_NAME_MAX + 1];
        const struct held *f = &h->list[i];
        if (snprintf(name, sizeof(name), "%s/%s", prefix, f->name) >= (int)sizeof(name)) {
            return err_set(e, E_TOOLARGE, "a profile has a path that is too long");
        }
        rc = pack_fd(p, name, f->fd, f->size, e);
    }
    return rc;
}

static int pack_database(struct pack_writer *p, int dir, const char *prefix, struct err *e)
{
    struct holding h = {0};
    struct mark before, after;
    int rc = 0;
    bool whole = false;
    for (unsigned i = 0; rc == 0 && !whole && i < TRIES; i++) {
        if (i > 0) {
            pause_briefly();
        }
        let_go(&h);
        bool begun = read_mark(dir, &before);
        rc = hold_all(&h, dir, e);
        whole = rc == 0 && begun && read_mark(dir, &after) &&
                strcmp(before.current, after.current) == 0 && before.size == after.size &&
                before.inode == after.inode && same_names(&h, dir);
    }
    if (rc == 0 && !whole) {
        rc = err_word(e, E_STATE, "profile_busy",
                      "the browser changes %.100s faster than it can be copied: try again, or stop "
                      "the session first",
                      prefix);
    }
    rc = rc != 0 ? rc : pack_held(p, &h, prefix, e);
    let_go(&h);
    free(h.list);
    return rc;
}

/* ---- other files ------------------------------------------------------------------------------ */

static bool unchanged(int fd, const struct stat *before)
{
    struct stat now;
    return fstat(fd, &now) == 0 && now.st_size == before->st_size &&
           now.st_mtim.tv_sec == before->st_mtim.tv_sec &&
           now.st_mtim.tv_nsec == before->st_mtim.tv_nsec;
}

static int pack_file(struct pack_writer *p, int dir, const char *name, const char *as,
                     struct err *e)
{
    struct stat st;
    int fd = open_regular(dir, name, &st);
    if (fd < 0) {
        return errno == ENOENT || errno == ELOOP
                   ? 0
                   : err_sys(e, E_IO, errno, "cannot open %.150s", as);
    }
    if (st.st_size > (off_t)SMALL_MAX) {
        int rc = pack_fd(p, as, fd, (uint64_t)st.st_size, e);
        close(fd);
        return rc;
    }
    unsigned char *bytes = NULL;
    size_t len = 0;
    int rc = 0;
    for (unsigned i = 0; rc == 0 && i < TRIES; i++) {
        free(bytes);
        len = (size_t)st.st_size;
        bytes = mem_malloc(len + 1);
        ssize_t n = bytes != NULL ? pread(fd, bytes, len, 0) : 0;
        rc = bytes == NULL ? err_set(e, E_NOMEM, "out of memory")
             : n < 0       ? err_sys(e, E_IO, errno, "cannot read %.150s", as)
                           : 0;
        if (rc == 0 && n == (ssize_t)len && unchanged(fd, &st)) {
            break;
        }
        len = n > 0 ? (size_t)n : 0;
        pause_briefly();
        if (rc == 0 && fstat(fd, &st) != 0) {
            rc = err_sys(e, E_IO, errno, "cannot look at %.150s", as);
        }
    }
    rc = rc != 0 ? rc : pack_text(p, as, bytes, len, e);
    free(bytes);
    close(fd);
    return rc;
}

static int pack_below(struct pack_writer *p, int dir, const char *prefix, int depth,
                      struct err *e);

static int pack_entry(struct pack_writer *p, int dir, const char *name, const char *as, int depth,
                      struct err *e)
{
    int fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) {
        return errno == ENOTDIR ? pack_file(p, dir, name, as, e)
               : errno == ENOENT || errno == ELOOP
                   ? 0
                   : err_sys(e, E_IO, errno, "cannot open %.150s", as);
    }
    struct mark m;
    int rc = read_mark(fd, &m) ? pack_database(p, fd, as, e)
             : depth > 0       ? pack_below(p, fd, as, depth - 1, e)
                               : 0;
    close(fd);
    return rc;
}

static int pack_below(struct pack_writer *p, int dir, const char *prefix, int depth, struct err *e)
{
    DIR *d = list_of(dir);
    int rc = d == NULL ? err_sys(e, E_IO, errno, "cannot read %.150s", prefix) : 0;
    for (struct dirent *it; rc == 0 && (it = readdir(d)) != NULL;) {
        char as[PACK_NAME_MAX + 1];
        if (it->d_name[0] == '.') {
            continue;
        }
        if (snprintf(as, sizeof(as), "%s/%s", prefix, it->d_name) >= (int)sizeof(as)) {
            rc = err_set(e, E_TOOLARGE, "a profile has a path that is too long");
        } else {
            rc = pack_entry(p, dir, it->d_name, as, depth, e);
        }
    }
    if (d != NULL) {
        closedir(d);
    }
    return rc;
}

/* ---- all of it -------------------------------------------------------------------------------- */

/* Down to the directory that holds the last component of path, through no link; -1 with errno. */
static int open_parent(int top, const char *path, const char **last)
{
    char name[256];
    int at = openat(top, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    for (const char *slash; at >= 0 && (slash = strchr(path, '/')) != NULL; path = slash + 1) {
        (void)snprintf(name, sizeof(name), "%.*s", (int)(slash - path), path);
        int next = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        int why = errno;
        close(at);
        at = next;
        errno = why;
    }
    *last = path;
    return at;
}

int profile_pack(struct pack_writer *p, const char *dir, const char *prefix, struct err *e)
{
    int top = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (top < 0) {
        return errno == ENOENT ? 0 : err_sys(e, E_IO, errno, "cannot open the profile %s", dir);
    }
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < sizeof(wanted) / sizeof(wanted[0]); i++) {
        char as[PACK_NAME_MAX + 1];
        const char *name;
        int parent = open_parent(top, wanted[i], &name);
        if (parent < 0) {
            rc = errno == ENOENT || errno == ENOTDIR || errno == ELOOP
                     ? 0
                     : err_sys(e, E_IO, errno, "cannot open %s of the profile %s", wanted[i], dir);
            continue;
        }
        (void)snprintf(as, sizeof(as), "%s/%s", prefix, wanted[i]);
        rc = pack_entry(p, parent, name, as, DEPTH_MAX, e);
        close(parent);
    }
    close(top);
    return rc;
}
