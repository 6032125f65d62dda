/* Which addresses are out there on the public Internet (IANA special-purpose registries). */
#include "url_guard.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

struct range4 {
    uint32_t base;
    unsigned bits;
};
#define IP4(a, b, c, d) ((uint32_t)(a) << 24 | (uint32_t)(b) << 16 | (uint32_t)(c) << 8 | (d))

static const struct range4 forbidden4[] = {
    {IP4(0, 0, 0, 0), 8},       /* this network; 0.0.0.0 reaches ourselves */
    {IP4(10, 0, 0, 0), 8},      /* private */
    {IP4(100, 64, 0, 0), 10},   /* shared, carrier-grade NAT */
    {IP4(127, 0, 0, 0), 8},     /* loopback */
    {IP4(169, 254, 0, 0), 16},  /* link-local; cloud metadata */
    {IP4(172, 16, 0, 0), 12},   /* private */
    {IP4(192, 0, 0, 0), 24},    /* protocol assignments */
    {IP4(192, 0, 2, 0), 24},    /* documentation */
    {IP4(192, 88, 99, 0), 24},  /* 6to4 relays */
    {IP4(192, 168, 0, 0), 16},  /* private */
    {IP4(198, 18, 0, 0), 15},   /* benchmarks */
    {IP4(198, 51, 100, 0), 24}, /* documentation */
    {IP4(203, 0, 113, 0), 24},  /* documentation */
    {IP4(224, 0, 0, 0), 4},     /* multicast */
    {IP4(240, 0, 0, 0), 4},     /* reserved, broadcast */
};

struct range6 {
    uint8_t base[4];
    unsigned bits; /* at most 32 */
};
/* Within 2000::/3; what is outside is not global unicast. */
static const struct range6 forbidden6[] = {
    {{0x20, 0x01, 0x00, 0x00}, 23}, /* protocol assignments: Teredo, ORCHID, benchmarks */
    {{0x20, 0x01, 0x0d, 0xb8}, 32}, /* documentation */
    {{0x20, 0x02, 0x00, 0x00}, 16}, /* 6to4 */
    {{0x3f, 0xff, 0x00, 0x00}, 20}, /* documentation */
};

static bool within(uint32_t address, uint32_t base, unsigned bits)
{
    return (address ^ base) >> (32 - bits) == 0;
}

static bool public4(uint32_t address)
{
    for (size_t i = 0; i < sizeof(forbidden4) / sizeof(forbidden4[0]); i++) {
        if (within(address, forbidden4[i].base, forbidden4[i].bits)) {
            return false;
        }
    }
    return true;
}

static bool public6(const uint8_t a[16])
{
    if ((a[0] & 0xE0) != 0x20) {
        return false; /* ::1, ::, mapped, 64:ff9b::/96, fc00::/7, fe80::/10, ff00::/8 … */
    }
    uint32_t head = IP4(a[0], a[1], a[2], a[3]);
    for (size_t i = 0; i < sizeof(forbidden6) / sizeof(forbidden6[0]); i++) {
        const uint8_t *b = forbidden6[i].base;
        if (within(head, IP4(b[0], b[1], b[2], b[3]), forbidden6[i].bits)) {
            return false;
        }
    }
    return true;
}

bool address_allowed(const struct sockaddr *address, bool allow_private)
{
    if (address->sa_family == AF_INET) {
        struct sockaddr_in in;
        memcpy(&in, address, sizeof(in));
        return allow_private || public4(ntohl(in.sin_addr.s_addr));
    }
    if (address->sa_family == AF_INET6) {
        struct sockaddr_in6 in;
        memcpy(&in, address, sizeof(in));
        return allow_private || public6(in.sin6_addr.s6_addr);
    }
    return false;
}

bool address_text_allowed(const char *text, bool allow_private)
{
    struct sockaddr_in in4 = {.sin_family = AF_INET};
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};
    char plain[INET6_ADDRSTRLEN];
    size_t len = strcspn(text, "%"); /* a zone says which link, not which kind of address */
    if (len >= sizeof(plain)) {
        return false;
    }
    memcpy(plain, text, len);
    plain[len] = '\0';
    if (inet_pton(AF_INET, plain, &in4.sin_addr) == 1) {
        return address_allowed((const struct sockaddr *)(const void *)&in4, allow_private);
    }
    if (inet_pton(AF_INET6, plain, &in6.sin6_addr) == 1) {
        return address_allowed((const struct sockaddr *)(const void *)&in6, allow_private);
    }
    return false;
}
