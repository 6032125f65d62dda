/* GET /v1/logs for administrators: the daemon's last lines. A request that waits is looked at a few
 * times a second; lines come from any thread, and nobody should pay for waking us at each. */
#include "api_priv.h"

#include "clock.h"

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
    uint64_t next = log_recent(api_number(r, "after"), (size_t)api_number(r, "limit"), on_line, &l);
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
