/*
 * Reactions, edits and revokes: carried out at the far end, then noted with the message they
 * change.
 *
 * Happy path: the commit said `submitted` -> channel_change() -> the change goes to the inbox as
 * the event that it is -> the operation is `sent`. The page tells the same change by itself at
 * times; the inbox writes what is different and nothing twice, so the first of the two is the one.
 * Failure modes: no answer: done again later, it does no harm; the message is not there: when it is
 * ours and still on its way, wait for it, else failed; refused for good: failed. Death between the
 * change and its commit: handed operations are done again after a restart.
 */
#include "outbox_priv.h"

#include "clock.h"
#include "crypto.h"
#include "inbox.h"
#include "json.h"
#include "log.h"
#include "mem.h"

#include <stdlib.h>
#include <string.h>

#define AGAIN_FIRST_MS 1000
#define AGAIN_MOST_MS 60000
#define TRIES_FOR_TARGET 8

struct operation_call {
    struct lane_call call; /* first: lane_call_over() frees it */
    json_t *message;       /* the operation */
    bool target_open;
};

/* As the page would tell it. */
static void tell_inbox(struct outbox_lane *l, const struct entry *en, const json_t *message)
{
    static const enum channel_event_kind kinds[] = {[OPERATION_REACT] = CHANNEL_REACTION,
                                                    [OPERATION_EDIT] = CHANNEL_EDIT,
                                                    [OPERATION_REVOKE] = CHANNEL_REVOKE};
    const json_t *chat = json_obj(message, "chat");
    struct person me;
    session_person(l->s, &me);
    const struct channel_event ev = {
        .kind = kinds[en->operation],
        .chat = {.id = en->chat,
                 .phone = json_str_or(chat, "phone", ""),
                 .lid = json_str_or(chat, "lid", ""),
                 .name = json_str_or(chat, "name", "")},
        .by = {.id = me.id, .phone = me.phone, .lid = me.lid, .name = me.name},
        .message_id = json_str_or(en->how, "target", ""),
        .text = json_str_or(message, "text", ""),
        .participant = "",
        .content = "",
        .time_ms = clock_wall_ms(),
        .from_me = true,
    };
    inbox_event(session_inbox(l->s), &ev);
}

static void again(struct outbox_lane *l, struct entry *en)
{
    en->tries++;
    lane_hand(l, en, ENTRY_RESEND, lane_backoff(en->tries, AGAIN_FIRST_MS, AGAIN_MOST_MS));
    lane_next(l);
}

static void on_done(void *arg, const struct err *e)
{
    struct operation_call *o = arg;
    json_t *message = o->message;
    bool target_open = o->target_open;
    struct outbox_lane *l = lane_call_over(&o->call);
    struct entry *en = l != NULL ? l->current : NULL;
    if (l == NULL) {
        /* the lane is closed; what was handed over is done again */
    } else if (en->gone) {
        entry_free(en);
        lane_next(l);
    } else if (e == NULL) {
        tell_inbox(l, en, message);
        lane_ack_of(l, en, 1);
    } else if (e->code == E_NOTFOUND && target_open && en->tries < TRIES_FOR_TARGET) {
        again(l, en);
    } else if (e->code == E_NOTFOUND) {
        lane_fail(l, en, "unknown_message", "WhatsApp Web has no such message");
    } else if (e->code == E_INVALID) {
        lane_fail(l, en, err_word_of(e), e->msg);
    } else {
        log_warn(session_log(l->s), "outbox.again", "operation %s: %s", en->id, e->msg);
        again(l, en);
    }
    json_decref(message);
}

void lane_operate(struct outbox_lane *l, struct entry *en, const struct step *s)
{
    static const int what[] = {[OPERATION_REACT] = CHANNEL_DO_REACT,
                               [OPERATION_EDIT] = CHANNEL_DO_EDIT,
                               [OPERATION_REVOKE] = CHANNEL_DO_REVOKE};
    struct channel *c = session_channel(l->s);
    struct operation_call *o = c != NULL && l->running ? mem_calloc(1, sizeof(*o)) : NULL;
    if (o == NULL) {
        again(l, en);
        return;
    }
    o->call.lane = l;
    l->call = &o->call;
    o->message = json_incref(s->message);
    o->target_open = s->target_open;
    const struct channel_change m = {
        .what = (unsigned)what[en->operation],
        .chat_id = en->chat,
        .message_id = json_str_or(en->how, "target", ""),
        .text = json_str_or(s->message, "text", ""),
    };
    uint32_t dice;
    crypto_random(&dice, sizeof(dice));
    pacing_take(&l->pacing, clock_mono_ms(), dice);
    channel_change(c, &m, on_done, o);
}
