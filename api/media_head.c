/* Headers of a file's answer: which bytes, is it known already, what it is called. Pure. */
#include "api_priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Digits up to `stop`; false: none, or too many. */
static bool number(const char **s, uint64_t *out)
{
    size_t digits = strspn(*s, "0123456789");
    if (digits == 0 || digits > 18) {
        return false;
    }
    *out = strtoull(*s, NULL, 10);
    *s += digits;
    return true;
}

enum range_kind range_parse(const char *text, uint64_t size, uint64_t *first, uint64_t *last)
{
    *first = 0;
    *last = size > 0 ? size - 1 : 0;
    if (text == NULL || strncasecmp(text, "bytes=", 6) != 0) {
        return RANGE_ALL;
    }
    const char *s = text + 6 + strspn(text + 6, " \t");
    uint64_t a = 0, b = 0;
    bool has_a = number(&s, &a);
    if (*s++ != '-') {
        return RANGE_ALL;
    }
    bool has_b = number(&s, &b);
    s += strspn(s, " \t");
    if (*s != '\0' || (!has_a && !has_b) || (has_a && has_b && b < a)) {
        return RANGE_ALL; /* several ranges, or nonsense: all of it, as HTTP allows */
    }
    if (has_a ? a >= size : b == 0 || size == 0) {
        return RANGE_NONE;
    }
    *first = has_a ? a : b < size ? size - b : 0;
    *last = has_a && has_b && b < size ? b : size - 1;
    return RANGE_PART;
}

bool etag_listed(const char *list, const char *etag)
{
    size_t len = strlen(etag);
    while (list != NULL && *list != '\0') {
        list += strspn(list, " \t,");
        if (*list == '*') {
            return true;
        }
        if (strncmp(list, "W/", 2) == 0) {
            list += 2;
        }
        if (strncmp(list, etag, len) == 0 && (list[len] == '\0' || strchr(" \t,", list[len]))) {
            return true;
        }
        list += strcspn(list, ",");
    }
    return false;
}

static bool plain(unsigned char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != 0 && strchr("!#$&+-.^_`|~", c) != NULL);
}

void disposition_write(struct buf *out, bool attachment, const char *filename)
{
    (void)buf_str(out, attachment ? "attachment" : "inline");
    if (filename == NULL || filename[0] == '\0') {
        return;
    }
    (void)buf_str(out, "; filename=\"");
    bool same = true;
    for (const char *s = filename; *s != '\0'; s++) {
        bool fits = *s >= ' ' && *s < 0x7F && *s != '"' && *s != '\\' && *s != '%';
        bool begins = ((unsigned char)*s & 0xC0) != 0x80; /* one _ a character */
        if (fits || begins) {
            (void)buf_char(out, fits ? *s : '_');
        }
        same = same && fits;
    }
    (void)buf_char(out, '"');
    if (same) {
        return;
    }
    (void)buf_str(out, "; filename*=UTF-8''");
    for (const char *s = filename; *s != '\0'; s++) {
        if (plain((unsigned char)*s)) {
            (void)buf_char(out, *s);
        } else {
            (void)buf_printf(out, "%%%02X", (unsigned)(unsigned char)*s);
        }
    }
}
