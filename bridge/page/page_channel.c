/* The channel on a page: each operation of channel.h as one operation of the adapter. */
#include "page_priv.h"

#include "json.h"
#include "mem.h"

#include <stdlib.h>
#include <string.h>

/* Sets a field or fails the whole object: NULL in, NULL out. */
static json_t *with(json_t *o, const char *key, json_t *v)
{
    if (!o || !v || json_object_set_new(o, key, v) != 0) {
        if (!o) {
            json_decref(v);
        }
        json_decref(o);
        return NULL;
    }
    return o;
}

static struct page_call_slot *take(struct channel *c, void *arg)
{
    struct page_call_slot *s = page_call_take(c->page);
    if (s) {
        s->arg = arg;
    }
    return s;
}

static void start(struct page_call_slot *s, const char *op, json_t *args, uint64_t timeout_ms)
{
    if (!args && s->err.code == 0) {
        err_set(&s->err, E_INVALID, "a text that is no valid UTF-8, or no memory");
    }
    page_call_start(s, op, args, timeout_ms);
}

static const struct err no_memory = {.code = E_NOMEM, .msg = "out of memory"};

/* ---- resolve ----------------------------------------------------------------------------- */

static bool kind_read(const char *name, enum chat_kind *out)
{
    for (int k = CHAT_USER; k <= CHAT_CHANNEL; k++) {
        if (strcmp(chat_kind_name((enum chat_kind)k), name) == 0) {
            *out = (enum chat_kind)k;
            return true;
        }
    }
    return false;
}

static void answer_resolve(struct page_call_slot *s, const struct err *e, const json_t *value)
{
    struct channel_resolved r = {.chat = {"", "", "", "", NULL}};
    struct err why;

    if (e) {
        s->cb.resolve(s->arg, e, NULL);
        return;
    }
    r.exists = json_is_true(json_object_get(value, "exists"));
    if (r.exists && (page_peer_read(json_object_get(value, "chat"), &r.chat, &why) != 0 ||
                     r.chat.id[0] == '\0' || !kind_read(json_str_or(value, "kind", ""), &r.kind))) {
        err_set(&why, E_PROTO, "the page resolved a chat to something that is not understood");
        s->cb.resolve(s->arg, &why, NULL);
        return;
    }
    s->cb.resolve(s->arg, NULL, &r);
}

void channel_resolve(struct channel *c, const char *address, channel_resolve_cb cb, void *arg)
{
    struct page_call_slot *s = take(c, arg);
    if (!s) {
        cb(arg, &no_memory, NULL);
        return;
    }
    s->answer = answer_resolve;
    s->cb.resolve = cb;
    start(s, "resolve", with(json_object(), "address", json_string(address)), 0);
}

/* ---- find -------------------------------------------------------------------------------- */

static void answer_found(struct page_call_slot *s, const struct err *e, const json_t *value)
{
    struct channel_found f;

    if (e) {
        s->cb.found(s->arg, e, NULL);
        return;
    }
    memset(&f, 0, sizeof(f));
    f.found = json_is_true(json_object_get(value, "found"));
    int64_t ack = json_int(value, "ack", 0);
    int64_t t = json_int(value, "t", 0);
    f.ack = ack < -1 ? -1 : ack > 4 ? 4 : (int)ack;
    f.time_ms = t > 0 ? (uint64_t)t : 0;
    s->cb.found(s->arg, NULL, &f);
}

void channel_find_message(struct channel *c, const char *chat_id, const char *message_id,
                          channel_found_cb cb, void *arg)
{
    struct page_call_slot *s = take(c, arg);
    if (!s) {
        cb(arg, &no_memory, NULL);
        return;
    }
    s->answer = answer_found;
    s->cb.found = cb;
    json_t *o = with(json_object(), "chat", json_string(chat_id));
    start(s, "find_message", with(o, "id", json_string(message_id)), 0);
}
