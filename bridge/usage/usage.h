/*
 * What a tenant uses: quotas, counts for reports, and what they cost. Rows of STORE_USAGE, written
 * in the transaction of what they count, so that a crash loses none and counts none twice:
 * (tenant, "2026-11-21", session, "web.out.55") counts of a local day, and (tenant, "quota", "-",
 * "sends") the counters of the tenant's running day and month.
 * Thread: writer or loop, inside a transaction, unless a comment says otherwise.
 */
#ifndef BRIDGE_USAGE_H
#define BRIDGE_USAGE_H

#include "core_priv.h"
#include "zone.h"

#define USAGE_MAX_DAYS 400   /* of one report */
#define USAGE_MAX_ROWS 50000 /* looked at for one report */

/* ---- quotas (quota.c) -------------------------------------------------------------------------- */

/* Is there room for one more send? E_LIMIT "quota_exceeded" with retry_after_s. Writes nothing. */
int quota_check_send(struct store_txn *t, const char *tenant, uint64_t now_ms, struct err *e);
/* Counts one that is accepted, in the same operation; checks first, unless it goes out anyway: what
 * confirms an opt-out does. */
int quota_take_send(struct store_txn *t, const char *tenant, uint64_t now_ms, bool anyway,
                    struct err *e);
/* One more session beside `count` of them. E_LIMIT "quota_exceeded". Loop. */
int quota_check_session(struct bridge *b, const char *tenant, uint64_t count, struct err *e);
/* The body's member `quotas`: [{name,limit,used,resets_at}]. Gives. */
json_t *quota_list(struct bridge *b, struct store_txn *t, const char *tenant, uint64_t now_ms);
/* The tenant's record; gives, NULL when it has none or no memory. */
json_t *usage_tenant(struct store_txn *t, const char *tenant);
/* Its zone; UTC when it has none, or one that the system does not know (any more). */
const struct zone *usage_zone(const json_t *tenant_record);

/* ---- counts (usage.c) --------------------------------------------------------------------------- */

struct usage_item {
    const char *tenant, *session;
    bool out;
    bool group;        /* else phone says which country */
    const char *phone; /* digits; "" or NULL: unknown */
    const char *type;  /* of the message; NULL: none is counted, only bytes */
    uint64_t bytes;    /* of its file */
};
int usage_count(struct store_txn *t, const struct usage_item *u, uint64_t now_ms);
/* Deletes at most max rows of days before that time. n: how many went. */
int usage_trim(struct store_txn *t, uint64_t before_ms, size_t max, size_t *n);

/* ---- calling codes (country.c; pure) ------------------------------------------------------------- */

/* The country calling code that a number begins with, at most 4 digits: the longest that is known,
 * so that 1242… is the Bahamas and not the United States. NULL: none. Static. */
const char *country_code_of(const char *digits);
bool country_code_known(const char *digits); /* exactly a code */

/* ---- tariffs (tariff.c; pure) -------------------------------------------------------------------- */

#define TARIFF_MICRO INT64_C(1000000)
/* "0.05" in millionths: at most 6 decimals, 0 to 999999. E_INVALID. */
int tariff_amount(const char *text, int64_t *micro);
/* Back: "0.05", at least two decimals. */
#define TARIFF_TEXT 32
void tariff_text(int64_t micro, char out[TARIFF_TEXT]);
/* {currency,default,prefixes:{"55":"0.03"},channels:{"web":{default,prefixes}}}. E_INVALID with the
 * field. */
int tariff_check(const json_t *tariff, struct err *e);
/* Of one message that goes out: the channel's own row before the general one, the longest prefix
 * first. code: a calling code, "group" or "unknown". tariff NULL: 0. */
int64_t tariff_rate(const json_t *tariff, const char *channel, const char *code);

#endif
