/* limits.max_media_bytes in a real bridge on a temporary directory: what is past it is not kept, what
 * goes gives room, and the total is that of the records. */
#include "media_got.h"

#include <sys/stat.h>

static void on_reply(void *arg, const struct bridge_reply *r)
{
    assert_null(r->err);
    *(bool *)arg = true;
}

static void allow(struct box *x, int bytes)
{
    bool done = false;
    json_t *body = json_pack("{s:{s:i}}", "limits", "max_media_bytes", bytes);
    bridge_tenant_put(x->b, "default", body, on_reply, &done);
    json_decref(body);
    UNTIL(x, done);
}

static struct got send_base64(struct box *x, const char *text)
{
    struct got g = {0};
    media_get(x->b, "default", &(struct media_source){.base64 = text, .type = "document"}, on_got,
              &g);
    UNTIL(x, g.done);
    return g;
}

static struct got receive(struct box *x, const char *text)
{
    struct media_receipt *r = NULL;
    struct got g = {0};
    struct err e;
    uint8_t hash[CRYPTO_SHA256_LEN];
    char hex[65];
    int fd = -1;
    assert_int_equal(media_receive(x->b, "default", &r, &fd, &e), 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    assert_int_equal(crypto_sha256(text, strlen(text), hash), 0);
    crypto_hex(hash, sizeof(hash), hex);
    media_received(r, strlen(text), hex, NULL, on_got, &g);
    UNTIL(x, g.done);
    return g;
}

static void remove_file(struct box *x, const char *sha256)
{
    bool done = false;
    bridge_media_delete(x->b, "default", sha256, on_reply, &done);
    UNTIL(x, done);
}

static uint64_t total(struct box *x)
{
    struct store_txn *t = NULL;
    uint64_t bytes = 0;
    assert_int_equal(store_read(x->store, &t, NULL), 0);
    assert_int_equal(media_total(t, "default", &bytes), 0);
    store_read_end(t);
    return bytes;
}

static int count_file(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void)path;
    (void)ftw;
    return flag == FTW_F && S_ISREG(st->st_mode) ? 1 : 0;
}

/* Once all that was begun ended: is any file of the tenant there, temporary ones too? */
static bool any_file(struct box *x)
{
    char root[128];
    UNTIL(x, x->b->media->open == 0);
    (void)snprintf(root, sizeof(root), "%s/media/default", x->dir);
    return nftw(root, count_file, 16, FTW_PHYS) == 1;
}

static void past_the_quota_nothing_is_kept(void **state)
{
    struct box *x = *state;
    allow(x, 4);
    struct got g = send_base64(x, "aGVsbG8="); /* hello */
    assert_int_equal(g.err.code, E_LIMIT);
    assert_string_equal(word(&g), "quota_exceeded");
    g = receive(x, "hello");
    assert_string_equal(word(&g), "quota_exceeded");
    assert_false(any_file(x));
    assert_int_equal(total(x), 0);
    g = send_base64(x, "aGVsbA=="); /* hell: just fits */
    assert_string_equal(word(&g), "");
    assert_true(any_file(x));
    assert_int_equal(total(x), 4);
    g = receive(x, "hell"); /* is here: needs no room */
    assert_string_equal(word(&g), "");
    assert_int_equal(total(x), 4);
    allow(x, 0);
    g = send_base64(x, "aGk=");
    assert_string_equal(word(&g), "quota_exceeded");
}

static void a_stream_ends_where_the_count_passes(void **state)
{
    struct box *x = *state;
    struct media_file *f = NULL;
    struct err e;
    allow(x, 10);
    assert_int_equal(media_file_new(x->b->media, "default", 1000, &f, &e), 0);
    assert_int_equal(media_file_quota(f, &e), 0);
    assert_int_equal(media_file_write(f, "0123456789", 10), 10);
    media_file_wait(f); /* it goes to the disk */
    UNTIL(x, !f->busy);
    assert_true(f->fd >= 0);
    assert_int_equal(media_file_write(f, "x", 1), 0);
    assert_int_equal(f->err.code, E_LIMIT);
    assert_string_equal(err_word_of(&f->err), "quota_exceeded");
    media_file_abort(f);
    assert_false(any_file(x));
}

static void of_two_at_once_one_fits(void **state)
{
    struct box *x = *state;
    struct got one = {0}, two = {0};
    allow(x, 8);
    media_get(x->b, "default", &(struct media_source){.base64 = "aGVsbG8=", .type = "document"},
              on_got, &one);
    media_get(x->b, "default", &(struct media_source){.base64 = "d29ybGQ=", .type = "document"},
              on_got, &two);
    UNTIL(x, one.done && two.done);
    assert_true((one.err.code == 0) != (two.err.code == 0));
    assert_string_equal(word(one.err.code != 0 ? &one : &two), "quota_exceeded");
    assert_int_equal(total(x), 5);
    remove_file(x, (one.err.code == 0 ? &one : &two)->info.sha256);
    assert_false(any_file(x)); /* that of the refused one went too */
    assert_int_equal(total(x), 0);
}

struct forget {
    struct store_op op;
    bool done;
};

static int on_forget(struct store_txn *t, struct store_op *op)
{
    (void)op;
    return media_total_forget(t, "default");
}

static void on_forgot(struct store_op *op, int rc)
{
    assert_int_equal(rc, 0);
    ((struct forget *)op->data)->done = true;
}

static void the_total_is_that_of_the_records(void **state)
{
    struct box *x = *state;
    struct forget f = {0};
    assert_int_equal(total(x), 0);
    struct got a = receive(x, "one"), b = receive(x, "three");
    assert_int_equal(total(x), 8); /* counted without a quota too */
    f.op.data = &f;
    store_submit(x->store, &f.op, on_forget, on_forgot);
    UNTIL(x, f.done);
    assert_int_equal(total(x), 8);
    remove_file(x, a.info.sha256); /* adds up first */
    assert_int_equal(total(x), 5);
    allow(x, 5);
    struct got g = receive(x, "x");
    assert_string_equal(word(&g), "quota_exceeded");
    remove_file(x, b.info.sha256);
    g = receive(x, "x");
    assert_string_equal(word(&g), "");
    box_close(x);
    box_open(x);
    assert_int_equal(total(x), 1);
}

#define IN_BOX(test) cmocka_unit_test_setup_teardown(test, box_setup, box_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_BOX(past_the_quota_nothing_is_kept),
        IN_BOX(a_stream_ends_where_the_count_passes),
        IN_BOX(of_two_at_once_one_fits),
        IN_BOX(the_total_is_that_of_the_records),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
