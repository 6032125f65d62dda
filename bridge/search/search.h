/*
 * Full-text search over messages: one SQLite file (FTS5) a tenant beside the store, which stays the
 * truth. The index is made from the store by itself whenever it is missing, broken or behind, and
 * follows it through the dirty rows. Private to bridge/. Thread: loop; SQLite is used on the pool
 * of base/work, one job at a time.
 */
#ifndef BRIDGE_SEARCH_H
#define BRIDGE_SEARCH_H

#include "core.h"

/* Makes <data>/search. Removes files of tenants that are no more. */
int search_create(struct bridge *b, struct search **out, struct err *e);
/* Begins to catch up with the store. */
void search_start(struct search *s);
/* Searches under way end with E_CANCELED; then on_closed; frees. */
void search_close(struct search *s, void (*on_closed)(void *arg), void *arg);
/* Something of the tenant's was committed. s may be NULL. */
void search_wake(struct search *s, const char *tenant);
/* The tenant is being deleted: its index goes. s may be NULL. */
void search_forget_tenant(struct search *s, const char *tenant);

#endif
