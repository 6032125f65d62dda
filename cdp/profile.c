/*
 * Directories for a browser: profile, temporary directory, cache.
 *
 * Chromium drops org.chromium.* directories and sockets in TMPDIR and leaves them when killed, so
 * each browser gets a TMPDIR of its own that is simply emptied. It lies in the profile, unless that
 * path is too long for the socket that Chromium makes there (sun_path); then in /tmp under a random
 * name, written to the lock file so that the next daemon finds it.
 *
 * When we are root the profile belongs to another, less trusted user: nothing here follows a link
 * inside it.
 */
#include "profile_priv.h"

#include "mem.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define REMOVE_DEPTH 64

static int remove_below(int dir_fd, const char *name, int depth)
{
    if (unlinkat(dir_fd, name, 0) == 0 || errno == ENOENT) {
        return 0;
    }
    if (errno != EISDIR && errno != EPERM) {
        return -errno;
    }
    if (depth == 0) {
        return -ELOOP;
    }
    int fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) {
        return -errno;
    }
    DIR *dir = fdopendir(fd);
    if (!dir) {
        int sys = errno;
        close(fd);
        return -sys;
    }
    const struct dirent *entry;
    int r = 0;
    while (r == 0 && (entry = readdir(dir))) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {
            r = remove_below(fd, entry->d_name, depth - 1);
        }
    }
    closedir(dir);
    if (r == 0 && unlinkat(dir_fd, name, AT_REMOVEDIR) != 0 && errno != ENOENT) {
        r = -errno;
    }
    return r;
}

int profile_remove_tree(int dir_fd, const char *name)
{
    return remove_below(dir_fd, name, REMOVE_DEPTH);
}

/* Gives everything below fd to uid; used once, when a profile changes its owner. Takes fd. */
static int chown_below(int fd, uid_t uid, gid_t gid, int depth)
{
    DIR *dir = fdopendir(fd);
    if (!dir) {
        int sys = errno;
        close(fd);
        return -sys;
    }
    const struct dirent *entry;
    int r = fchown(fd, uid, gid) == 0 ? 0 : -errno;
    while (r == 0 && (entry = readdir(dir))) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) {
            continue;
        }
        if (strcmp(entry->d_name, PROFILE_LOCK_FILE) == 0) {
            continue;
        }
        int child =
            openat(fd, entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
        if (child >= 0) {
            r = depth > 0 ? chown_below(child, uid, gid, depth - 1) : -ELOOP;
            if (depth == 0) {
                close(child);
            }
        } else if (fchownat(fd, entry->d_name, uid, gid, AT_SYMLINK_NOFOLLOW) != 0 &&
                   errno != ENOENT) {
            r = -errno;
        }
    }
    closedir(dir);
    return r;
}

static int make_path(const char *path, struct err *e)
{
    char *copy = mem_strdup(path);
    if (!copy) {
        return err_set(e, E_NOMEM, "out of memory");
    }
    for (char *slash = strchr(copy + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdir(copy, 0700) != 0 && errno != EEXIST) {
            int r = err_sys(e, E_IO, errno, "cannot make the directory %s", copy);
            free(copy);
            return r;
        }
        *slash = '/';
    }
    int r = 0;
    if (mkdir(copy, 0700) != 0 && errno != EEXIST) {
        r = err_sys(e, E_IO, errno, "cannot make the directory %s", copy);
    }
    free(copy);
    return r;
}

/* The browser's user must be able to walk down to the directory. */
static int check_reach(const char *path, uid_t uid, gid_t gid, struct err *e)
{
    char part[4096];
    struct stat st;
    for (const char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        size_t len = (size_t)(slash - path);
        if (len >= sizeof(part)) {
            return err_set(e, E_INVALID, "the path of the profile is too long");
        }
        memcpy(part, path, len);
        part[len] = '\0';
        if (stat(part, &st) != 0) {
            return err_sys(e, E_IO, errno, "cannot look at %s", part);
        }
        mode_t need = st.st_uid == uid ? S_IXUSR : st.st_gid == gid ? S_IXGRP : S_IXOTH;
        if (uid != 0 && !(st.st_mode & need)) {
            return err_set(e, E_FORBIDDEN,
                           "the browser's user (uid %ld) cannot enter %s (mode %03o): "
                           "`chmod o+x` it or move the profiles",
                           (long)uid, part, (unsigned)(st.st_mode & 0777));
        }
    }
    return 0;
}

int profile_make_dir(const struct profile *p, const char *dir, struct err *e)
{
    struct stat st;
    if (dir[0] != '/') {
        return err_set(e, E_INVALID, "the directory %s must be an absolute path", dir);
    }
    int r = make_path(dir, e);
    if (r != 0) {
        return r;
    }
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) != 0) {
        r = err_sys(e, E_IO, errno, "cannot open the directory %s", dir);
        if (fd >= 0) {
            close(fd);
        }
        return r;
    }
    if (p->uid == (uid_t)-1) {
        close(fd);
        return 0;
    }
    if (st.st_uid != p->uid) {
        int sys = chown_below(fd, p->uid, p->gid, REMOVE_DEPTH);
        if (sys != 0) {
            return err_sys(e, E_IO, -sys, "cannot give %s to uid %ld", dir, (long)p->uid);
        }
    } else {
        close(fd);
    }
    return check_reach(dir, p->uid, p->gid, e);
}
