/*
 * What the answer of an endpoint means, and when to try again. Pure functions. Private to bridge/.
 */
#ifndef BRIDGE_RETRY_H
#define BRIDGE_RETRY_H

#include <stdbool.h>
#include <stdint.h>

struct retry_policy {
    uint64_t max_age_ms;       /* after this since it was queued, a failure is the last one */
    uint64_t initial_delay_ms; /* before the second try; doubles with each */
    uint64_t max_delay_ms;
};
#define RETRY_MAX_AGE_S 86400
#define RETRY_INITIAL_DELAY_MS 1000
#define RETRY_MAX_DELAY_MS 900000
#define WEBHOOK_MAX_DELAY_MS 3600000 /* that a webhook may set */
#define RETRY_AFTER_CAP_MS UINT64_C(86400000)

/* Before the try that follows failure number `failures` (from 1): initial * 2^(failures - 1), ten
 * percent more or less by `random`, never past max_delay_ms. */
uint64_t retry_delay(const struct retry_policy *p, uint32_t failures, uint32_t random);

/* How long `failures` tries in a row have taken when each waited its nominal delay. */
uint64_t retry_span(const struct retry_policy *p, uint32_t failures);

/* Retry-After: seconds or an HTTP-date (RFC 9110, IMF-fixdate or one of the two old forms) into
 * milliseconds from now_ms, at most RETRY_AFTER_CAP_MS. False when it is neither. */
bool retry_after_parse(const char *value, uint64_t now_ms, uint64_t *delay_ms);

enum retry_verdict { RETRY_DELIVERED, RETRY_AGAIN, RETRY_DEAD };
/* status 0: no answer (time-out, connection or name error). */
enum retry_verdict retry_verdict(unsigned status);

#endif
