#include "pacing.h"

#include <string.h>

#define MINUTE_US UINT64_C(60000000)

void pacing_init(struct pacing *p, unsigned per_minute, unsigned burst, unsigned jitter_percent)
{
    memset(p, 0, sizeof(*p));
    if (per_minute == 0) {
        return;
    }
    p->interval_us = MINUTE_US / per_minute;
    p->burst_us = p->interval_us * (burst > 1 ? burst - 1 : 0);
    p->jitter_percent = jitter_percent < 100 ? jitter_percent : 100;
}

uint64_t pacing_wait(const struct pacing *p, uint64_t now_ms)
{
    uint64_t allowed = now_ms * 1000 + p->burst_us;
    return p->arrival_us > allowed ? (p->arrival_us - allowed + 999) / 1000 : 0;
}

void pacing_take(struct pacing *p, uint64_t now_ms, uint32_t dice)
{
    uint64_t now_us = now_ms * 1000;
    uint64_t swing = p->interval_us * p->jitter_percent / 100;
    uint64_t cost = p->interval_us - swing;
    if (swing > 0) {
        cost += (uint64_t)dice * 2 * swing / UINT32_MAX;
    }
    p->arrival_us = (p->arrival_us > now_us ? p->arrival_us : now_us) + cost;
}
