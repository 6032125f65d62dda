#include "text.h"

#include <stdint.h>
#include <string.h>

/* Length of the character at p when it is well formed (Unicode table 3-7), else 0. */
static size_t character(const unsigned char *p, size_t left)
{
    unsigned char low = 0x80, high = 0xBF; /* range of the second byte */
    size_t n;
    if (p[0] < 0x80) {
        return 1;
    } else if (p[0] >= 0xC2 && p[0] <= 0xDF) {
        n = 2;
    } else if (p[0] >= 0xE0 && p[0] <= 0xEF) {
        n = 3;
        low = p[0] == 0xE0 ? 0xA0 : low;   /* shortest form */
        high = p[0] == 0xED ? 0x9F : high; /* no surrogates */
    } else if (p[0] >= 0xF0 && p[0] <= 0xF4) {
        n = 4;
        low = p[0] == 0xF0 ? 0x90 : low;
        high = p[0] == 0xF4 ? 0x8F : high; /* <= U+10FFFF */
    } else {
        return 0;
    }
    if (left < n || p[1] < low || p[1] > high) {
        return 0;
    }
    for (size_t i = 2; i < n; i++) {
        if ((p[i] & 0xC0) != 0x80) {
            return 0;
        }
    }
    return n;
}

size_t text_utf8_next(const char *s, size_t len)
{
    return len == 0 ? 0 : character((const unsigned char *)s, len);
}

bool text_utf8_valid(const char *s, size_t len)
{
    size_t i = 0;
    while (i < len) {
        /* Nearly all of what passes here is ASCII: eight bytes at a time. */
        uint64_t word;
        while (len - i >= sizeof(word)) {
            memcpy(&word, s + i, sizeof(word));
            if ((word & UINT64_C(0x8080808080808080)) != 0) {
                break;
            }
            i += sizeof(word);
        }
        if (i == len) {
            break;
        }
        size_t n = character((const unsigned char *)s + i, len - i);
        if (n == 0) {
            return false;
        }
        i += n;
    }
    return true;
}

size_t text_utf8_count(const char *s, size_t len)
{
    size_t count = 0;
    for (size_t i = 0; i < len; i++) {
        count += ((unsigned char)s[i] & 0xC0) != 0x80;
    }
    return count;
}

size_t text_utf8_cut(const char *s, size_t len, size_t max)
{
    if (len <= max) {
        return len;
    }
    size_t end = max;
    /* A character has at most three continuation bytes; more is no UTF-8 and is cut anywhere. */
    for (int i = 0; i < 3 && end > 0 && ((unsigned char)s[end] & 0xC0) == 0x80; i++) {
        end--;
    }
    return ((unsigned char)s[end] & 0xC0) == 0x80 ? max : end;
}

size_t text_strip_controls(char *s, size_t len)
{
    size_t out = 0;
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)s[i];
        if ((c < 0x20 && c != '\t' && c != '\n') || c == 0x7F) {
            continue;
        }
        if (c == 0xC2 && i + 1 < len && (unsigned char)s[i + 1] >= 0x80 &&
            (unsigned char)s[i + 1] <= 0x9F) {
            i++; /* C1, U+0080..U+009F */
            continue;
        }
        s[out++] = s[i];
    }
    if (out < len) {
        s[out] = '\0';
    }
    return out;
}

bool text_is_name(const char *s)
{
    if (s == NULL) {
        return false;
    }
    size_t i = 0;
    for (; s[i] != '\0'; i++) {
        bool first = (s[i] >= 'a' && s[i] <= 'z') || (s[i] >= '0' && s[i] <= '9');
        if (i >= 63 || !(first || (i > 0 && (s[i] == '_' || s[i] == '-')))) {
            return false;
        }
    }
    return i > 0;
}

bool text_glob(const char *pattern, const char *s)
{
    const char *star = NULL;  /* the last '*' seen */
    const char *retry = NULL; /* where what follows it was tried last */
    while (*s != '\0') {
        if (*pattern == '*') {
            star = pattern++;
            retry = s;
        } else if (*pattern == *s) {
            pattern++;
            s++;
        } else if (star != NULL) {
            /* Only the last star needs another try: earlier ones took as little as possible. */
            pattern = star + 1;
            s = ++retry;
        } else {
            return false;
        }
    }
    while (*pattern == '*') {
        pattern++;
    }
    return *pattern == '\0';
}
