/*
 * What the files of media/ share. Private to bridge/media. Thread: loop, unless said otherwise.
 *
 *   media.c         the room: made, closed when nothing of it is under way; answers in a later turn
 *   media_disk.c    what touches the disk: pool threads only (and start-up)
 *   media_file.c    a file on its way in: pieces -> temporary file -> its place -> its record
 *   media_get.c     media_id, url or base64 -> a stored file
 *   media_fetch.c   a url, with libcurl
 *   media_receive.c the file of an incoming message
 *   media_record.c  STORE_MEDIA
 *   media_limit.c   WhatsApp's limits by type of message
 *   media_rules.c   what a session wants fetched
 *   media_link.c    signed links
 *   media_total.c   bytes of a tenant's files, and their quota
 *   media_api.c     bridge.h's section
 *   media_retain*.c what is old or too much goes; what is still needed stays
 *   media_stray.c   what deleted tenants left
 *   media_need.c    a set of contents that are needed
 *   media_name.c    names of files
 *   media_remove.c  taking files away without hurting one that just comes in
 *   sniff*.c        what a file is
 */
#ifndef BRIDGE_MEDIA_PRIV_H
#define BRIDGE_MEDIA_PRIV_H

#include "core_priv.h"
#include "http_loop.h"
#include "media.h"
#include "work.h"

#include <dirent.h>

#define MEDIA_PIECE (128u << 10) /* two of them are all that is in memory of a file */
#define MEDIA_MAX_FILES 64       /* on their way in at once; past it E_LIMIT "too_many_uploads" */
#define MEDIA_MAX_FETCHES 16     /* transfers at once; others wait */
#define MEDIA_FRESH_MS 600000    /* used this lately: never taken away by retention */

struct media {
    struct bridge *b;
    char *root;    /* <data_dir>/media */
    unsigned open; /* operations under way */
    bool closing;
    uv_timer_t timer;  /* fires answers that are there at once */
    struct list later; /* struct later (media.c) */
    struct list files; /* struct media_file */
    unsigned file_count;
    struct list fetches; /* struct fetch, running and waiting */
    unsigned fetching;
    struct http_loop *http;
    struct list removals; /* struct media_removal under way */
    struct retention *retention;
    uint64_t retained_ms;  /* when the last round ended, monotonic; 0: never */
    uint64_t stored_bytes; /* since then */
    void (*on_closed)(void *arg);
    void *closed_arg;
};

/* An operation of the room began or ended; the room closes when none is left. */
void media_enter(struct media *m);
void media_leave(struct media *m);
/* cb(arg, e, info) in a later turn; copies both (either may be NULL). */
void media_answer_later(struct media *m, media_got_cb cb, void *arg, const struct err *e,
                        const struct media_info *info);
bool media_id_valid(const char *id); /* 64 lower-case hex digits */

/* ---- media_disk.c: blocks; any thread ---------------------------------------------------------
 */

/* <root>/<tenant>/tmp/<ulid>, folders made as needed. */
int disk_open(const char *root, const char *tenant, char **path, int *fd, struct err *e);
int disk_write(int fd, const void *data, size_t len, struct err *e);
/* Synced, sniffed: size, type, picture and sound into info; mimetype settled with declared. */
int disk_seal(int fd, const char *declared, struct media_info *info, struct err *e);
/* The temporary file to its place (gone when the place has the same); folders synced. */
int disk_place(const char *root, const char *tenant, const char *path,
               const struct media_info *info, struct err *e);
/* 0 also when there is none. */
int disk_remove(const char *root, const char *tenant, const char *sha256, struct err *e);
/* Temporary files of an earlier run, and what disk_empty_gone() takes. */
void disk_clean(const char *root);
/* Tenants' folders that are out of the way already. */
void disk_empty_gone(const char *root);
/* The tenant's folder out of the way, with all in it. *gone: where it is now; the caller frees it;
 * NULL when there was none. */
int disk_set_aside(const char *root, const char *tenant, char **gone, struct err *e);
/* fn for the name of each folder, but hidden ones. */
int disk_folders(const char *root, int (*fn)(void *arg, const char *name), void *arg);
/* The tenant's folder with all in it; at once out of the way, then file by file. */
int disk_erase(const char *root, const char *tenant, struct err *e);
/* One of 256 folders of a tenant: fn for each file in it that is named as ours and older than
 * min_age_ms. */
int disk_list(const char *root, const char *tenant, unsigned folder, uint64_t min_age_ms,
              int (*fn)(void *arg, const char *sha256), void *arg);

/* ---- media_file.c: a file on its way in --------------------------------------------------------
 */

struct media_file {
    struct list link;
    struct media *m;
    struct work work;
    struct store_op op;
    char tenant[64];
    char *path; /* of the temporary file; NULL: not made yet, or gone */
    int fd;
    struct crypto_digest *digest; /* NULL: the SHA-256 comes with media_received() */
    uint64_t max_bytes, taken;
    uint64_t quota_bytes; /* what the tenant's quota left at the start */
    char *fill, *drain; /* MEDIA_PIECE each */
    size_t fill_len, drain_len;
    bool busy; /* a job or an operation is under way */
    bool ended, aborted, placed, stuck, in_call;
    bool sealed;               /* info is complete; no job writes it any more */
    bool waits;                /* for a removal of the same content */
    struct err err;            /* the first thing that went wrong */
    struct err job_err;        /* of the job under way */
    const char *word_toolarge; /* of E_TOOLARGE */
    char *text;                /* base64, owned */
    char field[48];            /* of the request, for errors */
    char type[16];             /* of the message, for its rules; "": none */
    char declared[128];
    struct media_info info;
    void (*on_room)(void *arg); /* there is room again, or it failed */
    void *room_arg;
    media_got_cb cb; /* once ended: owns what follows */
    void *arg;
};
/* Counts as under way until its end. E_LIMIT. No disk is touched yet. */
int media_file_new(struct media *m, const char *tenant, uint64_t max_bytes, struct media_file **out,
                   struct err *e);
/* For a file from outside: E_LIMIT "quota_exceeded" when the tenant has no room; what it has bounds
 * the file. Before the first byte. */
int media_file_quota(struct media_file *f, struct err *e);
/* How many bytes it takes now. */
size_t media_file_room(const struct media_file *f);
/* Takes up to its room; returns how many. Once it failed it takes nothing: see f->err. After it
 * took less than len, on_room fires once. */
size_t media_file_write(struct media_file *f, const void *data, size_t len);
/* on_room fires once there is more room than now. */
void media_file_wait(struct media_file *f);
/* All bytes are there: sealed, checked, placed, recorded, then cb; frees. */
void media_file_end(struct media_file *f, media_got_cb cb, void *arg);
/* Nothing stays; no callback; frees. Not after media_file_end(). */
void media_file_abort(struct media_file *f);
/* Removals ended: those that waited for them go on. */
void media_file_wake(struct media *m);

/* ---- media_fetch.c ------------------------------------------------------------------------------
 */

/* Takes f. */
void fetch_start(struct media_file *f, const char *url, media_got_cb cb, void *arg);
void fetch_cancel_all(struct media *m);

/* ---- media_remove.c -----------------------------------------------------------------------------
 */

#define REMOVAL_MAX 64
struct media_removal {
    struct list link;
    struct media *m;
    struct store_op op;
    struct work work;
    char tenant[64];
    unsigned count;
    struct {
        char sha256[MEDIA_ID_LEN + 1];
        bool go; /* its record is gone, so its file goes */
    } item[REMOVAL_MAX];
    /* Writer: may the record go? Runs for each item with go = false before. */
    int (*decide)(struct store_txn *t, struct media_removal *r, struct err *e);
    void (*done)(struct media_removal *r, const struct err *e); /* then it is freed */
    void *data;
    struct err err;
    uint64_t bytes; /* that decide counts */
};
/* NULL: no memory. */
struct media_removal *removal_new(struct media *m, const char *tenant);
/* False: full, or the file just comes in and is left alone. */
bool removal_add(struct media_removal *r, const char *sha256);
void removal_start(struct media_removal *r);
void removal_drop(struct media_removal *r); /* not started: without done */
/* One that takes only files that have no record. */
struct media_removal *removal_orphans(struct media *m, const char *tenant);
bool removal_holds(const struct media *m, const char *tenant, const char *sha256);
/* A file whose record could not be written, listed no more: it goes unless another recorded it or is
 * about to. */
void removal_orphan(struct media *m, const char *tenant, const char *sha256);

/* ---- media_retain.c -----------------------------------------------------------------------------
 */

void retention_start(struct media *m, void (*done)(void *arg), void *arg);
void retention_stop(struct media *m);

/* ---- media_stray.c ------------------------------------------------------------------------------
 */

/* Removes folders of tenants that have no record; done in a later turn. False: not now. */
bool strays_remove(struct media *m, void (*done)(void *arg), void *arg);

/* ---- media_link.c: pure -------------------------------------------------------------------------
 */

#define LINK_SIGNATURE_LEN 64
#define LINK_MAX_TTL_S 86400
/* expires: seconds since 1970. */
int link_sign(const uint8_t pepper[CRYPTO_KEY_LEN], const char *tenant, const char *media_id,
              uint64_t expires, char out[LINK_SIGNATURE_LEN + 1]);
/* E_FORBIDDEN "invalid_signature", "link_expired". */
int link_check(const uint8_t pepper[CRYPTO_KEY_LEN], const char *tenant, const char *media_id,
               const char *expires, const char *signature, uint64_t now_ms, struct err *e);

/* ---- media_record.c -----------------------------------------------------------------------------
 */

struct media_record {
    struct media_info info;
    uint64_t created_ms, used_ms;
};
/* 0, E_NOTFOUND. */
int media_record_get(struct store_txn *t, const char *tenant, const char *sha256,
                     struct media_record *out);
int media_record_parse(const char *sha256, struct store_value v, struct media_record *out);
int media_unknown(struct err *e);

/* ---- media_total.c ------------------------------------------------------------------------------
 */

/* Before the record is written or deleted, in its transaction. */
int media_total_change(struct store_txn *t, const char *tenant, uint64_t more, uint64_t less);
/* Bytes that the quota leaves, UINT64_MAX without one; cheap, so fit for the loop. */
uint64_t media_quota_room(struct store_txn *t, const char *tenant);
int media_quota_exceeded(struct err *e, const char *tenant);

#endif
