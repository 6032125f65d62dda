/* A file is wanted after all, or again: the order is written anew and the message says so. */
#include "core_priv.h"
#include "fetcher_priv.h"
#include "inbox.h"

#include "clock.h"
#include "json.h"
#include "mem.h"

#include <stdlib.h>
#include <string.h>

struct refetch {
    struct call call; /* first */
    struct message_owner owner;
    char id[STORE_MAX_ID + 1];
};

static int unknown(struct err *e)
{
    return err_word(e, E_NOTFOUND, "unknown_message", "no such message");
}

static int on_apply(struct store_txn *t, struct call *c, struct err *e)
{
    struct refetch *r = (struct refetch *)c;
    struct store_message_ref ref;
    struct store_value v;
    struct media_info info;
    json_decref(c->answer);
    c->answer = NULL;
    int rc = message_find(t, &r->owner, r->id, &v, &ref);
    if (rc != 0) {
        return rc == E_NOTFOUND ? unknown(e) : rc;
    }
    json_t *m = message_load(v);
    json_t *media = json_obj(m, "media");
    if (m == NULL || message_is_stub(m)) {
        rc = unknown(e);
    } else if (media == NULL) {
        rc = err_word(e, E_CONFLICT, "no_media", "the message has no file");
    } else if (strcmp(json_str_or(media, "state", ""), "ready") != 0 ||
               media_find(t, r->owner.tenant, json_str_or(media, "sha256", ""), &info, NULL) != 0) {
        rc = fetch_show_state(m, "pending", NULL);
        rc = rc != 0 ? rc : json_set_str(media, "url", NULL);
        rc = rc != 0 ? rc
                     : message_save(t, r->owner.tenant, r->owner.session, ref.chat, ref.id,
                                    ref.time_ms, m, NULL);
        rc = rc != 0 ? rc : fetcher_order(t, &r->owner, ref.chat, ref.id, clock_wall_ms());
    }
    if (rc == 0) {
        (void)json_object_del(m, "_");
        c->answer = json_incref(m);
    }
    json_decref(m);
    return rc;
}

static void on_finish(struct call *c, int rc)
{
    struct refetch *r = (struct refetch *)c;
    struct session *s;
    if (rc == 0 && session_find(c->b, r->owner.tenant, r->owner.session, &s, NULL) == 0 &&
        session_inbox(s) != NULL) {
        inbox_fetch(session_inbox(s));
    }
}

static void on_release(struct call *c)
{
    json_decref(c->answer);
    free(c);
}

void bridge_message_refetch(struct bridge *b, const char *tenant, const char *session,
                            const char *message_id, bridge_done_fn done, void *arg)
{
    struct session *s;
    struct err e;
    err_clear(&e);
    int rc = session_find(b, tenant, session, &s, &e);
    if (rc == 0 && strlen(message_id) > STORE_MAX_ID) {
        rc = unknown(&e);
    }
    struct refetch *r = rc == 0 ? mem_calloc(1, sizeof(*r)) : NULL;
    if (r == NULL) {
        if (rc == 0) {
            err_set(&e, E_NOMEM, "out of memory");
        }
        reply_later(b, done, arg, &e, NULL);
        return;
    }
    message_owner_set(&r->owner, tenant, session);
    memcpy(r->id, message_id, strlen(message_id) + 1);
    r->call.apply = on_apply;
    r->call.finish = on_finish;
    r->call.release = on_release;
    call_submit(&r->call, b, done, arg);
}
