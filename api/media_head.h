/* Headers of a file that is read: ranges, tags, names. Private to api/, pure, any thread. */
#ifndef API_MEDIA_HEAD_H
#define API_MEDIA_HEAD_H

#include "buf.h"

#include <stdbool.h>
#include <stdint.h>

enum range_kind { RANGE_ALL, RANGE_PART, RANGE_NONE /* 416 */ };
/* One range of a Range header (NULL: none); several, and what cannot be read, are RANGE_ALL. */
enum range_kind range_parse(const char *text, uint64_t size, uint64_t *first, uint64_t *last);
bool etag_listed(const char *list, const char *etag); /* of If-None-Match; list may be NULL */
/* RFC 6266: filename for all, filename* where ASCII does not do. */
void disposition_write(struct buf *out, bool attachment, const char *filename);

#endif
