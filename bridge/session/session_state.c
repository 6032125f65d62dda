/*
 * The statuses of a session.
 *
 *                    start                  code shown              phone scanned it
 *        stopped ------------> starting ------------> unlinked <------------> linking
 *           ^                     |  \                                          |
 *           | stop, codes used up |   \ linked before                           |
 *           |                     |    `-------------> syncing <----------------'
 *           |                     v failed              |  ^ stream MAIN again
 *           |  logged_out      failed        caught up  v  |
 *           |  (from any)   (retried)                 ready -----> disconnected
 *           |                                              <-----
 *           |     starting <-- hibernating <-- any linked status
 *           '---- from anywhere          conflict: opened elsewhere, from any linked status
 *
 * `ready` is computed: linked, main stream, own hooks held, the last probe answered, caught up.
 */
#include "session_priv.h"

#include "clock.h"
#include "json.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define BIT(s) SM_BIT(SESSION_##s)
#define ANY                                                                                        \
    (BIT(STOPPED) | BIT(STARTING) | BIT(UNLINKED) | BIT(LINKING) | BIT(SYNCING) |                  \
     BIT(DISCONNECTED) | BIT(CONFLICT) | BIT(LOGGED_OUT) | BIT(FAILED) |       \
     BIT(HIBERNATING))

/* Only syncing leads to ready; a logged out session starts afresh or not at all. */
const struct sm_state session_table[SESSION_STATUS_COUNT] = {
    [SESSION_STOPPED] = {"stopped", BIT(STARTING) | BIT(LOGGED_OUT)},
    [SESSION_STARTING] = {"starting", ANY},
    [SESSION_UNLINKED] = {"unlinked", ANY},
    [SESSION_LINKING] = {"linking", ANY},
    [SESSION_SYNCING] = {"syncing", ANY | BIT(READY)},
    [SESSION_READY] = {"ready", ANY},
    [SESSION_DISCONNECTED] = {"disconnected", ANY},
    [SESSION_CONFLICT] = {"conflict", ANY},
    [SESSION_LOGGED_OUT] = {"logged_out", BIT(STARTING) | BIT(STOPPED)},
    [SESSION_FAILED] = {"failed", ANY},
    [SESSION_HIBERNATING] = {"hibernating", BIT(STARTING) | BIT(STOPPED) | BIT(LOGGED_OUT)},
};

const char *session_status_name(enum session_status s)
{
    return (unsigned)s < SESSION_STATUS_COUNT ? session_table[s].name : "unknown";
}

static const char *const wants[] = {
    [WANT_STOPPED] = "stopped", [WANT_RUNNING] = "running", [WANT_UNLINKED] = "unlinked"};

static const char *const why_words[WHY_COUNT] = {
#define SESSION_WHY_WORD(why, word) [why] = word,
    SESSION_REASON_TABLE(SESSION_WHY_WORD)
#undef SESSION_WHY_WORD
};

const char *session_why_word(enum session_why why)
{
    return (unsigned)why < WHY_COUNT ? why_words[why] : "";
}

enum session_why session_why_parse(const char *word)
{
    for (int w = WHY_NONE + 1; word && w < WHY_COUNT; w++) {
        if (strcmp(why_words[w], word) == 0) {
            return (enum session_why)w;
        }
    }
    return WHY_NONE;
}

const char *want_name(enum want w)
{
    return wants[w];
}

enum want want_parse(const char *name, bool autostart)
{
    for (int w = WANT_STOPPED; name && w <= WANT_UNLINKED; w++) {
        if (strcmp(wants[w], name) == 0) {
            return (enum want)w;
        }
    }
    return autostart ? WANT_RUNNING : WANT_STOPPED;
}

/* ---- pure -------------------------------------------------------------------------------- */

static bool is(const char *a, const char *b)
{
    return strcmp(a, b) == 0;
}

enum verdict session_judge(const struct page_state *st, bool has_code)
{
    if (is(st->socket, "CONFLICT") || is(st->mode, "CONFLICT")) {
        return VERDICT_CONFLICT;
    }
    bool pairing = is(st->socket, "PAIRING") || is(st->info, "PAIRING");
    if (!st->auth) {
        if (pairing) {
            return VERDICT_PAIRING;
        }
        return has_code || is(st->socket, "UNPAIRED_IDLE") ? VERDICT_CODE : VERDICT_UNKNOWN;
    }
    /* a build of the page that lacks one of the words is believed by the others */
    bool connected = is(st->socket, "CONNECTED") || is(st->socket, "");
    if (connected && is(st->mode, "MAIN") && (is(st->info, "NORMAL") || is(st->info, ""))) {
        return VERDICT_ONLINE;
    }
    if (pairing) {
        return VERDICT_PAIRING;
    }
    return is(st->socket, "CONNECTED") ? VERDICT_SYNC : VERDICT_OFFLINE;
}

uint64_t session_patience(enum verdict v, bool hooks, uint64_t ready_timeout_ms)
{
    switch (v) {
    case VERDICT_OFFLINE:
        return 5 * ready_timeout_ms; /* it comes back by itself when the network does */
    case VERDICT_SYNC:
    case VERDICT_PAIRING:
        return 20 * ready_timeout_ms; /* a large account takes long the first time */
    case VERDICT_ONLINE:
        return hooks ? 0 : ready_timeout_ms; /* deaf */
    case VERDICT_UNKNOWN:
    case VERDICT_CODE:
    case VERDICT_CONFLICT:
        break;
    }
    return 0;
}

/* min, 2 min, 4 min … max, then up to a quarter more so that sessions do not come back together. */
uint64_t session_backoff(uint64_t min_ms, uint64_t max_ms, unsigned tries, unsigned random)
{
    uint64_t ms = min_ms ? min_ms : 1;
    for (unsigned i = 0; i < tries && ms < max_ms; i++) {
        ms *= 2;
    }
    ms = ms > max_ms ? max_ms : ms;
    return ms + ms * (random % 256) / 1024;
}

/* ---- changes ----------------------------------------------------------------------------- */

static void tell(struct session *s, const char *previous)
{
    json_t *data = session_object(s);
    if (data && json_set_str(data, "previous", previous) != 0) {
        json_decref(data);
        data = NULL;
    }
    session_save(s, &(struct session_save){.event = "session.status", .data = data});
}

void session_move(struct session *s, enum session_status to, enum session_why why, const char *fmt,
                  ...)
{
    char reason[REASON_MAX];
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(reason, sizeof(reason), fmt, ap);
    va_end(ap);

    enum session_status from = session_status(s);
    if (from == to && why == s->why && strcmp(reason, s->reason) == 0) {
        return;
    }
    const char *previous = session_status_name(from);
    sm_move(&s->sm, (unsigned)to);
    s->why = why;
    (void)snprintf(s->reason, sizeof(s->reason), "%s", reason);
    s->status_since_ms = from == to ? s->status_since_ms : clock_wall_ms();
    enum log_level level = to == SESSION_FAILED || to == SESSION_CONFLICT ? LOG_WARN : LOG_INFO;
    log_at(level, &s->log, "session.status", "%s -> %s%s%s", previous, session_status_name(to),
           reason[0] ? ": " : "", reason);
    bool down = to == SESSION_DISCONNECTED || to == SESSION_STARTING || to == SESSION_CONFLICT;
    if (from != to && s->want == WANT_RUNNING &&
        (to == SESSION_FAILED || (from == SESSION_READY && down))) {
        alert_session_fell(s->b, &s->counts);
    }
    if (from == SESSION_READY && to != SESSION_READY) {
        outbox_lane_pause(s->lane);
    }
    tell(s, previous);
    session_waiters_check(s);
    adapter_look(s);
}
