/* GET /v1/tenants/{tenant}/stats: counts over time, for the overview of a dashboard. */
#include "api_priv.h"

#include <string.h>

void stats_get(struct api_request *r)
{
    static const char *const words[] = {[BRIDGE_STATS_1H] = "1h",
                                        [BRIDGE_STATS_24H] = "24h",
                                        [BRIDGE_STATS_7D] = "7d",
                                        [BRIDGE_STATS_30D] = "30d",
                                        [BRIDGE_STATS_90D] = "90d"};
    const char *range = api_text(r, "range");
    struct bridge_stats_query q = {.tenant = r->param[PARAM_TENANT],
                                   .session = api_text(r, "session"),
                                   .who = &r->who,
                                   .range = BRIDGE_STATS_24H};
    for (size_t i = 0; range != NULL && i < sizeof(words) / sizeof(words[0]); i++) {
        if (strcmp(range, words[i]) == 0) {
            q.range = (enum bridge_stats_range)i;
        }
    }
    bridge_stats(api_bridge(r), &q, api_done, api_hold(r));
}
