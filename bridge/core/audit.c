/*
 * The audit log: records of the API's doing, in a hash chain for each tenant and one above them.
 *
 * A write is an operation of its own: the members are rendered on the loop, number and prev are put
 * by the store on the writer thread. A record about a tenant that is not there goes to the admin
 * log, so that a stranger's words make no chains and the deletion of a tenant is not forgotten with
 * it.
 */
#include "core_priv.h"

#include "clock.h"
#include "json.h"
#include "log.h"
#include "mem.h"
#include "text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DETAIL_MAX 1024 /* bytes of rendered detail */
#define LOOKS_MAX 5000  /* records that one query looks at */

/* ---- write -------------------------------------------------------------------------------------
 */

struct audit_write {
    struct call call; /* first */
    char tenant[64];
    uint64_t at_ms;
    char *members;
    size_t len;
};

static int apply_write(struct store_txn *t, struct call *c, struct err *e)
{
    struct audit_write *w = (struct audit_write *)c;
    (void)e;
    bool there = w->tenant[0] != '\0' && tenant_check(t, w->tenant, NULL) == 0;
    return store_audit_append(t, there ? w->tenant : STORE_AUDIT_ADMIN, w->at_ms, w->members,
                              w->len);
}

/* What cannot be stored is at least in the log. */
static void finish_write(struct call *c, int rc)
{
    struct audit_write *w = (struct audit_write *)c;
    if (rc != 0) {
        log_error(&(struct log_ctx){.tenant = w->tenant[0] != '\0' ? w->tenant : NULL},
                  "audit.lost", "an audit record was not stored (%s): %.1500s", c->op.err.msg,
                  w->members);
    }
}

static void release_write(struct call *c)
{
    struct audit_write *w = (struct audit_write *)c;
    free(w->members);
    free(w);
}

static json_t *detail_of(const json_t *detail)
{
    if (detail == NULL || json_object_size(detail) == 0 ||
        json_dumpb(detail, NULL, 0, JSON_COMPACT) > DETAIL_MAX) {
        return NULL;
    }
    return json_deep_copy(detail);
}

static char *render(const struct bridge_audit *a, uint64_t at_ms, size_t *len)
{
    json_t *o = json_object();
    char *text = NULL;
    json_t *detail = detail_of(a->detail);
    if (json_set_time(o, "at", at_ms) == 0 && json_set_str(o, "actor", a->actor) == 0 &&
        json_set_str(o, "address", a->address) == 0 && json_set_str(o, "action", a->action) == 0 &&
        json_set_str(o, "tenant", a->tenant) == 0 && json_set_str(o, "session", a->session) == 0 &&
        json_set_str(o, "target", a->target) == 0 &&
        body_set(o, "status", json_integer(a->status)) == 0 &&
        json_set_str(o, "code", a->code) == 0 &&
        json_set_str(o, "request_id", a->request_id) == 0 &&
        (detail == NULL || json_object_set(o, "detail", detail) == 0)) {
        text = json_text(o, len);
    }
    json_decref(detail);
    json_decref(o);
    return text;
}

void bridge_audit_write(struct bridge *b, const struct bridge_audit *a, bridge_done_fn done,
                        void *arg)
{
    struct audit_write *w = mem_calloc(1, sizeof(*w));
    if (w != NULL) {
        w->at_ms = clock_wall_ms();
        w->members = render(a, w->at_ms, &w->len);
    }
    if (w == NULL || w->members == NULL) {
        struct err e;
        err_set(&e, E_NOMEM, "out of memory");
        log_error(NULL, "audit.lost", "no memory for an audit record: %s by %s", a->action,
                  a->actor);
        free(w);
        if (done != NULL) {
            reply_later(b, done, arg, &e, NULL);
        }
        return;
    }
    bool named = !a->above && a->tenant != NULL && text_is_name(a->tenant);
    (void)snprintf(w->tenant, sizeof(w->tenant), "%s", named ? a->tenant : "");
    w->call.apply = apply_write;
    w->call.finish = finish_write;
    w->call.release = release_write;
    call_submit(&w->call, b, done, arg);
}

bool bridge_audit_sends(const struct bridge *b)
{
    return b->cfg.audit.sends;
}

/* ---- read --------------------------------------------------------------------------------------
 */

struct audit_read {
    const struct bridge_audit_query *q;
    bridge_audit_fn fn;
    void *arg;
    unsigned given, looks;
    uint64_t last; /* looked at */
    bool more;
    struct buf line;
    struct err *e;
};

static bool word_fits(const char *wanted, const char *word)
{
    size_t len = wanted != NULL ? strlen(wanted) : 0;
    if (wanted == NULL) {
        return true;
    }
    if (len > 0 && wanted[len - 1] == '*') {
        return strncmp(wanted, word, len - 1) == 0;
    }
    return strcmp(wanted, word) == 0;
}

static bool fits(const struct bridge_audit_query *q, const json_t *o)
{
    return word_fits(q->actor, json_str_or(o, "actor", "")) &&
           word_fits(q->action, json_str_or(o, "action", "")) &&
           (q->session == NULL || strcmp(q->session, json_str_or(o, "session", "")) == 0);
}

/* A text that does not parse was tampered with: it is shown whatever is asked for, as what it is. */
static int give_line(struct audit_read *r, uint64_t seq, const unsigned char hash[32],
                     struct store_value text)
{
    char hex[2 * CRYPTO_SHA256_LEN + 1];
    json_t *o = json_parse(text.data, text.len, STORE_AUDIT_MAX, NULL);
    bool wanted = o == NULL || fits(r->q, o);
    bool sound = json_is_object(o);
    json_decref(o);
    if (!wanted) {
        return 0;
    }
    crypto_hex(hash, CRYPTO_SHA256_LEN, hex);
    buf_reset(&r->line);
    if (sound) {
        (void)buf_append(&r->line, text.data, text.len - 1);
    } else {
        (void)buf_printf(&r->line, "{\"seq\":%" PRIu64 ",\"damaged\":true", seq);
    }
    (void)buf_printf(&r->line, ",\"hash\":\"%s\"}", hex);
    if (r->line.failed) {
        return err_set(r->e, E_NOMEM, "out of memory");
    }
    r->given++;
    return r->fn(r->arg, r->line.data, r->line.len) != 0 ? 1 : 0;
}

static int on_record(void *arg, uint64_t seq, uint64_t time_ms, const unsigned char hash[32],
                     struct store_value text)
{
    struct audit_read *r = arg;
    const struct bridge_audit_query *q = r->q;
    bool late = q->until_ms != 0 && time_ms >= q->until_ms;
    bool early = time_ms < q->since_ms;
    if (q->oldest_first ? late : early) {
        return 1; /* and all behind it */
    }
    if (r->given == q->paging.limit || r->looks == LOOKS_MAX) {
        r->more = true;
        return 1;
    }
    r->looks++;
    r->last = seq;
    return late || early ? 0 : give_line(r, seq, hash, text);
}

static json_t *end_object(const struct store_audit_end *end)
{
    char hex[2 * CRYPTO_SHA256_LEN + 1];
    if (end->seq == 0) {
        return json_null();
    }
    crypto_hex(end->hash, CRYPTO_SHA256_LEN, hex);
    json_t *o = json_pack("{s:I,s:s}", "seq", (json_int_t)end->seq, "hash", hex);
    if (json_set_time(o, "at", end->time_ms) != 0) {
        json_decref(o);
        return NULL;
    }
    return o;
}

static int ends_object(struct store_txn *t, const char *chain, json_t **out, struct err *e)
{
    struct store_audit_state s;
    int rc = store_audit_state(t, chain, &s);
    if (rc != 0) {
        return rc;
    }
    json_t *o = json_object();
    if (o == NULL || body_set(o, "anchor", end_object(&s.anchor)) != 0 ||
        body_set(o, "head", end_object(&s.head)) != 0) {
        json_decref(o);
        return err_set(e, E_NOMEM, "out of memory");
    }
    *out = o;
    return 0;
}

static int query_check(const struct bridge_audit_query *q, uint64_t *from, struct err *e)
{
    const char *cursor = q->paging.cursor != NULL ? q->paging.cursor : "";
    size_t digits = strspn(cursor, "0123456789");
    if (digits > 19 || cursor[digits] != '\0') {
        return err_field(e, "invalid_cursor", "cursor", "not a cursor of this list; begin without one");
    }
    *from = digits > 0 ? strtoull(cursor, NULL, 10) : 0;
    return paging_check(&q->paging, e);
}

int bridge_audit_list(struct bridge *b, const struct bridge_audit_query *q, bridge_audit_fn fn,
                      void *arg, char next[BRIDGE_AUDIT_CURSOR], json_t **ends, struct err *e)
{
    struct err why;
    err_clear(&why);
    struct audit_read r = {.q = q, .fn = fn, .arg = arg, .e = &why};
    struct store_txn *t = NULL;
    uint64_t from = 0;
    const char *chain = q->tenant != NULL ? q->tenant : STORE_AUDIT_ADMIN;
    next[0] = '\0';
    buf_init(&r.line, 2 * STORE_AUDIT_MAX);
    int rc = query_check(q, &from, &why);
    rc = rc != 0 ? rc : store_read(b->store, &t, &why);
    if (rc == 0) {
        rc = q->tenant != NULL ? tenant_check(t, q->tenant, &why) : 0;
        rc = rc != 0 ? rc : store_audit_list(t, chain, from, q->oldest_first, on_record, &r);
        rc = rc != 0 || ends == NULL ? rc : ends_object(t, chain, ends, &why);
        rc = rc != 0 ? store_err(&why, rc, "the audit log could not be read") : 0;
        store_read_end(t);
    }
    if (rc == 0 && r.more) {
        (void)snprintf(next, BRIDGE_AUDIT_CURSOR, "%" PRIu64, r.last);
    }
    buf_finish(&r.line);
    err_copy(e, &why);
    return rc;
}
