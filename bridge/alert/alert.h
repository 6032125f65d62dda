/*
 * Alerts that the daemon raises by itself: things that go wrong again and again, or will before
 * long. Each becomes an event `alert.<kind>` when it fires and when it is over, and is listed while
 * it fires. Private to bridge/. Thread: loop, unless a comment says otherwise.
 */
#ifndef BRIDGE_ALERT_H
#define BRIDGE_ALERT_H

#include "alert_rule.h"
#include "core.h"

/* kind, name, what to do */
#define ALERT_TABLE(X)                                                                             \
    X(ALERT_SEND_FAILURES, "send_failures",                                                        \
      "Look at error.code of the failed messages and at the session's status; slow down.")         \
    X(ALERT_WEBHOOK_FAILING, "webhook_failing",                                                    \
      "Mend the endpoint; POST .../webhooks/{webhook}/test says what it answers. What waits is "   \
      "kept and sent when it answers again.")                                                      \
    X(ALERT_SESSION_FLAPPING, "session_flapping",                                                  \
      "Look at GET .../sessions/{session}/log: memory of the machine, network, another use of "    \
      "the account.")                                                                              \
    X(ALERT_QUEUE_OLD, "queue_old",                                                                \
      "Messages wait too long: is the session ready (link or start it), is more accepted than "    \
      "its pacing lets through? Deliveries: does the webhook answer, and fast enough? "            \
      "POST .../webhooks/{webhook}/test says.")                                                    \
    X(ALERT_DISK_LOW, "disk_low",                                                                  \
      "Free space on the disk of the data directory, or keep files for a shorter time "            \
      "([media] keep_days).")                                                                      \
    X(ALERT_MEMORY_HIGH, "memory_high",                                                            \
      "Stop sessions that are not needed, or give the machine more memory.")                       \
    X(ALERT_STORE_FAILING, "store_failing",                                                        \
      "Nothing can be accepted: free the disk or mend it; the log says what failed.")

enum alert_kind {
#define ALERT_ENUM(kind, name, help) kind,
    ALERT_TABLE(ALERT_ENUM)
#undef ALERT_ENUM
        ALERT_KINDS
};
#define ALERTS_MAX 5000 /* alerts at once; past it new ones are only logged */

struct alerts;
int alerts_create(struct bridge *b, struct alerts **out, struct err *e); /* and loads what fired */
void alerts_free(struct alerts *a);                                      /* NULL accepted */
uv_timer_t *alerts_timer(struct alerts *a); /* the bridge initialises and closes it */
void alerts_start(struct alerts *a);
/* Looks soon instead of at the next round. a may be NULL. */
void alerts_wake(struct alerts *a);
/* How many of each fire. */
void alerts_count(const struct alerts *a, unsigned out[ALERT_KINDS]);
const char *alert_name(enum alert_kind kind);

/* What is counted of a session; lives in it. */
struct alert_counts {
    struct window sent, failed, falls;
};
void alert_sent(struct bridge *b, struct alert_counts *c, uint32_t n);
void alert_send_failed(struct bridge *b, struct alert_counts *c, const char *code, uint32_t n);
/* It left `ready`, or could not get there, unasked. */
void alert_session_fell(struct bridge *b, struct alert_counts *c);

/* ---- what an alert says (writer or loop) -------------------------------------------------------
 */

struct alert_facts {
    enum alert_kind kind;
    char tenant[64], session[64], webhook[64]; /* "": of none */
    bool firing;
    uint64_t since_ms; /* wall; 0: not known */
    double value, threshold;
    char detail[256];
};
/* {alert,state,session,webhook,since,value,threshold,detail,help}; gives, NULL: no memory. */
json_t *alert_object(const struct alert_facts *f);
/* When the stored alert of that webhook began to fire; 0: it does not. */
uint64_t alert_stored_since(struct store_txn *t, const char *tenant, const char *webhook);

#endif
