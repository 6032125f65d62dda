/* What the API asks of catching up. */
#include "identity.h"
#include "sync_priv.h"

#include "clock.h"
#include "json.h"

#include <stdlib.h>
#include <string.h>

static void answer(struct bridge *b, int rc, struct err *e, json_t *body, bridge_done_fn done,
                   void *arg)
{
    if (rc == 0 && body == NULL) {
        rc = err_set(e, E_NOMEM, "out of memory");
    }
    reply_later(b, done, arg, rc != 0 ? e : NULL, body);
}

static int not_ready(struct session *s, struct err *e)
{
    if (session_status(s) == SESSION_READY) {
        return 0;
    }
    return err_word(e, E_CONFLICT, "session_not_ready",
                    "the session is %s; it catches up by itself when it becomes ready",
                    session_status_name(session_status(s)));
}

int bridge_sync_get(struct bridge *b, const char *tenant, const char *session, json_t **out,
                    struct err *e)
{
    struct session *s;
    int rc = session_find(b, tenant, session, &s, e);
    if (rc != 0) {
        return rc;
    }
    *out = sync_object(session_syncer(s));
    return *out != NULL ? 0 : err_set(e, E_NOMEM, "out of memory");
}

void bridge_sync_start(struct bridge *b, const char *tenant, const char *session,
                       bridge_done_fn done, void *arg)
{
    struct session *s = NULL;
    struct err e;
    json_t *body = NULL;
    err_clear(&e);
    int rc = session_find(b, tenant, session, &s, &e);
    rc = rc != 0 ? rc : not_ready(s, &e);
    if (rc == 0) {
        session_sync(s, "asked for");
        body = sync_object(session_syncer(s));
    }
    answer(b, rc, &e, body, done, arg);
}

/* {until|count}: how far back. */
static int job_read(const json_t *body, uint64_t *until_ms, size_t *count, struct err *e)
{
    const char *key;
    json_t *value;
    *until_ms = 0;
    *count = SYNC_JOB_MESSAGES;
    json_object_foreach((json_t *)(uintptr_t)body, key, value)
    {
        const char *text = json_string_value(value);
        if (strcmp(key, "until") == 0) {
            if (text == NULL || clock_parse_rfc3339(text, until_ms) != 0 || *until_ms == 0) {
                return err_field(e, NULL, "until",
                                 "`until` must be a time such as 2026-11-21T12:00:00Z");
            }
            if (*until_ms > clock_wall_ms()) {
                return err_field(e, NULL, "until",
                                 "`until` is in the future; it says how far back to fetch");
            }
        } else if (strcmp(key, "count") == 0) {
            json_int_t n = json_integer_value(value);
            if (!json_is_integer(value) || n < 1 || n > SYNC_JOB_MESSAGES) {
                return err_field(e, NULL, "count", "`count` must be a number from 1 to %d",
                                 SYNC_JOB_MESSAGES);
            }
            *count = (size_t)n;
        } else {
            return err_field(e, "unknown_field", key, "there is no such field: `until`, `count`");
        }
    }
    return json_object_size(body) > 0
               ? 0
               : err_field(e, NULL, "count", "say how far back: `until` a time or `count` messages");
}

static int chat_named(struct session *s, const char *in, char out[STORE_MAX_ID + 1], struct err *e)
{
    struct message_owner o;
    struct store_txn *t;
    enum chat_kind kind;
    message_owner_set(&o, session_tenant(s), session_id(s));
    int rc = store_read(session_bridge(s)->store, &t, e);
    if (rc == 0) {
        rc = identity_address(t, &o, in, out, &kind, e);
        store_read_end(t);
    }
    return rc;
}

void bridge_chat_history(struct bridge *b, const char *tenant, const char *session,
                         const char *chat, const json_t *body, bridge_done_fn done, void *arg)
{
    struct session *s = NULL;
    struct err e;
    char id[STORE_MAX_ID + 1];
    uint64_t until_ms;
    size_t count;
    struct history_job *job = NULL;
    err_clear(&e);
    int rc = session_find(b, tenant, session, &s, &e);
    rc = rc != 0 ? rc : job_read(body, &until_ms, &count, &e);
    rc = rc != 0 ? rc : chat_named(s, chat, id, &e);
    rc = rc != 0 ? rc : not_ready(s, &e);
    rc = rc != 0 ? rc : sync_job_add(session_syncer(s), id, until_ms, count, &job, &e);
    json_t *object = rc == 0 ? sync_job_object(job) : NULL;
    if (rc == 0) {
        sync_jobs_step(session_syncer(s));
    }
    answer(b, rc, &e, object, done, arg);
}
