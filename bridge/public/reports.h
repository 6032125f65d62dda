/*
 * What happened, for people: usage (docs/limits.md), statistics (docs/monitoring.md), activity,
 * alerts that fire.
 *
 * Times are wall clock milliseconds.
 * Thread: loop. What holds for every function of the bridge stands in bridge.h.
 */
#ifndef BRIDGE_PUBLIC_REPORTS_H
#define BRIDGE_PUBLIC_REPORTS_H

#include "public/who.h"

#include <stdint.h>

/* ---- usage ---- */

enum bridge_usage_group {
    BRIDGE_USAGE_DAY,
    BRIDGE_USAGE_SESSION,
    BRIDGE_USAGE_COUNTRY,
    BRIDGE_USAGE_CHANNEL
};
struct bridge_usage_query {
    const char *tenant;
    const struct bridge_principal *who; /* only sessions that it sees; NULL: all */
    uint64_t since_ms, until_ms;        /* 0: the month so far; until is exclusive */
    enum bridge_usage_group by;
};
/* {tenant,time_zone,since,until,currency,items,total,quotas}: whole local days. E_INVALID
 * "range_too_long". */
void bridge_usage(struct bridge *b, const struct bridge_usage_query *q, bridge_done_fn done,
                  void *arg);

/* ---- statistics ---- */

enum bridge_stats_range {
    BRIDGE_STATS_1H,
    BRIDGE_STATS_24H,
    BRIDGE_STATS_7D,
    BRIDGE_STATS_30D,
    BRIDGE_STATS_90D
};
struct bridge_stats_query {
    const char *tenant, *session;       /* session NULL: all that who sees */
    const struct bridge_principal *who; /* NULL: all */
    enum bridge_stats_range range;
};
/* {since,until,step_s,totals,series,queues,sessions}. What is of the tenant and of no session
 * (webhooks, their queues) is null for who does not see all of it. E_NOTFOUND "unknown_tenant",
 * "unknown_session"; E_INVALID "range_too_long". */
void bridge_stats(struct bridge *b, const struct bridge_stats_query *q, bridge_done_fn done,
                  void *arg);

/* ---- activity ---- */

/* What happened in a session (NULL: in all that who sees; who NULL: in all), for people: made of the
 * event log, newest first, messages counted by the hour.
 * {items:[{session,kind,at,from_at,count,chats,text,code,reason,phone}],next_cursor}. */
int bridge_activity(struct bridge *b, const char *tenant, const char *session,
                    const struct bridge_principal *who, const struct bridge_paging *p, json_t **out,
                    struct err *e);

/* ---- alerts ---- */

/* Those that fire: {items:[{alert,state,tenant,session,webhook,since,value,threshold,detail,help}],
 * next_cursor:null}. tenant NULL: all, with those of the node (their tenant is null). */
int bridge_alert_list(struct bridge *b, const char *tenant, json_t **out, struct err *e);

#endif
