/* The table of routes, and which of them a path means. Private to api/, pure, any thread. */
#ifndef API_ROUTER_H
#define API_ROUTER_H

#include "bridge.h"
#include "err.h"
#include "query.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

struct api_request;
enum api_auth {
    API_OPEN,  /* no key */
    API_LOCAL, /* API_ADMIN, or none when [metrics] open and the listener is local */
    API_ADMIN, /* an admin key, or one of metrics:read alone where that is the scope; a tenant's
                  key is 403 */
    API_TENANT, /* an admin key, or a key of the tenant in the path (else 404) */
    API_SIGNED, /* the same, or without a key a signature in the query, which its handler checks */
    API_TICKET, /* the same, or without a key, for an event stream, a ticket in the query */
    API_ANY     /* whoever has a key or a token, of whatever tenant or none */
};
enum api_flags {
    API_BODY_OPTIONAL = 1, /* an empty body stands for {} */
    API_IDEMPOTENT = 2,    /* takes Idempotency-Key */
    API_LATE = 4,          /* may answer 202 instead of its status */
    API_QUIET = 8,         /* not worth a log line (it reads the log) */
    API_STREAM = 16,       /* the body is a file and goes to upload.c piece by piece */
    API_WHOLE_TENANT = 32, /* not for a key that sees only some sessions */
    API_CHAT = 64,         /* also for the widget, whose credential is for one chat: what the path
                              names, and what is sent, is checked to be of it */
    API_CHAT_ONLY = 128,   /* for nobody else */
    API_GUESS = 256,       /* open, with a secret in its body: a wrong one is a failed login */
    API_PACKED = 512,      /* a long answer that repeats itself and holds no secret: compressed for
                              who takes that */
    API_NAMELESS = 1024    /* one of dozens that a page loads, in no log: no X-Request-Id */
};
struct api_route {
    const char *method;
    const char *pattern; /* "/v1/tenants/{tenant}": {…} is one segment */
    enum api_auth auth;
    enum bridge_scope scope; /* what a tenant's key needs; BRIDGE_NO_SCOPE: any key of the tenant */
    void (*handle)(struct api_request *r);
    const struct query_param *query; /* NULL: none */
    const char *summary;
    const char *body;   /* schema of the request body, NULL: none */
    int status;         /* when it worked */
    const char *answer; /* schema of the answer, NULL: empty */
    unsigned flags;     /* enum api_flags */
    const char *media;  /* of the answer when it is not JSON only: "a b", first is the default */
};
extern const struct api_route api_routes[];
extern const size_t api_route_count;

enum path_param {
    PARAM_TENANT,
    PARAM_SESSION,
    PARAM_WEBHOOK,
    PARAM_MESSAGE,
    PARAM_CHAT,
    PARAM_KEY,
    PARAM_MEDIA,
    PARAM_CONTACT,
    PARAM_GROUP,
    PARAM_NOTE,
    PARAM_PHONE,
    PARAM_DELIVERY,
    PARAM_COUNT
};
const char *path_param_name(enum path_param p);
#define PATH_MAX_SEGMENTS 10
struct path {
    unsigned count;
    const char *segment[PATH_MAX_SEGMENTS];
};
/* Takes a path that starts with '/' apart in place and decodes each segment. "/" has no segment.
 * E_INVALID "malformed_request"; E_NOTFOUND when it has too many segments or an empty one. */
int path_split(char *path, struct path *out, struct err *e);

struct router;
/* Gives; NULL when there is no memory. Asserts that every pattern is one it understands. */
struct router *path_router_create(const struct api_route *routes, size_t count);
void path_router_free(struct router *r);
/* allow (of ROUTER_ALLOW bytes) gets the methods of the path, "GET, HEAD, OPTIONS", also when the
 * method is not among them: then NULL and *known. NULL and not *known: no such path. */
#define ROUTER_ALLOW 64
const struct api_route *path_router_match(const struct router *r, const char *method,
                                          const struct path *path, const char *param[PARAM_COUNT],
                                          bool *known, char allow[ROUTER_ALLOW]);

/* openapi.c: the OpenAPI document of the routes. Gives; NULL: no memory. */
json_t *openapi_document(const struct api_route *routes, size_t count);

#endif
