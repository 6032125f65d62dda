/* A session as JSON: the object of the contract, and the record in the store. */
#include "session_priv.h"

#include "clock.h"
#include "core_priv.h"
#include "json.h"

#include <stdio.h>
#include <string.h>

/* Takes v; NULL stays NULL: the caller checks once at the end. */
static json_t *with(json_t *o, const char *key, json_t *v)
{
    if (o && v && json_object_set_new(o, key, v) == 0) {
        return o;
    }
    if (!o) {
        json_decref(v);
    }
    json_decref(o);
    return NULL;
}

static json_t *text_or_null(const char *s)
{
    return s && *s ? json_string(s) : json_null();
}

static json_t *shared_or(json_t *v, json_t *fallback)
{
    if (!v) {
        return fallback;
    }
    json_decref(fallback);
    return json_incref(v);
}

static json_t *time_or_null(uint64_t ms)
{
    char text[CLOCK_RFC3339_LEN];
    if (ms == 0) {
        return json_null();
    }
    clock_rfc3339(ms, text);
    return json_string(text);
}

static json_t *backlog(struct session *s)
{
    struct store_counts session = {0}, tenant = {0};
    struct store_txn *t = NULL;
    if (store_read(s->b->store, &t, NULL) == 0) {
        (void)store_counts(t, s->tenant, s->id, &session);
        (void)store_counts(t, s->tenant, NULL, &tenant);
        store_read_end(t);
    }
    json_t *o = with(json_object(), "outbox", json_integer((json_int_t)session.outbox));
    return with(o, "deliveries", json_integer((json_int_t)tenant.deliveries));
}

static json_t *code(struct session *s)
{
    if (session_status(s) != SESSION_UNLINKED || !session_code_live(s)) {
        return json_null();
    }
    json_t *o = with(json_object(), "attempt", json_integer((json_int_t)s->qr.attempt));
    return with(o, "expires_at", time_or_null(s->qr.expires_ms));
}

json_t *session_object(struct session *s)
{
    json_t *o = with(json_object(), "id", json_string(s->id));
    o = with(o, "tenant", json_string(s->tenant));
    o = with(o, "channel", json_string("web"));
    o = with(o, "autostart", json_boolean(s->autostart));
    o = with(o, "exported", json_boolean(s->exported));
    o = with(o, "status", json_string(session_status_name(session_status(s))));
    o = with(o, "status_reason", text_or_null(s->reason));
    o = with(o, "reason_code", text_or_null(session_why_word(s->why)));
    o = with(o, "status_since", time_or_null(s->status_since_ms));
    o = with(o, "account", shared_or(s->account, json_null()));
    o = with(o, "qr", code(s));
    o = with(o, "linked_at", time_or_null(s->linked_ms));
    o = with(o, "last_activity_at", time_or_null(s->activity_ms));
    o = with(o, "backlog", backlog(s));
    o = with(o, "memory", session_memory_object(s));
    o = with(o, "storage", session_storage_object(s));
    o = with(o, "hibernate", session_hibernate_object(s));
    o = with(o, "capabilities", shared_or(s->capabilities, json_object()));
    o = with(o, "media", shared_or(s->media, json_null()));
    o = with(o, "metadata", shared_or(s->metadata, json_object()));
    return with(o, "created_at", time_or_null(s->created_ms));
}

/* ---- record ------------------------------------------------------------------------------ */

static json_t *number(uint64_t n)
{
    return json_integer((json_int_t)n);
}

json_t *session_record(const struct session *s)
{
    json_t *o = with(json_object(), "channel", json_string("web"));
    o = with(o, "autostart", json_boolean(s->autostart));
    o = with(o, "want", json_string(want_name(s->want)));
    o = with(o, "status", json_string(session_status_name(session_status(s))));
    o = with(o, "status_reason", json_string(s->reason));
    o = with(o, "reason_code", json_string(session_why_word(s->why)));
    o = with(o, "status_ms", number(s->status_since_ms));
    o = with(o, "created_ms", number(s->created_ms));
    o = with(o, "linked_ms", number(s->linked_ms));
    o = with(o, "activity_ms", number(s->activity_ms));
    o = with(o, "deleting", json_boolean(s->deleting));
    o = with(o, "erase_messages", json_boolean(s->erase_messages));
    o = with(o, "quarantine", json_boolean(s->quarantine));
    o = with(o, "exported", json_boolean(s->exported));
    o = with(o, "account", shared_or(s->account, json_null()));
    o = with(o, "capabilities", shared_or(s->capabilities, json_object()));
    o = with(o, "media", shared_or(s->media, json_null()));
    o = with(o, "hibernate", shared_or(s->hibernate, json_null()));
    o = with(o, "asleep", json_boolean(s->asleep));
    o = with(o, "wake_ms", number(s->wake_ms));
    return with(o, "metadata", shared_or(s->metadata, json_object()));
}

static uint64_t stored_number(const json_t *record, const char *key)
{
    int64_t n = json_int(record, key, 0);
    return n > 0 ? (uint64_t)n : 0;
}

/* A session that ran when the program ended is `stopped` until its turn comes. */
static enum session_status stored_status(const char *name)
{
    static const enum session_status kept[] = {SESSION_LOGGED_OUT};
    for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++) {
        if (strcmp(session_status_name(kept[i]), name) == 0) {
            return kept[i];
        }
    }
    return SESSION_STOPPED;
}

int session_load(struct session *s, const json_t *record, struct err *e)
{
    const char *status = json_str_or(record, "status", "stopped");
    s->autostart = json_flag(record, "autostart", true);
    s->want = want_parse(json_str(record, "want"), s->autostart);
    s->created_ms = stored_number(record, "created_ms");
    s->linked_ms = stored_number(record, "linked_ms");
    s->activity_ms = stored_number(record, "activity_ms");
    s->status_since_ms = stored_number(record, "status_ms");
    s->quarantine = json_flag(record, "quarantine", false);
    s->exported = json_flag(record, "exported", false);
    s->deleting = json_flag(record, "deleting", false);
    s->erase_messages = json_flag(record, "erase_messages", s->deleting); /* as older ones meant it */
    s->metadata = shared_or(json_obj(record, "metadata"), json_object());
    s->account = json_incref(json_obj(record, "account"));
    s->media = json_incref(json_obj(record, "media"));
    s->hibernate = json_incref(json_obj(record, "hibernate"));
    s->asleep = s->want == WANT_RUNNING && json_flag(record, "asleep", false);
    s->wake_ms = stored_number(record, "wake_ms");
    s->capabilities = json_incref(json_obj(record, "capabilities"));
    sm_init(&s->sm, session_table, SESSION_STATUS_COUNT,
            s->asleep ? SESSION_HIBERNATING : stored_status(status));
    if (strcmp(status, session_status_name(session_status(s))) == 0) {
        (void)snprintf(s->reason, sizeof(s->reason), "%s",
                       json_str_or(record, "status_reason", ""));
        s->why = session_why_parse(json_str(record, "reason_code"));
    } else if (s->want == WANT_RUNNING) {
        (void)snprintf(s->reason, sizeof(s->reason), "waits for its turn to start");
        s->why = WHY_WAITS_TURN;
    }
    return s->metadata ? 0 : err_set(e, E_NOMEM, "out of memory");
}
