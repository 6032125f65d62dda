#include "api_priv.h"

#include <stdlib.h>
#include <string.h>

static const char *const offers[] = {"application/json", "text/event-stream", NULL};

#define SCAN 5000 /* events looked at for somebody who does not see them all */

struct page {
    const struct bridge_principal *who;
    const char *types;
    struct buf out;
    unsigned count, limit, scanned, scan;
    uint64_t last;
    bool more, gap; /* gap: some that would have been here were trimmed */
};

static int on_event(void *arg, uint64_t seq, const char *type, const char *text, size_t len)
{
    struct page *p = arg;
    bool seen = bridge_types_match(p->types, type) && bridge_sees_event(p->who, text, len);
    if (p->scanned == p->scan || p->count == p->limit || (seen && p->count > 0 && p->out.len + len > API_MAX_LIST_BYTES)) {
        p->more = true;
        return 1;
    }
    p->scanned++;
    p->gap = p->gap || (p->last != 0 && seq != p->last + 1);
    p->last = seq;
    if (!seen) {
        return 0;
    }
    if (p->count++ > 0) {
        buf_char(&p->out, ',');
    }
    buf_append(&p->out, text, len);
    return p->out.failed ? 1 : 0;
}

static void list(struct api_request *r, uint64_t after)
{
    struct err e = {0};
    const char *tenant = r->param[PARAM_TENANT];
    struct page p = {.who = &r->who,
                     .types = api_text(r, "types"),
                     .limit = (unsigned)api_number(r, "limit"),
                     .last = after};
    bool all = bridge_sees_all_sessions(&r->who) && p.types == NULL;
    p.scan = all ? p.limit : SCAN;
    buf_init(&p.out, 2 * API_MAX_LIST_BYTES);
    buf_str(&p.out, "{\"items\":[");
    uint64_t newest = bridge_events_last(api_bridge(r), tenant);
    int rc = bridge_events(api_bridge(r), tenant, after, p.limit > 0 ? p.scan + 1 : 0, on_event, &p,
                           &e);
    if (rc != 0) {
        buf_finish(&p.out);
        api_fail(r, &e);
        return;
    }
    if (after > newest || (p.limit > 0 && !p.more && p.last < newest)) {
        /* a log that is no more (the tenant was made anew), or one whose end was trimmed */
        p.gap = p.gap || p.last != 0;
        p.last = newest;
    } else if (p.last > newest) {
        newest = p.last; /* it has grown since we looked */
    }
    buf_printf(&p.out, "],\"next_after\":%llu,\"last_seq\":%llu,\"gap\":%s,\"next_cursor\":",
               (unsigned long long)p.last, (unsigned long long)newest, p.gap ? "true" : "false");
    if (p.more) {
        buf_printf(&p.out, "\"%llu\"}", (unsigned long long)p.last);
    } else {
        buf_str(&p.out, "null}");
    }
    size_t len = 0;
    char *text = buf_steal(&p.out, &len); /* NULL: no memory */
    api_answer_data(r, MHD_HTTP_OK, "application/json", text, len);
}

/* Last-Event-ID wins over the query: a browser sends both when it comes back. */
static int stream_start(struct api_request *r, uint64_t *after, bool *now, struct err *e)
{
    const char *id = r->h.last_event_id;
    *now = false;
    if (id != NULL) {
        size_t digits = strspn(id, "0123456789");
        if (digits == 0 || digits > 19 || id[digits] != '\0') {
            return err_field(e, NULL, "Last-Event-ID",
                             "Last-Event-ID must be the number of an event");
        }
        *after = strtoull(id, NULL, 10);
    } else if (api_text(r, "after") == NULL && api_text(r, "cursor") == NULL) {
        *after = bridge_events_last(api_bridge(r), r->param[PARAM_TENANT]);
        *now = true;
    }
    return 0;
}

void event_list(struct api_request *r)
{
    struct err e = {0};
    bool now = false;
    const char *types = api_text(r, "types");
    int kind = accept_pick(r->h.accept, offers);
    uint64_t after = api_number(r, api_text(r, "cursor") != NULL ? "cursor" : "after");
    if (kind < 0) {
        (void)err_word(&e, E_INVALID, "not_acceptable",
                       "events come as application/json or text/event-stream");
        api_fail(r, &e);
    } else if ((types != NULL && bridge_types_check(types, &e) != 0) ||
               (kind == 1 && stream_start(r, &after, &now, &e) != 0)) {
        api_fail(r, &e);
    } else if (kind == 0) {
        list(r, after);
    } else {
        sse_open(r, after, now);
    }
}
