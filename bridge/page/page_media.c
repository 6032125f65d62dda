/*
 * The file of a message, out of the page.
 *
 *   media_open (the page downloads and decrypts) -> media_read, piece by piece -> media_close
 *
 * Happy path: a piece comes as base64 -> a worker decodes, hashes and writes it while the next one
 * is asked for -> the last is written -> the sums agree -> the callback. At most two pieces are in
 * memory: the one that is written, and the one that is on its way or waits for the worker.
 * Failure modes: any step fails: no more steps are begun; when neither a call nor the worker is
 * under way, the page is told to drop the file and the caller gets the first error. The page goes
 * away: its calls end, so that ends in the same way; the page stays in memory until the worker is
 * done.
 */
#include "page_priv.h"

#include "crypto.h"
#include "json.h"
#include "mem.h"
#include "text.h"
#include "work.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PIECE (384u << 10)     /* bytes of file */
#define OPEN_TIMEOUT_FACTOR 20 /* the page fetches it from WhatsApp first */

struct page_fetch {
    struct list link; /* page->fetches */
    struct page *page;
    struct work work;
    int fd;
    uint64_t max_bytes;
    channel_fetched_cb cb;
    void *arg;

    int64_t handle; /* of the page; 0: not open */
    uint64_t size, asked, written;
    char mimetype[128 + 1], told[64 + 1]; /* told: the hash that the page knows, "" none */
    bool asking, working;
    json_t *waiting, *writing; /* pieces as base64 */
    struct crypto_digest *digest;
    uint8_t *raw;      /* of a piece */
    struct err worked; /* the worker's */
    struct err err;
};

static void pump(struct page_fetch *f);

static void free_fetch(struct page_fetch *f)
{
    json_decref(f->waiting);
    json_decref(f->writing);
    crypto_digest_free(f->digest);
    free(f->raw);
    free(f);
}

static void on_dropped(void *arg, const struct err *e, const json_t *value)
{
    (void)arg; /* the page drops it by itself after a while */
    (void)e;
    (void)value;
}

/* Nothing is under way any more. */
static void finish(struct page_fetch *f)
{
    struct page *p = f->page;
    struct channel_fetched done = {.size_bytes = f->written, .mimetype = f->mimetype};
    uint8_t sum[CRYPTO_SHA256_LEN];

    if (f->err.code == 0 && crypto_digest_end(f->digest, sum) != 0) {
        err_set(&f->err, E_INTERNAL, "the hash of a file cannot be computed");
    }
    if (f->err.code == 0) {
        crypto_hex(sum, sizeof(sum), done.sha256);
        if (f->told[0] && strcmp(f->told, done.sha256) != 0) {
            err_word(&f->err, E_PROTO, "media_mismatch",
                     "the file that came is not the one that the message names");
        }
    }
    if (f->handle != 0 && p->phase == PAGE_RUNNING) {
        page_call(p, "media_close", json_pack("{s:I}", "handle", (json_int_t)f->handle), 0,
                  on_dropped, NULL);
    }
    list_remove(&f->link);
    f->cb(f->arg, f->err.code != 0 ? &f->err : NULL, f->err.code != 0 ? NULL : &done);
    free_fetch(f);
    page_maybe_free(p);
}

/* ---- writing: off the loop --------------------------------------------------------------------
 */

static int write_all(int fd, const uint8_t *data, size_t len, uint64_t at)
{
    while (len > 0) {
        ssize_t n = pwrite(fd, data, len, (off_t)at);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            return n == 0 ? EIO : errno;
        }
        data += n;
        len -= (size_t)n;
        at += (uint64_t)n;
    }
    return 0;
}

static size_t piece_len(const struct page_fetch *f, uint64_t at)
{
    return f->size - at < PIECE ? (size_t)(f->size - at) : PIECE;
}

static void on_write(struct work *w)
{
    struct page_fetch *f = LIST_ENTRY(w, struct page_fetch, work);
    const char *text = json_string_value(f->writing);
    size_t len = 0, want = piece_len(f, f->written);

    /* its length was compared with want: it fits into raw */
    if (crypto_base64_decode(text, json_string_length(f->writing), f->raw, &len) != 0 ||
        len != want) {
        err_set(&f->worked, E_PROTO, "the page gave a piece of a file that is no base64 of it");
        return;
    }
    int sys = write_all(f->fd, f->raw, len, f->written);
    if (sys != 0) {
        err_sys(&f->worked, sys == ENOSPC || sys == EDQUOT ? E_FULL : E_IO, sys,
                "a file cannot be written");
    } else if (crypto_digest_update(f->digest, f->raw, len) != 0) {
        err_set(&f->worked, E_INTERNAL, "the hash of a file cannot be computed");
    }
}

static void on_written(struct work *w, int rc)
{
    struct page_fetch *f = LIST_ENTRY(w, struct page_fetch, work);
    (void)rc; /* never canceled */
    f->working = false;
    if (f->err.code == 0) {
        err_copy(&f->err, &f->worked);
    }
    f->written += piece_len(f, f->written);
    json_decref(f->writing);
    f->writing = NULL;
    pump(f);
}

/* ---- asking ------------------------------------------------------------------------------------
 */

static void on_piece(void *arg, const struct err *e, const json_t *value)
{
    struct page_fetch *f = arg;
    json_t *data = json_object_get(value, "data");

    f->asking = false;
    size_t want = (piece_len(f, f->asked) + 2) / 3 * 4;
    if (f->err.code != 0) {
        /* it failed meanwhile */
    } else if (e) {
        err_copy(&f->err, e);
    } else if (!json_is_string(data) || json_string_length(data) != want) {
        err_set(&f->err, E_PROTO, "the page gave a piece of a file of the wrong size");
    } else {
        f->waiting = json_incref(data);
        f->asked += piece_len(f, f->asked);
    }
    pump(f);
}

static void ask(struct page_fetch *f)
{
    f->asking = true;
    page_call(f->page, "media_read",
              json_pack("{s:I,s:I,s:i}", "handle", (json_int_t)f->handle, "offset",
                        (json_int_t)f->asked, "length", (int)PIECE),
              0, on_piece, f);
}

static void write_waiting(struct page_fetch *f)
{
    f->writing = f->waiting;
    f->waiting = NULL;
    int rc = work_submit(f->page->o.loop, &f->work, on_write, on_written);
    if (rc != 0) {
        err_set(&f->err, rc, "too much is being written already");
        return;
    }
    f->working = true;
}

/* Whatever can go on does. */
static void pump(struct page_fetch *f)
{
    if (f->err.code == 0 && !f->working && f->waiting) {
        write_waiting(f);
    }
    if (f->err.code == 0 && !f->asking && !f->waiting && f->asked < f->size) {
        ask(f);
    }
    if (!f->asking && !f->working) {
        finish(f);
    }
}

static void on_open(void *arg, const struct err *e, const json_t *value)
{
    struct page_fetch *f = arg;
    int64_t size = json_int(value, "size", -1);
    const char *mimetype = json_str_or(value, "mimetype", "");
    const char *told = json_str_or(value, "sha256", "");

    f->asking = false;
    f->handle = json_int(value, "handle", 0);
    if (e) {
        err_copy(&f->err, e);
    } else if (f->handle <= 0 || size < 0) {
        f->handle = 0;
        err_set(&f->err, E_PROTO, "the page opened a file in a way that is not understood");
    } else if ((uint64_t)size > f->max_bytes) {
        err_word(&f->err, E_TOOLARGE, "media_too_large", "the file has %lld bytes",
                 (long long)size);
    } else {
        f->size = (uint64_t)size;
        size_t len = text_utf8_cut(mimetype, strlen(mimetype), sizeof(f->mimetype) - 1);
        memcpy(f->mimetype, mimetype, len);
        if (strlen(told) == 64 && strspn(told, "0123456789abcdef") == 64) {
            memcpy(f->told, told, sizeof(f->told));
        }
    }
    pump(f);
}

void channel_fetch_media(struct channel *c, const char *chat_id, const char *message_id, int fd,
                         uint64_t max_bytes, channel_fetched_cb cb, void *arg)
{
    static const struct err no_memory = {.code = E_NOMEM, .msg = "out of memory"};
    struct page_fetch *f = mem_calloc(1, sizeof(*f));
    if (f) {
        f->digest = crypto_digest_new();
        f->raw = mem_malloc(PIECE + 3);
    }
    if (!f || !f->digest || !f->raw) {
        if (f) {
            free_fetch(f);
        }
        cb(arg, &no_memory, NULL);
        return;
    }
    f->page = c->page;
    f->fd = fd;
    f->max_bytes = max_bytes;
    f->cb = cb;
    f->arg = arg;
    f->asking = true;
    list_init(&f->link);
    list_append(&c->page->fetches, &f->link);
    page_call(c->page, "media_open", json_pack("{s:s,s:s}", "chat", chat_id, "id", message_id),
              OPEN_TIMEOUT_FACTOR * c->page->o.call_timeout_ms, on_open, f);
}
