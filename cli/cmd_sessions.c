/* `wabridge sessions`: list, create, start, stop, restart, logout, takeover, delete. */
#include "cli.h"
#include "tables.h"

#include "json.h"

#include <stdio.h>
#include <string.h>

static int list(struct cli *c, struct client *cl, struct err *e)
{
    json_t *sessions = NULL;
    int r = fetch_sessions(cl, &sessions, e);
    if (r == 0 && c->json) {
        print_json(sessions);
    } else if (r == 0) {
        print_sessions(sessions);
    }
    json_decref(sessions);
    return r;
}

/* The tenant is made too when it is not there yet: one command from nothing to a session. */
static int create(struct client *cl, const struct target *t, struct answer *a, struct err *e)
{
    char path[192];
    struct answer tenant;
    snprintf(path, sizeof path, "/v1/tenants/%s", t->tenant);
    int r = client_call(cl, "GET", path, NULL, NULL, &tenant, e);
    if (r == E_NOTFOUND) {
        json_t *body = json_pack("{s:s}", "name", t->tenant);
        answer_free(&tenant);
        r = client_call(cl, "PUT", path, NULL, body, &tenant, e);
        json_decref(body);
    }
    answer_free(&tenant);
    if (r != 0) {
        return r;
    }
    json_t *body = json_pack("{s:s}", "channel", "web");
    snprintf(path, sizeof path, "/v1/tenants/%s/sessions/%s", t->tenant, t->session);
    r = client_call(cl, "PUT", path, NULL, body, a, e);
    json_decref(body);
    return r;
}

static int act(struct client *cl, const char *verb, const struct target *t, struct answer *a,
               struct err *e)
{
    char path[224];
    if (strcmp(verb, "create") == 0) {
        return create(cl, t, a, e);
    }
    if (strcmp(verb, "delete") == 0) {
        snprintf(path, sizeof path, "/v1/tenants/%s/sessions/%s", t->tenant, t->session);
        return client_call(cl, "DELETE", path, NULL, NULL, a, e);
    }
    snprintf(path, sizeof path, "/v1/tenants/%s/sessions/%s/%s", t->tenant, t->session, verb);
    return client_call(cl, "POST", path, NULL, NULL, a, e);
}

static bool known(const char *verb)
{
    static const char *const verbs[] = {"create",   "start",  "stop", "restart", "logout",
                                        "takeover", "delete", "list", "hibernate", "wake",
                                        NULL};
    for (size_t i = 0; verbs[i] != NULL; i++) {
        if (strcmp(verbs[i], verb) == 0) {
            return true;
        }
    }
    return false;
}

int cmd_sessions(struct cli *c)
{
    struct err e = {0};
    struct client *cl = NULL;
    const char *verb = c->word_count > 0 ? c->words[0] : "list";
    if (!known(verb) || c->word_count > 2) {
        return cli_usage("sessions [create|start|stop|restart|hibernate|wake|logout|takeover|"
                         "delete] [TENANT/SESSION]");
    }
    int r = client_open(c, &cl, &e);
    if (r == 0 && strcmp(verb, "list") == 0) {
        r = list(c, cl, &e);
    } else if (r == 0) {
        struct target t;
        struct answer a = {0};
        const char *word = c->word_count > 1 ? c->words[1] : NULL;
        r = word == NULL && (strcmp(verb, "create") == 0 || strcmp(verb, "delete") == 0)
                ? err_set(&e, E_INVALID, "sessions %s needs a name: TENANT/SESSION", verb)
                : target_find(cl, word, &t, &e);
        if (r == 0) {
            r = act(cl, verb, &t, &a, &e);
        }
        if (r == 0 && a.json != NULL) {
            if (c->json) {
                print_json(a.json);
            } else {
                print_session_row(a.json);
            }
        } else if (r == 0 && !c->json) {
            printf("%s/%s: done\n", t.tenant, t.session);
        }
        answer_free(&a);
    }
    client_close(cl);
    return r == 0 ? EXIT_OK : cli_fail(&e);
}
