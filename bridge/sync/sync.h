/*
 * Catching up: what came, changed or was sent from the phone while nobody listened, and older
 * history on demand. One per session; hands what it fetches to the inbox. Private to bridge/.
 * Thread: loop.
 *
 * A run asks the page for its chats in short (250 a call, from its memory), compares each with the
 * mark of the chat and opens only those that differ: one call for each page of at most 100
 * messages. So a run over 2,000 chats of which 50 changed costs 8 + 50 calls and as many
 * transactions. Per chat it fetches
 *   - what came since the chat's watermark, less 10 min of slack, oldest first;
 *   - the newest 64 messages not more than 60 h older than the last, as they are now, to find what
 *     happened to them: acks of ours, edits, revokes, reactions, votes, placeholders filled in.
 * Whether anything happened to them is told by a fingerprint. A run after a gap (away, a doubt) has
 * the page read its disk for that, for chats active in the 60 h before the gap, at most the 200 most
 * recent: some ms each; the others, hourly ones above all, read memory alone.
 * Limits: a change beyond those 64 messages, 60 h or 200 chats is not found, unless it is told live
 * or the chat has something new too.
 * Nothing older than the moment of linking is ever told.
 *
 * The marks move with the transaction that stores what they cover, chat by chat, so a run that is
 * interrupted goes on where it was; one that the store refused is tried again.
 */
#ifndef BRIDGE_SYNC_H
#define BRIDGE_SYNC_H

#include "session.h"

struct sync;

int sync_create(struct session *s, struct sync **out, struct err *e);
/* The channel must be gone. Waits for operations at the store; then on_closed; frees. */
void sync_close(struct sync *y, void (*on_closed)(void *arg), void *arg);
/* A run is wanted, for this reason; the session starts it when it can. GET …/sync says `waiting`. */
void sync_want(struct sync *y, const char *why);
/* Runs; done once (e NULL: nothing is missing any more). A call while one runs joins it. Live events
 * wait in the inbox meanwhile. */
void sync_run(struct sync *y, void (*done)(void *arg, const struct err *e), void *arg);
/* The channel went away: a run ends with E_CANCELED, history jobs fail. */
void sync_interrupt(struct sync *y);

#endif
