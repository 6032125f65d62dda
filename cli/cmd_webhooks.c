/* `wabridge webhooks`: list, add, test, deliveries, dead, redrive, delete. */
#include "cli.h"
#include "tables.h"

#include "json.h"
#include "text.h"

#include <stdio.h>
#include <string.h>

static void webhook_path(char out[256], const struct target *t, const char *rest)
{
    snprintf(out, 256, "/v1/tenants/%s/webhooks/%s%s", t->tenant, t->session, rest);
}

static void print_webhook(const json_t *w)
{
    const json_t *health = json_obj(w, "health");
    const char *state = json_str_or(health, "state", "ok");
    const char *error = strcmp(state, "ok") != 0 ? json_str(health, "last_error") : NULL;
    const char *tenant = json_str(w, "tenant");
    char name[140];
    snprintf(name, sizeof name, "%s%s%s", tenant != NULL ? tenant : "", tenant != NULL ? "/" : "",
             json_str_or(w, "id", "?"));
    printf("%-28s %-8s %-8s %s%s%s\n", name, json_flag(w, "enabled", true) ? "enabled" : "off",
           state, json_str_or(w, "url", "?"), error != NULL ? "  last: " : "",
           error != NULL ? error : "");
}

static void print_delivery(const json_t *d)
{
    printf("%-8lld %-24s %-9s tries %-3lld %s\n", (long long)json_int(d, "seq", 0),
           json_str_or(d, "type", "?"), json_str_or(d, "state", "?"),
           (long long)json_int(d, "attempts", 0), json_str_or(d, "last_error", ""));
}

static void print_items(const struct cli *c, const json_t *items, void (*row)(const json_t *))
{
    size_t i;
    json_t *item;
    if (c->json) {
        print_json(items);
        return;
    }
    json_array_foreach(items, i, item)
    {
        row(item);
    }
    if (json_array_size(items) == 0) {
        puts("(none)");
    }
}

/* Adds the tenant's webhooks to all, each with its tenant's name. */
static int fetch(struct client *cl, const char *tenant, json_t *all, struct err *e)
{
    char path[160];
    struct answer a;
    snprintf(path, sizeof path, "/v1/tenants/%s/webhooks?limit=500", tenant);
    int r = client_call(cl, "GET", path, NULL, NULL, &a, e);
    size_t i;
    json_t *w;
    json_array_foreach(json_arr(a.json, "items"), i, w)
    {
        json_object_set_new(w, "tenant", json_string(tenant));
    }
    json_array_extend(all, json_arr(a.json, "items"));
    answer_free(&a);
    return r;
}

/* tenant NULL: of all. */
static int list(struct cli *c, struct client *cl, const char *tenant, struct err *e)
{
    struct answer a = {0};
    json_t *all = json_array();
    int r = tenant != NULL ? fetch(cl, tenant, all, e)
                           : client_call(cl, "GET", "/v1/tenants?limit=500", NULL, NULL, &a, e);
    size_t i;
    json_t *t;
    if (r == E_FORBIDDEN) {
        err_set(e, r, "this key is a tenant's: say `webhooks TENANT`");
    }
    json_array_foreach(json_arr(a.json, "items"), i, t)
    {
        r = r == 0 ? fetch(cl, json_str_or(t, "id", ""), all, e) : r;
    }
    if (r == 0) {
        print_items(c, all, print_webhook);
    }
    json_decref(all);
    answer_free(&a);
    return r;
}

static int add(struct cli *c, struct client *cl, const struct target *t, const char *url,
               struct err *e)
{
    char path[256];
    struct answer a;
    json_t *body = json_pack("{s:s, s:[s]}", "url", url, "events", "*");
    webhook_path(path, t, "");
    int r = client_call(cl, "PUT", path, NULL, body, &a, e);
    json_decref(body);
    if (r == 0 && c->json) {
        print_json(a.json);
    } else if (r == 0) {
        print_webhook(a.json);
        if (json_str(a.json, "secret") != NULL) {
            printf("signing secret (shown once): %s\n", json_str(a.json, "secret"));
        }
    }
    answer_free(&a);
    return r;
}

static int deliveries(struct cli *c, struct client *cl, const struct target *t, const char *state,
                      struct err *e)
{
    char path[256], rest[64];
    struct answer a;
    snprintf(rest, sizeof rest, "/deliveries?state=%s&limit=100", state);
    webhook_path(path, t, rest);
    int r = client_call(cl, "GET", path, NULL, NULL, &a, e);
    if (r == 0) {
        print_items(c, json_arr(a.json, "items"), print_delivery);
    }
    answer_free(&a);
    return r;
}

static int act(struct cli *c, struct client *cl, const char *verb, const struct target *t,
               struct err *e)
{
    char path[256];
    struct answer a;
    int r;
    if (strcmp(verb, "delete") == 0) {
        webhook_path(path, t, "");
        r = client_call(cl, "DELETE", path, NULL, NULL, &a, e);
    } else {
        char rest[32];
        snprintf(rest, sizeof rest, "/%s", verb);
        webhook_path(path, t, rest);
        r = client_call(cl, "POST", path, NULL, NULL, &a, e);
    }
    if (r == 0 && a.json != NULL && c->json) {
        print_json(a.json);
    } else if (r == 0 && strcmp(verb, "test") == 0) {
        long long status = (long long)json_int(a.json, "status", 0);
        const char *error = json_str_or(a.json, "error", "");
        char answered[40] = "no answer";
        if (status != 0) {
            snprintf(answered, sizeof answered, "answer %lld", status);
        }
        printf("%s: %s in %lld ms%s%s\n",
               json_flag(a.json, "ok", false) ? "received" : "not received", answered,
               (long long)json_int(a.json, "duration_ms", 0), error[0] != '\0' ? ": " : "", error);
        fflush(stdout);
    } else if (r == 0 && strcmp(verb, "redrive") == 0) {
        printf("%lld back in the queue\n", (long long)json_int(a.json, "redriven", 0));
    } else if (r == 0) {
        puts("done");
    }
    bool failed_test = strcmp(verb, "test") == 0 && !json_flag(a.json, "ok", false);
    answer_free(&a);
    return r == 0 && failed_test ? err_set(e, E_STATE, "the receiver did not accept the test") : r;
}

/* TENANT/NAME, or NAME of the tenant `default`. */
static int parse_name(const char *word, struct target *t, struct err *e)
{
    const char *slash = strchr(word, '/');
    int n = slash != NULL ? snprintf(t->tenant, sizeof t->tenant, "%.*s", (int)(slash - word), word)
                          : snprintf(t->tenant, sizeof t->tenant, "default");
    int m = snprintf(t->session, sizeof t->session, "%s", slash != NULL ? slash + 1 : word);
    if (n < 0 || m < 0 || !text_is_name(t->tenant) || !text_is_name(t->session)) {
        return err_set(e, E_INVALID, "%s: say TENANT/NAME, as in acme/erp", word);
    }
    return 0;
}

/* A verb without its name is a slip, never a tenant of that name. */
static bool is_verb(const char *word)
{
    static const char *const verbs[] = {"add", "test", "deliveries", "dead", "redrive", "delete"};
    for (size_t i = 0; word != NULL && i < sizeof verbs / sizeof verbs[0]; i++) {
        if (strcmp(verbs[i], word) == 0) {
            return true;
        }
    }
    return false;
}

static int run(struct cli *c, struct client *cl, struct err *e)
{
    static const char words[] = "webhooks [TENANT | add TENANT/NAME URL | "
                                "test|deliveries|dead|redrive|delete TENANT/NAME]";
    struct target t;
    const char *verb = c->word_count > 0 ? c->words[0] : NULL;
    if (c->word_count <= 1 && !is_verb(verb) && (verb == NULL || text_is_name(verb))) {
        return list(c, cl, verb, e);
    }
    if (c->word_count < 2) {
        return err_set(e, E_INVALID, "say %s", words);
    }
    int r = parse_name(c->words[1], &t, e);
    if (r != 0) {
        return r;
    }
    if (strcmp(verb, "add") == 0 && c->word_count == 3) {
        return add(c, cl, &t, c->words[2], e);
    }
    if (c->word_count != 2) {
        return err_set(e, E_INVALID, "say %s", words);
    }
    if (strcmp(verb, "deliveries") == 0) {
        return deliveries(c, cl, &t, "pending", e);
    }
    if (strcmp(verb, "dead") == 0) {
        return deliveries(c, cl, &t, "dead", e);
    }
    if (strcmp(verb, "test") == 0 || strcmp(verb, "redrive") == 0 || strcmp(verb, "delete") == 0) {
        return act(c, cl, verb, &t, e);
    }
    return err_set(e, E_INVALID, "say %s", words);
}

int cmd_webhooks(struct cli *c)
{
    struct err e = {0};
    struct client *cl = NULL;
    int r = client_open(c, &cl, &e);
    if (r == 0) {
        r = run(c, cl, &e);
    }
    client_close(cl);
    return r == 0 ? EXIT_OK : cli_fail(&e);
}
