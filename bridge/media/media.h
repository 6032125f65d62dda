/*
 * The files of a tenant's messages: kept once per content under
 * <data_dir>/media/<tenant>/<first two hex digits>/<sha256>, described in STORE_MEDIA. A media_id
 * is the SHA-256 of the file in lower-case hex. Private to bridge/.
 *
 * Thread: loop, unless a function says otherwise. Files are written, hashed, synced and sniffed off
 * the loop. A callback fires once, from the loop, never inside the call. A file is on disk (fsync
 * of file and folder) before anything in the store speaks of it.
 */
#ifndef BRIDGE_MEDIA_H
#define BRIDGE_MEDIA_H

#include "message_object.h"

struct session;

#define MEDIA_ID_LEN 64
#define MEDIA_NAME_MAX 256          /* bytes of a file name */
#define MEDIA_BASE64_MAX (1u << 20) /* characters of a base64 member in a send body */

struct media; /* of the bridge; b->media */
int media_create(struct bridge *b, struct media **out, struct err *e);
/* What is under way ends with E_CANCELED; then on_closed; frees. */
void media_close(struct media *m, void (*on_closed)(void *arg), void *arg);

struct media_info {
    char sha256[MEDIA_ID_LEN + 1]; /* the media_id */
    uint64_t size_bytes;
    char mimetype[128]; /* sniffed; what was declared only where sniffing cannot tell more */
    char filename[MEDIA_NAME_MAX + 1];  /* "" none; of this use of the file, not of the content */
    unsigned width, height, duration_s; /* 0: not known */
};

/* ---- limits: WhatsApp's own, by the type of the message
 * ------------------------------------------ image 16 MiB (jpeg, png, webp, gif), video 100 MiB
 * (mp4, 3gpp, quicktime, webm), audio and voice 16 MiB, sticker 1 MiB (webp), document 2 GiB of
 * which we take at most [media] max_upload_bytes (default 100 MiB). E_TOOLARGE "media_too_large" /
 * E_INVALID "unsupported_media" with the field. */
uint64_t media_limit(const struct bridge *b, const char *type);
int media_check(const struct bridge *b, const char *type, const struct media_info *info,
                struct err *e);

/* The last part of a path, without control characters, cut at MEDIA_NAME_MAX bytes; "" when it is
 * no UTF-8. in may be NULL. */
void media_filename_clean(const char *in, char out[MEDIA_NAME_MAX + 1]);

/* ---- finding ----------------------------------------------------------------------------------
 */

/* 0, or E_NOTFOUND "unknown_media". Any thread's transaction. */
int media_find(struct store_txn *t, const char *tenant, const char *media_id,
               struct media_info *out, struct err *e);
/* Absolute path of the file. */
int media_path(const struct bridge *b, const char *tenant, const char *media_id, struct buf *out);
/* Inside the apply of whatever will use the file (a queued send, an incoming message): counts as a
 * use now, so that retention leaves it. E_NOTFOUND when it is gone meanwhile. */
int media_use(struct store_txn *t, const char *tenant, const char *media_id, uint64_t now_ms);

/* ---- getting: for sends ------------------------------------------------------------------------
 */

/* One of three ways to a stored file. max_bytes and the type's rules are checked before and while
 * the bytes come. url: https and http under the relay's address rules, no redirects to where they
 * forbid, [media] fetch_timeout_ms. Answers when the file is stored. Errors have a word:
 * "unknown_media", "media_fetch_failed" (E_UNAVAILABLE: says the status or what went wrong),
 * "media_too_large", "unsupported_media", "empty_file", "invalid_base64", "invalid_url",
 * "address_forbidden" (as webhooks have it), "storage_full", "too_many_uploads" (E_LIMIT). The file
 * is recorded and counts as used now: retention leaves it for ten minutes at least. */
struct media_source {
    const char *media_id; /* exactly one of these three, the others NULL */
    const char *url;
    const char *base64;   /* borrowed during the call */
    const char *type;     /* of the message: image, voice, … */
    const char *mimetype; /* as declared, may be NULL */
    const char *filename; /* may be NULL */
};
typedef void (*media_got_cb)(void *arg, const struct err *e, const struct media_info *info);
void media_get(struct bridge *b, const char *tenant, const struct media_source *from,
               media_got_cb cb, void *arg);

/* ---- receiving: for files of incoming messages --------------------------------------------------
 */

/* A temporary file of the tenant, open for writing. */
struct media_receipt;
int media_receive(struct bridge *b, const char *tenant, struct media_receipt **out, int *fd,
                  struct err *e);
/* Syncs, sniffs, names and records the file, then cb; in its store operation the caller calls
 * media_put() or media_use() once more, so that file and message agree. The receipt is gone after
 * it. sha256: as computed while it was written. */
void media_received(struct media_receipt *r, uint64_t size_bytes, const char *sha256,
                    const char *declared_mimetype, media_got_cb cb, void *arg);
void media_receive_abort(struct media_receipt *r);
/* Inside an apply: describes the file and who uses it. Idempotent. */
int media_put(struct store_txn *t, const char *tenant, const struct media_info *info,
              uint64_t now_ms);

/* What a session wants fetched: {download:["image",…]|"all"|"none", max_bytes} of the session's
 * settings over the [media] defaults. False: media.state is "skipped". */
bool media_wanted(struct session *s, const char *type, uint64_t size_bytes);
/* The most bytes that a file of an incoming message of this session may have. */
uint64_t media_max_download(struct session *s);
/* {download,max_bytes} of a session's settings, or null: E_INVALID with the field. */
int media_rules_check(const json_t *rules, struct err *e);
/* Pure: what media_wanted() decides. rules may be NULL. */
bool media_rules_want(const json_t *rules, const char *config_download, uint64_t config_max,
                      const char *type, uint64_t size_bytes);

/* ---- how much: limits.max_media_bytes of the tenant ---------------------------------------------
 */

/* Bytes of all files of the tenant, each content once. */
int media_total(struct store_txn *t, const char *tenant, uint64_t *bytes);
/* Records were written or deleted by another way: the next who asks adds them up. */
int media_total_forget(struct store_txn *t, const char *tenant);
/* Is there room for a file of so many bytes? A content that is here already needs none. E_LIMIT
 * "quota_exceeded". */
int media_quota_check(struct store_txn *t, const char *tenant, const char *sha256, uint64_t bytes,
                      struct err *e);
/* The same at a glance, fit for the loop: while nobody has added up yet it says yes. */
int media_quota_glance(struct store_txn *t, const char *tenant, const char *sha256, uint64_t bytes,
                       struct err *e);

/* ---- what is shown ------------------------------------------------------------------------------
 */

/* A message as it is read: media that is "ready" but whose file went (retention, delete) is shown
 * as "expired", without url. The stored message says so from its next change on (message_save()),
 * and with it the events that tell of it. */
void media_present(struct store_txn *t, const char *tenant, json_t *message);

/* Each minute: takes away what is old or too much when it is time for that. */
void media_housekeeping(struct media *m);

/* The tenant is being deleted: its files go, off the loop; then done. */
void media_erase_tenant(struct bridge *b, const char *tenant, void (*done)(void *arg), void *arg);

#endif
