/*
 * Counts over time, for people who look at a tenant: what was received, sent, delivered, read and
 * failed, how fast the team answers, how the webhooks do. Rows of STORE_STATS (tenant, session or -,
 * "5m.<s>" or "1h.<s>": 5 minutes, or the hour that they were folded into), written in the
 * transaction of what they count. A message counts in the time that it bears, whenever its receipts
 * come: so delivered is never more than sent, and the numbers are those of the lists of messages.
 * Thread: writer or loop, inside a transaction, unless a comment says otherwise.
 */
#ifndef BRIDGE_STATS_H
#define BRIDGE_STATS_H

#include "core_priv.h"
#include "message_object.h"

#define STATS_FINE_S 300   /* of a row */
#define STATS_HOUR_S 3600  /* of a folded row */
#define STATS_FINE_KEEP_S (48 * 3600)       /* then rows are folded */
#define STATS_KEEP_S (92 * UINT64_C(86400)) /* then they go, and what is older is not counted */
#define STATS_MAX_ROWS 1000000              /* looked at for one answer */
#define STATS_TENANT "-" /* in place of a session: the webhooks' row */

/* ---- a row (stats_row.c; pure) ------------------------------------------------------------------ */

#define STATS_BINS 24 /* of a histogram; the last one has no upper bound */
/* Numbers are written in the store: they keep their meaning. */
enum stats_field {
    STATS_RECEIVED = 0,
    STATS_SENT = 1, /* WhatsApp has it; so of each message that counts below */
    STATS_DELIVERED = 2,
    STATS_READ = 3,
    STATS_FAILED = 4,
    STATS_HOOK_DELIVERED = 5,
    STATS_HOOK_FAILED = 6, /* attempts */
    STATS_HOOK_DEAD = 7,
    STATS_RESPONSE = 16,               /* answers of the team, by how long it took */
    STATS_LATENCY = 16 + STATS_BINS,   /* attempts of webhooks that were answered, likewise */
    STATS_FIELDS = 16 + 2 * STATS_BINS /* at most 64 */
};
struct stats_row {
    uint64_t v[STATS_FIELDS];
};
#define STATS_ROW_MAX (STATS_FIELDS * 11)
size_t stats_encode(const struct stats_row *r, unsigned char out[STATS_ROW_MAX]);
/* Adds to r. Fields of a later version are passed over. False: not one of ours; r is as it was. */
bool stats_decode(const void *data, size_t len, struct stats_row *r);
void stats_add(struct stats_row *to, const struct stats_row *from);
/* The field of a histogram that a time is counted in. */
enum stats_field stats_response_field(uint64_t ms);
enum stats_field stats_latency_field(uint64_t us);
/* The time that this part (0 to 1) of a histogram's counts is not above, in s or ms; -1: no counts.
 * within a bin it is taken as even. */
double stats_quantile(const struct stats_row *r, enum stats_field histogram, double part);
uint64_t stats_total(const struct stats_row *r, enum stats_field histogram);

#define STATS_NAME_LEN 24
void stats_name(char out[STATS_NAME_LEN], bool hour, uint64_t at_s);
/* Back. False: not a name of ours. */
bool stats_name_parse(const char *name, bool *hour, uint64_t *at_s);

/* ---- counting (stats.c) ------------------------------------------------------------------------- */

#define STATS_ONE(field) (UINT64_C(1) << (field))
/* One more in each field of the set. What is too old is not counted. 0, or why the store failed. */
int stats_count(struct store_txn *t, const char *tenant, const char *session, uint64_t at_ms,
                uint64_t fields);
/* A message of ours went from one status to another; `from` MESSAGE_QUEUED of one that is new. */
int stats_count_status(struct store_txn *t, const struct message_owner *o, uint64_t message_ms,
                       enum message_status from, enum message_status to);
/* The outcome of an attempt of a webhook; us: 0 when there was no answer. */
int stats_count_delivery(struct store_txn *t, const char *tenant, enum store_delivery_state state,
                         bool failed, uint64_t us);
/* Was it written by people of the team (or a program in their name)? The agent's, a campaign's and
 * the confirmation of an opt-out were not. */
bool stats_by_team(const char *source);

/* ---- what is old (stats_trim.c) ----------------------------------------------------------------- */

/* Where a round is; zeroed: at the start. */
struct stats_trim {
    char tenant[64], session[64];
    bool again; /* not through with this session */
};
/* One bounded step: fine rows are folded, old ones go. more: there is more to do. */
int stats_trim(struct store_txn *t, uint64_t now_ms, struct stats_trim *at, bool *more);

#endif
