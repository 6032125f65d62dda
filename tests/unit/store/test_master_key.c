/* Where the master key may come from, its rotation, and a crash between any two steps of that. */
#include "fixture.h"

#include <fcntl.h>
#include <sys/wait.h>

#define SECRETS 3
static const char *const secrets[SECRETS] = {"first", "", "a longer one with \xc3\xa4"};

static int apply_put(struct store_txn *t, struct store_op *op)
{
    struct fixture *fx = op->data;
    for (int i = 0; i < SECRETS; i++) {
        char name[8], *sealed = NULL;
        snprintf(name, sizeof(name), "s%d", i);
        int rc = store_seal(fx->s, name, secrets[i], strlen(secrets[i]), &sealed, &op->err);
        rc = rc != 0 ? rc : store_put(t, STORE_META, STORE_PATH(name), sealed, strlen(sealed) + 1);
        free(sealed);
        if (rc != 0) {
            return rc;
        }
    }
    return 0;
}

/* Every secret can be read, and is sealed with the key of that id. */
static void check_secrets(struct fixture *fx, const char *id)
{
    for (int i = 0; i < SECRETS; i++) {
        struct store_value v;
        struct err e = {0};
        char name[8], *plain = NULL;
        size_t len = 0;
        snprintf(name, sizeof(name), "s%d", i);
        struct store_txn *t = fx_read(fx);
        assert_int_equal(store_get(t, STORE_META, STORE_PATH(name), &v), 0);
        if (id != NULL) {
            assert_int_equal(strncmp(v.data + 3, id, STORE_KEY_ID - 1), 0);
        }
        assert_int_equal(store_unseal(fx->s, name, v.data, &plain, &len, &e), 0);
        store_read_end(t);
        assert_string_equal(plain, secrets[i]);
        mem_wipe_free(plain, len);
    }
}

static int apply_rotate(struct store_txn *t, struct store_op *op)
{
    bool *stop = op->data;
    for (int i = 0; i < SECRETS; i++) {
        struct store_value v;
        char name[8], *sealed = NULL;
        snprintf(name, sizeof(name), "s%d", i);
        int rc = store_get(t, STORE_META, STORE_PATH(name), &v);
        rc = rc != 0 ? rc : store_reseal(t, name, v.data, &sealed, &op->err);
        rc = rc != 0 ? rc : store_put(t, STORE_META, STORE_PATH(name), sealed, strlen(sealed) + 1);
        free(sealed);
        if (rc != 0) {
            return rc;
        }
    }
    int rc = store_rotate_commit(t);
    if (*stop) {
        _exit(0); /* everything is written, nothing committed */
    }
    return rc;
}

static void own_path(const struct fixture *fx, const char *more, char out[128])
{
    snprintf(out, 128, "%s/master.key%s", fx->dir, more);
}

static bool exists(const struct fixture *fx, const char *more)
{
    char path[128];
    own_path(fx, more, path);
    return access(path, F_OK) == 0;
}

static void key_id_of(const struct fixture *fx, const char *more, char id[STORE_KEY_ID])
{
    char path[128];
    unsigned char key[STORE_KEY_LEN];
    struct err e = {0};
    own_path(fx, more, path);
    assert_int_equal(store_key_file_read(path, key, &e), 0);
    store_key_id(key, id);
}

enum crash { CRASH_KEY_WRITTEN, CRASH_BEFORE_COMMIT, CRASH_COMMITTED, CRASH_HALF_RENAMED, NO_CRASH };

/* A rotation as the command does it, up to a point. */
static void rotate(struct fixture *fx, enum crash crash)
{
    char path[128], next[128], old[192], id[STORE_KEY_ID];
    unsigned char key[STORE_KEY_LEN];
    struct err e = {0};
    bool stop = crash == CRASH_BEFORE_COMMIT;
    own_path(fx, "", path);
    own_path(fx, ".next", next);
    key_id_of(fx, "", id);
    fx_open(fx);
    assert_int_equal(store_key_file_create(next, key, &e), 0);
    if (crash == CRASH_KEY_WRITTEN) {
        _exit(0);
    }
    store_rotate_begin(fx->s, key);
    assert_int_equal(fx_run(fx, apply_rotate, &stop), 0);
    check_secrets(fx, NULL); /* both keys are known until the end */
    if (crash == CRASH_COMMITTED) {
        _exit(0);
    }
    if (crash == CRASH_HALF_RENAMED) {
        snprintf(old, sizeof(old), "%s.old-%s", path, id);
        _exit(rename(path, old));
    }
    assert_int_equal(store_key_file_replace(path, id, &e), 0);
    fx_close(fx);
}

static void in_child(struct fixture *fx, enum crash crash)
{
    int status = 0;
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        assert_int_equal(uv_loop_init(&fx->loop), 0);
        rotate(fx, crash);
        _exit(99);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void filled(struct fixture *fx)
{
    fx_open(fx);
    assert_int_equal(fx_run(fx, apply_put, fx), 0);
    fx_close(fx);
}

static void test_rotate(void **state)
{
    struct fixture *fx = *state;
    char before[STORE_KEY_ID], after[STORE_KEY_ID], old[32];
    filled(fx);
    key_id_of(fx, "", before);
    rotate(fx, NO_CRASH);
    key_id_of(fx, "", after);
    assert_string_not_equal(before, after);
    fx_open(fx);
    check_secrets(fx, after);
    snprintf(old, sizeof(old), ".old-%s", before);
    assert_true(exists(fx, old)); /* for backups made before */
    assert_false(exists(fx, ".next"));
}

static void crashed(void **state, enum crash crash, bool changed)
{
    struct fixture *fx = *state;
    char before[STORE_KEY_ID], now[STORE_KEY_ID], old[32];
    filled(fx);
    key_id_of(fx, "", before);
    in_child(fx, crash);
    fx_open(fx); /* the key in force is found */
    key_id_of(fx, "", now);
    assert_int_equal(strcmp(before, now) != 0, changed);
    snprintf(old, sizeof(old), ".old-%s", before);
    assert_int_equal(exists(fx, old), changed); /* for backups made before */
    check_secrets(fx, now);
    fx_reopen(fx);
    check_secrets(fx, now);
}

static void test_crash_key_written(void **state)
{
    crashed(state, CRASH_KEY_WRITTEN, false);
}

static void test_crash_before_commit(void **state)
{
    crashed(state, CRASH_BEFORE_COMMIT, false);
}

static void test_crash_committed(void **state)
{
    crashed(state, CRASH_COMMITTED, true);
}

static void test_crash_half_renamed(void **state)
{
    crashed(state, CRASH_HALF_RENAMED, true);
}

/* ---- where it comes from ---------------------------------------------------------------------- */

static int open_with(struct fixture *fx, const char *file, const unsigned char *key, struct err *e)
{
    struct store_options o = {.dir = fx->dir,
                              .loop = &fx->loop,
                              .key_file = file,
                              .master_key = key,
                              .key_from = key != NULL ? "WABRIDGE_MASTER_KEY" : NULL};
    err_clear(e);
    return store_open(&o, &fx->s, e);
}

static void write_file(const char *path, const void *data, size_t len, mode_t mode)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, data, len), (ssize_t)len);
    assert_int_equal(fchmod(fd, mode), 0);
    assert_int_equal(close(fd), 0);
}

/* Moved out of the data directory: by copying it, as it is or as base64. */
static void test_moved_out(void **state)
{
    struct fixture *fx = *state;
    char own[128], away[128], text[64];
    unsigned char key[STORE_KEY_LEN];
    struct err e = {0};
    filled(fx);
    own_path(fx, "", own);
    snprintf(away, sizeof(away), "%s/elsewhere", fx->dir);
    assert_int_equal(store_key_file_read(own, key, &e), 0);
    write_file(away, key, sizeof(key), 0400);
    assert_int_equal(unlink(own), 0);
    assert_int_equal(open_with(fx, away, NULL, &e), 0);
    check_secrets(fx, NULL);
    fx_close(fx);
    assert_false(exists(fx, "")); /* none was made up */
    size_t n = crypto_base64(key, sizeof(key), text);
    text[n] = '\n';
    assert_int_equal(unlink(away), 0);
    write_file(away, text, n + 1, 0440);
    assert_int_equal(open_with(fx, away, NULL, &e), 0);
    check_secrets(fx, NULL);
    fx_close(fx);
    assert_int_equal(open_with(fx, NULL, key, &e), 0);
    check_secrets(fx, NULL);
}

static void test_misfits(void **state)
{
    struct fixture *fx = *state;
    char away[128], id[STORE_KEY_ID], other_id[STORE_KEY_ID];
    unsigned char other[STORE_KEY_LEN] = {7};
    struct err e = {0};
    filled(fx);
    key_id_of(fx, "", id);
    store_key_id(other, other_id);
    snprintf(away, sizeof(away), "%s/elsewhere", fx->dir);
    assert_int_equal(open_with(fx, NULL, other, &e), E_AUTH);
    assert_non_null(strstr(e.msg, "WABRIDGE_MASTER_KEY"));
    assert_non_null(strstr(e.msg, id)); /* which one is wanted, and which one it is */
    assert_non_null(strstr(e.msg, other_id));
    assert_int_equal(open_with(fx, away, NULL, &e), E_AUTH); /* not there, and not made */
    assert_int_equal(access(away, F_OK), -1);
    write_file(away, "short", 5, 0600);
    assert_int_equal(open_with(fx, away, NULL, &e), E_INVALID);
    write_file(away, other, sizeof(other), 0644);
    assert_int_equal(open_with(fx, away, NULL, &e), E_FORBIDDEN);
    assert_int_equal(store_key_file_create(away, other, &e), E_EXISTS);
    fx_open(fx);
    check_secrets(fx, id);
}

/* A text of the time before keys had names is read, and rotated. */
static void test_without_name(void **state)
{
    struct fixture *fx = *state;
    struct err e = {0};
    char *sealed = NULL, *plain = NULL;
    size_t len = 0;
    fx_open(fx);
    assert_int_equal(store_seal(fx->s, "p", "x", 1, &sealed, &e), 0);
    const char *bare = strchr(sealed + 3, ':') + 1;
    assert_int_equal(store_unseal(fx->s, "p", bare, &plain, &len, &e), 0);
    assert_string_equal(plain, "x");
    mem_wipe_free(plain, len);
    sealed[3] = sealed[3] == '0' ? '1' : '0'; /* another key's */
    assert_int_equal(store_unseal(fx->s, "p", sealed, &plain, &len, &e), E_AUTH);
    free(sealed);
}

static int setup(void **state)
{
    struct fixture *fx = calloc(1, sizeof(*fx));
    fx_init(fx, 0);
    *state = fx;
    return 0;
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, fx_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_rotate),          TEST(test_crash_key_written),
        TEST(test_crash_before_commit), TEST(test_crash_committed),
        TEST(test_crash_half_renamed),  TEST(test_moved_out),
        TEST(test_misfits),         TEST(test_without_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
