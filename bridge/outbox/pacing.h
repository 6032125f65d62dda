/*
 * How fast a session may send: a token bucket with jitter, as a theoretical arrival time (GCRA).
 * Pure: the clock and the dice come from the caller. per_minute 0: no pacing.
 */
#ifndef PACING_H
#define PACING_H

#include <stdint.h>

struct pacing {
    uint64_t interval_us; /* of one message */
    uint64_t burst_us;    /* how far ahead of the rate a burst may run */
    unsigned jitter_percent;
    uint64_t arrival_us; /* when the bucket is full again */
};

void pacing_init(struct pacing *p, unsigned per_minute, unsigned burst, unsigned jitter_percent);
/* Milliseconds until the next may go; 0: now. */
uint64_t pacing_wait(const struct pacing *p, uint64_t now_ms);
/* One goes now. dice: any random number; the cost is the interval, more or less the jitter, and on
 * average the interval itself. */
void pacing_take(struct pacing *p, uint64_t now_ms, uint32_t dice);

#endif
