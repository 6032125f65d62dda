#include "api_priv.h"

#include "mem.h"

#include <stdlib.h>
#include <string.h>

#define TENANT(r) (r)->param[PARAM_TENANT]
#define SESSION(r) (r)->param[PARAM_SESSION]

void session_list(struct api_request *r)
{
    json_t *body = NULL;
    struct err e = {0};
    struct bridge_paging p = api_paging(r);
    int rc = bridge_session_list(api_bridge(r), TENANT(r), &r->who, &p, &body, &e);
    api_give(r, rc, body, &e);
}

void session_get(struct api_request *r)
{
    json_t *body = NULL;
    struct err e = {0};
    int rc = bridge_session_get(api_bridge(r), TENANT(r), SESSION(r), &body, &e);
    api_give(r, rc, body, &e);
}

void session_put(struct api_request *r)
{
    bridge_session_put(api_bridge(r), TENANT(r), SESSION(r), r->json, api_done, api_hold(r));
}

void session_delete(struct api_request *r)
{
    bool erase = api_text(r, "erase") != NULL; /* "messages" is its only value */
    bridge_session_delete(api_bridge(r), TENANT(r), SESSION(r), erase, api_done, api_hold(r));
}

static void act(struct api_request *r, enum bridge_session_action action)
{
    bridge_session_act(api_bridge(r), TENANT(r), SESSION(r), action, api_done, api_hold(r));
}

void session_start(struct api_request *r)
{
    act(r, BRIDGE_START);
}

void session_stop(struct api_request *r)
{
    act(r, BRIDGE_STOP);
}

void session_restart(struct api_request *r)
{
    act(r, BRIDGE_RESTART);
}

void session_logout(struct api_request *r)
{
    act(r, BRIDGE_LOGOUT);
}

void session_hibernate(struct api_request *r)
{
    act(r, BRIDGE_HIBERNATE);
}

void session_wake(struct api_request *r)
{
    act(r, BRIDGE_WAKE);
}

void session_takeover(struct api_request *r)
{
    act(r, BRIDGE_TAKEOVER);
}

void session_pairing_code(struct api_request *r)
{
    struct err e = {0};
    const char *phone = json_str(r->json, "phone");
    if (phone == NULL) {
        (void)err_field(&e, "invalid_phone", "phone", "phone is missing or no text");
        api_fail(r, &e);
        return;
    }
    bridge_session_pairing_code(api_bridge(r), TENANT(r), SESSION(r), phone, api_done, api_hold(r));
}

/* ---- the linking code -------------------------------------------------------------------------
 */

static const char *const qr_types[] = {"image/png", "image/svg+xml", "text/plain",
                                       "application/json", NULL};
static const struct {
    enum bridge_qr_format format;
    const char *type;
} qr_answers[] = {{BRIDGE_QR_PNG, "image/png"},
                  {BRIDGE_QR_SVG, "image/svg+xml"},
                  {BRIDGE_QR_TEXT, "text/plain; charset=utf-8"},
                  {BRIDGE_QR_DATA_URL, "application/json"}};
#define QR_MAX (1u << 20)

static int render(struct api_request *r, const json_t *body, struct buf *out, struct err *e)
{
    const char *code = json_str(body, "code");
    if (code == NULL) {
        return err_set(e, E_INTERNAL, "the linking code has no text");
    }
    enum bridge_qr_format format = qr_answers[r->choice].format;
    return bridge_qr_render(code, format, api_text(r, "style"), out, e);
}

static void on_qr(void *arg, const struct bridge_reply *reply)
{
    struct api_request *r = arg;
    if (!api_unanswered(r) || reply->err != NULL) {
        api_done(r, reply);
        return;
    }
    struct err e = {0};
    struct buf out;
    buf_init(&out, QR_MAX);
    if (render(r, reply->body, &out, &e) != 0) {
        api_fail(r, &e);
    } else if (qr_answers[r->choice].format == BRIDGE_QR_DATA_URL) {
        json_t *body = json_copy(reply->body);
        if (body != NULL) {
            (void)json_object_set_new(body, "data_url", json_stringn(out.data, out.len));
        }
        api_answer_json(r, MHD_HTTP_OK, body);
    } else {
        size_t len = 0;
        char *data = buf_steal(&out, &len);
        api_answer_data(r, MHD_HTTP_OK, qr_answers[r->choice].type, data, len);
    }
    buf_finish(&out);
    request_release(r);
}

void session_qr(struct api_request *r)
{
    r->choice = accept_pick(r->h.accept, qr_types);
    if (r->choice < 0) {
        struct err e = {0};
        (void)err_word(&e, E_INVALID, "not_acceptable",
                       "a code comes as image/png, image/svg+xml, text/plain or application/json");
        api_fail(r, &e);
        return;
    }
    r->cut = request_cut;
    bridge_session_qr(api_bridge(r), TENANT(r), SESSION(r), api_number(r, "wait") * 1000, on_qr,
                      api_hold(r));
}

static void on_screenshot(void *arg, const struct bridge_picture *p, const struct err *e)
{
    struct api_request *r = arg;
    char *copy = e == NULL ? mem_malloc(p->len) : NULL;
    if (e != NULL) {
        api_fail(r, e);
    } else {
        if (copy != NULL) {
            memcpy(copy, p->data, p->len);
        }
        api_answer_data(r, r->route->status, p->mimetype, copy, p->len);
    }
    request_release(r);
}

void session_screenshot(struct api_request *r)
{
    bridge_session_screenshot(api_bridge(r), r->param[PARAM_TENANT], r->param[PARAM_SESSION],
                              on_screenshot, api_hold(r));
}
