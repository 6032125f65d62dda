/*
 * Accepting a message: nothing is answered before it is on disk, nothing is accepted twice.
 *
 * Happy path: body checked and cleaned on the loop -> id chosen -> its file, if any, is got and
 * stored (not for a key that was answered already) -> one operation: idempotency, message `queued`,
 * outbox entry, chat row, event -> commit -> the caller gets the message, the lane is told. What is
 * written in that operation: accept.c. Failure modes: the file cannot be got: nothing is written.
 * the same idempotency key again: the first answer again, also when both requests stand in the same
 * group of commits, because apply functions run one after the other and see what the earlier ones
 * wrote; with another body: E_CONFLICT. Queue full, disk full, session deleted meanwhile: nothing
 * is written, the caller is told why.
 */
#include "outbox_priv.h"

#include "clock.h"
#include "core_priv.h"
#include "crypto.h"
#include "event.h"
#include "json.h"
#include "mem.h"
#include "meters.h"
#include "text.h"
#include "usage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define IDEM_MS (25 * UINT64_C(3600000)) /* a day and some, for clients whose clock is late */

/* ---- on the writer thread
 * ------------------------------------------------------------------------ */

static void send_free(struct send *s)
{
    send_body_finish(&s->body);
    json_decref(s->given);
    free(s->answer);
    free(s);
}

int send_keep_answer(struct send *s, const char *text, size_t len)
{
    free(s->answer);
    s->answer = mem_strndup(text, len);
    s->answer_len = len;
    return s->answer != NULL ? 0 : E_NOMEM;
}

/* 0 and replayed: answered already. */
static int check_idem(struct store_txn *t, struct send *s)
{
    unsigned char hash[32];
    struct store_value first;
    s->replayed = false;
    if (s->idem_key[0] == '\0') {
        return 0;
    }
    int rc = store_idem_get(t, s->owner.tenant, s->idem_key, hash, &first);
    if (rc == E_NOTFOUND) {
        return 0;
    }
    if (rc == 0 && memcmp(hash, s->hash, sizeof(hash)) != 0) {
        return err_word(&s->op.err, E_CONFLICT, "idempotency_conflict",
                        "this Idempotency-Key was used for another request; take a new key");
    }
    s->replayed = rc == 0;
    return rc != 0 ? rc : send_keep_answer(s, first.data, first.len);
}

/* What is accepted is sent once: a session that went to another host takes nothing any more. */
static int check_exported(struct store_value v, struct err *e)
{
    static const char mark[] = "\"exported\":true";
    if (memmem(v.data, v.len, mark, sizeof(mark) - 1) == NULL) {
        return 0;
    }
    json_t *record = record_parse(v, e);
    bool exported = json_flag(record, "exported", false);
    json_decref(record);
    return exported ? err_word(e, E_CONFLICT, "session_exported",
                               "the session was exported to another host: send there")
                    : 0;
}

static int check_room(struct store_txn *t, struct send *s)
{
    struct store_value v;
    struct store_counts counts;
    const struct message_owner *o = &s->owner;
    if (s->late) {
        return err_field(&s->op.err, NULL, "expires_at",
                         "`expires_at` has passed; the message would never go out");
    }
    if (s->refuse) {
        return err_word(&s->op.err, E_CONFLICT, "session_not_ready",
                        "the session is not ready; send without require=ready to queue it");
    }
    int rc = store_get(t, STORE_SESSIONS, STORE_PATH(o->tenant, o->session), &v);
    if (rc == E_NOTFOUND) {
        return err_word(&s->op.err, E_NOTFOUND, "unknown_session", "the session was deleted");
    }
    rc = rc != 0 ? rc : check_exported(v, &s->op.err);
    rc = rc != 0 ? rc : store_counts(t, o->tenant, o->session, &counts);
    if (rc == 0 && counts.outbox >= s->b->cfg.outbox.max_queued) {
        return err_word(&s->op.err, E_LIMIT, "queue_full",
                        "%llu messages wait in this session already; let some go out, or check "
                        "why the session does not send",
                        (unsigned long long)counts.outbox);
    }
    return rc;
}

static int send_apply(struct store_txn *t, struct store_op *op)
{
    struct send *s = op->data;
    err_clear(&op->err);
    int rc = check_idem(t, s);
    if (rc != 0 || s->replayed) {
        return rc;
    }
    rc = resend_check(t, s);
    if (rc != 0 || s->replayed) {
        return rc;
    }
    rc = check_room(t, s);
    rc = rc != 0 ? rc : send_accept(t, s);
    return rc != 0 ? rc : resend_tie(t, s);
}

int outbox_put_text(struct store_txn *t, const struct outbox_text *x)
{
    struct send *s = mem_calloc(1, sizeof(*s));
    if (s == NULL) {
        return E_NOMEM;
    }
    s->b = x->b;
    s->owner = *x->owner;
    s->from = *x->me;
    s->unguarded = true;
    s->now_ms = x->now_ms;
    s->expires_ms = x->expires_ms;
    s->body.type = "text";
    s->body.kind = CHAT_USER;
    s->body.text = mem_strdup(x->text);
    s->body.text_len = strlen(x->text);
    memcpy(s->body.chat, x->chat, strnlen(x->chat, STORE_MAX_ID));
    memcpy(s->id, x->id, strnlen(x->id, SEND_ID_LEN));
    memcpy(s->source, x->source, strnlen(x->source, SOURCE_MAX));
    int rc = s->body.text != NULL ? check_room(t, s) : E_NOMEM;
    rc = rc != 0 ? rc : send_accept(t, s);
    send_free(s);
    return rc;
}

/* ---- on the loop
 * ------------------------------------------------------------------------------------ */

static void tell_lane(struct send *s)
{
    struct session *session;
    event_committed(s->b, s->owner.tenant);
    if (session_find(s->b, s->owner.tenant, s->owner.session, &session, NULL) != 0) {
        return;
    }
    session_touch(session);
    if (session_lane(session) != NULL) {
        lane_accepted(session_lane(session), s->expires_ms);
    }
}

static void explain(struct err *e, int rc)
{
    if (e->code != 0) {
        return;
    }
    if (rc == E_FULL) {
        err_set(e, rc, "the disk or the store is full; nothing was accepted; free space");
    } else if (rc == E_LIMIT) {
        err_set(e, rc, "too many changes wait for the disk; try again soon");
    } else {
        err_set(e, rc, "the message was not accepted (%s)", err_name(rc));
    }
}

static void on_send_done(struct store_op *op, int rc)
{
    struct send *s = op->data;
    struct outbox *o = s->b->outbox;
    struct bridge_reply r = {.replayed = s->replayed};
    if (rc == 0) {
        r.body = json_loadb(s->answer, s->answer_len, 0, NULL);
        rc = r.body != NULL ? 0 : E_NOMEM;
        if (!s->replayed) {
            meter_messages(s->owner.tenant, s->owner.session, "queued", "", 1);
            tell_lane(s);
        }
    }
    if (rc != 0) {
        explain(&op->err, rc);
        r.err = &op->err;
    }
    s->done(s->arg, &r);
    json_decref(r.body);
    send_free(s);
    outbox_leave(o);
}

static void choose_id(char out[SEND_ID_LEN + 1])
{
    static const char digit[] = "0123456789ABCDEF";
    unsigned char random[(SEND_ID_LEN - 4) / 2];
    crypto_random(random, sizeof(random));
    memcpy(out, "3EB0", 4);
    for (size_t i = 0; i < sizeof(random); i++) {
        out[4 + 2 * i] = digit[random[i] >> 4];
        out[5 + 2 * i] = digit[random[i] & 15];
    }
    out[SEND_ID_LEN] = '\0';
}

/* The tenant's default_country_code, "" when none. */
static void country_code(struct bridge *b, const char *tenant, char out[4])
{
    struct store_txn *t;
    struct store_value v;
    out[0] = '\0';
    if (store_read(b->store, &t, NULL) != 0) {
        return;
    }
    if (store_get(t, STORE_TENANTS, STORE_PATH(tenant), &v) == 0) {
        json_t *record = json_loadb(v.data, v.len, 0, NULL);
        const char *cc = json_str_or(record, "default_country_code", "");
        size_t len = strnlen(cc, 4);
        memcpy(out, cc, len < 4 ? len + 1 : 0);
        json_decref(record);
    }
    store_read_end(t);
}

static int take_key(const struct bridge_send *in, struct send *s, struct err *e)
{
    if (in->idempotency_key == NULL || in->request_hash == NULL) {
        return 0;
    }
    size_t len = strnlen(in->idempotency_key, IDEM_KEY_MAX + 1);
    bool printable = len >= 1 && len <= IDEM_KEY_MAX;
    for (size_t i = 0; printable && i < len; i++) {
        printable = in->idempotency_key[i] >= ' ' && in->idempotency_key[i] <= '~';
    }
    if (!printable) {
        return err_field(e, NULL, "Idempotency-Key",
                         "Idempotency-Key must be 1 to 255 characters of printable ASCII");
    }
    memcpy(s->idem_key, in->idempotency_key, len + 1);
    memcpy(s->hash, in->request_hash, sizeof(s->hash));
    return 0;
}

static int parse(const struct bridge_send *in, const char *cc, struct send_body *out, struct err *e)
{
    switch (in->what) {
    case BRIDGE_SEND_EDIT:
        return send_edit_parse(in->body, in->message_id, out, e);
    case BRIDGE_SEND_REVOKE:
        return send_revoke_parse(in->message_id, out, e);
    default:
        return send_body_parse(in->body, cc, out, e);
    }
}

/* `to` is a contact of ours: where they are. */
static int find_contact(struct send *s, struct err *e)
{
    struct store_txn *t;
    char contact[STORE_MAX_ID + 1];
    if (!identity_is_contact(s->body.chat)) {
        return 0;
    }
    memcpy(contact, s->body.chat, sizeof(contact));
    int rc = store_read(s->b->store, &t, e);
    if (rc == 0) {
        rc = identity_address(t, &s->owner, contact, s->body.chat, &s->body.kind, e);
        store_read_end(t);
    }
    return rc;
}

static void take_name(char out[SENT_BY_MAX + 1], const char *name)
{
    if (name != NULL) {
        memcpy(out, name, text_utf8_cut(name, strlen(name), SENT_BY_MAX));
    }
}

static int prepare(struct bridge *b, const struct bridge_send *in, struct send *s, struct err *e)
{
    struct session *session;
    char cc[4] = "";
    int rc = session_find(b, in->tenant, in->session, &session, e);
    if (rc == 0 && (b->closing || b->outbox->closing)) {
        rc = err_set(e, E_UNAVAILABLE, "the bridge is stopping");
    }
    rc = rc != 0 ? rc : take_key(in, s, e);
    if (rc != 0) {
        return rc;
    }
    if (in->what == BRIDGE_SEND_MESSAGE && send_body_needs_country(in->body)) {
        country_code(b, in->tenant, cc);
    }
    rc = parse(in, cc[0] != '\0' ? cc : NULL, &s->body, e);
    if (rc != 0) {
        return rc;
    }
    s->b = b;
    message_owner_set(&s->owner, in->tenant, in->session);
    rc = find_contact(s, e);
    if (rc != 0) {
        send_body_finish(&s->body);
        return rc;
    }
    session_person(session, &s->from);
    choose_id(s->id);
    const char *source = in->source != NULL       ? in->source
                         : s->body.source != NULL ? s->body.source
                                                  : "api";
    memcpy(s->source, source, strnlen(source, SOURCE_MAX));
    take_name(s->sent_by, in->sent_by);
    take_name(s->sent_by_name, in->sent_by_name);
    if (in->what == BRIDGE_SEND_RETRY) {
        memcpy(s->retry_of, in->message_id, strnlen(in->message_id, STORE_MAX_ID));
    }
    s->refuse = in->require_ready && session_status(session) != SESSION_READY;
    s->now_ms = clock_wall_ms();
    s->expires_ms =
        s->body.expires_ms != 0 ? s->body.expires_ms : s->now_ms + b->cfg.outbox.expires_ms;
    s->late = s->body.expires_ms != 0 && s->body.expires_ms <= s->now_ms;
    return 0;
}

static void submit(struct send *s)
{
    s->op.data = s;
    store_submit(s->b->store, &s->op, send_apply, on_send_done);
}

/* Only a media_id can be unknown. */
static void name_file(const struct send *s, struct err *e)
{
    if (e->code == E_NOTFOUND && e->field[0] == '\0') {
        (void)snprintf(e->field, sizeof(e->field), "%s.media_id", s->body.type);
    }
}

static void fail(struct send *s, const struct err *e)
{
    struct outbox *o = s->b->outbox;
    const struct bridge_reply r = {.err = e};
    s->done(s->arg, &r);
    send_free(s);
    outbox_leave(o);
}

static void on_media(void *arg, const struct err *e, const struct media_info *info)
{
    struct send *s = arg;
    struct err why;
    err_clear(&why);
    if (e == NULL && media_check(s->b, s->body.type, info, &why) == 0) {
        s->media = *info;
        submit(s);
        return;
    }
    if (e != NULL) {
        err_copy(&why, e);
        name_file(s, &why);
    }
    fail(s, &why);
}

/* That key has its answer: the operation gives it (or says conflict), and needs no file. */
static bool is_answered(const struct send *s)
{
    struct store_txn *t;
    unsigned char hash[32];
    struct store_value v;
    if (s->idem_key[0] == '\0' || store_read(s->b->store, &t, NULL) != 0) {
        return false;
    }
    int rc = store_idem_get(t, s->owner.tenant, s->idem_key, hash, &v);
    store_read_end(t);
    return rc == 0;
}

/* Gets the file, if there is one, and writes. */
static void go_on(struct send *s, bool answered)
{
    const struct media_source from = s->body.media;
    memset(&s->body.media, 0, sizeof(s->body.media)); /* borrowed, and not for longer */
    s->body.media.type = from.type;
    if (from.type != NULL && !s->refuse && !s->late && !answered) {
        media_get(s->b, s->owner.tenant, &from, on_media, s);
    } else {
        submit(s);
    }
}

static void on_checked(void *arg, const struct err *e)
{
    struct send *s = arg;
    if (e != NULL) {
        fail(s, e);
    } else {
        go_on(s, false);
    }
}

/* Looked at again when the message is accepted; here so that no file is fetched in vain. */
static int has_quota(const struct send *s, struct err *e)
{
    struct store_txn *t;
    if (s->body.media.type == NULL) {
        return 0;
    }
    int rc = store_read(s->b->store, &t, e);
    if (rc == 0) {
        rc = quota_check_send(t, s->owner.tenant, s->now_ms, e);
        store_read_end(t);
    }
    return rc;
}

/* again: only the answer of the first time is wanted. */
static void begin(struct bridge *b, const struct bridge_send *in, bool again, bridge_done_fn done,
                  void *arg)
{
    struct err e;
    bool checking = false;
    err_clear(&e);
    struct send *s = mem_calloc(1, sizeof(*s));
    int rc = s != NULL ? prepare(b, in, s, &e) : err_set(&e, E_NOMEM, "out of memory");
    if (rc != 0) {
        free(s);
        reply_later(b, done, arg, &e, NULL);
        return;
    }
    s->done = done;
    s->arg = arg;
    s->again = again;
    s->given = json_incref((json_t *)(uintptr_t)in->body);
    const bool answered = again || is_answered(s);
    rc = answered ? 0 : has_quota(s, &e);
    rc = answered || rc != 0 ? rc : send_check_content(s, &checking, on_checked, &e);
    if (rc != 0) {
        send_free(s);
        reply_later(b, done, arg, &e, NULL);
        return;
    }
    outbox_enter(b->outbox);
    if (!checking) {
        go_on(s, answered);
    }
}

void bridge_send(struct bridge *b, const struct bridge_send *in, bridge_done_fn done, void *arg)
{
    struct bridge_send as = *in;
    struct message_owner o;
    struct session *session;
    struct err e;
    json_t *body = NULL;
    bool again = false;
    err_clear(&e);
    if (in->what == BRIDGE_SEND_RETRY) {
        int rc = session_find(b, in->tenant, in->session, &session, &e);
        message_owner_set(&o, in->tenant, in->session);
        rc = rc != 0 ? rc : resend_body(b, &o, in->message_id, &body, &again, &e);
        if (rc != 0) {
            reply_later(b, done, arg, &e, NULL);
            return;
        }
        as.body = body;
    }
    begin(b, &as, again, done, arg);
    json_decref(body);
}
