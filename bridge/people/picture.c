/*
 * Pictures of people and groups. The far end is asked each time which picture it is now (its tag);
 * the bytes come from memory when we have that one. Not ready: what is in memory, else why not.
 */
#include "people_mem.h"

#include "crypto.h"
#include "json.h"
#include "media_sniff.h"
#include "mem.h"

#include <stdlib.h>
#include <string.h>

struct look {
    struct bridge *b;
    char tenant[64], session[64], jid[STORE_MAX_ID + 1], tag[257];
    bridge_picture_fn fn;
    void *arg;
};

/* ---- what is in memory -------------------------------------------------------------------------
 */

static void drop(struct people *p, struct picture *x)
{
    list_remove(&x->link);
    p->picture_bytes -= x->len;
    free(x->data);
    free(x);
}

void pictures_free(struct people *p)
{
    struct list *node;
    while ((node = list_pop(&p->pictures)) != NULL) {
        struct picture *x = LIST_ENTRY(node, struct picture, link);
        free(x->data);
        free(x);
    }
    p->picture_bytes = 0;
}

static struct picture *kept(struct people *p, const struct look *l)
{
    for (struct list *at = p->pictures.next; at != &p->pictures; at = at->next) {
        struct picture *x = LIST_ENTRY(at, struct picture, link);
        if (strcmp(x->jid, l->jid) == 0 && strcmp(x->session, l->session) == 0 &&
            strcmp(x->tenant, l->tenant) == 0) {
            return x;
        }
    }
    return NULL;
}

/* Takes data. The oldest go where there is no room. */
static void keep(struct people *p, const struct look *l, const char *mimetype, uint8_t *data,
                 size_t len)
{
    struct picture *old = kept(p, l), *x = mem_calloc(1, sizeof(*x));
    if (old != NULL) {
        drop(p, old);
    }
    if (x == NULL) {
        free(data);
        return;
    }
    memcpy(x->tenant, l->tenant, sizeof(x->tenant));
    memcpy(x->session, l->session, sizeof(x->session));
    memcpy(x->jid, l->jid, sizeof(x->jid));
    memcpy(x->tag, l->tag, sizeof(x->tag));
    memcpy(x->mimetype, mimetype, strnlen(mimetype, sizeof(x->mimetype) - 1));
    x->data = data;
    x->len = len;
    p->picture_bytes += len;
    list_append(&p->pictures, &x->link);
    while (p->picture_bytes > PICTURES_MAX_BYTES) {
        drop(p, LIST_ENTRY(p->pictures.next, struct picture, link));
    }
}

/* ---- answers -----------------------------------------------------------------------------------
 */

static void give(struct look *l, const struct picture *x, const struct err *e)
{
    struct bridge *b = l->b;
    const struct bridge_picture p = {.mimetype = x != NULL ? x->mimetype : "",
                                     .data = x != NULL ? x->data : NULL,
                                     .len = x != NULL ? x->len : 0};
    l->fn(l->arg, x != NULL ? &p : NULL, e);
    free(l);
    core_leave(b);
}

static void fail(struct look *l, const struct err *e)
{
    struct err why;
    far_error(e, &why);
    give(l, NULL, &why);
}

static void none(struct look *l)
{
    struct err e;
    struct picture *x = kept(l->b->people, l);
    if (x != NULL) {
        drop(l->b->people, x);
    }
    err_word(&e, E_NOTFOUND, "no_picture",
             "there is no picture, or it is hidden from this account");
    give(l, NULL, &e);
}

struct bytes {
    const uint8_t *data;
    size_t len;
};

static size_t read_bytes(void *arg, uint64_t off, void *out, size_t len)
{
    const struct bytes *b = arg;
    size_t left = off < b->len ? b->len - (size_t)off : 0;
    size_t n = len < left ? len : left;
    if (n > 0) {
        memcpy(out, b->data + off, n);
    }
    return n;
}

/* What the bytes are, whatever the page says; only pictures leave as such. */
static const char *type_of(const uint8_t *data, size_t len)
{
    static const char *const types[] = {"image/jpeg", "image/png", "image/webp"};
    struct bytes b = {.data = data, .len = len};
    struct sniffed s;
    sniff_file(&(struct sniff_reader){.read = read_bytes, .arg = &b, .size = len}, &s);
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        if (s.family == SNIFF_KNOWN && strcmp(types[i], s.type) == 0) {
            return types[i];
        }
    }
    return "application/octet-stream";
}

static void on_bytes(void *arg, const struct err *e, const json_t *value)
{
    struct look *l = arg;
    const json_t *data = json_object_get(value, "data");
    size_t len = json_string_length(data), n = 0;
    if (e != NULL) {
        fail(l, e);
        return;
    }
    uint8_t *bytes = mem_calloc(1, len / 4 * 3 + 1);
    if (bytes == NULL || json_string_value(data) == NULL ||
        crypto_base64_decode(json_string_value(data), len, bytes, &n) != 0 || n == 0) {
        struct err why;
        free(bytes);
        err_set(&why, E_PROTO, "the picture that came is not understood");
        fail(l, &why);
        return;
    }
    keep(l->b->people, l, type_of(bytes, n), bytes, n);
    const struct picture *x = kept(l->b->people, l);
    if (x == NULL) {
        struct err why;
        err_set(&why, E_NOMEM, "out of memory");
        fail(l, &why);
        return;
    }
    give(l, x, NULL);
}

static void on_tag(void *arg, const struct err *e, const json_t *value)
{
    struct look *l = arg;
    struct channel *ch;
    struct err why;
    if (e != NULL) {
        fail(l, e);
        return;
    }
    const char *tag = json_str_or(value, "tag", "");
    if (json_str_or(value, "url", "")[0] == '\0') {
        none(l);
        return;
    }
    memcpy(l->tag, tag, strnlen(tag, sizeof(l->tag) - 1));
    const struct picture *x = kept(l->b->people, l);
    if (x != NULL && l->tag[0] != '\0' && strcmp(x->tag, l->tag) == 0) {
        give(l, x, NULL);
    } else if (far_channel(l->b, l->tenant, l->session, &ch, &why) != 0) {
        give(l, NULL, &why);
    } else {
        channel_ask(ch, "picture_fetch", json_pack("{s:s, s:b}", "id", l->jid, "full", 1),
                    FAR_TIMEOUT_MS, on_bytes, l);
    }
}

/* ---- the call ----------------------------------------------------------------------------------
 */

static int find(struct look *l, const char *who, struct err *e)
{
    struct message_owner o;
    struct store_txn *t;
    enum chat_kind kind;
    int rc = people_read(l->b, l->tenant, l->session, &o, &t, e);
    if (rc != 0) {
        return rc;
    }
    rc = identity_address(t, &o, who, l->jid, &kind, e);
    store_read_end(t);
    return people_unreadable(e, rc);
}

/* Answers in a later turn; bridge_picture_fn has no reply_later() of its own. */
static void on_later(void *arg, const struct bridge_reply *r)
{
    struct look *l = arg;
    const struct picture *x = r->err == NULL ? kept(l->b->people, l) : NULL;
    give(l, x, r->err);
}

void bridge_picture_get(struct bridge *b, const char *tenant, const char *session, const char *who,
                        bridge_picture_fn fn, void *arg)
{
    struct look *l = mem_calloc(1, sizeof(*l));
    struct channel *ch = NULL;
    struct err e;
    err_clear(&e);
    if (l == NULL) {
        err_set(&e, E_NOMEM, "out of memory");
        fn(arg, NULL, &e); /* without memory for a later turn */
        return;
    }
    *l = (struct look){.b = b, .fn = fn, .arg = arg};
    memcpy(l->tenant, tenant, strnlen(tenant, sizeof(l->tenant) - 1));
    memcpy(l->session, session, strnlen(session, sizeof(l->session) - 1));
    core_enter(b);
    int rc = find(l, who, &e);
    rc = rc != 0 ? rc : far_channel(b, tenant, session, &ch, &e);
    if (rc == 0) {
        channel_ask(ch, "picture", json_pack("{s:s}", "id", l->jid), FAR_TIMEOUT_MS, on_tag, l);
        return;
    }
    bool have = ch == NULL && l->jid[0] != '\0' && kept(b->people, l) != NULL;
    reply_later(b, on_later, l, have ? NULL : &e, NULL);
}
