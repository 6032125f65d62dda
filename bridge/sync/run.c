/*
 * One run.
 *
 *   turn -> (marks of another account erased: new_account.c) -> step: digests -> chats that
 *        differ, one by one
 *        -> next digests -> … -> all stored -> the session's mark -> end
 *
 * Happy path: step() always does the next thing that can be done: read the next page of the chat in
 * hand, take the next chat, ask for more digests, and when nothing is left and everything is
 * stored, end. One call is under way at a time; while its answer is stored the next one is asked
 * for, with at most SYNC_STORES transactions behind it.
 * Failure modes: the channel fails or goes away, the store refuses: the callers get the error; what
 * was stored has its marks, the next run goes on from there. A chat that the page cannot read is
 * left out, without a mark, and counted; one that gives no answer in time fails the run once and is
 * left out by the next, so that it cannot keep the session from ready. sync_interrupt(): answers
 * that still come bear the number of a run that is over.
 */
#include "run_priv.h"

#include "clock.h"
#include "log.h"
#include "mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct errand *sync_errand_make(struct sync *y)
{
    struct errand *d = mem_calloc(1, sizeof(*d));
    if (d != NULL) {
        d->y = y;
        d->run = y->run.number;
    }
    return d;
}

bool sync_errand_current(const struct errand *d)
{
    return d->y->run.running && !d->y->run.canceled && d->y->run.number == d->run;
}

/* ---- the end ------------------------------------------------------------------------------------ */

static void report_end(struct sync *y, const struct err *e)
{
    struct sync_report *r = &y->run.report;
    r->finished_ms = clock_wall_ms();
    r->duration_ms = clock_mono_ms() - y->run.started_mono;
    err_copy(&r->err, e);
    y->last = *r;
    if (e != NULL) {
        log_warn(session_log(y->s), "sync.failed", "%s (after %zu chats, %zu messages)", e->msg,
                 r->n.chats_opened, r->n.messages_seen);
    } else {
        log_info(session_log(y->s), "sync.done",
                 "%s: %zu chats, %zu opened, %zu messages seen, %zu new, %zu changed, %zu calls, "
                 "%llu ms",
                 r->why, r->n.chats_seen, r->n.chats_opened, r->n.messages_seen, r->n.messages_new,
                 r->n.changes, r->n.calls, (unsigned long long)r->duration_ms);
    }
}

/* All who asked are told, after the run is over for us. */
static void end(struct sync *y, const struct err *e)
{
    struct sync_run_state *run = &y->run;
    size_t joined = run->joined;
    run->running = run->canceled = run->asking = false;
    run->joined = 0;
    free(run->list_cursor);
    free(run->chat_cursor);
    free(run->todo);
    run->list_cursor = run->chat_cursor = NULL;
    run->todo = NULL;
    run->todo_count = run->todo_at = 0;
    report_end(y, e);
    sync_schedule(y);
    inbox_release(session_inbox(y->s), e == NULL);
    for (size_t n = 0; n < joined; n++) {
        run->join[n].done(run->join[n].arg, e);
    }
}

void sync_run_fail(struct sync *y, int code, const char *why)
{
    struct err e;
    err_set(&e, code, "catch-up: %s", why);
    end(y, &e);
}

void sync_run_abandon(struct sync *y, const struct err *why)
{
    if (y->run.running) {
        (void)uv_timer_stop(&y->turn);
        end(y, why);
    }
}

/* ---- storing ------------------------------------------------------------------------------------ */

static int with_mark(struct store_txn *t, void *arg)
{
    const struct errand *d = arg;
    const struct message_owner *o = &d->y->owner;
    return d->ends ? session_mark_save(t, o, &d->session)
                   : chat_mark_save(t, o, d->chat, &d->mark);
}

static void on_part(void *arg, int rc, const struct err *e, const struct inbox_told *told)
{
    struct errand *d = arg;
    struct sync *y = d->y;
    bool current = sync_errand_current(d), ends = d->ends;
    y->stores--;
    if (current) {
        y->run.stores--;
        y->run.report.n.messages_new += told->messages_new;
        y->run.report.n.changes += told->changes;
    }
    free(d);
    if (current && rc != 0) {
        sync_run_fail(y, rc, e->code != 0 ? e->msg : err_name(rc));
    } else if (current && ends) {
        end(y, NULL);
    } else if (current) {
        sync_run_step(y);
    }
    sync_jobs_step(y); /* it waits while anything is at the store */
    sync_step_down(y);
}

/* Takes d. False: the run is over. */
static bool store_part(struct sync *y, struct errand *d, const struct channel_event *events,
                       size_t count)
{
    const struct inbox_part part = {
        .events = events,
        .count = count,
        .floor_ms = y->run.mark.floor,
        .with = with_mark,
        .done = on_part,
        .arg = d,
    };
    y->stores++;
    y->run.stores++;
    int rc = inbox_store(session_inbox(y->s), &part);
    if (rc != 0) {
        y->stores--;
        free(d);
        sync_run_fail(y, rc, "out of memory");
    }
    return rc == 0;
}

/* How the chat is now, beside its messages. content: at least 160 bytes. */
static struct channel_event state_event(const struct sync_todo *todo, char *content, size_t size)
{
    const struct chat_mark *now = &todo->now;
    (void)snprintf(content, size,
                   "{\"unread\":%u,\"archived\":%s,\"pinned\":%s,\"muted_until_ms\":%llu}",
                   now->unread, now->archived ? "true" : "false", now->pinned ? "true" : "false",
                   (unsigned long long)now->muted_until_ms);
    return (struct channel_event){
        .kind = CHANNEL_CHAT,
        .chat = {.id = todo->chat, .phone = todo->phone, .lid = todo->lid, .name = todo->name},
        .message_id = "",
        .content = content,
    };
}

static struct sync_todo *in_hand(struct sync *y)
{
    return &y->run.todo[y->run.todo_at];
}

/* One page of the chat in hand, with its last one how the chat is. False: the run is over. */
static bool store_page(struct sync *y, const struct channel_message *messages, size_t count,
                       bool last)
{
    struct sync_todo *todo = in_hand(y);
    char content[192];
    struct errand *d = sync_errand_make(y);
    struct channel_event *events = d != NULL ? mem_calloc(count + 1, sizeof(*events)) : NULL;
    if (events == NULL) {
        free(d);
        sync_run_fail(y, E_NOMEM, "out of memory");
        return false;
    }
    uint64_t now = clock_wall_ms(), newest = todo->was.ms;
    for (size_t n = 0; n < count; n++) {
        uint64_t ms = messages[n].time_ms;
        events[n].kind = CHANNEL_MESSAGE;
        events[n].message = messages[n];
        newest = ms > newest && ms <= now ? ms : newest;
    }
    todo->was.ms = newest;
    if (last) {
        events[count++] = state_event(todo, content, sizeof(content));
        d->mark = todo->now;
        d->mark.ms = newest > todo->now.last_ms || todo->now.last_ms > now ? newest
                                                                          : todo->now.last_ms;
    } else {
        d->mark = todo->was;
        d->mark.partial = true;
    }
    memcpy(d->chat, todo->chat, sizeof(d->chat));
    bool going = store_part(y, d, events, count);
    free(events);
    return going;
}

/* ---- asking ------------------------------------------------------------------------------------- */

static bool chat_is_at_fault(struct sync *y, const struct err *e)
{
    const char *chat = in_hand(y)->chat;
    if (e->code == E_TIMEOUT) {
        bool again = strcmp(y->stuck, chat) == 0;
        (void)snprintf(y->stuck, sizeof(y->stuck), "%s", chat);
        return again;
    }
    return e->code == E_NOTFOUND || e->code == E_PROTO || e->code == E_TOOLARGE ||
           e->code == E_INVALID;
}

static void next_chat(struct sync *y)
{
    free(y->run.chat_cursor);
    y->run.chat_cursor = NULL;
    y->run.todo_at++;
}

static void on_history(void *arg, const struct err *e, const struct channel_message *messages,
                       size_t count, const char *next_cursor)
{
    struct errand *d = arg;
    struct sync *y = d->y;
    bool current = sync_errand_current(d);
    free(d);
    y->calls--;
    if (!current) {
        sync_step_down(y);
        return;
    }
    y->run.asking = false;
    if (e != NULL && chat_is_at_fault(y, e)) {
        log_warn(session_log(y->s), "sync.chat_failed", "a chat was left out: %s", e->msg);
        y->run.report.n.chats_failed++;
        next_chat(y);
        sync_run_step(y);
        return;
    }
    if (e != NULL) {
        end(y, e);
        return;
    }
    bool last = next_cursor[0] == '\0';
    y->run.report.n.messages_seen += count;
    if (!store_page(y, messages, count, last)) {
        return;
    }
    if (last) {
        next_chat(y);
    } else {
        free(y->run.chat_cursor);
        y->run.chat_cursor = mem_strdup(next_cursor);
        if (y->run.chat_cursor == NULL) {
            sync_run_fail(y, E_NOMEM, "out of memory");
            return;
        }
    }
    sync_run_step(y);
}

static void ask_history(struct sync *y, struct channel *c, struct errand *d)
{
    const struct sync_todo *todo = in_hand(y);
    y->run.report.n.chats_opened += y->run.chat_cursor == NULL;
    channel_history(c,
                    &(struct channel_history_of){.chat_id = todo->chat,
                                                 .since_ms = todo->since_ms,
                                                 .recent = todo->known,
                                                 .limit = SYNC_MESSAGES,
                                                 .cursor = y->run.chat_cursor},
                    on_history, d);
}

static void on_digests(void *arg, const struct err *e, const struct channel_digest *chats,
                       size_t count, const char *next_cursor)
{
    struct errand *d = arg;
    struct sync *y = d->y;
    struct err why;
    bool current = sync_errand_current(d);
    free(d);
    y->calls--;
    if (!current) {
        sync_step_down(y);
        return;
    }
    y->run.asking = false;
    free(y->run.list_cursor);
    y->run.list_cursor = NULL;
    if (e == NULL && sync_compare(y, chats, count, &why) != 0) {
        e = &why;
    }
    if (e == NULL && next_cursor[0] != '\0' &&
        (y->run.list_cursor = mem_strdup(next_cursor)) == NULL) {
        err_set(&why, E_NOMEM, "out of memory");
        e = &why;
    }
    if (e != NULL) {
        end(y, e);
        return;
    }
    y->run.report.n.chats_seen += count;
    y->run.listed = next_cursor[0] == '\0';
    sync_run_step(y);
}

static void ask(struct sync *y)
{
    struct channel *c = session_channel(y->s);
    struct errand *d = c != NULL ? sync_errand_make(y) : NULL;
    if (d == NULL) {
        sync_run_fail(y, c != NULL ? E_NOMEM : E_STATE,
             c != NULL ? "out of memory" : "the session has no channel now");
        return;
    }
    y->calls++;
    y->run.asking = true;
    y->run.report.n.calls++;
    if (y->run.todo_at < y->run.todo_count) {
        ask_history(y, c, d);
    } else {
        channel_digests(c, SYNC_DIGESTS, y->run.deep_since_ms, y->run.list_cursor, on_digests, d);
    }
}

/* Everything is stored: the session's mark, and with that the run ends. */
static void finish(struct sync *y)
{
    struct errand *d = sync_errand_make(y);
    if (d == NULL) {
        sync_run_fail(y, E_NOMEM, "out of memory");
        return;
    }
    d->ends = true;
    d->session = y->run.mark;
    if (y->run.report.n.chats_failed == 0) {
        d->session.ms = y->run.report.started_ms;
    }
    (void)store_part(y, d, NULL, 0);
}

void sync_run_step(struct sync *y)
{
    struct sync_run_state *run = &y->run;
    while (run->running && !run->canceled && !run->asking && run->stores < SYNC_STORES) {
        bool more = run->todo_at < run->todo_count;
        if (more && !in_hand(y)->open) {
            if (!store_page(y, NULL, 0, true)) {
                return;
            }
            next_chat(y);
        } else if (more || !run->listed) {
            ask(y);
            return;
        } else {
            if (run->stores == 0) {
                finish(y);
            }
            return;
        }
    }
}

/* ---- the beginning ------------------------------------------------------------------------------ */

void sync_turn(uv_timer_t *t)
{
    struct sync *y = t->data;
    struct err e;
    if (y->run.canceled) {
        sync_run_fail(y, E_CANCELED, "the channel went away");
        return;
    }
    int rc = sync_mark_open(y, &e);
    if (!inbox_complete(session_inbox(y->s))) {
        uint64_t since = y->run.mark.ms != 0 ? y->run.mark.ms : y->run.mark.floor;
        y->run.deep_since_ms = since > SYNC_DEEP_MS ? since - SYNC_DEEP_MS : 1;
    }
    if (rc < 0) {
        end(y, &e);
    } else if (rc > 0) {
        sync_new_account(y);
    } else {
        sync_run_step(y);
    }
}

void sync_run(struct sync *y, void (*done)(void *arg, const struct err *e), void *arg)
{
    struct sync_run_state *run = &y->run;
    if (run->joined == SYNC_JOIN_MAX) {
        log_error(session_log(y->s), "sync.run", "too many wait for one run");
        abort(); /* the session is the only caller and asks once at a time */
    }
    run->join[run->joined].done = done;
    run->join[run->joined].arg = arg;
    run->joined++;
    if (run->running) {
        return;
    }
    run->running = true;
    run->canceled = run->asking = run->listed = false;
    run->number++;
    run->stores = 0;
    run->deep_since_ms = 0;
    run->started_mono = clock_mono_ms();
    memset(&run->report, 0, sizeof(run->report));
    run->report.started_ms = clock_wall_ms();
    (void)snprintf(run->report.why, sizeof(run->report.why), "%s",
                   y->wanted && y->why[0] != '\0' ? y->why : "the session became ready");
    y->wanted = false;
    inbox_hold(session_inbox(y->s));
    (void)uv_timer_start(&y->turn, sync_turn, 0, 0);
}

void sync_interrupt(struct sync *y)
{
    struct err e;
    inbox_doubt(session_inbox(y->s));
    err_word(&e, E_CANCELED, "interrupted", "the connection to WhatsApp went away");
    sync_jobs_fail(y, &e);
    if (y->run.running && !y->run.canceled) {
        y->run.canceled = true;
        (void)uv_timer_start(&y->turn, sync_turn, 0, 0);
    }
}
