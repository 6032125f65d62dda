/*
 * One page target, driven through a flat session.
 *
 *   FIND -> (none blank) CREATE -> ATTACH -> ENABLE -> OPEN -> GONE
 *   any -> CLOSING -> freed
 *
 * Happy path: Target.getTargets; the first blank page that no other of our pages has, else
 * Target.createTarget -> attachToTarget (flat) -> Page, Runtime, Inspector enabled -> on_opened.
 * Close: calls of the page E_CANCELED -> Target.closeTarget -> on_closed.
 *
 * Failure modes: each step failing is on_opened(error). A crash, a closed target, a session taken
 * away and the browser's end all arrive at page_gone(); a crashed page answers nothing and reports
 * no error by itself, so its calls fail here. A page may outlive its browser: it is inert then.
 */
#include "browser_priv.h"

#include "json.h"
#include "mem.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CLOSE_TIMEOUT_MS 3000

enum state { FIND, CREATE, ATTACH, ENABLE, OPEN, FAILED, GONE, CLOSING };
static const struct sm_state STATES[] = {
    [FIND] = {"find", SM_BIT(CREATE) | SM_BIT(ATTACH) | SM_BIT(FAILED) | SM_BIT(CLOSING)},
    [CREATE] = {"create", SM_BIT(ATTACH) | SM_BIT(FAILED) | SM_BIT(CLOSING)},
    [ATTACH] = {"attach", SM_BIT(ENABLE) | SM_BIT(FAILED) | SM_BIT(CLOSING)},
    [ENABLE] = {"enable", SM_BIT(OPEN) | SM_BIT(FAILED) | SM_BIT(CLOSING)},
    [OPEN] = {"open", SM_BIT(GONE) | SM_BIT(CLOSING)},
    [FAILED] = {"failed", SM_BIT(CLOSING)},
    [GONE] = {"gone", SM_BIT(CLOSING)},
    [CLOSING] = {"closing", 0},
};
static const char *const DOMAINS[] = {"Inspector.enable", "Page.enable", "Runtime.enable"};

struct cdp_page {
    struct cdp *cdp;
    struct cdp_browser *browser; /* NULL once it was freed */
    struct list link;            /* in browser->pages */
    struct cdp_page_options o;
    struct sm state;
    struct route route; /* the page's session */
    char target[TARGET_ID_MAX], session[TARGET_ID_MAX];
    size_t enabled; /* DOMAINS done */
    struct cdp_call step, bye;
    struct cdp_task task; /* first step; on_gone; the end */
    struct err why;
    void (*on_closed)(void *arg);
    void *closed_arg;
};

static void on_step(struct cdp_call *call, const struct err *e, const char *result, size_t len);
static void close_target(struct cdp_page *p);

static bool in(const struct cdp_page *p, enum state s)
{
    return p->state.state == (unsigned)s;
}

struct cdp_page *page_of_link(struct list *link)
{
    return LIST_ENTRY(link, struct cdp_page, link);
}

bool page_has_session(const struct cdp_page *p, const char *session)
{
    return p->session[0] != '\0' && strcmp(p->session, session) == 0;
}

bool page_has_target(const struct cdp_page *p, const char *target)
{
    return p->target[0] != '\0' && strcmp(p->target, target) == 0;
}

/* ---- opening ----------------------------------------------------------------------------- */

static void fail(struct cdp_page *p, const struct err *e)
{
    sm_move(&p->state, FAILED);
    route_cut(&p->route, e);
    if (p->o.on_opened) {
        p->o.on_opened(p->o.arg, e);
    }
}

static void fail_proto(struct cdp_page *p, const char *what)
{
    struct err e;
    err_set(&e, E_PROTO, "the browser's answer to %s is not understood", what);
    fail(p, &e);
}

static void create(struct cdp_page *p)
{
    static const char params[] = "{\"url\":\"about:blank\"}";
    sm_move(&p->state, CREATE);
    route_call(&p->browser->route, &p->step, "Target.createTarget", params, sizeof(params) - 1, 0,
               ROUTE_FORCE, on_step);
}

static void attach(struct cdp_page *p)
{
    char params[TARGET_ID_MAX + 64];
    sm_move(&p->state, ATTACH);
    int n = snprintf(params, sizeof(params), "{\"targetId\":\"%s\",\"flatten\":true}", p->target);
    route_call(&p->browser->route, &p->step, "Target.attachToTarget", params, (size_t)n, 0,
               ROUTE_FORCE, on_step);
}

/* An id goes into JSON text as it is: only what Chromium's ids are made of. */
static bool take_id(char out[TARGET_ID_MAX], const char *id)
{
    size_t len = id ? strlen(id) : 0;
    if (len == 0 || len >= TARGET_ID_MAX ||
        strspn(id, "0123456789abcdefABCDEF-_ghijklmnopqrstuvwxyzGHIJKLMNOPQRSTUVWXYZ.") != len) {
        return false;
    }
    memcpy(out, id, len + 1);
    return true;
}

static bool is_blank(const char *url)
{
    return strcmp(url, "about:blank") == 0 || strcmp(url, "data:text/html,") == 0;
}

/* Another page of ours has it, or it was closed: Chromium lists a closed target for some moments.
 */
static bool is_taken(const struct cdp_page *p, const char *target)
{
    for (size_t i = 0; i < BROWSER_CLOSED_TARGETS; i++) {
        if (strcmp(p->browser->closed_targets[i], target) == 0) {
            return true;
        }
    }
    LIST_FOREACH(&p->browser->pages, node, next)
    {
        const struct cdp_page *other = page_of_link(node);
        if (other != p && page_has_target(other, target)) {
            return true;
        }
    }
    return false;
}

static void on_targets(struct cdp_page *p, const json_t *v)
{
    size_t i;
    json_t *info;
    json_array_foreach(json_arr(v, "targetInfos"), i, info)
    {
        const char *id = json_str_or(info, "targetId", "");
        if (strcmp(json_str_or(info, "type", ""), "page") == 0 &&
            is_blank(json_str_or(info, "url", "")) && !is_taken(p, id) && take_id(p->target, id)) {
            attach(p);
            return;
        }
    }
    create(p);
}

static void enable_next(struct cdp_page *p)
{
    if (p->enabled < sizeof(DOMAINS) / sizeof(DOMAINS[0])) {
        route_call(&p->route, &p->step, DOMAINS[p->enabled++], NULL, 0, 0, ROUTE_FORCE, on_step);
        return;
    }
    sm_move(&p->state, OPEN);
    if (p->o.on_opened) {
        p->o.on_opened(p->o.arg, NULL);
    }
}

static void on_step(struct cdp_call *call, const struct err *e, const char *result, size_t len)
{
    struct cdp_page *p = call->data;
    json_t *v = NULL;

    if (in(p, CLOSING)) {
        /* closed while Target.createTarget was on its way: the new target is not left behind */
        v = e ? NULL : json_parse(result, len, 1u << 20, NULL);
        if (p->target[0] == '\0' && json_str(v, "targetId")) {
            (void)take_id(p->target, json_str(v, "targetId"));
        }
        json_decref(v);
        close_target(p);
        return;
    }
    if (e) {
        fail(p, e);
        return;
    }
    if (!in(p, ENABLE)) {
        v = json_parse(result, len, 4u << 20, NULL);
    }
    switch ((enum state)p->state.state) {
    case FIND:
        on_targets(p, v);
        break;
    case CREATE:
        if (take_id(p->target, json_str(v, "targetId"))) {
            attach(p);
        } else {
            fail_proto(p, "Target.createTarget");
        }
        break;
    case ATTACH:
        if (take_id(p->session, json_str(v, "sessionId"))) {
            p->route.conn = &p->browser->conn;
            p->route.session = p->session;
            sm_move(&p->state, ENABLE);
            enable_next(p);
        } else {
            fail_proto(p, "Target.attachToTarget");
        }
        break;
    case ENABLE:
        enable_next(p);
        break;
    case OPEN:
    case FAILED:
    case GONE:
    case CLOSING:
        break;
    }
    json_decref(v);
}

static void first_step(void *arg)
{
    struct cdp_page *p = arg;
    struct err e;
    if (!p->browser) {
        err_set(&e, E_CLOSED, "the browser is gone");
        fail(p, &e);
        return;
    }
    route_call(&p->browser->route, &p->step, "Target.getTargets", NULL, 0, 0, ROUTE_FORCE, on_step);
}

int cdp_page_open(struct cdp_browser *b, const struct cdp_page_options *o, struct cdp_page **out,
                  struct err *e)
{
    *out = NULL;
    if (!browser_usable(b)) {
        return err_set(e, E_STATE, "the browser is not ready");
    }
    struct cdp_page *p = mem_calloc(1, sizeof(*p));
    if (!p) {
        return err_set(e, E_NOMEM, "out of memory");
    }
    p->cdp = b->cdp;
    p->browser = b;
    p->o = *o;
    sm_init(&p->state, STATES, sizeof(STATES) / sizeof(STATES[0]), FIND);
    p->route = (struct route){.cdp = b->cdp};
    err_set(&p->route.why, E_STATE, "the page is not open");
    p->step.data = p->bye.data = p;
    list_append(&b->pages, &p->link);
    cdp_task_init(&p->task, first_step, p);
    cdp_defer(p->cdp, &p->task);
    p->cdp->objects++;
    *out = p;
    return 0;
}

/* ---- open -------------------------------------------------------------------------------- */

static void tell_gone(void *arg)
{
    struct cdp_page *p = arg;
    if (p->o.on_gone) {
        p->o.on_gone(p->o.arg, &p->why);
    }
}

void page_gone(struct cdp_page *p, const struct err *e)
{
    switch ((enum state)p->state.state) {
    case FIND:
    case CREATE:
    case ATTACH:
    case ENABLE:
        /* the step in flight fails, here or with the browser, and with it the opening */
        route_cut(&p->route, e);
        return;
    case OPEN:
        sm_move(&p->state, GONE);
        p->why = *e;
        route_cut(&p->route, e);
        cdp_task_init(&p->task, tell_gone, p);
        cdp_defer(p->cdp, &p->task);
        return;
    case FAILED:
    case GONE:
    case CLOSING:
        return;
    }
}

void page_on_event(struct cdp_page *p, const char *method, const char *params, size_t len)
{
    struct err e;
    if (in(p, OPEN) && p->o.on_event) {
        p->o.on_event(p->o.arg, method, params, len);
    }
    if (strcmp(method, "Inspector.targetCrashed") == 0) {
        err_set(&e, E_CLOSED, "the page crashed");
        page_gone(p, &e);
    }
}

void cdp_page_call(struct cdp_page *p, struct cdp_call *call, const char *method,
                   const char *params, size_t params_len, uint64_t timeout_ms, cdp_call_cb cb)
{
    route_call(&p->route, call, method, params, params_len, timeout_ms, 0, cb);
}

/* ---- closing ----------------------------------------------------------------------------- */

static void finish(void *arg)
{
    struct cdp_page *p = arg;
    void (*on_closed)(void *) = p->on_closed;
    void *closed_arg = p->closed_arg;
    list_remove(&p->link);
    p->cdp->objects--;
    free(p);
    if (on_closed) {
        on_closed(closed_arg);
    }
}

static void on_bye(struct cdp_call *call, const struct err *e, const char *result, size_t len)
{
    struct cdp_page *p = call->data;
    (void)e; /* closed or gone, it is the same now */
    (void)result;
    (void)len;
    cdp_defer(p->cdp, &p->task);
}

static void close_target(struct cdp_page *p)
{
    char params[TARGET_ID_MAX + 32];
    if (p->target[0] == '\0' || !p->browser || !browser_usable(p->browser)) {
        cdp_defer(p->cdp, &p->task);
        return;
    }
    struct cdp_browser *b = p->browser;
    memcpy(b->closed_targets[b->closed_count++ % BROWSER_CLOSED_TARGETS], p->target, TARGET_ID_MAX);
    int n = snprintf(params, sizeof(params), "{\"targetId\":\"%s\"}", p->target);
    route_call(&b->route, &p->bye, "Target.closeTarget", params, (size_t)n, CLOSE_TIMEOUT_MS,
               ROUTE_FORCE, on_bye);
}

void cdp_page_close(struct cdp_page *p, void (*on_closed)(void *arg), void *arg)
{
    struct err e;
    if (!p) {
        return;
    }
    assert(!in(p, CLOSING) && "a page is closed once");
    bool creating = in(p, CREATE);

    sm_move(&p->state, CLOSING);
    p->on_closed = on_closed;
    p->closed_arg = arg;
    cdp_task_drop(&p->task);
    cdp_task_init(&p->task, finish, p);
    err_set(&e, E_CANCELED, "the page is being closed");
    route_cut(&p->route, &e);
    if (!p->step.active) {
        close_target(p);
    } else if (!creating) {
        cdp_call_cancel(&p->step); /* on_step goes on */
    }
}

void page_detach_browser(struct cdp_page *p)
{
    list_remove(&p->link);
    p->browser = NULL;
}
