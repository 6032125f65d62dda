/*
 * Checking a chain of audit records, line by line, as an export has them (docs/audit.md). Pure.
 */
#ifndef CLI_AUDIT_CHAIN_H
#define CLI_AUDIT_CHAIN_H

#include "err.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CHAIN_HEX 65 /* hex digits of a hash and NUL */

struct chain {
    bool begun;
    uint64_t seq; /* of the record before; 0: the chain begins with record 1 */
    char hash[CHAIN_HEX];
    uint64_t count;
};

/* anchor: the object of the list or of an export's first line, null or NULL: the chain begins with
 * record 1. Without this call the first line is believed where it begins. */
void chain_anchor(struct chain *c, const json_t *anchor);
/* One record with its hash. E_INVALID: no record; E_CONFLICT: it was changed, or one is missing. */
int chain_add(struct chain *c, const char *line, size_t len, struct err *e);
/* The log says that it ends there. E_CONFLICT. */
int chain_end(const struct chain *c, const json_t *head, struct err *e);

#endif
