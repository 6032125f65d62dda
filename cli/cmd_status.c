/* `wabridge status` and the table of sessions. */
#include "cli.h"
#include "tables.h"

#include "json.h"

#include <stdio.h>
#include <string.h>

void print_json(const json_t *j)
{
    json_dumpf(j, stdout, JSON_INDENT(2) | JSON_ENCODE_ANY);
    putchar('\n');
}

void print_session_row(const json_t *s)
{
    const json_t *account = json_obj(s, "account");
    const json_t *backlog = json_obj(s, "backlog");
    char name[140], who[160] = "-";
    snprintf(name, sizeof name, "%s/%s", json_str_or(s, "tenant", "?"), json_str_or(s, "id", "?"));
    if (account != NULL) {
        snprintf(who, sizeof who, "+%s %s", json_str_or(account, "phone", "?"),
                 json_str_or(account, "push_name", ""));
    }
    const char *hint =
        strcmp(json_str_or(s, "status", ""), "unlinked") == 0 ? "a code waits: wabridge link" : "";
    printf("%-28s %-13s %-32s %7lld %s\n", name, json_str_or(s, "status", "?"), who,
           (long long)json_int(backlog, "outbox", 0), json_str_or(s, "status_reason", hint));
}

/* Calls the list of every tenant's sessions; gives one array. */
int fetch_sessions(struct client *cl, json_t **out, struct err *e)
{
    struct answer tenants;
    json_t *all = json_array();
    int r = client_call(cl, "GET", "/v1/tenants?limit=500", NULL, NULL, &tenants, e);
    size_t i;
    json_t *t;
    json_array_foreach(json_arr(tenants.json, "items"), i, t)
    {
        char path[160];
        struct answer a;
        snprintf(path, sizeof path, "/v1/tenants/%s/sessions?limit=500", json_str_or(t, "id", ""));
        r = client_call(cl, "GET", path, NULL, NULL, &a, e);
        json_array_extend(all, json_arr(a.json, "items"));
        answer_free(&a);
        if (r != 0) {
            break;
        }
    }
    answer_free(&tenants);
    if (r != 0) {
        json_decref(all);
        return r;
    }
    *out = all;
    return 0;
}

void print_sessions(const json_t *list)
{
    printf("%-28s %-13s %-32s %7s %s\n", "SESSION", "STATUS", "ACCOUNT", "WAITING", "REASON");
    size_t i;
    json_t *s;
    json_array_foreach(list, i, s)
    {
        print_session_row(s);
    }
    if (json_array_size(list) == 0) {
        puts("(none: wabridge sessions create TENANT/SESSION)");
    }
}

static void print_health(const json_t *h)
{
    const json_t *q = json_obj(h, "queues");
    printf("wabridge %s: %s, up %lld s, %.1f MB resident\n", json_str_or(h, "version", "?"),
           json_str_or(h, "status", "?"), (long long)json_int(h, "uptime_s", 0),
           (double)json_int(json_obj(h, "memory"), "rss_bytes", 0) / 1e6);
    printf("waiting: %lld to send, %lld webhook deliveries, %lld dead letters\n\n",
           (long long)json_int(q, "outbox", 0), (long long)json_int(q, "deliveries", 0),
           (long long)json_int(q, "dead_letters", 0));
}

static void print_alerts(const json_t *list)
{
    size_t i;
    json_t *a;
    json_array_foreach(json_arr(list, "items"), i, a)
    {
        char where[200];
        const char *tenant = json_str(a, "tenant");
        snprintf(where, sizeof where, "%s%s%s", tenant != NULL ? tenant : "this machine",
                 tenant != NULL ? "/" : "",
                 tenant != NULL ? json_str_or(a, "session", json_str_or(a, "webhook", "")) : "");
        printf("ALERT %-18s %-28s since %s\n      %s\n      %s\n", json_str_or(a, "alert", "?"),
               where, json_str_or(a, "since", "?"), json_str_or(a, "detail", ""),
               json_str_or(a, "help", ""));
    }
    if (i > 0) {
        putchar('\n');
    }
}

int cmd_status(struct cli *c)
{
    struct err e = {0};
    struct client *cl = NULL;
    struct answer health = {0}, alerts = {0};
    json_t *sessions = NULL;
    if (c->word_count > 0) {
        return cli_usage("status takes no name; see `wabridge sessions`");
    }
    int r = client_open(c, &cl, &e);
    if (r == 0) {
        r = client_call(cl, "GET", "/health", NULL, NULL, &health, &e);
        if (health.status == 503) { /* degraded, but an answer */
            r = 0;
        }
    }
    if (r == 0) {
        r = fetch_sessions(cl, &sessions, &e);
    }
    if (r == 0) {
        r = client_call(cl, "GET", "/v1/alerts", NULL, NULL, &alerts, &e);
    }
    if (r == 0 && c->json) {
        json_t *both = json_pack("{s:O, s:O, s:O}", "health", health.json, "alerts",
                                 json_object_get(alerts.json, "items"), "sessions", sessions);
        print_json(both);
        json_decref(both);
    } else if (r == 0) {
        print_health(health.json);
        print_alerts(alerts.json);
        print_sessions(sessions);
    }
    int code = r != 0                                                      ? cli_fail(&e)
               : strcmp(json_str_or(health.json, "status", ""), "ok") == 0 ? EXIT_OK
                                                                           : EXIT_NO;
    json_decref(sessions);
    answer_free(&alerts);
    answer_free(&health);
    client_close(cl);
    return code;
}
