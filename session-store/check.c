/*
 * Do records, indexes and counts agree? Every record must be found by each of its index rows; where
 * a record has exactly one row in an index, equal numbers of both then mean that no row is left
 * over. Counts are recomputed owner by owner.
 */
#include "delivery_priv.h"
#include "message_priv.h"

#include <inttypes.h>
#include <string.h>

struct check {
    struct store_txn *t;
    struct err *e;
    struct iter it;    /* the row in hand */
    struct tally sums; /* over all tenants */
    uint64_t pending, dead, heads;
    uint64_t last_order;
};
typedef int (*check_row_fn)(struct check *c, struct key_reader *r);

static int bad(struct check *c, const char *what)
{
    char hex[2 * 60 + 1];
    crypto_hex(c->it.at.b, c->it.at.len < 60 ? c->it.at.len : 60, hex);
    return err_set(c->e, E_IO, "the store disagrees with itself: %s (key %s)", what, hex);
}

static int each(struct check *c, enum db db, check_row_fn fn)
{
    struct key all;
    key_init(&all);
    int rc = iter_open(&c->it, c->t, db, &all, NULL, 0);
    if (rc != 0) {
        return rc;
    }
    int stop = 0;
    while (stop == 0 && (rc = iter_next(&c->it)) == 0) {
        struct key_reader r;
        key_read(&r, c->it.at.b, c->it.at.len);
        stop = fn(c, &r);
    }
    iter_close(&c->it);
    return iter_result(rc, stop);
}

static uint64_t rows(struct check *c, enum db db)
{
    MDB_stat stat;
    if (mdb_stat(c->t->mdb, c->t->s->dbi[db], &stat) != 0) {
        return UINT64_MAX;
    }
    return stat.ms_entries;
}

static int same_rows(struct check *c, enum db a, enum db b, const char *what)
{
    if (rows(c, a) == rows(c, b)) {
        return 0;
    }
    return err_set(c->e, E_IO, "the store disagrees with itself: %s (%" PRIu64 " and %" PRIu64 ")",
                   what, rows(c, a), rows(c, b));
}

static int expect_row(struct check *c, enum db db, const struct key *k, const char *what)
{
    int rc = txn_has(c->t, db, k);
    return rc == 0 ? 0 : bad(c, what);
}

/* Expects the row to hold exactly these bytes. */
static int expect_value(struct check *c, enum db db, const struct key *k, const void *data,
                        size_t len, const char *what)
{
    MDB_val v;
    int rc = txn_get(c->t, db, k, &v);
    return rc == 0 && v.mv_size == len && memcmp(v.mv_data, data, len) == 0 ? 0 : bad(c, what);
}

/* ---- chats, messages ----------------------------------------------------------------------- */

static int chat_row(struct check *c, struct key_reader *r)
{
    struct key k;
    const char *tenant = key_read_text(r), *session = key_read_text(r), *chat = key_read_text(r);
    if (!key_read_done(r) || c->it.v.mv_size < 8) {
        return bad(c, "a chat does not decode");
    }
    key_session(&k, tenant, session);
    key_u64(&k, be64_get(c->it.v.mv_data));
    key_text(&k, chat, STORE_MAX_ID);
    return expect_row(c, DB_CHAT_RECENT, &k, "a chat is not in the index by time");
}

static int message_row(struct check *c, struct key_reader *r)
{
    struct key k;
    struct store_value data;
    const char *id;
    unsigned char place[16];
    const char *tenant = key_read_text(r), *session = key_read_text(r), *chat = key_read_text(r);
    uint64_t time_ms = key_read_u64(r), ordinal = key_read_u64(r);
    if (!key_read_done(r) || message_decode(c->t, &c->it.v, &id, &data) != 0) {
        return bad(c, "a message does not decode");
    }
    c->last_order = ordinal > c->last_order ? ordinal : c->last_order;
    be64_put(place, time_ms);
    be64_put(place + 8, ordinal);
    key_session(&k, tenant, session);
    key_text(&k, id, STORE_MAX_ID);
    key_text(&k, chat, STORE_MAX_ID);
    int rc = expect_value(c, DB_MESSAGE_IDS, &k, place, 16, "a message is not found by its id");
    if (rc == 0) {
        key_session(&k, tenant, session);
        key_u64(&k, time_ms);
        key_u64(&k, ordinal);
        rc = expect_value(c, DB_MESSAGE_TIMES, &k, chat, strlen(chat) + 1,
                          "a message is not found by its time");
    }
    return rc;
}

/* Which words a contact has only the bridge knows; that it is there is checked here. */
static int term_row(struct check *c, struct key_reader *r)
{
    struct key k;
    const char *tenant = key_read_text(r), *session = key_read_text(r);
    (void)key_read_text(r);
    const char *contact = key_read_text(r);
    if (!key_read_done(r)) {
        return bad(c, "a term does not decode");
    }
    key_session(&k, tenant, session);
    key_text(&k, contact, STORE_MAX_ID);
    return expect_row(c, DB_CONTACTS, &k, "a term names a contact that is not there");
}

static int dirty_row(struct check *c, struct key_reader *r)
{
    struct key_reader v;
    (void)key_read_text(r);
    uint64_t seq = key_read_u64(r);
    if (!key_read_done(r)) {
        return bad(c, "a dirty row's key does not decode");
    }
    if (seq == 0) {
        return c->it.v.mv_size == 9 ? 0 : bad(c, "the state of the dirty rows does not decode");
    }
    c->last_order = seq > c->last_order ? seq : c->last_order;
    key_read(&v, c->it.v.mv_data, c->it.v.mv_size);
    (void)key_read_text(&v);
    (void)key_read_text(&v);
    (void)key_read_text(&v);
    return key_read_done(&v) ? 0 : bad(c, "a dirty row does not decode");
}

static int check_messages(struct check *c)
{
    int rc = each(c, DB_DIRTY, dirty_row);
    rc = rc != 0 ? rc : each(c, DB_TERMS, term_row);
    if (rc == 0) {
        rc = each(c, DB_CHATS, chat_row);
    }
    if (rc == 0) {
        rc = same_rows(c, DB_CHATS, DB_CHAT_RECENT, "chats and their index by time");
    }
    if (rc == 0) {
        rc = each(c, DB_MESSAGES, message_row);
    }
    if (rc == 0) {
        rc = same_rows(c, DB_MESSAGES, DB_MESSAGE_IDS, "messages and their index by id");
    }
    return rc != 0
               ? rc
               : same_rows(c, DB_MESSAGES, DB_MESSAGE_TIMES, "messages and their index by time");
}

/* ---- outbox, idempotency ------------------------------------------------------------------- */

static int outbox_row(struct check *c, struct key_reader *r)
{
    struct key k;
    struct tally tally;
    struct key_reader value;
    const char *tenant = key_read_text(r), *session = key_read_text(r);
    const unsigned char *order = key_read_bytes(r, 8);
    key_read(&value, c->it.v.mv_data, c->it.v.mv_size);
    (void)key_read_u64(&value);
    const char *id = key_read_text(&value);
    if (!key_read_done(r) || order == NULL || value.bad) {
        return bad(c, "an outbox entry does not decode");
    }
    c->last_order = be64_get(order) > c->last_order ? be64_get(order) : c->last_order;
    if (tally_get(c->t, tenant, session, &tally) != 0 || tally.v[TALLY_OUTBOX] == 0) {
        return bad(c, "a session with an outbox has no count of it");
    }
    key_session(&k, tenant, session);
    key_text(&k, id, STORE_MAX_ID);
    return expect_value(c, DB_OUTBOX_IDS, &k, order, 8, "an outbox entry is not found by its id");
}

static int idem_row(struct check *c, struct key_reader *r)
{
    struct key k;
    const char *tenant = key_read_text(r), *name = key_read_text(r);
    if (!key_read_done(r) || c->it.v.mv_size < 40) {
        return bad(c, "an idempotency key does not decode");
    }
    key_init(&k);
    key_u64(&k, be64_get(c->it.v.mv_data));
    key_text(&k, tenant, KEY_NAME_MAX);
    key_text(&k, name, KEY_CLIENT_MAX);
    return expect_row(c, DB_IDEM_EXPIRY, &k, "an idempotency key is not in the index by expiry");
}

static int check_outbox(struct check *c)
{
    int rc = each(c, DB_OUTBOX, outbox_row);
    if (rc == 0) {
        rc = same_rows(c, DB_OUTBOX, DB_OUTBOX_IDS, "outbox and its index by id");
    }
    if (rc == 0) {
        rc = each(c, DB_IDEM, idem_row);
    }
    if (rc == 0) {
        rc = same_rows(c, DB_IDEM, DB_IDEM_EXPIRY, "idempotency keys and their expiry");
    }
    uint64_t seq = c->t->write ? c->t->s->seq : 0;
    if (rc == 0 && !c->t->write) {
        MDB_val v;
        seq = txn_sys_get(c->t, "sequence", &v) == 0 && v.mv_size == 8 ? be64_get(v.mv_data) : 0;
    }
    if (rc == 0 && c->last_order > seq) {
        rc = err_set(c->e, E_IO, "the store disagrees with itself: a number above the sequence");
    }
    return rc;
}

/* ---- deliveries ---------------------------------------------------------------------------- */

static int is_head(struct check *c, const struct store_delivery *d, bool *head)
{
    struct key prefix, first;
    key_session(&prefix, d->tenant, d->webhook);
    key_u64(&prefix, d->lane);
    int rc = txn_first(c->t, DB_DELIVERY_LANES, &prefix, &first);
    *head = rc == 0 && be64_get(first.b + prefix.len) == d->seq;
    return rc == E_NOTFOUND ? bad(c, "a pending delivery is not in its lane") : rc;
}

static int pending_row(struct check *c, const struct store_delivery *d)
{
    struct key k;
    bool head;
    delivery_lane_key(&k, d);
    int rc = expect_row(c, DB_DELIVERY_LANES, &k, "a pending delivery is not in its lane");
    c->pending++;
    if (rc == 0) {
        rc = is_head(c, d, &head);
    }
    if (rc == 0 && head) {
        c->heads++;
        delivery_due_key(&k, d);
        rc = expect_row(c, DB_DELIVERY_DUE, &k, "the head of a lane is not in the due index");
    }
    return rc;
}

static int delivery_row(struct check *c, struct key_reader *r)
{
    struct key k;
    struct store_delivery d;
    const char *tenant = key_read_text(r);
    uint64_t seq = key_read_u64(r);
    const char *webhook = key_read_text(r);
    if (!key_read_done(r) || store_delivery_get(c->t, tenant, webhook, seq, &d) != 0) {
        return bad(c, "a delivery does not decode");
    }
    delivery_state_key(&k, &d);
    int rc = expect_row(c, DB_DELIVERY_STATES, &k, "a delivery is not in the index by state");
    if (rc != 0) {
        return rc;
    }
    if (d.state == STORE_PENDING) {
        return pending_row(c, &d);
    }
    c->dead += d.state == STORE_DEAD;
    delivery_done_key(&k, &d);
    return expect_row(c, DB_DELIVERY_DONE, &k, "a delivery is not in the index of the finished");
}

static int check_deliveries(struct check *c)
{
    int rc = each(c, DB_DELIVERIES, delivery_row);
    if (rc == 0) {
        rc = same_rows(c, DB_DELIVERIES, DB_DELIVERY_STATES, "deliveries and their states");
    }
    if (rc == 0 &&
        (rows(c, DB_DELIVERY_LANES) != c->pending || rows(c, DB_DELIVERY_DUE) != c->heads ||
         rows(c, DB_DELIVERY_DONE) != rows(c, DB_DELIVERIES) - c->pending)) {
        rc = err_set(c->e, E_IO,
                     "the store disagrees with itself: rows left over in lanes (%" PRIu64
                     " for %" PRIu64 "), due (%" PRIu64 " for %" PRIu64 ") or finished",
                     rows(c, DB_DELIVERY_LANES), c->pending, rows(c, DB_DELIVERY_DUE), c->heads);
    }
    return rc;
}

/* ---- counts -------------------------------------------------------------------------------- */

static int count_prefix(struct check *c, enum db db, const struct key *prefix, uint64_t *n)
{
    struct iter it;
    int rc = iter_open(&it, c->t, db, prefix, NULL, 0);
    *n = 0;
    if (rc != 0) {
        return rc;
    }
    while ((rc = iter_next(&it)) == 0) {
        ++*n;
    }
    iter_close(&it);
    return rc == E_NOTFOUND ? 0 : rc;
}

/* Deliveries of a tenant by state against its record. */
static int tenant_row(struct check *c, const char *tenant, const struct tally *tally)
{
    struct key prefix;
    struct iter it;
    uint64_t pending = 0, dead = 0;
    key_tenant(&prefix, tenant);
    int rc = iter_open(&it, c->t, DB_DELIVERIES, &prefix, NULL, 0);
    if (rc != 0) {
        return rc;
    }
    while ((rc = iter_next(&it)) == 0) {
        struct store_delivery d;
        if (delivery_decode(it.v.mv_data, it.v.mv_size, &d) == 0) {
            pending += d.state == STORE_PENDING;
            dead += d.state == STORE_DEAD;
        }
    }
    iter_close(&it);
    if (rc != E_NOTFOUND) {
        return rc;
    }
    if (pending != tally->v[TALLY_DELIVERIES] || dead != tally->v[TALLY_DEAD]) {
        return bad(c, "the deliveries of a tenant are miscounted");
    }
    return 0;
}

static int count_row(struct check *c, struct key_reader *r)
{
    struct tally tally;
    struct key prefix;
    uint64_t outbox = 0;
    const char *tenant = key_read_text(r);
    bool of_tenant = key_read_done(r);
    const char *session = of_tenant ? NULL : key_read_text(r);
    if (!key_read_done(r) || c->it.v.mv_size != 8 * TALLY_FIELDS) {
        return bad(c, "counts do not decode");
    }
    tally_decode(&c->it.v, &tally);
    if (*tenant == '\0') {
        key_init(&prefix);
    } else {
        key_owner(&prefix, tenant, session);
    }
    int rc = count_prefix(c, DB_OUTBOX, &prefix, &outbox);
    if (rc == 0 && outbox != tally.v[TALLY_OUTBOX]) {
        rc = bad(c, "the outbox is miscounted");
    }
    if (rc == 0 && of_tenant && *tenant != '\0') {
        rc = tenant_row(c, tenant, &tally);
        for (size_t i = 0; i < TALLY_FIELDS; i++) {
            c->sums.v[i] += tally.v[i];
        }
    }
    return rc;
}

static int event_row(struct check *c, struct key_reader *r)
{
    struct tally tally;
    const char *tenant = key_read_text(r);
    uint64_t seq = key_read_u64(r);
    if (!key_read_done(r) || tally_get(c->t, tenant, NULL, &tally) != 0 ||
        seq > tally.v[TALLY_EVENTS]) {
        return bad(c, "an event above the tenant's last number");
    }
    return 0;
}

static int check_counts(struct check *c)
{
    struct tally total;
    int rc = c->t->write ? tally_flush(c->t) : 0;
    if (rc == 0) {
        rc = each(c, DB_EVENTS, event_row);
    }
    if (rc == 0) {
        rc = each(c, DB_COUNTS, count_row);
    }
    /* every tenant's record is right; if they add up to all there is, none is missing */
    if (rc == 0 &&
        (c->sums.v[TALLY_OUTBOX] != rows(c, DB_OUTBOX) ||
         c->sums.v[TALLY_DELIVERIES] != c->pending || c->sums.v[TALLY_DEAD] != c->dead)) {
        rc = err_set(c->e, E_IO, "the store disagrees with itself: counts of a tenant are missing");
    }
    if (rc == 0) {
        rc = tally_get(c->t, NULL, NULL, &total);
    }
    if (rc == 0 && (total.v[TALLY_OUTBOX] != rows(c, DB_OUTBOX) ||
                    total.v[TALLY_DELIVERIES] != c->pending || total.v[TALLY_DEAD] != c->dead)) {
        rc = err_set(c->e, E_IO, "the store disagrees with itself: the total is miscounted");
    }
    return rc;
}

int store_check(struct store_txn *t, struct err *e)
{
    struct check c = {.t = t, .e = e};
    err_clear(e);
    int rc = check_messages(&c);
    if (rc == 0) {
        rc = check_outbox(&c);
    }
    if (rc == 0) {
        rc = check_deliveries(&c);
    }
    if (rc == 0) {
        rc = check_counts(&c);
    }
    if (rc == 0) {
        rc = audit_check_all(t, e);
    }
    if (rc != 0 && e != NULL && e->code == 0) {
        err_set(e, rc, "the store cannot be read");
    }
    return rc;
}
