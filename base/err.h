/*
 * Errors as values. A function that can fail returns 0 or a negative E_* code; the person's words
 * go to a caller-owned struct err, always the last argument, which may be NULL.
 *
 * Thread: any; a struct err belongs to whoever declared it.
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include <stddef.h>

/* name, value, default stable word (what clients see as "code" when no better one was given) */
#define ERR_TABLE(X)                                                                               \
    X(E_NOMEM, -1, "out_of_memory")                                                                \
    X(E_INVALID, -2, "invalid_request")                                                            \
    X(E_NOTFOUND, -3, "not_found")                                                                 \
    X(E_CONFLICT, -4, "conflict")                                                                  \
    X(E_STATE, -5, "wrong_state")                                                                  \
    X(E_LIMIT, -6, "limit_exceeded")                                                               \
    X(E_TOOLARGE, -7, "payload_too_large")                                                         \
    X(E_TIMEOUT, -8, "timeout")                                                                    \
    X(E_CANCELED, -9, "canceled")                                                                  \
    X(E_IO, -10, "io_error")                                                                       \
    X(E_FULL, -11, "storage_full")                                                                 \
    X(E_AUTH, -12, "unauthorized")                                                                 \
    X(E_FORBIDDEN, -13, "forbidden")                                                               \
    X(E_CLOSED, -14, "connection_closed")                                                          \
    X(E_PROTO, -15, "protocol_error")                                                              \
    X(E_UNAVAILABLE, -16, "unavailable")                                                           \
    X(E_UNSUPPORTED, -17, "unsupported")                                                           \
    X(E_EXISTS, -18, "already_exists")                                                             \
    X(E_INTERNAL, -19, "internal_error")

enum err_code {
    E_OK = 0,
#define ERR_ENUM(name, value, word) name = (value),
    ERR_TABLE(ERR_ENUM)
#undef ERR_ENUM
};

struct err {
    int code;         /* 0 or E_* */
    int sys;          /* errno-like number when a system call failed, else 0 */
    const char *word; /* stable machine word, a static string; NULL: the code's default */
    unsigned retry_after_s; /* when it is worth another try; 0: nobody knows */
    char field[48];   /* the request field at fault, or "" */
    char msg[256];    /* what failed and what to do next, for a person; no secrets; UTF-8 */
};

/* Sets e (when not NULL) and returns code, so that `return err_set(e, E_INVALID, "…")` reads well.
 * Clears word, field, retry_after_s and sys. */
int err_set(struct err *e, int code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* The same with a stable word (static string), e.g. "session_not_ready". */
int err_word(struct err *e, int code, const char *word, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
/* A field of a request is at fault; code E_INVALID. word may be NULL. */
int err_field(struct err *e, const char *word, const char *field, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
/* A system call failed with errno value sys (positive); appends ": " strerror(sys). */
int err_sys(struct err *e, int code, int sys, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
/* Prefixes "context: " to e->msg (cutting at the end when too long); returns e->code. */
int err_wrap(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* dst = src (src may be NULL: cleared). */
void err_copy(struct err *dst, const struct err *src);
void err_clear(struct err *e);
/* Stable word of an error: e->word or the default of its code. Static string, never NULL. */
const char *err_word_of(const struct err *e);
/* "E_TIMEOUT" for E_TIMEOUT; "E_?" for anything unknown. Static string. */
const char *err_name(int code);

#endif
