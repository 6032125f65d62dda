/*
 * A session that moves to another host.
 *
 * Happy path: marked as exported and wanted stopped -> that is durable -> the run ends -> whatever
 * was on its way to the store is there (the store keeps the order of operations) -> done. From the
 * mark on nothing is sent and nothing accepted here, whatever happens: two hosts that send from one
 * outbox would be worse than one that has to be told twice.
 * Failure modes: the mark cannot be stored -> taken back; the session is deleted meanwhile -> done
 * with E_CANCELED; the archive was not delivered -> session_export_undo().
 */
#include "session_priv.h"

#include "core_priv.h"
#include "json.h"
#include "mem.h"

#include <stdlib.h>

struct leaving {
    struct store_op op;
    struct bridge *b;
    struct session *s; /* NULL: it is gone */
    bool was_running, was_exported;
    void (*done)(void *arg, const struct err *e);
    void *arg;
};

int session_not_exported(const struct session *s, struct err *e)
{
    return !s->exported ? 0
                        : err_word(e, E_CONFLICT, "session_exported",
                                   "the session was exported to another host; delete it, or, when it "
                                   "never started there, take the export back (DELETE …/export)");
}

void session_off(struct session *s, const struct err *e)
{
    void (*on_off)(void *, const struct err *) = s->on_off;
    s->on_off = NULL;
    if (on_off != NULL) {
        on_off(s->off_arg, e);
    }
}

static void over(struct leaving *l, const struct err *e)
{
    struct bridge *b = l->b;
    l->done(l->arg, e);
    free(l);
    core_leave(b);
}

static int apply_nothing(struct store_txn *t, struct store_op *op)
{
    (void)t;
    (void)op;
    return 0;
}

static void on_settled(struct store_op *op, int rc)
{
    struct err e;
    if (rc != 0) {
        err_clear(&e);
        store_err(&e, rc, "the session could not be settled");
    }
    over(op->data, rc != 0 ? &e : NULL);
}

static void on_off(void *arg, const struct err *e)
{
    struct leaving *l = arg;
    if (e != NULL) {
        over(l, e);
        return;
    }
    l->op.data = l;
    store_submit(l->b->store, &l->op, apply_nothing, on_settled);
}

static void on_marked(void *arg, const struct bridge_reply *r)
{
    struct leaving *l = arg;
    struct session *s = l->s;
    if (r->err != NULL) {
        s->exported = l->was_exported;
        s->want = l->was_running ? WANT_RUNNING : WANT_STOPPED;
        session_run(s);
        over(l, r->err);
        return;
    }
    if (s->phase == RUN_OFF) {
        on_off(l, NULL);
        return;
    }
    s->on_off = on_off;
    s->off_arg = l;
    session_run(s);
}

int session_export(struct session *s, bool *was_running, bool *was_exported,
                   void (*done)(void *arg, const struct err *e), void *arg, struct err *e)
{
    if (s->on_off != NULL || s->quitting) {
        return err_word(e, E_CONFLICT, "session_busy",
                        "the session is being exported or unlinked just now");
    }
    struct leaving *l = mem_calloc(1, sizeof(*l));
    if (l == NULL) {
        return err_set(e, E_NOMEM, "out of memory");
    }
    *l = (struct leaving){.b = s->b, .s = s, .done = done, .arg = arg};
    *was_running = l->was_running = s->want == WANT_RUNNING;
    *was_exported = l->was_exported = s->exported;
    core_enter(s->b);
    s->exported = true;
    s->asleep = false;
    s->want = WANT_STOPPED;
    session_move(s, SESSION_STOPPED, WHY_EXPORTED, "%s", "exported to another host");
    session_save(s, &(struct session_save){.done = on_marked, .arg = l});
    return 0;
}

void session_export_undo(struct session *s, bool start, bridge_done_fn done, void *arg)
{
    s->exported = false;
    s->want = start ? WANT_RUNNING : WANT_STOPPED;
    session_move(s, SESSION_STOPPED, WHY_EXPORT_UNDONE, "%s", "the export was taken back");
    session_save(s, &(struct session_save){.done = done, .arg = arg});
    session_run(s);
}

int session_adopt(struct bridge *b, const char *tenant, const char *id, const json_t *record,
                  json_t **body, struct err *e)
{
    struct session *s;
    int rc = session_create(b->sessions, tenant, id, record, &s, e);
    if (rc != 0) {
        return rc;
    }
    session_save(s, &(struct session_save){.event = "session.created", .data = session_object(s)});
    session_run(s);
    *body = session_object(s);
    return *body != NULL ? 0 : err_set(e, E_NOMEM, "out of memory");
}
