/*
 * Does the far end have it? Asked of whatever was handed over and has no ack: after a restart,
 * after a call without an answer, when the ack is late.
 *
 * Found with an ack: that is its status. Found without: the far end has it and sends it when it
 * can; it is left alone and asked for again, later and later. Not found: it is sent again under the
 * same key, or fails when its time is over; until it is certain that the far end does not have it,
 * it never fails as expired, for it may yet arrive.
 */
#include "outbox_priv.h"

#include "log.h"

#include <stdlib.h>
#include <string.h>

#define ASK_FIRST_MS 2000
#define ASK_MOST_MS 300000
#define SECOND_LOOK_MS 5000
#define REFUSED_MOST 3
#define LEFT_TO_PAGE_MOST_MS 600000

static void not_found(struct outbox_lane *l, struct entry *en)
{
    if (en->settling && en->misses++ == 0) {
        lane_hand(l, en, ENTRY_UNSURE, SECOND_LOOK_MS);
        lane_next(l);
        return;
    }
    en->settling = false;
    if (lane_expired(en)) {
        lane_fail(l, en, "expired", "it was not sent before its expires_at");
        return;
    }
    /* A file that the page cannot take would be pushed into it every minute for a day. */
    if (en->with_file && en->refused >= REFUSED_MOST) {
        lane_fail(l, en, "page_refused",
                  "WhatsApp Web could not take this file; the log of the daemon says why");
        return;
    }
    log_info(session_log(l->s), "outbox.resend", "message %s is unknown to the page", en->id);
    lane_hand(l, en, ENTRY_RESEND, 0);
    lane_next(l);
}

static void on_found(void *arg, const struct err *e, const struct channel_found *f)
{
    struct outbox_lane *l = lane_call_over(arg);
    if (l == NULL) {
        return;
    }
    struct entry *en = l->current;
    if (en->gone) {
        entry_free(en);
        lane_next(l);
    } else if (e != NULL && e->code != E_NOTFOUND) {
        en->tries++;
        lane_hand(l, en, ENTRY_UNSURE, lane_backoff(en->tries, ASK_FIRST_MS, ASK_MOST_MS));
        lane_next(l);
    } else if (e != NULL || !f->found) {
        not_found(l, en);
    } else if (f->ack != 0) {
        lane_ack_of(l, en, f->ack);
    } else {
        en->tries++;
        lane_hand(l, en, ENTRY_WAITING,
                  lane_backoff(en->tries, l->b->cfg.outbox.ack_timeout_ms, LEFT_TO_PAGE_MOST_MS));
        lane_next(l);
    }
}

static void ask(struct outbox_lane *l, struct entry *en)
{
    struct channel *c = session_channel(l->s);
    struct lane_call *call = c != NULL && l->running ? lane_call_create(l) : NULL;
    if (call == NULL) {
        lane_hand(l, en, ENTRY_UNSURE, ASK_FIRST_MS);
        lane_next(l);
        return;
    }
    channel_find_message(c, en->chat, en->id, on_found, call);
}

static void on_unconfirmed(struct step *s, int rc)
{
    struct outbox_lane *l = s->lane;
    struct entry *en = l->current;
    bool over = rc == 0 && (!s->found || en->gone || message_status_done(s->now));
    step_free(s);
    if (over) {
        entry_free(en);
        lane_next(l);
    } else if (rc != 0) {
        lane_hand(l, en, ENTRY_WAITING, ASK_FIRST_MS);
        lane_next(l);
    } else {
        ask(l, en);
    }
}

void lane_look_up(struct outbox_lane *l, struct entry *en)
{
    if (en->state != ENTRY_WAITING) {
        ask(l, en);
        return;
    }
    struct step *s = step_create(l, en->id, MESSAGE_UNCONFIRMED);
    if (s == NULL) {
        lane_hand(l, en, ENTRY_WAITING, ASK_FIRST_MS);
        lane_next(l);
        return;
    }
    s->order = en->order;
    s->done = on_unconfirmed;
    step_submit(s);
}
