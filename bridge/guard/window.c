/*
 * For 24 hours after somebody's last message we may answer. A row for each contact, written in the
 * transaction of the message: {in,reply,heard}: when they wrote last; when they last wrote what is
 * no wish to be left alone, and when we heard that one (0: nothing since such a wish).
 *
 * Times are those of the messages, so that what a catch-up finds counts as of then; one from the
 * future (our clock is late) counts as now.
 */
#include "contact.h"
#include "guard.h"

#include "core_priv.h"
#include "json.h"

#include <string.h>

#define SKEW_MS (5 * UINT64_C(60000)) /* between WhatsApp's clock and ours */

struct window {
    uint64_t in_ms, reply_ms, heard_ms;
};

static uint64_t later(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static int load_at(struct store_txn *t, const struct message_owner *o, const char *id,
                   struct window *w)
{
    struct store_value v;
    memset(w, 0, sizeof(*w));
    int rc = store_get(t, STORE_WINDOWS, STORE_PATH(o->tenant, o->session, id), &v);
    json_t *record = rc == 0 ? record_parse(v, NULL) : NULL;
    w->in_ms = (uint64_t)json_int(record, "in", 0);
    w->reply_ms = (uint64_t)json_int(record, "reply", 0);
    w->heard_ms = (uint64_t)json_int(record, "heard", 0);
    json_decref(record);
    return rc == E_NOTFOUND ? 0 : rc;
}

/* Under the id that the contact has now. */
static int load(struct store_txn *t, const struct message_owner *o, const char *contact,
                char id[CONTACT_ID_LEN + 1], struct window *w)
{
    memset(w, 0, sizeof(*w));
    int rc = contact[0] != '\0' ? contact_resolve(t, o, contact, id) : E_NOTFOUND;
    return rc != 0 ? rc : load_at(t, o, id, w);
}

static int save(struct store_txn *t, const struct message_owner *o, const char *id,
                const struct window *w)
{
    json_t *record = json_pack("{s:I, s:I, s:I}", "in", (json_int_t)w->in_ms, "reply",
                               (json_int_t)w->reply_ms, "heard", (json_int_t)w->heard_ms);
    int rc = record_put(t, STORE_WINDOWS, STORE_PATH(o->tenant, o->session, id), record, NULL);
    json_decref(record);
    return rc;
}

int window_heard(struct store_txn *t, const struct message_owner *o, const char *contact,
                 uint64_t at_ms, uint64_t now_ms, bool refusal)
{
    char id[CONTACT_ID_LEN + 1];
    struct window w;
    const uint64_t at = at_ms < now_ms ? at_ms : now_ms;
    int rc = load(t, o, contact, id, &w);
    if (rc != 0) {
        return rc == E_NOTFOUND ? 0 : rc;
    }
    const struct window was = w;
    w.in_ms = later(w.in_ms, at);
    if (refusal && at >= w.reply_ms) {
        w.reply_ms = w.heard_ms = 0;
    } else if (!refusal && at >= w.reply_ms) {
        w.reply_ms = at;
        w.heard_ms = now_ms;
    }
    return memcmp(&was, &w, sizeof(w)) == 0 ? 0 : save(t, o, id, &w);
}

bool window_is_open(uint64_t in_ms, uint64_t now_ms)
{
    return in_ms != 0 && in_ms <= now_ms + SKEW_MS && now_ms < in_ms + WINDOW_MS;
}

int window_answers(struct store_txn *t, const struct message_owner *o, const char *contact,
                   uint64_t since_ms, uint64_t written_ms, uint64_t now_ms, bool *out)
{
    char id[CONTACT_ID_LEN + 1];
    struct window w;
    int rc = load(t, o, contact, id, &w);
    *out = rc == 0 && window_is_open(w.reply_ms, now_ms) && w.heard_ms >= since_ms &&
           w.reply_ms + SKEW_MS >= written_ms;
    return rc == E_NOTFOUND ? 0 : rc;
}

int window_show(struct store_txn *t, const struct message_owner *o, const char *contact, json_t *v,
                uint64_t now_ms)
{
    char id[CONTACT_ID_LEN + 1];
    struct window w;
    if (contact == NULL) {
        return body_set(v, "window", json_null());
    }
    int rc = load(t, o, contact, id, &w);
    if (rc != 0 && rc != E_NOTFOUND) {
        return rc;
    }
    json_t *shown = json_pack("{s:b}", "open", (int)window_is_open(w.in_ms, now_ms));
    rc = shown == NULL ? E_NOMEM
                       : json_set_time(shown, "expires_at", w.in_ms != 0 ? w.in_ms + WINDOW_MS : 0);
    if (rc != 0) {
        json_decref(shown);
        return rc;
    }
    return body_set(v, "window", shown);
}

int window_unite(struct store_txn *t, const struct message_owner *o, const char *from,
                 const char *to)
{
    struct window a, b;
    int rc = load_at(t, o, from, &a);
    rc = rc != 0 ? rc : load_at(t, o, to, &b);
    if (rc != 0 || a.in_ms == 0) {
        return rc;
    }
    /* A wish to be left alone that came after the other's words holds for both. */
    bool silenced =
        (a.reply_ms == 0 && a.in_ms >= b.in_ms) || (b.reply_ms == 0 && b.in_ms > a.in_ms);
    struct window w = a.reply_ms >= b.reply_ms ? a : b;
    w.in_ms = later(a.in_ms, b.in_ms);
    if (silenced) {
        w.reply_ms = w.heard_ms = 0;
    }
    rc = save(t, o, to, &w);
    rc = rc != 0 ? rc : store_del(t, STORE_WINDOWS, STORE_PATH(o->tenant, o->session, from));
    return rc;
}
