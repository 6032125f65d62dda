/*
 * When an alert fires and when it is over: pure, with the time handed in. Private to bridge/alert
 * and whoever counts for it. Thread: any.
 */
#ifndef BRIDGE_ALERT_RULE_H
#define BRIDGE_ALERT_RULE_H

#include <stdbool.h>
#include <stdint.h>

/* ---- how often something happened lately: counts in slots of a tenth of the span ---- */

#define WINDOW_SLOTS 10
struct window {
    uint64_t slot; /* number of the newest one */
    uint32_t n[WINDOW_SLOTS];
};
/* now_ms: monotonic; span_ms: the same at every call. Zeroed: nothing happened. */
void window_add(struct window *w, uint64_t now_ms, uint64_t span_ms, uint32_t n);
uint64_t window_sum(struct window *w, uint64_t now_ms, uint64_t span_ms);

/* ---- one alert ---- */

/*
 *   quiet ──bad──► bad ──for hold_ms──► FIRING ──good for recover_ms──► quiet
 *     ▲              │                     ▲              │
 *     └─────good─────┘                     └─────bad──────┘
 */
struct alert_timing {
    uint64_t hold_ms;    /* bad for so long before it fires */
    uint64_t recover_ms; /* good for so long before it is over */
};
struct alert_state {
    bool firing, bad;
    uint64_t since_ms; /* monotonic: bad is as it is since then */
};
enum alert_move { ALERT_STAYS, ALERT_FIRES, ALERT_ENDS };
enum alert_move alert_step(struct alert_state *s, const struct alert_timing *t, bool bad,
                           uint64_t now_ms);
/* Is the value on the wrong side? low: below the threshold is wrong. While it fires it must get a
 * tenth better than the threshold, so that a value at the edge does not fire again and again. */
bool alert_is_bad(double value, double threshold, bool low, bool firing);

#endif
