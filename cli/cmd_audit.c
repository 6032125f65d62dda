/*
 * `wabridge audit list|export|verify [TENANT]`: without a tenant the log of acts above tenants;
 * verify without one looks at every log. `verify --file FILE` checks an export and needs no daemon.
 *
 * An export is one line that names the log, its anchor and its head, then a record a line, oldest
 * first. Records are printed as they came, byte for byte: their hashes are over those bytes.
 */
#include "audit_chain.h"
#include "cli.h"
#include "tables.h"

#include "json.h"
#include "text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAGE 500
#define LINE_MAX_BYTES 8192

struct trail {
    struct client *cl;
    char path[128]; /* of its list */
    char name[64];  /* tenant, or "admin" */
    json_t *ends;   /* an answer of the list: anchor and head */
};

static int trail_open(struct trail *l, struct client *cl, const char *tenant, struct err *e)
{
    char path[160];
    struct answer a;
    memset(l, 0, sizeof(*l));
    l->cl = cl;
    if (tenant != NULL && !text_is_name(tenant)) {
        return err_set(e, E_INVALID, "%.80s: a tenant's name is a-z, 0-9, _ and -", tenant);
    }
    snprintf(l->name, sizeof l->name, "%s", tenant != NULL ? tenant : "admin");
    if (tenant != NULL) {
        snprintf(l->path, sizeof l->path, "/v1/tenants/%s/audit", tenant);
    } else {
        snprintf(l->path, sizeof l->path, "/v1/audit");
    }
    snprintf(path, sizeof path, "%s?limit=1", l->path);
    int r = client_call(cl, "GET", path, NULL, NULL, &a, e);
    l->ends = r == 0 ? json_incref(a.json) : NULL;
    answer_free(&a);
    return r;
}

static void trail_close(struct trail *l)
{
    json_decref(l->ends);
}

typedef int (*line_fn)(void *arg, const char *line, size_t len, struct err *e);

/* Every record, oldest first. The cursor is the number of the last one. */
static int each_record(struct trail *l, line_fn fn, void *arg, struct err *e)
{
    unsigned long long last = 0;
    bool more = true;
    int r = 0;
    while (r == 0 && more) {
        char path[192];
        struct answer a;
        snprintf(path, sizeof path, "%s?order=oldest&limit=%d&cursor=%llu", l->path, PAGE, last);
        r = client_call(l->cl, "GET", path, "application/x-ndjson", NULL, &a, e);
        more = false;
        for (char *line = r == 0 ? a.body : NULL; r == 0 && line != NULL && *line != '\0';) {
            size_t len = strcspn(line, "\n");
            char *next = line[len] == '\n' ? line + len + 1 : NULL;
            r = fn(arg, line, len, e);
            more = strncmp(line, "{\"seq\":", 7) == 0;
            last = more ? strtoull(line + 7, NULL, 10) : last;
            line = next;
        }
        answer_free(&a);
    }
    return r;
}

/* ---- list ------------------------------------------------------------------------------------ */

static void print_record(const json_t *o)
{
    const char *session = json_str(o, "session");
    const char *target = json_str_or(o, "target", "");
    const char *code = json_str_or(o, "code", "");
    char where[200];
    snprintf(where, sizeof where, "%s%s%s%s%s", json_str_or(o, "tenant", "-"),
             session != NULL ? "/" : "", session != NULL ? session : "",
             target[0] != '\0' ? " " : "", target);
    printf("%s  %-16s %-15s %-20s %3lld %s%s%s\n", json_str_or(o, "at", "?"),
           json_str_or(o, "actor", "?"), json_str_or(o, "address", "?"),
           json_str_or(o, "action", "?"), (long long)json_int(o, "status", 0), where,
           code[0] != '\0' ? "  " : "", code);
}

static int list(struct cli *c, struct trail *l, struct err *e)
{
    char path[192];
    struct answer a;
    size_t i;
    json_t *o;
    unsigned lines = c->lines == 0 ? 50 : c->lines > PAGE ? PAGE : c->lines;
    snprintf(path, sizeof path, "%s?limit=%u", l->path, lines);
    int r = client_call(l->cl, "GET", path, NULL, NULL, &a, e);
    if (r == 0 && c->json) {
        print_json(json_arr(a.json, "items"));
    } else if (r == 0) {
        json_array_foreach(json_arr(a.json, "items"), i, o)
        {
            print_record(o);
        }
    }
    answer_free(&a);
    return r;
}

/* ---- export ---------------------------------------------------------------------------------- */

static int on_export(void *arg, const char *line, size_t len, struct err *e)
{
    (void)arg;
    return fwrite(line, 1, len, stdout) == len && putchar('\n') != EOF
               ? 0
               : err_sys(e, E_IO, errno, "cannot write the export");
}

static int export_log(struct trail *l, struct err *e)
{
    json_t *head = json_pack("{s:s,s:O,s:O}", "log", l->name, "anchor",
                             json_object_get(l->ends, "anchor"), "head",
                             json_object_get(l->ends, "head"));
    json_dumpf(head, stdout, JSON_COMPACT);
    putchar('\n');
    json_decref(head);
    int r = each_record(l, on_export, NULL, e);
    return r != 0 || fflush(stdout) == 0 ? r : err_sys(e, E_IO, errno, "cannot write the export");
}

/* ---- verify ---------------------------------------------------------------------------------- */

static int on_verify(void *arg, const char *line, size_t len, struct err *e)
{
    return chain_add(arg, line, len, e);
}

static void say_fine(const char *name, const struct chain *c)
{
    printf("%s: %llu records, the last is %llu %.64s: in order\n", name,
           (unsigned long long)c->count, (unsigned long long)c->seq, c->hash);
}

static int verify_log(struct trail *l, struct err *e)
{
    struct chain c = {.begun = false};
    chain_anchor(&c, json_object_get(l->ends, "anchor"));
    int r = each_record(l, on_verify, &c, e);
    r = r != 0 ? r : chain_end(&c, json_object_get(l->ends, "head"), e);
    if (r == 0) {
        say_fine(l->name, &c);
        return 0;
    }
    return err_wrap(e, "audit log %s", l->name);
}

static int verify_one(struct client *cl, const char *tenant, struct err *e)
{
    struct trail l;
    int r = trail_open(&l, cl, tenant, e);
    r = r != 0 ? r : verify_log(&l, e);
    trail_close(&l);
    return r;
}

static int verify_all(struct client *cl, struct err *e)
{
    struct answer tenants;
    size_t i;
    json_t *t;
    int r = verify_one(cl, NULL, e);
    if (r != 0) {
        return r;
    }
    r = client_call(cl, "GET", "/v1/tenants?limit=500", NULL, NULL, &tenants, e);
    json_array_foreach(json_arr(tenants.json, "items"), i, t)
    {
        r = r != 0 ? r : verify_one(cl, json_str(t, "id"), e);
    }
    answer_free(&tenants);
    return r;
}

/* The first line of an export, or, of one made with curl, the first record. */
static int verify_line(struct chain *c, json_t **head, const char *line, size_t len, struct err *e)
{
    if (c->count > 0 || *head != NULL || strncmp(line, "{\"log\":", 7) != 0) {
        return chain_add(c, line, len, e);
    }
    json_t *o = json_parse(line, len, len, e);
    if (o == NULL) {
        return err_wrap(e, "not an export of an audit log");
    }
    chain_anchor(c, json_object_get(o, "anchor"));
    *head = json_incref(json_object_get(o, "head"));
    json_decref(o);
    return 0;
}

static int verify_file(const char *path, struct err *e)
{
    struct chain c = {.begun = false};
    json_t *head = NULL;
    char line[LINE_MAX_BYTES];
    FILE *f = fopen(path, "re");
    int r = f != NULL ? 0 : err_sys(e, E_NOTFOUND, errno, "%s", path);
    while (r == 0 && fgets(line, sizeof line, f) != NULL) {
        size_t len = strcspn(line, "\r\n");
        r = len > 0 ? verify_line(&c, &head, line, len, e) : 0;
    }
    if (r == 0 && head != NULL) {
        r = chain_end(&c, head, e);
    } else if (r == 0 && c.count == 0) {
        r = err_set(e, E_CONFLICT, "it holds no record");
    }
    if (f != NULL) {
        fclose(f);
    }
    json_decref(head);
    if (r == 0) {
        say_fine(path, &c);
        return 0;
    }
    return f != NULL ? err_wrap(e, "%s", path) : r;
}

/* ---- the command ----------------------------------------------------------------------------- */

static int run(struct cli *c, const char *verb, const char *tenant, struct err *e)
{
    struct client *cl = NULL;
    struct trail l = {.cl = NULL};
    int r = client_open(c, &cl, e);
    if (r == 0 && strcmp(verb, "verify") == 0) {
        r = tenant != NULL ? verify_one(cl, tenant, e) : verify_all(cl, e);
    } else if (r == 0) {
        r = trail_open(&l, cl, tenant, e);
        r = r != 0                          ? r
            : strcmp(verb, "export") == 0 ? export_log(&l, e)
                                            : list(c, &l, e);
        trail_close(&l);
    }
    client_close(cl);
    return r;
}

int cmd_audit(struct cli *c)
{
    struct err e = {0};
    const char *verb = c->word_count > 0 ? c->words[0] : "list";
    const char *tenant = c->word_count > 1 ? c->words[1] : NULL;
    bool verify = strcmp(verb, "verify") == 0;
    bool known = verify || strcmp(verb, "list") == 0 || strcmp(verb, "export") == 0;
    if (!known || c->word_count > 2 || (c->file != NULL && (!verify || tenant != NULL))) {
        return cli_usage("audit list [TENANT] [--lines N] | export [TENANT] | verify [TENANT | "
                         "--file FILE]");
    }
    int r = c->file != NULL ? verify_file(c->file, &e) : run(c, verb, tenant, &e);
    if (r == E_CONFLICT || r == E_INVALID) {
        fprintf(stderr, "wabridge: %s\n", e.msg);
        return EXIT_NO; /* what was looked at is wrong, not how it was asked for */
    }
    return r == 0 ? EXIT_OK : cli_fail(&e);
}
