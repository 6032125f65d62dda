/*
 * What the far end tells us, made durable once: normalise, identify, dedupe, persist with its
 * event. One inbox per session; bridge/sync catches up after a gap through it. Private to bridge/.
 * Thread: loop (its apply functions run on the writer thread).
 */
#ifndef BRIDGE_INBOX_H
#define BRIDGE_INBOX_H

#include "session.h"

int inbox_create(struct session *s, struct inbox **out, struct err *e);
/* Waits for operations at the store; then on_closed; frees. */
void inbox_close(struct inbox *i, void (*on_closed)(void *arg), void *arg);
/* Any event of the channel, at any time; live ones that come while a run of bridge/sync holds the
 * inbox wait for its end (bounded; past the bound they are dropped and another run follows). */
void inbox_event(struct inbox *i, const struct channel_event *ev);
/* The session is ready (again), or a file was ordered: files of messages are fetched. */
void inbox_fetch(struct inbox *i);

/* ---- for bridge/sync ----------------------------------------------------------------------------
 */

/* A run begins: what is told live waits until inbox_release(). */
void inbox_hold(struct inbox *i);
/* It ended. complete: nothing older is missing, what waits goes on; else that waits for the next. */
void inbox_release(struct inbox *i, bool complete);
/* There may be a gap: what is told live waits for the next run. */
void inbox_doubt(struct inbox *i);
/* Nothing is known to be missing: the last run was complete and no doubt has come since. */
bool inbox_complete(const struct inbox *i);

struct inbox_told {
    size_t messages_new; /* written for the first time */
    size_t changes;      /* of known ones: edits, revokes, reactions, acks */
};
/* Events that were fetched, made durable in one transaction in the order given. A message that is
 * known is compared with what we have. Those that are refused for good are left out. */
struct inbox_part {
    const struct channel_event *events; /* copied */
    size_t count;                       /* 0: only `with` */
    uint64_t floor_ms;                  /* messages older than this are none of ours to tell */
    bool silent; /* history on demand: stored without events, unread counts stay */
    /* Runs in the same transaction, after them; writer thread, may run twice; may be NULL. */
    int (*with)(struct store_txn *t, void *arg);
    /* Once, from the loop. e and told are borrowed. */
    void (*done)(void *arg, int rc, const struct err *e, const struct inbox_told *told);
    void *arg;
};
/* 0, or E_NOMEM: then done is not called. */
int inbox_store(struct inbox *i, const struct inbox_part *p);

#endif
