/*
 * What the files of the auto-reply agent share. Thread: loop, unless a comment says otherwise.
 *
 *   agents.c         life, timer, who may call next
 *   agent_queue.c    from the event log into the queue (writer), from the queue into memory
 *   agent_chat.c     the document of a conversation
 *   agent_context.c  what the endpoint is told: new messages, turns before them
 *   agent_call.c     calls to the endpoint, retry, typing
 *   agent_outcome.c  what came of a call made durable; agent_send.c its replies
 *   agent_api.c      the resource; agent_chat_api.c its conversations
 *   agent_check.c, agent_settings.c, agent_format.c, agent_loop.c, agent_http.c
 *
 * A chat with messages to be answered goes through these states; with more messages at the end it
 * begins again, else it is freed.
 *
 *   QUEUED -> CALLING -> RECORDING -> SENDING -> CLEARING -> (QUEUED)
 *     ^        |  ^          ^           |
 *     |        v  |          |           v
 *     |      WAITING      (nothing     PAUSED (the outbox is full or the like: again later)
 *     +-- (no answer is wanted) RECORDING
 */
#ifndef BRIDGE_AGENT_PRIV_H
#define BRIDGE_AGENT_PRIV_H

#include "agent.h"
#include "agent_http.h"
#include "agent_settings.h"
#include "core_priv.h"
#include "log.h"
#include "message_object.h"

#define AGENT_MAX_CALLS 64   /* at once, of all sessions */
#define AGENT_MAX_KNOWN 1024 /* messages in memory; the others wait in the store */
/* Of these for one agent, so that an endpoint that hangs does not stop the others' */
#define AGENT_CALLS_EACH 16
#define AGENT_KNOWN_EACH (AGENT_MAX_KNOWN / 4)
#define AGENT_BATCH_MAX 20   /* messages told in one call; of more the newest */
#define AGENT_SEQ_LEN 17     /* a queue row's name: 16 hex digits and NUL */
#define AGENT_REPLY_MAX_AGE_MS (24 * UINT64_C(3600000)) /* the outbox forgets keys after a day */

enum agent_chat_state {
    AGENT_QUEUED,
    AGENT_CALLING,
    AGENT_WAITING,
    AGENT_RECORDING,
    AGENT_SENDING,
    AGENT_PAUSED,
    AGENT_CLEARING,
};

/* A queued message. */
struct agent_message {
    struct list link;
    uint64_t seq;
    char id[STORE_MAX_ID + 1];
};

/* The endpoint's answer while it is being sent; durable as the queue row of the last message. */
struct agent_sending {
    uint64_t seq;
    json_t *replies; /* owned */
    size_t next;
    uint64_t answered_ms;
    char id[STORE_MAX_ID + 1]; /* of the last message answered: idempotency keys begin with it */
    char refused[160];         /* why a reply could not be sent at all; "" */
    bool apology;
};

struct agent_chat {
    struct list link;       /* agent.chats */
    struct list state_link; /* agents.ready or .waiting or .calling */
    struct agent *a;
    enum agent_chat_state state;
    char chat[STORE_MAX_ID + 1]; /* as the messages are filed */
    char to[STORE_MAX_ID + 1];   /* where replies go */
    struct list messages;        /* oldest first */
    unsigned count;
    uint64_t due_ms;   /* monotonic; WAITING, PAUSED: again then; CALLING: typing shown again */
    unsigned failures; /* of this call */
    struct agent_http *http;
    bool creating; /* the call makes a conversation (retell) */
    bool renewed;  /* … in place of one that the endpoint knew no more */
    /* of the present batch */
    uint64_t last_seq;
    char last_id[STORE_MAX_ID + 1];
    uint64_t in_ms;
    int64_t gap_ms;
    uint64_t in_hash;
    char conversation_id[AGENT_CONVERSATION_MAX + 1]; /* "" none */
    struct agent_sending sending;
    bool dropped; /* the agent was taken away meanwhile: freed when what is under way ends */
};

struct agent {
    struct list link; /* agents.all */
    struct agents *g;
    char tenant[64], session[64];
    struct log_ctx log;
    bool stale;                /* settings must be read again */
    bool dirty;                /* the log has grown since the queue was read */
    bool more;                 /* the queue holds more than memory may */
    bool gone;                 /* freed with its last chat */
    char broken[160];          /* why it cannot be used, or "" */
    char after[AGENT_SEQ_LEN]; /* rows up to here are in memory or done with */
    struct agent_settings settings;
    struct agent_health health;
    unsigned calls, known; /* its part of agents.calls, .known */
    struct list chats;
};

struct agents {
    struct bridge *b;
    struct http_loop *http;
    uv_timer_t timer;
    bool started, closing, http_closed;
    unsigned handles;
    unsigned calls; /* at the endpoints */
    unsigned known; /* messages in memory */
    unsigned busy;  /* operations and sends on their way */
    struct list all, ready, waiting, calling;
    void (*on_closed)(void *arg);
    void *arg;
};

/* ---- agents.c ----------------------------------------------------------------------------------
 */

struct agent *agent_find(struct agents *g, const char *tenant, const char *session);
/* The settings changed or went. Calls under way are made again with the new ones. */
void agents_reload(struct bridge *b, const char *tenant, const char *session);
void agents_soon(struct agents *g, uint64_t delay_ms);
void agents_maybe_closed(struct agents *g);
/* The chat as found or made; NULL: no memory. */
struct agent_chat *agent_chat_get(struct agent *a, const char *chat);
/* Takes the messages up to seq off. */
void agent_chat_forget(struct agent_chat *c, uint64_t seq);
/* What was under way has ended: on with the next batch, or freed. */
void agent_chat_next(struct agent_chat *c);
void agent_chat_set(struct agent_chat *c, enum agent_chat_state state, struct list *head);

/* ---- agent_queue.c -----------------------------------------------------------------------------
 */

void agent_seq_text(uint64_t seq, char out[AGENT_SEQ_LEN]);
/* Reads rows into memory, as many as may be. */
int agent_queue_load(struct agent *a, struct store_txn *t);
/* Deletes at most max rows of the session. Writer. */
int agent_queue_purge(struct store_txn *t, const char *tenant, const char *session, size_t max,
                      size_t *n);

/* ---- agent_chat.c: {conversation_id,enabled,reason,closed_ms,paused_until_ms,replied[],failing,
 * limited_ms,loop[]} ------------------------------------------------------------------------------
 */

/* All ids under which a person's chat may be filed, the one asked for first. Either thread. */
#define AGENT_CHAT_IDS 4
size_t agent_chat_ids(struct store_txn *t, const struct message_owner *o, const char *chat,
                      char ids[AGENT_CHAT_IDS][STORE_MAX_ID + 1]);
/* Gives the document, an empty object when there is none; key: under which it is (to be) filed. */
json_t *agent_doc_load(struct store_txn *t, const struct message_owner *o, const char *chat,
                       char key[STORE_MAX_ID + 1], struct err *e);
int agent_doc_save(struct store_txn *t, const struct message_owner *o, const char *key,
                   const json_t *doc, struct err *e);
bool agent_doc_open(const json_t *doc, uint64_t now_ms);
/* Closes it for that reason (NULL: opens it); later: its event. */
int agent_doc_close(json_t *doc, const char *reason, uint64_t now_ms);
unsigned agent_doc_replies(const json_t *doc, uint64_t now_ms); /* in the last hour */
int agent_doc_replied(json_t *doc, unsigned replies, uint64_t now_ms);
/* agent.opened, agent.handover, agent.limited, alert.agent_*: data {chat,reason,…}. more: NULL or
 * further members, taken. Writer. */
int agent_event(struct bridge *b, struct store_txn *t, const struct message_owner *o,
                const char *type, const char *chat, const char *reason, json_t *more,
                struct err *e);

/* ---- agent_context.c ---------------------------------------------------------------------------
 */

enum agent_verdict {
    AGENT_ASK,     /* call the endpoint */
    AGENT_CLOSED,  /* the agent is closed for this chat */
    AGENT_KEYWORD, /* the user asks for a person */
    AGENT_LIMITED, /* too many replies in this hour */
    AGENT_LATER,   /* a file is still on its way */
    AGENT_SILENT,  /* nothing in it to be answered: revoked, gone, an automatic greeting */
};
/* Reads the chat's batch and what is told with it. messages and history: given (AGENT_ASK only).
 * E_* when the store cannot be read. */
int agent_context(struct agent_chat *c, struct store_txn *t, enum agent_verdict *verdict,
                  json_t **messages, json_t **history, struct err *e);

/* ---- agent_call.c ------------------------------------------------------------------------------
 */

/* Starts the batch of a QUEUED chat. */
void agent_call_start(struct agent_chat *c);
void agent_call_cancel(struct agent_chat *c);
void agent_call_typing(struct agent_chat *c, const char *state);

/* ---- agent_outcome.c ---------------------------------------------------------------------------
 */

/* The batch needs no call, for that reason. */
void agent_outcome_none(struct agent_chat *c, enum agent_verdict verdict);
/* takes answer's replies */
void agent_outcome_answer(struct agent_chat *c, struct agent_answer *answer);
void agent_outcome_failure(struct agent_chat *c, const char *why);
/* All replies are in the outbox. */
void agent_outcome_sent(struct agent_chat *c);

/* ---- agent_send.c: sends what is durable already ------------------------------------------------
 */

void agent_send(struct agent_chat *c);

#endif
