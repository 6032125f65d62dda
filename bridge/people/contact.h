/*
 * The record of a contact: {id,phone,lid,name,push_name,saved_name,saved,business,about,blocked,
 * first_seen_at,updated_at} and, for us, "_":{"jid"}: the first JID. Inside a transaction.
 */
#ifndef CONTACT_H
#define CONTACT_H

#include "identity.h"

/* Derived from the first JID, so that an apply that runs twice makes the same; where that id is
 * another's already (numbers change hands) the next one is taken. */
int contact_new_id(struct store_txn *t, const struct message_owner *o, const char *jid,
                   char out[CONTACT_ID_LEN + 1]);
/* The contact of a JID or contact id, through what was merged. E_NOTFOUND. */
int contact_resolve(struct store_txn *t, const struct message_owner *o, const char *jid,
                    char out[CONTACT_ID_LEN + 1]);
/* Gives the record with its "_". E_NOTFOUND, E_NOMEM. */
int contact_load(struct store_txn *t, const struct message_owner *o, const char *id, json_t **out);
/* Stores it and keeps the words by which it is found. */
int contact_save(struct store_txn *t, const struct message_owner *o, const char *id,
                 const json_t *doc);
/* Deletes it with its words; its id becomes an alias of `now`. */
int contact_become(struct store_txn *t, const struct message_owner *o, const char *id,
                   const char *now);
int contact_alias(struct store_txn *t, const struct message_owner *o, const char *jid,
                  const char *id);
int contact_unalias(struct store_txn *t, const struct message_owner *o, const char *jid);
void contact_person(const json_t *doc, struct person *out);
/* As the API gives it: without "_". Takes doc. */
json_t *contact_public(json_t *doc);

/* Tells `type` {contact:…} of the stored contact. */
int contact_tell(struct bridge *b, struct store_txn *t, const struct message_owner *o,
                 const char *type, json_t *doc);

/* ---- the words of a contact (contact_terms.c) -------------------------------------------------
 */

#define TERM_MAX 48 /* bytes of a word */
/* Lower case, without accents: what is compared with what. At most size - 1 bytes. */
size_t term_fold(const char *in, char *out, size_t size);
/* Where words begin and end in folded text: the next one from *s on; false at the end. */
bool term_next(const char **s, const char **word, size_t *len);
/* Brings the index from what `was` says to what `now` says; either may be NULL. */
int terms_update(struct store_txn *t, const struct message_owner *o, const char *id,
                 const json_t *was, const json_t *now);

/* ---- two turned out to be one (contact_merge.c) -------------------------------------------------
 */

/* was: the persons as they were known (1 or 2), now: the one they are. Lanes, chat rows, event. */
int contact_unite(struct bridge *b, struct store_txn *t, const struct message_owner *o,
                  const struct person *was, size_t count, const json_t *now);

#endif
