#include "budget.h"

#define STRIKES_MAX 5 /* the hold is at most 2^5 times the setting */

void budget_fresh(struct budget *b)
{
    b->over_soft = b->over_hard = 0;
    b->collected = false;
}

static bool held(const struct budget *b, const struct budget_limits *l, uint64_t now_ms)
{
    unsigned doublings = b->strikes > 0 ? b->strikes - 1 : 0;
    return b->helped && now_ms - b->helped_ms < l->hold_ms << doublings;
}

static void help(struct budget *b, uint64_t now_ms)
{
    b->helped = true;
    b->helped_ms = now_ms;
    b->strikes += b->strikes <= STRIKES_MAX;
    budget_fresh(b);
}

enum budget_help budget_sample(struct budget *b, const struct budget_limits *l, uint64_t bytes,
                               bool idle, uint64_t now_ms)
{
    bool soft = l->soft_bytes > 0 && bytes > l->soft_bytes;
    bool hard = l->hard_bytes > 0 && bytes > l->hard_bytes;
    if (!soft && !hard) {
        budget_fresh(b);
        if (!held(b, l, now_ms)) {
            b->strikes = 0;
        }
        return BUDGET_NONE;
    }
    b->over_soft = soft ? b->over_soft + 1 : 0;
    b->over_hard = hard ? b->over_hard + 1 : 0;
    bool held_now = held(b, l, now_ms);
    if (!held_now && b->over_hard >= (idle ? BUDGET_SAMPLES : 2 * BUDGET_SAMPLES)) {
        help(b, now_ms);
        b->restarts++;
        return BUDGET_RESTART;
    }
    if (b->over_soft < BUDGET_SAMPLES) {
        return BUDGET_NONE;
    }
    if (!b->collected) {
        b->collected = true;
        b->over_soft = 0;
        b->collections++;
        return BUDGET_COLLECT;
    }
    if (held_now || !idle) {
        return BUDGET_NONE;
    }
    help(b, now_ms);
    b->reloads++;
    return BUDGET_RELOAD;
}
