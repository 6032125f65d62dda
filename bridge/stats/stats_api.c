/*
 * GET …/stats: sessions by status are counted on the loop, where they live; rows are added up on
 * libuv's pool, from a snapshot of its own, for those of 90 days take longer than a turn may.
 */
#include "stats_report.h"

#include "clock.h"
#include "mem.h"
#include "work.h"

#include <stdlib.h>
#include <string.h>

struct stats_job {
    struct work work;
    struct bridge *b;
    char tenant[64], session[64];
    struct bridge_principal who;
    struct stats_report r;
    json_t *body;
    struct err err;
    bridge_done_fn done;
    void *arg;
};

static int read_all(struct stats_job *j)
{
    struct store_txn *t = NULL;
    int rc = store_snapshot(j->b->store, &t, &j->err);
    if (rc != 0) {
        return rc;
    }
    rc = tenant_check(t, j->tenant, &j->err);
    if (rc == 0) {
        rc = stats_report_read(&j->r, t);
        rc = rc == E_LIMIT ? err_field(&j->err, "range_too_long", "range",
                                       "the answer would add up more than %d rows: ask for a "
                                       "shorter range, or for one session",
                                       STATS_MAX_ROWS)
                           : rc;
    }
    store_snapshot_end(t);
    return rc;
}

static void run(struct work *w)
{
    struct stats_job *j = LIST_ENTRY(w, struct stats_job, work);
    err_clear(&j->err);
    int rc = read_all(j);
    if (rc == 0) {
        j->body = stats_report_body(&j->r);
        rc = j->body != NULL ? 0 : err_set(&j->err, E_NOMEM, "out of memory");
    }
    (void)(rc != 0 ? store_err(&j->err, rc, "the statistics could not be read") : 0);
}

static void on_run(struct work *w, int rc)
{
    struct stats_job *j = LIST_ENTRY(w, struct stats_job, work);
    struct bridge *b = j->b;
    if (rc != 0) {
        err_set(&j->err, rc, "the statistics were stopped");
    }
    const bool failed = j->err.code != 0;
    j->done(j->arg, &(struct bridge_reply){.err = failed ? &j->err : NULL,
                                           .body = failed ? NULL : j->body});
    json_decref(j->body);
    free(j);
    core_leave(b);
}

static void on_session(void *arg, struct session *s)
{
    struct stats_job *j = arg;
    const char *id = session_id(s);
    if (j->r.session != NULL ? strcmp(id, j->r.session) == 0 : bridge_sees_session(j->r.who, id)) {
        j->r.status[session_status(s)]++;
    }
}

static int prepare(struct stats_job *j, const struct bridge_stats_query *q, struct err *e)
{
    struct session *s = NULL;
    memcpy(j->tenant, q->tenant, strnlen(q->tenant, sizeof(j->tenant) - 1));
    j->r.tenant = j->tenant;
    if (q->who != NULL) {
        j->who = *q->who;
        j->r.who = &j->who;
    }
    if (q->session != NULL) {
        memcpy(j->session, q->session, strnlen(q->session, sizeof(j->session) - 1));
        j->r.session = j->session;
        if (!bridge_sees_session(q->who, q->session)) {
            return err_word(e, E_NOTFOUND, "unknown_session", "there is no session %.63s",
                            q->session);
        }
        int rc = session_find(j->b, q->tenant, q->session, &s, e);
        if (rc != 0) {
            return rc;
        }
    }
    j->r.all = q->session == NULL && bridge_sees_all_sessions(q->who);
    stats_report_range(&j->r, q->range, clock_wall_ms());
    session_each(j->b, j->tenant, on_session, j);
    return 0;
}

void bridge_stats(struct bridge *b, const struct bridge_stats_query *q, bridge_done_fn done,
                  void *arg)
{
    struct err e;
    err_clear(&e);
    struct stats_job *j = mem_calloc(1, sizeof(*j));
    int rc = j != NULL ? 0 : err_set(&e, E_NOMEM, "out of memory");
    if (rc == 0) {
        j->b = b;
        j->done = done;
        j->arg = arg;
        rc = prepare(j, q, &e);
    }
    if (rc == 0) {
        rc = work_submit(b->loop, &j->work, run, on_run);
        if (rc != 0) {
            err_set(&e, rc, "too much is being read already; try again soon");
        }
    }
    if (rc != 0) {
        free(j);
        reply_later(b, done, arg, &e, NULL);
        return;
    }
    core_enter(b);
}
