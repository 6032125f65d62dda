/*
 * What is done with a group at WhatsApp: each call is a row of steps, asked of the far end one
 * after the other; where the group is another one then, it is read anew and kept.
 *
 * Happy path: arguments read on the loop -> step, step … -> "group" (the far end's view) -> one
 * operation keeps it -> answer. Failure modes: not ready: E_CONFLICT (a look alone answers from the
 * store); the far end refuses a step: its words, nothing after it is done; the last look fails: the
 * answer comes from what is stored.
 */
#include "groups.h"
#include "people.h"

#include "clock.h"
#include "json.h"
#include "mem.h"

#include <stdlib.h>
#include <string.h>

#define STEPS_MAX 4
#define STEP_TIMEOUT_MS 60000
#define CREATE_MAX 256
#define PEOPLE_MAX 50
#define NAME_MAX_CHARS 100
#define DESCRIPTION_MAX_CHARS 2048

struct group_op {
    struct call call;
    struct message_owner owner;
    char id[STORE_MAX_ID + 1];
    struct {
        const char *op, *word; /* word: what the results of this step are called */
        json_t *args;
    } step[STEPS_MAX];
    size_t steps, at;
    bool look, wrap; /* read it anew at the end; the answer is {group,…} instead of the group */
    bool gone;       /* we left it */
    json_t *view;    /* the far end's */
    json_t *extra;   /* members of the answer beside the group */
    json_t *results; /* of people: in the order of the steps; {action,id,ok,code} */
    json_t *failed;
    uint64_t now_ms;
};

static void release(struct call *c)
{
    struct group_op *g = (struct group_op *)c;
    for (size_t i = 0; i < g->steps; i++) {
        json_decref(g->step[i].args);
    }
    json_decref(c->answer);
    json_decref(g->view);
    json_decref(g->extra);
    json_decref(g->results);
    json_decref(g->failed);
    free(g);
}

/* ---- on the writer thread ----------------------------------------------------------------------
 */

/* {id,ok,code,action} of the far end with the person instead of the bare id. */
static json_t *show_results(struct store_txn *t, const struct group_op *g, const json_t *list)
{
    json_t *out = json_array();
    for (size_t i = 0; out != NULL && i < json_array_size(list); i++) {
        json_t *one = json_deep_copy(json_array_get(list, i));
        json_t *person = person_json(t, &g->owner, one);
        int rc = one != NULL ? body_set(one, "person", person) : E_NOMEM;
        const char *code = json_str_or(one, "code", "");
        rc = rc != 0 ? rc : json_set_str(one, "code", code[0] != '\0' ? code : NULL);
        json_object_del(one, "id");
        if (json_array_append_new(out, one) != 0 || rc != 0) {
            json_decref(out);
            out = NULL;
        }
    }
    return out;
}

static int put_answer(struct store_txn *t, struct group_op *g, json_t *group)
{
    struct call *c = &g->call;
    int rc = 0;
    if (!g->wrap) {
        c->answer = group;
        return group != NULL ? 0 : E_NOMEM;
    }
    c->answer = json_object();
    rc = body_set(c->answer, "group", group);
    if (rc == 0 && g->results != NULL) {
        rc = body_set(c->answer, "results", show_results(t, g, g->results));
    }
    if (rc == 0 && g->failed != NULL) {
        rc = body_set(c->answer, "failed", show_results(t, g, g->failed));
    }
    return rc;
}

static int apply(struct store_txn *t, struct call *c, struct err *e)
{
    struct group_op *g = (struct group_op *)c;
    const char *const *path = STORE_PATH(g->owner.tenant, g->owner.session, g->id);
    struct store_value v;
    bool complete;
    json_decref(c->answer);
    c->answer = NULL;
    if (g->gone) {
        int rc = store_del(t, STORE_GROUPS, path);
        return rc == E_NOTFOUND ? 0 : rc;
    }
    int rc = g->view != NULL ? group_take(t, &g->owner, g->view, g->now_ms, &complete) : 0;
    rc = rc != 0 ? rc : store_get(t, STORE_GROUPS, path, &v);
    if (rc == E_NOTFOUND && !g->wrap) {
        return err_word(e, rc, "unknown_group", "no such group");
    }
    json_t *group = rc == 0 ? group_public(t, &g->owner, v, true) : json_pack("{s:s}", "id", g->id);
    return rc == 0 || rc == E_NOTFOUND ? put_answer(t, g, group) : rc;
}

/* ---- the steps ---------------------------------------------------------------------------------
 */

static void next(struct group_op *g);

static void fail(struct group_op *g, const struct err *e)
{
    struct err why;
    far_error(e, &why);
    far_answer(g->call.done, g->call.arg, &why, NULL);
    release(&g->call);
}

static int keep_results(struct group_op *g, const json_t *value)
{
    const char *word = g->step[g->at].word;
    const json_t *list = json_arr(value, "results");
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < json_array_size(list); i++) {
        json_t *one = json_deep_copy(json_array_get(list, i));
        rc = one != NULL ? json_set_str(one, "action", word) : E_NOMEM;
        rc = json_array_append_new(g->results, one) == 0 ? rc : E_NOMEM;
    }
    return rc;
}

/* What a step's answer says that the call's answer needs. */
static int take(struct group_op *g, const json_t *value)
{
    const char *op = g->step[g->at].op;
    if (strcmp(op, "group_people") == 0) {
        return keep_results(g, value);
    }
    if (strcmp(op, "group_create") == 0) {
        const char *id = json_str_or(json_obj(value, "group"), "id", "");
        size_t len = strlen(id);
        if (len == 0 || len > STORE_MAX_ID) {
            return E_PROTO;
        }
        memcpy(g->id, id, len + 1);
        g->failed = json_deep_copy(json_arr(value, "failed"));
        return g->failed != NULL ? 0 : E_NOMEM;
    }
    if (strcmp(op, "group_invite") == 0) {
        const char *link = json_str_or(value, "link", "");
        g->extra = json_pack("{s:s}", "link", link);
        return g->extra != NULL ? 0 : E_NOMEM;
    }
    return 0;
}

static void on_step(void *arg, const struct err *e, const json_t *value)
{
    struct group_op *g = arg;
    struct bridge *b = g->call.b;
    struct err why;
    int rc = e == NULL ? take(g, value) : 0;
    if (e != NULL) {
        fail(g, e);
    } else if (rc != 0) {
        err_set(&why, rc, rc == E_PROTO ? "an answer that is not understood" : "out of memory");
        fail(g, &why);
    } else {
        g->at++;
        next(g);
    }
    core_leave(b);
}

static void on_view(void *arg, const struct err *e, const json_t *value)
{
    struct group_op *g = arg;
    struct bridge *b = g->call.b;
    if (e != NULL && e->code == E_NOTFOUND && g->steps == 0) {
        fail(g, e);
    } else {
        g->view = e == NULL ? json_deep_copy(value) : NULL;
        g->now_ms = clock_wall_ms();
        call_submit(&g->call, b, g->call.done, g->call.arg);
    }
    core_leave(b);
}

static void next(struct group_op *g)
{
    struct bridge *b = g->call.b;
    struct channel *ch;
    struct err e;
    if (g->at == g->steps && g->extra != NULL) {
        json_t *body = g->extra;
        g->extra = NULL;
        far_answer(g->call.done, g->call.arg, NULL, body);
        release(&g->call);
        return;
    }
    if (g->at == g->steps && !g->look) {
        call_submit(&g->call, b, g->call.done, g->call.arg);
        return;
    }
    if (far_channel(b, g->owner.tenant, g->owner.session, &ch, &e) != 0) {
        fail(g, &e);
        return;
    }
    core_enter(b);
    if (g->at < g->steps) {
        json_t *args = g->step[g->at].args;
        g->step[g->at].args = NULL;
        channel_ask(ch, g->step[g->at].op, args, STEP_TIMEOUT_MS, on_step, g);
    } else {
        channel_ask(ch, "group", json_pack("{s:s}", "id", g->id), FAR_TIMEOUT_MS, on_view, g);
    }
}

/* ---- reading what is asked ---------------------------------------------------------------------
 */

static struct group_op *create(struct bridge *b, const char *tenant, const char *session,
                               const char *group, bridge_done_fn done, void *arg, struct err *e)
{
    struct session *s;
    enum chat_kind kind = CHAT_GROUP;
    struct group_op *g = mem_calloc(1, sizeof(*g));
    err_clear(e);
    if (g == NULL) {
        err_set(e, E_NOMEM, "out of memory");
        return NULL;
    }
    g->call = (struct call){.b = b, .done = done, .arg = arg, .apply = apply, .release = release};
    g->look = true;
    message_owner_set(&g->owner, tenant, session);
    int rc = session_find(b, tenant, session, &s, e);
    if (rc == 0 && group != NULL &&
        (chat_id_parse(group, g->id, &kind, NULL) != 0 || kind != CHAT_GROUP)) {
        rc = err_word(e, E_NOTFOUND, "unknown_group", "no such group");
    }
    if (rc != 0) {
        release(&g->call);
        return NULL;
    }
    return g;
}

/* Starts g, or answers e. */
static void go(struct group_op *g, struct bridge *b, int rc, const struct err *e,
               bridge_done_fn done, void *arg)
{
    struct channel *ch;
    struct err why;
    err_copy(&why, e);
    if (g != NULL && rc == 0) {
        rc = far_channel(b, g->owner.tenant, g->owner.session, &ch, &why);
    }
    if (g == NULL || rc != 0) {
        reply_later(b, done, arg, &why, NULL);
        if (g != NULL) {
            release(&g->call);
        }
        return;
    }
    next(g);
}

static void add_step(struct group_op *g, const char *op, const char *word, json_t *args)
{
    g->step[g->steps].op = op;
    g->step[g->steps].word = word;
    g->step[g->steps++].args = args;
}

/* A text of a body, cleaned of nothing: 1 (or 0) to max characters. */
static int text_check(const json_t *v, const char *field, size_t min, size_t max, struct err *e)
{
    const char *s = json_string_value(v);
    size_t chars = 0;
    for (const char *p = s; p != NULL && *p != '\0'; p++) {
        chars += ((unsigned char)*p & 0xC0) != 0x80;
    }
    if (s == NULL || strlen(s) != json_string_length(v) || chars < min || chars > max) {
        return err_field(e, NULL, field, "`%s` must be a text of %zu to %zu characters", field, min,
                         max);
    }
    return 0;
}

/* The list's people as the far end knows them: gives the array of their ids. */
static int people_of(struct group_op *g, const json_t *list, const char *field, size_t max,
                     json_t **out, struct err *e)
{
    struct message_owner o;
    struct store_txn *t;
    size_t n = json_array_size(list);
    if (!json_is_array(list) || n < 1 || n > max) {
        return err_field(e, NULL, field, "`%s` must be a list of 1 to %zu people", field, max);
    }
    int rc = people_read(g->call.b, g->owner.tenant, g->owner.session, &o, &t, e);
    if (rc != 0) {
        return rc;
    }
    *out = json_array();
    for (size_t i = 0; rc == 0 && i < n; i++) {
        char id[STORE_MAX_ID + 1];
        enum chat_kind kind = CHAT_USER;
        struct err why;
        err_clear(&why);
        const char *s = json_string_value(json_array_get(list, i));
        rc = s != NULL ? identity_address(t, &o, s, id, &kind, &why) : E_INVALID;
        if (rc != 0 || kind != CHAT_USER) {
            rc = err_field(e, rc != 0 && why.word != NULL ? why.word : "invalid_phone", field,
                           "entry %zu of `%s` is no person's number or id", i + 1, field);
        } else {
            rc = json_array_append_new(*out, json_string(id)) == 0 ? 0 : E_NOMEM;
        }
    }
    store_read_end(t);
    if (rc != 0) {
        json_decref(*out);
        *out = NULL;
    }
    return store_err(e, rc, "the people cannot be read");
}

/* ---- the calls ---------------------------------------------------------------------------------
 */

void bridge_group_get(struct bridge *b, const char *tenant, const char *session, const char *group,
                      bridge_done_fn done, void *arg)
{
    struct err e;
    struct channel *ch;
    struct group_op *g = create(b, tenant, session, group, done, arg, &e);
    if (g == NULL) {
        reply_later(b, done, arg, &e, NULL);
        return;
    }
    g->look = far_channel(b, tenant, session, &ch, NULL) == 0;
    next(g);
}

void bridge_group_create(struct bridge *b, const char *tenant, const char *session,
                         const json_t *body, bridge_done_fn done, void *arg)
{
    static const char *const fields[] = {"name", "participants", NULL};
    struct err e;
    json_t *people = NULL;
    struct group_op *g = create(b, tenant, session, NULL, done, arg, &e);
    int rc = g != NULL ? body_check(body, fields, &e) : e.code;
    rc = rc != 0 ? rc : text_check(json_object_get(body, "name"), "name", 1, NAME_MAX_CHARS, &e);
    rc = rc != 0 ? rc
                 : people_of(g, json_object_get(body, "participants"), "participants", CREATE_MAX,
                             &people, &e);
    if (rc == 0) {
        g->wrap = true;
        g->call.created = true;
        add_step(
            g, "group_create", NULL,
            json_pack("{s:O, s:o}", "name", json_object_get(body, "name"), "participants", people));
    }
    go(g, b, rc, &e, done, arg);
}

void bridge_group_patch(struct bridge *b, const char *tenant, const char *session,
                        const char *group, const json_t *body, bridge_done_fn done, void *arg)
{
    static const char *const fields[] = {"name", "description", "announce", "locked", NULL};
    struct err e;
    struct group_op *g = create(b, tenant, session, group, done, arg, &e);
    int rc = g != NULL ? body_check(body, fields, &e) : e.code;
    const json_t *name = json_object_get(body, "name");
    const json_t *description = json_object_get(body, "description");
    if (rc == 0 && name != NULL) {
        rc = text_check(name, "name", 1, NAME_MAX_CHARS, &e);
    }
    if (rc == 0 && description != NULL) {
        rc = text_check(description, "description", 0, DESCRIPTION_MAX_CHARS, &e);
    }
    for (size_t i = 2; rc == 0 && i < 4; i++) {
        const json_t *v = json_object_get(body, fields[i]);
        rc = v == NULL || json_is_boolean(v)
                 ? 0
                 : err_field(&e, NULL, fields[i], "`%s` must be true or false", fields[i]);
    }
    if (rc == 0) {
        json_t *args = json_copy((json_t *)(uintptr_t)body);
        (void)json_set_str(args, "id", g->id);
        add_step(g, "group_set", NULL, args);
    }
    go(g, b, rc, &e, done, arg);
}

void bridge_group_people(struct bridge *b, const char *tenant, const char *session,
                         const char *group, const json_t *body, bridge_done_fn done, void *arg)
{
    static const char *const fields[] = {"add", "remove", "promote", "demote", NULL};
    struct err e;
    struct group_op *g = create(b, tenant, session, group, done, arg, &e);
    int rc = g != NULL ? body_check(body, fields, &e) : e.code;
    if (rc == 0 && json_object_size(body) == 0) {
        rc = err_field(&e, NULL, "add", "say whom to add, remove, promote or demote");
    }
    for (size_t i = 0; rc == 0 && fields[i] != NULL; i++) {
        const json_t *list = json_object_get(body, fields[i]);
        json_t *people = NULL;
        rc = list != NULL ? people_of(g, list, fields[i], PEOPLE_MAX, &people, &e) : 0;
        if (people != NULL) {
            add_step(g, "group_people", fields[i],
                     json_pack("{s:s, s:s, s:o}", "id", g->id, "action", fields[i], "participants",
                               people));
        }
    }
    if (rc == 0) {
        g->wrap = true;
        g->results = json_array();
    }
    go(g, b, rc, &e, done, arg);
}

void bridge_group_invite(struct bridge *b, const char *tenant, const char *session,
                         const char *group, bool revoke, bridge_done_fn done, void *arg)
{
    struct err e;
    struct group_op *g = create(b, tenant, session, group, done, arg, &e);
    if (g != NULL) {
        add_step(g, "group_invite", NULL,
                 json_pack("{s:s, s:b}", "id", g->id, "revoke", (int)revoke));
    }
    go(g, b, g != NULL ? 0 : e.code, &e, done, arg);
}

void bridge_group_leave(struct bridge *b, const char *tenant, const char *session,
                        const char *group, bridge_done_fn done, void *arg)
{
    struct err e;
    struct group_op *g = create(b, tenant, session, group, done, arg, &e);
    if (g != NULL) {
        g->look = false;
        g->gone = true;
        add_step(g, "group_leave", NULL, json_pack("{s:s}", "id", g->id));
    }
    go(g, b, g != NULL ? 0 : e.code, &e, done, arg);
}
