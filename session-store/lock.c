/*
 * One process a directory. LMDB's own lock file lets several processes in, so ours is beside it: an
 * flock with the holder's pid in the file, for the message to the second one. The lock dies with
 * its process; the file stays.
 */
#include "store_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOCK_FILE "wabridge.lock"

static int open_dir(struct store *s, const char *dir, struct err *e)
{
    struct stat st;
    if (dir == NULL || *dir != '/') {
        return err_set(e, E_INVALID, "the data directory must be an absolute path");
    }
    if (mkdir(dir, 0700) != 0 && errno != EEXIST) {
        return err_sys(e, errno == ENOSPC ? E_FULL : E_IO, errno, "cannot make %s", dir);
    }
    s->dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (s->dir_fd < 0) {
        return err_sys(e, errno == EACCES ? E_FORBIDDEN : E_IO, errno, "cannot open %s", dir);
    }
    if (fstat(s->dir_fd, &st) != 0) {
        return err_sys(e, E_IO, errno, "cannot look at %s", dir);
    }
    if (st.st_uid != geteuid()) {
        return err_set(e, E_FORBIDDEN, "%s belongs to another user (uid %u, we are uid %u)", dir,
                       (unsigned)st.st_uid, (unsigned)geteuid());
    }
    if ((st.st_mode & 07777) != 0700 && fchmod(s->dir_fd, 0700) != 0) {
        return err_sys(e, E_IO, errno, "cannot close %s to other users", dir);
    }
    return 0;
}

static int refuse(int fd, const char *dir, struct err *e)
{
    char pid[16] = "";
    ssize_t n = pread(fd, pid, sizeof(pid) - 1, 0);
    if (n > 0) {
        pid[strspn(pid, "0123456789")] = '\0';
    }
    return err_set(e, E_EXISTS, "another wabridge (pid %s) has %s open",
                   *pid == '\0' ? "unknown" : pid, dir);
}

int lock_take(struct store *s, const char *dir, struct err *e)
{
    char pid[16];
    int rc = open_dir(s, dir, e);
    if (rc != 0) {
        return rc;
    }
    int fd = openat(s->dir_fd, LOCK_FILE, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) {
        return err_sys(e, errno == ENOSPC ? E_FULL : E_IO, errno, "cannot open %s/%s", dir,
                       LOCK_FILE);
    }
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        rc = errno == EWOULDBLOCK ? refuse(fd, dir, e)
                                  : err_sys(e, E_IO, errno, "cannot lock %s", dir);
        close(fd);
        return rc;
    }
    s->lock_fd = fd;
    int len = snprintf(pid, sizeof(pid), "%ld\n", (long)getpid());
    if (ftruncate(fd, 0) != 0 || pwrite(fd, pid, (size_t)len, 0) != len) {
        return err_sys(e, errno == ENOSPC ? E_FULL : E_IO, errno, "cannot write %s/%s", dir,
                       LOCK_FILE);
    }
    return 0;
}
