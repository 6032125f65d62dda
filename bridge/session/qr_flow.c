/*
 * Codes: the page shows one after the other, each for a while; who wants one waits here.
 *
 * Happy path: the page's code comes -> it is numbered, dated, told as session.qr, given to those
 * who wait -> the phone scans it -> the session is linked. A code for a phone number is asked for
 * once and given again while it is good: asking anew would void the one a person is typing.
 *
 * Failure modes: the page runs out of codes (UNPAIRED_IDLE) or a code outlives its time -> a new
 * series is asked for; after qr_attempts codes nobody scanned the session stops by itself, unless a
 * code for a phone number is still good; waits end by code, time, link or stop, whichever is first.
 */
#include "session_priv.h"

#include "clock.h"
#include "core_priv.h"
#include "json.h"
#include "mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* WhatsApp's own habit; the page tells only when a code is replaced. */
#define FIRST_CODE_MS 60000
#define NEXT_CODE_MS 20000
#define OVERDUE_MS 10000
#define PAIRING_MS 180000

struct waiter {
    struct list link;
    struct session *s;
    uv_timer_t timer;
    struct bridge *b;
    char phone[PHONE_MAX + 1]; /* "": waits for a QR code */
    bridge_done_fn done;
    void *arg;
};

bool session_code_live(const struct session *s)
{
    return s->qr.code[0] != '\0' && s->qr.expires_ms > clock_wall_ms();
}

static bool pairing_live(const struct session *s)
{
    return s->qr.pairing[0] != '\0' && s->qr.pairing_expires_ms > clock_wall_ms();
}

void session_codes_reset(struct session *s)
{
    unsigned generation = s->qr.generation;
    bool asked = s->qr.pairing_asked;
    memset(&s->qr, 0, sizeof(s->qr));
    s->qr.generation = generation + 1;
    s->qr.pairing_asked = asked;
    session_timer_stop(s, TIMER_QR);
}

/* ---- codes -------------------------------------------------------------------------------- */

static json_t *code_body(struct session *s)
{
    json_t *o = json_object();
    if (!o || json_set_str(o, "code", s->qr.code) != 0 ||
        body_set(o, "attempt", json_integer((json_int_t)s->qr.attempt)) != 0 ||
        body_set(o, "generation", json_integer((json_int_t)s->qr.generation)) != 0 ||
        body_set(o, "max_attempts",
                 json_integer((json_int_t)s->b->cfg.session.qr_attempts)) != 0 ||
        json_set_time(o, "expires_at", s->qr.expires_ms) != 0) {
        json_decref(o);
        return NULL;
    }
    return o;
}

static void tell_code(struct session *s)
{
    json_t *data = code_body(s);
    if (data && json_set_str(data, "session", s->id) != 0) {
        json_decref(data);
        data = NULL;
    }
    session_save(s, &(struct session_save){.event = "session.qr", .data = data});
}

static void give_up(struct session *s)
{
    s->want = WANT_STOPPED;
    s->qr.code[0] = '\0';
    session_move(s, SESSION_STOPPED, WHY_CODES_USED_UP,
                 "no phone scanned any of %u codes; start it for new ones", s->qr.attempt);
    session_run(s);
}

static bool used_up(const struct session *s)
{
    return s->qr.attempt >= s->b->cfg.session.qr_attempts;
}

static void on_refreshed(void *arg, const struct err *e, const json_t *value)
{
    struct session *s = arg;
    (void)value;
    if (e && e->code != E_CANCELED && e->code != E_CLOSED) {
        log_warn(&s->log, "session.qr", "no new code: %s", e->msg);
    }
}

/* The next look comes by timer, whether the page shows a code by then or not. */
static void next_series(struct session *s)
{
    s->qr.code[0] = '\0';
    if (pairing_live(s)) {
        session_timer(s, TIMER_QR, s->qr.pairing_expires_ms - clock_wall_ms() + 1);
    } else if (used_up(s)) {
        give_up(s);
    } else if (s->page) {
        s->qr.generation++;
        s->qr.in_series = 0;
        session_timer(s, TIMER_QR, FIRST_CODE_MS);
        page_call(s->page, "refresh_qr", NULL, 0, on_refreshed, s);
    }
}

void session_code_idle(struct session *s)
{
    bool idle_known = s->qr.code[0] == '\0' && uv_is_active((uv_handle_t *)&s->timers[TIMER_QR]);
    if (!idle_known) {
        next_series(s);
    }
}

void session_code_expired(struct session *s)
{
    if (session_status(s) == SESSION_UNLINKED && s->phase == RUN_PAGE) {
        next_series(s);
    }
}

void session_code_shown(struct session *s, const char *code, uint64_t ttl_ms)
{
    if (used_up(s) && !pairing_live(s)) {
        give_up(s);
        return;
    }
    (void)snprintf(s->qr.code, sizeof(s->qr.code), "%s", code);
    if (!pairing_live(s) || !used_up(s)) {
        s->qr.attempt++;
    }
    uint64_t habit = s->qr.in_series++ == 0 ? FIRST_CODE_MS : NEXT_CODE_MS;
    uint64_t ttl = ttl_ms == 0 ? habit : ttl_ms < 1000 ? ttl_ms * 1000 : ttl_ms;
    s->qr.expires_ms = clock_wall_ms() + ttl;
    session_timer(s, TIMER_QR, ttl + OVERDUE_MS);
    s->qr.told = false;
    session_apply(s);
}

void session_code_tell(struct session *s)
{
    if (session_code_live(s) && !s->qr.told) {
        s->qr.told = true;
        tell_code(s);
        session_waiters_check(s);
    }
}

/* ---- waiting ------------------------------------------------------------------------------ */

static void on_waiter_closed(uv_handle_t *h)
{
    struct waiter *w = h->data;
    struct bridge *b = w->b;
    free(w);
    core_leave(b);
}

/* Takes body. */
static void end_wait(struct waiter *w, const struct err *e, json_t *body)
{
    struct err nomem;
    list_remove(&w->link);
    if (!e && !body) {
        err_set(&nomem, E_NOMEM, "out of memory");
        e = &nomem;
    }
    reply_later(w->b, w->done, w->arg, e, body);
    uv_close((uv_handle_t *)&w->timer, on_waiter_closed);
}

static void on_wait_over(uv_timer_t *t)
{
    struct waiter *w = t->data;
    struct err e;
    err_word(&e, E_TIMEOUT, "qr_not_ready", "no code yet: the session is %s%s%s",
             session_status_name(session_status(w->s)), w->s->reason[0] ? ", " : "", w->s->reason);
    end_wait(w, &e, NULL);
}

static json_t *pairing_body(const struct session *s)
{
    char text[24];
    const char *code = s->qr.pairing;
    if (strlen(code) == 8) {
        (void)snprintf(text, sizeof(text), "%.4s-%.4s", code, code + 4);
    } else {
        (void)snprintf(text, sizeof(text), "%s", code);
    }
    json_t *o = json_object();
    if (!o || json_set_str(o, "code", text) != 0 ||
        json_set_time(o, "expires_at", s->qr.pairing_expires_ms) != 0) {
        json_decref(o);
        return NULL;
    }
    return o;
}

static void on_pairing(void *arg, const struct err *e, const json_t *value)
{
    struct session *s = arg;
    struct err why;
    s->qr.pairing_asked = false;
    const char *code = json_str_or(value, "code", "");
    if (!e && (*code == '\0' || strlen(code) >= sizeof(s->qr.pairing))) {
        err_set(&why, E_PROTO, "the page gave no pairing code");
        e = &why;
    }
    if (!e) {
        (void)snprintf(s->qr.pairing, sizeof(s->qr.pairing), "%s", code);
        s->qr.pairing_expires_ms = clock_wall_ms() + PAIRING_MS;
    }
    LIST_FOREACH(&s->waiters, node, next)
    {
        struct waiter *w = LIST_ENTRY(node, struct waiter, link);
        if (e && strcmp(w->phone, s->qr.pairing_phone) == 0) {
            end_wait(w, e, NULL);
        }
    }
    session_waiters_check(s);
}

static void ask_pairing(struct session *s, const char *phone)
{
    json_t *args = json_object();
    if (!s->page || !args || json_set_str(args, "phone", phone) != 0) {
        json_decref(args);
        return; /* the wait ends by time */
    }
    s->qr.pairing[0] = '\0';
    s->qr.pairing_asked = true;
    memcpy(s->qr.pairing_phone, phone, strlen(phone) + 1);
    page_call(s->page, "pairing_code", args, 0, on_pairing, s);
}

static void check_pairing(struct session *s, struct waiter *w)
{
    if (session_status(s) != SESSION_UNLINKED || s->qr.pairing_asked) {
        return;
    }
    if (pairing_live(s) && strcmp(s->qr.pairing_phone, w->phone) == 0) {
        end_wait(w, NULL, pairing_body(s));
    } else {
        ask_pairing(s, w->phone);
    }
}

static bool is_over(const struct session *s, struct err *e)
{
    if (s->account && session_status(s) != SESSION_LOGGED_OUT) {
        err_word(e, E_CONFLICT, "already_linked", "the session is linked already");
        return true;
    }
    if (s->want != WANT_RUNNING) {
        err_word(e, E_CONFLICT, "session_stopped", "the session is %s%s%s; start it first",
                 session_status_name(session_status(s)), s->reason[0] ? ": " : "", s->reason);
        return true;
    }
    return false;
}

void session_waiters_check(struct session *s)
{
    struct err e;
    LIST_FOREACH(&s->waiters, node, next)
    {
        struct waiter *w = LIST_ENTRY(node, struct waiter, link);
        if (is_over(s, &e)) {
            end_wait(w, &e, NULL);
        } else if (w->phone[0] != '\0') {
            check_pairing(s, w);
        } else if (session_code_live(s) && session_status(s) == SESSION_UNLINKED) {
            end_wait(w, NULL, code_body(s));
        }
    }
}

void session_waiters_cancel(struct session *s)
{
    struct err e;
    err_set(&e, E_CANCELED, "the session is going away");
    while (!list_empty(&s->waiters)) {
        end_wait(LIST_ENTRY(s->waiters.next, struct waiter, link), &e, NULL);
    }
}

static void wait_code(struct session *s, const char *phone, uint64_t wait_ms, bridge_done_fn done,
                      void *arg)
{
    struct err e;
    struct waiter *w = mem_calloc(1, sizeof(*w));
    if (!w) {
        err_set(&e, E_NOMEM, "out of memory");
        reply_later(s->b, done, arg, &e, NULL);
        return;
    }
    w->s = s;
    w->b = s->b;
    w->done = done;
    w->arg = arg;
    memcpy(w->phone, phone, strlen(phone) + 1);
    core_enter(s->b);
    (void)uv_timer_init(s->b->loop, &w->timer);
    w->timer.data = w;
    list_append(&s->waiters, &w->link);
    (void)uv_timer_start(&w->timer, on_wait_over, wait_ms, 0);
    session_waiters_check(s);
}

/* ---- the calls ---------------------------------------------------------------------------- */

void bridge_session_qr(struct bridge *b, const char *tenant, const char *session, uint64_t wait_ms,
                       bridge_done_fn done, void *arg)
{
    struct session *s;
    struct err e;
    if (session_find(b, tenant, session, &s, &e) != 0) {
        reply_later(b, done, arg, &e, NULL);
        return;
    }
    wait_code(s, "", wait_ms > 60000 ? 60000 : wait_ms, done, arg);
}

/* The default country code of the tenant, "" when it has none. */
static void country_code(struct bridge *b, const char *tenant, char out[8])
{
    struct store_txn *t = NULL;
    struct store_value v;
    out[0] = '\0';
    if (store_read(b->store, &t, NULL) != 0) {
        return;
    }
    if (store_get(t, STORE_TENANTS, STORE_PATH(tenant), &v) == 0) {
        json_t *record = record_parse(v, NULL);
        (void)snprintf(out, 8, "%.7s", json_str_or(record, "default_country_code", ""));
        json_decref(record);
    }
    store_read_end(t);
}

void bridge_session_pairing_code(struct bridge *b, const char *tenant, const char *session,
                                 const char *phone, bridge_done_fn done, void *arg)
{
    struct session *s;
    struct err e;
    char country[8], digits[PHONE_MAX + 1];

    int rc = session_find(b, tenant, session, &s, &e);
    if (rc == 0) {
        country_code(b, tenant, country);
        rc = phone_parse(phone, country[0] ? country : NULL, digits, &e);
    }
    if (rc != 0) {
        reply_later(b, done, arg, &e, NULL);
        return;
    }
    wait_code(s, digits, b->cfg.page.ready_timeout_ms, done, arg);
}
