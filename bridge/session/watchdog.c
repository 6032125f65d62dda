/*
 * Is the page alive? Every round asks it: the answer proves that calls get through and carries its
 * state, and a beat that it sends first proves that events do. A page that lies is found out by
 * comparing: messages in its stores that no hook told of (`missed`) lead to another catch-up.
 *
 * Failure modes: no answer in time, or an answer without its beat -> session_trouble() (reload,
 * then restart); a document that changed under the question -> nothing, the next one introduces
 * itself; a page that does not get ahead (no connection, synchronising for ever, out of hearing)
 * for longer than session_patience() -> session_trouble() too.
 */
#include "session_priv.h"

#include "clock.h"
#include "json.h"

static void on_answer(struct session *s, const json_t *value)
{
    struct page_state st;
    struct err e;

    if (page_state_read(value, &st, &e) != 0) {
        session_trouble(s, WHY_PAGE_FAILED, e.msg);
        return;
    }
    if (s->beat_n != s->probe_n) {
        session_trouble(s, WHY_PAGE_SILENT, "the page answers, but its events do not arrive");
        return;
    }
    s->page_state = st;
    s->page_known = s->probe_ok = true;
    s->answered_ms = clock_mono_ms();
    int64_t missed = json_int(value, "missed", 0);
    session_apply(s);
    if (missed > 0) {
        session_resync(s, "the page has messages that its hooks did not tell of");
    }
}

static void on_probe(void *arg, const struct err *e, const json_t *value)
{
    struct session *s = arg;
    if (e && e->code == E_CANCELED) {
        return; /* of a page that was closed; the session may be on another one */
    }
    s->probing = false;
    if (s->phase != RUN_PAGE || s->quitting || s->freeing) {
        return;
    }
    if (!e) {
        on_answer(s, value);
    } else if (e->code == E_TIMEOUT) {
        session_trouble(s, WHY_PAGE_SILENT, "the page does not answer");
    } else if (e->code != E_CLOSED && e->code != E_STATE) {
        session_trouble(s, WHY_PAGE_FAILED, e->msg);
    }
}

void session_probe(struct session *s)
{
    if (s->probing || !s->page) {
        return;
    }
    s->probing = true;
    s->probe_n++;
    json_t *args = json_object();
    if (args && json_object_set_new(args, "n", json_integer((json_int_t)s->probe_n)) != 0) {
        json_decref(args);
        args = NULL;
    }
    page_call(s->page, "probe", args, 0, on_probe, s);
}

static bool is_stuck(const struct session *s)
{
    uint64_t patience =
        session_patience(s->verdict, s->page_state.hooks, s->b->cfg.page.ready_timeout_ms);
    return s->page_known && patience != 0 && s->stuck_since_ms != 0 &&
           clock_mono_ms() - s->stuck_since_ms > patience;
}

void session_watch(struct session *s)
{
    if (s->phase != RUN_PAGE || s->freeing) {
        return;
    }
    session_timer(s, TIMER_WATCHDOG, s->b->cfg.session.watchdog_ms);
    if (s->dirty) {
        session_keep(s);
    }
    if (is_stuck(s)) {
        s->stuck_since_ms = 0;
        if (s->verdict == VERDICT_ONLINE) {
            session_trouble(s, WHY_PAGE_UNHEARD, "the page cannot be heard");
        } else {
            session_trouble(s, WHY_PAGE_STUCK, "the page does not get ahead");
        }
    } else if (s->page_known && !s->quitting) {
        session_doze(s);
        session_probe(s);
    }
}
