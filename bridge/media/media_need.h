/* A set of SHA-256s: those of files that something still needs. Pure. Private to bridge/media. */
#ifndef MEDIA_NEED_H
#define MEDIA_NEED_H

#include "err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NEED_MAX (1u << 20) /* hashes; past it E_TOOLARGE */

struct need_hash {
    uint8_t b[32];
};
struct need { /* zeroed: empty */
    struct need_hash *slots;
    size_t room, count;
};
/* Every "sha256" and "media_id" that a JSON text mentions. 0, E_NOMEM, E_TOOLARGE. */
int need_add_text(struct need *n, const char *text, size_t len);
bool need_has(const struct need *n, const char *sha256);
void need_finish(struct need *n);

#endif
