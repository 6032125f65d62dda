/*
 * One POST of JSON to an agent's endpoint. Private to bridge/agent. Thread: loop.
 */
#ifndef BRIDGE_AGENT_HTTP_H
#define BRIDGE_AGENT_HTTP_H

#include "err.h"
#include "http_loop.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define AGENT_ANSWER_MAX (256u << 10) /* bytes of an answer; past it the call ends */

struct agent_http;

struct agent_http_spec { /* borrowed during the call */
    const char *url;     /* passed url_guard() when it was configured */
    const char *path;    /* appended to it; "" none */
    const struct curl_slist *headers;
    const char *body;
    size_t len;
    uint64_t timeout_ms;
    bool allow_private;
};
struct agent_http_result {
    unsigned status; /* 0: no answer */
    bool has_retry_after;
    uint64_t retry_after_ms;
    char error[160];  /* "" for 2xx */
    const char *body; /* borrowed, NUL-terminated */
    size_t len;
};
/* done fires once, from the loop, never inside; it is freed after that. */
int agent_http_start(struct http_loop *h, const struct agent_http_spec *s,
                     void (*done)(void *arg, const struct agent_http_result *r), void *arg,
                     struct agent_http **out, struct err *e);
/* Ends it without done; frees. */
void agent_http_cancel(struct agent_http *p);

#endif
