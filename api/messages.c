#include "api_priv.h"

#include "crypto.h"

#include <string.h>

#define TENANT(r) (r)->param[PARAM_TENANT]
#define SESSION(r) (r)->param[PARAM_SESSION]

/* ---- sending ----------------------------------------------------------------------------------
 */

/* The message is durable: whatever becomes of the wait, the caller learns its id. */
static void answer_kept(struct api_request *r)
{
    if (api_unanswered(r)) {
        size_t len = 0;
        char *text = json_text(r->kept, &len);
        api_answer_data(r, MHD_HTTP_ACCEPTED, "application/json", text, len);
    }
}

static void on_acked(void *arg, const struct bridge_reply *reply)
{
    struct api_request *r = arg;
    if (reply->err == NULL && reply->body != NULL) {
        struct bridge_reply same = *reply;
        same.replayed = r->replayed;
        api_answer_reply(r, &same, MHD_HTTP_OK);
    } else {
        if (reply->body != NULL) {
            json_decref(r->kept);
            r->kept = json_incref(reply->body);
        }
        answer_kept(r);
    }
    request_release(r);
}

static enum bridge_ack ack_of(const char *wait)
{
    if (strcmp(wait, "server") == 0) {
        return BRIDGE_ACK_SERVER;
    }
    return strcmp(wait, "device") == 0 ? BRIDGE_ACK_DEVICE : BRIDGE_ACK_READ;
}

static void on_sent(void *arg, const struct bridge_reply *reply)
{
    struct api_request *r = arg;
    const char *wait = api_text(r, "wait");
    const char *id = reply->err == NULL ? json_str(reply->body, "id") : NULL;
    if (wait == NULL || id == NULL || !api_unanswered(r)) {
        api_done(r, reply);
        return;
    }
    r->replayed = reply->replayed;
    r->kept = json_incref(reply->body);
    if (r->api->closing) {
        answer_kept(r);
        request_release(r);
        return;
    }
    r->cut = answer_kept;
    bridge_message_wait(api_bridge(r), TENANT(r), SESSION(r), id, ack_of(wait),
                        api_number(r, "timeout_s") * 1000, on_acked, r);
}

/* Over method, path and body: the same key with anything else is a conflict. */
static int hash_request(const struct api_request *r, unsigned char hash[CRYPTO_SHA256_LEN])
{
    unsigned char parts[2 * CRYPTO_SHA256_LEN];
    struct buf head;
    buf_init(&head, API_MAX_TARGET);
    (void)buf_printf(&head, "%s %s", r->method, r->path);
    int rc = head.failed ? head.rc : crypto_sha256(head.data, head.len, parts);
    buf_finish(&head);
    if (rc == 0) {
        rc = crypto_sha256(r->body.data, r->body.len, parts + CRYPTO_SHA256_LEN);
    }
    return rc == 0 ? crypto_sha256(parts, sizeof(parts), hash) : rc;
}

/* s: what to send; the key, if one came, is added. */
static void send_it(struct api_request *r, struct bridge_send s)
{
    unsigned char hash[CRYPTO_SHA256_LEN];
    char actor[160];
    audit_actor(r, actor, sizeof(actor));
    s.sent_by = actor;
    s.sent_by_name = r->who.name[0] != '\0' ? r->who.name : NULL;
    s.tenant = TENANT(r);
    s.session = SESSION(r);
    s.body = r->json;
    s.require_ready = api_text(r, "require") != NULL;
    if (r->h.idempotency_key != NULL) {
        struct err e = {0};
        int rc = hash_request(r, hash);
        if (rc != 0) {
            (void)err_set(&e, rc, "cannot hash the request");
            api_fail(r, &e);
            return;
        }
        s.idempotency_key = r->h.idempotency_key;
        s.request_hash = hash;
    }
    bridge_send(api_bridge(r), &s, on_sent, api_hold(r));
}

void message_send(struct api_request *r)
{
    send_it(r, (struct bridge_send){.what = BRIDGE_SEND_MESSAGE});
}

void message_edit(struct api_request *r)
{
    send_it(r,
            (struct bridge_send){.what = BRIDGE_SEND_EDIT, .message_id = r->param[PARAM_MESSAGE]});
}

void message_revoke(struct api_request *r)
{
    send_it(
        r, (struct bridge_send){.what = BRIDGE_SEND_REVOKE, .message_id = r->param[PARAM_MESSAGE]});
}

void message_retry(struct api_request *r)
{
    send_it(
        r, (struct bridge_send){.what = BRIDGE_SEND_RETRY, .message_id = r->param[PARAM_MESSAGE]});
}

/* ---- at once ----------------------------------------------------------------------------------
 */

void chat_read(struct api_request *r)
{
    bridge_chat_read(api_bridge(r), TENANT(r), SESSION(r), r->param[PARAM_CHAT], api_done,
                     api_hold(r));
}

void chat_presence(struct api_request *r)
{
    bridge_chat_presence(api_bridge(r), TENANT(r), SESSION(r), r->param[PARAM_CHAT], r->json,
                         api_done, api_hold(r));
}

/* ---- history ----------------------------------------------------------------------------------
 */

void message_get(struct api_request *r)
{
    json_t *body = NULL;
    struct err e = {0};
    int rc = bridge_message_get(api_bridge(r), TENANT(r), SESSION(r), r->param[PARAM_MESSAGE],
                                &body, &e);
    api_give(r, rc, body, &e);
}

void message_refetch(struct api_request *r)
{
    bridge_message_refetch(api_bridge(r), TENANT(r), SESSION(r), r->param[PARAM_MESSAGE], api_done,
                           api_hold(r));
}

/* Also /chats/{chat}/messages. */
void message_list(struct api_request *r)
{
    json_t *body = NULL;
    struct err e = {0};
    struct bridge_paging p = api_paging(r);
    const char *chat = r->param[PARAM_CHAT];
    struct bridge_message_filter f = {.chat = chat != NULL ? chat : api_text(r, "chat"),
                                      .direction = api_text(r, "direction"),
                                      .type = api_text(r, "type"),
                                      .q = api_text(r, "q"),
                                      .status = api_text(r, "status"),
                                      .backfill = api_text(r, "backfill"),
                                      .around = api_text(r, "around"),
                                      .since_ms = api_number(r, "since"),
                                      .until_ms = api_number(r, "until")};
    int rc = bridge_message_list(api_bridge(r), TENANT(r), SESSION(r), &f, &p, &body, &e);
    api_give(r, rc, body, &e);
}

/* Also of all sessions of a tenant. */
void message_search(struct api_request *r)
{
    const char *order = api_text(r, "order");
    const struct bridge_search q = {.tenant = TENANT(r),
                                    .session = SESSION(r),
                                    .who = &r->who,
                                    .q = api_text(r, "q"),
                                    .chat = api_text(r, "chat"),
                                    .type = api_text(r, "type"),
                                    .direction = api_text(r, "direction"),
                                    .since_ms = api_number(r, "since"),
                                    .until_ms = api_number(r, "until"),
                                    .by_rank = order != NULL && strcmp(order, "rank") == 0,
                                    .paging = api_paging(r)};
    bridge_search(api_bridge(r), &q, api_done, api_hold(r));
}
