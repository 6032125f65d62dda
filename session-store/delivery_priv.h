/* Keys of deliveries, shared by deliveries.c, delivery_list.c and check.c. */
#ifndef STORE_DELIVERY_PRIV_H
#define STORE_DELIVERY_PRIV_H

#include "store_priv.h"

void delivery_key(struct key *k, const char *tenant, uint64_t seq, const char *webhook);
void delivery_state_key(struct key *k, const struct store_delivery *d);
void delivery_lane_key(struct key *k, const struct store_delivery *d);
void delivery_due_key(struct key *k, const struct store_delivery *d);
void delivery_done_key(struct key *k, const struct store_delivery *d);
/* Puts a delivery into another lane. */
int delivery_set_lane(struct store_txn *t, const struct store_delivery *d, uint64_t lane);
/* Everything of one delivery goes, its lane moves on. */
int delivery_remove(struct store_txn *t, const char *tenant, const char *webhook, uint64_t seq);

#endif
