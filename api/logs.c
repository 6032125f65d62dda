/* GET /v1/logs and GET …/sessions/{session}/log for administrators: the last lines; and the level of
 * a session. A request that waits is looked at a few
 * times a second; lines come from any thread, and nobody should pay for waking us at each. */
#include "api_priv.h"

#include "clock.h"

#include <string.h>

#define LOOK_MS 200

struct lines {
    json_t *items;
    bool failed;
};

/* Called inside the log: must not log. */
static void on_line(void *arg, uint64_t id, const char *line, size_t len)
{
    struct lines *l = arg;
    json_t *item = json_object();
    if (json_object_set_new(item, "id", json_integer((json_int_t)id)) != 0 ||
        json_object_set_new(item, "line", json_stringn(line, len)) != 0 ||
        json_array_append(l->items, item) != 0) {
        l->failed = true;
    }
    json_decref(item);
}

/* true: answered. */
static bool answer(struct api_request *r, bool even_empty)
{
    struct lines l = {.items = json_array()};
    uint64_t after = api_number(r, "after");
    size_t limit = (size_t)api_number(r, "limit");
    const char *session = r->param[PARAM_SESSION];
    uint64_t next =
        session == NULL
            ? log_recent(after, limit, on_line, &l)
            : log_recent_of(r->param[PARAM_TENANT], session, after, limit, on_line, &l);
    if (l.failed || l.items == NULL) {
        struct err e = {0};
        json_decref(l.items);
        (void)err_set(&e, E_NOMEM, "out of memory");
        api_fail(r, &e);
        return true;
    }
    if (json_array_size(l.items) == 0 && !even_empty) {
        json_decref(l.items);
        return false;
    }
    api_answer_json(r, MHD_HTTP_OK,
                    json_pack("{s:o,s:I}", "items", l.items, "next_after", (json_int_t)next));
    return true;
}

static void answer_now(struct api_request *r)
{
    (void)answer(r, true);
}

static void on_timer(uv_timer_t *t)
{
    logs_tick(t->data);
}

void logs_get(struct api_request *r)
{
    struct api *a = r->api;
    uint64_t wait = api_number(r, "wait") * 1000;
    if (answer(r, wait == 0)) {
        return;
    }
    r->wait_until_ms = clock_mono_ms() + wait;
    r->cut = answer_now;
    list_append(&a->log_waiters, &r->wait_link);
    (void)uv_timer_start(&a->log_timer, on_timer, LOOK_MS, LOOK_MS);
}

void logs_tick(struct api *a)
{
    uint64_t now = clock_mono_ms();
    LIST_FOREACH(&a->log_waiters, it, next)
    {
        struct api_request *r = LIST_ENTRY(it, struct api_request, wait_link);
        if (!api_unanswered(r) || answer(r, now >= r->wait_until_ms)) {
            list_remove(&r->wait_link);
        }
    }
    if (list_empty(&a->log_waiters)) {
        (void)uv_timer_stop(&a->log_timer);
    }
}

/* ---- of a session ------------------------------------------------------------------------------
 */

#define MOST_S 86400

static bool is_there(struct api_request *r)
{
    json_t *session = NULL;
    struct err e = {0};
    int rc = bridge_session_get(api_bridge(r), r->param[PARAM_TENANT], r->param[PARAM_SESSION],
                                &session, &e);
    json_decref(session);
    if (rc != 0) {
        api_fail(r, &e);
    }
    return rc == 0;
}

void session_log_get(struct api_request *r)
{
    if (is_there(r)) {
        logs_get(r);
    }
}

static void answer_level(struct api_request *r)
{
    uint64_t left = 0;
    enum log_level level =
        log_session_level_get(r->param[PARAM_TENANT], r->param[PARAM_SESSION], &left);
    json_t *body = json_pack("{s:s, s:s}", "level", log_level_name(level), "node_level",
                             log_level_name(log_get_level()));
    if (body != NULL && json_set_time(body, "until", left > 0 ? clock_wall_ms() + left : 0) != 0) {
        json_decref(body);
        body = NULL;
    }
    api_answer_json(r, r->route->status, body);
}

static int read_level(const json_t *body, int *level, uint64_t *for_ms, struct err *e)
{
    const char *key = NULL;
    const json_t *v = NULL;
    json_object_foreach((json_t *)(uintptr_t)body, key, v)
    {
        if (strcmp(key, "level") != 0 && strcmp(key, "for_s") != 0) {
            return err_field(e, "unknown_field", key[0] == 'f' ? "for_s" : "body",
                             "a level takes level and for_s only");
        }
    }
    const json_t *name = json_object_get(body, "level");
    const json_t *seconds = json_object_get(body, "for_s");
    *level = json_is_string(name) ? log_level_parse(json_string_value(name)) : -1;
    if (name == NULL || (*level < 0 && !json_is_null(name))) {
        return err_field(e, NULL, "level",
                         "level is trace, debug, info, warn, error, or null: that of the node");
    }
    json_int_t s = seconds != NULL ? json_integer_value(seconds) : 3600;
    if (s < 1 || s > MOST_S) {
        return err_field(e, NULL, "for_s", "for_s is 1 to %d seconds", MOST_S);
    }
    *for_ms = (uint64_t)s * 1000;
    return 0;
}

void session_log_level(struct api_request *r)
{
    struct err e = {0};
    int level = -1;
    uint64_t for_ms = 0;
    if (!is_there(r)) {
        return;
    }
    const char *tenant = r->param[PARAM_TENANT], *session = r->param[PARAM_SESSION];
    if (read_level(r->json, &level, &for_ms, &e) == 0 &&
        !log_session_level(tenant, session, level, for_ms)) {
        (void)err_word(&e, E_LIMIT, "too_many_levels",
                       "%d sessions have a level of their own already: give one back with null",
                       LOG_SESSION_LEVELS);
    }
    if (e.code != 0) {
        api_fail(r, &e);
        return;
    }
    struct log_ctx ctx = {tenant, session, r->id};
    log_warn(&ctx, "log.level", "%s for %llu s", level >= 0 ? log_level_name((enum log_level)level) : "as the node",
             (unsigned long long)(for_ms / 1000));
    answer_level(r);
}
