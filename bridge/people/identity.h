/*
 * Who is who: a person has a phone number, a LID, or both; every JID of theirs is an alias of one
 * contact, which has an id of ours that stays. Runs inside a transaction of the store: learn on the
 * writer thread, find on either.
 */
#ifndef IDENTITY_H
#define IDENTITY_H

#include "message_object.h"

#define PERSON_NAME_MAX 256
#define CONTACT_ID_LEN 24 /* con_ and 20 hex digits */

struct person {
    char id[STORE_MAX_ID + 1];           /* the first JID we met them under */
    char contact_id[CONTACT_ID_LEN + 1]; /* "": no contact of ours (yet) */
    char phone[PHONE_MAX + 1];
    char lid[STORE_MAX_ID + 1];
    char name[PERSON_NAME_MAX + 1];
    bool told; /* out of identity_learn(): it wrote an event */
};

/* Is it the JID of a person? */
bool identity_is_person(const char *jid);
/* Is it an id of ours (con_…)? */
bool identity_is_contact(const char *id);
/* Brings contact and aliases up to what p tells; out is all that is known then. For a peer that is
 * no person out is just a copy. When the second id of somebody becomes known, what was filed under
 * two becomes one and contact.identity is told, in this transaction. */
int identity_learn(struct bridge *b, struct store_txn *t, const struct message_owner *o,
                   const struct channel_peer *p, struct person *out);
/* What p itself tells of its person. */
void identity_told(const struct channel_peer *p, struct person *out);
/* By any JID of theirs or a contact id, also one that was merged into another. 0 or E_NOTFOUND. */
int identity_find(struct store_txn *t, const struct message_owner *o, const char *jid,
                  struct person *out);
/* Are they two people, as far as what we know tells? */
bool identity_differs(const struct person *a, const struct person *b);
/* p with the gaps filled from who; p's id stays. Texts are borrowed from both. */
struct channel_peer identity_fill(const struct channel_peer *p, const struct person *who);
/* The JIDs under which that person's chat may be filed: number, LID, first JID. */
#define IDENTITY_JIDS_MAX 3
size_t identity_jids(const struct person *who, char out[IDENTITY_JIDS_MAX][STORE_MAX_ID + 1]);

/* A chat as a caller of the API names it: phone number, chat id, LID or contact id -> the id under
 * which we have that chat, else the address itself. E_INVALID as chat_address_parse(); E_NOTFOUND
 * "unknown_contact". */
int identity_address(struct store_txn *t, const struct message_owner *o, const char *in,
                     char out[STORE_MAX_ID + 1], enum chat_kind *kind, struct err *e);

#endif
