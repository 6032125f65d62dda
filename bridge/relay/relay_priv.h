/*
 * What the files of the relay share. Private to bridge/relay (core/ uses the forget functions).
 * Thread: loop, unless a comment says otherwise.
 */
#ifndef BRIDGE_RELAY_PRIV_H
#define BRIDGE_RELAY_PRIV_H

#include "core_priv.h"
#include "event.h"
#include "http_loop.h"
#include "post.h"
#include "relay.h"
#include "retry.h"
#include "url_guard.h"
#include "webhook.h"

/* ---- router: writer thread, but for create and free -------------------------------------------
 */

/* fn for each enabled webhook of the tenant that wants the event. 0 or what fn or the store said.
 */
int router_match(struct router *r, struct store_txn *t, const char *tenant, const char *session,
                 const char *type, int (*fn)(void *arg, const char *webhook), void *arg);
/* The tenant's webhooks changed in this transaction. r may be NULL. */
void router_forget(struct router *r, const char *tenant);
/* A buffer of the writer thread, empty; NULL when r is. */
struct buf *router_scratch(struct router *r);

/* ---- pieces of events (pure) -------------------------------------------------------------------
 */

#define EVENT_ID_LEN 31 /* "evt_", a ULID and NUL */
#define EVENT_TYPE_LEN 64
/* id and type of a stored event, which we wrote. E_PROTO. */
int event_head(const char *text, size_t len, char id[EVENT_ID_LEN], char type[EVENT_TYPE_LEN]);
struct buf;
int event_render(struct buf *out, const struct event_draft *d, const char *id, uint64_t seq,
                 uint64_t now_ms);
uint64_t event_lane(const char *session, const char *chat_lane);

/* ---- endpoints: webhooks as the relay uses them ------------------------------------------------
 */

/* Connections are limited per host, whatever webhooks share it. */
struct relay_host {
    struct list link;  /* relay.hosts */
    struct list ready; /* jobs that wait for a connection */
    unsigned active;
    unsigned endpoints; /* that point here */
    char origin[280];
};

struct endpoint {
    struct list link; /* a bucket of relay.endpoints */
    char tenant[64], webhook[64];
    bool stale; /* settings must be read again before use */
    bool known; /* the webhook existed when they were read */
    bool gone;  /* the webhook was deleted: freed with its last job */
    bool enabled;
    char broken[160]; /* why it cannot be used at all, or "" */
    struct url_target target;
    struct relay_host *host; /* NULL when broken or not known */
    char *secret;
    size_t secret_len;
    struct curl_slist *headers;
    struct retry_policy retry;
    struct list jobs; /* by endpoint_link */
    unsigned job_count;
    struct webhook_health health;
    bool health_loaded;
    bool probing;
    bool erasing;         /* an operation that erases an unknown webhook's deliveries is out */
    uint64_t probe_at_ms; /* wall; paused: not before */
    uint64_t pace_us;     /* mean time of a post */
    uint64_t hold_at_us;  /* wall; where the next head that does not fit is put */
};

enum job_state { JOB_READY, JOB_POSTING, JOB_RECORDING, JOB_WAITING };
enum job_alert { ALERT_NONE, ALERT_FAILING, ALERT_RECOVERED };

/* One delivery that the relay took in hand, until its outcome is durable. */
struct job {
    struct list link;          /* READY: host.ready; WAITING: relay.unrecorded */
    struct list endpoint_link; /* endpoint.jobs */
    struct store_op op;
    struct relay *r;
    struct endpoint *ep;
    struct relay_host *host; /* POSTING: whose connection it uses */
    enum job_state state;
    struct post *post;
    struct store_delivery d; /* RECORDING: as it will be */
    enum job_alert alert;
    struct webhook_health health; /* with the alert */
    bool failed;                  /* this attempt */
    uint64_t answered_us;         /* how long it took; 0: no answer */
};

#define ENDPOINT_BUCKETS 256
struct relay {
    struct bridge *b;
    struct http_loop *http;
    uv_timer_t timer;  /* the next turn of the scheduler */
    uv_timer_t record; /* outcomes that could not be written are tried again */
    unsigned handles;
    bool started, closing;
    uint64_t turned_ms;                /* the wall clock of the last turn; 0: none yet */
    uint64_t late_from_ms, late_to_ms; /* heads due within are of a clock that was ahead; 0: none */
    bool holding; /* a batch of holds is at the store */
    struct list endpoints[ENDPOINT_BUCKETS];
    struct list hosts;
    struct list hostless; /* READY jobs of endpoints that cannot be used; they fail at once */
    struct list unrecorded;
    unsigned taken;   /* jobs */
    unsigned posting; /* jobs with a post */
    unsigned tests;   /* webhook.test posts */
    struct list test_list;
    void (*on_closed)(void *arg);
    void *arg;
};

/* Found or made; NULL on exhaustion. */
struct endpoint *endpoint_get(struct relay *r, const char *tenant, const char *webhook);
struct endpoint *endpoint_find(struct relay *r, const char *tenant, const char *webhook);
/* Reads the settings when they are stale. 0, or E_* when the store cannot be read. */
int endpoint_load(struct relay *r, struct endpoint *ep, struct store_txn *t);
/* Its settings changed: jobs that wait for a connection go back to the store. */
void endpoint_forget(struct relay *r, struct endpoint *ep);
/* Frees one that no job points to. */
void endpoint_drop(struct endpoint *ep);
void endpoints_free(struct relay *r);
/* A job's connection was given back. */
void host_done(struct relay_host *h);
/* Counts an outcome: pauses, recovers. */
enum job_alert endpoint_outcome(struct relay *r, struct endpoint *ep,
                                const struct post_result *result);
/* What a post needs of it. */
struct post_spec endpoint_spec(struct relay *r, struct endpoint *ep);

/* ---- jobs --------------------------------------------------------------------------------------
 */

/* Takes a delivery in hand. NULL on exhaustion. */
struct job *job_take(struct relay *r, struct endpoint *ep, const struct store_delivery *d);
bool job_of(const struct endpoint *ep, uint64_t seq);
/* Starts what connections allow, a bounded number; outside of any snapshot. */
void jobs_start(struct relay *r);
/* READY jobs of the endpoint are let go. */
void jobs_drop_ready(struct relay *r, struct endpoint *ep);
void jobs_cancel_posts(struct relay *r);
void on_record_timer(uv_timer_t *t);
unsigned relay_take_limit(const struct relay *r);

/* ---- deliveries as they are shown --------------------------------------------------------------
 */

const char *delivery_state_name(enum store_delivery_state state);
/* The id of a delivery: decimal digits. */
bool delivery_seq(const char *s, uint64_t *out);
/* who NULL: may read all. full: with its tries and the event. Gives; NULL on exhaustion. */
json_t *delivery_object(struct store_txn *t, const struct store_delivery *d,
                        const struct bridge_principal *who, bool full);

/* ---- bounded work at the store -----------------------------------------------------------------
 */

struct hold_batch;
/* Collected during a scan, submitted after it. NULL on exhaustion. */
struct hold_batch *hold_new(struct relay *r);
/* False when the batch is full. until: wall; expired: it becomes a dead letter instead. */
bool hold_add(struct hold_batch *h, const struct store_delivery *d, uint64_t until_ms,
              bool expired);
void hold_submit(struct hold_batch *h); /* takes; frees an empty one */
/* All pending deliveries of a webhook become due now. */
void release_deliveries(struct bridge *b, const char *tenant, const char *webhook);
/* Erases the deliveries of a webhook that is no more. done may be NULL. */
void erase_deliveries_of(struct relay *r, struct endpoint *ep);

/* ---- what CRUD tells the relay; r may be NULL --------------------------------------------------
 */

void relay_forget_webhook(struct relay *r, const char *tenant, const char *webhook);
/* The webhook is no more. */
void relay_drop_webhook(struct relay *r, const char *tenant, const char *webhook);
/* The tenant is being deleted; its webhooks are gone already. */
void relay_forget_tenant(struct relay *r, const char *tenant);
/* A person says it should work now: probe a paused endpoint at once. */
void relay_probe_now(struct relay *r, const char *tenant, const char *webhook);
/* What the relay knows of the endpoint, in the stored form with probe_ms and pace_us besides; NULL:
 * nothing. Gives. */
json_t *relay_health(struct relay *r, const char *tenant, const char *webhook);
/* A turn soon, not at once: the store did not do what it was asked. */
void relay_wake_later(struct relay *r);
void relay_maybe_closed(struct relay *r);
void tests_cancel(struct relay *r);

#endif
