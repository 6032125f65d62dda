/*
 * A bridge without browsers: the real store on a temporary directory, the router, the relay, and a
 * real HTTP receiver on the same loop. Nothing of ours is replaced.
 */
#ifndef RELAY_FIXTURE_H
#define RELAY_FIXTURE_H

/* cmocka wants these before it */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "json.h"
#include "log.h"
#include "relay_priv.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#define DEADLINE_MS 120000 /* of any wait: past it the test fails */

/* ---- the receiver ------------------------------------------------------------------------------
 */

struct request {
    char id[64], timestamp[32], signature[80], hub[80], path[64], extra[64], agent[64], type[64];
    unsigned attempt;
    char *body;
    json_t *event;
    uint64_t at_ms;
    int status; /* what was answered; 0: nothing */
};

struct answer {
    int status;          /* 0: never answers */
    const char *headers; /* lines that end in \r\n, or NULL */
    size_t body_bytes;   /* of 'x' */
};

struct receiver {
    uv_loop_t *loop;
    uv_tcp_t tcp;
    int port;
    struct request requests[2048];
    size_t count, connections, open;
    struct answer (*answer)(struct receiver *rx, const struct request *rq);
    void *data;
    bool closed;
    struct list peers;
};

struct peer {
    struct list link;
    uv_tcp_t tcp;
    struct receiver *rx;
    char *in;
    size_t len;
};

struct reply_write {
    uv_write_t req;
    char *text;
};

static void rx_alloc(uv_handle_t *h, size_t hint, uv_buf_t *buf)
{
    (void)h;
    *buf = uv_buf_init(malloc(hint), (unsigned)hint);
}

static void rx_on_peer_closed(uv_handle_t *h)
{
    struct peer *p = h->data;
    p->rx->open--;
    free(p->in);
    free(p);
}

static void rx_drop(struct peer *p)
{
    if (!uv_is_closing((uv_handle_t *)&p->tcp)) {
        list_remove(&p->link);
        uv_close((uv_handle_t *)&p->tcp, rx_on_peer_closed);
    }
}

static void rx_on_written(uv_write_t *w, int status)
{
    (void)status;
    struct reply_write *rw = (struct reply_write *)w;
    free(rw->text);
    free(rw);
}

static void rx_header(const char *head, const char *name, char *out, size_t size)
{
    out[0] = '\0';
    size_t n = strlen(name);
    for (const char *line = strstr(head, "\r\n"); line != NULL; line = strstr(line + 2, "\r\n")) {
        if (strncasecmp(line + 2, name, n) == 0 && line[2 + n] == ':') {
            const char *v = line + 2 + n + 1 + strspn(line + 2 + n + 1, " ");
            snprintf(out, size, "%.*s", (int)strcspn(v, "\r"), v);
            return;
        }
    }
}

static void rx_send(struct peer *p, struct answer a)
{
    struct reply_write *rw = calloc(1, sizeof(*rw));
    size_t cap = 512 + (a.headers != NULL ? strlen(a.headers) : 0) + a.body_bytes;
    rw->text = malloc(cap);
    int n = snprintf(rw->text, cap, "HTTP/1.1 %d Word\r\nContent-Length: %zu\r\n%s\r\n", a.status,
                     a.body_bytes, a.headers != NULL ? a.headers : "");
    memset(rw->text + n, 'x', a.body_bytes);
    uv_buf_t buf = uv_buf_init(rw->text, (unsigned)n + (unsigned)a.body_bytes);
    assert_int_equal(uv_write(&rw->req, (uv_stream_t *)&p->tcp, &buf, 1, rx_on_written), 0);
}

/* One whole request at the start of the input, if there is one. */
static bool rx_take(struct peer *p)
{
    struct receiver *rx = p->rx;
    char *end = p->len > 0 ? strstr(p->in, "\r\n\r\n") : NULL;
    char length[16];
    if (end == NULL) {
        return false;
    }
    rx_header(p->in, "content-length", length, sizeof(length));
    size_t head = (size_t)(end + 4 - p->in);
    size_t body = strtoul(length, NULL, 10);
    if (p->len < head + body) {
        return false;
    }
    assert_true(rx->count < sizeof(rx->requests) / sizeof(rx->requests[0]));
    struct request *rq = &rx->requests[rx->count];
    char attempt[16];
    memset(rq, 0, sizeof(*rq));
    *end = '\0';
    assert_int_equal(strncmp(p->in, "POST ", 5), 0);
    snprintf(rq->path, sizeof(rq->path), "%.*s", (int)strcspn(p->in + 5, " "), p->in + 5);
    rx_header(p->in, "webhook-id", rq->id, sizeof(rq->id));
    rx_header(p->in, "webhook-timestamp", rq->timestamp, sizeof(rq->timestamp));
    rx_header(p->in, "webhook-signature", rq->signature, sizeof(rq->signature));
    rx_header(p->in, "x-hub-signature-256", rq->hub, sizeof(rq->hub));
    rx_header(p->in, "webhook-attempt", attempt, sizeof(attempt));
    rx_header(p->in, "x-extra", rq->extra, sizeof(rq->extra));
    rx_header(p->in, "user-agent", rq->agent, sizeof(rq->agent));
    rx_header(p->in, "content-type", rq->type, sizeof(rq->type));
    rq->attempt = (unsigned)strtoul(attempt, NULL, 10);
    rq->body = strndup(end + 4, body);
    rq->event = json_parse(rq->body, body, 1 << 20, NULL);
    rq->at_ms = uv_now(rx->loop);
    rx->count++;
    struct answer a = rx->answer != NULL ? rx->answer(rx, rq) : (struct answer){.status = 200};
    rq->status = a.status;
    p->len -= head + body;
    memmove(p->in, p->in + head + body, p->len + 1);
    if (a.status != 0) {
        rx_send(p, a);
    }
    return true;
}

static void rx_on_read(uv_stream_t *s, ssize_t n, const uv_buf_t *buf)
{
    struct peer *p = s->data;
    if (n > 0) {
        p->in = realloc(p->in, p->len + (size_t)n + 1);
        memcpy(p->in + p->len, buf->base, (size_t)n);
        p->len += (size_t)n;
        p->in[p->len] = '\0';
        while (rx_take(p)) {
        }
    } else if (n < 0) {
        rx_drop(p);
    }
    free(buf->base);
}

static void rx_on_connection(uv_stream_t *s, int status)
{
    struct receiver *rx = s->data;
    assert_int_equal(status, 0);
    struct peer *p = calloc(1, sizeof(*p));
    p->rx = rx;
    rx->connections++;
    rx->open++;
    uv_tcp_init(rx->loop, &p->tcp);
    p->tcp.data = p;
    list_append(&rx->peers, &p->link);
    assert_int_equal(uv_accept(s, (uv_stream_t *)&p->tcp), 0);
    assert_int_equal(uv_read_start((uv_stream_t *)&p->tcp, rx_alloc, rx_on_read), 0);
}

static inline struct receiver *rx_start(uv_loop_t *loop)
{
    struct receiver *rx = calloc(1, sizeof(*rx));
    struct sockaddr_in at;
    int len = sizeof(at);
    rx->loop = loop;
    list_init(&rx->peers);
    uv_tcp_init(loop, &rx->tcp);
    rx->tcp.data = rx;
    uv_ip4_addr("127.0.0.1", 0, &at);
    assert_int_equal(uv_tcp_bind(&rx->tcp, (struct sockaddr *)&at, 0), 0);
    assert_int_equal(uv_listen((uv_stream_t *)&rx->tcp, 128, rx_on_connection), 0);
    uv_tcp_getsockname(&rx->tcp, (struct sockaddr *)&at, &len);
    rx->port = ntohs(at.sin_port);
    return rx;
}

static void rx_on_closed(uv_handle_t *h)
{
    ((struct receiver *)h->data)->closed = true;
}

static inline void rx_stop(struct receiver *rx)
{
    LIST_FOREACH(&rx->peers, it, next)
    {
        rx_drop(LIST_ENTRY(it, struct peer, link));
    }
    uv_close((uv_handle_t *)&rx->tcp, rx_on_closed);
    while (!rx->closed || rx->open > 0) {
        uv_run(rx->loop, UV_RUN_ONCE);
    }
    for (size_t i = 0; i < rx->count; i++) {
        free(rx->requests[i].body);
        json_decref(rx->requests[i].event);
    }
    free(rx);
}

/* ---- the bridge --------------------------------------------------------------------------------
 */

struct fixture {
    char dir[64];
    uv_loop_t loop;
    uv_timer_t beat;
    struct store *store;
    struct bridge b;
    struct core core;
    struct receiver *rx;
};

static int fx_remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void)st;
    (void)flag;
    (void)ftw;
    return remove(path);
}

static void fx_on_beat(uv_timer_t *t)
{
    (void)t; /* ends the loop's sleep: uv_run() also runs timers before it sleeps */
}

/* Turns the loop until `what` holds. */
#define WAIT(fx, what)                                                                             \
    do {                                                                                           \
        uint64_t end_ = uv_hrtime() / 1000000 + DEADLINE_MS;                                       \
        uv_timer_start(&(fx)->beat, fx_on_beat, 20, 20);                                           \
        while (!(what)) {                                                                          \
            if (uv_hrtime() / 1000000 > end_) {                                                    \
                fail_msg("never: %s (line %d)", #what, __LINE__);                                  \
            }                                                                                      \
            uv_run(&(fx)->loop, UV_RUN_ONCE);                                                      \
        }                                                                                          \
        uv_timer_stop(&(fx)->beat);                                                                \
    } while (0)

static void fx_on_flag(void *arg)
{
    *(bool *)arg = true;
}

static inline void fx_relay_open(struct fixture *fx)
{
    struct err e;
    err_clear(&e);
    fx->core.open = 0;
    if (router_create(&fx->b, &fx->b.router, &e) != 0 ||
        relay_create(&fx->b, &fx->b.relay, &e) != 0) {
        fail_msg("%s", e.msg);
    }
    relay_start(fx->b.relay);
}

static inline void fx_relay_close(struct fixture *fx, uint64_t grace_ms)
{
    bool closed = false;
    fx->b.closing = true;
    relay_close(fx->b.relay, grace_ms, fx_on_flag, &closed);
    WAIT(fx, closed);
    fx->b.relay = NULL;
    WAIT(fx, fx->core.open == 0);
    router_free(fx->b.router);
    fx->b.router = NULL;
    fx->b.closing = false;
}

/* One operation, waited for. */
struct fx_op {
    struct store_op op;
    int (*fn)(struct store_txn *t, struct fixture *fx, void *arg, struct err *e);
    struct fixture *fx;
    void *arg;
    bool done;
    int rc;
};
static int fx_apply_op(struct store_txn *t, struct store_op *op)
{
    struct fx_op *o = op->data;
    return o->fn(t, o->fx, o->arg, &op->err);
}
static void fx_on_op(struct store_op *op, int rc)
{
    struct fx_op *o = op->data;
    o->done = true;
    o->rc = rc;
}
static inline int fx_write(struct fixture *fx,
                           int (*fn)(struct store_txn *, struct fixture *, void *, struct err *),
                           void *arg)
{
    struct fx_op o = {.fn = fn, .fx = fx, .arg = arg};
    o.op.data = &o;
    store_submit(fx->store, &o.op, fx_apply_op, fx_on_op);
    WAIT(fx, o.done);
    return o.rc;
}

static int fx_put_tenant(struct store_txn *t, struct fixture *fx, void *arg, struct err *e)
{
    (void)fx;
    (void)e;
    return store_put(t, STORE_TENANTS, STORE_PATH((const char *)arg), "{}", 2);
}

static inline int fx_setup(void **state)
{
    struct fixture *fx = calloc(1, sizeof(*fx));
    struct err e;
    log_init(LOG_TEXT, LOG_ERROR, 2);
    snprintf(fx->dir, sizeof(fx->dir), "/tmp/relay-XXXXXX");
    assert_non_null(mkdtemp(fx->dir));
    uv_loop_init(&fx->loop);
    uv_timer_init(&fx->loop, &fx->beat);
    struct store_options o = {.dir = fx->dir, .map_size = 256u << 20, .loop = &fx->loop};
    if (store_open(&o, &fx->store, &e) != 0) {
        fail_msg("%s", e.msg);
    }
    fx->b.loop = &fx->loop;
    fx->b.store = fx->store;
    fx->b.core = &fx->core;
    list_init(&fx->b.watches);
    list_init(&fx->core.grown);
    uv_timer_init(&fx->loop, &fx->core.watch_timer);
    fx->core.watch_timer.data = &fx->b;
    bridge_config_defaults(&fx->b.cfg);
    fx->b.cfg.relay.allow_private = true;
    fx_relay_open(fx);
    char tenant[] = "acme";
    assert_int_equal(fx_write(fx, fx_put_tenant, tenant), 0);
    fx->rx = rx_start(&fx->loop);
    *state = fx;
    return 0;
}

static inline int fx_teardown(void **state)
{
    struct fixture *fx = *state;
    bool closed = false;
    struct store_txn *t = NULL;
    struct err e;
    if (fx->b.relay != NULL) {
        fx_relay_close(fx, 0);
    }
    assert_int_equal(store_read(fx->store, &t, NULL), 0);
    if (store_check(t, &e) != 0) {
        fail_msg("%s", e.msg);
    }
    store_read_end(t);
    rx_stop(fx->rx);
    store_close(fx->store, fx_on_flag, &closed);
    WAIT(fx, closed);
    uv_close((uv_handle_t *)&fx->beat, NULL);
    uv_close((uv_handle_t *)&fx->core.watch_timer, NULL);
    uv_run(&fx->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&fx->loop), 0);
    nftw(fx->dir, fx_remove_one, 8, FTW_DEPTH | FTW_PHYS);
    free(fx);
    return 0;
}

/* ---- calls and events --------------------------------------------------------------------------
 */

struct fx_reply {
    bool done;
    struct err err;
    json_t *body;
    bool created;
};
static void fx_on_reply(void *arg, const struct bridge_reply *r)
{
    struct fx_reply *out = arg;
    assert_false(out->done);
    out->done = true;
    err_copy(&out->err, r->err);
    out->body = json_incref(r->body);
    out->created = r->created;
}

/* PUT …/webhooks/{name}; gives the answer's body. */
static inline json_t *fx_hook(struct fixture *fx, const char *name, json_t *body)
{
    struct fx_reply r = {0};
    bridge_webhook_put(&fx->b, "acme", NULL, name, body, fx_on_reply, &r);
    assert_false(r.done);
    WAIT(fx, r.done);
    if (r.err.code != 0) {
        fail_msg("%s: %s", name, r.err.msg);
    }
    json_decref(body);
    return r.body;
}

/* A webhook to the receiver that is impatient: 20 ms, 40 ms … 160 ms. */
static inline json_t *fx_hook_body(struct fixture *fx, const char *host)
{
    char url[128];
    snprintf(url, sizeof(url), "http://%s:%d/hook", host, fx->rx->port);
    return json_pack("{s:s, s:[s], s:{s:i, s:i}, s:s}", "url", url, "events", "message.*", "retry",
                     "initial_delay_ms", 20, "max_delay_ms", 160, "secret",
                     "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
}

struct fx_events {
    const char *chat, *type, *session;
    const char *const *texts; /* NULL-terminated: one event each */
};
static int fx_append(struct store_txn *t, struct fixture *fx, void *arg, struct err *e)
{
    const struct fx_events *ev = arg;
    int rc = 0;
    for (size_t i = 0; ev->texts[i] != NULL && rc == 0; i++) {
        char data[128];
        int n = snprintf(data, sizeof(data), "{\"text\":\"%s\",\"chat\":\"%s\"}", ev->texts[i],
                         ev->chat != NULL ? ev->chat : "");
        struct event_draft d = {.tenant = "acme",
                                .session = ev->session,
                                .type = ev->type,
                                .chat_lane = ev->chat,
                                .data = data,
                                .data_len = (size_t)n};
        rc = event_append(&fx->b, t, &d, NULL, e);
    }
    return rc;
}
/* Appends message.received events of a chat in one transaction. */
#define fx_event(fx, chat_, ...)                                                                   \
    do {                                                                                           \
        const char *const texts_[] = {__VA_ARGS__, NULL};                                          \
        struct fx_events ev_ = {                                                                   \
            .chat = (chat_), .type = "message.received", .session = "main", .texts = texts_};      \
        assert_int_equal(fx_write((fx), fx_append, &ev_), 0);                                      \
        event_committed(&(fx)->b, "acme");                                                         \
    } while (0)

static inline const char *rq_text(const struct request *rq)
{
    return json_str_or(json_obj(rq->event, "data"), "text", "");
}
/* How many requests carried this text (and were answered so; 0: any answer). */
static inline size_t rx_saw(const struct receiver *rx, const char *text, int status)
{
    size_t n = 0;
    for (size_t i = 0; i < rx->count; i++) {
        n += strcmp(rq_text(&rx->requests[i]), text) == 0 &&
             (status == 0 || rx->requests[i].status == status);
    }
    return n;
}
/* Place of the first such request; SIZE_MAX: none. */
static inline size_t rx_first(const struct receiver *rx, const char *text, int status)
{
    for (size_t i = 0; i < rx->count; i++) {
        if (strcmp(rq_text(&rx->requests[i]), text) == 0 &&
            (status == 0 || rx->requests[i].status == status)) {
            return i;
        }
    }
    return SIZE_MAX;
}

static inline struct store_counts fx_counts(struct fixture *fx)
{
    struct store_counts c = {0};
    struct store_txn *t = NULL;
    assert_int_equal(store_read(fx->store, &t, NULL), 0);
    assert_int_equal(store_counts(t, "acme", NULL, &c), 0);
    store_read_end(t);
    return c;
}

/* GET …/deliveries?state=; gives the items. */
static inline json_t *fx_deliveries(struct fixture *fx, const char *hook, const char *state)
{
    json_t *body = NULL;
    struct err e;
    struct bridge_paging p = {.limit = 500, .cursor = ""};
    if (bridge_delivery_list(&fx->b, "acme", hook, NULL, state, &p, &body, &e) != 0) {
        fail_msg("%s", e.msg);
    }
    json_t *items = json_incref(json_arr(body, "items"));
    json_decref(body);
    return items;
}

static inline const char *fx_state(struct fixture *fx, const char *hook, char out[16])
{
    json_t *body = NULL;
    assert_int_equal(bridge_webhook_get(&fx->b, "acme", hook, &body, NULL), 0);
    snprintf(out, 16, "%s", json_str_or(json_obj(body, "health"), "state", ""));
    json_decref(body);
    return out;
}

/* How many events of this type the log has. */
struct fx_count {
    const char *type;
    size_t n;
};
static int fx_on_counted(void *arg, uint64_t seq, const char *type, const char *text, size_t len)
{
    (void)seq;
    (void)text;
    (void)len;
    struct fx_count *c = arg;
    c->n += strcmp(type, c->type) == 0;
    return 0;
}
static inline size_t fx_logged(struct fixture *fx, const char *type)
{
    struct fx_count c = {.type = type};
    struct err e;
    assert_int_equal(bridge_events(&fx->b, "acme", 0, 10000, fx_on_counted, &c, &e), 0);
    return c.n;
}

#endif
