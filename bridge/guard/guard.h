/*
 * Guards on content: what a tenant forbids to be sent (rules), who does not want to be written to
 * (opt-outs), and for how long after somebody's last message we may answer (the 24-hour window).
 * Private to bridge/. Functions that take a transaction run on the writer thread when they write.
 */
#ifndef BRIDGE_GUARD_H
#define BRIDGE_GUARD_H

#include "identity.h"

struct guards; /* the compiled rules of tenants */

int guards_create(struct bridge *b, struct guards **out, struct err *e);
/* No check is on its way any more: the outbox is closed. */
void guards_free(struct guards *g);
/* Loop: the tenant's rules are read again when they are needed next. */
void guards_forget_tenant(struct guards *g, const char *tenant);

/* ---- rules on what is sent (guards.c) ---------------------------------------------------------
 */

/* *any: has the tenant any? Loop. Fails when they cannot be read: then nothing may be sent. */
int guards_apply(struct guards *g, const char *tenant, bool *any, struct err *e);
/* Looks at a text off the loop. done(arg, e) comes from the loop, once, never inside the call; e is
 * NULL when it may go, else E_INVALID "text_too_long", "forbidden_content", "content_not_checked"
 * or why it could not be looked at. words: what people read in the message beside `text`. Both are
 * copied. After guards_apply() in the same turn. E_NOMEM, E_LIMIT: done is not called. */
typedef void (*guards_done_fn)(void *arg, const struct err *e);
int guards_check(struct guards *g, const char *tenant, const char *text, const char *words,
                 guards_done_fn done, void *arg, struct err *e);
/* Appends what people read in a message, or in the content of one, beside its text. */
int guard_words(const json_t *m, struct buf *out);

/* ---- the 24-hour window (window.c) -------------------------------------------------------------
 */

#define WINDOW_MS (24 * UINT64_C(3600000))

/* A message of theirs. at_ms: when they wrote it; now_ms: when we heard. refusal: it asks not to be
 * written to, and so is nothing that one may reply to. */
int window_heard(struct store_txn *t, const struct message_owner *o, const char *contact,
                 uint64_t at_ms, uint64_t now_ms, bool refusal);
/* May one reply to what they wrote? since_ms: only what was heard from then on counts, written_ms:
 * and written about then or later. */
int window_answers(struct store_txn *t, const struct message_owner *o, const char *contact,
                   uint64_t since_ms, uint64_t written_ms, uint64_t now_ms, bool *out);
/* Sets v's `window` {open,expires_at}: null of what is no person's. contact NULL: of nobody. */
int window_show(struct store_txn *t, const struct message_owner *o, const char *contact, json_t *v,
                uint64_t now_ms);
/* Contact `from` turned out to be `to`. */
int window_unite(struct store_txn *t, const struct message_owner *o, const char *from,
                 const char *to);
/* Pure: is a window open that was opened at in_ms (0: never)? A clock that is a little off does not
 * shut it. */
bool window_is_open(uint64_t in_ms, uint64_t now_ms);

/* ---- opt-outs (opt_out.c) ----------------------------------------------------------------------
 */

/* A message that came in. */
struct guard_heard {
    struct bridge *b;
    const struct person *who;
    const char *chat, *id, *type, *text;
    const struct person *me;
    uint64_t time_ms, now_ms;
    bool live;                 /* just written: a confirmation makes sense */
    bool silent;               /* history: nothing is told */
    bool told;                 /* out: an event was written */
    uint64_t reply_expires_ms; /* out: not 0: a confirmation was put into the outbox */
};
/* Window and opt-outs of an incoming message of a person. Writer. */
int guard_heard(struct store_txn *t, const struct message_owner *o, struct guard_heard *h);

/* *refused: that person does not want to be written to, and wrote nothing since that one may reply
 * to. who->id, phone, lid, contact_id: as far as known. Reads only. */
int opt_out_refuses(struct store_txn *t, const struct message_owner *o, const struct person *who,
                    uint64_t now_ms, bool *refused);
/* More ids of that person are known: what one of them chose counts for all. Writer. */
int opt_out_unite(struct store_txn *t, const struct message_owner *o, const struct person *now);
#define OPT_OUT_DETAIL                                                                             \
    "this person asked not to be written to; a reply is possible within 24 hours of their next "   \
    "message, or remove the opt-out"

/* The source of our confirmation of an opt-out: the only message that one does not stop. */
#define GUARD_SOURCE "opt_out"

#endif
