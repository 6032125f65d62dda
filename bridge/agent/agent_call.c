/*
 * Calls to the endpoint.
 *
 * Happy path: context from a snapshot -> one POST (retell: two, the first makes the conversation)
 * -> the answer is read -> agent_outcome_answer(). Typing is shown meanwhile. Failure modes: no
 * answer, 408, 425, 429, 5xx, an answer that cannot be read: again after a while (Retry-After
 * counts up to a minute), `retries` times, with the messages that came meanwhile; then, and for any
 * other status at once, agent_outcome_failure(). A retell conversation that the endpoint knows no
 * more (or ended) is made anew, once.
 */
#include "agent_priv.h"

#include "channel.h"
#include "clock.h"
#include "crypto.h"
#include "http_rules.h"
#include "json.h"
#include "log.h"
#include "mem.h"
#include "retry.h"
#include "session.h"
#include "signature.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define MAX_DELAY_MS 30000
#define RETRY_AFTER_MAX_MS 60000
#define FIRST_TYPING_MS 8000
#define FILE_LOOK_MS 200 /* while a file is on its way */

/* ---- typing ------------------------------------------------------------------------------------
 */

static void on_presence(void *arg, const struct err *e)
{
    (void)arg;
    (void)e; /* nobody is harmed when it is not shown */
}

void agent_call_typing(struct agent_chat *c, const char *state)
{
    struct session *s = NULL;
    if (c->a->settings.typing && !c->a->g->closing &&
        session_find(c->a->g->b, c->a->tenant, c->a->session, &s, NULL) == 0 &&
        session_channel(s) != NULL) {
        channel_presence(session_channel(s), c->to, state, on_presence, NULL);
    }
}

/* ---- after a call ------------------------------------------------------------------------------
 */

static void hang_up(struct agent_chat *c)
{
    c->http = NULL;
    c->a->g->calls--;
    c->a->calls--;
    agent_chat_set(c, AGENT_QUEUED, NULL);
    agents_soon(c->a->g, 1); /* another may call now */
}

void agent_call_cancel(struct agent_chat *c)
{
    if (c->http != NULL) {
        agent_http_cancel(c->http);
    }
    hang_up(c);
}

static void fail(struct agent_chat *c, const char *why)
{
    agent_call_typing(c, "paused");
    agent_outcome_failure(c, why);
}

/* again: another try may help. */
static void failed_try(struct agent_chat *c, const struct agent_http_result *r, bool again,
                       const char *why)
{
    struct agent *a = c->a;
    const struct retry_policy policy = {.max_age_ms = UINT64_MAX,
                                        .initial_delay_ms = a->settings.retry_delay_ms,
                                        .max_delay_ms = MAX_DELAY_MS};
    c->failures++;
    log_info(&a->log, "agent.call_failed", "try %u: %s", c->failures, why);
    if (!again || c->failures > a->settings.retries) {
        fail(c, why);
        return;
    }
    uint32_t random = 0;
    crypto_random(&random, sizeof(random));
    uint64_t delay = retry_delay(&policy, c->failures, random);
    if (r != NULL && r->has_retry_after && r->retry_after_ms > delay) {
        delay = r->retry_after_ms < RETRY_AFTER_MAX_MS ? r->retry_after_ms : RETRY_AFTER_MAX_MS;
    }
    c->due_ms = clock_mono_ms() + delay;
    agent_chat_set(c, AGENT_WAITING, &a->g->waiting);
    agents_soon(a->g, delay);
}

static bool worth_again(unsigned status)
{
    return status == 0 || status == 408 || status == 425 || status == 429 || status >= 500;
}

/* The endpoint knows the conversation no more. Keys and limits have statuses of their own. */
static bool conversation_lost(const struct agent_chat *c, unsigned status)
{
    return c->a->settings.kind == AGENT_RETELL && !c->creating && !c->renewed &&
           (status == 400 || status == 404 || status == 410 || status == 422);
}

static void begin(struct agent_chat *c);

static void read_created(struct agent_chat *c, const struct agent_http_result *r)
{
    struct err e;
    if (agent_read_created(r->body, r->len, c->conversation_id, &e) != 0) {
        failed_try(c, r, true, e.msg);
        return;
    }
    c->creating = false;
    c->renewed = true; /* a new one that is not known at once is a failure */
    begin(c);
}

static void read_answer(struct agent_chat *c, const struct agent_http_result *r)
{
    struct agent_answer answer;
    struct err e;
    const struct agent_settings *s = &c->a->settings;
    err_clear(&e);
    if (agent_read_answer(s->kind, s->marker, r->body, r->len, &answer, &e) != 0) {
        agent_answer_finish(&answer);
        failed_try(c, r, true, e.msg);
        return;
    }
    if (answer.dropped > 0) {
        log_warn(&c->a->log, "agent.replies_dropped", "an answer had %zu replies too many",
                 answer.dropped);
    }
    if (json_array_size(answer.replies) == 0) {
        agent_call_typing(c, "paused");
    }
    agent_outcome_answer(c, &answer);
    agent_answer_finish(&answer);
}

static void on_answer(void *arg, const struct agent_http_result *r)
{
    struct agent_chat *c = arg;
    hang_up(c);
    if (r->status >= 200 && r->status < 300) {
        if (c->creating) {
            read_created(c, r);
        } else {
            read_answer(c, r);
        }
    } else if (conversation_lost(c, r->status)) {
        c->conversation_id[0] = '\0';
        c->renewed = true;
        begin(c);
    } else {
        failed_try(c, r, worth_again(r->status), r->error);
    }
}

/* ---- the call ----------------------------------------------------------------------------------
 */

static int add_line(struct curl_slist **list, const char *line)
{
    struct curl_slist *more = curl_slist_append(*list, line);
    *list = more != NULL ? more : *list;
    return more != NULL ? 0 : E_NOMEM;
}

/* As a webhook is signed; the id is the last message's, so that a repeated call has the same. */
static int sign(const struct agent_chat *c, const char *body, size_t len, struct curl_slist **list)
{
    char standard[SIGNATURE_STANDARD_LEN], hub[SIGNATURE_HUB_LEN], line[256];
    uint64_t now = clock_wall_ms() / 1000;
    char *text = mem_printf("msg_%s.%" PRIu64 ".%s", c->last_id, now, body);
    if (text == NULL) {
        return E_NOMEM;
    }
    int rc = signature_sign(c->a->settings.secret, text, strlen(text), len, standard, hub);
    free(text);
#define HEADER(...)                                                                                \
    rc = rc != 0 ? rc : ((void)snprintf(line, sizeof(line), __VA_ARGS__), add_line(list, line))
    HEADER("webhook-id: msg_%s", c->last_id);
    HEADER("webhook-timestamp: %" PRIu64, now);
    HEADER("webhook-signature: %s", standard);
    HEADER("X-Hub-Signature-256: %s", hub);
#undef HEADER
    return rc;
}

static const char *path_of(const struct agent_chat *c)
{
    static const char completions[] = "/chat/completions";
    const struct agent_settings *s = &c->a->settings;
    if (s->kind == AGENT_RETELL) {
        return c->creating ? "/create-chat" : "/create-chat-completion";
    }
    size_t len = strcspn(s->url, "?"), end = sizeof(completions) - 1;
    bool whole = len >= end && strncmp(s->url + len - end, completions, end) == 0;
    return s->kind == AGENT_OPENAI && !whole ? completions : "";
}

static int post(struct agent_chat *c, const char *body, size_t len, struct err *e)
{
    const struct agent_settings *s = &c->a->settings;
    struct agents *g = c->a->g;
    struct curl_slist *list = NULL;
    int rc = 0;
    for (const struct curl_slist *it = s->headers; it != NULL && rc == 0; it = it->next) {
        rc = add_line(&list, it->data);
    }
    if (rc == 0 && s->secret != NULL && s->kind == AGENT_HTTP) {
        rc = sign(c, body, len, &list);
    }
    const struct agent_http_spec spec = {
        .url = s->url,
        .path = path_of(c),
        .headers = list,
        .body = body,
        .len = len,
        .timeout_ms = s->timeout_ms,
        .allow_private = g->b->cfg.relay.allow_private,
    };
    rc = rc != 0 ? err_set(e, rc, "the call could not be made")
                 : agent_http_start(g->http, &spec, on_answer, c, &c->http, e);
    http_headers_free(list);
    return rc;
}

/* messages and history are taken. */
static int ask(struct agent_chat *c, json_t *messages, json_t *history, struct err *e)
{
    const struct agent_settings *s = &c->a->settings;
    const struct agent_ask a = {
        .kind = s->kind,
        .tenant = c->a->tenant,
        .session = c->a->session,
        .conversation_id = c->conversation_id[0] != '\0' ? c->conversation_id : NULL,
        .model = s->model,
        .system_prompt = s->system_prompt,
        .agent_id = s->agent_id,
        .messages = messages,
        .history = history,
    };
    size_t len = 0;
    c->creating = s->kind == AGENT_RETELL && a.conversation_id == NULL;
    char *body = c->creating ? agent_write_create(&a, &len) : agent_write_ask(&a, &len);
    json_decref(messages);
    json_decref(history);
    int rc = body != NULL ? post(c, body, len, e) : err_set(e, E_NOMEM, "out of memory");
    free(body);
    return rc;
}

/* The batch is read again at each try: more may have come, and what was there may be gone. */
static void begin(struct agent_chat *c)
{
    struct agents *g = c->a->g;
    struct store_txn *t = NULL;
    struct err e;
    enum agent_verdict verdict = AGENT_SILENT;
    json_t *messages = NULL, *history = NULL;
    char made[AGENT_CONVERSATION_MAX + 1]; /* not in the document yet */
    memcpy(made, c->conversation_id, sizeof(made));
    err_clear(&e);
    int rc = store_read(g->b->store, &t, &e);
    if (rc == 0) {
        rc = agent_context(c, t, &verdict, &messages, &history, &e);
        store_read_end(t);
    }
    if (rc != 0) {
        failed_try(c, NULL, true, e.msg);
        return;
    }
    if (verdict == AGENT_LATER) {
        c->due_ms = clock_mono_ms() + FILE_LOOK_MS;
        agent_chat_set(c, AGENT_WAITING, &g->waiting);
        agents_soon(g, FILE_LOOK_MS);
        return;
    }
    if (verdict != AGENT_ASK) {
        agent_outcome_none(c, verdict);
        return;
    }
    if (c->renewed) {
        memcpy(c->conversation_id, made, sizeof(made));
    }
    if (ask(c, messages, history, &e) != 0) {
        failed_try(c, NULL, false, e.msg);
        return;
    }
    agent_chat_set(c, AGENT_CALLING, &g->calling);
    g->calls++;
    c->a->calls++;
    c->due_ms = clock_mono_ms() + FIRST_TYPING_MS;
    if (!c->renewed) {
        agent_call_typing(c, "typing");
    }
    agents_soon(g, FIRST_TYPING_MS);
}

void agent_call_start(struct agent_chat *c)
{
    agent_chat_set(c, AGENT_QUEUED, NULL);
    if (c->a->broken[0] != '\0') {
        agent_outcome_failure(c, c->a->broken);
        return;
    }
    begin(c);
}
