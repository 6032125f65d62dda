/*
 * What is refused before a byte of a body is read.
 *
 * libmicrohttpd is lenient where a proxy in front of us may understand the same bytes differently
 * (two lengths, a length beside a transfer coding, odd header names): such a request is answered
 * and the connection closed, because nobody can say where the next request on it begins.
 */
#include "api_priv.h"

#include "limit.h"
#include "mem.h"
#include "pages.h"
#include "text.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define FIELD(name_, member_, single_)                                                             \
    {                                                                                              \
        name_, sizeof(name_) - 1, offsetof(struct api_headers, member_), single_                   \
    }
static const struct {
    const char *name;
    size_t len;
    size_t offset;
    bool single; /* twice is an attack or a mistake */
} fields[] = {
    FIELD("Host", host, true),
    FIELD("Content-Length", content_length, true),
    FIELD("Transfer-Encoding", transfer_encoding, true),
    FIELD("Authorization", authorization, true),
    FIELD("X-Api-Key", x_api_key, true),
    FIELD("Idempotency-Key", idempotency_key, true),
    FIELD("Content-Type", content_type, true),
    FIELD("Content-Encoding", content_encoding, true),
    FIELD("Accept", accept, false),
    FIELD("X-Request-Id", request_id, false),
    FIELD("Last-Event-ID", last_event_id, false),
    FIELD("Expect", expect, false),
    FIELD("Range", range, true),
    FIELD("If-Range", if_range, true),
    FIELD("If-None-Match", if_none_match, false),
    FIELD("X-Forwarded-For", forwarded_for, false),
};

static bool is_token(const char *s, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)s[i];
        if (c <= 0x20 || c >= 0x7f || strchr("\"(),/:;<=>?@[\\]{}", c) != NULL) {
            return false;
        }
    }
    return len > 0;
}

static bool is_value(const char *s, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (((unsigned char)s[i] < 0x20 && s[i] != '\t') || s[i] == 0x7f) {
            return false;
        }
    }
    return true;
}

static enum MHD_Result on_header(void *cls, enum MHD_ValueKind kind, const char *name,
                                 size_t name_len, const char *value, size_t value_len)
{
    struct api_headers *h = cls;
    (void)kind;
    if (value == NULL) {
        value = "";
        value_len = 0;
    }
    if (!is_token(name, name_len) || !is_value(value, value_len)) {
        h->bad_name = true;
        return MHD_YES;
    }
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        if (fields[i].len == name_len && strcasecmp(fields[i].name, name) == 0) {
            const char **slot = (const char **)(void *)((char *)h + fields[i].offset);
            if (*slot == NULL || slot == &h->forwarded_for) {
                *slot = value;
            } else if (fields[i].single) {
                h->twice = fields[i].name;
            }
            break;
        }
    }
    return MHD_YES;
}

void headers_read(struct MHD_Connection *conn, struct api_headers *h)
{
    MHD_get_connection_values_n(conn, MHD_HEADER_KIND, on_header, h);
}

bool request_has_body(const struct api_headers *h)
{
    return h->transfer_encoding != NULL ||
           (h->content_length != NULL &&
            strspn(h->content_length, "0") != strlen(h->content_length));
}

static int malformed(struct api_request *r, struct err *e, const char *what)
{
    r->close = true;
    return err_word(e, E_INVALID, "malformed_request", "%s", what);
}

/* How long a body this request may have. */
static uint64_t most_body(const struct api_request *r)
{
    static const char media[] = "/media";
    size_t path = strcspn(r->target, "?"), len = sizeof(media) - 1;
    bool upload = strcmp(r->method, "POST") == 0 && path > len &&
                  memcmp(r->target + path - len, media, len) == 0;
    if (!upload) {
        return API_MAX_BODY;
    }
    bool form =
        r->h.content_type != NULL && strncasecmp(r->h.content_type, "multipart/", 10) == 0;
    return bridge_media_max_upload(r->api->bridge) + (form ? API_MAX_FORM : 0);
}

/* Where does this request end? */
static int check_framing(struct api_request *r, struct err *e)
{
    const struct api_headers *h = &r->h;
    if (h->bad_name) {
        return malformed(r, e, "a header's name or value has characters that HTTP does not allow");
    }
    if (h->twice != NULL) {
        r->close = true;
        return err_word(e, E_INVALID, "malformed_request", "the header %s is given twice",
                        h->twice);
    }
    if (h->transfer_encoding != NULL && h->content_length != NULL) {
        return malformed(r, e, "Content-Length together with Transfer-Encoding");
    }
    if (h->transfer_encoding != NULL && strcasecmp(h->transfer_encoding, "chunked") != 0) {
        return malformed(r, e, "the only Transfer-Encoding understood here is chunked");
    }
    const char *length = h->content_length;
    if (length != NULL) {
        size_t digits = strspn(length, "0123456789");
        if (digits == 0 || length[digits] != '\0') {
            return malformed(r, e, "Content-Length is not a number");
        }
        length += strspn(length, "0");
        uint64_t most = most_body(r);
        if (strlen(length) > 15 || strtoull(length, NULL, 10) > most) {
            r->close = true;
            return err_set(e, E_TOOLARGE, "the body has %.20s bytes, at most %llu are taken", length,
                           (unsigned long long)most);
        }
    }
    return 0;
}

static int check_target(struct api_request *r, struct err *e)
{
    if (r->too_long) {
        return err_word(e, E_INVALID, "uri_too_long",
                        "the path has more than %d bytes, or path and query more than %d",
                        API_MAX_PATH, API_MAX_TARGET);
    }
    for (const char *s = r->target; *s != '\0'; s++) {
        if ((unsigned char)*s <= 0x20 || (unsigned char)*s >= 0x7f || *s == '#') {
            return malformed(r, e, "the request target has characters that must be %-encoded");
        }
    }
    if (r->target[0] != '/') {
        return malformed(r, e, "the request target must begin with /");
    }
    return 0;
}

int request_guard(struct api_request *r, const char *version, struct err *e)
{
    bool modern = strcmp(version, MHD_HTTP_VERSION_1_1) == 0;
    if (!modern && strcmp(version, MHD_HTTP_VERSION_1_0) != 0) {
        r->close = true;
        return err_word(e, E_INVALID, "http_version", "HTTP/1.1 and HTTP/1.0 are understood here");
    }
    int rc = check_framing(r, e);
    if (rc != 0) {
        return rc;
    }
    if (!modern && r->h.transfer_encoding != NULL) {
        return malformed(r, e, "HTTP/1.0 knows no Transfer-Encoding");
    }
    const union MHD_ConnectionInfo *size =
        MHD_get_connection_info(r->conn, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
    if (size != NULL && size->header_size > API_MAX_HEADER) {
        r->close = true;
        return err_word(e, E_INVALID, "header_too_large",
                        "the headers have %zu bytes, at most %u are taken", size->header_size,
                        API_MAX_HEADER);
    }
    if (modern && r->h.host == NULL) {
        return malformed(r, e, "the Host header is missing");
    }
    rc = check_target(r, e);
    if (rc == 0 && r->listener->loopback && r->h.host != NULL &&
        !host_is_ours(r->h.host, r->listener->host)) {
        rc = err_word(e, E_FORBIDDEN, "host_not_allowed",
                      "this listener answers to localhost, 127.0.0.1 and [::1] only, so that a web "
                      "page elsewhere cannot reach it. A reverse proxy must set Host to one of "
                      "them");
    }
    if (rc == 0 && r->api->closing) {
        r->close = true;
        rc = err_word(e, E_UNAVAILABLE, "shutting_down", "the daemon is stopping");
    }
    return rc;
}

static int check_names(struct api_request *r, struct err *e)
{
    static const struct {
        enum path_param param;
        const char *unknown;
    } names[] = {{PARAM_TENANT, "unknown_tenant"},
                 {PARAM_SESSION, "unknown_session"},
                 {PARAM_WEBHOOK, "unknown_webhook"}};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        const char *name = r->param[names[i].param];
        if (name == NULL || text_is_name(name)) {
            continue;
        }
        const char *what = path_param_name(names[i].param);
        if (strcmp(r->method, "PUT") == 0) {
            return err_field(e, "invalid_name", what,
                             "a %s name is 1 to 63 of a-z, 0-9, - and _, and begins with a letter "
                             "or digit",
                             what);
        }
        return err_word(e, E_NOTFOUND, names[i].unknown, "there is no such %s", what);
    }
    return 0;
}

/* The body that will come, as announced. */
static int check_body(const struct api_request *r, struct err *e)
{
    const struct api_headers *h = &r->h;
    if (r->route->body == NULL || !request_has_body(h)) {
        return 0;
    }
    bool stream = (r->route->flags & API_STREAM) != 0;
    /* Any web page can make a browser send a body without a type, and its visitor be taken for somebody
     * who guesses; with this type the browser asks us first, and gets no leave. */
    if ((r->route->flags & API_GUESS) != 0 && h->content_type == NULL) {
        return err_word(e, E_INVALID, "unsupported_media_type",
                        "the body must be JSON: send Content-Type: application/json");
    }
    if (!stream && h->content_type != NULL && !media_is_json(h->content_type)) {
        return err_word(e, E_INVALID, "unsupported_media_type",
                        "the body must be JSON: send Content-Type: application/json");
    }
    if (h->content_encoding != NULL && strcasecmp(h->content_encoding, "identity") != 0) {
        return err_word(e, E_INVALID, "unsupported_media_type", "compressed bodies are not taken");
    }
    return 0;
}

static int check_idempotency(const struct api_request *r, struct err *e)
{
    const char *key = r->h.idempotency_key;
    if (key == NULL || (r->route->flags & API_IDEMPOTENT) == 0) {
        return 0;
    }
    size_t len = 0;
    while (key[len] > 0x20 && key[len] < 0x7f) {
        len++;
    }
    if (len == 0 || len > 255 || key[len] != '\0') {
        return err_field(
            e, NULL, "Idempotency-Key",
            "Idempotency-Key takes 1 to 255 printable ASCII characters without blanks");
    }
    return 0;
}

int request_admit(struct api_request *r, struct err *e)
{
    char *raw_query = strchr(r->target, '?');
    if (raw_query != NULL) {
        *raw_query++ = '\0';
    }
    r->path = r->target;
    r->segments = mem_strdup(r->target);
    if (r->segments == NULL) {
        return err_set(e, E_NOMEM, "out of memory");
    }
    struct path path;
    int rc = path_split(r->segments, &path, e);
    if (rc != 0) {
        return rc;
    }
    bool known;
    r->route = path_router_match(r->api->router, r->method, &path, r->param, &known, r->allow_text);
    bool reads = strcmp(r->method, MHD_HTTP_METHOD_GET) == 0 ||
                 strcmp(r->method, MHD_HTTP_METHOD_HEAD) == 0;
    bool page = r->api->dashboard || strcmp(r->target, "/") != 0;
    if (r->route == NULL && !known && reads && page) {
        r->route = pages_route(r->target);
        raw_query = r->route != NULL ? NULL : raw_query; /* a page makes of it what it likes */
    }
    if (r->route == NULL) {
        if (!known) {
            return err_set(e, E_NOTFOUND,
                           "there is nothing at this path; GET /openapi.json lists "
                           "what there is");
        }
        r->allow = r->allow_text;
        if (strcmp(r->method, MHD_HTTP_METHOD_OPTIONS) == 0) {
            api_answer_empty(r, MHD_HTTP_NO_CONTENT);
            return 0;
        }
        return err_word(e, E_INVALID, "method_not_allowed", "%s is not possible here: %s are",
                        r->method, r->allow_text);
    }
    r->by_link = r->route->auth == API_SIGNED && r->h.authorization == NULL &&
                 r->h.x_api_key == NULL && raw_query != NULL &&
                 strstr(raw_query, "signature=") != NULL;
    r->ticket = auth_ticket(r, raw_query, &r->ticket_len);
    if ((rc = limits_door(r, e)) != 0) {
        return rc;
    }
    rc = auth_check(r, e);
    limits_door_result(r, e);
    if (rc != 0 || (rc = limits_take(r, e)) != 0 || (rc = auth_check_place(r, e)) != 0 ||
        (rc = check_names(r, e)) != 0 ||
        (rc = query_parse(raw_query, r->route->query, &r->query, e)) != 0 ||
        (rc = check_idempotency(r, e)) != 0) {
        return rc;
    }
    return check_body(r, e);
}

int request_parse(struct api_request *r, struct err *e)
{
    if (r->route->body == NULL || (r->route->flags & API_STREAM) != 0) {
        return 0;
    }
    if (r->body.len == 0 && (r->route->flags & API_BODY_OPTIONAL) != 0) {
        r->json = json_object();
        return r->json != NULL ? 0 : err_set(e, E_NOMEM, "out of memory");
    }
    if (r->body.len == 0) {
        return err_word(e, E_INVALID, "malformed_json", "a JSON body is needed here");
    }
    struct err why = {0};
    r->json = json_parse(r->body.data, r->body.len, API_MAX_BODY, &why);
    if (r->json == NULL && why.code == E_INVALID) {
        return err_word(e, E_INVALID, "malformed_json", "the body is not valid JSON: %s", why.msg);
    }
    if (r->json == NULL) {
        err_copy(e, &why);
        return why.code;
    }
    if (!json_is_object(r->json)) {
        return err_set(e, E_INVALID, "the body must be a JSON object");
    }
    return 0;
}
