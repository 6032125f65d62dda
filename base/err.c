#include "err.h"

#include "text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Formats into out. Goes through a temporary because an argument is often e->msg itself, and cuts
 * between characters because the message ends in JSON. */
static void __attribute__((format(printf, 3, 0)))
format(char *out, size_t size, const char *fmt, va_list ap)
{
    char tmp[2 * sizeof(((struct err *)0)->msg)];
    if (vsnprintf(tmp, sizeof(tmp), fmt, ap) < 0) {
        tmp[0] = '\0';
    }
    size_t len = text_utf8_cut(tmp, strlen(tmp), size - 1);
    memcpy(out, tmp, len);
    out[len] = '\0';
}

static void __attribute__((format(printf, 5, 0)))
set(struct err *e, int code, int sys, const char *word, const char *fmt, va_list ap)
{
    if (e != NULL) {
        format(e->msg, sizeof(e->msg), fmt, ap);
        e->code = code;
        e->sys = sys;
        e->word = word;
        e->retry_after_s = 0;
        e->field[0] = '\0';
    }
}

int err_set(struct err *e, int code, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    set(e, code, 0, NULL, fmt, ap);
    va_end(ap);
    return code;
}

int err_word(struct err *e, int code, const char *word, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    set(e, code, 0, word, fmt, ap);
    va_end(ap);
    return code;
}

int err_field(struct err *e, const char *word, const char *field, const char *fmt, ...)
{
    if (e != NULL) {
        char name[sizeof(e->field)]; /* field may point into e */
        size_t len = text_utf8_cut(field, strlen(field), sizeof(name) - 1);
        memcpy(name, field, len);
        name[len] = '\0';
        va_list ap;
        va_start(ap, fmt);
        set(e, E_INVALID, 0, word, fmt, ap);
        va_end(ap);
        memcpy(e->field, name, len + 1);
    }
    return E_INVALID;
}

int err_sys(struct err *e, int code, int sys, const char *fmt, ...)
{
    if (e != NULL) {
        va_list ap;
        va_start(ap, fmt);
        set(e, code, sys, NULL, fmt, ap);
        va_end(ap);
        const char *why = strerrordesc_np(sys);
        char number[32];
        if (why == NULL) {
            (void)snprintf(number, sizeof(number), "system error %d", sys);
            why = number;
        }
        size_t used = strlen(e->msg);
        (void)snprintf(e->msg + used, sizeof(e->msg) - used, ": %s", why);
    }
    return code;
}

int err_wrap(struct err *e, const char *fmt, ...)
{
    if (e == NULL) {
        return E_OK;
    }
    char context[sizeof(e->msg)];
    va_list ap;
    va_start(ap, fmt);
    format(context, sizeof(context), fmt, ap);
    va_end(ap);
    char joined[2 * sizeof(e->msg) + 2];
    (void)snprintf(joined, sizeof(joined), "%s: %s", context, e->msg);
    size_t len = text_utf8_cut(joined, strlen(joined), sizeof(e->msg) - 1);
    memcpy(e->msg, joined, len);
    e->msg[len] = '\0';
    return e->code;
}

void err_copy(struct err *dst, const struct err *src)
{
    if (dst == NULL || dst == src) {
        return;
    }
    if (src == NULL) {
        err_clear(dst);
    } else {
        *dst = *src;
    }
}

void err_clear(struct err *e)
{
    if (e != NULL) {
        memset(e, 0, sizeof(*e));
    }
}

const char *err_word_of(const struct err *e)
{
    if (e == NULL || (e->word == NULL && e->code == 0)) {
        return "ok";
    }
    if (e->word != NULL) {
        return e->word;
    }
    switch (e->code) {
#define ERR_WORD(name, value, word)                                                                \
    case name:                                                                                     \
        return word;
        ERR_TABLE(ERR_WORD)
#undef ERR_WORD
    default:
        return "internal_error";
    }
}

const char *err_name(int code)
{
    switch (code) {
    case E_OK:
        return "E_OK";
#define ERR_NAME(name, value, word)                                                                \
    case name:                                                                                     \
        return #name;
        ERR_TABLE(ERR_NAME)
#undef ERR_NAME
    default:
        return "E_?";
    }
}
