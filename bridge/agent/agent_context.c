/*
 * What the endpoint is told: the messages that wait in the chat, and the turns before them.
 */
#include "agent_priv.h"

#include "clock.h"
#include "json.h"
#include "text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define VISIT_MAX 400 /* rows looked at for history */

struct gather {
    const struct agent_chat *c;
    unsigned limit;
    size_t visited;
    json_t *turns;                         /* newest first */
    uint64_t ours_ms, theirs_ms, agent_ms; /* last of each; 0: none seen */
    int rc;
};

static uint64_t time_of(const json_t *o, const char *key)
{
    uint64_t ms = 0;
    const char *text = json_str(o, key);
    return text != NULL && clock_parse_rfc3339(text, &ms) == 0 ? ms : 0;
}

/* When it went out; until then when it was queued. */
static uint64_t sent_at(const json_t *m)
{
    size_t i = 0;
    json_t *step = NULL;
    json_array_foreach(json_arr(m, "status_history"), i, step)
    {
        if (strcmp(json_str_or(step, "status", ""), "sent") == 0) {
            return time_of(step, "at");
        }
    }
    return time_of(m, "received_at");
}

static bool in_batch(const struct agent_chat *c, const char *id)
{
    LIST_FOREACH(&c->messages, it, next)
    {
        if (strcmp(LIST_ENTRY(it, struct agent_message, link)->id, id) == 0) {
            return true;
        }
    }
    return false;
}

static bool spoken(const json_t *m)
{
    static const char *const silent[] = {"system",   "call", "revoked", "pending", "unknown",
                                         "reaction", "edit", "revoke",  NULL};
    for (size_t i = 0; silent[i] != NULL; i++) {
        if (strcmp(json_str_or(m, "type", ""), silent[i]) == 0) {
            return false;
        }
    }
    return strcmp(json_str_or(m, "status", ""), "failed") != 0;
}

static void note_times(struct gather *g, const json_t *m)
{
    if (strcmp(json_str_or(m, "direction", ""), "in") == 0) {
        uint64_t at = time_of(m, "received_at");
        g->theirs_ms = at > g->theirs_ms ? at : g->theirs_ms;
        return;
    }
    uint64_t at = sent_at(m);
    uint64_t *last =
        strcmp(json_str_or(m, "source", ""), "agent") == 0 ? &g->agent_ms : &g->ours_ms;
    *last = at > *last ? at : *last;
}

static int on_message(void *arg, const struct store_message_ref *ref, struct store_value v)
{
    struct gather *g = arg;
    json_t *m = message_public(v);
    (void)ref;
    if (m != NULL && spoken(m) && !in_batch(g->c, json_str_or(m, "id", ""))) {
        note_times(g, m);
        json_t *turn = json_array_size(g->turns) < g->limit ? agent_turn(m) : NULL;
        if (turn != NULL && json_array_append_new(g->turns, turn) != 0) {
            g->rc = E_NOMEM;
        }
    }
    json_decref(m);
    return g->rc != 0 ? g->rc : ++g->visited >= VISIT_MAX || json_array_size(g->turns) >= g->limit;
}

static int by_time(const void *a, const void *b)
{
    const json_t *const *x = a, *const *y = b;
    return strcmp(json_str_or(*y, "at", ""), json_str_or(*x, "at", "")); /* newest first */
}

/* Turns of all the chat's ids, oldest first, at most limit. Gives. */
static json_t *in_order(json_t *turns, unsigned limit)
{
    size_t n = json_array_size(turns);
    json_t *out = json_array();
    json_t **all = n > 0 ? calloc(n, sizeof(json_t *)) : NULL;
    for (size_t i = 0; all != NULL && i < n; i++) {
        all[i] = json_array_get(turns, i);
    }
    if (all != NULL) {
        qsort(all, n, sizeof(json_t *), by_time);
    }
    for (size_t i = n < limit ? n : limit; all != NULL && i-- > 0;) {
        if (json_array_append(out, all[i]) != 0) {
            json_decref(out);
            out = NULL;
        }
    }
    if (n > 0 && all == NULL) {
        json_decref(out);
        out = NULL;
    }
    free(all);
    return out;
}

static int read_history(struct agent_chat *c, struct store_txn *t, const struct message_owner *o,
                        struct gather *g, json_t **history)
{
    static const struct store_range newest;
    char ids[AGENT_CHAT_IDS][STORE_MAX_ID + 1];
    size_t n = agent_chat_ids(t, o, c->chat, ids);
    unsigned turns = c->a->settings.history_turns;
    int rc = 0;
    g->c = c;
    g->turns = json_array();
    if (g->turns == NULL) {
        return E_NOMEM;
    }
    for (size_t i = 0; rc == 0 && i < n; i++) {
        g->visited = 0;
        /* One at least: who spoke last matters even when nothing is told of it. */
        g->limit = (unsigned)json_array_size(g->turns) + (turns > 0 ? turns : 1);
        rc = store_message_list(t, o->tenant, o->session, ids[i], &newest, on_message, g);
        rc = rc > 0 ? 0 : rc;
    }
    *history = rc == 0 ? in_order(g->turns, turns) : NULL;
    json_decref(g->turns);
    return rc == 0 && *history == NULL ? E_NOMEM : rc;
}

/* The batch's messages as they are now: one may be revoked, or moved to another id of the chat. */
static int read_batch(struct agent_chat *c, struct store_txn *t, const struct message_owner *o,
                      json_t *messages)
{
    unsigned skip = c->count > AGENT_BATCH_MAX ? c->count - AGENT_BATCH_MAX : 0;
    LIST_FOREACH(&c->messages, it, next)
    {
        struct agent_message *q = LIST_ENTRY(it, struct agent_message, link);
        struct store_value v;
        c->last_seq = q->seq;
        memcpy(c->last_id, q->id, sizeof(c->last_id));
        if (skip > 0) {
            skip--;
            continue;
        }
        int rc = message_find_in(t, o, c->chat, q->id, false, &v, NULL);
        rc = rc == E_NOTFOUND ? message_find(t, o, q->id, &v, NULL) : rc; /* a status post */
        if (rc != 0 && rc != E_NOTFOUND) {
            return rc;
        }
        json_t *m = rc == 0 ? message_public(v) : NULL;
        if (m != NULL && !spoken(m)) {
            json_decref(m);
            m = NULL;
        }
        if (m != NULL && json_array_append_new(messages, m) != 0) {
            return E_NOMEM;
        }
    }
    return 0;
}

static bool asks_for_person(const struct agent_chat *c, const json_t *messages)
{
    size_t i = 0, k = 0;
    json_t *m = NULL, *word = NULL;
    json_array_foreach(messages, i, m)
    {
        json_array_foreach(c->a->settings.keywords, k, word)
        {
            const char *text = json_str_or(m, "text", "");
            if (json_is_string(word) && strcasestr(text, json_string_value(word)) != NULL) {
                return true;
            }
        }
    }
    return false;
}

/* Files follow their messages; an endpoint that is asked a moment later gets both. */
static bool awaits_file(const struct agent_chat *c, const json_t *messages, uint64_t now_ms)
{
    size_t i = 0;
    json_t *m = NULL;
    json_array_foreach(messages, i, m)
    {
        const char *state = json_str_or(json_obj(m, "media"), "state", "");
        if (strcmp(state, "pending") == 0 &&
            time_of(m, "received_at") + c->a->settings.media_wait_ms > now_ms) {
            return true;
        }
    }
    return false;
}

static int64_t since(uint64_t later, uint64_t earlier)
{
    return earlier == 0 ? -1 : later > earlier ? (int64_t)(later - earlier) : 0;
}

/* For the judgement about loops: how soon it came, and what. False: an automatic greeting. */
static bool weigh(struct agent_chat *c, const json_t *messages, const struct gather *g)
{
    const json_t *first = json_array_get(messages, 0);
    size_t i = 0;
    json_t *m = NULL;
    struct buf text;
    buf_init(&text, STORE_MAX_VALUE);
    json_array_foreach(messages, i, m)
    {
        (void)agent_message_text(m, &text);
    }
    c->in_ms = time_of(first, "received_at");
    c->gap_ms = since(c->in_ms, g->agent_ms);
    c->in_hash = agent_loop_hash(text.len > 0 ? text.data : "");
    bool greeting =
        json_array_size(messages) == 1 && g->ours_ms > g->agent_ms &&
        agent_loop_greeting(text_utf8_count(text.data, text.len), since(c->in_ms, g->ours_ms),
                            since(g->ours_ms, g->theirs_ms));
    buf_finish(&text);
    return !greeting;
}

static int judge(struct agent_chat *c, const json_t *doc, const json_t *messages,
                 const struct gather *g, enum agent_verdict *verdict)
{
    uint64_t now = clock_wall_ms();
    (void)snprintf(c->conversation_id, sizeof(c->conversation_id), "%s",
                   json_str_or(doc, "conversation_id", ""));
    if (json_array_size(messages) == 0) {
        *verdict = AGENT_SILENT;
    } else if (!agent_doc_open(doc, now)) {
        *verdict = AGENT_CLOSED;
    } else if (awaits_file(c, messages, now)) {
        *verdict = AGENT_LATER;
    } else if (!weigh(c, messages, g)) {
        *verdict = AGENT_SILENT;
    } else if (asks_for_person(c, messages)) {
        *verdict = AGENT_KEYWORD;
    } else if (agent_doc_replies(doc, now) >= c->a->settings.max_replies_per_hour) {
        *verdict = AGENT_LIMITED;
    } else {
        *verdict = AGENT_ASK;
    }
    return 0;
}

int agent_context(struct agent_chat *c, struct store_txn *t, enum agent_verdict *verdict,
                  json_t **messages, json_t **history, struct err *e)
{
    char key[STORE_MAX_ID + 1];
    struct message_owner o;
    struct gather g = {0};
    message_owner_set(&o, c->a->tenant, c->a->session);
    *history = NULL;
    *messages = json_array();
    int rc = *messages != NULL ? 0 : E_NOMEM;
    rc = rc != 0 ? rc : read_batch(c, t, &o, *messages);
    rc = rc != 0 ? rc : read_history(c, t, &o, &g, history);
    json_t *doc = rc == 0 ? agent_doc_load(t, &o, c->chat, key, e) : NULL;
    if (rc == 0) {
        rc = doc != NULL ? judge(c, doc, *messages, &g, verdict) : e->code;
    }
    json_decref(doc);
    if (rc != 0 || *verdict != AGENT_ASK) {
        json_decref(*messages);
        json_decref(*history);
        *messages = *history = NULL;
    }
    return rc != 0 ? store_err(e, rc, "the conversation could not be read") : 0;
}
