#include "retry.h"

#include <stddef.h>
#include <string.h>
#include <time.h>

uint64_t retry_delay(const struct retry_policy *p, uint32_t failures, uint32_t random)
{
    uint64_t delay = p->initial_delay_ms;
    for (uint32_t i = 1; i < failures && delay < p->max_delay_ms; i++) {
        delay *= 2;
    }
    if (delay > p->max_delay_ms) {
        delay = p->max_delay_ms;
    }
    uint64_t span = delay / 5; /* -10 % … +10 % */
    delay = delay - span / 2 + (span > 0 ? random % (span + 1) : 0);
    return delay > p->max_delay_ms ? p->max_delay_ms : delay;
}

uint64_t retry_span(const struct retry_policy *p, uint32_t failures)
{
    uint64_t span = 0;
    uint64_t delay = p->initial_delay_ms;
    for (uint32_t i = 1; i < failures && span <= p->max_age_ms; i++) {
        span += delay < p->max_delay_ms ? delay : p->max_delay_ms;
        delay = delay < p->max_delay_ms ? delay * 2 : delay;
    }
    return span;
}

static bool parse_date(const char *value, uint64_t *wall_ms)
{
    static const char *const forms[] = {
        "%a, %d %b %Y %H:%M:%S GMT", /* IMF-fixdate */
        "%A, %d-%b-%y %H:%M:%S GMT", /* RFC 850 */
        "%a %b %e %H:%M:%S %Y",      /* asctime */
    };
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        struct tm tm;
        memset(&tm, 0, sizeof(tm));
        const char *end = strptime(value, forms[i], &tm); /* the process stays in the C locale */
        if (end == NULL || *end != '\0') {
            continue;
        }
        time_t t = timegm(&tm);
        if (t < 0) {
            return false;
        }
        *wall_ms = (uint64_t)t * 1000;
        return true;
    }
    return false;
}

bool retry_after_parse(const char *value, uint64_t now_ms, uint64_t *delay_ms)
{
    size_t digits = strspn(value, "0123456789");
    uint64_t delay = 0;
    if (digits > 0 && value[digits] == '\0') {
        for (size_t i = 0; i < digits && delay < RETRY_AFTER_CAP_MS; i++) {
            delay = delay * 10 + (uint64_t)(value[i] - '0') * 1000;
        }
    } else {
        uint64_t at = 0;
        if (!parse_date(value, &at)) {
            return false;
        }
        delay = at > now_ms ? at - now_ms : 0;
    }
    *delay_ms = delay > RETRY_AFTER_CAP_MS ? RETRY_AFTER_CAP_MS : delay;
    return true;
}

enum retry_verdict retry_verdict(unsigned status)
{
    if (status >= 200 && status < 300) {
        return RETRY_DELIVERED;
    }
    if (status == 0 || status == 408 || status == 425 || status == 429 ||
        (status >= 500 && status < 600)) {
        return RETRY_AGAIN;
    }
    return RETRY_DEAD;
}
