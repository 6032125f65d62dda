/*
 * The auto-reply agent: what people write goes to a configured HTTP endpoint, its answers go back
 * through the outbox. One agent a session at most. Private to bridge/. Thread: loop, but for
 * agent_on_event().
 *
 * Nothing is skipped or answered twice: a message is put in the agent's queue in the transaction
 * that stores the message; the endpoint's answer takes the message's place there before anything of
 * it is sent; each reply is sent under an idempotency key made of message and place, and only then
 * the answer leaves the queue.
 */
#ifndef BRIDGE_AGENT_H
#define BRIDGE_AGENT_H

#include "core.h"
#include "event.h"

int agents_create(struct bridge *b, struct agents **out, struct err *e);
/* Goes on with what an earlier run left in the queue. */
void agents_start(struct agents *g);
/* Calls under way are dropped (their messages stay queued); then on_closed; frees. */
void agents_close(struct agents *g, void (*on_closed)(void *arg), void *arg);
/* The tenant's event log has grown. g may be NULL. */
void agents_wake(struct agents *g, const char *tenant);
/* The tenant and its log go: one of the same name begins anew. g may be NULL. */
void agents_forget_tenant(struct agents *g, const char *tenant);

/* Writer thread, with each event that is appended: queues it when the session's agent is to answer
 * it; takes note when a human writes. 0 or what the store said. */
int agent_on_event(struct store_txn *t, const struct event_draft *d, uint64_t seq);

#endif
