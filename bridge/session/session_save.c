/*
 * What a session stores: its record, and the event that tells of the change in the same
 * transaction. Operations go to the store in the order of the changes, and the store keeps that
 * order, so the last record written is the last one true.
 *
 * A save that fails leaves the session marked: the watchdog's round writes the record again. The
 * event of that change is lost then, which the log says. The erasure of a session is tried until it
 * is done, and its event goes with it: the log of events is the tenant's, so it outlives the session.
 */
#include "session_priv.h"

#include "core_priv.h"
#include "event.h"
#include "json.h"
#include "mem.h"

#include <stdlib.h>
#include <string.h>

#define ERASE_RETRY_MS 5000

struct save {
    struct store_op op;
    struct session *s;
    struct bridge *b;
    char tenant[64], id[64];
    char *record, *event;
    size_t record_len, event_len;
    const char *type;
    bool erase, keep_messages, created;
    bridge_done_fn done;
    void *arg;
};

static void save_free(struct save *v)
{
    free(v->record);
    free(v->event);
    free(v);
}

/* *was_there: its record was; what was gone before is not told again. */
static int erase(struct store_txn *t, const struct save *v, bool *was_there)
{
    int rc = store_erase(t, v->tenant, v->id, v->keep_messages);
    if (rc != 0 && rc != E_NOTFOUND) {
        return rc;
    }
    rc = store_del(t, STORE_SESSIONS, STORE_PATH(v->tenant, v->id));
    *was_there = rc == 0;
    return rc == E_NOTFOUND ? 0 : rc;
}

static int apply(struct store_txn *t, struct store_op *op)
{
    struct save *v = op->data;
    bool tell = true;
    int rc = v->erase ? erase(t, v, &tell)
                      : store_put(t, STORE_SESSIONS, STORE_PATH(v->tenant, v->id), v->record,
                                  v->record_len);
    if (rc != 0 || !v->type || !tell) {
        return rc;
    }
    struct event_draft d = {.tenant = v->tenant,
                            .session = v->id,
                            .type = v->type,
                            .data = v->event,
                            .data_len = v->event_len};
    return event_append(v->b, t, &d, NULL, &op->err);
}

static void answer(const struct save *v, const struct err *e)
{
    if (!v->done) {
        return;
    }
    json_t *body = e || v->erase ? NULL : session_object(v->s);
    struct err nomem;
    if (!e && !v->erase && !body) {
        err_set(&nomem, E_NOMEM, "out of memory");
        e = &nomem;
    }
    v->done(v->arg, &(struct bridge_reply){.err = e, .body = body, .created = v->created});
    json_decref(body);
}

static void on_saved(struct store_op *op, int rc)
{
    struct save *v = op->data;
    struct session *s = v->s;
    struct err why;

    err_clear(&why);
    if (rc != 0) {
        err_copy(&why, &op->err);
        if (why.code == 0) {
            err_set(&why, rc, "the session could not be stored");
        }
        log_error(&s->log, "session.save", "%s%s", why.msg,
                  v->erase ? "; it is tried again" : v->type ? "; its event is lost" : "");
        s->dirty = s->dirty || !v->erase;
    } else if (v->type) {
        event_committed(v->b, v->tenant);
    }
    if (v->erase && rc == 0) {
        s->erased = true;
    } else if (v->erase) {
        session_timer(s, TIMER_RUN, ERASE_RETRY_MS);
    }
    answer(v, rc != 0 ? &why : NULL);
    save_free(v);
    s->saves--;
    session_step_down(s);
}

static void cannot(struct session *s, const struct session_save *w)
{
    struct err e;
    err_set(&e, E_NOMEM, "out of memory");
    log_error(&s->log, "session.save", "out of memory");
    s->dirty = !w->erase;
    if (w->erase) {
        session_timer(s, TIMER_RUN, ERASE_RETRY_MS);
    }
    if (w->done) {
        reply_later(s->b, w->done, w->arg, &e, NULL);
    }
}

void session_save(struct session *s, const struct session_save *w)
{
    json_t *record = session_record(s);
    struct save *v = mem_calloc(1, sizeof(*v));
    if (v && record) {
        v->record = json_text(record, &v->record_len);
        v->event = w->event && w->data ? json_text(w->data, &v->event_len) : NULL;
    }
    json_decref(record);
    json_decref(w->data);
    if (!v || !v->record || (w->event && !v->event)) {
        if (v) {
            save_free(v);
        }
        cannot(s, w);
        return;
    }
    v->s = s;
    v->b = s->b;
    memcpy(v->tenant, s->tenant, sizeof(v->tenant));
    memcpy(v->id, s->id, sizeof(v->id));
    v->type = w->event;
    v->erase = w->erase;
    v->keep_messages = !s->erase_messages;
    v->created = w->created;
    v->done = w->done;
    v->arg = w->arg;
    v->op.data = v;
    s->dirty = false;
    s->saves++;
    store_submit(s->b->store, &v->op, apply, on_saved);
}

void session_keep(struct session *s)
{
    session_save(s, &(struct session_save){.event = NULL});
}
