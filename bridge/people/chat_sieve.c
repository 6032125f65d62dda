/*
 * Which chats a filter lets through, and what is put into a chat when it is shown: what is computed
 * at that moment, so that no write has to keep it up.
 */
#include "people_priv.h"

#include "json.h"

#include <string.h>

int chat_sieve_set(struct chat_sieve *s, const struct bridge_chat_filter *f, struct err *e)
{
    static const struct bridge_chat_filter all;
    s->f = f != NULL ? f : &all;
    if (s->f->q != NULL && strlen(s->f->q) > LIST_Q_MAX) {
        return err_field(e, NULL, "q", "q has at most %d bytes", LIST_Q_MAX);
    }
    (void)term_fold(s->f->q, s->q, sizeof(s->q));
    return 0;
}

static bool has_tag(const json_t *row, const char *tag)
{
    const json_t *tags = json_arr(row, "tags");
    for (size_t i = 0; i < json_array_size(tags); i++) {
        const char *s = json_string_value(json_array_get(tags, i));
        if (s != NULL && strcmp(s, tag) == 0) {
            return true;
        }
    }
    return false;
}

static bool contains(const json_t *row, const char *key, const char *q)
{
    char folded[2 * PERSON_NAME_MAX];
    (void)term_fold(json_str_or(row, key, ""), folded, sizeof(folded));
    return strstr(folded, q) != NULL;
}

static bool flag_fits(const json_t *row, const char *key, enum bridge_tristate want)
{
    return want == BRIDGE_ANY || json_flag(row, key, false) == (want == BRIDGE_YES);
}

bool chat_fits(const struct chat_sieve *s, const json_t *row)
{
    const struct bridge_chat_filter *f = s->f;
    bool unread = json_int(row, "unread_count", 0) > 0;
    return (f->state == NULL || strcmp(json_str_or(row, "state", "open"), f->state) == 0) &&
           (f->assignee == NULL || strcmp(json_str_or(row, "assignee", ""), f->assignee) == 0) &&
           (f->tag == NULL || has_tag(row, f->tag)) &&
           (f->unread == BRIDGE_ANY || unread == (f->unread == BRIDGE_YES)) &&
           flag_fits(row, "archived", f->archived) && flag_fits(row, "pinned", f->pinned) &&
           (s->q[0] == '\0' || contains(row, "name", s->q) || contains(row, "phone", s->q));
}

/* How far a message of ours has come is kept with the message alone. */
static int show_status(struct store_txn *t, const struct message_owner *o, json_t *last)
{
    struct store_value v;
    json_t *m = NULL;
    if (strcmp(json_str_or(last, "direction", ""), "out") == 0 &&
        message_find(t, o, json_str_or(last, "id", ""), &v, NULL) == 0) {
        m = message_load(v);
    }
    int rc = json_set_str(last, "status", json_str(m, "status"));
    json_decref(m);
    return rc;
}

int chat_show(struct store_txn *t, const struct message_owner *o, json_t *chat)
{
    if (chat == NULL) {
        return 0;
    }
    json_t *last = json_obj(chat, "last_message");
    int rc = json_set_str(chat, "session", o->session);
    rc = rc == 0 && last != NULL ? show_status(t, o, last) : rc;
    return rc != 0 ? rc : people_show_window(t, o, chat, true);
}
