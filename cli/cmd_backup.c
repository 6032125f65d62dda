/*
 * wabridge backup, backup verify, restore, export-session, import-session. A file is written under
 * another name beside the one that is meant and takes it when it is whole and on disk.
 */
#include "cli.h"

#include "json.h"
#include "mem.h"
#include "offline.h"
#include "store.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- the file --------------------------------------------------------------------------------- */

struct output {
    const char *name;
    char part[PATH_MAX];
    int fd;
};

static int output_open(struct output *o, const char *name, bool force, struct err *e)
{
    o->name = name;
    o->fd = -1;
    if (!force && access(name, F_OK) == 0) {
        return err_set(e, E_EXISTS, "%s exists: choose another name, or --force to replace it",
                       name);
    }
    if (snprintf(o->part, sizeof o->part, "%s.part-%ld", name, (long)getpid()) >=
        (int)sizeof o->part) {
        return err_set(e, E_INVALID, "the name of the file is too long");
    }
    o->fd = open(o->part, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    return o->fd >= 0 ? 0 : err_sys(e, E_IO, errno, "cannot make %s", o->part);
}

/* rc: how the writing went; returns that, or why the file could not take its name. */
static int output_close(struct output *o, int rc, struct err *e)
{
    if (o->fd < 0) {
        return rc;
    }
    if (rc == 0 && fsync(o->fd) != 0) {
        rc = err_sys(e, errno == ENOSPC ? E_FULL : E_IO, errno, "cannot sync %s", o->part);
    }
    close(o->fd);
    if (rc == 0 && rename(o->part, o->name) != 0) {
        rc = err_sys(e, E_IO, errno, "cannot make %s", o->name);
    }
    if (rc != 0) {
        (void)unlink(o->part);
    }
    return rc;
}

static json_t *order(const struct cli *c, struct err *e)
{
    json_t *body = json_pack("{s:b}", "media", (int)!c->no_media);
    char *phrase = c->key_file != NULL ? offline_passphrase(c->key_file, e) : NULL;
    if (c->key_file != NULL && phrase == NULL) {
        json_decref(body);
        return NULL;
    }
    if (phrase != NULL) {
        int rc = json_set_str(body, "passphrase", phrase);
        mem_wipe_free(phrase, strlen(phrase));
        if (rc != 0) {
            json_decref(body);
            err_set(e, E_NOMEM, "out of memory");
            return NULL;
        }
    }
    return body;
}

static void say(const struct cli *c, const char *file, json_t *manifest, const char *text)
{
    struct stat st = {0};
    (void)stat(file, &st);
    if (c->json) {
        json_t *o = json_pack("{s:s,s:I}", "file", file, "bytes", (json_int_t)st.st_size);
        if (manifest != NULL) {
            (void)json_object_update(o, manifest);
        }
        json_dumpf(o, stdout, JSON_INDENT(2));
        putchar('\n');
        json_decref(o);
    } else {
        printf("%s: %lld bytes. %s\n", file, (long long)st.st_size, text);
    }
}

/* texts live as long as c, dir as long as the caller keeps it */
static int key_of(struct cli *c, const char *dir, struct offline_key *key, const char **from,
                  struct err *e)
{
    struct store_options so = {0};
    int r = master_key_source(c, &so, e);
    *key = (struct offline_key){.key_file = c->key_file,
                                .master_key = so.master_key,
                                .master_key_file = so.key_file,
                                .data_dir = dir};
    if (from != NULL) {
        *from = so.key_from;
    }
    return r;
}

/* ---- backup ----------------------------------------------------------------------------------- */

/* E_UNAVAILABLE, E_AUTH: there is no daemon to ask. */
static int backup_online(struct cli *c, const json_t *body, int fd, struct err *e)
{
    struct client *cl = NULL;
    struct answer a = {0};
    int r = client_open(c, &cl, e);
    if (r != 0) {
        return r;
    }
    r = client_download(cl, "/v1/backup", body, fd, &a, e);
    answer_free(&a);
    client_close(cl);
    return r;
}

static int backup(struct cli *c, const char *file, struct err *e)
{
    struct output o = {.fd = -1};
    json_t *body = order(c, e);
    int r = body != NULL ? output_open(&o, file, c->force, e) : e->code;
    r = r != 0 ? r : backup_online(c, body, o.fd, e);
    if (o.fd >= 0 && (r == E_UNAVAILABLE || r == E_AUTH)) {
        char *phrase = c->key_file != NULL ? offline_passphrase(c->key_file, e) : NULL;
        struct offline_backup b = {
            .data_dir = config_data_dir(c->config),
            .map_size = config_number(c->config, "store", "map_gib") << 30,
            .media = !c->no_media,
            .passphrase = phrase,
            .fd = o.fd,
        };
        struct err why = {0};
        int rc = key_of(c, b.data_dir, &b.key, &b.key_from, &why);
        rc = rc != 0 ? rc : offline_backup(&b, &why);
        if (rc != E_EXISTS) { /* a daemon has it open, and would not answer us */
            r = rc;
            err_copy(e, &why);
        }
        if (phrase != NULL) {
            mem_wipe_free(phrase, strlen(phrase));
        }
    }
    json_decref(body);
    return output_close(&o, r, e);
}

static int verify(struct cli *c, const char *file)
{
    struct err e = {0};
    json_t *manifest = NULL;
    struct offline_key key;
    if (key_of(c, config_data_dir(c->config), &key, NULL, &e) != 0 ||
        offline_verify(file, &key, &manifest, &e) != 0) {
        return cli_fail(&e);
    }
    char text[200];
    (void)snprintf(text, sizeof text, "Whole: %s of %s, %lld files.",
                   json_str_or(manifest, "kind", "?"), json_str_or(manifest, "created_at", "?"),
                   (long long)json_int(manifest, "files", 0));
    say(c, file, manifest, text);
    json_decref(manifest);
    return EXIT_OK;
}

int cmd_backup(struct cli *c)
{
    signal(SIGPIPE, SIG_IGN);
    umask(077);
    if (c->word_count == 2 && strcmp(c->words[0], "verify") == 0) {
        return verify(c, c->words[1]);
    }
    if (c->word_count != 1 || strcmp(c->words[0], "verify") == 0) {
        return cli_usage("backup FILE, or backup verify FILE");
    }
    struct err e = {0};
    if (backup(c, c->words[0], &e) != 0) {
        return cli_fail(&e);
    }
    say(c, c->words[0], NULL,
        c->key_file != NULL
            ? "Keep the passphrase: without it the backup cannot be read."
            : "It is sealed with the master key: keep a copy of store/master.key elsewhere, "
              "without it the backup cannot be read (or use --key-file).");
    return EXIT_OK;
}

/* ---- restore ---------------------------------------------------------------------------------- */

int cmd_restore(struct cli *c)
{
    struct err e = {0};
    json_t *manifest = NULL;
    char *kept = NULL;
    umask(077);
    if (c->word_count != 1) {
        return cli_usage("restore FILE --data-dir DIR");
    }
    const char *set = config_text(c->config, "server", "data_dir");
    if (set[0] == '\0') {
        return cli_usage("restore FILE --data-dir DIR: say where to, nothing is guessed here");
    }
    const char *dir = config_data_dir(c->config);
    struct offline_key key;
    if (key_of(c, dir, &key, NULL, &e) != 0 ||
        offline_restore(c->words[0], &key, dir, c->force, &manifest, &kept, &e) != 0) {
        return cli_fail(&e);
    }
    say(c, c->words[0], manifest, "Restored.");
    if (kept != NULL) {
        fprintf(stderr, "What was there is kept as %s\n", kept);
    }
    fputs("The sessions in it are linked. WhatsApp lets one program use a link: make sure that the "
          "daemon\nthis was made of never runs again with them, or both lose it. What was waiting to be "
          "sent then\nis sent at the start, under the same message ids.\n",
          stderr);
    free(kept);
    json_decref(manifest);
    return EXIT_OK;
}

/* ---- one session ------------------------------------------------------------------------------ */

int cmd_export_session(struct cli *c)
{
    struct err e = {0};
    struct client *cl = NULL;
    struct target t;
    struct answer a = {0};
    struct output o = {.fd = -1};
    char path[200];
    umask(077);
    if (c->word_count != 2) {
        return cli_usage("export-session TENANT/SESSION FILE");
    }
    json_t *body = order(c, &e);
    int r = body != NULL ? client_open(c, &cl, &e) : e.code;
    r = r != 0 ? r : target_find(cl, c->words[0], &t, &e);
    r = r != 0 ? r : output_open(&o, c->words[1], c->force, &e);
    if (r == 0) {
        (void)snprintf(path, sizeof path, "/v1/tenants/%s/sessions/%s/export", t.tenant, t.session);
        r = client_download(cl, path, body, o.fd, &a, &e);
    }
    r = output_close(&o, r, &e);
    answer_free(&a);
    client_close(cl);
    json_decref(body);
    if (r != 0) {
        return cli_fail(&e);
    }
    fprintf(stderr, "%s/%s is stopped and does not start here again.\n", t.tenant, t.session);
    say(c, c->words[1], NULL,
        "Import it on the other host with `wabridge import-session`, then delete the session here.");
    return EXIT_OK;
}

static int import_into(struct cli *c, struct client *cl, const struct target *t, const char *folder,
                       struct err *e)
{
    char path[200];
    struct answer a = {0};
    json_t *body = json_pack("{s:s,s:b}", "folder", folder, "start", (int)!c->no_start);
    (void)snprintf(path, sizeof path, "/v1/tenants/%s/sessions/%s/import", t->tenant, t->session);
    int r = client_call(cl, "POST", path, NULL, body, &a, e);
    json_decref(body);
    answer_free(&a);
    return r;
}

int cmd_import_session(struct cli *c)
{
    struct err e = {0};
    struct client *cl = NULL;
    struct target t;
    json_t *manifest = NULL;
    char folder[OFFLINE_FOLDER_LEN] = "", word[160];
    umask(077);
    if (c->word_count != 1) {
        return cli_usage("import-session FILE [--as TENANT/SESSION]");
    }
    int r = client_open(c, &cl, &e);
    const char *dir = config_data_dir(c->config); /* the next call frees it */
    struct offline_key key;
    r = r != 0 ? r : key_of(c, dir, &key, NULL, &e);
    r = r != 0 ? r : offline_unpack_session(c->words[0], &key, dir, folder, &manifest, &e);
    if (r == 0) {
        (void)snprintf(word, sizeof word, "%s/%s", json_str_or(manifest, "tenant", ""),
                       json_str_or(manifest, "session", ""));
        r = target_find(cl, c->as != NULL ? c->as : word, &t, &e);
    }
    r = r != 0 ? r : import_into(c, cl, &t, folder, &e);
    offline_forget(dir, folder);
    client_close(cl);
    if (r != 0) {
        json_decref(manifest);
        return cli_fail(&e);
    }
    (void)snprintf(word, sizeof word, "It is %s/%s here now.", t.tenant, t.session);
    say(c, c->words[0], manifest, word);
    json_decref(manifest);
    return EXIT_OK;
}
