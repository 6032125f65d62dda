/*
 * A growable byte buffer with a hard maximum. Once an append fails the buffer is marked failed and
 * every later append fails too, so a writer can append many times and check once.
 * Always NUL-terminated after a successful append (the NUL is not counted in len).
 * Thread: one owner at a time.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

struct buf {
    char *data; /* NULL until the first append */
    size_t len;
    size_t cap;
    size_t max; /* len never exceeds this */
    bool failed;
    int rc; /* why it failed; every later append returns it again */
};

void buf_init(struct buf *b, size_t max);
void buf_finish(struct buf *b); /* frees; accepts a zeroed buf */
void buf_reset(struct buf *b);  /* len = 0 and not failed; keeps the memory */
/* 0, E_TOOLARGE past max, E_NOMEM. */
int buf_append(struct buf *b, const void *data, size_t len);
int buf_str(struct buf *b, const char *s);
int buf_char(struct buf *b, char c);
int buf_printf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
int buf_vprintf(struct buf *b, const char *fmt, va_list ap) __attribute__((format(printf, 2, 0)));
/* Room for n more bytes; the caller writes at data+len and then adds to len itself. */
int buf_reserve(struct buf *b, size_t n);
/* Drops the first n bytes (n <= len). */
void buf_consume(struct buf *b, size_t n);
/* Gives the memory to the caller (free()); the buffer is empty after. NULL when empty or failed. */
char *buf_steal(struct buf *b, size_t *len);

#endif
