/*
 * Counts. Most operations move two or three of them (total, tenant, session), so the writer keeps
 * the recent ones in a small direct-mapped table and writes those that changed once per commit.
 * The table belongs to the writer's transaction: a rollback drops it.
 */
#include "store_priv.h"

#include "log.h"

#include <string.h>

static void owner_key(struct key *k, const char *tenant, const char *session)
{
    if (tenant != NULL) {
        key_owner(k, tenant, session);
    } else {
        key_init(k);
        key_u8(k, 0); /* no tenant is called "": the total */
    }
}

void tally_decode(const MDB_val *v, struct tally *out)
{
    struct key_reader r;
    key_read(&r, v->mv_data, v->mv_size);
    for (size_t i = 0; i < TALLY_FIELDS; i++) {
        out->v[i] = key_read_u64(&r);
    }
}

static int read_record(struct store_txn *t, const struct key *k, struct tally *out)
{
    MDB_val v;
    *out = (struct tally){{0}};
    int rc = txn_get(t, DB_COUNTS, k, &v);
    if (rc == 0) {
        tally_decode(&v, out);
    }
    return rc == E_NOTFOUND ? 0 : rc;
}

static int write_slot(struct store_txn *t, struct tally_slot *slot)
{
    struct key k;
    unsigned char b[8 * TALLY_FIELDS];
    bool empty = true;
    key_copy(&k, slot->key, slot->len);
    for (size_t i = 0; i < TALLY_FIELDS; i++) {
        be64_put(b + 8 * i, slot->tally.v[i]);
        empty = empty && slot->tally.v[i] == 0;
    }
    int rc = empty ? txn_del(t, DB_COUNTS, &k) : txn_put(t, DB_COUNTS, &k, b, sizeof(b));
    if (rc == 0 || rc == E_NOTFOUND) {
        slot->dirty = false;
        return 0;
    }
    return rc;
}

static int find_slot(struct store_txn *t, const struct key *k, struct tally_slot **out)
{
    if (k->rc != 0) {
        return k->rc;
    }
    uint32_t hash = 2166136261u; /* FNV-1a */
    for (size_t i = 0; i < k->len; i++) {
        hash = (hash ^ k->b[i]) * 16777619u;
    }
    struct tally_slot *slot = &t->s->tally[hash % STORE_TALLY_SLOTS];
    *out = slot;
    if (slot->used && slot->len == k->len && memcmp(slot->key, k->b, k->len) == 0) {
        return 0;
    }
    int rc = slot->used && slot->dirty ? write_slot(t, slot) : 0;
    slot->used = false;
    if (rc == 0) {
        rc = read_record(t, k, &slot->tally);
    }
    if (rc == 0) {
        slot->used = true;
        slot->dirty = false;
        slot->len = k->len;
        memcpy(slot->key, k->b, k->len);
    }
    return rc;
}

int tally_get(struct store_txn *t, const char *tenant, const char *session, struct tally *out)
{
    struct key k;
    struct tally_slot *slot;
    owner_key(&k, tenant, session);
    if (!t->write) {
        return read_record(t, &k, out);
    }
    int rc = find_slot(t, &k, &slot);
    if (rc == 0) {
        *out = slot->tally;
    }
    return rc;
}

static int add_one(struct store_txn *t, const char *tenant, const char *session, enum tally_field f,
                   int delta)
{
    struct key k;
    struct tally_slot *slot;
    owner_key(&k, tenant, session);
    int rc = find_slot(t, &k, &slot);
    if (rc != 0) {
        return rc;
    }
    uint64_t *v = &slot->tally.v[f];
    if (delta < 0 && *v < (uint64_t)-delta) {
        struct log_ctx ctx = {.tenant = tenant, .session = session};
        log_error(&ctx, "store.count", "a count would fall below zero; the store needs a check");
        *v = 0;
    } else {
        *v = delta < 0 ? *v - (uint64_t)-delta : *v + (uint64_t)delta;
    }
    slot->dirty = true;
    txn_touch(t);
    return 0;
}

int tally_add(struct store_txn *t, const char *tenant, const char *session, enum tally_field f,
              int delta)
{
    if (!t->write) {
        return E_STATE;
    }
    int rc = add_one(t, NULL, NULL, f, delta);
    if (rc == 0) {
        rc = add_one(t, tenant, NULL, f, delta);
    }
    if (rc == 0 && session != NULL) {
        rc = add_one(t, tenant, session, f, delta);
    }
    return rc;
}

int tally_set_events(struct store_txn *t, const char *tenant, uint64_t seq)
{
    struct key k;
    struct tally_slot *slot;
    if (!t->write) {
        return E_STATE;
    }
    owner_key(&k, tenant, NULL);
    int rc = find_slot(t, &k, &slot);
    if (rc == 0 && slot->tally.v[TALLY_EVENTS] != seq) {
        slot->tally.v[TALLY_EVENTS] = seq;
        slot->dirty = true;
        txn_touch(t);
    }
    return rc;
}

int tally_flush(struct store_txn *t)
{
    int rc = 0;
    for (size_t i = 0; i < STORE_TALLY_SLOTS && rc == 0; i++) {
        struct tally_slot *slot = &t->s->tally[i];
        if (slot->used && slot->dirty) {
            rc = write_slot(t, slot);
        }
    }
    return rc;
}

void tally_committed(struct store *s)
{
    /* what is in the table is what is on disk: it may stay */
    for (size_t i = 0; i < STORE_TALLY_SLOTS; i++) {
        s->tally[i].dirty = false;
    }
}

void tally_drop(struct store *s)
{
    for (size_t i = 0; i < STORE_TALLY_SLOTS; i++) {
        s->tally[i].used = false;
    }
}

int store_counts(struct store_txn *t, const char *tenant, const char *session,
                 struct store_counts *out)
{
    struct tally of_tenant, of_session;
    *out = (struct store_counts){0};
    int rc = tally_get(t, tenant, NULL, &of_tenant);
    if (rc != 0) {
        return rc;
    }
    out->outbox = of_tenant.v[TALLY_OUTBOX];
    out->deliveries = of_tenant.v[TALLY_DELIVERIES];
    out->dead_letters = of_tenant.v[TALLY_DEAD];
    if (tenant != NULL && session != NULL) {
        rc = tally_get(t, tenant, session, &of_session);
        out->outbox = rc == 0 ? of_session.v[TALLY_OUTBOX] : 0;
    }
    return rc;
}
