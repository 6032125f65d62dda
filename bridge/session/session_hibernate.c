/*
 * Hibernation: linked, but without a browser until there is something to do.
 *
 *   ready --idle for after_idle_s, or on request--> hibernating (browser closed in order)
 *   hibernating --a send was accepted, wake_every_s is over, on request--> starting -> … -> ready
 *
 * The browser ends by Browser.close, so that what it holds of the link is whole on disk. The ready
 * that follows a wake catches up like any other, so nothing that came meanwhile is missed; then the
 * idle time runs anew. `asleep` and the time of the next wake are in the record: a restart of the
 * daemon changes neither.
 *
 * Failure modes: a send that is accepted while the browser still closes wakes the session when it
 * has; a schedule that falls into the quiet hours waits for their end, and is looked at again when it
 * is due (the tenant's zone may be another by then); the far end forgets a device that does not show up for about two weeks, so wake_every_s is
 * bounded below that; a wake without memory for a browser waits for it (session_memory.c).
 */
#include "session_priv.h"

#include "clock.h"
#include "core_priv.h"
#include "json.h"
#include "usage.h"

#include <string.h>

#define IDLE_MAX_S 2592000
#define WAKE_MIN_S 5
#define WAKE_MAX_S 864000 /* 10 days */

/* ---- settings ----------------------------------------------------------------------------- */

static int check_seconds(const json_t *v, const char *key, const char *field, int64_t min,
                         int64_t max, struct err *e)
{
    const json_t *n = json_object_get(v, key);
    int64_t s = json_is_integer(n) ? (int64_t)json_integer_value(n) : -1;
    if (n && s != 0 && (s < min || s > max)) {
        return err_field(e, NULL, field, "%s is a whole number of seconds, 0 (never) or %lld to %lld",
                         key, (long long)min, (long long)max);
    }
    return 0;
}

/* "22:00" in seconds since midnight; -1: it is none. */
static int32_t time_of_day(const json_t *v)
{
    const char *t = json_string_value(v);
    if (!t || json_string_length(v) != 5 || strspn(t, "0123456789") != 2 || t[2] != ':' ||
        strspn(t + 3, "0123456789") != 2) {
        return -1;
    }
    int32_t hour = (t[0] - '0') * 10 + (t[1] - '0'), minute = (t[3] - '0') * 10 + (t[4] - '0');
    return hour < 24 && minute < 60 ? (hour * 60 + minute) * 60 : -1;
}

static int check_quiet(const json_t *v, struct err *e)
{
    if (!v || json_is_null(v)) {
        return 0;
    }
    int32_t from = time_of_day(json_object_get(v, "from")), to = time_of_day(json_object_get(v, "to"));
    return json_object_size(v) == 2 && from >= 0 && to >= 0 && from != to
               ? 0
               : err_field(e, NULL, "hibernate.quiet_hours",
                           "quiet_hours is null, or from and to, two times such as 22:00 and 07:00");
}

int hibernate_check(const json_t *v, struct err *e)
{
    static const char *const known[] = {"after_idle_s", "wake_every_s", "quiet_hours", NULL};
    if (!v || json_is_null(v)) {
        return 0;
    }
    if (!json_is_object(v)) {
        return err_field(e, NULL, "hibernate", "hibernate is an object or null");
    }
    const char *key;
    const json_t *value;
    json_object_foreach((json_t *)(uintptr_t)v, key, value)
    {
        if (strcmp(key, known[0]) != 0 && strcmp(key, known[1]) != 0 && strcmp(key, known[2]) != 0) {
            return err_field(e, "unknown_field", "hibernate", "hibernate has no member %.60s", key);
        }
    }
    int rc = check_quiet(json_object_get(v, known[2]), e);
    rc = rc != 0 ? rc : check_seconds(v, known[0], "hibernate.after_idle_s", 1, IDLE_MAX_S, e);
    return rc != 0 ? rc : check_seconds(v, known[1], "hibernate.wake_every_s", WAKE_MIN_S, WAKE_MAX_S, e);
}

static uint64_t setting_ms(const struct session *s, const char *key)
{
    int64_t n = json_int(s->hibernate, key, 0);
    return n > 0 ? (uint64_t)n * 1000 : 0;
}

/* ---- asleep ------------------------------------------------------------------------------- */

/* That time, or the end of the quiet hours that it falls into. Where the store cannot be read they
 * are UTC's. */
static uint64_t after_quiet(const struct session *s, uint64_t at_ms)
{
    struct store_txn *t = NULL;
    const json_t *quiet = json_obj(s->hibernate, "quiet_hours");
    if (!quiet) {
        return at_ms;
    }
    json_t *tenant = store_read(s->b->store, &t, NULL) == 0 ? usage_tenant(t, s->tenant) : NULL;
    if (t) {
        store_read_end(t);
    }
    uint64_t end = zone_span_end(usage_zone(tenant), at_ms, time_of_day(json_object_get(quiet, "from")),
                                 time_of_day(json_object_get(quiet, "to")));
    json_decref(tenant);
    return end != 0 ? end : at_ms;
}

static void plan(struct session *s)
{
    uint64_t every = setting_ms(s, "wake_every_s");
    s->wake_ms = s->asleep && every ? after_quiet(s, clock_wall_ms() + every) : 0;
}

static void arm(struct session *s)
{
    uint64_t now = clock_wall_ms(), every = setting_ms(s, "wake_every_s");
    if (s->wake_ms > now + every) { /* put off by quiet hours, or the clock was put back since */
        uint64_t latest = after_quiet(s, now + every);
        s->wake_ms = s->wake_ms > latest ? latest : s->wake_ms;
    }
    if (s->wake_ms != 0) {
        session_timer(s, TIMER_WAKE, s->wake_ms > now ? s->wake_ms - now : 0);
    }
}

static bool work_waits(struct session *s)
{
    struct store_counts counts = {0};
    struct store_txn *t = NULL;
    if (store_read(s->b->store, &t, NULL) != 0) {
        return true; /* not known: rather awake */
    }
    int rc = store_counts(t, s->tenant, s->id, &counts);
    store_read_end(t);
    return rc != 0 || counts.outbox > 0;
}

void session_hibernate_set(struct session *s)
{
    session_timer_stop(s, TIMER_WAKE);
    plan(s);
    arm(s);
}

static void sleep_now(struct session *s, enum session_why word, const char *why)
{
    s->asleep = true;
    s->no_room = false;
    plan(s);
    session_move(s, SESSION_HIBERNATING, word, "%s", why);
    session_end(s);
    arm(s); /* after the end, which stops all timers */
}

int session_lull(struct session *s, struct err *e)
{
    if (s->asleep) {
        return 0;
    }
    if (s->want != WANT_RUNNING || s->quitting) {
        return err_word(e, E_CONFLICT, "session_stopped",
                        "the session is stopped; only a running one can hibernate");
    }
    if (!s->account) {
        return err_word(e, E_CONFLICT, "not_linked",
                        "the session is not linked; stop it instead of letting it hibernate");
    }
    if (work_waits(s)) {
        return err_word(e, E_CONFLICT, "outbox_not_empty",
                        "messages wait to be sent or acknowledged; try again when backlog.outbox is 0");
    }
    sleep_now(s, WHY_PUT_TO_SLEEP, "on request");
    return 0;
}

void session_doze(struct session *s)
{
    uint64_t idle = setting_ms(s, "after_idle_s"), now = clock_wall_ms();
    if (s->activity_ms > now) {
        s->activity_ms = now; /* the clock was put back: the idle time runs anew */
    }
    if (s->ready_since_ms > now) {
        s->ready_since_ms = now;
    }
    uint64_t last = s->activity_ms > s->ready_since_ms ? s->activity_ms : s->ready_since_ms;
    if (idle == 0 || session_status(s) != SESSION_READY || s->catching_up || s->quitting ||
        s->trial || !s->page || !page_idle(s->page) || now - last < idle ||
        work_waits(s)) {
        return;
    }
    sleep_now(s, WHY_IDLE, "nothing to do");
}

/* ---- awake -------------------------------------------------------------------------------- */

void session_rouse(struct session *s, const char *why)
{
    if (!s->asleep || s->freeing || s->deleting || s->all->closing) {
        return;
    }
    s->asleep = false;
    s->wake_ms = 0;
    s->tries = 0;
    session_timer_stop(s, TIMER_WAKE);
    session_move(s, SESSION_STARTING, WHY_WOKEN, "woken: %s", why);
    session_run(s); /* or when the browser that still closes has ended */
}

/* Is it to wake by its schedule now? What falls into the quiet hours is put off. */
static bool due(struct session *s)
{
    uint64_t now = clock_wall_ms();
    if (s->wake_ms != 0 && s->wake_ms <= now) {
        s->wake_ms = after_quiet(s, now);
    }
    return s->wake_ms != 0 && s->wake_ms <= now;
}

void session_scheduled(struct session *s)
{
    if (s->asleep && !due(s)) {
        arm(s);
    } else {
        session_rouse(s, "by its schedule");
    }
}

void session_needed(struct session *s)
{
    session_rouse(s, "a message waits to be sent");
}

bool session_rise(struct session *s)
{
    if (!s->asleep) {
        return true;
    }
    if (work_waits(s) || due(s)) {
        s->asleep = false;
        s->wake_ms = 0;
        return true;
    }
    arm(s);
    return false;
}

json_t *session_hibernate_object(const struct session *s)
{
    json_t *o = s->hibernate ? json_copy(s->hibernate) : json_object();
    if (!o || json_set_time(o, "wake_at", s->asleep ? s->wake_ms : 0) != 0) {
        json_decref(o);
        return NULL;
    }
    return o;
}
