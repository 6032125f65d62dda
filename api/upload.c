/*
 * A file that comes in the body of a request, straight to the disk.
 *
 * Happy path: the head is fine -> upload_begin() -> pieces go to the bridge as it has room; when it
 * has none the connection sleeps until a piece is written -> the end -> the bridge's answer (201).
 * The body is the file itself, or multipart/form-data with one file in it.
 *
 * Failure modes: more bytes than are taken, a full disk, a broken form: told at once past MHD
 * (which takes no answer in the middle of a body), and nothing stays. The client goes away, or the
 * server stops: nothing stays.
 */
#include "api_priv.h"

#include "mem.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define FORM_PIECE 4096u   /* what MHD's form reader may hold back, and hand out in addition */
#define FORM_FIELDS 65536u /* bytes of other fields */

struct upload {
    struct bridge_upload *to;       /* NULL: ended or aborted */
    struct MHD_PostProcessor *form; /* NULL: the body is the file */
    bool paused, named;
    uint64_t received, file_bytes, other_bytes;
    struct err err;
};

static void on_room(void *arg)
{
    struct api_request *r = arg;
    if (r->upload->paused && r->conn != NULL) {
        r->upload->paused = false;
        MHD_resume_connection(r->conn);
        api_wake(r->api);
    }
}

static int give(struct upload *up, const char *data, size_t len, size_t *taken)
{
    int rc = bridge_upload_write(up->to, data, len, taken, &up->err);
    up->file_bytes += *taken;
    return rc;
}

/* ---- multipart/form-data -----------------------------------------------------------------------
 */

static enum MHD_Result on_part(void *cls, enum MHD_ValueKind kind, const char *key,
                               const char *filename, const char *content_type,
                               const char *transfer_encoding, const char *data, uint64_t off,
                               size_t size)
{
    (void)kind;
    (void)transfer_encoding;
    struct api_request *r = cls;
    struct upload *up = r->upload;
    size_t taken = 0;
    if (filename == NULL && (key == NULL || strcmp(key, "file") != 0)) {
        up->other_bytes += size;
        if (up->other_bytes > FORM_FIELDS) {
            (void)err_set(&up->err, E_TOOLARGE, "the form has too much beside its file");
        }
    } else if (off == 0 && up->file_bytes > 0) {
        (void)err_field(&up->err, NULL, "file", "a form carries one file; send the others apart");
    } else {
        if (off == 0) {
            up->named = true;
            bridge_upload_name(up->to, content_type,
                               api_text(r, "filename") == NULL ? filename : NULL);
        }
        if (size > 0 && give(up, data, size, &taken) == 0 && taken < size) {
            (void)err_set(&up->err, E_INTERNAL, "a piece of the form found no room");
        }
    }
    return up->err.code == 0 ? MHD_YES : MHD_NO;
}

/* As much as surely fits, with what the reader holds back. */
static void feed_form(struct upload *up, const char *data, size_t len, size_t *taken)
{
    size_t room = bridge_upload_room(up->to);
    size_t n = room > 2 * FORM_PIECE ? room - 2 * FORM_PIECE : 0;
    n = n < len ? n : len;
    if (n > 0 && MHD_post_process(up->form, data, n) != MHD_YES && up->err.code == 0) {
        (void)err_word(&up->err, E_INVALID, "malformed_request",
                       "the body is not readable as multipart/form-data");
    }
    *taken = n;
    if (n < len && up->err.code == 0) {
        bridge_upload_wait(up->to);
    }
}

/* ---- for request.c -----------------------------------------------------------------------------
 */

int upload_begin(struct api_request *r, struct err *e)
{
    static const char form_type[] = "multipart/form-data";
    const char *type = r->h.content_type;
    struct upload *up = mem_calloc(1, sizeof(*up));
    if (up == NULL) {
        return err_set(e, E_NOMEM, "out of memory");
    }
    bool form = type != NULL && strncasecmp(type, form_type, sizeof(form_type) - 1) == 0;
    struct bridge_upload_spec spec = {.tenant = r->param[PARAM_TENANT],
                                      .mimetype = form ? NULL : type,
                                      .filename = api_text(r, "filename"),
                                      .on_room = on_room,
                                      .arg = r};
    int rc = bridge_upload_begin(r->api->bridge, &spec, &up->to, e);
    if (rc == 0 && form) {
        up->form = MHD_create_post_processor(r->conn, FORM_PIECE, on_part, r);
        if (up->form == NULL) {
            bridge_upload_abort(up->to);
            rc = err_word(e, E_INVALID, "malformed_request",
                          "multipart/form-data needs a boundary in Content-Type");
        }
    }
    if (rc != 0) {
        free(up);
        return rc;
    }
    r->upload = up;
    return 0;
}

int upload_data(struct api_request *r, const char *data, size_t *size, struct err *e)
{
    struct upload *up = r->upload;
    size_t n = *size, taken = 0;
    if (up->to == NULL) {
        return E_CANCELED; /* the server stops */
    }
    if (up->form != NULL) {
        feed_form(up, data, n, &taken);
    } else {
        (void)give(up, data, n, &taken);
    }
    up->received += taken;
    if (up->err.code != 0) {
        bridge_upload_abort(up->to);
        up->to = NULL;
        *size = 0;
        err_copy(e, &up->err);
        return e->code;
    }
    *size = n - taken;
    if (taken < n) {
        up->paused = true;
        MHD_suspend_connection(r->conn);
    }
    return 0;
}

static void on_stored(void *arg, const struct bridge_reply *reply)
{
    struct api_request *r = arg;
    const char *media = reply->err == NULL ? json_str(reply->body, "media_id") : NULL;
    if (media != NULL && r->api != NULL && bridge_of_one_chat(&r->who)) {
        bridge_one_chat_uploaded(r->api->bridge, &r->who, media);
    }
    api_done(r, reply);
}

void media_upload(struct api_request *r)
{
    struct upload *up = r->upload;
    struct err e = {0};
    if (up->to == NULL) {
        err_set(&e, E_CANCELED, "the server is stopping");
    } else if (up->form != NULL) {
        enum MHD_Result whole = MHD_destroy_post_processor(up->form);
        up->form = NULL;
        if (up->err.code != 0) {
            err_copy(&e, &up->err);
        } else if (whole != MHD_YES) {
            (void)err_word(&e, E_INVALID, "malformed_request",
                           "the multipart/form-data body ends in the middle of a part");
        } else if (!up->named) {
            (void)err_word(&e, E_INVALID, "missing_file", "the form has no file in it");
        }
    }
    if (e.code != 0) {
        upload_stop(r);
        api_fail(r, &e);
        return;
    }
    struct bridge_upload *to = up->to;
    up->to = NULL;
    bridge_upload_end(to, on_stored, api_hold(r));
}

uint64_t upload_received(const struct api_request *r)
{
    return r->upload != NULL ? r->upload->received : 0;
}

bool upload_sleeps(const struct api_request *r)
{
    return r != NULL && r->upload != NULL && r->upload->paused;
}

void upload_stop(struct api_request *r)
{
    struct upload *up = r->upload;
    if (up == NULL) {
        return;
    }
    if (up->to != NULL) {
        bridge_upload_abort(up->to);
        up->to = NULL;
    }
    if (up->paused && r->conn != NULL) {
        up->paused = false;
        MHD_resume_connection(r->conn);
        api_wake(r->api);
    }
}

void upload_free(struct api_request *r)
{
    if (r->upload != NULL) {
        if (r->upload->form != NULL) {
            (void)MHD_destroy_post_processor(r->upload->form);
        }
        free(r->upload);
        r->upload = NULL;
    }
}
