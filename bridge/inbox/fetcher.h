/*
 * The files of messages, fetched when the session can: an order (STORE_FETCHES) is written with the
 * message and stays until the file is here, is known to be gone, or was tried in vain too often. One
 * fetcher per session, at most FETCHER_JOBS at a time, oldest order first. Private to bridge/.
 * Thread: loop; order and forget run inside an apply.
 */
#ifndef BRIDGE_FETCHER_H
#define BRIDGE_FETCHER_H

#include "message_object.h"
#include "session.h"

#define FETCHER_JOBS 2
#define FETCHER_TRIES 8

struct fetcher;

int fetcher_create(struct session *s, struct fetcher **out, struct err *e);
/* Waits for what is under way (the channel's end ends it); on_closed once; frees. */
void fetcher_close(struct fetcher *f, void (*on_closed)(void *arg), void *arg);
/* There may be orders, or the session can fetch (again). */
void fetcher_kick(struct fetcher *f);

/* Idempotent; an order that was there starts afresh. */
int fetcher_order(struct store_txn *t, const struct message_owner *o, const char *chat,
                  const char *id, uint64_t now_ms);
/* No order is no error. */
int fetcher_forget(struct store_txn *t, const struct message_owner *o, const char *chat,
                   const char *id);

#endif
