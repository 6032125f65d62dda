/* Who has a profile, and what is cleared when nobody has. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "profile_priv.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char dir[64], profile[96];

static int set_up(void **state)
{
    (void)state;
    strcpy(dir, "/tmp/cdp-profile-XXXXXX");
    if (!mkdtemp(dir)) {
        return -1;
    }
    snprintf(profile, sizeof(profile), "%s/p", dir);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    return profile_remove_tree(AT_FDCWD, dir);
}

static const char *in_profile(const char *name)
{
    static char path[300];
    snprintf(path, sizeof(path), "%s/%s", profile, name);
    return path;
}

static void take(struct profile *p)
{
    struct err e;
    if (profile_take(p, profile, (uid_t)-1, (gid_t)-1, &e) != 0) {
        fail_msg("%s", e.msg);
    }
}

static void test_take_and_release(void **state)
{
    struct profile p, q;
    struct stat st;
    struct err e;
    char own[32];
    (void)state;
    take(&p);
    assert_int_equal(stat(profile, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
    assert_int_equal(fcntl(p.lock_fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    assert_int_equal(access(p.tmp, F_OK), 0);

    assert_int_equal(profile_take(&q, profile, (uid_t)-1, (gid_t)-1, &e), E_EXISTS);
    snprintf(own, sizeof(own), "process %d", (int)getpid());
    assert_non_null(strstr(e.msg, own));
    assert_int_equal(q.lock_fd, -1);
    assert_int_equal(q.orphan, 0);

    profile_release(&p);
    assert_int_equal(access(in_profile("wabridge-tmp"), F_OK), -1);
    take(&q);
    profile_release(&q);
    profile_release(&q); /* harmless */
}

static void test_relative_path(void **state)
{
    struct profile p;
    struct err e;
    (void)state;
    assert_int_equal(profile_take(&p, "relative/path", (uid_t)-1, (gid_t)-1, &e), E_INVALID);
}

static void test_leftovers_go(void **state)
{
    struct profile p;
    char outside[128];
    (void)state;
    snprintf(outside, sizeof(outside), "%s/outside", dir);
    assert_int_equal(mkdir(outside, 0700), 0);
    snprintf(outside, sizeof(outside), "%s/outside/kept", dir);
    close(open(outside, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    take(&p);
    /* the daemon is killed: the lock goes, the files stay */
    close(p.lock_fd);
    p.lock_fd = -1;
    char deep[300];
    snprintf(deep, sizeof(deep), "%s/org.chromium.Chromium.abc", p.tmp);
    assert_int_equal(mkdir(deep, 0700), 0);
    snprintf(deep, sizeof(deep), "%s/org.chromium.Chromium.abc/out", p.tmp);
    char target[128];
    snprintf(target, sizeof(target), "%s/outside", dir);
    assert_int_equal(symlink(target, deep), 0); /* is removed, not followed */
    assert_int_equal(symlink("host-1", in_profile("SingletonLock")), 0);
    assert_int_equal(symlink("x", in_profile("SingletonCookie")), 0);
    assert_int_equal(symlink("/tmp/y", in_profile("SingletonSocket")), 0);
    close(open(in_profile("Preferences"), O_CREAT | O_WRONLY | O_CLOEXEC, 0600));

    struct profile q;
    take(&q);
    struct stat st;
    assert_int_equal(lstat(in_profile("SingletonLock"), &st), -1);
    assert_int_equal(lstat(in_profile("SingletonCookie"), &st), -1);
    assert_int_equal(lstat(in_profile("SingletonSocket"), &st), -1);
    assert_int_equal(access(in_profile("wabridge-tmp/org.chromium.Chromium.abc"), F_OK), -1);
    assert_int_equal(access(in_profile("wabridge-tmp"), F_OK), 0);
    assert_int_equal(access(in_profile("Preferences"), F_OK), 0);
    assert_int_equal(access(outside, F_OK), 0);
    profile_release(&q);
    profile_release(&p);
}

/* A path too long for Chromium's socket: the temporary directory goes elsewhere, and the next
 * daemon still finds it. */
static void test_long_path(void **state)
{
    struct profile p, q;
    struct err e;
    char longer[400], tmp[64], again[64];
    (void)state;
    snprintf(longer, sizeof(longer), "%s/%0100d/profile", dir, 0);
    assert_int_equal(profile_take(&p, longer, (uid_t)-1, (gid_t)-1, &e), 0);
    assert_int_equal(strncmp(p.tmp, "/tmp/wabridge-", 14), 0);
    snprintf(tmp, sizeof(tmp), "%s", p.tmp);
    assert_int_equal(access(tmp, F_OK), 0);
    close(p.lock_fd); /* killed */
    p.lock_fd = -1;
    assert_int_equal(profile_take(&q, longer, (uid_t)-1, (gid_t)-1, &e), 0);
    assert_int_equal(access(tmp, F_OK), -1);
    snprintf(again, sizeof(again), "%s", q.tmp);
    profile_release(&q);
    assert_int_equal(access(again, F_OK), -1);
    profile_release(&p);
}

/* The profile may belong to a less trusted user, who puts something else under the lock's name. */
static void test_foreign_lock_file(void **state)
{
    struct profile p;
    struct stat st;
    char victim[128];
    (void)state;
    assert_int_equal(mkdir(profile, 0700), 0);
    snprintf(victim, sizeof(victim), "%s/victim", dir);
    int fd = open(victim, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    assert_int_equal(write(fd, "precious", 8), 8);
    close(fd);
    assert_int_equal(symlink(victim, in_profile(PROFILE_LOCK_FILE)), 0);
    take(&p);
    assert_int_equal(stat(victim, &st), 0);
    assert_int_equal(st.st_size, 8);
    assert_int_equal(lstat(in_profile(PROFILE_LOCK_FILE), &st), 0);
    assert_true(S_ISREG(st.st_mode));
    profile_release(&p);

    unlink(in_profile(PROFILE_LOCK_FILE));
    assert_int_equal(link(victim, in_profile(PROFILE_LOCK_FILE)), 0);
    take(&p);
    assert_int_equal(stat(victim, &st), 0);
    assert_int_equal(st.st_size, 8);
    profile_release(&p);
}

/* The browser of a dead daemon is killed, once it is certain that it is that very process. */
static void test_orphan(void **state)
{
    struct profile p, q;
    struct err e;
    (void)state;
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        setpgid(0, 0);
        for (;;) {
            pause();
        }
    }
    setpgid(pid, pid);
    take(&p);
    profile_note_browser(&p, pid);
    close(p.lock_fd); /* its daemon dies */
    p.lock_fd = -1;
    assert_int_equal(profile_take(&q, profile, (uid_t)-1, (gid_t)-1, &e), E_EXISTS);
    assert_int_equal(q.orphan, pid);
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGKILL);
    take(&q);
    profile_release(&q);
    profile_release(&p);
}

/* Chromium wipes a database that it cannot lock: who still has it locked is waited for. */
static void test_locked_database(void **state)
{
    struct profile p;
    struct err e;
    char ready;
    int told[2];
    (void)state;
    take(&p);
    profile_release(&p);
    assert_int_equal(mkdir(in_profile("Default"), 0700), 0);
    assert_int_equal(mkdir(in_profile("Default/IndexedDB"), 0700), 0);
    assert_int_equal(mkdir(in_profile("Default/IndexedDB/x.leveldb"), 0700), 0);
    assert_int_equal(pipe(told), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
        int fd = open(in_profile("Default/IndexedDB/x.leveldb/LOCK"), O_RDWR | O_CREAT, 0600);
        ready = fd >= 0 && fcntl(fd, F_SETLK, &lock) == 0;
        (void)!write(told[1], &ready, 1);
        for (;;) {
            pause();
        }
    }
    assert_int_equal(read(told[0], &ready, 1), 1);
    assert_int_equal(ready, 1);
    assert_int_equal(profile_take(&p, profile, (uid_t)-1, (gid_t)-1, &e), E_EXISTS);
    assert_int_equal(p.orphan, pid);
    kill(pid, SIGKILL);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    take(&p);
    profile_release(&p);
    close(told[0]);
    close(told[1]);
}

/* A log as LevelDB writes it; sums by the table, where the code under test goes bit by bit. */
static size_t put_record(unsigned char *log, size_t at, unsigned char type, size_t data)
{
    uint32_t table[256], crc = 0xFFFFFFFFu;
    for (uint32_t i = 0; i < 256; i++) {
        table[i] = i;
        for (int k = 0; k < 8; k++) {
            table[i] = (table[i] & 1) != 0 ? (table[i] >> 1) ^ 0x82F63B78u : table[i] >> 1;
        }
    }
    memset(log + at + 7, 'd', data);
    log[at + 6] = type;
    for (size_t i = 0; i <= data; i++) {
        crc = table[(crc ^ log[at + 6 + i]) & 0xFF] ^ (crc >> 8);
    }
    crc = ~crc;
    crc = ((crc >> 15) | (crc << 17)) + 0xA282EAD8u;
    for (int i = 0; i < 4; i++) {
        log[at + (size_t)i] = (unsigned char)(crc >> (8 * i));
    }
    log[at + 4] = (unsigned char)data;
    log[at + 5] = (unsigned char)(data >> 8);
    return at + 7 + data;
}

static void test_half_a_record(void **state)
{
    static unsigned char log[70000];
    (void)state;
    size_t one = put_record(log, 0, 1, 100);
    size_t two = put_record(log, one, 1, 5000);
    assert_int_equal(profile_log_whole(log, 0), 0);
    assert_int_equal(profile_log_whole(log, two), two);
    for (size_t len = one + 1; len < two; len += 7) { /* torn anywhere */
        assert_int_equal(profile_log_whole(log, len), one);
    }
    assert_int_equal(profile_log_whole(log, 50), 0); /* no log that is understood */
    log[one + 20] ^= 1;                              /* whole, but not what was written */
    assert_int_equal(profile_log_whole(log, two), one);
    log[one + 20] ^= 1;

    /* one of three parts over three blocks: all of it or nothing; a block's end is filled */
    size_t at = put_record(log, two, 2, 32768 - two - 7);
    at = put_record(log, at, 3, 32768 - 7);
    assert_int_equal(profile_log_whole(log, at), two);
    at = put_record(log, at, 4, 10);
    assert_int_equal(profile_log_whole(log, at), at);
    assert_int_equal(profile_log_whole(log, at - 1), two);
    memset(log, 0, sizeof(log));
    at = put_record(log, 0, 1, 32768 - 7 - 3);
    assert_int_equal(profile_log_whole(log, at + 3), at + 3);
    at = put_record(log, 32768, 1, 1);
    assert_int_equal(profile_log_whole(log, at), at);
}

/* A pid in the note that is somebody else by now is not touched: its start time differs. */
static void test_reused_pid(void **state)
{
    struct profile p;
    char note[128];
    (void)state;
    take(&p);
    profile_release(&p);
    int fd = open(in_profile(PROFILE_LOCK_FILE), O_WRONLY | O_TRUNC | O_CLOEXEC);
    assert_true(fd >= 0);
    int n = snprintf(note, sizeof(note), "daemon 1 browser %d started 1 tmp \n", (int)getpid());
    assert_int_equal(write(fd, note, (size_t)n), n);
    close(fd);
    take(&p); /* and we live */
    assert_int_equal(p.orphan, 0);
    profile_release(&p);
}

static void test_singleton_pid(void **state)
{
    (void)state;
    assert_int_equal(profile_singleton_pid("host-123"), 123);
    assert_int_equal(profile_singleton_pid("my-host-name-7"), 7);
    assert_int_equal(profile_singleton_pid("-9"), 9);
    static const char *const bad[] = {"",       "host",    "host-",
                                      "host-x", "host-1x", "host-0",
                                      "host--", "host- 1", "host-99999999999999999999"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(profile_singleton_pid(bad[i]), 0);
    }
}

static void test_held_by(void **state)
{
    (void)state;
    assert_false(profile_held_by(0, profile));
    assert_false(profile_held_by(-1, profile));
    assert_false(profile_held_by(getpid(), profile)); /* alive, but no browser on it */
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        _exit(0);
    }
    siginfo_t info;
    assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
    assert_false(profile_held_by(pid, profile)); /* a zombie */
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    assert_false(profile_held_by(pid, profile)); /* nobody */
}

#define WITH_DIR(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_DIR(test_take_and_release),  WITH_DIR(test_relative_path),
        WITH_DIR(test_leftovers_go),      WITH_DIR(test_long_path),
        WITH_DIR(test_foreign_lock_file), WITH_DIR(test_orphan),
        WITH_DIR(test_locked_database),   cmocka_unit_test(test_half_a_record),
        WITH_DIR(test_reused_pid),        cmocka_unit_test(test_singleton_pid),
        WITH_DIR(test_held_by),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
