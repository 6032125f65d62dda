#include "agent_format.h"

#include "json.h"

#include <string.h>

#define ANSWER_MAX (256u << 10)

static const char *const kind_names[] = {"http", "retell", "openai"};

const char *agent_kind_name(enum agent_kind kind)
{
    return kind_names[kind];
}

bool agent_kind_parse(const char *name, enum agent_kind *out)
{
    for (size_t i = 0; name != NULL && i < sizeof(kind_names) / sizeof(kind_names[0]); i++) {
        if (strcmp(name, kind_names[i]) == 0) {
            *out = (enum agent_kind)i;
            return true;
        }
    }
    return false;
}

/* ---- messages as words -------------------------------------------------------------------------
 */

static void put_location(struct buf *out, const json_t *l)
{
    const char *name = json_str_or(l, "name", "");
    const char *address = json_str_or(l, "address", "");
    (void)buf_printf(out, "[location: %.6f, %.6f",
                     json_number_value(json_object_get(l, "latitude")),
                     json_number_value(json_object_get(l, "longitude")));
    (void)buf_printf(out, "%s%s%s%s]", name[0] != '\0' ? ", " : "", name,
                     address[0] != '\0' ? ", " : "", address);
}

static void put_contacts(struct buf *out, const json_t *contacts)
{
    size_t i = 0;
    json_t *c = NULL;
    (void)buf_str(out, "[contacts:");
    json_array_foreach(contacts, i, c)
    {
        const json_t *phone = json_array_get(json_arr(c, "phones"), 0);
        (void)buf_printf(out, "%s %s %s", i > 0 ? "," : "", json_str_or(c, "name", ""),
                         json_is_string(phone) ? json_string_value(phone) : "");
    }
    (void)buf_char(out, ']');
}

static void put_poll(struct buf *out, const json_t *poll)
{
    size_t i = 0;
    json_t *option = NULL;
    (void)buf_printf(out, "[poll: %s", json_str_or(poll, "question", ""));
    json_array_foreach(json_arr(poll, "options"), i, option)
    {
        if (json_is_string(option)) {
            (void)buf_printf(out, " | %s", json_string_value(option));
        }
    }
    (void)buf_char(out, ']');
}

int agent_message_text(const json_t *message, struct buf *out)
{
    const char *type = json_str_or(message, "type", "unknown");
    const char *text = json_str_or(message, "text", "");
    if (strcmp(type, "text") == 0) {
        return buf_str(out, text);
    }
    if (json_obj(message, "location") != NULL) {
        put_location(out, json_obj(message, "location"));
    } else if (json_arr(message, "contacts") != NULL) {
        put_contacts(out, json_arr(message, "contacts"));
    } else if (json_obj(message, "poll") != NULL) {
        put_poll(out, json_obj(message, "poll"));
    } else {
        const char *file = json_str_or(json_obj(message, "media"), "filename", "");
        (void)buf_printf(out, "[%s%s%s]", type, file[0] != '\0' ? ": " : "", file);
    }
    if (text[0] != '\0') {
        (void)buf_char(out, ' ');
        (void)buf_str(out, text);
    }
    return out->failed ? out->rc : 0;
}

static const char *role_of(const json_t *message)
{
    if (strcmp(json_str_or(message, "direction", "in"), "in") == 0) {
        return "user";
    }
    return strcmp(json_str_or(message, "source", ""), "agent") == 0 ? "agent" : "human";
}

json_t *agent_turn(const json_t *message)
{
    struct buf text;
    buf_init(&text, ANSWER_MAX);
    json_t *turn = json_object();
    int rc = agent_message_text(message, &text);
    rc = rc != 0 ? rc : json_set_str(turn, "role", role_of(message));
    rc = rc != 0 ? rc : json_set_str(turn, "type", json_str(message, "type"));
    rc = rc != 0 ? rc : json_set_str(turn, "text", text.len > 0 ? text.data : "");
    rc = rc != 0 ? rc : json_set_str(turn, "id", json_str(message, "id"));
    rc = rc != 0 ? rc : json_set_str(turn, "at", json_str(message, "timestamp"));
    buf_finish(&text);
    if (rc != 0) {
        json_decref(turn);
        return NULL;
    }
    return turn;
}

/* ---- requests ----------------------------------------------------------------------------------
 */

/* Takes value. */
static bool add(json_t *o, const char *key, json_t *value)
{
    if (o == NULL) {
        json_decref(value);
        return false;
    }
    return value != NULL && json_object_set_new(o, key, value) == 0;
}

static json_t *text_or_null(const char *s)
{
    return s != NULL ? json_string(s) : json_null();
}

static json_t *shared(const json_t *v)
{
    return json_incref((json_t *)(uintptr_t)v); /* only its count changes */
}

/* Takes o. */
static char *written(json_t *o, bool whole, size_t *len)
{
    char *text = whole ? json_text(o, len) : NULL;
    json_decref(o);
    return text;
}

static json_t *last_message(const struct agent_ask *a)
{
    return json_array_get(a->messages, json_array_size(a->messages) - 1);
}

char *agent_write_create(const struct agent_ask *a, size_t *len)
{
    const json_t *chat = json_obj(last_message(a), "chat");
    json_t *o = json_object();
    bool ok = add(o, "agent_id", text_or_null(a->agent_id));
    ok = ok && add(o, "metadata",
                   json_pack("{s:s, s:s, s:o}", "tenant", a->tenant, "session", a->session, "chat",
                             text_or_null(json_str(chat, "id"))));
    return written(o, ok, len);
}

static char *write_http(const struct agent_ask *a, size_t *len)
{
    json_t *o = json_object();
    bool ok = add(o, "tenant", json_string(a->tenant));
    ok = ok && add(o, "session", json_string(a->session));
    ok = ok && add(o, "conversation_id", text_or_null(a->conversation_id));
    ok = ok && add(o, "message", shared(last_message(a)));
    ok = ok && add(o, "messages", shared(a->messages));
    ok = ok && add(o, "history", shared(a->history));
    return written(o, ok, len);
}

/* Several messages that came together are one turn of the user. */
static int joined_text(const struct agent_ask *a, struct buf *out)
{
    size_t i = 0;
    json_t *m = NULL;
    int rc = 0;
    json_array_foreach(a->messages, i, m)
    {
        if (i > 0) {
            (void)buf_char(out, '\n');
        }
        rc = agent_message_text(m, out);
    }
    return rc;
}

static char *write_retell(const struct agent_ask *a, size_t *len)
{
    struct buf text;
    buf_init(&text, ANSWER_MAX);
    int rc = joined_text(a, &text);
    json_t *o = rc == 0 ? json_object() : NULL;
    bool ok = add(o, "chat_id", text_or_null(a->conversation_id));
    ok = ok && add(o, "content", json_string(text.len > 0 ? text.data : ""));
    buf_finish(&text);
    return written(o, ok, len);
}

static bool add_spoken(json_t *list, const char *role, const char *content)
{
    return json_array_append_new(list, json_pack("{s:s, s:s}", "role", role, "content", content)) ==
           0;
}

static char *write_openai(const struct agent_ask *a, size_t *len)
{
    size_t i = 0;
    json_t *turn = NULL;
    struct buf text;
    json_t *o = json_object();
    json_t *list = json_array();
    bool ok = list != NULL;
    if (ok && a->system_prompt != NULL && a->system_prompt[0] != '\0') {
        ok = add_spoken(list, "system", a->system_prompt);
    }
    json_array_foreach(a->history, i, turn)
    {
        bool user = strcmp(json_str_or(turn, "role", ""), "user") == 0;
        ok = ok && add_spoken(list, user ? "user" : "assistant", json_str_or(turn, "text", ""));
    }
    buf_init(&text, ANSWER_MAX);
    ok = ok && joined_text(a, &text) == 0;
    ok = ok && add_spoken(list, "user", text.len > 0 ? text.data : "");
    buf_finish(&text);
    ok = add(o, "messages", list) && ok;
    ok = ok && add(o, "model", text_or_null(a->model));
    return written(o, ok, len);
}

char *agent_write_ask(const struct agent_ask *a, size_t *len)
{
    switch (a->kind) {
    case AGENT_RETELL:
        return write_retell(a, len);
    case AGENT_OPENAI:
        return write_openai(a, len);
    case AGENT_HTTP:
        break;
    }
    return write_http(a, len);
}

/* ---- answers -----------------------------------------------------------------------------------
 */

static int bad(struct err *e, const char *what)
{
    return err_set(e, E_PROTO, "the agent's answer %s", what);
}

static json_t *parse(const char *text, size_t len, struct err *e)
{
    struct err why;
    json_t *o = json_parse(text, len, ANSWER_MAX, &why);
    if (o == NULL) {
        err_set(e, why.code == E_NOMEM ? E_NOMEM : E_PROTO, "the agent's answer is no JSON: %.150s",
                why.msg);
    } else if (!json_is_object(o)) {
        json_decref(o);
        o = NULL;
        bad(e, "is not a JSON object");
    }
    return o;
}

static int take_conversation(const char *id, char out[AGENT_CONVERSATION_MAX + 1], struct err *e)
{
    size_t len = strlen(id);
    if (len > AGENT_CONVERSATION_MAX) {
        return bad(e, "has a conversation id of more than 200 characters");
    }
    memcpy(out, id, len + 1);
    return 0;
}

int agent_read_created(const char *text, size_t len, char out[AGENT_CONVERSATION_MAX + 1],
                       struct err *e)
{
    json_t *o = parse(text, len, e);
    if (o == NULL) {
        return e->code;
    }
    const char *id = json_str_or(o, "chat_id", "");
    int rc = id[0] != '\0' ? take_conversation(id, out, e) : bad(e, "has no chat_id");
    json_decref(o);
    return rc;
}

/* Text of a person's reply without the marker and the spaces around it. */
static json_t *cut_marker(const char *text, const char *marker, bool *found)
{
    const char *at = marker[0] != '\0' ? strstr(text, marker) : NULL;
    if (at == NULL) {
        return json_string(text);
    }
    const char *rest = at + strlen(marker);
    size_t head = (size_t)(at - text);
    while (head > 0 && strchr(" \t\r\n", text[head - 1]) != NULL) {
        head--;
    }
    rest += strspn(rest, " \t\r\n");
    *found = true;
    return json_sprintf("%.*s%s%s", (int)head, text, head > 0 && rest[0] != '\0' ? "\n" : "", rest);
}

static int add_text(struct agent_answer *out, const char *text, const char *marker, struct err *e)
{
    json_t *cut = cut_marker(text, marker, &out->handover);
    if (cut != NULL && json_string_length(cut) == 0) {
        json_decref(cut);
        return 0; /* nothing but the marker */
    }
    if (json_array_size(out->replies) == AGENT_MAX_REPLIES) {
        json_decref(cut);
        out->dropped++;
        return 0;
    }
    json_t *reply = json_object();
    if (!add(reply, "text", cut) || json_array_append_new(out->replies, reply) != 0) {
        json_decref(reply);
        return err_set(e, E_NOMEM, "out of memory");
    }
    return 0;
}

static int add_reply(struct agent_answer *out, const json_t *reply, const char *marker,
                     struct err *e)
{
    if (json_is_string(reply)) {
        return add_text(out, json_string_value(reply), marker, e);
    }
    if (!json_is_object(reply)) {
        return bad(e, "has a reply that is neither an object nor a text");
    }
    const char *text = json_str(reply, "text");
    if (text != NULL && json_object_size(reply) == 1) {
        return add_text(out, text, marker, e);
    }
    if (json_array_size(out->replies) == AGENT_MAX_REPLIES) {
        out->dropped++;
        return 0;
    }
    json_t *copy = json_deep_copy(reply);
    (void)json_object_del(copy, "to"); /* an agent answers where it was asked */
    return json_array_append_new(out->replies, copy) == 0 ? 0
                                                          : err_set(e, E_NOMEM, "out of memory");
}

static int read_object(const json_t *o, const char *marker, struct agent_answer *out, struct err *e)
{
    const json_t *replies = json_object_get(o, "replies");
    const json_t *id = json_object_get(o, "conversation_id");
    size_t i = 0;
    json_t *reply = NULL;
    int rc = 0;
    out->handover = json_flag(o, "handover", false);
    if (replies != NULL && !json_is_null(replies) && !json_is_array(replies)) {
        return bad(e, "has replies that are no list");
    }
    if (id != NULL && !json_is_null(id) && !json_is_string(id)) {
        return bad(e, "has a conversation_id that is no text");
    }
    if (json_is_string(id) && json_string_length(id) > 0) {
        out->has_conversation = true;
        rc = take_conversation(json_string_value(id), out->conversation_id, e);
    }
    json_array_foreach(replies, i, reply)
    {
        rc = rc != 0 ? rc : add_reply(out, reply, marker, e);
    }
    return rc;
}

/* {"messages":[{"role":"agent","content":…},…]}: what the agent says in this turn. */
static int read_retell(const json_t *o, const char *marker, struct agent_answer *out, struct err *e)
{
    size_t i = 0;
    json_t *m = NULL;
    int rc = 0;
    if (json_arr(o, "messages") == NULL) {
        return bad(e, "has no messages");
    }
    json_array_foreach(json_arr(o, "messages"), i, m)
    {
        const char *content = json_str(m, "content");
        if (content != NULL && strcmp(json_str_or(m, "role", ""), "agent") == 0) {
            rc = rc != 0 ? rc : add_text(out, content, marker, e);
        }
    }
    return rc;
}

/* A model may have been told to answer with the JSON of an http endpoint. */
static json_t *as_object(const char *content)
{
    const char *s = content + strspn(content, " \t\r\n");
    json_t *o = s[0] == '{' ? json_parse(s, strlen(s), ANSWER_MAX, NULL) : NULL;
    if (o != NULL && json_arr(o, "replies") == NULL && json_object_get(o, "handover") == NULL) {
        json_decref(o);
        o = NULL;
    }
    return o;
}

static int read_openai(const json_t *o, const char *marker, struct agent_answer *out, struct err *e)
{
    const json_t *choice = json_array_get(json_arr(o, "choices"), 0);
    const json_t *message = json_obj(choice, "message");
    const char *content = json_str(message, "content");
    if (message == NULL) {
        return bad(e, "has no choices[0].message");
    }
    if (content == NULL) {
        content = json_str_or(message, "refusal", "");
    }
    json_t *inner = as_object(content);
    int rc = inner != NULL ? read_object(inner, marker, out, e) : 0;
    if (inner == NULL && content[strspn(content, " \t\r\n")] != '\0') {
        rc = add_text(out, content, marker, e);
    }
    json_decref(inner);
    return rc;
}

int agent_read_answer(enum agent_kind kind, const char *marker, const char *text, size_t len,
                      struct agent_answer *out, struct err *e)
{
    memset(out, 0, sizeof(*out));
    out->replies = json_array();
    if (out->replies == NULL) {
        return err_set(e, E_NOMEM, "out of memory");
    }
    if (kind == AGENT_HTTP && len == 0) {
        return 0; /* 204: nothing to say */
    }
    json_t *o = parse(text, len, e);
    if (o == NULL) {
        return e->code;
    }
    int rc = kind == AGENT_RETELL   ? read_retell(o, marker, out, e)
             : kind == AGENT_OPENAI ? read_openai(o, marker, out, e)
                                    : read_object(o, marker, out, e);
    json_decref(o);
    return rc;
}

void agent_answer_finish(struct agent_answer *a)
{
    json_decref(a->replies);
    a->replies = NULL;
}
