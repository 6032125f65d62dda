/* Shared by messages.c, message_list.c and check.c. */
#ifndef STORE_MESSAGE_PRIV_H
#define STORE_MESSAGE_PRIV_H

#include "store_priv.h"

void message_key(struct key *k, const char *tenant, const char *session, const char *chat,
                 uint64_t time_ms, uint64_t ordinal);
/* id and data lie in v. */
int message_decode(struct store_txn *t, const MDB_val *v, const char **id,
                   struct store_value *data);
int message_at(struct store_txn *t, const char *tenant, const char *session, const char *chat,
               uint64_t time_ms, uint64_t ordinal, struct store_message_ref *ref,
               struct store_value *data);

#endif
