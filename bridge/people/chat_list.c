/*
 * Chats, recent first: one walk of the index by time, each row whole. A filter looks at no more
 * than VISITS rows a page and then gives what it has, with a cursor to go on from.
 */
#include "people_priv.h"

#include "json.h"

#include <string.h>

#define VISITS 2000

struct walk {
    struct listing l;
    struct store_txn *t;
    const struct message_owner *o;
    const struct bridge_chat_filter *f;
    char q[LIST_Q_MAX + 1]; /* folded */
};

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

static bool fits(const struct walk *w, const json_t *row)
{
    const struct bridge_chat_filter *f = w->f;
    bool unread = json_int(row, "unread_count", 0) > 0;
    return (f->state == NULL || strcmp(json_str_or(row, "state", "open"), f->state) == 0) &&
           (f->assignee == NULL || strcmp(json_str_or(row, "assignee", ""), f->assignee) == 0) &&
           (f->tag == NULL || has_tag(row, f->tag)) &&
           (f->unread == BRIDGE_ANY || unread == (f->unread == BRIDGE_YES)) &&
           flag_fits(row, "archived", f->archived) && flag_fits(row, "pinned", f->pinned) &&
           (w->q[0] == '\0' || contains(row, "name", w->q) || contains(row, "phone", w->q));
}

static int on_chat(void *arg, const char *chat, uint64_t last_ms, struct store_value v)
{
    struct walk *w = arg;
    bool full = json_array_size(w->l.items) == w->l.limit || w->l.visits == 0;
    json_t *row = full ? NULL : message_public(v);
    if (row != NULL && !fits(w, row)) {
        json_decref(row);
        row = NULL;
    }
    int rc = people_show_window(w->t, w->o, row, true);
    if (rc != 0) {
        json_decref(row);
        return rc;
    }
    return listing_keep(&w->l, last_ms, chat, row);
}

int bridge_chat_search(struct bridge *b, const char *tenant, const char *session,
                       const struct bridge_chat_filter *f, const struct bridge_paging *p,
                       json_t **out, struct err *e)
{
    static const struct bridge_chat_filter all;
    struct message_owner o;
    struct walk w = {.f = f != NULL ? f : &all, .o = &o};
    char after[LIST_PLACE_MAX + 1];
    err_clear(e);
    if (w.f->q != NULL && strlen(w.f->q) > LIST_Q_MAX) {
        return err_field(e, NULL, "q", "q has at most %d bytes", LIST_Q_MAX);
    }
    (void)term_fold(w.f->q, w.q, sizeof(w.q));
    int rc = listing_start(&w.l, 'c', p, VISITS, e);
    rc = rc != 0 ? rc : people_read(b, tenant, session, &o, &w.t, e);
    if (rc != 0) {
        listing_drop(&w.l);
        return rc;
    }
    memcpy(after, w.l.place, sizeof(after));
    rc = store_chat_list(w.t, o.tenant, o.session, w.l.number, after[0] != '\0' ? after : NULL,
                         on_chat, &w);
    store_read_end(w.t);
    return listing_give(&w.l, rc, out, e);
}

int bridge_chat_list(struct bridge *b, const char *tenant, const char *session,
                     const struct bridge_paging *p, json_t **out, struct err *e)
{
    return bridge_chat_search(b, tenant, session, NULL, p, out, e);
}

int bridge_chat_get(struct bridge *b, const char *tenant, const char *session, const char *chat,
                    json_t **out, struct err *e)
{
    struct message_owner o;
    struct store_txn *t;
    struct chat_row row = {.doc = NULL};
    char id[STORE_MAX_ID + 1];
    enum chat_kind kind;
    err_clear(e);
    int rc = people_read(b, tenant, session, &o, &t, e);
    if (rc != 0) {
        return rc;
    }
    rc = identity_address(t, &o, chat, id, &kind, e);
    rc = rc != 0 ? rc : chat_row_load(t, &o, id, &row);
    rc = rc != 0 ? rc : people_show_window(t, &o, row.doc, true);
    store_read_end(t);
    if (rc == 0 && row.doc == NULL) {
        rc = err_word(e, E_NOTFOUND, "unknown_chat", "there is no conversation with that chat");
    }
    if (rc != 0) {
        chat_row_free(&row);
        return people_unreadable(e, rc);
    }
    json_object_del(row.doc, "_");
    *out = row.doc;
    return 0;
}
