/*
 * Regular expressions with a bound. PCRE2 tells every step that it takes (automatic callouts); the
 * steps, weighed with how far they moved in the text, are counted against a budget, beside PCRE2's
 * own limits on matching, depth and memory. Any thread; a compiled one is not changed by matching.
 */
#ifndef GUARD_REGEX_H
#define GUARD_REGEX_H

#include "err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct guard_regex;

/* E_INVALID "invalid_pattern" (also one that an empty text fits, or with back references), E_NOMEM.
 */
int guard_regex_create(const char *pattern, struct guard_regex **out, struct err *e);
void guard_regex_free(struct guard_regex *r);
/* Does it fit somewhere in text (UTF-8)? *steps: the budget, and then what is left of it. E_LIMIT:
 * not told within the budget. E_INVALID: no UTF-8. E_NOMEM. */
int guard_regex_match(const struct guard_regex *r, const char *text, size_t len, uint64_t *steps,
                      bool *found);
/* Tries it on texts made from its own letters that lead bad patterns into endless tries. E_INVALID
 * "pattern_too_costly". */
int guard_regex_probe(const struct guard_regex *r, const char *pattern, struct err *e);

#endif
