/*
 * Event log -> queue, in the transaction that appends the event; queue -> memory.
 *
 * A row is named by the event's number, so that rows of a session stand in the order in which
 * things happened: {chat,to,id} is a message that waits; {chat,to,id,replies,next,at} is the answer
 * to it and to all that waited before it in the chat.
 */
#include "agent_priv.h"

#include "clock.h"
#include "json.h"
#include "mem.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void agent_seq_text(uint64_t seq, char out[AGENT_SEQ_LEN])
{
    (void)snprintf(out, AGENT_SEQ_LEN, "%016" PRIx64, seq);
}

/* ---- from the log (writer) ---------------------------------------------------------------------
 */

static bool one_of(const char *s, const char *const *list)
{
    for (size_t i = 0; list[i] != NULL; i++) {
        if (strcmp(s, list[i]) == 0) {
            return true;
        }
    }
    return false;
}

static bool answerable(const json_t *m)
{
    static const char *const types[] = {"text",     "image",    "video",   "audio",
                                        "voice",    "document", "sticker", "location",
                                        "contacts", "poll",     NULL};
    return strcmp(json_str_or(m, "direction", ""), "in") == 0 &&
           one_of(json_str_or(m, "type", ""), types);
}

static bool wanted(const json_t *m, const json_t *settings, uint64_t now_ms)
{
    const char *kind = json_str_or(json_obj(m, "chat"), "type", "user");
    const char *flag = strcmp(kind, "group") == 0    ? "reply_to_groups"
                       : strcmp(kind, "status") == 0 ? "reply_to_status"
                                                     : NULL;
    if (strcmp(kind, "channel") == 0 || (flag != NULL && !json_flag(settings, flag, false))) {
        return false;
    }
    if (json_flag(settings, "reply_to_backlog", false)) {
        return true;
    }
    uint64_t at = 0;
    const uint64_t max_age = (uint64_t)json_int(settings, "max_age_s", 300) * 1000;
    const char *time = json_str(m, "timestamp");
    return !json_flag(m, "backfill", false) && time != NULL &&
           clock_parse_rfc3339(time, &at) == 0 && at + max_age >= now_ms;
}

static int queue_message(struct store_txn *t, const struct event_draft *d, const json_t *m,
                         uint64_t seq)
{
    char name[AGENT_SEQ_LEN];
    size_t len = 0;
    const json_t *chat = json_obj(m, "chat");
    const char *id = json_str(m, "id"), *filed = json_str(chat, "id");
    bool status = strcmp(json_str_or(chat, "type", ""), "status") == 0;
    /* An answer to a status post goes to its author. */
    const char *to = status ? json_str(json_obj(m, "from"), "id") : filed;
    if (id == NULL || filed == NULL || to == NULL) {
        return 0;
    }
    json_t *row = json_pack("{s:s, s:s, s:s}", "chat", status ? to : filed, "to", to, "id", id);
    char *text = row != NULL ? json_text(row, &len) : NULL;
    json_decref(row);
    if (text == NULL) {
        return E_NOMEM;
    }
    agent_seq_text(seq, name);
    int rc = store_put(t, STORE_AGENT_QUEUE, STORE_PATH(d->tenant, d->session, name), text, len);
    free(text);
    return rc;
}

/* A person of ours wrote: the agent may have to be quiet for a while. */
static int note_human(struct store_txn *t, const struct event_draft *d, const json_t *m,
                      const json_t *settings)
{
    static const char *const machines[] = {"agent", "campaign", NULL};
    char key[STORE_MAX_ID + 1];
    struct message_owner o;
    struct err e;
    uint64_t pause = (uint64_t)json_int(settings, "pause_on_human_ms", 0);
    const char *chat = json_str(json_obj(m, "chat"), "id");
    if (pause == 0 || chat == NULL || one_of(json_str_or(m, "source", ""), machines)) {
        return 0;
    }
    message_owner_set(&o, d->tenant, d->session);
    err_clear(&e);
    json_t *doc = agent_doc_load(t, &o, chat, key, &e);
    int rc = doc != NULL ? 0 : e.code != 0 ? e.code : E_NOMEM;
    rc = rc != 0 ? rc
                 : body_set(doc, "paused_until_ms",
                            json_integer((json_int_t)(clock_wall_ms() + pause)));
    rc = rc != 0 ? rc : agent_doc_save(t, &o, key, doc, &e);
    json_decref(doc);
    return rc;
}

static int take_event(struct store_txn *t, const struct event_draft *d, const json_t *settings,
                      uint64_t seq)
{
    static const char *const incoming[] = {"message.received", "message.updated", NULL};
    json_t *m = json_loadb(d->data, d->data_len, 0, NULL);
    int rc = 0;
    if (one_of(d->type, incoming)) {
        if (answerable(m) && wanted(m, settings, clock_wall_ms())) {
            rc = queue_message(t, d, m, seq);
        }
    } else if (strcmp(d->type, "message.sent") == 0 ||
               strcmp(json_str_or(m, "status", ""), "queued") == 0) {
        rc = note_human(t, d, m, settings);
    }
    json_decref(m);
    return rc;
}

int agent_on_event(struct store_txn *t, const struct event_draft *d, uint64_t seq)
{
    static const char *const types[] = {"message.received", "message.updated", "message.sent",
                                        "message.status", NULL};
    struct store_value v;
    if (d->session == NULL || !one_of(d->type, types)) {
        return 0;
    }
    int rc = store_get(t, STORE_AGENTS, STORE_PATH(d->tenant, d->session, AGENT_PART_SETTINGS), &v);
    if (rc != 0) {
        return rc == E_NOTFOUND ? 0 : rc;
    }
    json_t *settings = json_loadb(v.data, v.len, 0, NULL);
    if (json_flag(settings, "enabled", false)) {
        rc = take_event(t, d, settings, seq);
    }
    json_decref(settings);
    return rc;
}

/* ---- into memory -------------------------------------------------------------------------------
 */

static int add_message(struct agent_chat *c, uint64_t seq, const char *id)
{
    struct agent_message *m = mem_calloc(1, sizeof(*m));
    if (m == NULL) {
        return E_NOMEM;
    }
    m->seq = seq;
    (void)snprintf(m->id, sizeof(m->id), "%s", id);
    list_append(&c->messages, &m->link);
    c->count++;
    c->a->g->known++;
    c->a->known++;
    return 0;
}

/* An answer that an earlier run could not send to its end. */
static void add_sending(struct agent_chat *c, uint64_t seq, const json_t *row)
{
    struct agent_sending *s = &c->sending;
    if (s->replies != NULL) {
        return; /* there is at most one: the next batch begins when it is gone */
    }
    s->replies = json_incref(json_arr(row, "replies"));
    s->seq = seq;
    s->next = 0;
    s->refused[0] = '\0';
    s->answered_ms = (uint64_t)json_int(row, "at", 0);
    s->apology = json_flag(row, "apology", false);
    (void)snprintf(s->id, sizeof(s->id), "%s", json_str_or(row, "id", ""));
}

static int on_row(void *arg, const char *const *path, struct store_value v)
{
    struct agent *a = arg;
    struct err e;
    if (a->g->known >= AGENT_MAX_KNOWN || a->known >= AGENT_KNOWN_EACH) {
        a->more = true;
        return 1;
    }
    const uint64_t seq = strtoull(path[2], NULL, 16);
    json_t *row = record_parse(v, &e);
    const char *chat = json_str(row, "chat"), *id = json_str(row, "id");
    struct agent_chat *c =
        chat != NULL && id != NULL && strlen(id) <= STORE_MAX_ID ? agent_chat_get(a, chat) : NULL;
    int rc = c != NULL ? 0 : E_NOMEM;
    if (c != NULL) {
        (void)snprintf(c->to, sizeof(c->to), "%s", json_str_or(row, "to", chat));
        if (json_arr(row, "replies") != NULL) {
            add_sending(c, seq, row);
        } else {
            rc = add_message(c, seq, id);
        }
    }
    json_decref(row);
    if (rc == 0) {
        (void)snprintf(a->after, sizeof(a->after), "%s", path[2]);
    }
    return rc;
}

int agent_queue_load(struct agent *a, struct store_txn *t)
{
    if (!a->settings.enabled && a->broken[0] == '\0') {
        return 0;
    }
    a->more = false;
    int rc = store_scan(t, STORE_AGENT_QUEUE, STORE_PATH(a->tenant, a->session),
                        a->after[0] != '\0' ? a->after : NULL, on_row, a);
    return rc < 0 ? rc : 0;
}

/* ---- purge (writer) ----------------------------------------------------------------------------
 */

struct purge {
    struct store_txn *t;
    size_t left, n;
};

static int on_purge(void *arg, const char *const *path, struct store_value v)
{
    struct purge *p = arg;
    (void)v;
    if (p->n == p->left) {
        return 1;
    }
    p->n++;
    return store_del(p->t, STORE_AGENT_QUEUE, STORE_PATH(path[0], path[1], path[2]));
}

int agent_queue_purge(struct store_txn *t, const char *tenant, const char *session, size_t max,
                      size_t *n)
{
    struct purge p = {.t = t, .left = max};
    int rc = store_scan(t, STORE_AGENT_QUEUE, STORE_PATH(tenant, session), NULL, on_purge, &p);
    *n = p.n;
    return rc < 0 ? rc : 0;
}
