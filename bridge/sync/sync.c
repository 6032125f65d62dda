/* The object of catching up: its life, its timer, what it says of itself. */
#include "sync_priv.h"

#include "clock.h"
#include "json.h"
#include "log.h"
#include "mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int sync_create(struct session *s, struct sync **out, struct err *e)
{
    struct sync *y = mem_calloc(1, sizeof(*y));
    if (y == NULL) {
        return err_set(e, E_NOMEM, "out of memory");
    }
    y->s = s;
    y->b = session_bridge(s);
    message_owner_set(&y->owner, session_tenant(s), session_id(s));
    (void)uv_timer_init(y->b->loop, &y->turn);
    (void)uv_timer_init(y->b->loop, &y->hourly);
    y->turn.data = y->hourly.data = y;
    y->handles = 2;
    *out = y;
    return 0;
}

/* ---- closing ------------------------------------------------------------------------------------ */

void sync_step_down(struct sync *y)
{
    if (!y->closing || y->calls > 0 || y->stores > 0 || y->handles > 0) {
        return;
    }
    void (*on_closed)(void *arg) = y->on_closed;
    void *arg = y->closed_arg;
    free(y);
    on_closed(arg);
}

static void on_handle_closed(uv_handle_t *h)
{
    struct sync *y = h->data;
    y->handles--;
    sync_step_down(y);
}

void sync_close(struct sync *y, void (*on_closed)(void *arg), void *arg)
{
    struct err e;
    y->on_closed = on_closed;
    y->closed_arg = arg;
    y->closing = true;
    err_word(&e, E_CANCELED, "interrupted", "the session is closing");
    sync_jobs_fail(y, &e);
    sync_run_abandon(y, &e);
    uv_close((uv_handle_t *)&y->turn, on_handle_closed);
    uv_close((uv_handle_t *)&y->hourly, on_handle_closed);
}

/* ---- when ---------------------------------------------------------------------------------------- */

static void on_hourly(uv_timer_t *t)
{
    struct sync *y = t->data;
    y->next_ms = 0;
    session_sync(y->s, "it was time");
    if (!y->run.running) {
        sync_schedule(y); /* the session is not there: the run comes with its next ready */
    }
}

void sync_schedule(struct sync *y)
{
    uint64_t interval = y->b->cfg.session.sync_interval_ms;
    if (!y->closing && interval > 0) {
        y->next_ms = clock_wall_ms() + interval;
        (void)uv_timer_start(&y->hourly, on_hourly, interval, 0);
    }
}

void sync_want(struct sync *y, const char *why)
{
    if (!y->wanted) {
        (void)snprintf(y->why, sizeof(y->why), "%s", why);
    }
    y->wanted = true;
}

/* ---- what it says of itself ---------------------------------------------------------------------- */

static json_t *time_or_null(uint64_t ms)
{
    char text[CLOCK_RFC3339_LEN];
    if (ms == 0) {
        return json_null();
    }
    clock_rfc3339(ms, text);
    return json_string(text);
}

static json_t *error_or_null(const struct err *e)
{
    if (e->code == 0) {
        return json_null();
    }
    const char *word = err_word_of(e);
    return json_pack("{s:s, s:s}", "code", word != NULL ? word : err_name(e->code), "detail",
                     e->msg);
}

static json_t *counts_object(const struct sync_report *r)
{
    const struct sync_counts *n = &r->n;
    return json_pack("{s:s, s:o, s:o, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:o}", "reason",
                     r->why, "started_at", time_or_null(r->started_ms), "finished_at",
                     time_or_null(r->finished_ms), "chats_seen", (json_int_t)n->chats_seen,
                     "chats_opened", (json_int_t)n->chats_opened, "chats_failed",
                     (json_int_t)n->chats_failed, "messages_seen", (json_int_t)n->messages_seen,
                     "messages_new", (json_int_t)n->messages_new, "changes",
                     (json_int_t)n->changes, "page_calls", (json_int_t)n->calls, "duration_ms",
                     (json_int_t)r->duration_ms, "error", error_or_null(&r->err));
}

static uint64_t watermark(struct sync *y)
{
    struct session_mark m = {0};
    struct store_txn *t;
    struct err e;
    if (store_read(y->b->store, &t, &e) == 0) {
        (void)session_mark_load(t, &y->owner, &m);
        store_read_end(t);
    }
    return m.ms;
}

static json_t *jobs_array(const struct sync *y)
{
    json_t *list = json_array();
    for (uint64_t n = 0; list != NULL && n < SYNC_JOBS; n++) { /* newest first */
        const struct history_job *j = &y->jobs[(y->job_number + SYNC_JOBS - n) % SYNC_JOBS];
        if (j->state != JOB_NONE && json_array_append_new(list, sync_job_object(j)) != 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

json_t *sync_object(struct sync *y)
{
    const struct sync_run_state *run = &y->run;
    const struct sync_report *r = run->running ? &run->report : &y->last;
    const char *state = run->running ? "running" : y->wanted ? "waiting" : "idle";
    const char *why = run->running ? run->report.why : y->wanted ? y->why : "";
    return json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "state", state, "reason",
                     why[0] != '\0' ? json_string(why) : json_null(), "started_at",
                     time_or_null(r->started_ms), "finished_at", time_or_null(r->finished_ms),
                     "last",
                     y->last.started_ms != 0 ? counts_object(&y->last) : json_null(), "watermark",
                     time_or_null(watermark(y)), "next_run_at", time_or_null(y->next_ms),
                     "history", jobs_array(y));
}

json_t *sync_job_object(const struct history_job *j)
{
    static const char *const states[] = {"none", "waiting", "running", "done", "failed"};
    char id[32];
    (void)snprintf(id, sizeof(id), "h%llu", (unsigned long long)j->number);
    return json_pack("{s:s, s:s, s:s, s:o, s:I, s:I, s:I, s:b, s:o, s:o, s:o}", "id", id, "chat",
                     j->chat, "state", states[j->state], "until", time_or_null(j->until_ms),
                     "count", (json_int_t)j->count, "messages_seen", (json_int_t)j->seen,
                     "messages_new", (json_int_t)j->fresh, "complete", j->last, "asked_at",
                     time_or_null(j->asked_ms), "finished_at", time_or_null(j->finished_ms),
                     "error", error_or_null(&j->err));
}
