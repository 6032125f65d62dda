/*
 * Webhooks as a resource: get, list, delete; webhook_put.c has put.
 *
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

int webhook_unknown(struct err *e, const char *webhook)
{
    return err_word(e, E_NOTFOUND, "unknown_webhook", "there is no webhook %.63s",
                    webhook != NULL ? webhook : "");
}

bool webhook_within(const json_t *record, const char *patterns)
{
    const json_t *list = json_arr(record, "sessions");
    bool within = true;
    for (size_t i = 0; i < json_array_size(list); i++) {
        within = within && patterns_within(json_string_value(json_array_get(list, i)), patterns);
    }
    return within && json_array_size(list) > 0;
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
            rc = rc == E_NOTFOUND ? webhook_unknown(&why, webhook) : rc;
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
    bool seen = webhook_within(record, who->sessions);
    store_read_end(t);
    json_decref(record);
    return rc == E_NOTFOUND || seen ? 0 : webhook_unknown(e, webhook);
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
    bool seen = webhook_within(record, p->who->sessions);
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
            return rc == E_NOTFOUND ? webhook_unknown(e, d->webhook) : rc;
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
        webhook_unknown(&e, webhook);
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
