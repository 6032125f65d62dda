/*
 * Which class a route belongs to, from its method and pattern: a new route gets a sensible one
 * without being listed here. The first rule that fits counts.
 */
#include "limit.h"

#include "api_priv.h"

#include <string.h>

#define TENANT "/v1/tenants/{tenant}"
#define SESSION TENANT "/sessions/{session}"

static const struct rule {
    const char *method; /* NULL: any but GET; "*": any */
    const char *path;   /* the pattern, or what it begins with before a '/' */
    bool exact;
    enum api_class cls;
} rules[] = {
    {"GET", SESSION "/qr", true, API_CLASS_STATUS},
    {NULL, SESSION "/pairing-code", true, API_CLASS_CONNECT},
    {NULL, SESSION "/start", true, API_CLASS_CONNECT},
    {NULL, SESSION "/stop", true, API_CLASS_CONNECT},
    {NULL, SESSION "/restart", true, API_CLASS_CONNECT},
    {NULL, SESSION "/logout", true, API_CLASS_CONNECT},
    {NULL, SESSION "/takeover", true, API_CLASS_CONNECT},
    {NULL, SESSION "/hibernate", true, API_CLASS_CONNECT},
    {NULL, SESSION "/wake", true, API_CLASS_CONNECT},
    {NULL, SESSION "/messages", false, API_CLASS_SEND},
    {NULL, SESSION "/chats/{chat}/read", true, API_CLASS_SEND},
    {NULL, SESSION "/chats/{chat}/presence", true, API_CLASS_SEND},
    {"*", SESSION "/messages", false, API_CLASS_MESSAGES},
    {"*", SESSION "/chats", false, API_CLASS_MESSAGES},
    {"*", SESSION "/search", true, API_CLASS_MESSAGES},
    {"*", SESSION "/contacts", false, API_CLASS_CONTACTS},
    {"*", SESSION "/groups", false, API_CLASS_CONTACTS},
    {"GET", SESSION, false, API_CLASS_STATUS},
    {"GET", TENANT "/sessions", true, API_CLASS_STATUS},
    {"*", TENANT "/search", true, API_CLASS_MESSAGES},
    {"*", TENANT "/media", false, API_CLASS_MEDIA},
    {"*", TENANT "/webhooks", false, API_CLASS_WEBHOOKS},
    {"*", TENANT "/events", false, API_CLASS_EVENTS},
};

static bool fits(const struct rule *rule, const struct api_route *route)
{
    bool get = strcmp(route->method, "GET") == 0;
    if (rule->method == NULL ? get : (strcmp(rule->method, "GET") == 0 && !get)) {
        return false;
    }
    size_t len = strlen(rule->path);
    return strncmp(route->pattern, rule->path, len) == 0 &&
           (route->pattern[len] == '\0' || (!rule->exact && route->pattern[len] == '/'));
}

enum api_class limit_class(const struct api_route *route)
{
    if (route->auth == API_OPEN || (route->flags & API_QUIET) != 0) {
        return API_UNLIMITED;
    }
    for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
        if (fits(&rules[i], route)) {
            return rules[i].cls;
        }
    }
    return API_CLASS_MANAGE;
}

const char *api_class_name(enum api_class c)
{
    static const char *const names[API_CLASS_COUNT] = {
#define CLASS_NAME(id, word) [API_CLASS_##id] = word,
        API_CLASSES(CLASS_NAME)
#undef CLASS_NAME
    };
    return c < API_CLASS_COUNT && names[c] != NULL ? names[c] : "";
}
