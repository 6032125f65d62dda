#include "page_event.h"

#include "page_read.h"

#include "json.h"
#include "text.h"

#include <stdlib.h>
#include <string.h>

#define ID_MAX STORE_MAX_ID
#define CAPS_MAX 16384

/* ---- pieces ------------------------------------------------------------------------------ */

static bool get_word(const json_t *v, const char *key, char out[PAGE_WORD_MAX + 1])
{
    const char *s;
    out[0] = '\0';
    if (!read_text(v, key, PAGE_WORD_MAX, &s) || !read_is_made_of(s, "_")) {
        return false;
    }
    memcpy(out, s, strlen(s) + 1);
    return true;
}

int page_peer_read(const json_t *v, struct channel_peer *out, struct err *e)
{
    memset(out, 0, sizeof(*out));
    out->id = out->phone = out->lid = out->name = "";
    if (!json_is_object(v) || !read_jid(v, "id", &out->id) ||
        !read_digits(v, "phone", &out->phone) || !read_jid(v, "lid", &out->lid) ||
        !read_text(v, "name", READ_NAME_MAX, &out->name)) {
        return read_bad(e, "person or chat");
    }
    return 0;
}

static int chat_read(const json_t *v, struct channel_peer *out, struct err *e)
{
    int rc = page_peer_read(json_object_get(v, "chat"), out, e);
    return rc == 0 && out->id[0] == '\0' ? read_bad(e, "chat") : rc;
}

/* "file": null or missing for a message without one. */
static bool file_read(const json_t *v, struct channel_media *out)
{
    int64_t size, width, height, duration;
    const json_t *f = json_object_get(v, "file");

    out->mimetype = out->filename = out->sha256 = "";
    if (!f || json_is_null(f)) {
        return true;
    }
    if (!json_is_object(f) || !read_text(f, "mimetype", 512, &out->mimetype) ||
        !read_text(f, "filename", READ_NAME_MAX, &out->filename) ||
        !read_text(f, "sha256", 64, &out->sha256) || !read_number(f, "size", 0, INT64_MAX, &size) ||
        !read_number(f, "width", 0, 100000, &width) ||
        !read_number(f, "height", 0, 100000, &height) ||
        !read_number(f, "duration", 0, 10000000, &duration)) {
        return false;
    }
    if (strspn(out->sha256, "0123456789abcdef") != 64) {
        out->sha256 = "";
    }
    out->present = true;
    out->size_bytes = (uint64_t)size;
    out->width = (unsigned)width;
    out->height = (unsigned)height;
    out->duration_s = (unsigned)duration;
    out->gif = json_is_true(json_object_get(f, "gif"));
    out->view_once = json_is_true(json_object_get(f, "once"));
    return true;
}

int page_message_read(json_t *v, struct channel_message *out, struct err *e)
{
    int64_t ack;
    int rc;

    memset(out, 0, sizeof(*out));
    if (!json_is_object(v) || !read_text(v, "id", ID_MAX, &out->id) ||
        !read_is_message_id(out->id)) {
        return read_bad(e, "message id");
    }
    if ((rc = chat_read(v, &out->chat, e)) != 0 ||
        (rc = page_peer_read(json_object_get(v, "from"), &out->from, e)) != 0) {
        return rc;
    }
    if (!read_text(v, "type", 32, &out->type) || out->type[0] == '\0' ||
        !read_is_made_of(out->type, "_")) {
        return read_bad(e, "type");
    }
    if (!read_text(v, "text", PAGE_TEXT_MAX, &out->text) ||
        !read_text(v, "quoted", ID_MAX, &out->quoted_id)) {
        return read_bad(e, "text");
    }
    if (!read_is_made_of(out->quoted_id, "_-.:+=/")) {
        out->quoted_id = "";
    }
    if (!file_read(v, &out->media)) {
        return read_bad(e, "file");
    }
    if (!read_number(v, "ack", -1, 4, &ack) || !read_time(v, "t", &out->time_ms) ||
        !read_time(v, "edited", &out->edited_ms) || !read_time(v, "revoked", &out->revoked_ms)) {
        return read_bad(e, "number");
    }
    out->ack = (int)ack;
    page_content_read(v, out->type, &out->content);
    page_reactions_read(v, &out->reactions);
    page_votes_read(v, &out->votes);
    out->from_me = json_is_true(json_object_get(v, "me"));
    return 0;
}

int page_state_read(const json_t *v, struct page_state *out, struct err *e)
{
    memset(out, 0, sizeof(*out));
    if (!json_is_object(v) || !get_word(v, "mode", out->mode) || !get_word(v, "info", out->info) ||
        !get_word(v, "socket", out->socket)) {
        return read_bad(e, "state");
    }
    out->auth = json_is_true(json_object_get(v, "auth"));
    out->hooks = json_is_true(json_object_get(v, "hooks"));
    return 0;
}

json_t *page_account(const json_t *v)
{
    const char *id, *phone, *lid, *name, *platform;
    if (!json_is_object(v) || !read_jid(v, "id", &id) || id[0] == '\0' ||
        !read_digits(v, "phone", &phone) || !read_jid(v, "lid", &lid) ||
        !read_text(v, "push_name", READ_NAME_MAX, &name) ||
        !read_text(v, "platform", 64, &platform)) {
        return NULL;
    }
    json_t *account = json_object();
    if (!account || json_set_str(account, "id", id) != 0 ||
        json_set_str(account, "phone", *phone ? phone : NULL) != 0 ||
        json_set_str(account, "lid", *lid ? lid : NULL) != 0 ||
        json_set_str(account, "push_name", *name ? name : NULL) != 0 ||
        json_set_str(account, "platform", *platform ? platform : NULL) != 0) {
        json_decref(account);
        return NULL;
    }
    return account;
}

json_t *page_caps(const json_t *v)
{
    size_t len = 0;
    char *text = json_is_object(v) ? json_text(v, &len) : NULL;
    free(text);
    return text && len <= CAPS_MAX ? json_deep_copy(v) : NULL;
}

/* ---- events ------------------------------------------------------------------------------ */

static int hello_read(json_t *v, struct page_event *out, struct err *e)
{
    out->kind = PAGE_HELLO;
    bool ok = read_text(v, "adapter", 32, &out->adapter) &&
              read_text(v, "wa_js", 128, &out->wa_js) &&
              read_text(v, "url", READ_NAME_MAX, &out->url);
    return ok ? 0 : read_bad(e, "version");
}

static int state_read(json_t *v, struct page_event *out, struct err *e)
{
    out->kind = PAGE_STATE;
    out->account = json_obj(v, "account");
    return page_state_read(v, &out->state, e);
}

static int code_read(json_t *v, struct page_event *out, struct err *e)
{
    int64_t ttl;
    out->kind = PAGE_CODE;
    if (!read_text(v, "code", PAGE_CODE_MAX, &out->code) || out->code[0] == '\0' ||
        !read_number(v, "ttl", 0, 3600000, &ttl)) {
        return read_bad(e, "code");
    }
    for (const char *c = out->code; *c; c++) {
        if (*c <= ' ' || *c > '~') {
            return read_bad(e, "code");
        }
    }
    out->ttl_ms = (uint64_t)ttl;
    return 0;
}

static int caps_read(json_t *v, struct page_event *out, struct err *e)
{
    out->kind = PAGE_CAPS;
    out->caps = json_obj(v, "caps");
    return out->caps ? 0 : read_bad(e, "list of capabilities");
}

static int reason_read(json_t *v, struct page_event *out, struct err *e)
{
    return read_text(v, "why", READ_NAME_MAX, &out->reason) ? 0 : read_bad(e, "reason");
}

static int logout_read(json_t *v, struct page_event *out, struct err *e)
{
    out->kind = PAGE_LOGOUT;
    return reason_read(v, out, e);
}

static int lost_read(json_t *v, struct page_event *out, struct err *e)
{
    out->kind = PAGE_LOST;
    return reason_read(v, out, e);
}

static int beat_read(json_t *v, struct page_event *out, struct err *e)
{
    int64_t n;
    out->kind = PAGE_BEAT;
    if (!read_number(v, "n", 1, INT64_MAX, &n)) {
        return read_bad(e, "number");
    }
    out->number = (uint64_t)n;
    return 0;
}

static int msg_read(json_t *v, struct page_event *out, struct err *e)
{
    out->channel.kind = CHANNEL_MESSAGE;
    int rc = page_message_read(json_object_get(v, "m"), &out->channel.message, e);
    out->channel.time_ms = out->channel.message.time_ms;
    out->channel.from_me = out->channel.message.from_me;
    return rc;
}

/* What acks, edits, revokes and reactions have in common. */
static int change_read(json_t *v, struct page_event *out, struct err *e)
{
    struct channel_event *ev = &out->channel;
    int rc = chat_read(v, &ev->chat, e);
    if (rc != 0) {
        return rc;
    }
    if (!read_text(v, "id", ID_MAX, &ev->message_id) || !read_is_message_id(ev->message_id)) {
        return read_bad(e, "message id");
    }
    if (!read_time(v, "t", &ev->time_ms)) {
        return read_bad(e, "time");
    }
    ev->from_me = json_is_true(json_object_get(v, "me"));
    return 0;
}

static int ack_read(json_t *v, struct page_event *out, struct err *e)
{
    int64_t ack;
    out->channel.kind = CHANNEL_ACK;
    out->channel.from_me = true;
    if (!json_object_get(v, "ack") || !read_number(v, "ack", -1, 4, &ack) ||
        !read_jid(v, "participant", &out->channel.participant)) {
        return read_bad(e, "ack");
    }
    out->channel.ack = (int)ack;
    return change_read(v, out, e);
}

static int by_read(json_t *v, struct page_event *out, struct err *e)
{
    int rc = page_peer_read(json_object_get(v, "by"), &out->channel.by, e);
    return rc != 0 ? rc : change_read(v, out, e);
}

static int edit_read(json_t *v, struct page_event *out, struct err *e)
{
    out->channel.kind = CHANNEL_EDIT;
    if (!read_text(v, "text", PAGE_TEXT_MAX, &out->channel.text)) {
        return read_bad(e, "text");
    }
    return by_read(v, out, e);
}

static int revoke_read(json_t *v, struct page_event *out, struct err *e)
{
    out->channel.kind = CHANNEL_REVOKE;
    return by_read(v, out, e);
}

static int react_read(json_t *v, struct page_event *out, struct err *e)
{
    out->channel.kind = CHANNEL_REACTION;
    if (!read_text(v, "text", 512, &out->channel.text)) {
        return read_bad(e, "text");
    }
    return by_read(v, out, e);
}

static int details_read(json_t *v, struct page_event *out, struct err *e)
{
    return page_details_read(v, out->channel.kind, &out->channel.content) ? 0
                                                                          : read_bad(e, "content");
}

static int vote_read(json_t *v, struct page_event *out, struct err *e)
{
    out->channel.kind = CHANNEL_VOTE;
    int rc = by_read(v, out, e);
    return rc != 0 ? rc : details_read(v, out, e);
}

static int call_read(json_t *v, struct page_event *out, struct err *e)
{
    out->channel.kind = CHANNEL_CALL;
    int rc = by_read(v, out, e);
    return rc != 0 ? rc : details_read(v, out, e);
}

/* What is about a chat or person, and no message. */
static int about_read(json_t *v, struct page_event *out, struct err *e)
{
    struct channel_event *ev = &out->channel;
    int rc = chat_read(v, &ev->chat, e);
    if (rc == 0 && !read_time(v, "t", &ev->time_ms)) {
        rc = read_bad(e, "time");
    }
    if (rc == 0 && json_object_get(v, "by")) {
        rc = page_peer_read(json_object_get(v, "by"), &ev->by, e);
    }
    ev->from_me = json_is_true(json_object_get(v, "me"));
    return rc != 0 ? rc : details_read(v, out, e);
}

static int group_read(json_t *v, struct page_event *out, struct err *e)
{
    out->channel.kind = CHANNEL_GROUP;
    if (!read_text(v, "text", 32, &out->channel.text) || out->channel.text[0] == '\0' ||
        !read_is_made_of(out->channel.text, "_")) {
        return read_bad(e, "kind of change");
    }
    return about_read(v, out, e);
}

static int chat_event_read(json_t *v, struct page_event *out, struct err *e)
{
    out->channel.kind = CHANNEL_CHAT;
    return about_read(v, out, e);
}

static int contact_read(json_t *v, struct page_event *out, struct err *e)
{
    out->channel.kind = CHANNEL_CONTACT;
    return about_read(v, out, e);
}

static int presence_read(json_t *v, struct page_event *out, struct err *e)
{
    static const char *const states[] = {"available", "unavailable", "typing", "recording",
                                         "paused"};
    out->channel.kind = CHANNEL_PRESENCE;
    if (!read_text(v, "text", 32, &out->channel.text)) {
        return read_bad(e, "presence");
    }
    for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
        if (strcmp(states[i], out->channel.text) == 0) {
            return about_read(v, out, e);
        }
    }
    return read_bad(e, "presence");
}

static const struct reader {
    const char *name;
    int (*read)(json_t *v, struct page_event *out, struct err *e);
} readers[] = {
    {"hello", hello_read},     {"state", state_read},     {"code", code_read},
    {"caps", caps_read},       {"logout", logout_read},   {"lost", lost_read},
    {"beat", beat_read},       {"msg", msg_read},         {"ack", ack_read},
    {"edit", edit_read},       {"revoke", revoke_read},   {"react", react_read},
    {"vote", vote_read},       {"call", call_read},       {"group", group_read},
    {"chat", chat_event_read}, {"contact", contact_read}, {"presence", presence_read},
};

/* Every text is "" rather than NULL, whatever the kind. */
static void clear(struct page_event *out)
{
    static const struct channel_peer nobody = {.id = "", .phone = "", .lid = "", .name = ""};
    memset(out, 0, sizeof(*out));
    out->kind = PAGE_CHANNEL;
    out->channel.chat = out->channel.by = nobody;
    out->channel.message_id = out->channel.text = out->channel.participant = "";
    out->channel.content = "";
    out->code = out->reason = out->adapter = out->wa_js = out->url = "";
}

int page_batch_read(const struct page_batch *b, size_t i, struct page_event *out, struct err *e)
{
    json_t *v = json_array_get(b->events, i);
    const char *name = json_str_or(v, "k", "");

    clear(out);
    for (size_t r = 0; r < sizeof(readers) / sizeof(readers[0]); r++) {
        if (strcmp(readers[r].name, name) == 0) {
            return readers[r].read(v, out, e);
        }
    }
    return read_bad(e, "kind");
}

int page_batch_parse(const char *text, size_t len, struct page_batch *out, struct err *e)
{
    const char *instance;
    int rc;

    memset(out, 0, sizeof(*out));
    struct err why;
    err_clear(&why);
    out->root = json_parse(text, len, PAGE_BATCH_MAX, &why);
    if (!out->root) {
        err_copy(e, &why);
        return why.code ? why.code : E_INVALID;
    }
    out->events = json_arr(out->root, "e");
    if (json_int(out->root, "v", 0) != 1 || !out->events ||
        !read_text(out->root, "i", sizeof(out->instance) - 1, &instance) || !*instance ||
        !read_is_made_of(instance, "-")) {
        rc = read_bad(e, "envelope");
    } else if (json_array_size(out->events) > PAGE_BATCH_EVENTS) {
        rc = err_set(e, E_TOOLARGE, "a batch of the page with more than %d events",
                     PAGE_BATCH_EVENTS);
    } else {
        memcpy(out->instance, instance, strlen(instance) + 1);
        return 0;
    }
    page_batch_finish(out);
    return rc;
}

void page_batch_finish(struct page_batch *b)
{
    json_decref(b->root);
    b->root = NULL;
    b->events = NULL;
}

size_t page_batch_count(const struct page_batch *b)
{
    return json_array_size(b->events);
}
