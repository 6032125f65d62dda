/*
 * Gauges of the queues that have no counts of their own: rows are counted, of at most ROWS_MAX, so a
 * longer queue shows as that long. Rows of a session stand together.
 */
#include "meters.h"

#include "clock.h"
#include "core_priv.h"
#include "json.h"
#include "metrics.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROWS_MAX 10000
#define LABELS ((const char *const[]){"tenant", "session", NULL})

struct backlog {
    struct buf *out;
    struct store_txn *t;
    const char *name;
    bool ages; /* of the first row of each session, instead of counts */
    char tenant[64], session[64];
    uint64_t rows, all;
    double age_s;
};

static void flush(struct backlog *q)
{
    if (q->rows > 0) {
        metrics_sample(q->out, q->name, LABELS, METRIC_VALUES(q->tenant, q->session),
                       q->ages ? q->age_s : (double)q->rows);
    }
    q->rows = 0;
}

/* Rows of the agent's queue are named by their event. */
static double age_of(struct store_txn *t, const char *tenant, const char *seq)
{
    struct store_value v;
    uint64_t at = 0, now = clock_wall_ms();
    if (store_event_get(t, tenant, strtoull(seq, NULL, 16), &v) != 0) {
        return 0;
    }
    json_t *event = record_parse(v, NULL);
    const char *time = json_str(event, "occurred_at");
    bool known = time != NULL && clock_parse_rfc3339(time, &at) == 0 && at < now;
    json_decref(event);
    return known ? (double)(now - at) / 1000 : 0;
}

static int on_row(void *arg, const char *const *path, struct store_value v)
{
    struct backlog *q = arg;
    (void)v;
    if (strcmp(path[0], q->tenant) != 0 || strcmp(path[1], q->session) != 0) {
        flush(q);
        (void)snprintf(q->tenant, sizeof(q->tenant), "%s", path[0]);
        (void)snprintf(q->session, sizeof(q->session), "%s", path[1]);
        q->age_s = q->ages ? age_of(q->t, path[0], path[2]) : 0;
    }
    q->rows++;
    return ++q->all == ROWS_MAX;
}

static void family(struct store_txn *t, struct buf *out, enum store_table table, const char *name,
                   const char *help, bool ages)
{
    struct backlog q = {.out = out, .t = t, .name = name, .ages = ages};
    metrics_head(out, name, "gauge", help);
    if (t != NULL) {
        (void)store_scan(t, table, NULL, NULL, on_row, &q);
        flush(&q);
    }
}

void meter_backlogs(struct store_txn *t, struct buf *out)
{
    family(t, out, STORE_AGENT_QUEUE, "wabridge_agent_queue_messages",
           "Messages that wait for the auto-reply agent, and its answers.", false);
    family(t, out, STORE_AGENT_QUEUE, "wabridge_agent_queue_oldest_seconds",
           "Age of the first of them.", true);
    family(t, out, STORE_FETCHES, "wabridge_media_fetch_queue_files",
           "Files of messages that are still to be fetched.", false);
}
