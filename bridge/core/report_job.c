/* Reports are read off the loop: see report_job.h. */
#include "report_job.h"

#include <stdio.h>
#include <stdlib.h>

static void run(struct work *w)
{
    struct report_job *j = LIST_ENTRY(w, struct report_job, work);
    struct store_txn *t = NULL;
    err_clear(&j->err);
    int rc = store_snapshot(j->b->store, &t, &j->err);
    if (rc == 0) {
        rc = j->read(j, t, &j->body, &j->err);
        store_snapshot_end(t);
    }
    if (rc != 0) {
        char why[96];
        (void)snprintf(why, sizeof(why), "%s could not be read", j->what);
        store_err(&j->err, rc, why);
    }
}

static void on_run(struct work *w, int rc)
{
    struct report_job *j = LIST_ENTRY(w, struct report_job, work);
    struct bridge *b = j->b;
    if (rc != 0) {
        err_set(&j->err, rc, "%s was stopped", j->what);
    }
    const bool failed = j->err.code != 0;
    j->done(j->arg, &(struct bridge_reply){.err = failed ? &j->err : NULL,
                                           .body = failed ? NULL : j->body});
    json_decref(j->body);
    free(j);
    core_leave(b);
}

void report_job_start(struct report_job *j, struct bridge *b, const char *what,
                      int (*read)(struct report_job *j, struct store_txn *t, json_t **body,
                                  struct err *e),
                      bridge_done_fn done, void *arg)
{
    j->b = b;
    j->what = what;
    j->read = read;
    j->done = done;
    j->arg = arg;
    int rc = work_submit(b->loop, &j->work, run, on_run);
    if (rc != 0) {
        struct err e;
        err_set(&e, rc, "too much is being read already; try again soon");
        free(j);
        reply_later(b, done, arg, &e, NULL);
        return;
    }
    core_enter(b);
}
