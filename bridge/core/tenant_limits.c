/* limits and tariff of a tenant's document: what may be in them. Pure. */
#include "core_priv.h"

#include "usage.h"

#include <string.h>

#define MAX_LIMIT INT64_C(1000000000000000)

static const char *const names[] = {
    "sends_per_day",      "sends_per_month",   "max_sessions",        "max_webhooks",
    "connect_per_minute", "status_per_minute", "send_per_minute",     "messages_per_minute",
    "contacts_per_minute", "media_per_minute", "webhooks_per_minute", "events_per_minute",
    "manage_per_minute",  "max_media_bytes",
};

static bool known(const char *key)
{
    size_t i = 0;
    while (i < sizeof(names) / sizeof(names[0]) && strcmp(names[i], key) != 0) {
        i++;
    }
    return i < sizeof(names) / sizeof(names[0]);
}

int tenant_take_limits(json_t *changes, const json_t *body, struct err *e)
{
    json_t *limits = json_object_get(body, "limits");
    if (limits == NULL || json_is_null(limits)) {
        return 0;
    }
    if (!json_is_object(limits)) {
        return err_field(e, NULL, "limits", "limits must be an object");
    }
    const char *key = NULL;
    json_t *v = NULL;
    json_object_foreach(limits, key, v)
    {
        json_int_t n = json_integer_value(v);
        if (!known(key) || !json_is_integer(v) || n < 0 || n > MAX_LIMIT) {
            return err_field(e, NULL, "limits",
                             "limits.%.40s: limits may hold whole numbers from 0: sends_per_day, "
                             "sends_per_month, max_sessions, max_webhooks, max_media_bytes, and "
                             "<class>_per_minute (see docs/limits.md)",
                             key);
        }
    }
    return body_set(changes, "limits", json_deep_copy(limits)) != 0
               ? err_set(e, E_NOMEM, "out of memory")
               : 0;
}

int tenant_take_tariff(json_t *changes, const json_t *body, struct err *e)
{
    const json_t *tariff = json_object_get(body, "tariff");
    if (tariff == NULL) {
        return 0;
    }
    int rc = json_is_null(tariff) ? 0 : tariff_check(tariff, e);
    if (rc == 0 && body_set(changes, "tariff", json_deep_copy(tariff)) != 0) {
        rc = err_set(e, E_NOMEM, "out of memory");
    }
    return rc;
}
