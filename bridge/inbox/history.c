/*
 * The read side: messages as the store has them, page by page. Each call is one
 * short snapshot; a filter that matches little visits at most VISIT_MAX rows and then answers with
 * what it has and a cursor to go on from.
 */
#include "identity.h"
#include "session.h"

#include "json.h"
#include "media.h"
#include "mem.h"
#include "text.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define VISIT_MAX 20000
#define CHAT_IDS_MAX 4 /* a person's chat may be filed under number, LID and what was asked for */
#define Q_MAX 256

/* ---- small helpers --------------------------------------------------------------------------- */

static int open_read(struct bridge *b, const char *tenant, const char *session,
                     struct message_owner *o, struct store_txn **t, struct err *e)
{
    struct session *s;
    int rc = session_find(b, tenant, session, &s, e);
    if (rc != 0) {
        return rc;
    }
    message_owner_set(o, tenant, session);
    return store_read(b->store, t, e);
}

static int unreadable(struct err *e, int rc)
{
    if (rc == 0 || (e != NULL && e->code != 0)) {
        return rc;
    }
    return rc == E_INVALID ? err_field(e, "invalid_cursor", "cursor",
                                       "not a cursor of this list; begin without one")
                           : err_set(e, rc, "the store cannot be read (%s)", err_name(rc));
}

static int check_paging(const struct bridge_paging *p, struct err *e)
{
    if (p->limit < 1 || p->limit > 500) {
        return err_field(e, NULL, "limit", "limit must be 1 to 500");
    }
    return 0;
}

/* Takes items. cursor "" or NULL: the end. */
static int give_page(json_t *items, const char *cursor, json_t **out, struct err *e)
{
    json_t *body = json_object();
    int rc = body != NULL && items != NULL ? 0 : E_NOMEM;
    if (rc == 0) {
        rc = json_object_set(body, "items", items) == 0 ? 0 : E_NOMEM;
    }
    rc = rc != 0 ? rc
                 : json_set_str(body, "next_cursor",
                                cursor != NULL && cursor[0] != '\0' ? cursor : NULL);
    json_decref(items);
    if (rc != 0) {
        json_decref(body);
        return err_set(e, E_NOMEM, "out of memory");
    }
    *out = body;
    return 0;
}

/* Case does not matter for ASCII. */
static bool contains(const char *text, const char *q)
{
    return text != NULL && strcasestr(text, q) != NULL;
}

/* A person of a message as we know them now: a number or LID that was learnt since. */
static void fill_person(struct store_txn *t, const struct message_owner *o, json_t *peer)
{
    struct person who;
    const char *id = json_str_or(peer, "id", "");
    bool whole = json_str(peer, "phone") != NULL && json_str(peer, "lid") != NULL &&
                 json_str(peer, "contact_id") != NULL;
    if (whole || !identity_is_person(id) || identity_find(t, o, id, &who) != 0) {
        return;
    }
    const char *const known[][2] = {
        {"phone", who.phone}, {"lid", who.lid}, {"contact_id", who.contact_id}};
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (known[i][1][0] != '\0' && json_str(peer, known[i][0]) == NULL) {
            (void)json_set_str(peer, known[i][0], known[i][1]); /* else it stays as it was told */
        }
    }
}

static void fill_people(struct store_txn *t, const struct message_owner *o, json_t *m)
{
    fill_person(t, o, json_obj(m, "chat"));
    if (strcmp(json_str_or(m, "direction", ""), "in") == 0) {
        fill_person(t, o, json_obj(m, "from"));
    }
}

/* ---- one message --------------------------------------------------------------------------------
 */

int bridge_message_get(struct bridge *b, const char *tenant, const char *session,
                       const char *message_id, json_t **out, struct err *e)
{
    struct message_owner o;
    struct store_txn *t;
    struct store_value v;
    int rc = open_read(b, tenant, session, &o, &t, e);
    if (rc != 0) {
        return rc;
    }
    rc = message_find(t, &o, message_id, &v, NULL);
    json_t *m = rc == 0 ? message_public(v) : NULL;
    media_present(t, o.tenant, m);
    fill_people(t, &o, m);
    store_read_end(t);
    if (m == NULL && (rc == 0 || rc == E_NOTFOUND || rc == E_TOOLARGE || rc == E_INVALID)) {
        return err_word(e, E_NOTFOUND, "unknown_message", "no such message");
    }
    if (rc != 0) {
        return unreadable(e, rc);
    }
    *out = m;
    return 0;
}

/* ---- messages
 * ------------------------------------------------------------------------------------- */

struct found {
    struct store_message_ref ref;
    json_t *m;
};

struct search {
    struct store_txn *t;
    const struct message_owner *o;
    const struct bridge_message_filter *f;
    unsigned limit;
    unsigned gather; /* of each id: one more, to see whether there is more */
    size_t left;     /* rows that may still be visited */
    struct found *found;
    size_t count;
    size_t here; /* of this chat */
    struct store_message_ref last;
    bool stopped; /* before the chat's end, after `last` */
    int rc;
};

static bool matches(const struct bridge_message_filter *f, const json_t *m)
{
    return (f->direction == NULL || strcmp(json_str_or(m, "direction", ""), f->direction) == 0) &&
           (f->type == NULL ? !message_is_operation(m)
                            : strcmp(json_str_or(m, "type", ""), f->type) == 0) &&
           (f->q == NULL || contains(json_str(m, "text"), f->q));
}

static int on_message(void *arg, const struct store_message_ref *ref, struct store_value v)
{
    struct search *s = arg;
    json_t *m = message_public(v);
    s->last = *ref;
    if (m != NULL && matches(s->f, m)) {
        fill_people(s->t, s->o, m);
        s->found[s->count].ref = *ref;
        s->found[s->count++].m = m;
        s->here++;
    } else {
        json_decref(m);
    }
    s->stopped = --s->left == 0 || s->here == s->gather;
    return s->stopped;
}

static bool newer(const struct store_message_ref *a, const struct store_message_ref *b)
{
    return a->time_ms != b->time_ms ? a->time_ms > b->time_ms : a->ordinal > b->ordinal;
}

static int by_time(const void *a, const void *b)
{
    const struct found *x = a, *y = b;
    return newer(&x->ref, &y->ref) ? -1 : newer(&y->ref, &x->ref) ? 1 : 0;
}

static void add_id(char ids[CHAT_IDS_MAX][STORE_MAX_ID + 1], size_t *n, const char *id)
{
    size_t len = strnlen(id, STORE_MAX_ID + 1);
    for (size_t i = 0; i < *n; i++) {
        if (strcmp(ids[i], id) == 0) {
            return;
        }
    }
    if (len >= 1 && len <= STORE_MAX_ID && *n < CHAT_IDS_MAX) {
        memcpy(ids[(*n)++], id, len + 1);
    }
}

/* All ids under which that chat may be filed. */
static int chat_ids(struct store_txn *t, const struct message_owner *o, const char *chat,
                    char ids[CHAT_IDS_MAX][STORE_MAX_ID + 1], size_t *n, struct err *e)
{
    char id[STORE_MAX_ID + 1], jids[IDENTITY_JIDS_MAX][STORE_MAX_ID + 1];
    enum chat_kind kind;
    struct person who;
    *n = 0;
    int rc = identity_address(t, o, chat, id, &kind, e);
    if (rc != 0) {
        return rc;
    }
    add_id(ids, n, id);
    rc = kind == CHAT_USER ? identity_find(t, o, id, &who) : E_NOTFOUND;
    if (rc == 0) {
        size_t count = identity_jids(&who, jids);
        for (size_t i = 0; i < count; i++) {
            add_id(ids, n, jids[i]);
        }
    }
    return rc == E_NOTFOUND ? 0 : rc;
}

/* Each id's rows, newest first. Rows older than where an unfinished one stopped are dropped: that
 * one may have newer ones to come. */
static int search_ids(struct store_txn *t, const struct message_owner *o, struct search *s,
                      char ids[][STORE_MAX_ID + 1], size_t n, const struct bridge_paging *p,
                      struct store_message_ref *cut, bool *is_cut)
{
    const struct store_range range = {
        .since_ms = s->f->since_ms,
        .until_ms = s->f->until_ms,
        .cursor = p->cursor,
    };
    int rc = 0;
    *is_cut = false;
    for (size_t i = 0; rc == 0 && i < (n > 0 ? n : 1); i++) {
        s->here = 0;
        s->stopped = false;
        s->left = VISIT_MAX / (n > 0 ? n : 1);
        rc = store_message_list(t, o->tenant, o->session, n > 0 ? ids[i] : NULL, &range, on_message,
                                s);
        if (rc == 0 && s->stopped && (!*is_cut || newer(&s->last, cut))) {
            *cut = s->last;
            *is_cut = true;
        }
    }
    return rc;
}

static int give_found(struct search *s, const struct store_message_ref *cut, bool is_cut,
                      json_t **out, struct err *e)
{
    char cursor[STORE_CURSOR_LEN] = "";
    json_t *items = json_array();
    size_t n = 0;
    bool more = is_cut;
    qsort(s->found, s->count, sizeof(*s->found), by_time);
    for (; n < s->count && n < s->limit && !(is_cut && newer(cut, &s->found[n].ref)); n++) {
        if (items != NULL && json_array_append(items, s->found[n].m) != 0) {
            json_decref(items);
            items = NULL;
        }
    }
    const struct store_message_ref *at = is_cut ? cut : NULL;
    if (n < s->count && (n == s->limit || !is_cut)) {
        more = true;
        at = &s->found[n - 1].ref;
    }
    if (more && at != NULL) {
        store_message_cursor(at, cursor);
    }
    return give_page(items, cursor, out, e);
}

int bridge_message_list(struct bridge *b, const char *tenant, const char *session,
                        const struct bridge_message_filter *f, const struct bridge_paging *p,
                        json_t **out, struct err *e)
{
    static const struct bridge_message_filter all;
    char ids[CHAT_IDS_MAX][STORE_MAX_ID + 1];
    struct store_message_ref cut = {0};
    struct message_owner o;
    struct store_txn *t;
    bool is_cut = false;
    size_t n = 0;
    struct search s = {
        .o = &o, .f = f != NULL ? f : &all, .limit = p->limit, .gather = p->limit + 1};
    if (e != NULL) {
        err_clear(e);
    }
    int rc = check_paging(p, e);
    if (rc == 0 && s.f->q != NULL && strlen(s.f->q) > Q_MAX) {
        rc = err_field(e, NULL, "q", "q has at most %d bytes", Q_MAX);
    }
    rc = rc != 0 ? rc : open_read(b, tenant, session, &o, &t, e);
    if (rc != 0) {
        return rc;
    }
    s.t = t;
    if (s.f->chat != NULL) {
        rc = chat_ids(t, &o, s.f->chat, ids, &n, e);
    }
    s.found = rc == 0 ? mem_calloc((n > 0 ? n : 1) * s.gather, sizeof(*s.found)) : NULL;
    if (rc == 0) {
        rc = s.found != NULL ? search_ids(t, &o, &s, ids, n, p, &cut, &is_cut) : E_NOMEM;
    }
    for (size_t i = 0; i < s.count; i++) {
        media_present(t, o.tenant, s.found[i].m);
    }
    store_read_end(t);
    rc = rc != 0 ? unreadable(e, rc) : give_found(&s, &cut, is_cut, out, e);
    for (size_t i = 0; i < s.count; i++) {
        json_decref(s.found[i].m);
    }
    free(s.found);
    return rc;
}
