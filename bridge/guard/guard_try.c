/*
 * A text tried against a tenant's rules as they are: what a send of it would be told. Nothing is
 * stored, queued or kept.
 */
#include "guard.h"
#include "guard_rules.h"

#include "core_priv.h"
#include "json.h"
#include "mem.h"
#include "text.h"

#include <stdlib.h>
#include <string.h>

struct attempt {
    struct bridge *b;
    bridge_done_fn done;
    void *arg;
};

static void answer(struct attempt *a, const struct err *verdict)
{
    json_t *body = json_pack("{s:b,s:s?,s:s?}", "allowed", (int)(verdict == NULL), "code",
                             verdict != NULL ? err_word_of(verdict) : NULL, "detail",
                             verdict != NULL ? verdict->msg : NULL);
    struct err e;
    err_clear(&e);
    if (body == NULL) {
        (void)err_set(&e, E_NOMEM, "out of memory");
    }
    reply_later(a->b, a->done, a->arg, body != NULL ? NULL : &e, body);
}

static void on_checked(void *arg, const struct err *e)
{
    struct attempt *a = arg;
    if (e == NULL || e->code == E_INVALID) {
        answer(a, e);
    } else {
        reply_later(a->b, a->done, a->arg, e, NULL);
    }
    core_leave(a->b);
    free(a);
}

static int text_of(const json_t *body, const char **text, struct err *e)
{
    *text = json_str(body, "text");
    if (*text == NULL || (*text)[0] == '\0' || text_utf8_count(*text, strlen(*text)) > GUARD_TEXT_MAX) {
        return err_field(e, NULL, "text", "`text` must be a text of 1 to %d characters",
                         GUARD_TEXT_MAX);
    }
    return 0;
}

void bridge_guards_try(struct bridge *b, const char *tenant, const json_t *body,
                       bridge_done_fn done, void *arg)
{
    struct err e;
    const char *text = NULL;
    bool any = false;
    err_clear(&e);
    struct attempt *a = mem_calloc(1, sizeof(*a));
    int rc = a != NULL ? text_of(body, &text, &e) : err_set(&e, E_NOMEM, "out of memory");
    rc = rc != 0 ? rc : tenant_exists(b, tenant, &e);
    rc = rc != 0 ? rc : guards_apply(b->guards, tenant, &any, &e);
    if (rc == 0) {
        *a = (struct attempt){.b = b, .done = done, .arg = arg};
    }
    if (rc == 0 && any) {
        rc = guards_check(b->guards, tenant, text, "", on_checked, a, &e);
        if (rc == 0) {
            core_enter(b);
            return;
        }
    }
    if (rc == 0) {
        answer(a, NULL);
    } else {
        reply_later(b, done, arg, &e, NULL);
    }
    free(a);
}
