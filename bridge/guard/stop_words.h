/*
 * The words by which people ask not to be written to any more, or to be written to again. A message
 * counts when it is nothing but such a word. Pure; any thread.
 */
#ifndef STOP_WORDS_H
#define STOP_WORDS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

enum stop_kind { STOP_NONE, STOP_OUT, STOP_IN };

#define STOP_TEXT_MAX 160 /* bytes: a longer message says more than one of these */
#define STOP_WORD_MAX 64  /* bytes of a word of the tenant's own */

/* settings: the tenant's opt_out {languages, keywords, resume_keywords}; NULL: every language. */
enum stop_kind stop_word(const char *text, const json_t *settings);
/* Is it a language that we know words of? "en", "pt", … */
bool stop_language(const char *language);
/* Its words, as a NULL-terminated list in GUARD_PLAIN; NULL: unknown. */
const char *const *stop_words_of(const char *language, enum stop_kind kind);
/* The languages themselves; NULL-terminated. */
extern const char *const stop_languages[];

#endif
