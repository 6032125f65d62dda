/*
 * Happy path: libcurl posts -> the answer is gathered -> done with status and body. An answer that
 * breaks off is no answer: half a JSON text means nothing. Failure modes: as a webhook's post;
 * every resolved address is checked before a connection and before each use of one; redirects are
 * never followed; certificates are verified.
 */
#include "agent_http.h"

#include "buf.h"
#include "http_rules.h"
#include "mem.h"
#include "url_guard.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEADERS_MAX (64u << 10)
#define CONNECT_MS 5000

struct agent_http {
    struct http_transfer transfer; /* first */
    struct http_loop *h;
    struct curl_slist *headers;
    char *body;
    struct http_rules rules;
    uint64_t timeout_ms;
    size_t header_bytes;
    struct buf answer;
    struct agent_http_result result;
    void (*done)(void *arg, const struct agent_http_result *r);
    void *arg;
};

static void http_free(struct agent_http *p)
{
    curl_easy_cleanup(p->transfer.easy);
    http_headers_free(p->headers);
    buf_finish(&p->answer);
    free(p->body);
    free(p);
}

/* ---- callbacks of libcurl ----------------------------------------------------------------------
 */

static size_t on_header(char *data, size_t size, size_t n, void *arg)
{
    struct agent_http *p = arg;
    const size_t len = size * n;
    p->header_bytes += len;
    if (p->header_bytes > HEADERS_MAX) {
        return 0;
    }
    if (http_retry_after(data, len, &p->result.retry_after_ms)) {
        p->result.has_retry_after = true;
    }
    return size * n;
}

static size_t on_body(char *data, size_t size, size_t n, void *arg)
{
    struct agent_http *p = arg;
    return buf_append(&p->answer, data, size * n) == 0 ? size * n : 0;
}

/* ---- the end -----------------------------------------------------------------------------------
 */

static void explain(struct agent_http *p, CURLcode code)
{
    struct agent_http_result *r = &p->result;
    char *out = r->error;
    size_t size = sizeof(r->error);
    if (p->rules.forbidden) {
        (void)snprintf(out, size,
                       "the host stands for a private or local address, which is not allowed "
                       "([relay] allow_private)");
    } else if (p->answer.rc == E_TOOLARGE) {
        (void)snprintf(out, size, "the answer is longer than %u KiB", AGENT_ANSWER_MAX >> 10);
    } else if (code == CURLE_OPERATION_TIMEDOUT) {
        (void)snprintf(out, size, "no answer within %" PRIu64 " ms", p->timeout_ms);
    } else if (code != CURLE_OK) {
        (void)snprintf(out, size, "%.150s",
                       p->rules.why[0] != '\0' ? p->rules.why : curl_easy_strerror(code));
    } else if (r->status >= 300 && r->status < 400) {
        (void)snprintf(out, size, "HTTP %u: redirects are not followed", r->status);
    } else if (r->status >= 300) {
        (void)snprintf(out, size, "HTTP %u", r->status);
    }
}

static void on_done(struct http_transfer *t, CURLcode code)
{
    struct agent_http *p = (struct agent_http *)t;
    long status = 0;
    (void)curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
    p->result.status = code == CURLE_OK && status >= 200 && status < 1000 ? (unsigned)status : 0;
    p->result.body = p->answer.len > 0 ? p->answer.data : "";
    p->result.len = p->answer.len;
    explain(p, code);
    p->done(p->arg, &p->result);
    http_free(p);
}

void agent_http_cancel(struct agent_http *p)
{
    http_loop_cancel(p->h, &p->transfer);
    http_free(p);
}

/* ---- the start ---------------------------------------------------------------------------------
 */

static int add_headers(struct agent_http *p, const struct agent_http_spec *s)
{
    static const char *const own[] = {"Content-Type: application/json", "Accept: application/json",
                                      "Expect:" /* no 100-continue: a round trip for nothing */};
    struct curl_slist *list = NULL;
    for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++) {
        list = curl_slist_append(p->headers, own[i]);
        if (list == NULL) {
            return E_NOMEM;
        }
        p->headers = list;
    }
    for (const struct curl_slist *it = s->headers; it != NULL; it = it->next) {
        list = curl_slist_append(p->headers, it->data);
        if (list == NULL) {
            return E_NOMEM;
        }
        p->headers = list;
    }
    return 0;
}

static void configure(struct agent_http *p, size_t len)
{
    CURL *c = p->transfer.easy;
    http_rules_apply(c, &p->rules, p->timeout_ms, CONNECT_MS);
    (void)curl_easy_setopt(c, CURLOPT_HTTPHEADER, p->headers);
    (void)curl_easy_setopt(c, CURLOPT_POST, 1L);
    (void)curl_easy_setopt(c, CURLOPT_POSTFIELDS, p->body);
    (void)curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)len);
    (void)curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, on_header);
    (void)curl_easy_setopt(c, CURLOPT_HEADERDATA, p);
    (void)curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_body);
    (void)curl_easy_setopt(c, CURLOPT_WRITEDATA, p);
}

/* The path goes before a query, if there is one. */
static int set_url(struct agent_http *p, const struct agent_http_spec *s, struct err *e)
{
    struct url_target target = {0};
    char *path = NULL;
    int rc = url_guard(s->url, s->allow_private, &target, e);
    if (rc == 0 && s->path[0] != '\0') {
        rc = curl_url_get(target.url, CURLUPART_PATH, &path, 0) == CURLUE_OK ? 0 : E_NOMEM;
        size_t len = rc == 0 ? strlen(path) : 0;
        while (len > 0 && path[len - 1] == '/') {
            len--;
        }
        char *whole = rc == 0 ? mem_printf("%.*s%s", (int)len, path, s->path) : NULL;
        rc = whole != NULL && curl_url_set(target.url, CURLUPART_PATH, whole, 0) == CURLUE_OK
                 ? 0
                 : E_NOMEM;
        free(whole);
        curl_free(path);
    }
    char *text = NULL;
    if (rc == 0 && (curl_url_get(target.url, CURLUPART_URL, &text, 0) != CURLUE_OK ||
                    curl_easy_setopt(p->transfer.easy, CURLOPT_URL, text) != CURLE_OK)) {
        rc = E_NOMEM;
    }
    curl_free(text);
    url_target_finish(&target);
    return rc;
}

int agent_http_start(struct http_loop *h, const struct agent_http_spec *s,
                     void (*done)(void *arg, const struct agent_http_result *r), void *arg,
                     struct agent_http **out, struct err *e)
{
    struct agent_http *p = mem_calloc(1, sizeof(*p));
    if (p == NULL) {
        return err_set(e, E_NOMEM, "out of memory");
    }
    p->h = h;
    p->done = done;
    p->arg = arg;
    p->rules.allow_private = s->allow_private;
    p->timeout_ms = s->timeout_ms;
    buf_init(&p->answer, AGENT_ANSWER_MAX);
    p->transfer.done = on_done;
    p->transfer.easy = curl_easy_init();
    p->body = mem_strndup(s->body, s->len);
    int rc = p->transfer.easy != NULL && p->body != NULL ? 0 : E_NOMEM;
    rc = rc != 0 ? rc : add_headers(p, s);
    rc = rc != 0 ? rc : set_url(p, s, e);
    if (rc == 0) {
        configure(p, s->len);
        rc = http_loop_add(h, &p->transfer, e);
    } else if (rc == E_NOMEM) {
        err_set(e, E_NOMEM, "out of memory");
    }
    if (rc != 0) {
        http_free(p);
        return rc;
    }
    *out = p;
    return 0;
}
