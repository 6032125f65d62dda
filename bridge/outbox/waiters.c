/*
 * The outbox of the bridge, and who waits for an ack: a bounded table, a timer each.
 *
 * The present status is read and the waiter entered in one turn of the loop; a commit is told in a
 * later turn, so no change falls between the two.
 */
#include "outbox_priv.h"

#include "json.h"
#include "mem.h"

#include <stdlib.h>
#include <string.h>

#define WAIT_MAX_MS 120000

struct waiter {
    struct list link;
    uv_timer_t timer;
    struct outbox *o;
    struct message_owner owner;
    char id[STORE_MAX_ID + 1];
    enum bridge_ack ack;
    bridge_done_fn done;
    void *arg;
};

int outbox_create(struct bridge *b, struct outbox **out, struct err *e)
{
    struct outbox *o = mem_calloc(1, sizeof(*o));
    if (o == NULL) {
        return err_set(e, E_NOMEM, "out of memory");
    }
    o->b = b;
    for (size_t i = 0; i < WAITER_BUCKETS; i++) {
        list_init(&o->waiters[i]);
    }
    (void)uv_timer_init(b->loop, &o->turn);
    o->turn.data = o;
    outbox_enter(o);
    *out = o;
    return 0;
}

void outbox_enter(struct outbox *o)
{
    o->open++;
}

void outbox_leave(struct outbox *o)
{
    if (--o->open == 0 && o->closing) {
        void (*on_closed)(void *arg) = o->on_closed;
        void *arg = o->closed_arg;
        free(o);
        on_closed(arg);
    }
}

/* ---- waiters ------------------------------------------------------------------------------- */

static struct list *bucket_of(struct outbox *o, const char *id)
{
    uint32_t h = 2166136261u; /* FNV-1a */
    for (; *id != '\0'; id++) {
        h = (h ^ (unsigned char)*id) * 16777619u;
    }
    return &o->waiters[h % WAITER_BUCKETS];
}

static bool reached(enum message_status now, enum bridge_ack ack)
{
    static const enum message_status least[] = {
        [BRIDGE_ACK_SERVER] = MESSAGE_SENT,
        [BRIDGE_ACK_DEVICE] = MESSAGE_DELIVERED,
        [BRIDGE_ACK_READ] = MESSAGE_READ,
    };
    return now == MESSAGE_FAILED || (message_status_done(now) && now >= least[ack]);
}

static int read_message(struct bridge *b, const struct message_owner *owner, const char *id,
                        json_t **out, struct err *e)
{
    struct store_txn *t;
    struct store_value v;
    int rc = store_read(b->store, &t, e);
    if (rc != 0) {
        return rc;
    }
    rc = message_find(t, owner, id, &v, NULL);
    *out = rc == 0 ? message_public(v) : NULL;
    store_read_end(t);
    if (rc == E_NOTFOUND || rc == E_TOOLARGE || (rc == 0 && *out == NULL)) {
        return err_word(e, E_NOTFOUND, "unknown_message", "no such message: %.64s", id);
    }
    return rc != 0 ? err_set(e, rc, "the message cannot be read") : 0;
}

static void on_waiter_closed(uv_handle_t *h)
{
    struct waiter *w = h->data;
    struct outbox *o = w->o;
    free(w);
    outbox_leave(o);
}

/* Out of the table; the answer is the caller's next act. */
static void waiter_end(struct waiter *w)
{
    list_remove(&w->link);
    w->o->waiting--;
    uv_close((uv_handle_t *)&w->timer, on_waiter_closed);
}

static void answer(struct waiter *w, const struct err *why)
{
    json_t *body = NULL;
    struct err e;
    err_clear(&e);
    (void)read_message(w->o->b, &w->owner, w->id, &body, &e);
    const struct bridge_reply r = {
        .err = why != NULL   ? why
               : e.code != 0 ? &e
                             : NULL,
        .body = body,
    };
    w->done(w->arg, &r);
    json_decref(body);
}

static void on_deadline(uv_timer_t *t)
{
    struct waiter *w = t->data;
    struct err e;
    err_set(&e, E_TIMEOUT, "the message has no such ack yet");
    waiter_end(w);
    answer(w, &e);
}

void outbox_notify(struct outbox *o, const struct message_owner *owner, const char *id,
                   enum message_status now)
{
    if (o == NULL || o->waiting == 0) {
        return;
    }
    struct list due;
    list_init(&due);
    LIST_FOREACH(bucket_of(o, id), it, next)
    {
        struct waiter *w = LIST_ENTRY(it, struct waiter, link);
        if (strcmp(w->id, id) == 0 && strcmp(w->owner.session, owner->session) == 0 &&
            strcmp(w->owner.tenant, owner->tenant) == 0 && reached(now, w->ack)) {
            list_remove(&w->link);
            list_append(&due, &w->link);
        }
    }
    struct list *it;
    while ((it = list_pop(&due)) != NULL) {
        struct waiter *w = LIST_ENTRY(it, struct waiter, link);
        waiter_end(w);
        answer(w, NULL);
    }
}

static int waiter_start(struct outbox *o, const struct message_owner *owner, const char *id,
                        enum bridge_ack ack, uint64_t timeout_ms, bridge_done_fn done, void *arg,
                        struct err *e)
{
    if (o->waiting >= WAITERS_MAX) {
        return err_word(e, E_LIMIT, "too_many_waiters",
                        "%d requests wait for acks already; ask for the message instead",
                        WAITERS_MAX);
    }
    struct waiter *w = mem_calloc(1, sizeof(*w));
    if (w == NULL) {
        return err_set(e, E_NOMEM, "out of memory");
    }
    w->o = o;
    w->owner = *owner;
    memcpy(w->id, id, strnlen(id, STORE_MAX_ID));
    w->ack = ack;
    w->done = done;
    w->arg = arg;
    list_append(bucket_of(o, w->id), &w->link);
    o->waiting++;
    outbox_enter(o);
    (void)uv_timer_init(o->b->loop, &w->timer);
    w->timer.data = w;
    (void)uv_timer_start(&w->timer, on_deadline,
                         timeout_ms < WAIT_MAX_MS ? timeout_ms : WAIT_MAX_MS, 0);
    return 0;
}

void bridge_message_wait(struct bridge *b, const char *tenant, const char *session,
                         const char *message_id, enum bridge_ack ack, uint64_t timeout_ms,
                         bridge_done_fn done, void *arg)
{
    struct message_owner owner;
    struct session *s;
    struct err e;
    json_t *m = NULL;
    err_clear(&e);
    int rc = session_find(b, tenant, session, &s, &e);
    if (rc == 0 && (b->closing || b->outbox->closing)) {
        rc = err_set(&e, E_UNAVAILABLE, "the bridge is stopping");
    }
    if (rc == 0) {
        message_owner_set(&owner, tenant, session);
        rc = read_message(b, &owner, message_id, &m, &e);
    }
    if (rc == 0 && strcmp(json_str_or(m, "direction", ""), "out") != 0) {
        rc = err_set(&e, E_STATE, "a received message has no acks to wait for");
    }
    if (rc == 0 && reached(message_status_of(m), ack)) {
        reply_later(b, done, arg, NULL, m);
        return;
    }
    json_decref(m);
    rc = rc != 0 ? rc : waiter_start(b->outbox, &owner, message_id, ack, timeout_ms, done, arg, &e);
    if (rc != 0) {
        reply_later(b, done, arg, &e, NULL);
    }
}

/* ---- closing ----------------------------------------------------------------------------------
 */

static void on_turn_closed(uv_handle_t *h)
{
    outbox_leave(h->data);
}

void outbox_close(struct outbox *o, void (*on_closed)(void *arg), void *arg)
{
    struct err e;
    err_set(&e, E_CANCELED, "the bridge is stopping");
    o->closing = true;
    o->on_closed = on_closed;
    o->closed_arg = arg;
    for (size_t i = 0; i < WAITER_BUCKETS; i++) {
        struct list *it;
        while ((it = list_pop(&o->waiters[i])) != NULL) {
            struct waiter *w = LIST_ENTRY(it, struct waiter, link);
            waiter_end(w);
            answer(w, &e);
        }
    }
    uv_close((uv_handle_t *)&o->turn, on_turn_closed);
}
