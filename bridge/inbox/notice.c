/*
 * What the far end tells of calls, groups, chats and people. Each becomes one event, and only when
 * it says something that we did not know: the far end repeats itself.
 */
#include "inbox_priv.h"

#include "chat_row.h"
#include "clock.h"
#include "contact.h"
#include "json.h"

#include <stdlib.h>
#include <string.h>

/* ---- people -------------------------------------------------------------------------------------
 */

/* Fills in what we know of somebody; nobody is made a contact by being named. */
static int fill_person(struct store_txn *t, const struct message_owner *o, json_t *person)
{
    struct person who;
    const char *id = json_str_or(person, "id", "");
    int rc = identity_is_person(id) ? identity_find(t, o, id, &who) : E_NOTFOUND;
    if (rc != 0) {
        return rc == E_NOTFOUND ? json_set_str(person, "contact_id", NULL) : rc;
    }
    const struct channel_peer p = {
        .id = id,
        .phone = json_str_or(person, "phone", ""),
        .lid = json_str_or(person, "lid", ""),
        .name = json_str_or(person, "name", ""),
    };
    const struct channel_peer full = identity_fill(&p, &who);
    rc = json_set_str(person, "phone", full.phone[0] != '\0' ? full.phone : NULL);
    rc = rc != 0 ? rc : json_set_str(person, "lid", full.lid[0] != '\0' ? full.lid : NULL);
    rc = rc != 0 ? rc : json_set_str(person, "name", full.name[0] != '\0' ? full.name : NULL);
    return rc != 0 ? rc
                   : json_set_str(person, "contact_id", who.contact_id[0] ? who.contact_id : NULL);
}

static int fill_people(struct store_txn *t, const struct message_owner *o, json_t *list)
{
    size_t i;
    json_t *person;
    int rc = 0;
    json_array_foreach(list, i, person)
    {
        rc = rc != 0 ? rc : fill_person(t, o, person);
    }
    return rc;
}

static int append_json(struct buf *out, const json_t *v)
{
    char *text = v != NULL ? json_dumps(v, JSON_COMPACT | JSON_REAL_PRECISION(10)) : NULL;
    int rc = text != NULL ? buf_str(out, text) : E_NOMEM;
    free(text);
    return rc;
}

int notice_people(struct store_txn *t, const struct message_owner *o, const char *content,
                  struct buf *out)
{
    if (content == NULL || content[0] == '\0') {
        return 0;
    }
    json_t *all = json_loads(content, 0, NULL);
    if (all == NULL) {
        return 0; /* not ours: the readers of the channel give objects */
    }
    int rc = fill_people(t, o, json_arr(all, "mentions"));
    rc = rc != 0 ? rc : fill_people(t, o, json_arr(json_obj(all, "system"), "participants"));
    rc = rc != 0 ? rc : append_json(out, all);
    json_decref(all);
    return rc;
}

/* ---- what all of them say
 * ------------------------------------------------------------------------ */

/* "chat":…,"by":…,"from_me":…,"at":… with what we know of both. */
static int put_where(struct store_txn *t, struct ingest *g, const struct channel_event *ev,
                     struct buf *b, struct channel_peer *chat, struct person with[2])
{
    char id[STORE_MAX_ID + 1], at[CLOCK_RFC3339_LEN];
    enum chat_kind kind = CHAT_USER;
    memset(with, 0, 2 * sizeof(with[0]));
    int rc = identity_learn(g->b, t, &g->owner, &ev->chat, &with[0]);
    if (rc == 0 && ev->by.id[0] != '\0' && !ev->from_me) {
        rc = identity_learn(g->b, t, &g->owner, &ev->by, &with[1]);
    }
    if (rc != 0) {
        return rc;
    }
    (void)chat_id_parse(ev->chat.id, id, &kind, NULL);
    *chat = identity_fill(&ev->chat, &with[0]);
    const struct channel_peer by = identity_fill(&ev->by, &with[1]);
    clock_rfc3339(ev->time_ms != 0 ? ev->time_ms : g->now_ms, at);
    buf_str(b, "\"chat\":");
    message_write_peer(b, chat, &kind);
    buf_str(b, ",\"by\":");
    message_write_peer(b, &by, NULL);
    return buf_printf(b, ",\"from_me\":%s,\"at\":\"%s\"", ev->from_me ? "true" : "false", at);
}

static int tell(struct store_txn *t, struct ingest *g, struct ingest_item *it, const char *type,
                const char *lane, const struct buf *data)
{
    if (g->silent) {
        return 0;
    }
    int rc = message_event(g->b, t, &g->owner, type, lane, data->data, data->len);
    if (rc == 0) {
        it->fresh = g->appended = true;
    }
    return rc;
}

/* ---- calls --------------------------------------------------------------------------------------
 */

#define CALL_ID                                                                                    \
    "call:" /* before the id of a call: a record in the place of a message, which no list          \
               shows, remembers what was told of it */

/* 0 with *news, and remembers it. */
static int call_remember(struct store_txn *t, struct ingest *g, const struct channel_event *ev,
                         const char *state, bool *news)
{
    char key[STORE_MAX_ID + 1];
    struct store_value v;
    const struct message_owner *o = &g->owner;
    const uint64_t now = ev->time_ms != 0 ? ev->time_ms : g->now_ms;
    (void)snprintf(key, sizeof(key), CALL_ID "%.*s", (int)(STORE_MAX_ID - sizeof(CALL_ID) + 1),
                   ev->message_id);
    int rc = store_message_get(t, o->tenant, o->session, ev->chat.id, key, &v, NULL);
    json_t *m = rc == 0 ? message_load(v) : json_pack("{s:s, s:{s:b}}", "id", key, "_", "stub", 1);
    json_t *told = message_private(m);
    *news = false;
    if (told == NULL) {
        rc = E_NOMEM;
    } else if (rc != 0 && rc != E_NOTFOUND) {
        told = NULL;
    } else if (json_object_get(told, state) != NULL) {
        rc = 0;
    } else {
        *news = true;
        rc = json_object_set_new(told, state, json_true()) == 0
                 ? message_save(t, o->tenant, o->session, ev->chat.id, key, now, m, NULL)
                 : E_NOMEM;
    }
    json_decref(m);
    return rc;
}

int notice_call(struct store_txn *t, struct ingest *g, struct ingest_item *it)
{
    const struct channel_event *ev = &it->ev;
    json_t *call = json_loads(ev->content, 0, NULL);
    const char *state = json_str_or(call, "state", "ended");
    struct channel_peer chat;
    struct person with[2];
    struct buf data;
    bool news;
    buf_init(&data, STORE_MAX_VALUE);
    int rc = call_remember(t, g, ev, state, &news);
    if (rc == 0 && news) {
        buf_str(&data, "{\"id\":");
        json_quote(&data, ev->message_id, strlen(ev->message_id));
        buf_char(&data, ',');
        rc = put_where(t, g, ev, &data, &chat, with);
        rc = rc != 0 ? rc
                     : buf_printf(&data, ",\"video\":%s,\"group\":%s,\"state\":\"%s\"}",
                                  json_flag(call, "video", false) ? "true" : "false",
                                  json_flag(call, "group", false) ? "true" : "false", state);
        rc = rc != 0 ? rc : tell(t, g, it, "call.received", peer_lane(&chat), &data);
    }
    buf_finish(&data);
    json_decref(call);
    return rc;
}

/* ---- groups -------------------------------------------------------------------------------------
 */

/* what: {participants,value} of the change. */
static int group_changed(struct store_txn *t, struct ingest *g, struct ingest_item *it,
                         const struct channel_event *ev, const char *kind, json_t *what)
{
    struct channel_peer chat;
    struct person with[2];
    struct buf data;
    json_t *participants = json_arr(what, "participants");
    buf_init(&data, STORE_MAX_VALUE);
    buf_char(&data, '{');
    int rc = put_where(t, g, ev, &data, &chat, with);
    buf_str(&data, ",\"kind\":");
    json_quote(&data, kind, strlen(kind));
    rc = rc != 0 ? rc : fill_people(t, &g->owner, participants);
    buf_str(&data, ",\"participants\":");
    rc = rc != 0                ? rc
         : participants != NULL ? append_json(&data, participants)
                                : buf_str(&data, "[]");
    const json_t *value = json_object_get(what, "value");
    const char *text = json_string_value(value);
    buf_str(&data, ",\"value\":");
    if (json_is_boolean(value)) {
        buf_str(&data, json_is_true(value) ? "true" : "false");
    } else if (text != NULL && text[0] != '\0') {
        json_quote(&data, text, strlen(text));
    } else {
        buf_str(&data, "null");
    }
    buf_char(&data, '}');
    rc = rc != 0 ? rc : data.failed ? data.rc : 0;
    rc = rc != 0 ? rc : tell(t, g, it, "group.changed", peer_lane(&chat), &data);
    buf_finish(&data);
    return rc;
}

int notice_group(struct store_txn *t, struct ingest *g, struct ingest_item *it)
{
    json_t *what = json_loads(it->ev.content, 0, NULL);
    int rc = group_changed(t, g, it, &it->ev, it->ev.text, what);
    json_decref(what);
    return rc;
}

int notice_group_message(struct store_txn *t, struct ingest *g, struct ingest_item *it,
                         const struct message_draft *d)
{
    const struct channel_message *m = &it->ev.message;
    const struct channel_event ev = {
        .chat = m->chat, .by = d->from, .from_me = m->from_me, .time_ms = m->time_ms};
    json_t *content = d->content != NULL ? json_loads(d->content, 0, NULL) : NULL;
    json_t *what = json_obj(content, "system");
    const char *kind = json_str(what, "kind");
    int rc = kind != NULL ? group_changed(t, g, it, &ev, kind, what) : 0;
    json_decref(content);
    return rc;
}

/* ---- chats --------------------------------------------------------------------------------------
 */

static bool set_if_new(json_t *doc, const char *key, json_t *value)
{
    if (value == NULL || json_equal(json_object_get(doc, key), value)) {
        json_decref(value);
        return false;
    }
    return json_object_set_new(doc, key, value) == 0;
}

static json_t *time_shown(uint64_t ms)
{
    char at[CLOCK_RFC3339_LEN];
    if (ms == 0) {
        return json_null();
    }
    clock_rfc3339(ms, at);
    return json_string(at);
}

int notice_chat(struct store_txn *t, struct ingest *g, struct ingest_item *it)
{
    static const char *const flags[] = {"archived", "pinned"};
    struct chat_row row;
    json_t *now = json_loads(it->ev.content, 0, NULL);
    int rc = chat_row_load(t, &g->owner, it->ev.chat.id, &row);
    if (rc != 0 || row.doc == NULL) { /* none: its first message makes it */
        json_decref(now);
        return rc;
    }
    bool changed = false;
    for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
        changed |= set_if_new(row.doc, flags[i], json_incref(json_object_get(now, flags[i])));
    }
    if (json_object_get(now, "unread") != NULL) {
        changed |= set_if_new(row.doc, "unread_count", json_integer(json_int(now, "unread", 0)));
    }
    if (json_object_get(now, "muted_until_ms") != NULL) {
        uint64_t until = (uint64_t)json_int(now, "muted_until_ms", 0);
        changed |= set_if_new(row.doc, "muted_until", time_shown(until > g->now_ms ? until : 0));
    }
    changed |= set_if_new(row.doc, "name", json_incref(json_object_get(now, "name")));
    if (changed) {
        rc = chat_row_save(t, &g->owner, &row, NULL);
        if (rc == 0 && !g->silent) {
            rc = chat_row_tell(g->b, t, &g->owner, &row);
            it->fresh = g->appended = true;
        }
    }
    chat_row_free(&row);
    json_decref(now);
    return rc;
}

/* ---- contacts -----------------------------------------------------------------------------------
 */

/* The row of somebody's chat says too whether they are blocked. */
static int block_in_row(struct store_txn *t, struct ingest *g, struct ingest_item *it,
                        json_t *blocked)
{
    struct chat_row row;
    int rc = chat_row_load(t, &g->owner, it->ev.chat.id, &row);
    if (rc == 0 && row.doc != NULL && set_if_new(row.doc, "blocked", json_incref(blocked))) {
        rc = chat_row_save(t, &g->owner, &row, NULL);
        rc = rc != 0 ? rc : chat_row_tell(g->b, t, &g->owner, &row);
    }
    chat_row_free(&row);
    return rc;
}

int notice_contact(struct store_txn *t, struct ingest *g, struct ingest_item *it)
{
    struct person before = {0}, who;
    json_t *doc = NULL, *now;
    int rc = identity_find(t, &g->owner, it->ev.chat.id, &before);
    if (rc != 0 && rc != E_NOTFOUND) {
        return rc;
    }
    rc = identity_learn(g->b, t, &g->owner, &it->ev.chat, &who);
    if (rc != 0 || who.contact_id[0] == '\0') {
        return rc;
    }
    now = json_loads(it->ev.content, 0, NULL);
    json_t *blocked = json_object_get(now, "blocked");
    rc = contact_load(t, &g->owner, who.contact_id, &doc);
    bool changed = before.contact_id[0] == '\0' || strcmp(before.phone, who.phone) != 0 ||
                   strcmp(before.lid, who.lid) != 0 || strcmp(before.name, who.name) != 0;
    changed = changed && !who.told;
    if (rc == 0 && blocked != NULL && set_if_new(doc, "blocked", json_incref(blocked))) {
        changed = true;
        rc = contact_save(t, &g->owner, who.contact_id, doc);
        rc = rc != 0 ? rc : block_in_row(t, g, it, blocked);
    }
    if (rc == 0 && changed && !g->silent) {
        rc = contact_tell(g->b, t, &g->owner, "contact.updated", doc);
        it->fresh = true;
    }
    g->appended = g->appended || it->fresh || who.told;
    json_decref(now);
    json_decref(doc);
    return rc;
}
