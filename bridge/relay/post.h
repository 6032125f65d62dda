/*
 * One attempt to deliver one event: a signed POST. Private to bridge/relay. Thread: loop.
 */
#ifndef BRIDGE_POST_H
#define BRIDGE_POST_H

#include "err.h"
#include "http_loop.h"
#include "reason.h"
#include "url_guard.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define POST_KEEP_BODY 2048         /* of the answer */
#define POST_KEEP_HEADERS 4096     /* of the answer, when they are wanted */
#define POST_MAX_ANSWER (64u << 10) /* headers or body past it end the transfer */

struct post;

struct post_spec { /* all borrowed during post_start() */
    const struct url_target *target;
    const char *secret;               /* "whsec_…" */
    const struct curl_slist *headers; /* the webhook's own; may be NULL */
    const char *event_id;
    const char *body;
    size_t len;
    uint32_t attempt; /* from 1 */
    uint64_t timeout_ms;
    bool allow_private;
    bool keep_headers;
};

struct post_result {
    unsigned status; /* 0: no answer */
    bool has_retry_after;
    uint64_t retry_after_ms;
    uint64_t duration_ms, duration_us;
    char error[160];    /* "" for 2xx */
    enum relay_reason reason;
    const char *headers; /* lines of the last answer's head, borrowed; NULL: not kept */
    size_t headers_len;
    const char *body; /* first bytes of the answer, borrowed */
    size_t body_len;
};

/* done fires once, from the loop, never inside; the post is freed after it. */
int post_start(struct http_loop *h, const struct post_spec *s,
               void (*done)(void *arg, const struct post_result *r), void *arg, struct post **out,
               struct err *e);
/* Ends it without done; frees. */
void post_cancel(struct post *p);

#endif
