/*
 * What somebody sees who is limited to one chat: that chat under each of its names (a number and a
 * LID of the same person are one), its messages, the files in them and those that came from here,
 * its events. Whatever is not surely of that chat is answered as if it did not exist.
 */
#include "widget.h"

#include "relay_priv.h"
#include "identity.h"
#include "json.h"

#include <stdio.h>
#include <string.h>

#define VISITS 20000 /* messages of the chat that are looked through for a file */

bool bridge_of_one_chat(const struct bridge_principal *who)
{
    return who != NULL && who->chat[0][0] != '\0';
}

/* ---- names ------------------------------------------------------------------------------------- */

static bool is_named(const char names[BRIDGE_CHAT_NAMES][BRIDGE_CHAT_LEN], const char *chat)
{
    for (size_t i = 0; i < BRIDGE_CHAT_NAMES && chat[0] != '\0'; i++) {
        if (strcmp(names[i], chat) == 0) {
            return true;
        }
    }
    return false;
}

static void add_name(char names[BRIDGE_CHAT_NAMES][BRIDGE_CHAT_LEN], const char *chat)
{
    size_t len = strlen(chat);
    for (size_t i = 0; i < BRIDGE_CHAT_NAMES && len < BRIDGE_CHAT_LEN; i++) {
        if (names[i][0] == '\0') {
            memcpy(names[i], chat, len + 1);
        }
        if (strcmp(names[i], chat) == 0) {
            return;
        }
    }
}

int chat_names(struct store_txn *t, struct bridge_principal *principal)
{
    char id[STORE_MAX_ID + 1], jids[IDENTITY_JIDS_MAX][STORE_MAX_ID + 1];
    struct message_owner o;
    struct person who;
    enum chat_kind kind;
    message_owner_set(&o, principal->tenant, principal->sessions);
    for (size_t i = 1; i < BRIDGE_CHAT_NAMES; i++) {
        principal->chat[i][0] = '\0';
    }
    int rc = identity_address(t, &o, principal->chat[0], id, &kind, NULL);
    if (rc == E_INVALID || rc == E_NOTFOUND) {
        return 0;
    }
    if (rc != 0 || kind != CHAT_USER) {
        return rc;
    }
    rc = identity_find(t, &o, id, &who);
    size_t n = rc == 0 ? identity_jids(&who, jids) : 0;
    for (size_t i = 0; i < n; i++) {
        add_name(principal->chat, jids[i]);
    }
    return rc == E_NOTFOUND ? 0 : rc;
}

/* ---- places ------------------------------------------------------------------------------------ */

struct look {
    struct bridge *b;
    struct store_txn *t;
    const struct bridge_principal *who;
    struct message_owner o;
};

/* *there: the address leads to that chat. */
static int look_chat(struct look *l, const char *chat, bool *there)
{
    char id[STORE_MAX_ID + 1];
    enum chat_kind kind;
    int rc = identity_address(l->t, &l->o, chat, id, &kind, NULL);
    *there = rc == 0 && is_named(l->who->chat, id);
    return rc == E_INVALID || rc == E_NOTFOUND ? 0 : rc;
}

static int look_message(struct look *l, const char *message, bool *there)
{
    struct store_message_ref ref;
    int rc = message_find(l->t, &l->o, message, NULL, &ref);
    *there = rc == 0 && is_named(l->who->chat, ref.chat);
    return rc == E_NOTFOUND || rc == E_INVALID || rc == E_TOOLARGE ? 0 : rc;
}

struct file_look {
    const char *media;
    size_t len, left;
    bool there;
};

/* What a sender told of a file that is not here yet is no proof of anything. */
static int on_message(void *arg, const struct store_message_ref *ref, struct store_value v)
{
    struct file_look *f = arg;
    (void)ref;
    if (memmem(v.data, v.len, f->media, f->len) != NULL) {
        json_t *m = message_public(v);
        const json_t *media = json_obj(m, "media");
        f->there = strcmp(json_str_or(media, "sha256", ""), f->media) == 0 &&
                   strcmp(json_str_or(media, "state", ""), "ready") == 0;
        json_decref(m);
    }
    return f->there || --f->left == 0 ? 1 : 0;
}

static int look_media(struct look *l, const char *media, bool *there)
{
    struct file_look f = {.media = media, .len = strlen(media), .left = VISITS};
    const struct store_range newest = {.since_ms = 0};
    int rc = 0;
    if (widgets_knows_file(l->b->core->widgets, l->who, media)) {
        *there = true;
        return 0;
    }
    for (size_t i = 0; i < BRIDGE_CHAT_NAMES && rc == 0 && f.len == 64 && !f.there && f.left > 0;
         i++) {
        if (l->who->chat[i][0] != '\0') {
            rc = store_message_list(l->t, l->o.tenant, l->o.session, l->who->chat[i], &newest,
                                    on_message, &f);
        }
    }
    *there = f.there;
    if (f.there) {
        widgets_file_seen(l->b->core->widgets, l->who, media);
    }
    return rc;
}

static int look_begin(struct look *l, struct bridge *b, const struct bridge_principal *who,
                      struct err *e)
{
    l->b = b;
    l->who = who;
    message_owner_set(&l->o, who->tenant, who->sessions);
    int rc = store_read(b->store, &l->t, e);
    return rc != 0 ? store_err(e, rc, "the chat could not be read") : 0;
}

int bridge_one_chat_check(struct bridge *b, const struct bridge_principal *who, const char *chat,
                          const char *message, const char *media, struct err *e)
{
    struct look l;
    bool there = true;
    const char *word = "unknown_chat";
    err_clear(e);
    int rc = look_begin(&l, b, who, e);
    if (rc != 0) {
        return rc;
    }
    if (chat != NULL) {
        rc = look_chat(&l, chat, &there);
    }
    if (rc == 0 && there && message != NULL) {
        word = "unknown_message";
        rc = look_message(&l, message, &there);
    }
    if (rc == 0 && there && media != NULL) {
        word = "unknown_media";
        rc = look_media(&l, media, &there);
    }
    store_read_end(l.t);
    if (rc != 0) {
        return store_err(e, rc, "the chat could not be read");
    }
    return there ? 0 : err_word(e, E_NOTFOUND, word, "this credential is for another chat");
}

/* What came from a person, or was written on the phone, is not the page's to change. */
static int look_ours(struct look *l, const char *message, bool *ours)
{
    struct store_message_ref ref;
    struct store_value v;
    int rc = message_find(l->t, &l->o, message, &v, &ref);
    json_t *m = rc == 0 ? message_load(v) : NULL;
    const char *source = json_str_or(m, "source", "phone");
    *ours = strcmp(json_str_or(m, "direction", ""), "out") == 0 && strcmp(source, "phone") != 0;
    rc = rc == 0 && m == NULL ? E_NOMEM : rc;
    json_decref(m);
    return rc;
}

int bridge_one_chat_change(struct bridge *b, const struct bridge_principal *who,
                           const char *message, struct err *e)
{
    struct look l;
    bool there = false, ours = false;
    err_clear(e);
    int rc = look_begin(&l, b, who, e);
    if (rc != 0) {
        return rc;
    }
    rc = look_message(&l, message, &there);
    rc = rc == 0 && there ? look_ours(&l, message, &ours) : rc;
    store_read_end(l.t);
    if (rc != 0) {
        return store_err(e, rc, "the message could not be read");
    }
    if (!there) {
        return err_word(e, E_NOTFOUND, "unknown_message", "this credential is for another chat");
    }
    return ours ? 0
                : err_word(e, E_CONFLICT, "not_yours",
                           "a widget changes only what was sent from here, not what was written "
                           "on the phone or by others");
}

void bridge_one_chat_uploaded(struct bridge *b, const struct bridge_principal *who,
                              const char *media)
{
    widgets_file_seen(b->core->widgets, who, media);
}

/* ---- what is sent ------------------------------------------------------------------------------ */

static bool is_file(const char *key)
{
    static const char *const kinds[] = {"image", "video", "audio", "voice", "document", "sticker"};
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (strcmp(kinds[i], key) == 0) {
            return true;
        }
    }
    return false;
}

/* A file of a url would be fetched by us, one in base64 is as good as uploaded. */
static int check_file(const char *key, const json_t *v, const char **media, struct err *e)
{
    if (json_object_get(v, "url") != NULL || !json_is_object(v)) {
        return err_set(e, E_FORBIDDEN,
                       "a widget sends files that it uploaded: `%s` needs a media_id", key);
    }
    *media = json_str(v, "media_id");
    return 0;
}

int bridge_one_chat_send(struct bridge *b, const struct bridge_principal *who, const json_t *body,
                         struct err *e)
{
    static const char *const plain[] = {"to",           "text",   "reply_to",
                                        "link_preview", "source", "reaction"};
    const char *key = NULL, *media = NULL;
    json_t *v = NULL;
    json_object_foreach((json_t *)(uintptr_t)body, key, v)
    {
        bool known = false;
        for (size_t i = 0; !known && i < sizeof(plain) / sizeof(plain[0]); i++) {
            known = strcmp(plain[i], key) == 0;
        }
        int rc = known ? 0
                 : is_file(key)
                     ? check_file(key, v, &media, e)
                     : err_set(e, E_FORBIDDEN, "a widget sends texts, files, replies and reactions only");
        if (rc != 0) {
            return rc;
        }
    }
    const char *to = json_str(body, "to");
    if (to == NULL) {
        return err_field(e, NULL, "to", "`to` must be the chat that this credential is for");
    }
    const char *to_what = json_str(json_object_get(body, "reaction"), "message_id");
    int rc = to_what != NULL ? bridge_one_chat_check(b, who, NULL, to_what, NULL, e) : 0;
    return rc != 0 ? rc
                   : bridge_one_chat_check(b, who, to, json_str(body, "reply_to"), media, e);
}

/* ---- events ------------------------------------------------------------------------------------ */

static bool is_kind_seen(const char *type)
{
    return strncmp(type, "message.", 8) == 0 || strcmp(type, "chat.updated") == 0 ||
           strcmp(type, "chat.presence") == 0;
}

/* The chat of an event's data: beside it, or of the message in it, or of the message that it is. */
static const json_t *chat_of(const json_t *event)
{
    const json_t *data = json_obj(event, "data");
    const json_t *message = json_obj(data, "message");
    return json_obj(message != NULL ? message : data, "chat");
}

bool chat_event_seen(const struct bridge_principal *who, const char *text, size_t len)
{
    char session[64], jid[64];
    if (!event_session(text, len, session) || strcmp(session, who->sessions) != 0) {
        return false;
    }
    json_t *event = json_loadb(text, len, 0, NULL);
    const json_t *chat = chat_of(event);
    const char *phone = json_str_or(chat, "phone", "");
    bool kind = is_kind_seen(json_str_or(event, "type", ""));
    bool seen = kind && (is_named(who->chat, json_str_or(chat, "id", "")) ||
                         is_named(who->chat, json_str_or(chat, "lid", "")));
    if (kind && !seen && phone[0] != '\0' && strlen(phone) <= PHONE_MAX) {
        (void)snprintf(jid, sizeof(jid), "%s@c.us", phone);
        seen = is_named(who->chat, jid);
    }
    json_decref(event);
    return seen;
}
