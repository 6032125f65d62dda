/* The query string, and what a route says of its parameters. Private to api/, pure, any thread. */
#ifndef API_QUERY_H
#define API_QUERY_H

#include "err.h"

#include <stdbool.h>
#include <stdint.h>

enum query_kind {
    QUERY_TEXT,
    QUERY_UINT,
    QUERY_TAIL, /* a whole number, or -1 (UINT64_MAX): the newest */
    QUERY_TIME,
    QUERY_CHOICE,
    QUERY_CHOICES /* one of them, or several with commas */
};
struct query_param {
    const char *name; /* NULL ends a list of them */
    enum query_kind kind;
    uint64_t min, max, fallback; /* QUERY_UINT */
    const char *choices;         /* QUERY_CHOICE, QUERY_CHOICES: "a|b|c" */
    const char *about;           /* for the OpenAPI document */
};
#define QUERY_MAX 16
struct query {
    unsigned count;
    struct {
        const struct query_param *param;
        const char *text;
        uint64_t number; /* QUERY_UINT, QUERY_TIME (ms) */
    } item[QUERY_MAX];
};
/* Takes raw apart in place (values point into it). params NULL: none allowed. E_INVALID: word
 * "malformed_request" for bad escapes, NUL or UTF-8, else the parameter at fault in e->field. */
int query_parse(char *raw, const struct query_param *params, struct query *out, struct err *e);
const char *query_text(const struct query *q, const char *name); /* NULL: not given */
/* The number given, else the parameter's fallback in params. */
uint64_t query_number(const struct query *q, const struct query_param *params, const char *name);
/* Undoes %XX (and + when plus) in place. false: malformed, NUL, control character, or not UTF-8. */
bool percent_decode(char *s, bool plus);

#endif
