/*
 * A delivery as it is shown: its state and last tries, and of its event what the reader may see. The
 * event's contents are for those who may read events, of sessions that they see.
 */
#include "relay_priv.h"

#include "attempts.h"
#include "json.h"
#include "reason.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define CHAT_FROM_MAX (16u << 10) /* of longer events a list does not look for the chat */

static const char *const state_names[] = {
    [STORE_PENDING] = "pending", [STORE_DELIVERED] = "delivered", [STORE_DEAD] = "dead"};

const char *delivery_state_name(enum store_delivery_state state)
{
    return state_names[state];
}

/* Decimal digits, 1 to UINT64_MAX. */
bool delivery_seq(const char *s, uint64_t *out)
{
    uint64_t n = 0;
    size_t len = strlen(s);
    if (len == 0 || len > 19 || strspn(s, "0123456789") != len) {
        return false;
    }
    for (size_t i = 0; i < len; i++) {
        n = n * 10 + (uint64_t)(s[i] - '0');
    }
    *out = n;
    return n > 0;
}

static int set_tries(json_t *o, const struct store_delivery *d)
{
    json_t *list = json_array();
    int rc = list != NULL ? 0 : E_NOMEM;
    for (unsigned i = 0; rc == 0 && i < d->try_count; i++) {
        const struct store_try *t = &d->tries[i];
        json_t *one = json_pack("{s:I}", "duration_ms", (json_int_t)t->took_ms);
        rc = one == NULL ? E_NOMEM : json_set_time(one, "at", t->at_ms);
        rc = rc != 0 ? rc
                     : body_set(one, "status",
                                t->status != 0 ? json_integer((json_int_t)t->status) : json_null());
        rc = json_array_append_new(list, one) == 0 ? rc : E_NOMEM;
    }
    if (rc != 0) {
        json_decref(list);
        return rc;
    }
    return body_set(o, "tries", list);
}

/* The chat of what happened, {id,name,phone}: in the data, or in the message in it. */
static json_t *chat_of(const json_t *event)
{
    const json_t *data = json_obj(event, "data");
    const json_t *chat = json_obj(data, "chat");
    chat = chat != NULL ? chat : json_obj(json_obj(data, "message"), "chat");
    if (chat == NULL || json_str(chat, "id") == NULL) {
        return NULL;
    }
    json_t *o = json_object();
    if (json_set_str(o, "id", json_str(chat, "id")) != 0 ||
        json_set_str(o, "name", json_str(chat, "name")) != 0 ||
        json_set_str(o, "phone", json_str(chat, "phone")) != 0) {
        json_decref(o);
        return NULL;
    }
    return o;
}

/* event: NULL when it is gone or not for this reader. */
static int set_event(json_t *o, const struct store_value *event, bool full)
{
    char session[64];
    bool known = event != NULL && event_session(event->data, event->len, session);
    bool wanted = event != NULL && (full || event->len <= CHAT_FROM_MAX);
    json_t *parsed = wanted ? record_parse(*event, NULL) : NULL;
    json_t *chat = chat_of(parsed);
    int rc = json_set_str(o, "session", known ? session : NULL);
    rc = rc != 0 ? rc : body_set(o, "chat", chat != NULL ? chat : json_null());
    rc = rc != 0 || !full
             ? rc
             : body_set(o, "event", parsed != NULL ? json_incref(parsed) : json_null());
    json_decref(parsed);
    return rc;
}

static int set_state(json_t *o, const struct store_delivery *d)
{
    bool pending = d->state == STORE_PENDING;
    int rc = json_set_str(o, "state", state_names[d->state]);
    rc = rc != 0 ? rc
                 : body_set(o, "attempts", json_integer((json_int_t)attempts_total(d->attempts)));
    rc = rc != 0 ? rc
                 : body_set(o, "last_status",
                            d->last_status != 0 ? json_integer((json_int_t)d->last_status)
                                                : json_null());
    rc = rc != 0 ? rc
                 : json_set_str(o, "last_error", d->last_error[0] != '\0' ? d->last_error : NULL);
    rc = rc != 0 ? rc : json_set_str(o, "last_reason", relay_reason_word(d->last_reason));
    rc = rc != 0 ? rc : json_set_time(o, "next_try_at", pending ? d->due_ms : 0);
    rc = rc != 0 ? rc : json_set_time(o, "created_at", d->created_ms);
    return rc != 0 ? rc : json_set_time(o, "finished_at", pending ? 0 : d->finished_ms);
}

json_t *delivery_object(struct store_txn *t, const struct store_delivery *d,
                        const struct bridge_principal *who, bool full)
{
    char seq[24], id[EVENT_ID_LEN] = "", type[EVENT_TYPE_LEN] = "";
    struct store_value event;
    (void)snprintf(seq, sizeof(seq), "%" PRIu64, d->seq);
    bool known = store_event_get(t, d->tenant, d->seq, &event) == 0 &&
                 event_head(event.data, event.len, id, type) == 0;
    bool readable = known && (who == NULL || (bridge_may(who, BRIDGE_EVENTS_READ) &&
                                              bridge_sees_event(who, event.data, event.len)));
    json_t *o = json_object();
    int rc = o == NULL ? E_NOMEM : json_set_str(o, "id", seq);
    rc = rc != 0 ? rc : json_set_str(o, "event_id", known ? id : NULL);
    rc = rc != 0 ? rc : json_set_str(o, "type", known ? type : NULL);
    rc = rc != 0 ? rc : body_set(o, "seq", json_integer((json_int_t)d->seq));
    rc = rc != 0 ? rc : set_state(o, d);
    rc = rc != 0 ? rc : set_event(o, readable ? &event : NULL, full);
    rc = rc != 0 || !full ? rc : set_tries(o, d);
    if (rc != 0) {
        json_decref(o);
        return NULL;
    }
    return o;
}
