/*
 * libFuzzer target: a request target, whatever it is, is taken apart inside its own bytes, and what
 * comes out is UTF-8 without control characters.
 */
#include "api_priv.h"

#include "text.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const char *s)
{
    size_t len = strlen(s);
    if (!text_utf8_valid(s, len)) {
        abort();
    }
    for (size_t i = 0; i < len; i++) {
        if ((unsigned char)s[i] < 0x20 || s[i] == 0x7f) {
            abort();
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct router *router;
    if (router == NULL) {
        router = path_router_create(api_routes, api_route_count);
    }
    char *target = malloc(size + 2);
    if (target == NULL || router == NULL) {
        free(target);
        return 0;
    }
    target[0] = '/';
    memcpy(target + 1, data, size);
    target[size + 1] = '\0';
    char *query = strchr(target, '?');
    if (query != NULL) {
        *query++ = '\0';
    }
    struct path path;
    struct err e = {0};
    const struct query_param *params = api_routes[2].query;
    if (path_split(target, &path, &e) == 0) {
        const char *param[PARAM_COUNT] = {NULL};
        char allow[ROUTER_ALLOW];
        bool known;
        for (unsigned i = 0; i < path.count; i++) {
            check(path.segment[i]);
        }
        const struct api_route *route =
            path_router_match(router, "GET", &path, param, &known, allow);
        params = route != NULL ? route->query : params;
    } else if (problem_status(&e) != 400 && problem_status(&e) != 404) {
        abort();
    }
    struct query q;
    if (query_parse(query, params, &q, &e) == 0) {
        for (unsigned i = 0; i < q.count; i++) {
            check(q.item[i].text);
        }
    } else if (problem_status(&e) != 400 && problem_status(&e) != 422) {
        abort();
    }
    free(target);
    return 0;
}
