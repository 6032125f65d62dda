/* The file of an incoming message: a temporary file of the tenant that somebody else writes, then
 * the same way as any file's. */
#include "media_priv.h"

#include "mem.h"

#include <stdio.h>
#include <stdlib.h>

struct media_receipt {
    struct media_file file; /* only member */
};

int media_receive(struct bridge *b, const char *tenant, struct media_receipt **out, int *fd,
                  struct err *e)
{
    struct media_file *f = NULL;
    int rc = media_file_new(b->media, tenant, UINT64_MAX, &f, e);
    if (rc != 0) {
        return rc;
    }
    crypto_digest_free(f->digest);
    free(f->fill);
    free(f->drain);
    f->digest = NULL;
    f->fill = f->drain = NULL;
    /* Two names in folders of ours: short enough for the loop. */
    rc = disk_open(b->media->root, tenant, &f->path, &f->fd, e);
    if (rc != 0) {
        media_file_abort(f);
        return rc;
    }
    *out = (struct media_receipt *)f;
    *fd = f->fd;
    return 0;
}

void media_received(struct media_receipt *r, uint64_t size_bytes, const char *sha256,
                    const char *declared_mimetype, media_got_cb cb, void *arg)
{
    struct media_file *f = &r->file;
    f->taken = size_bytes;
    (void)snprintf(f->info.sha256, sizeof(f->info.sha256), "%s", sha256);
    if (!media_id_valid(f->info.sha256)) {
        err_set(&f->err, E_INTERNAL, "a file came without its SHA-256");
    }
    (void)snprintf(f->declared, sizeof(f->declared), "%s",
                   declared_mimetype != NULL ? declared_mimetype : "");
    media_file_end(f, cb, arg);
}

void media_receive_abort(struct media_receipt *r)
{
    media_file_abort(&r->file);
}
