/* The channel's way to what came while nobody listened: the chats in short, messages of one chat. */
#include "page_priv.h"

#include "json.h"
#include "mem.h"

#include <stdlib.h>
#include <string.h>

#define DISK_FACTOR 4    /* of a call's timeout: it reads from the page's disk */
#define PHONE_FACTOR 8   /* the phone is asked too */
#define PAGE_MAX 500
#define TIME_MAX_MS 253402300799999ll /* end of the year 9999 */

static const struct err no_memory = {.code = E_NOMEM, .msg = "out of memory"};

static void start(struct page_call_slot *s, const char *op, json_t *args, uint64_t timeout_ms)
{
    if (!args && s->err.code == 0) {
        err_set(&s->err, E_INVALID, "a text that is no valid UTF-8, or no memory");
    }
    page_call_start(s, op, args, timeout_ms);
}

static unsigned bounded(unsigned limit)
{
    return limit == 0 ? 1 : limit > PAGE_MAX ? PAGE_MAX : limit;
}

/* The list of an answer with its cursor, or NULL and why. */
static json_t *page_of(const json_t *value, const char *name, const char **next, struct err *why)
{
    json_t *list = json_arr(value, name);
    *next = json_str(value, "next");
    if (!list || !*next || strlen(*next) > STORE_MAX_ID || json_array_size(list) > PAGE_MAX) {
        err_set(why, E_PROTO, "the page gave a list of %s that is not understood", name);
        return NULL;
    }
    return list;
}

/* ---- chats in short ---------------------------------------------------------------------- */

static uint64_t number(const json_t *v, const char *key, int64_t max)
{
    int64_t n = json_int(v, key, 0);
    return n <= 0 ? 0 : (uint64_t)(n > max ? max : n);
}

static const char *short_text(const json_t *v, const char *key, size_t max)
{
    const char *s = json_str_or(v, key, "");
    return strlen(s) <= max ? s : "";
}

static int digest_read(const json_t *v, struct channel_digest *out, struct err *e)
{
    char id[STORE_MAX_ID + 1];
    memset(out, 0, sizeof(*out));
    int rc = page_peer_read(json_object_get(v, "chat"), &out->chat, e);
    rc = rc != 0 ? rc : chat_id_parse(out->chat.id, id, &out->kind, e);
    if (rc != 0) {
        return rc;
    }
    out->last_id = short_text(v, "last_id", STORE_MAX_ID);
    out->last_ms = number(v, "last", TIME_MAX_MS);
    out->unread = (unsigned)number(v, "unread", INT32_MAX);
    out->archived = json_is_true(json_object_get(v, "archived"));
    out->pinned = json_is_true(json_object_get(v, "pinned"));
    out->muted_until_ms = number(v, "muted_until", TIME_MAX_MS);
    out->rev = short_text(v, "rev", CHANNEL_REV_MAX);
    return 0;
}

static void answer_digests(struct page_call_slot *s, const struct err *e, const json_t *value)
{
    const char *next = NULL;
    struct err why;
    json_t *list = e ? NULL : page_of(value, "chats", &next, &why);
    struct channel_digest *chats =
        list ? mem_calloc(json_array_size(list) + 1, sizeof(*chats)) : NULL;
    if (!chats) {
        s->cb.digests(s->arg, e ? e : list ? &no_memory : &why, NULL, 0, NULL);
        return;
    }
    size_t count = 0;
    for (size_t i = 0; i < json_array_size(list); i++) {
        if (digest_read(json_array_get(list, i), &chats[count], &why) == 0) {
            count++;
        } else {
            log_debug(s->page->o.log, "page.digests", "a chat was left out: %s", why.msg);
        }
    }
    s->cb.digests(s->arg, NULL, chats, count, next);
    free(chats);
}

void channel_digests(struct channel *c, unsigned limit, uint64_t deep_since_ms, const char *cursor,
                     channel_digests_cb cb, void *arg)
{
    struct page_call_slot *s = page_call_take(c->page);
    if (!s) {
        cb(arg, &no_memory, NULL, 0, NULL);
        return;
    }
    s->answer = answer_digests;
    s->cb.digests = cb;
    s->arg = arg;
    start(s, "digests",
          json_pack("{s:i, s:I, s:s}", "limit", (int)bounded(limit), "deep_since",
                    (json_int_t)deep_since_ms, "cursor", cursor ? cursor : ""),
          DISK_FACTOR * c->page->o.call_timeout_ms);
}

/* ---- messages of one chat ---------------------------------------------------------------- */

static void answer_history(struct page_call_slot *s, const struct err *e, const json_t *value)
{
    const char *next = NULL;
    struct err why;
    json_t *list = e ? NULL : page_of(value, "messages", &next, &why);
    struct channel_message *messages =
        list ? mem_calloc(json_array_size(list) + 1, sizeof(*messages)) : NULL;
    if (!messages) {
        s->cb.history(s->arg, e ? e : list ? &no_memory : &why, NULL, 0, NULL);
        return;
    }
    size_t count = 0;
    for (size_t i = 0; i < json_array_size(list); i++) {
        if (page_message_read(json_array_get(list, i), &messages[count], &why) == 0) {
            count++;
        } else {
            log_warn(s->page->o.log, "page.history", "a message was left out: %s", why.msg);
        }
    }
    s->cb.history(s->arg, NULL, messages, count, next);
    free(messages);
}

static json_t *history_args(const struct channel_history_of *h)
{
    json_t *o = json_pack("{s:s, s:I, s:b, s:i, s:b, s:s}", "chat", h->chat_id, "since",
                          (json_int_t)h->since_ms, "recent", h->recent, "limit",
                          (int)bounded(h->limit), "remote", h->remote, "cursor",
                          h->cursor ? h->cursor : "");
    if (o && h->before_id &&
        (json_set_str(o, "before_id", h->before_id) != 0 ||
         json_object_set_new(o, "before", json_integer((json_int_t)h->before_ms)) != 0)) {
        json_decref(o);
        return NULL;
    }
    return o;
}

void channel_history(struct channel *c, const struct channel_history_of *h, channel_history_cb cb,
                     void *arg)
{
    struct page_call_slot *s = page_call_take(c->page);
    if (!s) {
        cb(arg, &no_memory, NULL, 0, NULL);
        return;
    }
    s->answer = answer_history;
    s->cb.history = cb;
    s->arg = arg;
    start(s, "history", history_args(h),
          (h->remote ? PHONE_FACTOR : DISK_FACTOR) * c->page->o.call_timeout_ms);
}
