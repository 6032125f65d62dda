/* gzip for who takes it: the files of the dashboard are packed already, some long answers are here. */
#include "api_priv.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#define LEVEL 6

bool pack_wanted(struct api_request *r)
{
    const char *accept =
        MHD_lookup_connection_value(r->conn, MHD_HEADER_KIND, MHD_HTTP_HEADER_ACCEPT_ENCODING);
    const char *found = accept != NULL ? strstr(accept, "gzip") : NULL;
    if (found == NULL) {
        return false;
    }
    found += 4;
    found += strspn(found, " ;");
    /* "q=0", "q=0.0" refuse it; "q=0.5" does not */
    return strncmp(found, "q=0", 3) != 0 || strcspn(found + 3, "123456789") < strcspn(found + 3, ",");
}

char *pack_gzip(const char *data, size_t len, size_t *out_len)
{
    z_stream z = {0};
    if (len > PACK_MOST ||
        deflateInit2(&z, LEVEL, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY) != Z_OK) {
        return NULL;
    }
    size_t room = deflateBound(&z, (uLong)len);
    char *out = malloc(room);
    if (out != NULL) {
        z.next_in = (z_const Bytef *)(uintptr_t)data;
        z.avail_in = (uInt)len;
        z.next_out = (Bytef *)out;
        z.avail_out = (uInt)room;
        if (deflate(&z, Z_FINISH) != Z_STREAM_END) {
            free(out);
            out = NULL;
        }
    }
    *out_len = z.total_out;
    (void)deflateEnd(&z);
    return out;
}
