/*
 * Text from outside: UTF-8 checks and cleaning. Pure functions. Thread: any.
 */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>

bool text_utf8_valid(const char *s, size_t len); /* shortest form, no surrogates, <= U+10FFFF */
/* Bytes of the character at s (1..4), 0 when it is malformed, cut off or len is 0. */
size_t text_utf8_next(const char *s, size_t len);
size_t text_utf8_count(const char *s, size_t len); /* characters; s is valid UTF-8 */
/* Length of the longest prefix of at most max bytes that does not end inside a character. */
size_t text_utf8_cut(const char *s, size_t len, size_t max);
/* Removes control characters other than tab and newline (C0, DEL, C1) in place; returns new len.
 * Writes a NUL at the new end when something was removed. */
size_t text_strip_controls(char *s, size_t len);
/* [a-z0-9][a-z0-9_-]{0,62}: tenant, session and webhook names. */
bool text_is_name(const char *s);
/* '*' matches any run of characters; everything else is literal. */
bool text_glob(const char *pattern, const char *s);

#endif
