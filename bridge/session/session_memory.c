/*
 * What the browsers cost: all of them are measured together on libuv's pool, every sample_ms; the
 * next round is ordered when one has ended, so a slow machine is measured less often, never twice
 * at once. A session's numbers are those of the browser that it has now.
 */
#include "session_priv.h"

#include "clock.h"
#include "core_priv.h"
#include "json.h"
#include "mem.h"

#include <stdlib.h>

static void on_timer(uv_timer_t *t);

static void again(struct sessions *all)
{
    if (!all->closing) {
        (void)uv_timer_start(&all->sampler.timer, on_timer, all->b->cfg.memory.sample_ms, 0);
    }
}

static void take(struct session *s, const struct process_usage_job *job)
{
    pid_t pid = s->browser ? cdp_browser_pid(s->browser) : 0;
    for (size_t i = 0; pid > 0 && i < job->count; i++) {
        if (job->items[i].leader == pid && job->items[i].processes > 0) {
            s->usage = job->items[i];
            s->sampled_ms = clock_wall_ms();
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

json_t *session_memory_object(const struct session *s)
{
    uint64_t sampled_ms = 0;
    const struct process_usage *u = session_usage(s, &sampled_ms);
    if (!u) {
        return json_null();
    }
    json_t *o = json_pack("{s:I,s:b,s:i,s:i,s:I}", "browser_pss_bytes", (json_int_t)u->memory_bytes,
                          "exact", (int)u->exact, "processes", (int)u->processes, "threads",
                          (int)u->threads, "cpu_ms", (json_int_t)u->cpu_ms);
    if (!o || json_set_time(o, "started_at", u->started_ms) != 0 ||
        json_set_time(o, "sampled_at", sampled_ms) != 0) {
        json_decref(o);
        return NULL;
    }
    return o;
}
