/*
 * `wabridge master-key new FILE` makes a key; `wabridge master-key rotate` seals every secret anew
 * under another one, with the daemon stopped: the store's lock is held from the first step to the
 * last.
 *
 * Steps of a rotation: the new key is written and synced (<file>.next, or --new-key-file) -> one
 * transaction seals everything and notes the new key -> <file>.next becomes <file>, the old key
 * stays as <file>.old-<id>. A crash before the transaction leaves a new key that nobody uses; one
 * after it leaves a store that takes <file>.next by itself.
 */
#include "cli.h"

#include "crypto.h"
#include "mem.h"
#include "store.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

struct rotation {
    struct cli *c;
    uv_loop_t loop;
    struct store *store;
    struct store_options so;
    char dir[PATH_MAX];
    char own_file[PATH_MAX + 16]; /* <dir>/master.key */
    char next[PATH_MAX + 32];     /* where the new key is */
    unsigned char old_key[STORE_KEY_LEN], new_key[STORE_KEY_LEN];
    char old_id[STORE_KEY_ID], new_id[STORE_KEY_ID];
    bool replace; /* next to file, and then in its place */
    size_t sealed, unreadable;
};

static const char *file_of(const struct rotation *r)
{
    return r->so.key_file != NULL ? r->so.key_file : r->own_file;
}

static int prepare(struct rotation *r, struct err *e)
{
    struct cli *c = r->c;
    int n = snprintf(r->dir, sizeof(r->dir), "%s/store", config_data_dir(c->config));
    if (n < 0 || (size_t)n >= sizeof(r->dir)) {
        return err_set(e, E_INVALID, "the data directory's path is too long");
    }
    if (access(r->dir, F_OK) != 0) {
        return err_set(e, E_NOTFOUND, "there is no store in %s: name its --data-dir",
                       config_data_dir(c->config));
    }
    (void)snprintf(r->own_file, sizeof(r->own_file), "%s/master.key", r->dir);
    r->so = (struct store_options){
        .dir = r->dir,
        .map_size = config_number(c->config, "store", "map_gib") << 30,
        .loop = &r->loop,
    };
    int rc = master_key_source(c, &r->so, e);
    if (rc != 0) {
        return rc;
    }
    bool writable_here = r->so.key_file == NULL ||
                         config_text(c->config, "store", "master_key_file")[0] != '\0';
    r->replace = c->new_key_file == NULL;
    if (r->replace && (r->so.master_key != NULL || !writable_here)) {
        return err_set(e, E_INVALID,
                       "the master key comes from %s, which cannot be written here: say where the "
                       "new one is, or shall be made, with --new-key-file FILE",
                       r->so.key_from);
    }
    n = snprintf(r->next, sizeof(r->next), "%s%s", r->replace ? file_of(r) : c->new_key_file,
                 r->replace ? ".next" : "");
    return n > 0 && (size_t)n < sizeof(r->next)
               ? 0
               : err_set(e, E_INVALID, "the path of the new key is too long");
}

/* The key that is there (of the operator, or of a rotation that was cut off), or a new one. */
static int obtain_key(struct rotation *r, struct err *e)
{
    int rc = r->so.master_key != NULL ? 0 : store_key_file_read(file_of(r), r->old_key, e);
    if (r->so.master_key != NULL) {
        memcpy(r->old_key, r->so.master_key, sizeof(r->old_key));
    }
    if (rc == 0) {
        rc = store_key_file_read(r->next, r->new_key, e);
        rc = rc == E_NOTFOUND ? store_key_file_create(r->next, r->new_key, e) : rc;
    }
    if (rc != 0) {
        return rc;
    }
    store_key_id(r->old_key, r->old_id);
    store_key_id(r->new_key, r->new_id);
    return strcmp(r->old_id, r->new_id) != 0
               ? 0
               : err_set(e, E_CONFLICT, "%s holds the key that the store has already", r->next);
}

static void on_closed(void *arg)
{
    bool *closed = arg;
    *closed = true;
}

static void close_store(struct rotation *r)
{
    bool closed = r->store == NULL;
    if (!closed) {
        store_close(r->store, on_closed, &closed);
    }
    while (!closed) {
        (void)uv_run(&r->loop, UV_RUN_ONCE);
    }
    (void)uv_loop_close(&r->loop);
}

static int rotate(struct rotation *r, struct err *e)
{
    if (uv_loop_init(&r->loop) != 0) {
        return err_set(e, E_NOMEM, "the system gives no event loop");
    }
    int rc = prepare(r, e);
    if (rc == 0) {
        rc = store_open(&r->so, &r->store, e);
        if (rc == E_EXISTS) {
            (void)err_wrap(e, "stop the daemon first");
        }
    }
    rc = rc != 0 ? rc : obtain_key(r, e);
    rc = rc != 0 ? rc
                 : bridge_rekey(&r->loop, r->store, r->new_key, &r->sealed, &r->unreadable, e);
    if (rc == 0 && r->replace) {
        rc = store_key_file_replace(file_of(r), r->old_id, e);
    }
    close_store(r);
    return rc;
}

static void tell(const struct rotation *r)
{
    printf("%zu secrets are sealed with the new master key %s now", r->sealed, r->new_id);
    if (r->unreadable > 0) {
        printf("; %zu were sealed with a key lost earlier and stay unreadable", r->unreadable);
    }
    if (r->replace) {
        printf("\nThe old key is %s.old-%s: backups made before need it. Keep it with them, not "
               "here.\n",
               file_of(r), r->old_id);
        return;
    }
    printf("\nStart the daemon with the key in %s ([store] master_key_file, the credential or "
           "WABRIDGE_MASTER_KEY).\nThe old key (id %s) opens backups made before only: keep it "
           "with them.\n",
           r->next, r->old_id);
    if (r->so.master_key == NULL && r->so.key_file == NULL) {
        printf("Then remove %s.\n", r->own_file);
    }
}

static int run_rotate(struct cli *c)
{
    struct err e = {0};
    struct rotation *r = mem_calloc(1, sizeof(*r));
    if (r == NULL) {
        fputs("wabridge: out of memory\n", stderr);
        return EXIT_NO;
    }
    r->c = c;
    int rc = rotate(r, &e);
    if (rc == 0) {
        tell(r);
    }
    mem_wipe_free(r, sizeof(*r));
    return rc == 0 ? EXIT_OK : cli_fail(&e);
}

static int run_new(const char *path)
{
    struct err e = {0};
    unsigned char key[STORE_KEY_LEN];
    char id[STORE_KEY_ID];
    if (store_key_file_create(path, key, &e) != 0) {
        return cli_fail(&e);
    }
    store_key_id(key, id);
    crypto_wipe(key, sizeof(key));
    printf("%s holds a new master key (id %s). Keep a copy of it apart from the backups: they are "
           "readable only with it.\n",
           path, id);
    return EXIT_OK;
}

int cmd_master_key(struct cli *c)
{
    const char *verb = c->word_count > 0 ? c->words[0] : "";
    if (strcmp(verb, "rotate") == 0 && c->word_count == 1) {
        return run_rotate(c);
    }
    if (strcmp(verb, "new") == 0 && c->word_count == 2 && c->new_key_file == NULL) {
        return run_new(c->words[1]);
    }
    return cli_usage("master-key new FILE | rotate [--new-key-file FILE]");
}
