/* What the adapter's files share. Thread: loop. */
#ifndef BRIDGE_ADAPTER_PRIV_H
#define BRIDGE_ADAPTER_PRIV_H

#include "session_priv.h"

#include "work.h"

enum adapter_state {
    ADAPTER_IDLE,
    ADAPTER_LOADING,    /* the file is read */
    ADAPTER_CANARY,     /* one session starts with it, and is asked */
    ADAPTER_RETURNING,  /* that session starts with the old one again */
    ADAPTER_INSTALLING, /* files are written */
    ADAPTER_ROLLOUT,    /* the others, one by one; after a failure: all of them back */
};

struct adapter {
    struct sessions *all;
    enum adapter_state state;
    enum bridge_adapter_action action;
    struct script *current, *previous, *candidate; /* previous: may be NULL */
    bool installed;                                /* the current one is in the data directory */

    char file[4096];
    char target[130];                 /* "tenant/session" that is being restarted; "" none */
    enum session_status wanted;       /* what it must come to again */
    json_t *old_caps;                 /* of the canary: what worked before must work after */
    bool asking;                      /* calls of the self-test are on their way */
    bool undoing;                     /* the roll-out goes backwards */
    struct err why;                   /* the first failure */
    unsigned done, failed;            /* sessions of the roll-out */
    char canary[130], sha256[65], version[32]; /* for `last` */

    struct work work;
    struct wa_js loaded;
    struct err work_err;
    bool working;
    uv_timer_t timer; /* the target is too late, or the next one */
    json_t *last;     /* how the last one ended */
};

int adapter_begin(struct adapter *a, enum bridge_adapter_action action, const char *file,
                  const char *session, struct err *e);
/* Takes what js holds, unless it answers NULL. */
struct script *script_new(const struct wa_js *js);
json_t *adapter_object(struct adapter *a); /* gives, NULL on exhaustion */
json_t *adapter_build(const struct wa_js *w);

#endif
