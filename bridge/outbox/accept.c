/*
 * What accepting a message writes, in one operation on the writer thread: the message `queued`, its
 * place in the outbox, the row of its chat, the event.
 *
 * A message that is passed on takes its content from the one that we have. An operation (reaction,
 * edit, revoke) is written beside the chat that it changes and shows in no row; what is certain to
 * be refused by the far end is refused here.
 */
#include "outbox_priv.h"

#include "clock.h"
#include "guard.h"
#include "json.h"
#include "mem.h"
#include "stats.h"
#include "usage.h"

#include <stdlib.h>
#include <string.h>

#define IDEM_MS (25 * UINT64_C(3600000)) /* a day and some, for clients whose clock is late */
#define EDIT_MS (15 * UINT64_C(60000))
#define REVOKE_MS (60 * UINT64_C(3600000))

/* What is being written. */
struct accept {
    struct store_txn *t;
    struct send *s;
    struct person with;
    char chat[STORE_MAX_ID + 1]; /* where it is filed */
    enum chat_kind kind;
    json_t *source;   /* the message that is forwarded or changed; owned */
    const char *type; /* of the new message */
    struct buf text, quoted, how, content;
};

/* The chat under which we have that person already, else the address itself. */
static int find_chat(struct accept *a)
{
    struct store_value v;
    uint64_t last_ms;
    const struct send *s = a->s;
    const struct message_owner *o = &s->owner;
    memcpy(a->chat, s->body.chat, sizeof(a->chat));
    a->kind = s->body.kind;
    if (a->kind != CHAT_USER) {
        return 0;
    }
    int rc = identity_find(a->t, o, a->chat, &a->with);
    if (rc == 0 && a->with.lid[0] != '\0' &&
        store_chat_get(a->t, o->tenant, o->session, a->with.lid, &v, &last_ms) == 0) {
        memcpy(a->chat, a->with.lid, sizeof(a->chat));
    }
    if (a->with.phone[0] == '\0') {
        (void)chat_id_phone(s->body.chat, a->with.phone);
    }
    return rc == E_NOTFOUND ? 0 : rc;
}

/* ---- about another message ---------------------------------------------------------------------
 */

static int unknown(struct send *s)
{
    return err_word(&s->op.err, E_NOTFOUND, "unknown_message", "no such message: %s",
                    s->body.target);
}

/* The message meant, in `chat` when that is given; ref says where it is. */
static int find_source(struct accept *a, const char *chat, struct store_message_ref *ref)
{
    struct send *s = a->s;
    struct store_value v;
    int rc = chat[0] != '\0'
                 ? message_find_in(a->t, &s->owner, chat, s->body.target, false, &v, ref)
                 : message_find(a->t, &s->owner, s->body.target, &v, ref);
    if (rc == 0) {
        a->source = message_load(v);
        rc = a->source == NULL ? E_NOMEM : 0;
    }
    if (rc == E_NOTFOUND ||
        (rc == 0 && (message_is_stub(a->source) || message_is_operation(a->source)))) {
        rc = unknown(s);
    }
    return rc;
}

static bool type_is(const json_t *m, const char *const *list)
{
    const char *type = json_str_or(m, "type", "");
    for (; *list != NULL; list++) {
        if (strcmp(*list, type) == 0) {
            return true;
        }
    }
    return false;
}

static int refuse(struct send *s, const char *word, const char *why)
{
    return err_word(&s->op.err, E_CONFLICT, word, "%s", why);
}

static int check_change(const struct accept *a, const struct store_message_ref *ref)
{
    static const char *const edited[] = {"text", "image", "video", "document", NULL};
    static const char *const fixed[] = {"call", "system", "pending", "unknown", NULL};
    struct send *s = a->s;
    const json_t *m = a->source;
    const enum operation op = s->body.operation;
    const bool ours = strcmp(json_str_or(m, "direction", ""), "out") == 0;
    const uint64_t age = s->now_ms > ref->time_ms ? s->now_ms - ref->time_ms : 0;
    static const char *const revoked[] = {"revoked", NULL};
    if (message_status_of(m) == MESSAGE_FAILED) {
        return refuse(s, "message_failed", "that message never went out");
    }
    if (type_is(m, revoked)) {
        return refuse(s, "message_revoked", "that message was deleted for everyone already");
    }
    if (type_is(m, fixed)) {
        return refuse(s, "not_changeable", "a message of that type cannot be changed");
    }
    if (op == OPERATION_REACT) {
        return 0;
    }
    if (!ours && (op == OPERATION_EDIT || identity_is_person(ref->chat))) {
        return refuse(s, "not_yours", "only messages of this session's own can be changed");
    }
    if (op == OPERATION_EDIT && !type_is(m, edited)) {
        return refuse(s, "not_editable", "only texts and captions can be edited");
    }
    if (op == OPERATION_EDIT && age > EDIT_MS) {
        return refuse(s, "too_late", "WhatsApp lets a message be edited for 15 minutes");
    }
    if (op == OPERATION_REVOKE && age > REVOKE_MS) {
        return refuse(s, "too_late",
                      "WhatsApp lets a message be deleted for everyone for 60 hours");
    }
    return 0;
}

/* The target says which chat; a reaction to what we never got goes where the caller says. */
static int aim(struct accept *a)
{
    struct send *s = a->s;
    struct store_message_ref ref;
    int rc = find_source(a, s->body.chat, &ref);
    if (rc == E_NOTFOUND && s->body.chat[0] != '\0') {
        err_clear(&s->op.err);
        return find_chat(a);
    }
    rc = rc != 0 ? rc : check_change(a, &ref);
    if (rc != 0) {
        return rc;
    }
    memcpy(a->chat, ref.chat, sizeof(a->chat));
    memcpy(s->body.chat, ref.chat, sizeof(s->body.chat));
    const json_t *chat = json_obj(a->source, "chat");
    char id[STORE_MAX_ID + 1];
    if (chat_id_parse(ref.chat, id, &a->kind, NULL) != 0) {
        a->kind = CHAT_USER;
    }
    const struct channel_peer told = {.id = ref.chat,
                                      .phone = json_str_or(chat, "phone", ""),
                                      .lid = json_str_or(chat, "lid", ""),
                                      .name = json_str_or(chat, "name", "")};
    identity_told(&told, &a->with);
    const char *contact = json_str_or(chat, "contact_id", "");
    if (identity_is_contact(contact)) {
        memcpy(a->with.contact_id, contact, sizeof(a->with.contact_id));
    }
    return 0;
}

static int take_forwarded(struct accept *a)
{
    static const char *const passed_on[] = {"text",     "image",    "video",   "audio",
                                            "voice",    "document", "sticker", "location",
                                            "contacts", "poll",     NULL};
    struct send *s = a->s;
    struct store_message_ref ref;
    int rc = find_source(a, s->body.source_chat, &ref);
    if (rc == 0 && (!type_is(a->source, passed_on) ||
                    json_flag(json_obj(a->source, "media"), "view_once", false))) {
        rc = refuse(s, "not_forwardable", "a message of that type cannot be forwarded");
    }
    if (rc == 0 && message_status_of(a->source) == MESSAGE_FAILED) {
        rc = refuse(s, "message_failed", "that message never went out");
    }
    if (rc == 0) {
        a->type = json_str_or(a->source, "type", "text");
        rc = send_how(&s->body, ref.chat, &a->how);
    }
    return rc;
}

/* ---- content
 * -------------------------------------------------------------------------------------- */

static int add_mentions(struct accept *a, json_t *content)
{
    json_t *given = json_loads(a->s->body.mentions, 0, NULL);
    json_t *list = json_array();
    int rc = given != NULL && list != NULL ? 0 : E_NOMEM;
    bool all = strcmp(json_string_value(json_array_get(given, 0)), "all") == 0;
    for (size_t i = 0; rc == 0 && !all && i < json_array_size(given); i++) {
        struct person who;
        struct buf b;
        const char *jid = json_string_value(json_array_get(given, i));
        const struct channel_peer told = {.id = jid, .phone = "", .lid = "", .name = ""};
        memset(&who, 0, sizeof(who));
        rc = identity_find(a->t, &a->s->owner, jid, &who);
        if (rc == E_NOTFOUND) {
            identity_told(&told, &who);
            rc = 0;
        }
        const struct channel_peer peer = identity_fill(&told, &who);
        buf_init(&b, STORE_MAX_VALUE);
        rc = rc != 0 ? rc : message_write_peer(&b, &peer, NULL);
        json_t *one = rc == 0 ? json_loadb(b.data, b.len, 0, NULL) : NULL;
        rc = rc == 0 && json_array_append_new(list, one) != 0 ? E_NOMEM : rc;
        buf_finish(&b);
    }
    json_decref(given);
    if (rc != 0 || all) {
        json_decref(list);
        return rc == 0 && json_object_set_new(content, "mentions_all", json_true()) != 0 ? E_NOMEM
                                                                                         : rc;
    }
    return json_object_set_new(content, "mentions", list) == 0 ? 0 : E_NOMEM;
}

static int add_forwarded(const json_t *source, json_t *content)
{
    static const char *const members[] = {"location", "contacts", "link"};
    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
        json_t *v = json_object_get(source, members[i]);
        if (v != NULL && json_object_set(content, members[i], v) != 0) {
            return E_NOMEM;
        }
    }
    json_t *poll = json_obj(source, "poll") != NULL ? json_copy(json_obj(source, "poll")) : NULL;
    if (poll != NULL) {
        json_object_del(poll, "votes");
        if (json_object_set_new(content, "poll", poll) != 0) {
            return E_NOMEM;
        }
    }
    return json_object_set_new(content, "forwarded", json_true()) == 0 ? 0 : E_NOMEM;
}

/* The members that join the message. */
static int write_content(struct accept *a)
{
    const struct send_body *body = &a->s->body;
    const bool forward = strcmp(body->type, "forward") == 0;
    const char *retry_of = a->s->retry_of;
    if (body->mentions == NULL && !forward && retry_of[0] == '\0') {
        return body->content != NULL ? buf_str(&a->content, body->content) : 0;
    }
    json_t *content = body->content != NULL ? json_loads(body->content, 0, NULL) : json_object();
    int rc = content != NULL ? 0 : E_NOMEM;
    rc = rc == 0 && body->mentions != NULL ? add_mentions(a, content) : rc;
    rc = rc == 0 && forward ? add_forwarded(a->source, content) : rc;
    rc = rc == 0 && retry_of[0] != '\0' ? json_set_str(content, "retry_of", retry_of) : rc;
    char *text = rc == 0 ? json_text(content, NULL) : NULL;
    rc = rc == 0 && text == NULL ? E_NOMEM : rc;
    rc = rc != 0 ? rc : buf_str(&a->content, text);
    free(text);
    json_decref(content);
    return rc;
}

static struct message_media media_of_source(const struct send *s, const json_t *m)
{
    return (struct message_media){
        .state = json_str_or(m, "state", "pending"),
        .mimetype = json_str(m, "mimetype"),
        .filename = json_str(m, "filename"),
        .sha256 = json_str(m, "sha256"),
        .size_bytes = (uint64_t)json_int(m, "size_bytes", 0),
        .width = (unsigned)json_int(m, "width", 0),
        .height = (unsigned)json_int(m, "height", 0),
        .duration_s = (unsigned)json_int(m, "duration_s", 0),
        .gif = json_flag(m, "gif", false),
        .tenant = s->owner.tenant,
    };
}

static struct message_media media_of_file(const struct send *s)
{
    return (struct message_media){
        .state = "ready",
        .mimetype = s->media.mimetype,
        .filename = s->media.filename,
        .sha256 = s->media.sha256,
        .size_bytes = s->media.size_bytes,
        .width = s->media.width,
        .height = s->media.height,
        .duration_s = s->media.duration_s,
        .view_once = s->body.view_once,
        .tenant = s->owner.tenant,
    };
}

/* ---- writing
 * -------------------------------------------------------------------------------------- */

/* The message with its place in the outbox. */
static int put_message(struct accept *a, uint64_t order)
{
    struct buf b;
    buf_init(&b, STORE_MAX_VALUE);
    buf_append(&b, a->text.data, a->text.len - 1);
    buf_printf(&b, ",\"_\":{\"order\":%llu", (unsigned long long)order);
    if (a->how.len > 0 && a->s->body.operation == OPERATION_NONE) {
        buf_printf(&b, ",\"how\":%s", a->how.data); /* for sending it again, should it fail */
    }
    int rc = buf_str(&b, "}}");
    if (rc == 0) {
        rc = store_message_put(a->t, a->s->owner.tenant, a->s->owner.session, a->chat, a->s->id,
                               a->s->now_ms, b.data, b.len, NULL);
    }
    buf_finish(&b);
    return rc;
}

static int put_entry(struct accept *a, uint64_t *order)
{
    struct buf b;
    const struct send *s = a->s;
    buf_init(&b, STORE_MAX_VALUE);
    int rc = entry_write(&b, s->body.chat, a->chat, s->from.id, a->how.len > 0 ? a->how.data : NULL, false);
    if (rc == 0) {
        rc = store_outbox_add(a->t, s->owner.tenant, s->owner.session, s->id, s->expires_ms, b.data,
                              b.len, order);
    }
    buf_finish(&b);
    return rc;
}

/* Messages count when they are accepted; what changes one does not. */
static int count_send(struct accept *a, const struct message_draft *d)
{
    const struct send *s = a->s;
    if (s->body.operation != OPERATION_NONE) {
        return 0;
    }
    const struct usage_item u = {.tenant = s->owner.tenant,
                                 .session = s->owner.session,
                                 .out = true,
                                 .group = a->kind != CHAT_USER,
                                 .phone = a->with.phone,
                                 .type = d->type,
                                 .bytes = d->media != NULL ? d->media->size_bytes : 0};
    int rc = quota_take_send(a->t, s->owner.tenant, s->now_ms, s->unguarded, &a->s->op.err);
    return rc != 0 ? rc : usage_count(a->t, &u, s->now_ms);
}

static int put_all(struct accept *a, const struct message_draft *d)
{
    struct send *s = a->s;
    const struct message_owner *o = &s->owner;
    const struct chat_touch touch = {
        .kind = d->kind,
        .chat = d->chat,
        .id = s->id,
        .type = d->type,
        .text = d->text,
        .text_len = d->text_len,
        .out = true,
        .time_ms = s->now_ms,
        .unread = 0, /* WhatsApp counts: a program that writes has not read what came */
        .turn = a->kind == CHAT_USER && stats_by_team(s->source) ? CHAT_TURN_ANSWERS : CHAT_TURN_NONE,
    };
    uint64_t order = 0;
    int rc = count_send(a, d);
    rc = rc != 0 ? rc : put_entry(a, &order);
    rc = rc != 0 ? rc : put_message(a, order);
    if (rc == 0 && s->body.operation == OPERATION_NONE) {
        rc = chat_touch(a->t, o, &touch);
    }
    rc = rc != 0 ? rc
                 : message_announce(s->b, a->t, o, "message.status", peer_lane(&d->chat),
                                    a->text.data, a->text.len, NULL);
    if (rc == 0 && s->idem_key[0] != '\0') {
        rc = store_idem_put(a->t, o->tenant, s->idem_key, s->hash, s->now_ms + IDEM_MS,
                            a->text.data, a->text.len);
    }
    return rc != 0 ? rc : send_keep_answer(s, a->text.data, a->text.len);
}

static int write_all(struct accept *a)
{
    struct send *s = a->s;
    const struct send_body *body = &s->body;
    const bool forward = strcmp(body->type, "forward") == 0;
    const json_t *passed = forward ? json_obj(a->source, "media") : NULL;
    const struct message_media media =
        passed != NULL ? media_of_source(s, passed) : media_of_file(s);
    const char *text = forward ? json_str_or(a->source, "text", "") : body->text;
    const struct message_draft d = {
        .id = s->id,
        .session = s->owner.session,
        .kind = a->kind,
        .chat = {.id = a->chat,
                 .phone = a->with.phone,
                 .lid = a->with.lid,
                 .name = a->with.name,
                 .contact_id = a->with.contact_id},
        .from = {.id = s->from.id,
                 .phone = s->from.phone,
                 .lid = s->from.lid,
                 .name = s->from.name},
        .out = true,
        .type = a->type,
        .text = text,
        .text_len = strlen(text),
        .status = message_status_name(MESSAGE_QUEUED),
        .status_ms = s->now_ms,
        .quoted = a->quoted.len > 0 ? a->quoted.data : NULL,
        .content = a->content.len > 0 ? a->content.data : NULL,
        .media = passed != NULL || body->media.type != NULL ? &media : NULL,
        .time_ms = s->now_ms,
        .received_ms = s->now_ms,
        .source = s->source,
        .sent_by = s->sent_by[0] != '\0' ? s->sent_by : NULL,
        .sent_by_name = s->sent_by_name[0] != '\0' ? s->sent_by_name : NULL,
        .metadata = body->metadata,
    };
    int rc = message_write(&a->text, &d);
    return rc != 0 ? rc : put_all(a, &d);
}

static int gather(struct accept *a)
{
    struct send *s = a->s;
    const struct send_body *body = &s->body;
    int rc = body->operation != OPERATION_NONE ? aim(a) : find_chat(a);
    if (rc == 0 && body->media.type != NULL) {
        rc = media_use(a->t, s->owner.tenant, s->media.sha256, s->now_ms);
        if (rc == E_NOTFOUND) {
            rc = err_word(&s->op.err, E_NOTFOUND, "unknown_media",
                          "the file was deleted meanwhile; send it again");
        }
    }
    if (rc == 0 && strcmp(body->type, "forward") == 0) {
        rc = take_forwarded(a);
    } else if (rc == 0) {
        rc = send_how(body, NULL, &a->how);
    }
    if (rc == 0 && body->reply_to[0] != '\0') {
        rc = message_write_quoted(&a->quoted, a->t, &s->owner, body->reply_to);
    }
    return rc != 0 ? rc : write_content(a);
}

/* Who asked not to be written to is left alone; deleting what they have already is no writing. */
static int check_wish(struct accept *a)
{
    struct send *s = a->s;
    struct person who = a->with;
    bool refused = false;
    if (a->kind != CHAT_USER || s->unguarded || s->body.operation == OPERATION_REVOKE) {
        return 0;
    }
    if (who.id[0] == '\0') {
        memcpy(who.id, a->chat, sizeof(who.id));
    }
    int rc = opt_out_refuses(a->t, &s->owner, &who, s->now_ms, &refused);
    return refused ? err_field(&s->op.err, "opted_out", "to", "%s", OPT_OUT_DETAIL) : rc;
}

int send_accept(struct store_txn *t, struct send *s)
{
    struct accept a = {.t = t, .s = s, .type = s->body.type};
    char chat[STORE_MAX_ID + 1];
    memcpy(chat, s->body.chat, sizeof(chat)); /* an apply may run twice */
    buf_init(&a.text, STORE_MAX_VALUE);
    buf_init(&a.quoted, STORE_MAX_VALUE);
    buf_init(&a.how, STORE_MAX_VALUE);
    buf_init(&a.content, STORE_MAX_VALUE);
    int rc = gather(&a);
    rc = rc != 0 ? rc : check_wish(&a);
    rc = rc != 0 ? rc : write_all(&a);
    memcpy(s->body.chat, chat, sizeof(chat));
    json_decref(a.source);
    buf_finish(&a.text);
    buf_finish(&a.quoted);
    buf_finish(&a.how);
    buf_finish(&a.content);
    return rc;
}
