/*
 * Backups and exports over HTTP: the bytes of a pipe that a thread of the bridge fills. MHD asks for
 * bytes when the client can take them; with none in the pipe the connection is suspended until there
 * are. A client that is slow holds up the thread, nothing else. An archive that could not be finished
 * ends without the last chunk of its transfer: the client sees that it is not whole.
 */
#include "api_priv.h"

#include "mem.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BLOCK 65536
#define ARCHIVE_TYPE "application/octet-stream"

struct archive_stream {
    struct list link;
    struct api *api;
    struct MHD_Connection *conn;
    struct bridge_backup *backup;
    uv_poll_t poll;
    bool idle;      /* suspended */
    bool delivered; /* MHD took the last byte of a whole one */
    bool cut;       /* the server stops */
};

static void wake(struct archive_stream *s)
{
    if (s->idle) {
        s->idle = false;
        (void)uv_poll_stop(&s->poll);
        MHD_resume_connection(s->conn);
        api_wake(s->api);
    }
}

static void on_pipe(uv_poll_t *p, int status, int events)
{
    (void)status;
    (void)events;
    wake(p->data);
}

static ssize_t on_read(void *cls, uint64_t pos, char *out, size_t max)
{
    struct archive_stream *s = cls;
    struct err e;
    (void)pos;
    if (s->cut) {
        return MHD_CONTENT_READER_END_WITH_ERROR;
    }
    ssize_t n = read(bridge_backup_fd(s->backup), out, max);
    if (n > 0) {
        return n;
    }
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
        s->idle = true;
        MHD_suspend_connection(s->conn);
        (void)uv_poll_start(&s->poll, UV_READABLE, on_pipe);
        return 0;
    }
    if (n < 0 || bridge_backup_result(s->backup, &e) != 0) {
        return MHD_CONTENT_READER_END_WITH_ERROR;
    }
    s->delivered = true;
    return MHD_CONTENT_READER_END_OF_STREAM;
}

static void on_poll_closed(uv_handle_t *h)
{
    struct archive_stream *s = h->data;
    bridge_backup_close(s->backup, s->delivered);
    api_handle_gone(s->api);
    free(s);
}

static void on_free(void *cls)
{
    struct archive_stream *s = cls;
    list_remove(&s->link);
    uv_close((uv_handle_t *)&s->poll, on_poll_closed);
}

static struct MHD_Response *stream_response(struct api_request *r, struct bridge_backup *backup)
{
    struct archive_stream *s = mem_calloc(1, sizeof(*s));
    if (s == NULL || uv_poll_init(r->api->loop, &s->poll, bridge_backup_fd(backup)) != 0) {
        free(s);
        return NULL;
    }
    s->poll.data = s;
    s->api = r->api;
    s->conn = r->conn;
    s->backup = backup;
    s->api->handles++;
    list_append(&s->api->archives, &s->link);
    struct MHD_Response *response =
        MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, BLOCK, on_read, s, on_free);
    if (response == NULL) {
        on_free(s);
    }
    return response;
}

static void on_ready(void *arg, const struct err *e, struct bridge_backup *backup)
{
    struct api_request *r = arg;
    if (e != NULL) {
        api_fail(r, e);
    } else if (!api_unanswered(r)) {
        bridge_backup_close(backup, false);
    } else {
        struct list *last = r->api->archives.prev;
        struct MHD_Response *response = stream_response(r, backup);
        if (response == NULL && r->api->archives.prev == last) {
            struct err nomem = {0};
            bridge_backup_close(backup, false);
            (void)err_set(&nomem, E_NOMEM, "out of memory");
            api_fail(r, &nomem);
        } else {
            api_answer_response(r, MHD_HTTP_OK, ARCHIVE_TYPE, response);
        }
    }
    request_release(r);
}

static void begin(struct api_request *r, const char *session)
{
    struct err e = {0};
    const char *key = NULL;
    json_t *value = NULL;
    int rc = 0;
    json_object_foreach(r->json, key, value)
    {
        if (strcmp(key, "media") != 0 && strcmp(key, "passphrase") != 0) {
            rc = err_word(&e, E_INVALID, "unknown_field", "the fields are media and passphrase");
        }
    }
    const json_t *phrase = json_object_get(r->json, "passphrase");
    const char *text = json_string_value(phrase);
    const struct bridge_backup_spec spec = {
        .tenant = session != NULL ? r->param[PARAM_TENANT] : NULL,
        .session = session,
        .media = json_flag(r->json, "media", true),
        .passphrase = text,
    };
    if (rc == 0 && phrase != NULL && (text == NULL || strlen(text) < 8)) {
        rc = err_field(&e, NULL, "passphrase", "a passphrase has at least 8 characters");
    }
    if (rc == 0) {
        rc = bridge_backup(api_bridge(r), &spec, on_ready, api_hold(r), &e);
        if (rc != 0) {
            request_release(r); /* on_ready is not called */
        }
    }
    if (rc != 0) {
        api_fail(r, &e);
    }
}

void backup_make(struct api_request *r)
{
    begin(r, NULL);
}

void session_export_make(struct api_request *r)
{
    begin(r, r->param[PARAM_SESSION]);
}

void session_export_undo_ask(struct api_request *r)
{
    bridge_export_undo(api_bridge(r), r->param[PARAM_TENANT], r->param[PARAM_SESSION], api_done,
                       api_hold(r));
}

void session_import(struct api_request *r)
{
    bridge_session_import(api_bridge(r), r->param[PARAM_TENANT], r->param[PARAM_SESSION], r->json,
                          api_done, api_hold(r));
}

void archives_close(struct api *a)
{
    LIST_FOREACH(&a->archives, it, next)
    {
        struct archive_stream *s = LIST_ENTRY(it, struct archive_stream, link);
        s->cut = true;
        if (s->idle) {
            wake(s);
        } else {
            client_end(s->conn);
        }
    }
}

void archives_tick(struct api *a)
{
    LIST_FOREACH(&a->archives, it, next)
    {
        struct archive_stream *s = LIST_ENTRY(it, struct archive_stream, link);
        if (s->idle && client_is_done(s->conn)) {
            s->cut = true;
            wake(s);
        }
    }
}
