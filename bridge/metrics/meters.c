#include "meters.h"

#include "core_priv.h"
#include "metrics.h"

static const uint64_t post_bounds[] = {5000,    10000,   25000,   50000,    100000,  250000,
                                       500000,  1000000, 2500000, 5000000,  10000000, 30000000,
                                       60000000, 0};
static const uint64_t lag_bounds[] = {1000,   2500,   5000,    10000,   25000,  50000,
                                      100000, 250000, 500000, 1000000, 5000000, 0};

#define MESSAGE_SERIES 8000 /* a session has about eight */
static struct metric messages = {
    .name = "wabridge_messages_total",
    .help = "Outgoing messages that got a status; code says why one failed.",
    .labels = {"tenant", "session", "status", "code"},
    .max_series = MESSAGE_SERIES,
};
static struct metric posts = {
    .name = "wabridge_webhook_requests_total",
    .help = "Requests to webhook endpoints; outcome is the class of the answer, or error.",
    .labels = {"tenant", "webhook", "outcome"},
    .max_series = 4000,
};
static struct metric post_time = {
    .name = "wabridge_webhook_duration_seconds",
    .help = "From the start of a request to a webhook endpoint to the end of its answer.",
    .kind = METRIC_HISTOGRAM,
    .labels = {"tenant", "webhook"},
    .bounds_us = post_bounds,
};
static struct metric dead_letters = {
    .name = "wabridge_webhook_dead_letters_total",
    .help = "Deliveries that were given up.",
    .labels = {"tenant", "webhook"},
};
static struct metric reloads = {
    .name = "wabridge_session_page_reloads_total",
    .help = "Pages that were loaded again because they did not work.",
    .labels = {"tenant", "session"},
};
static struct metric restarts = {
    .name = "wabridge_session_restarts_total",
    .help = "Browsers that ended or were ended because they did not work.",
    .labels = {"tenant", "session"},
};
static struct metric lag = {
    .name = "wabridge_loop_lag_seconds",
    .help = "How late a timer of the event loop fires: how long other work held it.",
    .kind = METRIC_HISTOGRAM,
    .bounds_us = lag_bounds,
};

void meters_register(void)
{
    metrics_register(&messages);
    metrics_register(&posts);
    metrics_register(&post_time);
    metrics_register(&dead_letters);
    metrics_register(&reloads);
    metrics_register(&restarts);
    metrics_register(&lag);
}

void meter_messages(const char *tenant, const char *session, const char *status, const char *code,
                    uint64_t n)
{
    metric_add(&messages, METRIC_VALUES(tenant, session, status, code), n);
}

void meter_webhook(const char *tenant, const char *webhook, unsigned status, uint64_t us)
{
    static const char *const classes[] = {"error", "1xx", "2xx", "3xx", "4xx", "5xx"};
    const char *outcome = status < 600 ? classes[status / 100] : "error";
    metric_add(&posts, METRIC_VALUES(tenant, webhook, outcome), 1);
    metric_observe_us(&post_time, METRIC_VALUES(tenant, webhook), us);
}

void meter_dead_letter(const char *tenant, const char *webhook)
{
    metric_add(&dead_letters, METRIC_VALUES(tenant, webhook), 1);
}

void meter_help(const char *tenant, const char *session, enum meter_help how)
{
    metric_add(how == METER_RELOAD ? &reloads : &restarts, METRIC_VALUES(tenant, session), 1);
}

void meter_session_gone(const char *tenant, const char *session)
{
    const struct metric_match which[] = {{"tenant", tenant}, {"session", session}};
    metrics_forget(which, 2);
}

void meter_tenant_gone(const char *tenant)
{
    metrics_forget(&(struct metric_match){"tenant", tenant}, 1);
}

/* ---- loop lag ----------------------------------------------------------------------------------
 */

static uint64_t now_us(void)
{
    return uv_hrtime() / 1000;
}

static void on_lag_timer(uv_timer_t *timer)
{
    struct loop_lag *l = (struct loop_lag *)timer->data;
    uint64_t now = now_us();
    /* libuv's clock counts whole ms, so a punctual timer may seem up to one early */
    uint64_t late = now > l->due_us ? now - l->due_us : 0;
    l->worst_us = late > l->worst_us ? late : l->worst_us;
    metric_observe_us(&lag, NULL, late);
    loop_lag_start(l);
}

void loop_lag_init(struct bridge *b, struct loop_lag *l)
{
    (void)uv_timer_init(b->loop, &l->timer);
    l->timer.data = l;
}

uint64_t meter_lag_worst_us(struct bridge *b)
{
    uint64_t worst = b->core->lag.worst_us;
    b->core->lag.worst_us = 0;
    return worst;
}

void loop_lag_start(struct loop_lag *l)
{
    uv_update_time(l->timer.loop);
    l->due_us = now_us() + LOOP_LAG_MS * 1000;
    (void)uv_timer_start(&l->timer, on_lag_timer, LOOP_LAG_MS, 0);
}
