/*
 * What holds for every request that leaves for an address that somebody else chose (webhooks, files
 * by url, agents): http and https, no proxy, no redirect, no address that the operator does not
 * allow, before a connection and again before each use of a kept one. Private to bridge/. Thread:
 * loop.
 */
#ifndef BRIDGE_HTTP_RULES_H
#define BRIDGE_HTTP_RULES_H

#include <curl/curl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct http_rules {
    bool allow_private;
    bool forbidden;            /* out: an address was refused */
    char why[CURL_ERROR_SIZE]; /* out: libcurl's words, "" when it has none */
};
/* r must outlive the transfer. Milliseconds. */
void http_rules_apply(CURL *c, struct http_rules *r, uint64_t timeout_ms, uint64_t connect_ms);
/* A header line as libcurl gives it (RFC 9110, 10.2.3): true when it is a Retry-After that makes
 * sense. */
bool http_retry_after(const char *line, size_t len, uint64_t *ms);
/* They may hold keys: wiped before they are freed. NULL is fine. */
void http_headers_free(struct curl_slist *headers);

#endif
