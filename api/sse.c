/*
 * Event streams. A stream keeps a number, not a queue: MHD asks for bytes when the client can take
 * them, and they are read from the tenant's log, a few events at a time. A slow reader is therefore
 * only far behind; it costs no memory. With nothing to say the connection is suspended until the
 * log grows, a comment is due, or the client is seen to have left (looked at every second: a
 * suspended connection does not notice).
 *
 * A stream lives longer than the request that opened it, so whoever opened it is looked at again:
 * it ends when the key is deleted or may do something else, and when its time is over.
 *
 * Numbers of events have no holes but where the log was trimmed: who comes back too late is told with
 * an event of the stream's own, `gap`, what he will never see. A stream that begins now says with
 * `hello` where that is, so that its client can come back there before anything has happened.
 */
#include "api_priv.h"

#include "clock.h"
#include "mem.h"

#include <stdlib.h>
#include <string.h>

#define PIECE (32u << 10) /* read from the log until there is this much */
#define BATCH 100
#define MAX_BATCHES 20 /* without anything to show, before others have their turn */
#define BLOCK 16384

struct stream {
    struct list link;
    struct api *api;
    struct MHD_Connection *conn;
    struct bridge_watch watch;
    struct bridge_principal who;
    uint64_t access_version; /* of the bridge, when who was last looked at */
    char tenant[64];
    uint64_t after;
    uint64_t told;  /* the last number that the client has seen as an id */
    char *types;    /* only these; NULL: all */
    unsigned read; /* in this batch, shown or not */
    bool full;     /* it was cut short: there is enough to send */
    struct buf out;
    size_t sent; /* of out */
    bool idle;   /* suspended */
    bool ended;
    uint64_t last_ms; /* monotonic: something was last written */
};

static void stream_wake(struct stream *s)
{
    if (s->idle) {
        s->idle = false;
        MHD_resume_connection(s->conn);
        api_wake(s->api);
    }
}

static void on_grown(struct bridge_watch *w)
{
    stream_wake(w->data);
}

/* Does whoever opened it still have the same rights? Once he has not, the stream has ended: whoever
 * asks next is not told of a version that was looked at. */
static bool is_allowed(struct stream *s)
{
    uint64_t version = bridge_access_version(s->api->bridge);
    bool same = version == s->access_version &&
                (s->who.expires_ms == 0 || s->who.expires_ms > clock_wall_ms());
    s->ended = s->ended || (!same && bridge_principal_check(s->api->bridge, &s->who, NULL) != 0);
    s->access_version = version;
    return !s->ended;
}

/* What is told once: not for who is behind, and without a number, so that coming back is not changed
 * by it. */
static void on_passing(struct bridge_watch *w, const char *type, const char *text, size_t len)
{
    struct stream *s = w->data;
    if (s->ended || s->out.failed || s->out.len > PIECE ||
        !bridge_types_match(s->types, type) || !bridge_sees_event(&s->who, text, len)) {
        return;
    }
    if (!is_allowed(s)) {
        stream_wake(s); /* to its end */
        return;
    }
    buf_printf(&s->out, "event: %s\ndata: ", type);
    buf_append(&s->out, text, len);
    buf_str(&s->out, "\n\n");
    stream_wake(s);
}

/* Numbers in between are gone. Nobody misses what was there before he asked for "all there is". */
static void tell_gap(struct stream *s, uint64_t next)
{
    if (s->after == 0 || next == s->after + 1) {
        return;
    }
    buf_printf(&s->out, "id: %llu\nevent: gap\ndata: {\"after\":%llu,\"next\":%llu}\n\n",
               (unsigned long long)(next - 1), (unsigned long long)s->after,
               (unsigned long long)next);
    s->told = next - 1;
}

/* Compact JSON has no newline, so one data line is enough. */
static int on_event(void *arg, uint64_t seq, const char *type, const char *text, size_t len)
{
    struct stream *s = arg;
    tell_gap(s, seq);
    s->after = seq;
    s->read++;
    if (!bridge_types_match(s->types, type) || !bridge_sees_event(&s->who, text, len)) {
        return 0;
    }
    s->told = seq;
    buf_printf(&s->out, "id: %llu\nevent: %s\ndata: ", (unsigned long long)seq, type);
    buf_append(&s->out, text, len);
    buf_str(&s->out, "\n\n");
    s->full = s->out.failed || s->out.len >= PIECE;
    return s->full;
}

/* The next events that may be shown; what is not shown is passed over, some at a time. */
static int next_events(struct stream *s, struct err *e)
{
    int rc = 0;
    for (unsigned i = 0; rc == 0 && s->out.len == 0; i++) {
        uint64_t last = bridge_events_last(s->api->bridge, s->tenant);
        s->read = 0;
        s->full = false;
        rc = bridge_events(s->api->bridge, s->tenant, s->after, BATCH, on_event, s, e);
        if (rc == 0 && !s->full && s->read < BATCH && s->after < last) {
            tell_gap(s, last + 1); /* the end of the log was trimmed */
            s->after = last;
        }
        if (s->read < BATCH) {
            break;
        }
        if (i == MAX_BATCHES && s->out.len == 0) {
            return buf_str(&s->out, ": nothing so far\n\n"); /* we are asked for more at once */
        }
    }
    return rc;
}

/* 0, or an error: the tenant is gone, the store cannot be read. */
static int fill(struct stream *s)
{
    struct err e = {0};
    int rc = next_events(s, &e);
    if (rc == 0 && s->out.failed) {
        rc = E_NOMEM;
    }
    uint64_t now = clock_mono_ms();
    if (rc == 0 && s->out.len == 0 && now >= s->last_ms + API_PING_MS) {
        rc = buf_str(&s->out, ": still here\n");
        if (s->told != s->after) { /* so that nobody comes back for what he may not see */
            rc = buf_printf(&s->out, "id: %llu\n", (unsigned long long)s->after);
            s->told = s->after;
        }
        rc = rc != 0 ? rc : buf_str(&s->out, "\n");
    }
    if (s->out.len > 0) {
        s->last_ms = now;
    }
    return rc;
}

static ssize_t on_read(void *cls, uint64_t pos, char *out, size_t max)
{
    struct stream *s = cls;
    (void)pos;
    if (s->sent == s->out.len) {
        buf_reset(&s->out);
        s->sent = 0;
        if (s->ended || s->api->closing || !is_allowed(s) || fill(s) != 0) {
            return MHD_CONTENT_READER_END_OF_STREAM;
        }
    }
    size_t n = s->out.len - s->sent;
    if (n == 0) {
        s->idle = true;
        MHD_suspend_connection(s->conn);
        return 0;
    }
    n = n < max ? n : max;
    memcpy(out, s->out.data + s->sent, n);
    s->sent += n;
    return (ssize_t)n;
}

static void on_free(void *cls)
{
    struct stream *s = cls;
    bridge_watch_stop(&s->watch);
    list_remove(&s->link);
    s->api->stream_count--;
    buf_finish(&s->out);
    free(s->types);
    free(s);
}

/* What a stream begins with; sends the head at once. */
static void greet(struct stream *s, bool now)
{
    uint64_t last = bridge_events_last(s->api->bridge, s->tenant);
    (void)buf_str(&s->out, "retry: 2000\n\n");
    if (now) {
        buf_printf(&s->out, "id: %llu\nevent: hello\ndata: {\"seq\":%llu}\n\n",
                   (unsigned long long)s->after, (unsigned long long)s->after);
    } else if (s->after > last) { /* of a log that is no more: the tenant was made anew */
        buf_printf(&s->out, "id: %llu\nevent: gap\ndata: {\"after\":%llu,\"next\":%llu}\n\n",
                   (unsigned long long)last, (unsigned long long)s->after,
                   (unsigned long long)last + 1);
        s->after = last;
    }
    s->told = s->after;
}

/* Streams are for all tenants together: a widget, which is in anybody's browser, gets few of them. */
static int check_room(const struct api *a, const struct bridge_principal *who, struct err *e)
{
    unsigned same = 0;
    if (a->stream_count >= API_MAX_STREAMS) {
        return err_word(e, E_LIMIT, "too_many_streams",
                        "%d event streams are open, the most there can be: close one",
                        API_MAX_STREAMS);
    }
    LIST_FOREACH(&a->streams, it, next)
    {
        const struct bridge_principal *w = &LIST_ENTRY(it, struct stream, link)->who;
        same += strcmp(w->chat[0], who->chat[0]) == 0 && strcmp(w->subject, who->subject) == 0 &&
                strcmp(w->tenant, who->tenant) == 0 && strcmp(w->sessions, who->sessions) == 0;
    }
    return !bridge_of_one_chat(who) || same < API_WIDGET_STREAMS
               ? 0
               : err_word(e, E_LIMIT, "too_many_streams",
                          "this chat has %u event streams open by this widget, the most there can "
                          "be: close one",
                          same);
}

void sse_open(struct api_request *r, uint64_t after, bool now)
{
    struct api *a = r->api;
    struct err e = {0};
    if (check_room(a, &r->who, &e) != 0) {
        api_fail(r, &e);
        return;
    }
    const char *types = api_text(r, "types");
    struct stream *s = mem_calloc(1, sizeof(*s));
    if (s == NULL || (types != NULL && (s->types = mem_strdup(types)) == NULL)) {
        free(s);
        (void)err_set(&e, E_NOMEM, "out of memory");
        api_fail(r, &e);
        return;
    }
    s->api = a;
    s->conn = r->conn;
    r->streaming = true;
    s->after = after;
    s->who = r->who;
    s->access_version = bridge_access_version(a->bridge);
    s->last_ms = clock_mono_ms();
    memcpy(s->tenant, r->param[PARAM_TENANT], strlen(r->param[PARAM_TENANT]) + 1);
    buf_init(&s->out, API_MAX_LIST_BYTES);
    list_init(&s->link);
    s->watch.on_grown = on_grown;
    s->watch.on_passing = on_passing;
    s->watch.data = s;
    int rc = bridge_watch_start(a->bridge, s->tenant, &s->watch, &e);
    if (rc != 0) {
        free(s->types);
        free(s);
        api_fail(r, &e);
        return;
    }
    list_append(&a->streams, &s->link);
    a->stream_count++;
    greet(s, now);
    struct MHD_Response *response =
        MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, BLOCK, on_read, s, on_free);
    if (response == NULL) {
        on_free(s);
    } else {
        MHD_add_response_header(response, "X-Accel-Buffering", "no");
    }
    api_answer_response(r, MHD_HTTP_OK, "text/event-stream", response);
}

void sse_tick(struct api *a)
{
    uint64_t now = clock_mono_ms();
    LIST_FOREACH(&a->streams, it, next)
    {
        struct stream *s = LIST_ENTRY(it, struct stream, link);
        s->ended = s->ended || (s->idle && client_is_done(s->conn)) || !is_allowed(s);
        if (s->ended || now >= s->last_ms + API_PING_MS) {
            stream_wake(s);
        }
    }
}

void sse_close(struct api *a)
{
    LIST_FOREACH(&a->streams, it, next)
    {
        struct stream *s = LIST_ENTRY(it, struct stream, link);
        s->ended = true;
        if (s->idle) {
            stream_wake(s);
            continue;
        }
        /* a slow reader does not hold up the stop: it comes back and goes on where it was */
        client_end(s->conn);
    }
}
