/*
 * Making or changing a webhook.
 *
 * Happy path: the body is checked -> the secret (given, or a new one in case the webhook is new) is
 * sealed -> one operation merges it into the record, writes it and drops the router's cache -> the
 * relay reads the settings again and what waited becomes due -> the answer, with the secret when it
 * was made here. What the body does not name stays as it is.
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

/* What somebody who sees some sessions makes or changes must stay within them, and is told nothing
 * that is of no session. */
static int narrow(const struct webhook_put *p, json_t *record, struct err *e)
{
    if (p->call.created && json_object_get(p->changes, "sessions") == NULL &&
        body_set(record, "sessions", patterns_json(p->seen)) != 0) {
        return E_NOMEM;
    }
    if (!webhook_within(record, p->seen)) {
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
         : p->narrow && !webhook_within(record, p->seen) ? webhook_unknown(e, p->webhook)
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
