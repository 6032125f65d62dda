/*
 * One signed POST.
 *
 * Happy path: text "<id>.<timestamp>.<body>" is signed, its tail is the body -> libcurl -> status.
 * The status line decides: an answer of 200 whose body then breaks off was still taken by the
 * receiver. Failure modes: the name does not resolve, every address is forbidden (http_rules.h), no
 * connection, time-out, an answer past POST_MAX_ANSWER. Redirects are never followed.
 */
#include "post.h"

#include "clock.h"
#include "http_rules.h"
#include "mem.h"
#include "signature.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#define CONNECT_MS 5000

struct post {
    struct http_transfer transfer; /* first */
    struct http_loop *h;
    CURLU *url;
    struct curl_slist *headers;
    char *text; /* what is signed */
    struct http_rules rules;
    bool too_long;
    uint64_t started_ns, timeout_ms;
    size_t header_bytes, body_bytes;
    struct post_result result;
    char kept[POST_KEEP_BODY];
    char *kept_headers; /* POST_KEEP_HEADERS of room, or NULL */
    void (*done)(void *arg, const struct post_result *r);
    void *arg;
};

static void post_free(struct post *p)
{
    if (p == NULL) {
        return;
    }
    curl_easy_cleanup(p->transfer.easy);
    curl_url_cleanup(p->url);
    http_headers_free(p->headers);
    free(p->text);
    free(p->kept_headers);
    free(p);
}

/* ---- callbacks of libcurl ----------------------------------------------------------------------
 */

static void keep_header(struct post *p, const char *line, size_t len)
{
    if (p->kept_headers != NULL && len <= POST_KEEP_HEADERS - p->result.headers_len) {
        memcpy(p->kept_headers + p->result.headers_len, line, len);
        p->result.headers_len += len;
    }
}

static size_t on_header(char *line, size_t size, size_t n, void *arg)
{
    struct post *p = arg;
    size_t len = size * n;
    p->header_bytes += len;
    if (p->header_bytes > POST_MAX_ANSWER) {
        p->too_long = true;
        return 0;
    }
    if (len >= 5 && strncasecmp(line, "HTTP/", 5) == 0) {
        p->result.has_retry_after = false; /* what came before was an interim answer */
        p->result.headers_len = 0;
    } else {
        p->result.has_retry_after =
            http_retry_after(line, len, &p->result.retry_after_ms) || p->result.has_retry_after;
        keep_header(p, line, len);
    }
    return size * n;
}

static size_t on_body(char *data, size_t size, size_t n, void *arg)
{
    struct post *p = arg;
    size_t len = size * n;
    size_t room = sizeof(p->kept) - p->result.body_len;
    size_t keep = len < room ? len : room;
    memcpy(p->kept + p->result.body_len, data, keep);
    p->result.body_len += keep;
    p->body_bytes += len;
    if (p->body_bytes > POST_MAX_ANSWER) {
        p->too_long = true;
        return 0;
    }
    return len;
}

/* ---- the end -----------------------------------------------------------------------------------
 */

static enum relay_reason reason_of(const struct post *p, CURLcode code)
{
    unsigned status = p->result.status;
    if (status != 0) {
        return status < 300 ? RELAY_FINE : status < 400 ? RELAY_REDIRECT : RELAY_STATUS;
    }
    if (p->rules.forbidden) {
        return RELAY_FORBIDDEN;
    }
    switch (code) {
    case CURLE_OPERATION_TIMEDOUT:
        return RELAY_TIMEOUT;
    case CURLE_COULDNT_RESOLVE_HOST:
        return RELAY_DNS;
    case CURLE_COULDNT_CONNECT:
        return RELAY_REFUSED;
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_ISSUER_ERROR:
        return RELAY_TLS;
    default:
        return p->too_long ? RELAY_TOO_LONG : RELAY_CONNECTION;
    }
}

static void explain(struct post *p, CURLcode code)
{
    struct post_result *r = &p->result;
    char *out = r->error;
    size_t size = sizeof(r->error);
    if (r->status >= 200 && r->status < 300) {
        out[0] = '\0';
    } else if (r->status >= 300 && r->status < 400) {
        (void)snprintf(out, size, "HTTP %u: redirects are not followed", r->status);
    } else if (r->status != 0) {
        (void)snprintf(out, size, "HTTP %u", r->status);
    } else if (p->rules.forbidden) {
        (void)snprintf(out, size,
                       "the host stands for a private or local address, which is not "
                       "allowed ([relay] allow_private)");
    } else if (code == CURLE_OPERATION_TIMEDOUT) {
        (void)snprintf(out, size, "no answer within %" PRIu64 " ms", p->timeout_ms);
    } else if (p->too_long) {
        (void)snprintf(out, size, "the answer is too long");
    } else {
        (void)snprintf(out, size, "%.150s",
                       p->rules.why[0] != '\0' ? p->rules.why : curl_easy_strerror(code));
    }
}

static void on_done(struct http_transfer *t, CURLcode code)
{
    struct post *p = (struct post *)t;
    long status = 0;
    (void)curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
    /* 1xx alone is no answer. */
    p->result.status = status >= 200 && status < 1000 ? (unsigned)status : 0;
    p->result.duration_us = (uv_hrtime() - p->started_ns) / 1000;
    p->result.duration_ms = p->result.duration_us / 1000;
    p->result.body = p->kept;
    p->result.headers = p->kept_headers;
    p->result.reason = reason_of(p, code);
    explain(p, code);
    p->done(p->arg, &p->result);
    post_free(p);
}

void post_cancel(struct post *p)
{
    http_loop_cancel(p->h, &p->transfer);
    post_free(p);
}

/* ---- the start ---------------------------------------------------------------------------------
 */

static int add_header(struct post *p, const char *line)
{
    struct curl_slist *list = curl_slist_append(p->headers, line);
    if (list == NULL) {
        return E_NOMEM;
    }
    p->headers = list;
    return 0;
}

static int build(struct post *p, const struct post_spec *s, const char **body)
{
    char standard[SIGNATURE_STANDARD_LEN], hub[SIGNATURE_HUB_LEN], line[256], prefix[128];
    uint64_t timestamp = clock_wall_ms() / 1000;
    int n = snprintf(prefix, sizeof(prefix), "%s.%" PRIu64 ".", s->event_id, timestamp);
    if (n < 0 || (size_t)n >= sizeof(prefix)) {
        return E_INVALID;
    }
    size_t len = (size_t)n + s->len;
    p->text = mem_malloc(len + 1);
    if (p->text == NULL) {
        return E_NOMEM;
    }
    memcpy(p->text, prefix, (size_t)n);
    memcpy(p->text + n, s->body, s->len);
    p->text[len] = '\0';
    *body = p->text + n;
    int rc = signature_sign(s->secret, p->text, len, s->len, standard, hub);

#define HEADER(...)                                                                                \
    rc = rc != 0 ? rc : ((void)snprintf(line, sizeof(line), __VA_ARGS__), add_header(p, line))
    HEADER("Content-Type: application/json");
    HEADER("webhook-id: %s", s->event_id);
    HEADER("webhook-timestamp: %" PRIu64, timestamp);
    HEADER("webhook-signature: %s", standard);
    HEADER("X-Hub-Signature-256: %s", hub);
    HEADER("webhook-attempt: %" PRIu32, s->attempt);
    HEADER("Expect:"); /* no 100-continue: a round trip for nothing */
#undef HEADER
    for (const struct curl_slist *it = s->headers; it != NULL && rc == 0; it = it->next) {
        rc = add_header(p, it->data);
    }
    return rc;
}

static void configure(struct post *p, const char *body, size_t len)
{
    CURL *c = p->transfer.easy;
    http_rules_apply(c, &p->rules, p->timeout_ms, CONNECT_MS);
    (void)curl_easy_setopt(c, CURLOPT_CURLU, p->url);
    (void)curl_easy_setopt(c, CURLOPT_HTTPHEADER, p->headers);
    (void)curl_easy_setopt(c, CURLOPT_POST, 1L);
    (void)curl_easy_setopt(c, CURLOPT_POSTFIELDS, body);
    (void)curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)len);
    (void)curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, on_header);
    (void)curl_easy_setopt(c, CURLOPT_HEADERDATA, p);
    (void)curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_body);
    (void)curl_easy_setopt(c, CURLOPT_WRITEDATA, p);
}

int post_start(struct http_loop *h, const struct post_spec *s,
               void (*done)(void *arg, const struct post_result *r), void *arg, struct post **out,
               struct err *e)
{
    const char *body = NULL;
    int rc = E_NOMEM;
    struct post *p = mem_calloc(1, sizeof(*p));
    if (p == NULL) {
        return err_set(e, E_NOMEM, "out of memory");
    }
    p->h = h;
    p->done = done;
    p->arg = arg;
    p->rules.allow_private = s->allow_private;
    p->timeout_ms = s->timeout_ms;
    p->started_ns = uv_hrtime();
    p->transfer.done = on_done;
    p->transfer.easy = curl_easy_init();
    p->url = curl_url_dup(s->target->url);
    p->kept_headers = s->keep_headers ? mem_malloc(POST_KEEP_HEADERS) : NULL;
    if (p->transfer.easy == NULL || p->url == NULL ||
        (s->keep_headers && p->kept_headers == NULL)) {
        goto fail;
    }
    rc = build(p, s, &body);
    if (rc != 0) {
        goto fail;
    }
    configure(p, body, s->len);
    rc = http_loop_add(h, &p->transfer, e);
    if (rc != 0) {
        post_free(p);
        return rc;
    }
    *out = p;
    return 0;
fail:
    post_free(p);
    return err_set(e, rc, rc == E_NOMEM ? "out of memory" : "the post could not be signed");
}
