/*
 * Keys as they are shown and used: looked up by their id part; of the secret only a keyed hash is
 * stored, and while a rotation overlaps, the one before too. key_change.c makes and changes them.
 */
#include "access.h"

#include "clock.h"
#include "json.h"
#include "log.h"
#include "mem.h"
#include "text.h"
#include "token.h"
#include "widget.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TOUCH_MS 60000
#define MAX_TOUCHES 32 /* on their way to the store at once; past it the next request writes */

/* ---- authenticate ------------------------------------------------------------------------------
 */

int key_find(struct bridge *b, const char *id, json_t **record, uint64_t *until, struct err *e)
{
    struct store_txn *t = NULL;
    *record = NULL;
    int rc = store_read(b->store, &t, e);
    if (rc != 0) {
        return rc;
    }
    struct store_value v;
    rc = store_get(t, STORE_KEYS, STORE_PATH(id), &v);
    if (rc == 0) {
        *record = record_parse(v, e);
        rc = *record != NULL ? 0 : E_INTERNAL;
    }
    const char *tenant = json_str(*record, "tenant");
    if (rc == 0 && tenant != NULL) {
        rc = tenant_check(t, tenant, NULL);
    }
    if (rc == 0 && until != NULL) {
        rc = makers_check(t, *record, until);
    }
    store_read_end(t);
    return rc;
}

static bool same_hash(const json_t *record, const char *member, const char *hex)
{
    const char *stored = json_str_or(record, member, "");
    bool whole = strlen(stored) == strlen(hex);
    /* What is not there takes as long as what is: time does not tell which ids exist. */
    return crypto_equal(whole ? stored : hex, hex, strlen(hex)) && whole;
}

void key_principal(struct bridge_principal *out, const char *id, const json_t *record,
                   uint64_t until)
{
    struct rights r;
    const char *tenant = json_str(record, "tenant");
    const char *name = json_str_or(record, "name", "");
    rights_of_record(record, &r);
    memset(out, 0, sizeof(*out));
    out->admin = tenant == NULL && r.scopes == BRIDGE_ALL_SCOPES;
    out->meter = tenant == NULL && r.scopes == BRIDGE_METRICS_READ;
    (void)snprintf(out->tenant, sizeof(out->tenant), "%s", tenant != NULL ? tenant : "");
    (void)snprintf(out->key_id, sizeof(out->key_id), "%s", id);
    (void)snprintf(out->subject, sizeof(out->subject), "%s", id);
    memcpy(out->name, name, text_utf8_cut(name, strlen(name), sizeof(out->name) - 1));
    out->scopes = r.scopes;
    memcpy(out->sessions, r.sessions, sizeof(out->sessions));
    out->expires_ms = key_sooner(r.expires_ms, until);
    out->gives_until_ms = key_is_sign_in(record) ? until : r.expires_ms;
}

int bridge_authenticate(struct bridge *b, const char *key, struct bridge_principal *out,
                        struct err *e)
{
    char id[KEY_ID_LEN + 1];
    if (grant_looks_like(key)) {
        return widget_authenticate(b, key, out, e);
    }
    if (b->core->tokens != NULL && token_looks_like(key)) {
        return tokens_authenticate(b->core->tokens, key, out, e);
    }
    int rc = key_parse(key, id, e);
    if (rc != 0) {
        return rc;
    }
    uint8_t hash[CRYPTO_SHA256_LEN];
    char hex[2 * CRYPTO_SHA256_LEN + 1];
    rc = key_hash(b->core->pepper, key + KEY_TEXT_LEN - KEY_SECRET_LEN, hash);
    if (rc != 0) {
        return err_set(e, E_INTERNAL, "the key could not be checked");
    }
    crypto_hex(hash, sizeof(hash), hex);

    json_t *record = NULL;
    struct err why;
    err_clear(&why);
    uint64_t until = 0;
    rc = key_find(b, id, &record, &until, &why);
    if (rc != 0 && rc != E_NOTFOUND) {
        json_decref(record);
        err_copy(e, &why);
        return rc;
    }
    bool current = same_hash(record, "hash", hex);
    bool old = same_hash(record, "old_hash", hex);
    uint64_t now = clock_wall_ms();
    if (rc != 0 || !(current || old)) {
        json_decref(record);
        return err_set(e, E_AUTH, "unknown key");
    }
    key_principal(out, id, record, until);
    memcpy(out->proof, hash, sizeof(out->proof));
    if (!current) {
        out->expires_ms = key_sooner(out->expires_ms, key_old_until(record));
        out->gives_until_ms = key_sooner(out->gives_until_ms, key_old_until(record));
    }
    if (out->expires_ms != 0 && out->expires_ms <= now) {
        json_decref(record);
        return err_word(e, E_AUTH, "key_expired", "the time of this key is over");
    }
    key_touch(b, id, record, now);
    json_decref(record);
    return 0;
}

uint64_t bridge_access_version(const struct bridge *b)
{
    return b->core->access_version;
}

int key_again(struct bridge *b, const struct bridge_principal *who, struct bridge_principal *now,
              struct err *e)
{
    char proof[2 * sizeof(who->proof) + 1];
    uint64_t until = 0;
    json_t *record = NULL;
    int rc = key_find(b, who->key_id, &record, &until, NULL);
    key_principal(now, who->key_id, record, until);
    crypto_hex(who->proof, sizeof(who->proof), proof);
    bool old = !key_same_proof(proof, record, "hash");
    if (rc != 0 || (old && !key_same_proof(proof, record, "old_hash"))) {
        json_decref(record);
        return err_set(e, E_AUTH, "the key was deleted or changed");
    }
    if (old) {
        now->expires_ms = key_sooner(now->expires_ms, key_old_until(record));
    }
    json_decref(record);
    return 0;
}

int bridge_principal_check(struct bridge *b, struct bridge_principal *who, struct err *e)
{
    struct bridge_principal now;
    if (bridge_of_one_chat(who)) {
        return widget_principal_check(b, who, e);
    }
    if (who->key_id[0] != '\0') {
        if (key_again(b, who, &now, e) != 0 || now.admin != who->admin ||
            now.scopes != who->scopes || strcmp(now.sessions, who->sessions) != 0) {
            return err_set(e, E_AUTH, "the key was deleted or changed");
        }
        who->expires_ms = now.expires_ms;
    }
    return who->expires_ms == 0 || who->expires_ms > clock_wall_ms()
               ? 0
               : err_word(e, E_AUTH, "key_expired", "the time of this key is over");
}

/* ---- last used ---------------------------------------------------------------------------------
 */

struct key_touch {
    struct call call; /* first */
    struct list link;
    char id[KEY_ID_LEN + 1];
    uint64_t now_ms;
};

static int apply_touch(struct store_txn *t, struct call *c, struct err *e)
{
    struct key_touch *k = (struct key_touch *)c;
    struct store_value v;
    int rc = store_get(t, STORE_KEYS, STORE_PATH(k->id), &v);
    json_t *record = rc == 0 ? record_parse(v, e) : NULL;
    if (record == NULL) {
        return rc == E_NOTFOUND ? 0 : rc != 0 ? rc : e->code; /* deleted meanwhile */
    }
    rc = body_set(record, "last_used_ms", json_integer((json_int_t)k->now_ms));
    rc = rc != 0 ? rc : record_put(t, STORE_KEYS, STORE_PATH(k->id), record, e);
    json_decref(record);
    return rc;
}

static void finish_touch(struct call *c, int rc)
{
    if (rc != 0) {
        c->b->core->touch_after_ms = clock_mono_ms() + TOUCH_MS; /* the disk has other worries */
    }
}

static void release_touch(struct call *c)
{
    struct key_touch *k = (struct key_touch *)c;
    list_remove(&k->link);
    c->b->core->touch_count--;
    free(k);
}

void key_touch(struct bridge *b, const char *id, const json_t *record, uint64_t now_ms)
{
    int64_t last = json_int(record, "last_used_ms", 0);
    bool fresh =
        last > 0 && now_ms < (uint64_t)last + TOUCH_MS && now_ms + TOUCH_MS > (uint64_t)last;
    if (fresh || b->closing || b->core->touch_count >= MAX_TOUCHES ||
        clock_mono_ms() < b->core->touch_after_ms) {
        return;
    }
    LIST_FOREACH(&b->core->touches, it, next)
    {
        if (strcmp(LIST_ENTRY(it, struct key_touch, link)->id, id) == 0) {
            return;
        }
    }
    struct key_touch *k = mem_calloc(1, sizeof(*k));
    if (k == NULL) {
        return;
    }
    (void)snprintf(k->id, sizeof(k->id), "%s", id);
    k->now_ms = now_ms;
    k->call.apply = apply_touch;
    k->call.finish = finish_touch;
    k->call.release = release_touch;
    list_append(&b->core->touches, &k->link);
    b->core->touch_count++;
    call_submit(&k->call, b, NULL, NULL);
}

/* ---- objects -----------------------------------------------------------------------------------
 */

bool key_owned(const json_t *record, const char *tenant)
{
    const char *owner = json_str(record, "tenant");
    return tenant == NULL ? owner == NULL : owner != NULL && strcmp(owner, tenant) == 0;
}

#define SHOWN_MS 86400000 /* a sign-in key is in the list so long after its end */

struct listing {
    struct store_txn *t;
    const char *tenant;
    const struct bridge_principal *who;
    uint64_t now_ms;
    json_t *items;
    struct err *e;
};

/* A sign-in key that is long over, or whose maker is. They go with the next one that is made. */
static bool is_gone(const struct listing *l, const json_t *record, const struct rights *r)
{
    uint64_t until = 0;
    return key_is_sign_in(record) &&
           (r->expires_ms + SHOWN_MS < l->now_ms || makers_check(l->t, record, &until) != 0);
}

static int on_key(void *arg, const char *const *path, struct store_value v)
{
    struct listing *l = arg;
    struct rights r;
    json_t *record = record_parse(v, l->e);
    if (record == NULL) {
        return l->e->code;
    }
    int rc = 0;
    rights_of_record(record, &r);
    if (key_owned(record, l->tenant) && rights_check(&r, l->who, NULL) == 0 &&
        !is_gone(l, record, &r) &&
        json_array_append_new(l->items, key_object(path[0], record, l->now_ms)) != 0) {
        rc = err_set(l->e, E_NOMEM, "out of memory");
    }
    json_decref(record);
    return rc;
}

int bridge_key_list(struct bridge *b, const char *tenant, const struct bridge_principal *who,
                    json_t **out, struct err *e)
{
    struct err why;
    err_clear(&why);
    struct listing l = {
        .tenant = tenant, .who = who, .now_ms = clock_wall_ms(), .items = json_array(), .e = &why};
    struct store_txn *t = NULL;
    int rc =
        l.items != NULL ? store_read(b->store, &t, &why) : err_set(&why, E_NOMEM, "out of memory");
    if (rc == 0) {
        l.t = t;
        rc = tenant != NULL ? tenant_check(t, tenant, &why) : 0;
        rc = rc != 0 ? rc : store_scan(t, STORE_KEYS, NULL, NULL, on_key, &l);
        rc = rc != 0 ? store_err(&why, rc, "the keys could not be read") : 0;
        store_read_end(t);
    }
    json_t *body = rc == 0 ? page_body(l.items, NULL) : NULL;
    if (rc == 0 && body == NULL) {
        rc = err_set(&why, E_NOMEM, "out of memory");
    } else if (rc != 0) {
        json_decref(l.items);
    }
    err_copy(e, &why);
    *out = body;
    return rc;
}

int bridge_key_get(struct bridge *b, const char *tenant, const struct bridge_principal *who,
                   const char *key_id, json_t **out, struct err *e)
{
    json_t *record = NULL;
    struct rights r;
    struct err why;
    err_clear(&why);
    *out = NULL;
    int rc = tenant != NULL ? tenant_exists(b, tenant, &why) : 0;
    if (rc == 0) {
        rc = strlen(key_id) == KEY_ID_LEN ? key_find(b, key_id, &record, NULL, &why) : E_NOTFOUND;
        rights_of_record(record, &r);
        if (rc == E_NOTFOUND || (rc == 0 && !key_owned(record, tenant)) ||
            (rc == 0 && rights_check(&r, who, NULL) != 0)) {
            rc = err_word(&why, E_NOTFOUND, "unknown_key", "there is no such key");
        }
    }
    if (rc == 0) {
        *out = key_object(key_id, record, clock_wall_ms());
        rc = *out != NULL ? 0 : err_set(&why, E_NOMEM, "out of memory");
    } else {
        store_err(&why, rc, "the key could not be read");
    }
    json_decref(record);
    err_copy(e, &why);
    return rc;
}
