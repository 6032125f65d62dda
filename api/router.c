#include "api_priv.h"

#include "mem.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct row {
    const struct api_route *route;
    unsigned count;
    struct {
        const char *text; /* in the pattern, not terminated; NULL: a parameter */
        size_t len;
        enum path_param param;
    } segment[PATH_MAX_SEGMENTS];
};

struct router {
    size_t count;
    struct row row[];
};

static const char *const param_names[PARAM_COUNT] = {
    [PARAM_TENANT] = "tenant",   [PARAM_SESSION] = "session", [PARAM_WEBHOOK] = "webhook",
    [PARAM_MESSAGE] = "message", [PARAM_CHAT] = "chat",       [PARAM_KEY] = "key",
    [PARAM_MEDIA] = "media",
    [PARAM_CONTACT] = "contact", [PARAM_GROUP] = "group",     [PARAM_NOTE] = "note",
    [PARAM_PHONE] = "phone",     [PARAM_DELIVERY] = "delivery",
};

const char *path_param_name(enum path_param p)
{
    return param_names[p];
}

static enum path_param param_of(const char *name, size_t len)
{
    int p = 0;
    while (p < PARAM_COUNT &&
           (strlen(param_names[p]) != len || memcmp(param_names[p], name, len) != 0)) {
        p++;
    }
    assert(p < PARAM_COUNT); /* a pattern with a name that no handler can read */
    return (enum path_param)p;
}

static void compile(struct row *row, const struct api_route *route)
{
    row->route = route;
    for (const char *s = route->pattern; *s == '/';) {
        s++;
        size_t len = strcspn(s, "/");
        assert(len > 0 && row->count < PATH_MAX_SEGMENTS);
        if (s[0] == '{') {
            row->segment[row->count].param = param_of(s + 1, len - 2);
        } else {
            row->segment[row->count].text = s;
            row->segment[row->count].len = len;
        }
        row->count++;
        s += len;
    }
}

struct router *path_router_create(const struct api_route *routes, size_t count)
{
    struct router *r = mem_calloc(1, sizeof(*r) + count * sizeof(r->row[0]));
    if (r != NULL) {
        r->count = count;
        for (size_t i = 0; i < count; i++) {
            compile(&r->row[i], &routes[i]);
        }
    }
    return r;
}

void path_router_free(struct router *r)
{
    free(r);
}

int path_split(char *path, struct path *out, struct err *e)
{
    out->count = 0;
    assert(path[0] == '/');
    if (path[1] == '\0') {
        return 0;
    }
    for (char *s = path; s != NULL;) {
        char *segment = s + 1;
        s = strchr(segment, '/');
        if (s != NULL) {
            *s = '\0';
        }
        if (!percent_decode(segment, false)) {
            return err_word(e, E_INVALID, "malformed_request",
                            "the path has a malformed %% escape, a control character or text that "
                            "is not UTF-8");
        }
        if (*segment == '\0' || out->count == PATH_MAX_SEGMENTS) {
            return err_set(e, E_NOTFOUND, "there is nothing at this path");
        }
        out->segment[out->count++] = segment;
    }
    return 0;
}

static bool matches(const struct row *row, const struct path *path)
{
    if (row->count != path->count) {
        return false;
    }
    for (unsigned i = 0; i < row->count; i++) {
        size_t len = row->segment[i].len;
        if (row->segment[i].text != NULL &&
            (strncmp(row->segment[i].text, path->segment[i], len) != 0 ||
             path->segment[i][len] != '\0')) {
            return false;
        }
    }
    return true;
}

static void allow_add(char allow[ROUTER_ALLOW], const char *method)
{
    size_t used = strlen(allow);
    (void)snprintf(allow + used, ROUTER_ALLOW - used, "%s%s", used > 0 ? ", " : "", method);
}

const struct api_route *path_router_match(const struct router *r, const char *method,
                                          const struct path *path, const char *param[PARAM_COUNT],
                                          bool *known, char allow[ROUTER_ALLOW])
{
    const char *wanted = strcmp(method, "HEAD") == 0 ? "GET" : method;
    const struct row *found = NULL;
    *known = false;
    allow[0] = '\0';
    for (size_t i = 0; i < r->count && found == NULL; i++) {
        const struct row *row = &r->row[i];
        if (!matches(row, path)) {
            continue;
        }
        *known = true;
        if (strcmp(row->route->method, wanted) == 0) {
            found = row;
            break;
        }
        allow_add(allow, row->route->method);
        if (strcmp(row->route->method, "GET") == 0) {
            allow_add(allow, "HEAD");
        }
    }
    if (found == NULL) {
        if (*known) {
            allow_add(allow, "OPTIONS");
        }
        return NULL;
    }
    for (unsigned i = 0; i < found->count; i++) {
        if (found->segment[i].text == NULL) {
            param[found->segment[i].param] = path->segment[i];
        }
    }
    return found->route;
}
