#include "api_priv.h"

#include <string.h>

/* The one place that knows HTTP numbers of errors. A row with a word goes before its code's row. */
static const struct {
    int code;         /* 0: any */
    const char *word; /* NULL: any */
    int status;
    unsigned retry_after; /* seconds */
} table[] = {
    {0, "malformed_request", 400, 0},
    {0, "malformed_json", 400, 0},
    {0, "method_not_allowed", 405, 0},
    {0, "not_acceptable", 406, 0},
    {0, "request_timeout", 408, 0},
    {0, "uri_too_long", 414, 0},
    {0, "unsupported_media_type", 415, 0},
    {0, "range_not_satisfiable", 416, 0},
    {0, "host_not_allowed", 421, 0},
    {0, "header_too_large", 431, 0},
    {0, "http_version", 505, 0},
    {0, "storage_unavailable", 503, 10},
    {0, "qr_not_ready", 409, 2},
    {0, "queue_full", 429, 10},
    {0, "quota_exceeded", 429, 0},
    {0, "media_fetch_failed", 422, 0}, /* the url is the caller's */
    {E_INVALID, NULL, 422, 0},
    {E_NOTFOUND, NULL, 404, 0},
    {E_CONFLICT, NULL, 409, 0},
    {E_STATE, NULL, 409, 0},
    {E_EXISTS, NULL, 409, 0},
    {E_AUTH, NULL, 401, 0},
    {E_FORBIDDEN, NULL, 403, 0},
    {E_TOOLARGE, NULL, 413, 0},
    {E_LIMIT, NULL, 429, 5},
    {E_TIMEOUT, NULL, 504, 0},
    {E_FULL, NULL, 507, 0},
    {E_UNAVAILABLE, NULL, 503, 5},
    {E_CANCELED, NULL, 503, 5},
    {E_UNSUPPORTED, NULL, 501, 0},
};

static int row_of(const struct err *e)
{
    const char *word = err_word_of(e);
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        if (table[i].word != NULL ? strcmp(table[i].word, word) == 0 : table[i].code == e->code) {
            return (int)i;
        }
    }
    return -1;
}

int problem_status(const struct err *e)
{
    int row = row_of(e);
    return row < 0 ? 500 : table[row].status;
}

unsigned problem_retry_after(const struct err *e)
{
    int row = row_of(e);
    if (e->retry_after_s > 0) {
        return e->retry_after_s;
    }
    return row < 0 ? 0 : table[row].retry_after;
}

const char *problem_title(int status)
{
    const char *title = MHD_get_reason_phrase_for((unsigned)status);
    return title != NULL ? title : "Error";
}

char *problem_text(const struct err *e, const char *instance, size_t *len)
{
    int status = problem_status(e);
    json_t *body = json_pack("{s:s,s:s,s:i,s:s}", "type", "about:blank", "title",
                             problem_title(status), "status", status, "code", err_word_of(e));
    char *text = NULL;
    if (body != NULL) {
        int rc = json_set_str(body, "detail", e->msg);
        if (instance != NULL) {
            rc |= json_set_str(body, "instance", instance);
        }
        if (e->field[0] != '\0') {
            rc |= json_object_set_new(
                body, "errors", json_pack("[{s:s,s:s}]", "field", e->field, "detail", e->msg));
        }
        text = rc == 0 ? json_text(body, len) : NULL;
    }
    json_decref(body);
    return text;
}
