/*
 * An answer in the making: rows added up by step, and the body made of them. Private to
 * bridge/stats. Thread: any, with a snapshot of its own.
 */
#ifndef BRIDGE_STATS_REPORT_H
#define BRIDGE_STATS_REPORT_H

#include "session.h"
#include "stats.h"

#define STATS_MAX_STEPS 192

struct stats_report {
    const char *tenant, *session;       /* session NULL: all that who sees */
    const struct bridge_principal *who; /* NULL: all */
    uint64_t since_s, step_s;
    unsigned count; /* of steps */
    uint64_t now_ms;
    bool all; /* of the tenant: webhooks too */
    uint64_t status[SESSION_STATUS_COUNT];
    uint64_t outbox, agent, deliveries, dead_letters;
    unsigned rows; /* looked at */
    struct stats_row total;
    struct stats_row steps[STATS_MAX_STEPS];
};
/* The steps of a range that ends now, the present one as the last. */
void stats_report_range(struct stats_report *r, enum bridge_stats_range range, uint64_t now_ms);
/* E_LIMIT past STATS_MAX_ROWS. */
int stats_report_read(struct stats_report *r, struct store_txn *t);
/* Gives; NULL: no memory. */
json_t *stats_report_body(const struct stats_report *r);

#endif
