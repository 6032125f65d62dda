/*
 * One step of a message's status, in one transaction: the message, its outbox entry, the chat that
 * it turned out to belong to, and the event that tells it.
 *
 * A step that the table of statuses does not allow writes nothing: receipts come in any order and
 * more than once. In a group each participant acks for themselves; the first who does moves the
 * message on, later ones change nothing.
 */
#include "outbox_priv.h"

#include "clock.h"
#include "guard.h"
#include "json.h"
#include "mem.h"
#include "stats.h"

#include <stdlib.h>
#include <string.h>

struct step *step_create(struct outbox_lane *l, const char *id, enum message_status to)
{
    struct step *s = mem_calloc(1, sizeof(*s));
    if (s == NULL) {
        return NULL;
    }
    list_init(&s->link);
    s->op.data = s;
    s->b = l->b;
    s->lane = l;
    s->owner = l->owner;
    memcpy(s->id, id, strnlen(id, STORE_MAX_ID));
    s->to = to;
    s->at_ms = clock_wall_ms();
    return s;
}

void step_free(struct step *s)
{
    if (s != NULL) {
        free(s->entry);
        json_decref(s->message);
        free(s);
    }
}

static struct channel_peer peer_of(const struct person *p)
{
    return (struct channel_peer){.id = p->id, .phone = p->phone, .lid = p->lid, .name = p->name};
}

/* The message goes to the chat that the far end knows its address as. */
static int resettle(struct store_txn *t, const struct step *s, const struct store_message_ref *ref,
                    json_t *m)
{
    const struct message_owner *o = &s->owner;
    const struct channel_peer told = peer_of(&s->chat);
    struct person with;
    int rc = identity_learn(s->b, t, o, &told, &with);
    const struct channel_peer chat = identity_fill(&told, &with);
    bool moves = strcmp(ref->chat, s->chat.id) != 0;
    rc = rc != 0 ? rc : message_set_chat(m, &chat, s->kind);
    if (rc == 0 && s->from.id[0] != '\0') {
        const struct channel_peer from = peer_of(&s->from);
        rc = message_set_peer(m, "from", &from, NULL);
    }
    if (rc == 0 && moves) {
        rc = store_message_move(t, o->tenant, o->session, ref->chat, s->chat.id, s->id);
    }
    if (rc == 0 && !message_is_operation(m)) {
        const char *text = json_str_or(m, "text", "");
        const struct chat_touch touch = {
            .kind = s->kind,
            .chat = chat,
            .id = s->id,
            .type = json_str_or(m, "type", "text"),
            .text = text,
            .text_len = strlen(text),
            .out = true,
            .time_ms = ref->time_ms,
            .turn = moves && s->kind == CHAT_USER && stats_by_team(json_str(m, "source"))
                        ? CHAT_TURN_ANSWERS
                        : CHAT_TURN_NONE,
        };
        rc = chat_touch(t, o, &touch);
    }
    return rc == 0 && moves ? chat_drop_if_empty(t, o, ref->chat) : rc;
}

/* What the lane needs to send it. Of an operation on what is still on its way itself, "not there"
 * is no answer yet. */
static void take_content(struct store_txn *t, struct step *s, json_t *m)
{
    struct store_value v;
    json_decref(s->message);
    s->message = json_incref(m);
    s->target_open = s->target_failed = false;
    if (s->target != NULL && message_find(t, &s->owner, s->target, &v, NULL) == 0) {
        json_t *target = message_load(v);
        enum message_status status = message_status_of(target);
        json_decref(target);
        s->target_failed = status == MESSAGE_FAILED;
        s->target_open = status != MESSAGE_STATUS_COUNT && !message_status_done(status);
    }
}

static int settle_entry(struct store_txn *t, const struct step *s, json_t *m)
{
    json_t *private = json_obj(m, "_");
    int64_t order = json_int(private, "order", 0);
    int rc = 0;
    if (order <= 0) {
        return 0; /* not one that we sent */
    }
    if (s->submit) {
        return store_outbox_put(t, s->owner.tenant, s->owner.session, (uint64_t)order, s->id,
                                s->expires_ms, s->entry, s->entry_len);
    }
    if (message_status_done(s->to)) {
        rc = store_outbox_del(t, s->owner.tenant, s->owner.session, (uint64_t)order);
        json_object_del(private, "order");
    }
    return rc == E_NOTFOUND ? 0 : rc;
}

static int change(struct store_txn *t, struct step *s, const struct store_message_ref *ref,
                  json_t *m)
{
    const char *chat = s->submit ? s->chat.id : ref->chat;
    bool again = s->now == s->to; /* handed over a second time */
    struct buf pub;
    buf_init(&pub, STORE_MAX_VALUE);
    int rc = s->submit ? resettle(t, s, ref, m) : 0;
    if (rc == 0 && !again) {
        rc = message_set_status(m, s->to, s->at_ms);
    }
    if (rc == 0 && s->to == MESSAGE_FAILED) {
        rc = message_set_error(m, s->error_code, s->error_detail);
    }
    rc = rc != 0 ? rc : settle_entry(t, s, m);
    rc = rc != 0 ? rc
                 : message_save(t, s->owner.tenant, s->owner.session, chat, s->id, ref->time_ms, m,
                                &pub);
    if (rc == 0 && !again) {
        rc = message_announce(s->b, t, &s->owner, "message.status", message_lane(m), pub.data,
                              pub.len, NULL);
    }
    if (rc == 0 && !message_is_operation(m) && !json_flag(m, "backfill", false)) {
        rc = stats_count_status(t, &s->owner, ref->time_ms, s->now, s->to);
    }
    buf_finish(&pub);
    if (rc == 0 && s->submit) {
        take_content(t, s, m);
    }
    if (rc == 0) {
        s->changed = !again;
        s->now = s->to;
    }
    return rc;
}

/* They may have asked not to be written to while the message waited. */
static int check_wish(struct store_txn *t, struct step *s, const json_t *m)
{
    bool guarded = s->submit && s->kind == CHAT_USER &&
                   strcmp(json_str_or(m, "type", ""), "revoke") != 0 &&
                   strcmp(json_str_or(m, "source", ""), GUARD_SOURCE) != 0;
    return guarded ? opt_out_refuses(t, &s->owner, &s->chat, s->at_ms, &s->unwanted) : 0;
}

int step_apply(struct store_txn *t, struct store_op *op)
{
    struct step *s = op->data;
    struct store_message_ref ref;
    struct store_value v;
    s->found = s->changed = s->unwanted = false;
    s->now = MESSAGE_STATUS_COUNT;
    int rc = message_find(t, &s->owner, s->id, &v, &ref);
    if (rc != 0) {
        if (rc == E_NOTFOUND && s->order != 0) {
            rc = store_outbox_del(t, s->owner.tenant, s->owner.session, s->order);
        }
        return rc == E_NOTFOUND ? 0 : rc;
    }
    json_t *m = message_load(v);
    if (m == NULL) {
        return E_NOMEM;
    }
    s->found = !message_is_stub(m);
    s->now = message_status_of(m);
    rc = s->found ? check_wish(t, s, m) : 0;
    if (rc == 0 && s->found && !s->unwanted && (message_status_may(s->now, s->to) || (s->submit && s->now == s->to))) {
        rc = change(t, s, &ref, m);
    }
    json_decref(m);
    return rc;
}

static void on_step_done(struct store_op *op, int rc)
{
    struct step *s = op->data;
    if (lane_step_over(s, rc)) {
        s->done(s, rc);
    }
}

void step_submit(struct step *s)
{
    s->lane->steps++;
    err_clear(&s->op.err);
    store_submit(s->b->store, &s->op, step_apply, on_step_done);
}
