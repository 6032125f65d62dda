/*
 * The request layer. A call in flight sits in one list ordered by deadline; one timer waits for the
 * first. Ids count up per connection and are never reused, so an answer that comes after its call
 * timed out or was cancelled finds nobody and is dropped.
 *
 * Happy path: route_call -> frame to the transport, call into the list -> answer with that id ->
 * call out of the list -> callback with the result.
 *
 * Failure modes, each exactly one callback: deadline (E_TIMEOUT; a frame not yet begun is taken
 * back), cancel (E_CANCELED), answer with an error (E_PROTO and Chromium's words), answer too large
 * (E_TOOLARGE, found by the id at its head), transport lost or target gone (E_CLOSED), not sent at
 * all (E_LIMIT, E_TOOLARGE, E_NOMEM, E_CLOSED). All but the answers arrive in the next turn.
 */
#include "connection_priv.h"

#include "clock.h"
#include "envelope_priv.h"
#include "json.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define METHOD_MAX 128
#define SESSION_MAX 128

/* ---- deadlines --------------------------------------------------------------------------- */

static void on_timer(uv_timer_t *timer);

static void arm(struct connection *c)
{
    if (c->closing) {
        return;
    }
    if (list_empty(&c->calls)) {
        uv_timer_stop(&c->timer);
        return;
    }
    struct cdp_call *first = LIST_ENTRY(c->calls.next, struct cdp_call, link);
    uint64_t now = uv_now(c->cdp->loop);
    uv_timer_start(&c->timer, on_timer, first->deadline_ms > now ? first->deadline_ms - now : 0, 0);
}

static void insert(struct connection *c, struct cdp_call *call)
{
    struct list *at = c->calls.prev;
    while (at != &c->calls &&
           LIST_ENTRY(at, struct cdp_call, link)->deadline_ms > call->deadline_ms) {
        at = at->prev;
    }
    list_prepend(at, &call->link); /* behind `at` */
    c->call_count++;
    if (c->calls.next == &call->link) {
        arm(c);
    }
}

/* Out of flight. The timer is left alone: firing early costs nothing. */
static void take_out(struct connection *c, struct cdp_call *call)
{
    list_remove(&call->link);
    call->owner = NULL;
    c->call_count--;
}

static void fail(struct connection *c, struct cdp_call *call, const struct err *e)
{
    take_out(c, call);
    if (c->transport) {
        transport_unsend(c->transport, call->id);
    }
    cdp_call_finish(c->cdp, call, e);
}

static void on_timer(uv_timer_t *timer)
{
    struct connection *c = timer->data;
    uint64_t now = uv_now(c->cdp->loop);
    struct err e;

    err_set(&e, E_TIMEOUT, "the browser did not answer in time");
    LIST_FOREACH(&c->calls, node, next)
    {
        struct cdp_call *call = LIST_ENTRY(node, struct cdp_call, link);
        if (call->deadline_ms > now) {
            break;
        }
        fail(c, call, &e);
    }
    arm(c);
}

/* ---- incoming ---------------------------------------------------------------------------- */

static struct cdp_call *find_call(struct connection *c, uint64_t id)
{
    LIST_FOREACH(&c->calls, node, next)
    {
        struct cdp_call *call = LIST_ENTRY(node, struct cdp_call, link);
        if (call->id == id) {
            return call;
        }
    }
    return NULL;
}

/* {"code":-32000,"message":"…","data":"…"} in a person's words. */
static void protocol_error(const char *text, struct span s, struct err *e)
{
    json_t *error = json_parse(text + s.off, s.len, 64u << 10, NULL);
    const char *data = json_str(error, "data");
    err_set(e, E_PROTO, "%s%s%s", json_str_or(error, "message", "the browser reported an error"),
            data ? ": " : "", data ? data : "");
    json_decref(error);
}

static void on_answer(struct connection *c, char *text, const struct envelope *env)
{
    struct cdp_call *call = find_call(c, env->id);
    if (!call) {
        return;
    }
    take_out(c, call);
    if (env->error.len > 0 || env->result.len == 0) {
        struct err e;
        if (env->error.len > 0) {
            protocol_error(text, env->error, &e);
        } else {
            err_set(&e, E_PROTO, "the browser answered without a result");
        }
        call->active = false;
        call->cb(call, &e, NULL, 0);
        return;
    }
    /* the bracket behind our object may be overwritten: the envelope is done with */
    char *result = text + env->result.off;
    result[env->result.len] = '\0';
    json_repair_surrogates(result, env->result.len);
    call->active = false;
    call->cb(call, NULL, result, env->result.len);
}

static void on_message(void *arg, char *text, size_t len)
{
    struct connection *c = arg;
    struct envelope env;
    char empty[] = "{}";

    if (envelope_scan(text, len, &env) != 0) {
        /* Only the browser itself writes the envelope: this would be a bug there or here. */
        log_warn(NULL, "cdp.message", "dropped a message of %zu bytes that is no DevTools message",
                 len);
        return;
    }
    if (env.has_id) {
        on_answer(c, text, &env);
        return;
    }
    if (env.method.len == 0 || env.method.len >= METHOD_MAX || env.session.len >= SESSION_MAX) {
        log_debug(NULL, "cdp.message", "dropped a message without id and method");
        return;
    }
    char method[METHOD_MAX], session[SESSION_MAX];
    memcpy(method, text + env.method.off, env.method.len);
    method[env.method.len] = '\0';
    memcpy(session, text + env.session.off, env.session.len);
    session[env.session.len] = '\0';
    char *params = empty;
    size_t params_len = 2;
    if (env.params.len > 0) {
        params = text + env.params.off;
        params_len = env.params.len;
        params[params_len] = '\0';
        json_repair_surrogates(params, params_len);
    }
    c->events.on_event(c->events.arg, session, method, params, params_len);
}

static void on_toolarge(void *arg, const char *head, size_t len)
{
    struct connection *c = arg;
    struct envelope env;
    struct err e;

    envelope_head(head, len, &env);
    struct cdp_call *call = env.has_id ? find_call(c, env.id) : NULL;
    if (!call) {
        log_warn(NULL, "cdp.toolarge", "dropped a message of more than %u MiB: %.*s",
                 CDP_MAX_FRAME >> 20, env.method.len > 64 ? 64 : (int)env.method.len,
                 head + env.method.off);
        return;
    }
    err_set(&e, E_TOOLARGE, "the answer is larger than %u MiB", CDP_MAX_FRAME >> 20);
    fail(c, call, &e);
}

static void fail_all(struct connection *c, const struct err *e)
{
    LIST_FOREACH(&c->calls, node, next)
    {
        fail(c, LIST_ENTRY(node, struct cdp_call, link), e);
    }
}

static void on_transport_closed(void *arg)
{
    struct connection *c = arg;
    if (c->closing && --c->closing_parts == 0) {
        c->on_closed(c->closed_arg);
    }
}

static void ignore_closed(void *arg)
{
    (void)arg;
}

static void on_lost(void *arg, const struct err *e)
{
    struct connection *c = arg;
    struct err copy = *e; /* it lives in the transport */
    struct transport *t = c->transport;

    c->transport = NULL;
    transport_close(t, ignore_closed, NULL);
    fail_all(c, &copy);
    c->events.on_lost(c->events.arg, &copy);
}

/* ---- outgoing ---------------------------------------------------------------------------- */

static int admit(const struct route *r, size_t params_len, unsigned flags, struct err *e)
{
    struct connection *c = r->conn;
    if (!c || !c->transport || c->closing) {
        if (r->why.code != 0) {
            err_copy(e, &r->why);
            return e->code;
        }
        return err_set(e, E_CLOSED, "the browser is not connected");
    }
    if (params_len > CDP_MAX_FRAME - 1024) {
        return err_set(e, E_TOOLARGE, "a request to the browser may have %u MiB",
                       CDP_MAX_FRAME >> 20);
    }
    if (flags & ROUTE_FORCE) {
        return 0;
    }
    if (c->call_count >= CDP_MAX_CALLS) {
        return err_set(e, E_LIMIT, "%d requests to the browser are in flight", CDP_MAX_CALLS);
    }
    if (c->transport->queued + params_len > TRANSPORT_MAX_QUEUED) {
        return err_set(e, E_LIMIT, "%zu MiB wait to be written to the browser",
                       c->transport->queued >> 20);
    }
    return 0;
}

void route_call(struct route *r, struct cdp_call *call, const char *method, const char *params,
                size_t params_len, uint64_t timeout_ms, unsigned flags, cdp_call_cb cb)
{
    struct err e;

    list_init(&call->link);
    call->owner = NULL;
    call->cb = cb;
    call->id = 0;
    call->active = true;
    err_clear(&call->err);
    if (admit(r, params ? params_len : 0, flags, &e) != 0) {
        cdp_call_finish(r->cdp, call, &e);
        return;
    }
    struct connection *c = r->conn;
    struct frame *f = frame_create(++c->last_id, method, params, params_len, r->session);
    if (!f) {
        err_set(&e, E_NOMEM, "out of memory for a request of %zu bytes", params_len);
        cdp_call_finish(r->cdp, call, &e);
        return;
    }
    call->id = c->last_id;
    call->owner = r;
    uv_update_time(c->cdp->loop);
    call->deadline_ms =
        uv_now(c->cdp->loop) + (timeout_ms > 0 ? timeout_ms : CDP_DEFAULT_TIMEOUT_MS);
    insert(c, call);
    transport_send(c->transport, f);
}

void cdp_call_cancel(struct cdp_call *call)
{
    if (!call->active || !call->owner) {
        return; /* not active, or its end is under way */
    }
    struct route *r = call->owner;
    struct err e;
    err_set(&e, E_CANCELED, "canceled");
    fail(r->conn, call, &e);
}

void route_cut(struct route *r, const struct err *e)
{
    struct connection *c = r->conn;
    r->conn = NULL;
    err_copy(&r->why, e);
    if (!c) {
        return;
    }
    LIST_FOREACH(&c->calls, node, next)
    {
        struct cdp_call *call = LIST_ENTRY(node, struct cdp_call, link);
        if (call->owner == r) {
            fail(c, call, e);
        }
    }
}

/* ---- life -------------------------------------------------------------------------------- */

void connection_init(struct connection *c, struct cdp *cdp, const struct connection_events *ev)
{
    c->cdp = cdp;
    c->events = *ev;
    list_init(&c->calls);
    uv_timer_init(cdp->loop, &c->timer);
    c->timer.data = c;
}

struct transport_events connection_events_for(struct connection *c)
{
    return (struct transport_events){
        .on_message = on_message, .on_toolarge = on_toolarge, .on_lost = on_lost, .arg = c};
}

void connection_set_transport(struct connection *c, struct transport *t)
{
    c->transport = t;
}

static void on_timer_closed(uv_handle_t *handle)
{
    on_transport_closed(handle->data);
}

void connection_close(struct connection *c, const struct err *e, void (*on_closed)(void *arg),
                      void *arg)
{
    fail_all(c, e);
    c->closing = true;
    c->on_closed = on_closed;
    c->closed_arg = arg;
    c->closing_parts = 1;
    if (c->transport) {
        c->closing_parts++;
        transport_close(c->transport, on_transport_closed, c);
        c->transport = NULL;
    }
    uv_close((uv_handle_t *)&c->timer, on_timer_closed);
}
