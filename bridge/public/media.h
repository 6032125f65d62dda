/*
 * Files of messages: sent here piece by piece, read, linked, deleted.
 *
 * Sizes in bytes. Thread: loop. What holds for every function of the bridge stands in bridge.h.
 */
#ifndef BRIDGE_PUBLIC_MEDIA_H
#define BRIDGE_PUBLIC_MEDIA_H

#include "public/answers.h"

#include <stddef.h>
#include <stdint.h>

uint64_t bridge_media_max_upload(const struct bridge *b); /* bytes */
/* A file that comes piece by piece. At most a quarter MiB of it is in memory. */
struct bridge_upload;
struct bridge_upload_spec {
    const char *tenant;
    const char *mimetype;       /* as declared, may be NULL; borrowed during the call */
    const char *filename;       /* may be NULL; borrowed during the call */
    void (*on_room)(void *arg); /* there is room again, or it failed; may call what follows */
    void *arg;
};
/* E_NOTFOUND "unknown_tenant", E_LIMIT "too_many_uploads". */
int bridge_upload_begin(struct bridge *b, const struct bridge_upload_spec *s,
                        struct bridge_upload **out, struct err *e);
/* How many bytes it takes now; when it took less than was offered, on_room fires once. */
size_t bridge_upload_room(const struct bridge_upload *u);
/* Takes at most its room; *taken says how much. E_TOOLARGE "payload_too_large", E_FULL
 * "storage_full", E_IO: it can only be aborted then. */
int bridge_upload_write(struct bridge_upload *u, const void *data, size_t len, size_t *taken,
                        struct err *e);
/* Nothing more fits: on_room fires once something does. */
void bridge_upload_wait(struct bridge_upload *u);
void bridge_upload_name(struct bridge_upload *u, const char *mimetype, const char *filename);
/* All is there: answers {media_id,sha256,size_bytes,mimetype,filename,width,height,duration_s,
 * created_at} once the file is durable. u is gone. */
void bridge_upload_end(struct bridge_upload *u, bridge_done_fn done, void *arg);
void bridge_upload_abort(struct bridge_upload *u); /* nothing stays; u is gone */

/* The object above, and last_used_at. E_NOTFOUND "unknown_media". */
int bridge_media_info(struct bridge *b, const char *tenant, const char *media_id, json_t **out,
                      struct err *e);
struct bridge_media_file {
    int fd; /* the caller closes it */
    uint64_t size_bytes;
    char mimetype[128], filename[257];
    bool active; /* may run script in a browser: must not be shown by one */
};
int bridge_media_open(struct bridge *b, const char *tenant, const char *media_id,
                      struct bridge_media_file *out, struct err *e);
/* {url,expires_at}: a path with a signature that works without a key; ttl_s 1..86400. */
int bridge_media_link(struct bridge *b, const char *tenant, const char *media_id, uint64_t ttl_s,
                      json_t **out, struct err *e);
/* Of such a url. E_FORBIDDEN "invalid_signature", "link_expired". Does not say whether the file is
 * there. */
int bridge_media_link_check(struct bridge *b, const char *tenant, const char *media_id,
                            const char *expires, const char *signature, struct err *e);
/* Messages that mention it show media.state "expired" from then on; one that waits to be sent with
 * it will fail. */
void bridge_media_delete(struct bridge *b, const char *tenant, const char *media_id,
                         bridge_done_fn done, void *arg);

#endif
