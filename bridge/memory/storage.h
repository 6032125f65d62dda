/*
 * What a session's profile takes on disk, and keeping that within bounds: the browser's caches, and
 * old profiles that were set aside. Blocks: off the loop. Follows no link. Private to bridge/.
 */
#ifndef BRIDGE_STORAGE_H
#define BRIDGE_STORAGE_H

#include "err.h"

#include <stdint.h>

struct storage {
    uint64_t profile_bytes;    /* without the caches */
    uint64_t cache_bytes;      /* what the browser makes again: HTTP cache, compiled scripts, shaders */
    uint64_t quarantine_bytes; /* of profiles set aside */
    unsigned quarantined;
};
/* dir: the tenant's profiles; id: the session. What is not there counts 0. E_IO, E_NOMEM. */
int storage_measure(const char *dir, const char *id, struct storage *out, struct err *e);
/* Removes the caches. No browser may run on the profile. */
int storage_clear_caches(const char *dir, const char *id, struct err *e);
/* Removes profiles that were set aside: all but the newest `keep`, and those older than max_age_ms
 * (0: none for their age). */
int storage_prune(const char *dir, const char *id, unsigned keep, uint64_t max_age_ms,
                  uint64_t now_ms, struct err *e);

#endif
