/*
 * The opt-out list as its owner sees it: listed by number, added to and taken from by hand.
 *
 * A list reads at most VISITS rows a page: most of a tenant's rows may be of people who wanted to
 * be written to again.
 */
#include "opt_out.h"

#include "people_priv.h"

#include "clock.h"
#include "event.h"
#include "json.h"
#include "mem.h"
#include "text.h"

#include <stdlib.h>
#include <string.h>

#define VISITS 5000
#define REASON_MAX 200 /* characters */

static int unknown(struct err *e)
{
    return err_word(e, E_NOTFOUND, "unknown_opt_out", "this number is not on the opt-out list");
}

/* A number or a LID as a person. Loop or writer. */
static int person_of(struct store_txn *t, const char *tenant, const char *in, struct person *out,
                     struct err *e)
{
    enum chat_kind kind;
    struct store_value v;
    json_t *record = NULL;
    memset(out, 0, sizeof(*out));
    if (store_get(t, STORE_TENANTS, STORE_PATH(tenant), &v) == 0) {
        record = record_parse(v, NULL);
    }
    int rc = chat_address_parse(in, json_str(record, "default_country_code"), out->id, &kind, e);
    json_decref(record);
    if (rc == 0 && kind != CHAT_USER) {
        return err_field(e, "invalid_phone", "phone", "a phone number (or a LID) is needed");
    }
    const struct channel_peer p = {.id = out->id};
    struct person told;
    if (rc == 0) {
        identity_told(&p, &told);
        *out = told;
    }
    return rc;
}

/* ---- reading -----------------------------------------------------------------------------------
 */

static int on_row(void *arg, const char *const *path, struct store_value v)
{
    struct listing *l = arg;
    bool full = json_array_size(l->items) == l->limit || l->visits == 0;
    json_t *doc = full ? NULL : record_parse(v, NULL), *item = NULL;
    if (doc != NULL && json_flag(doc, "out", false)) {
        item = opt_out_public(doc);
    }
    json_decref(doc);
    return listing_keep(l, 0, path[1], item);
}

int bridge_opt_out_list(struct bridge *b, const char *tenant, const struct bridge_paging *p,
                        json_t **out, struct err *e)
{
    struct listing l;
    struct store_txn *t = NULL;
    char after[LIST_PLACE_MAX + 1];
    err_clear(e);
    int rc = listing_start(&l, 'o', p, VISITS, e);
    rc = rc != 0 ? rc : store_read(b->store, &t, e);
    if (rc != 0) {
        listing_drop(&l);
        return rc;
    }
    memcpy(after, l.place, sizeof(after));
    rc = tenant_check(t, tenant, e);
    rc = rc != 0 ? rc
                 : store_scan(t, STORE_OPT_OUTS, STORE_PATH(tenant),
                              after[0] != '\0' ? after : NULL, on_row, &l);
    store_read_end(t);
    return listing_give(&l, rc, out, e);
}

int bridge_opt_out_get(struct bridge *b, const char *tenant, const char *phone, json_t **out,
                       struct err *e)
{
    struct store_txn *t = NULL;
    struct person who;
    json_t *doc = NULL;
    err_clear(e);
    *out = NULL;
    int rc = store_read(b->store, &t, e);
    if (rc != 0) {
        return rc;
    }
    rc = tenant_check(t, tenant, e);
    rc = rc != 0 ? rc : person_of(t, tenant, phone, &who, e);
    rc = rc != 0 ? rc : opt_out_find(t, tenant, &who, &doc);
    store_read_end(t);
    if (rc == 0 && !json_flag(doc, "out", false)) {
        rc = unknown(e);
    }
    if (rc == 0) {
        *out = opt_out_public(doc);
        rc = *out != NULL ? 0 : err_set(e, E_NOMEM, "out of memory");
    }
    json_decref(doc);
    return people_unreadable(e, rc);
}

/* ---- changes -----------------------------------------------------------------------------------
 */

struct change {
    struct call call; /* first */
    char tenant[64];
    json_t *phones; /* texts as they were given */
    char *reason;   /* NULL: none */
    const char *source;
    bool out;    /* wanted; else they are taken off */
    bool import; /* the answer counts instead of showing the one */
    bool told;
    uint64_t now_ms;
};

/* One person. *changed: it was otherwise before. */
static int set_one(struct store_txn *t, struct change *c, const char *phone, bool *changed,
                   json_t **doc, struct err *e)
{
    struct person who;
    int rc = person_of(t, c->tenant, phone, &who, e);
    rc = rc != 0 ? rc : opt_out_find(t, c->tenant, &who, doc);
    const bool was = json_flag(*doc, "out", false);
    *changed = rc == 0 && was != c->out;
    if (rc == 0 && !c->out && !was) {
        return unknown(e);
    }
    if (!*changed) {
        return rc;
    }
    rc = opt_out_set(doc, c->out, c->source, NULL, c->now_ms, c->now_ms);
    rc = rc != 0 ? rc : json_set_str(*doc, "text", NULL);
    rc = rc != 0 ? rc : json_set_str(*doc, "reason", c->reason);
    rc = rc != 0 ? rc : opt_out_save(t, c->tenant, &who, *doc);
    c->told = true;
    return rc != 0 ? rc : opt_out_tell(c->call.b, t, c->tenant, NULL, *doc, &who);
}

static int answer(struct change *c, json_t *v)
{
    json_decref(c->call.answer); /* of a first run that was rolled back */
    c->call.answer = v;
    return v != NULL ? 0 : E_NOMEM;
}

static int apply_import(struct store_txn *t, struct change *c, struct err *e)
{
    size_t i = 0;
    json_t *v = NULL;
    json_int_t added = 0, known = 0;
    json_t *invalid = json_array();
    int rc = invalid != NULL ? 0 : E_NOMEM;
    json_array_foreach(c->phones, i, v)
    {
        json_t *doc = NULL;
        bool changed = false;
        if (rc != 0) {
            break;
        }
        rc = set_one(t, c, json_string_value(v), &changed, &doc, e);
        json_decref(doc);
        if (rc == E_INVALID) {
            err_clear(e);
            rc = json_array_append(invalid, v) == 0 ? 0 : E_NOMEM;
            continue;
        }
        added += changed;
        known += !changed;
    }
    if (rc != 0) {
        json_decref(invalid);
        return rc;
    }
    return answer(c,
                  json_pack("{s:I, s:I, s:o}", "added", added, "known", known, "invalid", invalid));
}

static int apply(struct store_txn *t, struct call *call, struct err *e)
{
    struct change *c = (struct change *)call;
    c->told = false;
    int rc = tenant_check(t, c->tenant, e);
    if (rc != 0 || c->import) {
        return rc != 0 ? rc : apply_import(t, c, e);
    }
    json_t *doc = NULL;
    bool changed = false;
    rc = set_one(t, c, json_string_value(json_array_get(c->phones, 0)), &changed, &doc, e);
    call->created = changed && c->out;
    rc = rc == 0 && c->out ? answer(c, opt_out_public(doc)) : rc;
    json_decref(doc);
    return rc;
}

static void finish(struct call *call, int rc)
{
    struct change *c = (struct change *)call;
    if (rc == 0 && c->told) {
        event_committed(call->b, c->tenant);
    }
}

static void release(struct call *call)
{
    struct change *c = (struct change *)call;
    json_decref(call->answer);
    json_decref(c->phones);
    free(c->reason);
    free(c);
}

static int take_reason(struct change *c, const json_t *body, struct err *e)
{
    const json_t *v = json_object_get(body, "reason");
    const char *s = json_string_value(v);
    if (v == NULL || json_is_null(v)) {
        return 0;
    }
    if (s == NULL || text_utf8_count(s, strlen(s)) > REASON_MAX) {
        return err_field(e, NULL, "reason", "`reason` must be a text of at most %d characters",
                         REASON_MAX);
    }
    c->reason = mem_strdup(s);
    if (c->reason == NULL) {
        return err_set(e, E_NOMEM, "out of memory");
    }
    (void)text_strip_controls(c->reason, strlen(c->reason));
    return 0;
}

static int take_phones(struct change *c, const json_t *body, struct err *e)
{
    size_t i = 0;
    json_t *v = NULL, *list = json_arr(body, "phones");
    const size_t n = json_array_size(list);
    bool texts = n >= 1 && n <= BRIDGE_OPT_OUT_IMPORT_MAX;
    json_array_foreach(list, i, v)
    {
        texts = texts && json_is_string(v);
    }
    if (!texts) {
        return err_field(e, NULL, "phones", "`phones` must be a list of 1 to %d numbers",
                         BRIDGE_OPT_OUT_IMPORT_MAX);
    }
    c->phones = json_copy(list);
    return c->phones != NULL ? 0 : err_set(e, E_NOMEM, "out of memory");
}

static struct change *create(const char *tenant, bool out, const char *source)
{
    struct change *c = mem_calloc(1, sizeof(*c));
    if (c != NULL) {
        c->call = (struct call){.apply = apply, .finish = finish, .release = release};
        memcpy(c->tenant, tenant, strnlen(tenant, sizeof(c->tenant) - 1));
        c->out = out;
        c->source = source;
        c->now_ms = clock_wall_ms();
    }
    return c;
}

static void start(struct change *c, struct bridge *b, int rc, const struct err *e,
                  bridge_done_fn done, void *arg)
{
    if (rc != 0) {
        if (c != NULL) {
            release(&c->call);
        }
        reply_later(b, done, arg, e, NULL);
        return;
    }
    call_submit(&c->call, b, done, arg);
}

void bridge_opt_out_put(struct bridge *b, const char *tenant, const char *phone, const json_t *body,
                        bridge_done_fn done, void *arg)
{
    static const char *const fields[] = {"reason", NULL};
    struct err e;
    err_clear(&e);
    struct change *c = create(tenant, true, "api");
    int rc = c != NULL ? body_check(body, fields, &e) : err_set(&e, E_NOMEM, "out of memory");
    rc = rc != 0 ? rc : take_reason(c, body, &e);
    if (rc == 0) {
        c->phones = json_pack("[s]", phone);
        rc = c->phones != NULL ? 0 : err_set(&e, E_NOMEM, "out of memory");
    }
    start(c, b, rc, &e, done, arg);
}

void bridge_opt_out_delete(struct bridge *b, const char *tenant, const char *phone,
                           bridge_done_fn done, void *arg)
{
    struct err e;
    err_clear(&e);
    struct change *c = create(tenant, false, "api");
    int rc = c != NULL ? 0 : err_set(&e, E_NOMEM, "out of memory");
    if (rc == 0) {
        c->phones = json_pack("[s]", phone);
        rc = c->phones != NULL ? 0 : err_set(&e, E_NOMEM, "out of memory");
    }
    start(c, b, rc, &e, done, arg);
}

void bridge_opt_out_import(struct bridge *b, const char *tenant, const json_t *body,
                           bridge_done_fn done, void *arg)
{
    static const char *const fields[] = {"phones", "reason", NULL};
    struct err e;
    err_clear(&e);
    struct change *c = create(tenant, true, "import");
    int rc = c != NULL ? body_check(body, fields, &e) : err_set(&e, E_NOMEM, "out of memory");
    rc = rc != 0 ? rc : take_reason(c, body, &e);
    rc = rc != 0 ? rc : take_phones(c, body, &e);
    if (c != NULL) {
        c->import = true;
    }
    start(c, b, rc, &e, done, arg);
}
