#include "api_priv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct api_route routes[] = {
    {.method = "GET", .pattern = "/health"},
    {.method = "GET", .pattern = "/v1/tenants/{tenant}"},
    {.method = "PUT", .pattern = "/v1/tenants/{tenant}"},
    {.method = "POST", .pattern = "/v1/tenants/{tenant}/sessions/{session}/start"},
    {.method = "GET", .pattern = "/v1/tenants/{tenant}/sessions/{session}/chats/{chat}/messages"},
};
static struct router *router;

static const struct api_route *find(const char *method, const char *text,
                                    const char *param[PARAM_COUNT], bool *known, char *allow)
{
    static char copy[4096];
    struct path path;
    memcpy(copy, text, strlen(text) + 1);
    memset(param, 0, PARAM_COUNT * sizeof(*param));
    assert_int_equal(path_split(copy, &path, NULL), 0);
    return path_router_match(router, method, &path, param, known, allow);
}

static void test_match(void **state)
{
    (void)state;
    const char *param[PARAM_COUNT];
    char allow[ROUTER_ALLOW];
    bool known;
    assert_ptr_equal(find("GET", "/health", param, &known, allow), &routes[0]);
    assert_ptr_equal(find("HEAD", "/health", param, &known, allow), &routes[0]);
    assert_ptr_equal(find("PUT", "/v1/tenants/a", param, &known, allow), &routes[2]);
    assert_string_equal(param[PARAM_TENANT], "a");
    assert_null(param[PARAM_SESSION]);
    assert_ptr_equal(
        find("GET", "/v1/tenants/a/sessions/b/chats/55%2F11%40c.us/messages", param, &known, allow),
        &routes[4]);
    assert_string_equal(param[PARAM_TENANT], "a");
    assert_string_equal(param[PARAM_SESSION], "b");
    assert_string_equal(param[PARAM_CHAT], "55/11@c.us"); /* an escaped slash splits nothing */
}

static void test_no_match(void **state)
{
    (void)state;
    const char *param[PARAM_COUNT];
    char allow[ROUTER_ALLOW];
    bool known;
    static const char *const unknown[] = {
        "/",         "/healt", "/healthy",    "/HEALTH",
        "/health/x", "/v1",    "/v1/tenants", "/v1/tenants/a/sessions/b/stop"};
    for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++) {
        print_message("%s\n", unknown[i]);
        assert_null(find("GET", unknown[i], param, &known, allow));
        assert_false(known);
        assert_string_equal(allow, "");
    }
    assert_null(find("DELETE", "/v1/tenants/a", param, &known, allow));
    assert_true(known);
    assert_string_equal(allow, "GET, HEAD, PUT, OPTIONS");
    assert_null(find("get", "/health", param, &known, allow));
    assert_string_equal(allow, "GET, HEAD, OPTIONS");
    assert_null(find("HEAD", "/v1/tenants/a/sessions/b/start", param, &known, allow));
    assert_string_equal(allow, "POST, OPTIONS");
}

static void test_split(void **state)
{
    (void)state;
    struct path p;
    static const struct {
        const char *path;
        int rc;
        unsigned count;
    } cases[] = {
        {"/", 0, 0},
        {"/a", 0, 1},
        {"/a/b%20c", 0, 2},
        {"/a%2fb", 0, 1},
        {"/..", 0, 1}, /* a name like another: nothing is resolved */
        {"/1/2/3/4/5/6/7/8/9/10", 0, 10},
        {"/1/2/3/4/5/6/7/8/9/10/11", E_NOTFOUND, 0},
        {"//", E_NOTFOUND, 0},
        {"/a/", E_NOTFOUND, 0},
        {"/a//b", E_NOTFOUND, 0},
        {"/a%00", E_INVALID, 0},
        {"/a%", E_INVALID, 0},
        {"/a%4", E_INVALID, 0},
        {"/a%g1", E_INVALID, 0},
        {"/a%0d%0a", E_INVALID, 0},
        {"/%c3", E_INVALID, 0},
        {"/%c0%af", E_INVALID, 0},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char copy[64];
        struct err e = {0};
        print_message("%s\n", cases[i].path);
        memcpy(copy, cases[i].path, strlen(cases[i].path) + 1);
        assert_int_equal(path_split(copy, &p, &e), cases[i].rc);
        if (cases[i].rc == 0) {
            assert_int_equal(p.count, cases[i].count);
        } else {
            assert_int_equal(problem_status(&e), cases[i].rc == E_INVALID ? 400 : 404);
        }
    }
    char plus[] = "/a+b";
    assert_int_equal(path_split(plus, &p, NULL), 0);
    assert_string_equal(p.segment[0], "a+b"); /* a plus in a path is a plus: phone numbers */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_match),
        cmocka_unit_test(test_no_match),
        cmocka_unit_test(test_split),
    };
    router = path_router_create(routes, sizeof(routes) / sizeof(routes[0]));
    int failed = router == NULL ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
    path_router_free(router);
    return failed;
}
