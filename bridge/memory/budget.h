/*
 * When a browser takes too much memory: what to do, and when not to do it again. Pure: numbers and
 * times in, a decision out. Private to bridge/.
 *
 * Above the soft limit for BUDGET_SAMPLES measurements in a row: garbage is collected; still above
 * after as many more: the page is loaded again, once nothing is on its way. Above the hard limit for
 * as many: the browser is restarted; it waits as long again for what is on its way, not for ever.
 * After a reload or restart hold_ms must pass before the next; each that did not help for good
 * doubles that, up to 32 times, and a whole hold below the soft limit forgives all. So a browser
 * whose need is simply larger than its limit is helped ever more seldom, never in a loop.
 */
#ifndef BRIDGE_BUDGET_H
#define BRIDGE_BUDGET_H

#include <stdbool.h>
#include <stdint.h>

#define BUDGET_SAMPLES 3

struct budget_limits {
    uint64_t soft_bytes, hard_bytes; /* 0: none */
    uint64_t hold_ms;
};

enum budget_help { BUDGET_NONE, BUDGET_COLLECT, BUDGET_RELOAD, BUDGET_RESTART };

struct budget {
    unsigned over_soft, over_hard; /* measurements in a row */
    bool collected;                /* since it went over */
    bool helped;                   /* helped_ms is set */
    uint64_t helped_ms;            /* monotonic: the last reload or restart */
    unsigned strikes;              /* of those in a row */
    unsigned collections, reloads, restarts; /* since the daemon started */
};

/* One measurement. idle: nothing is on its way in the page. What it answers is counted as done. */
enum budget_help budget_sample(struct budget *b, const struct budget_limits *l, uint64_t bytes,
                               bool idle, uint64_t now_ms);
/* Another browser or document: measurements count afresh, the hold stays. */
void budget_fresh(struct budget *b);

#endif
