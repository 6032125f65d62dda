/*
 * From what the page says to the status of the session.
 *
 * Happy path of a linked profile: hello -> state (linked, main stream, hooks hold) -> a probe is
 * answered -> syncing -> the inbox catches up -> ready, the outbox goes on. Of a fresh one: hello
 * -> code -> unlinked -> scanned -> linking -> linked -> as above, in the same document or the
 * next.
 *
 * Failure modes: wa-js takes hold but its own `ready` events lie (they also mean "shows a code"),
 * so none is believed; hooks that do not hold keep the session from ready and say so; catching up
 * that fails is tried again; a document that goes away (PAGE_UNLOADED) voids all that was known,
 * and the next one must prove itself afresh. A linked profile that shows a code was unlinked by the
 * phone.
 */
#include "session_priv.h"

#include "clock.h"
#include "json.h"
#include "people.h"

#include <string.h>

#define SYNC_RETRY_MS 5000
#define RESYNC_MS 1000

static bool online(const struct session *s)
{
    return s->page_known && s->page_state.hooks && s->probe_ok &&
           session_judge(&s->page_state, false) == VERDICT_ONLINE;
}

/* The page does what pages do: the clock of the run stops, the slate is being wiped. */
static void works(struct session *s)
{
    session_timer_stop(s, TIMER_RUN);
    if (s->up_since_ms == 0) {
        s->up_since_ms = clock_mono_ms();
    }
}

/* ---- catching up -------------------------------------------------------------------------- */

static void become_ready(struct session *s)
{
    s->ready_since_ms = clock_wall_ms();
    session_move(s, SESSION_READY, WHY_NONE, "%s", "");
    if (!s->collected && s->page) {
        s->collected = true;
        page_collect_garbage(s->page);
    }
    outbox_lane_resume(s->lane);
    inbox_fetch(s->inbox);
    people_refresh(s);
}

static void on_caught_up(void *arg, const struct err *e)
{
    struct session *s = arg;
    enum session_status now = session_status(s);
    s->catching_up = false;
    if (s->freeing || s->phase != RUN_PAGE || (now != SESSION_SYNCING && now != SESSION_READY)) {
        return;
    }
    if (e) {
        log_warn(&s->log, "session.catch_up", "%s", e->msg);
        if (now == SESSION_SYNCING) {
            session_move(s, SESSION_SYNCING, WHY_CATCH_UP_FAILED, "cannot catch up: %.200s",
                         e->msg);
        }
        sync_want(s->sync, "the last run failed");
        session_timer(s, TIMER_SYNC, SYNC_RETRY_MS);
        return;
    }
    if (now == SESSION_SYNCING && online(s)) {
        become_ready(s);
    }
    if (s->resync) {
        s->resync = false;
        session_timer(s, TIMER_SYNC, RESYNC_MS);
    }
}

void session_catch_up(struct session *s)
{
    if (!s->catching_up && online(s)) {
        s->catching_up = true;
        sync_run(s->sync, on_caught_up, s);
    }
}

static void want_sync(struct session *s, const char *why, uint64_t in_ms)
{
    log_info(&s->log, "session.resync", "%s", why);
    sync_want(s->sync, why);
    if (s->catching_up) {
        s->resync = true;
    } else if (session_status(s) == SESSION_READY &&
               !uv_is_active((uv_handle_t *)&s->timers[TIMER_SYNC])) {
        session_timer(s, TIMER_SYNC, in_ms);
    }
}

void session_resync(struct session *s, const char *why)
{
    inbox_doubt(s->inbox);
    want_sync(s, why, RESYNC_MS);
}

void session_sync(struct session *s, const char *why)
{
    want_sync(s, why, 0);
}

/* ---- verdicts ----------------------------------------------------------------------------- */

static void go_online(struct session *s)
{
    enum session_status now = session_status(s);
    if (!s->page_state.hooks) {
        if (now == SESSION_READY) {
            session_move(s, SESSION_DISCONNECTED, WHY_PAGE_UNHEARD,
                         "the page's message store is out of hearing");
        } else {
            session_move(s, SESSION_SYNCING, WHY_PAGE_UNHEARD,
                         "the page's message store cannot be heard yet");
        }
        return;
    }
    if (now == SESSION_READY) {
        return;
    }
    if (now != SESSION_SYNCING) {
        session_move(s, SESSION_SYNCING, WHY_NONE, "%s", "");
    }
    if (!s->probe_ok) {
        session_probe(s);
    } else if (!uv_is_active((uv_handle_t *)&s->timers[TIMER_SYNC])) {
        session_catch_up(s);
    }
}

static void go_offline(struct session *s)
{
    enum session_status now = session_status(s);
    if (now == SESSION_READY || now == SESSION_SYNCING || now == SESSION_CONFLICT) {
        session_move(s, SESSION_DISCONNECTED, WHY_NO_CONNECTION, "no connection to WhatsApp (%s)",
                     s->page_state.socket);
    }
}

static void show_code(struct session *s)
{
    if (s->account) {
        session_logged_out(s, WHY_REMOVED_ON_PHONE, "the phone removed this device");
        return;
    }
    works(s);
    session_move(s, SESSION_UNLINKED, WHY_NONE, "%s", "");
    session_code_tell(s);
    if (strcmp(s->page_state.socket, "UNPAIRED_IDLE") == 0) {
        session_code_idle(s);
    }
}

void session_apply(struct session *s)
{
    if (s->phase != RUN_PAGE || !s->page_known || s->quitting || s->freeing || s->deleting) {
        return;
    }
    enum session_status now = session_status(s);
    enum verdict v = session_judge(&s->page_state, s->qr.code[0] != '\0');
    bool stuck = session_patience(v, s->page_state.hooks, 1) != 0;
    if (!stuck || v != s->verdict || s->stuck_since_ms == 0) {
        s->stuck_since_ms = stuck ? clock_mono_ms() : 0;
    }
    s->verdict = v;
    switch (v) {
    case VERDICT_UNKNOWN:
        break;
    case VERDICT_CODE:
        show_code(s);
        break;
    case VERDICT_PAIRING:
        if (now == SESSION_STARTING || now == SESSION_UNLINKED) {
            session_move(s, SESSION_LINKING, WHY_NONE, "%s", "");
        }
        break;
    case VERDICT_SYNC:
        works(s);
        if (now == SESSION_READY) {
            session_move(s, SESSION_DISCONNECTED, WHY_SYNCS_AGAIN,
                         "WhatsApp Web is synchronising again");
        } else if (now != SESSION_DISCONNECTED) {
            session_move(s, SESSION_SYNCING, WHY_NONE, "%s", "");
        }
        break;
    case VERDICT_OFFLINE:
        go_offline(s);
        break;
    case VERDICT_ONLINE:
        works(s);
        go_online(s);
        break;
    case VERDICT_CONFLICT:
        works(s);
        session_move(s, SESSION_CONFLICT, WHY_OPENED_ELSEWHERE,
                     "WhatsApp Web was opened elsewhere with this account");
        break;
    }
}

/* ---- what the page says -------------------------------------------------------------------- */

static void on_account(struct session *s, const json_t *from_page)
{
    json_t *account = page_account(from_page);
    if (!account || (s->account && json_equal(account, s->account))) {
        json_decref(account);
        return;
    }
    const char *before = json_str_or(s->account, "id", "");
    if (strcmp(before, json_str_or(account, "id", "")) != 0) {
        s->linked_ms = clock_wall_ms();
        session_codes_reset(s);
        log_info(&s->log, "session.linked", "as %s", log_phone(json_str_or(account, "id", "")).s);
    }
    json_decref(s->account);
    s->account = account;
    session_keep(s);
    session_waiters_check(s);
}

static void on_state(struct session *s, const struct page_event *ev)
{
    s->page_state = ev->state;
    s->page_known = true;
    if (s->quitting) {
        if (s->fresh_document && !ev->state.auth) {
            session_wiped(s);
        }
        return;
    }
    if (ev->state.auth && ev->account) {
        on_account(s, ev->account);
    }
    session_apply(s);
}

static void on_unloaded(struct session *s)
{
    enum session_status now = session_status(s);
    uint64_t up_since = s->up_since_ms;
    bool known = s->page_known;
    session_forget_page(s);
    s->up_since_ms = up_since;
    s->fresh_document = true;
    if (!known || s->quitting) {
        return; /* the blank document before the first one */
    }
    session_timer(s, TIMER_RUN, s->b->cfg.page.ready_timeout_ms);
    if (now == SESSION_READY || now == SESSION_SYNCING) {
        session_move(s, SESSION_DISCONNECTED, WHY_PAGE_RELOADS, "the page is being loaded again");
    }
}

static void on_caps(struct session *s, const json_t *from_page)
{
    json_t *caps = page_caps(from_page);
    s->caps_known = s->caps_known || caps;
    if (!caps || (s->capabilities && json_equal(caps, s->capabilities))) {
        json_decref(caps);
        return;
    }
    json_decref(s->capabilities);
    s->capabilities = caps;
    const char *name;
    json_t *value;
    json_object_foreach(caps, name, value)
    {
        if (json_is_object(value) && !json_flag(value, "ok", false)) {
            log_debug(&s->log, "session.capability", "%s is missing in this page (yet)", name);
        }
    }
    session_keep(s);
}

static void on_hello(struct session *s, const struct page_event *ev)
{
    log_info(&s->log, "session.page", "adapter %s, wa-js %s at %s", ev->adapter,
             *ev->wa_js ? ev->wa_js : "MISSING", ev->url);
    if (uv_is_active((uv_handle_t *)&s->timers[TIMER_RUN]) && !s->quitting) {
        session_timer(s, TIMER_RUN, s->b->cfg.page.ready_timeout_ms);
    }
    if (*ev->wa_js == '\0') {
        adapter_dumb(s);
        session_trouble(s, WHY_ADAPTER_FAILED, "wa-js does not run in the page (page.wa_js)");
    }
}

void session_on_page_event(void *arg, const struct page_event *ev)
{
    struct session *s = arg;
    if (s->phase != RUN_PAGE || s->freeing) {
        return;
    }
    switch (ev->kind) {
    case PAGE_UNLOADED:
        on_unloaded(s);
        break;
    case PAGE_HELLO:
        on_hello(s, ev);
        break;
    case PAGE_STATE:
        on_state(s, ev);
        break;
    case PAGE_CODE:
        if (!s->quitting) {
            session_code_shown(s, ev->code, ev->ttl_ms);
        }
        break;
    case PAGE_CAPS:
        on_caps(s, ev->caps);
        adapter_look(s);
        break;
    case PAGE_LOGOUT:
        if (!s->quitting) {
            session_logged_out(s, WHY_ENDED_BY_WHATSAPP, "WhatsApp ended the link");
        }
        break;
    case PAGE_BEAT:
        s->beat_n = ev->number;
        break;
    case PAGE_LOST:
        session_resync(s, ev->reason);
        break;
    case PAGE_CHANNEL:
        if (!s->deleting && !s->quitting) {
            inbox_event(s->inbox, &ev->channel);
            session_touch(s);
        }
        break;
    }
}
