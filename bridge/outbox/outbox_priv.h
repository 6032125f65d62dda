/* Inside of the outbox. Thread: loop; apply functions on the writer thread, as commented. */
#ifndef OUTBOX_PRIV_H
#define OUTBOX_PRIV_H

#include "identity.h"
#include "media.h"
#include "message_object.h"
#include "outbox.h"
#include "pacing.h"

#define WAITERS_MAX 4096
#define WAITER_BUCKETS 1024
#define LANE_WINDOW 64      /* queued entries of a session in memory */
#define LANE_HANDED_MAX 256 /* handed to the page and not acked; past it a lane waits */
#define LANE_ACKS_MAX 4096  /* acks of a session on their way to the store */
#define MENTIONS_MAX 256
#define STATUS_CHAT "status@broadcast"
#define PRESENCE_MS 2000 /* shown when no time is asked for */
#define PRESENCE_MS_MAX 25000

/* ---- the outbox of the bridge
 * -------------------------------------------------------------------- */

struct outbox {
    struct bridge *b;
    struct list waiters[WAITER_BUCKETS];
    size_t waiting;
    size_t open;     /* sends and handles not yet closed */
    uv_timer_t turn; /* so that closing ends in a turn of its own */
    bool closing;
    void (*on_closed)(void *arg);
    void *closed_arg;
};
void outbox_enter(struct outbox *o);
void outbox_leave(struct outbox *o);
/* A message has a new status that is on disk: waiters of it are told. */
void outbox_notify(struct outbox *o, const struct message_owner *owner, const char *id,
                   enum message_status now);

/* ---- the body of a send (send_body.c): pure but for memory
 * ----------------------------------------- */

/* What changes a message that is there already: an entry of the queue too, with an id of its own,
 * but done at least once (doing it again does no harm) and no part of any chat's history. */
enum operation { OPERATION_NONE, OPERATION_REACT, OPERATION_EDIT, OPERATION_REVOKE };

struct send_body {
    char chat[STORE_MAX_ID + 1]; /* the address as a chat id; "": that of the target */
    enum chat_kind kind;
    const char *type; /* static; "forward" stands for the type of what is passed on */
    enum operation operation;
    char *text; /* text, caption, question, emoji; cleaned, never NULL */
    size_t text_len;
    char *content;                      /* JSON object as text, or NULL: location, poll, … */
    struct media_source media;          /* texts borrowed from the body; type NULL: no file */
    char target[STORE_MAX_ID + 1];      /* the message to change or to forward */
    char source_chat[STORE_MAX_ID + 1]; /* forward: where that is; "" anywhere */
    char reply_to[STORE_MAX_ID + 1];    /* "" when no reply */
    char *mentions;                     /* JSON array of JIDs as text, ["all"], or NULL */
    char *metadata;                     /* JSON object as text, or NULL */
    bool link_preview, view_once;
    const char *source;   /* static; NULL: not said */
    const char *presence; /* static; NULL: none is shown before it */
    unsigned presence_ms;
    uint64_t expires_ms; /* 0: default */
};
int send_body_parse(const json_t *body, const char *default_country_code, struct send_body *out,
                    struct err *e);
void send_body_finish(struct send_body *s);
/* Does the number need the tenant's country code to be understood? */
bool send_body_needs_country(const json_t *body);
/* What the far end must be told beside the message: {mentions,link_preview,presence,presence_ms,
 * op,target,forward}. Appends nothing when there is nothing. source_chat: of what is forwarded. */
int send_how(const struct send_body *s, const char *source_chat, struct buf *out);
int send_edit_parse(const json_t *body, const char *target, struct send_body *out, struct err *e);
int send_revoke_parse(const char *target, struct send_body *out, struct err *e);

/* send_content.c: the one thing that a message carries; sets type, text, content, media, target. */
int send_content_parse(const json_t *body, const char *cc, struct send_body *out, struct err *e);
bool send_is_kind(const char *key);
#define NAME_MOST 256
/* Refuses members that are not in the NULL-terminated list, and what is no object. */
int send_check_members(const json_t *v, const char *field, const char *const *known, struct err *e);
/* A text member of 1 (or 0, when it need not be there) to max characters, cleaned; gives it, or
 * NULL: with *rc 0 it is not there. */
char *send_take_text(const json_t *v, const char *field, const char *key, bool needed, size_t max,
                     int *rc, struct err *e);
/* out->content becomes the text of {"key": v}; takes v, NULL is no memory. */
int send_keep_content(struct send_body *out, const char *key, json_t *v, struct err *e);
/* send_contacts.c: contents and text of `contacts`. */
int send_contacts_parse(const json_t *v, const char *cc, struct send_body *out, struct err *e);
/* Borrowed text without NUL and of valid UTF-8, or NULL. */
const char *send_text_of(const json_t *v, const char *key, size_t *len);
bool send_is_message_id(const char *s, size_t len);
int send_target_set(struct send_body *out, const char *type, enum operation operation,
                    const char *target, struct err *e);
void send_field_name(const char *key, char out[48]);

/* ---- a send on its way into the store (send.c, accept.c)
 * ----------------------------------------- */

#define IDEM_KEY_MAX 255
#define SOURCE_MAX 31
#define SENT_BY_MAX 127
#define SEND_ID_LEN 22 /* 3EB0 and 18 hex digits, as the page itself does */

struct send {
    struct store_op op;
    struct bridge *b;
    struct message_owner owner;
    struct send_body body;
    json_t *given;           /* what body.media borrows from, while that is needed; may be NULL */
    struct media_info media; /* the file, when body.media.type says that there is one */
    struct person from;
    char id[SEND_ID_LEN + 1];
    char source[SOURCE_MAX + 1];
    char sent_by[SENT_BY_MAX + 1]; /* "": not said */
    char sent_by_name[SENT_BY_MAX + 1];
    char retry_of[STORE_MAX_ID + 1]; /* the failed message that is sent again; "": none */
    bool again;                      /* that was done before: only its answer is wanted */
    char idem_key[IDEM_KEY_MAX + 1]; /* "" : none */
    unsigned char hash[32];
    bool refuse; /* the session is not ready; only a replay is answered */
    bool unguarded; /* the bridge's own confirmation of an opt-out */
    bool late;   /* its expires_at had passed when it was asked for; likewise */
    uint64_t now_ms, expires_ms;
    bridge_done_fn done;
    void *arg;
    bool replayed; /* out */
    char *answer;  /* out: the message object as text */
    size_t answer_len;
};
/* Holds what it says against the tenant's guards (send_guard.c): *checking, then done(s, e) comes
 * later. */
int send_check_content(struct send *s, bool *checking, void (*done)(void *, const struct err *),
                       struct err *e);
/* Writer: message, entry, chat, event, and what a repeated key is answered. */
int send_accept(struct store_txn *t, struct send *s);
int send_keep_answer(struct send *s, const char *text, size_t len);

/* ---- a failed message, sent again (resend.c)
 * --------------------------------------------------------- */

/* Gives the body that message `id` was sent with. again: it was sent again already. E_NOTFOUND;
 * E_CONFLICT "not_failed", "not_yours", "not_retryable", "no_media". */
int resend_body(struct bridge *b, const struct message_owner *o, const char *id, json_t **body,
                bool *again, struct err *e);
/* Writer. s->replayed when there is an answer already. */
int resend_check(struct store_txn *t, struct send *s);
/* Writer: the old message names the new one. */
int resend_tie(struct store_txn *t, const struct send *s);

/* ---- entries (entry.c): what the outbox keeps of a message beside the message itself
 * --------------- */

struct entry {
    struct list link;
    uint64_t order, expires_ms;
    uint64_t due_ms; /* monotonic; of handed ones: when to look at it next */
    char id[STORE_MAX_ID + 1];
    char to[STORE_MAX_ID + 1];   /* as accepted */
    char chat[STORE_MAX_ID + 1]; /* as the far end keys it, once resolved; before: as stored */
    char account[STORE_MAX_ID + 1]; /* linked when it was accepted; "": none */
    json_t *how;                 /* what the message does not tell (send_how()), or NULL; owned */
    enum operation operation;
    bool shown;  /* its presence */
    bool handed; /* told the far end about it, or were about to */
    enum {
        ENTRY_WAITING, /* the far end has it; its ack is due */
        ENTRY_UNSURE,  /* nobody knows whether the far end has it: look it up */
        ENTRY_RESEND,  /* the far end does not have it */
        ENTRY_DEFERRED /* not handed yet; its chat could not be resolved, others go first */
    } state;
    bool settling; /* the send may still be under way in the page: believe only the second miss */
    bool gone;     /* acked or failed while the lane worked on it */
    bool with_file;
    unsigned tries, misses;
    unsigned refused; /* sends that the page itself ended with an error */
};
/* The record. 0 or E_NOMEM. account: for whom it was accepted, "" when nobody was linked. how: JSON
 * object as text, or NULL. */
int entry_write(struct buf *b, const char *to, const char *chat, const char *account,
                const char *how, bool handed);
/* Gives an entry; NULL: no memory, or not ours. */
struct entry *entry_read(uint64_t order, const char *id, uint64_t expires_ms, struct store_value v);
void entry_free(struct entry *en);
/* Its state as far as the store knows: an operation that was handed over is simply done again. */
unsigned entry_state_known(const struct entry *en);

/* ---- a step of a message's status (status.c)
 * --------------------------------------------------------- */

/* One transaction: status, outbox entry, chat, event. Embedded in an operation or used alone. */
struct step {
    struct store_op op;
    struct list link; /* an ack that the store refused, until it is tried again */
    struct bridge *b;
    struct outbox_lane *lane; /* loop only */
    struct message_owner owner;
    char id[STORE_MAX_ID + 1];
    enum message_status to;
    uint64_t at_ms;
    const char *error_code; /* static; failed only */
    char error_detail[256];

    /* submitted only: where it goes and from whom */
    bool submit;
    struct person chat, from; /* chat.id: as the far end keys it */
    enum chat_kind kind;
    uint64_t order, expires_ms;
    char *entry; /* the new record of the outbox entry; owned */
    size_t entry_len;
    const char *target; /* operations: the message to change; borrowed from the entry */

    /* out */
    bool found, changed;
    bool unwanted; /* submit: the person asked not to be written to; nothing was written */
    enum message_status now;
    json_t *message;                      /* submit: what to send; owned */
    bool target_open;                     /* submit: the target is ours and not sent yet */
    bool target_failed;                   /* submit: it is ours, and never went out */
    void (*done)(struct step *s, int rc); /* loop; frees with step_free() */
};
struct step *step_create(struct outbox_lane *l, const char *id, enum message_status to);
void step_submit(struct step *s); /* counted in the lane's steps */
void step_free(struct step *s);
int step_apply(struct store_txn *t, struct store_op *op); /* writer */

/* ---- a lane
 * ------------------------------------------------------------------------------------------- */

struct lane_call; /* a call to the channel on its way; inert when the lane is closed */
struct resolved {
    char to[STORE_MAX_ID + 1];
    struct person chat;
    enum chat_kind kind;
};
#define LANE_RESOLVED 64

struct outbox_lane {
    struct session *s;
    struct bridge *b;
    struct message_owner owner;
    uv_timer_t timer;
    bool timer_open;
    bool running; /* the session is ready */
    bool closing;
    void (*on_closed)(void *arg);
    void *closed_arg;
    size_t steps; /* operations at the store */
    size_t acks;  /* acks, at the store or to be tried again */
    struct list refused;
    uint64_t refused_ms; /* monotonic: since when */

    struct pacing pacing;
    struct list window; /* queued, in order */
    size_t window_count;
    uint64_t last_order; /* of the last entry read from the store */
    bool more;           /* there may be entries behind it */
    struct list handed;
    size_t handed_count;
    struct entry *current; /* being worked on; in no list */
    struct lane_call *call;
    uint64_t retry_ms;       /* monotonic: the queue rests until then */
    uint64_t shown_until_ms; /* monotonic: presence is shown for `current` until then; 0: none is */
    struct resolved resolved[LANE_RESOLVED]; /* addresses already resolved in this page */
    size_t resolved_next;

    uint64_t next_expiry_ms; /* wall; UINT64_MAX: none */
    uint64_t last_sweep_ms;  /* monotonic */
    bool sweeping;
};
/* A send was accepted. */
void lane_accepted(struct outbox_lane *l, uint64_t expires_ms);
/* Works on the next entry when nothing is under way; sets the timer otherwise. */
void lane_pump(struct outbox_lane *l);
void lane_on_timer(uv_timer_t *t);
/* The work on the present entry is over. */
void lane_next(struct outbox_lane *l);
void lane_hand(struct outbox_lane *l, struct entry *en, unsigned state, uint64_t delay_ms);
void lane_fail(struct outbox_lane *l, struct entry *en, const char *code, const char *detail);
void lane_ack_of(struct outbox_lane *l, struct entry *en, int ack);
bool lane_expired(const struct entry *en);
/* Puts an entry on the wire: resolve, mark submitted, send (lane_send.c). */
void lane_send(struct outbox_lane *l, struct entry *en);
/* Where an address leads, as this page has told; NULL: not yet. */
const struct resolved *lane_resolved(const struct outbox_lane *l, const char *to);
/* The time for showing presence is over. */
void lane_shown(struct outbox_lane *l);
/* Carries an operation out (lane_operation.c). */
void lane_operate(struct outbox_lane *l, struct entry *en, const struct step *s);
/* Asks the far end about an entry (recover.c). */
void lane_look_up(struct outbox_lane *l, struct entry *en);
/* Fails what expired in the queue (expiry.c). */
void lane_sweep(struct outbox_lane *l);
/* A step came back: counts, tells waiters and streams. False: the lane is closing; the step was
 * freed and the lane may be gone. */
bool lane_step_over(struct step *s, int rc);
void lane_finish_close(struct outbox_lane *l);
/* An entry could not go now; it keeps its place. of_its_own: the trouble is the entry's, not the
 * channel's or the store's, so that others may pass it after some tries. */
void lane_put_back(struct outbox_lane *l, struct entry *en, bool of_its_own);
void session_person(struct session *s, struct person *out); /* the linked account; may be empty */
uint64_t lane_backoff(unsigned tries, uint64_t first_ms, uint64_t most_ms);

struct lane_call {
    struct outbox_lane *lane;
};
struct lane_call *lane_call_create(struct outbox_lane *l); /* NULL: no memory */
/* The lane, or NULL when it is gone. Frees the call. */
struct outbox_lane *lane_call_over(struct lane_call *c);

#endif
