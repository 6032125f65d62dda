/* GET /metrics and alerts; what the API measures of itself: by route, never by path. */
#include "api_priv.h"

#include "metrics.h"

#include <stdio.h>

static const uint64_t bounds[] = {1000,   2500,   5000,    10000,   25000,   50000,    100000,
                                  250000, 500000, 1000000, 2500000, 5000000, 10000000, 60000000,
                                  0};
static struct metric duration = {
    .name = "wabridge_api_request_duration_seconds",
    .help = "From a request's first line to its answer; waits that were asked for count too.",
    .kind = METRIC_HISTOGRAM,
    .labels = {"method", "route"},
    .bounds_us = bounds,
};
static struct metric requests = {
    .name = "wabridge_api_requests_total",
    .help = "Requests that were answered.",
    .labels = {"method", "route", "status"},
    .max_series = 3000,
};

void api_metrics_register(void)
{
    metrics_register(&duration);
    metrics_register(&requests);
}

void api_metrics_answered(const struct api_request *r)
{
    char status[12];
    /* nothing that a stranger can choose */
    const char *route = r->route != NULL ? r->route->pattern : "none";
    const char *method = r->route != NULL ? r->route->method : "none";
    (void)snprintf(status, sizeof(status), "%d", r->status);
    metric_add(&requests, METRIC_VALUES(method, route, status), 1);
    metric_observe_us(&duration, METRIC_VALUES(method, route),
                      uv_hrtime() / 1000 - r->started_us);
}

void metrics_get(struct api_request *r)
{
    struct buf text;
    struct err e = {0};
    buf_init(&text, BRIDGE_MAX_METRICS);
    int rc = bridge_metrics(api_bridge(r), &text, &e);
    size_t len = 0;
    char *data = rc == 0 ? buf_steal(&text, &len) : NULL;
    buf_finish(&text);
    if (rc != 0) {
        api_fail(r, &e);
    } else {
        api_answer_data(r, r->route->status, METRICS_TYPE, data, len);
    }
}

void alert_list(struct api_request *r)
{
    json_t *body = NULL;
    struct err e = {0};
    int rc = bridge_alert_list(api_bridge(r), r->param[PARAM_TENANT], &body, &e);
    api_give(r, rc, body, &e);
}
