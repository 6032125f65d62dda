/*
 * Where a webhook may go. One rule for addresses, used on literal addresses when a webhook is
 * stored and on every resolved address when a connection is made (names can change what they mean).
 * Pure functions. Private to bridge/. Thread: any.
 */
#ifndef BRIDGE_URL_GUARD_H
#define BRIDGE_URL_GUARD_H

#include "err.h"

#include <curl/curl.h>
#include <stdbool.h>
#include <sys/socket.h>

#define URL_MAX 2048

/* Public unicast addresses only: not private, loopback, link-local, shared (CGNAT), multicast,
 * unspecified, documentation, benchmark or reserved ranges, and no IPv6 address that carries an
 * IPv4 one (mapped, NAT64, 6to4, Teredo). allow_private: any IPv4 or IPv6 address. */
bool address_allowed(const struct sockaddr *address, bool allow_private);
/* The same for the text of an address; a text that is none is not allowed. */
bool address_text_allowed(const char *text, bool allow_private);

struct url_target {
    CURLU *url;       /* curl_url_cleanup() */
    char origin[280]; /* host:port, lower case, for limits per host and for logs */
};
/* Gives the parsed URL: http or https, a plain host name or an allowed address, port 1..65535, no
 * user, no spaces or control characters. E_INVALID "invalid_url" or "address_forbidden", field
 * "url". url need not be NUL-free text of any kind. */
int url_guard(const char *url, bool allow_private, struct url_target *out, struct err *e);
void url_target_finish(struct url_target *t); /* accepts a zeroed one */

#endif
