/*
 * What happens to messages after they were sent: edits, revokes, reactions, votes.
 *
 * The far end repeats itself (a page that loads again tells old changes again), so each change is
 * kept with its message and an event is written only when something is different. A change of a
 * message that we never got is an event too; a stub in the message's place remembers it.
 */
#include "inbox_priv.h"

#include "clock.h"
#include "fetcher.h"
#include "json.h"

#include <stdlib.h>
#include <string.h>

struct target {
    json_t *m; /* NULL: unknown and no stub */
    bool stub;
    char chat[STORE_MAX_ID + 1];
    uint64_t time_ms;
    struct person with, by;
};

static int target_open(struct store_txn *t, struct ingest *g, const struct channel_event *ev,
                       struct target *to)
{
    const struct message_owner *o = &g->owner;
    struct store_message_ref ref;
    struct store_value v;
    memset(to, 0, sizeof(*to));
    int rc = identity_learn(g->b, t, o, &ev->chat, &to->with);
    if (rc != 0) {
        return rc;
    }
    rc = message_find_in(t, o, ev->chat.id, ev->message_id, false, &v, &ref);
    if (rc == 0) {
        to->m = message_load(v);
        to->stub = message_is_stub(to->m);
        memcpy(to->chat, ref.chat, sizeof(to->chat));
        to->time_ms = ref.time_ms;
    } else if (rc == E_NOTFOUND) {
        memcpy(to->chat, ev->chat.id, strlen(ev->chat.id) + 1);
        to->time_ms = ev->time_ms != 0 ? ev->time_ms : g->now_ms;
        rc = 0;
    }
    if (rc == 0 && ev->by.id[0] != '\0' && !ev->from_me) {
        rc = identity_learn(g->b, t, o, &ev->by, &to->by);
    }
    g->appended = g->appended || to->with.told || to->by.told;
    return rc;
}

/* Somebody else than who wrote m: the far end tells changes of any id, also of one that its sender
 * only claims. */
bool change_by_another(const json_t *m, const struct channel_event *ev, const struct person *who)
{
    struct person author, by;
    if (strcmp(json_str_or(m, "direction", ""), "out") == 0) {
        return !ev->from_me && ev->by.id[0] != '\0';
    }
    const json_t *from = json_obj(m, "from");
    const struct channel_peer p = {.id = json_str_or(from, "id", ""),
                                   .phone = json_str_or(from, "phone", ""),
                                   .lid = json_str_or(from, "lid", "")};
    const struct channel_peer known = identity_fill(&ev->by, who);
    identity_told(&p, &author);
    identity_told(&known, &by);
    return ev->from_me || identity_differs(&author, &by);
}

static void target_close(struct target *to)
{
    json_decref(to->m);
}

/* The stub is made now when there is neither message nor stub. */
static json_t *target_record(struct target *to, const char *id)
{
    if (to->m == NULL) {
        to->m = json_object();
        to->stub = true;
        json_t *private = to->m != NULL ? message_private(to->m) : NULL;
        if (private == NULL || json_object_set_new(private, "stub", json_true()) != 0 ||
            json_set_str(to->m, "id", id) != 0) {
            return NULL;
        }
    }
    return to->m;
}

/* "message_id":…,"chat":…,"by":…,"from_me":…,"<at>":… */
static int put_circumstances(struct buf *b, const struct channel_event *ev, const struct target *to,
                             const char *at, uint64_t now_ms)
{
    char time[CLOCK_RFC3339_LEN];
    char id[STORE_MAX_ID + 1];
    enum chat_kind kind = CHAT_USER;
    (void)chat_id_parse(ev->chat.id, id, &kind, NULL);
    const struct channel_peer chat = identity_fill(&ev->chat, &to->with);
    const struct channel_peer by = identity_fill(&ev->by, &to->by);
    clock_rfc3339(ev->time_ms != 0 ? ev->time_ms : now_ms, time);
    buf_str(b, "\"message_id\":");
    json_quote(b, ev->message_id, strlen(ev->message_id));
    buf_str(b, ",\"chat\":");
    message_write_peer(b, &chat, &kind);
    buf_str(b, ",\"by\":");
    message_write_peer(b, &by, NULL);
    return buf_printf(b, ",\"from_me\":%s,\"%s\":\"%s\"", ev->from_me ? "true" : "false", at, time);
}

/* Stores the changed record and tells {message, …circumstances}. key and value (may be NULL): a
 * further member of that. */
static int finish(struct store_txn *t, struct ingest *g, struct ingest_item *it, struct target *to,
                  const char *type, const char *at, const char *key, const json_t *value)
{
    const struct channel_event *ev = &it->ev;
    struct buf pub, more;
    buf_init(&pub, STORE_MAX_VALUE);
    buf_init(&more, STORE_MAX_VALUE);
    int rc = message_save(t, g->owner.tenant, g->owner.session, to->chat, ev->message_id,
                          to->time_ms, to->m, &pub);
    buf_char(&more, ',');
    put_circumstances(&more, ev, to, at, g->now_ms);
    if (key != NULL) {
        char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
        buf_printf(&more, ",\"%s\":", key);
        buf_str(&more, text != NULL ? text : "null");
        free(text);
    }
    rc = rc != 0 ? rc : more.rc;
    if (rc == 0 && !g->silent) {
        const struct channel_peer chat = identity_fill(&ev->chat, &to->with);
        const char *lane = to->stub ? peer_lane(&chat) : message_lane(to->m);
        rc = message_announce(g->b, t, &g->owner, type, lane, to->stub ? "null" : pub.data,
                              to->stub ? 4 : pub.len, more.data);
    }
    if (rc == 0) {
        it->fresh = true;
        g->appended = g->appended || !g->silent;
    }
    buf_finish(&more);
    buf_finish(&pub);
    return rc;
}

/* The row of the chat shows the message as it is now. */
static int show_in_chat(struct store_txn *t, struct ingest *g, const struct ingest_item *it,
                        const struct target *to)
{
    return to->stub ? 0
                    : chat_retouch(t, &g->owner, to->chat, it->ev.message_id,
                                   json_str_or(to->m, "type", ""), json_str_or(to->m, "text", ""));
}

static int set_text(struct target *to, const char *text, uint64_t at_ms)
{
    int rc = json_set_str(to->m, "text", text);
    return rc != 0 ? rc : json_set_time(to->m, "edited_at", at_ms);
}

bool edited_after(const json_t *m, uint64_t ms)
{
    uint64_t edited_ms;
    const char *at = json_str(m, "edited_at");
    return at != NULL && clock_parse_rfc3339(at, &edited_ms) == 0 && ms / 1000 < edited_ms / 1000;
}

static int apply_edit(struct store_txn *t, struct ingest *g, struct ingest_item *it,
                      struct target *to)
{
    const struct channel_event *ev = &it->ev;
    const char *now = json_str(to->m, "text");
    if (now != NULL && strcmp(now, ev->text) == 0) {
        return 0;
    }
    if (strcmp(json_str_or(to->m, "type", ""), "revoked") == 0 ||
        (ev->time_ms != 0 && edited_after(to->m, ev->time_ms))) {
        return 0; /* an old edit, told again after another or after the message was taken back */
    }
    if (to->m != NULL && !to->stub && change_by_another(to->m, ev, &to->by)) {
        return 0;
    }
    int rc = target_record(to, ev->message_id) != NULL ? 0 : E_NOMEM;
    rc = rc != 0 ? rc : set_text(to, ev->text, ev->time_ms != 0 ? ev->time_ms : g->now_ms);
    rc = rc != 0 ? rc : show_in_chat(t, g, it, to);
    return rc != 0 ? rc
                   : finish(t, g, it, to, "message.edited", "edited_at", to->stub ? "text" : NULL,
                            json_object_get(to->m, "text"));
}

/* What a message holds besides its text. */
static const char *const contents[] = {"location", "contacts", "poll",     "call",
                                       "link",     "mentions", "forwarded"};

static bool same(const char *a, const char *b)
{
    return a[0] != '\0' && strcmp(a, b) == 0;
}

/* In the group as we know it, without being one of its admins. */
static bool plain_member(struct store_txn *t, const struct message_owner *o, const char *group,
                         const struct person *who)
{
    struct store_value v;
    size_t i = 0;
    json_t *one = NULL;
    bool plain = false;
    json_t *doc = store_get(t, STORE_GROUPS, STORE_PATH(o->tenant, o->session, group), &v) == 0
                      ? message_load(v)
                      : NULL;
    json_array_foreach(json_arr(doc, "participants"), i, one)
    {
        bool found = same(who->lid, json_str_or(one, "lid", "")) ||
                     same(who->phone, json_str_or(one, "phone", "")) ||
                     same(who->id, json_str_or(one, "id", ""));
        bool admin = json_flag(one, "admin", false) || json_flag(one, "super", false);
        plain = plain || (found && !admin);
    }
    json_decref(doc);
    return plain;
}

/* In a group its admins may take back what others wrote. Who was made one a moment ago may be
 * refused here; the next look at the chat then finds the message gone at the far end. */
static bool may_take_back(struct store_txn *t, const struct ingest *g,
                          const struct channel_event *ev, const struct target *to)
{
    if (to->m == NULL || to->stub || !change_by_another(to->m, ev, &to->by)) {
        return true;
    }
    return !identity_is_person(to->chat) &&
           (ev->from_me || !plain_member(t, &g->owner, to->chat, &to->by));
}

static int apply_revoke(struct store_txn *t, struct ingest *g, struct ingest_item *it,
                        struct target *to)
{
    const struct channel_event *ev = &it->ev;
    if (strcmp(json_str_or(to->m, "type", ""), "revoked") == 0) {
        return 0;
    }
    if (!may_take_back(t, g, ev, to)) {
        return 0;
    }
    /* Who takes a message back wants its text gone, here too. */
    json_t *m = target_record(to, ev->message_id);
    int rc = m != NULL ? json_set_str(m, "type", "revoked") : E_NOMEM;
    rc = rc != 0 ? rc : json_set_str(m, "text", "");
    rc = rc != 0 ? rc : json_set_str(m, "media", NULL);
    for (size_t i = 0; m != NULL && i < sizeof(contents) / sizeof(contents[0]); i++) {
        (void)json_object_del(m, contents[i]);
    }
    rc = rc != 0 ? rc : fetcher_forget(t, &g->owner, to->chat, ev->message_id);
    rc = rc != 0 ? rc : json_set_time(m, "revoked_at", ev->time_ms != 0 ? ev->time_ms : g->now_ms);
    rc = rc != 0 ? rc : show_in_chat(t, g, it, to);
    return rc != 0 ? rc : finish(t, g, it, to, "message.revoked", "revoked_at", NULL, NULL);
}

/* As the contract shows a person; gives. */
static json_t *by_shown(const struct channel_event *ev, const struct target *to)
{
    const struct channel_peer by = identity_fill(&ev->by, &to->by);
    struct buf b;
    buf_init(&b, STORE_MAX_VALUE);
    json_t *shown =
        message_write_peer(&b, &by, NULL) == 0 ? json_loadb(b.data, b.len, 0, NULL) : NULL;
    buf_finish(&b);
    return shown;
}

/* A reaction, or all that somebody chooses in a poll. value is taken. */
static int apply_added(struct store_txn *t, struct ingest *g, struct ingest_item *it,
                       struct target *to, enum added_kind kind, json_t *value)
{
    const struct channel_event *ev = &it->ev;
    json_t *by = by_shown(ev, to);
    json_t *m = target_record(to, ev->message_id);
    const struct added a = {
        .kind = kind,
        .who = ev->from_me            ? "me"
               : to->by.id[0] != '\0' ? to->by.id
                                      : ev->chat.id,
        .by = by,
        .value = value,
        .at_ms = ev->time_ms,
    };
    bool news = false;
    int rc = by != NULL && m != NULL && value != NULL ? added_put(m, &a, &news) : E_NOMEM;
    if (rc == 0 && news) {
        bool vote = kind == ADDED_VOTE;
        rc = finish(t, g, it, to, vote ? "message.vote" : "message.reaction", "at",
                    vote ? "options" : "emoji", value);
    }
    json_decref(by);
    json_decref(value);
    return rc;
}

static int apply_vote(struct store_txn *t, struct ingest *g, struct ingest_item *it,
                      struct target *to)
{
    json_t *content = json_loads(it->ev.content, 0, NULL);
    json_t *options = json_incref(json_arr(content, "options"));
    json_decref(content);
    if (options == NULL) {
        return 0; /* nothing that could be read */
    }
    return apply_added(t, g, it, to, ADDED_VOTE, options);
}

int change_apply(struct store_txn *t, struct ingest *g, struct ingest_item *it)
{
    struct target to;
    int rc = target_open(t, g, &it->ev, &to);
    if (rc == 0) {
        switch (it->ev.kind) {
        case CHANNEL_EDIT:
            rc = apply_edit(t, g, it, &to);
            break;
        case CHANNEL_REVOKE:
            rc = apply_revoke(t, g, it, &to);
            break;
        case CHANNEL_REACTION:
            rc = apply_added(t, g, it, &to, ADDED_REACTION, json_string(it->ev.text));
            break;
        case CHANNEL_VOTE:
            rc = apply_vote(t, g, it, &to);
            break;
        default:
            break;
        }
    }
    target_close(&to);
    return rc;
}
