/*
 * The test call: one webhook.test event, signed like any other, posted now and never queued.
 *
 * Happy path: settings from the store -> post -> the answer {ok,status,duration_ms,error,reason,
 * response_headers,response_body}. At most TESTS_MAX at once; when the bridge stops they end with E_CANCELED.
 */
#include "relay_priv.h"

#include "buf.h"
#include "clock.h"
#include "json.h"
#include "mem.h"
#include "text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TESTS_MAX 8

struct webhook_trial {
    struct list link;
    struct relay *r;
    struct post *post;
    bridge_done_fn done;
    void *arg;
};

static void trial_free(struct webhook_trial *w)
{
    struct relay *r = w->r;
    list_remove(&w->link);
    r->tests--;
    free(w);
    relay_maybe_closed(r);
}

/* The answer's bytes as JSON text: what is not UTF-8 becomes a question mark. Gives. */
static json_t *text_json(const char *bytes, size_t len)
{
    struct buf text;
    buf_init(&text, 4 * POST_KEEP_HEADERS);
    for (size_t i = 0; i < len;) {
        size_t n = text_utf8_next(bytes + i, len - i);
        if (n == 0 || bytes[i] == '\0') {
            (void)buf_char(&text, '?');
            n = 1;
        } else {
            (void)buf_append(&text, bytes + i, n);
        }
        i += n;
    }
    json_t *out = text.failed ? NULL : json_string(text.len > 0 ? text.data : "");
    buf_finish(&text);
    return out;
}

static size_t trimmed(const char **s, size_t len)
{
    for (; len > 0 && strchr(" \t\r\n", (*s)[0]) != NULL; len--) {
        ++*s;
    }
    while (len > 0 && strchr(" \t\r\n", (*s)[len - 1]) != NULL) {
        len--;
    }
    return len;
}

/* "Name: value" lines as [{name,value}]. Gives. */
static json_t *headers_json(const char *text, size_t len)
{
    json_t *list = json_array();
    while (list != NULL && len > 0) {
        const char *end = memchr(text, '\n', len);
        size_t line = end != NULL ? (size_t)(end - text) + 1 : len;
        const char *colon = memchr(text, ':', line);
        const char *value = colon != NULL ? colon + 1 : NULL;
        size_t value_len = colon != NULL ? trimmed(&value, line - (size_t)(value - text)) : 0;
        if (colon != NULL &&
            json_array_append_new(list, json_pack("{s:o*, s:o*}", "name",
                                                  text_json(text, (size_t)(colon - text)), "value",
                                                  text_json(value, value_len))) != 0) {
            json_decref(list);
            return NULL;
        }
        text += line;
        len -= line;
    }
    return list;
}

static void on_tested(void *arg, const struct post_result *r)
{
    struct webhook_trial *w = arg;
    struct err e;
    err_set(&e, E_NOMEM, "out of memory");
    json_t *o = json_pack("{s:b, s:I}", "ok", retry_verdict(r->status) == RETRY_DELIVERED,
                          "duration_ms", (json_int_t)r->duration_ms);
    int rc = o == NULL
                 ? E_NOMEM
                 : body_set(o, "status",
                            r->status != 0 ? json_integer((json_int_t)r->status) : json_null());
    rc = rc != 0 ? rc : json_set_str(o, "error", r->error[0] != '\0' ? r->error : NULL);
    rc = rc != 0 ? rc : json_set_str(o, "reason", relay_reason_word(r->reason));
    rc = rc != 0 ? rc : body_set(o, "response_headers", headers_json(r->headers, r->headers_len));
    rc = rc != 0 ? rc : body_set(o, "response_body", text_json(r->body, r->body_len));
    w->done(w->arg, &(struct bridge_reply){.err = rc != 0 ? &e : NULL, .body = rc == 0 ? o : NULL});
    json_decref(o);
    trial_free(w);
}

void tests_cancel(struct relay *r)
{
    struct err e;
    err_set(&e, E_CANCELED, "the server is stopping");
    LIST_FOREACH(&r->test_list, it, next)
    {
        struct webhook_trial *w = LIST_ENTRY(it, struct webhook_trial, link);
        post_cancel(w->post);
        reply_later(r->b, w->done, w->arg, &e, NULL);
        list_remove(&w->link);
        r->tests--;
        free(w);
    }
}

/* The settings as they are stored now; the endpoint may have none in hand. */
static int load(struct bridge *b, const char *tenant, const char *webhook, struct endpoint **out,
                struct err *e)
{
    struct store_txn *t = NULL;
    int rc = store_read(b->store, &t, e);
    if (rc != 0) {
        return rc;
    }
    rc = tenant_check(t, tenant, e);
    struct store_value v;
    if (rc == 0 && (!text_is_name(webhook) ||
                    store_get(t, STORE_WEBHOOKS, STORE_PATH(tenant, webhook), &v) != 0)) {
        rc = webhook_unknown(e, webhook);
    }
    if (rc == 0) {
        *out = endpoint_get(b->relay, tenant, webhook);
        rc = *out != NULL ? endpoint_load(b->relay, *out, t) : E_NOMEM;
        rc = rc != 0 ? store_err(e, rc, "the webhook could not be read") : 0;
    }
    store_read_end(t);
    if (rc == 0 && (*out)->broken[0] != '\0') {
        rc = err_word(e, E_INVALID, "webhook_unusable", "%s", (*out)->broken);
    }
    return rc;
}

static int render(struct buf *body, const char *tenant, const char *webhook, char id[EVENT_ID_LEN])
{
    char data[128];
    uint64_t now = clock_wall_ms();
    int n = snprintf(data, sizeof(data), "{\"webhook\":\"%s\"}", webhook);
    (void)snprintf(id, EVENT_ID_LEN, "evt_");
    crypto_ulid(now, id + 4);
    struct event_draft d = {
        .tenant = tenant, .type = "webhook.test", .data = data, .data_len = (size_t)n};
    return event_render(body, &d, id, 0, now); /* seq 0: in no log */
}

void bridge_webhook_test(struct bridge *b, const char *tenant, const char *webhook,
                         bridge_done_fn done, void *arg)
{
    struct err e;
    struct endpoint *ep = NULL;
    struct webhook_trial *w = NULL;
    struct buf body;
    char id[EVENT_ID_LEN];
    err_clear(&e);
    buf_init(&body, 4096);
    if (b->closing || b->relay == NULL) {
        err_set(&e, E_CANCELED, "the server is stopping");
        goto fail;
    }
    if (b->relay->tests >= TESTS_MAX) {
        err_word(&e, E_LIMIT, "too_many_tests",
                 "%d tests run at this moment; try again in a few "
                 "seconds",
                 TESTS_MAX);
        goto fail;
    }
    if (load(b, tenant, webhook, &ep, &e) != 0) {
        goto fail;
    }
    w = mem_calloc(1, sizeof(*w));
    if (w == NULL || render(&body, tenant, webhook, id) != 0) {
        err_set(&e, E_NOMEM, "out of memory");
        goto fail;
    }
    w->r = b->relay;
    w->done = done;
    w->arg = arg;
    struct post_spec spec = endpoint_spec(b->relay, ep);
    spec.event_id = id;
    spec.body = body.data;
    spec.len = body.len;
    spec.attempt = 1;
    spec.keep_headers = true;
    if (post_start(b->relay->http, &spec, on_tested, w, &w->post, &e) != 0) {
        goto fail;
    }
    list_append(&b->relay->test_list, &w->link);
    b->relay->tests++;
    buf_finish(&body);
    return;
fail:
    free(w);
    buf_finish(&body);
    reply_later(b, done, arg, &e, NULL);
}
