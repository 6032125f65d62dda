/*
 * The life of a lane, and what others tell it. How it works through its queue: lane_queue.c.
 */
#include "outbox_priv.h"

#include "alert.h"
#include "clock.h"
#include "event.h"
#include "log.h"
#include "mem.h"
#include "meters.h"

#include <stdlib.h>
#include <string.h>

int outbox_lane_create(struct session *s, struct outbox_lane **out, struct err *e)
{
    struct outbox_lane *l = mem_calloc(1, sizeof(*l));
    if (l == NULL) {
        return err_set(e, E_NOMEM, "out of memory");
    }
    l->s = s;
    l->b = session_bridge(s);
    message_owner_set(&l->owner, session_tenant(s), session_id(s));
    list_init(&l->window);
    list_init(&l->handed);
    list_init(&l->refused);
    pacing_init(&l->pacing, l->b->cfg.outbox.per_minute, l->b->cfg.outbox.burst,
                l->b->cfg.outbox.jitter_percent);
    l->more = true;
    l->next_expiry_ms = 0; /* not known: the first sweep finds out */
    (void)uv_timer_init(l->b->loop, &l->timer);
    l->timer.data = l;
    l->timer_open = true;
    (void)uv_timer_start(&l->timer, lane_on_timer, 0, 0);
    *out = l;
    return 0;
}

/* ---- closing -----------------------------------------------------------------------------------
 */

static void free_entries(struct list *entries)
{
    struct list *it;
    while ((it = list_pop(entries)) != NULL) {
        entry_free(LIST_ENTRY(it, struct entry, link));
    }
}

void lane_finish_close(struct outbox_lane *l)
{
    if (!l->closing || l->steps > 0 || l->sweeping || l->timer_open) {
        return;
    }
    free_entries(&l->window);
    free_entries(&l->handed);
    entry_free(l->current);
    struct list *it;
    while ((it = list_pop(&l->refused)) != NULL) {
        step_free(LIST_ENTRY(it, struct step, link));
    }
    void (*on_closed)(void *arg) = l->on_closed;
    void *arg = l->closed_arg;
    free(l);
    on_closed(arg);
}

static void on_timer_closed(uv_handle_t *h)
{
    struct outbox_lane *l = h->data;
    l->timer_open = false;
    lane_finish_close(l);
}

void outbox_lane_close(struct outbox_lane *l, void (*on_closed)(void *arg), void *arg)
{
    l->closing = true;
    l->running = false;
    l->on_closed = on_closed;
    l->closed_arg = arg;
    if (l->call != NULL) {
        l->call->lane = NULL; /* inert: its answer frees it */
        l->call = NULL;
    }
    uv_close((uv_handle_t *)&l->timer, on_timer_closed);
}

/* ---- calls and steps
 * ------------------------------------------------------------------------------ */

struct lane_call *lane_call_create(struct outbox_lane *l)
{
    struct lane_call *c = mem_calloc(1, sizeof(*c));
    if (c != NULL) {
        c->lane = l;
        l->call = c;
    }
    return c;
}

struct outbox_lane *lane_call_over(struct lane_call *c)
{
    struct outbox_lane *l = c->lane;
    if (l != NULL) {
        l->call = NULL;
    }
    free(c);
    return l;
}

/* Acked or failed: nothing of it is left to do. */
static void drop(struct outbox_lane *l, const char *id)
{
    if (l->current != NULL && strcmp(l->current->id, id) == 0) {
        l->current->gone = true;
        return;
    }
    LIST_FOREACH(&l->handed, it, next)
    {
        struct entry *en = LIST_ENTRY(it, struct entry, link);
        if (strcmp(en->id, id) == 0) {
            list_remove(&en->link);
            l->handed_count--;
            entry_free(en);
            return;
        }
    }
}

bool lane_step_over(struct step *s, int rc)
{
    struct outbox_lane *l = s->lane;
    l->steps--;
    if (rc == 0 && s->changed) {
        event_committed(l->b, l->owner.tenant);
        outbox_notify(l->b->outbox, &l->owner, s->id, s->now);
        meter_messages(l->owner.tenant, l->owner.session, message_status_name(s->to),
                       s->error_code != NULL ? s->error_code : "", 1);
        if (s->to == MESSAGE_SENT) {
            alert_sent(l->b, session_counts(l->s), 1);
        } else if (s->to == MESSAGE_FAILED) {
            alert_send_failed(l->b, session_counts(l->s), s->error_code, 1);
        }
        session_touch(l->s);
    }
    if (rc == 0 && s->found && message_status_done(s->now)) {
        drop(l, s->id);
    }
    if (l->closing) {
        step_free(s);
        lane_finish_close(l);
        return false;
    }
    return true;
}

/* ---- from outside
 * --------------------------------------------------------------------------------------------- */

void lane_accepted(struct outbox_lane *l, uint64_t expires_ms)
{
    if (expires_ms < l->next_expiry_ms) {
        l->next_expiry_ms = expires_ms;
    }
    l->more = true;
    if (l->current == NULL) {
        lane_pump(l);
    }
    session_needed(l->s);
}

void outbox_lane_accepted(struct outbox_lane *l, uint64_t expires_ms)
{
    lane_accepted(l, expires_ms);
}

void outbox_lane_resume(struct outbox_lane *l)
{
    if (l->closing) {
        return;
    }
    uint64_t now = clock_mono_ms();
    l->running = true;
    l->retry_ms = 0;
    memset(l->resolved, 0, sizeof(l->resolved)); /* this page may know them otherwise */
    for (struct list *it = l->handed.next; it != &l->handed; it = it->next) {
        struct entry *en = LIST_ENTRY(it, struct entry, link);
        en->state = entry_state_known(en);
        en->settling = false;
        en->tries = en->misses = 0;
        en->due_ms = now;
    }
    lane_pump(l);
}

void outbox_lane_pause(struct outbox_lane *l)
{
    l->running = false; /* a call on its way comes back by itself, with an error or without */
    if (!l->closing) {
        lane_pump(l);
    }
}

static void on_acked(struct step *s, int rc)
{
    struct outbox_lane *l = s->lane;
    if (rc != 0) {
        log_warn(session_log(l->s), "outbox.ack_waiting", "an ack is not stored yet (%s)",
                 err_name(rc));
        if (list_empty(&l->refused)) {
            l->refused_ms = clock_mono_ms();
        }
        list_append(&l->refused, &s->link);
    } else {
        l->acks--;
        step_free(s);
    }
    lane_pump(l);
}

void outbox_lane_ack(struct outbox_lane *l, const char *chat_id, const char *message_id, int ack,
                     const char *participant, uint64_t time_ms)
{
    enum message_status to;
    (void)chat_id;     /* message ids are ours and random: one is enough */
    (void)participant; /* the first participant moves the message on, see status.c */
    size_t len = message_id != NULL ? strnlen(message_id, STORE_MAX_ID + 1) : 0;
    if (l->closing || len < 1 || len > STORE_MAX_ID || !message_status_of_ack(ack, &to)) {
        return;
    }
    struct step *s = l->acks < LANE_ACKS_MAX ? step_create(l, message_id, to) : NULL;
    if (s == NULL) {
        session_resync(l->s, "more acks came than could be stored");
        return;
    }
    if (time_ms != 0 && time_ms < s->at_ms) {
        s->at_ms = time_ms;
    }
    if (to == MESSAGE_FAILED) {
        s->error_code = "rejected";
        memcpy(s->error_detail, "WhatsApp refused the message", 29);
    }
    s->done = on_acked;
    l->acks++;
    step_submit(s);
}
