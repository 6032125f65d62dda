/* Inside of a fetcher. Thread: loop, but for what a job's operation holds at the store. */
#ifndef FETCHER_PRIV_H
#define FETCHER_PRIV_H

#include "fetcher.h"
#include "media.h"

#define FETCH_BATCH 64

struct fetch_order {
    uint64_t at_ms, due_ms;
    unsigned tries;
};

struct fetch_due {
    char chat[STORE_MAX_ID + 1], id[STORE_MAX_ID + 1];
    struct fetch_order order;
};

enum fetch_end {
    FETCH_READY,
    FETCH_LATER,   /* another try at due_ms */
    FETCH_FAILED,  /* for good */
    FETCH_EXPIRED, /* WhatsApp has it no more */
    FETCH_SKIPPED, /* the tenant's quota has no room for it */
    FETCH_VOID,    /* there is nothing to fetch */
};

struct fetch_job {
    struct store_op op;
    struct fetcher *f;
    size_t slot;
    char chat[STORE_MAX_ID + 1], id[STORE_MAX_ID + 1]; /* of the order */
    char told[MEDIA_ID_LEN + 1];                       /* hash that the message names, "" none */
    char sha256[MEDIA_ID_LEN + 1];
    unsigned tries;
    struct media_receipt *receipt; /* NULL: none, or handed over */
    enum fetch_end end;
    uint64_t now_ms, due_ms;
    struct media_info info;
    struct err err;
    bool told_event; /* out of the operation */
};

struct fetcher {
    struct session *s;
    struct bridge *b;
    struct message_owner owner;
    uv_timer_t timer;
    struct fetch_job *jobs[FETCHER_JOBS];
    size_t running;
    struct fetch_due due[FETCH_BATCH + 1];
    size_t count, next; /* of due: those from next on are not begun */
    bool resting;       /* until the timer fires */
    bool stale;         /* the store may have orders that are not in due */
    bool closing, timer_closed;
    void (*on_closed)(void *arg);
    void *closed_arg;
};

/* False: no memory. */
bool fetch_job_start(struct fetcher *f, const struct fetch_due *due);
/* It is over and freed; stored: what became of it is in the store. May free f. */
void fetch_job_gone(struct fetcher *f, bool stored);
void fetcher_go(struct fetcher *f);
/* Inside an apply: the order is to be tried again. */
int fetch_order_later(struct store_txn *t, const struct message_owner *o, const char *chat,
                      const char *id, unsigned tries, uint64_t due_ms);
uint64_t fetch_wait(const struct err *why, unsigned tries);

/* media of a stored message brought to that state; pure. error NULL: none. */
int fetch_show_state(json_t *m, const char *state, const struct err *error);
int fetch_show_file(json_t *m, const char *tenant, const struct media_info *info);

#endif
