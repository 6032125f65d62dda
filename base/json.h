/*
 * Bounded JSON on top of jansson. Everything that comes from outside passes json_parse().
 * Trees are json_t, reference counted; "gives" means the caller decrefs.
 * Thread: any, one tree per thread at a time.
 */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include "err.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define JSON_MAX_DEPTH 64

/* jansson allocates through mem.h, in every program that links base (mem.c sets it before main). */

/* Gives the tree of a JSON object or array of at most max_bytes. Refuses duplicate keys, depth
 * over JSON_MAX_DEPTH, invalid UTF-8, NUL in strings, integers past int64_t, trailing text.
 * E_TOOLARGE, E_INVALID with the position in e->msg, E_NOMEM. Lone surrogate escapes (\ud83d)
 * become U+FFFD. */
json_t *json_parse(const char *text, size_t len, size_t max_bytes, struct err *e);

/* Replaces each lone surrogate escape with \ufffd in place (same length). Chromium emits them for
 * broken JS strings and jansson refuses the whole text. */
void json_repair_surrogates(char *text, size_t len);

/* Compact text, gives malloc'd memory (free()); NULL on exhaustion. len may be NULL. */
char *json_text(const json_t *v, size_t *len);

/* Lookups that never fail: NULL/fallback when v is no object (or NULL), the key is missing or its
 * value is of another type. */
const char *json_str(const json_t *v, const char *key);
const char *json_str_or(const json_t *v, const char *key, const char *fallback);
int64_t json_int(const json_t *v, const char *key, int64_t fallback);
bool json_flag(const json_t *v, const char *key, bool fallback);
json_t *json_obj(const json_t *v, const char *key); /* borrows; objects only */
json_t *json_arr(const json_t *v, const char *key); /* borrows; arrays only */

/* Setters that treat NULL text as JSON null. 0, E_NOMEM, E_INVALID (value is not UTF-8). obj may be
 * NULL (its allocation failed): E_NOMEM. */
int json_set_str(json_t *obj, const char *key, const char *value);
int json_set_time(json_t *obj, const char *key, uint64_t wall_ms); /* RFC 3339; 0 gives null */

/* Appends s as a quoted JSON string to b (for hand-written fast paths). s is valid UTF-8. */
struct buf;
int json_quote(struct buf *b, const char *s, size_t len);

#endif
