/*
 * The bytes of a connection, judged before libmicrohttpd reads them. Private to api/. Pure; thread:
 * any.
 *
 * libmicrohttpd hides what it forgives (a bare LF, a folded header, whatever stands in a chunk
 * line), and a proxy in front of us may forgive otherwise: then the two disagree about where a
 * request ends, and one client's bytes become another's request. So the framing of HTTP/1.1 is
 * followed here, byte by byte and strictly, and nothing but what passes is handed on.
 */
#ifndef API_WIRE_H
#define API_WIRE_H

#include "err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WIRE_MAX_FIELDS 100  /* header lines of a request, with the trailer */
#define WIRE_MAX_COOKIES 100 /* pairs in Cookie headers, each a record in the library's memory */
#define WIRE_MAX_METHOD 15
#define WIRE_MAX_EXTENSION 256 /* bytes of a chunk line after its size */

enum wire_fault {
    WIRE_FINE,
    WIRE_LINE,      /* the request line is none */
    WIRE_VERSION,   /* not HTTP/1.0 or HTTP/1.1 */
    WIRE_ENDING,    /* a line does not end with CR LF */
    WIRE_NAME,      /* a header's name is no token, or a blank stands before its colon */
    WIRE_VALUE,     /* a control character in a header's value */
    WIRE_FOLD,      /* a header goes on in the next line */
    WIRE_MANY,      /* header lines, or cookies */
    WIRE_LARGE,     /* request line and headers together */
    WIRE_LONG,      /* the request target */
    WIRE_LENGTH,    /* Content-Length is no number */
    WIRE_LENGTH_SIZE,
    WIRE_CHUNK,     /* the chunks of a body */
    WIRE_CHUNK_SIZE /* a chunk past 2^60 */
};

struct wire {
    uint8_t state, ending, header;
    enum wire_fault fault; /* for good */
    bool blind;            /* the end of this request is anybody's guess; it will be refused */
    bool chunked, sized, trailer;
    uint64_t left;   /* of the body or the chunk */
    uint64_t length; /* Content-Length, as it is read */
    uint32_t begun;  /* requests of which at least a byte was seen */
    unsigned head;   /* bytes of this head, and of its trailer */
    unsigned fields, cookies, pos;
    char word[20]; /* a header's name, or the value of Transfer-Encoding */
};

void wire_init(struct wire *w);
/* Looks at the next bytes. Returns how many may be handed on: all of them, or, with w->fault set,
 * those before the request at fault (0 when it began earlier). Call it no more after a fault. */
size_t wire_feed(struct wire *w, const char *data, size_t len);
/* In the middle of a request line or headers. */
bool wire_in_head(const struct wire *w);
/* The fault as a problem. Returns its code. */
int wire_problem(const struct wire *w, struct err *e);

#endif
