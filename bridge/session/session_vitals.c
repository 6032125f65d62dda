/* What is measured of a session: for metrics and alerts. */
#include "session_priv.h"

#include "clock.h"

static uint64_t since(uint64_t then_ms, uint64_t now_ms)
{
    return now_ms > then_ms ? now_ms - then_ms : 0;
}

struct alert_counts *session_counts(struct session *s)
{
    return &s->counts;
}

void session_vitals(const struct session *s, struct session_vitals *out)
{
    uint64_t now = clock_mono_ms();
    *out = (struct session_vitals){
        .tenant = s->tenant,
        .session = s->id,
        .status = session_status(s),
        .wanted = s->want == WANT_RUNNING,
        .linked = s->account != NULL,
        .status_age_ms = since(s->status_since_ms, clock_wall_ms()),
    };
    if (s->browser != NULL && s->phase == RUN_PAGE) {
        out->browser = true;
        out->browser_pid = cdp_browser_pid(s->browser);
        out->browser_age_ms = since(s->browser_since_ms, now);
    }
    out->page_alive = out->browser && s->page_known && s->probe_ok;
    if (out->page_alive) {
        out->answer_age_ms = since(s->answered_ms, now);
    }
}
