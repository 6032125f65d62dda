/*
 * Indexes and counts made anew from the records, which alone are the truth. A record that cannot be
 * decoded is of no use to anybody and is removed; how many went is told. Everything in one
 * transaction: the store is as it was, or mended.
 */
#include "delivery_priv.h"
#include "message_priv.h"

#include <string.h>

static const enum db derived[] = {DB_CHAT_RECENT,     DB_MESSAGE_IDS,    DB_MESSAGE_TIMES,
                                  DB_DELIVERY_STATES, DB_DELIVERY_LANES, DB_DELIVERY_DUE,
                                  DB_DELIVERY_DONE,   DB_OUTBOX_IDS,     DB_IDEM_EXPIRY};

struct repair {
    struct store_txn *t;
    struct iter it;
    uint64_t highest; /* order or ordinal seen */
    size_t lost;
};
/* 0; E_INVALID: the row is no record and goes. */
typedef int (*row_fn)(struct repair *r, struct key_reader *k);

static int each(struct repair *r, enum db db, row_fn fn)
{
    struct key all;
    key_init(&all);
    int rc = iter_open(&r->it, r->t, db, &all, NULL, 0);
    if (rc != 0) {
        return rc;
    }
    int stop = 0;
    while (stop == 0 && (rc = iter_next(&r->it)) == 0) {
        struct key_reader k;
        key_read(&k, r->it.at.b, r->it.at.len);
        stop = fn(r, &k);
        if (stop == E_INVALID) {
            struct key gone;
            key_copy(&gone, r->it.at.b, r->it.at.len);
            stop = txn_del(r->t, db, &gone);
            r->lost++;
        }
    }
    iter_close(&r->it);
    return iter_result(rc, stop);
}

static int chat_row(struct repair *r, struct key_reader *k)
{
    struct key recent;
    const char *tenant = key_read_text(k), *session = key_read_text(k), *chat = key_read_text(k);
    if (!key_read_done(k) || r->it.v.mv_size < 8) {
        return E_INVALID;
    }
    key_session(&recent, tenant, session);
    key_u64(&recent, be64_get(r->it.v.mv_data));
    key_text(&recent, chat, STORE_MAX_ID);
    return txn_put(r->t, DB_CHAT_RECENT, &recent, NULL, 0);
}

static void seen(struct repair *r, uint64_t n)
{
    r->highest = n > r->highest ? n : r->highest;
}

/* The id is copied: the first put makes the value void. */
static int message_row(struct repair *r, struct key_reader *k)
{
    struct key by_id, by_time;
    unsigned char place[16];
    struct key_reader v;
    const char *tenant = key_read_text(k), *session = key_read_text(k), *chat = key_read_text(k);
    uint64_t time_ms = key_read_u64(k), ordinal = key_read_u64(k);
    key_read(&v, r->it.v.mv_data, r->it.v.mv_size);
    const char *id = key_read_text(&v);
    if (!key_read_done(k) || v.bad || *id == '\0') {
        return E_INVALID;
    }
    seen(r, ordinal);
    be64_put(place, time_ms);
    be64_put(place + 8, ordinal);
    key_session(&by_id, tenant, session);
    key_text(&by_id, id, STORE_MAX_ID);
    key_text(&by_id, chat, STORE_MAX_ID);
    key_session(&by_time, tenant, session);
    key_u64(&by_time, time_ms);
    key_u64(&by_time, ordinal);
    int rc = by_id.rc != 0 ? E_INVALID : txn_add(r->t, DB_MESSAGE_IDS, &by_id, place, sizeof(place));
    if (rc == E_EXISTS) {
        return E_INVALID; /* the same message a second time */
    }
    return rc != 0 ? rc
                   : txn_put(r->t, DB_MESSAGE_TIMES, &by_time, chat, strlen(chat) + 1);
}

static int outbox_row(struct repair *r, struct key_reader *k)
{
    struct key by_id;
    struct key_reader v;
    unsigned char order[8];
    const char *tenant = key_read_text(k), *session = key_read_text(k);
    const unsigned char *at = key_read_bytes(k, sizeof(order));
    key_read(&v, r->it.v.mv_data, r->it.v.mv_size);
    (void)key_read_u64(&v);
    const char *id = key_read_text(&v);
    if (!key_read_done(k) || at == NULL || v.bad) {
        return E_INVALID;
    }
    memcpy(order, at, sizeof(order));
    seen(r, be64_get(order));
    key_session(&by_id, tenant, session);
    key_text(&by_id, id, STORE_MAX_ID);
    int rc = by_id.rc != 0 ? E_INVALID : txn_add(r->t, DB_OUTBOX_IDS, &by_id, order, sizeof(order));
    return rc == E_EXISTS ? E_INVALID
           : rc != 0      ? rc
                          : tally_add(r->t, tenant, session, TALLY_OUTBOX, 1);
}

static int idem_row(struct repair *r, struct key_reader *k)
{
    struct key expiry;
    const char *tenant = key_read_text(k), *name = key_read_text(k);
    if (!key_read_done(k) || r->it.v.mv_size < 40) {
        return E_INVALID;
    }
    key_init(&expiry);
    key_u64(&expiry, be64_get(r->it.v.mv_data));
    key_text(&expiry, tenant, KEY_NAME_MAX);
    key_text(&expiry, name, KEY_CLIENT_MAX);
    return expiry.rc != 0 ? E_INVALID : txn_put(r->t, DB_IDEM_EXPIRY, &expiry, NULL, 0);
}

static int delivery_row(struct repair *r, struct key_reader *k)
{
    struct key row;
    struct store_delivery d = {0};
    const char *tenant = key_read_text(k);
    uint64_t seq = key_read_u64(k);
    const char *webhook = key_read_text(k);
    if (!key_read_done(k) || strlen(tenant) > KEY_NAME_MAX || strlen(webhook) > KEY_NAME_MAX ||
        delivery_decode(r->it.v.mv_data, r->it.v.mv_size, &d) != 0) {
        return E_INVALID;
    }
    memcpy(d.tenant, tenant, strlen(tenant) + 1);
    memcpy(d.webhook, webhook, strlen(webhook) + 1);
    d.seq = seq;
    delivery_state_key(&row, &d);
    int rc = txn_put(r->t, DB_DELIVERY_STATES, &row, NULL, 0);
    if (rc == 0 && d.state == STORE_PENDING) {
        delivery_lane_key(&row, &d);
        rc = txn_put(r->t, DB_DELIVERY_LANES, &row, NULL, 0);
        return rc != 0 ? rc : tally_add(r->t, d.tenant, NULL, TALLY_DELIVERIES, 1);
    }
    delivery_done_key(&row, &d);
    rc = rc != 0 ? rc : txn_put(r->t, DB_DELIVERY_DONE, &row, NULL, 0);
    return rc == 0 && d.state == STORE_DEAD ? tally_add(r->t, d.tenant, NULL, TALLY_DEAD, 1) : rc;
}

/* The first of each lane is due. Lanes are keyed tenant, webhook, lane, seq. */
static int lane_row(struct repair *r, struct key_reader *k)
{
    struct key prefix, first, due;
    struct store_delivery d;
    const char *tenant = key_read_text(k), *webhook = key_read_text(k);
    uint64_t lane = key_read_u64(k), seq = key_read_u64(k);
    key_session(&prefix, tenant, webhook);
    key_u64(&prefix, lane);
    int rc = txn_first(r->t, DB_DELIVERY_LANES, &prefix, &first);
    if (rc != 0 || be64_get(first.b + prefix.len) != seq) {
        return rc;
    }
    rc = store_delivery_get(r->t, tenant, webhook, seq, &d);
    delivery_due_key(&due, &d);
    return rc != 0 ? rc : txn_put(r->t, DB_DELIVERY_DUE, &due, NULL, 0);
}

static int term_row(struct repair *r, struct key_reader *k)
{
    struct key contact;
    const char *tenant = key_read_text(k), *session = key_read_text(k);
    (void)key_read_text(k);
    const char *id = key_read_text(k);
    key_session(&contact, tenant, session);
    key_text(&contact, id, STORE_MAX_ID);
    int rc = key_read_done(k) && contact.rc == 0 ? txn_has(r->t, DB_CONTACTS, &contact)
                                                 : E_NOTFOUND;
    return rc == E_NOTFOUND ? E_INVALID : rc;
}

static int event_row(struct repair *r, struct key_reader *k)
{
    struct tally tally;
    const char *tenant = key_read_text(k);
    uint64_t seq = key_read_u64(k);
    if (!key_read_done(k)) {
        return E_INVALID;
    }
    int rc = tally_get(r->t, tenant, NULL, &tally);
    return rc != 0 || seq <= tally.v[TALLY_EVENTS] ? rc : tally_set_events(r->t, tenant, seq);
}

/* The numbers of the event log only ever grow, also when all events were trimmed: they are kept, the
 * other counts begin at nothing. */
static int count_row(struct repair *r, struct key_reader *k)
{
    unsigned char b[8 * TALLY_FIELDS] = {0};
    struct key key;
    struct tally tally;
    (void)k;
    if (r->it.v.mv_size != sizeof(b)) {
        return E_INVALID;
    }
    tally_decode(&r->it.v, &tally);
    be64_put(b + 8 * TALLY_EVENTS, tally.v[TALLY_EVENTS]);
    key_copy(&key, r->it.at.b, r->it.at.len);
    return txn_put(r->t, DB_COUNTS, &key, b, sizeof(b));
}

static int drop_derived(struct store_txn *t)
{
    int rc = 0;
    txn_touch(t);
    for (size_t i = 0; rc == 0 && i < sizeof(derived) / sizeof(derived[0]); i++) {
        rc = txn_rc(t, mdb_drop(t->mdb, t->s->dbi[derived[i]], 0));
    }
    return rc;
}

int store_repair(struct store_txn *t, size_t *lost)
{
    static const struct {
        enum db db;
        row_fn fn;
    } steps[] = {{DB_COUNTS, count_row},         {DB_CHATS, chat_row},
                 {DB_MESSAGES, message_row},     {DB_OUTBOX, outbox_row},
                 {DB_IDEM, idem_row},            {DB_DELIVERIES, delivery_row},
                 {DB_DELIVERY_LANES, lane_row},  {DB_TERMS, term_row},
                 {DB_EVENTS, event_row}};
    struct repair r = {.t = t};
    int rc = t->write ? 0 : E_STATE;
    if (rc == 0) {
        tally_drop(t->s); /* counts are read from their rows, not from memory */
        rc = drop_derived(t);
    }
    for (size_t i = 0; rc == 0 && i < sizeof(steps) / sizeof(steps[0]); i++) {
        rc = each(&r, steps[i].db, steps[i].fn);
    }
    t->s->seq = r.highest > t->s->seq ? r.highest : t->s->seq;
    *lost = r.lost;
    return rc;
}
