#include "guard_fold.h"

#include "mem.h"

#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#define UTF8_MAX 4

/* ---- classes -----------------------------------------------------------------------------------
 */

static bool is_space(utf8proc_int32_t c)
{
    return utf8proc_category(c) == UTF8PROC_CATEGORY_ZS || (c >= 0x09 && c <= 0x0D) || c == 0x85 ||
           c == 0x2028 || c == 0x2029;
}

/* Part of a word: letter, mark or digit. */
static bool in_word(utf8proc_int32_t c)
{
    switch (utf8proc_category(c)) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_MC:
    case UTF8PROC_CATEGORY_ME:
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_NO:
        return true;
    default:
        return false;
    }
}

/* An accent, a vowel point; not the vowel signs of Indian scripts, which are letters of a word. */
static bool is_accent(utf8proc_int32_t c)
{
    return utf8proc_category(c) == UTF8PROC_CATEGORY_MN &&
           utf8proc_get_property(c)->combining_class > 9;
}

/* Keyboards of different countries type different letters for the same one. 0: nothing. */
static utf8proc_int32_t same_letter(utf8proc_int32_t c)
{
    if (is_accent(c)) {
        return 0;
    }
    switch (c) {
    case 0x0640: /* tatweel only stretches */
        return 0;
    case 0x0649: /* alef maksura, yeh -> Farsi yeh */
    case 0x064A:
        return 0x06CC;
    case 0x0643: /* kaf -> keheh */
        return 0x06A9;
    case 0x0629: /* teh marbuta -> heh */
        return 0x0647;
    default:
        return c;
    }
}

/* ---- forms -------------------------------------------------------------------------------------
 */

static char *normal(const char *text, size_t len, enum guard_form form)
{
    unsigned how = UTF8PROC_STABLE | UTF8PROC_COMPAT | UTF8PROC_IGNORE;
    utf8proc_uint8_t *out = NULL;
    how |= form == GUARD_PLAIN ? UTF8PROC_DECOMPOSE : UTF8PROC_COMPOSE;
    how |= form != GUARD_SHAPE ? UTF8PROC_CASEFOLD : 0;
    utf8proc_ssize_t n = utf8proc_map((const utf8proc_uint8_t *)text, (utf8proc_ssize_t)len, &out,
                                      (utf8proc_option_t)how);
    if (n == UTF8PROC_ERROR_INVALIDUTF8) {
        return mem_strdup(""); /* nobody can read it */
    }
    return n >= 0 ? (char *)out : NULL;
}

/* In place: what comes out is never longer than what went in. */
static void tidy(char *s, bool plain)
{
    size_t n = 0, len = strlen(s);
    bool gap = false;
    for (size_t at = 0; at < len;) {
        utf8proc_int32_t c;
        utf8proc_ssize_t step =
            utf8proc_iterate((const utf8proc_uint8_t *)s + at, (utf8proc_ssize_t)(len - at), &c);
        if (step <= 0) {
            break;
        }
        at += (size_t)step;
        c = plain ? same_letter(c) : c;
        if (c == 0) {
            continue;
        }
        if (plain ? !in_word(c) : is_space(c)) {
            gap = true;
            continue;
        }
        if (gap && (n > 0 || !plain)) {
            s[n++] = ' ';
        }
        gap = false;
        n += (size_t)utf8proc_encode_char(c, (utf8proc_uint8_t *)s + n);
    }
    if (gap && !plain) {
        s[n++] = ' ';
    }
    s[n] = '\0';
}

char *guard_fold(const char *text, size_t len, enum guard_form form)
{
    char *s = normal(text, len, form);
    if (s != NULL && form != GUARD_SHAPE) {
        tidy(s, form == GUARD_PLAIN);
    }
    return s;
}

/* ---- words -------------------------------------------------------------------------------------
 */

static bool word_at(const char *s, size_t len)
{
    utf8proc_int32_t c;
    return len > 0 &&
           utf8proc_iterate((const utf8proc_uint8_t *)s, (utf8proc_ssize_t)len, &c) > 0 &&
           in_word(c);
}

/* Does a word end right before p? */
static bool word_before(const char *text, const char *p)
{
    size_t back = 0;
    if (p == text) {
        return false;
    }
    do {
        back++;
    } while (back < UTF8_MAX && p - back > text && ((unsigned char)*(p - back) & 0xC0) == 0x80);
    return word_at(p - back, back);
}

bool guard_has_word(const char *text, const char *word)
{
    const size_t len = strlen(word);
    const char *p = len > 0 ? strstr(text, word) : NULL;
    while (p != NULL) {
        if (!word_before(text, p) && !word_at(p + len, strlen(p + len))) {
            return true;
        }
        p = strstr(p + 1, word);
    }
    return false;
}
