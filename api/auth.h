/* Who asks, and may they. Private to api/. Thread: loop. */
#ifndef API_AUTH_H
#define API_AUTH_H

#include "bounds.h"
#include "err.h"

#include <stddef.h>

struct api_headers;
struct api_request;

/* The key of the request, or why there is none: E_AUTH, or E_INVALID "malformed_request" when two
 * different ones were sent. out holds API_MAX_KEY + 1. */
int auth_key(const struct api_headers *h, char *out, struct err *e);
/* The ticket in a query as sent, when the route takes one, no key came and a stream is wanted; else
 * NULL. */
const char *auth_ticket(const struct api_request *r, const char *query, size_t *len);
/* Who asks, and may he: fills r->who. E_AUTH, E_FORBIDDEN, E_NOTFOUND "unknown_tenant",
 * "unknown_session". */
int auth_check(struct api_request *r, struct err *e);
/* Is what the path names of the one chat that a widget is for? To be asked once the call was counted:
 * a file is looked for in the messages of the chat. E_NOTFOUND. */
int auth_check_place(const struct api_request *r, struct err *e);
/* The same of a body that says where it goes, once it was read. */
int auth_check_body(struct api_request *r, struct err *e);

#endif
