/*
 * An alert in the store: a row while it fires, and its event, in one transaction. So a restart
 * neither forgets that it fires nor tells it twice; a store that cannot be written gets what is
 * then true when it can. Alerts of the node are told to the tenant of [alerts] tenant.
 */
#include "alert_priv.h"

#include "clock.h"
#include "event.h"
#include "json.h"
#include "mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NONE "-" /* in a path: no name begins like this */
#define NODE_PREFIX "alert."

struct tell {
    struct call call; /* first */
    struct alert_facts facts;
    bool gone, told;
    char tenant[64]; /* whose log gets the event; "": nobody's */
};

static const char *path_part(const char *name)
{
    return name[0] != '\0' ? name : NONE;
}

static int apply_row(struct store_txn *t, const struct tell *w, const json_t *data, struct err *e)
{
    const struct alert_facts *f = &w->facts;
    char meta[64];
    (void)snprintf(meta, sizeof(meta), NODE_PREFIX "%s", alert_name(f->kind));
    const char *const node[] = {meta, NULL};
    const char *const own[] = {f->tenant, path_part(f->session), path_part(f->webhook),
                               alert_name(f->kind), NULL};
    bool of_node = f->tenant[0] == '\0';
    enum store_table table = of_node ? STORE_META : STORE_ALERTS;
    if (f->firing && !w->gone) {
        return record_put(t, table, of_node ? node : own, data, e);
    }
    int rc = store_del(t, table, of_node ? node : own);
    return rc == E_NOTFOUND ? 0 : rc;
}

static int apply_tell(struct store_txn *t, struct call *c, struct err *e)
{
    struct tell *w = (struct tell *)c;
    bool silent = w->gone || w->facts.kind == ALERT_WEBHOOK_FAILING || w->tenant[0] == '\0';
    w->told = false;
    if (w->facts.tenant[0] != '\0' && tenant_check(t, w->facts.tenant, NULL) != 0) {
        return 0; /* its rows go with it */
    }
    json_t *data = alert_object(&w->facts);
    size_t len = 0;
    char *text = data != NULL ? json_text(data, &len) : NULL;
    int rc = text != NULL ? apply_row(t, w, data, e) : E_NOMEM;
    if (rc == 0 && !silent && tenant_check(t, w->tenant, NULL) == 0) {
        char type[64];
        (void)snprintf(type, sizeof(type), NODE_PREFIX "%s", alert_name(w->facts.kind));
        const struct event_draft draft = {
            .tenant = w->tenant,
            .session = w->facts.session[0] != '\0' ? w->facts.session : NULL,
            .type = type,
            .data = text,
            .data_len = len,
        };
        rc = event_append(c->b, t, &draft, NULL, e);
        w->told = rc == 0;
    }
    free(text);
    json_decref(data);
    return rc;
}

static void finish_tell(struct call *c, int rc)
{
    struct tell *w = (struct tell *)c;
    struct alerts *a = c->b->alerts;
    const struct alert_facts *f = &w->facts;
    struct alert *x = alert_find(a, f->kind, f->tenant, f->session, f->webhook);
    if (rc == 0 && w->told) {
        event_committed(c->b, w->tenant);
    }
    if (x == NULL) {
        return;
    }
    x->telling = false;
    if (rc == 0 && w->gone) {
        alert_drop(a, x);
    } else if (rc == 0 && f->firing == x->facts.firing) {
        x->tell = false;
    }
}

static void release_tell(struct call *c)
{
    free(c);
}

void alert_tell(struct alerts *a, struct alert *x, bool gone)
{
    struct tell *w = a->b->closing ? NULL : mem_calloc(1, sizeof(*w));
    if (w == NULL) {
        return; /* the next round tries again */
    }
    w->facts = x->facts;
    w->gone = gone;
    const char *to = x->facts.tenant[0] != '\0' ? x->facts.tenant : a->b->cfg.alerts.tenant;
    (void)snprintf(w->tenant, sizeof(w->tenant), "%s", to != NULL ? to : "");
    w->call.apply = apply_tell;
    w->call.finish = finish_tell;
    w->call.release = release_tell;
    x->telling = true;
    call_submit(&w->call, a->b, NULL, NULL);
}

/* ---- what fired before a restart ---------------------------------------------------------------
 */

static uint64_t since_of(const json_t *record)
{
    uint64_t since = 0;
    const char *text = json_str(record, "since");
    return text != NULL && clock_parse_rfc3339(text, &since) == 0 ? since : 0;
}

static int load(struct alerts *a, const char *tenant, const char *session, const char *webhook,
                const char *name, struct store_value v)
{
    int kind = alert_kind_parse(name);
    json_t *record = record_parse(v, NULL);
    struct alert *x = NULL;
    if (record != NULL && kind >= 0) {
        x = alert_make(a, (enum alert_kind)kind, tenant, session, webhook);
    }
    if (x != NULL) {
        x->facts.firing = x->state.firing = x->state.bad = true;
        x->state.since_ms = clock_mono_ms();
        x->facts.since_ms = since_of(record);
        x->facts.value = json_number_value(json_object_get(record, "value"));
        x->facts.threshold = json_number_value(json_object_get(record, "threshold"));
        (void)snprintf(x->facts.detail, sizeof(x->facts.detail), "%s",
                       json_str_or(record, "detail", ""));
    }
    json_decref(record);
    return 0;
}

static const char *name_part(const char *part)
{
    return strcmp(part, NONE) == 0 ? "" : part;
}

static int on_row(void *arg, const char *const *path, struct store_value v)
{
    return load(arg, path[0], name_part(path[1]), name_part(path[2]), path[3], v);
}

static int on_meta(void *arg, const char *const *path, struct store_value v)
{
    size_t n = sizeof(NODE_PREFIX) - 1;
    return strncmp(path[0], NODE_PREFIX, n) == 0 ? load(arg, "", "", "", path[0] + n, v) : 0;
}

int alerts_load(struct alerts *a, struct err *e)
{
    struct store_txn *t = NULL;
    int rc = store_read(a->b->store, &t, e);
    if (rc != 0) {
        return rc;
    }
    rc = store_scan(t, STORE_ALERTS, NULL, NULL, on_row, a);
    rc = rc != 0 ? rc : store_scan(t, STORE_META, NULL, NULL, on_meta, a);
    store_read_end(t);
    return rc == 0 ? 0 : store_err(e, rc, "the alerts could not be read");
}

uint64_t alert_stored_since(struct store_txn *t, const char *tenant, const char *webhook)
{
    struct store_value v;
    const char *name = alert_name(ALERT_WEBHOOK_FAILING);
    if (store_get(t, STORE_ALERTS, STORE_PATH(tenant, NONE, webhook, name), &v) != 0) {
        return 0;
    }
    json_t *record = record_parse(v, NULL);
    uint64_t since = since_of(record);
    json_decref(record);
    return since;
}
