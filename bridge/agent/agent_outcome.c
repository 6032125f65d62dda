/*
 * What came of a batch, made durable; its replies sent.
 *
 * Happy path: one operation deletes the batch's rows, writes the answer in place of the last one
 * and the conversation's document -> each reply through bridge_send() in turn, under a key made of
 * the message's id and the reply's place -> one operation deletes the answer. Failure modes. A
 * crash before the first commit: nothing was sent, the endpoint is asked again. A crash after it:
 * the same replies are sent under the same keys, and the outbox knows those that it has. The outbox
 * is full or closing: again later. A reply that it refuses for good: told in the agent's health,
 * the others go on. The operation fails: again in a second.
 */
#include "agent_priv.h"

#include "clock.h"
#include "event.h"
#include "json.h"
#include "log.h"
#include "mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define AGAIN_MS 1000
#define HOLD_DOWN_MS 60000 /* between two alert.agent_failing */
#define LIMITED_EVERY_MS 3600000

enum outcome_kind { OUTCOME_NONE, OUTCOME_ANSWER, OUTCOME_FAILURE, OUTCOME_SENT };

struct outcome {
    struct call call; /* first */
    struct agent_chat *c;
    struct message_owner owner;
    enum outcome_kind kind;
    enum agent_verdict verdict; /* OUTCOME_NONE */
    char chat[STORE_MAX_ID + 1], to[STORE_MAX_ID + 1], last_id[STORE_MAX_ID + 1];
    uint64_t last_seq, now_ms, in_ms, in_hash;
    uint64_t *seqs; /* of the batch */
    size_t count;
    int64_t gap_ms;
    struct agent_loop_rules loop;
    char why[160];   /* of a failure */
    char *apology;   /* NULL: none */
    json_t *replies; /* OUTCOME_ANSWER */
    bool handover, has_conversation;
    char conversation_id[AGENT_CONVERSATION_MAX + 1];
    /* out */
    json_t *send; /* what is to be sent now; NULL: nothing */
    bool apologises;
    bool weighed;                /* healthy is of the present */
    struct agent_health healthy; /* as it is now */
};

/* ---- parts of the operation (writer) -----------------------------------------------------------
 */

/* The agent is still there and on, and the batch is still queued: else nothing is done. */
static int still_wanted(struct store_txn *t, const struct outcome *o, bool *wanted)
{
    char name[AGENT_SEQ_LEN];
    struct store_value v;
    agent_seq_text(o->last_seq, name);
    *wanted = false;
    int rc =
        store_get(t, STORE_AGENT_QUEUE, STORE_PATH(o->owner.tenant, o->owner.session, name), &v);
    if (rc == 0) {
        rc = store_get(t, STORE_AGENTS,
                       STORE_PATH(o->owner.tenant, o->owner.session, AGENT_PART_SETTINGS), &v);
        *wanted = rc == 0;
    }
    return rc == E_NOTFOUND ? 0 : rc;
}

static int delete_rows(struct store_txn *t, const struct outcome *o)
{
    char name[AGENT_SEQ_LEN];
    int rc = 0;
    for (size_t i = 0; i < o->count && rc == 0; i++) {
        agent_seq_text(o->seqs[i], name);
        rc = store_del(t, STORE_AGENT_QUEUE, STORE_PATH(o->owner.tenant, o->owner.session, name));
        rc = rc == E_NOTFOUND ? 0 : rc;
    }
    return rc;
}

static int put_answer(struct store_txn *t, struct outcome *o, struct err *e)
{
    char name[AGENT_SEQ_LEN];
    json_t *row = json_pack("{s:s, s:s, s:s, s:O, s:I, s:b}", "chat", o->chat, "to", o->to, "id",
                            o->last_id, "replies", o->send, "at", (json_int_t)o->now_ms, "apology",
                            o->apologises ? 1 : 0);
    agent_seq_text(o->last_seq, name);
    int rc = record_put(t, STORE_AGENT_QUEUE, STORE_PATH(o->owner.tenant, o->owner.session, name),
                        row, e);
    json_decref(row);
    return rc;
}

static int raise_alert(struct store_txn *t, struct outcome *o, bool failing, struct err *e)
{
    json_t *more = json_pack("{s:I, s:s}", "consecutive_failures", (json_int_t)o->healthy.failures,
                             "last_error", o->why);
    if (more == NULL) {
        return E_NOMEM;
    }
    if (!failing) {
        (void)json_object_set_new(more, "last_error", json_null());
    }
    return agent_event(o->call.b, t, &o->owner,
                       failing ? "alert.agent_failing" : "alert.agent_recovered", NULL, NULL, more,
                       e);
}

static int put_health(struct store_txn *t, struct outcome *o, struct err *e)
{
    json_t *health = agent_health_json(&o->healthy);
    int rc =
        record_put(t, STORE_AGENTS,
                   STORE_PATH(o->owner.tenant, o->owner.session, AGENT_PART_HEALTH), health, e);
    json_decref(health);
    return rc;
}

/* Chats of an agent end at the same time: what counts is what stands in the store. */
static int read_health(struct store_txn *t, struct outcome *o, struct err *e)
{
    struct store_value v;
    int rc = store_get(t, STORE_AGENTS,
                       STORE_PATH(o->owner.tenant, o->owner.session, AGENT_PART_HEALTH), &v);
    json_t *health = rc == 0 ? record_parse(v, e) : NULL;
    if (rc != 0 && rc != E_NOTFOUND) {
        return rc;
    }
    agent_health_read(health, &o->healthy);
    json_decref(health);
    o->weighed = true;
    return 0;
}

static int failed_health(struct store_txn *t, struct outcome *o, struct err *e)
{
    struct agent_health *h = &o->healthy;
    int rc = read_health(t, o, e);
    if (rc != 0) {
        return rc;
    }
    h->failures++;
    (void)snprintf(h->error, sizeof(h->error), "%s", o->why);
    bool alert = !h->failing && (h->alert_ms == 0 || h->alert_ms + HOLD_DOWN_MS <= o->now_ms);
    if (alert) {
        h->failing = true;
        h->alert_ms = o->now_ms;
    }
    rc = put_health(t, o, e);
    return rc != 0 || !alert ? rc : raise_alert(t, o, true, e);
}

static int good_health(struct store_txn *t, struct outcome *o, struct err *e)
{
    struct agent_health *h = &o->healthy;
    int rc = read_health(t, o, e);
    if (rc != 0) {
        return rc;
    }
    bool recovered = h->failing;
    bool news = recovered || h->failures > 0 || h->success_ms + 60000 < o->now_ms;
    h->failing = false;
    h->failures = 0;
    h->error[0] = '\0';
    h->success_ms = o->now_ms;
    rc = news ? put_health(t, o, e) : 0; /* not at each message */
    return rc != 0 || !recovered ? rc : raise_alert(t, o, false, e);
}

static int close_chat(struct store_txn *t, struct outcome *o, json_t *doc, const char *reason,
                      const char *type, json_t *more, struct err *e)
{
    int rc = agent_doc_close(doc, reason, o->now_ms);
    if (rc != 0) {
        json_decref(more);
        return rc;
    }
    return agent_event(o->call.b, t, &o->owner, type, o->chat, reason, more, e);
}

/* ---- no call was needed ------------------------------------------------------------------------
 */

static int apply_none(struct store_txn *t, struct outcome *o, json_t *doc, struct err *e)
{
    if (o->verdict == AGENT_KEYWORD) {
        return close_chat(t, o, doc, "keyword", "agent.handover", NULL, e);
    }
    if (o->verdict == AGENT_LIMITED &&
        json_int(doc, "limited_ms", 0) + LIMITED_EVERY_MS <= (int64_t)o->now_ms) {
        int rc = body_set(doc, "limited_ms", json_integer((json_int_t)o->now_ms));
        return rc != 0 ? rc
                       : agent_event(o->call.b, t, &o->owner, "agent.limited", o->chat,
                                     "max_replies_per_hour", NULL, e);
    }
    return 0;
}

/* ---- an answer ---------------------------------------------------------------------------------
 */

static uint64_t hash_replies(const json_t *replies)
{
    size_t len = 0;
    char *text = json_text(replies, &len);
    uint64_t hash = text != NULL ? agent_loop_hash(text) : 0;
    free(text);
    return hash;
}

static int remember(struct outcome *o, json_t *doc, const char **loop)
{
    struct agent_exchange x[AGENT_LOOP_KEEP + 1];
    size_t n = agent_loop_read(json_arr(doc, "loop"), x);
    x[n++] = (struct agent_exchange){
        .at_ms = o->in_ms, .gap_ms = o->gap_ms, .in = o->in_hash, .out = hash_replies(o->replies)};
    *loop = agent_loop_check(x, n, &o->loop);
    return body_set(doc, "loop", agent_loop_write(x, n));
}

static int apply_answer(struct store_txn *t, struct outcome *o, json_t *doc, struct err *e)
{
    const char *loop = NULL;
    int rc = json_array_size(o->replies) > 0 ? remember(o, doc, &loop) : 0;
    if (rc == 0 && o->has_conversation) {
        rc = json_set_str(doc, "conversation_id", o->conversation_id);
    }
    (void)json_object_del(doc, "failing");
    rc = rc != 0 ? rc : good_health(t, o, e);
    if (rc == 0 && loop != NULL) {
        return close_chat(t, o, doc, "loop", "alert.agent_loop", json_pack("{s:s}", "kind", loop),
                          e);
    }
    if (rc == 0 && json_array_size(o->replies) > 0) {
        o->send = json_incref(o->replies);
        rc = agent_doc_replied(doc, (unsigned)json_array_size(o->replies), o->now_ms);
    }
    return rc != 0 || !o->handover ? rc
                                   : close_chat(t, o, doc, "handover", "agent.handover", NULL, e);
}

static int apply_failure(struct store_txn *t, struct outcome *o, json_t *doc, struct err *e)
{
    if (o->apology != NULL && !json_flag(doc, "failing", false)) {
        o->send = json_pack("[{s:s}]", "text", o->apology);
        o->apologises = true;
        if (o->send == NULL) {
            return E_NOMEM;
        }
    }
    int rc = body_set(doc, "failing", json_true());
    return rc != 0 ? rc : failed_health(t, o, e);
}

static int apply_sent(struct store_txn *t, struct outcome *o, struct err *e)
{
    char name[AGENT_SEQ_LEN];
    struct store_value v;
    agent_seq_text(o->last_seq, name);
    int rc = store_del(t, STORE_AGENT_QUEUE, STORE_PATH(o->owner.tenant, o->owner.session, name));
    if (o->why[0] == '\0' || (rc != 0 && rc != E_NOTFOUND)) {
        return rc == E_NOTFOUND ? 0 : rc;
    }
    rc = store_get(t, STORE_AGENTS,
                   STORE_PATH(o->owner.tenant, o->owner.session, AGENT_PART_SETTINGS), &v);
    return rc == E_NOTFOUND ? 0 : rc != 0 ? rc : failed_health(t, o, e);
}

static int apply_outcome(struct store_txn *t, struct call *call, struct err *e)
{
    struct outcome *o = (struct outcome *)call;
    char key[STORE_MAX_ID + 1];
    bool wanted = false;
    json_decref(o->send); /* of a first run that was rolled back */
    o->send = NULL;
    o->apologises = false;
    o->weighed = false;
    if (o->kind == OUTCOME_SENT) {
        return apply_sent(t, o, e);
    }
    int rc = still_wanted(t, o, &wanted);
    if (rc != 0 || !wanted) {
        return rc;
    }
    json_t *doc = agent_doc_load(t, &o->owner, o->chat, key, e);
    if (doc == NULL) {
        return e->code;
    }
    rc = delete_rows(t, o);
    if (rc == 0) {
        rc = o->kind == OUTCOME_ANSWER    ? apply_answer(t, o, doc, e)
             : o->kind == OUTCOME_FAILURE ? apply_failure(t, o, doc, e)
                                          : apply_none(t, o, doc, e);
    }
    if (rc == 0 &&
        (o->kind != OUTCOME_NONE || o->verdict == AGENT_KEYWORD || o->verdict == AGENT_LIMITED)) {
        rc = agent_doc_save(t, &o->owner, key, doc, e);
    }
    rc = rc != 0 || o->send == NULL ? rc : put_answer(t, o, e);
    json_decref(doc);
    return rc;
}

/* ---- around it (loop) --------------------------------------------------------------------------
 */

static void begin_sending(struct agent_chat *c, struct outcome *o)
{
    struct agent_sending *s = &c->sending;
    s->replies = o->send;
    o->send = NULL;
    s->seq = o->last_seq;
    s->next = 0;
    s->refused[0] = '\0';
    s->apology = o->apologises;
    s->answered_ms = o->now_ms;
    memcpy(s->id, o->last_id, sizeof(s->id));
    agent_send(c);
}

/* The rows are where they were: again in a while. */
static void put_off(struct agent_chat *c, bool sent)
{
    c->due_ms = clock_mono_ms() + AGAIN_MS;
    agent_chat_set(c, sent ? AGENT_PAUSED : AGENT_WAITING, &c->a->g->waiting);
    agents_soon(c->a->g, AGAIN_MS);
}

static void finish_outcome(struct call *call, int rc)
{
    struct outcome *o = (struct outcome *)call;
    struct agent_chat *c = o->c;
    struct agents *g = c->a->g;
    if (rc != 0) {
        log_warn(&c->a->log, "agent.record_failed", "%s", call->op.err.msg);
    } else {
        event_committed(call->b, o->owner.tenant);
        c->a->health = o->weighed ? o->healthy : c->a->health;
    }
    g->busy--;
    if (rc != 0 && !g->closing && !c->dropped) {
        put_off(c, o->kind == OUTCOME_SENT);
    } else {
        if (o->kind == OUTCOME_SENT) {
            json_decref(c->sending.replies);
            c->sending.replies = NULL;
        }
        agent_chat_forget(c, o->kind == OUTCOME_SENT || rc != 0 ? 0 : o->last_seq);
        if (rc == 0 && o->send != NULL && !g->closing) {
            begin_sending(c, o);
        } else {
            agent_chat_next(c);
        }
    }
    agents_maybe_closed(g);
}

static void release_outcome(struct call *call)
{
    struct outcome *o = (struct outcome *)call;
    json_decref(o->replies);
    json_decref(o->send);
    free(o->apology);
    free(o->seqs);
    free(o);
}

static struct outcome *make(struct agent_chat *c, enum outcome_kind kind)
{
    struct outcome *o = mem_calloc(1, sizeof(*o));
    if (o == NULL) {
        return NULL;
    }
    o->c = c;
    o->kind = kind;
    o->last_seq = c->last_seq;
    o->now_ms = clock_wall_ms();
    o->in_ms = c->in_ms;
    o->gap_ms = c->gap_ms;
    o->in_hash = c->in_hash;
    o->loop = c->a->settings.loop;
    message_owner_set(&o->owner, c->a->tenant, c->a->session);
    memcpy(o->chat, c->chat, sizeof(o->chat));
    memcpy(o->to, c->to, sizeof(o->to));
    memcpy(o->last_id, c->last_id, sizeof(o->last_id));
    o->seqs = mem_calloc(c->count + 1, sizeof(*o->seqs));
    LIST_FOREACH(&c->messages, it, next)
    {
        const struct agent_message *m = LIST_ENTRY(it, struct agent_message, link);
        if (o->seqs != NULL && m->seq <= c->last_seq) {
            o->seqs[o->count++] = m->seq;
        }
    }
    if (o->seqs == NULL) {
        free(o);
        return NULL;
    }
    o->call.apply = apply_outcome;
    o->call.finish = finish_outcome;
    o->call.release = release_outcome;
    return o;
}

static void submit(struct agent_chat *c, struct outcome *o)
{
    struct agents *g = c->a->g;
    if (o == NULL) {
        put_off(c, false); /* no memory */
        return;
    }
    agent_chat_set(c, o->kind == OUTCOME_SENT ? AGENT_CLEARING : AGENT_RECORDING, NULL);
    g->busy++;
    call_submit(&o->call, g->b, NULL, NULL);
}

void agent_outcome_none(struct agent_chat *c, enum agent_verdict verdict)
{
    struct outcome *o = make(c, OUTCOME_NONE);
    if (o != NULL) {
        o->verdict = verdict;
    }
    submit(c, o);
}

void agent_outcome_answer(struct agent_chat *c, struct agent_answer *answer)
{
    struct outcome *o = make(c, OUTCOME_ANSWER);
    if (o != NULL) {
        o->replies = json_incref(answer->replies);
        o->handover = answer->handover;
        /* One that was made for this call (retell) is the answer's too. */
        const char *id = answer->has_conversation ? answer->conversation_id : c->conversation_id;
        o->has_conversation = id[0] != '\0';
        (void)snprintf(o->conversation_id, sizeof(o->conversation_id), "%s", id);
    }
    submit(c, o);
}

void agent_outcome_failure(struct agent_chat *c, const char *why)
{
    struct outcome *o = NULL;
    if (c->a->broken[0] != '\0') { /* the batch was not read */
        LIST_FOREACH(&c->messages, it, next)
        {
            const struct agent_message *m = LIST_ENTRY(it, struct agent_message, link);
            c->last_seq = m->seq;
            memcpy(c->last_id, m->id, sizeof(c->last_id));
        }
    }
    o = make(c, OUTCOME_FAILURE);
    if (o != NULL) {
        (void)snprintf(o->why, sizeof(o->why), "%.159s", why);
        o->apology = mem_strdup(c->a->settings.apology);
    }
    submit(c, o);
}

void agent_outcome_sent(struct agent_chat *c)
{
    c->last_seq = c->sending.seq;
    struct outcome *o = make(c, OUTCOME_SENT);
    if (o != NULL) {
        o->count = 0;
        (void)snprintf(o->why, sizeof(o->why), "%s", c->sending.refused);
        submit(c, o);
        return;
    }
    put_off(c, true);
}
