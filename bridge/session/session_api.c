/* bridge_session_*: what the API may ask of sessions. Codes are in qr_flow.c. */
#include "session_priv.h"

#include "core_priv.h"
#include "json.h"
#include "media.h"
#include "mem.h"
#include "text.h"
#include "usage.h"

#include <stdlib.h>
#include <string.h>

static void refuse(struct bridge *b, bridge_done_fn done, void *arg, const struct err *e)
{
    reply_later(b, done, arg, e, NULL);
}

/* ---- put ---------------------------------------------------------------------------------- */

static int check_body(const json_t *body, struct err *e)
{
    static const char *const fields[] = {"channel", "autostart", "metadata", "media", "hibernate", NULL};
    int rc = body_check(body, fields, e);
    if (rc != 0) {
        return rc;
    }
    const json_t *channel = json_object_get(body, "channel");
    const json_t *autostart = json_object_get(body, "autostart");
    const json_t *metadata = json_object_get(body, "metadata");
    if (channel && strcmp(json_str_or(body, "channel", ""), "web") != 0) {
        return err_field(e, NULL, "channel", "the only channel is \"web\"");
    }
    if (autostart && !json_is_boolean(autostart)) {
        return err_field(e, NULL, "autostart", "autostart is true or false");
    }
    if (metadata && !json_is_object(metadata)) {
        return err_field(e, NULL, "metadata", "metadata is an object");
    }
    rc = media_rules_check(json_object_get(body, "media"), e);
    rc = rc != 0 ? rc : hibernate_check(json_object_get(body, "hibernate"), e);
    if (rc != 0) {
        return rc;
    }
    size_t len = 0;
    char *text = metadata ? json_text(metadata, &len) : NULL;
    free(text);
    if (metadata && (!text || len > METADATA_MAX)) {
        return err_field(e, NULL, "metadata", "metadata is larger than %d bytes", METADATA_MAX);
    }
    return 0;
}

static int take_body(struct session *s, const json_t *body, struct err *e)
{
    json_t *metadata = json_obj(body, "metadata");
    if (metadata) {
        json_t *copy = json_deep_copy(metadata);
        if (!copy) {
            return err_set(e, E_NOMEM, "out of memory");
        }
        json_decref(s->metadata);
        s->metadata = copy;
    }
    const json_t *media = json_object_get(body, "media");
    if (media) {
        json_t *copy = json_is_object(media) ? json_deep_copy(media) : NULL;
        if (!copy && !json_is_null(media)) {
            return err_set(e, E_NOMEM, "out of memory");
        }
        json_decref(s->media);
        s->media = copy;
    }
    const json_t *hibernate = json_object_get(body, "hibernate");
    if (hibernate) {
        json_t *copy = json_is_object(hibernate) ? json_deep_copy(hibernate) : NULL;
        if (!copy && !json_is_null(hibernate)) {
            return err_set(e, E_NOMEM, "out of memory");
        }
        json_decref(s->hibernate);
        s->hibernate = copy;
        session_hibernate_set(s);
    }
    s->autostart = json_flag(body, "autostart", s->autostart);
    return 0;
}

struct creation {
    struct session *s;
    bridge_done_fn done;
    void *arg;
};

static void on_created(void *arg, const struct bridge_reply *r)
{
    struct creation *c = arg;
    struct session *s = c->s;
    c->done(c->arg, r);
    free(c);
    if (r->err) {
        session_release(s); /* it was never there */
    } else {
        session_run(s);
    }
}

/* Also those that are just being made: each is in the list before it is in the store. */
static uint64_t sessions_of(const struct bridge *b, const char *tenant)
{
    uint64_t n = 0;
    LIST_FOREACH(&b->sessions->all, node, next)
    {
        const struct session *s = LIST_ENTRY(node, struct session, link);
        n += !s->freeing && strcmp(s->tenant, tenant) == 0;
    }
    return n;
}

static int create(struct bridge *b, const char *tenant, const char *id, const json_t *body,
                  bridge_done_fn done, void *arg, struct err *e)
{
    struct session *s;
    int rc = tenant_exists(b, tenant, e);
    if (rc == 0 && !text_is_name(id)) {
        rc = err_field(e, "invalid_name", "session", "a name is a-z, 0-9, - and _, at most 63");
    }
    if (rc == 0 && b->sessions->count >= b->cfg.session.max_sessions) {
        rc = err_word(e, E_LIMIT, "too_many_sessions", "this node holds at most %u sessions",
                      b->cfg.session.max_sessions);
    }
    rc = rc != 0 ? rc : quota_check_session(b, tenant, sessions_of(b, tenant), e);
    struct creation *c = rc == 0 ? mem_calloc(1, sizeof(*c)) : NULL;
    if (rc == 0 && !c) {
        rc = err_set(e, E_NOMEM, "out of memory");
    }
    rc = rc != 0 ? rc : session_create(b->sessions, tenant, id, NULL, &s, e);
    if (rc != 0) {
        free(c);
        return rc;
    }
    rc = take_body(s, body, e);
    if (rc != 0) {
        free(c);
        session_release(s);
        return rc;
    }
    s->want = s->autostart ? WANT_RUNNING : WANT_STOPPED;
    *c = (struct creation){.s = s, .done = done, .arg = arg};
    session_save(s, &(struct session_save){.event = "session.created",
                                           .data = session_object(s),
                                           .created = true,
                                           .done = on_created,
                                           .arg = c});
    return 0;
}

void bridge_session_put(struct bridge *b, const char *tenant, const char *session,
                        const json_t *body, bridge_done_fn done, void *arg)
{
    struct err e;
    struct session *s = session_lookup(b->sessions, tenant, session);
    int rc = check_body(body, &e);
    if (rc == 0 && s && (s->deleting || s->freeing)) {
        rc = err_word(&e, E_CONFLICT, "session_deleting", "the session is being deleted");
    }
    if (rc == 0 && !s) {
        rc = create(b, tenant, session, body, done, arg, &e);
    } else if (rc == 0) {
        rc = take_body(s, body, &e);
        if (rc == 0) {
            session_save(s, &(struct session_save){.done = done, .arg = arg});
        }
    }
    if (rc != 0) {
        refuse(b, done, arg, &e);
    }
}

/* ---- get, list ---------------------------------------------------------------------------- */

int bridge_session_get(struct bridge *b, const char *tenant, const char *session, json_t **out,
                       struct err *e)
{
    struct session *s;
    int rc = session_find(b, tenant, session, &s, e);
    *out = rc == 0 ? session_object(s) : NULL;
    return rc == 0 && !*out ? err_set(e, E_NOMEM, "out of memory") : rc;
}

struct listing {
    const struct bridge_paging *p;
    const struct bridge_principal *who;
    json_t *items;
    const char *last;
    bool more, failed;
};

static void list_one(void *arg, struct session *s)
{
    struct listing *l = arg;
    if (l->failed || l->more || (l->p->cursor && strcmp(s->id, l->p->cursor) <= 0) ||
        !bridge_sees_session(l->who, s->id)) {
        return;
    }
    if (json_array_size(l->items) >= l->p->limit) {
        l->more = true;
        return;
    }
    l->failed = json_array_append_new(l->items, session_object(s)) != 0;
    l->last = s->id;
}

int bridge_session_list(struct bridge *b, const char *tenant, const struct bridge_principal *who,
                        const struct bridge_paging *p, json_t **out, struct err *e)
{
    int rc = paging_check(p, e);
    rc = rc != 0 ? rc : tenant_exists(b, tenant, e);
    if (rc != 0) {
        return rc;
    }
    struct listing l = {.p = p, .who = who, .items = json_array()};
    session_each(b, tenant, list_one, &l);
    *out = page_body(l.items, l.more ? l.last : NULL);
    if (l.failed && *out) {
        json_decref(*out);
        *out = NULL;
    }
    return *out ? 0 : err_set(e, E_NOMEM, "out of memory");
}

/* ---- delete ------------------------------------------------------------------------------- */

struct deletion {
    struct bridge *b;
    bridge_done_fn done;
    void *arg;
};

static void on_deleted(void *arg, bool erased)
{
    struct deletion *d = arg;
    struct err e;
    if (!erased) {
        err_set(&e, E_CANCELED, "wabridge is stopping; the deletion goes on at the next start");
    }
    d->done(d->arg, &(struct bridge_reply){.err = erased ? NULL : &e});
    struct bridge *b = d->b;
    free(d);
    core_leave(b);
}

void bridge_session_delete(struct bridge *b, const char *tenant, const char *session,
                           bool erase_messages, bridge_done_fn done, void *arg)
{
    struct session *s;
    struct err e;
    struct deletion *d = NULL;
    int rc = session_find(b, tenant, session, &s, &e);
    if (rc == 0 && !(d = mem_calloc(1, sizeof(*d)))) {
        rc = err_set(&e, E_NOMEM, "out of memory");
    }
    if (rc != 0) {
        refuse(b, done, arg, &e);
        return;
    }
    *d = (struct deletion){.b = b, .done = done, .arg = arg};
    core_enter(b);
    session_erase(s, erase_messages, on_deleted, d);
}

/* ---- actions ------------------------------------------------------------------------------ */

static void start(struct session *s)
{
    s->want = WANT_RUNNING;
    s->tries = 0;
    if (s->asleep) {
        session_rouse(s, "on request");
    } else if (s->phase == RUN_BACKOFF) {
        session_end(s); /* and begins at once */
    } else {
        session_run(s);
    }
}

static void stop(struct session *s)
{
    if (s->quitting) {
        s->want = s->account ? WANT_UNLINKED : WANT_STOPPED;
        return; /* ends by itself; a logout that was asked for goes before */
    }
    s->want = WANT_STOPPED;
    s->asleep = false;
    session_timer_stop(s, TIMER_WAKE);
    enum session_status now = session_status(s);
    if (now != SESSION_STOPPED && now != SESSION_LOGGED_OUT) {
        session_move(s, SESSION_STOPPED, WHY_NONE, "%s", "");
    }
    session_run(s);
}

static void restart(struct session *s)
{
    s->want = WANT_RUNNING;
    s->tries = 0;
    if (s->asleep) {
        session_rouse(s, "on request");
        return;
    }
    if (s->phase == RUN_OFF) {
        session_run(s);
        return;
    }
    if (session_status(s) != SESSION_LOGGED_OUT) {
        session_move(s, SESSION_STARTING, WHY_RESTARTED, "%s", "restarted on request");
    }
    session_end(s);
}

struct takeover {
    struct bridge *b;
    char tenant[64], id[64];
    bridge_done_fn done;
    void *arg;
};

static void on_takeover(void *arg, const struct err *e, const json_t *value)
{
    struct takeover *t = arg;
    struct session *s;
    struct err why;
    json_t *body = NULL;
    (void)value;
    err_copy(&why, e);
    if (why.code == 0 && session_find(t->b, t->tenant, t->id, &s, &why) == 0) {
        body = session_object(s);
    }
    t->done(t->arg, &(struct bridge_reply){.err = why.code != 0 ? &why : NULL, .body = body});
    json_decref(body);
    struct bridge *b = t->b;
    free(t);
    core_leave(b);
}

static void take_over(struct session *s, bridge_done_fn done, void *arg)
{
    struct err e;
    struct takeover *t = NULL;
    int rc = 0;
    if (session_status(s) != SESSION_CONFLICT || !s->page) {
        rc = err_word(&e, E_CONFLICT, "not_in_conflict", "the session is %s, not in conflict",
                      session_status_name(session_status(s)));
    } else if (!(t = mem_calloc(1, sizeof(*t)))) {
        rc = err_set(&e, E_NOMEM, "out of memory");
    }
    if (rc != 0 || t == NULL) {
        refuse(s->b, done, arg, &e);
        return;
    }
    *t = (struct takeover){.b = s->b, .done = done, .arg = arg};
    memcpy(t->tenant, s->tenant, sizeof(t->tenant));
    memcpy(t->id, s->id, sizeof(t->id));
    core_enter(s->b);
    page_call(s->page, "takeover", NULL, 0, on_takeover, t);
}

void bridge_session_act(struct bridge *b, const char *tenant, const char *session,
                        enum bridge_session_action action, bridge_done_fn done, void *arg)
{
    struct session *s;
    struct err e;
    if (session_find(b, tenant, session, &s, &e) != 0) {
        refuse(b, done, arg, &e);
        return;
    }
    if (action != BRIDGE_STOP && session_not_exported(s, &e) != 0) {
        refuse(b, done, arg, &e);
        return;
    }
    switch (action) {
    case BRIDGE_START:
        start(s);
        break;
    case BRIDGE_STOP:
        stop(s);
        break;
    case BRIDGE_RESTART:
        restart(s);
        break;
    case BRIDGE_WAKE:
        if (s->asleep) {
            session_rouse(s, "on request");
        }
        break;
    case BRIDGE_HIBERNATE:
        if (session_lull(s, &e) != 0) {
            refuse(b, done, arg, &e);
            return;
        }
        break;
    case BRIDGE_LOGOUT:
        s->asleep = false;
        s->want = WANT_UNLINKED;
        session_unlink(s);
        break;
    case BRIDGE_TAKEOVER:
        take_over(s, done, arg);
        return;
    }
    session_save(s, &(struct session_save){.done = done, .arg = arg});
}
