/*
 * Orders to fetch files, carried out.
 *
 * Happy path: kicked -> the oldest orders that are due -> the message says what to fetch -> the
 * page gives the file into a temporary one -> the media store takes it -> one transaction: the
 * file's record, media of the message, event message.media, the order gone. Failure modes: the
 * session is not ready, or leaves that state meanwhile: the order waits for the next `ready`, and
 * that is no try. The page, the network or the disk fails: another try after a while that doubles,
 * up to FETCHER_TRIES, then media.state is "failed". WhatsApp has the file no more: "expired". The
 * process dies: orders are in the store, temporary files are swept by bridge/media.
 */
#include "fetcher.h"

#include "clock.h"
#include "fetcher_priv.h"
#include "json.h"
#include "log.h"
#include "mem.h"

#include <stdlib.h>
#include <string.h>

#define WAIT_MIN_MS UINT64_C(5000)
#define WAIT_MAX_MS UINT64_C(600000)
#define WAIT_FULL_MS UINT64_C(60000)

static void turn(uv_timer_t *t);

int fetcher_create(struct session *s, struct fetcher **out, struct err *e)
{
    struct fetcher *f = mem_calloc(1, sizeof(*f));
    if (f == NULL) {
        return err_set(e, E_NOMEM, "out of memory");
    }
    f->s = s;
    f->b = session_bridge(s);
    message_owner_set(&f->owner, session_tenant(s), session_id(s));
    (void)uv_timer_init(f->b->loop, &f->timer);
    f->timer.data = f;
    *out = f;
    return 0;
}

static void finish_close(struct fetcher *f)
{
    if (f->closing && f->timer_closed && f->running == 0) {
        void (*on_closed)(void *arg) = f->on_closed;
        void *arg = f->closed_arg;
        free(f);
        on_closed(arg);
    }
}

static void on_timer_closed(uv_handle_t *h)
{
    struct fetcher *f = h->data;
    f->timer_closed = true;
    finish_close(f);
}

void fetcher_close(struct fetcher *f, void (*on_closed)(void *arg), void *arg)
{
    f->closing = true;
    f->on_closed = on_closed;
    f->closed_arg = arg;
    uv_close((uv_handle_t *)&f->timer, on_timer_closed);
}

/* ---- orders ------------------------------------------------------------------------------------
 */

/* {"at":when it was given,"due":not before,"tries":n} */
static int order_put(struct store_txn *t, const struct message_owner *o, const char *chat,
                     const char *id, const struct fetch_order *order)
{
    char text[128];
    int len =
        snprintf(text, sizeof(text), "{\"at\":%llu,\"due\":%llu,\"tries\":%u}",
                 (unsigned long long)order->at_ms, (unsigned long long)order->due_ms, order->tries);
    return store_put(t, STORE_FETCHES, STORE_PATH(o->tenant, o->session, chat, id), text,
                     (size_t)len);
}

static bool order_read(struct store_value v, struct fetch_order *out)
{
    json_t *o = json_loadb(v.data, v.len, 0, NULL);
    int64_t at = json_int(o, "at", 0), due = json_int(o, "due", 0), tries = json_int(o, "tries", 0);
    bool ok = o != NULL && at >= 0 && due >= 0 && tries >= 0 && tries <= 1000;
    out->at_ms = ok ? (uint64_t)at : 0;
    out->due_ms = ok ? (uint64_t)due : 0;
    out->tries = ok ? (unsigned)tries : 0;
    json_decref(o);
    return ok;
}

int fetcher_order(struct store_txn *t, const struct message_owner *o, const char *chat,
                  const char *id, uint64_t now_ms)
{
    const struct fetch_order order = {.at_ms = now_ms, .due_ms = now_ms};
    return order_put(t, o, chat, id, &order);
}

int fetcher_forget(struct store_txn *t, const struct message_owner *o, const char *chat,
                   const char *id)
{
    int rc = store_del(t, STORE_FETCHES, STORE_PATH(o->tenant, o->session, chat, id));
    return rc == E_NOTFOUND ? 0 : rc;
}

int fetch_order_later(struct store_txn *t, const struct message_owner *o, const char *chat,
                      const char *id, unsigned tries, uint64_t due_ms)
{
    struct store_value v;
    struct fetch_order order;
    int rc = store_get(t, STORE_FETCHES, STORE_PATH(o->tenant, o->session, chat, id), &v);
    if (rc != 0) {
        return rc == E_NOTFOUND ? 0 : rc; /* forgotten meanwhile */
    }
    (void)order_read(v, &order);
    order.tries = tries;
    order.due_ms = due_ms;
    return order_put(t, o, chat, id, &order);
}

uint64_t fetch_wait(const struct err *why, unsigned tries)
{
    if (why->code == E_FULL) {
        return WAIT_FULL_MS;
    }
    uint64_t wait = WAIT_MIN_MS << (tries < 10 ? tries : 10);
    return wait < WAIT_MAX_MS ? wait : WAIT_MAX_MS;
}

/* ---- the oldest that are due
 * ---------------------------------------------------------------------
 */

struct scan {
    struct fetcher *f;
    uint64_t now_ms, next_ms; /* next_ms: the earliest that is not due yet; 0: none */
};

static bool under_way(const struct fetcher *f, const char *chat, const char *id)
{
    for (size_t i = 0; i < FETCHER_JOBS; i++) {
        const struct fetch_job *j = f->jobs[i];
        if (j != NULL && strcmp(j->chat, chat) == 0 && strcmp(j->id, id) == 0) {
            return true;
        }
    }
    return false;
}

static int on_order(void *arg, const char *const *path, struct store_value v)
{
    struct scan *s = arg;
    struct fetcher *f = s->f;
    struct fetch_due due;
    const char *chat = path[2], *id = path[3];
    if (strlen(chat) > STORE_MAX_ID || strlen(id) > STORE_MAX_ID || under_way(f, chat, id)) {
        return 0;
    }
    (void)order_read(v, &due.order);
    /* later than any wait: of before the clock was put back */
    if (due.order.due_ms > s->now_ms && due.order.due_ms <= s->now_ms + WAIT_MAX_MS) {
        s->next_ms =
            s->next_ms == 0 || due.order.due_ms < s->next_ms ? due.order.due_ms : s->next_ms;
        return 0;
    }
    memcpy(due.chat, chat, strlen(chat) + 1);
    memcpy(due.id, id, strlen(id) + 1);
    /* sorted, the oldest first; the youngest falls out of a full one */
    size_t at = f->count;
    while (at > 0 && f->due[at - 1].order.at_ms > due.order.at_ms) {
        at--;
    }
    if (at == FETCH_BATCH) {
        return 0;
    }
    size_t last = f->count < FETCH_BATCH ? f->count++ : FETCH_BATCH - 1;
    memmove(&f->due[at + 1], &f->due[at], (last - at) * sizeof(f->due[0]));
    f->due[at] = due;
    return 0;
}

static void look(struct fetcher *f)
{
    struct store_txn *t;
    struct err e;
    struct scan s = {.f = f, .now_ms = clock_wall_ms()};
    f->count = f->next = 0;
    f->stale = false;
    int rc = store_read(f->b->store, &t, &e);
    if (rc == 0) {
        rc = store_scan(t, STORE_FETCHES, STORE_PATH(f->owner.tenant, f->owner.session), NULL,
                        on_order, &s);
        store_read_end(t);
    }
    if (rc != 0) {
        log_warn(session_log(f->s), "fetch.orders", "the orders cannot be read: %s", err_name(rc));
        s.next_ms = s.now_ms + WAIT_MIN_MS;
    }
    if (f->count == 0 && s.next_ms != 0) {
        uint64_t in = s.next_ms > s.now_ms ? s.next_ms - s.now_ms : 0;
        (void)uv_timer_start(&f->timer, turn, in < WAIT_MAX_MS ? in : WAIT_MAX_MS, 0);
    }
}

static bool can_fetch(const struct fetcher *f)
{
    return !f->closing && !f->resting && session_status(f->s) == SESSION_READY &&
           session_channel(f->s) != NULL;
}

/* Memory or disk is short: no look for a while. */
static void rest(struct fetcher *f)
{
    f->resting = true;
    (void)uv_timer_start(&f->timer, turn, WAIT_MIN_MS, 0);
}

void fetcher_go(struct fetcher *f)
{
    while (can_fetch(f) && f->running < FETCHER_JOBS) {
        if (f->next == f->count) {
            if (!f->stale) {
                return;
            }
            look(f);
            if (f->count == 0) {
                return;
            }
        }
        f->stale = true; /* once these are through, others may be there */
        if (!fetch_job_start(f, &f->due[f->next++])) {
            rest(f);
        }
    }
}

static void turn(uv_timer_t *t)
{
    struct fetcher *f = t->data;
    f->stale = true;
    f->resting = false;
    fetcher_go(f);
}

void fetcher_kick(struct fetcher *f)
{
    if (!f->closing) {
        (void)uv_timer_start(&f->timer, turn, 0, 0);
    }
}

void fetch_job_gone(struct fetcher *f, bool stored)
{
    f->running--;
    f->stale = true;
    if (f->closing) {
        finish_close(f);
    } else if (stored) {
        fetcher_go(f);
    } else {
        rest(f);
    }
}
