/*
 * What the limits say to a request, before its body is read.
 *
 * Happy path: the address has not failed too often; its key is good; the key's bucket for the
 * route's class has a token. The answer tells what is left (RateLimit, RateLimit-Policy).
 *
 * A bucket asks for its tenant's own rate at most once a second, so that a change is seen soon and
 * a busy key costs no look into the store.
 */
#include "limit.h"

#include "api_priv.h"
#include "clock.h"
#include "mem.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOOK_AGAIN_MS 1000u

struct limits {
    struct seats *seats; /* NULL: no rates */
    struct logins *logins;
    struct proxies proxies;
    uint32_t rate[API_CLASS_COUNT]; /* a minute; 0: none */
    unsigned burst_percent;
};

struct customer {
    struct seat seat; /* first */
    struct bucket bucket;
    uint64_t asked_ms;
    uint64_t rate;
};

int limits_create(const struct api_config *c, struct limits **out, struct err *e)
{
    struct limits *l = mem_calloc(1, sizeof(*l));
    if (l == NULL) {
        return err_set(e, E_NOMEM, "out of memory");
    }
    memcpy(l->rate, c->limits.per_minute, sizeof(l->rate));
    l->burst_percent = c->limits.burst_percent > 0 ? c->limits.burst_percent : 100;
    int rc = c->trusted_proxies != NULL ? proxies_parse(c->trusted_proxies, &l->proxies, e) : 0;
    if (rc == 0 && c->limits.rates) {
        l->seats = seats_create(sizeof(struct customer));
        rc = l->seats != NULL ? 0 : err_set(e, E_NOMEM, "out of memory");
    }
    if (rc == 0 && c->limits.login_failures > 0) {
        l->logins = logins_create(c->limits.login_failures, c->limits.login_wait_max_ms);
        rc = l->logins != NULL ? 0 : err_set(e, E_NOMEM, "out of memory");
    }
    if (rc != 0) {
        limits_free(l);
        return rc;
    }
    *out = l;
    return 0;
}

void limits_free(struct limits *l)
{
    if (l != NULL) {
        seats_free(l->seats);
        logins_free(l->logins);
        free(l);
    }
}

/* ---- the address -------------------------------------------------------------------------------
 */

static bool address_of(const struct api_request *r, struct in6_addr *out)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(r->conn, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    const struct sockaddr *peer = info != NULL ? info->client_addr : NULL;
    return r->listener != &r->api->local &&
           client_address(&r->api->limits->proxies, peer, r->h.forwarded_for, out);
}

void limits_client(const struct api_request *r, char out[CLIENT_TEXT])
{
    struct in6_addr a;
    out[0] = '\0';
    if (r->conn == NULL || !address_of(r, &a)) {
        return;
    }
    if (IN6_IS_ADDR_V4MAPPED(&a)) {
        (void)inet_ntop(AF_INET, &a.s6_addr[12], out, CLIENT_TEXT);
    } else {
        (void)inet_ntop(AF_INET6, &a, out, CLIENT_TEXT);
    }
}

static unsigned seconds(uint64_t ms)
{
    return ms <= 1000 ? 1 : (unsigned)((ms + 999) / 1000);
}

int limits_door(struct api_request *r, struct err *e)
{
    struct in6_addr from;
    struct logins *l = r->api->limits->logins;
    bool open = r->route->auth == API_OPEN && (r->route->flags & API_GUESS) == 0;
    if (l == NULL || open || !address_of(r, &from)) {
        return 0;
    }
    uint64_t wait = logins_wait_ms(l, &from, clock_mono_ms());
    if (wait == 0) {
        return 0;
    }
    int rc = err_word(e, E_LIMIT, "too_many_failures",
                      "too many requests with a wrong key came from your address: try again in "
                      "%u s, with the right one",
                      seconds(wait));
    e->retry_after_s = seconds(wait);
    return rc;
}

/* Who has an expired key has the key: a program that was forgotten must not shut out its host. */
static bool is_guess(const struct err *e)
{
    const char *word = err_word_of(e);
    return e->code == E_AUTH && strcmp(word, "key_expired") != 0 &&
           strcmp(word, "token_expired") != 0 && strcmp(word, "credential_expired") != 0 &&
           strcmp(word, "credential_revoked") != 0;
}

void limits_secret_result(struct api_request *r, bool right)
{
    struct in6_addr from;
    struct logins *l = r->api->limits->logins;
    if (l != NULL && address_of(r, &from)) {
        (right ? logins_worked : logins_failed)(l, &from, clock_mono_ms());
    }
}

void limits_door_result(struct api_request *r, const struct err *e)
{
    struct in6_addr from;
    struct logins *l = r->api->limits->logins;
    bool asked = r->h.authorization != NULL || r->h.x_api_key != NULL;
    if (l == NULL || r->route->auth == API_OPEN || !asked || !address_of(r, &from)) {
        return; /* who sends no key guesses none */
    }
    if (is_guess(e)) {
        logins_failed(l, &from, clock_mono_ms());
    } else if (e->code != E_AUTH &&
               (r->who.admin || r->who.meter || r->who.tenant[0] != '\0')) {
        logins_worked(l, &from, clock_mono_ms());
    }
}

/* ---- the bucket --------------------------------------------------------------------------------
 */

static uint64_t rate_of(const struct api_request *r, enum api_class cls)
{
    char name[40];
    uint64_t rate = r->api->limits->rate[cls];
    if (r->who.tenant[0] == '\0') {
        return rate;
    }
    (void)snprintf(name, sizeof(name), "%s_per_minute", api_class_name(cls));
    return bridge_tenant_limit(r->api->bridge, r->who.tenant, name, rate);
}

static uint64_t burst_of(const struct limits *l, uint64_t rate)
{
    uint64_t burst = rate * l->burst_percent / 100;
    return burst > 0 ? burst : 1;
}

/* A key by its id; a link by the address of who follows it. */
static void name_of(const struct api_request *r, uint8_t id[SEAT_ID], enum api_class cls)
{
    const struct seats *s = r->api->limits->seats;
    struct in6_addr from;
    if (r->by_link) {
        memset(&from, 0, sizeof(from));
        (void)address_of(r, &from);
        seats_id(s, &from, IN6_IS_ADDR_V4MAPPED(&from) ? 16 : 8, API_CLASS_COUNT + (unsigned)cls,
                 id);
        return;
    }
    bool one_chat = bridge_of_one_chat(&r->who); /* each widget for itself, not as its key */
    const char *key =
        r->who.key_id[0] != '\0' && !one_chat ? r->who.key_id : r->who.subject;
    char name[sizeof(r->who.tenant) + sizeof(r->who.subject) + BRIDGE_CHAT_LEN + 64];
    int len = snprintf(name, sizeof(name), "%s/%s/%.63s/%s", r->who.tenant, key,
                       one_chat ? r->who.sessions : "", r->who.chat[0]);
    seats_id(s, name, (size_t)len, (unsigned)cls, id);
}

int limits_take(struct api_request *r, struct err *e)
{
    const struct limits *l = r->api->limits;
    enum api_class cls = limit_class(r->route);
    uint64_t now = clock_mono_ms();
    uint8_t id[SEAT_ID];
    bool fresh;
    if (l->seats == NULL || cls == API_UNLIMITED) {
        return 0;
    }
    name_of(r, id, cls);
    struct customer *c = seats_take(l->seats, id, now, &fresh);
    if (fresh || now >= c->asked_ms + LOOK_AGAIN_MS) {
        c->rate = rate_of(r, cls);
        c->asked_ms = now;
    }
    if (c->rate == 0) {
        return 0;
    }
    uint64_t burst = burst_of(l, c->rate);
    if (c->bucket.at_ms == 0) { /* new, or without a limit until now */
        bucket_fill(&c->bucket, burst, now);
    }
    bool taken = bucket_take(&c->bucket, c->rate, burst, now);
    uint64_t full = bucket_full_ms(&c->bucket, c->rate, burst);
    r->rate = (struct api_rate){cls, c->rate, bucket_left(&c->bucket), full > 0 ? seconds(full) : 0};
    if (taken) {
        return 0;
    }
    unsigned wait = seconds(bucket_wait_ms(&c->bucket, c->rate));
    int rc = err_word(e, E_LIMIT, "rate_limited",
                      "this key may ask %llu times a minute for what is of the class %s: try again "
                      "in %u s",
                      (unsigned long long)c->rate, api_class_name(cls), wait);
    e->retry_after_s = wait;
    return rc;
}
