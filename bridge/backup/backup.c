/*
 * Backups of a running daemon.
 *
 * Happy path: (a session to be exported is stopped first, session_export.c) -> a pipe and a thread
 * -> ready: the reader takes bytes as they come -> the thread ends and says so by an async handle ->
 * the reader has seen the end and closes -> freed. The thread only reads: its own snapshot of the
 * store, files below the data directory.
 *
 * Failure modes: something cannot be read -> the archive is not finished, and no reader takes it for
 * whole; the reader goes away -> the thread gets EPIPE and ends; the daemon closes -> the server
 * closes its readers first, and the bridge waits for the thread (core_enter).
 */
#include "archive.h"

#include "core_priv.h"
#include "mem.h"
#include "session_priv.h"
#include "sessions.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct bridge_backup {
    struct bridge *b;
    struct archive_order order; /* texts are those below */
    char tenant[64], session[64];
    char *phrase;
    bridge_backup_fn ready;
    void *arg;
    bool was_running, was_exported; /* the session, before its export */
    bool closed, delivered;
    int read_fd;

    uv_thread_t thread;
    uv_async_t ended;
    /* the thread's; the loop reads them once `over` is set */
    atomic_bool over;
    int rc;
    struct err err;
};

static void free_job(struct bridge_backup *j)
{
    crypto_wipe(j->order.secret.key, sizeof(j->order.secret.key));
    if (j->phrase != NULL) {
        mem_wipe_free(j->phrase, strlen(j->phrase));
    }
    free(j);
}

static void on_undone(void *arg, const struct bridge_reply *r)
{
    (void)arg;
    (void)r; /* a failure is logged where it is stored */
}

/* Both sides are done with it. */
static void finish(struct bridge_backup *j)
{
    struct bridge *b = j->b;
    struct session *s;
    /* an earlier export may be what runs elsewhere: that stays as it is */
    if (j->session[0] != '\0' && !j->delivered && !j->was_exported &&
        session_find(b, j->tenant, j->session, &s, NULL) == 0) {
        session_export_undo(s, j->was_running, on_undone, NULL);
    }
    b->core->backup_running = false;
    free_job(j);
    core_leave(b);
}

/* ---- the thread ------------------------------------------------------------------------------- */

static void run(void *arg)
{
    struct bridge_backup *j = arg;
    j->rc = archive_write(&j->order, &j->err);
    atomic_store(&j->over, true);
    close(j->order.fd); /* the reader's end of the pipe comes after the result */
    (void)uv_async_send(&j->ended);
}

static void on_handle_closed(uv_handle_t *h)
{
    struct bridge_backup *j = h->data;
    h->data = NULL;
    if (j->closed) {
        finish(j);
    }
}

static void on_ended(uv_async_t *h)
{
    struct bridge_backup *j = h->data;
    (void)uv_thread_join(&j->thread);
    if (j->rc != 0 && j->rc != E_CLOSED) {
        log_error(NULL, "backup.failed", "%s", j->err.msg);
    }
    uv_close((uv_handle_t *)h, on_handle_closed);
}

/* ---- start ------------------------------------------------------------------------------------ */

static int begin(struct bridge_backup *j, struct err *e)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) {
        return err_sys(e, E_LIMIT, errno, "cannot make a pipe for the backup");
    }
    j->read_fd = ends[0];
    j->order.fd = ends[1];
    int sys = fcntl(ends[0], F_SETFL, O_NONBLOCK) != 0 ? errno : 0;
    sys = sys != 0 ? sys : -uv_async_init(j->b->loop, &j->ended, on_ended);
    if (sys != 0) {
        close(ends[0]);
        close(ends[1]);
        return err_sys(e, E_LIMIT, sys, "cannot start the backup");
    }
    j->ended.data = j;
    sys = -uv_thread_create(&j->thread, run, j);
    if (sys != 0) {
        close(ends[0]);
        close(ends[1]);
        j->closed = true; /* freed with the handle */
        uv_close((uv_handle_t *)&j->ended, on_handle_closed);
        return err_sys(e, E_LIMIT, sys, "cannot start a thread for the backup");
    }
    return 0;
}

static void start(struct bridge_backup *j, const struct err *why)
{
    struct err e;
    bridge_backup_fn ready = j->ready;
    void *arg = j->arg;
    bool handle = false;
    int rc = 0;
    if (why != NULL) {
        err_copy(&e, why);
        rc = e.code;
        j->delivered = true; /* it was not marked as exported */
    } else {
        rc = begin(j, &e);
        handle = rc != 0 && j->closed;
    }
    ready(arg, rc != 0 ? &e : NULL, rc != 0 ? NULL : j);
    if (rc != 0 && !handle) {
        finish(j);
    }
}

static void on_settled(void *arg, const struct err *e)
{
    start(arg, e);
}

static void on_turn(void *arg, const struct bridge_reply *r)
{
    (void)r;
    start(arg, NULL);
}

static int make_job(struct bridge *b, const struct bridge_backup_spec *spec,
                    struct bridge_backup **out, struct err *e)
{
    struct bridge_backup *j = mem_calloc(1, sizeof(*j));
    if (j == NULL) {
        return err_set(e, E_NOMEM, "out of memory");
    }
    *j = (struct bridge_backup){.b = b, .read_fd = -1};
    j->order = (struct archive_order){
        .store = b->store, .data_dir = b->cfg.data_dir, .media = spec->media, .fd = -1};
    if (spec->passphrase != NULL) {
        j->phrase = mem_strdup(spec->passphrase);
        if (j->phrase == NULL) {
            free(j);
            return err_set(e, E_NOMEM, "out of memory");
        }
        j->order.secret = (struct vault_secret){
            .kind = VAULT_PASSPHRASE, .phrase = j->phrase, .phrase_len = strlen(j->phrase)};
    } else {
        j->order.secret.kind = VAULT_KEY;
        store_vault_key(b->store, j->order.secret.key);
    }
    if (spec->session != NULL) {
        memcpy(j->tenant, spec->tenant, strlen(spec->tenant) + 1); /* names of a session there is */
        memcpy(j->session, spec->session, strlen(spec->session) + 1);
        j->order.tenant = j->tenant;
        j->order.session = j->session;
    }
    *out = j;
    return 0;
}

int bridge_backup(struct bridge *b, const struct bridge_backup_spec *spec, bridge_backup_fn ready,
                  void *arg, struct err *e)
{
    struct session *s = NULL;
    struct bridge_backup *j = NULL;
    int rc = 0;
    if (spec->session != NULL) {
        rc = session_find(b, spec->tenant, spec->session, &s, e);
    }
    if (rc == 0 && b->core->backup_running) {
        rc = err_word(e, E_LIMIT, "backup_running",
                      "a backup or an export is being made already: wait for its end");
    }
    rc = rc != 0 ? rc : make_job(b, spec, &j, e);
    if (rc != 0 || j == NULL) {
        return rc;
    }
    j->ready = ready;
    j->arg = arg;
    if (s != NULL && (rc = session_export(s, &j->was_running, &j->was_exported, on_settled, j, e)) != 0) {
        free_job(j);
        return rc;
    }
    b->core->backup_running = true;
    core_enter(b);
    if (s == NULL) {
        reply_later(b, on_turn, j, NULL, NULL);
    }
    return 0;
}

/* ---- for the reader --------------------------------------------------------------------------- */

int bridge_backup_fd(const struct bridge_backup *j)
{
    return j->read_fd;
}

int bridge_backup_result(const struct bridge_backup *j, struct err *e)
{
    if (!atomic_load(&j->over)) {
        return err_set(e, E_STATE, "the backup is not over");
    }
    err_copy(e, &j->err);
    return j->rc;
}

void bridge_backup_close(struct bridge_backup *j, bool delivered)
{
    close(j->read_fd);
    j->delivered = delivered;
    j->closed = true;
    if (j->ended.data == NULL) {
        finish(j);
    }
}

void bridge_export_undo(struct bridge *b, const char *tenant, const char *session,
                        bridge_done_fn done, void *arg)
{
    struct session *s;
    struct err e;
    int rc = session_find(b, tenant, session, &s, &e);
    if (rc == 0 && b->core->backup_running) {
        rc = err_word(&e, E_CONFLICT, "backup_running", "the export is still being written");
    }
    if (rc == 0 && !s->exported) {
        rc = err_word(&e, E_CONFLICT, "not_exported", "the session %.63s/%.63s is not exported",
                      tenant, session);
    }
    if (rc != 0) {
        reply_later(b, done, arg, &e, NULL);
        return;
    }
    session_export_undo(s, false, done, arg);
}
