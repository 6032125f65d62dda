/* The OpenAPI document and the route table, both ways, and the schemas it points to. */
#include "api_priv.h"
#include "schemas.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <ctype.h>
#include <stdio.h>

static json_t *doc;

static const json_t *operation(const struct api_route *route)
{
    char method[16] = "";
    for (size_t i = 0; route->method[i] != '\0'; i++) {
        method[i] = (char)tolower((unsigned char)route->method[i]);
    }
    return json_obj(json_obj(json_obj(doc, "paths"), route->pattern), method);
}

static const json_t *parameter(const json_t *op, const char *in, const char *name)
{
    size_t i;
    const json_t *p;
    json_array_foreach(json_arr(op, "parameters"), i, p)
    {
        if (strcmp(json_str_or(p, "in", ""), in) == 0 &&
            strcmp(json_str_or(p, "name", ""), name) == 0) {
            return p;
        }
    }
    return NULL;
}

static void test_table_is_in_document(void **state)
{
    (void)state;
    for (size_t i = 0; i < api_route_count; i++) {
        const struct api_route *route = &api_routes[i];
        print_message("%s %s\n", route->method, route->pattern);
        const json_t *op = operation(route);
        assert_non_null(op);
        assert_non_null(route->handle);
        char status[12];
        (void)snprintf(status, sizeof(status), "%d", route->status);
        assert_non_null(json_obj(json_obj(op, "responses"), status));
        assert_non_null(json_obj(json_obj(op, "responses"), "default"));
        assert_int_equal(json_obj(op, "requestBody") != NULL, route->body != NULL);
        assert_int_equal(json_array_size(json_arr(op, "security")) == 0,
                         route->auth == API_OPEN);
        assert_string_equal(json_str_or(op, "x-scope", ""),
                            route->auth == API_ADMIN || route->auth == API_LOCAL
                                ? "admin"
                                : bridge_scope_name(route->scope));
        size_t wanted = (route->flags & API_IDEMPOTENT) != 0;
        for (const struct query_param *p = route->query; p != NULL && p->name != NULL;
             p++, wanted++) {
            assert_non_null(parameter(op, "query", p->name));
        }
        for (const char *s = strchr(route->pattern, '{'); s != NULL; s = strchr(s + 1, '{')) {
            char name[32];
            (void)snprintf(name, sizeof(name), "%.*s", (int)strcspn(s + 1, "}"), s + 1);
            assert_non_null(parameter(op, "path", name));
            wanted++;
        }
        assert_int_equal(json_array_size(json_arr(op, "parameters")), wanted);
    }
}

static void test_document_is_in_table(void **state)
{
    (void)state;
    const char *pattern;
    json_t *path;
    size_t operations = 0;
    json_object_foreach(json_obj(doc, "paths"), pattern, path)
    {
        const char *method;
        json_t *op;
        json_object_foreach(path, method, op)
        {
            bool found = false;
            for (size_t i = 0; i < api_route_count; i++) {
                found = found || operation(&api_routes[i]) == op;
            }
            print_message("%s %s\n", method, pattern);
            assert_true(found);
            operations++;
        }
    }
    assert_int_equal(operations, api_route_count); /* no row hides another */
}

static bool is_schema(const char *name)
{
    return json_obj(json_obj(json_obj(doc, "components"), "schemas"), name) != NULL;
}

static void check_refs(const json_t *v)
{
    const char *ref = json_str(v, "$ref");
    static const char prefix[] = "#/components/schemas/";
    if (ref != NULL) {
        assert_int_equal(strncmp(ref, prefix, strlen(prefix)), 0);
        print_message("%s\n", ref);
        assert_true(is_schema(ref + strlen(prefix)));
    }
    const char *key;
    json_t *child;
    size_t i;
    json_object_foreach((json_t *)(uintptr_t)v, key, child)
    {
        check_refs(child);
    }
    json_array_foreach(v, i, child)
    {
        check_refs(child);
    }
}

static void test_schemas(void **state)
{
    (void)state;
    check_refs(doc);
    size_t len = 0;
    char *text = json_text(doc, &len);
    assert_non_null(text);
    for (size_t i = 0; i < schema_count; i++) {
        char ref[80];
        print_message("%s\n", schemas[i].name);
        assert_true(is_schema(schemas[i].name)); /* its text is JSON */
        (void)snprintf(ref, sizeof(ref), "schemas/%s\"", schemas[i].name);
        assert_non_null(strstr(text, ref)); /* and something uses it */
    }
    assert_string_equal(json_str(doc, "openapi"), "3.1.0");
    free(text);
}

/* What the handlers rely on. */
static void test_table_is_sane(void **state)
{
    (void)state;
    for (size_t i = 0; i < api_route_count; i++) {
        const struct api_route *r = &api_routes[i];
        print_message("%s %s\n", r->method, r->pattern);
        bool of_tenant = strncmp(r->pattern, "/v1/tenants/{tenant}", 20) == 0;
        assert_true(of_tenant || r->auth != API_TENANT);
        assert_true(r->body == NULL || strcmp(r->method, "POST") == 0 ||
                    strcmp(r->method, "PUT") == 0 || strcmp(r->method, "PATCH") == 0);
        assert_true(r->answer != NULL || r->status == 204);
        size_t params = 0;
        for (const struct query_param *p = r->query; p != NULL && p->name != NULL; p++, params++) {
            assert_true(p->kind != QUERY_UINT || (p->max >= p->min && p->max <= INT64_MAX));
            assert_true((p->kind == QUERY_CHOICE || p->kind == QUERY_CHOICES) == (p->choices != NULL));
            assert_non_null(p->about);
        }
        assert_true(params <= QUERY_MAX);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table_is_in_document),
        cmocka_unit_test(test_document_is_in_table),
        cmocka_unit_test(test_schemas),
        cmocka_unit_test(test_table_is_sane),
    };
    doc = openapi_document(api_routes, api_route_count);
    int failed = doc == NULL ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
    json_decref(doc);
    return failed;
}
