/* What the browser says on stderr: its last bytes kept, its port found, its words explained. Pure
 * functions. Thread: any. */
#ifndef CDP_STDERR_H
#define CDP_STDERR_H

#include "discover_priv.h"

#include <stdbool.h>
#include <stddef.h>

/* Appends n bytes to tail (room for max + 1), dropping the oldest; returns the new length. */
size_t stderr_keep(char *tail, size_t max, size_t len, const char *data, size_t n);
/* Finds the complete line "DevTools listening on ws://…". */
bool stderr_find_port(const char *tail, size_t len, struct ws_url *out);
/* The last lines that say something, on one line without control characters; false when none. */
bool stderr_last_lines(const char *tail, size_t len, char *out, size_t out_len);
/* What to do about a known complaint, or NULL. Static string. */
const char *stderr_advice(const char *tail, size_t len);

#endif
