/*
 * The event log of a tenant: one row for each thing that its webhooks and streams are told, written
 * in the same transaction as the change that it reports, together with one delivery for each
 * webhook that wants it. Private to bridge/.
 */
#ifndef BRIDGE_EVENT_H
#define BRIDGE_EVENT_H

#include "core.h"

struct event_draft {
    const char *tenant;
    const char *session;   /* NULL: of no session */
    const char *type;      /* "message.received", … */
    const char *chat_lane; /* what must stay in order: the chat's phone digits when known, else its
                              id; NULL: events of no chat (in order among themselves) */
    const char *data;      /* JSON text of the event's data object */
    size_t data_len;
};

/* Writer thread, inside an apply: takes the next seq, writes
 * {id,type,seq,occurred_at,tenant,session,data} and the deliveries. seq may be NULL. */
int event_append(struct bridge *b, struct store_txn *t, const struct event_draft *d,
                 uint64_t *seq, struct err *e);
/* Writer thread: what was told in lane `from` and still waits goes on in lane `to`, in order with
 * what is there. Past EVENT_LANE_MOVE_MAX rows the rest keeps the order of its own lane only. */
#define EVENT_LANE_MOVE_MAX 2000
int event_lane_move(struct store_txn *t, const char *tenant, const char *session, const char *from,
                    const char *to);
/* Loop, in the done of the operation that appended: wakes streams and the relay. */
void event_committed(struct bridge *b, const char *tenant);

/* The session of a rendered event; false: it is of none. */
bool event_session(const char *text, size_t len, char out[64]);

#endif
