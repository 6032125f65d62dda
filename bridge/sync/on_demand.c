/*
 * Older messages of a chat, on demand: those before the oldest that we have.
 *
 * Happy path: asked for -> waits for its turn (one at a time in a session) -> page by page from the
 * oldest message backwards, the phone asked for what the page does not hold -> each page stored
 * without events -> the count or the time is reached, or there is no more -> one event chat.history.
 * Failure modes: the channel goes away, the page or the store refuses: failed, and the reason is
 * shown and told, by one event too; asked for again it goes on from the oldest message that was
 * stored. The event is lost with a store that takes nothing. Jobs are kept in memory: a restart of
 * the daemon forgets them, what they stored stays.
 */
#include "sync_priv.h"

#include "clock.h"
#include "event.h"
#include "json.h"
#include "log.h"
#include "mem.h"

#include <stdlib.h>
#include <string.h>

/* One call or transaction of a job. */
struct errand {
    struct sync *y;
    uint64_t number;
    char *event; /* at the end of the job: its data */
};

static struct history_job *job_of(const struct errand *d)
{
    struct history_job *j = &d->y->jobs[d->number % SYNC_JOBS];
    return j->number == d->number && j->state == JOB_RUNNING ? j : NULL;
}

static struct errand *errand_make(struct sync *y, const struct history_job *j)
{
    struct errand *d = mem_calloc(1, sizeof(*d));
    if (d != NULL) {
        *d = (struct errand){.y = y, .number = j->number};
    }
    return d;
}

static void errand_free(struct errand *d)
{
    free(d->event);
    free(d);
}

/* ---- the end of one ------------------------------------------------------------------------------ */

static int with_event(struct store_txn *t, void *arg)
{
    const struct errand *d = arg;
    struct err e;
    const struct event_draft draft = {
        .tenant = d->y->owner.tenant,
        .session = d->y->owner.session,
        .type = "chat.history",
        .data = d->event,
        .data_len = strlen(d->event),
    };
    return event_append(d->y->b, t, &draft, NULL, &e);
}

/* The last errand of a job: as is what it tells of it. */
static struct errand *errand_last(struct sync *y, const struct history_job *as)
{
    struct errand *d = errand_make(y, as);
    json_t *data = d != NULL ? sync_job_object(as) : NULL;
    char *event = data != NULL ? json_dumps(data, JSON_COMPACT) : NULL;
    json_decref(data);
    if (event == NULL) {
        free(d);
        return NULL;
    }
    d->event = event;
    return d;
}

static void on_failure_told(void *arg, int rc, const struct err *e, const struct inbox_told *told)
{
    struct errand *d = arg;
    struct sync *y = d->y;
    (void)told;
    errand_free(d);
    y->stores--;
    if (rc == 0) {
        event_committed(y->b, y->owner.tenant);
    } else {
        log_warn(session_log(y->s), "sync.history_untold", "%s", e->msg);
    }
    sync_jobs_step(y);
    sync_step_down(y);
}

static void job_fail(struct sync *y, struct history_job *j, const struct err *e)
{
    j->state = JOB_FAILED;
    j->finished_ms = clock_wall_ms();
    err_copy(&j->err, e);
    log_warn(session_log(y->s), "sync.history_failed", "%zu messages so far: %s", j->seen, e->msg);
    struct errand *d = errand_last(y, j);
    const struct inbox_part part = {.with = with_event, .done = on_failure_told, .arg = d};
    if (d != NULL && inbox_store(session_inbox(y->s), &part) == 0) {
        y->stores++;
    } else {
        if (d != NULL) {
            errand_free(d);
        }
        log_warn(session_log(y->s), "sync.history_untold", "out of memory");
    }
}

void sync_jobs_fail(struct sync *y, const struct err *why)
{
    for (size_t n = 0; n < SYNC_JOBS; n++) {
        struct history_job *j = &y->jobs[n];
        if ((j->state == JOB_WAITING || j->state == JOB_RUNNING) && !j->ending) {
            job_fail(y, j, why);
        }
    }
}

static void on_told(void *arg, int rc, const struct err *e, const struct inbox_told *told)
{
    struct errand *d = arg;
    struct sync *y = d->y;
    struct history_job *j = job_of(d);
    (void)told;
    errand_free(d);
    y->stores--;
    if (rc == 0) {
        event_committed(y->b, y->owner.tenant);
    }
    if (j != NULL && rc != 0) {
        job_fail(y, j, e);
    } else if (j != NULL) {
        j->state = JOB_DONE;
    }
    sync_jobs_step(y);
    sync_step_down(y);
}

static void store(struct sync *y, struct history_job *j, struct errand *d,
                  const struct inbox_part *part)
{
    struct err e;
    y->stores++;
    if (d == NULL || inbox_store(session_inbox(y->s), part) != 0) {
        y->stores--;
        if (d != NULL) {
            errand_free(d);
        }
        err_set(&e, E_NOMEM, "out of memory");
        job_fail(y, j, &e);
    }
}

static void finish(struct sync *y, struct history_job *j)
{
    struct history_job done = *j;
    done.state = JOB_DONE;
    done.finished_ms = j->finished_ms = clock_wall_ms();
    j->ending = true;
    struct errand *d = errand_last(y, &done);
    store(y, j, d, &(struct inbox_part){.with = with_event, .done = on_told, .arg = d});
}

/* ---- pages ---------------------------------------------------------------------------------------- */

static void on_page(void *arg, int rc, const struct err *e, const struct inbox_told *told)
{
    struct errand *d = arg;
    struct sync *y = d->y;
    struct history_job *j = job_of(d);
    errand_free(d);
    y->stores--;
    if (j != NULL && rc != 0) {
        job_fail(y, j, e);
    } else if (j != NULL) {
        j->fresh += told->messages_new;
        if (j->last || j->seen >= j->count) {
            finish(y, j);
        }
    }
    sync_jobs_step(y);
    sync_step_down(y);
}

static void store_page(struct sync *y, struct history_job *j,
                       const struct channel_message *messages, size_t count)
{
    struct err e;
    struct errand *d = errand_make(y, j);
    struct channel_event *events = mem_calloc(count + 1, sizeof(*events));
    if (events == NULL) {
        free(d);
        err_set(&e, E_NOMEM, "out of memory");
        job_fail(y, j, &e);
        return;
    }
    for (size_t n = 0; n < count; n++) {
        events[n].kind = CHANNEL_MESSAGE;
        events[n].message = messages[n];
    }
    store(y, j, d,
          &(struct inbox_part){
              .events = events, .count = count, .silent = true, .done = on_page, .arg = d});
    free(events);
}

static void on_history(void *arg, const struct err *e, const struct channel_message *messages,
                       size_t count, const char *next_cursor)
{
    struct errand *d = arg;
    struct sync *y = d->y;
    struct history_job *j = job_of(d);
    errand_free(d);
    y->calls--;
    y->job_asking = false;
    if (j != NULL && e != NULL) {
        job_fail(y, j, e);
    } else if (j != NULL) {
        j->last = next_cursor[0] == '\0' || count == 0;
        j->seen += count;
        if (count > 0) {
            memcpy(j->before.id, messages[0].id, strlen(messages[0].id) + 1);
            j->before.ms = messages[0].time_ms;
            store_page(y, j, messages, count);
        } else {
            finish(y, j);
        }
    }
    sync_jobs_step(y);
    sync_step_down(y);
}

static void ask(struct sync *y, struct history_job *j)
{
    struct err e;
    struct channel *c = session_channel(y->s);
    struct errand *d = c != NULL ? errand_make(y, j) : NULL;
    if (d == NULL) {
        err_word(&e, c != NULL ? E_NOMEM : E_STATE, c != NULL ? NULL : "session_not_ready",
                 c != NULL ? "out of memory" : "the session is not connected to WhatsApp now");
        job_fail(y, j, &e);
        return;
    }
    size_t left = j->count - j->seen;
    y->calls++;
    y->job_asking = true;
    channel_history(
        c,
        &(struct channel_history_of){.chat_id = j->chat,
                                     .since_ms = j->until_ms,
                                     .before_id = j->before.id,
                                     .before_ms = j->before.ms,
                                     .limit = left < SYNC_MESSAGES ? (unsigned)left : SYNC_MESSAGES,
                                     .remote = true},
        on_history, d);
}

/* The oldest that is not finished goes on, when nothing of a job is under way. */
void sync_jobs_step(struct sync *y)
{
    if (y->closing || y->job_asking || y->stores > 0) {
        return; /* what is at the store calls this when it comes back */
    }
    struct history_job *next = NULL;
    for (size_t n = 0; n < SYNC_JOBS; n++) {
        struct history_job *j = &y->jobs[n];
        bool open = j->state == JOB_WAITING || j->state == JOB_RUNNING;
        if (open && (next == NULL || j->number < next->number)) {
            next = j;
        }
    }
    if (next != NULL) {
        next->state = JOB_RUNNING;
        ask(y, next);
    }
}

/* ---- a new one -------------------------------------------------------------------------------------- */

static int on_oldest(void *arg, const struct store_message_ref *ref, struct store_value v)
{
    struct history_job *j = arg;
    json_t *m = message_load(v);
    bool stub = m == NULL || message_is_stub(m);
    json_decref(m);
    if (stub) {
        return 0;
    }
    memcpy(j->before.id, ref->id, sizeof(j->before.id));
    j->before.ms = ref->time_ms;
    return 1;
}

int sync_job_add(struct sync *y, const char *chat, uint64_t until_ms, size_t count,
                 struct history_job **out, struct err *e)
{
    size_t open = 0;
    for (size_t n = 0; n < SYNC_JOBS; n++) {
        const struct history_job *j = &y->jobs[n];
        if (j->state == JOB_WAITING || j->state == JOB_RUNNING) {
            open++;
        }
    }
    struct history_job *j = &y->jobs[(y->job_number + 1) % SYNC_JOBS];
    if (open >= SYNC_JOBS_OPEN || j->state == JOB_WAITING || j->state == JOB_RUNNING) {
        return err_word(e, E_LIMIT, "too_many_jobs",
                        "%d history jobs are not finished yet; ask again when one is",
                        SYNC_JOBS_OPEN);
    }
    struct history_job job = {.state = JOB_WAITING,
                              .number = y->job_number + 1,
                              .until_ms = until_ms,
                              .count = count,
                              .asked_ms = clock_wall_ms()};
    memcpy(job.chat, chat, strlen(chat) + 1);
    struct store_txn *t;
    const struct store_range oldest = {.oldest_first = true};
    int rc = store_read(y->b->store, &t, e);
    if (rc != 0) {
        return rc;
    }
    rc = store_message_list(t, y->owner.tenant, y->owner.session, chat, &oldest, on_oldest, &job);
    store_read_end(t);
    if (rc < 0) {
        return err_set(e, rc, "the messages of the chat cannot be read");
    }
    y->job_number++;
    *j = job;
    *out = j;
    return 0;
}
