/* Files in a real bridge on a temporary directory: how the tests put them there, and age them. */
#ifndef TEST_BRIDGE_MEDIA_ROOM_FIXTURE_H
#define TEST_BRIDGE_MEDIA_ROOM_FIXTURE_H

#include "media_got.h"

#include <fcntl.h>
#include <sys/stat.h>

static inline struct got get(struct box *x, struct media_source from)
{
    struct got g = {0};
    media_get(x->b, "default", &from, on_got, &g);
    assert_false(g.done); /* never inside */
    UNTIL(x, g.done);
    return g;
}

static inline struct got receive(struct box *x, const char *text, const char *declared)
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
    media_received(r, strlen(text), hex, declared, on_got, &g);
    UNTIL(x, g.done);
    return g;
}

static inline bool on_disk(struct box *x, const char *sha256)
{
    struct buf path;
    struct stat st;
    buf_init(&path, 4096);
    assert_int_equal(media_path(x->b, "default", sha256, &path), 0);
    bool there = stat(path.data, &st) == 0;
    buf_finish(&path);
    return there;
}

static inline bool recorded(struct box *x, const char *sha256)
{
    struct store_txn *t = NULL;
    struct media_record r;
    assert_int_equal(store_read(x->store, &t, NULL), 0);
    int rc = media_record_get(t, "default", sha256, &r);
    store_read_end(t);
    return rc == 0;
}

/* One change in an operation of its own. */
struct change {
    struct store_op op;
    int (*fn)(struct store_txn *t, struct change *c);
    const char *sha256;
    uint64_t number;
    enum store_delivery_state state;
    int rc;
    bool done;
};

static inline int on_change(struct store_txn *t, struct store_op *op)
{
    struct change *c = op->data;
    return c->fn(t, c);
}

static inline void on_changed(struct store_op *op, int rc)
{
    struct change *c = op->data;
    c->rc = rc;
    c->done = true;
}

static inline void change(struct box *x, struct change c)
{
    c.op.data = &c;
    store_submit(x->store, &c.op, on_change, on_changed);
    UNTIL(x, c.done);
    assert_int_equal(c.rc, 0);
}

static inline int set_used(struct store_txn *t, struct change *c)
{
    char text[256];
    struct media_record r;
    int rc = media_record_get(t, "default", c->sha256, &r);
    int n = snprintf(text, sizeof(text),
                     "{\"size_bytes\":%llu,\"mimetype\":\"%s\",\"filename\":\"\",\"width\":0,"
                     "\"height\":0,\"duration_s\":0,\"created_ms\":1,\"used_ms\":%llu}",
                     (unsigned long long)r.info.size_bytes, r.info.mimetype,
                     (unsigned long long)c->number);
    return rc != 0 ? rc
                   : store_put(t, STORE_MEDIA, STORE_PATH("default", c->sha256), text, (size_t)n);
}

static inline void age(struct box *x, const char *sha256, uint64_t ms)
{
    change(x, (struct change){.fn = set_used, .sha256 = sha256, .number = clock_wall_ms() - ms});
}

static inline int add_queued(struct store_txn *t, struct change *c)
{
    char text[200];
    uint64_t order = 0;
    int n = snprintf(text, sizeof(text), "{\"file\":{\"media_id\":\"%s\"}}", c->sha256);
    return store_outbox_add(t, "default", "main", "3EB0AA", UINT64_MAX, text, (size_t)n, &order);
}

static inline int add_message(struct store_txn *t, struct change *c)
{
    char text[250];
    uint64_t order = 0;
    int n = snprintf(text, sizeof(text), "{\"media\":{\"state\":\"ready\",\"sha256\":\"%s\"}}",
                     c->sha256);
    int rc = store_message_put(t, "default", "main", "1@c.us", "3EB0BB", 1, text, (size_t)n, NULL);
    return rc != 0 ? rc
                   : store_outbox_add(t, "default", "main", "3EB0BB", UINT64_MAX, "{}", 2, &order);
}

static inline int add_delivery(struct store_txn *t, struct change *c)
{
    char text[250];
    struct store_delivery d;
    uint64_t seq = 0;
    int n = snprintf(text, sizeof(text), "{\"data\":{\"media\":{\"sha256\":\"%s\"}}}", c->sha256);
    int rc = store_put(t, STORE_WEBHOOKS, STORE_PATH("default", "hook"), "{}", 2);
    rc = rc != 0 ? rc : store_event_next(t, "default", &seq);
    rc = rc != 0 ? rc : store_event_put(t, "default", seq, text, (size_t)n);
    rc = rc != 0 ? rc : store_delivery_add(t, "default", "hook", seq, seq, 1);
    rc = rc != 0 ? rc : store_delivery_get(t, "default", "hook", seq, &d);
    d.state = c->state;
    d.finished_ms = c->state == STORE_PENDING ? 0 : clock_wall_ms();
    return rc != 0 ? rc : store_delivery_update(t, &d);
}

static inline void on_round(void *arg)
{
    *(bool *)arg = true;
}

static inline void retain(struct box *x)
{
    bool done = false;
    retention_start(x->b->media, on_round, &done);
    UNTIL(x, done);
}

#define DAY UINT64_C(86400000)

static inline void write_file(const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "x", 1), 1);
    assert_int_equal(close(fd), 0);
}

#define IN_BOX(test) cmocka_unit_test_setup_teardown(test, box_setup, box_teardown)

#endif
