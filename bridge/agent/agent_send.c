/*
 * The replies of a durable answer, one after the other, each under a key made of the message's id
 * and the reply's place: the outbox knows those that it has.
 */
#include "agent_priv.h"

#include "clock.h"
#include "crypto.h"
#include "json.h"
#include "log.h"

#include <stdio.h>
#include <string.h>

#define SEND_AGAIN_MS 2000

static bool for_good(const struct err *e)
{
    switch (e->code) {
    case E_LIMIT: /* a reply hours later is worse than none */
        return strcmp(err_word_of(e), "quota_exceeded") == 0;
    case E_FULL:
    case E_NOMEM:
    case E_CANCELED:
    case E_IO:
    case E_TIMEOUT:
        return false;
    case E_UNAVAILABLE: /* a url that gives nothing must not keep the chat without answers */
        return strcmp(err_word_of(e), "media_fetch_failed") == 0;
    default:
        return true;
    }
}

static void on_reply(void *arg, const struct bridge_reply *r)
{
    struct agent_chat *c = arg;
    struct agents *g = c->a->g;
    g->busy--;
    if (r->err == NULL) {
        c->sending.next++;
    } else if (for_good(r->err)) {
        log_warn(&c->a->log, "agent.reply_refused", "%s", r->err->msg);
        (void)snprintf(c->sending.refused, sizeof(c->sending.refused), "reply refused: %.140s",
                       r->err->msg);
        c->sending.next++;
    } else if (!g->closing) {
        c->due_ms = clock_mono_ms() + SEND_AGAIN_MS;
        agent_chat_set(c, AGENT_PAUSED, &g->waiting);
        agents_soon(g, SEND_AGAIN_MS);
        return;
    }
    if (g->closing) {
        agents_maybe_closed(g); /* the rest is in the store */
        return;
    }
    agent_send(c);
}

void agent_send(struct agent_chat *c)
{
    struct agent_sending *s = &c->sending;
    struct agent *a = c->a;
    unsigned char hash[CRYPTO_SHA256_LEN];
    char key[STORE_MAX_ID + 96];
    agent_chat_set(c, AGENT_SENDING, NULL);
    bool old = s->answered_ms + AGENT_REPLY_MAX_AGE_MS < clock_sure_ms();
    if (old && s->next < json_array_size(s->replies)) {
        log_warn(&a->log, "agent.replies_expired",
                 "replies that were not sent for a day are dropped");
        s->next = json_array_size(s->replies);
    }
    if (s->next >= json_array_size(s->replies)) {
        agent_outcome_sent(c);
        return;
    }
    json_t *body = json_copy(json_array_get(s->replies, s->next));
    int n = snprintf(key, sizeof(key), "agent/%s/%s%s/%zu", a->session, s->id,
                     s->apology ? "/apology" : "", s->next);
    /* Over the key alone: the same place always means the same reply. */
    int rc = n > 0 ? crypto_sha256(key, (size_t)n, hash) : E_INTERNAL;
    rc = rc != 0 ? rc : json_set_str(body, "to", c->to);
    if (rc != 0) {
        json_decref(body);
        c->due_ms = clock_mono_ms() + SEND_AGAIN_MS;
        agent_chat_set(c, AGENT_PAUSED, &a->g->waiting);
        agents_soon(a->g, SEND_AGAIN_MS);
        return;
    }
    const struct bridge_send send = {
        .tenant = a->tenant,
        .session = a->session,
        .body = body,
        .source = "agent",
        .idempotency_key = key,
        .request_hash = hash,
    };
    a->g->busy++;
    bridge_send(a->g->b, &send, on_reply, c);
    json_decref(body);
}
