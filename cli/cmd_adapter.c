/* `wabridge adapter`: status, test, use, rollback of the library that runs in the pages. */
#include "cli.h"
#include "tables.h"

#include "json.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const struct timespec POLL = {.tv_nsec = 300000000};

static void print_build(const char *what, const json_t *b)
{
    if (b != NULL) {
        printf("%-9s wa-js %s, sha256 %.16s…, %lld bytes%s%s\n", what, json_str_or(b, "version", "?"),
               json_str_or(b, "sha256", "?"), (long long)json_int(b, "bytes", 0),
               json_str(b, "source") != NULL ? ", from " : "", json_str_or(b, "source", ""));
    }
}

static void print_last(const json_t *last)
{
    if (last == NULL) {
        return;
    }
    const json_t *error = json_obj(last, "error");
    printf("last      %s of wa-js %s: %s%s%s%s\n", json_str_or(last, "action", "?"),
           json_str_or(last, "version", "?"), json_flag(last, "ok", false) ? "worked" : "failed",
           error != NULL ? ", " : "", json_str_or(error, "detail", ""),
           json_flag(last, "rolled_back", false) ? " (rolled back)" : "");
}

static void print_status(const json_t *a)
{
    size_t i;
    json_t *row;
    print_build("current", json_obj(a, "current"));
    print_build("previous", json_obj(a, "previous"));
    json_array_foreach(json_arr(a, "sessions"), i, row)
    {
        printf("%-9s %lld run wa-js %s, sha256 %.16s…\n", "sessions", (long long)json_int(row, "count", 0),
               json_str_or(row, "version", "?"), json_str_or(row, "sha256", "?"));
    }
    print_last(json_obj(a, "last"));
}

/* What it does is told as it goes; ends when nothing is under way any more. */
static int follow(const struct cli *c, struct client *cl, struct answer *a, struct err *e)
{
    char told[192] = "";
    for (;;) {
        const char *state = json_str_or(a->json, "state", "idle");
        if (strcmp(state, "idle") == 0) {
            return 0;
        }
        char now[192];
        snprintf(now, sizeof now, "%s %s", state,
                 json_str_or(json_obj(a->json, "progress"), "session", ""));
        if (!c->json && strcmp(now, told) != 0) {
            printf("%s\n", now);
            fflush(stdout);
            memcpy(told, now, sizeof told);
        }
        nanosleep(&POLL, NULL);
        answer_free(a);
        int r = client_call(cl, "GET", "/v1/adapter", NULL, NULL, a, e);
        if (r != 0) {
            return r;
        }
    }
}

static int act(const struct cli *c, struct client *cl, struct answer *a, struct err *e)
{
    char path[64], file[PATH_MAX];
    json_t *body = NULL;
    if (strcmp(c->words[0], "rollback") != 0) {
        if (realpath(c->words[1], file) == NULL) {
            return err_set(e, E_NOTFOUND, "%s: no such file", c->words[1]);
        }
        body = json_pack("{s:s}", "file", file);
        if (body != NULL && c->word_count > 2) {
            (void)json_set_str(body, "session", c->words[2]);
        }
    } else {
        body = json_object();
    }
    snprintf(path, sizeof path, "/v1/adapter/%s", c->words[0]);
    int r = client_call(cl, "POST", path, NULL, body, a, e);
    json_decref(body);
    return r != 0 ? r : follow(c, cl, a, e);
}

int cmd_adapter(struct cli *c)
{
    struct err e = {0};
    struct client *cl = NULL;
    struct answer a = {0};
    const char *verb = c->word_count > 0 ? c->words[0] : "status";
    bool status = strcmp(verb, "status") == 0, back = strcmp(verb, "rollback") == 0;
    bool trial = strcmp(verb, "test") == 0 || strcmp(verb, "use") == 0;
    if (!((status && c->word_count <= 1) || (back && c->word_count == 1) ||
          (trial && (c->word_count == 2 || c->word_count == 3)))) {
        return cli_usage("adapter [status | test FILE [TENANT/SESSION] | use FILE [TENANT/SESSION] | "
                         "rollback]");
    }
    int r = client_open(c, &cl, &e);
    if (r == 0) {
        r = status ? client_call(cl, "GET", "/v1/adapter", NULL, NULL, &a, &e) : act(c, cl, &a, &e);
    }
    bool worked = r == 0 && (status || json_flag(json_obj(a.json, "last"), "ok", false));
    if (r == 0 && c->json) {
        print_json(a.json);
    } else if (r == 0) {
        print_status(a.json);
    }
    answer_free(&a);
    client_close(cl);
    return r != 0 ? cli_fail(&e) : worked ? EXIT_OK : EXIT_NO;
}
