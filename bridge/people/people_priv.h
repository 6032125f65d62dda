/* What the files of people/ share. Thread: loop, unless a comment says otherwise. */
#ifndef PEOPLE_PRIV_H
#define PEOPLE_PRIV_H

#include "channel.h"
#include "channel_ops.h"
#include "chat_row.h"
#include "contact.h"
#include "core_priv.h"
#include "session.h"

/* ---- lists (listing.c) -------------------------------------------------------------------------
 */

#define LIST_Q_MAX 256 /* bytes of a search */

/* A snapshot for the names of a path; *t must be ended when 0 was given. */
int people_read(struct bridge *b, const char *tenant, const char *session, struct message_owner *o,
                struct store_txn **t, struct err *e);
/* Words for a store code that came without. Returns rc. */
int people_unreadable(struct err *e, int rc);

/* One page as it is gathered; a cursor is the place of the last row, in hex so that nobody builds
 * on its form. */
#define LIST_PLACE_MAX (2 * STORE_MAX_ID)
struct listing {
    char kind; /* of the cursor */
    json_t *items;
    unsigned limit;
    size_t visits; /* rows that may still be looked at */
    uint64_t number;
    char place[LIST_PLACE_MAX + 1]; /* of the last row looked at; "" at the start */
    bool more;
};
/* Reads paging into l, which gets an empty list. */
int listing_start(struct listing *l, char kind, const struct bridge_paging *p, size_t visits,
                  struct err *e);
/* Takes item (NULL: the row is skipped) and remembers the row's place. 0, 1: the page is full, E_*.
 */
int listing_keep(struct listing *l, uint64_t number, const char *place, json_t *item);
/* {items,next_cursor}, or the words for rc. */
int listing_give(struct listing *l, int rc, json_t **out, struct err *e);
void listing_drop(struct listing *l);

/* Sets the window of a chat's or contact's object (guard.h): computed when it is read. */
int people_show_window(struct store_txn *t, const struct message_owner *o, json_t *v, bool chat);

/* ---- chats as they are shown (chat_sieve.c)
 * ----------------------------------------------------- */

#define CHAT_VISITS 2000 /* rows that a page with a filter looks at */
struct chat_sieve {
    const struct bridge_chat_filter *f;
    char q[LIST_Q_MAX + 1]; /* folded */
};
/* f NULL: lets all through; borrowed. E_INVALID. */
int chat_sieve_set(struct chat_sieve *s, const struct bridge_chat_filter *f, struct err *e);
bool chat_fits(const struct chat_sieve *s, const json_t *row);
/* Sets session, last_message.status and window. NULL accepted. */
int chat_show(struct store_txn *t, const struct message_owner *o, json_t *chat);

/* ---- asking the far end (far.c) ----------------------------------------------------------------
 */

#define FAR_TIMEOUT_MS 20000
/* Its channel when the session is ready: else E_CONFLICT "session_not_ready". */
int far_channel(struct bridge *b, const char *tenant, const char *session, struct channel **out,
                struct err *e);
/* What went wrong at the far end, in the words of the API. */
void far_error(const struct err *from, struct err *to);
/* Answers a caller from a callback of the loop; takes body. */
void far_answer(bridge_done_fn done, void *arg, const struct err *e, json_t *body);

/* The person of a JID of the far end's answer as {id,phone,lid,name,contact_id}; gives. */
json_t *person_json(struct store_txn *t, const struct message_owner *o, const json_t *peer);
/* The peer of a JSON {id,phone,lid,name}; texts borrowed. */
struct channel_peer peer_of_json(const json_t *v);

#endif
