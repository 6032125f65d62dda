/*
 * Two walls, both from the kernel, both inherited by the browsers:
 *
 *   Landlock   files are written below the data directory and a few places of the system only, and
 *              programs run from the system's folders only: what was downloaded cannot be executed.
 *              Reading is left to the modes of files.
 *   seccomp    system calls that no part of us has a use for (modules, mounts, tracing, clocks,
 *              key rings, bpf …) fail with EPERM.
 *
 * Without CAP_SYS_ADMIN both need no_new_privs, under which Chromium's setuid sandbox helper cannot
 * work: its other sandbox, by user namespaces, must be there, or the walls are left out ("auto").
 * A Landlock domain cannot rename across folders before ABI 2, so that is the least we take.
 */
#include "confine.h"

#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <linux/capability.h>
#include <linux/landlock.h>
#include <sched.h>
#include <seccomp.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* A sanitizer's leak check traces its own process. */
#if defined(__SANITIZE_ADDRESS__)
#define TRACED 1
#else
#define TRACED 0
#endif

void confine_memory(void)
{
    struct rlimit none = {0, 0};
    (void)setrlimit(RLIMIT_CORE, &none);
    if (!TRACED) {
        (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    }
}

/* ---- may we ---------------------------------------------------------------------------------- */

static bool privileged(void)
{
    struct __user_cap_header_struct h = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct d[2] = {{0}};
    return syscall(SYS_capget, &h, d) == 0 && (d[0].effective & (1u << CAP_SYS_ADMIN)) != 0;
}

/* Whether this user can make a user namespace: only a try tells. */
static bool has_user_namespaces(void)
{
    pid_t pid = fork();
    if (pid == 0) {
        _exit(unshare(CLONE_NEWUSER) == 0 ? 0 : 1);
    }
    int status = 1;
    while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    return pid > 0 && status == 0;
}

/* ---- files ----------------------------------------------------------------------------------- */

#ifndef LANDLOCK_ACCESS_FS_TRUNCATE
#define LANDLOCK_ACCESS_FS_TRUNCATE (1ULL << 14) /* ABI 3 */
#endif
#define WRITING                                                                                    \
    (LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR |                               \
     LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_DIR | \
     LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO |   \
     LANDLOCK_ACCESS_FS_MAKE_BLOCK | LANDLOCK_ACCESS_FS_MAKE_SYM | LANDLOCK_ACCESS_FS_REFER)

/* What is not there needs no rule. */
static int allow(int ruleset, const char *path, uint64_t rights, struct err *e)
{
    int fd = open(path, O_PATH | O_CLOEXEC);
    if (fd < 0) {
        return 0;
    }
    struct landlock_path_beneath_attr rule = {.allowed_access = rights, .parent_fd = fd};
    int rc = (int)syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
    int sys = errno;
    close(fd);
    return rc == 0 ? 0 : err_sys(e, E_IO, sys, "cannot allow %s to the daemon", path);
}

static int allow_folder_of(int ruleset, const char *file, uint64_t rights, struct err *e)
{
    char copy[PATH_MAX];
    if (file == NULL || file[0] != '/' ||
        snprintf(copy, sizeof copy, "%s", file) >= (int)sizeof copy) {
        return 0;
    }
    return allow(ruleset, dirname(copy), rights, e);
}

/* One of these may be a link to another disk: the rule is for where it leads. */
static int allow_linked(int ruleset, const char *data_dir, uint64_t rights, struct err *e)
{
    static const char *const folders[] = {"media", "profiles", "search", "store"};
    char path[PATH_MAX];
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < sizeof folders / sizeof folders[0]; i++) {
        if (snprintf(path, sizeof path, "%s/%s", data_dir, folders[i]) < (int)sizeof path) {
            rc = allow(ruleset, path, rights, e);
        }
    }
    return rc;
}

static int allow_all(int ruleset, const struct confine_paths *p, uint64_t writing, struct err *e)
{
    static const char *const writable[] = {"/tmp",  "/var/tmp",       "/dev",
                                           "/proc", "/sys/fs/cgroup", NULL};
    static const char *const programs[] = {"/usr",   "/bin", "/sbin", "/lib",
                                           "/lib64", "/opt", "/snap", NULL};
    int rc = allow(ruleset, p->data_dir, writing, e);
    rc = rc != 0 ? rc : allow_linked(ruleset, p->data_dir, writing, e);
    for (size_t i = 0; rc == 0 && writable[i] != NULL; i++) {
        rc = allow(ruleset, writable[i], writing, e);
    }
    for (size_t i = 0; rc == 0 && programs[i] != NULL; i++) {
        rc = allow(ruleset, programs[i], LANDLOCK_ACCESS_FS_EXECUTE, e);
    }
    rc = rc != 0 ? rc : allow_folder_of(ruleset, p->socket, writing, e);
    rc = rc != 0 ? rc : allow_folder_of(ruleset, p->log_file, writing, e);
    return rc != 0 ? rc : allow_folder_of(ruleset, p->executable, LANDLOCK_ACCESS_FS_EXECUTE, e);
}

static int confine_files(const struct confine_paths *p, struct err *e)
{
    long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    if (abi < 2) {
        return err_set(e, E_UNSUPPORTED,
                       "this kernel has no Landlock (5.19 or newer, switched on)");
    }
    uint64_t writing = WRITING | (abi >= 3 ? LANDLOCK_ACCESS_FS_TRUNCATE : 0);
    struct landlock_ruleset_attr attr = {.handled_access_fs = writing | LANDLOCK_ACCESS_FS_EXECUTE};
    int fd = (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof attr, 0);
    if (fd < 0) {
        return err_sys(e, E_UNSUPPORTED, errno, "cannot use Landlock");
    }
    int rc = allow_all(fd, p, writing, e);
    if (rc == 0 && syscall(SYS_landlock_restrict_self, fd, 0) != 0) {
        rc = err_sys(e, E_UNSUPPORTED, errno, "cannot use Landlock");
    }
    close(fd);
    return rc;
}

/* ---- system calls -----------------------------------------------------------------------------
 */

static int confine_calls(bool no_new_privs, struct err *e)
{
    static const char *const refused[] = {
        "acct",
        "add_key",
        "adjtimex",
        "bpf",
        "clock_adjtime",
        "clock_settime",
        "delete_module",
        "finit_module",
        "fsconfig",
        "fsmount",
        "fsopen",
        "fspick",
        "init_module",
        "io_uring_enter",
        "io_uring_register",
        "io_uring_setup",
        "ioperm",
        "iopl",
        "kexec_file_load",
        "kexec_load",
        "keyctl",
        "lookup_dcookie",
        "mount",
        "mount_setattr",
        "move_mount",
        "nfsservctl",
        "open_by_handle_at",
        "open_tree",
        "perf_event_open",
        "pivot_root",
        "process_vm_readv",
        "process_vm_writev",
        "ptrace",
        "quotactl",
        "quotactl_fd",
        "reboot",
        "request_key",
        "setdomainname",
        "sethostname",
        "settimeofday",
        "swapoff",
        "swapon",
        "syslog",
        "umount2",
        "uselib",
        "userfaultfd",
        "vhangup",
    };
    scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ALLOW);
    if (ctx == NULL) {
        return err_set(e, E_UNSUPPORTED, "cannot make a filter of system calls");
    }
    int rc = seccomp_attr_set(ctx, SCMP_FLTATR_CTL_NNP, no_new_privs ? 1 : 0);
    for (size_t i = 0; rc == 0 && i < sizeof refused / sizeof refused[0]; i++) {
        int nr = seccomp_syscall_resolve_name(refused[i]);
        if (nr != __NR_SCMP_ERROR && !(TRACED && strcmp(refused[i], "ptrace") == 0)) {
            rc = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EPERM), nr, 0);
        }
    }
    rc = rc != 0 ? rc : seccomp_load(ctx);
    seccomp_release(ctx);
    return rc == 0 ? 0 : err_sys(e, E_UNSUPPORTED, -rc, "cannot use a filter of system calls");
}

/* ---- both ------------------------------------------------------------------------------------ */

static int build_walls(const struct confine_paths *p, struct err *e)
{
    bool no_new_privs = !privileged();
    if (no_new_privs && !has_user_namespaces()) {
        return err_set(e, E_UNSUPPORTED,
                       "user %u cannot make user namespaces, so the browser's sandbox needs its "
                       "setuid helper: sysctl kernel.unprivileged_userns_clone=1",
                       geteuid());
    }
    if (no_new_privs && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
        return err_sys(e, E_UNSUPPORTED, errno, "cannot give up new privileges");
    }
    struct err files = {0}, calls = {0};
    int r = confine_files(p, &files);
    int q = confine_calls(no_new_privs, &calls);
    if (r == 0 && q == 0) {
        return 0;
    }
    return err_set(e, E_UNSUPPORTED, "%s%s%s", files.msg, r != 0 && q != 0 ? "; " : "", calls.msg);
}

int confine(const char *mode, const struct confine_paths *p, struct err *e)
{
    if (strcmp(mode, "off") == 0) {
        return 0;
    }
    struct err why = {0};
    if (build_walls(p, &why) == 0) {
        log_debug(NULL, "daemon.confined", "files are written below %s, /tmp and /dev only",
                  p->data_dir);
        return 0;
    }
    if (strcmp(mode, "on") == 0) {
        err_copy(e, &why);
        return err_wrap(e, "[security] confine = on");
    }
    log_warn(NULL, "daemon.unconfined", "runs with fewer walls than it could: %s", why.msg);
    return 0;
}
