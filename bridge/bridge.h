/*
 * The domain, as its users (api, cli) see it: tenants, linked sessions, messages, webhooks, events.
 *
 * Thread: every function is called on the loop thread, every callback comes from the loop, once,
 * never inside the call that started the work. Reads are short store snapshots and answer at once.
 * JSON bodies are the objects of the HTTP contract (docs/api.md); "gives" means a new reference.
 * Errors carry the contract's stable word (struct err.word); HTTP numbers live in api/ only.
 * tenant, session and webhook arguments are names that text_is_name() accepts; anything unknown is
 * E_NOTFOUND ("unknown_tenant", "unknown_session", "unknown_webhook", "unknown_message", …).
 */
#ifndef BRIDGE_H
#define BRIDGE_H

#include "buf.h"
#include "err.h"
#include "list.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

struct bridge;
struct store; /* session-store/store.h */
struct cdp;   /* cdp/cdp.h */

/* ---- life -------------------------------------------------------------------------------- */

struct bridge_config {
    const char *data_dir; /* absolute; profiles live in <data_dir>/profiles/<tenant>/<session> */
    bool new_admin_key;   /* make one more admin key at this start: the old file was lost */

    struct {
        const char *executable; /* NULL: found */
        const char *user;       /* NULL: no change of user */
        bool sandbox;
        bool websocket;            /* transport: false = debugging pipe */
        const char *attach;        /* NULL, or ws://…: drive that browser */
        const char *const *args;   /* extra arguments, NULL-terminated; may be NULL */
        uint64_t start_timeout_ms; /* default 30000 */
    } browser;
    struct {
        const char *origin;        /* default https://web.whatsapp.com/ */
        const char *wa_js;         /* path of wppconnect-wa.js; must exist */
        bool wa_js_fixed;          /* the settings name it: no other can be installed */
        uint64_t call_timeout_ms;  /* default 15000 */
        uint64_t ready_timeout_ms; /* navigation to a working page; default 60000 */
    } page;
    struct {
        unsigned qr_attempts;      /* codes shown before `stopped`; default 6 */
        uint64_t start_stagger_ms; /* between starts at boot; default 1000 */
        uint64_t watchdog_ms;      /* liveness probe; default 15000 */
        uint64_t sync_interval_ms; /* catching up without a reason; default 3600000, 0: never */
        uint64_t backoff_min_ms;   /* default 1000 */
        uint64_t backoff_max_ms;   /* default 300000 */
        unsigned max_sessions;     /* default 1000 */
    } session;
    struct {
        unsigned per_minute;     /* pacing of sends per session; default 20; 0: no pacing */
        unsigned burst;          /* default 5 */
        unsigned jitter_percent; /* of the pacing interval; default 30 */
        uint64_t ack_timeout_ms; /* submitted without server ack -> unconfirmed; default 60000 */
        uint64_t expires_ms;     /* default 86400000 */
        unsigned max_queued;     /* per session; default 100000; past it E_LIMIT queue_full */
    } outbox;
    struct {
        bool allow_private;            /* default false */
        uint64_t timeout_ms;           /* default 10000 */
        unsigned host_connections;     /* default 4 */
        unsigned total_connections;    /* default 64 */
        uint64_t keep_delivered_ms;    /* default 3 days */
        uint64_t keep_dead_ms;         /* default 30 days */
        uint64_t keep_events_ms;       /* default 30 days */
        unsigned max_webhooks;         /* per tenant; default 20 */
        uint64_t pause_after_failures; /* consecutive failures before an endpoint is paused; 10 */
    } relay;
    struct {
        const char *download;        /* files of incoming messages: all (default), none, or types */
        uint64_t max_download_bytes; /* of such a file; default 100 MiB */
        uint64_t max_upload_bytes;   /* of a file that is sent; default 100 MiB */
        uint64_t fetch_timeout_ms;   /* of a file that is fetched from a url; default 60000 */
        uint64_t keep_ms;            /* after the last use; default 30 days; 0: for ever */
        uint64_t max_total_bytes;    /* per tenant; default 10 GiB; 0: no bound */
    } media;
    struct {
        uint64_t keep_ms; /* counts of a day; default 400 days */
    } usage;
    struct {
        uint64_t keep_ms; /* default 365 days; 0: for ever */
        bool sends;       /* a record for each accepted send too; default false */
    } audit;
    struct {
        uint64_t sample_ms;     /* between measurements of the browsers; default 15000 */
        uint64_t soft_bytes;    /* of a browser: collect garbage, then load the page again; 600 MiB */
        uint64_t hard_bytes;    /* of a browser: restart it; default 900 MiB; 0: no limit, both */
        uint64_t hold_ms;       /* between two such helps; default 30 min */
        uint64_t reserve_bytes; /* left free when a browser starts; default 256 MiB */
        unsigned max_browsers;  /* default 0: as many as fit */
        uint64_t storage_ms;    /* between measurements of a profile; default 1 h */
        uint64_t max_cache_bytes;    /* past it the caches go between two runs; 256 MiB; 0: never */
        unsigned quarantine_keep;    /* profiles set aside, of a session; default 2 */
        uint64_t quarantine_keep_ms; /* default 30 days; 0: for ever */
    } memory;
    struct {                        /* docs/monitoring.md; a threshold of 0: no such alert */
        const char *tenant;         /* whose log gets the node's alerts; default "default" */
        uint64_t check_ms;          /* between rounds; default 10000 */
        uint64_t hold_ms;           /* disk and memory bad for so long; default 60000 */
        uint64_t recover_ms;        /* good for so long before it is over; default 120000 */
        uint64_t window_ms;         /* of send failures; default 300000 */
        unsigned send_failures;     /* at least so many in it; default 5 */
        unsigned send_failures_percent; /* and so big a part of the sends; default 50 */
        uint64_t flap_window_ms;    /* default 600000 */
        unsigned flaps;             /* falls of a session in it; default 5 */
        uint64_t queue_age_ms;      /* of the first message that waits; default 900000 */
        uint64_t disk_free_bytes;   /* default 1 GiB */
        unsigned memory_percent;    /* in use; default 95 */
    } alerts;
    struct {
        uint64_t sign_in_ms; /* life of a key of a sign-in link; default 12 h */
    } dashboard;
    struct { /* tokens of an identity provider, beside keys */
        const char *issuer; /* NULL: none are accepted */
        const char *audience, *algorithms, *secret_file, *jwks_file, *jwks_url; /* NULL: not set */
        const char *tenant_claim, *role_claim, *sessions_claim;
        bool allow_private;  /* jwks_url may be a private address */
        uint64_t leeway_ms;  /* clocks differ; default 60000 */
        uint64_t cache_ms;   /* between fetches of jwks_url; default 300000 */
        uint64_t refetch_ms; /* a fetch for an unknown key, at most; default 60000 */
    } jwt;
};
/* Do the settings of [jwt] go together? E_INVALID says what is missing. Files are not read. */
int bridge_jwt_check(const struct bridge_config *c, struct err *e);
/* Is it something for media.download? E_INVALID says what is. */
int bridge_media_download_check(const char *list, struct err *e);
/* Fills the defaults above. */
void bridge_config_defaults(struct bridge_config *c);

/* Gives the bridge: loads tenants and sessions, creates tenant `default` with session `main` and
 * the admin key at the very first start. Config texts are copied. store and cdp are borrowed and
 * must outlive it. new_key (may be NULL): receives the admin key made just now (at the very first
 * start, or because new_admin_key asks for one), or NULL; the caller frees it; it was also written
 * to <data_dir>/admin.key with mode 0600. Blocks (start-up only, before the loop runs). */
int bridge_create(uv_loop_t *loop, struct store *store, struct cdp *cdp,
                  const struct bridge_config *config, struct bridge **out, char **new_key,
                  struct err *e);
/* Starts the autostart sessions (staggered), the relay, the housekeeping. */
void bridge_start(struct bridge *b);
/* Graceful stop: waits end with E_CANCELED, browsers are closed, in-flight webhooks get grace_ms,
 * the last states are committed. on_closed once; frees. */
void bridge_close(struct bridge *b, uint64_t grace_ms, void (*on_closed)(void *arg), void *arg);
/* The body of GET /metrics, appended to out (at most BRIDGE_MAX_METRICS bytes): E_TOOLARGE. */
#define BRIDGE_MAX_METRICS (16u << 20)
int bridge_metrics(struct bridge *b, struct buf *out, struct err *e);
/* The body of GET /health; *healthy is false when the store cannot write. Gives. */
int bridge_health(struct bridge *b, json_t **out, bool *healthy, struct err *e);

/* Seals every secret of the store anew, under `key` (STORE_KEY_LEN bytes), in one transaction: all
 * or nothing. Offline and blocking, before any bridge is made on the store. *sealed: how many;
 * *unreadable: how many could not be opened even before (sealed with a key lost earlier) and stay as
 * they are. E_UNSUPPORTED: the store holds a sealed text that this version does not know. */
int bridge_rekey(uv_loop_t *loop, struct store *store, const unsigned char *key, size_t *sealed,
                 size_t *unreadable, struct err *e);

/* ---- answers ------------------------------------------------------------------------------ */

struct bridge_reply {
    const struct err *err; /* NULL: worked */
    json_t *body;          /* borrowed; may be NULL (deletes) */
    bool created;          /* PUT made it (201) rather than updated it */
    bool replayed;         /* the first answer to this idempotency key, again */
};
typedef void (*bridge_done_fn)(void *arg, const struct bridge_reply *r);

/* A page of a list: limit 1..500; cursor "" or what an earlier answer gave as next_cursor. Lists
 * give {items:[…],next_cursor} with next_cursor null at the end. */
struct bridge_paging {
    unsigned limit;
    const char *cursor;
};

/* ---- who is asking ------------------------------------------------------------------------ */

/* What a key or a token may do: a set of bits. "*" is all of them, also those to come. */
#define BRIDGE_SCOPES(X)                                                                           \
    X(MESSAGES_READ, 0, "messages:read") /* messages, chats, contacts, groups, files, search */    \
    X(MESSAGES_SEND, 1, "messages:send") /* send, edit, revoke, mark read, presence */             \
    X(CHATS_MANAGE, 2, "chats:manage")                                                             \
    X(CONTACTS_MANAGE, 3, "contacts:manage")                                                       \
    X(GROUPS_MANAGE, 4, "groups:manage")                                                           \
    X(MEDIA_WRITE, 5, "media:write")                                                               \
    X(SESSIONS_READ, 6, "sessions:read")                                                           \
    X(SESSIONS_MANAGE, 7, "sessions:manage")                                                       \
    X(WEBHOOKS_READ, 8, "webhooks:read")                                                           \
    X(WEBHOOKS_MANAGE, 9, "webhooks:manage")                                                       \
    X(AGENT_MANAGE, 10, "agent:manage")                                                            \
    X(KEYS_MANAGE, 11, "keys:manage")                                                              \
    X(EVENTS_READ, 12, "events:read")                                                              \
    X(AUDIT_READ, 13, "audit:read")                                                                \
    X(USAGE_READ, 14, "usage:read")                                                                \
    X(TENANT_MANAGE, 15, "tenant:manage") /* its rules: content, opt-outs */                       \
    X(CAMPAIGNS_MANAGE, 16, "campaigns:manage")                                                    \
    X(METRICS_READ, 17, "metrics:read") /* the node's numbers and alerts: admin level only */
enum bridge_scope {
    BRIDGE_NO_SCOPE = 0, /* any key of the tenant */
#define BRIDGE_SCOPE_ENUM(name, bit, word) BRIDGE_##name = 1 << (bit),
    BRIDGE_SCOPES(BRIDGE_SCOPE_ENUM)
#undef BRIDGE_SCOPE_ENUM
};
#define BRIDGE_ALL_SCOPES UINT32_MAX
#define BRIDGE_MAX_PATTERNS 16 /* of sessions, in a key; each of at most 63 characters */
#define BRIDGE_PATTERNS_LEN (BRIDGE_MAX_PATTERNS * 64)

/* Who asks. A plain value: copy it to keep it. */
struct bridge_principal {
    bool admin;       /* of the whole daemon: every tenant, every scope, every session */
    bool meter;       /* of the whole daemon, but it only has BRIDGE_METRICS_READ */
    char tenant[64];  /* "" for admin and meter */
    char key_id[32];  /* "" for a token */
    char subject[96]; /* for logs, notes, the audit: the key's id, or "jwt:<sub>" */
    char name[128];   /* what people call it; may be "" */
    uint32_t scopes;  /* enum bridge_scope */
    char sessions[BRIDGE_PATTERNS_LEN]; /* patterns with a space between; "*": all */
    uint64_t expires_ms;                /* wall clock; 0: never */
    /* The latest end of keys that it makes; 0: any. The end of a login (a token, a sign-in key) is not
     * that of what its owner may do. */
    uint64_t gives_until_ms;
    uint8_t proof[8];                   /* private: which of the key's secrets it was */
    /* a widget's credential: this chat alone, under each of its names; "" first: any chat */
#define BRIDGE_CHAT_LEN 129
#define BRIDGE_CHAT_NAMES 4
    char chat[BRIDGE_CHAT_NAMES][BRIDGE_CHAT_LEN];
};
bool bridge_may(const struct bridge_principal *who, enum bridge_scope scope);
/* Does a pattern match? who NULL: nobody is asking, all are seen. */
bool bridge_sees_session(const struct bridge_principal *who, const char *session);
bool bridge_sees_all_sessions(const struct bridge_principal *who); /* NULL: true */
/* Of an event's text: its session's pattern. What is of no session is for those who see all. */
bool bridge_sees_event(const struct bridge_principal *who, const char *text, size_t len);
const char *bridge_scope_name(enum bridge_scope scope); /* "messages:read"; "" when it is none */
/* "*" or a scope: its bits. 0: no such scope. */
uint32_t bridge_scope_bits(const char *word);
/* admin, operator, agent, viewer: the bits. 0: no such role. */
uint32_t bridge_role_bits(const char *role);

/* A key: looked up by its id part, the hash compared in constant time. E_AUTH, with word
 * "key_expired" when it was a good one. */
int bridge_authenticate(struct bridge *b, const char *key, struct bridge_principal *out,
                        struct err *e);
/* Grows whenever a key was changed or deleted. */
uint64_t bridge_access_version(const struct bridge *b);
/* Is who (of bridge_authenticate()) still the same, with the same rights, and not expired? For what
 * outlives a request. Updates expires_ms. E_AUTH. */
int bridge_principal_check(struct bridge *b, struct bridge_principal *who, struct err *e);

/*
 * Keys of a tenant; tenant NULL: admin keys. who: acts, and can neither see, change nor make a key
 * that may do more than itself (NULL: anybody may). E_FORBIDDEN, E_NOTFOUND "unknown_key".
 * body {name,role|scopes,sessions,expires_at}. Answers {id,name,tenant,role,scopes,sessions,
 * expires_at,last_used_at,created_at,rotated_at,old_secret_until,key}: `key` is shown only here.
 */
void bridge_key_create(struct bridge *b, const char *tenant, const struct bridge_principal *who,
                       const json_t *body, bridge_done_fn done, void *arg);
int bridge_key_list(struct bridge *b, const char *tenant, const struct bridge_principal *who,
                    json_t **out, struct err *e);
int bridge_key_get(struct bridge *b, const char *tenant, const struct bridge_principal *who,
                   const char *key_id, json_t **out, struct err *e);
/* What the body does not name stays. */
void bridge_key_patch(struct bridge *b, const char *tenant, const struct bridge_principal *who,
                      const char *key_id, const json_t *body, bridge_done_fn done, void *arg);
/* body {overlap_s}: a new secret; the one before works that much longer. Answers as create does. */
void bridge_key_rotate(struct bridge *b, const char *tenant, const struct bridge_principal *who,
                       const char *key_id, const json_t *body, bridge_done_fn done, void *arg);
/* The last admin key that may do everything and has no end cannot be deleted or get one: E_CONFLICT "last_admin_key". */
void bridge_key_delete(struct bridge *b, const char *tenant, const struct bridge_principal *who,
                       const char *key_id, bridge_done_fn done, void *arg);

/* ---- who am I, tickets, signing in ------------------------------------------------------------ */

/* {kind,id,name,admin,tenant,role,scopes,sessions,expires_at} of a key or token that was let in.
 * Gives. E_AUTH: deleted meanwhile. */
int bridge_me(struct bridge *b, const struct bridge_principal *who, json_t **out, struct err *e);
/* {ticket,expires_at}: opens one event stream of the tenant within 30 s, with the rights of who.
 * Gives. E_LIMIT and E_UNAVAILABLE "too_many_tickets". */
int bridge_stream_ticket(struct bridge *b, const char *tenant, const struct bridge_principal *who,
                         json_t **out, struct err *e);
/* Whose ticket it is; it is void from now on, also when it was for another tenant. E_AUTH
 * "unknown_ticket", also when its key was deleted or changed since. */
int bridge_stream_ticket_use(struct bridge *b, const char *tenant, const char *text, size_t len,
                             struct bridge_principal *out, struct err *e);

/* {ticket,expires_at}: who shows the ticket within 5 min, once, is signed in. body {tenant,role,
 * sessions}, each optional: what is not named is the maker's; nothing may go beyond it. Gives.
 * E_FORBIDDEN, E_NOTFOUND "unknown_tenant", E_LIMIT and E_UNAVAILABLE "too_many_tickets". */
int bridge_sign_in_link(struct bridge *b, const struct bridge_principal *who, const json_t *body,
                        json_t **out, struct err *e);
/* body {ticket}: {key,expires_at,me}, a key of its own, of kind sign_in, that ends by itself, and with
 * the key that made the link. E_AUTH "unknown_ticket"; E_LIMIT "too_many_sign_ins". */
void bridge_sign_in(struct bridge *b, const json_t *body, bridge_done_fn done, void *arg);
/* Deletes who's own key when it is such a one; else E_CONFLICT "not_a_sign_in". */
void bridge_sign_out(struct bridge *b, const struct bridge_principal *who, bridge_done_fn done,
                     void *arg);

/* ---- the widget in other people's pages (docs/widget.md) -------------------------------------
 */

bool bridge_of_one_chat(const struct bridge_principal *who);
/* Of somebody who is limited to one chat: are these (NULL: not asked) of it? E_NOTFOUND
 * "unknown_chat", "unknown_message", "unknown_media". */
int bridge_one_chat_check(struct bridge *b, const struct bridge_principal *who, const char *chat,
                          const char *message, const char *media, struct err *e);
/* May he send this body? E_FORBIDDEN for what is not a text, a file of his or a reply; the same as
 * above for what is of another chat. */
int bridge_one_chat_send(struct bridge *b, const struct bridge_principal *who, const json_t *body,
                         struct err *e);
void bridge_one_chat_uploaded(struct bridge *b, const struct bridge_principal *who,
                              const char *media); /* he may send it */
/* body {session,to,name,agent,can_send,ttl_s}. Answers {ticket,tenant,expires_at,url}. who: asks,
 * and the credential ends with his key. E_FORBIDDEN, E_NOTFOUND, E_LIMIT "too_many_tickets". */
int bridge_widget_ticket(struct bridge *b, const char *tenant, const struct bridge_principal *who,
                         const json_t *body, json_t **out, struct err *e);
/* body {ticket}, which is void then. Answers what bridge_widget_chat() does, and `credential`; who
 * gets its principal. E_AUTH "unknown_ticket", "ticket_used" (a good one, once). */
int bridge_widget_sign_in(struct bridge *b, const json_t *body, struct bridge_principal *who,
                          json_t **out, struct err *e);
/* {tenant,session,session_status,chat,name,phone,agent,can_send,can_attach,expires_at} of somebody
 * who is limited to one chat. */
int bridge_widget_chat(struct bridge *b, const struct bridge_principal *who, json_t **out,
                       struct err *e);
/* {origins:[…]}: which pages may show it. E_INVALID "invalid_origin". */
int bridge_widget_get(struct bridge *b, const char *tenant, json_t **out, struct err *e);
void bridge_widget_put(struct bridge *b, const char *tenant, const json_t *body,
                       bridge_done_fn done, void *arg);
/* The same as frame-ancestors of a Content-Security-Policy; "'none'" also for a tenant that is not
 * there. */
#define BRIDGE_WIDGET_ANCESTORS 2304
void bridge_widget_ancestors(struct bridge *b, const char *tenant,
                             char out[BRIDGE_WIDGET_ANCESTORS]);

/* ---- tenants ------------------------------------------------------------------------------ */

void bridge_tenant_put(struct bridge *b, const char *tenant, const json_t *body,
                       bridge_done_fn done, void *arg);
int bridge_tenant_get(struct bridge *b, const char *tenant, json_t **out, struct err *e);
int bridge_tenant_list(struct bridge *b, const struct bridge_paging *p, json_t **out,
                       struct err *e);
/* Unlinks and erases all of it: sessions, messages, webhooks, events, keys. */
void bridge_tenant_delete(struct bridge *b, const char *tenant, bridge_done_fn done, void *arg);

/* ---- usage (docs/limits.md) ---- */

enum bridge_usage_group {
    BRIDGE_USAGE_DAY,
    BRIDGE_USAGE_SESSION,
    BRIDGE_USAGE_COUNTRY,
    BRIDGE_USAGE_CHANNEL
};
struct bridge_usage_query {
    const char *tenant;
    const struct bridge_principal *who; /* only sessions that it sees; NULL: all */
    uint64_t since_ms, until_ms;        /* 0: the month so far; until is exclusive */
    enum bridge_usage_group by;
};
/* {tenant,time_zone,since,until,currency,items,total,quotas}: whole local days. E_INVALID
 * "range_too_long". */
void bridge_usage(struct bridge *b, const struct bridge_usage_query *q, bridge_done_fn done,
                  void *arg);
/* ---- statistics (docs/monitoring.md) ---- */

enum bridge_stats_range {
    BRIDGE_STATS_1H,
    BRIDGE_STATS_24H,
    BRIDGE_STATS_7D,
    BRIDGE_STATS_30D,
    BRIDGE_STATS_90D
};
struct bridge_stats_query {
    const char *tenant, *session;       /* session NULL: all that who sees */
    const struct bridge_principal *who; /* NULL: all */
    enum bridge_stats_range range;
};
/* {since,until,step_s,totals,series,queues,sessions}. What is of the tenant and of no session
 * (webhooks, their queues) is null for who does not see all of it. E_NOTFOUND "unknown_tenant",
 * "unknown_session"; E_INVALID "range_too_long". */
void bridge_stats(struct bridge *b, const struct bridge_stats_query *q, bridge_done_fn done,
                  void *arg);
/* limits.<name> of the tenant, else fallback. */
uint64_t bridge_tenant_limit(struct bridge *b, const char *tenant, const char *name,
                             uint64_t fallback);

/* What happened in a session (NULL: in all that who sees; who NULL: in all), for people: made of the
 * event log, newest first, messages counted by the hour.
 * {items:[{session,kind,at,from_at,count,chats,text,code,reason,phone}],next_cursor}. */
int bridge_activity(struct bridge *b, const char *tenant, const char *session,
                    const struct bridge_principal *who, const struct bridge_paging *p, json_t **out,
                    struct err *e);

/* ---- sessions ----------------------------------------------------------------------------- */

/* body {channel:"web",autostart,metadata,media:{download,max_bytes}}. A new session with autostart (default true) starts. */
void bridge_session_put(struct bridge *b, const char *tenant, const char *session,
                        const json_t *body, bridge_done_fn done, void *arg);
int bridge_session_get(struct bridge *b, const char *tenant, const char *session, json_t **out,
                       struct err *e);
/* who: sees only what its patterns allow; NULL: all. */
int bridge_session_list(struct bridge *b, const char *tenant, const struct bridge_principal *who,
                        const struct bridge_paging *p, json_t **out, struct err *e);
void bridge_session_delete(struct bridge *b, const char *tenant, const char *session,
                           bool erase_messages, bridge_done_fn done, void *arg);
enum bridge_session_action {
    BRIDGE_START,
    BRIDGE_STOP,
    BRIDGE_RESTART,
    BRIDGE_LOGOUT,  /* unlinks at WhatsApp's side too when the page is there */
    BRIDGE_HIBERNATE, /* closes the browser until a send, the schedule or BRIDGE_WAKE. E_CONFLICT
                         "not_linked", "session_stopped", "outbox_not_empty" */
    BRIDGE_WAKE,
    BRIDGE_TAKEOVER /* from `conflict`: use it here; else E_CONFLICT "not_in_conflict" */
};
/* Answers with the session object once the new intent is durable (not once it is reached). */
void bridge_session_act(struct bridge *b, const char *tenant, const char *session,
                        enum bridge_session_action action, bridge_done_fn done, void *arg);
/* Waits up to wait_ms (0..60000) for a code. Body {code,attempt,generation,expires_at}. E_CONFLICT
 * "already_linked" / "session_stopped" (also when it stops while waiting); E_TIMEOUT
 * "qr_not_ready". */
void bridge_session_qr(struct bridge *b, const char *tenant, const char *session, uint64_t wait_ms,
                       bridge_done_fn done, void *arg);
enum bridge_qr_format { BRIDGE_QR_PNG, BRIDGE_QR_SVG, BRIDGE_QR_TEXT, BRIDGE_QR_DATA_URL };
/* style (BRIDGE_QR_TEXT only): "ansi" (default when NULL), "dark", "light". */
int bridge_qr_render(const char *code, enum bridge_qr_format format, const char *style,
                     struct buf *out, struct err *e);
/* Body {code:"ABCD-1234",expires_at}. Same conflicts as the QR. */
void bridge_session_pairing_code(struct bridge *b, const char *tenant, const char *session,
                                 const char *phone, bridge_done_fn done, void *arg);

/* ---- backup ------------------------------------------------------------------------------- */

/* Without a daemon: bridge/offline.h. What is in an archive: bridge/backup/archive.h. */
struct bridge_backup;
struct bridge_backup_spec {
    const char *tenant, *session; /* export this session, which stops for good; NULL: back all up */
    bool media;                   /* with the files of messages */
    const char *passphrase;       /* NULL: sealed with the master key */
};
/* Starts a backup on a thread of its own; ready comes when its bytes can be read, or with what went
 * wrong. One at a time. At once: E_LIMIT "backup_running", E_NOTFOUND, E_CONFLICT, E_NOMEM. */
typedef void (*bridge_backup_fn)(void *arg, const struct err *e, struct bridge_backup *backup);
int bridge_backup(struct bridge *b, const struct bridge_backup_spec *spec, bridge_backup_fn ready,
                  void *arg, struct err *e);
/* A pipe that does not block; borrowed. At its end: bridge_backup_result(). */
int bridge_backup_fd(const struct bridge_backup *backup);
/* After the end of the pipe: 0, or why the archive is not whole. */
int bridge_backup_result(const struct bridge_backup *backup, struct err *e);
/* Done with it, at any time, once. delivered false: nobody has the archive, so a session that this
 * export stopped is not exported and runs again. */
void bridge_backup_close(struct bridge_backup *backup, bool delivered);
/* The exported session was not started elsewhere and is to be used here again; it is stopped then.
 * E_CONFLICT "not_exported", "backup_running". */
void bridge_export_undo(struct bridge *b, const char *tenant, const char *session,
                        bridge_done_fn done, void *arg);
/* body {folder, start}: what offline_unpack_session() unpacked becomes this session, which must not
 * be there yet. E_EXISTS "session_exists"; E_PROTO "damaged_backup". Answers with the session. */
void bridge_session_import(struct bridge *b, const char *tenant, const char *session,
                           const json_t *body, bridge_done_fn done, void *arg);

/* ---- the page's library (wa-js) --------------------------------------------------------------- */

enum bridge_adapter_action {
    BRIDGE_ADAPTER_TEST,    /* body {file,session}: on one session, then back to the old one */
    BRIDGE_ADAPTER_USE,     /* the same; then installed and given to the others one by one */
    BRIDGE_ADAPTER_ROLLBACK /* back to the one before */
};
/* {current,previous,sessions,state,progress,last}. Gives. */
int bridge_adapter_get(struct bridge *b, json_t **out, struct err *e);
/* Begins, and answers like bridge_adapter_get(); its end shows in `last`. E_INVALID; E_CONFLICT
 * "adapter_busy", "adapter_configured", "no_canary", "no_previous". */
void bridge_adapter_act(struct bridge *b, enum bridge_adapter_action action, const json_t *body,
                        bridge_done_fn done, void *arg);

/* ---- messages ----------------------------------------------------------------------------- */

struct bridge_send {
    const char *tenant, *session;
    enum {
        BRIDGE_SEND_MESSAGE,
        BRIDGE_SEND_EDIT,  /* of message_id; body {text} */
        BRIDGE_SEND_REVOKE, /* of message_id, for everyone; no body */
        BRIDGE_SEND_RETRY   /* message_id, which failed, as a new message; no body. Repeated: the
                               same new one, replayed. E_CONFLICT "not_failed", "no_media" */
    } what;
    const char *message_id;
    const json_t *body;                /* the send body of the contract; borrowed during the call */
    const char *source;                /* "api" (NULL), "dashboard", … */
    const char *sent_by;               /* who asked for it, as in the audit log; NULL: not said */
    const char *sent_by_name;          /* what people call them; NULL: not said */
    const char *idempotency_key;       /* NULL: none; at most 255 bytes of printable ASCII */
    const unsigned char *request_hash; /* 32 bytes over method, path and body; with the key */
    bool require_ready;                /* E_CONFLICT "session_not_ready" instead of queueing */
};
/* Answers with the message object once it is durable in the outbox (and its file in the media
 * folder). E_INVALID "invalid_phone", "one_kind_only"…; E_CONFLICT "idempotency_conflict",
 * "too_late" (to edit or revoke); E_LIMIT "queue_full"; E_FULL; what media_get() says. */
void bridge_send(struct bridge *b, const struct bridge_send *s, bridge_done_fn done, void *arg);
/* Marks the chat read at the far end; shows {state:"typing"|"recording"|"paused"} in it, or asks to hear what they show ("subscribe"). No body in
 * the answer. chat: any form of address. E_CONFLICT "session_not_ready"; E_NOTFOUND "unknown_chat". */
void bridge_chat_read(struct bridge *b, const char *tenant, const char *session, const char *chat,
                      bridge_done_fn done, void *arg);
void bridge_chat_presence(struct bridge *b, const char *tenant, const char *session,
                          const char *chat, const json_t *body, bridge_done_fn done, void *arg);
enum bridge_ack { BRIDGE_ACK_SERVER, BRIDGE_ACK_DEVICE, BRIDGE_ACK_READ };
/* Answers with the message object when it has that ack or failed, or E_TIMEOUT with the body of
 * the message as it is then (err and body both set). timeout_ms at most 120000. */
void bridge_message_wait(struct bridge *b, const char *tenant, const char *session,
                         const char *message_id, enum bridge_ack ack, uint64_t timeout_ms,
                         bridge_done_fn done, void *arg);
int bridge_message_get(struct bridge *b, const char *tenant, const char *session,
                       const char *message_id, json_t **out, struct err *e);
/* Orders the file of a message (again): its media.state becomes "pending" and message.media follows
 * when the session could fetch it; a file that is here stays as it is. Answers with the message.
 * E_CONFLICT "no_media". */
void bridge_message_refetch(struct bridge *b, const char *tenant, const char *session,
                            const char *message_id, bridge_done_fn done, void *arg);
struct bridge_message_filter {
    const char *chat;      /* NULL: all; a chat id, or a phone number */
    const char *direction; /* NULL, "in", "out" */
    const char *type;      /* NULL: all */
    const char *q;         /* NULL, or a substring of the text, case-insensitive for ASCII */
    const char *status;    /* NULL: all; of ours: "queued", "failed", … */
    const char *around;    /* NULL, or a message: the page has it in its middle; without a cursor */
    uint64_t since_ms, until_ms;
};
/* Newest first. {items,next_cursor,previous_cursor}: the last, which goes on towards newer ones, is
 * null but for a page around a message and those that go on from it. E_NOTFOUND "unknown_message". */
int bridge_message_list(struct bridge *b, const char *tenant, const char *session,
                        const struct bridge_message_filter *f, const struct bridge_paging *p,
                        json_t **out, struct err *e);

/* ---- conversations -------------------------------------------------------------------------- */

/* chat, below: phone number, chat id, LID or contact id. */
enum bridge_tristate { BRIDGE_ANY, BRIDGE_YES, BRIDGE_NO };
struct bridge_chat_filter {
    const char *state;    /* NULL, "open", "closed" */
    const char *tag;      /* NULL, or one that it has */
    const char *assignee; /* NULL, "" nobody, or who */
    const char *q;        /* NULL, or part of name or number; case and accents do not matter */
    enum bridge_tristate unread, archived, pinned;
};
/* Recent first. A filter that matches little gives a page that is not full, with a cursor. */
int bridge_chat_search(struct bridge *b, const char *tenant, const char *session,
                       const struct bridge_chat_filter *f, const struct bridge_paging *p,
                       json_t **out, struct err *e);
int bridge_chat_list(struct bridge *b, const char *tenant, const char *session,
                     const struct bridge_paging *p, json_t **out, struct err *e);
/* The conversations of several sessions as one inbox. who: sees only its sessions; NULL: all.
 * sessions: NULL, or their names with commas between; E_NOTFOUND "unknown_session" for one that is
 * not there or not seen. */
struct bridge_inbox {
    const char *tenant, *sessions;
    const struct bridge_principal *who;
};
int bridge_inbox_chats(struct bridge *b, const struct bridge_inbox *in,
                       const struct bridge_chat_filter *f, const struct bridge_paging *p,
                       json_t **out, struct err *e);
/* {tags:[{tag,count}],assignees:[{assignee,count}],counts:{open,closed,unread,unassigned,archived},
 * scanned,complete}: of the most recent BRIDGE_FACET_CHATS of them. */
#define BRIDGE_FACET_CHATS 2000
int bridge_inbox_facets(struct bridge *b, const struct bridge_inbox *in, json_t **out,
                        struct err *e);
/* E_NOTFOUND "unknown_chat". */
int bridge_chat_get(struct bridge *b, const char *tenant, const char *session, const char *chat,
                    json_t **out, struct err *e);
/* body {state,assignee,tags,metadata} is kept by us, {pinned,archived,muted_until,unread,blocked} is
 * done at WhatsApp: E_CONFLICT "session_not_ready". Answers with the chat. */
void bridge_chat_patch(struct bridge *b, const char *tenant, const char *session, const char *chat,
                       const json_t *body, bridge_done_fn done, void *arg);
/* All of them, oldest first. */
int bridge_note_list(struct bridge *b, const char *tenant, const char *session, const char *chat,
                     json_t **out, struct err *e);
/* id of the key and what people call it, which may be "". */
struct bridge_author {
    const char *id, *name;
};
/* body {text}. E_CONFLICT "too_many_notes". */
void bridge_note_add(struct bridge *b, const char *tenant, const char *session, const char *chat,
                     const struct bridge_author *author, const json_t *body, bridge_done_fn done,
                     void *arg);
void bridge_note_delete(struct bridge *b, const char *tenant, const char *session, const char *chat,
                        const char *note, bridge_done_fn done, void *arg);

/* ---- people ---------------------------------------------------------------------------------- */

/* q: NULL, or what a name begins with, a word of it begins with, or part of a number; best first. */
int bridge_contact_list(struct bridge *b, const char *tenant, const char *session, const char *q,
                        const struct bridge_paging *p, json_t **out, struct err *e);
/* contact, below: contact id, phone number or JID; E_NOTFOUND "unknown_contact". Asks WhatsApp for
 * about and business profile while the session is ready, else gives what is stored. */
void bridge_contact_get(struct bridge *b, const char *tenant, const char *session,
                        const char *contact, bridge_done_fn done, void *arg);
void bridge_contact_block(struct bridge *b, const char *tenant, const char *session,
                          const char *contact, bool blocked, bridge_done_fn done, void *arg);
/* body {phones:[…]} of at most 100. Answers {items:[{input,phone,exists,business,chat,checked_at,
 * cached} or {input,phone,exists:null,error}]}. One at a time a session: E_LIMIT "check_running". */
void bridge_contact_check(struct bridge *b, const char *tenant, const char *session,
                          const json_t *body, bridge_done_fn done, void *arg);
struct bridge_picture {
    const char *mimetype;
    const void *data; /* borrowed during the callback */
    size_t len;
};
typedef void (*bridge_picture_fn)(void *arg, const struct bridge_picture *p, const struct err *e);
/* Of a person or group. E_NOTFOUND "no_picture". */
void bridge_picture_get(struct bridge *b, const char *tenant, const char *session, const char *who,
                        bridge_picture_fn fn, void *arg);

/* The session's page as it looks now, a PNG of at most BRIDGE_MAX_SCREENSHOT bytes. E_CONFLICT
 * "session_stopped" (no page is open), E_LIMIT "screenshot_running", E_TIMEOUT, E_TOOLARGE. */
#define BRIDGE_MAX_SCREENSHOT (8u << 20)
void bridge_session_screenshot(struct bridge *b, const char *tenant, const char *session,
                               bridge_picture_fn fn, void *arg);

/* ---- groups ---------------------------------------------------------------------------------- */

/* group: its id (…@g.us); E_NOTFOUND "unknown_group". All but list and get are done at WhatsApp:
 * E_CONFLICT "session_not_ready", "not_group_admin", "refused_by_whatsapp". */
int bridge_group_list(struct bridge *b, const char *tenant, const char *session, const char *q,
                      const struct bridge_paging *p, json_t **out, struct err *e);
void bridge_group_get(struct bridge *b, const char *tenant, const char *session, const char *group,
                      bridge_done_fn done, void *arg);
/* body {name,participants[]}. Answers {group,failed:[{person,code}]}. */
void bridge_group_create(struct bridge *b, const char *tenant, const char *session,
                         const json_t *body, bridge_done_fn done, void *arg);
/* body {name,description,announce,locked}, any of them. */
void bridge_group_patch(struct bridge *b, const char *tenant, const char *session,
                        const char *group, const json_t *body, bridge_done_fn done, void *arg);
/* body {add[],remove[],promote[],demote[]}. Answers {group,results:[{action,person,ok,code}]}. */
void bridge_group_people(struct bridge *b, const char *tenant, const char *session,
                         const char *group, const json_t *body, bridge_done_fn done, void *arg);
/* Answers {link}; revoke: a new one, the old is void. */
void bridge_group_invite(struct bridge *b, const char *tenant, const char *session,
                         const char *group, bool revoke, bridge_done_fn done, void *arg);
void bridge_group_leave(struct bridge *b, const char *tenant, const char *session,
                        const char *group, bridge_done_fn done, void *arg);

/* ---- catching up -------------------------------------------------------------------------- */

/* {state:"idle|running|waiting",reason,started_at,finished_at,last:{…}|null,watermark,next_run_at,
 * history:[jobs, newest first]}. */
int bridge_sync_get(struct bridge *b, const char *tenant, const char *session, json_t **out,
                    struct err *e);
/* Answers with that object; a run starts now. E_CONFLICT "session_not_ready". */
void bridge_sync_start(struct bridge *b, const char *tenant, const char *session,
                       bridge_done_fn done, void *arg);
/* Older messages than the oldest stored one of the chat; body {until?,count?}, one of them needed.
 * They are stored without events. Answers with the job. E_CONFLICT "session_not_ready", E_LIMIT
 * "too_many_jobs". */
void bridge_chat_history(struct bridge *b, const char *tenant, const char *session,
                         const char *chat, const json_t *body, bridge_done_fn done, void *arg);

/* ---- media: files of messages ---------------------------------------------------------------- */

uint64_t bridge_media_max_upload(const struct bridge *b); /* bytes */
/* A file that comes piece by piece. At most a quarter MiB of it is in memory. */
struct bridge_upload;
struct bridge_upload_spec {
    const char *tenant;
    const char *mimetype;       /* as declared, may be NULL; borrowed during the call */
    const char *filename;       /* may be NULL; borrowed during the call */
    void (*on_room)(void *arg); /* there is room again, or it failed; may call what follows */
    void *arg;
};
/* E_NOTFOUND "unknown_tenant", E_LIMIT "too_many_uploads". */
int bridge_upload_begin(struct bridge *b, const struct bridge_upload_spec *s,
                        struct bridge_upload **out, struct err *e);
/* How many bytes it takes now; when it took less than was offered, on_room fires once. */
size_t bridge_upload_room(const struct bridge_upload *u);
/* Takes at most its room; *taken says how much. E_TOOLARGE "payload_too_large", E_FULL
 * "storage_full", E_IO: it can only be aborted then. */
int bridge_upload_write(struct bridge_upload *u, const void *data, size_t len, size_t *taken,
                        struct err *e);
/* Nothing more fits: on_room fires once something does. */
void bridge_upload_wait(struct bridge_upload *u);
void bridge_upload_name(struct bridge_upload *u, const char *mimetype, const char *filename);
/* All is there: answers {media_id,sha256,size_bytes,mimetype,filename,width,height,duration_s,
 * created_at} once the file is durable. u is gone. */
void bridge_upload_end(struct bridge_upload *u, bridge_done_fn done, void *arg);
void bridge_upload_abort(struct bridge_upload *u); /* nothing stays; u is gone */

/* The object above, and last_used_at. E_NOTFOUND "unknown_media". */
int bridge_media_info(struct bridge *b, const char *tenant, const char *media_id, json_t **out,
                      struct err *e);
struct bridge_media_file {
    int fd; /* the caller closes it */
    uint64_t size_bytes;
    char mimetype[128], filename[257];
    bool active; /* may run script in a browser: must not be shown by one */
};
int bridge_media_open(struct bridge *b, const char *tenant, const char *media_id,
                      struct bridge_media_file *out, struct err *e);
/* {url,expires_at}: a path with a signature that works without a key; ttl_s 1..86400. */
int bridge_media_link(struct bridge *b, const char *tenant, const char *media_id, uint64_t ttl_s,
                      json_t **out, struct err *e);
/* Of such a url. E_FORBIDDEN "invalid_signature", "link_expired". Does not say whether the file is
 * there. */
int bridge_media_link_check(struct bridge *b, const char *tenant, const char *media_id,
                            const char *expires, const char *signature, struct err *e);
/* Messages that mention it show media.state "expired" from then on; one that waits to be sent with
 * it will fail. */
void bridge_media_delete(struct bridge *b, const char *tenant, const char *media_id,
                         bridge_done_fn done, void *arg);

/* Full-text search, newest first or by rank. Answers {items:[{message,snippet}],next_cursor,
 * index:{state:"ready|building|failed",messages}}; while the index is being made, with what is in it
 * so far. session NULL: all of the tenant's. E_TIMEOUT "search_too_slow". */
struct bridge_search {
    const char *tenant, *session;
    const struct bridge_principal *who; /* NULL: all; else only sessions that it sees */
    const char *q; /* words; the last one may be the beginning of one; "a phrase" */
    const char *chat, *type, *direction; /* NULL: any */
    uint64_t since_ms, until_ms;         /* until 0: no end */
    bool by_rank;
    struct bridge_paging paging;
};
void bridge_search(struct bridge *b, const struct bridge_search *q, bridge_done_fn done, void *arg);

/* ---- webhooks ----------------------------------------------------------------------------- */

/* who, in all of these: a key that does not see every session has to do only with webhooks whose
 * session patterns lie within its own; one that it touches gets no event that is of no session.
 * NULL: all. E_FORBIDDEN when the patterns in body go beyond. */
void bridge_webhook_put(struct bridge *b, const char *tenant, const struct bridge_principal *who,
                        const char *webhook, const json_t *body, bridge_done_fn done, void *arg);
/* 0, also when there is no such webhook; else E_NOTFOUND "unknown_webhook". */
int bridge_webhook_seen(struct bridge *b, const char *tenant, const struct bridge_principal *who,
                        const char *webhook, struct err *e);
int bridge_webhook_get(struct bridge *b, const char *tenant, const char *webhook, json_t **out,
                       struct err *e);
int bridge_webhook_list(struct bridge *b, const char *tenant, const struct bridge_principal *who,
                        const struct bridge_paging *p, json_t **out, struct err *e);
void bridge_webhook_delete(struct bridge *b, const char *tenant, const char *webhook,
                           bridge_done_fn done, void *arg);
/* Would a put with this body be refused for what stands in it? Stores nothing. */
int bridge_webhook_check(struct bridge *b, const json_t *body, struct err *e);
/* Sends webhook.test now. Body {ok,status,duration_ms,error,reason,response_headers (first 4 KiB),
 * response_body (first 2 KiB)}. */
void bridge_webhook_test(struct bridge *b, const char *tenant, const char *webhook,
                         bridge_done_fn done, void *arg);
/* state: "pending", "delivered", "dead", NULL: pending. */
int bridge_delivery_list(struct bridge *b, const char *tenant, const char *webhook,
                         const struct bridge_principal *who, const char *state, const struct bridge_paging *p, json_t **out,
                         struct err *e);
/* One, with its last tries and the event as it is posted: null for who may not read events, or when
 * it is gone. E_NOTFOUND "unknown_delivery". */
int bridge_delivery_get(struct bridge *b, const char *tenant, const char *webhook,
                        const struct bridge_principal *who, const char *delivery, json_t **out,
                        struct err *e);
/* body {delivery_ids?}: dead letters back into the queue. Answers {redriven:n}. */
void bridge_webhook_redrive(struct bridge *b, const char *tenant, const char *webhook,
                            const json_t *body, bridge_done_fn done, void *arg);

/* ---- the auto-reply agent (docs/agent.md) --------------------------------------------------------
 */

/* E_NOTFOUND "unknown_agent" when the session has none. Keys and secrets are never in an answer. */
void bridge_agent_put(struct bridge *b, const char *tenant, const char *session,
                      const json_t *body, bridge_done_fn done, void *arg);
int bridge_agent_get(struct bridge *b, const char *tenant, const char *session, json_t **out,
                     struct err *e);
void bridge_agent_delete(struct bridge *b, const char *tenant, const char *session,
                         bridge_done_fn done, void *arg);
/* chat: a chat id, or a phone number. body {enabled?,conversation_id?}. */
int bridge_agent_chat_get(struct bridge *b, const char *tenant, const char *session,
                          const char *chat, json_t **out, struct err *e);
void bridge_agent_chat_set(struct bridge *b, const char *tenant, const char *session,
                           const char *chat, const json_t *body, bridge_done_fn done, void *arg);

/* ---- the audit log (docs/audit.md) --------------------------------------------------------------
 */

/* Who did what to what, from where, with which outcome. Texts are borrowed during the call; no
 * message contents and no secrets. */
struct bridge_audit {
    const char *tenant; /* whose log; NULL, or one that is not there (any more): the admin log */
    bool above;         /* an act above tenants: the admin log, whatever tenant it names */
    const char *actor;  /* "key:<id>", "jwt:<subject>", "link", "nobody", "daemon" */
    const char *address;
    const char *action;           /* a stable word: "session.start" */
    const char *session, *target; /* NULL: none */
    int status;                   /* of HTTP */
    const char *code;             /* NULL: it worked */
    const char *request_id;       /* NULL: none */
    const json_t *detail;         /* NULL, or a small object; left out past 1 KiB */
};
/* done (may be NULL) once the record is durable, or with why it is not. */
void bridge_audit_write(struct bridge *b, const struct bridge_audit *a, bridge_done_fn done,
                        void *arg);
/* Shall accepted sends have a record each? */
bool bridge_audit_sends(const struct bridge *b);
struct bridge_audit_query {
    const char *tenant;                    /* NULL: the admin log */
    const char *actor, *action, *session;  /* NULL: any. action "key.*": what begins so */
    uint64_t since_ms, until_ms;           /* until 0: no end */
    bool oldest_first;
    struct bridge_paging paging;
};
/* line: the record with its hash as the last member, one JSON object; borrowed. */
typedef int (*bridge_audit_fn)(void *arg, const char *line, size_t len);
/* At most paging.limit records to fn. next: where the next page begins, "" at the end; a filter
 * that matches little gives pages that are not full. ends (NULL: not wanted): {anchor,head}, each
 * {seq,hash,at} or null; gives. */
#define BRIDGE_AUDIT_CURSOR 24
int bridge_audit_list(struct bridge *b, const struct bridge_audit_query *q, bridge_audit_fn fn,
                      void *arg, char next[BRIDGE_AUDIT_CURSOR], json_t **ends, struct err *e);

/* ---- alerts ------------------------------------------------------------------------------- */

/* Those that fire: {items:[{alert,state,tenant,session,webhook,since,value,threshold,detail,help}],
 * next_cursor:null}. tenant NULL: all, with those of the node (their tenant is null). */
int bridge_alert_list(struct bridge *b, const char *tenant, json_t **out, struct err *e);

/* ---- guards on content ---------------------------------------------------------------------- */

/* {max_text_length,forbidden:[{pattern,kind,reason}],opt_out:{enabled,languages,keywords,
 * resume_keywords,reply}}. What is not named stays as it is. A pattern that is no regular expression,
 * or one that would take too long, is E_INVALID "invalid_pattern", "pattern_too_costly". */
int bridge_guards_get(struct bridge *b, const char *tenant, json_t **out, struct err *e);
void bridge_guards_put(struct bridge *b, const char *tenant, const json_t *body,
                       bridge_done_fn done, void *arg);
/* What a send of body's `text` would be told: {allowed,code,detail}. Keeps nothing. */
void bridge_guards_try(struct bridge *b, const char *tenant, const json_t *body,
                       bridge_done_fn done, void *arg);

/* Who does not want to be written to: {phone,lid,source,session,text,reason,opted_out_at}. phone: a
 * number, or a LID. E_NOTFOUND "unknown_opt_out". */
int bridge_opt_out_list(struct bridge *b, const char *tenant, const struct bridge_paging *p,
                        json_t **out, struct err *e);
int bridge_opt_out_get(struct bridge *b, const char *tenant, const char *phone, json_t **out,
                       struct err *e);
/* body {reason?}, may be NULL. */
void bridge_opt_out_put(struct bridge *b, const char *tenant, const char *phone,
                        const json_t *body, bridge_done_fn done, void *arg);
void bridge_opt_out_delete(struct bridge *b, const char *tenant, const char *phone,
                           bridge_done_fn done, void *arg);
/* body {phones:[…],reason?}; answers {added,known,invalid:[…]}. */
#define BRIDGE_OPT_OUT_IMPORT_MAX 1000
void bridge_opt_out_import(struct bridge *b, const char *tenant, const json_t *body,
                           bridge_done_fn done, void *arg);


/* ---- events ------------------------------------------------------------------------------- */

/* text is the event's JSON object, borrowed. Return 0 to go on, 1 to stop. */
typedef int (*bridge_event_fn)(void *arg, uint64_t seq, const char *type, const char *text,
                               size_t len);
int bridge_events(struct bridge *b, const char *tenant, uint64_t after, unsigned limit,
                  bridge_event_fn fn, void *arg, struct err *e);
/* A list of types with commas, "message.*,session.status": patterns as a webhook's events are. At most
 * BRIDGE_MAX_TYPES. E_INVALID "invalid_pattern". */
#define BRIDGE_MAX_TYPES 20
int bridge_types_check(const char *list, struct err *e);
bool bridge_types_match(const char *list, const char *type); /* NULL: all */
uint64_t bridge_events_last(struct bridge *b, const char *tenant);
/* Tells that the tenant's log has grown (read with bridge_events()). Embedded; on_grown comes from
 * the loop, at most once a turn; stop it before freeing. */
struct bridge_watch {
    struct list link; /* private */
    char tenant[64];
    void (*on_grown)(struct bridge_watch *w);
    /* NULL, or takes events that are told once and not kept ("chat.presence"), at once; it must
     * start and stop no watch. text: {type,occurred_at,tenant,session,data}, borrowed. */
    void (*on_passing)(struct bridge_watch *w, const char *type, const char *text, size_t len);
    void *data;
};
int bridge_watch_start(struct bridge *b, const char *tenant, struct bridge_watch *w, struct err *e);
void bridge_watch_stop(struct bridge_watch *w);

#endif
