/*
 * Every sealed text of the store under a new master key. The table below says where they are and
 * what binds each to its place; a sealed text anywhere else would be lost with the old key, so it
 * is looked for, and when one is found nothing is changed.
 *
 * Happy path: one operation walks the tables, replaces each text, looks for what it did not know,
 * writes the new key's check value. Anything that fails undoes all of it.
 */
#include "core_priv.h"

#include "json.h"
#include "log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PLACE_MAX 256

/* place: of the first two names of the row's path, or a text as it is. */
struct sealed_in {
    enum store_table table;
    const char *member;
    const char *place;
};
static const struct sealed_in known[] = {
    {STORE_META, "key_pepper", "bridge/key-pepper"},
    {STORE_WEBHOOKS, "secret", "%s/webhook/%s"},
    {STORE_WEBHOOKS, "headers", "%s/webhook/%s/headers"},
    {STORE_AGENTS, "api_key", "%s/agent/%s/api_key"},
    {STORE_AGENTS, "secret", "%s/agent/%s/secret"},
    {STORE_AGENTS, "headers", "%s/agent/%s/headers"},
};

struct rekey {
    struct store_op op;
    struct store_txn *t;
    const struct sealed_in *at;
    enum store_table table;
    char mark[16]; /* how a text under the old key begins: v1:<id>: */
    size_t sealed, unreadable;
    bool done;
    int rc;
};

/* Puts the names into the place: %s is the tenant, then what follows it in the path. */
static int place_of(const struct sealed_in *at, const char *const *path, char out[PLACE_MAX])
{
    const char *s = at->place;
    size_t n = 0, name = 0;
    while (*s != '\0') {
        const char *piece = s;
        size_t len = strcspn(s, "%");
        if (len == 0) {
            piece = path[name++];
            len = piece != NULL ? strlen(piece) : 0;
            s += 2;
        } else {
            s += len;
        }
        if (n + len >= PLACE_MAX) {
            return E_TOOLARGE;
        }
        memcpy(out + n, piece, len);
        n += len;
    }
    out[n] = '\0';
    return 0;
}

static int write_new(struct rekey *r, const char *const *path, json_t *record, const char *text,
                     struct err *e)
{
    int rc = json_set_str(record, r->at->member, text);
    return rc != 0 ? rc : record_put(r->t, r->at->table, path, record, e);
}

static int on_record(void *arg, const char *const *path, struct store_value v)
{
    struct rekey *r = arg;
    struct err *e = &r->op.err;
    char place[PLACE_MAX];
    char *text = NULL;
    json_t *record = record_parse(v, e);
    const char *sealed = json_str(record, r->at->member);
    int rc = record != NULL ? 0 : e->code;
    if (rc == 0 && sealed != NULL) {
        rc = place_of(r->at, path, place);
        rc = rc != 0 ? rc : store_reseal(r->t, place, sealed, &text, e);
        if (rc == E_AUTH && strncmp(sealed, r->mark, strlen(r->mark)) != 0) {
            r->unreadable++;
            err_clear(e);
            rc = 0;
        } else if (rc == 0) {
            rc = write_new(r, path, record, text, e);
            r->sealed++;
        } else if (rc == E_AUTH) {
            rc = err_set(e, E_IO, "the secret %.120s was changed and cannot be opened: set it again",
                         place);
        }
    }
    free(text);
    json_decref(record);
    return rc;
}

/* Of a place that is not in the table. */
static int on_leftover(void *arg, const char *const *path, struct store_value v)
{
    struct rekey *r = arg;
    if (memmem(v.data, v.len, r->mark, strlen(r->mark)) == NULL) {
        return 0;
    }
    return err_set(&r->op.err, E_UNSUPPORTED,
                   "the record %.60s/%.60s holds a secret in a place that this version does not "
                   "know; nothing was changed",
                   path[0], path[1] != NULL ? path[1] : "");
}

static int apply_rekey(struct store_txn *t, struct store_op *op)
{
    static const enum store_table searched[] = {STORE_META,     STORE_TENANTS, STORE_SESSIONS,
                                                STORE_WEBHOOKS, STORE_KEYS,    STORE_AGENTS};
    struct rekey *r = op->data;
    int rc = 0;
    r->t = t;
    r->sealed = r->unreadable = 0; /* of a first run that was rolled back */
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]) && rc == 0; i++) {
        r->at = &known[i];
        rc = store_scan(t, r->at->table, NULL, NULL, on_record, r);
    }
    for (size_t i = 0; i < sizeof(searched) / sizeof(searched[0]) && rc == 0; i++) {
        rc = store_scan(t, searched[i], NULL, NULL, on_leftover, r);
    }
    return rc != 0 ? rc : store_rotate_commit(t);
}

static void on_rekeyed(struct store_op *op, int rc)
{
    struct rekey *r = op->data;
    r->done = true;
    r->rc = rc;
}

/* The name of the present key, from what it seals. */
static int find_mark(struct store *store, struct rekey *r, struct err *e)
{
    char *sample = NULL;
    int rc = store_seal(store, "", "", 0, &sample, e);
    if (rc == 0) {
        const char *end = strchr(sample + 3, ':');
        (void)snprintf(r->mark, sizeof(r->mark), "%.*s", (int)(end + 1 - sample), sample);
    }
    free(sample);
    return rc;
}

int bridge_rekey(uv_loop_t *loop, struct store *store, const unsigned char *key, size_t *sealed,
                 size_t *unreadable, struct err *e)
{
    struct rekey r = {.done = false};
    int rc = find_mark(store, &r, e);
    if (rc != 0) {
        return rc;
    }
    r.op.data = &r;
    store_rotate_begin(store, key);
    store_submit(store, &r.op, apply_rekey, on_rekeyed);
    while (!r.done) {
        (void)uv_run(loop, UV_RUN_ONCE);
    }
    if (r.rc != 0) {
        err_copy(e, &r.op.err);
        return store_err(e, r.rc, "the secrets were not sealed anew");
    }
    *sealed = r.sealed;
    *unreadable = r.unreadable;
    return 0;
}
