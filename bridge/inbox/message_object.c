/* The JSON of messages: written by hand where 20,000 a second are, as trees elsewhere. */
#include "message_object.h"

#include "clock.h"
#include "event.h"
#include "json.h"
#include "media.h"
#include "text.h"

#include <stdlib.h>
#include <string.h>

#define MESSAGE_BYTES_MAX STORE_MAX_VALUE
#define QUOTED_BYTES_MAX 1024

/* ---- statuses ------------------------------------------------------------------------------ */

#define TO(s) (1u << (unsigned)(s))
#define TO_ACKED (TO(MESSAGE_SENT) | TO(MESSAGE_DELIVERED) | TO(MESSAGE_READ) | TO(MESSAGE_PLAYED))

/* A receipt may overtake another, so each of them may come from any earlier place; a queued message
 * may get one too, after a restore from a backup. */
static const struct {
    const char *name;
    unsigned may;
} status_of[MESSAGE_STATUS_COUNT] = {
    [MESSAGE_QUEUED] = {"queued", TO(MESSAGE_SUBMITTED) | TO_ACKED | TO(MESSAGE_FAILED)},
    [MESSAGE_SUBMITTED] = {"submitted", TO(MESSAGE_UNCONFIRMED) | TO_ACKED | TO(MESSAGE_FAILED)},
    [MESSAGE_UNCONFIRMED] = {"unconfirmed", TO(MESSAGE_SUBMITTED) | TO_ACKED | TO(MESSAGE_FAILED)},
    [MESSAGE_SENT] = {"sent", TO(MESSAGE_DELIVERED) | TO(MESSAGE_READ) | TO(MESSAGE_PLAYED)},
    [MESSAGE_DELIVERED] = {"delivered", TO(MESSAGE_READ) | TO(MESSAGE_PLAYED)},
    [MESSAGE_READ] = {"read", TO(MESSAGE_PLAYED)},
    [MESSAGE_PLAYED] = {"played", 0},
    [MESSAGE_FAILED] = {"failed", 0},
};

const char *message_status_name(enum message_status s)
{
    return (unsigned)s < MESSAGE_STATUS_COUNT ? status_of[s].name : "?";
}

bool message_status_parse(const char *name, enum message_status *out)
{
    for (unsigned i = 0; name != NULL && i < MESSAGE_STATUS_COUNT; i++) {
        if (strcmp(status_of[i].name, name) == 0) {
            *out = (enum message_status)i;
            return true;
        }
    }
    return false;
}

bool message_status_may(enum message_status from, enum message_status to)
{
    return (unsigned)from < MESSAGE_STATUS_COUNT && (status_of[from].may & TO(to)) != 0;
}

bool message_status_done(enum message_status s)
{
    return s == MESSAGE_FAILED || (TO(s) & TO_ACKED) != 0;
}

bool message_status_of_ack(int ack, enum message_status *out)
{
    static const enum message_status acks[] = {MESSAGE_SENT, MESSAGE_DELIVERED, MESSAGE_READ,
                                               MESSAGE_PLAYED};
    if (ack == -1) {
        *out = MESSAGE_FAILED;
        return true;
    }
    if (ack < 1 || ack > 4) {
        return false;
    }
    *out = acks[ack - 1];
    return true;
}

/* ---- writing ------------------------------------------------------------------------------- */

static void put_text(struct buf *b, const char *s)
{
    if (s == NULL || s[0] == '\0') {
        buf_append(b, "null", 4);
    } else {
        json_quote(b, s, strlen(s));
    }
}

static void put_time(struct buf *b, uint64_t ms)
{
    char text[CLOCK_RFC3339_LEN];
    clock_rfc3339(ms, text);
    buf_char(b, '"');
    buf_append(b, text, CLOCK_RFC3339_LEN - 1);
    buf_char(b, '"');
}

int message_write_peer(struct buf *b, const struct channel_peer *p, const enum chat_kind *kind)
{
    buf_str(b, "{\"id\":");
    put_text(b, p->id);
    if (kind != NULL) {
        buf_str(b, ",\"type\":\"");
        buf_str(b, chat_kind_name(*kind));
        buf_char(b, '"');
    }
    buf_str(b, ",\"phone\":");
    put_text(b, p->phone);
    buf_str(b, ",\"lid\":");
    put_text(b, p->lid);
    buf_str(b, ",\"name\":");
    put_text(b, p->name);
    buf_str(b, ",\"contact_id\":");
    put_text(b, p->contact_id);
    return buf_char(b, '}');
}

static void put_media(struct buf *b, const struct message_draft *m)
{
    if (m->media == NULL) {
        buf_str(b, "null");
        return;
    }
    (void)message_write_media(b, m->media);
}

static void put_number(struct buf *b, const char *key, uint64_t n)
{
    buf_printf(b, ",\"%s\":", key);
    if (n == 0) {
        buf_str(b, "null");
    } else {
        buf_printf(b, "%llu", (unsigned long long)n);
    }
}

int message_write_media(struct buf *b, const struct message_media *m)
{
    const bool ready = m->sha256 != NULL && m->sha256[0] != '\0' && m->tenant != NULL &&
                       strcmp(m->state, "ready") == 0;
    buf_str(b, "{\"state\":");
    put_text(b, m->state);
    buf_str(b, ",\"mimetype\":");
    put_text(b, m->mimetype);
    buf_str(b, ",\"filename\":");
    put_text(b, m->filename);
    put_number(b, "size_bytes", m->size_bytes);
    buf_str(b, ",\"sha256\":");
    put_text(b, m->sha256);
    buf_str(b, ",\"url\":");
    if (ready) {
        buf_printf(b, "\"/v1/tenants/%s/media/%s\"", m->tenant, m->sha256);
    } else {
        buf_str(b, "null");
    }
    put_number(b, "width", m->width);
    put_number(b, "height", m->height);
    put_number(b, "duration_s", m->duration_s);
    buf_str(b, m->gif ? ",\"gif\":true" : "");
    buf_str(b, m->view_once ? ",\"view_once\":true" : "");
    return buf_char(b, '}');
}

/* The members of an object that was written by us, without its braces. */
static void put_members(struct buf *b, const char *object)
{
    const size_t len = object != NULL ? strlen(object) : 0;
    if (len > 2) {
        buf_char(b, ',');
        buf_append(b, object + 1, len - 2);
    }
}

int message_write(struct buf *b, const struct message_draft *m)
{
    buf_str(b, "{\"id\":");
    put_text(b, m->id);
    buf_str(b, ",\"session\":");
    put_text(b, m->session);
    buf_str(b, ",\"chat\":");
    message_write_peer(b, &m->chat, &m->kind);
    buf_str(b, ",\"from\":");
    message_write_peer(b, &m->from, NULL);
    buf_str(b, m->out ? ",\"direction\":\"out\",\"type\":" : ",\"direction\":\"in\",\"type\":");
    put_text(b, m->type);
    buf_str(b, ",\"text\":");
    json_quote(b, m->text != NULL ? m->text : "", m->text_len);
    buf_str(b, ",\"status\":");
    put_text(b, m->status);
    buf_str(b, ",\"status_history\":[");
    if (m->status != NULL) {
        buf_str(b, "{\"status\":");
        put_text(b, m->status);
        buf_str(b, ",\"at\":");
        put_time(b, m->status_ms);
        buf_char(b, '}');
    }
    buf_str(b, "],\"error\":null,\"quoted\":");
    buf_str(b, m->quoted != NULL ? m->quoted : "null");
    buf_str(b, ",\"media\":");
    put_media(b, m);
    buf_str(b, ",\"timestamp\":");
    put_time(b, m->time_ms);
    buf_str(b, ",\"received_at\":");
    put_time(b, m->received_ms);
    buf_str(b, m->backfill ? ",\"backfill\":true,\"source\":" : ",\"backfill\":false,\"source\":");
    put_text(b, m->source);
    if (m->sent_by != NULL) {
        buf_str(b, ",\"sent_by\":");
        put_text(b, m->sent_by);
    }
    if (m->sent_by_name != NULL) {
        buf_str(b, ",\"sent_by_name\":");
        put_text(b, m->sent_by_name);
    }
    buf_str(b, ",\"metadata\":");
    buf_str(b, m->metadata != NULL ? m->metadata : "null");
    put_members(b, m->content);
    return buf_char(b, '}');
}

int message_write_quoted(struct buf *b, struct store_txn *t, const struct message_owner *o,
                         const char *id)
{
    struct store_value v;
    json_t *m = NULL;
    int rc = message_find(t, o, id, &v, NULL);
    if (rc == 0) {
        m = message_public(v);
    } else if (rc != E_NOTFOUND) {
        return rc;
    }
    buf_str(b, "{\"id\":");
    put_text(b, id);
    if (m != NULL) {
        const char *text = json_str_or(m, "text", "");
        buf_str(b, ",\"direction\":");
        put_text(b, json_str(m, "direction"));
        buf_str(b, ",\"type\":");
        put_text(b, json_str(m, "type"));
        buf_str(b, ",\"text\":");
        json_quote(b, text, text_utf8_cut(text, strlen(text), QUOTED_BYTES_MAX));
    }
    json_decref(m);
    return buf_char(b, '}');
}

/* ---- reading and changing -------------------------------------------------------------------- */

json_t *message_load(struct store_value v)
{
    json_t *m = json_loadb(v.data, v.len, 0, NULL);
    if (m != NULL && !json_is_object(m)) {
        json_decref(m);
        m = NULL;
    }
    return m;
}

bool message_is_stub(const json_t *m)
{
    return json_flag(json_obj(m, "_"), "stub", false);
}

bool message_is_operation(const json_t *m)
{
    static const char *const types[] = {"reaction", "edit", "revoke"};
    const char *type = json_str_or(m, "type", "");
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        if (strcmp(types[i], type) == 0) {
            return true;
        }
    }
    return false;
}

json_t *message_public(struct store_value v)
{
    json_t *m = message_load(v);
    if (m != NULL && message_is_stub(m)) {
        json_decref(m);
        return NULL;
    }
    if (m != NULL) {
        json_object_del(m, "_");
    }
    return m;
}

json_t *message_private(json_t *m)
{
    json_t *p = json_obj(m, "_");
    if (p == NULL && json_object_set_new(m, "_", json_object()) == 0) {
        p = json_obj(m, "_");
    }
    return p;
}

enum message_status message_status_of(const json_t *m)
{
    enum message_status s = MESSAGE_STATUS_COUNT;
    (void)message_status_parse(json_str(m, "status"), &s);
    return s;
}

int message_set_status(json_t *m, enum message_status to, uint64_t at_ms)
{
    json_t *history = json_arr(m, "status_history");
    json_t *step = json_object();
    int rc = step != NULL && history != NULL ? 0 : E_NOMEM;
    rc = rc != 0 ? rc : json_set_str(step, "status", message_status_name(to));
    rc = rc != 0 ? rc : json_set_time(step, "at", at_ms);
    /* far ends tell whole seconds: a step is never shown before the one that it follows */
    const char *before =
        json_str_or(json_array_get(history, json_array_size(history) - 1), "at", "");
    if (rc == 0 && strcmp(json_str_or(step, "at", ""), before) < 0) {
        rc = json_set_str(step, "at", before);
    }
    rc = rc != 0 ? rc : json_set_str(m, "status", message_status_name(to));
    if (rc != 0) {
        json_decref(step);
        return rc;
    }
    return json_array_append_new(history, step) == 0 ? 0 : E_NOMEM;
}

int message_set_error(json_t *m, const char *code, const char *detail)
{
    json_t *error = json_object();
    if (error == NULL || json_set_str(error, "code", code) != 0 ||
        json_set_str(error, "detail", detail) != 0) {
        json_decref(error);
        return E_NOMEM;
    }
    return json_object_set_new(m, "error", error) == 0 ? 0 : E_NOMEM;
}

static int set_known(json_t *obj, const char *key, const char *value)
{
    if (value != NULL && value[0] != '\0') {
        return json_set_str(obj, key, value);
    }
    return json_object_get(obj, key) != NULL ? 0 : json_set_str(obj, key, NULL);
}

int message_set_peer(json_t *m, const char *key, const struct channel_peer *p,
                     const enum chat_kind *kind)
{
    json_t *peer = json_obj(m, key);
    if (peer == NULL) {
        if (json_object_set_new(m, key, json_object()) != 0) {
            return E_NOMEM;
        }
        peer = json_obj(m, key);
    }
    int rc = set_known(peer, "id", p->id);
    if (kind != NULL && rc == 0) {
        rc = json_set_str(peer, "type", chat_kind_name(*kind));
    }
    rc = rc != 0 ? rc : set_known(peer, "phone", p->phone);
    rc = rc != 0 ? rc : set_known(peer, "lid", p->lid);
    rc = rc != 0 ? rc : set_known(peer, "name", p->name);
    return rc != 0 ? rc : set_known(peer, "contact_id", p->contact_id);
}

int message_set_chat(json_t *m, const struct channel_peer *p, enum chat_kind kind)
{
    return message_set_peer(m, "chat", p, &kind);
}

static int dump(const json_t *v, struct buf *b)
{
    size_t len = 0;
    char *text = json_text(v, &len);
    int rc = text != NULL ? buf_append(b, text, len) : E_NOMEM;
    free(text);
    return rc;
}

int message_save(struct store_txn *t, const char *tenant, const char *session, const char *chat,
                 const char *id, uint64_t time_ms, json_t *m, struct buf *pub)
{
    struct buf all;
    json_t *private = json_incref(json_object_get(m, "_"));
    buf_init(&all, MESSAGE_BYTES_MAX);
    media_present(t, tenant, m); /* whoever is told of the change learns that the file went */
    if (private != NULL) {
        json_object_del(m, "_");
    }
    int rc = dump(m, &all);
    if (rc == 0 && pub != NULL) {
        rc = buf_append(pub, all.data, all.len);
    }
    if (rc == 0 && json_object_size(private) > 0) {
        all.len--; /* reopen the object */
        buf_str(&all, ",\"_\":");
        rc = dump(private, &all);
        rc = rc != 0 ? rc : buf_char(&all, '}');
        rc = rc != 0 ? rc : json_object_set(m, "_", private) == 0 ? 0 : E_NOMEM;
    }
    if (rc == 0) {
        rc = store_message_put(t, tenant, session, chat, id, time_ms, all.data, all.len, NULL);
    }
    json_decref(private);
    buf_finish(&all);
    return rc;
}

/* ---- events ---------------------------------------------------------------------------------- */

void message_owner_set(struct message_owner *o, const char *tenant, const char *session)
{
    memset(o, 0, sizeof(*o));
    memcpy(o->tenant, tenant, strnlen(tenant, sizeof(o->tenant) - 1));
    memcpy(o->session, session, strnlen(session, sizeof(o->session) - 1));
}

int message_event(struct bridge *b, struct store_txn *t, const struct message_owner *o,
                  const char *type, const char *lane, const char *data, size_t len)
{
    const struct event_draft d = {
        .tenant = o->tenant,
        .session = o->session,
        .type = type,
        .chat_lane = lane,
        .data = data,
        .data_len = len,
    };
    struct err e;
    err_clear(&e);
    return event_append(b, t, &d, NULL, &e);
}

int message_announce(struct bridge *b, struct store_txn *t, const struct message_owner *o,
                     const char *type, const char *lane, const char *text, size_t len,
                     const char *more)
{
    if (more == NULL) {
        return message_event(b, t, o, type, lane, text, len);
    }
    struct buf data;
    buf_init(&data, MESSAGE_BYTES_MAX);
    buf_str(&data, "{\"message\":");
    buf_append(&data, text, len);
    buf_str(&data, more);
    int rc = buf_char(&data, '}');
    if (rc == 0) {
        rc = message_event(b, t, o, type, lane, data.data, data.len);
    }
    buf_finish(&data);
    return rc;
}

const char *message_lane(const json_t *m)
{
    const json_t *chat = json_obj(m, "chat");
    const char *phone = json_str(chat, "phone");
    return phone != NULL && phone[0] != '\0' ? phone : json_str(chat, "id");
}

const char *peer_lane(const struct channel_peer *chat)
{
    return chat->phone != NULL && chat->phone[0] != '\0' ? chat->phone : chat->id;
}
