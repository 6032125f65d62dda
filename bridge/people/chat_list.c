/*
 * Chats, recent first: one walk of the index by time, each row whole. A filter looks at no more
 * than CHAT_VISITS rows a page and then gives what it has, with a cursor to go on from.
 */
#include "people_priv.h"

#include "json.h"

#include <string.h>

struct walk {
    struct listing l;
    struct store_txn *t;
    const struct message_owner *o;
    struct chat_sieve sieve;
};

static int on_chat(void *arg, const char *chat, uint64_t last_ms, struct store_value v)
{
    struct walk *w = arg;
    bool full = json_array_size(w->l.items) == w->l.limit || w->l.visits == 0;
    json_t *row = full ? NULL : message_public(v);
    if (row != NULL && !chat_fits(&w->sieve, row)) {
        json_decref(row);
        row = NULL;
    }
    int rc = chat_show(w->t, w->o, row);
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
    struct message_owner o;
    struct walk w = {.o = &o};
    char after[LIST_PLACE_MAX + 1];
    err_clear(e);
    int rc = chat_sieve_set(&w.sieve, f, e);
    if (rc != 0) {
        return rc;
    }
    rc = listing_start(&w.l, 'c', p, CHAT_VISITS, e);
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
    rc = rc != 0 ? rc : chat_show(t, &o, row.doc);
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
