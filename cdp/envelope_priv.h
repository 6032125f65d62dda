/*
 * The outer object of a DevTools message, without building a tree:
 *   {"id":7,"result":{…},"sessionId":"…"}   {"id":7,"error":{…}}   {"method":"…","params":{…}}
 * Pure functions. Thread: any.
 */
#ifndef CDP_ENVELOPE_H
#define CDP_ENVELOPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Deepest nesting accepted anywhere in a message. */
#define ENVELOPE_MAX_DEPTH 512

/* A part of the scanned text; len 0 means absent. */
struct span {
    size_t off, len;
};

struct envelope {
    bool has_id;
    uint64_t id;
    struct span method;  /* without its quotes; never holds an escape */
    struct span session; /* likewise */
    struct span result;  /* an object, brackets included */
    struct span params;  /* likewise */
    struct span error;   /* likewise */
};

/* 0, or E_PROTO when the text is no JSON object, nests too deep, repeats one of our keys or gives
 * it a value of another type. What lies inside result, params and error is only checked for
 * balanced brackets and closed strings: whoever parses it decides the rest. */
int envelope_scan(const char *text, size_t len, struct envelope *out);

/* For the beginning of a message that was cut off: collects what is complete before the end. */
void envelope_head(const char *text, size_t len, struct envelope *out);

#endif
