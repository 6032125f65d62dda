/* Pieces of what a page says: type, size and form of single fields. */
#include "page_read.h"

#include <ctype.h>
#include <string.h>

int read_bad(struct err *e, const char *what)
{
    return err_set(e, E_INVALID, "an event of the page with a bad %s", what);
}

/* A text of at most max bytes, "" when the field is missing; false for any other type or size. */
bool read_text(const json_t *v, const char *key, size_t max, const char **out)
{
    const json_t *s = json_object_get(v, key);
    *out = "";
    if (!s || json_is_null(s)) {
        return true;
    }
    if (!json_is_string(s) || json_string_length(s) > max) {
        return false;
    }
    *out = json_string_value(s);
    return strlen(*out) == json_string_length(s);
}

bool read_is_made_of(const char *s, const char *extra)
{
    for (; *s; s++) {
        if (!isalnum((unsigned char)*s) && !strchr(extra, *s)) {
            return false;
        }
    }
    return true;
}

bool read_is_message_id(const char *s)
{
    return *s && read_is_made_of(s, "_-.:+=/");
}

static bool is_jid(const char *s)
{
    const char *at = strchr(s, '@');
    return at && at != s && at[1] && !strchr(at + 1, '@') && read_is_made_of(s, "@._:+-");
}

bool read_jid(const json_t *v, const char *key, const char **out)
{
    return read_text(v, key, STORE_MAX_ID, out) && (**out == '\0' || is_jid(*out));
}

bool read_digits(const json_t *v, const char *key, const char **out)
{
    return read_text(v, key, PHONE_MAX, out) && (*out)[strspn(*out, "0123456789")] == '\0';
}

bool read_number(const json_t *v, const char *key, int64_t min, int64_t max, int64_t *out)
{
    const json_t *n = json_object_get(v, key);
    *out = 0;
    if (!n) {
        return min <= 0;
    }
    if (!json_is_integer(n) || json_integer_value(n) < min || json_integer_value(n) > max) {
        return false;
    }
    *out = json_integer_value(n);
    return true;
}

bool read_time(const json_t *v, const char *key, uint64_t *out)
{
    int64_t n;
    bool ok = read_number(v, key, 0, READ_TIME_MAX_MS, &n);
    *out = ok ? (uint64_t)n : 0;
    return ok;
}
