/* `wabridge usage`: what a tenant sent and received this month, and what its quotas leave. */
#include "cli.h"
#include "tables.h"

#include "json.h"

#include <stdio.h>
#include <string.h>

static void print_row(const char *name, const json_t *o)
{
    printf("%-12s %10lld %10lld %14lld %14lld %14s\n", name,
           (long long)json_int(o, "messages_out", 0), (long long)json_int(o, "messages_in", 0),
           (long long)json_int(o, "media_bytes_out", 0), (long long)json_int(o, "media_bytes_in", 0),
           json_str_or(o, "cost", "-"));
}

static void print_usage(const json_t *u)
{
    size_t i;
    json_t *o;
    printf("%s, %s to %s (%s)\n\n%-12s %10s %10s %14s %14s %10s %3s\n",
           json_str_or(u, "tenant", "?"), json_str_or(u, "since", "?"),
           json_str_or(u, "until", "?"), json_str_or(u, "time_zone", "UTC"), "", "sent", "received",
           "bytes out", "bytes in", "cost", json_str_or(u, "currency", ""));
    json_array_foreach(json_arr(u, "items"), i, o)
    {
        print_row(json_str_or(o, "day", json_str_or(o, "country", json_str_or(o, "session", "?"))),
                  o);
    }
    print_row("total", json_obj(u, "total"));
    printf("\n%-18s %12s %12s  %s\n", "quota", "used", "limit", "begins anew");
    json_array_foreach(json_arr(u, "quotas"), i, o)
    {
        char limit[24] = "-";
        if (json_is_integer(json_object_get(o, "limit"))) {
            snprintf(limit, sizeof limit, "%lld", (long long)json_int(o, "limit", 0));
        }
        printf("%-18s %12lld %12s  %s\n", json_str_or(o, "name", "?"),
               (long long)json_int(o, "used", 0), limit, json_str_or(o, "resets_at", ""));
    }
}

int cmd_usage(struct cli *c)
{
    static const char *const by[] = {"day", "session", "country", "channel", NULL};
    struct err e = {0};
    struct client *cl = NULL;
    struct answer a = {0};
    char path[160];
    size_t known = 0;
    const char *group = c->word_count > 1 ? c->words[1] : "day";
    while (by[known] != NULL && strcmp(by[known], group) != 0) {
        known++;
    }
    if (c->word_count > 2 || by[known] == NULL) {
        return cli_usage("usage [TENANT [day|session|country|channel]]");
    }
    snprintf(path, sizeof path, "/v1/tenants/%.63s/usage?group_by=%s",
             c->word_count > 0 ? c->words[0] : "default", group);
    int r = client_open(c, &cl, &e);
    r = r != 0 ? r : client_call(cl, "GET", path, NULL, NULL, &a, &e);
    if (r == 0 && c->json) {
        print_json(a.json);
    } else if (r == 0) {
        print_usage(a.json);
    }
    answer_free(&a);
    client_close(cl);
    return r == 0 ? EXIT_OK : cli_fail(&e);
}
