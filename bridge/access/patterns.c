/* Patterns of session names: what a key sees of its tenant. Kept as one text, a space between. */
#include "access.h"

#include "text.h"

#include <stdio.h>
#include <string.h>

static bool valid(const char *pattern, size_t len)
{
    return len > 0 && len <= 63 && strlen(pattern) == len &&
           strspn(pattern, "abcdefghijklmnopqrstuvwxyz0123456789_-*") == len;
}

int patterns_parse(const json_t *list, char out[BRIDGE_PATTERNS_LEN], struct err *e)
{
    size_t n = json_array_size(list);
    size_t used = 0;
    out[0] = '\0';
    if (!json_is_array(list) || n == 0 || n > BRIDGE_MAX_PATTERNS) {
        return err_field(e, NULL, "sessions", "sessions must be a list of 1 to %d patterns",
                         BRIDGE_MAX_PATTERNS);
    }
    for (size_t i = 0; i < n; i++) {
        const json_t *v = json_array_get(list, i);
        const char *pattern = json_string_value(v);
        size_t len = json_string_length(v);
        if (pattern == NULL || !valid(pattern, len)) {
            char field[32];
            (void)snprintf(field, sizeof(field), "sessions[%zu]", i);
            return err_field(e, "invalid_pattern", field,
                             "a session's name, or a part of it with *");
        }
        if (used > 0) {
            out[used++] = ' ';
        }
        memcpy(out + used, pattern, len + 1); /* 16 of 63 and their spaces fit */
        used += len;
    }
    return 0;
}

/* The next pattern of a text; false at its end. */
static bool next(const char **at, char out[64])
{
    const char *s = *at + strspn(*at, " ");
    size_t len = strcspn(s, " ");
    if (len == 0 || len > 63) {
        return false;
    }
    memcpy(out, s, len);
    out[len] = '\0';
    *at = s + len;
    return true;
}

json_t *patterns_json(const char *patterns)
{
    char one[64];
    json_t *list = json_array();
    while (list != NULL && next(&patterns, one)) {
        if (json_array_append_new(list, json_string(one)) != 0) {
            json_decref(list);
            list = NULL;
        }
    }
    return list;
}

bool patterns_match(const char *patterns, const char *session)
{
    char one[64];
    while (next(&patterns, one)) {
        if (text_glob(one, session)) {
            return true;
        }
    }
    return false;
}

bool patterns_within(const char *inner, const char *outer)
{
    char one[64];
    while (next(&inner, one)) {
        /* a * of the inner pattern can only be met by one of the outer, which then meets whatever
         * it stands for */
        if (!patterns_match(outer, one)) {
            return false;
        }
    }
    return true;
}

bool bridge_sees_all_sessions(const struct bridge_principal *who)
{
    return who == NULL || who->admin || patterns_match(who->sessions, "*");
}

bool bridge_sees_session(const struct bridge_principal *who, const char *session)
{
    return who == NULL || who->admin || patterns_match(who->sessions, session);
}
