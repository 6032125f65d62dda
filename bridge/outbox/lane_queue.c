/*
 * The queue of one session, one thing at a time.
 *
 *   queued --resolve--> (chat known) --commit--> submitted --send--> WAITING --ack--> gone
 *      ^                    |                        |                  | no ack in time
 *      |  DEFERRED <-- not now                       | no answer        v
 *      |                                             +------------> UNSURE --look up-+
 *      |                                                               ^             |
 *      |                                                RESEND <-- unknown <---------+--> found:
 *      +-- (never back: once handed, an entry is looked up before any new try)            WAITING
 *
 * Happy path: lane_pump() takes the first queued entry when the pacing allows, lane_send() takes it
 * to the far end, and the next starts when that call was answered; acks come by themselves and
 * delete entries. At most LANE_WINDOW queued entries are in memory, whatever the queue's length.
 * Failure modes: not ready: the lane rests, nothing is lost, what expires in the queue fails at its
 * time (a wall clock that jumped ahead is not believed at once). A call fails: lane_put_back() or ENTRY_UNSURE, with backoff. While an entry is unsure or to
 * be sent again, the queue behind it waits, so that the order holds; behind a file that the page is
 * still uploading only its chat waits. After TRIES_BEFORE_PASSED tries others may pass it. Death at
 * any point: the store knows `queued` or `handed`, and what was handed is looked up first.
 */
#include "outbox_priv.h"

#include "clock.h"
#include "log.h"

#include <stdlib.h>
#include <string.h>

#define TRIES_BEFORE_PASSED 5
#define RETRY_FIRST_MS 1000
#define RETRY_MOST_MS 60000
#define SWEEP_GAP_MS 1000
#define BEHIND_FILE_MS 250
#define DOUBT_MS 5000 /* a clock that jumped is looked at this often */

/* ---- entries change places
 * ---------------------------------------------------------------------------- */

uint64_t lane_backoff(unsigned tries, uint64_t first_ms, uint64_t most_ms)
{
    uint64_t ms = first_ms;
    for (unsigned i = 1; i < tries && ms < most_ms; i++) {
        ms *= 2;
    }
    return ms < most_ms ? ms : most_ms;
}

bool lane_expired(const struct entry *en)
{
    return en->expires_ms <= clock_sure_ms();
}

/* The wall clock says that it expired, but may have jumped: neither sent nor failed until that is
 * known. Others may pass it. */
static bool doubtful(const struct entry *en)
{
    return en->expires_ms <= clock_wall_ms() && !lane_expired(en);
}

void lane_next(struct outbox_lane *l)
{
    l->current = NULL;
    lane_pump(l);
}

void lane_hand(struct outbox_lane *l, struct entry *en, unsigned state, uint64_t delay_ms)
{
    en->state = state;
    en->due_ms = clock_mono_ms() + delay_ms;
    struct list *at = l->handed.next; /* in order of acceptance */
    while (at != &l->handed && LIST_ENTRY(at, struct entry, link)->order < en->order) {
        at = at->next;
    }
    list_append(at, &en->link);
    l->handed_count++;
}

void lane_put_back(struct outbox_lane *l, struct entry *en, bool of_its_own)
{
    en->tries += of_its_own;
    uint64_t delay = lane_backoff(en->tries, RETRY_FIRST_MS, RETRY_MOST_MS);
    if (en->gone) {
        entry_free(en);
    } else if (en->handed) {
        lane_hand(l, en, en->state == ENTRY_WAITING ? entry_state_known(en) : en->state, delay);
    } else if (en->tries >= TRIES_BEFORE_PASSED) {
        lane_hand(l, en, ENTRY_DEFERRED, delay);
    } else {
        list_prepend(&l->window, &en->link);
        l->window_count++;
        l->retry_ms = clock_mono_ms() + delay;
    }
    lane_next(l);
}

/* ---- a status that the lane itself decides
 * -------------------------------------------------------------- */

static void on_decided(struct step *s, int rc)
{
    struct outbox_lane *l = s->lane;
    struct entry *en = l->current;
    step_free(s);
    if (rc != 0) {
        lane_put_back(l, en, false);
        return;
    }
    entry_free(en);
    lane_next(l);
}

static void decide(struct outbox_lane *l, struct entry *en, enum message_status to,
                   const char *code, const char *detail)
{
    struct step *s = step_create(l, en->id, to);
    if (s == NULL) {
        lane_put_back(l, en, false);
        return;
    }
    s->order = en->order;
    if (code != NULL) {
        s->error_code = code;
        memcpy(s->error_detail, detail, strnlen(detail, sizeof(s->error_detail) - 1));
        log_info(session_log(l->s), "outbox.failed", "message %s: %s", en->id, code);
    }
    s->done = on_decided;
    step_submit(s);
}

void lane_fail(struct outbox_lane *l, struct entry *en, const char *code, const char *detail)
{
    decide(l, en, MESSAGE_FAILED, code, detail);
}

void lane_ack_of(struct outbox_lane *l, struct entry *en, int ack)
{
    enum message_status to;
    if (!message_status_of_ack(ack, &to) || to == MESSAGE_FAILED) {
        lane_fail(l, en, "rejected", "WhatsApp refused the message");
        return;
    }
    decide(l, en, to, NULL, NULL);
}

/* ---- what is next
 * ------------------------------------------------------------------------------------------ */

/* Not known to have reached the far end, but to be taken there soon: what comes after it waits. */
static bool is_open(const struct entry *en)
{
    bool open = en->state == ENTRY_UNSURE || (en->state == ENTRY_RESEND && !doubtful(en));
    return open && en->tries < TRIES_BEFORE_PASSED;
}

/* The page uploads a file by itself once it has taken it; what follows in its chat would overtake.
 */
static bool behind_a_file(const struct outbox_lane *l, const struct entry *en)
{
    const struct resolved *to = lane_resolved(l, en->to);
    for (const struct list *it = l->handed.next; it != &l->handed; it = it->next) {
        const struct entry *file =
            (const struct entry *)(const void *)((const char *)it - offsetof(struct entry, link));
        if (file->with_file && file->state == ENTRY_WAITING && file->order < en->order &&
            file->tries < TRIES_BEFORE_PASSED &&
            (strcmp(file->to, en->to) == 0 ||
             (to != NULL && strcmp(file->chat, to->chat.id) == 0))) {
            return true;
        }
    }
    return false;
}

/* The handed entry that is due first in order of acceptance, taken out. Any may be looked up; what
 * would be sent waits for an open one before it. */
static struct entry *take_due(struct outbox_lane *l, uint64_t now)
{
    uint64_t open_until = 0;
    LIST_FOREACH(&l->handed, it, next)
    {
        struct entry *en = LIST_ENTRY(it, struct entry, link);
        bool sends = en->state == ENTRY_RESEND || en->state == ENTRY_DEFERRED;
        if (en->due_ms <= now && sends && !lane_expired(en)) {
            uint64_t wait = pacing_wait(&l->pacing, now);
            wait = wait == 0 && behind_a_file(l, en) ? BEHIND_FILE_MS : wait;
            wait = doubtful(en) ? DOUBT_MS : wait;
            en->due_ms = open_until > now ? open_until : now + wait;
        }
        if (en->due_ms <= now) {
            list_remove(&en->link);
            l->handed_count--;
            return en;
        }
        if (is_open(en) && en->due_ms > open_until) {
            open_until = en->due_ms;
        }
    }
    return NULL;
}

/* An earlier entry must go first. */
static bool blocked(const struct outbox_lane *l)
{
    for (const struct list *it = l->handed.next; it != &l->handed; it = it->next) {
        const struct entry *en =
            (const struct entry *)(const void *)((const char *)it - offsetof(struct entry, link));
        if (is_open(en)) {
            return true;
        }
    }
    return l->handed_count >= LANE_HANDED_MAX;
}

static int on_entry(void *arg, uint64_t order, const char *message_id, uint64_t expires_ms,
                    struct store_value v)
{
    struct outbox_lane *l = arg;
    l->last_order = order;
    struct entry *en = entry_read(order, message_id, expires_ms, v);
    if (en == NULL) {
        log_error(session_log(l->s), "outbox.unreadable", "entry of message %s", message_id);
        return 0;
    }
    if (en->handed) {
        lane_hand(l, en, entry_state_known(en), 0);
    } else {
        list_append(&l->window, &en->link);
        l->window_count++;
    }
    if (l->window_count >= LANE_WINDOW || l->handed_count >= LANE_HANDED_MAX) {
        return 1;
    }
    return 0;
}

/* Reads on in the queue. Entries that an earlier run handed over come first: they are older. */
static void refill(struct outbox_lane *l)
{
    struct store_txn *t;
    struct err e;
    if (store_read(l->b->store, &t, &e) != 0) {
        l->retry_ms = clock_mono_ms() + RETRY_FIRST_MS;
        return;
    }
    int rc = store_outbox_list(t, l->owner.tenant, l->owner.session, l->last_order, on_entry, l);
    store_read_end(t);
    if (rc != 0) {
        log_error(session_log(l->s), "outbox.unreadable", "the queue cannot be read (%s)",
                  err_name(rc));
        l->retry_ms = clock_mono_ms() + RETRY_MOST_MS;
    }
    l->more = rc != 0 || l->window_count >= LANE_WINDOW || l->handed_count >= LANE_HANDED_MAX;
}

/* Was another account linked to the session since? What was meant to come from one number must
 * not come from another, and only the account that was handed it knows what became of it. */
static bool account_changed(const struct outbox_lane *l, const struct entry *en)
{
    struct person now;
    session_person(l->s, &now);
    return en->account[0] != '\0' && now.id[0] != '\0' && strcmp(en->account, now.id) != 0;
}

static void work_on(struct outbox_lane *l, struct entry *en)
{
    l->current = en;
    if (account_changed(l, en)) {
        lane_fail(l, en, "account_changed",
                  en->handed ? "another account was linked before WhatsApp acknowledged it; it may "
                               "have been sent"
                             : "another account was linked before it was sent; send it again if "
                               "it is to come from that one");
    } else if (en->state == ENTRY_WAITING || en->state == ENTRY_UNSURE) {
        lane_look_up(l, en);
    } else if (lane_expired(en)) {
        lane_fail(l, en, "expired", "it was not sent before its expires_at");
    } else {
        lane_send(l, en);
    }
}

/* The first queued entry that may go; NULL: none. */
static struct entry *first_queued(struct outbox_lane *l)
{
    LIST_FOREACH(&l->window, it, next)
    {
        struct entry *en = LIST_ENTRY(it, struct entry, link);
        if (!behind_a_file(l, en) && !doubtful(en)) {
            return en;
        }
    }
    return NULL;
}

static void start_next(struct outbox_lane *l, uint64_t now)
{
    if (list_empty(&l->window) && l->more && l->retry_ms <= now &&
        l->handed_count < LANE_HANDED_MAX) {
        refill(l);
    }
    struct entry *en = take_due(l, now);
    if (en == NULL && l->retry_ms <= now && !blocked(l)) {
        struct entry *first = first_queued(l);
        if (first != NULL && (lane_expired(first) || pacing_wait(&l->pacing, now) == 0)) {
            list_remove(&first->link);
            l->window_count--;
            en = first;
        }
    }
    if (en != NULL) {
        work_on(l, en);
    }
}

static void sooner(uint64_t *delay, uint64_t at, uint64_t now)
{
    uint64_t ms = at > now ? at - now : 0;
    *delay = ms < *delay ? ms : *delay;
}

static void arm(struct outbox_lane *l, uint64_t now)
{
    uint64_t delay = UINT64_MAX;
    if (l->next_expiry_ms != UINT64_MAX && !l->sweeping) {
        uint64_t wall = clock_sure_ms();
        uint64_t in = l->next_expiry_ms > wall ? l->next_expiry_ms - wall : 0;
        uint64_t gap = l->last_sweep_ms + SWEEP_GAP_MS;
        sooner(&delay, now + in > gap ? now + in : gap, now);
    }
    if (!list_empty(&l->refused)) {
        sooner(&delay, l->refused_ms + RETRY_FIRST_MS, now);
    }
    if (l->shown_until_ms != 0) {
        sooner(&delay, l->shown_until_ms, now);
    }
    if (l->running && l->current == NULL) {
        for (struct list *it = l->handed.next; it != &l->handed; it = it->next) {
            sooner(&delay, LIST_ENTRY(it, struct entry, link)->due_ms, now);
        }
        bool waits = list_empty(&l->window) ? l->more && l->handed_count < LANE_HANDED_MAX
                                            : first_queued(l) != NULL;
        if (waits && !blocked(l)) {
            uint64_t paced = now + pacing_wait(&l->pacing, now);
            sooner(&delay, paced > l->retry_ms ? paced : l->retry_ms, now);
        } else if (!list_empty(&l->window)) {
            sooner(&delay, now + DOUBT_MS, now);
        }
    }
    if (delay == UINT64_MAX) {
        (void)uv_timer_stop(&l->timer);
    } else {
        (void)uv_timer_start(&l->timer, lane_on_timer, delay > 0 ? delay : 1, 0);
    }
}

void lane_pump(struct outbox_lane *l)
{
    if (l->closing) {
        return;
    }
    uint64_t now = clock_mono_ms();
    if (!l->sweeping && l->next_expiry_ms <= clock_sure_ms() &&
        (l->last_sweep_ms == 0 || now >= l->last_sweep_ms + SWEEP_GAP_MS)) {
        lane_sweep(l);
    }
    if (l->running && l->current == NULL) {
        start_next(l, now);
    }
    arm(l, now);
}

void lane_on_timer(uv_timer_t *t)
{
    struct outbox_lane *l = t->data;
    struct list refused;
    list_init(&refused);
    struct list *it;
    while ((it = list_pop(&l->refused)) != NULL) {
        list_append(&refused, it);
    }
    while ((it = list_pop(&refused)) != NULL) {
        step_submit(LIST_ENTRY(it, struct step, link));
    }
    if (l->shown_until_ms != 0 && clock_mono_ms() >= l->shown_until_ms) {
        lane_shown(l);
    }
    lane_pump(l);
}
