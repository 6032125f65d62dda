/* Files in a real bridge: coming in, limits, rules, links, a stop in the middle. */

#include "media_room_fixture.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_BOX(test_base64),
        IN_BOX(test_media_id_and_limits),
        cmocka_unit_test(test_rules),
        cmocka_unit_test(test_links),
        IN_BOX(test_leftovers),
        IN_BOX(test_receive_and_abort),
        IN_BOX(test_close_while_busy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
