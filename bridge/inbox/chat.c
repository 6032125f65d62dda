/* The row of a chat: who it is with, its last message, how many were not read. */
#include "chat_row.h"

#include "clock.h"
#include "json.h"
#include "stats.h"
#include "text.h"

#include <stdlib.h>
#include <string.h>

#define PREVIEW_MAX 256 /* bytes of the last message's text */

static json_t *preview(const struct chat_touch *c)
{
    char at[CLOCK_RFC3339_LEN];
    const char *text = c->text != NULL ? c->text : "";
    size_t len = c->text != NULL ? text_utf8_cut(text, c->text_len, PREVIEW_MAX) : 0;
    clock_rfc3339(c->time_ms, at);
    return json_pack("{s:s, s:s, s:s, s:s%, s:s}", "id", c->id, "direction", c->out ? "out" : "in",
                     "type", c->type, "text", text, len, "timestamp", at);
}

static int show_last(struct chat_row *r, const struct chat_touch *c)
{
    json_t *last = preview(c);
    r->last_ms = c->time_ms;
    return last != NULL && json_object_set_new(r->doc, "last_message", last) == 0 ? 0 : E_NOMEM;
}

/* Somebody wrote to a conversation that was closed: it is open again. */
static bool reopens(const struct chat_row *r, const struct chat_touch *c)
{
    return c->b != NULL && !c->out && c->unread > 0 &&
           strcmp(json_str_or(r->doc, "state", "open"), "closed") == 0;
}

/* Since when they wait is kept in the row's private member. */
static int take_turn(struct store_txn *t, const struct message_owner *o, const struct chat_touch *c,
                     struct chat_row *r)
{
    uint64_t asked_ms = chat_row_asked_ms(r);
    if (c->turn == CHAT_TURN_ASKS && asked_ms == 0) {
        return chat_row_set_asked(r, c->time_ms);
    }
    if (c->turn != CHAT_TURN_ANSWERS || asked_ms == 0) {
        return 0;
    }
    uint64_t waited_ms = c->time_ms > asked_ms ? c->time_ms - asked_ms : 0;
    int rc = chat_row_set_asked(r, 0);
    return rc != 0 ? rc
                   : stats_count(t, o->tenant, o->session, c->time_ms,
                                 STATS_ONE(stats_response_field(waited_ms)));
}

int chat_touch(struct store_txn *t, const struct message_owner *o, const struct chat_touch *c)
{
    struct chat_row r;
    int rc = chat_row_load(t, o, c->chat.id, &r);
    bool made = rc == 0 && r.doc == NULL;
    rc = rc != 0 ? rc : made ? chat_row_make(&r, &c->chat, c->kind) : chat_row_name(&r, &c->chat);
    if (rc != 0) {
        chat_row_free(&r);
        return rc;
    }
    bool reopen = reopens(&r, c);
    int64_t unread = c->unread < 0 ? 0 : json_int(r.doc, "unread_count", 0) + c->unread;
    rc = json_object_set_new(r.doc, "unread_count", json_integer(unread)) == 0 ? 0 : E_NOMEM;
    if (rc == 0 && (made || c->time_ms >= r.last_ms)) {
        rc = show_last(&r, c);
    }
    if (rc == 0 && reopen) {
        rc = json_set_str(r.doc, "state", "open");
    }
    rc = rc != 0 ? rc : take_turn(t, o, c, &r);
    rc = rc != 0 ? rc : chat_row_save(t, o, &r, c->chat.id);
    if (rc == 0 && reopen) {
        rc = chat_row_tell(c->b, t, o, &r);
    }
    chat_row_free(&r);
    return rc;
}

int chat_retouch(struct store_txn *t, const struct message_owner *o, const char *chat,
                 const char *id, const char *type, const char *text)
{
    struct chat_row r;
    int rc = chat_row_load(t, o, chat, &r);
    json_t *last = json_obj(r.doc, "last_message");
    if (rc == 0 && last != NULL && strcmp(json_str_or(last, "id", ""), id) == 0) {
        size_t len = text_utf8_cut(text, strlen(text), PREVIEW_MAX);
        rc = json_set_str(last, "type", type);
        json_t *cut = json_stringn(text, len);
        rc = rc == 0 && cut != NULL && json_object_set(last, "text", cut) == 0 ? 0 : E_NOMEM;
        json_decref(cut);
        rc = rc != 0 ? rc : chat_row_save(t, o, &r, NULL);
    }
    chat_row_free(&r);
    return rc;
}

static int on_any(void *arg, const struct store_message_ref *ref, struct store_value v)
{
    (void)ref;
    (void)v;
    *(bool *)arg = true;
    return 1;
}

int chat_drop_if_empty(struct store_txn *t, const struct message_owner *o, const char *chat)
{
    const struct store_range all = {0};
    bool any = false;
    int rc = store_message_list(t, o->tenant, o->session, chat, &all, on_any, &any);
    if (rc == 0 && !any) {
        rc = store_chat_del(t, o->tenant, o->session, chat);
        rc = rc == E_NOTFOUND ? 0 : rc;
    }
    return rc;
}
