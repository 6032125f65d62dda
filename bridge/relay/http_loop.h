/*
 * libcurl's multi interface on the uv loop. Private to bridge/relay. Thread: loop.
 */
#ifndef BRIDGE_HTTP_LOOP_H
#define BRIDGE_HTTP_LOOP_H

#include "err.h"

#include <curl/curl.h>
#include <uv.h>

struct http_loop;

/* Embedded in whatever runs one request. The easy handle belongs to the embedder. */
struct http_transfer {
    CURL *easy;
    /* Once, from the loop, never inside http_loop_add(); the handle was taken off before. */
    void (*done)(struct http_transfer *t, CURLcode code);
};

int http_loop_create(uv_loop_t *loop, unsigned host_connections, unsigned total_connections,
                     struct http_loop **out, struct err *e);
int http_loop_add(struct http_loop *h, struct http_transfer *t, struct err *e);
/* Takes it off; done does not fire. */
void http_loop_cancel(struct http_loop *h, struct http_transfer *t);
/* No transfer may be left. Closes connections, then on_closed (from the loop); frees. */
void http_loop_close(struct http_loop *h, void (*on_closed)(void *arg), void *arg);

#endif
