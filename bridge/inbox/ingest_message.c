/*
 * A message that the far end tells: new ones are written, known ones compared.
 *
 * Happy path: known already? -> who is it from -> message + chat + contact + event, and the order
 * to fetch its file -> commit. Known already: nothing is written twice; what changed while nobody
 * listened is found by comparing, one of ours also tells its ack. A placeholder ("pending") is
 * filled in where it stands.
 */
#include "inbox_priv.h"

#include "clock.h"
#include "fetcher.h"
#include "guard.h"
#include "json.h"
#include "stats.h"
#include "usage.h"

#include <string.h>

/* The message as we have it: under its chat, or an earlier id of the same person's; one of ours
 * wherever it is. */
static int find(struct store_txn *t, const struct ingest *g, const struct channel_message *m,
                json_t **out, struct store_message_ref *ref)
{
    struct store_value v;
    const struct message_owner *o = &g->owner;
    int rc = store_message_get(t, o->tenant, o->session, m->chat.id, m->id, &v, ref);
    if (rc == E_NOTFOUND && m->from_me) {
        rc = message_find(t, o, m->id, &v, ref);
        if (rc == 0 && message_is_in(v)) {
            rc = E_NOTFOUND; /* somebody wrote under the id of ours */
        }
    } else if (rc == E_NOTFOUND && message_find(t, o, m->id, &v, ref) == 0) {
        struct person with;
        rc = identity_learn(g->b, t, o, &m->chat, &with);
        rc = rc != 0 ? rc : message_find_in(t, o, m->chat.id, m->id, true, &v, ref);
    }
    *out = rc == 0 ? message_load(v) : NULL;
    return rc == E_NOTFOUND ? 0 : rc;
}

/* ---- the object ---------------------------------------------------------------------------------
 */

struct parts {
    struct person with, author;
    struct message_media media;
    struct buf quoted, content;
    struct message_draft d;
};

static int parts_make(struct store_txn *t, struct ingest *g, const struct ingest_item *it,
                      struct parts *p)
{
    const struct channel_message *m = &it->ev.message;
    char id[STORE_MAX_ID + 1];
    enum chat_kind kind = CHAT_USER;
    enum message_status status = MESSAGE_SUBMITTED; /* ours, from the phone, not acked yet */
    memset(p, 0, sizeof(*p));
    buf_init(&p->quoted, STORE_MAX_VALUE);
    buf_init(&p->content, STORE_MAX_VALUE);
    (void)chat_id_parse(m->chat.id, id, &kind, NULL);
    int rc = identity_learn(g->b, t, &g->owner, &m->chat, &p->with);
    if (rc == 0 && !m->from_me) {
        rc = identity_learn(g->b, t, &g->owner, &m->from, &p->author);
    }
    g->appended = g->appended || p->with.told || p->author.told;
    if (rc == 0 && m->quoted_id[0] != '\0') {
        rc = message_write_quoted(&p->quoted, t, &g->owner, m->quoted_id);
    }
    rc = rc != 0 ? rc : notice_people(t, &g->owner, m->content, &p->content);
    if (rc != 0) {
        return rc;
    }
    (void)message_status_of_ack(m->ack, &status);
    p->media = (struct message_media){
        .state = it->wanted && !g->silent ? "pending" : "skipped",
        .mimetype = m->media.mimetype,
        .filename = m->media.filename,
        .sha256 = m->media.sha256,
        .size_bytes = m->media.size_bytes,
        .width = m->media.width,
        .height = m->media.height,
        .duration_s = m->media.duration_s,
        .gif = m->media.gif,
        .view_once = m->media.view_once,
    };
    p->d = (struct message_draft){
        .id = m->id,
        .session = g->owner.session,
        .kind = kind,
        .chat = identity_fill(&m->chat, &p->with),
        .from = m->from_me ? m->from : identity_fill(&m->from, &p->author),
        .out = m->from_me,
        .type = m->type[0] != '\0' ? m->type : "unknown",
        .text = m->text,
        .text_len = strlen(m->text),
        .status = m->from_me ? message_status_name(status) : NULL,
        .status_ms = m->time_ms,
        .quoted = p->quoted.len > 0 ? p->quoted.data : NULL,
        .content = p->content.len > 0 ? p->content.data : NULL,
        .media = m->media.present ? &p->media : NULL,
        .time_ms = m->time_ms,
        .received_ms = g->now_ms,
        .backfill = it->backfill,
        .source = m->from_me ? "phone" : NULL,
    };
    return 0;
}

static void parts_free(struct parts *p)
{
    buf_finish(&p->content);
    buf_finish(&p->quoted);
}

static int order_fetch(struct store_txn *t, struct ingest *g, struct ingest_item *it,
                       const char *chat, const struct parts *p)
{
    if (p->d.media == NULL || strcmp(p->media.state, "pending") != 0) {
        return 0;
    }
    it->fetch = true;
    return fetcher_order(t, &g->owner, chat, it->ev.message.id, g->now_ms);
}

/* What had happened to a message before we were told of it: with reactions and the like. */
static int as_it_is_now(const struct channel_message *m, json_t *full)
{
    int rc = 0;
    if (m->edited_ms != 0) {
        rc = json_set_time(full, "edited_at", m->edited_ms);
    }
    if (rc == 0 && m->revoked_ms != 0) {
        rc = json_set_time(full, "revoked_at", m->revoked_ms);
    }
    return rc;
}

/* A person wrote: when, and do they want to hear from us? */
static int hear(struct store_txn *t, struct ingest *g, const struct ingest_item *it,
                const struct parts *p)
{
    struct person me = {.id = ""};
    if (p->d.out || p->d.kind != CHAT_USER || strcmp(p->d.type, "system") == 0 ||
        strcmp(p->d.type, "call") == 0) {
        return 0;
    }
    memcpy(me.id, g->me_id, sizeof(me.id));
    memcpy(me.lid, g->me_lid, sizeof(me.lid));
    struct guard_heard h = {.b = g->b,
                            .who = &p->with,
                            .chat = it->ev.message.chat.id,
                            .id = it->ev.message.id,
                            .type = p->d.type,
                            .text = it->ev.message.text,
                            .me = &me,
                            .time_ms = it->ev.message.time_ms,
                            .now_ms = g->now_ms,
                            .live = !p->d.backfill,
                            .silent = g->silent};
    int rc = guard_heard(t, &g->owner, &h);
    g->appended = g->appended || h.told || h.reply_expires_ms != 0;
    g->reply_expires_ms = h.reply_expires_ms != 0 ? h.reply_expires_ms : g->reply_expires_ms;
    return rc;
}

/* ---- new ones -----------------------------------------------------------------------------------
 */

/* Written as text; only what has a past of its own (a stub, an edit) goes through a tree. The stub
 * may lie under another id of the chat. */
static int store_new(struct store_txn *t, struct ingest *g, const struct ingest_item *it,
                     json_t *stub, const struct store_message_ref *stub_at, struct buf *text)
{
    const struct message_owner *o = &g->owner;
    const struct channel_message *m = &it->ev.message;
    if (stub == NULL && m->edited_ms == 0 && m->revoked_ms == 0) {
        return store_message_put(t, o->tenant, o->session, m->chat.id, m->id, m->time_ms,
                                 text->data, text->len, NULL);
    }
    json_t *full = json_loadb(text->data, text->len, 0, NULL);
    int rc = full != NULL ? as_it_is_now(m, full) : E_NOMEM;
    if (rc == 0 && stub != NULL) {
        rc = store_message_del(t, o->tenant, o->session, stub_at->chat, m->id);
        rc = rc != 0 ? rc : added_adopt(full, stub);
    }
    buf_reset(text);
    rc = rc != 0
             ? rc
             : message_save(t, o->tenant, o->session, m->chat.id, m->id, m->time_ms, full, text);
    json_decref(full);
    return rc;
}

/* Does it begin to wait for an answer of the team, or is it one? */
static enum chat_turn turn_of(const struct ingest *g, const struct ingest_item *it,
                              const struct message_draft *d)
{
    bool talk = !g->silent && !it->backfill && d->kind == CHAT_USER &&
                strcmp(d->type, "system") != 0 && strcmp(d->type, "call") != 0;
    return !talk ? CHAT_TURN_NONE : d->out ? CHAT_TURN_ANSWERS : CHAT_TURN_ASKS;
}

static int touch_chat(struct store_txn *t, struct ingest *g, const struct ingest_item *it,
                      const struct message_draft *d)
{
    const struct channel_message *m = &it->ev.message;
    const struct chat_touch touch = {
        .kind = d->kind,
        .chat = d->chat,
        .id = m->id,
        .type = d->type,
        .text = m->text,
        .text_len = d->text_len,
        .out = m->from_me,
        .time_ms = m->time_ms,
        .unread = g->silent || strcmp(d->type, "system") == 0 ? 0
                  : m->from_me                                ? -1
                                                              : 1,
        .b = g->silent ? NULL : g->b,
        .turn = turn_of(g, it, d),
    };
    return chat_touch(t, &g->owner, &touch);
}

static int tell_new(struct store_txn *t, struct ingest *g, struct ingest_item *it,
                    const struct message_draft *d, const struct buf *text)
{
    if (g->silent) {
        return 0;
    }
    int rc = message_announce(g->b, t, &g->owner, d->out ? "message.sent" : "message.received",
                              peer_lane(&d->chat), text->data, text->len, NULL);
    if (rc == 0 && d->kind == CHAT_GROUP && strcmp(d->type, "system") == 0) {
        rc = notice_group_message(t, g, it, d);
    }
    return rc;
}

/* The reactions and votes that it came with. */
static int add_to_new(struct store_txn *t, struct ingest *g, struct ingest_item *it)
{
    const struct channel_message *m = &it->ev.message;
    struct store_message_ref ref;
    json_t *stored = NULL;
    if (m->reactions[0] == '\0' && m->votes[0] == '\0') {
        return 0;
    }
    int rc = find(t, g, m, &stored, &ref);
    if (rc == 0 && stored != NULL) {
        bool fresh = it->fresh;
        rc = change_reconcile(t, g, it, &ref, stored);
        it->fresh = fresh || it->fresh;
    }
    json_decref(stored);
    return rc;
}

/* For the reports, but for history that was fetched. The phone's own messages cost nobody anything,
 * so that only the statistics have them. */
static int count_message(struct store_txn *t, const struct ingest *g, const struct ingest_item *it,
                          const struct message_draft *d)
{
    enum message_status status = MESSAGE_QUEUED;
    if (g->silent || it->backfill) {
        return 0;
    }
    if (it->ev.message.from_me) {
        (void)message_status_parse(d->status, &status);
        return stats_count_status(t, &g->owner, d->time_ms, MESSAGE_QUEUED, status);
    }
    int rc = stats_count(t, g->owner.tenant, g->owner.session, d->time_ms, STATS_ONE(STATS_RECEIVED));
    const struct usage_item u = {.tenant = g->owner.tenant,
                                 .session = g->owner.session,
                                 .group = d->kind != CHAT_USER,
                                 .phone = d->chat.phone,
                                 .type = d->type};
    return rc != 0 ? rc : usage_count(t, &u, g->now_ms);
}

static int apply_new(struct store_txn *t, struct ingest *g, struct ingest_item *it, json_t *stub,
                     const struct store_message_ref *stub_at)
{
    struct parts p;
    struct buf text;
    buf_init(&text, STORE_MAX_VALUE);
    int rc = parts_make(t, g, it, &p);
    rc = rc != 0 ? rc : message_write(&text, &p.d);
    rc = rc != 0 ? rc : store_new(t, g, it, stub, stub_at, &text);
    rc = rc != 0 ? rc : touch_chat(t, g, it, &p.d);
    rc = rc != 0 ? rc : order_fetch(t, g, it, it->ev.message.chat.id, &p);
    rc = rc != 0 ? rc : tell_new(t, g, it, &p.d, &text);
    rc = rc != 0 ? rc : count_message(t, g, it, &p.d);
    rc = rc != 0 ? rc : hear(t, g, it, &p);
    if (rc == 0) {
        it->fresh = true;
        g->appended = g->appended || !g->silent;
        rc = add_to_new(t, g, it);
    }
    buf_finish(&text);
    parts_free(&p);
    return rc;
}

/* ---- known ones ---------------------------------------------------------------------------------
 */

static int apply_known(struct store_txn *t, struct ingest *g, struct ingest_item *it,
                       const struct store_message_ref *ref, json_t *known)
{
    const struct channel_message *m = &it->ev.message;
    enum message_status acked;
    if (m->from_me) {
        it->ack_news = message_status_of_ack(m->ack, &acked) &&
                       message_status_may(message_status_of(known), acked);
    }
    return change_reconcile(t, g, it, ref, known);
}

int message_fill(struct store_txn *t, struct ingest *g, struct ingest_item *it,
                 const struct store_message_ref *ref, json_t *m)
{
    const struct message_owner *o = &g->owner;
    struct parts p;
    struct buf text, pub;
    buf_init(&text, STORE_MAX_VALUE);
    buf_init(&pub, STORE_MAX_VALUE);
    int rc = parts_make(t, g, it, &p);
    if (rc == 0) {
        uint64_t received;
        if (clock_parse_rfc3339(json_str_or(m, "received_at", ""), &received) == 0) {
            p.d.received_ms = received;
        }
        p.d.backfill = json_flag(m, "backfill", false);
        rc = message_write(&text, &p.d);
    }
    json_t *full = rc == 0 ? json_loadb(text.data, text.len, 0, NULL) : NULL;
    rc = rc != 0 ? rc : full == NULL ? E_NOMEM : as_it_is_now(&it->ev.message, full);
    rc = rc != 0 ? rc : added_adopt(full, m);
    rc = rc != 0
             ? rc
             : message_save(t, o->tenant, o->session, ref->chat, ref->id, ref->time_ms, full, &pub);
    rc = rc != 0 ? rc
                 : chat_retouch(t, o, ref->chat, ref->id, p.d.type, json_str_or(full, "text", ""));
    rc = rc != 0 ? rc : order_fetch(t, g, it, ref->chat, &p);
    if (rc == 0 && !g->silent) {
        rc = message_announce(g->b, t, o, "message.updated", message_lane(full), pub.data, pub.len,
                              NULL);
    }
    rc = rc != 0 ? rc : hear(t, g, it, &p);
    if (rc == 0) {
        it->fresh = true;
        g->appended = g->appended || !g->silent;
    }
    json_decref(full);
    buf_finish(&pub);
    buf_finish(&text);
    parts_free(&p);
    return rc;
}

int message_apply(struct store_txn *t, struct ingest *g, struct ingest_item *it)
{
    struct store_message_ref ref;
    json_t *known = NULL;
    int rc = find(t, g, &it->ev.message, &known, &ref);
    if (rc == 0 && known != NULL && !message_is_stub(known)) {
        it->known = true;
        rc = apply_known(t, g, it, &ref, known);
    } else if (rc == 0) {
        rc = apply_new(t, g, it, known, &ref);
    }
    json_decref(known);
    return rc;
}
