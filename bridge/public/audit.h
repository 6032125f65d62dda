/*
 * The audit log (docs/audit.md).
 *
 * Times are wall clock milliseconds.
 * Thread: loop. What holds for every function of the bridge stands in bridge.h.
 */
#ifndef BRIDGE_PUBLIC_AUDIT_H
#define BRIDGE_PUBLIC_AUDIT_H

#include "public/answers.h"

#include <stddef.h>
#include <stdint.h>

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

#endif
