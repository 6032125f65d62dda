/* What a tenant allows its widget, a member of the tenant's record. */
#include "widget.h"

#include "json.h"
#include "mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The record of a tenant that is there. Gives. */
static int find(struct store_txn *t, const char *tenant, json_t **record, struct err *e)
{
    struct store_value v;
    int rc = tenant_check(t, tenant, e);
    rc = rc != 0 ? rc : store_get(t, STORE_TENANTS, STORE_PATH(tenant), &v);
    if (rc == 0) {
        *record = record_parse(v, e);
        rc = *record != NULL ? 0 : E_INTERNAL;
    }
    return rc;
}

int bridge_widget_get(struct bridge *b, const char *tenant, json_t **out, struct err *e)
{
    struct store_txn *t = NULL;
    json_t *record = NULL;
    *out = NULL;
    int rc = store_read(b->store, &t, e);
    if (rc == 0) {
        rc = find(t, tenant, &record, e);
        store_read_end(t);
    }
    if (rc == 0) {
        *out = widget_settings_object(record);
        rc = *out != NULL ? 0 : err_set(e, E_NOMEM, "out of memory");
    }
    json_decref(record);
    return rc;
}

void bridge_widget_ancestors(struct bridge *b, const char *tenant,
                             char out[BRIDGE_WIDGET_ANCESTORS])
{
    json_t *settings = NULL;
    size_t used = 0;
    out[0] = '\0';
    if (bridge_widget_get(b, tenant, &settings, NULL) == 0) {
        const json_t *list = json_arr(settings, "origins");
        for (size_t i = 0; i < json_array_size(list); i++) {
            const char *origin = json_string_value(json_array_get(list, i));
            int n = snprintf(out + used, BRIDGE_WIDGET_ANCESTORS - used, "%s%s",
                             used > 0 ? " " : "", origin != NULL ? origin : "");
            used += n > 0 ? (size_t)n : 0;
        }
    }
    json_decref(settings);
    if (used == 0) {
        memcpy(out, "'none'", sizeof("'none'"));
    }
}

/* ---- put ---------------------------------------------------------------------------------------
 */

struct widget_put {
    struct call call; /* first */
    char tenant[64];
    json_t *settings;
};

static int apply_put(struct store_txn *t, struct call *c, struct err *e)
{
    struct widget_put *p = (struct widget_put *)c;
    json_t *record = NULL;
    int rc = find(t, p->tenant, &record, e);
    rc = rc != 0 ? rc : body_set(record, "widget", json_incref(p->settings));
    rc = rc != 0 ? rc : record_put(t, STORE_TENANTS, STORE_PATH(p->tenant), record, e);
    json_decref(record);
    if (rc == 0 && c->answer == NULL) {
        c->answer = json_deep_copy(p->settings);
        rc = c->answer != NULL ? 0 : E_NOMEM;
    }
    return rc;
}

static void release_put(struct call *c)
{
    struct widget_put *p = (struct widget_put *)c;
    json_decref(p->settings);
    json_decref(c->answer);
    free(p);
}

void bridge_widget_put(struct bridge *b, const char *tenant, const json_t *body,
                       bridge_done_fn done, void *arg)
{
    struct err e;
    json_t *settings = NULL;
    struct widget_put *p = NULL;
    err_clear(&e);
    if (widget_settings_check(body, &settings, &e) == 0) {
        p = mem_calloc(1, sizeof(*p));
        if (p == NULL) {
            err_set(&e, E_NOMEM, "out of memory");
        }
    }
    if (p == NULL) {
        json_decref(settings);
        reply_later(b, done, arg, &e, NULL);
        return;
    }
    (void)snprintf(p->tenant, sizeof(p->tenant), "%s", tenant);
    p->settings = settings;
    p->call.apply = apply_put;
    p->call.release = release_put;
    call_submit(&p->call, b, done, arg);
}
