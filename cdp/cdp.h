/*
 * Chromium and the DevTools protocol (https://chromedevtools.github.io/devtools-protocol/).
 *
 *   struct cdp          one per daemon: the loop, the libwebsockets context
 *   struct cdp_browser  a Chromium that we launched, or one elsewhere that we attached to
 *   struct cdp_page     one page target of a browser, driven through a flat session
 *   struct cdp_call     one request; embedded in the caller's object
 *
 * "Browser" and "page in a session profile" are two objects so that several profiles can share a
 * browser later. Nothing here knows what the page shows.
 *
 * Rules: every function is called on the loop thread; callbacks come from the loop, never from
 * inside the call that starts the work; a call's callback fires exactly once, whatever dies.
 * Texts given to callbacks are borrowed for the duration of the callback.
 * After a close no callback of that object follows but those of its pending calls and on_closed.
 * A page may outlive its browser (its calls then fail); both must be closed before cdp_close().
 */
#ifndef CDP_H
#define CDP_H

#include "err.h"
#include "list.h"
#include "log.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#define CDP_MAX_FRAME (64u << 20)  /* bytes of one message either way; past it E_TOOLARGE */
#define CDP_MAX_CALLS 1024         /* requests in flight on one browser; past it E_LIMIT */
#define CDP_DEFAULT_TIMEOUT_MS 15000

struct cdp;
struct cdp_browser;
struct cdp_page;

/* ---- environment ------------------------------------------------------------------------- */

/* Gives the environment. Raises RLIMIT_NOFILE's soft limit to the hard one; E_LIMIT when the hard
 * limit is below 1024. E_UNAVAILABLE when libwebsockets lacks its libuv plugin (names the package).
 * Makes this process the reaper of orphans (PR_SET_CHILD_SUBREAPER) for what a killed browser
 * leaves, routes libwebsockets' log to ours and ignores SIGPIPE. */
int cdp_create(uv_loop_t *loop, struct cdp **out, struct err *e);
/* All browsers must be closed before. on_closed fires once; cdp is freed then. */
void cdp_close(struct cdp *cdp, void (*on_closed)(void *arg), void *arg);

/* ---- browser ----------------------------------------------------------------------------- */

enum cdp_transport { CDP_PIPE, CDP_WEBSOCKET };

struct cdp_browser_options {
    /* NULL: chromium-headless-shell when installed, else chromium; see cdp_find_browser() */
    const char *executable;
    const char *profile_dir;    /* absolute; made with mode 0700 when missing; owned by `user` */
    const char *cache_dir;      /* NULL: inside the profile */
    const char *user;           /* run as this user (only as root); NULL: no change */
    bool sandbox;               /* the browser's own sandbox; root without `user` needs false */
    enum cdp_transport transport;
    const char *attach;         /* ws://host:port/devtools/browser/…, or ws://host:port (looked up
                                   at /json/version): drive that browser, launch nothing */
    const char *const *extra_args; /* NULL-terminated, may be NULL; appended to our flags */
    uint64_t start_timeout_ms;  /* launch to first answer; 0: 30000 */
    struct log_ctx log;         /* texts borrowed until on_gone / on_started with error */
    /* Once: ready to open pages (e == NULL), or failed for good (then nothing else follows but
     * cdp_browser_close() is still the caller's duty). E_NOTFOUND no executable, E_FORBIDDEN root
     * with sandbox, E_EXISTS the profile is in use by a live process, E_TIMEOUT, E_CLOSED died at
     * start (with the last lines of its stderr), E_IO. */
    void (*on_started)(void *arg, const struct err *e);
    /* At most once, after a successful start and before close: the browser is gone (exit, kill,
     * connection lost). Every pending call has had its E_CLOSED before this. */
    void (*on_gone)(void *arg, const struct err *e);
    void *arg;
};

/* Gives a browser that is starting. Options are copied as far as needed (except log texts). Only
 * argument errors are returned at once: E_INVALID, E_NOMEM. */
int cdp_browser_start(struct cdp *cdp, const struct cdp_browser_options *o,
                      struct cdp_browser **out, struct err *e);
/* Graceful: Browser.close, then after grace_ms SIGTERM, then SIGKILL to the process group; grace_ms 0
 * is SIGKILL at once. An attached browser is only disconnected. Pending calls get E_CANCELED; pages
 * still open hear on_gone (E_CANCELED), the browser's own on_gone does not fire. At on_closed no
 * process of the group is left and the profile is free; the object is gone. Once per browser. */
void cdp_browser_close(struct cdp_browser *b, uint64_t grace_ms, void (*on_closed)(void *arg),
                       void *arg);
int cdp_browser_pid(const struct cdp_browser *b);             /* 0 when attached or gone */
const char *cdp_browser_version(const struct cdp_browser *b); /* "HeadlessChrome/156.0…", "" */

/* Path of the browser that would be launched, or E_NOTFOUND with what to install. */
int cdp_find_browser(const char *configured, char *out, size_t out_len, struct err *e);
/* Checks one could start: executable, user, sandbox rule. For `doctor` and config check. */
int cdp_check(const struct cdp_browser_options *o, struct err *e);

/* ---- page -------------------------------------------------------------------------------- */

struct cdp_page_options {
    /* Page opened (attached, domains Page, Runtime, Inspector on) or failed; once. */
    void (*on_opened)(void *arg, const struct err *e);
    /* Any event of this page's session, in order, after on_opened. params is the JSON text of the
     * params object, len bytes, at most CDP_MAX_FRAME, lone surrogates already repaired. */
    void (*on_event)(void *arg, const char *method, const char *params, size_t len);
    /* At most once: target crashed, was closed or the browser is gone. Pending calls of the page
     * got E_CLOSED before this. */
    void (*on_gone)(void *arg, const struct err *e);
    void *arg;
};

/* Takes the browser's first blank page, or makes one. At once: E_STATE before on_started and once the
 * browser is gone or closing, E_NOMEM. Events before on_opened are not delivered. */
int cdp_page_open(struct cdp_browser *b, const struct cdp_page_options *o, struct cdp_page **out,
                  struct err *e);
/* Closes the target (unless the browser is going anyway); pending calls get E_CANCELED; on_gone
 * does not fire. on_closed once; frees. May be called at any time, also inside a callback. */
void cdp_page_close(struct cdp_page *p, void (*on_closed)(void *arg), void *arg);

/* ---- requests ---------------------------------------------------------------------------- */

struct cdp_call;
/* e == NULL: result is the JSON text of the "result" object. Else result is NULL and e says
 * E_TIMEOUT, E_CANCELED, E_CLOSED, E_TOOLARGE, E_LIMIT, or E_PROTO with the protocol's message.
 * The call may be reused or freed inside. */
typedef void (*cdp_call_cb)(struct cdp_call *call, const struct err *e, const char *result,
                            size_t len);

struct cdp_call {
    struct list link; /* private */
    uint64_t id;      /* private */
    uint64_t deadline_ms;
    void *owner; /* private */
    cdp_call_cb cb;
    struct err err;
    bool active; /* readable: cb still to come */
    void *data;  /* the caller's */
};

/* params: JSON text of an object, borrowed during the call, NULL for {}. timeout_ms 0: default.
 * The call must not be active; it need not be initialised but for data. Never fails at once: what
 * was not even sent (E_LIMIT, E_TOOLARGE, E_CLOSED, E_NOMEM) arrives at cb too. */
void cdp_page_call(struct cdp_page *p, struct cdp_call *call, const char *method,
                   const char *params, size_t params_len, uint64_t timeout_ms, cdp_call_cb cb);
void cdp_browser_call(struct cdp_browser *b, struct cdp_call *call, const char *method,
                      const char *params, size_t params_len, uint64_t timeout_ms, cdp_call_cb cb);
/* cb(E_CANCELED) follows from the loop. Harmless when not active (a call never used must be zeroed).
 * Taken back when not yet written; else the browser still does it and its answer is dropped. */
void cdp_call_cancel(struct cdp_call *call);

#endif
