/* Configuration: where values come from, what is refused and how that is said. */
#include "config.h"

#include "mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static char file_name[64];

static void write_file(const char *text)
{
    snprintf(file_name, sizeof(file_name), "/tmp/wabridge-test-config-XXXXXX");
    int fd = mkstemp(file_name);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
}

static int read_text(struct config *c, const char *text, struct err *e)
{
    write_file(text);
    int rc = config_read_file(c, file_name, e);
    unlink(file_name);
    return rc;
}

static void test_defaults_are_valid(void **state)
{
    (void)state;
    struct config *c = config_new();
    struct err e = {0};
    assert_non_null(c);
    for (size_t i = 0; i < config_schema_count; i++) {
        const struct config_key *k = &config_schema[i];
        assert_int_equal(config_set(c, k->section, k->name, k->fallback, "test", &e), 0);
        assert_true(strlen(k->help) > 5);
    }
    assert_int_equal(config_number(c, "outbox", "per_minute"), 20);
    assert_true(config_bool(c, "browser", "sandbox"));
    assert_false(config_bool(c, "relay", "allow_private"));
    config_free(c);
}

static void test_files(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int rc;
        const char *says; /* in the message */
    } table[] = {
        {"", 0, NULL},
        {"; nothing\n# here\n", 0, NULL},
        {"[outbox]\nper_minute = 7 ; slowly\n", 0, NULL},
        {"[outbox]\r\nper_minute=7\r\n", 0, NULL},
        {"[outbox]\nper_minute = seven\n", E_INVALID, ":2: [outbox] per_minute = seven"},
        {"[outbox]\nper_minute = -1\n", E_INVALID, ":2:"},
        {"[outbox]\nper_minute = 1000001\n", E_INVALID, "0 to 1000000"},
        {"[outbox]\nper_minute = 99999999999999999999999\n", E_INVALID, ":2:"},
        {"[outbox]\nper_minute = 7x\n", E_INVALID, ":2:"},
        {"[outbox]\n\nburts = 7\n", E_INVALID, ":3: there is no setting [outbox] burts"},
        {"[inbox]\nburst = 7\n", E_INVALID, ":2: there is no setting [inbox] burst"},
        {"burst = 7\n", E_INVALID, ":1:"},
        {"[browser]\nsandbox = maybe\n", E_INVALID, "on or off"},
        {"[browser]\nsandbox = OFF\n", 0, NULL},
        {"[log]\nformat = xml\n", E_INVALID, "auto|json|text"},
        {"[log]\nformat = jso\n", E_INVALID, "auto|json|text"},
        {"[log]\nformat =\n", E_INVALID, "auto|json|text"},
        {"[log]\nlevel = info\nlevel = warn\n", E_INVALID, ":3: [log] level is set a second time"},
        {"[page]\norigin = https://a/\n  wa_js = /b\n", E_INVALID, "indented"},
        {"[log]\nwhat is this\n", E_INVALID, ":2: neither"},
        {"[log\n", E_INVALID, ":1: neither"},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct config *c = config_new();
        struct err e = {0};
        int rc = read_text(c, table[i].text, &e);
        if (rc != table[i].rc || (rc != 0 && strstr(e.msg, table[i].says) == NULL)) {
            fail_msg("%s: %d %s", table[i].text, rc, e.msg);
        }
        config_free(c);
    }
}

static void test_later_wins(void **state)
{
    (void)state;
    struct config *c = config_new();
    struct err e = {0};
    char *env[] = {"PATH=/bin", "WABRIDGE_OUTBOX_BURST=3", "WABRIDGE_CONFIG=/x",
                   "WABRIDGE_SERVER_DATA_DIR=/d", NULL};
    assert_int_equal(read_text(c, "[outbox]\nburst = 2\nper_minute = 9\n", &e), 0);
    assert_int_equal(config_read_environment(c, env, &e), 0);
    assert_int_equal(config_number(c, "outbox", "burst"), 3);
    assert_int_equal(config_number(c, "outbox", "per_minute"), 9);
    assert_int_equal(config_set(c, "outbox", "burst", "4", "flag --set", &e), 0);
    assert_int_equal(config_number(c, "outbox", "burst"), 4);
    assert_string_equal(config_data_dir(c), "/d");
    assert_string_equal(config_socket(c), "/d/wabridge.sock");
    config_free(c);
}

static void test_environment_refused(void **state)
{
    (void)state;
    struct config *c = config_new();
    struct err e = {0};
    char *unknown[] = {"WABRIDGE_OUTBOX_BURTS=3", NULL};
    char *bad[] = {"WABRIDGE_OUTBOX_BURST=0", NULL};
    assert_int_equal(config_read_environment(c, unknown, &e), E_INVALID);
    assert_non_null(strstr(e.msg, "WABRIDGE_OUTBOX_BURTS"));
    assert_int_equal(config_read_environment(c, bad, &e), E_INVALID);
    assert_non_null(strstr(e.msg, "WABRIDGE_OUTBOX_BURST: [outbox] burst = 0"));
    config_free(c);
}

static void test_to_bridge(void **state)
{
    (void)state;
    struct config *c = config_new();
    struct err e = {0};
    struct bridge_config b;
    write_file("// wa-js\n");
    assert_int_equal(config_set(c, "page", "wa_js", file_name, "t", &e), 0);
    assert_int_equal(config_set(c, "browser", "args",
                                "--host-resolver-rules=MAP a 127.0.0.1:1  --mute-audio ", "t", &e),
                     0);
    assert_int_equal(config_set(c, "outbox", "expires_s", "60", "t", &e), 0);
    /* with it root has a browser user of its own */
    assert_int_equal(config_set(c, "browser", "sandbox", "off", "t", &e), 0);
    assert_int_equal(config_to_bridge(c, &b, &e), 0);
    assert_string_equal(b.browser.args[0], "--host-resolver-rules=MAP a 127.0.0.1:1");
    assert_string_equal(b.browser.args[1], "--mute-audio");
    assert_null(b.browser.args[2]);
    assert_int_equal(b.outbox.expires_ms, 60000);
    assert_null(b.browser.user);
    unlink(file_name);
    assert_int_equal(config_to_bridge(c, &b, &e), E_NOTFOUND);
    assert_non_null(strstr(e.msg, file_name));
    config_free(c);
}

static void test_missing_file(void **state)
{
    (void)state;
    struct config *c = config_new();
    struct err e = {0};
    assert_int_equal(config_read_file(c, "/nowhere/w.conf", &e), E_NOTFOUND);
    assert_non_null(strstr(e.msg, "/nowhere/w.conf"));
    config_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults_are_valid), cmocka_unit_test(test_files),
        cmocka_unit_test(test_later_wins),         cmocka_unit_test(test_environment_refused),
        cmocka_unit_test(test_to_bridge),          cmocka_unit_test(test_missing_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
