/*
 * What the channel tells becomes durable, in the order in which it was told.
 *
 * Happy path: event -> copied -> operation at the store -> committed -> streams and webhooks wake.
 * A catch-up runs or is due (the session is not ready yet): live events wait in `held` and go
 * through after it, so that they do not overtake older ones; what the catch-up found already is
 * known by then and is not told twice. bridge/sync hands in what it fetched by inbox_store().
 * Failure modes: the store refuses (disk full, too busy): the event goes back to `held`, all later
 * ones queue behind it, and a timer tries again; more than INBOX_HELD_MAX events or INBOX_BYTES_MAX
 * wait: the newest are dropped and the session is asked for another catch-up, which fetches them
 * again. The process dies: only catch-up moves the watermarks, so whatever was not committed is
 * fetched at the next `ready`.
 */
#include "inbox_priv.h"

#include "clock.h"
#include "event.h"
#include "log.h"
#include "mem.h"
#include "outbox.h"
#include "people.h"

#include <stdlib.h>
#include <string.h>

#define RETRY_MS 1000

static void on_retry(uv_timer_t *t);

int inbox_create(struct session *s, struct inbox **out, struct err *e)
{
    struct inbox *i = mem_calloc(1, sizeof(*i));
    if (i == NULL) {
        return err_set(e, E_NOMEM, "out of memory");
    }
    i->s = s;
    i->b = session_bridge(s);
    message_owner_set(&i->owner, session_tenant(s), session_id(s));
    list_init(&i->held);
    int rc = fetcher_create(s, &i->fetcher, e);
    if (rc != 0) {
        free(i);
        return rc;
    }
    (void)uv_timer_init(i->b->loop, &i->retry);
    i->retry.data = i;
    *out = i;
    return 0;
}

/* ---- closing --------------------------------------------------------------------------------- */

static void finish_close(struct inbox *i)
{
    if (!i->closing || i->ops > 0 || !i->retry_closed || i->fetcher != NULL) {
        return;
    }
    void (*on_closed)(void *arg) = i->on_closed;
    void *arg = i->closed_arg;
    free(i);
    on_closed(arg);
}

static void on_handle_closed(uv_handle_t *h)
{
    struct inbox *i = h->data;
    i->retry_closed = true;
    finish_close(i);
}

static void on_fetcher_closed(void *arg)
{
    struct inbox *i = arg;
    i->fetcher = NULL;
    finish_close(i);
}

void inbox_fetch(struct inbox *i)
{
    if (i->fetcher != NULL) {
        fetcher_kick(i->fetcher);
    }
}

void inbox_close(struct inbox *i, void (*on_closed)(void *arg), void *arg)
{
    i->on_closed = on_closed;
    i->closed_arg = arg;
    i->closing = true;
    inbox_drain(i); /* the last that was heard is still written down */
    uv_close((uv_handle_t *)&i->retry, on_handle_closed);
    fetcher_close(i->fetcher, on_fetcher_closed, i);
}

/* ---- the way of one operation ------------------------------------------------------------------
 */

/* It goes back to its place: before what was heard after it. */
static void hold_again(struct inbox *i, struct ingest *g)
{
    struct list *at = i->held.next;
    while (at != &i->held && LIST_ENTRY(at, struct ingest, link)->seq < g->seq) {
        at = at->next;
    }
    i->held_count++;
    i->held_bytes += g->bytes;
    list_append(at, &g->link);
}

/* Acks of our own messages that came with the far end's view of them. The lane may be gone once we
 * are closing; the next catch-up tells them again. */
static void tell_acks(struct inbox *i, const struct ingest *g)
{
    struct outbox_lane *lane = i->closing ? NULL : session_lane(i->s);
    for (size_t n = 0; lane != NULL && n < g->count; n++) {
        const struct channel_message *m = &g->items[n].ev.message;
        if (g->items[n].ack_news) {
            outbox_lane_ack(lane, m->chat.id, m->id, m->ack, NULL, 0);
        }
    }
}

/* Something was refused for good since the last try: the rest goes without it. */
static bool refused_more(struct inbox *i, struct ingest *g, int rc)
{
    size_t refused = 0;
    for (size_t n = 0; n < g->count; n++) {
        refused += g->items[n].skip;
    }
    bool more = ingest_refused(rc) && refused > g->refused;
    if (more) {
        log_error(session_log(i->s), "inbox.refused",
                  "an event cannot be stored and was left out: %s", err_name(rc));
    }
    g->refused = refused;
    return more;
}

static void tell_fetched(const struct ingest *g, int rc)
{
    struct inbox_told told = {0};
    for (size_t n = 0; rc == 0 && n < g->count; n++) {
        const struct ingest_item *it = &g->items[n];
        bool message = it->ev.kind == CHANNEL_MESSAGE && !it->known;
        told.messages_new += it->fresh && message;
        told.changes += (it->fresh && !message) || it->ack_news;
    }
    g->part.done(g->part.arg, rc, &g->op.err, &told);
}

static void order_files(struct inbox *i, const struct ingest *g)
{
    for (size_t n = 0; n < g->count; n++) {
        if (g->items[n].fetch) {
            inbox_fetch(i);
            return;
        }
    }
}

/* Groups that are not as we have them any more. */
static void look_again(struct inbox *i, const struct ingest *g)
{
    for (size_t n = 0; n < g->count; n++) {
        const struct channel_event *ev = &g->items[n].ev;
        bool notice = ev->kind == CHANNEL_MESSAGE && strcmp(ev->message.type, "system") == 0;
        const char *chat = notice ? ev->message.chat.id : ev->chat.id;
        const char *at = strchr(chat, '@');
        if (g->items[n].fresh && (notice || ev->kind == CHANNEL_GROUP) && at != NULL &&
            strcmp(at, "@g.us") == 0) {
            people_group_changed(i->b, i->owner.tenant, i->owner.session, chat);
        }
    }
}

static void on_stored(struct store_op *op, int rc)
{
    struct ingest *g = op->data;
    struct inbox *i = g->inbox;
    i->ops--;
    i->ops_bytes -= g->bytes;
    if (refused_more(i, g, rc)) {
        inbox_submit(i, g);
        return;
    }
    if (rc == 0) {
        tell_acks(i, g);
        order_files(i, g);
        look_again(i, g);
        if (g->reply_expires_ms != 0 && session_lane(i->s) != NULL && !i->closing) {
            outbox_lane_accepted(session_lane(i->s), g->reply_expires_ms);
        }
        if (g->appended) {
            event_committed(i->b, i->owner.tenant);
            session_touch(i->s);
        }
    } else if (!g->fetched && !i->closing && !ingest_refused(rc)) {
        log_warn(session_log(i->s), "inbox.waiting", "an event is not stored yet (%s): %s",
                 err_name(rc), op->err.msg);
        i->stalled = true;
        hold_again(i, g);
        (void)uv_timer_start(&i->retry, on_retry, RETRY_MS, 0);
        return;
    }
    if (g->fetched) {
        tell_fetched(g, rc);
    }
    ingest_free(g);
    inbox_drain(i);
    finish_close(i);
}

void inbox_submit(struct inbox *i, struct ingest *g)
{
    i->ops++;
    i->ops_bytes += g->bytes;
    err_clear(&g->op.err);
    store_submit(i->b->store, &g->op, ingest_apply, on_stored);
}

/* A channel that has come (back) but is not ready may hide older messages that only the catch-up
 * finds; what it tells meanwhile waits for that, over a restart of the browser too: the page had it
 * on disk before it told us. Where no catch-up will come nothing waits. */
static bool flows(const struct inbox *i)
{
    if (i->holding || i->stalled) {
        return false;
    }
    enum session_status status = session_status(i->s);
    return (status == SESSION_READY && !i->doubt) || status == SESSION_LOGGED_OUT || status == SESSION_STOPPED ||
           i->passing;
}

/* The inbox closes before the catch-up: told now it would overtake what that finds. */
static bool left_to_catch_up(const struct inbox *i, const struct channel_event *ev)
{
    return i->closing && !i->complete && ev->kind == CHANNEL_MESSAGE &&
           session_status(i->s) != SESSION_LOGGED_OUT;
}

static bool store_has_room(const struct inbox *i)
{
    return i->ops < INBOX_OPS_MAX && i->ops_bytes < INBOX_BYTES_MAX;
}

void inbox_drain(struct inbox *i)
{
    bool go = i->closing || flows(i);
    while (go && !list_empty(&i->held) && (store_has_room(i) || i->closing)) {
        struct ingest *g = LIST_ENTRY(list_pop(&i->held), struct ingest, link);
        i->held_count--;
        i->held_bytes -= g->bytes;
        const struct channel_event *ev = &g->items[0].ev;
        if (ev->kind == CHANNEL_ACK) {
            if (session_lane(i->s) != NULL) {
                outbox_lane_ack(session_lane(i->s), ev->chat.id, ev->message_id, ev->ack,
                                ev->participant, ev->time_ms);
            }
            ingest_free(g);
            continue;
        }
        if (left_to_catch_up(i, ev)) {
            ingest_free(g);
            continue;
        }
        inbox_submit(i, g);
    }
}

static void on_retry(uv_timer_t *t)
{
    struct inbox *i = t->data;
    i->stalled = false;
    inbox_drain(i);
}

/* ---- events ------------------------------------------------------------------------------------
 */

/* Older than this run of the session: a backlog that lands late. The far end's times are whole
 * seconds, cut off, so the last second counts as now. */
static bool is_backlog(const struct inbox *i, uint64_t time_ms)
{
    uint64_t since = i->holding ? i->live_since : session_ready_since(i->s);
    since = since != 0 ? since : i->live_since;
    return time_ms + 999 < since;
}

void inbox_event(struct inbox *i, const struct channel_event *ev)
{
    if (i->closing) {
        return;
    }
    if (ev->kind == CHANNEL_PRESENCE) {
        presence_pass(i->b, &i->owner, ev);
        return;
    }
    if (i->held_count >= INBOX_HELD_MAX || i->held_bytes >= INBOX_BYTES_MAX) {
        if (!i->overflow) {
            i->overflow = true;
            log_warn(session_log(i->s), "inbox.overflow",
                     "%zu events of %zu bytes wait already; the rest is fetched again",
                     i->held_count, i->held_bytes);
            session_resync(i->s, "more events came than could be stored");
        }
        return;
    }
    struct ingest *g = ingest_create(i, ev, 1);
    if (g == NULL || g->count == 0) {
        ingest_free(g);
        return;
    }
    g->items[0].backfill = ev->kind == CHANNEL_MESSAGE && is_backlog(i, ev->message.time_ms);
    i->held_count++;
    i->held_bytes += g->bytes;
    list_append(&i->held, &g->link);
    inbox_drain(i);
}

/* ---- for bridge/sync ----------------------------------------------------------------------------
 */

void inbox_hold(struct inbox *i)
{
    i->holding = true;
    i->doubt = i->overflow = false;
    i->live_since = clock_wall_ms();
}

void inbox_release(struct inbox *i, bool complete)
{
    i->holding = false;
    i->doubt = i->doubt && complete; /* raised meanwhile: another run is to come */
    i->complete = (i->complete || complete) && !i->doubt;
    i->passing = complete && !i->doubt;
    inbox_drain(i);
    i->passing = false;
}

void inbox_doubt(struct inbox *i)
{
    i->complete = false;
    i->doubt = true;
}

bool inbox_complete(const struct inbox *i)
{
    return i->complete;
}

int inbox_store(struct inbox *i, const struct inbox_part *p)
{
    struct ingest *g = ingest_create(i, p->events, p->count);
    if (g == NULL) {
        return E_NOMEM;
    }
    g->fetched = true;
    g->silent = p->silent;
    g->part = *p;
    for (size_t n = 0; n < g->count; n++) {
        struct ingest_item *it = &g->items[n];
        it->backfill = it->ev.kind == CHANNEL_MESSAGE;
        it->skip = it->backfill && it->ev.message.time_ms < p->floor_ms;
        g->refused += it->skip;
    }
    inbox_submit(i, g);
    return 0;
}
