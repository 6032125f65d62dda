/* Inside of an inbox. Thread: loop, but for ingest_apply() and what an ingest holds meanwhile. */
#ifndef INBOX_PRIV_H
#define INBOX_PRIV_H

#include "fetcher.h"
#include "identity.h"
#include "inbox.h"
#include "message_object.h"

#define INBOX_OPS_MAX 2000  /* operations at the store at once */
#define INBOX_HELD_MAX 2000 /* events that wait behind them, or behind a run of bridge/sync */
#define INBOX_BYTES_MAX (32u << 20) /* of either of them, give or take an event */

/* Who is typing: told to streams, kept nowhere (presence.c). */
void presence_pass(struct bridge *b, const struct message_owner *o, const struct channel_event *ev);

/* ---- an operation: some events of the channel made durable (ingest.c) ------------------------ */

struct ingest_item {
    struct channel_event ev; /* texts in the operation's own memory, never NULL */
    bool backfill;
    bool skip;     /* refused for good: left out of the next try */
    bool ack_news; /* out: a message of ours, and its ack is news to us */
    bool fresh;    /* out: written */
    bool known;    /* out: a message that we had already */
    bool wanted;   /* a message whose file the session's rules want */
    bool fetch;    /* out: its file is to be fetched */
};

struct ingest {
    struct store_op op;
    struct list link; /* in held */
    struct inbox *inbox;
    struct bridge *b;
    struct message_owner owner;
    struct ingest_item *items;
    size_t count, bytes; /* items; memory that it takes */
    uint64_t seq; /* order in which it was heard */
    uint64_t now_ms;
    bool fetched;   /* part.done is told; else live */
    bool silent;    /* stored without events */
    size_t refused; /* items that were refused for good so far */
    struct inbox_part part; /* with, done, arg of a fetched one */
    bool appended;  /* out: there are new events */
    uint64_t reply_expires_ms; /* out: a message of ours was put into the outbox; 0: none */
    char me_id[STORE_MAX_ID + 1], me_lid[STORE_MAX_ID + 1]; /* the account's JIDs; "" not known */
};

/* Gives a copy of the events (kind CHANNEL_MESSAGE for a page of history); events whose ids cannot
 * be stored are left out. NULL: no memory. */
struct ingest *ingest_create(struct inbox *i, const struct channel_event *events, size_t count);
void ingest_free(struct ingest *g);
int ingest_apply(struct store_txn *t, struct store_op *op);
/* What is wrong is the event, and another try would not help: it is left out. */
bool ingest_refused(int rc);
/* A message: new, or compared with what we have (ingest_message.c). */
int message_apply(struct store_txn *t, struct ingest *g, struct ingest_item *it);
/* Was the message edited later than then? Far ends tell whole seconds. */
bool edited_after(const json_t *m, uint64_t ms);
/* A placeholder m of ours, stored at ref, becomes the message that came under its id. */
int message_fill(struct store_txn *t, struct ingest *g, struct ingest_item *it,
                 const struct store_message_ref *ref, json_t *m);

/* ---- what happens to messages (change.c) ------------------------------------------------------
 */

/* Edits, revokes, reactions, votes. */
int change_apply(struct store_txn *t, struct ingest *g, struct ingest_item *it);
/* The far end's present view of a message m that we have at ref: edits, revokes, reactions and votes
 * that we missed are applied and told, a placeholder is filled in. Idempotent. (reconcile.c) */
int change_reconcile(struct store_txn *t, struct ingest *g, struct ingest_item *it,
                     const struct store_message_ref *ref, json_t *m);
/* Is it another message than m that bears the same id, told by somebody else? who: what we know of
 * ev->by. */
bool change_by_another(const json_t *m, const struct channel_event *ev, const struct person *who);

/* ---- what people add to a message: reactions, votes (added.c) ---------------------------------
 * Kept in "_" by whose they are, shown in the message's own member. */

enum added_kind { ADDED_REACTION, ADDED_VOTE };
struct added {
    enum added_kind kind;
    const char *who;      /* "me", or the person's first JID */
    json_t *by;           /* as the contract shows a person */
    json_t *value;        /* the emoji ("": taken back), or the list of options */
    uint64_t at_ms;
};
/* *news: it says something else than what we had, and is no older. m gets its "_". */
int added_put(json_t *m, const struct added *a, bool *news);
/* Whose they are and what they say: {who:{by,at_ms,value}}; borrowed, may be NULL. */
json_t *added_all(const json_t *m, enum added_kind kind);
/* Takes all that "from" has in its "_" and shows it in m. */
int added_adopt(json_t *m, const json_t *from);

/* ---- what is told of calls, groups, chats and people (notice.c) -------------------------------
 */

int notice_call(struct store_txn *t, struct ingest *g, struct ingest_item *it);
int notice_group(struct store_txn *t, struct ingest *g, struct ingest_item *it);
/* A notice in a group's chat that tells of a change: the same event. */
int notice_group_message(struct store_txn *t, struct ingest *g, struct ingest_item *it,
                         const struct message_draft *d);
/* The members of a message's content with what we know of the people in them. */
int notice_people(struct store_txn *t, const struct message_owner *o, const char *content,
                  struct buf *out);
int notice_chat(struct store_txn *t, struct ingest *g, struct ingest_item *it);
int notice_contact(struct store_txn *t, struct ingest *g, struct ingest_item *it);

/* ---- the inbox ----------------------------------------------------------------------------------
 */

struct inbox {
    struct session *s;
    struct bridge *b;
    struct message_owner owner;
    uv_timer_t retry; /* the store refused: try again */
    struct fetcher *fetcher; /* NULL once closed */
    struct list held;
    size_t held_count, held_bytes;
    uint64_t seq;
    size_t ops, ops_bytes;
    bool passing; /* held events may go although the session is not ready yet */
    bool stalled; /* until the retry timer fires */
    bool closing, retry_closed;
    void (*on_closed)(void *arg);
    void *closed_arg;

    bool holding;        /* a run of bridge/sync is under way */
    bool complete;       /* no gap before now */
    bool overflow;       /* events were dropped since the last run began */
    bool doubt;          /* a run is to come: until it ended nothing passes */
    uint64_t live_since; /* wall time when the last run began */
};

/* Hands it to the store; counted in ops. */
void inbox_submit(struct inbox *i, struct ingest *g);
/* Held events go on, as far as they may. */
void inbox_drain(struct inbox *i);

#endif
