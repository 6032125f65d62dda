/*
 * All agents of the node.
 *
 * Happy path: an event was committed -> the tenant's agents are marked -> one timer for all fires
 * -> their new rows are read -> chats with messages wait in `ready`, each called in turn while
 * fewer than AGENT_MAX_CALLS calls are out, and fewer than AGENT_CALLS_EACH of its agent. One batch
 * of a chat is under way at a time; what comes meanwhile is its next batch.
 * Failure modes: the store cannot be read: again in a second. Memory: no more than AGENT_MAX_KNOWN
 * messages are held, AGENT_KNOWN_EACH of one agent; the rest stays in the store until there is
 * room.
 */
#include "agent_priv.h"

#include "clock.h"
#include "log.h"
#include "mem.h"
#include "session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define START_MAX 16 /* calls begun in one turn of the loop */
#define AGAIN_MS 1000
#define TYPING_MS 8000

static void on_timer(uv_timer_t *t);

/* ---- one agent, its chats ----------------------------------------------------------------------
 */

struct agent *agent_find(struct agents *g, const char *tenant, const char *session)
{
    LIST_FOREACH(&g->all, it, next)
    {
        struct agent *a = LIST_ENTRY(it, struct agent, link);
        if (!a->gone && strcmp(a->tenant, tenant) == 0 && strcmp(a->session, session) == 0) {
            return a;
        }
    }
    return NULL;
}

static struct agent *agent_make(struct agents *g, const char *tenant, const char *session)
{
    struct agent *a = mem_calloc(1, sizeof(*a));
    if (a == NULL) {
        return NULL;
    }
    a->g = g;
    (void)snprintf(a->tenant, sizeof(a->tenant), "%s", tenant);
    (void)snprintf(a->session, sizeof(a->session), "%s", session);
    a->log = (struct log_ctx){.tenant = a->tenant, .session = a->session};
    list_init(&a->chats);
    list_append(&g->all, &a->link);
    return a;
}

static void agent_free(struct agent *a)
{
    list_remove(&a->link);
    agent_settings_finish(&a->settings);
    free(a);
}

struct agent_chat *agent_chat_get(struct agent *a, const char *chat)
{
    LIST_FOREACH(&a->chats, it, next)
    {
        struct agent_chat *c = LIST_ENTRY(it, struct agent_chat, link);
        if (!c->dropped && strcmp(c->chat, chat) == 0) {
            return c;
        }
    }
    struct agent_chat *c = mem_calloc(1, sizeof(*c));
    if (c == NULL) {
        return NULL;
    }
    c->a = a;
    (void)snprintf(c->chat, sizeof(c->chat), "%s", chat);
    list_init(&c->messages);
    list_init(&c->state_link);
    list_append(&a->chats, &c->link);
    agent_chat_set(c, AGENT_QUEUED, &a->g->ready);
    return c;
}

void agent_chat_set(struct agent_chat *c, enum agent_chat_state state, struct list *head)
{
    list_remove(&c->state_link);
    c->state = state;
    if (head != NULL) {
        list_append(head, &c->state_link);
    }
}

void agent_chat_forget(struct agent_chat *c, uint64_t seq)
{
    LIST_FOREACH(&c->messages, it, next)
    {
        struct agent_message *m = LIST_ENTRY(it, struct agent_message, link);
        if (m->seq <= seq) {
            list_remove(&m->link);
            free(m);
            c->count--;
            c->a->g->known--;
            c->a->known--;
        }
    }
}

static void chat_free(struct agent_chat *c)
{
    struct agent *a = c->a;
    agent_chat_forget(c, UINT64_MAX);
    json_decref(c->sending.replies);
    list_remove(&c->state_link);
    list_remove(&c->link);
    free(c);
    if (a->gone && list_empty(&a->chats)) {
        agent_free(a);
    }
}

void agent_chat_next(struct agent_chat *c)
{
    struct agents *g = c->a->g;
    c->failures = 0;
    c->renewed = false;
    if (c->dropped || g->closing || c->count == 0) {
        chat_free(c);
    } else {
        agent_chat_set(c, AGENT_QUEUED, &g->ready);
    }
    agents_soon(g, 1);
}

/* ---- settings ----------------------------------------------------------------------------------
 */

/* The chat begins again with the present settings, or goes when there are none. */
static void chat_reset(struct agent_chat *c, bool wanted)
{
    struct agents *g = c->a->g;
    if (c->state == AGENT_CALLING) {
        agent_call_cancel(c);
    }
    if (c->state == AGENT_QUEUED || c->state == AGENT_WAITING) {
        if (wanted) {
            agent_chat_set(c, AGENT_QUEUED, &g->ready);
            c->failures = 0;
        } else {
            chat_free(c);
        }
    } else if (!wanted) {
        c->dropped = true;
        if (c->state == AGENT_PAUSED) {
            chat_free(c);
        }
    }
}

/* a may be freed. */
static void agent_drop(struct agent *a)
{
    a->gone = true;
    bool last = list_empty(&a->chats);
    LIST_FOREACH(&a->chats, it, next)
    {
        struct agent_chat *c = LIST_ENTRY(it, struct agent_chat, link);
        bool final = next == &a->chats;
        chat_reset(c, false);
        if (final) {
            break; /* a may be gone */
        }
    }
    if (last) {
        agent_free(a);
    }
}

void agents_forget_tenant(struct agents *g, const char *tenant)
{
    if (g == NULL || g->closing) {
        return;
    }
    LIST_FOREACH(&g->all, it, next)
    {
        struct agent *a = LIST_ENTRY(it, struct agent, link);
        if (!a->gone && strcmp(a->tenant, tenant) == 0) {
            agent_drop(a);
        }
    }
}

static int read_settings(struct agent *a, struct store_txn *t, bool *exists, struct err *e)
{
    struct store_value v;
    int rc = store_get(t, STORE_AGENTS, STORE_PATH(a->tenant, a->session, AGENT_PART_HEALTH), &v);
    json_t *health = rc == 0 ? record_parse(v, e) : NULL;
    agent_health_read(health, &a->health);
    json_decref(health);
    rc = store_get(t, STORE_AGENTS, STORE_PATH(a->tenant, a->session, AGENT_PART_SETTINGS), &v);
    *exists = rc == 0;
    if (rc != 0) {
        return rc == E_NOTFOUND ? 0 : rc;
    }
    json_t *record = record_parse(v, e);
    agent_settings_finish(&a->settings);
    a->broken[0] = '\0';
    if (record == NULL ||
        agent_settings_read(a->g->b, a->tenant, a->session, record, &a->settings, e) != 0) {
        (void)snprintf(a->broken, sizeof(a->broken), "%.150s", e->msg);
        log_error(&a->log, "agent.broken", "%s", e->msg);
    }
    json_decref(record);
    return 0;
}

/* False when the agent is no more. */
static bool agent_refresh(struct agent *a, struct store_txn *t)
{
    struct err e;
    bool exists = false;
    struct session *s;
    err_clear(&e);
    if (session_find(a->g->b, a->tenant, a->session, &s, NULL) != 0) {
        agent_drop(a);
        return false;
    }
    if (!a->stale) {
        return true;
    }
    if (read_settings(a, t, &exists, &e) != 0) {
        agents_soon(a->g, AGAIN_MS);
        return true;
    }
    a->stale = false;
    if (!exists) {
        agent_drop(a);
        return false;
    }
    bool wanted = a->settings.enabled || a->broken[0] != '\0';
    LIST_FOREACH(&a->chats, it, next)
    {
        chat_reset(LIST_ENTRY(it, struct agent_chat, link), wanted);
    }
    return true;
}

void agents_reload(struct bridge *b, const char *tenant, const char *session)
{
    struct agents *g = b->agents;
    if (g == NULL || g->closing) {
        return;
    }
    struct agent *a = agent_find(g, tenant, session);
    if (a == NULL) {
        a = agent_make(g, tenant, session);
    }
    if (a != NULL) {
        a->stale = a->dirty = true;
        agents_soon(g, 1);
    }
}

/* ---- turns -------------------------------------------------------------------------------------
 */

void agents_soon(struct agents *g, uint64_t delay_ms)
{
    if (g->started && !g->closing &&
        (!uv_is_active((uv_handle_t *)&g->timer) || uv_timer_get_due_in(&g->timer) > delay_ms)) {
        (void)uv_timer_start(&g->timer, on_timer, delay_ms, 0);
    }
}

void agents_wake(struct agents *g, const char *tenant)
{
    if (g == NULL || g->closing) {
        return;
    }
    LIST_FOREACH(&g->all, it, next)
    {
        struct agent *a = LIST_ENTRY(it, struct agent, link);
        if (strcmp(a->tenant, tenant) == 0) {
            a->dirty = true;
            agents_soon(g, 1);
        }
    }
}

/* Messages that wait in the store are read some at a time, not one by one. */
static bool room_for_more(const struct agent *a)
{
    return a->known < AGENT_KNOWN_EACH / 2 &&
           a->g->known <= AGENT_MAX_KNOWN - AGENT_KNOWN_EACH / 2;
}

static void read_queues(struct agents *g)
{
    struct store_txn *t = NULL;
    LIST_FOREACH(&g->all, it, next)
    {
        struct agent *a = LIST_ENTRY(it, struct agent, link);
        if (a->gone || !(a->dirty || a->stale || (a->more && room_for_more(a)))) {
            continue;
        }
        if (t == NULL && store_read(g->b->store, &t, NULL) != 0) {
            agents_soon(g, AGAIN_MS);
            return;
        }
        if (!agent_refresh(a, t)) {
            continue;
        }
        a->dirty = false;
        if (agent_queue_load(a, t) != 0) {
            a->dirty = true;
            agents_soon(g, AGAIN_MS);
        }
    }
    if (t != NULL) {
        store_read_end(t);
    }
}

/* Those whose time has come go on; the next one's time is when the timer fires. */
static void look_at_times(struct agents *g)
{
    uint64_t now = clock_mono_ms(), next_ms = UINT64_MAX;
    LIST_FOREACH(&g->waiting, it, next)
    {
        struct agent_chat *c = LIST_ENTRY(it, struct agent_chat, state_link);
        if (c->due_ms > now) {
            next_ms = c->due_ms < next_ms ? c->due_ms : next_ms;
        } else if (c->state == AGENT_PAUSED) {
            agent_send(c);
        } else {
            agent_chat_set(c, AGENT_QUEUED, &g->ready);
        }
    }
    LIST_FOREACH(&g->calling, it, next)
    {
        struct agent_chat *c = LIST_ENTRY(it, struct agent_chat, state_link);
        if (c->due_ms <= now) {
            agent_call_typing(c, "typing");
            c->due_ms = now + TYPING_MS;
        }
        next_ms = c->due_ms < next_ms ? c->due_ms : next_ms;
    }
    if (next_ms != UINT64_MAX) {
        agents_soon(g, next_ms - now > 0 ? next_ms - now : 1);
    }
}

static void start_calls(struct agents *g)
{
    unsigned n = 0;
    LIST_FOREACH(&g->ready, it, next)
    {
        struct agent_chat *c = LIST_ENTRY(it, struct agent_chat, state_link);
        if (g->calls >= AGENT_MAX_CALLS) {
            return; /* the end of a call fires the timer */
        }
        if (c->a->calls >= AGENT_CALLS_EACH) {
            continue;
        }
        if (n++ == START_MAX) {
            agents_soon(g, 1);
            return;
        }
        list_remove(&c->state_link);
        if (c->sending.replies != NULL) {
            agent_send(c); /* left by an earlier run */
        } else {
            agent_call_start(c);
        }
    }
}

static void on_timer(uv_timer_t *timer)
{
    struct agents *g = timer->data;
    read_queues(g);
    look_at_times(g);
    start_calls(g);
}

/* ---- life --------------------------------------------------------------------------------------
 */

int agents_create(struct bridge *b, struct agents **out, struct err *e)
{
    struct agents *g = mem_calloc(1, sizeof(*g));
    if (g == NULL) {
        return err_set(e, E_NOMEM, "out of memory");
    }
    g->b = b;
    list_init(&g->all);
    list_init(&g->ready);
    list_init(&g->waiting);
    list_init(&g->calling);
    int rc = http_loop_create(b->loop, AGENT_MAX_CALLS, AGENT_MAX_CALLS, &g->http, e);
    if (rc != 0) {
        free(g);
        return rc;
    }
    (void)uv_timer_init(b->loop, &g->timer);
    g->timer.data = g;
    *out = g;
    return 0;
}

static int on_stored(void *arg, const char *const *path, struct store_value v)
{
    struct agents *g = arg;
    (void)v;
    if (strcmp(path[2], AGENT_PART_SETTINGS) != 0 || agent_find(g, path[0], path[1]) != NULL) {
        return 0;
    }
    struct agent *a = agent_make(g, path[0], path[1]);
    if (a != NULL) {
        a->stale = a->dirty = true;
    }
    return a != NULL ? 0 : E_NOMEM;
}

void agents_start(struct agents *g)
{
    struct store_txn *t = NULL;
    g->started = true;
    int rc = store_read(g->b->store, &t, NULL);
    if (rc == 0) {
        rc = store_scan(t, STORE_AGENTS, NULL, NULL, on_stored, g);
        store_read_end(t);
    }
    if (rc < 0) {
        log_error(NULL, "agent.load_failed",
                  "the auto-reply agents could not be read (%s); restart to try again",
                  err_name(rc));
    }
    agents_soon(g, 1);
}

static void on_timer_closed(uv_handle_t *h)
{
    struct agents *g = h->data;
    void (*on_closed)(void *) = g->on_closed;
    void *arg = g->arg;
    free(g);
    on_closed(arg);
}

static void on_http_closed(void *arg)
{
    struct agents *g = arg;
    uv_close((uv_handle_t *)&g->timer, on_timer_closed);
}

void agents_maybe_closed(struct agents *g)
{
    if (!g->closing || g->busy > 0 || g->http_closed) {
        return;
    }
    g->http_closed = true;
    while (!list_empty(&g->all)) {
        struct agent *a = LIST_ENTRY(g->all.next, struct agent, link);
        bool last = list_empty(&a->chats);
        a->gone = true;
        while (!last) {
            struct agent_chat *c = LIST_ENTRY(a->chats.next, struct agent_chat, link);
            last = c->link.next == &a->chats;
            chat_free(c); /* the last one takes a with it */
            if (last) {
                a = NULL;
            }
        }
        if (a != NULL) {
            agent_free(a);
        }
    }
    http_loop_close(g->http, on_http_closed, g);
}

void agents_close(struct agents *g, void (*on_closed)(void *arg), void *arg)
{
    g->closing = true;
    g->on_closed = on_closed;
    g->arg = arg;
    (void)uv_timer_stop(&g->timer);
    LIST_FOREACH(&g->calling, it, next)
    {
        agent_call_cancel(LIST_ENTRY(it, struct agent_chat, state_link));
    }
    agents_maybe_closed(g);
}
