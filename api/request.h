/*
 * One request, from its first line to the end of its answer. Private to api/. Thread: loop.
 *
 * It lives as long as MHD or a bridge call holds it. MHD lets go when the answer is sent or the
 * connection died; the bridge when it has answered. Either may be first, and the server may be gone
 * before the bridge answers: then `api` and `conn` are NULL and the answer is dropped.
 */
#ifndef API_REQUEST_H
#define API_REQUEST_H

#include "api.h"
#include "bridge.h"
#include "buf.h"
#include "err.h"
#include "list.h"
#include "query.h"
#include "router.h"
#include "sm.h"

#include <jansson.h>
#include <microhttpd.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct api;
struct api_listener;
struct upload;

struct api_headers {
    const char *host, *authorization, *x_api_key, *accept, *content_type, *content_length;
    const char *transfer_encoding, *idempotency_key, *request_id, *last_event_id;
    const char *content_encoding, *expect;
    const char *range, *if_range, *if_none_match;
    const char *forwarded_for; /* the last, of the nearest proxy */
    bool bad_name;     /* a name that is no token, or a value with a control character */
    const char *twice; /* a header that may come once and came again */
};

/* What the answer says of the key's bucket; quota 0: nothing. */
struct api_rate {
    enum api_class cls;
    uint64_t quota, left;
    unsigned reset_s;
};

enum request_state { REQUEST_HEAD, REQUEST_BODY, REQUEST_WAITING, REQUEST_ANSWERED, REQUEST_SENT };

struct api_request {
    unsigned refs; /* MHD's and one for each bridge call in flight */
    struct api *api;
    struct api_listener *listener;
    struct MHD_Connection *conn;
    struct list link;
    struct sm state;
    bool suspended;
    bool close;          /* no keep-alive after this answer */
    uint64_t started_ms; /* monotonic */
    uint64_t started_us; /* the same, finer: for the metrics */
    char id[65];
    char method[16];
    const char *path;     /* as sent, for `instance`; NULL when it was not clean */
    struct api_headers h; /* points into MHD's memory of the request */
    const struct api_route *route;
    const char *param[PARAM_COUNT];
    struct query query;
    struct bridge_principal who;
    struct api_rate rate;
    struct buf body;
    json_t *json; /* NULL: no body */
    size_t discarded;
    /* the answer */
    struct MHD_Response *response;
    int status;
    bool replayed;
    const char *allow; /* for 405 and OPTIONS */
    char allow_text[ROUTER_ALLOW];
    /* a wait that close may cut short: answers now. NULL: none */
    void (*cut)(struct api_request *r);
    struct upload *upload; /* upload.c; NULL: none */
    bool by_link;          /* no key, but a signature */
    const char *ticket;    /* no key, but this, of the query; NULL: none */
    size_t ticket_len;
    struct list wait_link; /* logs.c */
    uint64_t wait_until_ms;
    struct {
        bool held, done;            /* an answer waits for its record; there is (or will be) one */
        int status;                 /* the held answer */
        struct MHD_Response *response;
        const char *code;           /* of the problem that it is; NULL: none */
        char target[129];
        char tenant[64];
        bool placed; /* tenant is what api_audit_tenant() said */
        json_t *detail;
    } audit;
    json_t *kept;   /* messages.c: the message, while waiting for its ack */
    int choice;     /* sessions.c: which media type */
    bool too_long;  /* the target was cut */
    bool raw;       /* answered past MHD, in the middle of a body */
    bool streaming; /* an event stream: silent for long */
    char *segments; /* second copy of the path, taken apart */
    char target[];  /* as sent: path NUL query */
};

/* MHD's callbacks */
void *request_on_target(void *cls, const char *uri, struct MHD_Connection *conn);
enum MHD_Result request_on_call(void *cls, struct MHD_Connection *conn, const char *url,
                                const char *method, const char *version, const char *data,
                                size_t *size, void **context);
void request_on_completed(void *cls, struct MHD_Connection *conn, void **context,
                          enum MHD_RequestTerminationCode why);
/* guard.c. The headers once over. */
void headers_read(struct MHD_Connection *conn, struct api_headers *h);
/* Everything that is known to be wrong before a body is read; 0 or what is wrong. Sets r->close
 * when what follows on the connection cannot be trusted. */
int request_guard(struct api_request *r, const char *version, struct err *e);
/* Route, key, parameters; answers OPTIONS itself. */
int request_admit(struct api_request *r, struct err *e);
bool request_has_body(const struct api_headers *h);
/* What was read, as JSON into r->json. E_INVALID "malformed_json". */
int request_parse(struct api_request *r, struct err *e);

/* The server goes away: the request answers what it can and forgets it. */
void request_cut(struct api_request *r);
void request_release(struct api_request *r);
/* MHD is done with it. */
void request_forget(struct api_request *r, enum MHD_RequestTerminationCode why);

#endif
