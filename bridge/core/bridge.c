/*
 * The bridge object: made from its rooms, closed in the opposite order.
 *
 * Closing, happy path: tokens_close() -> agents_close() (calls are dropped) -> search_close() -> sessions_close() (lanes pause, browsers
 * end, last states commit) -> relay_close() (posts get what is left of the grace) -> media_close()
 * (sends that wait for a file get E_CANCELED) -> outbox_close() (so do waiters) -> answers and
 * operations on their way end -> the timers close -> free -> on_closed.
 * Nothing here can fail; a room that hangs would hang the close, so each room bounds its own by
 * the grace that it is given.
 */
#include "core_priv.h"

#include "agent.h"
#include "alert.h"
#include "clock.h"
#include "guard.h"
#include "media.h"
#include "mem.h"
#include "outbox.h"
#include "people.h"
#include "relay.h"
#include "search.h"
#include "sessions.h"
#include "tickets.h"
#include "token.h"
#include "widget.h"

#include <stdlib.h>

/* ---- create ------------------------------------------------------------------------------------
 */

static void finish(struct bridge *b)
{
    people_free(b->people);
    alerts_free(b->alerts);
    guards_free(b->guards);
    router_free(b->router);
    if (b->core != NULL) {
        crypto_wipe(b->core->pepper, sizeof(b->core->pepper));
        tickets_free(b->core->stream_tickets);
        widgets_free(b->core->widgets);
        tickets_free(b->core->sign_in_links);
    }
    free(b->core);
    core_config_free(b);
    free(b);
}

static int make_rooms(struct bridge *b, char **new_key, struct err *e)
{
    int rc = tokens_create(b, &b->core->tokens, e);
    rc = rc != 0 ? rc : widgets_create(&b->core->widgets, e);
    rc = rc != 0 ? rc : first_start(b, new_key, e);
    rc = rc != 0 ? rc : media_create(b, &b->media, e);
    rc = rc != 0 ? rc : people_create(b, &b->people, e);
    rc = rc != 0 ? rc : router_create(b, &b->router, e);
    rc = rc != 0 ? rc : alerts_create(b, &b->alerts, e);
    rc = rc != 0 ? rc : relay_create(b, &b->relay, e);
    rc = rc != 0 ? rc : guards_create(b, &b->guards, e);
    rc = rc != 0 ? rc : outbox_create(b, &b->outbox, e);
    rc = rc != 0 ? rc : agents_create(b, &b->agents, e);
    rc = rc != 0 ? rc : search_create(b, &b->search, e);
    return rc != 0 ? rc : sessions_create(b, &b->sessions, e);
}

static void on_failed_room_closed(void *arg)
{
    bool *closed = arg;
    *closed = true;
}

static void wait_closed(struct bridge *b, const bool *closed)
{
    while (!*closed) {
        (void)uv_run(b->loop, UV_RUN_ONCE);
    }
}

/* What was made before a room failed goes, blocking: the program is about to say why and end. */
static void undo_rooms(struct bridge *b)
{
    bool closed = false;
    if (b->core->tokens != NULL) {
        tokens_close(b->core->tokens, on_failed_room_closed, &closed);
        wait_closed(b, &closed);
    }
    closed = false;
    if (b->agents != NULL) {
        agents_close(b->agents, on_failed_room_closed, &closed);
        wait_closed(b, &closed);
    }
    closed = false;
    if (b->search != NULL) {
        search_close(b->search, on_failed_room_closed, &closed);
        wait_closed(b, &closed);
    }
    closed = false;
    if (b->outbox != NULL) {
        outbox_close(b->outbox, on_failed_room_closed, &closed);
        wait_closed(b, &closed);
    }
    closed = false;
    if (b->relay != NULL) {
        relay_close(b->relay, 0, on_failed_room_closed, &closed);
        wait_closed(b, &closed);
    }
    closed = false;
    if (b->media != NULL) {
        media_close(b->media, on_failed_room_closed, &closed);
        wait_closed(b, &closed);
    }
}

int bridge_create(uv_loop_t *loop, struct store *store, struct cdp *cdp,
                  const struct bridge_config *config, struct bridge **out, char **new_key,
                  struct err *e)
{
    if (new_key != NULL) {
        *new_key = NULL;
    }
    struct bridge *b = mem_calloc(1, sizeof(*b));
    if (b == NULL) {
        return err_set(e, E_NOMEM, "out of memory");
    }
    b->loop = loop;
    b->store = store;
    b->cdp = cdp;
    b->started_ms = clock_mono_ms();
    list_init(&b->watches);
    b->core = mem_calloc(1, sizeof(*b->core));
    int rc = b->core != NULL ? core_config_copy(b, config) : E_NOMEM;
    if (rc == 0) {
        b->core->stream_tickets = tickets_create(&stream_ticket_rules);
        b->core->sign_in_links = tickets_create(&sign_in_link_rules);
        rc = b->core->stream_tickets != NULL && b->core->sign_in_links != NULL ? 0 : E_NOMEM;
    }
    if (rc != 0) {
        finish(b);
        return err_set(e, rc, "out of memory");
    }
    list_init(&b->core->grown);
    list_init(&b->core->touches);
    list_init(&b->core->imports);
    b->core->b = b;
    meters_register();
    rc = make_rooms(b, new_key, e);
    if (rc != 0) {
        undo_rooms(b);
        if (new_key != NULL && *new_key != NULL) {
            mem_wipe_free(*new_key, KEY_TEXT_LEN);
            *new_key = NULL;
        }
        finish(b);
        return rc;
    }
    (void)uv_timer_init(loop, &b->core->watch_timer);
    (void)uv_timer_init(loop, &b->core->housekeeping_timer);
    b->core->watch_timer.data = b;
    b->core->housekeeping_timer.data = b;
    loop_lag_init(b, &b->core->lag);
    (void)uv_timer_init(loop, alerts_timer(b->alerts));
    alerts_timer(b->alerts)->data = b;
    b->core->handles = 4;
    *out = b;
    return 0;
}

void bridge_start(struct bridge *b)
{
    tokens_start(b->core->tokens);
    relay_start(b->relay);
    sessions_start(b->sessions);
    agents_start(b->agents);
    search_start(b->search);
    tenants_resume(b);
    housekeeping_start(b);
    loop_lag_start(&b->core->lag);
    alerts_start(b->alerts);
}

/* ---- close -------------------------------------------------------------------------------------
 */

static uint64_t grace_left(const struct bridge *b)
{
    uint64_t now = clock_mono_ms();
    return b->core->grace_ends_ms > now ? b->core->grace_ends_ms - now : 0;
}

static void timer_closed(struct bridge *b)
{
    if (--b->core->handles > 0) {
        return;
    }
    void (*on_closed)(void *) = b->core->on_closed;
    void *arg = b->core->closed_arg;
    finish(b);
    on_closed(arg);
}

static void on_timer_closed(uv_handle_t *h)
{
    timer_closed(h->data);
}

static void on_lag_closed(uv_handle_t *h)
{
    timer_closed(LIST_ENTRY(h->data, struct core, lag)->b);
}

static void on_idle(struct bridge *b)
{
    b->core->on_idle = NULL;
    uv_close((uv_handle_t *)&b->core->watch_timer, on_timer_closed);
    uv_close((uv_handle_t *)&b->core->housekeeping_timer, on_timer_closed);
    uv_close((uv_handle_t *)&b->core->lag.timer, on_lag_closed);
    uv_close((uv_handle_t *)alerts_timer(b->alerts), on_timer_closed);
}

static void on_outbox_closed(void *arg)
{
    struct bridge *b = arg;
    b->outbox = NULL;
    b->core->on_idle = on_idle;
    core_leave(b); /* entered by bridge_close() */
}

static void on_media_closed(void *arg)
{
    struct bridge *b = arg;
    b->media = NULL;
    outbox_close(b->outbox, on_outbox_closed, b);
}

static void on_relay_closed(void *arg)
{
    struct bridge *b = arg;
    b->relay = NULL;
    media_close(b->media, on_media_closed, b);
}

static void on_sessions_closed(void *arg)
{
    struct bridge *b = arg;
    b->sessions = NULL;
    relay_close(b->relay, grace_left(b), on_relay_closed, b);
}

static void on_search_closed(void *arg)
{
    struct bridge *b = arg;
    b->search = NULL;
    sessions_close(b->sessions, grace_left(b), on_sessions_closed, b);
}

static void on_agents_closed(void *arg)
{
    struct bridge *b = arg;
    b->agents = NULL;
    search_close(b->search, on_search_closed, b);
}

static void on_tokens_closed(void *arg)
{
    struct bridge *b = arg;
    b->core->tokens = NULL;
    agents_close(b->agents, on_agents_closed, b);
}

void bridge_close(struct bridge *b, uint64_t grace_ms, void (*on_closed)(void *arg), void *arg)
{
    b->closing = true;
    b->core->on_closed = on_closed;
    b->core->closed_arg = arg;
    b->core->grace_ends_ms = clock_mono_ms() + grace_ms;
    core_enter(b);
    (void)uv_timer_stop(&b->core->watch_timer);
    (void)uv_timer_stop(&b->core->housekeeping_timer);
    (void)uv_timer_stop(&b->core->lag.timer);
    (void)uv_timer_stop(alerts_timer(b->alerts));
    while (list_pop(&b->watches) != NULL || list_pop(&b->core->grown) != NULL) {
        /* their owners may still stop them: a removed node is a list of itself */
    }
    if (b->core->tokens != NULL) {
        tokens_close(b->core->tokens, on_tokens_closed, b);
    } else {
        agents_close(b->agents, on_agents_closed, b);
    }
}
