/* From one of three sources to a stored file. */
#include "media_priv.h"

#include "mem.h"

#include <stdio.h>
#include <string.h>

static void set_name(char *out, size_t size, const char *name)
{
    (void)snprintf(out, size, "%s", name != NULL ? name : "");
}

static int get_stored(struct bridge *b, const char *tenant, const struct media_source *from,
                      struct media_info *info, struct err *e)
{
    struct store_txn *t = NULL;
    int rc = store_read(b->store, &t, e);
    if (rc != 0) {
        return rc;
    }
    rc = media_find(t, tenant, from->media_id, info, e);
    store_read_end(t);
    if (rc == 0 && from->filename != NULL) {
        media_filename_clean(from->filename, info->filename);
    }
    return rc != 0 ? rc : media_check(b, from->type, info, e);
}

static int get_base64(struct media_file *f, const char *text, struct err *e)
{
    size_t len = strnlen(text, MEDIA_BASE64_MAX + 1);
    if (len > MEDIA_BASE64_MAX) {
        return err_word(e, E_TOOLARGE, "media_too_large",
                        "base64 has more than %u characters; upload the file with POST .../media "
                        "and send its media_id",
                        MEDIA_BASE64_MAX);
    }
    f->text = mem_malloc(len + 4); /* room for the padding that it may lack */
    if (f->text == NULL) {
        return err_set(e, E_NOMEM, "out of memory");
    }
    memcpy(f->text, text, len);
    f->text[len] = '\0';
    return 0;
}

void media_get(struct bridge *b, const char *tenant, const struct media_source *from,
               media_got_cb cb, void *arg)
{
    struct err e;
    struct media_info info;
    struct media_file *f = NULL;
    memset(&info, 0, sizeof(info));
    err_clear(&e);
    if (from->media_id != NULL) {
        int found = get_stored(b, tenant, from, &info, &e);
        media_answer_later(b->media, cb, arg, found != 0 ? &e : NULL, found != 0 ? NULL : &info);
        return;
    }
    int rc = media_file_new(b->media, tenant, media_limit(b, from->type), &f, &e);
    rc = rc != 0 ? rc : media_file_quota(f, &e);
    if (rc == 0) {
        set_name(f->type, sizeof(f->type), from->type);
        set_name(f->declared, sizeof(f->declared), from->mimetype);
        media_filename_clean(from->filename, f->info.filename);
        (void)snprintf(f->field, sizeof(f->field), "%s.%s", from->type,
                       from->url != NULL ? "url" : "base64");
        if (from->url != NULL) {
            fetch_start(f, from->url, cb, arg);
            return;
        }
        rc = get_base64(f, from->base64, &e);
    }
    if (rc == 0) {
        media_file_end(f, cb, arg);
        return;
    }
    if (f != NULL) {
        (void)snprintf(e.field, sizeof(e.field), "%s", f->field);
        media_file_abort(f);
    }
    media_answer_later(b->media, cb, arg, &e, NULL);
}
