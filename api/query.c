#include "api_priv.h"

#include "clock.h"
#include "text.h"

#include <string.h>

static int hex(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    if (c >= 'A' && c <= 'F') {
        return c - 'A' + 10;
    }
    return -1;
}

bool percent_decode(char *s, bool plus)
{
    char *out = s;
    const char *in = s;
    while (*in != '\0') {
        char c = *in++;
        if (c == '%') {
            int high = hex(in[0]);
            int low = high < 0 ? -1 : hex(in[1]);
            if (low < 0) {
                return false;
            }
            c = (char)(high * 16 + low);
            in += 2;
        } else if (c == '+' && plus) {
            c = ' ';
        }
        if ((unsigned char)c < 0x20 || c == 0x7f) {
            return false;
        }
        *out++ = c;
    }
    *out = '\0';
    return text_utf8_valid(s, (size_t)(out - s));
}

/* Digits only, no sign, no blank. */
static bool number(const char *s, uint64_t *out)
{
    uint64_t n = 0;
    size_t i = 0;
    for (; s[i] >= '0' && s[i] <= '9'; i++) {
        uint64_t digit = (uint64_t)(s[i] - '0');
        if (n > (UINT64_MAX - digit) / 10) {
            return false;
        }
        n = n * 10 + digit;
    }
    *out = n;
    return i > 0 && s[i] == '\0';
}

static bool is_choice(const char *choices, const char *value, size_t len)
{
    for (const char *c = choices; len > 0; c++) {
        size_t n = strcspn(c, "|");
        if (n == len && memcmp(c, value, n) == 0) {
            return true;
        }
        c += n;
        if (*c == '\0') {
            break;
        }
    }
    return false;
}

static bool are_choices(const char *choices, const char *value)
{
    size_t len = strcspn(value, ",");
    while (is_choice(choices, value, len) && value[len] == ',') {
        value += len + 1;
        len = strcspn(value, ",");
    }
    return is_choice(choices, value, len) && value[len] == '\0';
}

static int check(const struct query_param *p, const char *value, uint64_t *n, struct err *e)
{
    switch (p->kind) {
    case QUERY_UINT:
        if (!number(value, n) || *n < p->min || *n > p->max) {
            return err_field(e, NULL, p->name, "%s must be a whole number from %llu to %llu",
                             p->name, (unsigned long long)p->min, (unsigned long long)p->max);
        }
        break;
    case QUERY_TAIL:
        if (strcmp(value, "-1") == 0) {
            *n = UINT64_MAX;
        } else if (!number(value, n)) {
            return err_field(e, NULL, p->name, "%s must be a whole number, or -1", p->name);
        }
        break;
    case QUERY_TIME:
        if (clock_parse_rfc3339(value, n) != 0) {
            return err_field(e, NULL, p->name,
                             "%s must be a time as in RFC 3339, for example 2026-01-31T08:00:00Z",
                             p->name);
        }
        break;
    case QUERY_CHOICE:
        if (!is_choice(p->choices, value, strlen(value))) {
            return err_field(e, NULL, p->name, "%s must be one of %s", p->name, p->choices);
        }
        break;
    case QUERY_CHOICES:
        if (!are_choices(p->choices, value)) {
            return err_field(e, NULL, p->name, "%s must be one of %s, or several with commas",
                             p->name, p->choices);
        }
        break;
    case QUERY_TEXT:
        if (strlen(value) > 512) {
            return err_field(e, NULL, p->name, "%s is longer than 512 bytes", p->name);
        }
        break;
    }
    return 0;
}

static int add(struct query *out, const struct query_param *params, const char *name,
               const char *value, struct err *e)
{
    const struct query_param *p = params;
    while (p != NULL && p->name != NULL && strcmp(p->name, name) != 0) {
        p++;
    }
    if (p == NULL || p->name == NULL) {
        return err_field(e, "unknown_parameter", name, "there is no query parameter %.40s here",
                         name);
    }
    for (unsigned i = 0; i < out->count; i++) {
        if (out->item[i].param == p) {
            return err_field(e, NULL, name, "%s is given twice", name);
        }
    }
    if (out->count == QUERY_MAX) {
        return err_word(e, E_INVALID, "malformed_request", "too many query parameters");
    }
    uint64_t n = 0;
    int rc = check(p, value, &n, e);
    if (rc == 0) {
        out->item[out->count].param = p;
        out->item[out->count].text = value;
        out->item[out->count].number = n;
        out->count++;
    }
    return rc;
}

int query_parse(char *raw, const struct query_param *params, struct query *out, struct err *e)
{
    out->count = 0;
    int rc = 0;
    while (raw != NULL && *raw != '\0' && rc == 0) {
        char *next = strchr(raw, '&');
        if (next != NULL) {
            *next++ = '\0';
        }
        char *value = strchr(raw, '=');
        if (value != NULL) {
            *value++ = '\0';
        }
        if (!percent_decode(raw, true) || (value != NULL && !percent_decode(value, true))) {
            return err_word(e, E_INVALID, "malformed_request",
                            "the query string has a malformed %% escape, a control character or "
                            "text that is not UTF-8");
        }
        if (*raw != '\0' || value != NULL) { /* "a=1&&b=2" is harmless */
            rc = add(out, params, raw, value != NULL ? value : raw + strlen(raw), e);
        }
        raw = next;
    }
    return rc;
}

static int find(const struct query *q, const char *name)
{
    for (unsigned i = 0; i < q->count; i++) {
        if (strcmp(q->item[i].param->name, name) == 0) {
            return (int)i;
        }
    }
    return -1;
}

const char *query_text(const struct query *q, const char *name)
{
    int i = find(q, name);
    return i < 0 ? NULL : q->item[i].text;
}

uint64_t query_number(const struct query *q, const struct query_param *params, const char *name)
{
    int i = find(q, name);
    if (i >= 0) {
        return q->item[i].number;
    }
    for (const struct query_param *p = params; p != NULL && p->name != NULL; p++) {
        if (strcmp(p->name, name) == 0) {
            return p->fallback;
        }
    }
    return 0;
}
