/*
 * The server itself: its listeners and what all of its requests share. Private to api/.
 * Thread: loop.
 */
#ifndef API_SERVER_H
#define API_SERVER_H

#include "api.h"
#include "audit.h"
#include "list.h"

#include <microhttpd.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <uv.h>

struct api_connection;
struct limits;
struct router;
struct tls;

struct api_listener {
    struct api *api;
    struct MHD_Daemon *daemon; /* NULL: not in use */
    int listen_fd;             /* -1: no longer accepting */
    uv_poll_t accepting;
    unsigned count, max, max_per_address; /* connections; 0: no limit per address */
    uint64_t full_log_ms;                 /* when it was last said that there is no room */
    int epoll_fd;
    uv_poll_t poll;
    uv_timer_t timer;
    bool loopback; /* TCP on a loopback address: Host is checked, against DNS rebinding */
    char host[64];
    unsigned port;
};
struct api {
    uv_loop_t *loop;
    struct bridge *bridge;
    struct api_listener tcp, local;
    struct tls *tls; /* NULL: TCP is plain */
    char *socket_path; /* unlinked at the end while it is still the one that we made */
    struct stat socket_made;
    uv_prepare_t prepare; /* runs MHD after answers came: see api_wake() */
    uv_timer_t tick;      /* 1 s: stream comments, dripping clients */
    uv_timer_t grace;
    uv_timer_t log_timer; /* polls the log while somebody waits for it */
    bool wake;
    bool closing, stopping;
    unsigned handles;        /* uv handles still open */
    struct list requests;    /* struct api_request: MHD has them */
    struct list connections; /* struct api_connection */
    struct api_connection **by_fd;
    size_t fds;   /* of by_fd */
    int spare_fd; /* given up for a moment to refuse a connection when there are no more */
    struct list streams;     /* struct stream (sse.c) */
    struct list archives;    /* struct archive_stream (archive.c) */
    struct list log_waiters; /* struct api_request.wait_link */
    struct audit_rate audit;
    unsigned stream_count;
    bool metrics_open;
    bool dashboard;
    char *public_url; /* NULL: not known */
    struct router *router;
    struct limits *limits; /* limit.h */
    char *openapi;
    size_t openapi_len;
    void (*on_closed)(void *arg);
    void *closed_arg;
};
/* MHD has something to do: it runs before the loop next sleeps. */
void api_wake(struct api *a);

/* A handle counted in a->handles has closed. May free a. */
void api_handle_gone(struct api *a);

#endif
