/* The script for the page: read, guarded, joined with the adapter, quoted once. */
#include "wa_js.h"

#include "json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static char path[] = "/tmp/wabridge-test-XXXXXX";

static void write_file(const void *data, size_t len)
{
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(data, 1, len, f), len);
    assert_int_equal(fclose(f), 0);
}

static void joins_library_and_adapter(void **state)
{
    static const char library[] = "/* \xf0\x9f\x98\x80 \"quoted\" \\ */ window.WPP = 1;";
    struct wa_js w;
    struct err e;
    (void)state;
    write_file(library, sizeof(library) - 1);
    assert_int_equal(wa_js_load(path, &w, &e), 0);
    json_t *params = json_parse(w.params, w.params_len, 64u << 20, &e);
    const char *source = json_str(params, "source");
    assert_non_null(source);
    const char *guard = strstr(source, "window === window.top");
    const char *config = strstr(source, "disableGoogleAnalytics: true");
    const char *lib = strstr(source, library);
    const char *hooks = strstr(source, "const LISTENERS");
    const char *line = strstr(source, "__wabridgeEvents");
    assert_true(guard && config && lib && hooks && line);
    assert_true(guard < config && config < lib && lib < hooks && hooks < line);
    json_decref(params);
    wa_js_finish(&w);
    assert_null(w.params);
}

static void knows_its_version_and_hash(void **state)
{
    static const char library[] = "/*! license */\n/*! wppconnect-team/wa-js v4.6.0-beta.1 */(()=>{})()";
    struct wa_js w;
    struct err e;
    (void)state;
    write_file(library, sizeof(library) - 1);
    assert_int_equal(wa_js_load(path, &w, &e), 0);
    assert_string_equal(w.version, "4.6.0-beta.1");
    assert_int_equal(strlen(w.sha256), 64);
    assert_int_equal(w.lib_len, sizeof(library) - 1);
    assert_memory_equal(w.lib, library, w.lib_len);
    wa_js_finish(&w);
    write_file("abc", 3);
    assert_int_equal(wa_js_load(path, &w, &e), 0);
    assert_string_equal(w.version, "");
    assert_string_equal(w.sha256,
                        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    wa_js_finish(&w);
}

static void the_adapter_has_no_stray_bytes(void **state)
{
    (void)state;
    assert_true(adapter_source_len > 10000);
    for (size_t i = 0; i < adapter_source_len; i++) {
        unsigned char c = adapter_source[i];
        /* comments may hold what the house writes them with */
        assert_true(c == '\n' || c >= ' ');
    }
}

static void refuses_what_is_no_library(void **state)
{
    struct wa_js w = {0};
    struct err e;
    (void)state;
    assert_int_equal(wa_js_load("/nonexistent/wa.js", &w, &e), E_NOTFOUND);
    assert_int_equal(wa_js_load(NULL, &w, &e), E_NOTFOUND);
    assert_int_equal(wa_js_load("/tmp", &w, &e), E_IO);
    write_file("", 0);
    assert_int_equal(wa_js_load(path, &w, &e), E_INVALID);
    write_file("var a = '\xff';", 12);
    assert_int_equal(wa_js_load(path, &w, &e), E_INVALID);
    assert_null(w.params);
}

static int make_path(void **state)
{
    (void)state;
    int fd = mkstemp(path);
    return fd < 0 || close(fd) != 0;
}

static int remove_path(void **state)
{
    (void)state;
    return unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(joins_library_and_adapter),
        cmocka_unit_test(knows_its_version_and_hash),
        cmocka_unit_test(the_adapter_has_no_stray_bytes),
        cmocka_unit_test(refuses_what_is_no_library),
    };
    return cmocka_run_group_tests(tests, make_path, remove_path);
}
