/* The agent in one chat: is it open, opened and closed by hand. */
#include "agent_priv.h"

#include "clock.h"
#include "identity.h"
#include "json.h"
#include "mem.h"
#include "session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int agent_exists(struct store_txn *t, const struct message_owner *o, struct err *e)
{
    struct store_value v;
    int rc = store_get(t, STORE_AGENTS, STORE_PATH(o->tenant, o->session, AGENT_PART_SETTINGS), &v);
    return rc == E_NOTFOUND ? err_word(e, rc, "unknown_agent",
                                       "this session has no agent; PUT …/agent makes one")
                            : rc;
}

/* {chat,enabled,reason,closed_at,paused_until,conversation_id,replies_last_hour}. Gives. */
static json_t *chat_object(const char *chat, const json_t *doc, uint64_t now_ms)
{
    json_t *o = json_object();
    uint64_t paused = (uint64_t)json_int(doc, "paused_until_ms", 0);
    int rc = json_set_str(o, "chat", chat);
    rc = rc != 0 ? rc : body_set(o, "enabled", json_boolean(json_flag(doc, "enabled", true)));
    rc = rc != 0 ? rc : json_set_str(o, "reason", json_str(doc, "reason"));
    rc = rc != 0 ? rc : json_set_time(o, "closed_at", (uint64_t)json_int(doc, "closed_ms", 0));
    rc = rc != 0 ? rc : json_set_time(o, "paused_until", paused > now_ms ? paused : 0);
    rc = rc != 0 ? rc : json_set_str(o, "conversation_id", json_str(doc, "conversation_id"));
    rc = rc != 0 ? rc
                 : body_set(o, "replies_last_hour", json_integer(agent_doc_replies(doc, now_ms)));
    if (rc != 0) {
        json_decref(o);
        return NULL;
    }
    return o;
}

int bridge_agent_chat_get(struct bridge *b, const char *tenant, const char *session,
                          const char *chat, json_t **out, struct err *e)
{
    struct session *s = NULL;
    struct message_owner o;
    struct store_txn *t = NULL;
    struct err why;
    char id[STORE_MAX_ID + 1], key[STORE_MAX_ID + 1];
    enum chat_kind kind;
    err_clear(&why);
    *out = NULL;
    int rc = session_find(b, tenant, session, &s, &why);
    rc = rc != 0 ? rc : store_read(b->store, &t, &why);
    if (rc == 0) {
        message_owner_set(&o, tenant, session);
        rc = agent_exists(t, &o, &why);
        rc = rc != 0 ? rc : identity_address(t, &o, chat, id, &kind, &why);
        json_t *doc = rc == 0 ? agent_doc_load(t, &o, id, key, &why) : NULL;
        *out = doc != NULL ? chat_object(id, doc, clock_wall_ms()) : NULL;
        rc = rc == 0 && *out == NULL ? (why.code != 0 ? why.code : E_NOMEM) : rc;
        json_decref(doc);
        store_read_end(t);
    }
    if (rc != 0) {
        store_err(&why, rc, "the conversation could not be read");
    }
    err_copy(e, &why);
    return rc;
}

struct agent_chat_set {
    struct call call; /* first */
    struct message_owner owner;
    char chat[STORE_MAX_ID + 1]; /* as asked for, then as found */
    char conversation_id[AGENT_CONVERSATION_MAX + 1];
    bool has_enabled, enabled, has_conversation;
};

static int change(struct store_txn *t, struct agent_chat_set *s, const char *id, json_t *doc,
                  struct err *e)
{
    uint64_t now = clock_wall_ms();
    bool paused = json_int(doc, "paused_until_ms", 0) > (int64_t)now;
    bool open = json_flag(doc, "enabled", true);
    int rc = 0;
    if (s->has_conversation) {
        rc = json_set_str(doc, "conversation_id",
                          s->conversation_id[0] != '\0' ? s->conversation_id : NULL);
    }
    if (rc != 0 || !s->has_enabled || (!open && !s->enabled)) {
        return rc;
    }
    rc = agent_doc_close(doc, s->enabled ? NULL : "api", now);
    bool same = open && s->enabled && !paused;
    return rc != 0 || same
               ? rc
               : agent_event(s->call.b, t, &s->owner,
                             s->enabled ? "agent.opened" : "agent.handover", id, "api", NULL, e);
}

static int apply_set(struct store_txn *t, struct call *c, struct err *e)
{
    struct agent_chat_set *s = (struct agent_chat_set *)c;
    char id[STORE_MAX_ID + 1], key[STORE_MAX_ID + 1];
    enum chat_kind kind;
    int rc = tenant_check(t, s->owner.tenant, e);
    rc = rc != 0 ? rc : agent_exists(t, &s->owner, e);
    rc = rc != 0 ? rc : identity_address(t, &s->owner, s->chat, id, &kind, e);
    json_t *doc = rc == 0 ? agent_doc_load(t, &s->owner, id, key, e) : NULL;
    if (doc == NULL) {
        return rc != 0 ? rc : e->code;
    }
    rc = change(t, s, id, doc, e);
    rc = rc != 0 ? rc : agent_doc_save(t, &s->owner, key, doc, e);
    if (rc == 0) {
        json_decref(c->answer); /* of a first run that was rolled back */
        c->answer = chat_object(id, doc, clock_wall_ms());
        rc = c->answer != NULL ? 0 : E_NOMEM;
    }
    json_decref(doc);
    return rc;
}

static void finish_set(struct call *c, int rc)
{
    if (rc == 0) {
        event_committed(c->b, ((struct agent_chat_set *)c)->owner.tenant);
    }
}

static void release_set(struct call *c)
{
    json_decref(c->answer);
    free(c);
}

static int read_body(struct agent_chat_set *s, const json_t *body, struct err *e)
{
    static const char *const fields[] = {"enabled", "conversation_id", NULL};
    const json_t *enabled = json_object_get(body, "enabled");
    const json_t *id = json_object_get(body, "conversation_id");
    int rc = body_check(body, fields, e);
    if (rc != 0) {
        return rc;
    }
    if (enabled != NULL && !json_is_boolean(enabled)) {
        return err_field(e, NULL, "enabled", "enabled must be true or false");
    }
    if (enabled == NULL && id == NULL) {
        return err_field(e, "required", "enabled", "say {\"enabled\":true} or false");
    }
    if (id != NULL && !json_is_null(id) &&
        (!json_is_string(id) || json_string_length(id) > AGENT_CONVERSATION_MAX ||
         strlen(json_string_value(id)) != json_string_length(id))) {
        return err_field(e, NULL, "conversation_id",
                         "conversation_id is a text of at most %d bytes, or null for a new one",
                         AGENT_CONVERSATION_MAX);
    }
    s->has_enabled = enabled != NULL;
    s->enabled = json_is_true(enabled);
    s->has_conversation = id != NULL;
    (void)snprintf(s->conversation_id, sizeof(s->conversation_id), "%s",
                   json_is_string(id) ? json_string_value(id) : "");
    return 0;
}

void bridge_agent_chat_set(struct bridge *b, const char *tenant, const char *session,
                           const char *chat, const json_t *body, bridge_done_fn done, void *arg)
{
    struct err e;
    struct session *found = NULL;
    err_clear(&e);
    struct agent_chat_set *s = mem_calloc(1, sizeof(*s));
    int rc = s != NULL ? session_find(b, tenant, session, &found, &e)
                       : err_set(&e, E_NOMEM, "out of memory");
    rc = rc != 0 ? rc : read_body(s, body, &e);
    if (rc == 0 && strlen(chat) > STORE_MAX_ID) {
        rc = err_word(&e, E_INVALID, "invalid_chat", "the chat's name is too long");
    }
    if (rc != 0) {
        free(s);
        reply_later(b, done, arg, &e, NULL);
        return;
    }
    message_owner_set(&s->owner, tenant, session);
    (void)snprintf(s->chat, sizeof(s->chat), "%s", chat);
    s->call.apply = apply_set;
    s->call.finish = finish_set;
    s->call.release = release_set;
    call_submit(&s->call, b, done, arg);
}
