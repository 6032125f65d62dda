/* What the API asks and is told of the adapter. */
#include "adapter_priv.h"

#include "core_priv.h"
#include "json.h"
#include "mem.h"

#include <stdlib.h>
#include <string.h>

static const char *const states[] = {
    [ADAPTER_IDLE] = "idle",           [ADAPTER_LOADING] = "loading",
    [ADAPTER_CANARY] = "testing",      [ADAPTER_RETURNING] = "returning",
    [ADAPTER_INSTALLING] = "installing", [ADAPTER_ROLLOUT] = "rolling_out",
};

json_t *adapter_build(const struct wa_js *w)
{
    return w ? json_pack("{s:s?,s:s,s:I}", "version", w->version[0] ? w->version : NULL, "sha256",
                         w->sha256, "bytes", (json_int_t)w->lib_len)
             : json_null();
}

/* How many pages run which build. */
static json_t *running(struct adapter *a)
{
    json_t *list = json_array();
    LIST_FOREACH(&a->all->all, node, next)
    {
        const struct session *s = LIST_ENTRY(node, struct session, link);
        json_t *found = NULL, *item;
        size_t i;
        if (!s->script || !s->page) {
            continue;
        }
        json_array_foreach(list, i, item)
        {
            found = strcmp(json_str_or(item, "sha256", ""), s->script->js.sha256) == 0 ? item : found;
        }
        if (!found) {
            found = json_pack("{s:s?,s:s,s:i}", "version",
                              s->script->js.version[0] ? s->script->js.version : NULL, "sha256",
                              s->script->js.sha256, "count", 0);
            if (json_array_append_new(list, found) != 0) {
                json_decref(list);
                return NULL;
            }
        }
        (void)json_object_set_new(found, "count", json_integer(json_int(found, "count", 0) + 1));
    }
    return list;
}

json_t *adapter_object(struct adapter *a)
{
    json_t *current = adapter_build(&a->current->js);
    const char *source = a->all->b->cfg.page.wa_js_fixed ? "config"
                         : a->installed                  ? "data"
                                                         : "packaged";
    if (current && (json_set_str(current, "source", source) != 0)) {
        json_decref(current);
        current = NULL;
    }
    json_t *progress = a->state == ADAPTER_IDLE
                           ? json_null()
                           : json_pack("{s:s?,s:i,s:i}", "session",
                                       a->target[0] ? a->target : NULL, "done", (int)a->done,
                                       "failed", (int)a->failed);
    return json_pack("{s:o,s:o,s:o,s:s,s:o,s:O}", "current", current, "previous",
                     adapter_build(a->previous ? &a->previous->js : NULL), "sessions", running(a),
                     "state", states[a->state], "progress", progress, "last", a->last);
}

int bridge_adapter_get(struct bridge *b, json_t **out, struct err *e)
{
    *out = adapter_object(b->sessions->adapter);
    return *out ? 0 : err_set(e, E_NOMEM, "out of memory");
}

static int check(struct adapter *a, enum bridge_adapter_action action, const json_t *body,
                 struct err *e)
{
    static const char *const fields[] = {"file", "session", NULL}, *const none[] = {NULL};
    bool back = action == BRIDGE_ADAPTER_ROLLBACK;
    const char *file = json_str_or(body, "file", "");
    int rc = body_check(body, back ? none : fields, e);
    if (rc != 0) {
        return rc;
    }
    if (!back && (file[0] != '/' || strlen(file) >= sizeof(a->file))) {
        return err_field(e, NULL, "file", "file is the absolute path of a wa-js build on this host");
    }
    if (a->state != ADAPTER_IDLE || a->all->closing) {
        return err_word(e, E_CONFLICT, "adapter_busy", "another build is being tried; see GET /v1/adapter");
    }
    if (action != BRIDGE_ADAPTER_TEST && a->all->b->cfg.page.wa_js_fixed) {
        return err_word(e, E_CONFLICT, "adapter_configured",
                        "[page] wa_js names the file; change it there, or leave it out");
    }
    if (back && !a->previous) {
        return err_word(e, E_CONFLICT, "no_previous", "there is no earlier build to go back to");
    }
    return 0;
}

void bridge_adapter_act(struct bridge *b, enum bridge_adapter_action action, const json_t *body,
                        bridge_done_fn done, void *arg)
{
    struct adapter *a = b->sessions->adapter;
    struct err e;
    json_t *answer = NULL;
    int rc = check(a, action, body, &e);
    rc = rc != 0 ? rc
                 : adapter_begin(a, action, json_str_or(body, "file", ""),
                                 json_str_or(body, "session", ""), &e);
    if (rc == 0 && !(answer = adapter_object(a))) {
        rc = err_set(&e, E_NOMEM, "out of memory");
    }
    reply_later(b, done, arg, rc != 0 ? &e : NULL, answer);
}
