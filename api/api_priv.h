/*
 * What the files of api/ share: one request, the route table, the pure parsers. Private to api/.
 * Thread: loop, but for the pure parts (any).
 *
 * A request lives as long as MHD or a bridge call holds it. MHD lets go when the answer is sent or
 * the connection died; the bridge when it has answered. Either may be first, and the server may be
 * gone before the bridge answers: then `api` and `conn` are NULL and the answer is dropped.
 */
#ifndef API_PRIV_H
#define API_PRIV_H

#include "api.h"

#include "bridge.h"
#include "buf.h"
#include "err.h"
#include "json.h"
#include "list.h"
#include "log.h"
#include "sm.h"
#include "wire.h"

#include <microhttpd.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#define API_MAX_PATH 2048
#define API_MAX_TARGET 8192    /* path and query */
#define API_MAX_KEY 8192       /* bytes of a key or token as sent */
#define API_MAX_DISCARD 131072 /* a refused body is read to its end up to here, else cut off */
#define API_HEAD_TIMEOUT_MS 20000 /* from the first byte of a request to the end of its headers */
#define API_BODY_TIMEOUT_MS 30000 /* to the end of the body, and what it has brought gains more: */
#define API_SLOWEST_BODY 1        /* bytes a ms */
#define API_SLOWEST_UPLOAD 8      /* bytes a ms; with */
#define API_UPLOAD_TIMEOUT_MS 120000
#define API_ANSWER_WINDOW_MS 60000 /* in each of these a client must take */
#define API_ANSWER_BYTES 65536     /* so much of its answer, or the rest of it; not streams */
#define API_LINGER_MS 5000         /* after a refusal, so that the client reads it */
#define API_FIRST_CHANCE_MS 1000   /* a silent connection is let alone, even when others wait */
#define API_PING_MS 15000             /* an event stream is never silent longer */
#define API_MAX_LIST_BYTES (4u << 20) /* events in one JSON answer */

/* ---- negotiate.c: media types (pure) ------------------------------------------------------- */

/* Which of offers (lower case "type/subtype", NULL-terminated, the server's favourite first) an
 * Accept header wants most; 0 without a header, -1 when none will do. Unreadable parts of the
 * header are skipped. */
int accept_pick(const char *accept, const char *const *offers);
/* application/json or application/…+json, parameters allowed; charset only utf-8. */
bool media_is_json(const char *content_type);

/* ---- pack.c: gzip (pure but for the header it reads) ------------------------------------------ */

#define PACK_LEAST 1000      /* bytes: below, it would gain nothing */
#define PACK_MOST (4u << 20) /* bytes: what the loop may spend its time on */
struct api_request;
/* Does the client take gzip? Accept-Encoding says so. */
bool pack_wanted(struct api_request *r);
/* Gives the packed bytes (free()); NULL: no memory, or longer than PACK_MOST. */
char *pack_gzip(const char *data, size_t len, size_t *out_len);

/* ---- query.c: the query string (pure) ------------------------------------------------------ */

enum query_kind {
    QUERY_TEXT,
    QUERY_UINT,
    QUERY_TAIL, /* a whole number, or -1 (UINT64_MAX): the newest */
    QUERY_TIME,
    QUERY_CHOICE
};
struct query_param {
    const char *name; /* NULL ends a list of them */
    enum query_kind kind;
    uint64_t min, max, fallback; /* QUERY_UINT */
    const char *choices;         /* QUERY_CHOICE: "a|b|c" */
    const char *about;           /* for the OpenAPI document */
};
#define QUERY_MAX 16
struct query {
    unsigned count;
    struct {
        const struct query_param *param;
        const char *text;
        uint64_t number; /* QUERY_UINT, QUERY_TIME (ms) */
    } item[QUERY_MAX];
};
/* Takes raw apart in place (values point into it). params NULL: none allowed. E_INVALID: word
 * "malformed_request" for bad escapes, NUL or UTF-8, else the parameter at fault in e->field. */
int query_parse(char *raw, const struct query_param *params, struct query *out, struct err *e);
const char *query_text(const struct query *q, const char *name); /* NULL: not given */
/* The number given, else the parameter's fallback in params. */
uint64_t query_number(const struct query *q, const struct query_param *params, const char *name);
/* Undoes %XX (and + when plus) in place. false: malformed, NUL, control character, or not UTF-8. */
bool percent_decode(char *s, bool plus);

/* ---- address.c: names of hosts and listeners (pure) ---------------------------------------- */

struct listen_address {
    struct sockaddr_storage addr;
    socklen_t len;
    bool loopback;
    char host[64]; /* as written, without brackets */
};
/* "127.0.0.1:3000", "[::1]:3000", "localhost:3000", "*:3000". E_INVALID says what is wrong. */
int listen_parse(const char *text, struct listen_address *out, struct err *e);
/* Is this Host header one that a listener on a loopback address answers to? Any port. */
bool host_is_ours(const char *host, const char *listen_host);
/* [A-Za-z0-9._-]{1,64} */
bool request_id_sane(const char *id);
/* A socket that listens already: its address; it no longer blocks. E_INVALID. */
int listen_adopt(int fd, struct listen_address *out, struct err *e);
/* Binds and listens; gives the descriptor. E_EXISTS, E_FORBIDDEN, E_INVALID, E_IO. */
int listen_tcp(const char *text, struct listen_address *out, int *fd, struct err *e);
/* Mode 0600; replaces a socket file that nobody listens on. made: what was created (its inode). */
int listen_unix(const char *path, struct stat *made, int *fd, struct err *e);

/* ---- router.c and routes.c ----------------------------------------------------------------- */

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

/* ---- problem.c: errors as HTTP (pure) ------------------------------------------------------ */

int problem_status(const struct err *e);
unsigned problem_retry_after(const struct err *e); /* seconds; 0: none */
const char *problem_title(int status);
/* The RFC 9457 object, gives malloc'd text; NULL when there is no memory. instance may be NULL. */
char *problem_text(const struct err *e, const char *instance, size_t *len);

/* ---- auth.c -------------------------------------------------------------------------------- */

struct api_headers;
/* The key of the request, or why there is none: E_AUTH, or E_INVALID "malformed_request" when two
 * different ones were sent. out holds API_MAX_KEY + 1. */
int auth_key(const struct api_headers *h, char *out, struct err *e);
/* The ticket in a query as sent, when the route takes one, no key came and a stream is wanted; else
 * NULL. */
const char *auth_ticket(const struct api_request *r, const char *query, size_t *len);
/* Who asks, and may he: fills r->who. E_AUTH, E_FORBIDDEN, E_NOTFOUND "unknown_tenant",
 * "unknown_session". */
int auth_check(struct api_request *r, struct err *e);
/* Is what the path names of the one chat that a widget is for? To be asked once the call was counted:
 * a file is looked for in the messages of the chat. E_NOTFOUND. */
int auth_check_place(const struct api_request *r, struct err *e);
/* The same of a body that says where it goes, once it was read. */
int auth_check_body(struct api_request *r, struct err *e);

/* ---- audit.c, audit_words.c: who did what (docs/audit.md) ------------------------------------ */

/*
 * Every answer passes api_answer_response(), and there a mutating call that a handler answered is
 * held until its audit record is durable. What is refused earlier is recorded when the request
 * ends. A handler need not do anything; it may add to its record before it answers:
 */
/* What was acted on, when neither the path nor the "id" of the answer says it. */
void api_audit_target(struct api_request *r, const char *target);
/* Whose log it belongs to, when the path does not say it; "": that of acts above tenants. Else it is
 * the caller's own. */
void api_audit_tenant(struct api_request *r, const char *tenant);
/* A member of `detail`; takes value. No message contents, no secrets. Past 1 KiB all is left out. */
void api_audit_detail(struct api_request *r, const char *name, json_t *value);

/* "session.start": stable, of the table in audit_words.c or made of method and pattern. NULL: the
 * route changes nothing, or nothing worth a record. */
#define AUDIT_WORD 64
const char *audit_word(const struct api_route *route, char out[AUDIT_WORD]);
/* Who asks: "key:<id>", "link", "nobody". */
void audit_actor(const struct api_request *r, char *out, size_t size);
/* The answer waits: it is kept and given again to api_answer_response() after the commit. */
bool audit_holds(struct api_request *r, int status, struct MHD_Response *response);
bool audit_holding(const struct api_request *r);
void audit_let_go(struct api_request *r); /* the server goes away: answers without waiting */
void audit_ended(struct api_request *r);  /* records what was answered without a record */
void audit_tick(struct api *a);

/* Records of refused logins and refusals: so many a minute; the others are counted. */
#define AUDIT_SLOTS 64
#define AUDIT_PER_ADDRESS 10
#define AUDIT_PER_MINUTE 120
struct audit_rate {
    uint64_t minute; /* of the monotonic clock */
    unsigned all, suppressed;
    unsigned char per_address[AUDIT_SLOTS]; /* by hash of the address */
};

/* ---- openapi.c ----------------------------------------------------------------------------- */

json_t *openapi_document(const struct api_route *routes, size_t count); /* gives, NULL: no memory */

/* ---- the server ---------------------------------------------------------------------------- */

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

/* ---- one request (request.c) --------------------------------------------------------------- */

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

/* A connection: what it holds up, and for how long. */
struct api_connection {
    struct list link;
    struct api_listener *listener;
    struct MHD_Connection *conn;
    int fd;
    struct api_request *request; /* NULL: its first line is not complete */
    struct wire wire;
    uint32_t done;     /* requests that MHD is through with */
    uint64_t since_ms; /* it began, or its last request ended */
    uint64_t head_ms;  /* the first byte of the head that is being read */
    uint64_t refused_ms;    /* it was told no, and may read that; 0: not */
    size_t dropped;         /* bytes since */
    bool ended;             /* let go: no longer counted */
    uint8_t address[8];     /* IPv4, or the first half of IPv6; zero: neither */
    uint64_t window_ms, acked; /* API_ANSWER_WINDOW_MS: when it began, bytes taken by then */
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

/* ---- connections (gate.c) ------------------------------------------------------------------ */

/* Watches the listening socket; 0 or E_IO. Connections past the limits get a 503 and are closed. */
int gate_open(struct api_listener *l, struct err *e);
/* No new ones; the caller closes l->accepting. */
void gate_close(struct api_listener *l);
/* MHD_run() with every byte that comes in judged first (wire.h). */
void gate_run(struct api_listener *l);
/* MHD has a connection, or is done with it. */
void gate_connected(struct api_listener *l, struct MHD_Connection *conn, void **context);
void gate_disconnected(struct api_connection *c);
/* c->request was done: what stands behind it on the wire may be answered now. */
void gate_next(struct api_connection *c);
struct api_connection *connection_of(struct MHD_Connection *conn);
/* A whole answer past MHD. id and path may be NULL. Returns its status. */
int gate_answer(int fd, const struct err *e, const char *path, const char *id);
/* Every second: ends connections whose request does not come to its end, or never will. */
void gate_sweep(struct api *a, uint64_t now);

/* The client closed its sending side, or is gone, and all it sent is read. MHD misses that when the
 * end came together with the last bytes, and while the connection is suspended. */
bool client_is_done(struct MHD_Connection *conn);
/* Ends the connection: MHD sees that and cleans up. */
void client_end(struct MHD_Connection *conn);

/* The server goes away: the request answers what it can and forgets it. */
void request_cut(struct api_request *r);
void request_release(struct api_request *r);
/* MHD is done with it. */
void request_forget(struct api_request *r, enum MHD_RequestTerminationCode why);

/* Holds r for a bridge call and returns it: bridge_x(b, …, api_done, api_hold(r)). */
struct api_request *api_hold(struct api_request *r);
/* Nobody has answered it yet and the server is still there. */
bool api_unanswered(const struct api_request *r);
/* The usual answer to a bridge call: the route's status (201 when a PUT created) with the body,
 * 204 without one, or the problem. Releases. */
void api_done(void *arg, const struct bridge_reply *reply);
void api_answer_reply(struct api_request *r, const struct bridge_reply *reply, int status);

/* Each answers r, once; a second answer is dropped. */
void api_answer_json(struct api_request *r, int status, json_t *body); /* takes body */
/* takes data (malloc'd) */
void api_answer_data(struct api_request *r, int status, const char *type, char *data, size_t len);
void api_answer_static(struct api_request *r, int status, const char *type, const char *data,
                       size_t len);
void api_answer_empty(struct api_request *r, int status);
void api_answer_response(struct api_request *r, int status, const char *type,
                         struct MHD_Response *response); /* takes response, may be NULL */
void api_fail(struct api_request *r, const struct err *e);
/* rc 0: body (taken) with the route's status; else the problem e. */
void api_give(struct api_request *r, int rc, json_t *body, const struct err *e);

struct bridge *api_bridge(struct api_request *r);
struct bridge_paging api_paging(const struct api_request *r);
uint64_t api_number(const struct api_request *r, const char *name);
const char *api_text(const struct api_request *r, const char *name);

/* ---- uploads (upload.c) -------------------------------------------------------------------- */

#define API_MAX_FORM 65536 /* what a form may have around its file */
#define API_MAX_UPLOAD_DISCARD (64u << 20) /* read and dropped after a refusal, so that it is seen */
/* The head is fine and a body will come. */
int upload_begin(struct api_request *r, struct err *e);
/* As MHD's handler: size says what is left. When it takes less than all the connection sleeps. An
 * error ends the upload. */
int upload_data(struct api_request *r, const char *data, size_t *size, struct err *e);
uint64_t upload_received(const struct api_request *r); /* bytes */
bool upload_sleeps(const struct api_request *r);       /* waits for the disk; r may be NULL */
void upload_stop(struct api_request *r); /* nothing stays of what is not answered; wakes it */
void upload_free(struct api_request *r);

/* ---- media_head.c (pure) --------------------------------------------------------------------- */

enum range_kind { RANGE_ALL, RANGE_PART, RANGE_NONE /* 416 */ };
/* One range of a Range header (NULL: none); several, and what cannot be read, are RANGE_ALL. */
enum range_kind range_parse(const char *text, uint64_t size, uint64_t *first, uint64_t *last);
bool etag_listed(const char *list, const char *etag); /* of If-None-Match; list may be NULL */
/* RFC 6266: filename for all, filename* where ASCII does not do. */
void disposition_write(struct buf *out, bool attachment, const char *filename);

/* ---- backups and exports (archive.c) --------------------------------------------------------- */

void archives_tick(struct api *a);  /* ends those without a reader */
void archives_close(struct api *a); /* every one ends, unfinished */
/* A handle counted in a->handles has closed. May free a. */
void api_handle_gone(struct api *a);
void backup_make(struct api_request *r);
void session_export_make(struct api_request *r);
void session_export_undo_ask(struct api_request *r);
void session_import(struct api_request *r);

/* ---- streams and logs ---------------------------------------------------------------------- */

/* Begins after the event `after`; now: that is the newest one, which the client is told first. */
void sse_open(struct api_request *r, uint64_t after, bool now);
void sse_tick(struct api *a);  /* comments on silent streams; ends those without a reader */
void sse_close(struct api *a); /* every stream ends */
void logs_tick(struct api *a); /* answers waits for log lines */

/* ---- metrics.c ------------------------------------------------------------------------------ */

void api_metrics_register(void);
void api_metrics_answered(const struct api_request *r); /* status is set */

/* ---- handlers, one file a resource --------------------------------------------------------- */

void health_get(struct api_request *r);
void metrics_get(struct api_request *r);
void alert_list(struct api_request *r);
void openapi_get(struct api_request *r);
void logs_get(struct api_request *r);
void session_log_get(struct api_request *r);
void session_log_level(struct api_request *r);
void session_screenshot(struct api_request *r);
void usage_get(struct api_request *r);
void me_get(struct api_request *r);
void event_ticket(struct api_request *r);
void stats_get(struct api_request *r);
void sign_in_link(struct api_request *r);
void sign_in(struct api_request *r);
void me_delete(struct api_request *r);
void tenant_list(struct api_request *r);
void tenant_get(struct api_request *r);
void tenant_put(struct api_request *r);
void tenant_delete(struct api_request *r);
void audit_list(struct api_request *r);
void activity_list(struct api_request *r);
void key_list(struct api_request *r);
void key_create(struct api_request *r);
void key_get(struct api_request *r);
void key_patch(struct api_request *r);
void key_rotate(struct api_request *r);
void key_delete(struct api_request *r);
void session_list(struct api_request *r);
void session_get(struct api_request *r);
void session_put(struct api_request *r);
void session_delete(struct api_request *r);
void session_start(struct api_request *r);
void session_stop(struct api_request *r);
void session_restart(struct api_request *r);
void session_logout(struct api_request *r);
void session_takeover(struct api_request *r);
void session_hibernate(struct api_request *r);
void session_wake(struct api_request *r);
void adapter_get(struct api_request *r);
void adapter_test(struct api_request *r);
void adapter_use(struct api_request *r);
void adapter_rollback(struct api_request *r);
void session_qr(struct api_request *r);
void session_pairing_code(struct api_request *r);
void message_send(struct api_request *r);
void message_edit(struct api_request *r);
void message_revoke(struct api_request *r);
void chat_read(struct api_request *r);
void chat_presence(struct api_request *r);
void message_list(struct api_request *r);
void message_get(struct api_request *r);
void message_refetch(struct api_request *r);
void chat_list(struct api_request *r);
void inbox_chats(struct api_request *r);
void inbox_facets(struct api_request *r);
void message_retry(struct api_request *r);
void chat_get(struct api_request *r);
void chat_patch(struct api_request *r);
void note_list(struct api_request *r);
void note_add(struct api_request *r);
void note_delete(struct api_request *r);
void chat_history(struct api_request *r);
void sync_get(struct api_request *r);
void sync_start(struct api_request *r);
void contact_list(struct api_request *r);
void message_search(struct api_request *r);
void agent_get(struct api_request *r);
void agent_put(struct api_request *r);
void guards_get(struct api_request *r);
void guards_put(struct api_request *r);
void guards_try(struct api_request *r);
void opt_out_list(struct api_request *r);
void opt_out_get(struct api_request *r);
void opt_out_put(struct api_request *r);
void opt_out_delete(struct api_request *r);
void opt_out_import(struct api_request *r);
void agent_delete(struct api_request *r);
void chat_agent_get(struct api_request *r);
void chat_agent_set(struct api_request *r);
void contact_get(struct api_request *r);
void contact_picture(struct api_request *r);
void contact_check(struct api_request *r);
void contact_block(struct api_request *r);
void contact_unblock(struct api_request *r);
void group_list(struct api_request *r);
void group_get(struct api_request *r);
void group_create(struct api_request *r);
void group_patch(struct api_request *r);
void group_people(struct api_request *r);
void group_invite(struct api_request *r);
void group_invite_revoke(struct api_request *r);
void group_leave(struct api_request *r);
void group_picture(struct api_request *r);
void webhook_list(struct api_request *r);
void webhook_get(struct api_request *r);
void webhook_put(struct api_request *r);
void webhook_delete(struct api_request *r);
void webhook_test(struct api_request *r);
void webhook_deliveries(struct api_request *r);
void webhook_delivery(struct api_request *r);
void webhook_body_check(struct api_request *r);
void webhook_redrive(struct api_request *r);
void event_list(struct api_request *r);
void media_upload(struct api_request *r);
void media_download(struct api_request *r);
void media_info(struct api_request *r);
void media_link(struct api_request *r);
void media_delete(struct api_request *r);
void widget_get(struct api_request *r);
void widget_put(struct api_request *r);
void widget_ticket(struct api_request *r);
void widget_sign_in(struct api_request *r);
void widget_chat(struct api_request *r);

#endif
