/* From "ws://host:port[/path]" to a numeric address, a port and the path of the browser's
 * WebSocket. Thread: loop. */
#ifndef CDP_DISCOVER_H
#define CDP_DISCOVER_H

#include "err.h"

#include <stddef.h>
#include <uv.h>

#define DISCOVER_PATH_MAX 256

struct ws_url {
    char host[256]; /* IPv6 without brackets */
    int port;
    char path[DISCOVER_PATH_MAX]; /* "" when none was given */
};

/* Pure. E_INVALID with what was expected. */
int ws_url_parse(const char *url, struct ws_url *out, struct err *e);
/* Pure: the path of "webSocketDebuggerUrl" in an HTTP response to GET /json/version.
 * 0; E_PROTO; E_STATE when more bytes are needed. */
int discover_parse_response(const char *text, size_t len, char path[DISCOVER_PATH_MAX],
                            struct err *e);

struct discover;
struct discover_result {
    char address[64];
    int port;
    char path[DISCOVER_PATH_MAX];
};
/* cb exactly once from the loop, unless cancelled; then the object is gone. */
int discover_start(uv_loop_t *loop, const struct ws_url *url,
                   void (*cb)(void *arg, const struct err *e, const struct discover_result *r),
                   void *arg, struct discover **out, struct err *e);
/* No callback follows; frees itself when the resolver lets go. */
void discover_cancel(struct discover *d);

#endif
