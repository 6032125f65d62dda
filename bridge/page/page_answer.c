/*
 * Calls in and answers out, as text. The adapter answers {ok:true,value} or {ok:false,error} where
 * error has one form for the four kinds a page throws: an Error of wa-js with a code, any other
 * Error, a string, an object. Pure.
 */
#include "page_priv.h"

#include "buf.h"
#include "json.h"
#include "mem.h"
#include "text.h"

#include <stdlib.h>
#include <string.h>

#define EXPRESSION_MAX (4u << 20)
#define ANSWER_MAX (16u << 20)

int page_expression(const char *op, const json_t *args, struct buf *out, struct err *e)
{
    struct buf code;
    size_t len = 0;
    char *text = args ? json_text(args, &len) : mem_strdup("{}");

    if (!text) {
        return err_set(e, E_NOMEM, "out of memory");
    }
    buf_init(&code, EXPRESSION_MAX);
    (void)buf_printf(&code, "window.__wabridge.call(\"%s\",%s)", op, text);
    free(text);
    (void)buf_str(out, "{\"awaitPromise\":true,\"returnByValue\":true,\"expression\":");
    if (!code.failed) {
        (void)json_quote(out, code.data, code.len);
    }
    int rc = buf_char(out, '}');
    rc = code.failed ? code.rc : rc;
    buf_finish(&code);
    return rc == 0 ? 0 : err_set(e, rc, "a call into the page that is too large");
}

/* ---- errors ------------------------------------------------------------------------------ */

/* What the page's own words mean for us. code: of wa-js or the adapter; part: of the message. */
static const struct meaning {
    const char *code, *part;
    int err;
    const char *word;
} meanings[] = {
    {"missing", NULL, E_STATE, "capability_missing"},
    {"offline", NULL, E_STATE, "page_offline"},
    {"cursor_lost", NULL, E_STATE, "cursor_lost"},
    {"phone_silent", NULL, E_UNAVAILABLE, "phone_silent"},
    {"too_large", NULL, E_TOOLARGE, NULL},
    {"late", NULL, E_TIMEOUT, NULL},
    {"busy", NULL, E_LIMIT, "page_busy"},
    {"file_lost", NULL, E_CLOSED, "page_reloaded"},
    {"file_gap", NULL, E_PROTO, NULL},
    {"file_too_large", NULL, E_INVALID, "media_too_large"},
    {"forward_file_gone", NULL, E_INVALID, "media_gone"},
    {"not_forwardable", NULL, E_INVALID, "not_forwardable"},
    {"mentions_need_a_group", NULL, E_INVALID, "invalid_mention"},
    {"not_yours", NULL, E_INVALID, "not_yours"},
    {"too_late", NULL, E_INVALID, "too_late"},
    {"edit_message_error", NULL, E_INVALID, "not_editable"},
    {"unknown_message", NULL, E_NOTFOUND, "unknown_message"},
    {"unknown_chat", NULL, E_NOTFOUND, "unknown_chat"},
    {"group_you_are_not_admin", NULL, E_CONFLICT, "not_group_admin"},
    {"you_are_not_allowed_set_group_subject", NULL, E_CONFLICT, "not_group_admin"},
    {"you_are_not_allowed_set_group_description", NULL, E_CONFLICT, "not_group_admin"},
    {"you_are_not_allowed_set_group_property", NULL, E_CONFLICT, "not_group_admin"},
    {"you_are_not_allowed_set_ephemeral_setting", NULL, E_CONFLICT, "not_group_admin"},
    {"group_refused", NULL, E_CONFLICT, "refused_by_whatsapp"},
    {"not_a_group", NULL, E_NOTFOUND, "unknown_group"},
    {"unknown_group", NULL, E_NOTFOUND, "unknown_group"},
    {"no_picture", NULL, E_NOTFOUND, "no_picture"},
    {"participant_not_exists", NULL, E_INVALID, "not_on_whatsapp"},
    {"unknown_op", NULL, E_INTERNAL, NULL},
    {"reply_to_not_found", NULL, E_INVALID, "reply_to_not_found"},
    {"quoted_msg_can_not_reply", NULL, E_INVALID, "reply_not_possible"},
    {"mentioned_is_not_user", NULL, E_INVALID, "invalid_mention"},
    {"can_not_send_message_to_this_groupType", NULL, E_INVALID, "chat_refuses_messages"},
    {"type_not_valid_for_newsletter", NULL, E_INVALID, "chat_refuses_messages"},
    {"invalid_wid", NULL, E_INVALID, "invalid_chat"},
    {"chat_not_found", NULL, E_NOTFOUND, "not_on_whatsapp"},
    {"media_expired", NULL, E_NOTFOUND, "media_expired"},
    {"handle_lost", NULL, E_CLOSED, "handle_lost"},
    {"msg_not_found", NULL, E_NOTFOUND, "unknown_message"},
    {"cannot_get_code_for_already_authenticated", NULL, E_CONFLICT, "already_linked"},
    {"", "No LID for user", E_NOTFOUND, "not_on_whatsapp"},
    {"", "group not found", E_NOTFOUND, "not_on_whatsapp"},
    {"", "wid error", E_INVALID, "invalid_chat"},
};

static const struct meaning *meaning_of(const char *code, const char *message)
{
    for (size_t i = 0; i < sizeof(meanings) / sizeof(meanings[0]); i++) {
        const struct meaning *m = &meanings[i];
        bool hit = m->part ? strstr(message, m->part) != NULL : strcmp(m->code, code) == 0;
        if (hit) {
            return m;
        }
    }
    return NULL;
}

static void refused(const json_t *error, struct err *e)
{
    const char *code = json_str_or(error, "code", "");
    char message[200];
    const char *said = json_str_or(error, "message", "it gave no reason");
    size_t len = text_utf8_cut(said, strlen(said), sizeof(message) - 1);
    memcpy(message, said, len);
    message[len] = '\0';
    len = text_strip_controls(message, len);
    message[len] = '\0';

    const struct meaning *m = meaning_of(code, message);
    if (m) {
        err_word(e, m->err, m->word, "the page: %s", message);
    } else {
        err_set(e, E_PROTO, "the page refused: %s%s%.64s", message, *code ? " / " : "", code);
    }
}

static void thrown(const json_t *details, struct err *e)
{
    const char *what = json_str_or(json_obj(details, "exception"), "description",
                                   json_str_or(details, "text", ""));
    if (strstr(what, "__wabridge") || strstr(what, "reading 'call'")) {
        err_word(e, E_STATE, "page_not_ready", "the adapter is not in the page (yet)");
    } else {
        err_set(e, E_PROTO, "the page failed: %.160s", what);
    }
}

json_t *page_answer(const char *result, size_t len, struct err *e)
{
    struct err why;
    json_t *value = NULL;

    err_clear(&why);
    json_t *outer = json_parse(result, len, ANSWER_MAX, &why);
    json_t *details = json_obj(outer, "exceptionDetails");
    const json_t *text = json_object_get(json_obj(outer, "result"), "value");
    if (details) {
        thrown(details, &why);
    } else if (json_is_string(text)) {
        json_t *inner =
            json_parse(json_string_value(text), json_string_length(text), ANSWER_MAX, &why);
        if (inner && json_is_true(json_object_get(inner, "ok"))) {
            value = json_incref(json_obj(inner, "value"));
        } else if (inner) {
            refused(json_obj(inner, "error"), &why);
        }
        json_decref(inner);
    }
    json_decref(outer);
    if (!value) {
        if (why.code == 0) {
            err_set(&why, E_PROTO, "the page gave an answer that is not understood");
        }
        err_copy(e, &why);
    }
    return value;
}

void page_call_error(const struct err *from, struct err *to)
{
    static const char *const reloads[] = {"context was destroyed", "navigated or closed",
                                          "Cannot find context", "Cannot find default execution",
                                          "Promise was collected"};
    err_copy(to, from);
    for (size_t i = 0; from->code == E_PROTO && i < sizeof(reloads) / sizeof(reloads[0]); i++) {
        if (strstr(from->msg, reloads[i])) {
            err_word(to, E_CLOSED, "page_reloaded", "the page was loaded again during the call");
            return;
        }
    }
}
