/* Errors as HTTP: status and RFC 9457 object. Private to api/, pure, any thread. */
#ifndef API_PROBLEM_H
#define API_PROBLEM_H

#include "err.h"

#include <stddef.h>

int problem_status(const struct err *e);
unsigned problem_retry_after(const struct err *e); /* seconds; 0: none */
const char *problem_title(int status);
/* The RFC 9457 object, gives malloc'd text; NULL when there is no memory. instance may be NULL. */
char *problem_text(const struct err *e, const char *instance, size_t *len);

#endif
