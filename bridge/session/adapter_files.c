/* Builds of wa-js on disk. A crash in between leaves the old file in use, whole, or the new one. */
#include "adapter.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#define PATH_LEN 4096

static int write_all(int fd, const char *data, size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, data, len);
        if (n < 0 && errno != EINTR) {
            return errno;
        }
        data += n > 0 ? n : 0;
        len -= n > 0 ? (size_t)n : 0;
    }
    return fsync(fd) == 0 ? 0 : errno;
}

static int replace(const char *dir, const char *name, const struct wa_js *w, struct err *e)
{
    char path[PATH_LEN], fresh[PATH_LEN];
    int n = snprintf(path, sizeof(path), "%s/%s", dir, name);
    int m = snprintf(fresh, sizeof(fresh), "%s/%s.new", dir, name);
    if (n < 0 || m < 0 || (size_t)m >= sizeof(fresh)) {
        return err_set(e, E_INVALID, "the path of the data is too long");
    }
    (void)unlink(fresh);
    int fd = open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0) {
        return err_sys(e, E_IO, errno, "cannot make %s", fresh);
    }
    int sys = write_all(fd, w->lib, w->lib_len);
    if (close(fd) != 0 && sys == 0) {
        sys = errno;
    }
    if (sys == 0 && rename(fresh, path) != 0) {
        sys = errno;
    }
    if (sys != 0) {
        (void)unlink(fresh);
        return err_sys(e, sys == ENOSPC ? E_FULL : E_IO, sys, "cannot write %s", path);
    }
    return 0;
}

static int forget(const char *dir, struct err *e)
{
    char path[PATH_LEN];
    int n = snprintf(path, sizeof(path), "%s/%s", dir, ADAPTER_PREVIOUS_FILE);
    if (n < 0 || (size_t)n >= sizeof(path) || (unlink(path) != 0 && errno != ENOENT)) {
        return err_sys(e, E_IO, errno, "cannot remove the build that failed");
    }
    return 0;
}

int adapter_install(const char *data_dir, const struct wa_js *now, const struct wa_js *before,
                    struct err *e)
{
    int rc = before ? replace(data_dir, ADAPTER_PREVIOUS_FILE, before, e) : 0;
    rc = rc != 0 ? rc : replace(data_dir, ADAPTER_FILE, now, e);
    rc = rc != 0 || before ? rc : forget(data_dir, e);
    int dir = rc == 0 ? open(data_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    if (dir >= 0) {
        if (fsync(dir) != 0) {
            rc = err_sys(e, E_IO, errno, "cannot sync %s", data_dir);
        }
        close(dir);
    }
    return rc;
}
