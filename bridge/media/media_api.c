/* bridge.h's section: uploads, downloads, links. */
#include "media_priv.h"

#include "clock.h"
#include "json.h"
#include "media_sniff.h"
#include "mem.h"
#include "text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

uint64_t bridge_media_max_upload(const struct bridge *b)
{
    return b->cfg.media.max_upload_bytes;
}

/* ---- upload ------------------------------------------------------------------------------------
 */

struct bridge_upload {
    struct media_file file; /* only member */
};

int bridge_upload_begin(struct bridge *b, const struct bridge_upload_spec *s,
                        struct bridge_upload **out, struct err *e)
{
    struct media_file *f = NULL;
    int rc = tenant_exists(b, s->tenant, e);
    rc = rc != 0 ? rc : media_file_new(b->media, s->tenant, b->cfg.media.max_upload_bytes, &f, e);
    rc = rc != 0 ? rc : media_file_quota(f, e);
    if (rc != 0) {
        if (f != NULL) {
            media_file_abort(f);
        }
        return rc;
    }
    f->word_toolarge = "payload_too_large";
    f->on_room = s->on_room;
    f->room_arg = s->arg;
    *out = (struct bridge_upload *)f;
    bridge_upload_name(*out, s->mimetype, s->filename);
    return 0;
}

void bridge_upload_name(struct bridge_upload *u, const char *mimetype, const char *filename)
{
    struct media_file *f = &u->file;
    if (mimetype != NULL) {
        (void)snprintf(f->declared, sizeof(f->declared), "%s", mimetype);
    }
    if (filename != NULL) {
        media_filename_clean(filename, f->info.filename);
    }
}

size_t bridge_upload_room(const struct bridge_upload *u)
{
    return media_file_room(&u->file);
}

void bridge_upload_wait(struct bridge_upload *u)
{
    media_file_wait(&u->file);
}

int bridge_upload_write(struct bridge_upload *u, const void *data, size_t len, size_t *taken,
                        struct err *e)
{
    *taken = media_file_write(&u->file, data, len);
    if (u->file.err.code != 0) {
        err_copy(e, &u->file.err);
        return u->file.err.code;
    }
    return 0;
}

void bridge_upload_abort(struct bridge_upload *u)
{
    media_file_abort(&u->file);
}

static json_t *object_of(const struct media_record *r)
{
    const struct media_info *i = &r->info;
    json_t *o = json_object();
    int rc = json_set_str(o, "media_id", i->sha256);
    rc |= json_set_str(o, "sha256", i->sha256);
    rc |= body_set(o, "size_bytes", json_integer((json_int_t)i->size_bytes));
    rc |= json_set_str(o, "mimetype", i->mimetype);
    rc |= json_set_str(o, "filename", i->filename[0] != '\0' ? i->filename : NULL);
    rc |= body_set(o, "width", i->width > 0 ? json_integer(i->width) : json_null());
    rc |= body_set(o, "height", i->height > 0 ? json_integer(i->height) : json_null());
    rc |= body_set(o, "duration_s", i->duration_s > 0 ? json_integer(i->duration_s) : json_null());
    rc |= json_set_time(o, "created_at", r->created_ms);
    if (rc != 0) {
        json_decref(o);
        return NULL;
    }
    return o;
}

static int record_of(struct bridge *b, const char *tenant, const char *media_id,
                     struct media_record *r, struct err *e)
{
    struct store_txn *t = NULL;
    int rc = store_read(b->store, &t, e);
    if (rc != 0) {
        return rc;
    }
    rc = tenant_check(t, tenant, e);
    if (rc == 0) {
        rc = media_record_get(t, tenant, media_id, r);
        rc = rc == E_NOTFOUND ? media_unknown(e) : rc == 0 ? 0 : store_err(e, rc, "the file");
    }
    store_read_end(t);
    return rc;
}

struct upload_answer {
    struct bridge *b;
    char tenant[64];
    bridge_done_fn done;
    void *arg;
};

static void on_uploaded(void *arg, const struct err *e, const struct media_info *info)
{
    struct upload_answer *a = arg;
    struct media_record r;
    struct err why;
    json_t *body = NULL;
    if (e == NULL && record_of(a->b, a->tenant, info->sha256, &r, &why) != 0) {
        e = &why;
    } else if (e == NULL) {
        if (info->filename[0] != '\0') { /* as given now, whatever it was called before */
            memcpy(r.info.filename, info->filename, sizeof(r.info.filename));
        }
        body = object_of(&r);
        if (body == NULL) {
            err_set(&why, E_NOMEM, "out of memory");
            e = &why;
        }
    }
    a->done(a->arg, &(struct bridge_reply){.err = e, .body = body});
    json_decref(body);
    free(a);
}

void bridge_upload_end(struct bridge_upload *u, bridge_done_fn done, void *arg)
{
    struct media_file *f = &u->file;
    struct bridge *b = f->m->b;
    struct upload_answer *a = mem_calloc(1, sizeof(*a));
    if (a == NULL) {
        struct err e;
        err_set(&e, E_NOMEM, "out of memory");
        media_file_abort(f);
        reply_later(b, done, arg, &e, NULL);
        return;
    }
    a->b = b;
    a->done = done;
    a->arg = arg;
    memcpy(a->tenant, f->tenant, sizeof(a->tenant));
    media_file_end(f, on_uploaded, a);
}

/* ---- reading -----------------------------------------------------------------------------------
 */

int bridge_media_info(struct bridge *b, const char *tenant, const char *media_id, json_t **out,
                      struct err *e)
{
    struct media_record r;
    int rc = record_of(b, tenant, media_id, &r, e);
    if (rc != 0) {
        return rc;
    }
    *out = object_of(&r);
    if (*out == NULL || json_set_time(*out, "last_used_at", r.used_ms) != 0) {
        json_decref(*out);
        *out = NULL;
        return err_set(e, E_NOMEM, "out of memory");
    }
    return 0;
}

int bridge_media_open(struct bridge *b, const char *tenant, const char *media_id,
                      struct bridge_media_file *out, struct err *e)
{
    struct media_record r;
    struct buf path;
    struct stat st;
    int rc = record_of(b, tenant, media_id, &r, e);
    if (rc != 0) {
        return rc;
    }
    buf_init(&path, 4096);
    if (media_path(b, tenant, media_id, &path) != 0) {
        buf_finish(&path);
        return err_set(e, E_NOMEM, "out of memory");
    }
    out->fd = open(path.data, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    int sys = errno;
    buf_finish(&path);
    if (out->fd < 0) {
        return sys == ENOENT ? media_unknown(e) : err_sys(e, E_IO, sys, "the file");
    }
    out->size_bytes = fstat(out->fd, &st) == 0 ? (uint64_t)st.st_size : 0;
    memcpy(out->mimetype, r.info.mimetype, sizeof(out->mimetype));
    memcpy(out->filename, r.info.filename, sizeof(out->filename));
    out->active = sniff_type_active(r.info.mimetype);
    return 0;
}

int bridge_media_link(struct bridge *b, const char *tenant, const char *media_id, uint64_t ttl_s,
                      json_t **out, struct err *e)
{
    struct media_record r;
    char signature[LINK_SIGNATURE_LEN + 1];
    uint64_t expires = clock_wall_ms() / 1000 + ttl_s;
    int rc = record_of(b, tenant, media_id, &r, e);
    if (rc == 0 && (ttl_s < 1 || ttl_s > LINK_MAX_TTL_S)) {
        rc = err_field(e, NULL, "ttl_s", "ttl_s is 1 to %d seconds", LINK_MAX_TTL_S);
    }
    if (rc == 0 && link_sign(b->core->pepper, tenant, media_id, expires, signature) != 0) {
        rc = err_set(e, E_NOMEM, "out of memory");
    }
    if (rc != 0) {
        return rc;
    }
    char *url = mem_printf("/v1/tenants/%s/media/%s?expires=%llu&signature=%s", tenant, media_id,
                           (unsigned long long)expires, signature);
    json_t *o = json_object();
    rc = url == NULL ? E_NOMEM : json_set_str(o, "url", url);
    rc = rc != 0 ? rc : json_set_time(o, "expires_at", expires * 1000);
    free(url);
    if (rc != 0) {
        json_decref(o);
        return err_set(e, E_NOMEM, "out of memory");
    }
    *out = o;
    return 0;
}

int bridge_media_link_check(struct bridge *b, const char *tenant, const char *media_id,
                            const char *expires, const char *signature, struct err *e)
{
    return link_check(b->core->pepper, tenant, media_id, expires, signature, clock_wall_ms(), e);
}

/* ---- delete ------------------------------------------------------------------------------------
 */

struct deletion {
    bridge_done_fn done;
    void *arg;
};

static int decide_delete(struct store_txn *t, struct media_removal *r, struct err *e)
{
    struct store_value v;
    int rc = tenant_check(t, r->tenant, e);
    rc = rc != 0 ? rc : store_get(t, STORE_MEDIA, STORE_PATH(r->tenant, r->item[0].sha256), &v);
    r->item[0].go = rc == 0;
    return rc == E_NOTFOUND && e->code == 0 ? media_unknown(e) : rc;
}

static void on_deleted(struct media_removal *r, const struct err *e)
{
    struct deletion *d = r->data;
    d->done(d->arg, &(struct bridge_reply){.err = e});
    free(d);
}

void bridge_media_delete(struct bridge *b, const char *tenant, const char *media_id,
                         bridge_done_fn done, void *arg)
{
    struct err e;
    struct deletion *d = NULL;
    struct media_removal *r = NULL;
    if (!media_id_valid(media_id) || !text_is_name(tenant)) {
        media_unknown(&e);
    } else if ((d = mem_calloc(1, sizeof(*d))) == NULL ||
               (r = removal_new(b->media, tenant)) == NULL) {
        err_set(&e, E_NOMEM, "out of memory");
    } else {
        *d = (struct deletion){.done = done, .arg = arg};
        r->decide = decide_delete;
        r->done = on_deleted;
        r->data = d;
        if (removal_add(r, media_id)) {
            removal_start(r);
            return;
        }
        removal_drop(r);
        err_word(&e, E_CONFLICT, "media_in_use", "the file just comes in or goes; try again");
    }
    free(d);
    reply_later(b, done, arg, &e, NULL);
}
