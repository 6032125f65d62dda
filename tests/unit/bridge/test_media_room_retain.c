/* Files in a real bridge: which go, and which are still needed. */

#include "media_room_fixture.h"

/* A message that mentions the file is changed; what is told of it then. */
static struct buf told;
static int save_message(struct store_txn *t, struct change *c)
{
    json_t *m = json_pack("{s:s,s:{s:s,s:s,s:s}}", "id", "A1", "media", "state", "ready", "sha256",
                          c->sha256, "url", "/x");
    buf_reset(&told);
    int rc = message_save(t, "default", "main", "1@c.us", "A1", 1, m, &told);
    json_decref(m);
    return rc;
}

static void test_change_after_the_file_went(void **state)
{
    struct box *x = *state;
    struct got f = receive(x, "here for a while", NULL);
    buf_init(&told, 4096);
    change(x, (struct change){.fn = save_message, .sha256 = f.info.sha256});
    assert_non_null(strstr(told.data, "\"ready\""));
    age(x, f.info.sha256, 31 * DAY);
    retain(x);
    change(x, (struct change){.fn = save_message, .sha256 = f.info.sha256});
    assert_non_null(strstr(told.data, "\"expired\""));
    assert_null(strstr(told.data, "/x"));
    buf_finish(&told);
}

static void test_retention_by_age(void **state)
{
    struct box *x = *state;
    static const char *const texts[] = {"old",     "young", "queued",   "in a message",
                                        "pending", "dead",  "delivered"};
    enum { OLD, YOUNG, QUEUED, MESSAGE, PENDING, DEAD, DELIVERED, N };
    struct got f[N];
    for (int i = 0; i < N; i++) {
        f[i] = receive(x, texts[i], NULL);
        age(x, f[i].info.sha256, i == YOUNG ? 29 * DAY : 31 * DAY);
    }
    change(x, (struct change){.fn = add_queued, .sha256 = f[QUEUED].info.sha256});
    change(x, (struct change){.fn = add_message, .sha256 = f[MESSAGE].info.sha256});
    change(x, (struct change){
                  .fn = add_delivery, .sha256 = f[PENDING].info.sha256, .state = STORE_PENDING});
    change(x,
           (struct change){.fn = add_delivery, .sha256 = f[DEAD].info.sha256, .state = STORE_DEAD});
    change(x, (struct change){.fn = add_delivery,
                              .sha256 = f[DELIVERED].info.sha256,
                              .state = STORE_DELIVERED});
    retain(x);
    for (int i = 0; i < N; i++) {
        bool stays = i != OLD && i != DELIVERED;
        print_message("%s\n", texts[i]);
        assert_int_equal(recorded(x, f[i].info.sha256), stays);
        assert_int_equal(on_disk(x, f[i].info.sha256), stays);
    }
    /* what was used again is young again */
    struct got again = receive(x, "young", NULL);
    age(x, f[PENDING].info.sha256, 1);
    retain(x);
    assert_true(on_disk(x, again.info.sha256));

    /* messages show what became of their file; what is there is left alone */
    struct store_txn *t = NULL;
    json_t *m = json_pack("{s:{s:s,s:s,s:s}}", "media", "state", "ready", "sha256",
                          f[OLD].info.sha256, "url", "/x");
    json_t *n = json_pack("{s:{s:s,s:s,s:s}}", "media", "state", "ready", "sha256",
                          f[YOUNG].info.sha256, "url", "/x");
    assert_int_equal(store_read(x->store, &t, NULL), 0);
    media_present(t, "default", m);
    media_present(t, "default", n);
    media_present(t, "default", NULL);
    store_read_end(t);
    assert_string_equal(json_str(json_obj(m, "media"), "state"), "expired");
    assert_null(json_str(json_obj(m, "media"), "url"));
    assert_string_equal(json_str(json_obj(n, "media"), "state"), "ready");
    json_decref(m);
    json_decref(n);
}

static void test_retention_by_size(void **state)
{
    struct box *x = *state;
    char text[1001], sha[10][65];
    memset(text, 'x', 1000);
    text[1000] = '\0';
    for (int i = 0; i < 10; i++) {
        text[0] = (char)('a' + i);
        struct got g = receive(x, text, NULL);
        memcpy(sha[i], g.info.sha256, 65);
        age(x, sha[i], (uint64_t)(i + 1) * DAY); /* the last is the oldest */
    }
    change(x, (struct change){.fn = add_queued, .sha256 = sha[9]});
    x->b->cfg.media.max_total_bytes = 6500;
    retain(x);
    for (int i = 0; i < 10; i++) {
        print_message("%d\n", i);
        assert_int_equal(on_disk(x, sha[i]), i < 5 || i == 9); /* 6000 bytes, the needed one too */
    }
    /* nothing that was just used, however little room there is */
    struct got fresh = receive(x, "fresh", NULL);
    x->b->cfg.media.max_total_bytes = 1;
    retain(x);
    assert_true(on_disk(x, fresh.info.sha256));
    assert_false(on_disk(x, sha[0]));
    assert_true(on_disk(x, sha[9]));
}

static void test_no_orphan(void **state)
{
    struct box *x = *state;
    struct got known = receive(x, "with a record", NULL);
    removal_orphan(x->b->media, "default", known.info.sha256);
    UNTIL(x, x->b->media->open == 0);
    assert_true(on_disk(x, known.info.sha256) && recorded(x, known.info.sha256));
}

/* One comes in while another of the same content fails: the one's file is not the other's orphan. */
static void test_orphan_of_another(void **state)
{
    struct box *x = *state;
    struct media *m = x->b->media;
    struct got g = {0};
    struct err e;
    struct media_file *f = NULL;
    assert_int_equal(media_file_new(m, "default", 100, &f, &e), 0);
    assert_int_equal(media_file_write(f, "twice", 5), 5);
    media_file_end(f, on_got, &g);
    UNTIL(x, f->sealed);
    removal_orphan(m, "default", f->info.sha256);
    assert_false(removal_holds(m, "default", f->info.sha256));
    UNTIL(x, g.done && m->open == 0);
    assert_string_equal(word(&g), "");
    assert_true(on_disk(x, g.info.sha256) && recorded(x, g.info.sha256));
}

static int del_record(struct store_txn *t, struct change *c)
{
    return store_del(t, STORE_MEDIA, STORE_PATH("default", c->sha256));
}

static void test_orphan_goes(void **state)
{
    struct box *x = *state;
    struct got lost = receive(x, "no record", NULL);
    change(x, (struct change){.fn = del_record, .sha256 = lost.info.sha256});
    removal_orphan(x->b->media, "default", lost.info.sha256);
    /* the same content comes in meanwhile: it waits for the removal, then is whole again */
    struct got again = receive(x, "no record", NULL);
    assert_string_equal(word(&again), "");
    UNTIL(x, x->b->media->open == 0);
    assert_true(on_disk(x, lost.info.sha256) && recorded(x, lost.info.sha256));
    change(x, (struct change){.fn = del_record, .sha256 = lost.info.sha256});
    removal_orphan(x->b->media, "default", lost.info.sha256);
    UNTIL(x, x->b->media->open == 0);
    assert_false(on_disk(x, lost.info.sha256));
}

static bool there(struct box *x, const char *name)
{
    char path[160];
    struct stat st;
    (void)snprintf(path, sizeof(path), "%s/media/%s", x->dir, name);
    return stat(path, &st) == 0;
}

static void test_deleted_tenants(void **state)
{
    struct box *x = *state;
    char path[160];
    static const char *const folders[] = {"deleted", "deleted/aa", "Not-A-Tenant", "later"};
    struct got kept = receive(x, "of a tenant that is", NULL);
    for (size_t i = 0; i < 3; i++) {
        (void)snprintf(path, sizeof(path), "%s/media/%s", x->dir, folders[i]);
        assert_int_equal(mkdir(path, 0700), 0);
    }
    (void)snprintf(path, sizeof(path), "%s/media/deleted/aa/file", x->dir);
    write_file(path);
    box_close(x);
    box_open(x);
    assert_true(there(x, "deleted/aa/file")); /* a start alone takes nothing */
    retain(x);
    assert_false(there(x, "deleted"));
    assert_true(there(x, "Not-A-Tenant"));
    assert_true(on_disk(x, kept.info.sha256));
    DIR *d = opendir(x->b->media->root);
    assert_non_null(d);
    for (struct dirent *it = readdir(d); it != NULL; it = readdir(d)) {
        assert_int_not_equal(strncmp(it->d_name, ".gone", 5), 0);
    }
    assert_int_equal(closedir(d), 0);
    /* later rounds look no more */
    (void)snprintf(path, sizeof(path), "%s/media/%s", x->dir, folders[3]);
    assert_int_equal(mkdir(path, 0700), 0);
    retain(x);
    assert_true(there(x, folders[3]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_BOX(test_change_after_the_file_went),
        IN_BOX(test_retention_by_age),
        IN_BOX(test_retention_by_size),
        IN_BOX(test_no_orphan),
        IN_BOX(test_orphan_of_another),
        IN_BOX(test_orphan_goes),
        IN_BOX(test_deleted_tenants),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
