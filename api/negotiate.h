/*
 * What a client wants and brings: media types (negotiate.c), packed answers (pack.c). Private to
 * api/. Pure, any thread, but for the header that pack_wanted() reads.
 */
#ifndef API_NEGOTIATE_H
#define API_NEGOTIATE_H

#include <stdbool.h>
#include <stddef.h>

struct api_request;

/* Which of offers (lower case "type/subtype", NULL-terminated, the server's favourite first) an
 * Accept header wants most; 0 without a header, -1 when none will do. Unreadable parts of the
 * header are skipped. */
int accept_pick(const char *accept, const char *const *offers);
/* application/json or application/…+json, parameters allowed; charset only utf-8. */
bool media_is_json(const char *content_type);

/* ---- packed answers ---- */

#define PACK_LEAST 1000      /* bytes: below, it would gain nothing */
#define PACK_MOST (256u << 10) /* bytes, a few milliseconds of the loop; what is longer goes as it is */
/* Does the client take gzip? Accept-Encoding says so. */
bool pack_wanted(struct api_request *r);
/* Gives the packed bytes (free()); NULL: no memory, or longer than PACK_MOST. */
char *pack_gzip(const char *data, size_t len, size_t *out_len);

#endif
