#include "reason.h"

#include <stddef.h>
#include <string.h>

static const char *const words[RELAY_REASONS] = {
#define RELAY_REASON_WORD(name, number, word) [number] = word,
    RELAY_REASON_TABLE(RELAY_REASON_WORD)
#undef RELAY_REASON_WORD
};

const char *relay_reason_word(unsigned reason)
{
    return reason != RELAY_FINE && reason < RELAY_REASONS ? words[reason] : NULL;
}

enum relay_reason relay_reason_parse(const char *word)
{
    for (unsigned r = RELAY_FINE + 1; word != NULL && r < RELAY_REASONS; r++) {
        if (strcmp(words[r], word) == 0) {
            return (enum relay_reason)r;
        }
    }
    return RELAY_FINE;
}
