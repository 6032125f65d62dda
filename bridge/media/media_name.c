/* Names of files as people and far ends give them. Pure. */
#include "media_priv.h"

#include "text.h"

#include <string.h>

void media_filename_clean(const char *in, char out[MEDIA_NAME_MAX + 1])
{
    size_t len = in != NULL ? strlen(in) : 0;
    out[0] = '\0';
    if (len == 0 || !text_utf8_valid(in, len)) {
        return;
    }
    for (size_t i = 0; i < len; i++) {
        if (in[i] == '/' || in[i] == '\\') { /* a path: its last part */
            in += i + 1;
            len -= i + 1;
            i = (size_t)-1;
        }
    }
    if (strcmp(in, ".") == 0 || strcmp(in, "..") == 0) {
        return;
    }
    size_t n = text_utf8_cut(in, len, MEDIA_NAME_MAX);
    memcpy(out, in, n);
    out[n] = '\0';
    n = text_strip_controls(out, n);
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        if (out[i] != '\n' && out[i] != '\t') {
            out[kept++] = out[i];
        }
    }
    out[kept] = '\0';
}
