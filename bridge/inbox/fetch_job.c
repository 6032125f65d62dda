/* One file: fetched, kept, told. See fetcher.c. */
#include "fetcher_priv.h"

#include "clock.h"
#include "event.h"
#include "json.h"
#include "log.h"
#include "mem.h"
#include "usage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- what the message shows --------------------------------------------------------------------
 */

int fetch_show_state(json_t *m, const char *state, const struct err *error)
{
    json_t *media = json_obj(m, "media");
    int rc = json_set_str(media, "state", state);
    if (rc == 0 && error == NULL) {
        (void)json_object_del(media, "error");
    } else if (rc == 0) {
        json_t *shown = json_pack("{s:s,s:s}", "code", err_word_of(error), "detail", error->msg);
        rc = shown != NULL && json_object_set_new(media, "error", shown) == 0 ? 0 : E_NOMEM;
    }
    return rc;
}

/* The file says it better than the message did, where it says anything. */
static int set_number(json_t *media, const char *key, uint64_t n)
{
    return n == 0 ? 0 : json_object_set_new(media, key, json_integer((json_int_t)n));
}

int fetch_show_file(json_t *m, const char *tenant, const struct media_info *info)
{
    char url[256];
    json_t *media = json_obj(m, "media");
    (void)snprintf(url, sizeof(url), "/v1/tenants/%s/media/%s", tenant, info->sha256);
    int rc = fetch_show_state(m, "ready", NULL);
    rc = rc != 0 ? rc : json_set_str(media, "sha256", info->sha256);
    rc = rc != 0 ? rc : json_set_str(media, "url", url);
    /* bytes that say nothing leave what the message told */
    bool says =
        info->mimetype[0] != '\0' && strcmp(info->mimetype, "application/octet-stream") != 0;
    if (rc == 0 && (says || json_str(media, "mimetype") == NULL)) {
        rc = json_set_str(media, "mimetype", info->mimetype);
    }
    if (rc == 0 && (json_object_set_new(media, "size_bytes",
                                        json_integer((json_int_t)info->size_bytes)) != 0 ||
                    set_number(media, "width", info->width) != 0 ||
                    set_number(media, "height", info->height) != 0 ||
                    set_number(media, "duration_s", info->duration_s) != 0)) {
        rc = E_NOMEM;
    }
    return rc;
}

/* ---- the end: one transaction
 * -------------------------------------------------------------------- */

static bool waits(const json_t *m)
{
    return strcmp(json_str_or(json_obj(m, "media"), "state", ""), "pending") == 0;
}

/* The message may have moved: its chat turned out to be another's. */
static int load(struct store_txn *t, const struct message_owner *o, const char *chat,
                const char *id, json_t **m, struct store_message_ref *ref)
{
    struct store_value v;
    int rc = message_find_in(t, o, chat, id, true, &v, ref);
    *m = rc == 0 ? message_load(v) : NULL;
    return rc == E_NOTFOUND ? 0 : rc;
}

static int show_end(struct store_txn *t, struct fetch_job *j, json_t *m)
{
    const struct message_owner *o = &j->f->owner;
    if (j->end == FETCH_READY) {
        snprintf(j->info.filename, sizeof(j->info.filename), "%.255s",
                 json_str_or(json_obj(m, "media"), "filename", ""));
        const json_t *chat = json_obj(m, "chat");
        const struct usage_item u = {.tenant = o->tenant,
                                     .session = o->session,
                                     .out = strcmp(json_str_or(m, "direction", ""), "out") == 0,
                                     .group = strcmp(json_str_or(chat, "type", "user"), "user") != 0,
                                     .phone = json_str(chat, "phone"),
                                     .bytes = j->info.size_bytes};
        int rc = media_put(t, o->tenant, &j->info, j->now_ms);
        rc = rc != 0 || u.out ? rc : usage_count(t, &u, j->now_ms);
        return rc != 0 ? rc : fetch_show_file(m, o->tenant, &j->info);
    }
    return fetch_show_state(m,
                            j->end == FETCH_EXPIRED   ? "expired"
                            : j->end == FETCH_SKIPPED ? "skipped"
                                                      : "failed",
                            &j->err);
}

static int on_apply(struct store_txn *t, struct store_op *op)
{
    struct fetch_job *j = op->data;
    const struct message_owner *o = &j->f->owner;
    struct store_message_ref ref;
    struct buf pub;
    json_t *m = NULL;
    j->told_event = false;
    if (j->end == FETCH_LATER) {
        return fetch_order_later(t, o, j->chat, j->id, j->tries, j->due_ms);
    }
    int rc = load(t, o, j->chat, j->id, &m, &ref);
    rc = rc != 0 ? rc : fetcher_forget(t, o, j->chat, j->id);
    buf_init(&pub, STORE_MAX_VALUE);
    if (rc == 0 && m != NULL && waits(m) && j->end != FETCH_VOID) {
        rc = show_end(t, j, m);
        rc = rc != 0
                 ? rc
                 : message_save(t, o->tenant, o->session, ref.chat, ref.id, ref.time_ms, m, &pub);
        rc = rc != 0 ? rc
                     : message_announce(j->f->b, t, o, "message.media", message_lane(m), pub.data,
                                        pub.len, NULL);
        j->told_event = rc == 0;
    }
    buf_finish(&pub);
    json_decref(m);
    return rc;
}

static void job_free(struct fetch_job *j, bool stored)
{
    struct fetcher *f = j->f;
    f->jobs[j->slot] = NULL;
    free(j);
    fetch_job_gone(f, stored);
}

static void on_stored(struct store_op *op, int rc)
{
    struct fetch_job *j = op->data;
    struct fetcher *f = j->f;
    if (rc == 0 && j->told_event) {
        event_committed(f->b, f->owner.tenant);
    }
    if (rc != 0) { /* the order is as it was: the next look finds it */
        log_warn(session_log(f->s), "fetch.store",
                 "what became of the file of message %s is not "
                 "stored: %s",
                 j->id, err_name(rc));
    } else if (j->end == FETCH_FAILED) {
        log_warn(session_log(f->s), "fetch.failed", "the file of message %s was not fetched: %s",
                 j->id, j->err.msg);
    }
    job_free(j, rc == 0);
}

static void end_job(struct fetch_job *j, enum fetch_end end)
{
    j->end = end;
    j->now_ms = clock_wall_ms();
    j->op.data = j;
    err_clear(&j->op.err);
    store_submit(j->f->b->store, &j->op, on_apply, on_stored);
}

/* ---- what a failure means
 * ------------------------------------------------------------------------
 */

/* The session went away in the middle: that says nothing about the file. */
static bool is_absence(const struct err *e)
{
    return e->code == E_CANCELED || e->code == E_CLOSED || e->code == E_STATE;
}

static void fail_job(struct fetch_job *j, const struct err *e)
{
    err_copy(&j->err, e);
    const bool gone = e->code == E_NOTFOUND && strcmp(err_word_of(e), "media_expired") == 0;
    const bool hopeless = e->code == E_TOOLARGE || e->code == E_UNSUPPORTED;
    if (gone || hopeless) {
        end_job(j, gone ? FETCH_EXPIRED : FETCH_FAILED);
        return;
    }
    if (e->code == E_LIMIT && strcmp(err_word_of(e), "quota_exceeded") == 0) {
        end_job(j, FETCH_SKIPPED);
        return;
    }
    j->tries += !is_absence(e) && e->code != E_FULL;
    if (j->tries >= FETCHER_TRIES) {
        end_job(j, FETCH_FAILED);
        return;
    }
    log_info(session_log(j->f->s), "fetch.later", "the file of message %s: %s", j->id, e->msg);
    j->due_ms = clock_wall_ms() + (is_absence(e) ? 1000 : fetch_wait(e, j->tries));
    end_job(j, FETCH_LATER);
}

/* ---- the way of a file
 * ----------------------------------------------------------------------------
 */

static void on_kept(void *arg, const struct err *e, const struct media_info *info)
{
    struct fetch_job *j = arg;
    if (e != NULL) {
        fail_job(j, e);
        return;
    }
    j->info = *info;
    end_job(j, FETCH_READY);
}

static void on_fetched(void *arg, const struct err *e, const struct channel_fetched *got)
{
    struct fetch_job *j = arg;
    struct err why;
    if (e == NULL && j->told[0] != '\0' && strcmp(j->told, got->sha256) != 0) {
        err_word(&why, E_PROTO, "media_mismatch",
                 "the file that came is not the one that the message names");
        e = &why;
    }
    if (e != NULL) {
        media_receive_abort(j->receipt);
        j->receipt = NULL;
        fail_job(j, e);
        return;
    }
    struct media_receipt *r = j->receipt;
    j->receipt = NULL;
    media_received(r, got->size_bytes, got->sha256, got->mimetype, on_kept, j);
}

/* By what the message tells of its file; what it really has is looked at when it is recorded. */
static int has_room(const struct fetch_job *j, uint64_t size_bytes, struct err *e)
{
    struct store_txn *t = NULL;
    int rc = store_read(j->f->b->store, &t, e);
    if (rc == 0) {
        rc = media_quota_glance(t, j->f->owner.tenant, j->told, size_bytes, e);
        store_read_end(t);
    }
    return rc;
}

/* What the message says of its file. */
struct wanted {
    char chat[STORE_MAX_ID + 1];
    char type[32];
    uint64_t size_bytes;
    bool waits;
};

static int read_message(struct fetch_job *j, struct wanted *w)
{
    struct store_txn *t;
    struct store_message_ref ref;
    struct err e;
    json_t *m = NULL;
    memset(w, 0, sizeof(*w));
    int rc = store_read(j->f->b->store, &t, &e);
    if (rc != 0) {
        return rc;
    }
    rc = load(t, &j->f->owner, j->chat, j->id, &m, &ref);
    store_read_end(t);
    json_t *media = json_obj(m, "media");
    int64_t size = json_int(media, "size_bytes", 0);
    w->waits = m != NULL && waits(m);
    w->size_bytes = size > 0 ? (uint64_t)size : 0;
    (void)snprintf(w->chat, sizeof(w->chat), "%s", json_str_or(json_obj(m, "chat"), "id", j->chat));
    (void)snprintf(w->type, sizeof(w->type), "%s", json_str_or(m, "type", ""));
    (void)snprintf(j->told, sizeof(j->told), "%s", json_str_or(media, "sha256", ""));
    json_decref(m);
    return rc;
}

bool fetch_job_start(struct fetcher *f, const struct fetch_due *due)
{
    struct wanted w;
    struct err e;
    int fd = -1;
    struct fetch_job *j = mem_calloc(1, sizeof(*j));
    if (j == NULL) {
        return false;
    }
    j->f = f;
    while (f->jobs[j->slot] != NULL) {
        j->slot++;
    }
    f->jobs[j->slot] = j;
    f->running++;
    memcpy(j->chat, due->chat, sizeof(j->chat));
    memcpy(j->id, due->id, sizeof(j->id));
    j->tries = due->order.tries;
    int rc = read_message(j, &w);
    if (rc == 0 && !w.waits) {
        end_job(j, FETCH_VOID);
        return true;
    }
    rc = rc != 0 ? err_set(&e, rc, "the message cannot be read") : has_room(j, w.size_bytes, &e);
    rc = rc != 0 ? rc : media_receive(f->b, f->owner.tenant, &j->receipt, &fd, &e);
    if (rc != 0) {
        fail_job(j, &e);
        return true;
    }
    /* What the message tells of its size is its sender's word; who asks for the file in spite of
     * the rules asks for what was told. */
    const uint64_t of_type = media_limit(f->b, w.type), of_rules = media_max_download(f->s);
    const uint64_t limit = of_type < of_rules ? of_type : of_rules;
    channel_fetch_media(session_channel(f->s), w.chat, j->id, fd,
                        w.size_bytes > limit ? w.size_bytes : limit, on_fetched, j);
    return true;
}
