/* The document of a conversation with the agent. Pure, but for what a transaction is given to. */
#include "agent_priv.h"

#include "identity.h"
#include "json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HOUR_MS 3600000

/* ---- where it is filed -------------------------------------------------------------------------
 */

static void add_id(char ids[AGENT_CHAT_IDS][STORE_MAX_ID + 1], size_t *n, const char *id)
{
    size_t len = strnlen(id, STORE_MAX_ID + 1);
    for (size_t i = 0; i < *n; i++) {
        if (strcmp(ids[i], id) == 0) {
            return;
        }
    }
    if (len >= 1 && len <= STORE_MAX_ID && *n < AGENT_CHAT_IDS) {
        memcpy(ids[(*n)++], id, len + 1);
    }
}

size_t agent_chat_ids(struct store_txn *t, const struct message_owner *o, const char *chat,
                      char ids[AGENT_CHAT_IDS][STORE_MAX_ID + 1])
{
    char jids[IDENTITY_JIDS_MAX][STORE_MAX_ID + 1];
    struct person who;
    size_t n = 0;
    add_id(ids, &n, chat);
    if (identity_is_person(chat) && identity_find(t, o, chat, &who) == 0) {
        size_t known = identity_jids(&who, jids);
        for (size_t i = 0; i < known; i++) {
            add_id(ids, &n, jids[i]);
        }
    }
    return n;
}

json_t *agent_doc_load(struct store_txn *t, const struct message_owner *o, const char *chat,
                       char key[STORE_MAX_ID + 1], struct err *e)
{
    char ids[AGENT_CHAT_IDS][STORE_MAX_ID + 1];
    struct store_value v;
    size_t n = agent_chat_ids(t, o, chat, ids);
    (void)snprintf(key, STORE_MAX_ID + 1, "%s", chat);
    for (size_t i = 0; i < n; i++) {
        int rc = store_get(t, STORE_AGENT_CHATS, STORE_PATH(o->tenant, o->session, ids[i]), &v);
        if (rc == 0) {
            memcpy(key, ids[i], sizeof(ids[i]));
            return record_parse(v, e);
        }
        if (rc != E_NOTFOUND) {
            store_err(e, rc, "the conversation could not be read");
            return NULL;
        }
    }
    json_t *doc = json_object();
    if (doc == NULL) {
        err_set(e, E_NOMEM, "out of memory");
    }
    return doc;
}

int agent_doc_save(struct store_txn *t, const struct message_owner *o, const char *key,
                   const json_t *doc, struct err *e)
{
    return record_put(t, STORE_AGENT_CHATS, STORE_PATH(o->tenant, o->session, key), doc, e);
}

/* ---- open or closed ----------------------------------------------------------------------------
 */

bool agent_doc_open(const json_t *doc, uint64_t now_ms)
{
    return json_flag(doc, "enabled", true) &&
           json_int(doc, "paused_until_ms", 0) <= (int64_t)now_ms;
}

int agent_doc_close(json_t *doc, const char *reason, uint64_t now_ms)
{
    int rc = body_set(doc, "enabled", json_boolean(reason == NULL));
    rc = rc != 0 ? rc : json_set_str(doc, "reason", reason);
    if (reason == NULL) { /* a fresh start */
        (void)json_object_del(doc, "paused_until_ms");
        (void)json_object_del(doc, "loop");
        (void)json_object_del(doc, "closed_ms");
        return rc;
    }
    return rc != 0 ? rc : body_set(doc, "closed_ms", json_integer((json_int_t)now_ms));
}

/* ---- how much was said -------------------------------------------------------------------------
 */

static bool recent(const json_t *at, uint64_t now_ms)
{
    return json_integer_value(at) + HOUR_MS > (int64_t)now_ms;
}

unsigned agent_doc_replies(const json_t *doc, uint64_t now_ms)
{
    size_t i = 0;
    json_t *at = NULL;
    unsigned n = 0;
    json_array_foreach(json_arr(doc, "replied"), i, at)
    {
        n += recent(at, now_ms) ? 1 : 0;
    }
    return n;
}

int agent_doc_replied(json_t *doc, unsigned replies, uint64_t now_ms)
{
    size_t i = 0;
    json_t *at = NULL;
    json_t *kept = json_array();
    int rc = kept != NULL ? 0 : E_NOMEM;
    json_array_foreach(json_arr(doc, "replied"), i, at)
    {
        if (rc == 0 && recent(at, now_ms)) {
            rc = json_array_append(kept, at) == 0 ? 0 : E_NOMEM;
        }
    }
    for (unsigned k = 0; rc == 0 && k < replies; k++) {
        rc = json_array_append_new(kept, json_integer((json_int_t)now_ms)) == 0 ? 0 : E_NOMEM;
    }
    if (rc != 0) {
        json_decref(kept);
        return rc;
    }
    return body_set(doc, "replied", kept);
}

/* ---- events ------------------------------------------------------------------------------------
 */

/* {id,type,phone,lid,name} as the chat list has it, else the id alone. Gives. */
static json_t *chat_peer(struct store_txn *t, const struct message_owner *o, const char *chat)
{
    static const char *const members[] = {"id", "type", "phone", "lid", "name", NULL};
    struct store_value v;
    uint64_t last_ms = 0;
    json_t *peer = json_object();
    json_t *row =
        store_chat_get(t, o->tenant, o->session, chat, &v, &last_ms) == 0 ? message_load(v) : NULL;
    for (size_t i = 0; peer != NULL && members[i] != NULL; i++) {
        json_t *m = json_object_get(row, members[i]);
        (void)json_object_set_new(peer, members[i], m != NULL ? json_incref(m) : json_null());
    }
    if (row == NULL && json_set_str(peer, "id", chat) != 0) {
        json_decref(peer);
        peer = NULL;
    }
    json_decref(row);
    return peer;
}

int agent_event(struct bridge *b, struct store_txn *t, const struct message_owner *o,
                const char *type, const char *chat, const char *reason, json_t *more, struct err *e)
{
    size_t len = 0;
    char phone[PHONE_MAX + 1] = "";
    json_t *data = json_object();
    json_t *peer = chat != NULL ? chat_peer(t, o, chat) : json_null();
    (void)snprintf(phone, sizeof(phone), "%s", json_str_or(peer, "phone", ""));
    int rc = body_set(data, "chat", peer);
    rc = rc != 0 ? rc : json_set_str(data, "reason", reason);
    if (rc == 0 && more != NULL && json_object_update(data, more) != 0) {
        rc = E_NOMEM;
    }
    char *text = rc == 0 ? json_text(data, &len) : NULL;
    if (text != NULL) {
        const struct event_draft d = {
            .tenant = o->tenant,
            .session = o->session,
            .type = type,
            .chat_lane = chat != NULL && phone[0] != '\0' ? phone : chat,
            .data = text,
            .data_len = len,
        };
        rc = event_append(b, t, &d, NULL, e);
    } else {
        rc = err_set(e, E_NOMEM, "out of memory");
    }
    free(text);
    json_decref(data);
    json_decref(more);
    return rc;
}
