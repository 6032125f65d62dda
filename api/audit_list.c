/*
 * The audit log of a tenant (/v1/tenants/{tenant}/audit) or of acts above them (/v1/audit), as a
 * list or as JSON lines. A line is the record as it is stored with `"hash"` as its last member, in
 * both forms byte for byte, so that whoever has it can check the chain. And the activity feed of a
 * session or of all, which is for people.
 */
#include "api_priv.h"

#include <stdlib.h>
#include <string.h>

static const char *const offers[] = {"application/json", "application/x-ndjson", NULL};

struct page {
    struct buf out;
    bool lines;
    unsigned count;
};

static int on_line(void *arg, const char *line, size_t len)
{
    struct page *p = arg;
    if (!p->lines && p->count > 0) {
        buf_char(&p->out, ',');
    }
    p->count++;
    buf_append(&p->out, line, len);
    if (p->lines) {
        buf_char(&p->out, '\n');
    }
    return p->out.failed ? 1 : 0;
}

/* What follows the records in a list. */
static void end_list(struct page *p, const char *next, const json_t *ends)
{
    char *text = json_text(ends, NULL);
    buf_str(&p->out, "],\"next_cursor\":");
    if (next[0] != '\0') {
        buf_printf(&p->out, "\"%s\"", next);
    } else {
        buf_str(&p->out, "null");
    }
    /* {"anchor":…,"head":…} without its brace */
    buf_printf(&p->out, ",%s", text != NULL ? text + 1 : "}");
    free(text);
}

/* Lines have no room for the cursor: it is a header. */
static void answer_lines(struct api_request *r, struct page *p, const char *next)
{
    size_t len = 0;
    char *text = buf_steal(&p->out, &len);
    struct MHD_Response *response =
        text != NULL ? MHD_create_response_from_buffer(len, text, MHD_RESPMEM_MUST_FREE)
                     : MHD_create_response_from_buffer(0, (char *)(uintptr_t) "",
                                                       MHD_RESPMEM_PERSISTENT);
    if (response == NULL) {
        free(text);
    } else if (next[0] != '\0') {
        MHD_add_response_header(response, "X-Next-Cursor", next);
    }
    api_answer_response(r, MHD_HTTP_OK, "application/x-ndjson", response);
}

void audit_list(struct api_request *r)
{
    struct err e = {0};
    const char *order = api_text(r, "order");
    int kind = accept_pick(r->h.accept, offers);
    struct page p = {.lines = kind == 1};
    struct bridge_audit_query q = {
        .tenant = r->param[PARAM_TENANT],
        .actor = api_text(r, "actor"),
        .action = api_text(r, "action"),
        .session = api_text(r, "session"),
        .since_ms = api_number(r, "since"),
        .until_ms = api_number(r, "until"),
        .oldest_first = order != NULL ? strcmp(order, "oldest") == 0 : p.lines,
        .paging = api_paging(r),
    };
    char next[BRIDGE_AUDIT_CURSOR];
    json_t *ends = NULL;
    if (kind < 0) {
        (void)err_word(&e, E_INVALID, "not_acceptable",
                       "the audit log comes as application/json or application/x-ndjson");
        api_fail(r, &e);
        return;
    }
    buf_init(&p.out, API_MAX_LIST_BYTES);
    if (!p.lines) {
        buf_str(&p.out, "{\"items\":[");
    }
    int rc = bridge_audit_list(api_bridge(r), &q, on_line, &p, next, &ends, &e);
    if (rc == 0 && !p.lines) {
        end_list(&p, next, ends);
    }
    json_decref(ends);
    if (rc == 0 && p.out.failed) {
        rc = err_set(&e, E_NOMEM, "out of memory");
    }
    if (rc != 0) {
        buf_finish(&p.out);
        api_fail(r, &e);
    } else if (p.lines) {
        answer_lines(r, &p, next);
    } else {
        size_t len = 0;
        char *text = buf_steal(&p.out, &len);
        api_answer_data(r, MHD_HTTP_OK, "application/json", text, len);
    }
}

void activity_list(struct api_request *r)
{
    json_t *body = NULL;
    struct err e = {0};
    struct bridge_paging paging = api_paging(r);
    int rc = bridge_activity(api_bridge(r), r->param[PARAM_TENANT], r->param[PARAM_SESSION],
                             &r->who, &paging, &body, &e);
    api_give(r, rc, body, &e);
}
