/*
 * What a send body carries: text, a file, a place, people, a poll, a reaction, a message to pass
 * on. WhatsApp's own limits, checked before anything is fetched or queued. Pure but for memory.
 */
#include "outbox_priv.h"

#include "core_priv.h"
#include "json.h"
#include "mem.h"
#include "text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CAPTION_MAX 1024
#define FILENAME_MAX_BYTES 255
#define URL_MAX 8192
#define QUESTION_MAX 255
#define OPTION_MAX 100
#define OPTIONS_LEAST 2
#define OPTIONS_MOST 12
#define ADDRESS_MOST 1024
#define EMOJI_MAX_BYTES 64

static bool one_of(const char *s, const char *const *list)
{
    for (size_t i = 0; list[i] != NULL; i++) {
        if (strcmp(list[i], s) == 0) {
            return true;
        }
    }
    return false;
}

int send_check_members(const json_t *v, const char *field, const char *const *known, struct err *e)
{
    if (!json_is_object(v)) {
        return err_field(e, NULL, field, "`%s` must be an object", field);
    }
    json_t *obj = (json_t *)(uintptr_t)v; /* only read; jansson's iterator wants it writable */
    for (void *it = json_object_iter(obj); it != NULL; it = json_object_iter_next(obj, it)) {
        const char *key = json_object_iter_key(it);
        if (!one_of(key, known)) {
            char name[48];
            send_field_name(key, name);
            char path[96];
            (void)snprintf(path, sizeof(path), "%s.%s", field, name);
            return err_field(e, "unknown_field", path, "`%s` has no member %s", field, name);
        }
    }
    return 0;
}

char *send_take_text(const json_t *v, const char *field, const char *key, bool needed, size_t max,
                     int *rc, struct err *e)
{
    const json_t *m = json_object_get(v, key);
    *rc = 0;
    if (!needed && (m == NULL || json_is_null(m))) {
        return NULL;
    }
    size_t len;
    const char *s = send_text_of(v, key, &len);
    char *copy = s != NULL ? mem_strndup(s, len) : NULL;
    if (s != NULL && copy == NULL) {
        *rc = err_set(e, E_NOMEM, "out of memory");
        return NULL;
    }
    size_t count = copy != NULL ? text_utf8_count(copy, text_strip_controls(copy, len)) : 0;
    if (copy == NULL || count > max || (needed && count == 0)) {
        free(copy);
        *rc = err_field(e, NULL, field, "`%s` must be a text of %d to %zu characters", key,
                        needed ? 1 : 0, max);
        return NULL;
    }
    if (count == 0) {
        free(copy);
        return NULL;
    }
    return copy;
}

/* Sets *o's member to the text, or to null; takes text. */
static int put_text(json_t *o, const char *key, char *text)
{
    int rc = json_set_str(o, key, text);
    free(text);
    return rc;
}

int send_keep_content(struct send_body *out, const char *key, json_t *v, struct err *e)
{
    size_t len = 0;
    json_t *o = v != NULL ? json_object() : NULL;
    if (o == NULL || json_object_set(o, key, v) != 0) {
        json_decref(o);
        json_decref(v);
        return err_set(e, E_NOMEM, "out of memory");
    }
    out->content = json_text(o, &len);
    json_decref(o);
    json_decref(v);
    if (out->content == NULL) {
        return err_set(e, E_NOMEM, "out of memory");
    }
    if (len > CHANNEL_CONTENT_MAX) {
        return err_field(e, NULL, key, "`%s` is too large: %zu bytes, at most %d", key, len,
                         CHANNEL_CONTENT_MAX);
    }
    return 0;
}

/* ---- files -------------------------------------------------------------------------------------
 */

static const char *optional(const json_t *v, const char *key, size_t max, const char *field,
                            int *rc, struct err *e)
{
    size_t len;
    const json_t *m = json_object_get(v, key);
    if (*rc != 0 || m == NULL || json_is_null(m)) {
        return NULL;
    }
    const char *s = send_text_of(v, key, &len);
    if (s == NULL || len == 0 || len > max) {
        *rc = err_field(e, NULL, field, "`%s` must be a text of 1 to %zu bytes", key, max);
        return NULL;
    }
    return s;
}

static int take_file(const json_t *v, const char *type, struct send_body *out, struct err *e)
{
    static const char *const known[] = {"url",      "base64",  "media_id",  "filename",
                                        "mimetype", "caption", "view_once", NULL};
    static const char *const captioned[] = {"image", "video", "document", NULL};
    static const char *const once[] = {"image", "video", "voice", NULL};
    int rc = send_check_members(v, type, known, e);
    struct media_source *m = &out->media;
    m->type = type;
    m->url = optional(v, "url", URL_MAX, type, &rc, e);
    m->base64 = optional(v, "base64", MEDIA_BASE64_MAX, type, &rc, e);
    m->media_id = optional(v, "media_id", MEDIA_ID_LEN, type, &rc, e);
    m->filename = optional(v, "filename", FILENAME_MAX_BYTES, type, &rc, e);
    m->mimetype = optional(v, "mimetype", 127, type, &rc, e);
    if (rc != 0) {
        return rc;
    }
    if ((m->url != NULL) + (m->base64 != NULL) + (m->media_id != NULL) != 1) {
        return err_field(e, NULL, type,
                         "`%s` needs exactly one of url, base64 and media_id (POST …/media)", type);
    }
    const json_t *view_once = json_object_get(v, "view_once");
    if (view_once != NULL && (!json_is_boolean(view_once) || !one_of(type, once))) {
        return err_field(e, NULL, type,
                         "`view_once` is true or false, and for image, video and voice only");
    }
    out->view_once = json_is_true(view_once);
    if (json_object_get(v, "caption") != NULL && !one_of(type, captioned)) {
        return err_field(e, NULL, type, "a message of type %s has no caption", type);
    }
    out->text = send_take_text(v, type, "caption", false, CAPTION_MAX, &rc, e);
    return rc;
}

/* ---- places
 * --------------------------------------------------------------------------------------- */

static bool degrees(const json_t *v, const char *key, double most, double *out)
{
    const json_t *m = json_object_get(v, key);
    *out = json_is_number(m) ? json_number_value(m) : NAN;
    return isfinite(*out) && fabs(*out) <= most;
}

/* The words of a place, as they arrive with one. Gives; NULL: no memory. */
static char *place_text(const char *name, const char *address)
{
    struct buf b;
    if (name == NULL && address == NULL) {
        return mem_strdup("");
    }
    buf_init(&b, 2 * (size_t)(NAME_MOST + ADDRESS_MOST) * 4);
    buf_str(&b, name != NULL ? name : "");
    buf_str(&b, name != NULL && address != NULL ? "\n" : "");
    buf_str(&b, address != NULL ? address : "");
    return buf_steal(&b, NULL);
}

static int take_location(const json_t *v, const char *type, struct send_body *out, struct err *e)
{
    static const char *const known[] = {"latitude", "longitude", "name", "address", NULL};
    double lat, lng;
    int rc = send_check_members(v, type, known, e);
    if (rc != 0) {
        return rc;
    }
    if (!degrees(v, "latitude", 90, &lat) || !degrees(v, "longitude", 180, &lng)) {
        return err_field(e, NULL, type,
                         "`location` needs latitude (-90 to 90) and longitude (-180 to 180)");
    }
    char *name = send_take_text(v, type, "name", false, NAME_MOST, &rc, e);
    char *address =
        rc == 0 ? send_take_text(v, type, "address", false, ADDRESS_MOST, &rc, e) : NULL;
    if (rc == 0) {
        out->text = place_text(name, address);
        rc = out->text != NULL ? 0 : err_set(e, E_NOMEM, "out of memory");
    }
    json_t *o = rc == 0 ? json_pack("{s:f,s:f}", "latitude", lat, "longitude", lng) : NULL;
    if (rc == 0 && (put_text(o, "name", name) != 0 || put_text(o, "address", address) != 0)) {
        rc = err_set(e, E_NOMEM, "out of memory");
    } else if (rc != 0) {
        free(name);
        free(address);
    }
    if (rc != 0) {
        json_decref(o);
        return rc;
    }
    return send_keep_content(out, type, o, e);
}

/* ---- polls
 * ----------------------------------------------------------------------------------------- */

static int take_options(const json_t *list, json_t *options, struct err *e)
{
    size_t count = json_array_size(list);
    if (count < OPTIONS_LEAST || count > OPTIONS_MOST) {
        return err_field(e, NULL, "poll", "a poll has %d to %d options", OPTIONS_LEAST,
                         OPTIONS_MOST);
    }
    for (size_t i = 0; i < count; i++) {
        int rc;
        json_t *one = json_pack("{s:O}", "option", json_array_get(list, i));
        char *text = send_take_text(one, "poll", "option", true, OPTION_MAX, &rc, e);
        json_decref(one);
        for (size_t k = 0; rc == 0 && k < i; k++) {
            if (strcmp(json_string_value(json_array_get(options, k)), text) == 0) {
                rc = err_field(e, NULL, "poll", "two options of a poll are the same");
            }
        }
        if (rc == 0 && json_array_append_new(options, json_string(text)) != 0) {
            rc = err_set(e, E_NOMEM, "out of memory");
        }
        free(text);
        if (rc != 0) {
            return rc;
        }
    }
    return 0;
}

static int take_poll(const json_t *v, const char *type, struct send_body *out, struct err *e)
{
    static const char *const known[] = {"question", "options", "max_choices", NULL};
    int rc = send_check_members(v, type, known, e);
    if (rc != 0) {
        return rc;
    }
    json_t *options = json_array();
    char *question = send_take_text(v, type, "question", true, QUESTION_MAX, &rc, e);
    rc = rc != 0 ? rc : take_options(json_arr(v, "options"), options, e);
    const json_int_t count = (json_int_t)json_array_size(options);
    const json_t *most = json_object_get(v, "max_choices");
    json_int_t choices = most != NULL ? json_integer_value(most) : count;
    if (rc == 0 && ((most != NULL && !json_is_integer(most)) || choices < 0 || choices > count)) {
        rc = err_field(e, NULL, type,
                       "`max_choices` must be 1 to the number of options, or 0 for any number");
    }
    choices = choices == 0 ? count : choices;
    json_t *o = rc == 0 ? json_pack("{s:s,s:O,s:I}", "question", question, "options", options,
                                    "max_choices", choices)
                        : NULL;
    if (rc == 0) {
        out->text = question; /* the list of chats shows it */
        question = NULL;
    }
    free(question);
    json_decref(options);
    return rc != 0 ? rc : send_keep_content(out, type, o, e);
}

/* ---- about other messages
 * ---------------------------------------------------------------------------- */

static int take_target(const json_t *v, const char *field, struct send_body *out, struct err *e)
{
    size_t len;
    const char *id = send_text_of(v, "message_id", &len);
    if (id == NULL || !send_is_message_id(id, len)) {
        return err_field(e, NULL, field, "`%s` needs message_id, the id of a message", field);
    }
    memcpy(out->target, id, len + 1);
    return 0;
}

static int take_reaction(const json_t *v, const char *type, struct send_body *out, struct err *e)
{
    static const char *const known[] = {"message_id", "emoji", NULL};
    size_t len;
    int rc = send_check_members(v, type, known, e);
    rc = rc != 0 ? rc : take_target(v, type, out, e);
    if (rc != 0) {
        return rc;
    }
    const char *emoji = send_text_of(v, "emoji", &len);
    out->text = emoji != NULL && len <= EMOJI_MAX_BYTES ? mem_strndup(emoji, len) : NULL;
    if (out->text == NULL || text_strip_controls(out->text, len) != len ||
        (len > 0 && (unsigned char)emoji[0] < 0x80 && strchr("#*0123456789", emoji[0]) == NULL)) {
        return err_field(e, NULL, type, "`emoji` must be one emoji, or \"\" to take it back");
    }
    return send_keep_content(
        out, type, json_pack("{s:s,s:s}", "message_id", out->target, "emoji", out->text), e);
}

static int take_forward(const json_t *v, const char *type, const char *cc, struct send_body *out,
                        struct err *e)
{
    static const char *const known[] = {"message_id", "chat", NULL};
    enum chat_kind kind;
    struct err why;
    int rc = send_check_members(v, type, known, e);
    rc = rc != 0 ? rc : take_target(v, type, out, e);
    const json_t *chat = json_object_get(v, "chat");
    if (rc == 0 && chat != NULL && !json_is_null(chat) &&
        chat_address_parse(json_string_value(chat), cc, out->source_chat, &kind, &why) != 0) {
        return err_field(e, why.word, type, "`chat` of a forward: %s", why.msg);
    }
    return rc;
}

static int take_words(const json_t *body, struct send_body *out, struct err *e)
{
    int rc;
    out->text = send_take_text(body, "text", "text", true, MESSAGE_TEXT_MAX, &rc, e);
    return rc;
}

/* ---- the kinds
 * --------------------------------------------------------------------------------------- */

static const char *const kinds[] = {"text",     "image",   "video",    "audio",    "voice",
                                    "document", "sticker", "location", "contacts", "poll",
                                    "reaction", "forward", NULL};
static const char *const files[] = {"image",    "video",   "audio", "voice",
                                    "document", "sticker", NULL};

bool send_is_kind(const char *key)
{
    return one_of(key, kinds);
}

int send_content_parse(const json_t *body, const char *cc, struct send_body *out, struct err *e)
{
    for (size_t i = 0; kinds[i] != NULL; i++) {
        if (json_object_get(body, kinds[i]) == NULL) {
            continue;
        }
        if (out->type != NULL) {
            return err_field(e, "one_kind_only", kinds[i],
                             "a message carries one thing; `%s` and `%s` were both given%s",
                             out->type, kinds[i],
                             i < 7 ? " (words beside a file are its `caption`)" : "");
        }
        out->type = kinds[i];
    }
    if (out->type == NULL) {
        return err_field(e, NULL, "text",
                         "the message is empty: give `text`, or one of image, video, audio, voice, "
                         "document, sticker, location, contacts, poll, reaction, forward");
    }
    const char *type = out->type;
    const json_t *v = json_object_get(body, type);
    int rc = 0;
    if (strcmp(type, "text") == 0) {
        rc = take_words(body, out, e);
    } else if (one_of(type, files)) {
        rc = take_file(v, type, out, e);
    } else if (strcmp(type, "location") == 0) {
        rc = take_location(v, type, out, e);
    } else if (strcmp(type, "contacts") == 0) {
        rc = send_contacts_parse(v, cc, out, e);
    } else if (strcmp(type, "poll") == 0) {
        rc = take_poll(v, type, out, e);
    } else if (strcmp(type, "reaction") == 0) {
        out->operation = OPERATION_REACT;
        rc = take_reaction(v, type, out, e);
    } else {
        rc = take_forward(v, type, cc, out, e);
    }
    if (rc == 0 && out->text == NULL) {
        out->text = mem_strdup("");
        rc = out->text != NULL ? 0 : err_set(e, E_NOMEM, "out of memory");
    }
    out->text_len = out->text != NULL ? strlen(out->text) : 0;
    return rc;
}

/* The body of PATCH …/messages/{id}. */
int send_edit_parse(const json_t *body, const char *target, struct send_body *out, struct err *e)
{
    static const char *const known[] = {"text", NULL};
    memset(out, 0, sizeof(*out));
    int rc = send_target_set(out, "edit", OPERATION_EDIT, target, e);
    rc = rc != 0 ? rc : body_check(body, known, e);
    rc = rc != 0 ? rc : take_words(body, out, e);
    if (rc == 0) {
        out->text_len = strlen(out->text);
        rc = send_keep_content(out, "edit", json_pack("{s:s}", "message_id", out->target), e);
    }
    if (rc != 0) {
        send_body_finish(out);
    }
    return rc;
}

int send_revoke_parse(const char *target, struct send_body *out, struct err *e)
{
    memset(out, 0, sizeof(*out));
    int rc = send_target_set(out, "revoke", OPERATION_REVOKE, target, e);
    rc = rc != 0 ? rc
                 : send_keep_content(out, "revoke", json_pack("{s:s}", "message_id", target), e);
    out->text = rc == 0 ? mem_strdup("") : NULL;
    if (rc == 0 && out->text == NULL) {
        rc = err_set(e, E_NOMEM, "out of memory");
    }
    if (rc != 0) {
        send_body_finish(out);
    }
    return rc;
}
