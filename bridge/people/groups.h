/*
 * The record of a group: {id,name,description,owner,created_at,size,announce,locked,admin,
 * participants,updated_at}; people in it as the far end tells them. Inside a transaction.
 */
#ifndef PEOPLE_GROUPS_H
#define PEOPLE_GROUPS_H

#include "people_priv.h"

/* item: an answer of groups_list (without participants: those we have stay) or group. Writes what
 * differs. complete: we have its participants, as many as it has. */
int group_take(struct store_txn *t, const struct message_owner *o, const json_t *item,
               uint64_t now_ms, bool *complete);
/* As the API gives it; with_people: participants with their contact ids, else none. Gives; NULL
 * when there is no memory. */
json_t *group_public(struct store_txn *t, const struct message_owner *o, struct store_value v,
                     bool with_people);

#endif
