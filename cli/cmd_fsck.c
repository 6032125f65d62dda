/*
 * wabridge fsck. Exit codes: 0 in order (or mended), 1 something is wrong, 2 the command line.
 */
#include "cli.h"

#include "offline.h"
#include "store.h"

#include <stdio.h>
#include <sys/stat.h>

struct report {
    json_t *list; /* NULL: for people */
    bool wrong;
};

static void on_note(void *arg, int level, const char *what, const char *text)
{
    static const char *const words[] = {"ok", "mended", "wrong"};
    struct report *r = arg;
    r->wrong = r->wrong || level > 1;
    if (r->list != NULL) {
        (void)json_array_append_new(r->list, json_pack("{s:s,s:s,s:s}", "state", words[level],
                                                       "what", what, "text", text));
    } else {
        printf("%-7s %-10s %s\n", words[level], what, text);
    }
}

int cmd_fsck(struct cli *c)
{
    if (c->word_count > 0) {
        return cli_usage("fsck takes flags only");
    }
    struct err e = {0};
    struct store_options so = {0};
    struct report r = {.list = c->json ? json_array() : NULL};
    umask(077);
    int rc = master_key_source(c, &so, &e);
    const struct offline_fsck o = {
        .data_dir = config_data_dir(c->config),
        .map_size = config_number(c->config, "store", "map_gib") << 30,
        .repair = c->repair,
        .key = {.master_key = so.master_key, .master_key_file = so.key_file},
        .key_from = so.key_from,
        .note = on_note,
        .arg = &r,
    };
    rc = rc != 0 ? rc : offline_fsck(&o, &e);
    if (c->json) {
        json_dumpf(r.list, stdout, JSON_INDENT(2));
        putchar('\n');
    }
    json_decref(r.list);
    if (rc == E_EXISTS) {
        fprintf(stderr, "wabridge: %s: stop it first\n", e.msg);
        return EXIT_NO;
    }
    return rc != 0 ? cli_fail(&e) : r.wrong ? EXIT_NO : EXIT_OK;
}
