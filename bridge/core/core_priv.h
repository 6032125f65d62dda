/*
 * What only core/ and relay/ share: the inside of the bridge object, operations that answer a
 * caller, and checks that several resources need. Thread: loop, unless a comment says otherwise.
 */
#ifndef BRIDGE_CORE_PRIV_H
#define BRIDGE_CORE_PRIV_H

#include "core.h"
#include "crypto.h"
#include "meters.h"

/* Beside the bridge object; NULL in a bridge that a unit test put together by hand. */
struct core {
    struct bridge *b;
    unsigned open; /* answers and operations on their way; the bridge is freed at 0 */
    void (*on_idle)(struct bridge *b); /* set while closing */
    uint8_t pepper[CRYPTO_KEY_LEN];    /* keys' secrets are hashed with it */
    bool pepper_loaded;
    struct tokens *tokens;   /* of an identity provider (access/token.h); NULL: none */
    struct widgets *widgets; /* tickets for chats in other people's pages (widget/widget.h) */
    uint64_t access_version; /* see bridge_access_version() */
    struct list touches;     /* keys whose last use is being written (access/keys.c) */
    unsigned touch_count;
    uint64_t touch_after_ms; /* monotonic: not before */
    struct tickets *stream_tickets, *sign_in_links; /* access/stream_ticket.c, sign_in.c */
    struct list grown; /* watches to be told in the next turn; the others are in b->watches */
    uv_timer_t watch_timer;
    uv_timer_t housekeeping_timer;
    struct housekeeping *housekeeping; /* its operation while one is at the store */
    struct loop_lag lag;
    unsigned handles; /* timers not yet closed */
    bool backup_running;
    struct list imports; /* of sessions, under way (backup/import.c) */
    uint64_t grace_ends_ms;            /* monotonic */
    void (*on_closed)(void *arg);
    void *closed_arg;
};

void core_enter(struct bridge *b);
/* May free the bridge when it is closing. */
void core_leave(struct bridge *b);

/* ---- an operation at the store that answers a caller -------------------------------------------
 */

/*
 * Embedded first in the struct of a resource's operation. call_submit() runs apply on the writer
 * thread; then, on the loop, finish (may be NULL), the caller's done, and release. finish may call
 * call_again() to run another apply before the caller is answered (work in bounded steps).
 */
struct call {
    struct store_op op;
    struct bridge *b;
    bridge_done_fn done; /* NULL: nobody waits */
    void *arg;
    int (*apply)(struct store_txn *t, struct call *c, struct err *e); /* writer; may run twice */
    void (*finish)(struct call *c, int rc);
    void (*release)(struct call *c); /* frees the members and the object */
    json_t *answer;                  /* owned */
    bool created;
    bool again;
};

void call_submit(struct call *c, struct bridge *b, bridge_done_fn done, void *arg);
/* In finish only. */
void call_again(struct call *c);

/* ---- shared checks -----------------------------------------------------------------------------
 */

int tenant_unknown(struct err *e, const char *tenant); /* E_NOTFOUND "unknown_tenant" */
/* E_NOTFOUND "unknown_tenant" also while the tenant is being deleted. Writer or loop. */
int tenant_check(struct store_txn *t, const char *tenant, struct err *e);
/* The same with a snapshot of its own. */
int tenant_exists(struct bridge *b, const char *tenant, struct err *e);
/* When the tenant was made, wall clock: tells it from a later one of its name. 0: unknown. */
uint64_t tenant_born_ms(struct store_txn *t, const char *tenant);
/* limits.<name> of the tenant, or fallback. Writer or loop. */
uint64_t tenant_limit(struct store_txn *t, const char *tenant, const char *name, uint64_t fallback);
/* Members of a tenant's document into changes: E_INVALID with the field. */
int tenant_take_limits(json_t *changes, const json_t *body, struct err *e);
int tenant_take_tariff(json_t *changes, const json_t *body, struct err *e);
int tenant_take_widget(json_t *changes, const json_t *body, struct err *e);
/* Goes on with deletions that an earlier run did not finish. */
void tenants_resume(struct bridge *b);

/* Each member of body must be in the NULL-terminated list; body NULL or null is an empty object.
 * E_INVALID "unknown_field" with the field's name. */
int body_check(const json_t *body, const char *const *fields, struct err *e);
/* Takes v (may be NULL: out of memory). 0 or E_NOMEM. */
int body_set(json_t *obj, const char *key, json_t *v);
/* Parses a stored record. Gives. E_INTERNAL when it does not parse. */
json_t *record_parse(struct store_value v, struct err *e);
int record_put(struct store_txn *t, enum store_table table, const char *const *path,
               const json_t *record, struct err *e);
/* Explains a store code that came without words. Returns rc. */
int store_err(struct err *e, int rc, const char *what);
/* {items,next_cursor}: takes items; cursor NULL: the end. Gives, NULL on exhaustion. */
json_t *page_body(json_t *items, const char *cursor);
/* Limit and cursor of a request: E_INVALID with the field. */
int paging_check(const struct bridge_paging *p, struct err *e);

/* ---- keys (key_text.c: pure) -------------------------------------------------------------------
 */

#define KEY_ID_LEN 12
#define KEY_SECRET_LEN 43
#define KEY_TEXT_LEN (4 + KEY_ID_LEN + 1 + KEY_SECRET_LEN) /* wab_<id>_<secret> */
void key_make(char out[KEY_TEXT_LEN + 1]);
void key_make_for(const char *id, char out[KEY_TEXT_LEN + 1]); /* another secret for that id */
/* id gets the id part; the secret is what follows text + 4 + KEY_ID_LEN + 1. E_AUTH. */
int key_parse(const char *text, char id[KEY_ID_LEN + 1], struct err *e);
int key_hash(const uint8_t pepper[CRYPTO_KEY_LEN], const char *secret,
             uint8_t out[CRYPTO_SHA256_LEN]);
/* The record of a key; tenant NULL: admin. Gives. */
json_t *key_record(const char *text, const uint8_t pepper[CRYPTO_KEY_LEN], const char *name,
                   const char *tenant, uint64_t now_ms);

/* ---- start, housekeeping, watches --------------------------------------------------------------
 */

int core_config_copy(struct bridge *b, const struct bridge_config *c);
void core_config_free(struct bridge *b);
/* Blocks. Makes what the very first start needs, or loads what the keys need. */
int first_start(struct bridge *b, char **new_key, struct err *e);

void housekeeping_start(struct bridge *b);
void housekeeping_run(struct bridge *b); /* one round, now; what the timer calls */
void watch_grown(struct bridge *b, const char *tenant);
/* An event that is not kept: for watches that take such, at once. */
void watch_pass(struct bridge *b, const char *tenant, const char *type, const char *text,
                size_t len);
bool watch_any(struct bridge *b, const char *tenant); /* is there one that does? */
void on_watch_timer(uv_timer_t *t);

#endif
