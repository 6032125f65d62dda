/*
 * A real bridge on a temporary directory whose session never starts a browser: what the far end
 * would tell is given to the session's inbox, what is sent stays in the queue. Nothing of ours is
 * replaced.
 */
#ifndef BOX_FIXTURE_H
#define BOX_FIXTURE_H

/* cmocka wants these before it */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../../../cdp/cdp.h" /* by path, as core.h has the store: neither is on our include path */
#include "clock.h"
#include "inbox.h"
#include "json.h"
#include "log.h"
#include "outbox.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DEADLINE_MS 120000 /* of any wait: past it the test fails */

struct box {
    char dir[64], script[80];
    uv_loop_t loop;
    uv_timer_t tick; /* so that waiting never blocks for good */
    struct store *store;
    struct cdp *cdp;
    struct bridge *b;
    struct bridge_config cfg;
    struct session *s;
    unsigned closed;
};

static void box_on_closed(void *arg)
{
    ((struct box *)arg)->closed++;
}

static void box_on_tick(uv_timer_t *t)
{
    (void)t;
}

/* Turns the loop until the condition holds. */
#define UNTIL(box, condition)                                                                      \
    do {                                                                                           \
        uint64_t until_end = clock_mono_ms() + DEADLINE_MS;                                        \
        while (!(condition)) {                                                                     \
            assert_true(clock_mono_ms() < until_end);                                              \
            (void)uv_run(&(box)->loop, UV_RUN_ONCE);                                               \
        }                                                                                          \
    } while (0)

static void box_open(struct box *x)
{
    struct err e;
    char data[80];
    (void)snprintf(data, sizeof(data), "%s/store", x->dir);
    const struct store_options o = {.dir = data, .map_size = 256u << 20, .loop = &x->loop};
    assert_int_equal(store_open(&o, &x->store, &e), 0);
    assert_int_equal(cdp_create(&x->loop, &x->cdp, &e), 0);
    int rc = bridge_create(&x->loop, x->store, x->cdp, &x->cfg, &x->b, NULL, &e);
    if (rc != 0) {
        fail_msg("bridge_create: %s", e.msg);
    }
    assert_int_equal(session_find(x->b, "default", "main", &x->s, &e), 0);
}

static void box_close(struct box *x)
{
    x->closed = 0;
    bridge_close(x->b, 0, box_on_closed, x);
    UNTIL(x, x->closed == 1);
    cdp_close(x->cdp, box_on_closed, x);
    UNTIL(x, x->closed == 2);
    store_close(x->store, box_on_closed, x);
    UNTIL(x, x->closed == 3);
}

static int box_setup(void **state)
{
    struct box *x = calloc(1, sizeof(*x));
    assert_non_null(x);
    log_init(LOG_TEXT, LOG_ERROR, 2);
    (void)snprintf(x->dir, sizeof(x->dir), "/tmp/wabridge-box-XXXXXX");
    assert_non_null(mkdtemp(x->dir));
    assert_int_equal(uv_loop_init(&x->loop), 0);
    assert_int_equal(uv_timer_init(&x->loop, &x->tick), 0);
    assert_int_equal(uv_timer_start(&x->tick, box_on_tick, 20, 20), 0);
    bridge_config_defaults(&x->cfg);
    x->cfg.data_dir = x->dir;
    (void)snprintf(x->script, sizeof(x->script), "%s/script.js", x->dir);
    FILE *f = fopen(x->script, "we"); /* no page is ever opened; it only has to be there */
    assert_non_null(f);
    assert_true(fputs("void 0;\n", f) >= 0);
    assert_int_equal(fclose(f), 0);
    x->cfg.page.wa_js = x->script;
    box_open(x);

    *state = x;
    return 0;
}

static int box_remove(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void)st;
    (void)flag;
    (void)ftw;
    return remove(path);
}

static int box_teardown(void **state)
{
    struct box *x = *state;
    box_close(x);
    uv_close((uv_handle_t *)&x->tick, NULL);
    assert_int_equal(uv_run(&x->loop, UV_RUN_DEFAULT), 0);
    assert_int_equal(uv_loop_close(&x->loop), 0);
    assert_int_equal(nftw(x->dir, box_remove, 16, FTW_DEPTH | FTW_PHYS), 0);
    free(x);
    return 0;
}

/* ---- the event log ------------------------------------------------------------------------------
 */

static inline uint64_t box_seq(const struct box *x)
{
    return bridge_events_last(x->b, "default");
}

struct box_wanted {
    uint64_t seq;
    json_t *event;
};

static inline int box_on_event(void *arg, uint64_t seq, const char *type, const char *text,
                               size_t len)
{
    struct box_wanted *w = arg;
    (void)type;
    if (seq == w->seq) {
        w->event = json_loadb(text, len, 0, NULL);
    }
    return 1;
}

/* Gives the event. */
static inline json_t *box_event(struct box *x, uint64_t seq)
{
    struct box_wanted w = {.seq = seq};
    struct err e;
    assert_int_equal(bridge_events(x->b, "default", seq - 1, 1, box_on_event, &w, &e), 0);
    assert_non_null(w.event);
    return w.event;
}

/* The data of the event with that number, of that type. Gives. */
static inline json_t *box_data(struct box *x, uint64_t seq, const char *type)
{
    json_t *event = box_event(x, seq);
    assert_string_equal(json_str(event, "type"), type);
    json_t *data = json_incref(json_obj(event, "data"));
    assert_non_null(data);
    json_decref(event);
    return data;
}

/* ---- the far end
 * ----------------------------------------------------------------------------------- */

#define ANN_LID "100000000000001@lid"
#define ANN_PHONE "5511988887777"

static inline struct channel_message box_message(const char *id, const char *text, uint64_t time_ms)
{
    const struct channel_peer ann = {
        .id = ANN_LID, .phone = ANN_PHONE, .lid = ANN_LID, .name = "Ann"};
    return (struct channel_message){
        .id = id, .chat = ann, .from = ann, .type = "text", .text = text, .time_ms = time_ms};
}

static inline void box_hear(struct box *x, const struct channel_message *m)
{
    const struct channel_event ev = {.kind = CHANNEL_MESSAGE, .message = *m};
    inbox_event(session_inbox(x->s), &ev);
}

/* A reaction by somebody else to a message that nobody has: the last event that we wait for, so
 * that what wrote nothing before it is known to be over. */
static inline void box_settle(struct box *x)
{
    static unsigned mark;
    char id[32];
    uint64_t seq = box_seq(x);
    (void)snprintf(id, sizeof(id), "MARK%u", ++mark);
    const struct channel_peer bob = {.id = "5500000000000@c.us"};
    const struct channel_event ev = {.kind = CHANNEL_REACTION,
                                     .chat = bob,
                                     .by = bob,
                                     .message_id = id,
                                     .text = "!",
                                     .time_ms = 1700000000000};
    inbox_event(session_inbox(x->s), &ev);
    /* Each event once, by its number: "the last one" moves while we look, as the writer commits
     * beside us. */
    for (bool mine = false; !mine;) {
        seq++;
        UNTIL(x, box_seq(x) >= seq);
        json_t *event = box_event(x, seq);
        mine = strcmp(json_str_or(json_obj(event, "data"), "message_id", ""), id) == 0;
        json_decref(event);
    }
}

/* ---- the API
 * ------------------------------------------------------------------------------------------ */

struct box_answer {
    unsigned count;
    struct err err;
    json_t *body; /* of the last one; owned */
    bool replayed;
};

static inline void box_on_answer(void *arg, const struct bridge_reply *r)
{
    struct box_answer *a = arg;
    a->count++;
    err_copy(&a->err, r->err);
    json_decref(a->body);
    a->body = json_incref(r->body);
    a->replayed = r->replayed;
}

static inline void box_send(struct box *x, const char *body, const char *key, struct box_answer *a)
{
    unsigned char hash[32] = {0};
    json_t *v = json_loads(body, 0, NULL);
    assert_non_null(v);
    for (size_t i = 0; body[i] != '\0'; i++) {
        hash[i % sizeof(hash)] = (unsigned char)(hash[i % sizeof(hash)] * 31 + body[i]);
    }
    const struct bridge_send send = {.tenant = "default",
                                     .session = "main",
                                     .body = v,
                                     .idempotency_key = key,
                                     .request_hash = hash};
    bridge_send(x->b, &send, box_on_answer, a);
    json_decref(v);
}

/* Gives the message; NULL when there is none. */
static inline json_t *box_get(struct box *x, const char *id)
{
    struct err e;
    json_t *m = NULL;
    int rc = bridge_message_get(x->b, "default", "main", id, &m, &e);
    if (rc != 0) {
        assert_int_equal(rc, E_NOTFOUND);
        assert_string_equal(err_word_of(&e), "unknown_message");
    }
    return m;
}

#endif
