#include "stderr_priv.h"

#include <stdio.h>
#include <string.h>

size_t stderr_keep(char *tail, size_t max, size_t len, const char *data, size_t n)
{
    if (n >= max) {
        data += n - max;
        n = max;
        len = 0;
    } else if (len + n > max) {
        size_t drop = len + n - max;
        memmove(tail, tail + drop, len - drop);
        len -= drop;
    }
    memcpy(tail + len, data, n);
    len += n;
    tail[len] = '\0';
    return len;
}

bool stderr_find_port(const char *tail, size_t len, struct ws_url *out)
{
    static const char mark[] = "DevTools listening on ";
    char url[512];
    const char *at = memmem(tail, len, mark, sizeof(mark) - 1);
    if (!at) {
        return false;
    }
    at += sizeof(mark) - 1;
    const char *end = memchr(at, '\n', len - (size_t)(at - tail));
    if (!end || (size_t)(end - at) >= sizeof(url)) {
        return false;
    }
    memcpy(url, at, (size_t)(end - at));
    url[end - at] = '\0';
    url[strcspn(url, "\r")] = '\0';
    return ws_url_parse(url, out, NULL) == 0 && out->path[0] != '\0';
}

bool stderr_last_lines(const char *tail, size_t len, char *out, size_t out_len)
{
    while (len > 0 && (unsigned char)tail[len - 1] <= ' ') {
        len--;
    }
    size_t begin = len < out_len ? 0 : len - (out_len - 1);
    if (begin > 0) {
        /* from the start of a line when one begins in what fits */
        const char *line = memchr(tail + begin, '\n', len - begin);
        if (line) {
            begin = (size_t)(line - tail) + 1;
        }
    }
    size_t n = 0;
    for (size_t i = begin; i < len; i++) {
        unsigned char c = (unsigned char)tail[i];
        out[n++] = c < ' ' || c == 0x7f ? ' ' : (char)c;
    }
    out[n] = '\0';
    return n > 0;
}

const char *stderr_advice(const char *tail, size_t len)
{
    static const struct {
        const char *said, *advice;
    } known[] = {
        {"No usable sandbox",
         "the browser finds no usable sandbox: install the package chromium-sandbox, allow user "
         "namespaces on this host, or set [browser] sandbox = off"},
        {"Running as root without --no-sandbox", "Chromium does not run as root in its sandbox: "
                                                 "set [browser] user to an unprivileged user, "
                                                 "or sandbox = off"},
        {"profile appears to be in use",
         "the profile is open in another browser process: close it first"},
        {"error while loading shared libraries",
         "the browser misses a shared library: reinstall its package"},
    };
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (memmem(tail, len, known[i].said, strlen(known[i].said))) {
            return known[i].advice;
        }
    }
    return NULL;
}
