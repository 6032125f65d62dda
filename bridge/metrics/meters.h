/*
 * What the bridge counts, and the gauges that it works out when it is asked. Names and meaning:
 * docs/monitoring.md. Labels are names of tenants, sessions and webhooks and words from fixed lists,
 * never a phone number, a chat or a text. Private to bridge/. Thread: loop.
 */
#ifndef BRIDGE_METERS_H
#define BRIDGE_METERS_H

#include "core.h"

#define METERS_ROWS 2000 /* sessions, tenants and webhooks shown one by one; the rest is left out */

void meters_register(void);
/* n messages got a status; code: why they failed, else "". */
void meter_messages(const char *tenant, const char *session, const char *status, const char *code,
                    uint64_t n);
/* A webhook's endpoint was asked; status 0: no answer. */
void meter_webhook(const char *tenant, const char *webhook, unsigned status, uint64_t us);
/* A delivery was given up. */
void meter_dead_letter(const char *tenant, const char *webhook);
enum meter_help { METER_RELOAD, METER_RESTART };
/* A session's page was loaded again or its browser started anew, to mend it. */
void meter_help(const char *tenant, const char *session, enum meter_help how);
void meter_session_gone(const char *tenant, const char *session);
void meter_tenant_gone(const char *tenant);

/* How long the first message of a session's outbox has waited, in seconds; 0: none waits. */
double meter_outbox_oldest_s(struct store_txn *t, const char *tenant, const char *session,
                             uint64_t now_ms);

/* Families of the other queues; t NULL: the store cannot be read. */
struct buf;
void meter_backlogs(struct store_txn *t, struct buf *out);

/* How late the loop is: a timer that fires after its time shows how long others held it. */
#define LOOP_LAG_MS 250
struct loop_lag {
    uv_timer_t timer;
    uint64_t due_us;
    uint64_t worst_us; /* since it was last shown */
};
void loop_lag_init(struct bridge *b, struct loop_lag *l);
void loop_lag_start(struct loop_lag *l);
uint64_t meter_lag_worst_us(struct bridge *b); /* and forgets it */

#endif
