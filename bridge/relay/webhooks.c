/*
 * Webhooks as a resource: put, get, list, delete.
 *
 * PUT, happy path: the body is checked -> the secret (given, or a new one in case the webhook is
 * new) is sealed -> one operation merges it into the record, writes it and drops the router's
 * cache -> the relay reads the settings again and what waited becomes due -> the answer, with the
 * secret when it was made here. What the body does not name stays as it is.
 * DELETE: one operation removes the record, so that no delivery is added any more; more operations
 * erase its deliveries, some rows each; then the answer. A crash in between leaves deliveries of an
 * unknown webhook, which the scheduler erases when it meets them.
 */
#include "relay_priv.h"

#include "access.h"
#include "clock.h"
#include "json.h"
#include "mem.h"
#include "signature.h"
#include "text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ERASE_STEP 500
#define COUNT_MAX 1000 /* longer queues show as that long: a list must not walk them */

static int unknown_webhook(struct err *e, const char *webhook)
{
    return err_word(e, E_NOTFOUND, "unknown_webhook", "there is no webhook %.63s",
                    webhook != NULL ? webhook : "");
}

/* ---- put ---------------------------------------------------------------------------------------
 */

struct webhook_put {
    struct call call; /* first */
    char tenant[64], webhook[64];
    json_t *changes; /* checked; without secret and headers */
    json_t *headers; /* plain, NULL: not named */
    char *sealed;    /* the secret */
    bool generated;
    char secret[SIGNATURE_SECRET_LEN]; /* the generated one */
    uint64_t now_ms;
    bool narrow; /* whoever asks sees only these: */
    char seen[BRIDGE_PATTERNS_LEN];
};

static int on_counted(void *arg, const char *const *path, struct store_value v)
{
    (void)path;
    (void)v;
    ++*(uint64_t *)arg;
    return 0;
}

static int check_new(struct store_txn *t, struct webhook_put *p, struct err *e)
{
    uint64_t count = 0;
    if (json_str(p->changes, "url") == NULL) {
        return err_field(e, "required", "url", "a new webhook needs a url");
    }
    int rc = store_scan(t, STORE_WEBHOOKS, STORE_PATH(p->tenant), NULL, on_counted, &count);
    uint64_t max = tenant_limit(t, p->tenant, "max_webhooks", p->call.b->cfg.relay.max_webhooks);
    if (rc == 0 && count >= max) {
        return err_word(e, E_LIMIT, "too_many_webhooks", "this tenant may have %llu webhooks: delete one, or an administrator raises "
                        "limits.max_webhooks",
                        (unsigned long long)max);
    }
    return rc;
}

/* A header that was shown masked and came back so keeps its value. */
static int merge_headers(struct webhook_put *p, json_t *record, json_t **headers, struct err *e)
{
    struct bridge *b = p->call.b;
    json_t *old = NULL;
    int rc = webhook_headers(b, p->tenant, p->webhook, record, &old, e);
    if (rc != 0 || p->headers == NULL) {
        *headers = old;
        return rc;
    }
    json_t *now = json_deep_copy(p->headers);
    const char *name = NULL;
    json_t *v = NULL;
    json_object_foreach(p->headers, name, v)
    {
        json_t *kept = json_object_get(old, name);
        if (now != NULL && kept != NULL && webhook_header_secret(name) &&
            strcmp(json_string_value(v), WEBHOOK_MASK) == 0 &&
            json_object_set(now, name, kept) != 0) {
            json_decref(now);
            now = NULL;
        }
    }
    json_decref(old);
    char *sealed = NULL;
    rc = now != NULL ? webhook_seal_headers(b, p->tenant, p->webhook, now, &sealed, e) : E_NOMEM;
    rc = rc != 0 ? rc : json_set_str(record, "headers", sealed);
    free(sealed);
    if (rc != 0) {
        json_decref(now);
        return rc;
    }
    *headers = now;
    return 0;
}

static bool sessions_within(const json_t *record, const char *patterns)
{
    const json_t *list = json_arr(record, "sessions");
    bool within = true;
    for (size_t i = 0; i < json_array_size(list); i++) {
        within = within && patterns_within(json_string_value(json_array_get(list, i)), patterns);
    }
    return within && json_array_size(list) > 0;
}

/* What somebody who sees some sessions makes or changes must stay within them, and is told nothing
 * that is of no session. */
static int narrow(const struct webhook_put *p, json_t *record, struct err *e)
{
    if (p->call.created && json_object_get(p->changes, "sessions") == NULL &&
        body_set(record, "sessions", patterns_json(p->seen)) != 0) {
        return E_NOMEM;
    }
    if (!sessions_within(record, p->seen)) {
        int rc = err_word(e, E_FORBIDDEN, "forbidden",
                          "the key sees fewer sessions than this webhook would");
        (void)snprintf(e->field, sizeof(e->field), "sessions");
        return rc;
    }
    return body_set(record, "sessions_only", json_true());
}

static int write_put(struct store_txn *t, struct webhook_put *p, json_t *record, struct err *e)
{
    struct call *c = &p->call;
    json_t *headers = NULL;
    int rc = json_object_update(record, p->changes) == 0 ? 0 : E_NOMEM;
    rc = rc == 0 && p->narrow ? narrow(p, record, e) : rc;
    if (rc == 0 && p->sealed != NULL && (c->created || !p->generated)) {
        rc = json_set_str(record, "secret", p->sealed);
    }
    if (rc == 0 && c->created) {
        rc = body_set(record, "created_ms", json_integer((json_int_t)p->now_ms));
    }
    rc = rc != 0 ? rc : body_set(record, "updated_ms", json_integer((json_int_t)p->now_ms));
    (void)json_object_del(record, "health"); /* a new chance */
    rc = rc != 0 ? rc : merge_headers(p, record, &headers, e);
    rc = rc != 0 ? rc : record_put(t, STORE_WEBHOOKS, STORE_PATH(p->tenant, p->webhook), record, e);
    if (rc == 0) {
        json_decref(c->answer); /* of a first run that was rolled back */
        c->answer = webhook_object(p->webhook, record, headers, NULL);
        rc = c->answer != NULL ? 0 : E_NOMEM;
    }
    if (rc == 0 && c->created && p->generated) {
        rc = json_set_str(c->answer, "secret", p->secret);
    }
    json_decref(headers);
    return rc;
}

static int apply_put(struct store_txn *t, struct call *c, struct err *e)
{
    struct webhook_put *p = (struct webhook_put *)c;
    struct store_value v;
    int rc = tenant_check(t, p->tenant, e);
    if (rc != 0) {
        return rc;
    }
    rc = store_get(t, STORE_WEBHOOKS, STORE_PATH(p->tenant, p->webhook), &v);
    if (rc != 0 && rc != E_NOTFOUND) {
        return rc;
    }
    c->created = rc == E_NOTFOUND;
    json_t *record = c->created ? webhook_defaults() : record_parse(v, e);
    if (record == NULL) {
        return e->code != 0 ? e->code : E_NOMEM;
    }
    rc = c->created                                                ? check_new(t, p, e)
         : p->narrow && !sessions_within(record, p->seen) ? unknown_webhook(e, p->webhook)
                                                                   : 0;
    rc = rc != 0 ? rc : write_put(t, p, record, e);
    json_decref(record);
    router_forget(c->b->router, p->tenant);
    return rc;
}

static void finish_put(struct call *c, int rc)
{
    struct webhook_put *p = (struct webhook_put *)c;
    if (rc == 0) {
        relay_forget_webhook(c->b->relay, p->tenant, p->webhook);
        if (!c->created) {
            release_deliveries(c->b, p->tenant, p->webhook);
        }
    }
}

static void release_put(struct call *c)
{
    struct webhook_put *p = (struct webhook_put *)c;
    json_decref(p->changes);
    json_decref(p->headers);
    json_decref(c->answer);
    free(p->sealed);
    crypto_wipe(p->secret, sizeof(p->secret));
    free(p);
}

static int seal_put(struct bridge *b, struct webhook_put *p, struct err *e)
{
    const char *given = json_str(p->changes, "secret");
    p->generated = given == NULL;
    if (p->generated) {
        signature_secret_make(p->secret);
    }
    int rc = webhook_seal_secret(b, p->tenant, p->webhook, given != NULL ? given : p->secret,
                                 &p->sealed, e);
    (void)json_object_del(p->changes, "secret");
    json_t *headers = json_object_get(p->changes, "headers");
    if (headers != NULL) {
        p->headers = json_incref(headers);
        (void)json_object_del(p->changes, "headers");
    }
    return rc;
}

void bridge_webhook_put(struct bridge *b, const char *tenant, const struct bridge_principal *who,
                        const char *webhook, const json_t *body, bridge_done_fn done, void *arg)
{
    struct err e;
    err_clear(&e);
    struct webhook_put *p = NULL;
    if (!text_is_name(webhook)) {
        err_field(&e, "invalid_name", "webhook",
                  "a webhook is named with a-z, 0-9, - and _, at "
                  "most 63 characters");
        goto fail;
    }
    if (!text_is_name(tenant)) {
        tenant_unknown(&e, tenant);
        goto fail;
    }
    p = mem_calloc(1, sizeof(*p));
    if (p == NULL) {
        err_set(&e, E_NOMEM, "out of memory");
        goto fail;
    }
    (void)snprintf(p->tenant, sizeof(p->tenant), "%s", tenant);
    (void)snprintf(p->webhook, sizeof(p->webhook), "%s", webhook);
    p->now_ms = clock_wall_ms();
    p->narrow = !bridge_sees_all_sessions(who);
    if (p->narrow) {
        memcpy(p->seen, who->sessions, sizeof(p->seen));
    }
    if (webhook_check(body, b->cfg.relay.allow_private, &p->changes, &e) != 0 ||
        seal_put(b, p, &e) != 0) {
        goto fail;
    }
    p->call.apply = apply_put;
    p->call.finish = finish_put;
    p->call.release = release_put;
    call_submit(&p->call, b, done, arg);
    return;
fail:
    if (p != NULL) {
        release_put(&p->call);
    }
    reply_later(b, done, arg, &e, NULL);
}

/* ---- get, list ---------------------------------------------------------------------------------
 */

static int on_newest(void *arg, const struct store_delivery *d)
{
    *(uint64_t *)arg = d->finished_ms;
    return 1;
}

/* What the store knows besides: queues, and when something arrived last (the relay only knows since
 * it started). */
static int set_counts(struct store_txn *t, const char *tenant, const char *webhook, json_t *o)
{
    unsigned pending = 0, dead = 0;
    uint64_t newest = 0;
    json_t *health = json_object_get(o, "health");
    int rc = store_delivery_count(t, tenant, webhook, STORE_PENDING, COUNT_MAX, &pending);
    rc = rc != 0 ? rc : store_delivery_count(t, tenant, webhook, STORE_DEAD, COUNT_MAX, &dead);
    rc = rc != 0 ? rc
                 : store_delivery_list(t, tenant, webhook, STORE_DELIVERED, 0, on_newest, &newest);
    rc = rc < 0 ? rc : body_set(o, "pending", json_integer((json_int_t)pending));
    rc = rc != 0 ? rc : body_set(o, "dead", json_integer((json_int_t)dead));
    return rc != 0 || json_str(health, "last_success_at") != NULL
               ? rc
               : json_set_time(health, "last_success_at", newest);
}

static json_t *shown(struct bridge *b, struct store_txn *t, const char *tenant,
                     const char *webhook, struct store_value v, struct err *e)
{
    json_t *headers = NULL;
    json_t *object = NULL;
    json_t *record = record_parse(v, e);
    if (record != NULL && webhook_headers(b, tenant, webhook, record, &headers, e) == 0) {
        json_t *health = relay_health(b->relay, tenant, webhook);
        object = webhook_object(webhook, record, headers, health);
        json_decref(health);
        int rc = object != NULL ? set_counts(t, tenant, webhook, object) : E_NOMEM;
        if (rc != 0) {
            json_decref(object);
            object = NULL;
            store_err(e, rc, "the deliveries could not be counted");
        }
    }
    json_decref(headers);
    json_decref(record);
    return object;
}

int bridge_webhook_check(struct bridge *b, const json_t *body, struct err *e)
{
    json_t *changes = NULL;
    int rc = webhook_check(body, b->cfg.relay.allow_private, &changes, e);
    json_decref(changes); /* a secret in it stays in memory no longer than the body it came from */
    return rc;
}

int bridge_webhook_get(struct bridge *b, const char *tenant, const char *webhook, json_t **out,
                       struct err *e)
{
    struct err why;
    err_clear(&why);
    struct store_value v;
    struct store_txn *t = NULL;
    *out = NULL;
    int rc = store_read(b->store, &t, &why);
    if (rc == 0) {
        rc = tenant_check(t, tenant, &why);
        if (rc == 0) {
            rc = text_is_name(webhook)
                     ? store_get(t, STORE_WEBHOOKS, STORE_PATH(tenant, webhook), &v)
                     : E_NOTFOUND;
            rc = rc == E_NOTFOUND ? unknown_webhook(&why, webhook) : rc;
        }
        if (rc == 0) {
            *out = shown(b, t, tenant, webhook, v, &why);
            rc = *out != NULL ? 0 : why.code;
        }
        store_read_end(t);
    }
    if (rc != 0) {
        store_err(&why, rc, "the webhook could not be read");
    }
    err_copy(e, &why);
    return rc;
}

int bridge_webhook_seen(struct bridge *b, const char *tenant, const struct bridge_principal *who,
                        const char *webhook, struct err *e)
{
    struct store_txn *t = NULL;
    struct store_value v;
    if (bridge_sees_all_sessions(who) || !text_is_name(tenant) || !text_is_name(webhook)) {
        return 0;
    }
    int rc = store_read(b->store, &t, e);
    if (rc != 0) {
        return rc;
    }
    rc = store_get(t, STORE_WEBHOOKS, STORE_PATH(tenant, webhook), &v);
    json_t *record = rc == 0 ? record_parse(v, e) : NULL;
    bool seen = sessions_within(record, who->sessions);
    store_read_end(t);
    json_decref(record);
    return rc == E_NOTFOUND || seen ? 0 : unknown_webhook(e, webhook);
}

struct webhook_page {
    struct bridge *b;
    struct store_txn *t;
    const struct bridge_principal *who;
    json_t *items;
    unsigned limit;
    char last[64];
    bool more;
    struct err *e;
};

/* Cheaper than to render it: most callers see all. */
static bool is_seen(const struct webhook_page *p, struct store_value v)
{
    if (bridge_sees_all_sessions(p->who)) {
        return true;
    }
    json_t *record = record_parse(v, NULL);
    bool seen = sessions_within(record, p->who->sessions);
    json_decref(record);
    return seen;
}

static int on_webhook(void *arg, const char *const *path, struct store_value v)
{
    struct webhook_page *p = arg;
    if (!is_seen(p, v)) {
        return 0;
    }
    if (json_array_size(p->items) == p->limit) {
        p->more = true;
        return 1;
    }
    json_t *object = shown(p->b, p->t, path[0], path[1], v, p->e);
    if (object == NULL) {
        return p->e->code;
    }
    (void)snprintf(p->last, sizeof(p->last), "%s", path[1]);
    return json_array_append_new(p->items, object) == 0 ? 0
                                                        : err_set(p->e, E_NOMEM, "out of memory");
}

int bridge_webhook_list(struct bridge *b, const char *tenant, const struct bridge_principal *who,
                        const struct bridge_paging *p, json_t **out, struct err *e)
{
    struct err why;
    err_clear(&why);
    bool start = p->cursor == NULL || p->cursor[0] == '\0';
    struct webhook_page page = {.b = b, .who = who, .limit = p->limit, .e = &why};
    struct store_txn *t = NULL;
    *out = NULL;
    int rc = paging_check(p, &why);
    if (rc == 0 && !start && !text_is_name(p->cursor)) {
        rc = err_field(&why, "invalid_cursor", "cursor", "not a cursor of this list; begin without one");
    }
    if (rc == 0 && (page.items = json_array()) == NULL) {
        rc = err_set(&why, E_NOMEM, "out of memory");
    }
    rc = rc != 0 ? rc : store_read(b->store, &t, &why);
    if (rc == 0) {
        rc = tenant_check(t, tenant, &why);
        page.t = t;
        rc = rc != 0 ? rc
                     : store_scan(t, STORE_WEBHOOKS, STORE_PATH(tenant), start ? NULL : p->cursor,
                                  on_webhook, &page);
        store_read_end(t);
    }
    if (rc < 0) {
        json_decref(page.items);
        store_err(&why, rc, "the webhooks could not be read");
    } else {
        *out = page_body(page.items, page.more ? page.last : NULL);
        rc = *out != NULL ? 0 : err_set(&why, E_NOMEM, "out of memory");
    }
    err_copy(e, &why);
    return rc;
}

/* ---- delete ------------------------------------------------------------------------------------
 */

struct webhook_delete {
    struct call call; /* first */
    char tenant[64], webhook[64];
    bool removed; /* the record is gone; the deliveries follow */
    bool more;
};

static int apply_delete(struct store_txn *t, struct call *c, struct err *e)
{
    struct webhook_delete *d = (struct webhook_delete *)c;
    const char *const *path = STORE_PATH(d->tenant, d->webhook);
    struct store_value v;
    size_t n = 0;
    int rc = 0;
    if (!d->removed) {
        rc = tenant_check(t, d->tenant, e);
        if (rc != 0) {
            return rc;
        }
        rc = store_del(t, STORE_WEBHOOKS, path);
        router_forget(c->b->router, d->tenant);
        if (rc != 0) {
            return rc == E_NOTFOUND ? unknown_webhook(e, d->webhook) : rc;
        }
    } else if (store_get(t, STORE_WEBHOOKS, path, &v) == 0) {
        d->more = false; /* made again meanwhile: its deliveries are wanted */
        return 0;
    }
    rc = store_delivery_erase(t, d->tenant, d->webhook, ERASE_STEP, &n);
    d->more = n == ERASE_STEP;
    return rc;
}

static void finish_delete(struct call *c, int rc)
{
    struct webhook_delete *d = (struct webhook_delete *)c;
    if (rc == 0) {
        d->removed = true;
        relay_drop_webhook(c->b->relay, d->tenant, d->webhook);
        if (d->more && !c->b->closing) {
            call_again(c);
        }
    }
}

static void release_delete(struct call *c)
{
    free(c);
}

void bridge_webhook_delete(struct bridge *b, const char *tenant, const char *webhook,
                           bridge_done_fn done, void *arg)
{
    struct err e;
    struct webhook_delete *d = NULL;
    if (!text_is_name(tenant)) {
        tenant_unknown(&e, tenant);
    } else if (!text_is_name(webhook)) {
        unknown_webhook(&e, webhook);
    } else if ((d = mem_calloc(1, sizeof(*d))) == NULL) {
        err_set(&e, E_NOMEM, "out of memory");
    }
    if (d == NULL) {
        reply_later(b, done, arg, &e, NULL);
        return;
    }
    (void)snprintf(d->tenant, sizeof(d->tenant), "%s", tenant);
    (void)snprintf(d->webhook, sizeof(d->webhook), "%s", webhook);
    d->call.apply = apply_delete;
    d->call.finish = finish_delete;
    d->call.release = release_delete;
    call_submit(&d->call, b, done, arg);
}
