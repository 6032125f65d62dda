/*
 * Sending a failed message once more, as a new one that goes the whole way again: guards, quotas,
 * opt-outs, its file. On the loop its body is made of the stored message; on the writer thread, in
 * the transaction that accepts the new one, the two are tied together (retry_of, retried_as), so
 * that asking again, however often and at the same time, gives the same new message.
 */
#include "outbox_priv.h"

#include "json.h"

#include <stdlib.h>
#include <string.h>

static bool one_of(const char *s, const char *const *list)
{
    while (*list != NULL && strcmp(*list, s) != 0) {
        list++;
    }
    return *list != NULL;
}

static int unknown(struct err *e, const char *id)
{
    return err_word(e, E_NOTFOUND, "unknown_message", "no such message: %.64s", id);
}

/* Gives the message; what cannot be sent again is refused. */
static int load(struct store_txn *t, const struct message_owner *o, const char *id, json_t **out,
                struct store_message_ref *ref, struct err *e)
{
    struct store_value v;
    int rc = message_find(t, o, id, &v, ref);
    if (rc == E_NOTFOUND || rc == E_TOOLARGE || rc == E_INVALID) {
        return unknown(e, id);
    }
    json_t *m = rc == 0 ? message_load(v) : NULL;
    rc = rc == 0 && m == NULL ? E_NOMEM : rc;
    if (rc == 0 && message_is_stub(m)) {
        rc = unknown(e, id);
    } else if (rc == 0 && strcmp(json_str_or(m, "direction", ""), "out") != 0) {
        rc = err_word(e, E_CONFLICT, "not_yours", "only a message of this session's own is sent again");
    } else if (rc == 0 && message_is_operation(m)) {
        rc = err_word(e, E_CONFLICT, "not_retryable",
                      "an edit, deletion or reaction is simply asked for again");
    } else if (rc == 0 && message_status_of(m) != MESSAGE_FAILED) {
        rc = err_word(e, E_CONFLICT, "not_failed",
                      "the message is %s; only a failed one is sent again",
                      json_str_or(m, "status", "?"));
    }
    if (rc != 0) {
        json_decref(m);
        m = NULL;
    }
    *out = m;
    return rc;
}

/* ---- the body that it was sent with --------------------------------------------------------------
 */

/* Of these members those that are there and not null. NULL: no memory. */
static json_t *part(const json_t *from, const char *const *members)
{
    json_t *out = json_object();
    for (; out != NULL && *members != NULL; members++) {
        json_t *v = json_object_get(from, *members);
        if (v != NULL && !json_is_null(v) && json_object_set(out, *members, v) != 0) {
            json_decref(out);
            out = NULL;
        }
    }
    return out;
}

static json_t *people_of(const json_t *list)
{
    static const char *const members[] = {"name", "phones", NULL};
    json_t *out = json_array();
    for (size_t i = 0; out != NULL && i < json_array_size(list); i++) {
        if (json_array_append_new(out, part(json_array_get(list, i), members)) != 0) {
            json_decref(out);
            out = NULL;
        }
    }
    return out;
}

static json_t *mentioned(const json_t *m)
{
    const json_t *list = json_arr(m, "mentions");
    if (json_flag(m, "mentions_all", false)) {
        return json_string("all");
    }
    json_t *out = json_array();
    for (size_t i = 0; i < json_array_size(list); i++) {
        json_t *id = json_object_get(json_array_get(list, i), "id");
        if (out == NULL || json_array_append(out, id) != 0) {
            json_decref(out);
            return NULL;
        }
    }
    return out;
}

static int file_of(const json_t *m, const char *type, json_t **out, struct err *e)
{
    static const char *const members[] = {"filename", "view_once", NULL};
    static const char *const captioned[] = {"image", "video", "document", NULL};
    const json_t *media = json_obj(m, "media");
    const char *text = json_str_or(m, "text", "");
    if (json_str(media, "sha256") == NULL) {
        return err_word(e, E_CONFLICT, "no_media", "the file of that message is not here");
    }
    *out = part(media, members);
    int rc = *out == NULL ? E_NOMEM : json_set_str(*out, "media_id", json_str(media, "sha256"));
    if (rc == 0 && text[0] != '\0' && one_of(type, captioned)) {
        rc = json_set_str(*out, "caption", text);
    }
    return rc;
}

/* What it carries, under the name of its kind. */
static int add_content(const json_t *m, json_t *body, struct err *e)
{
    static const char *const place[] = {"latitude", "longitude", "name", "address", NULL};
    static const char *const poll[] = {"question", "options", "max_choices", NULL};
    static const char *const files[] = {"image",    "video",   "audio", "voice",
                                        "document", "sticker", NULL};
    const char *type = json_str_or(m, "type", "");
    const json_t *forward = json_obj(json_obj(json_obj(m, "_"), "how"), "forward");
    json_t *v = NULL;
    int rc = 0;
    if (forward != NULL) {
        type = "forward";
        v = json_incref((json_t *)(uintptr_t)forward);
    } else if (strcmp(type, "text") == 0) {
        v = json_incref(json_object_get(m, "text"));
    } else if (strcmp(type, "location") == 0) {
        v = part(json_obj(m, type), place);
    } else if (strcmp(type, "poll") == 0) {
        v = part(json_obj(m, type), poll);
    } else if (strcmp(type, "contacts") == 0) {
        v = people_of(json_arr(m, type));
    } else if (one_of(type, files)) {
        rc = file_of(m, type, &v, e);
    } else {
        rc = err_word(e, E_CONFLICT, "not_retryable", "a message of that type is not sent again");
    }
    if (rc != 0) {
        json_decref(v);
        return rc;
    }
    return v != NULL && json_object_set_new(body, type, v) == 0 ? 0 : E_NOMEM;
}

static int add_options(const json_t *m, json_t *body)
{
    const char *reply_to = json_str(json_obj(m, "quoted"), "id");
    json_t *metadata = json_obj(m, "metadata");
    const bool dashboard = strcmp(json_str_or(m, "source", ""), "dashboard") == 0;
    int rc = reply_to != NULL ? json_set_str(body, "reply_to", reply_to) : 0;
    rc = rc == 0 && dashboard ? json_set_str(body, "source", "dashboard") : rc;
    if (rc == 0 && metadata != NULL) {
        rc = json_object_set(body, "metadata", metadata) == 0 ? 0 : E_NOMEM;
    }
    if (rc == 0 && (json_arr(m, "mentions") != NULL || json_flag(m, "mentions_all", false))) {
        rc = json_object_set_new(body, "mentions", mentioned(m)) == 0 ? 0 : E_NOMEM;
    }
    if (rc == 0 && json_flag(json_obj(json_obj(m, "_"), "how"), "link_preview", false)) {
        rc = json_object_set_new(body, "link_preview", json_true()) == 0 ? 0 : E_NOMEM;
    }
    return rc;
}

static int make_body(const json_t *m, json_t *body, struct err *e)
{
    const json_t *chat = json_obj(m, "chat");
    const bool status = strcmp(json_str_or(chat, "type", ""), "status") == 0;
    int rc = json_set_str(body, "to", status ? "status" : json_str_or(chat, "id", ""));
    rc = rc != 0 ? rc : add_content(m, body, e);
    return rc != 0 ? rc : add_options(m, body);
}

int resend_body(struct bridge *b, const struct message_owner *o, const char *id, json_t **body,
                bool *again, struct err *e)
{
    struct store_txn *t;
    struct store_value v;
    json_t *m = NULL;
    int rc = store_read(b->store, &t, e);
    if (rc != 0) {
        return rc;
    }
    rc = load(t, o, id, &m, NULL, e);
    const char *as = json_str(m, "retried_as");
    *again = rc == 0 && as != NULL && message_find(t, o, as, &v, NULL) == 0;
    store_read_end(t);
    *body = rc == 0 ? json_object() : NULL;
    rc = rc != 0 ? rc : *body == NULL ? E_NOMEM : make_body(m, *body, e);
    json_decref(m);
    if (rc != 0) {
        json_decref(*body);
        *body = NULL;
        return e->code != 0 ? rc : err_set(e, rc, "the message cannot be read (%s)", err_name(rc));
    }
    return 0;
}

/* ---- on the writer thread ------------------------------------------------------------------------
 */

static int answer_with(struct send *s, struct store_value v)
{
    size_t len = 0;
    json_t *m = message_public(v);
    char *text = m != NULL ? json_text(m, &len) : NULL;
    int rc = text != NULL ? send_keep_answer(s, text, len) : E_NOMEM;
    s->replayed = rc == 0;
    free(text);
    json_decref(m);
    return rc;
}

int resend_check(struct store_txn *t, struct send *s)
{
    struct store_value v;
    json_t *m = NULL;
    if (s->retry_of[0] == '\0') {
        return 0;
    }
    int rc = load(t, &s->owner, s->retry_of, &m, NULL, &s->op.err);
    const char *as = json_str(m, "retried_as");
    bool done = rc == 0 && as != NULL && message_find(t, &s->owner, as, &v, NULL) == 0;
    if (done) {
        rc = answer_with(s, v);
    } else if (rc == 0 && s->again) {
        rc = unknown(&s->op.err, as != NULL ? as : s->retry_of); /* erased meanwhile */
    }
    json_decref(m);
    return rc;
}

int resend_tie(struct store_txn *t, const struct send *s)
{
    struct store_message_ref ref;
    struct store_value v;
    const struct message_owner *o = &s->owner;
    if (s->retry_of[0] == '\0') {
        return 0;
    }
    int rc = message_find(t, o, s->retry_of, &v, &ref);
    json_t *m = rc == 0 ? message_load(v) : NULL;
    rc = rc == 0 && m == NULL ? E_NOMEM : rc;
    rc = rc != 0 ? rc : json_set_str(m, "retried_as", s->id);
    rc = rc != 0 ? rc
                 : message_save(t, o->tenant, o->session, ref.chat, s->retry_of, ref.time_ms, m,
                                NULL);
    json_decref(m);
    return rc;
}
