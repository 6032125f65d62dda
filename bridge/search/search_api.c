/*
 * A search: words -> matches from the index (on the pool) -> the messages as the store has them
 * now. What the index has and the store has not any more is left out.
 */
#include "search_priv.h"

#include "identity.h"
#include "json.h"
#include "mem.h"
#include "message_object.h"
#include "session.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHAT_IDS 4
#define LIMIT_MAX 500
#define SKIP_MAX 10000
#define SESSIONS_MAX 64 /* of a key with patterns, in one search */

struct search_call {
    struct work work; /* first */
    struct list link;
    struct search *s;
    bridge_done_fn done;
    void *arg;
    char tenant[64];
    struct buf match;
    struct search_db_query query;
    struct search_db *db; /* on the pool */
    struct search_hit hits[LIMIT_MAX + 1];
    size_t count;
    unsigned limit, waited;
    int rc;
    struct err err;
};

static void call_free(struct search_call *c)
{
    struct bridge *b = c->s->b;
    search_hits_finish(c->hits, c->count);
    buf_finish(&c->match);
    free(c);
    core_leave(b);
}

/* ---- the answer --------------------------------------------------------------------------------
 */

/* {message,snippet}; NULL: it is not there any more. */
static json_t *hit_object(struct store_txn *t, const char *tenant, const struct search_hit *h)
{
    struct message_owner o;
    struct store_value v;
    message_owner_set(&o, tenant, h->session);
    if (message_find_in(t, &o, h->chat, h->id, false, &v, NULL) != 0) {
        return NULL;
    }
    json_t *m = message_public(v);
    return m != NULL ? json_pack("{s:o, s:s}", "message", m, "snippet", h->snippet) : NULL;
}

static json_t *index_object(const struct index *ix)
{
    return json_pack("{s:s, s:I}", "state", index_state_name(ix), "messages",
                     (json_int_t)ix->db_state.count);
}

static int set_cursor(const struct search_call *c, json_t *body)
{
    char cursor[32];
    if (c->count <= c->limit) {
        return json_set_str(body, "next_cursor", NULL);
    }
    if (c->query.by_rank) {
        (void)snprintf(cursor, sizeof(cursor), "r%" PRIu64, c->query.skip + c->limit);
    } else {
        (void)snprintf(cursor, sizeof(cursor), "n%" PRId64, c->hits[c->limit - 1].place);
    }
    return json_set_str(body, "next_cursor", cursor);
}

static json_t *answer(struct search_call *c, const struct index *ix)
{
    struct store_txn *t = NULL;
    json_t *items = json_array();
    json_t *body = json_object();
    int rc = items != NULL && body != NULL ? store_read(c->s->b->store, &t, &c->err) : E_NOMEM;
    for (size_t i = 0; rc == 0 && i < c->count && i < c->limit; i++) {
        json_t *item = hit_object(t, c->tenant, &c->hits[i]);
        rc = item == NULL || json_array_append_new(items, item) == 0 ? 0 : E_NOMEM;
    }
    if (t != NULL) {
        store_read_end(t);
    }
    rc = body_set(body, "items", items) != 0 ? E_NOMEM : rc;
    rc = rc != 0 ? rc : set_cursor(c, body);
    rc = rc != 0 ? rc : body_set(body, "index", index_object(ix));
    if (rc != 0) {
        json_decref(body);
        c->rc = store_err(&c->err, rc, "the search failed");
        return NULL;
    }
    return body;
}

static void give(struct search_call *c, struct index *ix)
{
    json_t *body = c->rc == 0 ? answer(c, ix) : NULL;
    c->done(c->arg, &(struct bridge_reply){.err = c->rc != 0 ? &c->err : NULL, .body = body});
    json_decref(body);
}

static void on_find(struct work *w)
{
    struct search_call *c = (struct search_call *)w;
    c->rc = search_db_find(c->db, &c->query, c->hits, &c->count, &c->err);
}

static void on_found(struct work *w, int rc)
{
    struct search_call *c = (struct search_call *)w;
    struct search *s = c->s;
    struct index *ix = index_get(s, c->tenant); /* it is there: nothing was removed while busy */
    c->rc = rc != 0 ? rc : c->rc;
    if (c->rc == E_PROTO) { /* the file is broken: found so far, and it is being made anew */
        index_failed(ix, E_PROTO, c->err.msg);
        c->rc = 0;
    }
    give(c, ix);
    call_free(c);
    search_next(s);
}

/* ---- waiting searches --------------------------------------------------------------------------
 */

static struct search_call *first(struct search *s)
{
    return list_empty(&s->calls) ? NULL : LIST_ENTRY(s->calls.next, struct search_call, link);
}

struct index *calls_wanted(struct search *s, unsigned *waited)
{
    struct search_call *c = first(s);
    if (c == NULL) {
        return NULL;
    }
    *waited = c->waited;
    return index_get(s, c->tenant);
}

void calls_waited(struct search *s)
{
    struct search_call *c = first(s);
    if (c != NULL) {
        c->waited++;
    }
}

bool calls_run(struct search *s)
{
    struct search_call *c = first(s);
    struct index *ix = c != NULL ? index_get(s, c->tenant) : NULL;
    if (ix == NULL) {
        return false; /* calls_wanted() found both */
    }
    list_remove(&c->link);
    s->call_count--;
    bool usable = ix->db != NULL && !(ix->rebuild || ix->state == INDEX_EMPTYING);
    c->db = ix->db;
    c->rc = usable ? work_submit(s->b->loop, &c->work, on_find, on_found) : 0;
    if (usable && c->rc == 0) {
        s->busy = true;
        return true;
    }
    if (c->rc != 0) {
        err_set(&c->err, c->rc, "too many things are under way; try again soon");
    }
    give(c, ix); /* nothing is indexed yet: `index` says so */
    call_free(c);
    return false;
}

void calls_cancel(struct search *s)
{
    struct search_call *c = NULL;
    while ((c = first(s)) != NULL) {
        list_remove(&c->link);
        s->call_count--;
        c->rc = err_set(&c->err, E_CANCELED, "wabridge is stopping");
        c->done(c->arg, &(struct bridge_reply){.err = &c->err});
        call_free(c);
    }
}

/* ---- the request -------------------------------------------------------------------------------
 */

struct chat_ids {
    char id[CHAT_IDS][STORE_MAX_ID + 1];
    const char *list[CHAT_IDS];
    size_t n;
};

static void add_chat(struct chat_ids *ids, const char *id)
{
    size_t len = strnlen(id, STORE_MAX_ID + 1);
    if (len >= 1 && len <= STORE_MAX_ID && ids->n < CHAT_IDS) {
        memcpy(ids->id[ids->n], id, len + 1);
        ids->list[ids->n] = ids->id[ids->n];
        ids->n++;
    }
}

/* All ids under which that chat may be filed; over a whole tenant, where people are known session
 * by session, the one that was asked for. */
static int chat_ids(struct bridge *b, const struct bridge_search *q, struct chat_ids *ids,
                    struct err *e)
{
    char id[STORE_MAX_ID + 1], jids[IDENTITY_JIDS_MAX][STORE_MAX_ID + 1];
    struct store_txn *t = NULL;
    struct message_owner o;
    struct person who;
    enum chat_kind kind;
    if (q->session == NULL) {
        int rc = chat_address_parse(q->chat, NULL, id, &kind, e);
        add_chat(ids, rc == 0 ? id : "");
        return rc;
    }
    int rc = store_read(b->store, &t, e);
    if (rc != 0) {
        return rc;
    }
    message_owner_set(&o, q->tenant, q->session);
    rc = identity_address(t, &o, q->chat, id, &kind, e);
    add_chat(ids, rc == 0 ? id : "");
    if (rc == 0 && kind == CHAT_USER && identity_find(t, &o, id, &who) == 0) {
        size_t n = identity_jids(&who, jids);
        for (size_t i = 0; i < n; i++) {
            if (strcmp(jids[i], id) != 0) {
                add_chat(ids, jids[i]);
            }
        }
    }
    store_read_end(t);
    return rc;
}

static int read_cursor(struct search_call *c, const char *cursor, struct err *e)
{
    char *end = NULL;
    const char kind = c->query.by_rank ? 'r' : 'n';
    if (cursor == NULL || cursor[0] == '\0') {
        return 0;
    }
    unsigned long long n = cursor[0] == kind ? strtoull(cursor + 1, &end, 10) : 0;
    if (end == NULL || end == cursor + 1 || *end != '\0' || n > INT64_MAX ||
        (c->query.by_rank && n > SKIP_MAX)) {
        return err_field(e, "invalid_cursor", "cursor",
                         "not a cursor of this search; begin without one");
    }
    if (c->query.by_rank) {
        c->query.skip = n;
    } else if ((int64_t)n < c->query.before) {
        c->query.before = (int64_t)n;
    }
    return 0;
}

/* ---- which sessions the caller sees ------------------------------------------------------------
 */

struct seen {
    const struct bridge_principal *who;
    char name[SESSIONS_MAX][64];
    const char *list[SESSIONS_MAX];
    size_t n;
    bool too_many;
};

static void on_session(void *arg, struct session *s)
{
    struct seen *seen = arg;
    if (!bridge_sees_session(seen->who, session_id(s))) {
        return;
    }
    if (seen->n == SESSIONS_MAX) {
        seen->too_many = true;
        return;
    }
    (void)snprintf(seen->name[seen->n], sizeof(seen->name[0]), "%s", session_id(s));
    seen->list[seen->n] = seen->name[seen->n];
    seen->n++;
}

/* For a search over the tenant by somebody who sees only some of it. */
static int seen_sessions(struct bridge *b, const struct bridge_search *q, struct seen *seen,
                         struct err *e)
{
    session_each(b, q->tenant, on_session, seen);
    return seen->too_many ? err_field(e, "too_many_sessions", "q",
                                      "the key sees more than %d sessions: search them one by one",
                                      SESSIONS_MAX)
                          : 0;
}

static int prepare(struct bridge *b, const struct bridge_search *q, struct search_call *c,
                   bool *empty, struct err *e)
{
    struct chat_ids ids = {.n = 0};
    struct seen seen = {.who = q->who};
    struct session *session = NULL;
    int rc = q->session != NULL ? session_find(b, q->tenant, q->session, &session, e)
                                : tenant_exists(b, q->tenant, e);
    rc = rc != 0 ? rc : paging_check(&q->paging, e);
    if (rc == 0 && (q->q == NULL || q->q[0] == '\0' || strlen(q->q) > SEARCH_Q_MAX)) {
        rc = err_field(e, q->q == NULL || q->q[0] == '\0' ? "required" : NULL, "q",
                       "q is what to look for: 1 to %d bytes", SEARCH_Q_MAX);
    }
    rc = rc != 0 || q->chat == NULL ? rc : chat_ids(b, q, &ids, e);
    bool some = q->session == NULL && !bridge_sees_all_sessions(q->who);
    rc = rc != 0 || !some ? rc : seen_sessions(b, q, &seen, e);
    if (rc != 0) {
        return rc;
    }
    const struct search_filter f = {.session = q->session,
                                    .type = q->type,
                                    .direction = q->direction,
                                    .chats = ids.list,
                                    .chat_count = ids.n,
                                    .sessions = seen.list,
                                    .session_count = seen.n};
    (void)snprintf(c->tenant, sizeof(c->tenant), "%s", q->tenant);
    *empty = !search_match(q->q, &f, &c->match) || (some && seen.n == 0);
    c->limit = q->paging.limit;
    c->query = (struct search_db_query){
        .match = c->match.data,
        .from = search_place_of_time(q->since_ms),
        .before = q->until_ms != 0 ? search_place_of_time(q->until_ms) : INT64_MAX,
        .by_rank = q->by_rank,
        .limit = q->paging.limit + 1,
        .timeout_ms = SEARCH_TIMEOUT_MS,
    };
    return read_cursor(c, q->paging.cursor, e);
}

void bridge_search(struct bridge *b, const struct bridge_search *q, bridge_done_fn done, void *arg)
{
    struct err e;
    bool empty = false;
    err_clear(&e);
    struct search *s = b->search;
    struct search_call *c = mem_calloc(1, sizeof(*c));
    int rc = c != NULL ? 0 : err_set(&e, E_NOMEM, "out of memory");
    if (rc == 0) {
        buf_init(&c->match, 16384);
        rc = prepare(b, q, c, &empty, &e);
    }
    if (rc == 0 && (s == NULL || s->closing)) {
        rc = err_set(&e, E_UNAVAILABLE, "wabridge is stopping");
    }
    if (rc == 0 && s->call_count >= SEARCH_QUEUE_MAX) {
        rc = err_word(&e, E_LIMIT, "too_many_searches", "%u searches wait already; try again soon",
                      s->call_count);
    }
    struct index *ix = rc == 0 ? index_get(s, q->tenant) : NULL;
    if (rc == 0 && ix == NULL) {
        rc = err_set(&e, E_NOMEM, "out of memory");
    }
    json_t *none = NULL;
    if (rc == 0 && empty) { /* punctuation alone is in no message */
        none = json_pack("{s:[], s:n, s:o}", "items", "next_cursor", "index", index_object(ix));
        rc = none != NULL ? 0 : err_set(&e, E_NOMEM, "out of memory");
    }
    if (rc != 0 || empty) {
        if (c != NULL) {
            buf_finish(&c->match);
        }
        free(c);
        reply_later(b, done, arg, rc != 0 ? &e : NULL, none);
        return;
    }
    c->s = s;
    c->done = done;
    c->arg = arg;
    core_enter(b);
    list_append(&s->calls, &c->link);
    s->call_count++;
    search_soon(s, 0);
}
