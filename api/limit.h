/*
 * Limits at the door: how often a key may ask (token buckets, one a key and route class), and how
 * often an address may fail to log in. Both are kept in memory only. Thread: loop.
 */
#ifndef API_LIMIT_H
#define API_LIMIT_H

#include "api.h"
#include "seats.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

struct api_request;
struct api_route;

/* ---- buckets (limit.c; pure) ----------------------------------------------------------------- */

/* Full at first. One request costs one token; `rate` of them a minute come back, up to `burst`. */
struct bucket {
    uint64_t units; /* BUCKET_COST of them are a token: whole numbers, nothing is lost by rounding */
    uint64_t at_ms;
};
#define BUCKET_COST 60000u
void bucket_fill(struct bucket *b, uint64_t burst, uint64_t now_ms);
/* Takes a token. False: none is there. */
bool bucket_take(struct bucket *b, uint64_t rate, uint64_t burst, uint64_t now_ms);
uint64_t bucket_left(const struct bucket *b);
/* ms until a token is there; 0: now. */
uint64_t bucket_wait_ms(const struct bucket *b, uint64_t rate);
/* ms until it is full. */
uint64_t bucket_full_ms(const struct bucket *b, uint64_t rate, uint64_t burst);

/* ---- classes (limit_class.c; pure) ------------------------------------------------------------ */

/* API_UNLIMITED for what needs no key, and for what only reads the log. */
enum api_class limit_class(const struct api_route *route);

/* ---- failed logins (login.c; pure) ------------------------------------------------------------ */

struct logins; /* the table; NULL in the calls below: nothing is limited */
/* free: failures without a wait; then 1 s, doubling with each, up to max_ms. */
struct logins *logins_create(unsigned free, uint64_t max_ms);
void logins_free(struct logins *l);
uint64_t logins_wait_ms(struct logins *l, const struct in6_addr *from, uint64_t now_ms);
void logins_failed(struct logins *l, const struct in6_addr *from, uint64_t now_ms);
/* Half of the failures are forgiven, and half again for each LOGIN_FORGET_MS without one. */
void logins_worked(struct logins *l, const struct in6_addr *from, uint64_t now_ms);
#define LOGIN_FORGET_MS 600000u

/* ---- the client's address (client.c; pure) ---------------------------------------------------- */

#define PROXIES_MAX 32
struct proxies {
    size_t count;
    struct {
        struct in6_addr addr; /* IPv4 as ::ffff:a.b.c.d */
        unsigned bits;
    } net[PROXIES_MAX];
};
/* "10.0.0.0/8, ::1": addresses and networks. E_INVALID. */
int proxies_parse(const char *text, struct proxies *out, struct err *e);
/* Who asks: the peer, or what trusted proxies say, the nearest last in forwarded (NULL: no header).
 * False when it has no address (a Unix socket). */
bool client_address(const struct proxies *p, const struct sockaddr *peer, const char *forwarded,
                    struct in6_addr *out);

/* ---- at a request (limit_request.c) ------------------------------------------------------------ */

struct limits;
/* E_NOMEM, E_INVALID (trusted_proxies). */
int limits_create(const struct api_config *c, struct limits **out, struct err *e);
void limits_free(struct limits *l); /* NULL accepted */
/* Before the key is looked at: E_LIMIT "too_many_failures". */
int limits_door(struct api_request *r, struct err *e);
/* After it: e is what came of it. */
void limits_door_result(struct api_request *r, const struct err *e);
/* Of a handler that looked at a secret in a body (API_GUESS). */
void limits_secret_result(struct api_request *r, bool right);
/* Takes a token of the key for the route's class: E_LIMIT "rate_limited". */
int limits_take(struct api_request *r, struct err *e);
/* The client's address as text; "" over a Unix socket. */
#define CLIENT_TEXT 46
void limits_client(const struct api_request *r, char out[CLIENT_TEXT]);

#endif
