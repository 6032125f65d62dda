/*
 * GET …/stats: sessions by status are counted on the loop, where they live; rows are added up on
 * libuv's pool, from a snapshot of its own, for those of 90 days take longer than a turn may.
 */
#include "stats_report.h"

#include "clock.h"
#include "mem.h"
#include "report_job.h"

#include <stdlib.h>
#include <string.h>

struct stats_job {
    struct report_job job; /* first */
    char tenant[64], session[64];
    struct bridge_principal who;
    struct stats_report r;
};

static int read_all(struct report_job *job, struct store_txn *t, json_t **body, struct err *e)
{
    struct stats_job *j = (struct stats_job *)job;
    int rc = tenant_check(t, j->tenant, e);
    if (rc == 0) {
        rc = stats_report_read(&j->r, t);
        rc = rc == E_LIMIT ? err_field(e, "range_too_long", "range",
                                       "the answer would add up more than %d rows: ask for a "
                                       "shorter range, or for one session",
                                       STATS_MAX_ROWS)
                           : rc;
    }
    *body = rc == 0 ? stats_report_body(&j->r) : NULL;
    return rc == 0 && *body == NULL ? err_set(e, E_NOMEM, "out of memory") : rc;
}

static void on_session(void *arg, struct session *s)
{
    struct stats_job *j = arg;
    const char *id = session_id(s);
    if (j->r.session != NULL ? strcmp(id, j->r.session) == 0 : bridge_sees_session(j->r.who, id)) {
        j->r.status[session_status(s)]++;
    }
}

static int prepare(struct bridge *b, struct stats_job *j, const struct bridge_stats_query *q,
                   struct err *e)
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
        int rc = session_find(b, q->tenant, q->session, &s, e);
        if (rc != 0) {
            return rc;
        }
    }
    j->r.all = q->session == NULL && bridge_sees_all_sessions(q->who);
    stats_report_range(&j->r, q->range, clock_wall_ms());
    session_each(b, j->tenant, on_session, j);
    return 0;
}

void bridge_stats(struct bridge *b, const struct bridge_stats_query *q, bridge_done_fn done,
                  void *arg)
{
    struct err e;
    err_clear(&e);
    struct stats_job *j = mem_calloc(1, sizeof(*j));
    int rc = j != NULL ? prepare(b, j, q, &e) : err_set(&e, E_NOMEM, "out of memory");
    if (rc != 0) {
        free(j);
        reply_later(b, done, arg, &e, NULL);
        return;
    }
    report_job_start(&j->job, b, "the statistics report", read_all, done, arg);
}
