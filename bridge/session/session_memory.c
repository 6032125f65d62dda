/*
 * What the browsers cost: all of them are measured together on libuv's pool, every sample_ms; the
 * next round is ordered when one has ended, so a slow machine is measured less often, never twice
 * at once. A session's numbers are those of the browser that it has now. What is done about one
 * that takes too much is decided in memory/budget.c.
 *
 * Before a browser starts it must fit (memory/admission.c). One that does not waits in RUN_BACKOFF
 * and asks again after each sample_ms, and at once when another browser has ended.
 */
#include "session_priv.h"

#include "admission.h"
#include "clock.h"
#include "core_priv.h"
#include "json.h"
#include "mem.h"

#include <stdio.h>
#include <stdlib.h>

static void on_timer(uv_timer_t *t);

static void again(struct sessions *all)
{
    if (!all->closing) {
        (void)uv_timer_start(&all->sampler.timer, on_timer, all->b->cfg.memory.sample_ms, 0);
    }
}

/* ---- too much ----------------------------------------------------------------------------- */

#define MIB(n) ((unsigned long long)((n) >> 20))

static void weigh(struct session *s)
{
    const struct bridge_config *c = &s->b->cfg;
    const struct budget_limits l = {.soft_bytes = c->memory.soft_bytes,
                                    .hard_bytes = c->memory.hard_bytes,
                                    .hold_ms = c->memory.hold_ms};
    char why[REASON_MAX];
    if (s->phase != RUN_PAGE || !s->page || s->quitting || s->freeing || s->deleting) {
        return;
    }
    bool idle = page_idle(s->page) && !s->catching_up;
    unsigned long long size = MIB(s->usage.memory_bytes);
    switch (budget_sample(&s->budget, &l, s->usage.memory_bytes, idle, clock_mono_ms())) {
    case BUDGET_NONE:
        break;
    case BUDGET_COLLECT:
        log_info(&s->log, "memory.collect", "the browser takes %llu MiB, more than %llu ([memory] "
                 "soft_mb): garbage is collected", size, MIB(l.soft_bytes));
        page_collect_garbage(s->page);
        break;
    case BUDGET_RELOAD:
        (void)snprintf(why, sizeof(why), "the browser takes %llu MiB, more than %llu ([memory] "
                       "soft_mb): the page is loaded again", size, MIB(l.soft_bytes));
        session_refresh(s, WHY_BROWSER_TOO_LARGE, why);
        break;
    case BUDGET_RESTART:
        (void)snprintf(why, sizeof(why), "the browser takes %llu MiB, more than %llu ([memory] "
                       "hard_mb): it is restarted", size, MIB(l.hard_bytes));
        session_renew(s, WHY_BROWSER_TOO_LARGE, why);
        break;
    }
}

/* ---- room for another --------------------------------------------------------------------- */

static void count_browsers(const struct session *asking, struct admission *a)
{
    struct sessions *all = asking->all;
    uint64_t *sizes = all->count > 0 ? mem_calloc(all->count, sizeof(*sizes)) : NULL;
    size_t n = 0;
    LIST_FOREACH(&all->all, node, next)
    {
        const struct session *s = LIST_ENTRY(node, struct session, link);
        bool runs = s != asking && s->browser;
        a->running += runs;
        a->unmeasured += runs && s->sampled_ms == 0;
        if (sizes && runs && s->sampled_ms != 0) {
            sizes[n++] = s->usage.memory_bytes;
        }
    }
    a->estimate_bytes = admission_estimate(sizes, n);
    free(sizes);
}

bool session_admit(struct session *s)
{
    const struct bridge_config *c = &s->b->cfg;
    struct err e;
    if (c->browser.attach) {
        return true; /* it runs already, elsewhere */
    }
    struct admission a = {.available_bytes = admission_available("/proc", "/sys/fs/cgroup"),
                          .reserve_bytes = c->memory.reserve_bytes,
                          .max_browsers = c->memory.max_browsers};
    count_browsers(s, &a);
    enum session_status now = session_status(s);
    if (admission_check(&a, &e) == 0) {
        if (s->no_room && now == SESSION_STARTING) {
            session_move(s, SESSION_STARTING, WHY_NONE, "%s", "");
        }
        s->no_room = false;
        return true;
    }
    s->phase = RUN_BACKOFF;
    if (!s->no_room) { /* told once, not with each number */
        s->no_room = true;
        log_warn(&s->log, "memory.admission", "no browser is started: %s", e.msg);
        session_move(s, now == SESSION_DISCONNECTED ? now : SESSION_STARTING, WHY_NO_MEMORY,
                     "%s: %s", err_word_of(&e), e.msg);
    }
    session_timer(s, TIMER_RUN, c->memory.sample_ms);
    return false;
}

void sessions_room(struct sessions *all)
{
    LIST_FOREACH(&all->all, node, next)
    {
        struct session *s = LIST_ENTRY(node, struct session, link);
        if (s->no_room && s->phase == RUN_BACKOFF && !all->closing) {
            session_timer(s, TIMER_RUN, 0);
        }
    }
}

/* ---- measuring ---------------------------------------------------------------------------- */

static void take(struct session *s, const struct process_usage_job *job)
{
    pid_t pid = s->browser ? cdp_browser_pid(s->browser) : 0;
    for (size_t i = 0; pid > 0 && i < job->count; i++) {
        if (job->items[i].leader == pid && job->items[i].processes > 0) {
            s->usage = job->items[i];
            s->sampled_ms = clock_wall_ms();
            weigh(s);
            return;
        }
    }
}

static void on_measured(struct process_usage_job *job, int rc)
{
    struct sessions *all = job->arg;
    all->sampler.busy = false;
    if (rc != 0) {
        log_warn(NULL, "memory.sample", "the browsers could not be measured: %s", job->err.msg);
    } else {
        LIST_FOREACH(&all->all, node, next)
        {
            take(LIST_ENTRY(node, struct session, link), job);
        }
    }
    free(job->items);
    job->items = NULL;
    again(all);
    sessions_freed_one(all);
}

static void on_timer(uv_timer_t *t)
{
    struct sessions *all = t->data;
    struct process_usage_job *job = &all->sampler.job;
    size_t room = all->count < PROCESS_USAGE_MAX ? all->count : PROCESS_USAGE_MAX;
    struct process_usage *items = room > 0 ? mem_calloc(room, sizeof(*items)) : NULL;
    size_t n = 0;
    sessions_store_next(all);
    LIST_FOREACH(&all->all, node, next)
    {
        const struct session *s = LIST_ENTRY(node, struct session, link);
        pid_t pid = s->browser ? cdp_browser_pid(s->browser) : 0;
        if (items && n < room && pid > 0) {
            items[n++].leader = pid;
        }
    }
    *job = (struct process_usage_job){.items = items, .count = n, .done = on_measured, .arg = all};
    if (n == 0 || process_usage_submit(all->b->loop, job) != 0) {
        free(items);
        again(all);
        return;
    }
    all->sampler.busy = true;
}

void sessions_sampler_init(struct sessions *all)
{
    (void)uv_timer_init(all->b->loop, &all->sampler.timer);
    all->sampler.timer.data = all;
}

void sessions_sampler_start(struct sessions *all)
{
    again(all);
}

const struct process_usage *session_usage(const struct session *s, uint64_t *sampled_ms)
{
    if (sampled_ms) {
        *sampled_ms = s->sampled_ms;
    }
    return s->browser && s->sampled_ms ? &s->usage : NULL;
}

const struct budget *session_budget(const struct session *s)
{
    return &s->budget;
}

json_t *session_memory_object(const struct session *s)
{
    uint64_t sampled_ms = 0;
    const struct process_usage *u = session_usage(s, &sampled_ms);
    if (!u) {
        return json_null();
    }
    const struct bridge_config *c = &s->b->cfg;
    json_t *o = json_pack("{s:I,s:I,s:I,s:b,s:i,s:i,s:I,s:i,s:i,s:i}", "browser_pss_bytes",
                          (json_int_t)u->memory_bytes, "soft_bytes",
                          (json_int_t)c->memory.soft_bytes, "hard_bytes",
                          (json_int_t)c->memory.hard_bytes, "exact", (int)u->exact, "processes", (int)u->processes, "threads",
                          (int)u->threads, "cpu_ms", (json_int_t)u->cpu_ms, "collections",
                          (int)s->budget.collections, "reloads", (int)s->budget.reloads, "restarts",
                          (int)s->budget.restarts);
    if (!o || json_set_time(o, "started_at", u->started_ms) != 0 ||
        json_set_time(o, "sampled_at", sampled_ms) != 0) {
        json_decref(o);
        return NULL;
    }
    return o;
}
