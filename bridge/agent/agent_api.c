/*
 * The agent of a session as a resource.
 *
 * PUT, happy path: the body is checked -> key, secret and headers are sealed -> one operation
 * merges it into the record -> the loop reads the settings again. Off or deleted: what waits in the
 * queue goes, some rows each operation; nobody is answered late when it is switched on again.
 */
#include "agent_priv.h"

#include "clock.h"
#include "json.h"
#include "mem.h"
#include "session.h"
#include "webhook.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PURGE_STEP 1000
#define SEALED 2
static const char *const sealed_names[SEALED] = {"api_key", "secret"};

static int unknown_agent(struct err *e)
{
    return err_word(e, E_NOTFOUND, "unknown_agent",
                    "this session has no agent; PUT …/agent makes one");
}

static int session_check(struct store_txn *t, const struct message_owner *o, struct err *e)
{
    struct store_value v;
    int rc = tenant_check(t, o->tenant, e);
    if (rc != 0) {
        return rc;
    }
    rc = store_get(t, STORE_SESSIONS, STORE_PATH(o->tenant, o->session), &v);
    return rc == E_NOTFOUND
               ? err_word(e, rc, "unknown_session", "there is no session %.63s", o->session)
               : rc;
}

/* The record; E_NOTFOUND "unknown_agent". */
static int agent_load(struct store_txn *t, const struct message_owner *o, json_t **record,
                      struct err *e)
{
    struct store_value v;
    int rc = session_check(t, o, e);
    if (rc != 0) {
        return rc;
    }
    rc = store_get(t, STORE_AGENTS, STORE_PATH(o->tenant, o->session, AGENT_PART_SETTINGS), &v);
    if (rc != 0) {
        return rc == E_NOTFOUND ? unknown_agent(e) : rc;
    }
    *record = record_parse(v, e);
    return *record != NULL ? 0 : e->code;
}

static int health_load(struct store_txn *t, const struct message_owner *o, struct agent_health *h,
                       struct err *e)
{
    struct store_value v;
    int rc = store_get(t, STORE_AGENTS, STORE_PATH(o->tenant, o->session, AGENT_PART_HEALTH), &v);
    json_t *health = rc == 0 ? record_parse(v, e) : NULL;
    agent_health_read(health, h);
    json_decref(health);
    return rc == E_NOTFOUND ? 0 : rc;
}

/* ---- put ---------------------------------------------------------------------------------------
 */

struct agent_put {
    struct call call; /* first */
    struct message_owner owner;
    json_t *changes; /* checked; without what is sealed */
    json_t *headers; /* plain, NULL: not named */
    char *sealed[SEALED];
    uint64_t now_ms;
    bool purging, more;
};

/* A header that was shown masked and came back so keeps its value. */
static int merge_headers(struct agent_put *p, json_t *record, json_t **headers, struct err *e)
{
    struct bridge *b = p->call.b;
    const struct message_owner *o = &p->owner;
    json_t *old = NULL;
    int rc = agent_headers(b, o->tenant, o->session, record, &old, e);
    if (rc != 0 || p->headers == NULL) {
        *headers = old;
        return rc;
    }
    json_t *now = json_deep_copy(p->headers);
    const char *name = NULL;
    json_t *v = NULL;
    rc = now != NULL ? 0 : E_NOMEM;
    json_object_foreach(p->headers, name, v)
    {
        json_t *kept = json_object_get(old, name);
        if (rc == 0 && kept != NULL && webhook_header_secret(name) &&
            strcmp(json_string_value(v), WEBHOOK_MASK) == 0) {
            rc = json_object_set(now, name, kept) == 0 ? 0 : E_NOMEM;
        }
    }
    json_decref(old);
    char *sealed = NULL;
    char *text = rc == 0 ? json_text(now, NULL) : NULL;
    rc = text != NULL ? agent_seal(b, o->tenant, o->session, "headers", text, &sealed, e) : E_NOMEM;
    rc = rc != 0 ? rc : json_set_str(record, "headers", sealed);
    free(sealed);
    mem_wipe_free(text, text != NULL ? strlen(text) : 0);
    if (rc != 0) {
        json_decref(now);
        return rc;
    }
    *headers = now;
    return 0;
}

static int merge(struct agent_put *p, json_t *record, json_t **headers, struct err *e)
{
    /* Where a key goes is part of what it was given for. */
    const char *before = json_str(record, "url"), *after = json_str(p->changes, "url");
    bool moved = after != NULL && before != NULL && strcmp(before, after) != 0;
    int rc = 0;
    if (moved && json_str(record, "api_key") != NULL && p->sealed[0] == NULL) {
        return err_field(e, "required", "api_key",
                         "the url changes: give the api_key again, or null");
    }
    rc = json_object_update(record, p->changes) == 0 ? 0 : E_NOMEM;
    for (size_t i = 0; rc == 0 && i < SEALED; i++) {
        if (p->sealed[i] != NULL) {
            rc = json_set_str(record, sealed_names[i], p->sealed[i]);
        }
    }
    if (rc == 0 && p->call.created) {
        rc = body_set(record, "created_ms", json_integer((json_int_t)p->now_ms));
    }
    rc = rc != 0 ? rc : body_set(record, "updated_ms", json_integer((json_int_t)p->now_ms));
    rc = rc != 0 ? rc : agent_check_whole(record, e);
    return rc != 0 ? rc : merge_headers(p, record, headers, e);
}

static int write_put(struct store_txn *t, struct agent_put *p, json_t *record, struct err *e)
{
    const struct message_owner *o = &p->owner;
    struct agent_health health;
    json_t *headers = NULL;
    int rc = merge(p, record, &headers, e);
    rc = rc != 0 ? rc : health_load(t, o, &health, e);
    rc = rc != 0 ? rc
                 : record_put(t, STORE_AGENTS,
                              STORE_PATH(o->tenant, o->session, AGENT_PART_SETTINGS), record, e);
    if (rc == 0) {
        json_decref(p->call.answer); /* of a first run that was rolled back */
        p->call.answer = agent_object(record, headers, &health);
        rc = p->call.answer != NULL ? 0 : E_NOMEM;
    }
    p->purging = !json_flag(record, "enabled", true);
    json_decref(headers);
    return rc;
}

/* Only while the agent is off or gone. */
static int purge_more(struct store_txn *t, const struct message_owner *o, bool *more, struct err *e)
{
    struct store_value v;
    size_t n = 0;
    *more = false;
    int rc = store_get(t, STORE_AGENTS, STORE_PATH(o->tenant, o->session, AGENT_PART_SETTINGS), &v);
    json_t *record = rc == 0 ? record_parse(v, e) : NULL;
    bool on = json_flag(record, "enabled", false);
    json_decref(record);
    if (on || (rc != 0 && rc != E_NOTFOUND)) {
        return on ? 0 : rc;
    }
    rc = agent_queue_purge(t, o->tenant, o->session, PURGE_STEP, &n);
    *more = n == PURGE_STEP;
    return rc;
}

static int apply_put(struct store_txn *t, struct call *c, struct err *e)
{
    struct agent_put *p = (struct agent_put *)c;
    json_t *record = NULL;
    if (p->more) {
        return purge_more(t, &p->owner, &p->more, e);
    }
    int rc = agent_load(t, &p->owner, &record, e);
    c->created = rc == E_NOTFOUND && e->word != NULL && strcmp(e->word, "unknown_agent") == 0;
    if (c->created) {
        err_clear(e);
        record = agent_defaults();
        rc = record != NULL ? 0 : E_NOMEM;
    }
    rc = rc != 0 ? rc : write_put(t, p, record, e);
    json_decref(record);
    return rc;
}

static void finish_put(struct call *c, int rc)
{
    struct agent_put *p = (struct agent_put *)c;
    if (rc != 0) {
        return;
    }
    agents_reload(c->b, p->owner.tenant, p->owner.session);
    if (p->purging) {
        p->purging = false;
        p->more = true;
    }
    if (p->more && !c->b->closing) {
        call_again(c);
    }
}

static void release_put(struct call *c)
{
    struct agent_put *p = (struct agent_put *)c;
    json_decref(p->changes);
    json_decref(p->headers);
    json_decref(c->answer);
    for (size_t i = 0; i < SEALED; i++) {
        free(p->sealed[i]);
    }
    free(p);
}

static int seal_put(struct bridge *b, struct agent_put *p, struct err *e)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < SEALED; i++) {
        const char *given = json_str(p->changes, sealed_names[i]);
        if (given != NULL) {
            rc = agent_seal(b, p->owner.tenant, p->owner.session, sealed_names[i], given,
                            &p->sealed[i], e);
            (void)json_object_del(p->changes, sealed_names[i]);
        }
    }
    p->headers = json_incref(json_object_get(p->changes, "headers"));
    (void)json_object_del(p->changes, "headers");
    return rc;
}

/* Names that can be looked up. */
static int owner_set(struct bridge *b, const char *tenant, const char *session,
                     struct message_owner *o, struct err *e)
{
    struct session *s = NULL;
    int rc = session_find(b, tenant, session, &s, e);
    if (rc == 0) {
        message_owner_set(o, tenant, session);
    }
    return rc;
}

void bridge_agent_put(struct bridge *b, const char *tenant, const char *session, const json_t *body,
                      bridge_done_fn done, void *arg)
{
    struct err e;
    err_clear(&e);
    struct agent_put *p = mem_calloc(1, sizeof(*p));
    int rc = p != NULL ? owner_set(b, tenant, session, &p->owner, &e)
                       : err_set(&e, E_NOMEM, "out of memory");
    rc = rc != 0 ? rc : agent_check(body, b->cfg.relay.allow_private, &p->changes, &e);
    rc = rc != 0 ? rc : seal_put(b, p, &e);
    if (rc != 0) {
        if (p != NULL) {
            release_put(&p->call);
        }
        reply_later(b, done, arg, &e, NULL);
        return;
    }
    p->now_ms = clock_wall_ms();
    p->call.apply = apply_put;
    p->call.finish = finish_put;
    p->call.release = release_put;
    call_submit(&p->call, b, done, arg);
}

/* ---- get ---------------------------------------------------------------------------------------
 */

int bridge_agent_get(struct bridge *b, const char *tenant, const char *session, json_t **out,
                     struct err *e)
{
    struct message_owner o;
    struct store_txn *t = NULL;
    struct agent_health health;
    struct err why;
    json_t *record = NULL, *headers = NULL;
    err_clear(&why);
    *out = NULL;
    int rc = owner_set(b, tenant, session, &o, &why);
    rc = rc != 0 ? rc : store_read(b->store, &t, &why);
    if (rc == 0) {
        rc = agent_load(t, &o, &record, &why);
        rc = rc != 0 ? rc : health_load(t, &o, &health, &why);
        store_read_end(t);
    }
    rc = rc != 0 ? rc : agent_headers(b, tenant, session, record, &headers, &why);
    if (rc == 0) {
        struct agent *a = b->agents != NULL ? agent_find(b->agents, tenant, session) : NULL;
        if (a != NULL && a->health.success_ms > health.success_ms) {
            health.success_ms = a->health.success_ms; /* not stored at each message */
        }
        *out = agent_object(record, headers, &health);
        rc = *out != NULL ? 0 : E_NOMEM;
    }
    json_decref(record);
    json_decref(headers);
    if (rc != 0) {
        store_err(&why, rc, "the agent could not be read");
    }
    err_copy(e, &why);
    return rc;
}

/* ---- delete ------------------------------------------------------------------------------------
 */

struct agent_delete {
    struct call call; /* first */
    struct message_owner owner;
    bool removed, more;
};

static int apply_delete(struct store_txn *t, struct call *c, struct err *e)
{
    struct agent_delete *d = (struct agent_delete *)c;
    const struct message_owner *o = &d->owner;
    if (d->removed) {
        return purge_more(t, o, &d->more, e);
    }
    int rc = session_check(t, o, e);
    rc = rc != 0
             ? rc
             : store_del(t, STORE_AGENTS, STORE_PATH(o->tenant, o->session, AGENT_PART_SETTINGS));
    if (rc != 0) {
        return rc == E_NOTFOUND && e->code == 0 ? unknown_agent(e) : rc;
    }
    rc = store_del(t, STORE_AGENTS, STORE_PATH(o->tenant, o->session, AGENT_PART_HEALTH));
    d->more = true;
    return rc == E_NOTFOUND ? 0 : rc;
}

static void finish_delete(struct call *c, int rc)
{
    struct agent_delete *d = (struct agent_delete *)c;
    if (rc == 0) {
        d->removed = true;
        agents_reload(c->b, d->owner.tenant, d->owner.session);
        if (d->more && !c->b->closing) {
            call_again(c);
        }
    }
}

static void release_delete(struct call *c)
{
    free(c);
}

void bridge_agent_delete(struct bridge *b, const char *tenant, const char *session,
                         bridge_done_fn done, void *arg)
{
    struct err e;
    err_clear(&e);
    struct agent_delete *d = mem_calloc(1, sizeof(*d));
    int rc = d != NULL ? owner_set(b, tenant, session, &d->owner, &e)
                       : err_set(&e, E_NOMEM, "out of memory");
    if (rc != 0) {
        free(d);
        reply_later(b, done, arg, &e, NULL);
        return;
    }
    d->call.apply = apply_delete;
    d->call.finish = finish_delete;
    d->call.release = release_delete;
    call_submit(&d->call, b, done, arg);
}
