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

#include <inttypes.h>
#include <stdio.h>
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

/* Of a page that goes on towards newer messages; else those of store_message_cursor(). */
#define UPWARDS 'n'
#define DOWNWARDS 'm'

static int check_paging(const struct bridge_paging *p, struct err *e)
{
    if (p->limit < 1 || p->limit > 500) {
        return err_field(e, NULL, "limit", "limit must be 1 to 500");
    }
    return 0;
}

/* Takes items. A cursor "": that end is reached. */
static int give_page(json_t *items, const char *older, const char *newer, json_t **out,
                     struct err *e)
{
    json_t *body = json_object();
    int rc = body != NULL && items != NULL ? 0 : E_NOMEM;
    if (rc == 0) {
        rc = json_object_set(body, "items", items) == 0 ? 0 : E_NOMEM;
    }
    rc = rc != 0 ? rc : json_set_str(body, "next_cursor", older[0] != '\0' ? older : NULL);
    rc = rc != 0 ? rc : json_set_str(body, "previous_cursor", newer[0] != '\0' ? newer : NULL);
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
    char ids[CHAT_IDS_MAX][STORE_MAX_ID + 1]; /* of the chat; none: all of the session */
    size_t n;
    json_t *items; /* newest first */

    /* of one walk */
    bool up;         /* towards newer ones */
    unsigned gather; /* of each id: one more than wanted, to see whether there is more */
    size_t left;     /* rows that may still be visited */
    struct found *found;
    size_t count;
    size_t here; /* of this id */
    struct store_message_ref last;
    bool stopped; /* before the id's end, after `last` */
};

/* Is the word in a list with commas? */
static bool listed(const char *list, const char *word)
{
    size_t len = strlen(word);
    for (const char *at = list; len > 0 && at != NULL; at = strchr(at, ',')) {
        at += *at == ',';
        if (strcspn(at, ",") == len && memcmp(at, word, len) == 0) {
            return true;
        }
    }
    return false;
}

static bool matches(const struct bridge_message_filter *f, const json_t *m)
{
    return (f->direction == NULL || strcmp(json_str_or(m, "direction", ""), f->direction) == 0) &&
           (f->type == NULL ? !message_is_operation(m)
                            : strcmp(json_str_or(m, "type", ""), f->type) == 0) &&
           (f->status == NULL || listed(f->status, json_str_or(m, "status", ""))) &&
           (f->backfill == NULL ||
            json_flag(m, "backfill", false) == (strcmp(f->backfill, "true") == 0)) &&
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

/* Does the walk meet a before b? */
static bool ahead(const struct search *s, const struct store_message_ref *a,
                  const struct store_message_ref *b)
{
    return s->up ? newer(b, a) : newer(a, b);
}

static int newest_first(const void *a, const void *b)
{
    const struct found *x = a, *y = b;
    return newer(&x->ref, &y->ref) ? -1 : newer(&y->ref, &x->ref) ? 1 : 0;
}

static int oldest_first(const void *a, const void *b)
{
    return newest_first(b, a);
}

static void add_id(struct search *s, const char *id)
{
    size_t len = strnlen(id, STORE_MAX_ID + 1);
    for (size_t i = 0; i < s->n; i++) {
        if (strcmp(s->ids[i], id) == 0) {
            return;
        }
    }
    if (len >= 1 && len <= STORE_MAX_ID && s->n < CHAT_IDS_MAX) {
        memcpy(s->ids[s->n++], id, len + 1);
    }
}

/* All ids under which that chat may be filed. */
static int chat_ids(struct search *s, const char *chat, struct err *e)
{
    char id[STORE_MAX_ID + 1], jids[IDENTITY_JIDS_MAX][STORE_MAX_ID + 1];
    enum chat_kind kind;
    struct person who;
    int rc = identity_address(s->t, s->o, chat, id, &kind, e);
    if (rc != 0) {
        return rc;
    }
    add_id(s, id);
    rc = kind == CHAT_USER ? identity_find(s->t, s->o, id, &who) : E_NOTFOUND;
    if (rc == 0) {
        size_t count = identity_jids(&who, jids);
        for (size_t i = 0; i < count; i++) {
            add_id(s, jids[i]);
        }
    }
    return rc == E_NOTFOUND ? 0 : rc;
}

/* Each id's rows from the cursor on. Rows behind the place where an unfinished one stopped are
 * dropped: that one may have others before them. */
static int search_ids(struct search *s, const char *cursor, struct store_message_ref *cut,
                      bool *is_cut)
{
    const struct store_range range = {
        .since_ms = s->f->since_ms,
        .until_ms = s->f->until_ms,
        .oldest_first = s->up,
        .cursor = cursor,
    };
    const size_t n = s->n > 0 ? s->n : 1;
    int rc = 0;
    *is_cut = false;
    for (size_t i = 0; rc == 0 && i < n; i++) {
        s->here = 0;
        s->stopped = false;
        s->left = VISIT_MAX / n;
        rc = store_message_list(s->t, s->o->tenant, s->o->session, s->n > 0 ? s->ids[i] : NULL,
                                &range, on_message, s);
        if (rc == 0 && s->stopped && (!*is_cut || ahead(s, &s->last, cut))) {
            *cut = s->last;
            *is_cut = true;
        }
    }
    return rc;
}

/* Takes what was found into items; next: where to go on, "" at the end. */
static int take_found(struct search *s, unsigned limit, const struct store_message_ref *cut,
                      bool is_cut, char next[STORE_CURSOR_LEN])
{
    size_t n = 0;
    int rc = 0;
    bool more = is_cut;
    qsort(s->found, s->count, sizeof(*s->found), s->up ? oldest_first : newest_first);
    for (; rc == 0 && n < s->count && n < limit && !(is_cut && ahead(s, cut, &s->found[n].ref));
         n++) {
        size_t at = s->up ? 0 : json_array_size(s->items);
        media_present(s->t, s->o->tenant, s->found[n].m);
        rc = json_array_insert(s->items, at, s->found[n].m) == 0 ? 0 : E_NOMEM;
    }
    const struct store_message_ref *at = is_cut ? cut : NULL;
    if (n < s->count && (n == limit || !is_cut)) {
        more = true;
        at = &s->found[n - 1].ref;
    }
    next[0] = '\0';
    if (more && at != NULL) {
        store_message_cursor(at, next);
        next[0] = s->up ? UPWARDS : DOWNWARDS;
    }
    return rc;
}

/* One walk from the cursor ("": from the newest) adds at most limit messages. */
static int walk(struct search *s, bool up, const char *cursor, unsigned limit,
                char next[STORE_CURSOR_LEN])
{
    struct store_message_ref cut = {0};
    bool is_cut = false;
    s->up = up;
    s->gather = limit + 1;
    s->count = 0;
    s->found = mem_calloc((s->n > 0 ? s->n : 1) * s->gather, sizeof(*s->found));
    if (s->found == NULL) {
        return E_NOMEM;
    }
    int rc = search_ids(s, cursor, &cut, &is_cut);
    rc = rc != 0 ? rc : take_found(s, limit, &cut, is_cut, next);
    for (size_t i = 0; i < s->count; i++) {
        json_decref(s->found[i].m);
    }
    free(s->found);
    return rc;
}

/* Around a message: half of the page is newer. */
static int list_around(struct search *s, unsigned limit, char older[STORE_CURSOR_LEN],
                       char after[STORE_CURSOR_LEN], struct err *e)
{
    struct store_message_ref ref;
    char from[STORE_CURSOR_LEN];
    const char *id = s->f->around;
    int rc = s->f->chat != NULL
                 ? message_find_in(s->t, s->o, s->ids[0], id, false, NULL, &ref)
                 : message_find(s->t, s->o, id, NULL, &ref);
    if (rc == E_NOTFOUND || rc == E_TOOLARGE || rc == E_INVALID) {
        return err_word(e, E_NOTFOUND, "unknown_message", "no such message: %.64s", id);
    }
    store_message_cursor(&ref, from);
    memcpy(after, from, sizeof(from));
    after[0] = UPWARDS;
    if (rc == 0 && limit > 1) {
        rc = walk(s, true, from, limit / 2, after);
    }
    ref.ordinal++; /* so that it is there itself */
    store_message_cursor(&ref, from);
    return rc != 0 ? rc : walk(s, false, from, limit - (unsigned)json_array_size(s->items), older);
}

/* Towards newer ones; older begins with the message that the page before ended with. */
static int list_up(struct search *s, const char *cursor, unsigned limit,
                   char older[STORE_CURSOR_LEN], char after[STORE_CURSOR_LEN])
{
    const size_t ordinal_at = 18; /* store_message_cursor(): m1, 16 hex digits, 16 hex digits */
    char from[STORE_CURSOR_LEN];
    size_t len = strnlen(cursor, sizeof(from));
    if (len == sizeof(from)) {
        return E_INVALID;
    }
    memcpy(from, cursor, len + 1);
    from[0] = DOWNWARDS;
    int rc = walk(s, true, from, limit, after);
    if (rc == 0) {
        uint64_t ordinal = strtoull(from + ordinal_at, NULL, 16) + 1;
        (void)snprintf(older, STORE_CURSOR_LEN, "%.*s%016" PRIx64, (int)ordinal_at, from, ordinal);
    }
    return rc;
}

static int check_filter(const struct bridge_message_filter *f, const struct bridge_paging *p,
                        struct err *e)
{
    int rc = check_paging(p, e);
    if (rc == 0 && f->q != NULL && strlen(f->q) > Q_MAX) {
        rc = err_field(e, NULL, "q", "q has at most %d bytes", Q_MAX);
    }
    if (rc == 0 && f->around != NULL && p->cursor != NULL && p->cursor[0] != '\0') {
        rc = err_field(e, NULL, "around", "`around` begins a list: it goes without `cursor`");
    }
    return rc;
}

int bridge_message_list(struct bridge *b, const char *tenant, const char *session,
                        const struct bridge_message_filter *f, const struct bridge_paging *p,
                        json_t **out, struct err *e)
{
    static const struct bridge_message_filter all;
    char older[STORE_CURSOR_LEN] = "", after[STORE_CURSOR_LEN] = "";
    struct message_owner o;
    struct search s = {.o = &o, .f = f != NULL ? f : &all, .items = NULL};
    const char *cursor = p->cursor != NULL ? p->cursor : "";
    if (e != NULL) {
        err_clear(e);
    }
    int rc = check_filter(s.f, p, e);
    rc = rc != 0 ? rc : open_read(b, tenant, session, &o, &s.t, e);
    if (rc != 0) {
        return rc;
    }
    s.items = json_array();
    rc = s.items == NULL ? E_NOMEM : s.f->chat != NULL ? chat_ids(&s, s.f->chat, e) : 0;
    if (rc == 0 && s.f->around != NULL) {
        rc = list_around(&s, p->limit, older, after, e);
    } else if (rc == 0 && cursor[0] == UPWARDS) {
        rc = list_up(&s, cursor, p->limit, older, after);
    } else if (rc == 0) {
        rc = walk(&s, false, cursor, p->limit, older);
    }
    store_read_end(s.t);
    if (rc != 0) {
        json_decref(s.items);
        return unreadable(e, rc);
    }
    return give_page(s.items, older, after, out, e);
}
