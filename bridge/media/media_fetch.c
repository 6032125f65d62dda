/*
 * A url's file.
 *
 * Happy path: the url passes the guard -> a free transfer -> libcurl -> pieces go to the file as it
 * has room; when it has none the transfer pauses until a piece is written -> the end -> the file's
 * own end. A redirect whose target passes the guard starts the transfer over, HOPS times at most,
 * and never from https to http.
 *
 * Failure modes: the address is forbidden, after the name was resolved too; no answer in
 * [media] fetch_timeout_ms, all of it; a status that is not 200; more bytes than the type takes,
 * told by Content-Length or found while they come; the disk. Each ends the file and tells why.
 */
#include "media_priv.h"

#include "http_rules.h"
#include "log.h"
#include "mem.h"
#include "url_guard.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HOPS 3
#define CONNECT_MS 10000

struct fetch {
    struct http_transfer transfer; /* first */
    struct list link;
    struct media *m;
    struct media_file *f;
    struct url_target target;
    char scheme[8];
    unsigned hops;
    struct http_rules rules;
    bool running, paused;
    uint64_t ends_ms; /* monotonic, of all hops together; 0: not begun */
    media_got_cb cb;
    void *arg;
};

static void start_waiting(struct media *m);

static void fetch_free(struct fetch *x)
{
    struct media *m = x->m;
    list_remove(&x->link);
    if (x->running) {
        m->fetching--;
    }
    curl_easy_cleanup(x->transfer.easy);
    url_target_finish(&x->target);
    free(x);
    media_leave(m);
}

/* The file goes; e is told in a later turn. */
static void fetch_fail(struct fetch *x, const struct err *e)
{
    struct err with = *e;
    if (with.code != E_FULL && with.code != E_LIMIT && with.code != E_CANCELED) {
        (void)snprintf(with.field, sizeof(with.field), "%s", x->f->field);
    }
    media_answer_later(x->m, x->cb, x->arg, &with, NULL);
    media_file_abort(x->f);
    struct media *m = x->m;
    media_enter(m);
    fetch_free(x);
    start_waiting(m);
    media_leave(m);
}

static int forbidden(struct err *e)
{
    return err_field(
        e, "address_forbidden", "url",
        "the host is, or stands for, a private, local or reserved address; files are "
        "fetched from public ones unless the operator sets [relay] allow_private = yes");
}

/* The guard of webhooks, in words for files. */
static int guard(const struct media *m, const char *url, struct url_target *out, struct err *e)
{
    int rc = url_guard(url, m->b->cfg.relay.allow_private, out, e);
    return rc != 0 && strcmp(err_word_of(e), "address_forbidden") == 0 ? forbidden(e) : rc;
}

static void fetch_failed(struct fetch *x, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
static void fetch_failed(struct fetch *x, const char *fmt, ...)
{
    struct err e;
    char words[200];
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(words, sizeof(words), fmt, ap);
    va_end(ap);
    err_word(&e, E_UNAVAILABLE, "media_fetch_failed", "the file could not be fetched: %s", words);
    fetch_fail(x, &e);
}

/* ---- callbacks of libcurl ----------------------------------------------------------------------
 */

static size_t on_body(char *data, size_t size, size_t n, void *arg)
{
    struct fetch *x = arg;
    size_t len = size * n;
    long status = 0;
    (void)curl_easy_getinfo(x->transfer.easy, CURLINFO_RESPONSE_CODE, &status);
    if (status != 200) {
        return len <= 65536 && status >= 300 ? len : 0; /* an error page is of no use */
    }
    if (x->f->err.code != 0) {
        return 0;
    }
    if (media_file_room(x->f) < len) {
        x->paused = true;
        media_file_wait(x->f);
        return CURL_WRITEFUNC_PAUSE;
    }
    return media_file_write(x->f, data, len) == len ? len : 0;
}

static void on_room(void *arg)
{
    struct fetch *x = arg;
    if (x->paused) {
        x->paused = false;
        (void)curl_easy_pause(x->transfer.easy, CURLPAUSE_CONT);
    }
}

/* ---- one hop -----------------------------------------------------------------------------------
 */

static void on_done(struct http_transfer *t, CURLcode code);

static void configure(struct fetch *x, uint64_t left_ms)
{
    CURL *c = x->transfer.easy;
    http_rules_apply(c, &x->rules, left_ms, CONNECT_MS);
    (void)curl_easy_setopt(c, CURLOPT_CURLU, x->target.url);
    (void)curl_easy_setopt(c, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)x->f->max_bytes);
    (void)curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_body);
    (void)curl_easy_setopt(c, CURLOPT_WRITEDATA, x);
}

/* Ends in on_done(), or has failed the fetch already. */
static void hop(struct fetch *x)
{
    struct err e;
    char *scheme = NULL;
    uint64_t now = uv_now(x->m->b->loop);
    if (x->ends_ms == 0) {
        x->ends_ms = now + x->m->b->cfg.media.fetch_timeout_ms;
    }
    curl_easy_cleanup(x->transfer.easy);
    x->transfer.easy = curl_easy_init();
    if (x->transfer.easy == NULL ||
        curl_url_get(x->target.url, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK) {
        err_set(&e, E_NOMEM, "out of memory");
        fetch_fail(x, &e);
        return;
    }
    (void)snprintf(x->scheme, sizeof(x->scheme), "%s", scheme);
    curl_free(scheme);
    configure(x, now < x->ends_ms ? x->ends_ms - now : 1);
    x->transfer.done = on_done;
    if (http_loop_add(x->m->http, &x->transfer, &e) != 0) {
        fetch_fail(x, &e);
    }
}

static void follow(struct fetch *x, long status)
{
    char *to = NULL;
    struct url_target next;
    struct err e;
    (void)curl_easy_getinfo(x->transfer.easy, CURLINFO_REDIRECT_URL, &to);
    if (to == NULL) {
        fetch_failed(x, "HTTP %ld without a place to go to", status);
    } else if (x->hops++ >= HOPS) {
        fetch_failed(x, "more than %d redirects", HOPS);
    } else if (strcmp(x->scheme, "https") == 0 && strncmp(to, "https:", 6) != 0) {
        fetch_failed(x, "a redirect from https to http is not followed");
    } else if (guard(x->m, to, &next, &e) != 0) {
        if (e.code != E_NOMEM) {
            (void)err_wrap(&e, "a redirect leads where it must not");
        }
        fetch_fail(x, &e);
    } else {
        url_target_finish(&x->target);
        x->target = next;
        hop(x);
    }
}

static void explain(struct fetch *x, CURLcode code, long status)
{
    struct err e;
    if (x->f->err.code != 0) {
        e = x->f->err;
        fetch_fail(x, &e);
    } else if (x->rules.forbidden) {
        forbidden(&e);
        fetch_fail(x, &e);
    } else if (code == CURLE_FILESIZE_EXCEEDED) {
        err_word(&e, E_TOOLARGE, "media_too_large", "the file has more than %llu bytes",
                 (unsigned long long)x->f->max_bytes);
        fetch_fail(x, &e);
    } else if (code == CURLE_OPERATION_TIMEDOUT) {
        fetch_failed(x, "it was not there within %llu ms ([media] fetch_timeout_ms)",
                     (unsigned long long)x->m->b->cfg.media.fetch_timeout_ms);
    } else if (status != 0 && status != 200) {
        fetch_failed(x, "HTTP %ld", status);
    } else {
        fetch_failed(x, "%.150s",
                     x->rules.why[0] != '\0' ? x->rules.why : curl_easy_strerror(code));
    }
}

static void name_file(struct fetch *x)
{
    char *type = NULL, *path = NULL;
    struct media_file *f = x->f;
    (void)curl_easy_getinfo(x->transfer.easy, CURLINFO_CONTENT_TYPE, &type);
    if (f->declared[0] == '\0' && type != NULL) {
        (void)snprintf(f->declared, sizeof(f->declared), "%.*s", (int)strcspn(type, "; "), type);
    }
    if (f->info.filename[0] == '\0' &&
        curl_url_get(x->target.url, CURLUPART_PATH, &path, CURLU_URLDECODE) == CURLUE_OK) {
        const char *last = strrchr(path, '/');
        media_filename_clean(last != NULL ? last + 1 : path, f->info.filename);
    }
    curl_free(path);
}

static void on_done(struct http_transfer *t, CURLcode code)
{
    struct fetch *x = (struct fetch *)t;
    long status = 0;
    (void)curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
    if (code == CURLE_OK && status >= 300 && status < 400 && status != 304) {
        follow(x, status);
        return;
    }
    if (code != CURLE_OK || status != 200 || x->f->err.code != 0) {
        explain(x, code, status);
        return;
    }
    struct media *m = x->m;
    name_file(x);
    x->f->on_room = NULL;
    media_file_end(x->f, x->cb, x->arg);
    media_enter(m);
    fetch_free(x);
    start_waiting(m);
    media_leave(m);
}

/* ---- the start, the end ------------------------------------------------------------------------
 */

static void start_waiting(struct media *m)
{
    while (m->fetching < MEDIA_MAX_FETCHES && !m->closing) {
        struct fetch *x = NULL;
        LIST_FOREACH(&m->fetches, it, next)
        {
            struct fetch *each = LIST_ENTRY(it, struct fetch, link);
            x = x == NULL && !each->running ? each : x;
        }
        if (x == NULL) {
            return;
        }
        x->running = true;
        m->fetching++;
        hop(x);
    }
}

void fetch_start(struct media_file *f, const char *url, media_got_cb cb, void *arg)
{
    struct err e;
    struct media *m = f->m;
    struct fetch *x = mem_calloc(1, sizeof(*x));
    int rc = x != NULL ? 0 : err_set(&e, E_NOMEM, "out of memory");
    rc = rc != 0 ? rc : guard(m, url, &x->target, &e);
    if (rc != 0) {
        if (rc != E_NOMEM) {
            (void)snprintf(e.field, sizeof(e.field), "%s", f->field);
        }
        free(x);
        media_file_abort(f);
        media_answer_later(m, cb, arg, &e, NULL);
        return;
    }
    x->m = m;
    x->rules.allow_private = m->b->cfg.relay.allow_private;
    x->f = f;
    x->cb = cb;
    x->arg = arg;
    f->on_room = on_room;
    f->room_arg = x;
    media_enter(m);
    list_append(&m->fetches, &x->link);
    start_waiting(m);
}

void fetch_cancel_all(struct media *m)
{
    struct err e;
    err_set(&e, E_CANCELED, "the server is stopping");
    while (!list_empty(&m->fetches)) {
        struct fetch *x = LIST_ENTRY(m->fetches.next, struct fetch, link);
        if (x->running) {
            http_loop_cancel(m->http, &x->transfer);
        }
        fetch_fail(x, &e);
    }
}
