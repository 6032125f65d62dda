/*
 * Durable sends: validation, idempotency, pacing, submit, ack tracking, recovery. One outbox for
 * the bridge (waiters), one lane per session. Private to bridge/. Thread: loop (its apply functions
 * run on the writer thread).
 */
#ifndef BRIDGE_OUTBOX_H
#define BRIDGE_OUTBOX_H

#include "identity.h"
#include "session.h"

int outbox_create(struct bridge *b, struct outbox **out, struct err *e);
/* Every waiter gets E_CANCELED; then on_closed; frees. */
void outbox_close(struct outbox *o, void (*on_closed)(void *arg), void *arg);

int outbox_lane_create(struct session *s, struct outbox_lane **out, struct err *e);
void outbox_lane_close(struct outbox_lane *l, void (*on_closed)(void *arg), void *arg);
/* The session is ready: recover what was submitted before (look up by key, then resend with the
 * same key only what is unknown), then go on with the queue. */
void outbox_lane_resume(struct outbox_lane *l);
void outbox_lane_pause(struct outbox_lane *l);
/* An ack for one of our messages, from an event or found by catch-up. Unknown ids are ignored.
 * participant: NULL or who acked in a group. */
void outbox_lane_ack(struct outbox_lane *l, const char *chat_id, const char *message_id, int ack,
                     const char *participant, uint64_t time_ms);

/* A text of the bridge's own, under an id that the caller made. Writer, inside an apply; past the
 * guards. E_LIMIT: the queue is full. When it is committed the lane is to be told. */
struct outbox_text {
    struct bridge *b;
    const struct message_owner *owner;
    const struct person *me;
    const char *chat, *id, *source, *text;
    uint64_t now_ms, expires_ms;
};
int outbox_put_text(struct store_txn *t, const struct outbox_text *x);
void outbox_lane_accepted(struct outbox_lane *l, uint64_t expires_ms);

#endif
