#include "mem.h"

#include <jansson.h>
#include <openssl/crypto.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* How many more allocations succeed; negative: all of them, the normal state. */
static atomic_long allowed = -1;
static atomic_ulong refused;

static bool refuse(void)
{
    long left = atomic_load_explicit(&allowed, memory_order_relaxed);
    if (left < 0) {
        return false;
    }
    while (left > 0) {
        if (atomic_compare_exchange_weak(&allowed, &left, left - 1)) {
            return false;
        }
        if (left < 0) {
            return false;
        }
    }
    atomic_fetch_add(&refused, 1);
    return true;
}

static _Thread_local unsigned long jansson_denied;

static void *jansson_malloc(size_t size)
{
    void *p = mem_malloc(size);
    jansson_denied += p == NULL;
    return p;
}

/* jansson draws from here too: its failures can be tested, and its text is freed with free(). */
__attribute__((constructor)) static void serve_jansson(void)
{
    json_set_alloc_funcs(jansson_malloc, free);
}

unsigned long mem_jansson_denied(void)
{
    return jansson_denied;
}

void *mem_malloc(size_t size)
{
    return refuse() ? NULL : malloc(size > 0 ? size : 1);
}

void *mem_calloc(size_t n, size_t size)
{
    if (n == 0 || size == 0) {
        n = size = 1; /* NULL must mean exhaustion and nothing else */
    }
    size_t total; /* calloc() checks too, but sanitizers stop there */
    if (__builtin_mul_overflow(n, size, &total) || refuse()) {
        return NULL;
    }
    return calloc(n, size);
}

void *mem_realloc(void *p, size_t size)
{
    return refuse() ? NULL : realloc(p, size > 0 ? size : 1);
}

char *mem_strdup(const char *s)
{
    return s == NULL ? NULL : mem_strndup(s, strlen(s));
}

char *mem_strndup(const char *s, size_t len)
{
    if (len == SIZE_MAX) {
        return NULL;
    }
    char *copy = mem_malloc(len + 1);
    if (copy != NULL) {
        if (len > 0) {
            memcpy(copy, s, len);
        }
        copy[len] = '\0';
    }
    return copy;
}

char *mem_printf(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    int len = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    if (len < 0) {
        return NULL;
    }
    char *s = mem_malloc((size_t)len + 1);
    if (s != NULL) {
        va_start(ap, fmt);
        (void)vsnprintf(s, (size_t)len + 1, fmt, ap);
        va_end(ap);
    }
    return s;
}

void mem_wipe_free(void *p, size_t len)
{
    if (p != NULL) {
        OPENSSL_cleanse(p, len);
        free(p);
    }
}

void mem_fail_after(long n)
{
    atomic_store(&refused, 0);
    atomic_store(&allowed, n < 0 ? -1 : n);
}

unsigned long mem_refused(void)
{
    return atomic_load(&refused);
}
