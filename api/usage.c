#include "api_priv.h"

#include <string.h>

void usage_get(struct api_request *r)
{
    static const char *const words[] = {[BRIDGE_USAGE_DAY] = "day",
                                        [BRIDGE_USAGE_SESSION] = "session",
                                        [BRIDGE_USAGE_COUNTRY] = "country",
                                        [BRIDGE_USAGE_CHANNEL] = "channel"};
    const char *by = api_text(r, "group_by");
    struct bridge_usage_query q = {.tenant = r->param[PARAM_TENANT],
                                   .who = &r->who,
                                   .since_ms = api_number(r, "since"),
                                   .until_ms = api_number(r, "until")};
    for (size_t i = 0; by != NULL && i < sizeof(words) / sizeof(words[0]); i++) {
        if (strcmp(by, words[i]) == 0) {
            q.by = (enum bridge_usage_group)i;
        }
    }
    bridge_usage(api_bridge(r), &q, api_done, api_hold(r));
}
