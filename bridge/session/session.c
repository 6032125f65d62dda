/*
 * The session object.
 *
 * Ending, happy path: timers stop, waiters are told, the run ends (session_run.c) -> what is at the
 * store commits -> inbox and lane close -> timers close -> freed -> on_freed. session_step_down()
 * is called by each of those steps when it is done and takes the next.
 */
#include "session_priv.h"

#include "clock.h"
#include "core_priv.h"
#include "mem.h"

#include <stdlib.h>
#include <string.h>

/* ---- looking up -------------------------------------------------------------------------- */

struct session *session_lookup(struct sessions *all, const char *tenant, const char *id)
{
    LIST_FOREACH(&all->all, node, next)
    {
        struct session *s = LIST_ENTRY(node, struct session, link);
        if (strcmp(s->id, id) == 0 && strcmp(s->tenant, tenant) == 0) {
            return s;
        }
    }
    return NULL;
}

int session_find(struct bridge *b, const char *tenant, const char *session, struct session **out,
                 struct err *e)
{
    struct session *s = b->sessions ? session_lookup(b->sessions, tenant, session) : NULL;
    if (s && !s->deleting && !s->freeing) {
        *out = s;
        return 0;
    }
    int rc = tenant_exists(b, tenant, e);
    return rc != 0
               ? rc
               : err_word(e, E_NOTFOUND, "unknown_session", "there is no session %.63s", session);
}

void session_each(struct bridge *b, const char *tenant, void (*fn)(void *arg, struct session *s),
                  void *arg)
{
    LIST_FOREACH(&b->sessions->all, node, next)
    {
        struct session *s = LIST_ENTRY(node, struct session, link);
        if ((!tenant || strcmp(s->tenant, tenant) == 0) && !s->deleting && !s->freeing) {
            fn(arg, s);
        }
    }
}

struct bridge *session_bridge(struct session *s)
{
    return s->b;
}

const char *session_tenant(const struct session *s)
{
    return s->tenant;
}

const char *session_id(const struct session *s)
{
    return s->id;
}

const struct log_ctx *session_log(const struct session *s)
{
    return &s->log;
}

enum session_status session_status(const struct session *s)
{
    return (enum session_status)s->sm.state;
}

struct channel *session_channel(struct session *s)
{
    enum session_status now = session_status(s);
    bool on = now == SESSION_SYNCING || now == SESSION_READY;
    return on && s->page && s->phase == RUN_PAGE ? page_channel(s->page) : NULL;
}

struct inbox *session_inbox(struct session *s)
{
    return s->inbox;
}

struct sync *session_syncer(struct session *s)
{
    return s->sync;
}

struct outbox_lane *session_lane(struct session *s)
{
    return s->lane;
}

uint64_t session_ready_since(const struct session *s)
{
    return s->ready_since_ms;
}

uint64_t session_linked_at(const struct session *s)
{
    return s->linked_ms;
}

const json_t *session_account(const struct session *s)
{
    return s->account;
}

void session_touch(struct session *s)
{
    s->activity_ms = clock_wall_ms();
    s->dirty = true; /* written in the watchdog's next round */
}

/* ---- timers ------------------------------------------------------------------------------ */

static void on_timer_run(uv_timer_t *t)
{
    struct session *s = t->data;
    if (s->deleting) {
        if (s->phase == RUN_OFF) {
            session_erase_step(s);
        }
    } else if (s->quitting) {
        s->quarantine = true; /* the page did not wipe itself: what it holds is of no use */
        session_end(s);
    } else if (s->phase == RUN_BACKOFF) {
        s->phase = RUN_OFF;
        session_run(s);
    } else if (s->phase == RUN_PAGE && s->reload_due) {
        session_reload(s);
    } else if (s->phase == RUN_PAGE && !s->page) {
        session_trouble(s, s->reason[0] ? s->why : WHY_PAGE_FAILED,
                        s->reason[0] ? s->reason : "the page is gone");
    } else if (s->phase == RUN_PAGE && s->page_known && s->page_state.auth) {
        session_move(s, SESSION_DISCONNECTED, WHY_NO_CONNECTION, "no connection to WhatsApp (%s)",
                     s->page_state.socket);
    } else if (s->phase == RUN_PAGE) {
        session_trouble(s, WHY_PAGE_STUCK,
                        s->page_known ? "the page shows neither a code nor a linked account" : "the page did not come to work in time");
    }
}

static void on_timer_watchdog(uv_timer_t *t)
{
    session_watch(t->data);
}

static void on_timer_qr(uv_timer_t *t)
{
    session_code_expired(t->data);
}

static void on_timer_sync(uv_timer_t *t)
{
    struct session *s = t->data;
    if (session_status(s) == SESSION_READY) {
        session_catch_up(s);
    } else {
        session_apply(s);
    }
}

static void on_timer_wake(uv_timer_t *t)
{
    session_scheduled(t->data);
}

static const uv_timer_cb timer_table[TIMER_COUNT] = {
    [TIMER_RUN] = on_timer_run,
    [TIMER_WATCHDOG] = on_timer_watchdog,
    [TIMER_QR] = on_timer_qr,
    [TIMER_SYNC] = on_timer_sync,
    [TIMER_WAKE] = on_timer_wake,
};

void session_timer(struct session *s, enum session_timer t, uint64_t ms)
{
    if (!s->freeing) {
        (void)uv_timer_start(&s->timers[t], timer_table[t], ms, 0);
    }
}

void session_timer_stop(struct session *s, enum session_timer t)
{
    (void)uv_timer_stop(&s->timers[t]);
}

/* ---- life -------------------------------------------------------------------------------- */

/* The list is in order of tenant and id, which is the order lists are given in. */
static void insert(struct sessions *all, struct session *s)
{
    struct list *at = all->all.next;
    for (; at != &all->all; at = at->next) {
        const struct session *other = LIST_ENTRY(at, struct session, link);
        int order = strcmp(other->tenant, s->tenant);
        if (order > 0 || (order == 0 && strcmp(other->id, s->id) > 0)) {
            break;
        }
    }
    list_append(at, &s->link); /* before `at` */
    all->count++;
}

int session_create(struct sessions *all, const char *tenant, const char *id, const json_t *record,
                   struct session **out, struct err *e)
{
    struct session *s = mem_calloc(1, sizeof(*s));
    if (!s || strlen(tenant) >= sizeof(s->tenant) || strlen(id) >= sizeof(s->id)) {
        free(s);
        return err_set(e, s ? E_INVALID : E_NOMEM, "the session could not be made");
    }
    s->all = all;
    s->b = all->b;
    memcpy(s->tenant, tenant, strlen(tenant) + 1);
    memcpy(s->id, id, strlen(id) + 1);
    s->log = (struct log_ctx){.tenant = s->tenant, .session = s->id};
    list_init(&s->waiters);
    insert(all, s);
    for (unsigned i = 0; i < TIMER_COUNT; i++) {
        (void)uv_timer_init(all->b->loop, &s->timers[i]);
        s->timers[i].data = s;
        s->handles++;
    }
    int rc = session_load(s, record, e);
    if (!record) {
        s->created_ms = s->status_since_ms = clock_wall_ms();
    }
    rc = rc != 0 ? rc : inbox_create(s, &s->inbox, e);
    rc = rc != 0 ? rc : sync_create(s, &s->sync, e);
    rc = rc != 0 ? rc : outbox_lane_create(s, &s->lane, e);
    if (rc != 0) {
        session_release(s);
        return rc;
    }
    *out = s;
    return 0;
}

static void on_timer_closed(uv_handle_t *h)
{
    struct session *s = h->data;
    if (--s->handles > 0) {
        return;
    }
    struct sessions *all = s->all;
    void (*on_freed)(void *, bool) = s->on_freed;
    bool erased = s->erased;
    if (erased) {
        meter_session_gone(s->tenant, s->id);
        log_session_forget(s->tenant, s->id);
    }
    void *arg = s->freed_arg;
    list_remove(&s->link);
    all->count--;
    json_decref(s->metadata);
    json_decref(s->media);
    json_decref(s->hibernate);
    adapter_forget(s);
    json_decref(s->account);
    json_decref(s->capabilities);
    free(s);
    if (on_freed) {
        on_freed(arg, erased);
    }
    sessions_freed_one(all);
}

static void on_part_closed(void *arg)
{
    struct session *s = arg;
    s->parts--;
    session_step_down(s);
}

static void close_parts(struct session *s)
{
    struct inbox *inbox = s->inbox;
    struct sync *sync = s->sync;
    struct outbox_lane *lane = s->lane;
    s->parts_closing = true;
    s->parts = (inbox ? 1u : 0u) + (sync ? 1u : 0u) + (lane ? 1u : 0u);
    if (sync) { /* before the inbox that its run holds */
        sync_close(sync, on_part_closed, s);
    }
    if (inbox) {
        inbox_close(inbox, on_part_closed, s);
    }
    if (lane) {
        outbox_lane_close(lane, on_part_closed, s);
    }
    if (!inbox && !sync && !lane) {
        session_step_down(s);
    }
}

void session_step_down(struct session *s)
{
    if (s->erased && !s->freeing && s->phase == RUN_OFF) {
        session_release(s);
        return;
    }
    if (!s->freeing || s->phase != RUN_OFF || s->pages_closing > 0 || s->saves > 0) {
        return;
    }
    if (!s->parts_closing) {
        close_parts(s);
        return;
    }
    if (s->parts > 0 || uv_is_closing((uv_handle_t *)&s->timers[0])) {
        return;
    }
    s->inbox = NULL;
    s->sync = NULL;
    s->lane = NULL;
    for (unsigned i = 0; i < TIMER_COUNT; i++) {
        uv_close((uv_handle_t *)&s->timers[i], on_timer_closed);
    }
}

void session_release(struct session *s)
{
    if (s->freeing) {
        return;
    }
    s->freeing = true;
    for (unsigned i = 0; i < TIMER_COUNT; i++) {
        session_timer_stop(s, (enum session_timer)i);
    }
    session_waiters_cancel(s);
    if (s->lane) {
        outbox_lane_pause(s->lane);
    }
    session_end(s);
    session_step_down(s);
}
