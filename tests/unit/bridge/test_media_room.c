/* Files in a real bridge on a temporary directory: coming in three ways, limits, rules, links, what
 * a crash leaves, what retention takes and what it must not. */
#include "box_fixture.h"

#include "media_priv.h"

#include <fcntl.h>
#include <sys/stat.h>

/* ---- helpers ------------------------------------------------------------------------------------
 */

struct got {
    bool done;
    struct err err;
    struct media_info info;
};

static void on_got(void *arg, const struct err *e, const struct media_info *info)
{
    struct got *g = arg;
    assert_false(g->done);
    g->done = true;
    err_copy(&g->err, e);
    if (info != NULL) {
        g->info = *info;
    }
}

static struct got get(struct box *x, struct media_source from)
{
    struct got g = {0};
    media_get(x->b, "default", &from, on_got, &g);
    assert_false(g.done); /* never inside */
    UNTIL(x, g.done);
    return g;
}

static const char *word(const struct got *g)
{
    return g->err.code == 0 ? "" : err_word_of(&g->err);
}

static struct got receive(struct box *x, const char *text, const char *declared)
{
    struct media_receipt *r = NULL;
    struct got g = {0};
    struct err e;
    uint8_t hash[CRYPTO_SHA256_LEN];
    char hex[65];
    int fd = -1;
    assert_int_equal(media_receive(x->b, "default", &r, &fd, &e), 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    assert_int_equal(crypto_sha256(text, strlen(text), hash), 0);
    crypto_hex(hash, sizeof(hash), hex);
    media_received(r, strlen(text), hex, declared, on_got, &g);
    UNTIL(x, g.done);
    return g;
}

static bool on_disk(struct box *x, const char *sha256)
{
    struct buf path;
    struct stat st;
    buf_init(&path, 4096);
    assert_int_equal(media_path(x->b, "default", sha256, &path), 0);
    bool there = stat(path.data, &st) == 0;
    buf_finish(&path);
    return there;
}

static bool recorded(struct box *x, const char *sha256)
{
    struct store_txn *t = NULL;
    struct media_record r;
    assert_int_equal(store_read(x->store, &t, NULL), 0);
    int rc = media_record_get(t, "default", sha256, &r);
    store_read_end(t);
    return rc == 0;
}

/* One change in an operation of its own. */
struct change {
    struct store_op op;
    int (*fn)(struct store_txn *t, struct change *c);
    const char *sha256;
    uint64_t number;
    enum store_delivery_state state;
    int rc;
    bool done;
};

static int on_change(struct store_txn *t, struct store_op *op)
{
    struct change *c = op->data;
    return c->fn(t, c);
}

static void on_changed(struct store_op *op, int rc)
{
    struct change *c = op->data;
    c->rc = rc;
    c->done = true;
}

static void change(struct box *x, struct change c)
{
    c.op.data = &c;
    store_submit(x->store, &c.op, on_change, on_changed);
    UNTIL(x, c.done);
    assert_int_equal(c.rc, 0);
}

static int set_used(struct store_txn *t, struct change *c)
{
    char text[256];
    struct media_record r;
    int rc = media_record_get(t, "default", c->sha256, &r);
    int n = snprintf(text, sizeof(text),
                     "{\"size_bytes\":%llu,\"mimetype\":\"%s\",\"filename\":\"\",\"width\":0,"
                     "\"height\":0,\"duration_s\":0,\"created_ms\":1,\"used_ms\":%llu}",
                     (unsigned long long)r.info.size_bytes, r.info.mimetype,
                     (unsigned long long)c->number);
    return rc != 0 ? rc
                   : store_put(t, STORE_MEDIA, STORE_PATH("default", c->sha256), text, (size_t)n);
}

static void age(struct box *x, const char *sha256, uint64_t ms)
{
    change(x, (struct change){.fn = set_used, .sha256 = sha256, .number = clock_wall_ms() - ms});
}

static int add_queued(struct store_txn *t, struct change *c)
{
    char text[200];
    uint64_t order = 0;
    int n = snprintf(text, sizeof(text), "{\"file\":{\"media_id\":\"%s\"}}", c->sha256);
    return store_outbox_add(t, "default", "main", "3EB0AA", UINT64_MAX, text, (size_t)n, &order);
}

static int add_message(struct store_txn *t, struct change *c)
{
    char text[250];
    uint64_t order = 0;
    int n = snprintf(text, sizeof(text), "{\"media\":{\"state\":\"ready\",\"sha256\":\"%s\"}}",
                     c->sha256);
    int rc = store_message_put(t, "default", "main", "1@c.us", "3EB0BB", 1, text, (size_t)n, NULL);
    return rc != 0 ? rc
                   : store_outbox_add(t, "default", "main", "3EB0BB", UINT64_MAX, "{}", 2, &order);
}

static int add_delivery(struct store_txn *t, struct change *c)
{
    char text[250];
    struct store_delivery d;
    uint64_t seq = 0;
    int n = snprintf(text, sizeof(text), "{\"data\":{\"media\":{\"sha256\":\"%s\"}}}", c->sha256);
    int rc = store_put(t, STORE_WEBHOOKS, STORE_PATH("default", "hook"), "{}", 2);
    rc = rc != 0 ? rc : store_event_next(t, "default", &seq);
    rc = rc != 0 ? rc : store_event_put(t, "default", seq, text, (size_t)n);
    rc = rc != 0 ? rc : store_delivery_add(t, "default", "hook", seq, seq, 1);
    rc = rc != 0 ? rc : store_delivery_get(t, "default", "hook", seq, &d);
    d.state = c->state;
    d.finished_ms = c->state == STORE_PENDING ? 0 : clock_wall_ms();
    return rc != 0 ? rc : store_delivery_update(t, &d);
}

static void on_round(void *arg)
{
    *(bool *)arg = true;
}

static void retain(struct box *x)
{
    bool done = false;
    retention_start(x->b->media, on_round, &done);
    UNTIL(x, done);
}

#define DAY UINT64_C(86400000)

/* ---- tests --------------------------------------------------------------------------------------
 */

static void test_base64(void **state)
{
    struct box *x = *state;
    static const char *const forms[] = {
        "R0lGODlhAgABAA==",
        "R0lGODlhAgABAA",
        " R0lG\r\nODlh AgAB\tAA== ",
        "data:image/gif;base64,R0lGODlhAgABAA==",
        "data:;base64,R0lGODlhAgABAA",
    };
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        struct got g = get(
            x, (struct media_source){.base64 = forms[i], .type = "image", .filename = "x/y.gif"});
        assert_string_equal(word(&g), "");
        assert_string_equal(g.info.mimetype, "image/gif");
        assert_string_equal(g.info.filename, "y.gif");
        assert_int_equal(g.info.size_bytes, 10);
        assert_int_equal(g.info.width, 2);
        assert_true(on_disk(x, g.info.sha256) && recorded(x, g.info.sha256));
    }
    struct got g = get(x, (struct media_source){.base64 = "-_-_", .type = "document"});
    assert_string_equal(word(&g), "");
    assert_int_equal(g.info.size_bytes, 3);

    static const char *const broken[] = {
        "", "A", "AAAAA", "%%%%", "data:image/gif,AAAA", "AA=A", "data:;base64,", "AAAA=="};
    for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
        g = get(x, (struct media_source){.base64 = broken[i], .type = "image"});
        assert_string_equal(word(&g), "invalid_base64");
        assert_string_equal(g.err.field, "image.base64");
    }
    char *much = malloc(MEDIA_BASE64_MAX + 2);
    assert_non_null(much);
    memset(much, 'A', MEDIA_BASE64_MAX + 1);
    much[MEDIA_BASE64_MAX + 1] = '\0';
    g = get(x, (struct media_source){.base64 = much, .type = "document"});
    assert_string_equal(word(&g), "media_too_large");
    free(much);
}

static void test_media_id_and_limits(void **state)
{
    struct box *x = *state;
    struct got file = receive(x, "%PDF-1.4 something", "image/png");
    assert_string_equal(word(&file), "");
    assert_string_equal(file.info.mimetype, "application/pdf");
    struct got g =
        get(x, (struct media_source){
                   .media_id = file.info.sha256, .type = "document", .filename = "b.pdf"});
    assert_string_equal(word(&g), "");
    assert_string_equal(g.info.filename, "b.pdf");
    g = get(x, (struct media_source){.media_id = file.info.sha256, .type = "image"});
    assert_string_equal(word(&g), "unsupported_media");
    assert_string_equal(g.err.field, "image");
    g = get(x, (struct media_source){.media_id = "nothing", .type = "image"});
    assert_string_equal(word(&g), "unknown_media");

    static const struct {
        const char *type, *mimetype;
        uint64_t size;
        const char *word;
    } cases[] = {
        {"image", "image/jpeg", 16 << 20, ""},
        {"image", "image/jpeg", (16 << 20) + 1, "media_too_large"},
        {"image", "image/heic", 10, "unsupported_media"},
        {"video", "video/mp4", 100 << 20, ""},
        {"video", "video/x-msvideo", 10, "unsupported_media"},
        {"voice", "audio/ogg; codecs=opus", 10, ""},
        {"audio", "audio/mpeg", (16 << 20) + 1, "media_too_large"},
        {"audio", "video/mp4", 10, "unsupported_media"},
        {"sticker", "image/webp", 1 << 20, ""},
        {"sticker", "image/webp", (1 << 20) + 1, "media_too_large"},
        {"sticker", "image/png", 10, "unsupported_media"},
        {"document", "application/x-anything", 100 << 20, ""},
        {"document", "image/png", (100 << 20) + 1, "media_too_large"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct media_info info = {.size_bytes = cases[i].size};
        struct err e;
        err_clear(&e);
        (void)snprintf(info.mimetype, sizeof(info.mimetype), "%s", cases[i].mimetype);
        int rc = media_check(x->b, cases[i].type, &info, &e);
        assert_string_equal(rc == 0 ? "" : err_word_of(&e), cases[i].word);
    }
    assert_int_equal(media_limit(x->b, "document"), x->cfg.media.max_upload_bytes);
}

static void test_rules(void **state)
{
    (void)state;
    json_t *none = json_pack("{s:s}", "download", "none");
    json_t *some = json_pack("{s:[s,s],s:i}", "download", "image", "voice", "max_bytes", 100);
    assert_true(media_rules_want(NULL, "all", 1000, "video", 1000));
    assert_false(media_rules_want(NULL, "all", 1000, "video", 1001));
    assert_false(media_rules_want(NULL, "none", 1000, "video", 1));
    assert_true(media_rules_want(NULL, "image,voice", 1000, "voice", 1));
    assert_false(media_rules_want(NULL, "image,voice", 1000, "document", 1));
    assert_false(media_rules_want(none, "all", 1000, "image", 1));
    assert_true(media_rules_want(some, "none", 1000, "image", 100));
    assert_false(media_rules_want(some, "all", 1000, "image", 101));
    assert_false(media_rules_want(some, "all", 50, "image", 51));
    assert_false(media_rules_want(some, "all", 1000, "video", 1));
    json_decref(none);
    json_decref(some);
    struct err e;
    assert_int_equal(bridge_media_download_check("all", &e), 0);
    assert_int_equal(bridge_media_download_check("image,document", &e), 0);
    assert_int_equal(bridge_media_download_check("image,", &e), E_INVALID);
    assert_int_equal(bridge_media_download_check("", &e), E_INVALID);
    assert_int_equal(bridge_media_download_check("pictures", &e), E_INVALID);
}

static void test_links(void **state)
{
    (void)state;
    static const uint8_t key[CRYPTO_KEY_LEN] = {1}, other[CRYPTO_KEY_LEN] = {2};
    char id[65], a[LINK_SIGNATURE_LEN + 1], b[LINK_SIGNATURE_LEN + 1];
    struct err e;
    memset(id, 'a', 64);
    id[64] = '\0';
    assert_int_equal(link_sign(key, "default", id, 1000, a), 0);
    assert_int_equal(link_check(key, "default", id, "1000", a, 999999, &e), 0);
    assert_int_equal(link_check(key, "default", id, "1000", a, 1000000, &e), E_FORBIDDEN);
    assert_string_equal(err_word_of(&e), "link_expired");
    assert_int_equal(link_sign(other, "default", id, 1000, b), 0);
    static const char *const times[] = {"1001", "", "-1", "1000x", " 1000", "99999999999999999999"};
    for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
        assert_int_equal(link_check(key, "default", id, times[i], a, 1, &e), E_FORBIDDEN);
        assert_string_equal(err_word_of(&e), "invalid_signature");
    }
    assert_int_equal(link_check(key, "default", id, "1000", b, 1, &e), E_FORBIDDEN);
    assert_int_equal(link_check(key, "others", id, "1000", a, 1, &e), E_FORBIDDEN);
    assert_int_equal(link_check(key, "default", id, NULL, a, 1, &e), E_FORBIDDEN);
    assert_int_equal(link_check(key, "default", id, "1000", NULL, 1, &e), E_FORBIDDEN);
    assert_int_equal(link_check(key, "default", id, "1000", "short", 1, &e), E_FORBIDDEN);
    id[0] = 'b';
    assert_int_equal(link_check(key, "default", id, "1000", a, 1, &e), E_FORBIDDEN);
}

static void write_file(const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "x", 1), 1);
    assert_int_equal(close(fd), 0);
}

static void test_leftovers(void **state)
{
    struct box *x = *state;
    char tmp[160], gone[160], inner[200];
    struct stat st;
    struct got kept = receive(x, "a file that stays", NULL);
    (void)snprintf(tmp, sizeof(tmp), "%s/media/default/tmp/left", x->dir);
    (void)snprintf(gone, sizeof(gone), "%s/media/.gone-X", x->dir);
    write_file(tmp);
    assert_int_equal(mkdir(gone, 0700), 0);
    (void)snprintf(inner, sizeof(inner), "%s/aa", gone);
    assert_int_equal(mkdir(inner, 0700), 0);
    (void)snprintf(inner, sizeof(inner), "%s/aa/file", gone);
    write_file(inner);
    box_close(x);
    box_open(x);
    assert_int_not_equal(stat(tmp, &st), 0);
    assert_int_not_equal(stat(gone, &st), 0);
    assert_true(on_disk(x, kept.info.sha256));
}

static void test_receive_and_abort(void **state)
{
    struct box *x = *state;
    struct media_receipt *r = NULL;
    struct err e;
    char tmp[160];
    int fd = -1;
    assert_int_equal(media_receive(x->b, "default", &r, &fd, &e), 0);
    assert_int_equal(write(fd, "half", 4), 4);
    media_receive_abort(r);
    UNTIL(x, x->b->media->open == 0);
    (void)snprintf(tmp, sizeof(tmp), "%s/media/default/tmp", x->dir);
    assert_int_equal(rmdir(tmp), 0); /* it is empty */

    struct got first = receive(x, "the same twice", NULL),
               second = receive(x, "the same twice", NULL);
    assert_string_equal(first.info.sha256, second.info.sha256);
    assert_string_equal(first.info.mimetype, "text/plain");
    assert_int_equal(rmdir(tmp), 0);

    struct media_receipt *more[MEDIA_MAX_FILES];
    for (size_t i = 0; i < MEDIA_MAX_FILES; i++) {
        assert_int_equal(media_receive(x->b, "default", &more[i], &fd, &e), 0);
    }
    assert_int_equal(media_receive(x->b, "default", &r, &fd, &e), E_LIMIT);
    assert_string_equal(err_word_of(&e), "too_many_uploads");
    for (size_t i = 0; i < MEDIA_MAX_FILES; i++) {
        media_receive_abort(more[i]);
    }
    UNTIL(x, x->b->media->open == 0);
}

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

static void test_close_while_busy(void **state)
{
    struct box *x = *state;
    struct got g = {0};
    bool round = false;
    media_get(x->b, "default", &(struct media_source){.base64 = "AAAA", .type = "document"}, on_got,
              &g);
    retention_start(x->b->media, on_round, &round);
    box_close(x);
    assert_true(g.done && round);
    box_open(x);
}

#define IN_BOX(test) cmocka_unit_test_setup_teardown(test, box_setup, box_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_BOX(test_base64),
        IN_BOX(test_media_id_and_limits),
        cmocka_unit_test(test_rules),
        cmocka_unit_test(test_links),
        IN_BOX(test_leftovers),
        IN_BOX(test_receive_and_abort),
        IN_BOX(test_change_after_the_file_went),
        IN_BOX(test_retention_by_age),
        IN_BOX(test_retention_by_size),
        IN_BOX(test_no_orphan),
        IN_BOX(test_orphan_of_another),
        IN_BOX(test_orphan_goes),
        IN_BOX(test_deleted_tenants),
        IN_BOX(test_close_while_busy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
