/*
 * Which webhooks want an event: the webhooks' patterns, parsed once per tenant and kept.
 *
 * Only the writer thread touches the cache. It is filled from inside a transaction, so whatever
 * that transaction changes later must drop it again: an apply that puts or deletes a webhook calls
 * router_forget(), and a rollback drops everything (store_on_rollback).
 */
#include "relay_priv.h"

#include "buf.h"
#include "json.h"
#include "log.h"
#include "mem.h"
#include "text.h"

#include <stdlib.h>
#include <string.h>

#define BUCKETS 256
#define MAX_TENANTS 4096 /* kept at once; past it all are dropped and come back as needed */

struct route {
    struct route *next;
    char webhook[64];
    bool sessions_only; /* nothing that is of no session */
    char **events;   /* NULL-terminated */
    char **sessions; /* NULL-terminated */
};
struct routes { /* of one tenant */
    struct routes *next;
    char tenant[64];
    struct route *first;
};
struct router {
    struct store *store;
    struct routes *buckets[BUCKETS];
    size_t count;
    struct buf scratch;
};

static void free_texts(char **list)
{
    for (size_t i = 0; list != NULL && list[i] != NULL; i++) {
        free(list[i]);
    }
    free(list);
}

static void route_free(struct route *route)
{
    free_texts(route->events);
    free_texts(route->sessions);
    free(route);
}

static void routes_free(struct routes *list)
{
    while (list->first != NULL) {
        struct route *next = list->first->next;
        route_free(list->first);
        list->first = next;
    }
    free(list);
}

static void drop_all(void *arg)
{
    struct router *r = arg;
    for (size_t i = 0; i < BUCKETS; i++) {
        while (r->buckets[i] != NULL) {
            struct routes *next = r->buckets[i]->next;
            routes_free(r->buckets[i]);
            r->buckets[i] = next;
        }
    }
    r->count = 0;
}

int router_create(struct bridge *b, struct router **out, struct err *e)
{
    struct router *r = mem_calloc(1, sizeof(*r));
    if (r == NULL) {
        return err_set(e, E_NOMEM, "out of memory");
    }
    r->store = b->store;
    buf_init(&r->scratch, STORE_MAX_VALUE);
    store_on_rollback(b->store, drop_all, r);
    *out = r;
    return 0;
}

void router_free(struct router *r)
{
    if (r == NULL) {
        return;
    }
    store_on_rollback(r->store, NULL, NULL);
    drop_all(r);
    buf_finish(&r->scratch);
    free(r);
}

struct buf *router_scratch(struct router *r)
{
    if (r == NULL) {
        return NULL;
    }
    buf_reset(&r->scratch);
    return &r->scratch;
}

static size_t bucket_of(const char *tenant)
{
    return (size_t)(event_lane(NULL, tenant) % BUCKETS);
}

void router_forget(struct router *r, const char *tenant)
{
    if (r == NULL) {
        return;
    }
    struct routes **at = &r->buckets[bucket_of(tenant)];
    while (*at != NULL && strcmp((*at)->tenant, tenant) != 0) {
        at = &(*at)->next;
    }
    if (*at != NULL) {
        struct routes *gone = *at;
        *at = gone->next;
        routes_free(gone);
        r->count--;
    }
}

/* ---- filling -----------------------------------------------------------------------------------
 */

static char **texts_of(const json_t *list)
{
    size_t n = json_array_size(list);
    char **out = mem_calloc(n + 1, sizeof(*out));
    for (size_t i = 0; out != NULL && i < n; i++) {
        const char *s = json_string_value(json_array_get(list, i));
        out[i] = mem_strdup(s != NULL ? s : "");
        if (out[i] == NULL) {
            free_texts(out);
            return NULL;
        }
    }
    return out;
}

static int on_stored(void *arg, const char *const *path, struct store_value v)
{
    struct routes *list = arg;
    struct err e;
    json_t *record = record_parse(v, &e);
    if (record == NULL) {
        return e.code;
    }
    int rc = 0;
    if (json_flag(record, "enabled", true)) {
        struct route *route = mem_calloc(1, sizeof(*route));
        if (route != NULL) {
            memcpy(route->webhook, path[1], strnlen(path[1], sizeof(route->webhook) - 1));
            route->sessions_only = json_flag(record, "sessions_only", false);
            route->events = texts_of(json_arr(record, "events"));
            route->sessions = texts_of(json_arr(record, "sessions"));
        }
        if (route == NULL || route->events == NULL || route->sessions == NULL) {
            rc = E_NOMEM;
            if (route != NULL) {
                route_free(route);
            }
        } else {
            route->next = list->first;
            list->first = route;
        }
    }
    json_decref(record);
    return rc;
}

static int fill(struct router *r, struct store_txn *t, const char *tenant, struct routes **out)
{
    if (r->count >= MAX_TENANTS) {
        drop_all(r);
    }
    struct routes *list = mem_calloc(1, sizeof(*list));
    if (list == NULL) {
        return E_NOMEM;
    }
    memcpy(list->tenant, tenant, strnlen(tenant, sizeof(list->tenant) - 1));
    int rc = store_scan(t, STORE_WEBHOOKS, STORE_PATH(tenant), NULL, on_stored, list);
    if (rc != 0) {
        routes_free(list);
        return rc;
    }
    size_t bucket = bucket_of(tenant);
    list->next = r->buckets[bucket];
    r->buckets[bucket] = list;
    r->count++;
    *out = list;
    return 0;
}

/* ---- matching ----------------------------------------------------------------------------------
 */

static bool matches(char *const *patterns, const char *s)
{
    for (size_t i = 0; patterns[i] != NULL; i++) {
        if (text_glob(patterns[i], s)) {
            return true;
        }
    }
    return false;
}

int router_match(struct router *r, struct store_txn *t, const char *tenant, const char *session,
                 const char *type, int (*fn)(void *arg, const char *webhook), void *arg)
{
    if (r == NULL) {
        return 0;
    }
    struct routes *list = r->buckets[bucket_of(tenant)];
    while (list != NULL && strcmp(list->tenant, tenant) != 0) {
        list = list->next;
    }
    int rc = list == NULL ? fill(r, t, tenant, &list) : 0;
    for (struct route *it = rc == 0 ? list->first : NULL; it != NULL && rc == 0; it = it->next) {
        /* what belongs to no session concerns all of them */
        if (matches(it->events, type) &&
            (session == NULL ? !it->sessions_only : matches(it->sessions, session))) {
            rc = fn(arg, it->webhook);
        }
    }
    return rc;
}
