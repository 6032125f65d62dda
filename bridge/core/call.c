/*
 * Operations of the resources: one at the store, then an answer.
 *
 * Happy path: call_submit() -> apply on the writer -> commit -> on the loop: finish, done, release.
 * Failure modes: an apply that fails leaves its words in op.err; a commit that fails comes with a
 * code only, and store_err() finds the words. Nothing is answered before it is durable.
 */
#include "core_priv.h"

#include "json.h"

#include <stdlib.h>
#include <string.h>

void core_enter(struct bridge *b)
{
    if (b->core != NULL) {
        b->core->open++;
    }
}

void core_leave(struct bridge *b)
{
    if (b->core != NULL && --b->core->open == 0 && b->core->on_idle != NULL) {
        b->core->on_idle(b);
    }
}

static int on_call_apply(struct store_txn *t, struct store_op *op)
{
    struct call *c = op->data;
    err_clear(&op->err);
    int rc = c->apply(t, c, &op->err);
    return rc == 0 ? 0 : store_err(&op->err, rc, "the change was not made");
}

static void on_call_done(struct store_op *op, int rc)
{
    struct call *c = op->data;
    struct bridge *b = c->b;
    if (rc != 0) {
        store_err(&op->err, rc, "the change was not made");
    }
    c->again = false;
    if (c->finish != NULL) {
        c->finish(c, rc);
    }
    if (c->again) {
        return;
    }
    if (c->done != NULL) {
        c->done(c->arg, &(struct bridge_reply){
                            .err = op->err.code != 0 ? &op->err : NULL,
                            .body = op->err.code != 0 ? NULL : c->answer,
                            .created = c->created,
                        });
    }
    c->release(c);
    core_leave(b);
}

void call_submit(struct call *c, struct bridge *b, bridge_done_fn done, void *arg)
{
    c->b = b;
    c->done = done;
    c->arg = arg;
    c->op.data = c;
    core_enter(b);
    store_submit(b->store, &c->op, on_call_apply, on_call_done);
}

void call_again(struct call *c)
{
    c->again = true;
    store_submit(c->b->store, &c->op, on_call_apply, on_call_done);
}

int store_err(struct err *e, int rc, const char *what)
{
    if (e == NULL || e->code != 0) {
        return rc;
    }
    switch (rc) {
    case E_FULL:
        return err_set(e, rc, "%s: the disk or the store is full; free space and try again", what);
    case E_LIMIT:
        return err_set(e, rc, "%s: too many changes wait for the disk; try again soon", what);
    case E_NOMEM:
        return err_set(e, rc, "%s: out of memory", what);
    case E_TOOLARGE:
        return err_set(e, rc, "%s: a name or a value is too long", what);
    default:
        return err_set(e, rc, "%s (%s)", what, err_name(rc));
    }
}

int body_check(const json_t *body, const char *const *fields, struct err *e)
{
    if (body == NULL || json_is_null(body)) {
        return 0;
    }
    if (!json_is_object(body)) {
        return err_set(e, E_INVALID, "the body must be a JSON object");
    }
    const char *key = NULL;
    json_t *value = NULL;
    json_t *obj = json_incref((json_t *)(uintptr_t)body); /* the iterator wants a writable one */
    int rc = 0;
    json_object_foreach(obj, key, value)
    {
        size_t i = 0;
        while (fields[i] != NULL && strcmp(fields[i], key) != 0) {
            i++;
        }
        if (fields[i] == NULL) {
            char name[40] = "";
            size_t n = 0;
            for (; key[n] != '\0' && n < sizeof(name) - 1; n++) {
                name[n] = key[n] > ' ' && key[n] < 0x7F ? key[n] : '?';
            }
            rc = err_field(e, "unknown_field", name, "no such field: %s", name);
            break;
        }
    }
    json_decref(obj);
    return rc;
}

int body_set(json_t *obj, const char *key, json_t *v)
{
    return v != NULL && json_object_set_new(obj, key, v) == 0 ? 0 : E_NOMEM;
}

json_t *record_parse(struct store_value v, struct err *e)
{
    struct err why;
    json_t *record = json_parse(v.data, v.len, STORE_MAX_VALUE, &why);
    if (record == NULL) {
        err_set(e, why.code == E_NOMEM ? E_NOMEM : E_INTERNAL, "a stored record cannot be read: %s",
                why.msg);
    }
    return record;
}

int record_put(struct store_txn *t, enum store_table table, const char *const *path,
               const json_t *record, struct err *e)
{
    size_t len = 0;
    char *text = record != NULL ? json_text(record, &len) : NULL;
    if (text == NULL) {
        return err_set(e, E_NOMEM, "out of memory");
    }
    int rc = store_put(t, table, path, text, len);
    free(text);
    return rc == 0 ? 0 : store_err(e, rc, "the record was not written");
}

json_t *page_body(json_t *items, const char *cursor)
{
    json_t *body = json_object();
    if (body == NULL || items == NULL) {
        json_decref(body);
        json_decref(items);
        return NULL;
    }
    int rc = body_set(body, "items", items);
    rc = rc != 0 ? rc : json_set_str(body, "next_cursor", cursor);
    if (rc != 0) {
        json_decref(body);
        return NULL;
    }
    return body;
}

int paging_check(const struct bridge_paging *p, struct err *e)
{
    if (p->limit < 1 || p->limit > 500) {
        return err_field(e, NULL, "limit", "limit must be 1 to 500");
    }
    return 0;
}
