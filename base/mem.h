/*
 * Allocation that a fault test can fail. All return NULL on exhaustion; callers check.
 * Memory is freed with free(). Thread: any.
 */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include <stddef.h>

void *mem_malloc(size_t size); /* uninitialised; for what is written over at once */
void *mem_calloc(size_t n, size_t size);
void *mem_realloc(void *p, size_t size);
char *mem_strdup(const char *s);              /* NULL in, NULL out */
char *mem_strndup(const char *s, size_t len); /* always NUL-terminated */
char *mem_printf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* Wipes then frees; for secrets. NULL accepted. */
void mem_wipe_free(void *p, size_t len);

/* How many allocations jansson was denied in this thread so far. */
unsigned long mem_jansson_denied(void);

/* tests: the next n allocations succeed and every later one fails, until mem_fail_after(-1). Covers
 * everything above and jansson (mem.c hands it these functions before main). The usual loop: for
 * n = 0, 1, 2 … until a run ends with mem_refused() == 0. */
void mem_fail_after(long n);
/* How many allocations were refused since the last mem_fail_after(). */
unsigned long mem_refused(void);

#endif
