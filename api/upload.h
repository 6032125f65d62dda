/* A body that is a file, piece by piece. Private to api/. Thread: loop. */
#ifndef API_UPLOAD_H
#define API_UPLOAD_H

#include "err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct api_request;

#define API_MAX_FORM 65536 /* what a form may have around its file */
#define API_MAX_UPLOAD_DISCARD (64u << 20) /* read and dropped after a refusal, so that it is seen */
/* The head is fine and a body will come. */
int upload_begin(struct api_request *r, struct err *e);
/* As MHD's handler: size says what is left. When it takes less than all the connection sleeps. An
 * error ends the upload. */
int upload_data(struct api_request *r, const char *data, size_t *size, struct err *e);
uint64_t upload_received(const struct api_request *r); /* bytes */
bool upload_sleeps(const struct api_request *r);       /* waits for the disk; r may be NULL */
void upload_stop(struct api_request *r); /* nothing stays of what is not answered; wakes it */
void upload_free(struct api_request *r);

#endif
