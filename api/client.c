/* Whose request is it? Behind a reverse proxy that the operator trusts, X-Forwarded-For says so. */
#include "limit.h"

#include "err.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#define BLANKS " \t"

/* An address, IPv4 as ::ffff:a.b.c.d. */
static bool parse_address(const char *s, size_t len, struct in6_addr *out)
{
    char text[INET6_ADDRSTRLEN];
    struct in_addr v4;
    if (len == 0 || len >= sizeof(text)) {
        return false;
    }
    memcpy(text, s, len);
    text[len] = '\0';
    if (inet_pton(AF_INET6, text, out) == 1) {
        return true;
    }
    if (inet_pton(AF_INET, text, &v4) != 1) {
        return false;
    }
    memset(out, 0, sizeof(*out));
    out->s6_addr[10] = out->s6_addr[11] = 0xff;
    memcpy(&out->s6_addr[12], &v4, sizeof(v4));
    return true;
}

static bool parse_net(const char *s, size_t len, struct in6_addr *addr, unsigned *bits)
{
    const char *slash = memchr(s, '/', len);
    size_t host = slash != NULL ? (size_t)(slash - s) : len;
    if (!parse_address(s, host, addr)) {
        return false;
    }
    bool v4 = memchr(s, ':', host) == NULL;
    *bits = 128;
    if (slash == NULL) {
        return true;
    }
    size_t digits = len - host - 1;
    unsigned n = 0;
    for (size_t i = 0; i < digits; i++) {
        if (slash[1 + i] < '0' || slash[1 + i] > '9' || digits > 3) {
            return false;
        }
        n = n * 10 + (unsigned)(slash[1 + i] - '0');
    }
    *bits = v4 ? n + 96 : n;
    return digits > 0 && *bits <= 128;
}

int proxies_parse(const char *text, struct proxies *out, struct err *e)
{
    out->count = 0;
    for (const char *s = text + strspn(text, BLANKS ","); *s != '\0';) {
        size_t len = strcspn(s, BLANKS ",");
        if (out->count == PROXIES_MAX) {
            return err_set(e, E_INVALID, "[server] trusted_proxies takes at most %d of them",
                           PROXIES_MAX);
        }
        if (!parse_net(s, len, &out->net[out->count].addr, &out->net[out->count].bits)) {
            return err_set(e, E_INVALID,
                           "[server] trusted_proxies: %.*s is no address or network; write "
                           "127.0.0.1 or 10.0.0.0/8, with commas between",
                           (int)(len < 64 ? len : 64), s);
        }
        out->count++;
        s += len;
        s += strspn(s, BLANKS ",");
    }
    return 0;
}

static bool inside(const struct in6_addr *a, const struct in6_addr *net, unsigned bits)
{
    unsigned whole = bits / 8, rest = bits % 8;
    return memcmp(a, net, whole) == 0 &&
           (rest == 0 || (a->s6_addr[whole] ^ net->s6_addr[whole]) >> (8 - rest) == 0);
}

static bool trusted(const struct proxies *p, const struct in6_addr *a)
{
    for (size_t i = 0; i < p->count; i++) {
        if (inside(a, &p->net[i].addr, p->net[i].bits)) {
            return true;
        }
    }
    return false;
}

/* "1.2.3.4", "1.2.3.4:5", "::1", "[::1]", "[::1]:5" */
static bool parse_hop(const char *s, size_t len, struct in6_addr *out)
{
    if (len > 0 && s[0] == '[') {
        const char *end = memchr(s, ']', len);
        return end != NULL && parse_address(s + 1, (size_t)(end - s - 1), out);
    }
    const char *colon = memchr(s, ':', len);
    if (colon != NULL && memchr(colon + 1, ':', len - (size_t)(colon + 1 - s)) == NULL) {
        len = (size_t)(colon - s);
    }
    return parse_address(s, len, out);
}

bool client_address(const struct proxies *p, const struct sockaddr *peer, const char *forwarded,
                    struct in6_addr *out)
{
    if (peer != NULL && peer->sa_family == AF_INET6) {
        *out = ((const struct sockaddr_in6 *)(const void *)peer)->sin6_addr;
    } else if (peer != NULL && peer->sa_family == AF_INET) {
        const struct in_addr *v4 = &((const struct sockaddr_in *)(const void *)peer)->sin_addr;
        memset(out, 0, sizeof(*out));
        out->s6_addr[10] = out->s6_addr[11] = 0xff;
        memcpy(&out->s6_addr[12], v4, sizeof(*v4));
    } else {
        return false;
    }
    size_t left = forwarded != NULL ? strlen(forwarded) : 0;
    while (left > 0 && trusted(p, out)) {
        size_t begin = left;
        while (begin > 0 && forwarded[begin - 1] != ',') {
            begin--;
        }
        const char *hop = forwarded + begin + strspn(forwarded + begin, BLANKS);
        size_t len = hop < forwarded + left ? (size_t)(forwarded + left - hop) : 0;
        while (len > 0 && strchr(BLANKS, hop[len - 1]) != NULL) {
            len--;
        }
        struct in6_addr next;
        if (!parse_hop(hop, len, &next)) {
            break; /* the nearest that is known */
        }
        *out = next;
        left = begin > 0 ? begin - 1 : 0;
    }
    return true;
}
