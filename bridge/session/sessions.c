/*
 * All sessions of the node.
 *
 * Start: those that are wanted running wait for their turn, one every start_stagger_ms, because a
 * browser that starts is the most expensive thing here. What an earlier run left half done (a
 * deletion, a logout) is finished first. Close: each session is released; the last one that is
 * freed ends the closing.
 */
#include "session_priv.h"

#include "core_priv.h"
#include "json.h"
#include "mem.h"

#include <stdlib.h>
#include <string.h>

/* ---- load --------------------------------------------------------------------------------- */

/* Records first, sessions after: making one may want a snapshot of its own. */
static int on_record(void *arg, const char *const *path, struct store_value v)
{
    struct err why;
    json_t *record = record_parse(v, &why);
    if (!record) {
        log_error(NULL, "session.load", "%s/%s is left alone: %s", path[0], path[1], why.msg);
        return 0;
    }
    json_t *entry = json_pack("{s:s,s:s,s:o}", "tenant", path[0], "id", path[1], "record", record);
    return json_array_append_new(arg, entry) == 0 ? 0 : E_NOMEM;
}

static int make_sessions(struct sessions *all, const json_t *entries, struct err *e)
{
    for (size_t i = 0; i < json_array_size(entries); i++) {
        const json_t *entry = json_array_get(entries, i);
        const json_t *record = json_obj(entry, "record");
        struct session *s;
        int rc = session_create(all, json_str_or(entry, "tenant", ""), json_str_or(entry, "id", ""),
                                record, &s, e);
        if (rc != 0) {
            return rc;
        }
    }
    return 0;
}

static int load(struct sessions *all, struct err *e)
{
    struct store_txn *t = NULL;
    json_t *entries = json_array();
    int rc = entries ? store_read(all->b->store, &t, e) : E_NOMEM;
    if (rc == 0) {
        rc = store_scan(t, STORE_SESSIONS, NULL, NULL, on_record, entries);
        store_read_end(t);
        rc = rc != 0 ? store_err(e, rc, "the sessions could not be read") : 0;
    }
    rc = rc != 0 ? rc : make_sessions(all, entries, e);
    json_decref(entries);
    return rc;
}

static void on_stagger(uv_timer_t *t)
{
    struct sessions *all = t->data;
    LIST_FOREACH(&all->all, node, next)
    {
        struct session *s = LIST_ENTRY(node, struct session, link);
        if (s->waits_turn) {
            s->waits_turn = false;
            (void)uv_timer_start(t, on_stagger, all->b->cfg.session.start_stagger_ms, 0);
            session_run(s);
            return;
        }
    }
}

static void on_unloaded(void *arg)
{
    bool *closed = arg;
    *closed = true;
}

int sessions_create(struct bridge *b, struct sessions **out, struct err *e)
{
    struct sessions *all = mem_calloc(1, sizeof(*all));
    if (!all) {
        return err_set(e, E_NOMEM, "out of memory");
    }
    all->b = b;
    list_init(&all->all);
    int rc = adapter_create(all, &all->adapter, e);
    if (rc != 0) {
        free(all);
        return rc;
    }
    (void)uv_timer_init(b->loop, &all->stagger);
    all->stagger.data = all;
    sessions_sampler_init(all);
    all->handles = 3;
    rc = load(all, e);
    if (rc != 0) {
        bool closed = false;
        sessions_close(all, 0, on_unloaded, &closed);
        while (!closed) {
            (void)uv_run(b->loop, UV_RUN_ONCE);
        }
        return rc;
    }
    *out = all;
    return 0;
}

/* ---- start -------------------------------------------------------------------------------- */

void sessions_start(struct sessions *all)
{
    LIST_FOREACH(&all->all, node, next)
    {
        struct session *s = LIST_ENTRY(node, struct session, link);
        if (s->deleting) {
            session_erase(s, s->erase_messages, NULL, NULL);
        } else if (s->want == WANT_UNLINKED) {
            session_unlink(s);
        } else {
            s->waits_turn = s->want == WANT_RUNNING && session_rise(s);
        }
    }
    (void)uv_timer_start(&all->stagger, on_stagger, 0, 0);
    sessions_sampler_start(all);
}

/* ---- close -------------------------------------------------------------------------------- */

static void on_timer_closed(uv_handle_t *h)
{
    struct sessions *all = h->data;
    if (--all->handles > 0) {
        return;
    }
    void (*on_closed)(void *) = all->on_closed;
    void *arg = all->closed_arg;
    adapter_free(all->adapter);
    free(all);
    on_closed(arg);
}

void sessions_freed_one(struct sessions *all)
{
    if (all->closing && all->count == 0 && !all->sampler.busy && !adapter_busy(all->adapter) &&
        !uv_is_closing((uv_handle_t *)&all->stagger)) {
        uv_close((uv_handle_t *)&all->stagger, on_timer_closed);
        uv_close((uv_handle_t *)&all->sampler.timer, on_timer_closed);
        adapter_close(all->adapter, on_timer_closed);
    }
}

static void shut_down(struct session *s)
{
    enum session_status now = session_status(s);
    if (now != SESSION_STOPPED && now != SESSION_LOGGED_OUT && now != SESSION_HIBERNATING &&
        !s->deleting) {
        session_move(s, SESSION_STOPPED, WHY_DAEMON_STOPPED, "wabridge has stopped");
    } else if (s->dirty && !s->deleting) {
        session_keep(s);
    }
    session_release(s);
}

void sessions_close(struct sessions *all, uint64_t grace_ms, void (*on_closed)(void *arg),
                    void *arg)
{
    all->closing = true;
    all->grace_ms = grace_ms;
    all->on_closed = on_closed;
    all->closed_arg = arg;
    (void)uv_timer_stop(&all->stagger);
    (void)uv_timer_stop(&all->sampler.timer);
    adapter_stop(all->adapter);
    LIST_FOREACH(&all->all, node, next)
    {
        shut_down(LIST_ENTRY(node, struct session, link));
    }
    sessions_freed_one(all);
}

/* ---- a tenant goes ------------------------------------------------------------------------- */

struct tenant_erase {
    struct bridge *b;
    size_t open;
    void (*done)(void *arg);
    void *arg;
};

static void erase_left(struct tenant_erase *t)
{
    if (--t->open == 0) {
        t->done(t->arg);
        free(t);
    }
}

static void on_erased(void *arg, bool erased)
{
    (void)erased;
    erase_left(arg);
}

static void on_nothing_left(void *arg, const struct bridge_reply *r)
{
    (void)r;
    erase_left(arg);
}

void sessions_erase_tenant(struct sessions *all, const char *tenant, void (*done)(void *arg),
                           void *arg)
{
    struct tenant_erase *t = mem_calloc(1, sizeof(*t));
    if (!t) {
        log_error(NULL, "tenant.erase", "out of memory; it goes on at the next start");
        done(arg);
        return;
    }
    t->b = all->b;
    t->done = done;
    t->arg = arg;
    t->open = 1;
    LIST_FOREACH(&all->all, node, next)
    {
        struct session *s = LIST_ENTRY(node, struct session, link);
        if (strcmp(s->tenant, tenant) == 0 && !s->deleting && !s->freeing) {
            t->open++;
            session_erase(s, true, on_erased, t);
        }
    }
    reply_later(all->b, on_nothing_left, t, NULL, NULL); /* never inside the call */
}

/* ---- counts -------------------------------------------------------------------------------- */

void sessions_totals(struct sessions *all, struct sessions_totals *out)
{
    memset(out, 0, sizeof(*out));
    LIST_FOREACH(&all->all, node, next)
    {
        switch (session_status(LIST_ENTRY(node, struct session, link))) {
        case SESSION_READY:
            out->ready++;
            break;
        case SESSION_UNLINKED:
            out->unlinked++;
            break;
        case SESSION_DISCONNECTED:
            out->disconnected++;
            break;
        case SESSION_FAILED:
            out->failed++;
            break;
        default:
            break;
        }
        out->total++;
    }
}
