#include "buf.h"

#include "err.h"
#include "mem.h"

#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BUF_FIRST 64 /* smallest allocation */

void buf_init(struct buf *b, size_t max)
{
    memset(b, 0, sizeof(*b));
    b->max = max < SIZE_MAX / 2 ? max : SIZE_MAX / 2 - 1; /* max + 1 and 2 * cap never overflow */
}

void buf_finish(struct buf *b)
{
    free(b->data);
    buf_init(b, b->max);
}

void buf_reset(struct buf *b)
{
    b->len = 0;
    b->failed = false;
    b->rc = 0;
    if (b->data != NULL) {
        b->data[0] = '\0';
    }
}

static int fail(struct buf *b, int rc)
{
    b->failed = true;
    b->rc = rc;
    return rc;
}

int buf_reserve(struct buf *b, size_t n)
{
    if (b->failed) {
        return b->rc;
    }
    if (n > b->max - b->len) {
        return fail(b, E_TOOLARGE);
    }
    size_t need = b->len + n + 1;
    if (need <= b->cap) {
        return 0;
    }
    size_t cap = b->cap < BUF_FIRST ? BUF_FIRST : b->cap * 2;
    if (cap > b->max + 1) {
        cap = b->max + 1;
    }
    if (cap < need) {
        cap = need;
    }
    char *data = mem_realloc(b->data, cap);
    if (data == NULL) {
        return fail(b, E_NOMEM);
    }
    b->data = data;
    b->cap = cap;
    return 0;
}

int buf_append(struct buf *b, const void *data, size_t len)
{
    int rc = buf_reserve(b, len);
    if (rc != 0) {
        return rc;
    }
    if (len > 0) {
        memcpy(b->data + b->len, data, len);
    }
    b->len += len;
    b->data[b->len] = '\0';
    return 0;
}

int buf_str(struct buf *b, const char *s)
{
    return buf_append(b, s, strlen(s));
}

int buf_char(struct buf *b, char c)
{
    return buf_append(b, &c, 1);
}

int buf_printf(struct buf *b, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    int rc = buf_vprintf(b, fmt, ap);
    va_end(ap);
    return rc;
}

int buf_vprintf(struct buf *b, const char *fmt, va_list ap)
{
    if (b->failed) {
        return b->rc;
    }
    va_list again;
    va_copy(again, ap);
    size_t room = b->cap - b->len;
    int n = vsnprintf(room > 0 ? b->data + b->len : NULL, room, fmt, ap);
    int rc = 0;
    if (n < 0) {
        rc = fail(b, E_INVALID);
    } else if ((size_t)n >= room || (size_t)n > b->max - b->len) {
        rc = buf_reserve(b, (size_t)n);
        if (rc == 0) {
            (void)vsnprintf(b->data + b->len, (size_t)n + 1, fmt, again);
        }
    }
    va_end(again);
    if (rc == 0) {
        b->len += (size_t)n;
    } else if (b->data != NULL) {
        b->data[b->len] = '\0'; /* the first try may have written past the end of the text */
    }
    return rc;
}

void buf_consume(struct buf *b, size_t n)
{
    assert(n <= b->len);
    if (n == 0) {
        return;
    }
    b->len -= n;
    memmove(b->data, b->data + n, b->len);
    b->data[b->len] = '\0';
}

char *buf_steal(struct buf *b, size_t *len)
{
    char *data = NULL;
    size_t n = 0;
    if (!b->failed && b->len > 0) {
        data = b->data;
        n = b->len;
        b->data = NULL;
    }
    buf_finish(b);
    if (len != NULL) {
        *len = n;
    }
    return data;
}
