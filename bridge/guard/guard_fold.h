/*
 * Texts made comparable. By Unicode's tables (NFKC, case folding), so that full-width, bold or
 * circled letters, capitals and invisible characters are no way around a rule. Pure; any thread.
 */
#ifndef GUARD_FOLD_H
#define GUARD_FOLD_H

#include <stdbool.h>
#include <stddef.h>

enum guard_form {
    GUARD_SHAPE, /* NFKC without invisible characters; case stays: for regular expressions */
    GUARD_WORDS, /* the same, case folded, runs of white space as one space */
    GUARD_PLAIN  /* only letters and digits, without accents, words separated by one space, forms of
                    one Arabic letter as one: for words that somebody types by themselves */
};
/* Gives the form of valid UTF-8 (free()), NUL-terminated; NULL: no memory. */
char *guard_fold(const char *text, size_t len, enum guard_form form);
/* Is `word` in text as a whole word? Both in GUARD_WORDS. */
bool guard_has_word(const char *text, const char *word);

#endif
