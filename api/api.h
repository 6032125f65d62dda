/*
 * HTTP in: listeners (libmicrohttpd on the loop), routes, authentication, limits, event streams.
 * Speaks to bridge/bridge.h only. Thread: loop.
 */
#ifndef API_H
#define API_H

#include "err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

struct api;
struct bridge;

#define API_MAX_BODY (1u << 20)    /* bytes; past it 413 */
#define API_MAX_HEADER (32u << 10) /* request line and headers; past it 431 */
#define API_MAX_CONNECTIONS 1024 /* TCP; at most half of the descriptors that the process may have */
#define API_MAX_LOCAL 128        /* Unix socket: kept apart, so that a flood of TCP leaves it alone */
#define API_MAX_PER_ADDRESS 256  /* IPv6: per /64. Not on loopback, where every client has the same */
#define API_IDLE_TIMEOUT_S 60
#define API_MAX_WAIT_S 60   /* wait= and timeout_s= */
#define API_MAX_PUBLIC_URL 200
#define API_MAX_STREAMS 256 /* open event streams */
#define API_WIDGET_STREAMS 32 /* of those, by widgets of one agent on one chat */

/* Route classes: name, word. */
#define API_CLASSES(X)                                                                             \
    X(CONNECT, "connect")   /* start, stop, link … */                                              \
    X(STATUS, "status")     /* how sessions are */                                                 \
    X(SEND, "send")         /* messages that go out */                                             \
    X(MESSAGES, "messages") /* chats, history, search */                                           \
    X(CONTACTS, "contacts") /* contacts and groups */                                              \
    X(MEDIA, "media")                                                                              \
    X(WEBHOOKS, "webhooks")                                                                        \
    X(EVENTS, "events")                                                                            \
    X(MANAGE, "manage") /* all else: tenants, keys, settings */
enum api_class {
    API_UNLIMITED,
#define API_CLASS_ENUM(id, word) API_CLASS_##id,
    API_CLASSES(API_CLASS_ENUM)
#undef API_CLASS_ENUM
        API_CLASS_COUNT
};
const char *api_class_name(enum api_class c); /* "send"; "" when it is none */

struct api_config {
    const char *listen; /* "127.0.0.1:3000", "[::1]:3000"; port 0: any; NULL: no TCP */
    const char
        *socket; /* path of the Unix socket, mode 0600; NULL: none. A stale one is replaced */
    unsigned max_connections, max_per_address; /* of TCP; 0: the defaults above */
    bool dashboard; /* "/" and sign-in links; else 404 and 403 */
    const char *public_url; /* where browsers find us, "https://wa.example.com"; NULL: at listen */
    bool metrics_open; /* GET /metrics needs no key on loopback and the socket */
    const char *tls_cert, *tls_key; /* PEM files: TCP speaks TLS; NULL: plain. Changed ones
                                      are noticed within a minute */
    int listen_fd, socket_fd; /* listening already, instead of the two above; 0: none. Taken over */
    const char *trusted_proxies; /* "127.0.0.1, 10.0.0.0/8": whose X-Forwarded-For is believed;
                                    NULL: nobody's */
    struct {
        bool rates; /* false: no rate limits */
        uint32_t per_minute[API_CLASS_COUNT]; /* 0: none */
        unsigned burst_percent;     /* of a minute's worth at once; 0: 100 */
        unsigned login_failures;    /* of an address before it has to wait; 0: never */
        uint64_t login_wait_max_ms; /* the longest wait */
    } limits;
};

/* Whether the addresses can be understood at all; opens nothing. E_INVALID says what is wrong. */
int api_check(const struct api_config *c, struct err *e);
/* Gives a listening server. E_EXISTS: address in use (says which and what to do); E_INVALID. */
int api_create(uv_loop_t *loop, struct bridge *b, const struct api_config *c, struct api **out,
               struct err *e);
/* The TCP port in use (for listen port 0); 0 when none. */
unsigned api_port(const struct api *a);
/* Stops accepting, ends streams, gives open answers grace_ms; then on_closed; frees. Call before
 * bridge_close(). */
void api_close(struct api *a, uint64_t grace_ms, void (*on_closed)(void *arg), void *arg);

#endif
