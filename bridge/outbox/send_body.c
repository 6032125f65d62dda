/* The body of POST messages: checked field by field, cleaned, copied. */
#include "outbox_priv.h"

#include "clock.h"
#include "json.h"
#include "mem.h"
#include "text.h"

#include <stdlib.h>
#include <string.h>

#define METADATA_MAX 4096
#define NATIONAL_DIGITS 10

/* A field's name for an error message: nothing that would break a log line. */
void send_field_name(const char *key, char out[48])
{
    size_t n = 0;
    for (; key[n] != '\0' && n < 40; n++) {
        out[n] = key[n] > ' ' && key[n] < 0x7F ? key[n] : '?';
    }
    out[n] = '\0';
}

static int check_fields(const json_t *body, struct err *e)
{
    static const char *const fields[] = {"to",       "reply_to",   "mentions", "link_preview",
                                         "metadata", "expires_at", "presence", "presence_ms",
                                         "source"};
    if (!json_is_object(body)) {
        return err_set(e, E_INVALID,
                       "the body must be a JSON object such as {\"to\":…,\"text\":…}");
    }
    /* Only read; jansson's iterator wants the object writable. */
    json_t *obj = (json_t *)(uintptr_t)body;
    for (void *it = json_object_iter(obj); it != NULL; it = json_object_iter_next(obj, it)) {
        const char *key = json_object_iter_key(it);
        bool known = send_is_kind(key);
        for (size_t i = 0; !known && i < sizeof(fields) / sizeof(fields[0]); i++) {
            known = strcmp(fields[i], key) == 0;
        }
        if (!known) {
            char name[48];
            send_field_name(key, name);
            return err_field(e, "unknown_field", name, "no such field: %s", name);
        }
    }
    return 0;
}

/* Borrowed text without NUL, or NULL. */
const char *send_text_of(const json_t *body, const char *key, size_t *len)
{
    const json_t *v = json_object_get(body, key);
    const char *s = json_string_value(v);
    *len = s != NULL ? json_string_length(v) : 0;
    return s != NULL && strlen(s) == *len && text_utf8_valid(s, *len) ? s : NULL;
}

static int parse_to(const json_t *body, const char *cc, struct send_body *out, struct err *e)
{
    size_t len;
    const json_t *given = json_object_get(body, "to");
    if (given == NULL && out->operation != OPERATION_NONE) {
        return 0; /* the message that it is about says where */
    }
    const char *to = send_text_of(body, "to", &len);
    if (to == NULL || len == 0) {
        return err_field(e, given != NULL ? "invalid_phone" : NULL, "to",
                         "`to` must be a phone number or a chat id, or \"status\"");
    }
    if (identity_is_contact(to) && len <= STORE_MAX_ID) {
        memcpy(out->chat, to, len + 1);
        out->kind = CHAT_USER;
        return 0;
    }
    int rc = chat_address_parse(strcmp(to, "status") == 0 ? STATUS_CHAT : to, cc, out->chat,
                                &out->kind, e);
    if (rc != 0) {
        struct err why = *e;
        return err_field(e, why.word, "to", "%s", why.msg);
    }
    if (out->kind == CHAT_CHANNEL) {
        return err_field(e, "unsupported_recipient", "to",
                         "messages go to a person, a group or the status, not to a %s",
                         chat_kind_name(out->kind));
    }
    return 0;
}

bool send_is_message_id(const char *s, size_t len)
{
    return len >= 1 && len <= STORE_MAX_ID &&
           strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._=-") == len;
}

static int parse_reply(const json_t *body, struct send_body *out, struct err *e)
{
    size_t len;
    const json_t *v = json_object_get(body, "reply_to");
    if (v == NULL || json_is_null(v)) {
        return 0;
    }
    const char *id = send_text_of(body, "reply_to", &len);
    if (id == NULL || !send_is_message_id(id, len)) {
        return err_field(e, NULL, "reply_to", "`reply_to` must be the id of a message");
    }
    memcpy(out->reply_to, id, len + 1);
    return 0;
}

static int parse_mentions(const json_t *body, const char *cc, struct send_body *out, struct err *e)
{
    const json_t *list = json_object_get(body, "mentions");
    struct buf b;
    if (list == NULL || json_is_null(list) || (json_is_array(list) && json_array_size(list) == 0)) {
        return 0;
    }
    if (json_is_string(list) && strcmp(json_string_value(list), "all") == 0) {
        if (out->kind != CHAT_GROUP) {
            return err_field(e, "invalid_mention", "mentions",
                             "only in a group can all be mentioned");
        }
        out->mentions = mem_strdup("[\"all\"]");
        return out->mentions != NULL ? 0 : err_set(e, E_NOMEM, "out of memory");
    }
    if (!json_is_array(list) || json_array_size(list) > MENTIONS_MAX) {
        return err_field(e, NULL, "mentions",
                         "`mentions` must be a list of at most %d numbers, or \"all\"",
                         MENTIONS_MAX);
    }
    buf_init(&b, STORE_MAX_VALUE);
    for (size_t i = 0; i < json_array_size(list); i++) {
        char jid[STORE_MAX_ID + 1];
        enum chat_kind kind;
        struct err why;
        const json_t *v = json_array_get(list, i);
        int rc = chat_address_parse(json_string_value(v), cc, jid, &kind, &why);
        if (rc != 0 || kind != CHAT_USER) {
            buf_finish(&b);
            return err_field(e, rc != 0 ? why.word : "invalid_chat", "mentions",
                             "mention %zu is no person's number or id", i + 1);
        }
        buf_char(&b, i == 0 ? '[' : ',');
        json_quote(&b, jid, strlen(jid));
    }
    buf_char(&b, ']');
    out->mentions = buf_steal(&b, NULL);
    return out->mentions != NULL ? 0 : err_set(e, E_NOMEM, "out of memory");
}

static int parse_metadata(const json_t *body, struct send_body *out, struct err *e)
{
    const json_t *v = json_object_get(body, "metadata");
    size_t len = 0;
    if (v == NULL || json_is_null(v)) {
        return 0;
    }
    if (!json_is_object(v)) {
        return err_field(e, NULL, "metadata", "`metadata` must be an object");
    }
    out->metadata = json_text(v, &len);
    if (out->metadata == NULL) {
        return err_set(e, E_NOMEM, "out of memory");
    }
    if (len > METADATA_MAX) {
        return err_field(e, NULL, "metadata", "`metadata` has %zu bytes; at most %d are kept", len,
                         METADATA_MAX);
    }
    return 0;
}

static int parse_presence(const json_t *body, struct send_body *out, struct err *e)
{
    const char *shown = json_str_or(body, "presence", "");
    const json_t *ms = json_object_get(body, "presence_ms");
    if (json_object_get(body, "presence") == NULL) {
        return ms == NULL ? 0 : err_field(e, NULL, "presence_ms", "`presence_ms` needs `presence`");
    }
    out->presence = strcmp(shown, "typing") == 0      ? "typing"
                    : strcmp(shown, "recording") == 0 ? "recording"
                                                      : NULL;
    if (out->presence == NULL || out->kind == CHAT_STATUS || out->operation != OPERATION_NONE) {
        return err_field(
            e, NULL, "presence",
            "`presence` is typing or recording, before a message to a person or group");
    }
    json_int_t n = ms != NULL ? json_integer_value(ms) : PRESENCE_MS;
    if (n < 1 || n > PRESENCE_MS_MAX) {
        return err_field(e, NULL, "presence_ms", "`presence_ms` must be 1 to %d", PRESENCE_MS_MAX);
    }
    out->presence_ms = (unsigned)n;
    return 0;
}

static int parse_source(const json_t *body, struct send_body *out, struct err *e)
{
    static const char *const sources[] = {"api", "dashboard"};
    const json_t *v = json_object_get(body, "source");
    for (size_t i = 0; v != NULL && i < sizeof(sources) / sizeof(sources[0]); i++) {
        if (json_is_string(v) && strcmp(json_string_value(v), sources[i]) == 0) {
            out->source = sources[i];
        }
    }
    return v == NULL || out->source != NULL
               ? 0
               : err_field(e, NULL, "source", "`source` must be api or dashboard");
}

static int parse_rest(const json_t *body, struct send_body *out, struct err *e)
{
    const json_t *preview = json_object_get(body, "link_preview");
    const json_t *expires = json_object_get(body, "expires_at");
    if (preview != NULL && !json_is_boolean(preview)) {
        return err_field(e, NULL, "link_preview", "`link_preview` must be true or false");
    }
    out->link_preview = json_is_true(preview);
    if (expires == NULL || json_is_null(expires)) {
        return 0;
    }
    const char *at = json_string_value(expires);
    if (at == NULL || clock_parse_rfc3339(at, &out->expires_ms) != 0 || out->expires_ms == 0) {
        return err_field(e, NULL, "expires_at",
                         "`expires_at` must be a time such as 2026-11-21T12:00:00Z");
    }
    return 0;
}

/* Options that would be lost without a word. */
static int check_options(const struct send_body *s, struct err *e)
{
    static const char *const posts[] = {"text", "image", "video"};
    bool may_post = false;
    for (size_t i = 0; i < sizeof(posts) / sizeof(posts[0]); i++) {
        may_post = may_post || strcmp(s->type, posts[i]) == 0;
    }
    if (s->kind == CHAT_STATUS && s->operation == OPERATION_NONE && !may_post) {
        return err_field(e, "unsupported_recipient", "to",
                         "a status post is a text, an image or a video, not a %s", s->type);
    }
    if (s->reply_to[0] != '\0' && (s->operation != OPERATION_NONE || s->kind == CHAT_STATUS ||
                                   strcmp(s->type, "forward") == 0)) {
        return err_field(e, NULL, "reply_to", "a %s cannot be a reply",
                         s->kind == CHAT_STATUS ? "status post" : s->type);
    }
    if (s->mentions != NULL && s->kind == CHAT_STATUS) {
        return err_field(e, "invalid_mention", "mentions", "a status post mentions nobody");
    }
    if (s->mentions != NULL && (s->text_len == 0 || s->content != NULL)) {
        return err_field(e, "invalid_mention", "mentions",
                         "mentions need words: a text or a caption");
    }
    if (s->link_preview && strcmp(s->type, "text") != 0) {
        return err_field(e, NULL, "link_preview", "only a text has a link preview");
    }
    return 0;
}

int send_body_parse(const json_t *body, const char *default_country_code, struct send_body *out,
                    struct err *e)
{
    struct err own;
    memset(out, 0, sizeof(*out));
    e = e != NULL ? e : &own;
    int rc = check_fields(body, e);
    if (rc == 0 && json_object_get(body, "reaction") != NULL) {
        out->operation = OPERATION_REACT;
    }
    rc = rc != 0 ? rc : parse_to(body, default_country_code, out, e);
    rc = rc != 0 ? rc : send_content_parse(body, default_country_code, out, e);
    rc = rc != 0 ? rc : parse_reply(body, out, e);
    rc = rc != 0 ? rc : parse_mentions(body, default_country_code, out, e);
    rc = rc != 0 ? rc : parse_metadata(body, out, e);
    rc = rc != 0 ? rc : parse_presence(body, out, e);
    rc = rc != 0 ? rc : parse_source(body, out, e);
    rc = rc != 0 ? rc : parse_rest(body, out, e);
    rc = rc != 0 ? rc : check_options(out, e);
    if (rc != 0) {
        send_body_finish(out);
    }
    return rc;
}

int send_target_set(struct send_body *out, const char *type, enum operation operation,
                    const char *target, struct err *e)
{
    size_t len = strnlen(target, STORE_MAX_ID + 1);
    if (!send_is_message_id(target, len)) {
        return err_word(e, E_NOTFOUND, "unknown_message", "no such message: %.64s", target);
    }
    out->type = type;
    out->operation = operation;
    memcpy(out->target, target, len + 1);
    return 0;
}

void send_body_finish(struct send_body *s)
{
    free(s->text);
    free(s->mentions);
    free(s->metadata);
    free(s->content);
    s->text = s->mentions = s->metadata = s->content = NULL;
}

static bool may_be_national(const char *s)
{
    size_t digits = 0;
    if (s == NULL || strchr(s, '@') != NULL || strchr(s, '+') != NULL) {
        return false;
    }
    for (const char *p = s; *p != '\0'; p++) {
        if (*p >= '0' && *p <= '9') {
            if (digits++ == 0 && *p == '0') {
                return true;
            }
        }
    }
    return digits <= NATIONAL_DIGITS;
}

bool send_body_needs_country(const json_t *body)
{
    const json_t *list = json_object_get(body, "mentions");
    for (size_t i = 0; i < json_array_size(list); i++) {
        if (may_be_national(json_string_value(json_array_get(list, i)))) {
            return true;
        }
    }
    const json_t *contact, *contacts = json_object_get(body, "contacts");
    for (size_t i = 0; i < json_array_size(contacts); i++) {
        contact = json_array_get(contacts, i);
        const json_t *phones = json_arr(contact, "phones");
        for (size_t k = 0; k < json_array_size(phones); k++) {
            if (may_be_national(json_string_value(json_array_get(phones, k)))) {
                return true;
            }
        }
    }
    return may_be_national(json_str(body, "to")) ||
           may_be_national(json_str(json_obj(body, "forward"), "chat"));
}
