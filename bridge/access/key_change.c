/*
 * Keys are made, changed, rotated and deleted. Each is one operation at the store; the text of a
 * key exists in the answer that gives it and nowhere else.
 *
 * Everything that needs the record as it is (is it there, whose is it, may this caller touch it,
 * does what comes out stay within what the caller has) is checked on the writer, inside the same
 * transaction, so that two changes at once cannot add up to more than either was allowed.
 */
#include "access.h"

#include "clock.h"
#include "json.h"
#include "mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_KEYS 100 /* per tenant, and of admin */
#define MAX_OVERLAP_S 2592000
#define OVERLAP_S 3600

struct key_change {
    struct call call; /* first */
    char tenant[64];
    bool admin; /* admin keys: tenant is nothing */
    bool anybody;
    struct bridge_principal who;
    char id[KEY_ID_LEN + 1];
    char text[KEY_TEXT_LEN + 1]; /* of a new secret; "" */
    json_t *record;              /* create: what will be stored */
    json_t *changes;             /* patch */
    uint64_t now_ms, overlap_ms;
};

static const char *tenant_of(const struct key_change *k)
{
    return k->admin ? NULL : k->tenant;
}

static const struct bridge_principal *who_of(const struct key_change *k)
{
    return k->anybody ? NULL : &k->who;
}

static void release(struct call *c)
{
    struct key_change *k = (struct key_change *)c;
    json_decref(k->record);
    json_decref(k->changes);
    json_decref(c->answer);
    mem_wipe_free(k, sizeof(*k));
}

static void finish(struct call *c, int rc)
{
    if (rc == 0) {
        c->b->core->access_version++;
    }
}

static struct key_change *change_new(const char *tenant, const struct bridge_principal *who,
                                     struct err *e)
{
    struct key_change *k = mem_calloc(1, sizeof(*k));
    if (k == NULL) {
        (void)err_set(e, E_NOMEM, "out of memory");
        return NULL;
    }
    k->admin = tenant == NULL;
    k->anybody = who == NULL;
    k->now_ms = clock_wall_ms();
    (void)snprintf(k->tenant, sizeof(k->tenant), "%s", tenant != NULL ? tenant : "");
    if (who != NULL) {
        k->who = *who;
    }
    k->call.finish = finish;
    k->call.release = release;
    return k;
}

static void refuse(struct bridge *b, struct key_change *k, bridge_done_fn done, void *arg,
                   const struct err *e)
{
    if (k != NULL) {
        release(&k->call);
    }
    reply_later(b, done, arg, e, NULL);
}

/* The answer, with the key's text when there is a new one. */
static int make_answer(struct key_change *k, const json_t *record)
{
    json_decref(k->call.answer); /* of a first run that was rolled back */
    k->call.answer = key_object(k->id, record, k->now_ms);
    if (k->call.answer == NULL) {
        return E_NOMEM;
    }
    return k->text[0] != '\0' ? json_set_str(k->call.answer, "key", k->text) : 0;
}

/* ---- what is there -----------------------------------------------------------------------------
 */

struct counting {
    const char *tenant, *but; /* but: an id that does not count, NULL: none */
    size_t all, endless; /* endless: of those that may do everything */
    struct err *e;
};

/* With it somebody can always come in. */
static bool keeps_open(const struct rights *r)
{
    return r->scopes == BRIDGE_ALL_SCOPES && r->expires_ms == 0;
}

static int on_key(void *arg, const char *const *path, struct store_value v)
{
    struct counting *c = arg;
    struct rights r;
    json_t *record = record_parse(v, c->e);
    if (record == NULL) {
        return c->e->code;
    }
    if (key_owned(record, c->tenant) && (c->but == NULL || strcmp(c->but, path[0]) != 0)) {
        rights_of_record(record, &r);
        c->all += !key_is_sign_in(record); /* those have a bound of their own */
        c->endless += keeps_open(&r);
    }
    json_decref(record);
    return 0;
}

static int count(struct store_txn *t, struct counting *c)
{
    return store_scan(t, STORE_KEYS, NULL, NULL, on_key, c);
}

/* The record of k->id when it is of this tenant and not beyond the caller. Gives. */
static int get(struct store_txn *t, const struct key_change *k, json_t **out, struct err *e)
{
    struct rights r;
    struct store_value v;
    *out = NULL;
    int rc = k->admin ? 0 : tenant_check(t, k->tenant, e);
    if (rc != 0) {
        return rc;
    }
    rc = store_get(t, STORE_KEYS, STORE_PATH(k->id), &v);
    if (rc != 0 && rc != E_NOTFOUND) {
        return rc;
    }
    json_t *record = rc == 0 ? record_parse(v, e) : NULL;
    if (rc == 0 && record == NULL) {
        return e->code;
    }
    rights_of_record(record, &r);
    if (rc != 0 || !key_owned(record, tenant_of(k)) || rights_check(&r, who_of(k), NULL) != 0) {
        json_decref(record);
        return err_word(e, E_NOTFOUND, "unknown_key", "there is no key %s", k->id);
    }
    *out = record;
    return 0;
}

static int refuse_sign_in(const json_t *record, struct err *e)
{
    return !key_is_sign_in(record)
               ? 0
               : err_word(e, E_CONFLICT, "sign_in_key",
                          "this key is of a sign-in and ends by itself: delete it, or make a key");
}

/* Somebody must always be able to come in. */
static int check_last(struct store_txn *t, const struct key_change *k, struct err *e)
{
    struct counting c = {.but = k->id, .e = e};
    int rc = k->admin ? count(t, &c) : 0;
    if (rc == 0 && k->admin && c.endless == 0) {
        rc = err_word(e, E_CONFLICT, "last_admin_key",
                      "this is the last admin key that may do everything and has no end; create "
                      "another one first");
    }
    return rc;
}

/* ---- create ------------------------------------------------------------------------------------
 */

static int apply_create(struct store_txn *t, struct call *c, struct err *e)
{
    struct key_change *k = (struct key_change *)c;
    struct counting n = {.tenant = tenant_of(k), .e = e};
    struct store_value v;
    int rc = k->admin ? 0 : tenant_check(t, k->tenant, e);
    rc = rc != 0 ? rc : count(t, &n);
    if (rc == 0 && n.all >= MAX_KEYS) {
        rc = err_word(e, E_LIMIT, "too_many_keys", "there are %d keys; delete one first", MAX_KEYS);
    }
    if (rc == 0 && store_get(t, STORE_KEYS, STORE_PATH(k->id), &v) == 0) {
        rc = err_set(e, E_INTERNAL, "two keys got the same id; try again");
    }
    return rc != 0 ? rc : record_put(t, STORE_KEYS, STORE_PATH(k->id), k->record, e);
}

static int prepare_create(struct bridge *b, struct key_change *k, const json_t *body, struct err *e)
{
    struct rights r;
    int rc = key_body_check(body, k->admin, k->now_ms, &k->changes, e);
    if (rc != 0) {
        return rc;
    }
    key_make(k->text);
    (void)key_parse(k->text, k->id, NULL);
    k->record = key_record(k->text, b->core->pepper, "", tenant_of(k), k->now_ms);
    if (k->record == NULL || key_change_record(k->record, k->changes) != 0 ||
        key_body_inherit(k->record, who_of(k)) != 0) {
        return err_set(e, E_NOMEM, "out of memory");
    }
    rights_of_record(k->record, &r);
    rc = rights_check(&r, who_of(k), e);
    return rc != 0 ? rc : make_answer(k, k->record) != 0 ? err_set(e, E_NOMEM, "out of memory") : 0;
}

void bridge_key_create(struct bridge *b, const char *tenant, const struct bridge_principal *who,
                       const json_t *body, bridge_done_fn done, void *arg)
{
    struct err e;
    err_clear(&e);
    struct key_change *k = change_new(tenant, who, &e);
    if (k == NULL || prepare_create(b, k, body, &e) != 0) {
        refuse(b, k, done, arg, &e);
        return;
    }
    k->call.created = true;
    k->call.apply = apply_create;
    call_submit(&k->call, b, done, arg);
}

/* ---- patch -------------------------------------------------------------------------------------
 */

static int apply_patch(struct store_txn *t, struct call *c, struct err *e)
{
    struct key_change *k = (struct key_change *)c;
    struct rights r;
    json_t *record = NULL;
    int rc = get(t, k, &record, e);
    rc = rc != 0 ? rc : refuse_sign_in(record, e);
    rc = rc != 0 ? rc : key_change_record(record, k->changes);
    rights_of_record(record, &r);
    rc = rc != 0 ? rc : rights_check(&r, who_of(k), e);
    rc = rc != 0 || keeps_open(&r) ? rc : check_last(t, k, e);
    rc = rc != 0 ? rc : record_put(t, STORE_KEYS, STORE_PATH(k->id), record, e);
    rc = rc != 0 ? rc : make_answer(k, record);
    json_decref(record);
    return rc;
}

/* The id in a path, and what every change of one key begins with. NULL: e says why. */
static struct key_change *change_of(const char *tenant, const struct bridge_principal *who,
                                    const char *key_id, struct err *e)
{
    if (key_id == NULL || strlen(key_id) != KEY_ID_LEN) {
        (void)err_word(e, E_NOTFOUND, "unknown_key", "there is no such key");
        return NULL;
    }
    struct key_change *k = change_new(tenant, who, e);
    if (k != NULL) {
        (void)snprintf(k->id, sizeof(k->id), "%s", key_id);
    }
    return k;
}

void bridge_key_patch(struct bridge *b, const char *tenant, const struct bridge_principal *who,
                      const char *key_id, const json_t *body, bridge_done_fn done, void *arg)
{
    struct err e;
    err_clear(&e);
    struct key_change *k = change_of(tenant, who, key_id, &e);
    if (k == NULL || key_body_check(body, k->admin, k->now_ms, &k->changes, &e) != 0) {
        refuse(b, k, done, arg, &e);
        return;
    }
    k->call.apply = apply_patch;
    call_submit(&k->call, b, done, arg);
}

/* ---- rotate ------------------------------------------------------------------------------------
 */

static int apply_rotate(struct store_txn *t, struct call *c, struct err *e)
{
    struct key_change *k = (struct key_change *)c;
    json_t *record = NULL;
    int rc = get(t, k, &record, e);
    rc = rc != 0 ? rc : refuse_sign_in(record, e);
    json_t *fresh = rc == 0 ? key_record(k->text, c->b->core->pepper, "", NULL, k->now_ms) : NULL;
    rc = rc == 0 && fresh == NULL ? E_NOMEM : rc;
    if (rc == 0 && k->overlap_ms > 0) {
        rc =
            json_object_set(record, "old_hash", json_object_get(record, "hash")) != 0 ? E_NOMEM : 0;
        rc = rc != 0 ? rc
                     : body_set(record, "old_until_ms",
                                json_integer((json_int_t)(k->now_ms + k->overlap_ms)));
    } else if (rc == 0) {
        (void)json_object_del(record, "old_hash");
        (void)json_object_del(record, "old_until_ms");
    }
    rc = rc != 0 ? rc : json_set_str(record, "hash", json_str(fresh, "hash"));
    rc = rc != 0 ? rc : body_set(record, "rotated_ms", json_integer((json_int_t)k->now_ms));
    rc = rc != 0 ? rc : record_put(t, STORE_KEYS, STORE_PATH(k->id), record, e);
    rc = rc != 0 ? rc : make_answer(k, record);
    json_decref(fresh);
    json_decref(record);
    return rc;
}

static int take_overlap(struct key_change *k, const json_t *body, struct err *e)
{
    static const char *const fields[] = {"overlap_s", NULL};
    int rc = body_check(body, fields, e);
    const json_t *v = json_object_get(body, "overlap_s");
    int64_t s = v != NULL ? json_integer_value(v) : OVERLAP_S;
    if (rc == 0 && ((v != NULL && !json_is_integer(v)) || s < 0 || s > MAX_OVERLAP_S)) {
        rc = err_field(e, NULL, "overlap_s", "overlap_s must be 0 to %d seconds", MAX_OVERLAP_S);
    }
    k->overlap_ms = (uint64_t)s * 1000;
    return rc;
}

void bridge_key_rotate(struct bridge *b, const char *tenant, const struct bridge_principal *who,
                       const char *key_id, const json_t *body, bridge_done_fn done, void *arg)
{
    struct err e;
    err_clear(&e);
    struct key_change *k = change_of(tenant, who, key_id, &e);
    if (k == NULL || take_overlap(k, body, &e) != 0) {
        refuse(b, k, done, arg, &e);
        return;
    }
    key_make_for(k->id, k->text);
    k->call.apply = apply_rotate;
    call_submit(&k->call, b, done, arg);
}

/* ---- delete ------------------------------------------------------------------------------------
 */

static int apply_delete(struct store_txn *t, struct call *c, struct err *e)
{
    struct key_change *k = (struct key_change *)c;
    json_t *record = NULL;
    int rc = get(t, k, &record, e);
    rc = rc != 0 ? rc : check_last(t, k, e);
    json_decref(record);
    return rc != 0 ? rc : store_del(t, STORE_KEYS, STORE_PATH(k->id));
}

void bridge_key_delete(struct bridge *b, const char *tenant, const struct bridge_principal *who,
                       const char *key_id, bridge_done_fn done, void *arg)
{
    struct err e;
    err_clear(&e);
    struct key_change *k = change_of(tenant, who, key_id, &e);
    if (k == NULL) {
        refuse(b, k, done, arg, &e);
        return;
    }
    k->call.apply = apply_delete;
    call_submit(&k->call, b, done, arg);
}
