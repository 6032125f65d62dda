/*
 * Watches: event_committed() moves a tenant's watches to core->grown; a timer that fires in the
 * next turn tells each of them once and puts it back. on_grown may stop any watch, or cause more.
 */
#include "core_priv.h"

#include <stdio.h>
#include <string.h>

int bridge_watch_start(struct bridge *b, const char *tenant, struct bridge_watch *w, struct err *e)
{
    list_init(&w->link);
    int rc = tenant_exists(b, tenant, e);
    if (rc != 0) {
        return rc;
    }
    (void)snprintf(w->tenant, sizeof(w->tenant), "%s", tenant);
    list_append(&b->watches, &w->link);
    return 0;
}

void bridge_watch_stop(struct bridge_watch *w)
{
    list_remove(&w->link);
}

void watch_grown(struct bridge *b, const char *tenant)
{
    if (b->core == NULL || b->closing) {
        return;
    }
    bool any = false;
    LIST_FOREACH(&b->watches, it, next)
    {
        struct bridge_watch *w = LIST_ENTRY(it, struct bridge_watch, link);
        if (strcmp(w->tenant, tenant) == 0) {
            list_remove(&w->link);
            list_append(&b->core->grown, &w->link);
            any = true;
        }
    }
    if (any && !uv_is_active((uv_handle_t *)&b->core->watch_timer)) {
        (void)uv_timer_start(&b->core->watch_timer, on_watch_timer, 0, 0);
    }
}

static bool takes(const struct bridge_watch *w, const char *tenant)
{
    return w->on_passing != NULL && strcmp(w->tenant, tenant) == 0;
}

static bool any_in(const struct list *watches, const char *tenant)
{
    LIST_FOREACH(watches, it, next)
    {
        if (takes(LIST_ENTRY(it, struct bridge_watch, link), tenant)) {
            return true;
        }
    }
    return false;
}

bool watch_any(struct bridge *b, const char *tenant)
{
    return b->core != NULL && !b->closing &&
           (any_in(&b->watches, tenant) || any_in(&b->core->grown, tenant));
}

static void pass_in(struct list *watches, const char *tenant, const char *type, const char *text,
                    size_t len)
{
    LIST_FOREACH(watches, it, next)
    {
        struct bridge_watch *w = LIST_ENTRY(it, struct bridge_watch, link);
        if (takes(w, tenant)) {
            w->on_passing(w, type, text, len);
        }
    }
}

void watch_pass(struct bridge *b, const char *tenant, const char *type, const char *text,
                size_t len)
{
    if (b->core != NULL && !b->closing) {
        pass_in(&b->watches, tenant, type, text, len);
        pass_in(&b->core->grown, tenant, type, text, len);
    }
}

void on_watch_timer(uv_timer_t *timer)
{
    struct bridge *b = timer->data;
    struct list told; /* those that grow again while we tell wait for the next turn */
    list_init(&told);
    struct list *it = NULL;
    while ((it = list_pop(&b->core->grown)) != NULL) {
        list_append(&told, it);
    }
    while ((it = list_pop(&told)) != NULL) {
        list_append(&b->watches, it);
        struct bridge_watch *w = LIST_ENTRY(it, struct bridge_watch, link);
        w->on_grown(w);
    }
    /* libuv runs a timer of 0 ms that was started by a timer within the same pass: 1 ms lets the
     * other handles have their turn. */
    if (!list_empty(&b->core->grown)) {
        (void)uv_timer_start(timer, on_watch_timer, 1, 0);
    }
}
