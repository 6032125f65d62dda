#include "alert_rule.h"

#include <string.h>

static void turn(struct window *w, uint64_t now_ms, uint64_t span_ms)
{
    uint64_t slot = now_ms / (span_ms >= WINDOW_SLOTS ? span_ms / WINDOW_SLOTS : 1);
    if (slot - w->slot >= WINDOW_SLOTS) { /* also at the very first */
        memset(w->n, 0, sizeof(w->n));
    } else {
        for (uint64_t i = w->slot + 1; i <= slot; i++) {
            w->n[i % WINDOW_SLOTS] = 0;
        }
    }
    w->slot = slot;
}

void window_add(struct window *w, uint64_t now_ms, uint64_t span_ms, uint32_t n)
{
    turn(w, now_ms, span_ms);
    uint32_t *at = &w->n[w->slot % WINDOW_SLOTS];
    *at = n > UINT32_MAX - *at ? UINT32_MAX : *at + n;
}

uint64_t window_sum(struct window *w, uint64_t now_ms, uint64_t span_ms)
{
    uint64_t sum = 0;
    turn(w, now_ms, span_ms);
    for (unsigned i = 0; i < WINDOW_SLOTS; i++) {
        sum += w->n[i];
    }
    return sum;
}

enum alert_move alert_step(struct alert_state *s, const struct alert_timing *t, bool bad,
                           uint64_t now_ms)
{
    if (bad != s->bad) {
        s->bad = bad;
        s->since_ms = now_ms;
    }
    if (bad == s->firing || now_ms - s->since_ms < (bad ? t->hold_ms : t->recover_ms)) {
        return ALERT_STAYS;
    }
    s->firing = bad;
    return bad ? ALERT_FIRES : ALERT_ENDS;
}

bool alert_is_bad(double value, double threshold, bool low, bool firing)
{
    double edge = threshold;
    if (firing) {
        edge = low ? threshold * 1.1 : threshold * 0.9;
    }
    return low ? value < edge : value >= edge;
}
