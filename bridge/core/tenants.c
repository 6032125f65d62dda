/*
 * Tenants: records, limits, and a deletion that survives a crash.
 *
 * Deleting, happy path: (1) one operation marks the record and removes webhooks and keys, so that
 * nothing new can come in; (2) the sessions are unlinked and erased; (3) one operation erases all
 * rows and the record. Only then is the caller answered. A crash in between leaves the mark:
 * tenants_resume() goes on at the next start.
 */
#include "core_priv.h"

#include "agent.h"
#include "clock.h"
#include "event.h"
#include "guard.h"
#include "json.h"
#include "log.h"
#include "media.h"
#include "mem.h"
#include "relay_priv.h"
#include "search.h"
#include "sessions.h"
#include "text.h"
#include "widget.h"
#include "zone.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_TENANT_NAME 128

/* ---- objects -----------------------------------------------------------------------------------
 */

static json_t *tenant_object(const char *id, const json_t *record)
{
    json_t *o = json_object();
    json_t *limits = json_obj(record, "limits"), *tariff = json_obj(record, "tariff");
    if (o == NULL || json_set_str(o, "id", id) != 0 ||
        json_set_str(o, "name", json_str_or(record, "name", id)) != 0 ||
        json_set_str(o, "default_country_code", json_str(record, "default_country_code")) != 0 ||
        json_set_str(o, "time_zone", json_str_or(record, "time_zone", "UTC")) != 0 ||
        body_set(o, "limits", limits != NULL ? json_deep_copy(limits) : json_object()) != 0 ||
        body_set(o, "tariff", tariff != NULL ? json_deep_copy(tariff) : json_null()) != 0 ||
        body_set(o, "widget", widget_settings_object(record)) != 0 ||
        json_set_time(o, "created_at", (uint64_t)json_int(record, "created_ms", 0)) != 0) {
        json_decref(o);
        return NULL;
    }
    return o;
}

int bridge_tenant_get(struct bridge *b, const char *tenant, json_t **out, struct err *e)
{
    struct store_txn *t = NULL;
    int rc = store_read(b->store, &t, e);
    if (rc != 0) {
        return rc;
    }
    struct store_value v;
    json_t *record = NULL;
    rc = tenant_check(t, tenant, e);
    rc = rc != 0 ? rc : store_get(t, STORE_TENANTS, STORE_PATH(tenant), &v);
    if (rc == 0) {
        record = record_parse(v, e);
        rc = record != NULL ? 0 : E_INTERNAL;
    }
    store_read_end(t);
    *out = rc == 0 ? tenant_object(tenant, record) : NULL;
    json_decref(record);
    return rc == 0 && *out == NULL ? err_set(e, E_NOMEM, "out of memory") : rc;
}

struct tenant_page {
    json_t *items;
    unsigned limit;
    char last[64];
    bool more;
    struct err *e;
};

static int on_tenant(void *arg, const char *const *path, struct store_value v)
{
    struct tenant_page *p = arg;
    json_t *record = record_parse(v, p->e);
    if (record == NULL) {
        return E_INTERNAL;
    }
    int rc = 0;
    if (!json_flag(record, "deleting", false)) {
        if (json_array_size(p->items) == p->limit) {
            p->more = true;
            rc = 1;
        } else if (json_array_append_new(p->items, tenant_object(path[0], record)) != 0) {
            rc = err_set(p->e, E_NOMEM, "out of memory");
        } else {
            (void)snprintf(p->last, sizeof(p->last), "%s", path[0]);
        }
    }
    json_decref(record);
    return rc;
}

int bridge_tenant_list(struct bridge *b, const struct bridge_paging *p, json_t **out, struct err *e)
{
    struct err why;
    err_clear(&why);
    bool start = p->cursor == NULL || p->cursor[0] == '\0';
    int rc = paging_check(p, &why);
    if (rc == 0 && !start && !text_is_name(p->cursor)) {
        rc = err_field(&why, "invalid_cursor", "cursor", "not a cursor of this list; begin without one");
    }
    struct tenant_page page = {.items = json_array(), .limit = p->limit, .e = &why};
    struct store_txn *t = NULL;
    if (rc == 0) {
        rc = page.items != NULL ? store_read(b->store, &t, &why)
                                : err_set(&why, E_NOMEM, "out of memory");
    }
    if (rc == 0) {
        rc = store_scan(t, STORE_TENANTS, NULL, start ? NULL : p->cursor, on_tenant, &page);
        rc = rc < 0 ? store_err(&why, rc, "the tenants could not be read") : 0;
        store_read_end(t);
    }
    *out = NULL;
    if (rc == 0) {
        *out = page_body(page.items, page.more ? page.last : NULL);
        rc = *out != NULL ? 0 : err_set(&why, E_NOMEM, "out of memory");
    } else {
        json_decref(page.items);
    }
    err_copy(e, &why);
    return rc;
}

/* ---- put ---------------------------------------------------------------------------------------
 */

struct tenant_put {
    struct call call; /* first */
    char tenant[64];
    json_t *changes; /* checked members of the record */
    uint64_t now_ms;
};

/* text or null; absent: unchanged. */
static int take_text(json_t *changes, const json_t *body, const char *key, size_t min, size_t max,
                     const char *alphabet, const char *what, struct err *e)
{
    const json_t *v = json_object_get(body, key);
    if (v == NULL) {
        return 0;
    }
    const char *s = json_string_value(v);
    size_t len = s != NULL ? text_utf8_count(s, strlen(s)) : 0;
    bool fits = s != NULL && len >= min && len <= max &&
                (alphabet == NULL || s[strspn(s, alphabet)] == '\0');
    if (!json_is_null(v) && !fits) {
        return err_field(e, NULL, key, "%s must be %s", key, what);
    }
    return json_set_str(changes, key, s) != 0 ? err_set(e, E_NOMEM, "out of memory") : 0;
}

static int put_check(const json_t *body, json_t **out, struct err *e)
{
    static const char *const fields[] = {"name", "default_country_code", "time_zone", "limits",
                                         "tariff", "widget", NULL};
    int rc = body_check(body, fields, e);
    json_t *changes = rc == 0 ? json_object() : NULL;
    if (rc == 0 && changes == NULL) {
        rc = err_set(e, E_NOMEM, "out of memory");
    }
    rc = rc != 0 ? rc
                 : take_text(changes, body, "name", 1, MAX_TENANT_NAME, NULL,
                             "a text of 1 to 128 characters", e);
    rc = rc != 0 ? rc
                 : take_text(changes, body, "default_country_code", 1, 3, "0123456789",
                             "1 to 3 digits without +, such as 55", e);
    rc = rc != 0 ? rc
                 : take_text(changes, body, "time_zone", 1, 64,
                             "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789/_+-",
                             "a time zone name such as America/Sao_Paulo", e);
    rc = rc != 0 ? rc : tenant_take_limits(changes, body, e);
    rc = rc != 0 ? rc : tenant_take_tariff(changes, body, e);
    rc = rc != 0 ? rc : tenant_take_widget(changes, body, e);
    if (rc != 0) {
        json_decref(changes);
        return rc;
    }
    *out = changes;
    return 0;
}

static int apply_put(struct store_txn *t, struct call *c, struct err *e)
{
    struct tenant_put *p = (struct tenant_put *)c;
    struct store_value v;
    int rc = store_get(t, STORE_TENANTS, STORE_PATH(p->tenant), &v);
    if (rc != 0 && rc != E_NOTFOUND) {
        return rc;
    }
    c->created = rc == E_NOTFOUND;
    json_t *record = c->created ? json_object() : record_parse(v, e);
    if (record == NULL) {
        return e->code != 0 ? e->code : E_NOMEM;
    }
    const char *zone = json_str(p->changes, "time_zone");
    rc = 0;
    if (zone != NULL && zone_get(zone) == NULL) { /* reads a file: here, not on the loop */
        rc = err_field(e, "unknown_time_zone", "time_zone",
                       "this system knows no time zone %.63s; it needs the package tzdata", zone);
    } else if (json_flag(record, "deleting", false)) {
        rc = err_word(e, E_CONFLICT, "tenant_being_deleted",
                      "the tenant is being deleted; try "
                      "again in a moment");
    } else if (json_object_update(record, p->changes) != 0 ||
               (c->created &&
                body_set(record, "created_ms", json_integer((json_int_t)p->now_ms)) != 0)) {
        rc = E_NOMEM;
    }
    rc = rc != 0 ? rc : record_put(t, STORE_TENANTS, STORE_PATH(p->tenant), record, e);
    if (rc == 0) {
        json_decref(c->answer); /* of a first run that was rolled back */
        c->answer = tenant_object(p->tenant, record);
        rc = c->answer != NULL ? 0 : E_NOMEM;
    }
    json_decref(record);
    return rc;
}

static void release_put(struct call *c)
{
    struct tenant_put *p = (struct tenant_put *)c;
    json_decref(p->changes);
    json_decref(c->answer);
    free(p);
}

void bridge_tenant_put(struct bridge *b, const char *tenant, const json_t *body,
                       bridge_done_fn done, void *arg)
{
    struct err e;
    err_clear(&e);
    json_t *changes = NULL;
    struct tenant_put *p = NULL;
    if (!text_is_name(tenant)) {
        err_field(&e, "invalid_name", "tenant",
                  "a tenant is named with a-z, 0-9, - and _, at most "
                  "63 characters");
        goto fail;
    }
    if (put_check(body, &changes, &e) != 0) {
        goto fail;
    }
    p = mem_calloc(1, sizeof(*p));
    if (p == NULL) {
        err_set(&e, E_NOMEM, "out of memory");
        goto fail;
    }
    (void)snprintf(p->tenant, sizeof(p->tenant), "%s", tenant);
    p->changes = changes;
    p->now_ms = clock_wall_ms();
    p->call.apply = apply_put;
    p->call.release = release_put;
    call_submit(&p->call, b, done, arg);
    return;
fail:
    json_decref(changes);
    reply_later(b, done, arg, &e, NULL);
}

/* ---- delete ------------------------------------------------------------------------------------
 */

struct tenant_delete {
    struct call call;  /* first; step 1 */
    struct call erase; /* step 3 */
    char tenant[64];
    bridge_done_fn done;
    void *arg;
    struct bridge *b;
    bool more;
};
#define ERASE_STEP 2000

/* Names are collected first: a scan must not delete under its own cursor. */
#define GATHER_MAX 256
struct gathered {
    char names[GATHER_MAX][64];
    size_t count;
    const char *tenant; /* keys: only of this one */
};

static int on_webhook_name(void *arg, const char *const *path, struct store_value v)
{
    (void)v;
    struct gathered *g = arg;
    (void)snprintf(g->names[g->count++], sizeof(g->names[0]), "%s", path[1]);
    return g->count == GATHER_MAX ? 1 : 0;
}

static int on_key_name(void *arg, const char *const *path, struct store_value v)
{
    struct gathered *g = arg;
    json_t *record = record_parse(v, NULL);
    const char *tenant = json_str(record, "tenant");
    if (tenant != NULL && strcmp(tenant, g->tenant) == 0) {
        (void)snprintf(g->names[g->count++], sizeof(g->names[0]), "%s", path[0]);
    }
    json_decref(record);
    return g->count == GATHER_MAX ? 1 : 0;
}

static int remove_all(struct store_txn *t, const char *tenant, bool keys, struct gathered *g)
{
    int rc = 0;
    do {
        g->count = 0;
        g->tenant = tenant;
        rc = keys ? store_scan(t, STORE_KEYS, NULL, NULL, on_key_name, g)
                  : store_scan(t, STORE_WEBHOOKS, STORE_PATH(tenant), NULL, on_webhook_name, g);
        for (size_t i = 0; i < g->count && rc >= 0; i++) {
            rc = keys ? store_del(t, STORE_KEYS, STORE_PATH(g->names[i]))
                      : store_del(t, STORE_WEBHOOKS, STORE_PATH(tenant, g->names[i]));
        }
    } while (rc >= 0 && g->count == GATHER_MAX);
    return rc < 0 ? rc : 0;
}

static int apply_mark(struct store_txn *t, struct call *c, struct err *e)
{
    struct tenant_delete *d = (struct tenant_delete *)c;
    struct store_value v;
    int rc = store_get(t, STORE_TENANTS, STORE_PATH(d->tenant), &v);
    if (rc != 0) {
        return rc == E_NOTFOUND ? tenant_unknown(e, d->tenant) : rc;
    }
    json_t *record = record_parse(v, e);
    if (record == NULL) {
        return E_INTERNAL;
    }
    rc = body_set(record, "deleting", json_true());
    rc = rc != 0 ? rc : record_put(t, STORE_TENANTS, STORE_PATH(d->tenant), record, e);
    json_decref(record);
    struct gathered *g = rc == 0 ? mem_malloc(sizeof(*g)) : NULL;
    if (rc == 0 && g == NULL) {
        rc = E_NOMEM;
    }
    rc = rc != 0 ? rc : remove_all(t, d->tenant, false, g);
    rc = rc != 0 ? rc : remove_all(t, d->tenant, true, g);
    free(g);
    router_forget(c->b->router, d->tenant);
    return rc;
}

/* Some rows a time, so that a big tenant does not hold the writer; the record goes last. */
static int apply_erase(struct store_txn *t, struct call *c, struct err *e)
{
    (void)e;
    struct tenant_delete *d = LIST_ENTRY(c, struct tenant_delete, erase);
    size_t n = 0;
    int rc = store_erase_some(t, d->tenant, NULL, false, ERASE_STEP, &n);
    d->more = rc == 0 && n == ERASE_STEP;
    if (rc == 0 && !d->more) {
        rc = store_del(t, STORE_TENANTS, STORE_PATH(d->tenant));
    }
    router_forget(c->b->router, d->tenant);
    return rc == E_NOTFOUND ? 0 : rc;
}

static void finish_erase(struct call *c, int rc)
{
    const struct tenant_delete *d = LIST_ENTRY(c, struct tenant_delete, erase);
    if (rc == 0 && d->more) {
        call_again(c);
    } else if (rc == 0) {
        meter_tenant_gone(d->tenant);
    }
}

static void release_delete(struct call *c)
{
    free(c);
}

static void release_erase(struct call *c)
{
    free(LIST_ENTRY(c, struct tenant_delete, erase));
}

static void on_files_gone(void *arg)
{
    struct tenant_delete *d = arg;
    struct bridge *b = d->b;
    d->erase.apply = apply_erase;
    d->erase.finish = finish_erase;
    d->erase.release = release_erase;
    call_submit(&d->erase, b, d->done, d->arg);
    core_leave(b);
}

static void on_sessions_gone(void *arg)
{
    struct tenant_delete *d = arg;
    agents_forget_tenant(d->b->agents, d->tenant);
    media_erase_tenant(d->b, d->tenant, on_files_gone, d);
}

/* Step 1 is over. Its call is not answered yet: on_marked_done does what follows. */
static void on_marked_done(void *arg, const struct bridge_reply *r)
{
    struct tenant_delete *d = arg;
    struct err stopping;
    err_set(&stopping, E_CANCELED, "the server is stopping; the deletion goes on when it is back");
    if (r->err != NULL || d->b->closing) {
        if (d->done != NULL) {
            d->done(d->arg, &(struct bridge_reply){.err = r->err != NULL ? r->err : &stopping});
        }
        d->call.release = release_delete;
        return;
    }
    relay_forget_tenant(d->b->relay, d->tenant);
    search_forget_tenant(d->b->search, d->tenant);
    guards_forget_tenant(d->b->guards, d->tenant);
    core_enter(d->b); /* until on_files_gone */
    sessions_erase_tenant(d->b->sessions, d->tenant, on_sessions_gone, d);
}

static void release_nothing(struct call *c)
{
    (void)c; /* on_marked_done took the object */
}

static void start_delete(struct bridge *b, const char *tenant, bridge_done_fn done, void *arg)
{
    struct tenant_delete *d = mem_calloc(1, sizeof(*d));
    if (d == NULL) {
        struct err e;
        err_set(&e, E_NOMEM, "out of memory");
        if (done != NULL) {
            reply_later(b, done, arg, &e, NULL);
        }
        return;
    }
    (void)snprintf(d->tenant, sizeof(d->tenant), "%s", tenant);
    d->b = b;
    d->done = done;
    d->arg = arg;
    d->call.apply = apply_mark;
    d->call.release = release_nothing;
    call_submit(&d->call, b, on_marked_done, d);
}

void bridge_tenant_delete(struct bridge *b, const char *tenant, bridge_done_fn done, void *arg)
{
    struct err e;
    if (!text_is_name(tenant)) {
        tenant_unknown(&e, tenant);
        reply_later(b, done, arg, &e, NULL);
        return;
    }
    start_delete(b, tenant, done, arg);
}

/* ---- after a crash -----------------------------------------------------------------------------
 */

static int on_stored_tenant(void *arg, const char *const *path, struct store_value v)
{
    struct gathered *g = arg;
    json_t *record = record_parse(v, NULL);
    if (json_flag(record, "deleting", false)) {
        (void)snprintf(g->names[g->count++], sizeof(g->names[0]), "%s", path[0]);
    }
    json_decref(record);
    return g->count == GATHER_MAX ? 1 : 0;
}

void tenants_resume(struct bridge *b)
{
    struct gathered *g = mem_calloc(1, sizeof(*g));
    struct store_txn *t = NULL;
    if (g == NULL || store_read(b->store, &t, NULL) != 0) {
        free(g);
        return;
    }
    (void)store_scan(t, STORE_TENANTS, NULL, NULL, on_stored_tenant, g);
    store_read_end(t);
    for (size_t i = 0; i < g->count; i++) {
        log_info(&(struct log_ctx){.tenant = g->names[i]}, "tenant.delete",
                 "going on with a deletion that was interrupted");
        start_delete(b, g->names[i], NULL, NULL);
    }
    free(g);
}
