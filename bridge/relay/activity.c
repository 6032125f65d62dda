/*
 * What happened in a session, or in all that somebody may see, for people. Nothing is stored for it: a
 * page walks the tenant's event log backwards and keeps what concerns it. Changes of a session's
 * status, its creation and its deletion are items of their own; its messages are counted, one item for those received, sent and
 * failed in each hour, so that a busy day is a page and not a thousand.
 *
 * Bounds: a page looks at LOOKS_MAX events, and at no more once its items and open counts are
 * `limit`; what it had counted by then is an item, and the next page begins a new count.
 */
#include "relay_priv.h"

#include "clock.h"
#include "json.h"
#include "mem.h"
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
    char session[64];
    enum counted what;
    uint64_t first_ms, last_ms;
    unsigned count, chats;
    uint64_t chat[CHATS_MAX]; /* hashes */
    char code[48];            /* FAILED: why, the newest one */
};

struct item {
    uint64_t at_ms;
    size_t place; /* among items of the same time */
    json_t *json;
};

struct feed {
    const char *session;                /* NULL: of every session */
    const struct bridge_principal *who; /* that it sees; NULL: all */
    struct item *items;                 /* room for limit */
    struct count *counts;               /* the open ones, that with the newest message first; too */
    size_t item_count, count_count, limit;
    unsigned looks;
    uint64_t next; /* the next page begins below this event; 0: the end */
    uint64_t last; /* looked at */
    uint64_t hour;
    struct err *e;
};

/* ---- items -------------------------------------------------------------------------------------
 */

/* What an item may say besides; NULL: null. */
struct words {
    const char *session, *kind, *text, *code, *reason, *phone;
};

static int add_item(struct feed *f, const struct words *w, uint64_t from_ms, uint64_t at_ms,
                    unsigned count, unsigned chats)
{
    json_t *o = json_object();
    int rc = json_set_str(o, "session", w->session);
    rc = rc != 0 ? rc : json_set_str(o, "kind", w->kind);
    rc = rc != 0 ? rc : json_set_time(o, "at", at_ms);
    rc = rc != 0 ? rc : json_set_time(o, "from_at", from_ms);
    rc = rc != 0 ? rc : body_set(o, "count", json_integer(count));
    rc = rc != 0 ? rc : body_set(o, "chats", chats > 0 ? json_integer(chats) : json_null());
    rc = rc != 0 ? rc : json_set_str(o, "text", w->text);
    rc = rc != 0 ? rc : json_set_str(o, "code", w->code);
    rc = rc != 0 ? rc : json_set_str(o, "reason", w->reason);
    rc = rc != 0 ? rc : json_set_str(o, "phone", w->phone);
    if (rc != 0) {
        json_decref(o);
        return rc;
    }
    f->items[f->item_count] = (struct item){.at_ms = at_ms, .place = f->item_count, .json = o};
    f->item_count++;
    return 0;
}

static int add_count(struct feed *f, const struct count *c)
{
    char text[160], where[48] = "";
    const char *kind = counted_kind[c->what];
    if (c->chats > 1) {
        (void)snprintf(where, sizeof(where), " %s %u%s chats", c->what == RECEIVED ? "from" : "in",
                       c->chats, c->chats == CHATS_MAX ? "+" : "");
    }
    (void)snprintf(text, sizeof(text), "%u message%s %s%s%s%s", c->count, c->count == 1 ? "" : "s",
                   kind, where, c->code[0] != '\0' ? ": " : "", c->code);
    struct words w = {.session = c->session,
                      .kind = kind,
                      .text = text,
                      .code = c->code[0] != '\0' ? c->code : NULL};
    return add_item(f, &w, c->first_ms, c->last_ms, c->count, c->chats);
}

/* The open counts of a session (NULL: of all) become items. */
static int flush(struct feed *f, const char *session)
{
    size_t kept = 0;
    int rc = 0;
    for (size_t i = 0; i < f->count_count; i++) {
        const struct count *c = &f->counts[i];
        if (session != NULL && strcmp(c->session, session) != 0) {
            if (kept != i) {
                f->counts[kept] = *c;
            }
            kept++;
        } else if (rc == 0) {
            rc = add_count(f, c);
        }
    }
    f->count_count = kept;
    return rc;
}

static struct count *count_of(struct feed *f, const char *session, enum counted what,
                              uint64_t at_ms)
{
    for (size_t i = 0; i < f->count_count; i++) {
        struct count *c = &f->counts[i];
        if (c->what == what && strcmp(c->session, session) == 0) {
            return c;
        }
    }
    struct count *c = &f->counts[f->count_count++];
    *c = (struct count){.what = what, .last_ms = at_ms};
    (void)snprintf(c->session, sizeof(c->session), "%s", session);
    return c;
}

static void count_message(struct feed *f, const char *session, enum counted what, uint64_t at_ms,
                          const json_t *data)
{
    struct count *c = count_of(f, session, what, at_ms);
    uint64_t chat = event_lane(session, json_str_or(json_obj(data, "chat"), "id", ""));
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

static int on_status(struct feed *f, const char *session, uint64_t at_ms, const json_t *data)
{
    char text[320], why[256];
    const char *kind = status_kind(json_str_or(data, "previous", ""), json_str_or(data, "status", ""));
    if (kind == NULL) {
        return 0;
    }
    (void)snprintf(why, sizeof(why), "%s", json_str_or(data, "status_reason", ""));
    why[text_utf8_cut(why, strlen(why), 240)] = '\0';
    const char *phone = is(kind, "linked") ? json_str(json_obj(data, "account"), "phone") : NULL;
    if (phone != NULL) {
        (void)snprintf(text, sizeof(text), "linked to %.32s", phone);
    } else {
        (void)snprintf(text, sizeof(text), "%s%s%s",
                       is(kind, "session_failed") ? "the session failed" : kind,
                       why[0] != '\0' ? ": " : "", why);
    }
    struct words w = {.session = session,
                      .kind = kind,
                      .text = text,
                      .code = json_str(data, "reason_code"),
                      .reason = why[0] != '\0' ? why : NULL,
                      .phone = phone};
    int rc = flush(f, session);
    return rc != 0 ? rc : add_item(f, &w, at_ms, at_ms, 1, 0);
}

/* Created or deleted; the account is that of an imported session, or the one it had. */
static int on_life(struct feed *f, const char *session, uint64_t at_ms, const char *kind,
                   const json_t *data)
{
    char text[64];
    (void)snprintf(text, sizeof(text), "the session was %s", kind);
    struct words w = {.session = session,
                      .kind = kind,
                      .text = text,
                      .phone = json_str(json_obj(data, "account"), "phone")};
    int rc = flush(f, session);
    return rc != 0 ? rc : add_item(f, &w, at_ms, at_ms, 1, 0);
}

static int take(struct feed *f, const char *session, const char *type, const json_t *event)
{
    const json_t *data = json_obj(event, "data");
    const char *status = json_str_or(data, "status", "");
    uint64_t at_ms = 0;
    if (clock_parse_rfc3339(json_str_or(event, "occurred_at", ""), &at_ms) != 0) {
        return 0;
    }
    int rc = at_ms / HOUR_MS != f->hour ? flush(f, NULL) : 0;
    f->hour = at_ms / HOUR_MS;
    if (rc != 0) {
        return rc;
    }
    if (is(type, "session.status")) {
        return on_status(f, session, at_ms, data);
    }
    if (is(type, "session.created") || is(type, "session.deleted")) {
        return on_life(f, session, at_ms, strchr(type, '.') + 1, data);
    }
    if (is(json_str_or(data, "type", ""), "system")) {
        return 0; /* a notice, not a message */
    }
    if (is(type, "message.received")) {
        count_message(f, session, RECEIVED, at_ms, data);
    } else if (is(type, "message.sent") || is(status, "sent")) {
        count_message(f, session, SENT, at_ms, data);
    } else if (is(status, "failed")) {
        count_message(f, session, FAILED, at_ms, data);
    }
    return 0;
}

static bool of_interest(const struct feed *f, const char *type, struct store_value v,
                        char session[64])
{
    static const char *const types[] = {"session.status",   "session.created", "session.deleted",
                                        "message.received", "message.sent",    "message.status"};
    size_t i = 0;
    while (i < sizeof(types) / sizeof(types[0]) && !is(types[i], type)) {
        i++;
    }
    return i < sizeof(types) / sizeof(types[0]) &&
           event_session(v.data, v.len < HEAD_MAX ? v.len : HEAD_MAX, session) &&
           (f->session != NULL ? is(f->session, session) : bridge_sees_session(f->who, session));
}

/* An event makes one item or one count at most, so there is room for it. */
static int on_event(void *arg, uint64_t seq, struct store_value v)
{
    struct feed *f = arg;
    char id[EVENT_ID_LEN], type[EVENT_TYPE_LEN], session[64];
    if (f->item_count + f->count_count >= f->limit || f->looks++ == LOOKS_MAX) {
        f->next = f->last;
        return 1;
    }
    f->last = seq;
    if (event_head(v.data, v.len, id, type) != 0 || !of_interest(f, type, v, session)) {
        return 0;
    }
    json_t *event = record_parse(v, f->e);
    int rc = event != NULL ? take(f, session, type, event) : f->e->code;
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

static int newer(const void *a, const void *b)
{
    const struct item *x = a, *y = b;
    if (x->at_ms != y->at_ms) {
        return x->at_ms > y->at_ms ? -1 : 1;
    }
    return x->place < y->place ? -1 : 1;
}

/* Counts of other sessions come after what interrupted none of them: sorted by time. */
static json_t *page_of(struct feed *f)
{
    char cursor[24];
    json_t *items = json_array();
    qsort(f->items, f->item_count, sizeof(*f->items), newer);
    for (size_t i = 0; i < f->item_count; i++) {
        if (json_array_append(items, f->items[i].json) != 0) {
            json_decref(items);
            return NULL;
        }
    }
    (void)snprintf(cursor, sizeof(cursor), "%" PRIu64, f->next);
    return page_body(items, f->next != 0 ? cursor : NULL);
}

static int walk(struct bridge *b, const char *tenant, uint64_t before, struct feed *f)
{
    struct store_txn *t = NULL;
    int rc = store_read(b->store, &t, f->e);
    if (rc != 0) {
        return rc;
    }
    rc = f->session != NULL ? session_known(t, tenant, f->session, f->e)
                            : tenant_check(t, tenant, f->e);
    rc = rc != 0 ? rc : store_event_list_back(t, tenant, before, on_event, f);
    store_read_end(t);
    return rc != 0 ? rc : flush(f, NULL);
}

int bridge_activity(struct bridge *b, const char *tenant, const char *session,
                    const struct bridge_principal *who, const struct bridge_paging *p, json_t **out,
                    struct err *e)
{
    struct err why;
    err_clear(&why);
    struct feed f = {.session = session, .who = who, .limit = p->limit, .e = &why};
    uint64_t before = 0;
    *out = NULL;
    int rc = cursor_of(p, &before, &why);
    if (rc == 0) {
        f.items = mem_calloc(f.limit, sizeof(*f.items));
        f.counts = mem_calloc(f.limit, sizeof(*f.counts));
        rc = f.items == NULL || f.counts == NULL ? E_NOMEM : walk(b, tenant, before, &f);
    }
    if (rc == 0) {
        *out = page_of(&f);
        rc = *out != NULL ? 0 : E_NOMEM;
    }
    for (size_t i = 0; i < f.item_count; i++) {
        json_decref(f.items[i].json);
    }
    free(f.items);
    free(f.counts);
    if (rc != 0) {
        store_err(&why, rc, "the event log could not be read");
    }
    err_copy(e, &why);
    return rc;
}
