/* The table of embedded files: whole, findable, and consistent with the pages that name them. */
#include "pages.h"

#include "api_priv.h"

#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void test_every_file_is_whole(void **state)
{
    (void)state;
    assert_true(page_asset_count > 20);
    for (size_t i = 0; i < page_asset_count; i++) {
        char *plain = pages_plain(&page_assets[i]);
        assert_non_null(plain);
        assert_int_equal(strlen(plain), page_assets[i].len); /* text: no zero inside */
        free(plain);
        assert_int_equal(page_assets[i].etag[0], '"');
    }
}

static void test_sorted_and_found(void **state)
{
    (void)state;
    for (size_t i = 0; i < page_asset_count; i++) {
        assert_true(i == 0 || strcmp(page_assets[i - 1].name, page_assets[i].name) < 0);
        bool html = page_assets[i].kind == PAGE_HTML; /* these have addresses of their own */
        assert_int_equal(pages_route(page_assets[i].name) == NULL, html);
    }
    assert_non_null(pages_route("/"));
    assert_null(pages_route(""));
    assert_null(pages_route("/assets/"));
    assert_null(pages_route("/assets/main.js"));
    assert_null(pages_route("/assets/../index.html"));
    assert_null(pages_route("/zzz"));
}

static char *html_of(const char *name, size_t *len)
{
    for (size_t i = 0; i < page_asset_count; i++) {
        if (strcmp(page_assets[i].name, name) == 0) {
            *len = page_assets[i].len;
            return pages_plain(&page_assets[i]);
        }
    }
    return NULL;
}

/* Whatever a page names under /assets/ with a hash is served, and no mark was left unfilled. */
static void test_the_page_names_what_there_is(void **state)
{
    (void)state;
    size_t len = 0;
    char *html = html_of("/index.html", &len);
    assert_non_null(html);
    assert_null(strstr(html, "@import_map@"));
    assert_null(strstr(html, "@preload"));
    assert_null(strstr(html, "@module"));
    unsigned found = 0;
    unsigned missing = 0;
    for (char *s = html; (s = strstr(s, "\"/assets/")) != NULL;) {
        char *end = strchr(++s, '"');
        *end = '\0';
        if (pages_route(s) != NULL) {
            found++;
        } else {
            missing++; /* the plain names on the left of the map */
            assert_int_equal(end[1], ':');
        }
        s = end + 1;
    }
    assert_true(found > 20);
    assert_true(missing > 10);
    free(html);
}

static void test_hash_of_the_import_map(void **state)
{
    (void)state;
    char hash[PAGES_HASH] = "";
    static const char page[] = "<p><script type=\"importmap\">{}</script>";
    assert_true(pages_script_hash(page, strlen(page), hash));
    /* printf '{}' | openssl dgst -sha256 -binary | base64 */
    assert_string_equal(hash, "'sha256-RBNvo1WzZ4oRRq0W9+hknpT7T8If536DEMBg9hyq/4o='");
    assert_false(pages_script_hash("<p>", 3, hash));
    assert_false(pages_script_hash(page, strlen(page) - 3, hash));
}

/* The policy names no 'unsafe-inline', so a second inline script would not run. */
static void test_one_inline_script(void **state)
{
    (void)state;
    size_t len = 0;
    char *html = html_of("/index.html", &len);
    assert_non_null(html);
    unsigned inline_scripts = 0;
    for (const char *s = html; (s = strstr(s, "<script")) != NULL; s++) {
        const char *end = strchr(s, '>');
        const char *src = strstr(s, "src=");
        inline_scripts += src == NULL || src > end;
    }
    assert_int_equal(inline_scripts, 1);
    assert_null(strstr(html, " style="));
    assert_null(strstr(html, "//")); /* nothing from elsewhere */
    free(html);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_file_is_whole),
        cmocka_unit_test(test_sorted_and_found),
        cmocka_unit_test(test_the_page_names_what_there_is),
        cmocka_unit_test(test_hash_of_the_import_map),
        cmocka_unit_test(test_one_inline_script),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
