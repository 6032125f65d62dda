/* The page of a session as a picture. */
#include "session_priv.h"

#include "core_priv.h"
#include "mem.h"

#include <stdlib.h>

struct shot {
    struct bridge *b;
    bridge_picture_fn fn;
    void *arg;
};

static void finish(struct shot *x, const struct bridge_picture *p, const struct err *e)
{
    struct bridge *b = x->b;
    x->fn(x->arg, p, e);
    free(x);
    core_leave(b);
}

static void on_png(void *arg, const struct err *e, const void *png, size_t len)
{
    const struct bridge_picture p = {.mimetype = "image/png", .data = png, .len = len};
    finish(arg, e == NULL ? &p : NULL, e);
}

static void on_refused(void *arg, const struct bridge_reply *r)
{
    finish(arg, NULL, r->err);
}

static int start(struct session *s, struct shot *x, struct err *e)
{
    if (s->phase != RUN_PAGE || s->page == NULL) {
        return err_word(e, E_CONFLICT, "session_stopped",
                        "%s/%s has no page open (it is %s): start the session", s->tenant, s->id,
                        session_status_name(session_status(s)));
    }
    log_warn(&s->log, "session.screenshot", "a picture of the page is taken");
    int rc = page_screenshot(s->page, BRIDGE_MAX_SCREENSHOT, on_png, x, e);
    return rc == E_STATE ? err_word(e, E_CONFLICT, "session_stopped", "%s", "its page is not open yet")
                         : rc;
}

void bridge_session_screenshot(struct bridge *b, const char *tenant, const char *session,
                               bridge_picture_fn fn, void *arg)
{
    struct err e = {0};
    struct session *s = NULL;
    struct shot *x = mem_calloc(1, sizeof(*x));
    if (x == NULL) {
        (void)err_set(&e, E_NOMEM, "out of memory");
        fn(arg, NULL, &e);
        return;
    }
    *x = (struct shot){b, fn, arg};
    core_enter(b);
    int rc = session_find(b, tenant, session, &s, &e);
    rc = rc != 0 ? rc : start(s, x, &e);
    if (rc != 0) {
        reply_later(b, on_refused, x, &e, NULL);
    }
}
