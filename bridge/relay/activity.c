/*
 * What happened in a session, for people. Nothing is stored for it: a page walks the tenant's event
 * log backwards and keeps what concerns the session. Changes of its status are items of their own;
 * messages are counted, one item for those received, sent and failed in each hour, so that a busy
 * day is a page and not a thousand.
 *
 * Bounds: a page looks at LOOKS_MAX events; what it had counted by then is an item, and the next
 * page begins a new count.
 */
#include "relay_priv.h"

#include "clock.h"
#include "json.h"
#include "text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOOKS_MAX 3000
#define HEAD_MAX 512 /* the session is named within so many bytes of an event */
#define HOUR_MS UINT64_C(3600000)
#define CHATS_MAX 100 /* told apart within one count */

enum counted { RECEIVED, SENT, FAILED, COUNTED };
static const char *const counted_kind[COUNTED] = {"received", "sent", "failed"};

struct count {
    uint64_t first_ms, last_ms;
    unsigned count, chats;
    uint64_t chat[CHATS_MAX]; /* hashes */
    char code[48];            /* FAILED: why, the newest one */
};

struct feed {
    const char *session;
    char named[80]; /* how the session stands in an event's text */
    json_t *items;
    unsigned limit; /* no more events once there are so many items */
    unsigned looks;
    uint64_t next; /* the next page begins below this event; 0: the end */
    uint64_t last; /* looked at */
    uint64_t hour;
    struct count count[COUNTED];
    struct err *e;
};

/* ---- items -------------------------------------------------------------------------------------
 */

static int add_item(struct feed *f, const char *kind, uint64_t from_ms, uint64_t at_ms,
                    unsigned count, unsigned chats, const char *text, const char *code)
{
    json_t *o = json_object();
    int rc = json_set_str(o, "kind", kind);
    rc = rc != 0 ? rc : json_set_time(o, "at", at_ms);
    rc = rc != 0 ? rc : json_set_time(o, "from_at", from_ms);
    rc = rc != 0 ? rc : body_set(o, "count", json_integer(count));
    rc = rc != 0 ? rc : body_set(o, "chats", chats > 0 ? json_integer(chats) : json_null());
    rc = rc != 0 ? rc : json_set_str(o, "text", text);
    rc = rc != 0 ? rc : json_set_str(o, "code", code);
    if (rc != 0) {
        json_decref(o);
        return rc;
    }
    return json_array_append_new(f->items, o) == 0 ? 0 : E_NOMEM;
}

static void words_of(enum counted what, const struct count *c, char *out, size_t size)
{
    const char *more = c->chats == CHATS_MAX ? "+" : "";
    char where[48] = "";
    if (c->chats > 1) {
        (void)snprintf(where, sizeof(where), " %s %u%s chats", what == RECEIVED ? "from" : "in",
                       c->chats, more);
    }
    (void)snprintf(out, size, "%u message%s %s%s%s%s", c->count, c->count == 1 ? "" : "s",
                   counted_kind[what], where, c->code[0] != '\0' ? ": " : "", c->code);
}

/* The counts so far become items, the one with the newest message first. */
static int flush(struct feed *f)
{
    char text[160];
    for (unsigned done = 0; done < COUNTED; done++) {
        enum counted newest = COUNTED;
        for (unsigned i = 0; i < COUNTED; i++) {
            if (f->count[i].count > 0 &&
                (newest == COUNTED || f->count[i].last_ms > f->count[newest].last_ms)) {
                newest = (enum counted)i;
            }
        }
        if (newest == COUNTED) {
            break;
        }
        struct count *c = &f->count[newest];
        words_of(newest, c, text, sizeof(text));
        int rc = add_item(f, counted_kind[newest], c->first_ms, c->last_ms, c->count, c->chats,
                          text, c->code[0] != '\0' ? c->code : NULL);
        if (rc != 0) {
            return rc;
        }
        memset(c, 0, sizeof(*c));
    }
    return 0;
}

static void count_message(struct feed *f, enum counted what, uint64_t at_ms, const json_t *data)
{
    struct count *c = &f->count[what];
    uint64_t chat = event_lane(f->session, json_str_or(json_obj(data, "chat"), "id", ""));
    c->last_ms = c->count == 0 ? at_ms : c->last_ms;
    c->first_ms = at_ms; /* we walk backwards */
    c->count++;
    unsigned i = 0;
    while (i < c->chats && c->chat[i] != chat) {
        i++;
    }
    if (i == c->chats && c->chats < CHATS_MAX) {
        c->chat[c->chats++] = chat;
    }
    if (what == FAILED && c->code[0] == '\0') {
        (void)snprintf(c->code, sizeof(c->code), "%s",
                       json_str_or(json_obj(data, "error"), "code", "unknown"));
    }
}

/* ---- events ------------------------------------------------------------------------------------
 */

static bool is(const char *a, const char *b)
{
    return strcmp(a, b) == 0;
}

static bool was_linked(const char *status)
{
    static const char *const linked[] = {"syncing", "ready", "disconnected", "conflict"};
    for (size_t i = 0; i < sizeof(linked) / sizeof(linked[0]); i++) {
        if (is(linked[i], status)) {
            return true;
        }
    }
    return false;
}

/* NULL: of no interest to people. */
static const char *status_kind(const char *previous, const char *now)
{
    if ((is(now, "ready") || is(now, "syncing")) &&
        (is(previous, "linking") || is(previous, "unlinked"))) {
        return "linked";
    }
    if (is(now, "logged_out") || (is(now, "unlinked") && was_linked(previous))) {
        return is(previous, "logged_out") ? NULL : "unlinked";
    }
    if (is(now, previous) && !is(now, "failed")) {
        return NULL; /* only the reason */
    }
    static const char *const same[] = {"disconnected", "conflict", "stopped"};
    for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++) {
        if (is(now, same[i])) {
            return same[i];
        }
    }
    return is(now, "ready") ? "connected" : is(now, "failed") ? "session_failed" : NULL;
}

static int on_status(struct feed *f, uint64_t at_ms, const json_t *data)
{
    char text[320];
    const char *now = json_str_or(data, "status", "");
    const char *kind = status_kind(json_str_or(data, "previous", ""), now);
    if (kind == NULL) {
        return 0;
    }
    const char *reason = json_str_or(data, "status_reason", "");
    const char *phone = json_str(json_obj(data, "account"), "phone");
    if (is(kind, "linked") && phone != NULL) {
        (void)snprintf(text, sizeof(text), "linked to %.32s", phone);
    } else {
        (void)snprintf(text, sizeof(text), "%s%s%.250s",
                       is(kind, "session_failed") ? "the session failed" : kind,
                       reason[0] != '\0' ? ": " : "", reason);
        text[text_utf8_cut(text, strlen(text), 240)] = '\0';
    }
    int rc = flush(f);
    return rc != 0 ? rc : add_item(f, kind, at_ms, at_ms, 1, 0, text, NULL);
}

static int take(struct feed *f, const char *type, const json_t *event)
{
    const json_t *data = json_obj(event, "data");
    const char *status = json_str_or(data, "status", "");
    uint64_t at_ms = 0;
    if (clock_parse_rfc3339(json_str_or(event, "occurred_at", ""), &at_ms) != 0) {
        return 0;
    }
    int rc = at_ms / HOUR_MS != f->hour ? flush(f) : 0;
    f->hour = at_ms / HOUR_MS;
    if (rc != 0) {
        return rc;
    }
    if (is(type, "session.status")) {
        return on_status(f, at_ms, data);
    }
    if (is(json_str_or(data, "type", ""), "system")) {
        return 0; /* a notice, not a message */
    }
    if (is(type, "message.received")) {
        count_message(f, RECEIVED, at_ms, data);
    } else if (is(type, "message.sent") || is(status, "sent")) {
        count_message(f, SENT, at_ms, data);
    } else if (is(status, "failed")) {
        count_message(f, FAILED, at_ms, data);
    }
    return 0;
}

static bool of_interest(const struct feed *f, const char *type, struct store_value v)
{
    static const char *const types[] = {"session.status", "message.received", "message.sent",
                                        "message.status"};
    size_t i = 0;
    while (i < sizeof(types) / sizeof(types[0]) && !is(types[i], type)) {
        i++;
    }
    return i < sizeof(types) / sizeof(types[0]) &&
           memmem(v.data, v.len < HEAD_MAX ? v.len : HEAD_MAX, f->named, strlen(f->named)) != NULL;
}

static int on_event(void *arg, uint64_t seq, struct store_value v)
{
    struct feed *f = arg;
    char id[EVENT_ID_LEN], type[EVENT_TYPE_LEN];
    if (json_array_size(f->items) >= f->limit || f->looks++ == LOOKS_MAX) {
        f->next = f->last;
        return 1;
    }
    f->last = seq;
    if (event_head(v.data, v.len, id, type) != 0 || !of_interest(f, type, v)) {
        return 0;
    }
    json_t *event = record_parse(v, f->e);
    int rc = event != NULL ? take(f, type, event) : f->e->code;
    json_decref(event);
    return rc;
}

/* ---- the page ----------------------------------------------------------------------------------
 */

static int cursor_of(const struct bridge_paging *p, uint64_t *before, struct err *e)
{
    const char *s = p->cursor != NULL ? p->cursor : "";
    size_t digits = strspn(s, "0123456789");
    if (digits > 19 || s[digits] != '\0') {
        return err_field(e, "invalid_cursor", "cursor", "not a cursor of this list; begin without one");
    }
    *before = digits > 0 ? strtoull(s, NULL, 10) : 0;
    return paging_check(p, e);
}

static int session_known(struct store_txn *t, const char *tenant, const char *session,
                         struct err *e)
{
    struct store_value v;
    int rc = tenant_check(t, tenant, e);
    rc = rc != 0 ? rc : store_get(t, STORE_SESSIONS, STORE_PATH(tenant, session), &v);
    return rc == E_NOTFOUND && e->code == 0
               ? err_word(e, rc, "unknown_session", "there is no session %.63s", session)
               : rc;
}

int bridge_activity(struct bridge *b, const char *tenant, const char *session,
                    const struct bridge_paging *p, json_t **out, struct err *e)
{
    struct err why;
    err_clear(&why);
    /* one event may bring the counts of an hour and its own item */
    struct feed f = {.session = session, .limit = p->limit > 3 ? p->limit - 3 : 1, .e = &why};
    struct store_txn *t = NULL;
    uint64_t before = 0;
    char cursor[24] = "";
    *out = NULL;
    (void)snprintf(f.named, sizeof(f.named), ",\"session\":\"%.63s\",", session);
    int rc = cursor_of(p, &before, &why);
    f.items = rc == 0 ? json_array() : NULL;
    rc = rc == 0 && f.items == NULL ? E_NOMEM : rc;
    rc = rc != 0 ? rc : store_read(b->store, &t, &why);
    if (rc == 0) {
        rc = session_known(t, tenant, session, &why);
        rc = rc != 0 ? rc : store_event_list_back(t, tenant, before, on_event, &f);
        store_read_end(t);
    }
    rc = rc != 0 ? rc : flush(&f);
    if (rc == 0) {
        (void)snprintf(cursor, sizeof(cursor), "%" PRIu64, f.next);
        *out = page_body(f.items, f.next != 0 ? cursor : NULL);
        rc = *out != NULL ? 0 : E_NOMEM;
    } else {
        json_decref(f.items);
    }
    if (rc != 0) {
        store_err(&why, rc, "the event log could not be read");
    }
    err_copy(e, &why);
    return rc;
}
