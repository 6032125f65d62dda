/*
 * The inbox of a tenant: chats of all sessions that somebody sees, or of those that are named, as
 * one list by recency; and what there is to choose from among them.
 */
#include "people_mem.h"

#include "clock.h"
#include "json.h"
#include "mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PLACE_SPLIT '\n' /* in a cursor, between chat and session; in neither of them */
#define FACETS_MAX 200   /* tags, and assignees */

/* ---- which sessions ----------------------------------------------------------------------------
 */

struct wanted {
    const struct bridge_inbox *in;
    const char **names; /* NULL-terminated; of the sessions themselves */
    size_t count, max;
    bool failed;
};

/* Is it one of those with commas between? NULL: all are. */
static bool named(const char *list, const char *name)
{
    size_t len = strlen(name);
    for (const char *at = list; at != NULL && *at != '\0'; at += *at == ',') {
        size_t n = strcspn(at, ",");
        if (n == len && memcmp(at, name, n) == 0) {
            return true;
        }
        at += n;
    }
    return list == NULL;
}

static void on_session(void *arg, struct session *s)
{
    struct wanted *w = arg;
    const char *name = session_id(s);
    if (w->failed || !bridge_sees_session(w->in->who, name) || !named(w->in->sessions, name)) {
        return;
    }
    if (w->count + 1 >= w->max) {
        size_t max = w->max == 0 ? 16 : w->max * 2;
        const char **more = mem_calloc(max, sizeof(*more));
        if (more == NULL) {
            w->failed = true;
            return;
        }
        if (w->count > 0) {
            memcpy(more, w->names, w->count * sizeof(*more));
        }
        free(w->names);
        w->names = more;
        w->max = max;
    }
    w->names[w->count++] = name;
}

/* Each of the names is one of a session that was found. */
static int check_named(const struct wanted *w, struct err *e)
{
    char name[64];
    for (const char *at = w->in->sessions; at != NULL;) {
        size_t len = strcspn(at, ",");
        bool found = false;
        for (size_t i = 0; i < w->count && !found; i++) {
            found = strlen(w->names[i]) == len && memcmp(w->names[i], at, len) == 0;
        }
        if (!found) {
            size_t n = len < sizeof(name) ? len : sizeof(name) - 1;
            memcpy(name, at, n);
            name[n] = '\0';
            return err_word(e, E_NOTFOUND, "unknown_session", "no such session: %s", name);
        }
        at = at[len] == ',' ? at + len + 1 : NULL;
    }
    return 0;
}

static int find_sessions(struct bridge *b, const struct bridge_inbox *in, struct wanted *w,
                         struct err *e)
{
    memset(w, 0, sizeof(*w));
    w->in = in;
    int rc = tenant_exists(b, in->tenant, e);
    if (rc != 0) {
        return rc;
    }
    session_each(b, in->tenant, on_session, w);
    rc = w->failed ? err_set(e, E_NOMEM, "out of memory") : check_named(w, e);
    if (rc != 0) {
        free(w->names);
    } else if (w->names == NULL) {
        w->names = mem_calloc(1, sizeof(*w->names));
        rc = w->names != NULL ? 0 : err_set(e, E_NOMEM, "out of memory");
    }
    return rc;
}

/* ---- the list ----------------------------------------------------------------------------------
 */

struct walk {
    struct listing l;
    struct store_txn *t;
    const char *tenant;
    struct chat_sieve sieve;
};

static int on_chat(void *arg, const char *session, const char *chat, uint64_t last_ms,
                   struct store_value v)
{
    struct walk *w = arg;
    struct message_owner o;
    char place[LIST_PLACE_MAX + 1];
    bool full = json_array_size(w->l.items) == w->l.limit || w->l.visits == 0;
    json_t *row = full ? NULL : message_public(v);
    if (row != NULL && !chat_fits(&w->sieve, row)) {
        json_decref(row);
        row = NULL;
    }
    message_owner_set(&o, w->tenant, session);
    int rc = chat_show(w->t, &o, row);
    if (rc != 0) {
        json_decref(row);
        return rc;
    }
    (void)snprintf(place, sizeof(place), "%s%c%s", chat, PLACE_SPLIT, session);
    return listing_keep(&w->l, last_ms, place, row);
}

/* Where the page before ended; place is taken apart. */
static int place_of(struct listing *l, char *place, struct store_chat_place *out, struct err *e)
{
    char *split = strchr(place, PLACE_SPLIT);
    if (place[0] == '\0') {
        return 0;
    }
    if (split == NULL || split == place || split - place > STORE_MAX_ID || strlen(split + 1) > 63) {
        return err_field(e, "invalid_cursor", "cursor",
                         "not a cursor of this list; begin without one");
    }
    *split = '\0';
    *out = (struct store_chat_place){.last_ms = l->number, .chat = place, .session = split + 1};
    return 0;
}

int bridge_inbox_chats(struct bridge *b, const struct bridge_inbox *in,
                       const struct bridge_chat_filter *f, const struct bridge_paging *p,
                       json_t **out, struct err *e)
{
    struct walk w = {.tenant = in->tenant};
    struct store_chat_place after = {.chat = NULL};
    struct wanted wanted;
    char place[LIST_PLACE_MAX + 1];
    err_clear(e);
    int rc = chat_sieve_set(&w.sieve, f, e);
    rc = rc != 0 ? rc : find_sessions(b, in, &wanted, e);
    if (rc != 0) {
        return rc;
    }
    rc = listing_start(&w.l, 'i', p, CHAT_VISITS, e);
    memcpy(place, w.l.place, sizeof(place));
    rc = rc != 0 ? rc : place_of(&w.l, place, &after, e);
    rc = rc != 0 ? rc : store_read(b->store, &w.t, e);
    if (rc == 0) {
        rc = store_chat_merge(w.t, in->tenant, wanted.names, after.chat != NULL ? &after : NULL,
                              on_chat, &w);
        store_read_end(w.t);
        rc = listing_give(&w.l, rc, out, e);
    } else {
        listing_drop(&w.l);
    }
    free(wanted.names);
    return rc;
}

/* ---- what there is to choose from ---------------------------------------------------------------
 */

enum { OPEN, CLOSED, UNREAD, UNASSIGNED, ARCHIVED, ARCHIVED_UNREAD, COUNTS };
struct facets {
    json_t *tags, *assignees; /* name: how many */
    json_int_t count[COUNTS];
    size_t scanned;
    bool more;
};

static int count_one(json_t *in, const char *name)
{
    const json_t *now = json_object_get(in, name);
    if (now == NULL && json_object_size(in) == FACETS_MAX) {
        return 0;
    }
    return json_object_set_new(in, name, json_integer(json_integer_value(now) + 1)) == 0 ? 0
                                                                                          : E_NOMEM;
}

static int on_counted(void *arg, const char *session, const char *chat, uint64_t last_ms,
                      struct store_value v)
{
    struct facets *f = arg;
    (void)session;
    (void)chat;
    (void)last_ms;
    f->more = f->scanned == BRIDGE_FACET_CHATS;
    if (f->more) {
        return 1;
    }
    f->scanned++;
    json_t *row = message_public(v);
    const char *assignee = json_str(row, "assignee");
    const json_t *tags = json_arr(row, "tags");
    int rc = 0;
    f->count[strcmp(json_str_or(row, "state", "open"), "open") == 0 ? OPEN : CLOSED]++;
    bool unread = json_int(row, "unread_count", 0) > 0;
    bool archived = json_flag(row, "archived", false);
    f->count[UNREAD] += unread;
    f->count[UNASSIGNED] += assignee == NULL;
    f->count[ARCHIVED] += archived;
    f->count[ARCHIVED_UNREAD] += archived && unread;
    rc = assignee != NULL ? count_one(f->assignees, assignee) : 0;
    for (size_t i = 0; rc == 0 && i < json_array_size(tags); i++) {
        rc = count_one(f->tags, json_string_value(json_array_get(tags, i)));
    }
    json_decref(row);
    return rc;
}

struct facet {
    const char *name;
    json_int_t count;
};

static int by_count(const void *a, const void *b)
{
    const struct facet *x = a, *y = b;
    return x->count != y->count ? (x->count < y->count ? 1 : -1) : strcmp(x->name, y->name);
}

/* [{<key>, count}], the most used first; gives, NULL: no memory. */
static json_t *ranked(json_t *counts, const char *key)
{
    struct facet list[FACETS_MAX];
    size_t n = 0;
    const char *name;
    json_t *value, *out = json_array();
    json_object_foreach(counts, name, value)
    {
        list[n++] = (struct facet){name, json_integer_value(value)};
    }
    qsort(list, n, sizeof(list[0]), by_count);
    for (size_t i = 0; out != NULL && i < n; i++) {
        if (json_array_append_new(out, json_pack("{s:s, s:I}", key, list[i].name, "count",
                                                 list[i].count)) != 0) {
            json_decref(out);
            out = NULL;
        }
    }
    return out;
}

static json_t *facets_give(const struct facets *f)
{
    return json_pack("{s:o, s:o, s:{s:I, s:I, s:I, s:I, s:I, s:I}, s:I, s:b}", "tags",
                     ranked(f->tags, "tag"), "assignees", ranked(f->assignees, "assignee"),
                     "counts", "open", f->count[OPEN], "closed", f->count[CLOSED], "unread",
                     f->count[UNREAD], "unassigned", f->count[UNASSIGNED], "archived",
                     f->count[ARCHIVED], "archived_unread", f->count[ARCHIVED_UNREAD], "scanned", (json_int_t)f->scanned, "complete", !f->more);
}

/* ---- what was counted is kept ----
 *
 * Many look at the same time, when something has happened: they count once. Whatever changes a chat
 * is told in the log, but for what is erased or fetched in silence; so an answer is good until that
 * grows, and for FACETS_MS at most. A tenant that was made anew under the same name is another one:
 * its record tells when it was made.
 */

#define FACETS_MS 5000

static char *name_of(struct store_txn *t, const char *tenant, const char *const *sessions)
{
    struct store_value record = {.data = "", .len = 0};
    struct buf b;
    (void)store_get(t, STORE_TENANTS, STORE_PATH(tenant), &record);
    buf_init(&b, STORE_MAX_VALUE);
    buf_printf(&b, "%s ", tenant);
    buf_append(&b, record.data, record.len);
    for (; *sessions != NULL; sessions++) {
        buf_printf(&b, " %s", *sessions);
    }
    return buf_steal(&b, NULL);
}

static struct facets_kept *kept_of(struct people *p, const char *of)
{
    struct facets_kept *oldest = &p->facets[0];
    for (size_t i = 0; i < FACETS_KEPT; i++) {
        struct facets_kept *k = &p->facets[i];
        if (k->of != NULL && strcmp(k->of, of) == 0) {
            return k;
        }
        oldest = k->used < oldest->used ? k : oldest;
    }
    return oldest;
}

static void drop(struct facets_kept *k)
{
    free(k->of);
    json_decref(k->answer);
    memset(k, 0, sizeof(*k));
}

void facets_free(struct people *p)
{
    for (size_t i = 0; i < FACETS_KEPT; i++) {
        drop(&p->facets[i]);
    }
}

/* Gives what is there to count now. */
static int count_all(struct store_txn *t, const char *tenant, const char *const *sessions,
                     json_t **out)
{
    struct facets f = {.tags = json_object(), .assignees = json_object()};
    int rc = f.tags != NULL && f.assignees != NULL ? 0 : E_NOMEM;
    rc = rc != 0 ? rc : store_chat_merge(t, tenant, sessions, NULL, on_counted, &f);
    *out = rc == 0 ? facets_give(&f) : NULL;
    json_decref(f.tags);
    json_decref(f.assignees);
    return rc == 0 && *out == NULL ? E_NOMEM : rc;
}

static int give_facets(struct bridge *b, struct store_txn *t, const char *tenant,
                       const char *const *sessions, json_t **out)
{
    uint64_t seq = 0;
    const uint64_t now_ms = clock_mono_ms();
    char *of = name_of(t, tenant, sessions);
    if (of == NULL) {
        return E_NOMEM;
    }
    struct facets_kept *k = kept_of(b->people, of);
    int rc = store_event_last(t, tenant, &seq);
    if (rc == 0 && (k->of == NULL || strcmp(k->of, of) != 0 || k->seq != seq ||
                    now_ms >= k->at_ms + FACETS_MS)) {
        json_t *answer = NULL;
        rc = count_all(t, tenant, sessions, &answer);
        if (rc == 0) {
            drop(k);
            *k = (struct facets_kept){.of = of, .seq = seq, .at_ms = now_ms, .answer = answer};
            of = NULL;
        }
    }
    free(of);
    if (rc == 0) {
        k->used = ++b->people->facets_used;
        *out = json_deep_copy(k->answer); /* whoever gets it may change it */
        rc = *out != NULL ? 0 : E_NOMEM;
    }
    return rc;
}

int bridge_inbox_facets(struct bridge *b, const struct bridge_inbox *in, json_t **out,
                        struct err *e)
{
    struct wanted wanted;
    struct store_txn *t;
    err_clear(e);
    int rc = find_sessions(b, in, &wanted, e);
    if (rc != 0) {
        return rc;
    }
    rc = store_read(b->store, &t, e);
    if (rc == 0) {
        rc = give_facets(b, t, in->tenant, wanted.names, out);
        store_read_end(t);
    }
    free(wanted.names);
    return people_unreadable(e, rc);
}
