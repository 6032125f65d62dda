/*
 * Transactions that a killed browser left unfinished in a database of its pages (profile_scopes.c).
 */
#ifndef CDP_PROFILE_SCOPES_H
#define CDP_PROFILE_SCOPES_H

#include "leveldb_log_priv.h"

/* logs: those of one database, whole records, oldest first; joined: room for all their bytes. When
 * two or more transactions are open at their end, how many, and in out what takes them back, to be
 * written behind the last log; 0 when there is nothing to do or something is not understood. Pure.
 */
size_t profile_scopes_undo(const struct bytes *logs, size_t count, unsigned char *joined,
                           struct buf *out);

#endif
