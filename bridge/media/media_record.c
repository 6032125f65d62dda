/* STORE_MEDIA: what is known of each file. Inside transactions; any thread. */
#include "media_priv.h"

#include "json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool media_id_valid(const char *id)
{
    return id != NULL && strspn(id, "0123456789abcdef") == MEDIA_ID_LEN && id[MEDIA_ID_LEN] == '\0';
}

int media_unknown(struct err *e)
{
    return err_word(e, E_NOTFOUND, "unknown_media",
                    "there is no such file; it was never here, or its time is over");
}

static uint64_t number(const json_t *o, const char *key)
{
    int64_t n = json_int(o, key, 0);
    return n > 0 ? (uint64_t)n : 0;
}

int media_record_parse(const char *sha256, struct store_value v, struct media_record *out)
{
    json_t *o = record_parse(v, NULL);
    if (o == NULL) {
        return E_INTERNAL;
    }
    memset(out, 0, sizeof(*out));
    (void)snprintf(out->info.sha256, sizeof(out->info.sha256), "%s", sha256);
    (void)snprintf(out->info.mimetype, sizeof(out->info.mimetype), "%s",
                   json_str_or(o, "mimetype", "application/octet-stream"));
    (void)snprintf(out->info.filename, sizeof(out->info.filename), "%s",
                   json_str_or(o, "filename", ""));
    out->info.size_bytes = number(o, "size_bytes");
    out->info.width = (unsigned)number(o, "width");
    out->info.height = (unsigned)number(o, "height");
    out->info.duration_s = (unsigned)number(o, "duration_s");
    out->created_ms = number(o, "created_ms");
    out->used_ms = number(o, "used_ms");
    json_decref(o);
    return 0;
}

int media_record_get(struct store_txn *t, const char *tenant, const char *sha256,
                     struct media_record *out)
{
    struct store_value v;
    if (!media_id_valid(sha256)) {
        return E_NOTFOUND;
    }
    int rc = store_get(t, STORE_MEDIA, STORE_PATH(tenant, sha256), &v);
    return rc != 0 ? rc : media_record_parse(sha256, v, out);
}

static int save(struct store_txn *t, const char *tenant, const struct media_record *r)
{
    const struct media_info *i = &r->info;
    json_t *o =
        json_pack("{s:I,s:s,s:s,s:i,s:i,s:i,s:I,s:I}", "size_bytes", (json_int_t)i->size_bytes,
                  "mimetype", i->mimetype, "filename", i->filename, "width", (int)i->width,
                  "height", (int)i->height, "duration_s", (int)i->duration_s, "created_ms",
                  (json_int_t)r->created_ms, "used_ms", (json_int_t)r->used_ms);
    int rc =
        o == NULL ? E_NOMEM : record_put(t, STORE_MEDIA, STORE_PATH(tenant, i->sha256), o, NULL);
    json_decref(o);
    return rc;
}

int media_find(struct store_txn *t, const char *tenant, const char *media_id,
               struct media_info *out, struct err *e)
{
    struct media_record r;
    int rc = media_record_get(t, tenant, media_id, &r);
    if (rc == 0) {
        *out = r.info;
    }
    return rc == E_NOTFOUND ? media_unknown(e)
           : rc == 0        ? 0
                            : store_err(e, rc, "the file's record");
}

int media_path(const struct bridge *b, const char *tenant, const char *media_id, struct buf *out)
{
    return buf_printf(out, "%s/media/%s/%.2s/%s", b->cfg.data_dir, tenant, media_id, media_id);
}

int media_use(struct store_txn *t, const char *tenant, const char *media_id, uint64_t now_ms)
{
    struct media_record r;
    int rc = media_record_get(t, tenant, media_id, &r);
    if (rc != 0 || r.used_ms >= now_ms) {
        return rc;
    }
    r.used_ms = now_ms;
    return save(t, tenant, &r);
}

int media_put(struct store_txn *t, const char *tenant, const struct media_info *info,
              uint64_t now_ms)
{
    struct media_record old, r = {.info = *info, .created_ms = now_ms, .used_ms = now_ms};
    int rc = media_record_get(t, tenant, info->sha256, &old);
    if (rc == 0) {
        r.created_ms = old.created_ms;
        r.used_ms = old.used_ms > now_ms ? old.used_ms : now_ms;
        if (r.info.filename[0] == '\0') {
            memcpy(r.info.filename, old.info.filename, sizeof(r.info.filename));
        }
        if (strcmp(old.info.mimetype, "application/octet-stream") != 0) {
            memcpy(r.info.mimetype, old.info.mimetype, sizeof(r.info.mimetype));
        }
    }
    if (rc == E_NOTFOUND) {
        rc = media_total_change(t, tenant, info->size_bytes, 0);
    }
    return rc == 0 ? save(t, tenant, &r) : rc;
}

void media_present(struct store_txn *t, const char *tenant, json_t *message)
{
    struct store_value v;
    json_t *media = json_obj(message, "media");
    const char *sha256 = json_str(media, "sha256");
    if (sha256 == NULL || strcmp(json_str_or(media, "state", ""), "ready") != 0) {
        return;
    }
    if (!media_id_valid(sha256) ||
        store_get(t, STORE_MEDIA, STORE_PATH(tenant, sha256), &v) == E_NOTFOUND) {
        (void)json_object_set_new(media, "state", json_string("expired"));
        (void)json_object_set_new(media, "url", json_null());
    }
}
