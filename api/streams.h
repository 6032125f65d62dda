/*
 * Answers that stay open: event streams, waits for log lines, backups and exports. Private to api/.
 * Thread: loop.
 */
#ifndef API_STREAMS_H
#define API_STREAMS_H

#include <stdbool.h>
#include <stdint.h>

struct api;
struct api_request;

/* Begins after the event `after`; now: that is the newest one, which the client is told first. */
void sse_open(struct api_request *r, uint64_t after, bool now);
void sse_tick(struct api *a);  /* comments on silent streams; ends those without a reader */
void sse_close(struct api *a); /* every stream ends */
void logs_tick(struct api *a); /* answers waits for log lines */

void archives_tick(struct api *a);  /* ends those without a reader */
void archives_close(struct api *a); /* every one ends, unfinished */

#endif
