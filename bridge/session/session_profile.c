/* Removing a profile: off the loop, following no link. */
#include "session_profile.h"

#include "err.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define DEPTH_MAX 64

static int remove_at(int dir, const char *name, int depth)
{
    if (unlinkat(dir, name, 0) == 0 || errno == ENOENT) {
        return 0;
    }
    if (errno != EISDIR && errno != EPERM) {
        return errno;
    }
    int fd = depth > 0 ? openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC) : -1;
    DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
    if (!d) {
        int sys = depth > 0 ? errno : ELOOP;
        if (fd >= 0) {
            close(fd);
        }
        return sys;
    }
    int sys = 0;
    const struct dirent *entry;
    while (sys == 0 && (entry = readdir(d))) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {
            sys = remove_at(fd, entry->d_name, depth - 1);
        }
    }
    closedir(d);
    if (sys == 0 && unlinkat(dir, name, AT_REMOVEDIR) != 0 && errno != ENOENT) {
        sys = errno;
    }
    return sys;
}

int session_tree_remove(int dir, const char *name, struct err *e)
{
    int sys = remove_at(dir, name, DEPTH_MAX);
    return sys == 0 ? 0 : err_sys(e, E_IO, sys, "cannot remove %s", name);
}

static int is_of(const char *name, const char *id)
{
    size_t len = strlen(id);
    return strncmp(name, id, len) == 0 &&
           (name[len] == '\0' || strncmp(name + len, ".quarantine-", 12) == 0);
}

int session_profile_remove(const char *dir, const char *id, struct err *e)
{
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) {
        return errno == ENOENT ? 0 : err_sys(e, E_IO, errno, "cannot open %s", dir);
    }
    DIR *d = fdopendir(fd);
    if (!d) {
        int sys = errno;
        close(fd);
        return err_sys(e, E_IO, sys, "cannot read %s", dir);
    }
    int sys = 0;
    const struct dirent *entry;
    while (sys == 0 && (entry = readdir(d))) {
        if (is_of(entry->d_name, id)) {
            sys = remove_at(fd, entry->d_name, DEPTH_MAX);
        }
    }
    closedir(d);
    return sys == 0 ? 0 : err_sys(e, E_IO, sys, "cannot remove the profile %s/%s", dir, id);
}
