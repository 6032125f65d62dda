/*
 * A tenant's rules on what is sent, compiled. Checking is bounded: a regular expression gets a
 * budget of steps a text, and what cannot be told within it is refused rather than let through.
 * Made and checked on any thread; counted on the loop.
 */
#ifndef GUARD_RULES_H
#define GUARD_RULES_H

#include "err.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#define GUARD_RULES_MAX 50
#define GUARD_REGEX_MAX 20      /* of them */
#define GUARD_PATTERN_MAX 256   /* characters */
#define GUARD_REASON_MAX 160    /* bytes that are shown */
#define GUARD_TEXT_MAX 65536    /* of max_text_length, characters */
#define GUARD_STEPS_BASE 200000 /* of a pattern in a text: so many, */
#define GUARD_STEPS_PER_BYTE 64 /* and so many more for each byte of it */
#define GUARD_STEPS_ALL 2000000 /* of all patterns in a text */

struct guard_rules;

/* The forbidden list as it is stored, checked; "invalid_pattern" with the place of the fault.
 * Gives. */
int guard_rules_parse(const json_t *list, json_t **out, struct err *e);
/* record: {max_text_length,forbidden:[…]}. probe: refuse what is too costly on texts that are made
 * to be ("pattern_too_costly"). Gives one count. */
int guard_rules_compile(const json_t *record, bool probe, struct guard_rules **out, struct err *e);
struct guard_rules *guard_rules_share(struct guard_rules *r);
void guard_rules_drop(struct guard_rules *r);
bool guard_rules_empty(const struct guard_rules *r);
/* text: the message's own; words: what else is read in it ("": nothing). E_INVALID "text_too_long",
 * "forbidden_content", "content_not_checked"; E_NOMEM. */
int guard_rules_check(const struct guard_rules *r, const char *text, const char *words,
                      struct err *e);

#endif
