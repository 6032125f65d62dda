/*
 * Counts by local day, session, channel, direction and country. Each row is one of a bounded set:
 * the days that are kept, times the sessions of a day, times some 250 calling codes.
 */
#include "usage.h"

#include "json.h"
#include "mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHANNEL "web"
#define TYPE_LEN 24
#define TYPES_MAX 40 /* of a row; there are some 20 */

static int bump(json_t *o, const char *key, uint64_t by)
{
    return by == 0 ? 0 : json_object_set_new(o, key, json_integer(json_int(o, key, 0) + (json_int_t)by));
}

static int put_row(struct store_txn *t, const char *const *path, const struct usage_item *u)
{
    struct store_value v;
    int rc = store_get(t, STORE_USAGE, path, &v);
    if (rc != 0 && rc != E_NOTFOUND) {
        return rc;
    }
    json_t *o = rc == 0 ? record_parse(v, NULL) : json_object();
    json_t *types = json_obj(o, "types");
    rc = o != NULL ? 0 : E_NOMEM;
    if (rc == 0 && types == NULL) {
        types = json_object();
        rc = body_set(o, "types", types);
    }
    if (rc == 0 && u->type != NULL) {
        char type[TYPE_LEN];
        (void)snprintf(type, sizeof(type), "%s", u->type);
        if (json_object_get(types, type) == NULL && json_object_size(types) >= TYPES_MAX) {
            memcpy(type, "other", sizeof("other")); /* a page that makes up names fills no row */
        }
        rc = bump(o, "messages", 1) != 0 || bump(types, type, 1) != 0 ? E_NOMEM : 0;
    }
    rc = rc == 0 && bump(o, "bytes", u->bytes) != 0 ? E_NOMEM : rc;
    rc = rc != 0 ? rc : record_put(t, STORE_USAGE, path, o, NULL);
    json_decref(o);
    return rc;
}

int usage_count(struct store_txn *t, const struct usage_item *u, uint64_t now_ms)
{
    char day[ZONE_DATE_LEN], key[40];
    if (u->type == NULL && u->bytes == 0) {
        return 0;
    }
    json_t *record = usage_tenant(t, u->tenant);
    zone_date(usage_zone(record), now_ms, day);
    json_decref(record);
    const char *code = u->group ? "group" : country_code_of(u->phone);
    (void)snprintf(key, sizeof(key), CHANNEL ".%s.%s", u->out ? "out" : "in",
                   code != NULL ? code : "unknown");
    return put_row(t, STORE_PATH(u->tenant, day, u->session, key), u);
}

/* ---- what is too old ----------------------------------------------------------------------------- */

#define NAMES 200

struct old_rows {
    struct store_txn *t;
    char cutoff[ZONE_DATE_LEN];
    size_t left, gone, count;
    struct {
        char part[3][64];
    } name[NAMES];
};

static int on_row(void *arg, const char *const *path, struct store_value v)
{
    struct old_rows *o = arg;
    (void)v;
    if (strcmp(path[1], o->cutoff) >= 0 || o->count == NAMES || o->count == o->left) {
        return 1;
    }
    for (size_t i = 0; i < 3; i++) {
        (void)snprintf(o->name[o->count].part[i], sizeof(o->name[0].part[0]), "%s", path[i + 1]);
    }
    o->count++;
    return 0;
}

static int on_tenant(void *arg, const char *const *path, struct store_value v)
{
    struct old_rows *o = arg;
    char tenant[64];
    (void)v;
    (void)snprintf(tenant, sizeof(tenant), "%s", path[0]);
    o->count = 0;
    int rc = store_scan(o->t, STORE_USAGE, STORE_PATH(tenant), NULL, on_row, o);
    for (size_t i = 0; i < o->count && rc >= 0; i++) {
        rc = store_del(o->t, STORE_USAGE,
                       STORE_PATH(tenant, o->name[i].part[0], o->name[i].part[1],
                                  o->name[i].part[2]));
        o->gone++;
        o->left--;
    }
    return rc < 0 ? rc : o->left == 0;
}

int usage_trim(struct store_txn *t, uint64_t before_ms, size_t max, size_t *n)
{
    struct old_rows *o = mem_calloc(1, sizeof(*o));
    *n = 0;
    if (o == NULL) {
        return E_NOMEM;
    }
    o->t = t;
    o->left = max;
    zone_date(zone_get(NULL), before_ms, o->cutoff);
    int rc = store_scan(t, STORE_TENANTS, NULL, NULL, on_tenant, o);
    *n = o->gone;
    free(o);
    return rc < 0 ? rc : 0;
}
