/*
 * An answer that is added up from many rows: read on libuv's pool from a snapshot of its own, for it
 * takes longer than a turn of the loop may; answered on the loop. The bridge does not close before.
 */
#ifndef BRIDGE_REPORT_JOB_H
#define BRIDGE_REPORT_JOB_H

#include "core_priv.h"
#include "work.h"

/* First in the struct of whoever asks, which is one allocation (mem_calloc()) and goes with free(). */
struct report_job {
    struct work work; /* this and what follows: private */
    struct bridge *b;
    int (*read)(struct report_job *j, struct store_txn *t, json_t **body, struct err *e);
    const char *what;
    json_t *body;
    struct err err;
    bridge_done_fn done;
    void *arg;
};
/* Takes j, which is freed after done. read: on a thread of the pool, touches only j and what the
 * snapshot has; gives *body. what: "the report", static, for errors. Thread: loop. */
void report_job_start(struct report_job *j, struct bridge *b, const char *what,
                      int (*read)(struct report_job *j, struct store_txn *t, json_t **body,
                                  struct err *e),
                      bridge_done_fn done, void *arg);

#endif
