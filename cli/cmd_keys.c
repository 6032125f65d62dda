/* `wabridge keys`: list, create, rotate, delete. Without a TENANT they are the admin keys. */
#include "cli.h"
#include "tables.h"

#include "json.h"
#include "text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char words[] = "keys [list [TENANT] | create [TENANT] [name=TEXT] [role=ROLE] "
                            "[scopes=A,B] [sessions=A,B-*] [expires=TIME] | "
                            "rotate [TENANT/]KEY [overlap=SECONDS] | delete [TENANT/]KEY]";

/* tenant "": admin keys; rest begins with a slash or is empty. */
static void keys_path(char out[256], const char *tenant, const char *rest)
{
    if (tenant[0] != '\0') {
        snprintf(out, 256, "/v1/tenants/%s/keys%s", tenant, rest);
    } else {
        snprintf(out, 256, "/v1/keys%s", rest);
    }
}

static void print_list(const json_t *list, char *out, size_t size)
{
    size_t used = 0;
    out[0] = '\0';
    for (size_t i = 0; i < json_array_size(list) && used + 1 < size; i++) {
        int n = snprintf(out + used, size - used, "%s%s", i > 0 ? "," : "",
                         json_string_value(json_array_get(list, i)));
        used += n > 0 ? (size_t)n : 0;
    }
}

static void print_key(const json_t *k)
{
    char may[400], sessions[200];
    const char *role = json_str(k, "role");
    print_list(json_arr(k, "scopes"), may, sizeof may);
    print_list(json_arr(k, "sessions"), sessions, sizeof sessions);
    printf("%-14s %-20s %-10s sessions %-12s used %-24s%s%s\n", json_str_or(k, "id", "?"),
           json_str_or(k, "name", ""), role != NULL ? role : may, sessions,
           json_str_or(k, "last_used_at", "never"),
           json_str(k, "expires_at") != NULL ? " expires " : "", json_str_or(k, "expires_at", ""));
}

static void print_new(const struct cli *c, const json_t *k)
{
    if (c->json) {
        print_json(k);
        return;
    }
    print_key(k);
    printf("the key (shown once): %s\n", json_str_or(k, "key", "?"));
    if (json_str(k, "old_secret_until") != NULL) {
        printf("the one before works until %s\n", json_str(k, "old_secret_until"));
    }
}

static int list(struct cli *c, struct client *cl, const char *tenant, struct err *e)
{
    char path[256];
    struct answer a;
    keys_path(path, tenant, "");
    int r = client_call(cl, "GET", path, NULL, NULL, &a, e);
    const json_t *items = json_arr(a.json, "items");
    if (r == 0 && c->json) {
        print_json(items);
    }
    for (size_t i = 0; r == 0 && !c->json && i < json_array_size(items); i++) {
        print_key(json_array_get(items, i));
    }
    if (r == 0 && !c->json && json_array_size(items) == 0) {
        puts("(none)");
    }
    answer_free(&a);
    return r;
}

/* "a,b" as a list. */
static json_t *split(const char *text)
{
    json_t *out = json_array();
    while (*text != '\0') {
        size_t n = strcspn(text, ",");
        json_array_append_new(out, json_stringn(text, n));
        text += n + (text[n] == ',');
    }
    return out;
}

/* name=value into the body; false: no such name. */
static bool set(json_t *body, const char *word)
{
    static const struct {
        const char *name, *member;
        bool list;
    } known[] = {{"name=", "name", false},
                 {"role=", "role", false},
                 {"scopes=", "scopes", true},
                 {"sessions=", "sessions", true},
                 {"expires=", "expires_at", false}};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        size_t n = strlen(known[i].name);
        if (strncmp(word, known[i].name, n) == 0) {
            json_t *v = known[i].list ? split(word + n) : json_string(word + n);
            return json_object_set_new(body, known[i].member, v) == 0;
        }
    }
    return false;
}

static int create(struct cli *c, struct client *cl, struct err *e)
{
    char path[256];
    struct answer a = {0};
    bool of_tenant = c->word_count > 1 && strchr(c->words[1], '=') == NULL;
    const char *tenant = of_tenant ? c->words[1] : "";
    json_t *body = json_object();
    int r = of_tenant && !text_is_name(tenant)
                ? err_set(e, E_INVALID, "%s is not the name of a tenant", tenant)
                : 0;
    for (int i = of_tenant ? 2 : 1; r == 0 && i < c->word_count; i++) {
        if (!set(body, c->words[i])) {
            r = err_set(e, E_INVALID, "%s: say %s", c->words[i], words);
        }
    }
    if (r == 0) {
        keys_path(path, tenant, "");
        r = client_call(cl, "POST", path, NULL, body, &a, e);
    }
    if (r == 0) {
        print_new(c, a.json);
    }
    json_decref(body);
    answer_free(&a);
    return r;
}

/* [TENANT/]KEY[rest] as a path. */
static int key_path(char path[256], const char *word, const char *rest, struct err *e)
{
    char tenant[64] = "", tail[64];
    const char *slash = strchr(word, '/');
    const char *id = slash != NULL ? slash + 1 : word;
    if (slash != NULL) {
        snprintf(tenant, sizeof tenant, "%.*s", (int)(slash - word), word);
    }
    if ((slash != NULL && !text_is_name(tenant)) || strlen(id) > 32 ||
        strspn(id, "0123456789abcdef") != strlen(id) || id[0] == '\0') {
        return err_set(e, E_INVALID, "%s is not the id of a key: say TENANT/ID, or ID for an admin key, as in `wabridge keys "
                       "list [TENANT]`", word);
    }
    snprintf(tail, sizeof tail, "/%s%s", id, rest);
    keys_path(path, tenant, tail);
    return 0;
}

static int rotate(struct cli *c, struct client *cl, struct err *e)
{
    char path[256];
    struct answer a = {0};
    json_t *body = json_object();
    int r = key_path(path, c->words[1], "/rotate", e);
    if (r == 0 && c->word_count == 3) {
        char *end = NULL;
        const char *s = strncmp(c->words[2], "overlap=", 8) == 0 ? c->words[2] + 8 : "";
        long long n = strtoll(s, &end, 10);
        r = *s == '\0' || *end != '\0' ? err_set(e, E_INVALID, "say %s", words) : 0;
        json_object_set_new(body, "overlap_s", json_integer(n));
    }
    r = r != 0 ? r : client_call(cl, "POST", path, NULL, body, &a, e);
    if (r == 0) {
        print_new(c, a.json);
    }
    json_decref(body);
    answer_free(&a);
    return r;
}

static int delete (struct client *cl, const char *word, struct err *e)
{
    char path[256];
    struct answer a = {0};
    int r = key_path(path, word, "", e);
    r = r != 0 ? r : client_call(cl, "DELETE", path, NULL, NULL, &a, e);
    answer_free(&a);
    return r;
}

static int run(struct cli *c, struct client *cl, struct err *e)
{
    const char *verb = c->word_count > 0 ? c->words[0] : "list";
    if (strcmp(verb, "list") == 0 && c->word_count <= 2) {
        const char *tenant = c->word_count == 2 ? c->words[1] : "";
        return tenant[0] == '\0' || text_is_name(tenant)
                   ? list(c, cl, tenant, e)
                   : err_set(e, E_INVALID, "%s is not the name of a tenant", tenant);
    }
    if (strcmp(verb, "create") == 0) {
        return create(c, cl, e);
    }
    if (strcmp(verb, "rotate") == 0 && (c->word_count == 2 || c->word_count == 3)) {
        return rotate(c, cl, e);
    }
    if (strcmp(verb, "delete") == 0 && c->word_count == 2) {
        return delete (cl, c->words[1], e);
    }
    return err_set(e, E_INVALID, "say %s", words);
}

int cmd_keys(struct cli *c)
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
