/*
 * PATCH of a chat. What is ours (state, assignee, tags, metadata) is stored; what is WhatsApp's
 * (pinned, archived, muted_until, unread, blocked) is done there first, and stored when it worked.
 *
 * Happy path: body checked on the loop -> chat_set and block at the far end, as far as asked for ->
 * one operation: row, chat.updated -> answer. Failure modes: not ready: E_CONFLICT and nothing is
 * changed; the far end fails at one: what it did before is told by its own events, nothing of ours
 * is changed.
 */
#include "people_priv.h"

#include "clock.h"
#include "event.h"
#include "json.h"
#include "mem.h"
#include "text.h"

#include <stdlib.h>
#include <string.h>

#define ASSIGNEE_MAX 128
#define TAGS_MAX 20
#define TAG_MAX 64
#define CHAT_METADATA_MAX 4096

struct patch {
    struct call call;
    struct message_owner owner;
    char chat[STORE_MAX_ID + 1];
    json_t *set;     /* members to be set in the row */
    json_t *far_set; /* arguments of chat_set, NULL: none */
    int block;       /* 0, 1: to be done at the far end; -1: not */
    bool changed;    /* out */
};

/* ---- the body ----------------------------------------------------------------------------------
 */

static bool is_text(const json_t *v, size_t max)
{
    const char *s = json_string_value(v);
    return s != NULL && s[0] != '\0' && strlen(s) == json_string_length(v) &&
           json_string_length(v) <= max;
}

static int check_tags(const json_t *v, struct err *e)
{
    bool ok = json_is_array(v) && json_array_size(v) <= TAGS_MAX;
    for (size_t i = 0; ok && i < json_array_size(v); i++) {
        ok = is_text(json_array_get(v, i), TAG_MAX);
    }
    return ok ? 0
              : err_field(e, NULL, "tags",
                          "`tags` must be a list of at most %d texts of 1 to %d "
                          "bytes",
                          TAGS_MAX, TAG_MAX);
}

static int check_metadata(const json_t *v, struct err *e)
{
    size_t len = 0;
    char *text = json_is_object(v) ? json_text(v, &len) : NULL;
    bool ok = json_is_null(v) || (text != NULL && len <= CHAT_METADATA_MAX);
    free(text);
    return ok ? 0
              : err_field(e, NULL, "metadata", "`metadata` must be an object of at most %d bytes",
                          CHAT_METADATA_MAX);
}

static int check_ours(const char *key, const json_t *v, struct err *e)
{
    const char *s = json_string_value(v);
    if (strcmp(key, "state") == 0) {
        bool ok = s != NULL && (strcmp(s, "open") == 0 || strcmp(s, "closed") == 0);
        return ok ? 0 : err_field(e, NULL, key, "`state` must be open or closed");
    }
    if (strcmp(key, "assignee") == 0) {
        return json_is_null(v) || is_text(v, ASSIGNEE_MAX)
                   ? 0
                   : err_field(e, NULL, key,
                               "`assignee` must be null or a text of at most %d bytes",
                               ASSIGNEE_MAX);
    }
    return strcmp(key, "tags") == 0 ? check_tags(v, e) : check_metadata(v, e);
}

static int parse_mute(const json_t *v, struct patch *p, struct err *e)
{
    uint64_t until = 0;
    const char *s = json_string_value(v);
    bool ok = json_is_null(v) ||
              (s != NULL && clock_parse_rfc3339(s, &until) == 0 && until > clock_wall_ms());
    if (!ok) {
        return err_field(e, NULL, "muted_until",
                         "`muted_until` must be null or a time to come, such as "
                         "2030-01-01T00:00:00Z");
    }
    int rc = json_set_time(p->set, "muted_until", until / 1000 * 1000); /* it counts seconds */
    return rc != 0 ? rc : body_set(p->far_set, "muted_until_ms", json_integer((json_int_t)until));
}

static int parse_far(const char *key, json_t *v, struct patch *p, struct err *e)
{
    if (strcmp(key, "muted_until") == 0) {
        return parse_mute(v, p, e);
    }
    if (!json_is_boolean(v)) {
        return err_field(e, NULL, key, "`%s` must be true or false", key);
    }
    if (strcmp(key, "blocked") == 0) {
        p->block = json_is_true(v);
        return body_set(p->set, key, json_incref(v));
    }
    int rc = body_set(p->far_set, key, json_incref(v));
    if (rc == 0 && strcmp(key, "unread") == 0) {
        /* marked as unread shows as one; how many there are the far end tells */
        return json_is_true(v) ? body_set(p->set, "unread", json_true())
                               : body_set(p->set, "unread_count", json_integer(0));
    }
    return rc != 0 ? rc : body_set(p->set, key, json_incref(v));
}

static int parse(const json_t *body, struct patch *p, struct err *e)
{
    static const char *const fields[] = {"state",    "assignee",    "tags",   "metadata", "pinned",
                                         "archived", "muted_until", "unread", "blocked",  NULL};
    const char *key;
    json_t *v, *obj;
    int rc = body_check(body, fields, e);
    p->block = -1;
    p->set = json_object();
    p->far_set = json_object();
    obj = json_copy((json_t *)(uintptr_t)body);
    if (rc == 0 && (p->set == NULL || p->far_set == NULL || obj == NULL)) {
        rc = err_set(e, E_NOMEM, "out of memory");
    }
    json_object_foreach(obj, key, v)
    {
        size_t at = 0;
        while (rc == 0 && fields[at] != NULL && strcmp(fields[at], key) != 0) {
            at++;
        }
        if (rc == 0 && at < 4) {
            rc = check_ours(key, v, e);
            rc = rc != 0 ? rc : body_set(p->set, key, json_incref(v));
        } else if (rc == 0) {
            rc = parse_far(key, v, p, e);
        }
    }
    json_decref(obj);
    return rc == 0 ? 0 : store_err(e, rc, "the chat was not changed");
}

/* ---- on the writer thread ----------------------------------------------------------------------
 */

static int set_all(struct chat_row *row, const json_t *set, bool *changed)
{
    const char *key;
    json_t *v, *all = json_copy((json_t *)(uintptr_t)set);
    int rc = all != NULL ? 0 : E_NOMEM;
    json_object_foreach(all, key, v)
    {
        const char *to = key;
        json_t *value = v;
        if (strcmp(key, "unread") == 0) {
            to = "unread_count";
            value = json_int(row->doc, to, 0) > 0 ? json_object_get(row->doc, to) : NULL;
        }
        json_t *held = value != NULL ? json_incref(value) : json_integer(1);
        if (rc == 0 && !json_equal(json_object_get(row->doc, to), held)) {
            *changed = true;
            rc = json_object_set(row->doc, to, held) == 0 ? 0 : E_NOMEM;
        }
        json_decref(held);
    }
    json_decref(all);
    return rc;
}

static int set_contact_blocked(struct store_txn *t, const struct patch *p, struct chat_row *row)
{
    json_t *doc = NULL;
    char id[CONTACT_ID_LEN + 1];
    int rc = p->block >= 0 ? contact_resolve(t, &p->owner, row->id, id) : E_NOTFOUND;
    rc = rc != 0 ? rc : contact_load(t, &p->owner, id, &doc);
    if (rc == 0 && json_flag(doc, "blocked", false) != (p->block == 1)) {
        rc = body_set(doc, "blocked", json_boolean(p->block == 1));
        rc = rc != 0 ? rc : contact_save(t, &p->owner, id, doc);
    }
    json_decref(doc);
    return rc == E_NOTFOUND ? 0 : rc;
}

static int apply(struct store_txn *t, struct call *c, struct err *e)
{
    struct patch *p = (struct patch *)c;
    struct chat_row row;
    p->changed = false;
    json_decref(c->answer);
    c->answer = NULL;
    int rc = chat_row_load(t, &p->owner, p->chat, &row);
    if (rc == 0 && row.doc == NULL) {
        return err_word(e, E_NOTFOUND, "unknown_chat", "there is no conversation with that chat");
    }
    rc = rc != 0 ? rc : set_all(&row, p->set, &p->changed);
    if (rc == 0 && strcmp(json_str_or(p->set, "state", ""), "closed") == 0) {
        rc = chat_row_set_asked(&row, 0); /* done with, without an answer */
    }
    if (rc == 0 && p->changed) {
        rc = chat_row_save(t, &p->owner, &row, NULL);
        rc = rc != 0 ? rc : set_contact_blocked(t, p, &row);
        rc = rc != 0 ? rc : chat_row_tell(c->b, t, &p->owner, &row);
    }
    if (rc == 0) {
        json_object_del(row.doc, "_");
        rc = chat_show(t, &p->owner, row.doc);
        c->answer = json_incref(row.doc);
    }
    chat_row_free(&row);
    return rc;
}

/* ---- on the loop -------------------------------------------------------------------------------
 */

static void release(struct call *c)
{
    struct patch *p = (struct patch *)c;
    json_decref(c->answer);
    json_decref(p->set);
    json_decref(p->far_set);
    free(p);
}

static void finish(struct call *c, int rc)
{
    struct patch *p = (struct patch *)c;
    if (rc == 0 && p->changed) {
        event_committed(c->b, p->owner.tenant);
    }
}

static void store(struct patch *p)
{
    call_submit(&p->call, p->call.b, p->call.done, p->call.arg);
}

static void give_up(struct patch *p, const struct err *e)
{
    struct err why;
    far_error(e, &why);
    far_answer(p->call.done, p->call.arg, &why, NULL);
    release(&p->call);
}

static void on_blocked(void *arg, const struct err *e, const json_t *value)
{
    struct patch *p = arg;
    struct bridge *b = p->call.b;
    (void)value;
    if (e != NULL) {
        give_up(p, e);
    } else {
        store(p);
    }
    core_leave(b);
}

static void ask_block(struct patch *p)
{
    struct channel *ch;
    struct err e;
    if (p->block < 0) {
        store(p);
        return;
    }
    if (far_channel(p->call.b, p->owner.tenant, p->owner.session, &ch, &e) != 0) {
        give_up(p, &e);
        return;
    }
    core_enter(p->call.b);
    channel_ask(ch, "block", json_pack("{s:s, s:b}", "id", p->chat, "blocked", p->block == 1),
                FAR_TIMEOUT_MS, on_blocked, p);
}

static void on_set(void *arg, const struct err *e, const json_t *value)
{
    struct patch *p = arg;
    struct bridge *b = p->call.b;
    (void)value;
    if (e != NULL) {
        give_up(p, e);
    } else {
        ask_block(p);
    }
    core_leave(b);
}

static int find(struct patch *p, const char *chat, struct err *e)
{
    struct message_owner o;
    struct store_txn *t;
    struct chat_row row = {.doc = NULL};
    enum chat_kind kind;
    int rc = people_read(p->call.b, p->owner.tenant, p->owner.session, &o, &t, e);
    if (rc != 0) {
        return rc;
    }
    rc = identity_address(t, &p->owner, chat, p->chat, &kind, e);
    rc = rc != 0 ? rc : chat_row_load(t, &p->owner, p->chat, &row);
    if (rc == 0 && row.doc == NULL) {
        rc = err_word(e, E_NOTFOUND, "unknown_chat", "there is no conversation with that chat");
    }
    if (rc == 0) {
        memcpy(p->chat, row.id, sizeof(row.id));
        if (p->block >= 0 && kind != CHAT_USER) {
            rc = err_field(e, NULL, "blocked", "only people can be blocked");
        }
    }
    store_read_end(t);
    chat_row_free(&row);
    return people_unreadable(e, rc);
}

void bridge_chat_patch(struct bridge *b, const char *tenant, const char *session, const char *chat,
                       const json_t *body, bridge_done_fn done, void *arg)
{
    struct patch *p = mem_calloc(1, sizeof(*p));
    struct channel *ch = NULL;
    struct err e;
    if (p == NULL) {
        err_set(&e, E_NOMEM, "out of memory");
        reply_later(b, done, arg, &e, NULL);
        return;
    }
    err_clear(&e);
    p->call = (struct call){
        .b = b, .done = done, .arg = arg, .apply = apply, .finish = finish, .release = release};
    message_owner_set(&p->owner, tenant, session);
    int rc = parse(body, p, &e);
    rc = rc != 0 ? rc : find(p, chat, &e);
    bool far = rc == 0 && (json_object_size(p->far_set) > 0 || p->block >= 0);
    if (far) {
        rc = far_channel(b, tenant, session, &ch, &e);
    }
    if (rc != 0) {
        reply_later(b, done, arg, &e, NULL);
        release(&p->call);
    } else if (!far) {
        store(p);
    } else if (json_object_size(p->far_set) == 0) {
        ask_block(p);
    } else {
        (void)json_set_str(p->far_set, "chat", p->chat);
        core_enter(b);
        channel_ask(ch, "chat_set", json_incref(p->far_set), FAR_TIMEOUT_MS, on_set, p);
    }
}
