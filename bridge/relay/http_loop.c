/*
 * libcurl tells which sockets it waits for (on_socket -> one uv_poll each) and when it wants to be
 * called at the latest (on_timeout -> one uv_timer); each event goes to curl_multi_socket_action(),
 * after which finished transfers are drained.
 *
 * Failure modes: a socket that cannot be polled ends its transfer by time-out. A done callback may
 * add or cancel transfers: they are drained one by one from curl's own queue. Closing: every
 * uv_poll and the timer are closed before the memory goes.
 */
#include "http_loop.h"

#include "mem.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>

struct http_loop {
    uv_loop_t *loop;
    CURLM *multi;
    uv_timer_t timer;
    unsigned handles; /* uv handles not yet closed */
    unsigned transfers;
    bool in_timer;
    bool closing;
    void (*on_closed)(void *arg);
    void *arg;
};

struct http_socket {
    uv_poll_t poll;
    struct http_loop *h;
    curl_socket_t fd;
};

static void maybe_free(struct http_loop *h)
{
    if (h->closing && h->handles == 0) {
        void (*on_closed)(void *) = h->on_closed;
        void *arg = h->arg;
        free(h);
        on_closed(arg);
    }
}

static void drain(struct http_loop *h)
{
    CURLMsg *m = NULL;
    int left = 0;
    while (!h->closing && (m = curl_multi_info_read(h->multi, &left)) != NULL) {
        if (m->msg != CURLMSG_DONE) {
            continue;
        }
        CURLcode code = m->data.result;
        CURL *easy = m->easy_handle; /* m is gone after the next call */
        struct http_transfer *t = NULL;
        (void)curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)(void *)&t);
        (void)curl_multi_remove_handle(h->multi, easy);
        h->transfers--;
        t->done(t, code);
    }
}

static void act(struct http_loop *h, curl_socket_t fd, int mask)
{
    int running = 0;
    (void)curl_multi_socket_action(h->multi, fd, mask, &running);
    drain(h);
}

static void on_readable(uv_poll_t *p, int status, int events)
{
    struct http_socket *s = p->data;
    int mask = status < 0 ? CURL_CSELECT_ERR : 0;
    mask |= (events & UV_READABLE) != 0 ? CURL_CSELECT_IN : 0;
    mask |= (events & UV_WRITABLE) != 0 ? CURL_CSELECT_OUT : 0;
    act(s->h, s->fd, mask);
}

static void on_socket_closed(uv_handle_t *handle)
{
    struct http_socket *s = handle->data;
    struct http_loop *h = s->h;
    free(s);
    h->handles--;
    maybe_free(h);
}

static struct http_socket *watch(struct http_loop *h, curl_socket_t fd)
{
    struct http_socket *s = mem_calloc(1, sizeof(*s));
    if (s == NULL) {
        return NULL;
    }
    s->h = h;
    s->fd = fd;
    s->poll.data = s;
    if (uv_poll_init_socket(h->loop, &s->poll, fd) != 0) {
        free(s);
        return NULL;
    }
    h->handles++;
    (void)curl_multi_assign(h->multi, fd, s);
    return s;
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *socket_arg)
{
    (void)easy;
    struct http_loop *h = arg;
    struct http_socket *s = socket_arg;
    if (what == CURL_POLL_REMOVE) {
        if (s != NULL) {
            (void)uv_poll_stop(&s->poll);
            uv_close((uv_handle_t *)&s->poll, on_socket_closed);
            (void)curl_multi_assign(h->multi, fd, NULL);
        }
        return 0;
    }
    if (s == NULL) {
        s = watch(h, fd);
    }
    if (s != NULL) {
        int events = (what & CURL_POLL_IN) != 0 ? UV_READABLE : 0;
        events |= (what & CURL_POLL_OUT) != 0 ? UV_WRITABLE : 0;
        (void)uv_poll_start(&s->poll, events, on_readable);
    }
    return 0;
}

static void on_timer(uv_timer_t *timer)
{
    struct http_loop *h = timer->data;
    h->in_timer = true;
    act(h, CURL_SOCKET_TIMEOUT, 0);
    h->in_timer = false;
}

static int on_timeout(CURLM *multi, long timeout_ms, void *arg)
{
    (void)multi;
    struct http_loop *h = arg;
    if (timeout_ms < 0 || h->closing) {
        (void)uv_timer_stop(&h->timer);
    } else {
        /* A timer of 0 that a timer starts runs in the same pass of the loop: others first. */
        uint64_t least = h->in_timer ? 1 : 0;
        uint64_t delay = (uint64_t)timeout_ms;
        (void)uv_timer_start(&h->timer, on_timer, delay > least ? delay : least, 0);
    }
    return 0;
}

int http_loop_create(uv_loop_t *loop, unsigned host_connections, unsigned total_connections,
                     struct http_loop **out, struct err *e)
{
    struct http_loop *h = mem_calloc(1, sizeof(*h));
    if (h == NULL) {
        return err_set(e, E_NOMEM, "out of memory");
    }
    h->multi = curl_multi_init();
    if (h->multi == NULL) {
        free(h);
        return err_set(e, E_NOMEM, "out of memory");
    }
    h->loop = loop;
    (void)uv_timer_init(loop, &h->timer);
    h->timer.data = h;
    h->handles = 1;
    (void)curl_multi_setopt(h->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    (void)curl_multi_setopt(h->multi, CURLMOPT_SOCKETDATA, h);
    (void)curl_multi_setopt(h->multi, CURLMOPT_TIMERFUNCTION, on_timeout);
    (void)curl_multi_setopt(h->multi, CURLMOPT_TIMERDATA, h);
    (void)curl_multi_setopt(h->multi, CURLMOPT_MAX_HOST_CONNECTIONS, (long)host_connections);
    (void)curl_multi_setopt(h->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, (long)total_connections);
    (void)curl_multi_setopt(h->multi, CURLMOPT_MAXCONNECTS, (long)total_connections);
    *out = h;
    return 0;
}

int http_loop_add(struct http_loop *h, struct http_transfer *t, struct err *e)
{
    assert(!h->closing);
    (void)curl_easy_setopt(t->easy, CURLOPT_PRIVATE, t);
    CURLMcode code = curl_multi_add_handle(h->multi, t->easy);
    if (code != CURLM_OK) {
        return err_set(e, code == CURLM_OUT_OF_MEMORY ? E_NOMEM : E_INTERNAL, "%s",
                       curl_multi_strerror(code));
    }
    h->transfers++;
    return 0;
}

void http_loop_cancel(struct http_loop *h, struct http_transfer *t)
{
    (void)curl_multi_remove_handle(h->multi, t->easy);
    h->transfers--;
}

static void on_timer_closed(uv_handle_t *handle)
{
    struct http_loop *h = handle->data;
    h->handles--;
    maybe_free(h);
}

void http_loop_close(struct http_loop *h, void (*on_closed)(void *arg), void *arg)
{
    assert(h->transfers == 0);
    h->closing = true;
    h->on_closed = on_closed;
    h->arg = arg;
    (void)curl_multi_cleanup(h->multi); /* lets go of the sockets it kept alive */
    (void)uv_timer_stop(&h->timer);
    uv_close((uv_handle_t *)&h->timer, on_timer_closed);
}
