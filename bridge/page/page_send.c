/*
 * Sending, changing, presence and read marks: the way into the page.
 *
 * A message without a file is one call. With a file, happy path: file_begin gives a handle -> a
 * worker reads a piece and writes it down as the parameters of a call -> the loop hands it on, and
 * the worker reads the next meanwhile -> when the last piece was taken, `send` with the handle. Two
 * pieces at most are in memory, in buffers that live as long as the transfer.
 *
 * Failure modes: the file cannot be read, a piece is refused, the document goes away, a deadline
 * passes: what the page has of it is dropped, the worker and the call that are under way are waited
 * for, and the callback says why. Until `send` was called the far end knows nothing of the message.
 * page_close(): calls end with E_CANCELED, the worker's job comes back by itself; the page stays
 * until both did.
 */
#include "page_priv.h"

#include "crypto.h"
#include "json.h"
#include "mem.h"
#include "work.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PIECE_BYTES (384u * 1024) /* 512 KiB of base64 */
#define HANDLE_MAX 64
#define HEAD_MAX 256
#define FILE_TIMEOUT_FACTOR 4 /* the page prepares the file, or fetches one to forward */
#define TIMEOUT_SLACK_MS 500  /* the page gives up first, so that it is the page that says so */

static const struct err no_memory = {.code = E_NOMEM, .msg = "out of memory"};

/* Sets a field or fails the whole object: NULL in, NULL out. */
static json_t *with(json_t *o, const char *key, json_t *v)
{
    if (!o || !v || json_object_set_new(o, key, v) != 0) {
        if (!o) {
            json_decref(v);
        }
        json_decref(o);
        return NULL;
    }
    return o;
}

static void answer_done(struct page_call_slot *s, const struct err *e, const json_t *value)
{
    (void)value;
    s->cb.done(s->arg, e);
}

/* One call that answers cb itself. Takes args; adds how long the page may take. */
static void ask(struct page *p, const char *op, json_t *args, uint64_t timeout_ms,
                channel_done_cb cb, void *arg)
{
    struct page_call_slot *s = page_call_take(p);
    if (!s) {
        json_decref(args);
        cb(arg, &no_memory);
        return;
    }
    s->arg = arg;
    s->answer = answer_done;
    s->cb.done = cb;
    uint64_t ms = timeout_ms > 2 * TIMEOUT_SLACK_MS ? timeout_ms - TIMEOUT_SLACK_MS : timeout_ms;
    args = with(args, "ms", json_integer((json_int_t)ms));
    if (!args && s->err.code == 0) {
        err_set(&s->err, E_INVALID, "a text that is no valid UTF-8, or no memory");
    }
    page_call_start(s, op, args, timeout_ms);
}

/* ---- a file on its way into the page --------------------------------------------------------- */

struct piece {
    struct work work;
    struct page_send *send;
    uint64_t offset;
    size_t len, params_len;
    enum { PIECE_FREE, PIECE_READING, PIECE_READY } state;
    struct err err;
    char params[HEAD_MAX + CRYPTO_BASE64_LEN(PIECE_BYTES) + 8];
};

struct page_send {
    struct list link; /* page->sends */
    struct page *page;
    channel_done_cb cb;
    void *arg;
    json_t *message; /* arguments of `send` */
    char *path;
    uint64_t size;
    char handle[HANDLE_MAX + 1]; /* "" until the page gave one */
    uint64_t read, taken;        /* bytes: read so far, in the page */
    unsigned busy;               /* a job, a call */
    bool reading, calling, over;
    struct err why;
    /* the worker's while a job runs */
    int fd;
    struct piece pieces[2];
    unsigned char raw[PIECE_BYTES];
};

static void advance(struct page_send *s);

static void transfer_end(struct page_send *s)
{
    struct page *p = s->page;
    channel_done_cb cb = s->cb;
    void *arg = s->arg;
    struct err why;
    err_copy(&why, &s->why);
    list_remove(&s->link);
    if (s->fd >= 0) {
        (void)close(s->fd);
    }
    json_decref(s->message);
    free(s->path);
    free(s);
    cb(arg, why.code != 0 ? &why : NULL);
    page_maybe_free(p);
}

static void on_dropped(void *arg, const struct err *e, const json_t *value)
{
    (void)arg;
    (void)e;
    (void)value;
}

static size_t piece_len(const struct page_send *s, uint64_t offset)
{
    return s->size - offset < PIECE_BYTES ? (size_t)(s->size - offset) : PIECE_BYTES;
}

static void fail(struct page_send *s, const struct err *e)
{
    if (s->over) {
        return;
    }
    s->over = true;
    err_copy(&s->why, e);
    if (s->handle[0] != '\0' && s->page->phase == PAGE_RUNNING && e->code != E_CLOSED) {
        page_call(s->page, "file_drop", with(json_object(), "handle", json_string(s->handle)), 0,
                  on_dropped, NULL);
    }
}

/* ---- reading (worker) ------------------------------------------------------------------------ */

static int open_file(struct page_send *s, struct err *e)
{
    struct stat st;
    s->fd = open(s->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (s->fd < 0 && errno == ENOENT) {
        return err_word(e, E_INVALID, "media_gone", "the file to send is not there any more");
    }
    if (s->fd < 0 || fstat(s->fd, &st) != 0) {
        return err_sys(e, E_IO, errno, "the file to send cannot be read");
    }
    if (!S_ISREG(st.st_mode) || (uint64_t)st.st_size != s->size) {
        return err_word(e, E_INVALID, "media_gone", "the file to send is not what it was");
    }
    return 0;
}

static int read_piece(const struct page_send *s, struct piece *p, unsigned char *raw)
{
    size_t have = 0;
    while (have < p->len) {
        ssize_t n = pread(s->fd, raw + have, p->len - have, (off_t)(p->offset + have));
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return err_sys(&p->err, E_IO, errno, "the file to send cannot be read");
        }
        if (n == 0) {
            return err_word(&p->err, E_INVALID, "media_gone", "the file to send became shorter");
        }
        have += (size_t)n;
    }
    return 0;
}

static void read_job(struct work *w)
{
    struct piece *p = (struct piece *)(void *)((char *)w - offsetof(struct piece, work));
    struct page_send *s = p->send;
    err_clear(&p->err);
    if ((s->fd < 0 && open_file(s, &p->err) != 0) || read_piece(s, p, s->raw) != 0) {
        return;
    }
    int n = snprintf(p->params, HEAD_MAX,
                     "{\"awaitPromise\":true,\"returnByValue\":true,\"expression\":"
                     "\"window.__wabridge.call(\\\"file_piece\\\",{\\\"handle\\\":\\\"%s\\\","
                     "\\\"offset\\\":%" PRIu64 ",\\\"data\\\":\\\"",
                     s->handle, p->offset);
    p->params_len = (size_t)n;
    p->params_len += crypto_base64(s->raw, p->len, p->params + n);
    memcpy(p->params + p->params_len, "\\\"})\"}", 7);
    p->params_len += 6;
}

static void on_read(struct work *w, int rc)
{
    struct piece *p = (struct piece *)(void *)((char *)w - offsetof(struct piece, work));
    struct page_send *s = p->send;
    s->reading = false;
    p->state = PIECE_READY;
    if (rc != 0) {
        err_set(&p->err, rc, "the file to send was not read (%s)", err_name(rc));
    }
    if (p->err.code != 0) {
        fail(s, &p->err);
    }
    advance(s);
}

static void read_next(struct page_send *s)
{
    struct piece *p = s->pieces[0].state == PIECE_FREE ? &s->pieces[0] : &s->pieces[1];
    if (s->reading || p->state != PIECE_FREE || s->read == s->size) {
        return;
    }
    p->send = s;
    p->offset = s->read;
    p->len = piece_len(s, s->read);
    int rc = work_submit(s->page->o.loop, &p->work, read_job, on_read);
    if (rc != 0) {
        struct err e;
        err_set(&e, rc, "too much is done at once; the file was not read");
        fail(s, &e);
        return;
    }
    p->state = PIECE_READING;
    s->reading = true;
    s->read += p->len;
}

/* ---- calls -------------------------------------------------------------------------------------
 */

static struct page_call_slot *take(struct page_send *s,
                                   void (*answer)(struct page_call_slot *, const struct err *,
                                                  const json_t *))
{
    struct page_call_slot *c = page_call_take(s->page);
    if (!c) {
        fail(s, &no_memory);
        return NULL;
    }
    c->arg = s;
    c->answer = answer;
    s->calling = true;
    return c;
}

static void on_piece(struct page_call_slot *c, const struct err *e, const json_t *value)
{
    struct page_send *s = c->arg;
    struct err why;
    int64_t have = json_int(value, "have", -1);
    s->calling = false;
    if (e) {
        fail(s, e);
    } else if (have < 0 || (uint64_t)have != s->taken + piece_len(s, s->taken)) {
        err_set(&why, E_PROTO, "the page counts the bytes of a file otherwise");
        fail(s, &why);
    } else {
        s->taken = (uint64_t)have;
    }
    advance(s);
}

static void push_piece(struct page_send *s)
{
    for (size_t i = 0; i < 2 && !s->calling && !s->over; i++) {
        struct piece *p = &s->pieces[i];
        struct page_call_slot *c = NULL;
        if (p->state == PIECE_READY && p->offset == s->taken && (c = take(s, on_piece)) != NULL) {
            page_call_start_text(c, p->params, p->params_len, 0);
            p->state = PIECE_FREE; /* the protocol has its own copy */
        }
    }
}

static void on_sent(void *arg, const struct err *e)
{
    struct page_send *s = arg;
    s->calling = false;
    s->over = true;
    if (e) {
        err_copy(&s->why, e);
    }
    advance(s);
}

static void send_message(struct page_send *s)
{
    json_t *args = s->message;
    s->message = NULL;
    s->calling = true;
    args = with(args, "handle", json_string(s->handle));
    ask(s->page, "send", args, FILE_TIMEOUT_FACTOR * s->page->o.call_timeout_ms, on_sent, s);
}

static void advance(struct page_send *s)
{
    if (!s->over && s->taken < s->size) {
        push_piece(s);
        read_next(s);
    } else if (!s->over && !s->calling) {
        send_message(s);
        return;
    }
    if (s->over && !s->reading && !s->calling) {
        transfer_end(s);
    }
}

static bool handle_read(const json_t *value, char out[HANDLE_MAX + 1])
{
    static const char good[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.";
    const char *handle = json_str_or(value, "handle", "");
    size_t len = strnlen(handle, HANDLE_MAX + 1);
    if (len == 0 || len > HANDLE_MAX || strspn(handle, good) != len) {
        return false;
    }
    memcpy(out, handle, len + 1);
    return true;
}

static void on_begun(struct page_call_slot *c, const struct err *e, const json_t *value)
{
    struct page_send *s = c->arg;
    struct err why;
    s->calling = false;
    if (e) {
        fail(s, e);
    } else if (!handle_read(value, s->handle)) {
        err_set(&why, E_PROTO, "the page gave a file no name that is understood");
        fail(s, &why);
    }
    advance(s);
}

/* Takes message. */
static void send_file(struct page *p, const struct channel_outgoing *m, json_t *message,
                      channel_done_cb cb, void *arg)
{
    struct page_send *s = mem_calloc(1, sizeof(*s));
    struct page_call_slot *c = NULL;
    if (s) {
        s->fd = -1;
        s->page = p;
        s->path = mem_strdup(m->file.path);
        c = s->path ? take(s, on_begun) : NULL;
    }
    if (!c) {
        json_decref(message);
        free(s ? s->path : NULL);
        free(s);
        cb(arg, &no_memory);
        return;
    }
    s->cb = cb;
    s->arg = arg;
    s->message = message;
    s->size = m->file.size_bytes;
    list_append(&p->sends, &s->link);
    json_t *o = with(json_object(), "name", json_string(m->file.filename));
    o = with(o, "mimetype", json_string(m->file.mimetype));
    o = with(o, "size", json_integer((json_int_t)s->size));
    if (!o && c->err.code == 0) {
        err_set(&c->err, E_INVALID, "a name of a file that is no valid UTF-8, or no memory");
    }
    page_call_start(c, "file_begin", o, 0);
}

/* ---- the operations
 * ------------------------------------------------------------------------------ */

static json_t *send_args(const struct channel_outgoing *t)
{
    json_t *mentions = json_array();
    for (size_t i = 0; t->mentions && t->mentions[i]; i++) {
        if (json_array_append_new(mentions, json_string(t->mentions[i])) != 0) {
            json_decref(mentions);
            return NULL;
        }
    }
    json_t *content = t->content[0] != '\0' ? json_loads(t->content, 0, NULL) : json_object();
    json_t *o = with(json_object(), "chat", json_string(t->chat_id));
    o = with(o, "id", json_string(t->message_id));
    o = with(o, "type", json_string(t->type));
    o = with(o, "text", json_string(t->text));
    o = with(o, "content", content);
    o = with(o, "quoted_id", json_string(t->quoted_id ? t->quoted_id : ""));
    o = with(o, "link_preview", json_boolean(t->link_preview));
    o = with(o, "view_once", json_boolean(t->view_once));
    return with(o, "mentions", mentions);
}

void channel_send(struct channel *c, const struct channel_outgoing *m, channel_done_cb cb,
                  void *arg)
{
    struct page *p = c->page;
    json_t *args = send_args(m);
    if (args && m->file.path) {
        send_file(p, m, args, cb, arg);
        return;
    }
    bool slow = strcmp(m->type, "forward") == 0;
    ask(p, "send", args, (slow ? FILE_TIMEOUT_FACTOR : 1) * p->o.call_timeout_ms, cb, arg);
}

void channel_change(struct channel *c, const struct channel_change *m, channel_done_cb cb,
                    void *arg)
{
    static const char *const what[] = {
        [CHANNEL_DO_EDIT] = "edit", [CHANNEL_DO_REVOKE] = "revoke", [CHANNEL_DO_REACT] = "react"};
    json_t *o = with(json_object(), "what", json_string(what[m->what]));
    o = with(o, "chat", json_string(m->chat_id));
    o = with(o, "id", json_string(m->message_id));
    o = with(o, "text", json_string(m->text ? m->text : ""));
    ask(c->page, "change", o, c->page->o.call_timeout_ms, cb, arg);
}

void channel_presence(struct channel *c, const char *chat_id, const char *state, channel_done_cb cb,
                      void *arg)
{
    json_t *o = with(json_object(), "chat", json_string(chat_id));
    o = with(o, "state", json_string(state));
    ask(c->page, "presence", o, c->page->o.call_timeout_ms, cb, arg);
}

void channel_mark_read(struct channel *c, const char *chat_id, channel_done_cb cb, void *arg)
{
    json_t *o = with(json_object(), "chat", json_string(chat_id));
    ask(c->page, "mark_read", o, c->page->o.call_timeout_ms, cb, arg);
}
