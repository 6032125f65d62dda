/*
 * A session that was exported elsewhere becomes one of ours.
 *
 * Happy path: the command line has verified the archive and unpacked it below <data>/import -> files
 * go to their places (libuv's pool) -> what an import that was cut off left of this session is erased
 * -> its rows are put, some hundred in each operation -> its record, in the last one -> the session is
 * there, and runs.
 * Failure modes: it is there already -> E_EXISTS, nothing is changed; a row that cannot be read, a
 * full disk -> the import ends, no record exists, so there is no session; the rows are erased by the
 * next try. An operation may be applied twice: the place in the file is taken over only after the
 * commit.
 */
#include "core_priv.h"
#include "rows.h"
#include "sessions.h"

#include "clock.h"
#include "json.h"
#include "mem.h"
#include "text.h"
#include "work.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ROWS_IN_ONE 500
#define ERASE_IN_ONE 2000
#define PATH_LEN 4096
#define FOLDER_LEN 26

enum step { STEP_ERASE, STEP_ROWS, STEP_RECORD };

struct import {
    struct call call;
    struct list link; /* in core->imports: two of one session would erase each other's rows */
    struct work work;
    struct err files_err;
    char tenant[64], session[64];
    char dir[PATH_LEN], data_dir[PATH_LEN];
    bool start, passable;
    enum step step;
    struct rows_reader rows;
    long at, next_at; /* in the file of rows: committed, and after this operation */
    bool last;        /* this operation came to the end */
    json_t *record;   /* of the session */
};

/* ---- files (pool) ----------------------------------------------------------------------------- */

static int make_folder(const char *path, mode_t mode, struct err *e)
{
    return mkdir(path, mode) == 0 || errno == EEXIST
               ? 0
               : err_sys(e, errno == ENOSPC ? E_FULL : E_IO, errno, "cannot make %s", path);
}

static int place_profile(const struct import *x, struct err *e)
{
    char from[PATH_LEN + 64], to[PATH_LEN + 160], aside[PATH_LEN + 256];
    mode_t mode = x->passable ? 0711 : 0700;
    (void)snprintf(to, sizeof(to), "%s/profiles", x->data_dir);
    int rc = make_folder(to, mode, e);
    (void)snprintf(to, sizeof(to), "%s/profiles/%s", x->data_dir, x->tenant);
    rc = rc != 0 ? rc : make_folder(to, mode, e);
    (void)snprintf(to, sizeof(to), "%s/profiles/%s/%s", x->data_dir, x->tenant, x->session);
    (void)snprintf(from, sizeof(from), "%s/profile", x->dir);
    (void)snprintf(aside, sizeof(aside), "%s.quarantine-%llu", to,
                   (unsigned long long)clock_wall_ms());
    if (rc == 0 && access(from, F_OK) != 0) {
        return 0; /* it was never linked */
    }
    if (rc == 0 && rename(to, aside) != 0 && errno != ENOENT) {
        rc = err_sys(e, E_IO, errno, "cannot set the old profile %s aside", to);
    }
    if (rc == 0 && rename(from, to) != 0) {
        rc = err_sys(e, E_IO, errno, "cannot put the profile to %s", to);
    }
    return rc;
}

static int place_media(const struct import *x, struct err *e)
{
    char from[PATH_LEN + 400], to[PATH_LEN + 400];
    (void)snprintf(from, sizeof(from), "%s/media", x->dir);
    DIR *d = opendir(from);
    if (d == NULL) {
        return errno == ENOENT ? 0 : err_sys(e, E_IO, errno, "cannot read %s", from);
    }
    (void)snprintf(to, sizeof(to), "%s/media/%s", x->data_dir, x->tenant);
    int rc = make_folder(to, 0700, e);
    for (struct dirent *it; rc == 0 && (it = readdir(d)) != NULL;) {
        if (strlen(it->d_name) != 64 || strspn(it->d_name, "0123456789abcdef") != 64) {
            continue;
        }
        (void)snprintf(to, sizeof(to), "%s/media/%s/%.2s", x->data_dir, x->tenant, it->d_name);
        rc = make_folder(to, 0700, e);
        (void)snprintf(from, sizeof(from), "%s/media/%s", x->dir, it->d_name);
        (void)snprintf(to, sizeof(to), "%s/media/%s/%.2s/%s", x->data_dir, x->tenant, it->d_name,
                       it->d_name);
        if (rc == 0 && access(to, F_OK) != 0 && rename(from, to) != 0) {
            rc = err_sys(e, E_IO, errno, "cannot put a file to %s", to);
        }
    }
    closedir(d);
    return rc;
}

static void place_files(struct work *w)
{
    struct import *x = LIST_ENTRY(w, struct import, work);
    char path[PATH_LEN + 16];
    (void)snprintf(path, sizeof(path), "%s/rows", x->dir);
    int rc = rows_open(&x->rows, path, &x->files_err);
    rc = rc != 0 ? rc : place_media(x, &x->files_err);
    (void)(rc != 0 ? rc : place_profile(x, &x->files_err));
}

/* ---- rows (writer) ---------------------------------------------------------------------------- */

static int keep_record(struct import *x, const struct row *row, struct err *e)
{
    if (x->record != NULL) {
        return 0; /* applied again */
    }
    x->record = record_parse((struct store_value){row->data, row->len}, e);
    if (x->record == NULL) {
        return E_PROTO;
    }
    json_t *o = x->record;
    int rc = body_set(o, "want", json_string(x->start ? "running" : "stopped"));
    rc = rc != 0 ? rc : body_set(o, "status", json_string("stopped"));
    rc = rc != 0 ? rc : body_set(o, "status_reason", json_string("imported"));
    rc = rc != 0 ? rc : body_set(o, "reason_code", json_string("imported"));
    rc = rc != 0 ? rc : body_set(o, "exported", json_false());
    rc = rc != 0 ? rc : body_set(o, "quarantine", json_false());
    return rc != 0 ? rc : body_set(o, "deleting", json_false());
}

static int put_rows(struct store_txn *t, struct import *x, struct err *e)
{
    struct row row;
    int rc = fseek(x->rows.f, x->at, SEEK_SET) != 0
                 ? err_sys(e, E_IO, errno, "cannot read the rows of the session")
                 : 0;
    unsigned n = 0;
    x->last = false;
    while (rc == 0 && n++ < ROWS_IN_ONE) {
        rc = rows_next(&x->rows, &row, e);
        if (rc == E_NOTFOUND) {
            x->last = true;
            break;
        }
        rc = rc != 0 ? rc : row_put(t, x->tenant, x->session, &row, e);
        if (rc == 0 && row_is_session(&row)) {
            rc = keep_record(x, &row, e);
        }
    }
    x->next_at = ftell(x->rows.f);
    return x->last ? 0 : rc;
}

static int check_absent(struct store_txn *t, const struct import *x, struct err *e)
{
    struct store_value v;
    int rc = tenant_check(t, x->tenant, e);
    rc = rc != 0 ? rc : store_get(t, STORE_SESSIONS, STORE_PATH(x->tenant, x->session), &v);
    return rc == 0 ? err_word(e, E_EXISTS, "session_exists",
                              "there is a session %s/%s already: delete it first, or import under "
                              "another name (--as)",
                              x->tenant, x->session)
           : rc == E_NOTFOUND && (e == NULL || e->code == 0) ? 0
                                                             : rc;
}

static int apply(struct store_txn *t, struct call *c, struct err *e)
{
    struct import *x = (struct import *)c;
    size_t n = 0;
    int rc = check_absent(t, x, e);
    if (rc != 0) {
        return rc;
    }
    switch (x->step) {
    case STEP_ERASE:
        rc = store_erase_some(t, x->tenant, x->session, false, ERASE_IN_ONE, &n);
        x->last = n < ERASE_IN_ONE;
        return rc;
    case STEP_ROWS:
        return put_rows(t, x, e);
    case STEP_RECORD:
        break;
    }
    return x->record == NULL ? err_word(e, E_PROTO, "damaged_backup",
                                        "the export has no record of its session")
                             : record_put(t, STORE_SESSIONS, STORE_PATH(x->tenant, x->session),
                                          x->record, e);
}

static void finish(struct call *c, int rc)
{
    struct import *x = (struct import *)c;
    if (rc != 0) {
        return;
    }
    if (x->step == STEP_RECORD) {
        (void)session_adopt(c->b, x->tenant, x->session, x->record, &c->answer, &c->op.err);
        return;
    }
    if (x->step == STEP_ROWS) {
        x->at = x->next_at;
    }
    if (x->last) {
        x->step++;
    }
    call_again(c);
}

static void release(struct call *c)
{
    struct import *x = (struct import *)c;
    list_remove(&x->link);
    rows_close(&x->rows);
    json_decref(x->record);
    json_decref(c->answer);
    free(x);
}

/* ---- on the loop ------------------------------------------------------------------------------ */

static void on_placed(struct work *w, int rc)
{
    struct import *x = LIST_ENTRY(w, struct import, work);
    struct bridge *b = x->call.b;
    (void)rc;
    if (x->files_err.code != 0) {
        x->call.done(x->call.arg, &(struct bridge_reply){.err = &x->files_err});
        release(&x->call);
    } else {
        call_submit(&x->call, b, x->call.done, x->call.arg);
    }
    core_leave(b);
}

static bool is_under_way(const struct bridge *b, const char *tenant, const char *session)
{
    LIST_FOREACH(&b->core->imports, it, next)
    {
        const struct import *x = LIST_ENTRY(it, struct import, link);
        if (strcmp(x->tenant, tenant) == 0 && strcmp(x->session, session) == 0) {
            return true;
        }
    }
    return false;
}

static int check_body(struct bridge *b, const char *tenant, const char *session, const json_t *body,
                      struct import *x, struct err *e)
{
    static const char *const fields[] = {"folder", "start", NULL};
    static const char alphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    const char *folder = json_str_or(body, "folder", "");
    struct session *s;
    int rc = body_check(body, fields, e);
    rc = rc != 0 ? rc : tenant_exists(b, tenant, e);
    if (rc == 0 && session_find(b, tenant, session, &s, NULL) == 0) {
        rc = err_word(e, E_EXISTS, "session_exists",
                      "there is a session %s/%s already: delete it first, or import under another "
                      "name (--as)",
                      tenant, session);
    }
    if (rc == 0 && is_under_way(b, tenant, session)) {
        rc = err_word(e, E_CONFLICT, "import_running",
                      "the session %s/%s is being imported already: wait for its end", tenant,
                      session);
    }
    if (rc == 0 && !text_is_name(session)) {
        rc = err_field(e, "invalid_name", "session", "a name is a-z, 0-9, - and _, at most 63");
    }
    if (rc == 0 && (strlen(folder) != FOLDER_LEN || strspn(folder, alphabet) != FOLDER_LEN)) {
        rc = err_field(e, NULL, "folder", "folder is what `wabridge import-session` unpacked");
    }
    if (rc == 0 && strlen(b->cfg.data_dir) + FOLDER_LEN + 64 > PATH_LEN) {
        rc = err_set(e, E_INVALID, "the data directory's path is too long");
    }
    if (rc == 0) {
        (void)snprintf(x->dir, sizeof(x->dir), "%s/import/%s", b->cfg.data_dir, folder);
        (void)snprintf(x->data_dir, sizeof(x->data_dir), "%s", b->cfg.data_dir);
        memcpy(x->tenant, tenant, strlen(tenant) + 1);
        memcpy(x->session, session, strlen(session) + 1);
        x->start = json_flag(body, "start", true);
        x->passable = b->cfg.browser.user != NULL;
    }
    return rc;
}

void bridge_session_import(struct bridge *b, const char *tenant, const char *session,
                           const json_t *body, bridge_done_fn done, void *arg)
{
    struct err e;
    struct import *x = mem_calloc(1, sizeof(*x));
    int rc = x == NULL ? err_set(&e, E_NOMEM, "out of memory")
                       : check_body(b, tenant, session, body, x, &e);
    if (rc == 0 && x != NULL) {
        x->call.b = b;
        x->call.done = done;
        x->call.arg = arg;
        x->call.apply = apply;
        x->call.finish = finish;
        x->call.release = release;
        list_init(&x->link);
        rc = work_submit(b->loop, &x->work, place_files, on_placed);
        if (rc != 0) {
            err_set(&e, rc, "too much waits for the disk; try again in a moment");
        }
    }
    if (rc != 0) {
        free(x);
        reply_later(b, done, arg, &e, NULL);
        return;
    }
    list_append(&b->core->imports, &x->link);
    core_enter(b);
}
