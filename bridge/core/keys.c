/*
 * Who may ask: keys are looked up by their id part; of the secret only a peppered hash is stored.
 *
 * Creating a key is one operation; its text exists in that operation's answer and nowhere else.
 */
#include "core_priv.h"

#include "clock.h"
#include "json.h"
#include "mem.h"
#include "text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_KEYS 100 /* per tenant, and of admin */
#define MAX_NAME 100 /* characters */

/* ---- authenticate ------------------------------------------------------------------------------
 */

static int find(struct bridge *b, const char *id, json_t **record, struct err *e)
{
    struct store_txn *t = NULL;
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
    store_read_end(t);
    return rc;
}

int bridge_authenticate(struct bridge *b, const char *key, struct bridge_principal *out,
                        struct err *e)
{
    char id[KEY_ID_LEN + 1];
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
    rc = find(b, id, &record, &why);
    if (rc != 0 && rc != E_NOTFOUND) {
        json_decref(record);
        err_copy(e, &why);
        return rc;
    }
    const char *stored = json_str_or(record, "hash", "");
    bool known = rc == 0 && strlen(stored) == sizeof(hex) - 1;
    /* Unknown ids take the same way, so that time does not tell which ids exist. */
    if (!crypto_equal(known ? stored : "x", hex, known ? sizeof(hex) - 1 : 1) || !known) {
        json_decref(record);
        return err_set(e, E_AUTH, "unknown key");
    }
    const char *tenant = json_str(record, "tenant");
    memset(out, 0, sizeof(*out));
    (void)snprintf(out->key_id, sizeof(out->key_id), "%s", id);
    (void)snprintf(out->tenant, sizeof(out->tenant), "%s", tenant != NULL ? tenant : "");
    out->admin = tenant == NULL;
    json_decref(record);
    return 0;
}

/* ---- objects -----------------------------------------------------------------------------------
 */

/* {id,name,tenant,scopes,created_at} */
static json_t *key_object(const char *id, const json_t *record)
{
    json_t *o = json_object();
    if (o == NULL || json_set_str(o, "id", id) != 0 ||
        json_set_str(o, "name", json_str_or(record, "name", "")) != 0 ||
        json_set_str(o, "tenant", json_str(record, "tenant")) != 0 ||
        body_set(o, "scopes", json_pack("[s]", "*")) != 0 ||
        json_set_time(o, "created_at", (uint64_t)json_int(record, "created_ms", 0)) != 0) {
        json_decref(o);
        return NULL;
    }
    return o;
}

static bool same_owner(const json_t *record, const char *tenant)
{
    const char *owner = json_str(record, "tenant");
    return tenant == NULL ? owner == NULL : owner != NULL && strcmp(owner, tenant) == 0;
}

struct owned {
    const char *tenant;
    size_t count;
    json_t *items; /* NULL: only count */
    struct err *e;
};

static int on_owned(void *arg, const char *const *path, struct store_value v)
{
    struct owned *s = arg;
    json_t *record = record_parse(v, s->e);
    if (record == NULL) {
        return s->e->code;
    }
    int rc = 0;
    if (same_owner(record, s->tenant)) {
        s->count++;
        if (s->items != NULL && json_array_append_new(s->items, key_object(path[0], record)) != 0) {
            rc = err_set(s->e, E_NOMEM, "out of memory");
        }
    }
    json_decref(record);
    return rc;
}

int bridge_key_list(struct bridge *b, const char *tenant, json_t **out, struct err *e)
{
    struct err why;
    err_clear(&why);
    struct owned s = {.tenant = tenant, .items = json_array(), .e = &why};
    struct store_txn *t = NULL;
    int rc =
        s.items != NULL ? store_read(b->store, &t, &why) : err_set(&why, E_NOMEM, "out of memory");
    if (rc == 0) {
        rc = tenant != NULL ? tenant_check(t, tenant, &why) : 0;
        rc = rc != 0 ? rc : store_scan(t, STORE_KEYS, NULL, NULL, on_owned, &s);
        rc = rc != 0 ? store_err(&why, rc, "the keys could not be read") : 0;
        store_read_end(t);
    }
    json_t *body = rc == 0 ? page_body(s.items, NULL) : NULL;
    if (rc == 0 && body == NULL) {
        rc = err_set(&why, E_NOMEM, "out of memory");
    } else if (rc != 0) {
        json_decref(s.items);
    }
    err_copy(e, &why);
    *out = body;
    return rc;
}

/* ---- create ------------------------------------------------------------------------------------
 */

struct key_create {
    struct call call; /* first */
    char tenant[64];
    bool admin;
    char id[KEY_ID_LEN + 1];
    json_t *record;
};

static int apply_create(struct store_txn *t, struct call *c, struct err *e)
{
    struct key_create *k = (struct key_create *)c;
    const char *tenant = k->admin ? NULL : k->tenant;
    int rc = tenant != NULL ? tenant_check(t, tenant, e) : 0;
    if (rc != 0) {
        return rc;
    }
    struct owned s = {.tenant = tenant, .e = e};
    rc = store_scan(t, STORE_KEYS, NULL, NULL, on_owned, &s);
    if (rc != 0) {
        return rc;
    }
    if (s.count >= MAX_KEYS) {
        return err_word(e, E_LIMIT, "too_many_keys", "there are %d keys; delete one first",
                        MAX_KEYS);
    }
    struct store_value v;
    if (store_get(t, STORE_KEYS, STORE_PATH(k->id), &v) == 0) {
        return err_set(e, E_INTERNAL, "two keys got the same id; try again");
    }
    return record_put(t, STORE_KEYS, STORE_PATH(k->id), k->record, e);
}

static void release_create(struct call *c)
{
    struct key_create *k = (struct key_create *)c;
    json_decref(k->record);
    json_decref(c->answer);
    free(k);
}

static int create_check(const json_t *body, const char **name, struct err *e)
{
    static const char *const fields[] = {"name", "scopes", NULL};
    int rc = body_check(body, fields, e);
    if (rc != 0) {
        return rc;
    }
    const json_t *n = json_object_get(body, "name");
    *name = n == NULL ? "" : json_string_value(n);
    if (*name == NULL || text_utf8_count(*name, strlen(*name)) > MAX_NAME) {
        return err_field(e, NULL, "name", "name must be a text of at most %d characters", MAX_NAME);
    }
    const json_t *scopes = json_object_get(body, "scopes");
    const char *only = json_string_value(json_array_get(scopes, 0));
    if (scopes != NULL &&
        (json_array_size(scopes) != 1 || only == NULL || strcmp(only, "*") != 0)) {
        return err_field(e, NULL, "scopes",
                         "only [\"*\"] is supported: a key may do everything of "
                         "its tenant");
    }
    return 0;
}

void bridge_key_create(struct bridge *b, const char *tenant, const json_t *body,
                       bridge_done_fn done, void *arg)
{
    struct err e;
    err_clear(&e);
    const char *name = NULL;
    char text[KEY_TEXT_LEN + 1] = "";
    struct key_create *k = NULL;
    if (create_check(body, &name, &e) != 0) {
        goto fail;
    }
    k = mem_calloc(1, sizeof(*k));
    if (k == NULL) {
        err_set(&e, E_NOMEM, "out of memory");
        goto fail;
    }
    key_make(text);
    (void)key_parse(text, k->id, NULL);
    k->admin = tenant == NULL;
    (void)snprintf(k->tenant, sizeof(k->tenant), "%s", tenant != NULL ? tenant : "");
    k->record = key_record(text, b->core->pepper, name, tenant, clock_wall_ms());
    k->call.answer = k->record != NULL ? key_object(k->id, k->record) : NULL;
    if (k->call.answer == NULL || json_set_str(k->call.answer, "key", text) != 0) {
        err_set(&e, E_NOMEM, "out of memory");
        goto fail;
    }
    k->call.created = true;
    k->call.apply = apply_create;
    k->call.release = release_create;
    call_submit(&k->call, b, done, arg);
    crypto_wipe(text, sizeof(text));
    return;
fail:
    if (k != NULL) {
        release_create(&k->call);
    }
    reply_later(b, done, arg, &e, NULL);
}

/* ---- delete ------------------------------------------------------------------------------------
 */

struct key_delete {
    struct call call; /* first */
    char tenant[64];
    bool admin;
    char id[KEY_ID_LEN + 1];
};

static int apply_delete(struct store_txn *t, struct call *c, struct err *e)
{
    struct key_delete *k = (struct key_delete *)c;
    const char *tenant = k->admin ? NULL : k->tenant;
    int rc = tenant != NULL ? tenant_check(t, tenant, e) : 0;
    struct store_value v;
    rc = rc != 0 ? rc : store_get(t, STORE_KEYS, STORE_PATH(k->id), &v);
    if (rc == E_NOTFOUND && e->code != 0) {
        return rc;
    }
    json_t *record = rc == 0 ? record_parse(v, e) : NULL;
    bool ours = record != NULL && same_owner(record, tenant);
    json_decref(record);
    if (rc == E_NOTFOUND || (rc == 0 && e->code == 0 && !ours)) {
        return err_word(e, E_NOTFOUND, "unknown_key", "there is no key %s", k->id);
    }
    if (rc != 0 || e->code != 0) {
        return rc != 0 ? rc : e->code;
    }
    if (tenant == NULL) {
        struct owned s = {.tenant = NULL, .e = e};
        rc = store_scan(t, STORE_KEYS, NULL, NULL, on_owned, &s);
        if (rc == 0 && s.count <= 1) {
            rc = err_word(e, E_CONFLICT, "last_admin_key",
                          "this is the last admin key; create another one first");
        }
    }
    return rc != 0 ? rc : store_del(t, STORE_KEYS, STORE_PATH(k->id));
}

static void release_delete(struct call *c)
{
    free(c);
}

void bridge_key_delete(struct bridge *b, const char *tenant, const char *key_id,
                       bridge_done_fn done, void *arg)
{
    struct err e;
    struct key_delete *k = NULL;
    if (key_id == NULL || strlen(key_id) != KEY_ID_LEN) {
        err_word(&e, E_NOTFOUND, "unknown_key", "there is no such key");
        goto fail;
    }
    k = mem_calloc(1, sizeof(*k));
    if (k == NULL) {
        err_set(&e, E_NOMEM, "out of memory");
        goto fail;
    }
    k->admin = tenant == NULL;
    (void)snprintf(k->tenant, sizeof(k->tenant), "%s", tenant != NULL ? tenant : "");
    (void)snprintf(k->id, sizeof(k->id), "%s", key_id);
    k->call.apply = apply_delete;
    k->call.release = release_delete;
    call_submit(&k->call, b, done, arg);
    return;
fail:
    reply_later(b, done, arg, &e, NULL);
}
