/* How a handler answers, and how it reads what it was asked. Private to api/. Thread: loop. */
#ifndef API_ANSWER_H
#define API_ANSWER_H

#include "bridge.h"
#include "err.h"

#include <jansson.h>
#include <microhttpd.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct api_request;

/* Holds r for a bridge call and returns it: bridge_x(b, …, api_done, api_hold(r)). */
struct api_request *api_hold(struct api_request *r);
/* Nobody has answered it yet and the server is still there. */
bool api_unanswered(const struct api_request *r);
/* The usual answer to a bridge call: the route's status (201 when a PUT created) with the body,
 * 204 without one, or the problem. Releases. */
void api_done(void *arg, const struct bridge_reply *reply);
void api_answer_reply(struct api_request *r, const struct bridge_reply *reply, int status);

/* Each answers r, once; a second answer is dropped. */
void api_answer_json(struct api_request *r, int status, json_t *body); /* takes body */
/* takes data (malloc'd) */
void api_answer_data(struct api_request *r, int status, const char *type, char *data, size_t len);
void api_answer_static(struct api_request *r, int status, const char *type, const char *data,
                       size_t len);
void api_answer_empty(struct api_request *r, int status);
void api_answer_response(struct api_request *r, int status, const char *type,
                         struct MHD_Response *response); /* takes response, may be NULL */
void api_fail(struct api_request *r, const struct err *e);
/* rc 0: body (taken) with the route's status; else the problem e. */
void api_give(struct api_request *r, int rc, json_t *body, const struct err *e);

struct bridge *api_bridge(struct api_request *r);
struct bridge_paging api_paging(const struct api_request *r);
uint64_t api_number(const struct api_request *r, const char *name);
const char *api_text(const struct api_request *r, const char *name);

#endif
