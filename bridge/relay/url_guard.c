/*
 * The URL of a webhook, parsed once by libcurl; the same handle is what the transfer uses, so that
 * no second parser can see another host.
 */
#include "url_guard.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static int invalid(struct err *e, const char *why)
{
    return err_field(e, "invalid_url", "url", "%s", why);
}

static bool is_ipv4(const char *host)
{
    struct in_addr a;
    return inet_pton(AF_INET, host, &a) == 1;
}

/* Letters, digits, - and _ in labels of 1..63, at most 253; one dot at the end is forgiven. */
static bool is_name(const char *host)
{
    size_t len = strlen(host);
    if (len > 0 && host[len - 1] == '.') {
        len--;
    }
    if (len == 0 || len > 253) {
        return false;
    }
    size_t label = 0;
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)host[i];
        if (c == '.') {
            if (label == 0) {
                return false;
            }
            label = 0;
        } else if (!isalnum(c) && c != '-' && c != '_') {
            return false;
        } else if (++label > 63) {
            return false;
        }
    }
    return label > 0;
}

/* "1.2.3", "0x7f.1", "127.0.0.1." and the like: some resolvers read them as addresses. */
static bool ends_in_number(const char *host)
{
    size_t len = strlen(host);
    if (len > 0 && host[len - 1] == '.') {
        len--;
    }
    size_t start = len;
    while (start > 0 && host[start - 1] != '.') {
        start--;
    }
    const char *label = host + start;
    size_t n = len - start;
    if (n >= 2 && label[0] == '0' && (label[1] == 'x' || label[1] == 'X')) {
        return strspn(label + 2, "0123456789abcdefABCDEF") >= n - 2;
    }
    return n > 0 && strspn(label, "0123456789") >= n;
}

static int check_text(const char *url, struct err *e)
{
    size_t len = url != NULL ? strnlen(url, URL_MAX + 1) : 0;
    if (len == 0) {
        return invalid(e, "url must be the http or https address of your receiver");
    }
    if (len > URL_MAX) {
        return invalid(e, "url is longer than 2048 characters");
    }
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)url[i];
        if (c <= ' ' || c >= 0x7F || c == '\\') {
            return invalid(e, "url may hold printable ASCII without spaces and backslashes only; "
                              "write an international name in its xn-- form");
        }
    }
    size_t scheme = strncasecmp(url, "http://", 7) == 0    ? 7
                    : strncasecmp(url, "https://", 8) == 0 ? 8
                                                           : 0;
    if (scheme == 0) {
        return invalid(e, "url must start with https:// or http://");
    }
    if (url[scheme] == '/' || url[scheme] == '\0') {
        return invalid(e, "url has no host");
    }
    return 0;
}

static int check_host(const char *host, bool allow_private, struct err *e)
{
    char inner[64];
    size_t len = strlen(host);
    if (host[0] == '[') {
        if (len < 4 || len - 2 >= sizeof(inner) || host[len - 1] != ']') {
            return invalid(e, "url has a broken IPv6 address");
        }
        memcpy(inner, host + 1, len - 2);
        inner[len - 2] = '\0';
        struct in6_addr a;
        if (inet_pton(AF_INET6, inner, &a) != 1) {
            return invalid(e, "url has a broken IPv6 address, or one with a zone");
        }
    } else if (is_ipv4(host)) {
        (void)snprintf(inner, sizeof(inner), "%s", host);
    } else if (ends_in_number(host) || !is_name(host)) {
        return invalid(e, "url has a host that is neither a name nor an address");
    } else {
        return 0; /* what the name stands for is checked at every connection */
    }
    if (!address_text_allowed(inner, allow_private)) {
        return err_field(e, "address_forbidden", "url",
                         "%s is a private, local or reserved address; webhooks go to public "
                         "addresses unless the operator sets [relay] allow_private = yes",
                         inner);
    }
    return 0;
}

int url_guard(const char *url, bool allow_private, struct url_target *out, struct err *e)
{
    memset(out, 0, sizeof(*out));
    int rc = check_text(url, e);
    if (rc != 0) {
        return rc;
    }
    char *host = NULL, *port = NULL, *zone = NULL;
    CURLU *u = curl_url();
    if (u == NULL) {
        return err_set(e, E_NOMEM, "out of memory");
    }
    CURLUcode code = curl_url_set(u, CURLUPART_URL, url, CURLU_DISALLOW_USER);
    if (code == CURLUE_OUT_OF_MEMORY) {
        rc = err_set(e, E_NOMEM, "out of memory");
        goto out;
    }
    if (code == CURLUE_USER_NOT_ALLOWED) {
        rc = invalid(e, "url must not hold a user name or a password; use headers");
        goto out;
    }
    if (code != CURLUE_OK || curl_url_get(u, CURLUPART_HOST, &host, 0) != CURLUE_OK ||
        curl_url_get(u, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) != CURLUE_OK) {
        rc = invalid(e, "url cannot be understood");
        goto out;
    }
    long number = strtol(port, NULL, 10);
    if (number < 1 || number > 65535) {
        rc = invalid(e, "url has a port that is not 1 to 65535");
        goto out;
    }
    if (curl_url_get(u, CURLUPART_ZONEID, &zone, 0) == CURLUE_OK) {
        rc = invalid(e, "url must not name a zone of an IPv6 address");
        goto out;
    }
    rc = check_host(host, allow_private, e);
    if (rc == 0) {
        (void)snprintf(out->origin, sizeof(out->origin), "%s:%ld", host, number);
        for (char *p = out->origin; *p != '\0'; p++) {
            *p = (char)tolower((unsigned char)*p);
        }
        out->url = u;
        u = NULL;
    }
out:
    curl_free(host);
    curl_free(port);
    curl_free(zone);
    curl_url_cleanup(u);
    return rc;
}

void url_target_finish(struct url_target *t)
{
    curl_url_cleanup(t->url);
    t->url = NULL;
}
