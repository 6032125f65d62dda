/*
 * The life of one page.
 *
 *   OPENING -> BINDING -> INJECTING -> RUNNING -> DEAD
 *   any -> CLOSING -> freed
 *
 * Happy path: a target is opened -> the binding for events is added (it survives navigation) -> the
 * script is added for every document to come -> the address is loaded. Each document says hello
 * with an instance id of its own; from then on only events of that instance pass, until the browser
 * tells that the document's contexts are gone (PAGE_UNLOADED). Reloads, logouts and crashes of the
 * page's own making therefore need nothing from us: the next document introduces itself.
 *
 * Failure modes: opening or a navigation fails -> on_trouble; the target crashes or its browser
 * dies -> DEAD and on_trouble(fatal); a batch that does not parse is logged and dropped; a dialog
 * (beforeunload) is accepted, or navigation would hang on it.
 */
#include "page_priv.h"

#include "buf.h"
#include "json.h"
#include "mem.h"

#include <stdlib.h>
#include <string.h>

#define BINDING "__wabridgeEvents"
#define NAVIGATE_FACTOR 2 /* of a call: until the first bytes of the document are there */

static void trouble(struct page *p, const struct err *e, bool fatal)
{
    if (p->phase == PAGE_CLOSING || p->phase == PAGE_DEAD) {
        return;
    }
    if (fatal) {
        p->phase = PAGE_DEAD;
        p->instance[0] = '\0';
    }
    p->o.on_trouble(p->o.arg, e, fatal);
}

/* ---- opening ----------------------------------------------------------------------------- */

static void on_navigated(struct cdp_call *call, const struct err *e, const char *result, size_t len)
{
    struct page *p = call->data;
    struct err why;

    if (e) {
        if (e->code != E_CANCELED && e->code != E_CLOSED) {
            err_copy(&why, e);
            err_wrap(&why, "loading %s", p->origin);
            trouble(p, &why, false);
        }
        return;
    }
    json_t *v = json_parse(result, len, 65536, NULL);
    const char *text = json_str(v, "errorText");
    if (text && strcmp(text, "net::ERR_ABORTED") != 0) {
        err_set(&why, E_UNAVAILABLE, "%s could not be loaded: %.100s", p->origin, text);
        trouble(p, &why, false);
    }
    json_decref(v);
}

static void navigate(struct page *p)
{
    struct buf params;

    if (p->navigation.active) {
        return;
    }
    p->navigation.data = p;
    buf_init(&params, 8192);
    (void)buf_str(&params, "{\"url\":");
    (void)json_quote(&params, p->origin, strlen(p->origin));
    if (buf_char(&params, '}') == 0) {
        cdp_page_call(p->target, &p->navigation, "Page.navigate", params.data, params.len,
                      NAVIGATE_FACTOR * p->o.call_timeout_ms, on_navigated);
    }
    buf_finish(&params);
}

static void on_step(struct cdp_call *call, const struct err *e, const char *result, size_t len)
{
    struct page *p = call->data;
    (void)result;
    (void)len;
    if (e) {
        struct err why;
        err_copy(&why, e);
        err_wrap(&why, "preparing the page");
        trouble(p, &why, true);
        return;
    }
    if (p->phase == PAGE_BINDING) {
        p->phase = PAGE_INJECTING;
        cdp_page_call(p->target, &p->step, "Page.addScriptToEvaluateOnNewDocument",
                      p->o.script->params, p->o.script->params_len, 0, on_step);
    } else if (p->phase == PAGE_INJECTING) {
        p->phase = PAGE_RUNNING;
        navigate(p);
    }
}

static void on_opened(void *arg, const struct err *e)
{
    static const char params[] = "{\"name\":\"" BINDING "\"}";
    struct page *p = arg;
    if (p->phase != PAGE_OPENING) {
        return;
    }
    if (e) {
        trouble(p, e, true);
        return;
    }
    p->phase = PAGE_BINDING;
    p->step.data = p;
    cdp_page_call(p->target, &p->step, "Runtime.addBinding", params, sizeof(params) - 1, 0,
                  on_step);
}

/* ---- events ------------------------------------------------------------------------------ */

static void deliver(struct page *p, const struct page_batch *batch)
{
    struct page_event ev;
    struct err e;

    for (size_t i = 0; i < page_batch_count(batch) && p->phase == PAGE_RUNNING; i++) {
        if (page_batch_read(batch, i, &ev, &e) != 0) {
            log_warn(p->o.log, "page.event", "left out: %s", e.msg);
            continue;
        }
        if (ev.kind == PAGE_HELLO) {
            memcpy(p->instance, batch->instance, sizeof(p->instance));
        } else if (strcmp(p->instance, batch->instance) != 0) {
            log_debug(p->o.log, "page.event", "left out: a document that is gone");
            continue;
        }
        p->o.on_event(p->o.arg, &ev);
    }
}

static void on_binding(struct page *p, const char *params, size_t len)
{
    struct page_batch batch;
    struct err e;

    err_clear(&e);
    json_t *v = json_parse(params, len, (size_t)4 * PAGE_BATCH_MAX, &e);
    const json_t *payload = json_object_get(v, "payload");
    if (strcmp(json_str_or(v, "name", ""), BINDING) == 0 && json_is_string(payload)) {
        if (page_batch_parse(json_string_value(payload), json_string_length(payload), &batch, &e) ==
            0) {
            deliver(p, &batch);
            page_batch_finish(&batch);
        }
    }
    if (e.code != 0) {
        log_warn(p->o.log, "page.event", "a batch was left out: %s", e.msg);
    }
    json_decref(v);
}

static void on_dialog_done(struct cdp_call *call, const struct err *e, const char *result,
                           size_t len)
{
    (void)call;
    (void)e;
    (void)result;
    (void)len;
}

static void on_cdp_event(void *arg, const char *method, const char *params, size_t len)
{
    static const char accept[] = "{\"accept\":true}";
    static const struct page_event unloaded = {.kind = PAGE_UNLOADED};
    struct page *p = arg;

    if (p->phase != PAGE_RUNNING) {
        return;
    }
    if (strcmp(method, "Runtime.bindingCalled") == 0) {
        on_binding(p, params, len);
    } else if (strcmp(method, "Runtime.executionContextsCleared") == 0) {
        p->instance[0] = '\0';
        p->o.on_event(p->o.arg, &unloaded);
    } else if (strcmp(method, "Page.javascriptDialogOpening") == 0 && !p->dialog.active) {
        cdp_page_call(p->target, &p->dialog, "Page.handleJavaScriptDialog", accept,
                      sizeof(accept) - 1, 0, on_dialog_done);
    }
}

static void on_gone(void *arg, const struct err *e)
{
    trouble(arg, e, true);
}

/* ---- life -------------------------------------------------------------------------------- */

int page_open(const struct page_options *o, struct page **out, struct err *e)
{
    struct page *p = mem_calloc(1, sizeof(*p));
    if (!p || !(p->origin = mem_strdup(o->origin))) {
        free(p);
        return err_set(e, E_NOMEM, "out of memory");
    }
    p->o = *o;
    p->channel.page = p;
    list_init(&p->calls);
    list_init(&p->failed);
    list_init(&p->sends);
    list_init(&p->fetches);
    struct cdp_page_options po = {
        .on_opened = on_opened, .on_event = on_cdp_event, .on_gone = on_gone, .arg = p};
    int rc = cdp_page_open(o->browser, &po, &p->target, e);
    if (rc != 0) {
        free(p->origin);
        free(p);
        return rc;
    }
    (void)uv_timer_init(o->loop, &p->later);
    p->later.data = p;
    *out = p;
    return 0;
}

void page_reload(struct page *p)
{
    if (p->phase == PAGE_RUNNING) {
        if (p->navigation.active) {
            cdp_call_cancel(&p->navigation); /* the next watchdog round tries again */
        }
        navigate(p);
    }
}

void page_collect_garbage(struct page *p)
{
    if (p->phase == PAGE_RUNNING && !p->garbage.active) {
        cdp_page_call(p->target, &p->garbage, "HeapProfiler.collectGarbage", NULL, 0, 60000,
                      on_dialog_done);
    }
}

bool page_idle(const struct page *p)
{
    return list_empty(&p->calls) && list_empty(&p->sends) && list_empty(&p->fetches);
}

struct channel *page_channel(struct page *p)
{
    return &p->channel;
}

static void on_later_closed(uv_handle_t *h)
{
    struct page *p = h->data;
    void (*on_closed)(void *) = p->on_closed;
    void *arg = p->closed_arg;
    free(p->origin);
    free(p);
    on_closed(arg);
}

void page_maybe_free(struct page *p)
{
    if (p->phase != PAGE_CLOSING || !p->target_closed || !list_empty(&p->calls) ||
        !list_empty(&p->failed) || !list_empty(&p->sends) || !list_empty(&p->fetches)) {
        return;
    }
    for (size_t i = 0; i < PAGE_RESERVE; i++) {
        if (p->reserve[i].page) {
            return;
        }
    }
    if (!uv_is_closing((uv_handle_t *)&p->later)) {
        /* the last step: nothing can start a call any more */
        uv_close((uv_handle_t *)&p->later, on_later_closed);
    }
}

static void on_target_closed(void *arg)
{
    struct page *p = arg;
    p->target = NULL;
    p->target_closed = true;
    page_maybe_free(p);
}

void page_close(struct page *p, void (*on_closed)(void *arg), void *arg)
{
    p->phase = PAGE_CLOSING;
    p->on_closed = on_closed;
    p->closed_arg = arg;
    cdp_page_close(p->target, on_target_closed, p);
}
