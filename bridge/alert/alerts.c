/* The alerts of the node: listed, counted, looked at by a timer. */
#include "alert_priv.h"

#include "clock.h"
#include "json.h"
#include "mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name, *help;
} kinds[ALERT_KINDS] = {
#define ALERT_TEXT(kind, name, help) [kind] = {name, help},
    ALERT_TABLE(ALERT_TEXT)
#undef ALERT_TEXT
};

const char *alert_name(enum alert_kind kind)
{
    return kinds[kind].name;
}

int alert_kind_parse(const char *name)
{
    int k = ALERT_KINDS - 1;
    while (k >= 0 && strcmp(kinds[k].name, name) != 0) {
        k--;
    }
    return k;
}

json_t *alert_object(const struct alert_facts *f)
{
    json_t *o = json_object();
    bool ok = o != NULL && json_set_str(o, "alert", alert_name(f->kind)) == 0 &&
              json_set_str(o, "state", f->firing ? "firing" : "resolved") == 0 &&
              json_set_str(o, "session", f->session[0] != '\0' ? f->session : NULL) == 0 &&
              json_set_str(o, "webhook", f->webhook[0] != '\0' ? f->webhook : NULL) == 0 &&
              json_set_time(o, "since", f->since_ms) == 0 &&
              body_set(o, "value", json_real(f->value)) == 0 &&
              body_set(o, "threshold", json_real(f->threshold)) == 0 &&
              json_set_str(o, "detail", f->detail) == 0 &&
              json_set_str(o, "help", kinds[f->kind].help) == 0;
    if (!ok) {
        json_decref(o);
        return NULL;
    }
    return o;
}

/* ---- the list ----------------------------------------------------------------------------------
 */

struct alert *alert_find(struct alerts *a, enum alert_kind kind, const char *tenant,
                         const char *session, const char *webhook)
{
    LIST_FOREACH(&a->all, it, next)
    {
        struct alert *x = LIST_ENTRY(it, struct alert, link);
        const struct alert_facts *f = &x->facts;
        if (f->kind == kind && strcmp(f->tenant, tenant) == 0 &&
            strcmp(f->session, session) == 0 && strcmp(f->webhook, webhook) == 0) {
            return x;
        }
    }
    return NULL;
}

struct alert *alert_make(struct alerts *a, enum alert_kind kind, const char *tenant,
                         const char *session, const char *webhook)
{
    struct alert *x = a->count < ALERTS_MAX ? mem_calloc(1, sizeof(*x)) : NULL;
    if (x == NULL) {
        return NULL;
    }
    x->facts.kind = kind;
    (void)snprintf(x->facts.tenant, sizeof(x->facts.tenant), "%s", tenant);
    (void)snprintf(x->facts.session, sizeof(x->facts.session), "%s", session);
    (void)snprintf(x->facts.webhook, sizeof(x->facts.webhook), "%s", webhook);
    list_append(&a->all, &x->link);
    a->count++;
    return x;
}

void alert_drop(struct alerts *a, struct alert *x)
{
    list_remove(&x->link);
    a->count--;
    free(x);
}

void alerts_count(const struct alerts *a, unsigned out[ALERT_KINDS])
{
    memset(out, 0, ALERT_KINDS * sizeof(out[0]));
    if (a == NULL) {
        return;
    }
    LIST_FOREACH(&a->all, it, next)
    {
        const struct alert *x = LIST_ENTRY(it, struct alert, link);
        out[x->facts.kind] += x->facts.firing;
    }
}

int bridge_alert_list(struct bridge *b, const char *tenant, json_t **out, struct err *e)
{
    int rc = tenant != NULL ? tenant_exists(b, tenant, e) : 0;
    if (rc != 0) {
        return rc;
    }
    json_t *items = json_array();
    LIST_FOREACH(&b->alerts->all, it, next)
    {
        const struct alert_facts *f = &LIST_ENTRY(it, struct alert, link)->facts;
        if (!f->firing || (tenant != NULL && strcmp(f->tenant, tenant) != 0)) {
            continue;
        }
        json_t *o = alert_object(f);
        if (o == NULL || json_set_str(o, "tenant", f->tenant[0] != '\0' ? f->tenant : NULL) != 0 ||
            json_array_append(items, o) != 0) {
            json_decref(items);
            items = NULL;
        }
        json_decref(o);
        if (items == NULL) {
            break;
        }
    }
    *out = page_body(items, NULL);
    return *out != NULL ? 0 : err_set(e, E_NOMEM, "out of memory");
}

/* ---- counts ------------------------------------------------------------------------------------
 */

void alert_sent(struct bridge *b, struct alert_counts *c, uint32_t n)
{
    window_add(&c->sent, clock_mono_ms(), b->cfg.alerts.window_ms, n);
}

void alert_send_failed(struct bridge *b, struct alert_counts *c, const char *code, uint32_t n)
{
    /* a wrong number is the caller's, not a fault of the session */
    if (strcmp(code, "not_on_whatsapp") != 0) {
        window_add(&c->failed, clock_mono_ms(), b->cfg.alerts.window_ms, n);
    }
}

void alert_session_fell(struct bridge *b, struct alert_counts *c)
{
    window_add(&c->falls, clock_mono_ms(), b->cfg.alerts.flap_window_ms, 1);
}

/* ---- life --------------------------------------------------------------------------------------
 */

static void on_timer(uv_timer_t *timer)
{
    struct bridge *b = timer->data;
    alerts_look(b->alerts);
}

int alerts_create(struct bridge *b, struct alerts **out, struct err *e)
{
    struct alerts *a = mem_calloc(1, sizeof(*a));
    if (a == NULL) {
        return err_set(e, E_NOMEM, "out of memory");
    }
    a->b = b;
    a->probe.a = a;
    list_init(&a->all);
    int rc = alerts_load(a, e);
    if (rc != 0) {
        alerts_free(a);
        return rc;
    }
    *out = a;
    return 0;
}

void alerts_free(struct alerts *a)
{
    struct list *it = NULL;
    while (a != NULL && (it = list_pop(&a->all)) != NULL) {
        free(LIST_ENTRY(it, struct alert, link));
    }
    free(a);
}

uv_timer_t *alerts_timer(struct alerts *a)
{
    return &a->timer;
}

void alerts_start(struct alerts *a)
{
    uint64_t period = a->b->cfg.alerts.check_ms;
    alerts_probe(a);
    (void)uv_timer_start(&a->timer, on_timer, period, period);
}

void alerts_wake(struct alerts *a)
{
    if (a != NULL && !a->b->closing) {
        (void)uv_timer_start(&a->timer, on_timer, 0, a->b->cfg.alerts.check_ms);
    }
}
