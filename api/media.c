/* Files of messages: getting them, links to them. Uploads are in upload.c. */
#include "api_priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TENANT(r) (r)->param[PARAM_TENANT]
#define MEDIA(r) (r)->param[PARAM_MEDIA]
#define HEADER_MAX 2048
#define WIDGET_LINK_S 3600

void media_info(struct api_request *r)
{
    json_t *body = NULL;
    struct err e = {0};
    int rc = bridge_media_info(api_bridge(r), TENANT(r), MEDIA(r), &body, &e);
    api_give(r, rc, body, &e);
}

void media_delete(struct api_request *r)
{
    bridge_media_delete(api_bridge(r), TENANT(r), MEDIA(r), api_done, api_hold(r));
}

void media_link(struct api_request *r)
{
    struct err e = {0};
    json_t *body = NULL;
    const char *key = NULL;
    json_t *value = NULL;
    int rc = 0;
    json_object_foreach(r->json, key, value)
    {
        if (strcmp(key, "ttl_s") != 0) {
            rc = err_word(&e, E_INVALID, "unknown_field", "the only field is ttl_s");
        } else if (!json_is_integer(value) || json_integer_value(value) < 1) {
            rc = err_field(&e, NULL, "ttl_s", "ttl_s is 1 to 86400 seconds");
        }
    }
    uint64_t ttl_s = (uint64_t)json_int(r->json, "ttl_s", 3600);
    if (bridge_of_one_chat(&r->who) && ttl_s > WIDGET_LINK_S) {
        ttl_s = WIDGET_LINK_S; /* about as long as who asks may read it himself */
    }
    rc = rc != 0 ? rc : bridge_media_link(api_bridge(r), TENANT(r), MEDIA(r), ttl_s, &body, &e);
    api_give(r, rc, body, &e);
}

/* ---- the file ----------------------------------------------------------------------------------
 */

static bool may_be_shown(const struct bridge_media_file *f)
{
    static const char *const shown[] = {"image/", "video/", "audio/", "text/plain",
                                        "application/pdf"};
    for (size_t i = 0; !f->active && i < sizeof(shown) / sizeof(shown[0]); i++) {
        if (strncmp(f->mimetype, shown[i], strlen(shown[i])) == 0) {
            return true;
        }
    }
    return false;
}

static void add_headers(struct api_request *r, struct MHD_Response *response,
                        const struct bridge_media_file *f, const char *etag)
{
    struct buf b;
    const char *name = api_text(r, "filename");
    buf_init(&b, HEADER_MAX);
    disposition_write(&b, !may_be_shown(f), name != NULL ? name : f->filename);
    /* a name too long for a header is left out; that the file is to be saved is not */
    MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_DISPOSITION,
                            b.data != NULL && !b.failed ? b.data
                            : may_be_shown(f)           ? "inline"
                                                        : "attachment");
    buf_finish(&b);
    MHD_add_response_header(response, MHD_HTTP_HEADER_ETAG, etag);
    MHD_add_response_header(response, MHD_HTTP_HEADER_ACCEPT_RANGES, "bytes");
    /* the same for ever under this name, but only as long as it may be had */
    MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "private, no-cache");
    MHD_add_response_header(response, "Content-Security-Policy", "sandbox; default-src 'none'");
}

/* Takes fd. */
static struct MHD_Response *file_response(int fd, uint64_t first, uint64_t len)
{
    if (len == 0) {
        (void)close(fd);
        return MHD_create_response_from_buffer(0, (void *)(uintptr_t) "", MHD_RESPMEM_PERSISTENT);
    }
    struct MHD_Response *response = MHD_create_response_from_fd_at_offset64(len, fd, first);
    if (response == NULL) {
        (void)close(fd);
    }
    return response;
}

static void answer_range_none(struct api_request *r, uint64_t size)
{
    struct err e = {0};
    size_t len = 0;
    char text[64];
    (void)err_word(&e, E_INVALID, "range_not_satisfiable", "the file has %llu bytes",
                   (unsigned long long)size);
    char *body = problem_text(&e, r->path, &len);
    struct MHD_Response *response =
        body != NULL ? MHD_create_response_from_buffer(len, body, MHD_RESPMEM_MUST_FREE) : NULL;
    if (response == NULL) {
        free(body);
    } else {
        (void)snprintf(text, sizeof(text), "bytes */%llu", (unsigned long long)size);
        MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_RANGE, text);
    }
    api_answer_response(r, problem_status(&e), "application/problem+json", response);
}

static void answer_file(struct api_request *r, const struct bridge_media_file *f)
{
    char etag[80], text[96];
    uint64_t first = 0, last = 0;
    (void)snprintf(etag, sizeof(etag), "\"%s\"", MEDIA(r));
    bool same = r->h.if_range == NULL || strcmp(r->h.if_range, etag) == 0;
    enum range_kind kind = range_parse(same ? r->h.range : NULL, f->size_bytes, &first, &last);
    struct MHD_Response *response = NULL;
    int status = MHD_HTTP_OK;
    if (etag_listed(r->h.if_none_match, etag)) {
        status = MHD_HTTP_NOT_MODIFIED;
        (void)close(f->fd);
        response = file_response(dup(STDERR_FILENO), 0, 0);
    } else if (kind == RANGE_NONE) {
        (void)close(f->fd);
        answer_range_none(r, f->size_bytes);
        return;
    } else {
        status = kind == RANGE_PART ? MHD_HTTP_PARTIAL_CONTENT : MHD_HTTP_OK;
        response = file_response(f->fd, first, f->size_bytes > 0 ? last - first + 1 : 0);
    }
    if (response != NULL) {
        add_headers(r, response, f, etag);
    }
    if (response != NULL && status == MHD_HTTP_PARTIAL_CONTENT) {
        (void)snprintf(text, sizeof(text), "bytes %llu-%llu/%llu", (unsigned long long)first,
                       (unsigned long long)last, (unsigned long long)f->size_bytes);
        MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_RANGE, text);
    }
    bool text_file = strcmp(f->mimetype, "text/plain") == 0; /* known to be UTF-8 */
    api_answer_response(r, status, text_file ? "text/plain; charset=utf-8" : f->mimetype, response);
}

void media_download(struct api_request *r)
{
    struct err e = {0};
    struct bridge_media_file f;
    int rc = !r->by_link
                 ? 0
                 : bridge_media_link_check(api_bridge(r), TENANT(r), MEDIA(r),
                                           api_text(r, "expires"), api_text(r, "signature"), &e);
    rc = rc != 0 ? rc : bridge_media_open(api_bridge(r), TENANT(r), MEDIA(r), &f, &e);
    if (rc != 0) {
        api_fail(r, &e);
        return;
    }
    answer_file(r, &f);
}
