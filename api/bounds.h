/*
 * What a client may send, and how slow it may be. Sizes in bytes, times in milliseconds.
 * api.h has those that a user of the layer hears of.
 */
#ifndef API_BOUNDS_H
#define API_BOUNDS_H

#define API_MAX_PATH 2048
#define API_MAX_TARGET 8192    /* path and query */
#define API_MAX_KEY 8192       /* bytes of a key or token as sent */
#define API_MAX_DISCARD 131072 /* a refused body is read to its end up to here, else cut off */
#define API_HEAD_TIMEOUT_MS 20000 /* from the first byte of a request to the end of its headers */
#define API_BODY_TIMEOUT_MS 30000 /* to the end of the body, and what it has brought gains more: */
#define API_SLOWEST_BODY 1        /* bytes a ms */
#define API_SLOWEST_UPLOAD 8      /* bytes a ms; with */
#define API_UPLOAD_TIMEOUT_MS 120000
#define API_ANSWER_WINDOW_MS 60000 /* in each of these a client must take */
#define API_ANSWER_BYTES 65536     /* so much of its answer, or the rest of it; not streams */
#define API_LINGER_MS 5000         /* after a refusal, so that the client reads it */
#define API_FIRST_CHANCE_MS 1000   /* a silent connection is let alone, even when others wait */
#define API_PING_MS 15000             /* an event stream is never silent longer */
#define API_MAX_LIST_BYTES (4u << 20) /* events in one JSON answer */

#endif
