/*
 * What a message says is held against the tenant's guards before anything of it is got or stored.
 * Of a message that is passed on: what that one says.
 */
#include "outbox_priv.h"

#include "guard.h"
#include "json.h"

#include <string.h>

#define WORDS_MAX (1u << 20)

/* The message that is forwarded, or NULL: then there is nothing to be sent. */
static json_t *forwarded(const struct send *s)
{
    struct store_txn *t;
    struct store_value v;
    json_t *m = NULL;
    const struct send_body *body = &s->body;
    if (store_read(s->b->store, &t, NULL) != 0) {
        return NULL;
    }
    int rc = body->source_chat[0] != '\0'
                 ? message_find_in(t, &s->owner, body->source_chat, body->target, false, &v, NULL)
                 : message_find(t, &s->owner, body->target, &v, NULL);
    m = rc == 0 ? message_load(v) : NULL;
    store_read_end(t);
    return m;
}

int send_check_content(struct send *s, bool *checking, void (*done)(void *, const struct err *),
                       struct err *e)
{
    struct guards *g = s->b->guards;
    const struct send_body *body = &s->body;
    const char *tenant = s->owner.tenant;
    struct buf words;
    bool any = false;
    *checking = false;
    if (body->operation == OPERATION_REVOKE || body->operation == OPERATION_REACT) {
        return 0;
    }
    int rc = guards_apply(g, tenant, &any, e);
    if (rc != 0 || !any) {
        return rc;
    }
    buf_init(&words, WORDS_MAX);
    json_t *m = strcmp(body->type, "forward") == 0 ? forwarded(s)
                : body->content != NULL            ? json_loads(body->content, 0, NULL)
                                                   : NULL;
    rc = guard_words(m, &words);
    if (rc == 0 && body->media.filename != NULL) {
        rc = buf_str(&words, body->media.filename);
    }
    if (rc == 0) {
        const char *text = json_str_or(m, "text", body->text);
        rc = guards_check(g, tenant, text, words.len > 0 ? words.data : "", done, s, e);
        *checking = rc == 0;
    } else {
        rc = err_set(e, rc, "the text could not be checked");
    }
    buf_finish(&words);
    json_decref(m);
    return rc;
}
