/*
 * A file on its way in.
 *
 * Happy path: media_file_write() fills one piece while a job writes the other -> media_file_end()
 * -> job: sync, sniff -> rules of its type -> job: to its place -> operation: its record -> cb.
 * At most one job or operation of a file is under way; on_step() decides the next each time one
 * ended.
 *
 * Failure modes: the first error is kept and nothing more is taken; the temporary file goes, then
 * the caller is told. The disk is full: E_FULL, nothing stays. The content is being removed just
 * now: placing waits for that. The record cannot be written: the placed file goes again. The tenant
 * went meanwhile: E_NOTFOUND "unknown_tenant". The tenant's quota is used up: E_LIMIT, as soon as the
 * count passes what it left at the start; others may have come first, so the record's operation has
 * the last word.
 */
#include "media_priv.h"

#include "clock.h"
#include "mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void on_step(struct media_file *f);

int media_file_new(struct media *m, const char *tenant, uint64_t max_bytes, struct media_file **out,
                   struct err *e)
{
    if (m->closing) {
        return err_set(e, E_CANCELED, "the server is stopping");
    }
    if (m->file_count >= MEDIA_MAX_FILES) {
        return err_word(e, E_LIMIT, "too_many_uploads",
                        "%d files are on their way already; try again in a moment",
                        MEDIA_MAX_FILES);
    }
    struct media_file *f = mem_calloc(1, sizeof(*f));
    if (f == NULL) {
        return err_set(e, E_NOMEM, "out of memory");
    }
    f->fill = mem_malloc(MEDIA_PIECE);
    f->drain = mem_malloc(MEDIA_PIECE);
    f->digest = crypto_digest_new();
    if (f->fill == NULL || f->drain == NULL || f->digest == NULL) {
        free(f->fill);
        free(f->drain);
        crypto_digest_free(f->digest);
        free(f);
        return err_set(e, E_NOMEM, "out of memory");
    }
    f->m = m;
    f->fd = -1;
    f->max_bytes = max_bytes;
    f->quota_bytes = UINT64_MAX;
    f->word_toolarge = "media_too_large";
    (void)snprintf(f->tenant, sizeof(f->tenant), "%s", tenant);
    list_append(&m->files, &f->link);
    m->file_count++;
    media_enter(m);
    *out = f;
    return 0;
}

int media_file_quota(struct media_file *f, struct err *e)
{
    struct store_txn *t = NULL;
    int rc = store_read(f->m->b->store, &t, e);
    if (rc != 0) {
        return rc;
    }
    f->quota_bytes = media_quota_room(t, f->tenant);
    store_read_end(t);
    return f->quota_bytes > 0 ? 0 : media_quota_exceeded(e, f->tenant);
}

static void file_free(struct media_file *f)
{
    struct media *m = f->m;
    list_remove(&f->link);
    m->file_count--;
    crypto_digest_free(f->digest);
    free(f->fill);
    free(f->drain);
    free(f->text);
    free(f->path);
    free(f);
    media_leave(m);
}

/* ---- jobs (pool thread) ------------------------------------------------------------------------
 */

static struct media_file *file_of(struct work *w)
{
    return LIST_ENTRY(w, struct media_file, work);
}

static int write_piece(struct media_file *f, const void *data, size_t len)
{
    int rc = f->fd >= 0 ? 0 : disk_open(f->m->root, f->tenant, &f->path, &f->fd, &f->job_err);
    rc = rc != 0 ? rc : disk_write(f->fd, data, len, &f->job_err);
    return rc != 0 ? rc : crypto_digest_update(f->digest, data, len);
}

static void job_write(struct work *w)
{
    struct media_file *f = file_of(w);
    if (write_piece(f, f->drain, f->drain_len) != 0 && f->job_err.code == 0) {
        err_set(&f->job_err, E_NOMEM, "out of memory");
    }
    f->drain_len = 0;
}

/* Standard or URL alphabet, with or without padding, blanks anywhere, "data:…;base64," before it.
 * In place: the result is never longer. */
static size_t clean_base64(struct media_file *f)
{
    char *s = f->text;
    if (strncmp(s, "data:", 5) == 0) {
        char *comma = strchr(s, ',');
        if (comma == NULL || comma - s < 12 || strncmp(comma - 7, ";base64", 7) != 0) {
            return 0;
        }
        if (f->declared[0] == '\0') {
            (void)snprintf(f->declared, sizeof(f->declared), "%.*s", (int)strcspn(s + 5, ";,"),
                           s + 5);
        }
        s = comma + 1;
    }
    size_t n = 0;
    for (; *s != '\0'; s++) {
        if (*s != ' ' && *s != '\t' && *s != '\r' && *s != '\n') {
            f->text[n++] = *s == '-' ? '+' : *s == '_' ? '/' : *s;
        }
    }
    size_t missing = (4 - n % 4) % 4;
    if (missing == 3) {
        return 0;
    }
    while (missing-- > 0) {
        f->text[n++] = '='; /* there is room: the copy was made with some more */
    }
    f->text[n] = '\0';
    return n;
}

static void job_decode(struct work *w)
{
    struct media_file *f = file_of(w);
    size_t len = clean_base64(f), out_len = 0;
    uint8_t *out = mem_malloc(len / 4 * 3 + 1);
    if (out == NULL) {
        err_set(&f->job_err, E_NOMEM, "out of memory");
    } else if (len == 0 || crypto_base64_decode(f->text, len, out, &out_len) != 0) {
        err_field(&f->job_err, "invalid_base64", f->field, "base64 is not readable as base64");
    } else if (out_len > f->max_bytes) {
        err_word(&f->job_err, E_TOOLARGE, f->word_toolarge,
                 "the file has %zu bytes, at most %llu are taken for this type", out_len,
                 (unsigned long long)f->max_bytes);
    } else if (out_len > f->quota_bytes) {
        media_quota_exceeded(&f->job_err, f->tenant);
    } else if (write_piece(f, out, out_len) != 0 && f->job_err.code == 0) {
        err_set(&f->job_err, E_NOMEM, "out of memory");
    }
    f->taken = out_len;
    free(out);
    free(f->text);
    f->text = NULL;
}

static void job_seal(struct work *w)
{
    struct media_file *f = file_of(w);
    uint8_t hash[CRYPTO_SHA256_LEN];
    if (disk_seal(f->fd, f->declared, &f->info, &f->job_err) != 0) {
        return;
    }
    if (f->digest != NULL && crypto_digest_end(f->digest, hash) == 0) {
        crypto_hex(hash, sizeof(hash), f->info.sha256);
    }
    crypto_digest_free(f->digest);
    f->digest = NULL;
}

static void job_place(struct work *w)
{
    struct media_file *f = file_of(w);
    if (disk_place(f->m->root, f->tenant, f->path, &f->info, &f->job_err) == 0) {
        f->placed = true;
        free(f->path);
        f->path = NULL;
    }
    (void)close(f->fd);
    f->fd = -1;
}

static void job_discard(struct work *w)
{
    struct media_file *f = file_of(w);
    if (f->fd >= 0) {
        (void)close(f->fd);
    }
    f->fd = -1;
    if (f->path != NULL) {
        (void)unlink(f->path);
    }
    free(f->path);
    f->path = NULL;
}

static void job_nothing(struct work *w)
{
    (void)w;
}

static void on_job(struct work *w, int rc)
{
    (void)rc; /* nothing cancels these */
    struct media_file *f = file_of(w);
    f->busy = false;
    if (f->job_err.code != 0 && f->err.code == 0) {
        err_copy(&f->err, &f->job_err);
    }
    f->sealed = f->info.mimetype[0] != '\0';
    on_step(f);
}

static void submit(struct media_file *f, void (*job)(struct work *))
{
    f->busy = true;
    if (work_submit(f->m->b->loop, &f->work, job, on_job) == 0) {
        f->in_call = false;
        return;
    }
    f->busy = false;
    if (f->err.code == 0) {
        err_set(&f->err, E_LIMIT, "too much waits for the disk; try again in a moment");
    }
    job_discard(&f->work); /* a closed descriptor and a name less: short enough for here */
    on_step(f);
}

/* ---- the record --------------------------------------------------------------------------------
 */

static int apply_record(struct store_txn *t, struct store_op *op)
{
    struct media_file *f = op->data;
    err_clear(&op->err);
    int rc = tenant_check(t, f->tenant, &op->err);
    rc = rc != 0 ? rc
                 : media_quota_check(t, f->tenant, f->info.sha256, f->info.size_bytes, &op->err);
    return rc != 0 ? rc : media_put(t, f->tenant, &f->info, clock_wall_ms());
}

static void on_recorded(struct store_op *op, int rc)
{
    struct media_file *f = op->data;
    f->busy = false;
    if (rc != 0) {
        err_copy(&f->err, &op->err);
        store_err(&f->err, rc, "the file could not be recorded");
    } else {
        f->m->stored_bytes += f->info.size_bytes;
    }
    media_got_cb cb = f->cb;
    void *arg = f->arg;
    struct err e = f->err;
    struct media_info info = f->info;
    bool worked = rc == 0;
    struct media *m = f->m;
    char tenant[sizeof(f->tenant)];
    memcpy(tenant, f->tenant, sizeof(tenant));
    media_enter(m);
    file_free(f);
    if (!worked) {
        removal_orphan(m, tenant, info.sha256);
    }
    cb(arg, worked ? NULL : &e, worked ? &info : NULL);
    media_leave(m);
}

/* ---- the next step -----------------------------------------------------------------------------
 */

static void tell_room(struct media_file *f)
{
    if (f->stuck && f->on_room != NULL) {
        f->stuck = false;
        f->on_room(f->room_arg);
    }
}

static void fail(struct media_file *f)
{
    if (f->fd >= 0 || f->path != NULL) {
        submit(f, job_discard);
        return;
    }
    if (f->aborted) {
        file_free(f);
        return;
    }
    if (!f->ended) {
        tell_room(f); /* its owner will end or abort it */
        return;
    }
    media_got_cb cb = f->cb;
    void *arg = f->arg;
    struct err e = f->err;
    struct media *m = f->m;
    bool later = f->in_call;
    media_enter(m);
    file_free(f);
    if (later) {
        media_answer_later(m, cb, arg, &e, NULL);
    } else {
        cb(arg, &e, NULL);
    }
    media_leave(m);
}

static void drain(struct media_file *f)
{
    char *full = f->fill;
    f->fill = f->drain;
    f->drain = full;
    f->drain_len = f->fill_len;
    f->fill_len = 0;
    submit(f, job_write);
}

static bool rules_allow(struct media_file *f)
{
    if (f->info.size_bytes == 0) {
        err_field(&f->err, "empty_file", f->field, "the file is empty");
    } else if (f->info.size_bytes > f->max_bytes) {
        err_word(&f->err, E_TOOLARGE, f->word_toolarge, "the file has more than %llu bytes",
                 (unsigned long long)f->max_bytes);
    } else if (f->type[0] != '\0') {
        (void)media_check(f->m->b, f->type, &f->info, &f->err);
    }
    return f->err.code == 0;
}

static void on_step(struct media_file *f)
{
    if (f->busy) {
        return;
    }
    if (f->aborted || f->err.code != 0) {
        fail(f);
    } else if (f->text != NULL) {
        submit(f, job_decode);
    } else if (f->fill_len > 0 && (f->ended || f->fill_len >= MEDIA_PIECE / 2 || f->stuck)) {
        drain(f);
        tell_room(f);
    } else if (!f->ended) {
        tell_room(f);
    } else if (f->fd < 0 && !f->placed) {
        (void)rules_allow(f); /* nothing was written: empty */
        fail(f);
    } else if (!f->sealed) {
        submit(f, job_seal);
    } else if (!f->placed) {
        if (!rules_allow(f)) {
            fail(f);
        } else if (removal_holds(f->m, f->tenant, f->info.sha256)) {
            f->waits = true; /* until media_file_wake() */
        } else {
            submit(f, job_place);
        }
    } else {
        f->busy = true;
        f->op.data = f;
        store_submit(f->m->b->store, &f->op, apply_record, on_recorded);
    }
}

static struct media_file *first_waiting(struct media *m)
{
    LIST_FOREACH(&m->files, it, next)
    {
        struct media_file *f = LIST_ENTRY(it, struct media_file, link);
        if (f->waits && !removal_holds(m, f->tenant, f->info.sha256)) {
            return f;
        }
    }
    return NULL;
}

void media_file_wake(struct media *m)
{
    struct media_file *f = NULL;
    media_enter(m);
    while ((f = first_waiting(m)) != NULL) {
        f->waits = false;
        on_step(f);
    }
    media_leave(m);
}

/* ---- for its owner -----------------------------------------------------------------------------
 */

size_t media_file_room(const struct media_file *f)
{
    return f->err.code != 0 ? 0 : MEDIA_PIECE - f->fill_len;
}

size_t media_file_write(struct media_file *f, const void *data, size_t len)
{
    size_t room = media_file_room(f);
    size_t n = len < room ? len : room;
    if (f->err.code != 0) {
        return 0;
    }
    if (f->taken + n > f->max_bytes) {
        err_word(&f->err, E_TOOLARGE, f->word_toolarge, "the file has more than %llu bytes",
                 (unsigned long long)f->max_bytes);
        return 0;
    }
    if (f->taken + n > f->quota_bytes) {
        media_quota_exceeded(&f->err, f->tenant);
        return 0;
    }
    memcpy(f->fill + f->fill_len, data, n);
    f->fill_len += n;
    f->taken += n;
    f->stuck = n < len;
    if (!f->busy && (f->fill_len >= MEDIA_PIECE / 2 || f->stuck)) {
        f->stuck = false; /* the caller sees the room that draining makes */
        drain(f);
        return n < len ? n + media_file_write(f, (const char *)data + n, len - n) : n;
    }
    return n;
}

void media_file_wait(struct media_file *f)
{
    f->stuck = true;
    if (!f->busy && f->err.code == 0) {
        drain(f);
    }
}

void media_file_end(struct media_file *f, media_got_cb cb, void *arg)
{
    f->cb = cb;
    f->arg = arg;
    f->ended = true;
    f->stuck = false;
    if (!f->busy) {
        f->in_call = true;
        submit(f, job_nothing); /* what follows calls back from the loop */
    }
}

void media_file_abort(struct media_file *f)
{
    f->aborted = true;
    f->on_room = NULL;
    if (!f->busy) {
        submit(f, job_discard);
    }
}
