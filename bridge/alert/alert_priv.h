/* The inside of the alerts. Thread: loop, unless a comment says otherwise. */
#ifndef BRIDGE_ALERT_PRIV_H
#define BRIDGE_ALERT_PRIV_H

#include "alert.h"

#include "core_priv.h"
#include "work.h"

struct alert {
    struct list link;
    struct alert_facts facts; /* firing: as it was last decided */
    struct alert_state state;
    bool seen;    /* in this round */
    bool tell;    /* what was decided is not in the store yet */
    bool telling; /* an operation is at the store */
};

/* What is asked of the system, off the loop. */
struct probe {
    struct work work;
    struct alerts *a;
    char path[4096];
    bool known;
    uint64_t disk_free;
    double memory_percent; /* in use; 0: not known */
};

struct alerts {
    struct bridge *b;
    uv_timer_t timer;
    struct list all;
    size_t count;
    struct probe probe;
    bool probing;
};

/* alert_look.c: one round over everything. */
void alerts_look(struct alerts *a);
/* alert_probe.c: the next answer is in a->probe before the next round. */
void alerts_probe(struct alerts *a);
/* alert_tell.c: writes what was decided; gone: there is nobody to tell, only the row goes. */
void alert_tell(struct alerts *a, struct alert *x, bool gone);
int alerts_load(struct alerts *a, struct err *e);
/* alerts.c. NULL when there are too many. */
struct alert *alert_make(struct alerts *a, enum alert_kind kind, const char *tenant,
                         const char *session, const char *webhook);
struct alert *alert_find(struct alerts *a, enum alert_kind kind, const char *tenant,
                         const char *session, const char *webhook);
void alert_drop(struct alerts *a, struct alert *x);
int alert_kind_parse(const char *name); /* -1: no such kind */

#endif
