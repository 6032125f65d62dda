/*
 * The rules of tenants, compiled when they are first needed, and checks against them.
 *
 * Happy path of a check: rules of the tenant (read and compiled once) -> a job on libuv's pool
 * looks at the text -> done on the loop. Rules that change meanwhile leave a check on its way with
 * those that it began with. Failure modes: rules that cannot be read: an error, nothing passes
 * unchecked; too many jobs: E_LIMIT, the caller tries again.
 */
#include "guard.h"
#include "guard_rules.h"

#include "core_priv.h"
#include "json.h"
#include "mem.h"
#include "work.h"

#include <stdlib.h>
#include <string.h>

struct guards {
    struct bridge *b;
    struct list entries; /* used last first */
};

struct entry {
    struct list link;
    char tenant[64];
    struct guard_rules *rules; /* NULL: none */
};

int guards_create(struct bridge *b, struct guards **out, struct err *e)
{
    struct guards *g = mem_calloc(1, sizeof(*g));
    if (g == NULL) {
        return err_set(e, E_NOMEM, "out of memory");
    }
    g->b = b;
    list_init(&g->entries);
    *out = g;
    return 0;
}

static void entry_drop(struct entry *en)
{
    list_remove(&en->link);
    guard_rules_drop(en->rules);
    free(en);
}

void guards_free(struct guards *g)
{
    while (g != NULL && !list_empty(&g->entries)) {
        entry_drop(LIST_ENTRY(g->entries.next, struct entry, link));
    }
    free(g);
}

static struct entry *find(struct guards *g, const char *tenant)
{
    LIST_FOREACH(&g->entries, it, next)
    {
        struct entry *en = LIST_ENTRY(it, struct entry, link);
        if (strcmp(en->tenant, tenant) == 0) {
            list_remove(&en->link);
            list_prepend(&g->entries, &en->link);
            return en;
        }
    }
    return NULL;
}

void guards_forget_tenant(struct guards *g, const char *tenant)
{
    struct entry *en = g != NULL ? find(g, tenant) : NULL;
    if (en != NULL) {
        entry_drop(en);
    }
}

/* ---- rules -------------------------------------------------------------------------------------
 */

static int load(struct guards *g, struct entry *en, struct err *e)
{
    struct store_txn *t = NULL;
    struct store_value v;
    json_t *record = NULL;
    int rc = store_read(g->b->store, &t, e);
    if (rc != 0) {
        return rc;
    }
    rc = store_get(t, STORE_GUARDS, STORE_PATH(en->tenant, "content"), &v);
    if (rc == 0) {
        record = record_parse(v, e);
        rc = record != NULL ? 0 : E_INTERNAL;
    }
    store_read_end(t);
    if (rc == 0) {
        rc = guard_rules_compile(record, false, &en->rules, e);
    }
    json_decref(record);
    return rc == E_NOTFOUND ? 0 : store_err(e, rc, "the tenant's guards cannot be read");
}

int guards_apply(struct guards *g, const char *tenant, bool *any, struct err *e)
{
    struct entry *en = find(g, tenant);
    if (en == NULL) {
        struct err why;
        err_clear(&why);
        en = mem_calloc(1, sizeof(*en));
        if (en == NULL) {
            return err_set(e, E_NOMEM, "out of memory");
        }
        memcpy(en->tenant, tenant, strnlen(tenant, sizeof(en->tenant) - 1));
        list_prepend(&g->entries, &en->link);
        int rc = load(g, en, &why);
        if (rc != 0) {
            entry_drop(en);
            err_copy(e, &why);
            return rc;
        }
    }
    *any = !guard_rules_empty(en->rules);
    return 0;
}

/* ---- checks ------------------------------------------------------------------------------------
 */

struct check {
    struct work work;
    struct guard_rules *rules;
    char *text, *words;
    struct err err;
    int rc;
    guards_done_fn done;
    void *arg;
};

static void check_free(struct check *c)
{
    guard_rules_drop(c->rules);
    free(c->text);
    free(c->words);
    free(c);
}

/* On a thread of the pool. */
static void look(struct work *w)
{
    struct check *c = LIST_ENTRY(w, struct check, work);
    err_clear(&c->err);
    c->rc = guard_rules_check(c->rules, c->text, c->words, &c->err);
}

static void on_looked(struct work *w, int rc)
{
    struct check *c = LIST_ENTRY(w, struct check, work);
    rc = rc != 0 ? err_set(&c->err, rc, "the check was stopped") : c->rc;
    c->done(c->arg, rc != 0 ? &c->err : NULL);
    check_free(c);
}

int guards_check(struct guards *g, const char *tenant, const char *text, const char *words,
                 guards_done_fn done, void *arg, struct err *e)
{
    const struct entry *en = find(g, tenant);
    struct check *c = mem_calloc(1, sizeof(*c));
    if (c != NULL && en != NULL && en->rules != NULL) {
        c->rules = guard_rules_share(en->rules);
        c->text = mem_strdup(text);
        c->words = mem_strdup(words);
        c->done = done;
        c->arg = arg;
    }
    int rc = c != NULL && c->text != NULL && c->words != NULL ? 0 : E_NOMEM;
    rc = rc != 0 ? rc : work_submit(g->b->loop, &c->work, look, on_looked);
    if (rc != 0) {
        if (c != NULL) {
            check_free(c);
        }
        return err_set(e, rc,
                       rc == E_LIMIT ? "too many texts are being checked; try again soon"
                                     : "the text could not be checked");
    }
    return 0;
}

/* ---- what is read in a message -----------------------------------------------------------------
 */

static void add(struct buf *out, const char *s)
{
    if (s != NULL && s[0] != '\0') {
        (void)buf_str(out, s);
        (void)buf_char(out, '\n');
    }
}

static void add_all(struct buf *out, const json_t *list)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        add(out, json_string_value(json_array_get(list, i)));
    }
}

int guard_words(const json_t *m, struct buf *out)
{
    const json_t *location = json_obj(m, "location"), *contacts = json_arr(m, "contacts");
    const json_t *link = json_obj(m, "link");
    add(out, json_str(json_obj(m, "media"), "filename"));
    add(out, json_str(location, "name"));
    add(out, json_str(location, "address"));
    add(out, json_str(json_obj(m, "poll"), "question"));
    add_all(out, json_arr(json_obj(m, "poll"), "options"));
    add(out, json_str(link, "title"));
    add(out, json_str(link, "description"));
    for (size_t i = 0; i < json_array_size(contacts); i++) {
        const json_t *c = json_array_get(contacts, i);
        add(out, json_str(c, "name"));
        add_all(out, json_arr(c, "phones"));
    }
    return out->failed ? out->rc : 0;
}
