/* Opening: modes, the lock, other owners, versions, the master key, descriptors. */
#include "fixture.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/wait.h>

static int closed_setup(void **state)
{
    fx_setup(state);
    fx_close(*state);
    return 0;
}

static mode_t mode_of(const struct fixture *fx, const char *name)
{
    char path[128];
    struct stat st;
    snprintf(path, sizeof(path), "%s/%s", fx->dir, name);
    assert_int_equal(stat(path, &st), 0);
    return st.st_mode & 07777;
}

static void test_modes(void **state)
{
    struct fixture *fx = *state;
    assert_int_equal(chmod(fx->dir, 0755), 0);
    fx_open(fx);
    assert_int_equal(mode_of(fx, "."), 0700);
    assert_int_equal(mode_of(fx, "data.mdb"), 0600);
    assert_int_equal(mode_of(fx, "master.key"), 0600);
    assert_int_equal(mode_of(fx, "wabridge.lock"), 0600);
}

static void test_makes_directory(void **state)
{
    struct fixture *fx = *state;
    char dir[sizeof(fx->dir)];
    struct err e = {0};
    memcpy(dir, fx->dir, sizeof(dir));
    snprintf(fx->dir, sizeof(fx->dir), "%.50s/new", dir);
    assert_int_equal(fx_try_open(fx, false, &e), 0);
    assert_int_equal(mode_of(fx, "."), 0700);
    fx_close(fx);
    snprintf(fx->dir, sizeof(fx->dir), "relative");
    assert_int_equal(fx_try_open(fx, false, &e), E_INVALID);
    snprintf(fx->dir, sizeof(fx->dir), "%.40s/no/such", dir);
    assert_int_equal(fx_try_open(fx, false, &e), E_IO);
    memcpy(fx->dir, dir, sizeof(dir));
}

/* Nothing that a browser could inherit points into the directory. */
static void test_descriptors(void **state)
{
    struct fixture *fx = *state;
    fx_open(fx);
    DIR *d = opendir("/proc/self/fd");
    assert_non_null(d);
    unsigned ours = 0;
    for (struct dirent *entry; (entry = readdir(d)) != NULL;) {
        char link[64], target[256];
        snprintf(link, sizeof(link), "/proc/self/fd/%.16s", entry->d_name);
        ssize_t n = readlink(link, target, sizeof(target) - 1);
        target[n < 0 ? 0 : n] = '\0';
        if (strncmp(target, fx->dir, strlen(fx->dir)) == 0) {
            ours++;
            int flags = fcntl(atoi(entry->d_name), F_GETFD);
            if ((flags & FD_CLOEXEC) == 0) {
                fail_msg("%s would be inherited", target);
            }
        }
    }
    closedir(d);
    assert_true(ours >= 4); /* data, meta, both locks, the directory */
}

static void test_second_opener(void **state)
{
    struct fixture *fx = *state;
    struct store *first;
    struct err e = {0};
    char pid[32];
    fx_open(fx);
    snprintf(pid, sizeof(pid), "(pid %ld)", (long)getpid());
    first = fx->s;
    assert_int_equal(fx_try_open(fx, false, &e), E_EXISTS);
    assert_non_null(strstr(e.msg, pid));
    assert_null(fx->s);
    fx->s = first;

    /* another process too, and its death frees the directory */
    fx_close(fx);
    int ready[2];
    assert_int_equal(pipe(ready), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        char ok = fx_try_open(fx, false, NULL) == 0 ? 'y' : 'n';
        ssize_t n = write(ready[1], &ok, 1);
        for (;;) {
            pause();
        }
        _exit(n == 1 ? 0 : 1);
    }
    char ok = 'n';
    assert_int_equal(read(ready[0], &ok, 1), 1);
    assert_int_equal(ok, 'y');
    snprintf(pid, sizeof(pid), "(pid %ld)", (long)child);
    assert_int_equal(fx_try_open(fx, false, &e), E_EXISTS);
    assert_non_null(strstr(e.msg, pid));
    kill(child, SIGKILL);
    assert_int_equal(waitpid(child, NULL, 0), child);
    close(ready[0]);
    close(ready[1]);
    fx_open(fx);
}

static void test_foreign_owner(void **state)
{
    struct fixture *fx = *state;
    struct err e = {0};
    if (geteuid() != 0) {
        skip();
    }
    assert_int_equal(chown(fx->dir, 65534, 65534), 0);
    assert_int_equal(fx_try_open(fx, false, &e), E_FORBIDDEN);
    assert_non_null(strstr(e.msg, "65534"));
    assert_int_equal(chown(fx->dir, geteuid(), getegid()), 0);
    fx_open(fx);
}

static int raise_schema(struct store_txn *t, struct store_op *op)
{
    unsigned char b[4];
    be32_put(b, *(unsigned *)op->data);
    return txn_sys_put(t, "schema", b, sizeof(b));
}

static void test_newer_schema(void **state)
{
    struct fixture *fx = *state;
    struct err e = {0};
    unsigned newer = STORE_SCHEMA + 1;
    fx_open(fx);
    assert_int_equal(fx_run(fx, raise_schema, &newer), 0);
    fx_close(fx);
    assert_int_equal(fx_try_open(fx, false, &e), E_UNSUPPORTED);
    assert_non_null(strstr(e.msg, "newer"));
    /* refusing left nothing open: the same answer again, not E_EXISTS */
    assert_int_equal(fx_try_open(fx, false, &e), E_UNSUPPORTED);
}

static void test_not_a_store(void **state)
{
    struct fixture *fx = *state;
    struct err e = {0};
    char path[128];
    snprintf(path, sizeof(path), "%s/data.mdb", fx->dir);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    for (int i = 0; i < 20000; i++) {
        fputs("garbage ", f);
    }
    fclose(f);
    assert_int_equal(fx_try_open(fx, false, &e), E_IO);
    assert_true(strlen(e.msg) > 0);
}

/* ---- the master key ------------------------------------------------------------------------ */

static void key_path(const struct fixture *fx, char path[128])
{
    snprintf(path, 128, "%s/master.key", fx->dir);
}

static void test_seal(void **state)
{
    struct fixture *fx = *state;
    struct err e = {0};
    char *sealed, *again, *plain;
    size_t len = 0;
    fx_open(fx);
    assert_int_equal(store_seal(fx->s, "acme/webhook/erp", "s3cret", 6, &sealed, &e), 0);
    assert_int_equal(store_seal(fx->s, "acme/webhook/erp", "s3cret", 6, &again, &e), 0);
    assert_string_not_equal(sealed, again);
    assert_null(strstr(sealed, "s3cret"));
    fx_reopen(fx);
    assert_int_equal(store_unseal(fx->s, "acme/webhook/erp", sealed, &plain, &len, &e), 0);
    assert_int_equal(len, 6);
    assert_string_equal(plain, "s3cret");
    mem_wipe_free(plain, len);
    /* another place, a changed text, no text */
    assert_int_equal(store_unseal(fx->s, "evil/webhook/erp", sealed, &plain, &len, &e), E_AUTH);
    assert_null(plain);
    sealed[5] = sealed[5] == 'A' ? 'B' : 'A';
    assert_int_equal(store_unseal(fx->s, "acme/webhook/erp", sealed, &plain, &len, &e), E_AUTH);
    assert_int_equal(store_unseal(fx->s, "acme/webhook/erp", "", &plain, &len, &e), E_AUTH);
    assert_int_equal(store_unseal(fx->s, "acme/webhook/erp", "no base64!", &plain, &len, &e),
                     E_AUTH);
    free(sealed);
    free(again);
}

static void test_lost_key(void **state)
{
    struct fixture *fx = *state;
    struct err e = {0};
    char path[128], *sealed, *plain;
    size_t len;
    key_path(fx, path);
    fx_open(fx);
    assert_int_equal(store_seal(fx->s, "p", "x", 1, &sealed, &e), 0);
    fx_close(fx);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(fx_try_open(fx, false, &e), E_AUTH);
    assert_int_equal(access(path, F_OK), -1); /* none was made up */
    assert_int_equal(fx_try_open(fx, true, &e), 0);
    assert_int_equal(store_unseal(fx->s, "p", sealed, &plain, &len, &e), E_AUTH);
    fx_reopen(fx); /* the new one is now the store's */
    free(sealed);
}

static void test_wrong_key(void **state)
{
    struct fixture *fx = *state;
    struct err e = {0};
    char path[128];
    key_path(fx, path);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs("01234567890123456789012345678901", f);
    fclose(f);
    assert_int_equal(fx_try_open(fx, false, &e), E_AUTH);
    f = fopen(path, "w");
    assert_non_null(f);
    fputs("short", f);
    fclose(f);
    assert_int_equal(fx_try_open(fx, true, &e), E_AUTH);
    unlink(path);
    assert_int_equal(symlink("/dev/zero", path), 0);
    assert_int_equal(fx_try_open(fx, true, &e), E_IO);
}

static void test_open_key_is_closed(void **state)
{
    struct fixture *fx = *state;
    char path[128];
    key_path(fx, path);
    assert_int_equal(chmod(path, 0644), 0);
    fx_open(fx);
    assert_int_equal(mode_of(fx, "master.key"), 0600);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_modes, closed_setup, fx_teardown),
        cmocka_unit_test_setup_teardown(test_makes_directory, closed_setup, fx_teardown),
        cmocka_unit_test_setup_teardown(test_descriptors, closed_setup, fx_teardown),
        cmocka_unit_test_setup_teardown(test_second_opener, closed_setup, fx_teardown),
        cmocka_unit_test_setup_teardown(test_foreign_owner, closed_setup, fx_teardown),
        cmocka_unit_test_setup_teardown(test_newer_schema, closed_setup, fx_teardown),
        cmocka_unit_test_setup_teardown(test_not_a_store, closed_setup, fx_teardown),
        cmocka_unit_test_setup_teardown(test_seal, closed_setup, fx_teardown),
        cmocka_unit_test_setup_teardown(test_lost_key, closed_setup, fx_teardown),
        cmocka_unit_test_setup_teardown(test_wrong_key, closed_setup, fx_teardown),
        cmocka_unit_test_setup_teardown(test_open_key_is_closed, closed_setup, fx_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
