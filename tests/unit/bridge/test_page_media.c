/* A file out of the page: piece by piece, and every way in which that may end. */
#include "page_fixture.h"

#include "crypto.h"

#include <fcntl.h>
#include <unistd.h>

#define PIECE 393216u

struct got {
    unsigned times;
    struct err err;
    struct channel_fetched file;
    char mimetype[64];
};

static void on_fetched(void *arg, const struct err *e, const struct channel_fetched *f)
{
    struct got *g = arg;
    g->times++;
    err_copy(&g->err, e);
    if (f) {
        g->file = *f;
        (void)snprintf(g->mimetype, sizeof(g->mimetype), "%s", f->mimetype);
    }
}

static uint8_t *bytes_of(size_t size)
{
    uint8_t *bytes = malloc(size + 1);
    assert_non_null(bytes);
    for (size_t i = 0; i < size; i++) {
        bytes[i] = (uint8_t)(i * 31 + i / 251);
    }
    return bytes;
}

static void sum_of(const uint8_t *bytes, size_t size, char out[65])
{
    uint8_t sum[CRYPTO_SHA256_LEN];
    assert_int_equal(crypto_sha256(bytes, size, sum), 0);
    crypto_hex(sum, sizeof(sum), out);
}

/* What Runtime.evaluate gives for what an operation gave. */
static void gives(const char *value)
{
    char *inner = NULL;
    assert_true(asprintf(&inner, "{\"ok\":true,\"value\":%s}", value) > 0);
    json_t *result = json_pack("{s:{s:s}}", "result", "value", inner);
    char *text = json_text(result, NULL);
    answer(0, NULL, text);
    free(text);
    json_decref(result);
    free(inner);
}

static void refuses(const char *code)
{
    char inner[256];
    (void)snprintf(
        inner, sizeof(inner),
        "{\"ok\":false,\"error\":{\"kind\":\"refusal\",\"code\":\"%s\",\"message\":\"m\"}}", code);
    json_t *result = json_pack("{s:{s:s}}", "result", "value", inner);
    char *text = json_text(result, NULL);
    answer(0, NULL, text);
    free(text);
    json_decref(result);
}

static void until_call(const char *op)
{
    while (browser_page.count == 0) {
        (void)uv_run(&loop, UV_RUN_ONCE);
    }
    if (!strstr(browser_page.params[0], op)) {
        fail_msg("asked for %s instead of %s", browser_page.params[0], op);
    }
}

static void until_told(const struct got *g)
{
    while (g->times == 0) {
        (void)uv_run(&loop, UV_RUN_ONCE);
    }
    assert_int_equal(g->times, 1);
}

static void opened(uint64_t size, const char *sha256)
{
    char value[256];
    until_call("media_open");
    (void)snprintf(value, sizeof(value),
                   "{\"handle\":7,\"size\":%llu,\"mimetype\":\"text/plain\",\"sha256\":\"%s\"}",
                   (unsigned long long)size, sha256);
    gives(value);
}

static void piece(const uint8_t *bytes, size_t len)
{
    char *data = malloc(CRYPTO_BASE64_LEN(len)), *value = NULL;
    assert_non_null(data);
    (void)crypto_base64(bytes, len, data);
    assert_true(asprintf(&value, "{\"data\":\"%s\"}", data) > 0);
    until_call("media_read");
    gives(value);
    free(value);
    free(data);
}

static int scratch(void)
{
    char path[] = "/tmp/wabridge-page-media-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(unlink(path), 0);
    return fd;
}

static struct page *asked(struct got *g, int fd, uint64_t max)
{
    struct page *p = running_page();
    memset(g, 0, sizeof(*g));
    channel_fetch_media(page_channel(p), "1@lid", "3AAA01", fd, max, on_fetched, g);
    assert_int_equal(g->times, 0);
    return p;
}

static void end(struct page *p, int fd)
{
    close_and_wait(p);
    assert_int_equal(close(fd), 0);
}

static void a_file_comes_whole(void **state)
{
    static const size_t sizes[] = {0, 1, PIECE, PIECE + 1, 3 * PIECE - 5};
    (void)state;
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        struct got g;
        char sum[65];
        size_t size = sizes[i];
        uint8_t *bytes = bytes_of(size), *back = malloc(size + 1);
        int fd = scratch();
        struct page *p = asked(&g, fd, 10 * PIECE);
        sum_of(bytes, size, sum);
        opened(size, sum);
        for (size_t at = 0; at < size; at += PIECE) {
            piece(bytes + at, size - at < PIECE ? size - at : PIECE);
        }
        until_told(&g);
        assert_int_equal(g.err.code, 0);
        assert_int_equal(g.file.size_bytes, size);
        assert_string_equal(g.file.sha256, sum);
        assert_string_equal(g.mimetype, "text/plain");
        assert_int_equal(pread(fd, back, size + 1, 0), (ssize_t)size);
        assert_memory_equal(back, bytes, size);
        until_call("media_close");
        gives("{}");
        end(p, fd);
        free(back);
        free(bytes);
    }
}

static void what_cannot_be_had_is_said(void **state)
{
    static const struct {
        const char *code;
        int err;
        const char *word;
    } rows[] = {
        {"media_expired", E_NOTFOUND, "media_expired"},
        {"msg_not_found", E_NOTFOUND, "unknown_message"},
        {"offline", E_STATE, "page_offline"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct got g;
        int fd = scratch();
        struct page *p = asked(&g, fd, 100);
        until_call("media_open");
        refuses(rows[i].code);
        until_told(&g);
        assert_int_equal(g.err.code, rows[i].err);
        assert_string_equal(err_word_of(&g.err), rows[i].word);
        end(p, fd);
    }
}

static void a_file_that_is_too_large_is_not_read(void **state)
{
    struct got g;
    int fd = scratch();
    struct page *p = asked(&g, fd, 100);
    (void)state;
    opened(101, "");
    until_told(&g);
    assert_int_equal(g.err.code, E_TOOLARGE);
    until_call("media_close");
    end(p, fd);
}

static void nonsense_is_refused(void **state)
{
    static const char *const opens[] = {"{}", "{\"handle\":0,\"size\":1}", "{\"handle\":1}",
                                        "{\"handle\":1,\"size\":-1}"};
    static const char *const reads[] = {"{}", "{\"data\":7}", "{\"data\":\"QUJD\"}",
                                        "{\"data\":\"????\"}"};
    (void)state;
    for (size_t i = 0; i < sizeof(opens) / sizeof(opens[0]); i++) {
        struct got g;
        int fd = scratch();
        struct page *p = asked(&g, fd, 100);
        until_call("media_open");
        gives(opens[i]);
        until_told(&g);
        assert_int_equal(g.err.code, E_PROTO);
        end(p, fd);
    }
    for (size_t i = 0; i < sizeof(reads) / sizeof(reads[0]); i++) {
        struct got g;
        int fd = scratch();
        struct page *p = asked(&g, fd, 100);
        opened(2, "");
        until_call("media_read");
        gives(reads[i]);
        until_told(&g);
        assert_int_equal(g.err.code, E_PROTO);
        end(p, fd);
    }
}

static void another_file_is_not_taken(void **state)
{
    struct got g;
    char sum[65];
    int fd = scratch();
    struct page *p = asked(&g, fd, 100);
    (void)state;
    sum_of((const uint8_t *)"other", 5, sum);
    opened(5, sum);
    piece((const uint8_t *)"bytes", 5);
    until_told(&g);
    assert_int_equal(g.err.code, E_PROTO);
    assert_string_equal(err_word_of(&g.err), "media_mismatch");
    end(p, fd);
}

static void a_file_that_cannot_be_written_is_an_error(void **state)
{
    struct got g;
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    struct page *p = asked(&g, fd, 100);
    (void)state;
    opened(5, "");
    piece((const uint8_t *)"bytes", 5);
    until_told(&g);
    assert_int_equal(g.err.code, E_IO);
    end(p, fd);
}

/* While it is opened, while a piece is on its way, while one is written. */
static void closing_the_page_ends_it(void **state)
{
    (void)state;
    for (int step = 0; step < 3; step++) {
        struct got g;
        uint8_t *bytes = bytes_of(2 * PIECE);
        int fd = scratch();
        struct page *p = asked(&g, fd, 10 * PIECE);
        until_call("media_open");
        if (step > 0) {
            opened(2 * PIECE, "");
            until_call("media_read");
        }
        if (step > 1) {
            piece(bytes, PIECE);
        }
        close_and_wait(p);
        assert_int_equal(g.times, 1);
        assert_int_equal(g.err.code, E_CANCELED);
        assert_int_equal(close(fd), 0);
        free(bytes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_file_comes_whole, start_loop, end_loop),
        cmocka_unit_test_setup_teardown(what_cannot_be_had_is_said, start_loop, end_loop),
        cmocka_unit_test_setup_teardown(a_file_that_is_too_large_is_not_read, start_loop, end_loop),
        cmocka_unit_test_setup_teardown(nonsense_is_refused, start_loop, end_loop),
        cmocka_unit_test_setup_teardown(another_file_is_not_taken, start_loop, end_loop),
        cmocka_unit_test_setup_teardown(a_file_that_cannot_be_written_is_an_error, start_loop,
                                        end_loop),
        cmocka_unit_test_setup_teardown(closing_the_page_ends_it, start_loop, end_loop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
