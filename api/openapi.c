/* The OpenAPI 3.1 document, made from the route table: it cannot name what is not served, nor leave
 * out what is. Built once at the start. */
#include "api_priv.h"
#include "schemas.h"

#include <stdio.h>
#include <string.h>

static const char problem_type[] = "application/problem+json";

static json_t *ref(const char *schema)
{
    char target[96];
    (void)snprintf(target, sizeof(target), "#/components/schemas/%s", schema);
    return json_pack("{s:s}", "$ref", target);
}

static json_t *choices(const char *list)
{
    json_t *out = json_array();
    for (const char *s = list; *s != '\0';) {
        size_t len = strcspn(s, "|");
        (void)json_array_append_new(out, json_stringn(s, len));
        s += len + (s[len] == '|');
    }
    return out;
}

static json_t *query_schema(const struct query_param *p)
{
    switch (p->kind) {
    case QUERY_UINT:
        return json_pack("{s:s,s:I,s:I,s:I}", "type", "integer", "minimum", (json_int_t)p->min,
                         "maximum", (json_int_t)p->max, "default", (json_int_t)p->fallback);
    case QUERY_TAIL:
        return json_pack("{s:s,s:i,s:i}", "type", "integer", "minimum", -1, "default", 0);
    case QUERY_TIME:
        return json_pack("{s:s,s:s}", "type", "string", "format", "date-time");
    case QUERY_CHOICE:
        return json_pack("{s:s,s:o}", "type", "string", "enum", choices(p->choices));
    case QUERY_CHOICES:
        return json_pack("{s:s,s:{s:s,s:o}}", "type", "array", "items", "type", "string", "enum",
                         choices(p->choices));
    case QUERY_TEXT:
        break;
    }
    return json_pack("{s:s}", "type", "string");
}

static void add_parameter(json_t *list, const char *name, const char *in, bool required,
                          const char *about, json_t *schema)
{
    json_t *p = json_pack("{s:s,s:s,s:b,s:o}", "name", name, "in", in, "required", required,
                          "schema", schema);
    if (about != NULL) {
        (void)json_object_set_new(p, "description", json_string(about));
    }
    (void)json_array_append_new(list, p);
}

static json_t *parameters(const struct api_route *route)
{
    json_t *list = json_array();
    for (const char *s = strchr(route->pattern, '{'); s != NULL; s = strchr(s + 1, '{')) {
        char name[32];
        (void)snprintf(name, sizeof(name), "%.*s", (int)strcspn(s + 1, "}"), s + 1);
        add_parameter(list, name, "path", true, NULL, json_pack("{s:s}", "type", "string"));
    }
    for (const struct query_param *p = route->query; p != NULL && p->name != NULL; p++) {
        add_parameter(list, p->name, "query", false, p->about, query_schema(p));
    }
    if ((route->flags & API_IDEMPOTENT) != 0) {
        add_parameter(list, "Idempotency-Key", "header", false,
                      "The same key and body again gets the first answer again",
                      json_pack("{s:s,s:i}", "type", "string", "maxLength", 255));
    }
    return list;
}

static json_t *content(const struct api_route *route)
{
    json_t *out = json_object();
    const char *media = route->media != NULL ? route->media : "application/json";
    while (*media != '\0') {
        size_t len = strcspn(media, " ");
        char name[64];
        (void)snprintf(name, sizeof(name), "%.*s", (int)len, media);
        bool typed = strcmp(name, "application/json") == 0;
        json_t *schema = typed ? ref(route->answer) : json_pack("{s:s}", "type", "string");
        (void)json_object_set_new(out, name, json_pack("{s:o}", "schema", schema));
        media += len + (media[len] == ' ');
    }
    return out;
}

static void add_answer(json_t *answers, const struct api_route *route, int status)
{
    char number[16];
    (void)snprintf(number, sizeof(number), "%d", status);
    json_t *answer = json_pack("{s:s}", "description", problem_title(status));
    if (route->answer != NULL && status != 204) {
        (void)json_object_set_new(answer, "content", content(route));
    }
    (void)json_object_set_new(answers, number, answer);
}

static json_t *answers(const struct api_route *route)
{
    json_t *out = json_object();
    add_answer(out, route, route->status);
    if ((route->flags & API_LATE) != 0) {
        add_answer(out, route, 200);
    }
    if (strcmp(route->method, "PUT") == 0) {
        add_answer(out, route, 201);
    }
    json_t *problem = json_pack("{s:s,s:{s:{s:o}}}", "description", "What went wrong", "content",
                                problem_type, "schema", ref("Problem"));
    (void)json_object_set_new(out, "default", problem);
    return out;
}

/* OpenAPI 3.1 lets any scheme name what it needs; x-scope says it once more for people and for tools
 * that only know scopes of OAuth. */
static json_t *security(const char *scope)
{
    json_t *needs = json_array();
    if (scope[0] != '\0') {
        (void)json_array_append_new(needs, json_string(scope));
    }
    return json_pack("[{s:O},{s:o}]", "bearer", needs, "header", needs);
}

static json_t *operation(const struct api_route *route)
{
    json_t *op = json_pack("{s:s,s:o,s:o}", "summary", route->summary, "parameters",
                           parameters(route), "responses", answers(route));
    if (route->body != NULL) {
        bool required = (route->flags & API_BODY_OPTIONAL) == 0;
        bool file = (route->flags & API_STREAM) != 0;
        json_t *content = json_pack("{s:{s:o}}", file ? "multipart/form-data" : "application/json",
                                    "schema", ref(route->body));
        if (file) {
            (void)json_object_set_new(content, "*/*", json_pack("{s:{s:s,s:s}}", "schema", "type",
                                                                "string", "format", "binary"));
        }
        (void)json_object_set_new(op, "requestBody", json_pack("{s:b,s:o}", "required", required,
                                                               "content", content));
    }
    if (route->auth == API_OPEN) {
        (void)json_object_set_new(op, "security", json_array());
    } else {
        const char *scope = route->auth == API_ADMIN || route->auth == API_LOCAL ? "admin" : bridge_scope_name(route->scope);
        (void)json_object_set_new(op, "security", security(scope));
        (void)json_object_set_new(op, "x-scope", scope[0] != '\0' ? json_string(scope) : json_null());
        if ((route->flags & (API_CHAT | API_CHAT_ONLY)) != 0) {
            bool only = (route->flags & API_CHAT_ONLY) != 0;
            (void)json_object_set_new(op, "x-widget", json_string(only ? "only" : "too"));
        }
    }
    return op;
}

static json_t *paths(const struct api_route *routes, size_t count)
{
    json_t *out = json_object();
    for (size_t i = 0; i < count; i++) {
        json_t *path = json_object_get(out, routes[i].pattern);
        if (path == NULL) {
            path = json_object();
            (void)json_object_set_new(out, routes[i].pattern, path);
        }
        char method[16];
        size_t n = 0;
        for (; n + 1 < sizeof(method) && routes[i].method[n] != '\0'; n++) {
            method[n] = (char)(routes[i].method[n] | 0x20);
        }
        method[n] = '\0';
        (void)json_object_set_new(path, method, operation(&routes[i]));
    }
    return out;
}

static json_t *components(void)
{
    json_t *all = json_object();
    for (size_t i = 0; i < schema_count; i++) {
        (void)json_object_set_new(all, schemas[i].name, json_loads(schemas[i].json, 0, NULL));
    }
    json_t *schemes =
        json_pack("{s:{s:s,s:s},s:{s:s,s:s,s:s}}", "bearer", "type", "http", "scheme", "bearer",
                  "header", "type", "apiKey", "in", "header", "name", "X-Api-Key");
    return json_pack("{s:o,s:o}", "schemas", all, "securitySchemes", schemes);
}

json_t *openapi_document(const struct api_route *routes, size_t count)
{
    return json_pack("{s:s,s:{s:s,s:s,s:s},s:[{s:[]},{s:[]}],s:o,s:o}", "openapi", "3.1.0", "info",
                     "title", "wabridge", "version", WABRIDGE_VERSION, "description",
                     "WhatsApp accounts over HTTP. docs/api.md tells it in prose.", "security",
                     "bearer", "header", "paths", paths(routes, count), "components", components());
}
