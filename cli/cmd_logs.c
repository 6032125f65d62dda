/* `wabridge logs [-f] [--lines N]`: the daemon's last lines, kept in its memory. */
#include "cli.h"

#include "json.h"

#include <stdio.h>

#define DEFAULT_LINES 100

/* For programs each line is an object: the daemon's own when it logs JSON, else one around the
 * text. */
static void print_line(const char *line, bool as_json)
{
    if (as_json && line[0] != '{') {
        json_t *j = json_pack("{s:s}", "line", line);
        json_dumpf(j, stdout, JSON_COMPACT);
        putchar('\n');
        json_decref(j);
    } else {
        puts(line);
    }
}

static int print_from(struct client *cl, unsigned limit, unsigned wait_s, bool as_json,
                      long long *after, struct err *e)
{
    char path[128];
    struct answer a;
    snprintf(path, sizeof path, "/v1/logs?after=%lld&limit=%u&wait=%u", *after, limit, wait_s);
    int r = client_call(cl, "GET", path, NULL, NULL, &a, e);
    size_t i;
    json_t *item;
    json_array_foreach(json_arr(a.json, "items"), i, item)
    {
        print_line(json_str_or(item, "line", ""), as_json);
    }
    fflush(stdout);
    *after = json_int(a.json, "next_after", *after);
    answer_free(&a);
    return r;
}

int cmd_logs(struct cli *c)
{
    struct err e = {0};
    struct client *cl = NULL;
    long long after = -1; /* the newest `limit` lines */
    if (c->word_count > 0) {
        return cli_usage("logs [-f] [--lines N]");
    }
    int r = client_open(c, &cl, &e);
    if (r == 0) {
        r = print_from(cl, c->lines != 0 ? c->lines : DEFAULT_LINES, 0, c->json, &after, &e);
    }
    while (r == 0 && c->follow) {
        r = print_from(cl, 500, 20, c->json, &after, &e);
    }
    client_close(cl);
    return r == 0 ? EXIT_OK : cli_fail(&e);
}
