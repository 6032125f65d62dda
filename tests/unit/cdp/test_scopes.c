/* Transactions that a killed browser left open in the log of a database, and what takes them back.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "mem.h"
#include "profile_priv.h"
#include "profile_scopes_priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOCKED "\x0a\x02\x08\x01"
enum { UNDO = 0, CLEANUP = 1 };

/* A log that grows by one batch after the other, as LevelDB writes it. */
static struct buf log_bytes, batch;
static uint64_t seq;
static unsigned char joined[1 << 20], again[1 << 20];

static int begin(void **state)
{
    (void)state;
    buf_init(&log_bytes, sizeof(joined));
    buf_init(&batch, sizeof(joined));
    seq = 100;
    leveldb_batch_begin(&batch, seq);
    return 0;
}

static int finish(void **state)
{
    (void)state;
    buf_finish(&log_bytes);
    buf_finish(&batch);
    return 0;
}

static void write_key(const void *key, size_t key_len, const void *value, size_t len)
{
    leveldb_batch_add(&batch, &(struct leveldb_write){.put = value != NULL,
                                                      .key = {key, key_len},
                                                      .value = {value, len}});
    seq++;
}

static void end_batch(void)
{
    leveldb_log_frame(&log_bytes, log_bytes.len, (unsigned char *)batch.data, batch.len);
    buf_reset(&batch);
    leveldb_batch_begin(&batch, seq);
}

static size_t scope_key(unsigned char key[32], unsigned char kind, unsigned id)
{
    static const unsigned char prefix[] = {0, 0, 0, 0, 0x32};
    size_t n = sizeof(prefix);
    memcpy(key, prefix, n);
    key[n++] = kind;
    for (; id >= 0x80; id >>= 7) {
        key[n++] = (unsigned char)(id | 0x80);
    }
    key[n++] = (unsigned char)id;
    return n;
}

static void record(unsigned id, const char *value)
{
    unsigned char key[32];
    write_key(key, scope_key(key, 1, id), value, value ? strlen(value) : 0);
}

static void task(unsigned id, unsigned char type, unsigned n, const char *value)
{
    unsigned char key[32];
    size_t len = scope_key(key, 2, id);
    key[len++] = type;
    memset(key + len, 0xFF, 8);
    key[len] = 0x7F;
    key[len + 7] = (unsigned char)(0xFF - n);
    write_key(key, len + 8, value, value ? strlen(value) : 0);
}

/* One open transaction: it changed key "k<id>" twice, was "a" before, and made "n<id>". */
static void open_scope(unsigned id)
{
    char put[] = "\x0a\x07\x0a\x02kX\x12\x01"
                 "a",
         del[] = "\x12\x04\x0a\x02nX";
    char later[] = "\x0a\x07\x0a\x02kX\x12\x01"
                   "b";
    put[5] = del[5] = later[5] = (char)('0' + id % 10);
    record(id, LOCKED);
    task(id, UNDO, 0, put);
    task(id, UNDO, 1, del);
    end_batch();
    task(id, UNDO, 2, later);
    task(id, CLEANUP, 0, "whatever");
    end_batch();
}

static size_t undo(struct buf *out)
{
    struct bytes logs[] = {{(unsigned char *)log_bytes.data, log_bytes.len}};
    buf_init(out, sizeof(joined));
    return profile_scopes_undo(logs, log_bytes.len > 0 ? 1 : 0, joined, out);
}

static void expect_nothing(void)
{
    struct buf out;
    assert_int_equal(undo(&out), 0);
    assert_int_equal(out.len, 0);
    buf_finish(&out);
}

/* ---- what the written batch says ------------------------------------------------------------- */

struct seen {
    uint64_t first, last;
    char text[512]; /* "k1=a n1- …": writes outside of the scopes' own rows, in order */
    unsigned cleared;
};

static int look(void *arg, const unsigned char *data, size_t len)
{
    struct seen *s = arg;
    struct leveldb_batch b;
    struct leveldb_write w;
    assert_true(leveldb_batch_open(data, len, &b));
    if (s->first == 0) {
        s->first = b.seq;
    }
    s->last = b.seq + b.count;
    uint32_t count = 0;
    while (leveldb_batch_next(&b, &w) == 1) {
        count++;
        if (w.key.len > 5 && w.key.p[4] == 0x32) {
            s->cleared += !w.put;
        } else {
            size_t at = strlen(s->text);
            snprintf(s->text + at, sizeof(s->text) - at, "%.*s%c%.*s ", (int)w.key.len, w.key.p,
                     w.put ? '=' : '-', w.put ? (int)w.value.len : 0,
                     w.put ? (const char *)w.value.p : "");
        }
    }
    assert_int_equal(count, b.count);
    return 0;
}

/* Puts what takes them back behind the log and reads that alone; how many were open in *open. */
static struct seen take_back(size_t *open)
{
    struct seen before = {0}, all = {0};
    struct buf out;
    assert_int_equal(
        leveldb_log_batches((unsigned char *)log_bytes.data, log_bytes.len, again, look, &before),
        0);
    *open = undo(&out);
    buf_append(&log_bytes, out.data, out.len);
    buf_finish(&out);
    assert_int_equal(profile_log_whole((unsigned char *)log_bytes.data, log_bytes.len),
                     log_bytes.len);
    assert_int_equal(
        leveldb_log_batches((unsigned char *)log_bytes.data, log_bytes.len, again, look, &all), 0);
    all.cleared -= before.cleared;
    memmove(all.text, all.text + strlen(before.text), strlen(all.text + strlen(before.text)) + 1);
    all.first = before.last;
    return all;
}

static void test_nothing_open(void **state)
{
    (void)state;
    expect_nothing(); /* no log */
    write_key("k", 1, "v", 1);
    end_batch();
    expect_nothing();
    record(1, LOCKED);
    task(1, UNDO, 0, "\x12\x03\x0a\x01k");
    end_batch();
    expect_nothing(); /* one: Chromium does it */
    record(1, "");    /* finished */
    end_batch();
    open_scope(2);
    expect_nothing();
    record(2, NULL);
    open_scope(3);
    expect_nothing();
}

static void test_two_open(void **state)
{
    size_t open;
    (void)state;
    write_key("x", 1, "y", 1);
    end_batch();
    open_scope(1);
    open_scope(300);
    struct seen s = take_back(&open);
    assert_int_equal(open, 2);
    /* newest first within each, so that the oldest value stays */
    assert_string_equal(s.text, "k0=b n0- k0=a k1=b n1- k1=a ");
    assert_int_equal(s.cleared, 2 * (1 + 4));
    assert_int_equal(s.first, seq); /* goes on where the log ended */
    assert_int_equal(s.last, seq + 2 * (3 + 5));
    expect_nothing(); /* done once */
}

/* What an earlier start took back of one is not taken back again. */
static void test_partly_taken_back(void **state)
{
    size_t open;
    (void)state;
    open_scope(1);
    task(1, UNDO, 2, NULL);
    end_batch();
    open_scope(2);
    struct seen s = take_back(&open);
    assert_int_equal(open, 2);
    assert_string_equal(s.text, "k2=b n2- k2=a n1- k1=a ");
}

/* Undo tasks longer than a block, and a log that ends near the end of one. */
static void test_over_blocks(void **state)
{
    size_t open;
    (void)state;
    char *big = mem_malloc(70001);
    assert_non_null(big);
    memset(big, 'v', 70000);
    big[70000] = '\0';
    /* {1: {1: "k", 2: 69,989 bytes}}: lengths of three bytes each */
    memcpy(big, "\x0a\xec\xa2\x04\x0a\x01k\x12\xe5\xa2\x04", 11);
    for (size_t fill = 0; fill < 9; fill++) {
        record(1, LOCKED);
        task(1, UNDO, 0, big);
        end_batch();
        open_scope(2);
        size_t room = 32768 - log_bytes.len % 32768;
        char *filling = mem_calloc(1, room);
        write_key("f", 1, filling, room - 7 - LEVELDB_BATCH_HEADER - 1 - 2 - 3 - fill);
        end_batch();
        free(filling);
        struct seen s = take_back(&open);
        assert_int_equal(open, 2);
        assert_memory_equal(s.text, "k2=b n2- k2=a k=vvvv", 20);
        finish(NULL);
        begin(NULL);
    }
    free(big);
}

/* What is not understood is left to Chromium. */
static void test_not_understood(void **state)
{
    static const char *const bad[] = {
        "\x1a\x06\x0a\x01"
        "a\x12\x01"
        "b", /* a range */
        "\x0a\x09\x0a\x01k\x12\x01v",
        "\x0a\x06\x0a\x01k\x1a\x01v",
        "\x12",
        "\x12\x02\x0a\x05",
        "\x12\x03\x0a\x01k\x12",
    };
    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        open_scope(1);
        record(2, LOCKED);
        task(2, UNDO, 0, bad[i]);
        end_batch();
        expect_nothing();
        finish(NULL);
        begin(NULL);
    }
    for (unsigned id = 1; id <= 65; id++) { /* more than are kept in view */
        record(id, LOCKED);
    }
    end_batch();
    expect_nothing();
}

/* Damaged bytes: no answer but none or a whole one, nothing read beside the log. */
static void test_damaged(void **state)
{
    (void)state;
    open_scope(1);
    open_scope(2);
    for (size_t len = 1; len < log_bytes.len; len++) {
        unsigned char *copy = mem_malloc(len);
        struct buf out;
        assert_non_null(copy);
        memcpy(copy, log_bytes.data, len);
        buf_init(&out, sizeof(joined));
        struct bytes one = {copy, len};
        size_t open = profile_scopes_undo(&one, 1, joined, &out);
        assert_true(open == 0 || profile_log_whole(copy, len) == len);
        buf_finish(&out);
        free(copy);
    }
}

static void test_out_of_memory(void **state)
{
    size_t open = 0;
    (void)state;
    open_scope(1);
    open_scope(2);
    for (long n = 0; open == 0; n++) {
        struct buf out;
        mem_fail_after(n);
        open = undo(&out);
        assert_true(open > 0 || mem_refused() > 0);
        mem_fail_after(-1);
        buf_finish(&out);
    }
    assert_int_equal(open, 2);
}

#define WITH_LOG(test) cmocka_unit_test_setup_teardown(test, begin, finish)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_LOG(test_nothing_open),      WITH_LOG(test_two_open),
        WITH_LOG(test_partly_taken_back), WITH_LOG(test_over_blocks),
        WITH_LOG(test_not_understood),    WITH_LOG(test_damaged),
        WITH_LOG(test_out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
