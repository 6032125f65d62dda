/* Builds of wa-js in memory, shared by the sessions that run them; the adapter made and freed. */
#include "adapter_priv.h"

#include "mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- builds ------------------------------------------------------------------------------- */

struct script *script_share(struct script *s)
{
    if (s) {
        s->refs++;
    }
    return s;
}

void script_drop(struct script *s)
{
    if (s && --s->refs == 0) {
        wa_js_finish(&s->js);
        free(s);
    }
}

struct script *script_new(const struct wa_js *js)
{
    struct script *s = mem_calloc(1, sizeof(*s));
    if (s) {
        *s = (struct script){.js = *js, .refs = 1};
    }
    return s;
}

struct script *adapter_script(struct session *s)
{
    struct script *use = script_share(s->trial ? s->trial : s->all->adapter->current);
    script_drop(s->script);
    return s->script = use;
}

void adapter_forget(struct session *s)
{
    script_drop(s->script);
    script_drop(s->trial);
    s->script = s->trial = NULL;
}

/* ---- life --------------------------------------------------------------------------------- */

static void load_previous(struct adapter *a)
{
    char path[4096];
    struct wa_js js = {0};
    struct err e;
    int n = snprintf(path, sizeof(path), "%s/%s", a->all->b->cfg.data_dir, ADAPTER_PREVIOUS_FILE);
    if (n < 0 || (size_t)n >= sizeof(path)) {
        return;
    }
    int rc = wa_js_load(path, &js, &e);
    if (rc == 0 && !(a->previous = script_new(&js))) {
        wa_js_finish(&js);
    } else if (rc != 0 && rc != E_NOTFOUND) {
        log_warn(NULL, "adapter.previous", "%s", e.msg);
    }
}

int adapter_create(struct sessions *all, struct adapter **out, struct err *e)
{
    char path[4096];
    struct wa_js js = {0};
    struct adapter *a = mem_calloc(1, sizeof(*a));
    if (!a) {
        return err_set(e, E_NOMEM, "out of memory");
    }
    a->all = all;
    a->last = json_null();
    int rc = wa_js_load(all->b->cfg.page.wa_js, &js, e);
    if (rc == 0 && !(a->current = script_new(&js))) {
        wa_js_finish(&js);
        rc = err_set(e, E_NOMEM, "out of memory");
    }
    if (rc != 0) {
        free(a);
        return rc;
    }
    (void)snprintf(path, sizeof(path), "%.4000s/%s", all->b->cfg.data_dir, ADAPTER_FILE);
    a->installed = strcmp(path, all->b->cfg.page.wa_js) == 0;
    load_previous(a);
    (void)uv_timer_init(all->b->loop, &a->timer);
    a->timer.data = all;
    *out = a;
    return 0;
}

void adapter_stop(struct adapter *a)
{
    (void)uv_timer_stop(&a->timer);
}

bool adapter_busy(const struct adapter *a)
{
    return a->working;
}

void adapter_close(struct adapter *a, uv_close_cb on_closed)
{
    uv_close((uv_handle_t *)&a->timer, on_closed);
}

void adapter_free(struct adapter *a)
{
    script_drop(a->current);
    script_drop(a->previous);
    script_drop(a->candidate);
    json_decref(a->old_caps);
    json_decref(a->last);
    free(a);
}
