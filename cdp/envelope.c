/*
 * A reply may be 60 MB of one string; a tree of it would stall the loop for half a second. So one
 * pass over the bytes finds the spans we dispatch by. Strings are crossed with memchr(), nesting is
 * a counter with one bit a level for the kind of bracket; nothing recurses or allocates.
 */
#include "envelope_priv.h"

#include "err.h"

#include <string.h>

struct scanner {
    const char *s;
    size_t len, at;
};

static void skip_space(struct scanner *sc)
{
    while (sc->at < sc->len) {
        char c = sc->s[sc->at];
        if (c != ' ' && c != '\t' && c != '\n' && c != '\r') {
            return;
        }
        sc->at++;
    }
}

/* The next character that is not space is c: eats it. */
static bool eat(struct scanner *sc, char c)
{
    skip_space(sc);
    if (sc->at >= sc->len || sc->s[sc->at] != c) {
        return false;
    }
    sc->at++;
    return true;
}

/* At an opening quote: goes behind the closing one and gives what is between. A quote is escaped
 * when an odd number of backslashes stands before it; each run of them is counted once only. */
static bool scan_string(struct scanner *sc, struct span *out)
{
    if (sc->at >= sc->len || sc->s[sc->at] != '"') {
        return false;
    }
    size_t begin = sc->at + 1;
    size_t from = begin;
    while (from < sc->len) {
        const char *quote = memchr(sc->s + from, '"', sc->len - from);
        if (!quote) {
            return false;
        }
        size_t end = (size_t)(quote - sc->s);
        size_t slashes = 0;
        while (end - slashes > from && sc->s[end - slashes - 1] == '\\') {
            slashes++;
        }
        if (slashes % 2 == 0) {
            sc->at = end + 1;
            out->off = begin;
            out->len = end - begin;
            return true;
        }
        from = end + 1;
    }
    return false;
}

/* At '{' or '[': goes behind its partner. */
static bool scan_nested(struct scanner *sc, struct span *out)
{
    uint64_t is_array[ENVELOPE_MAX_DEPTH / 64] = {0};
    size_t begin = sc->at;
    unsigned depth = 0;
    struct span ignored;

    while (sc->at < sc->len) {
        char c = sc->s[sc->at];
        if (c == '"') {
            if (!scan_string(sc, &ignored)) {
                return false;
            }
            continue;
        }
        if (c == '{' || c == '[') {
            if (depth == ENVELOPE_MAX_DEPTH) {
                return false;
            }
            uint64_t bit = UINT64_C(1) << (depth % 64);
            if (c == '[') {
                is_array[depth / 64] |= bit;
            } else {
                is_array[depth / 64] &= ~bit;
            }
            depth++;
        } else if (c == '}' || c == ']') {
            depth--; /* never below 0: we return at 0 and start with a bracket */
            bool array = (is_array[depth / 64] >> (depth % 64)) & 1;
            if (array != (c == ']')) {
                return false;
            }
            if (depth == 0) {
                sc->at++;
                out->off = begin;
                out->len = sc->at - begin;
                return true;
            }
        }
        sc->at++;
    }
    return false;
}

/* Number, true, false, null: everything up to a comma, bracket or space. */
static bool scan_word(struct scanner *sc, struct span *out)
{
    size_t begin = sc->at;
    while (sc->at < sc->len) {
        char c = sc->s[sc->at];
        bool part = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || c == '-' || c == '+' ||
                    c == '.' || c == 'E';
        if (!part) {
            break;
        }
        sc->at++;
    }
    out->off = begin;
    out->len = sc->at - begin;
    return out->len > 0 && sc->at < sc->len; /* at the end we do not know that it is complete */
}

static bool scan_value(struct scanner *sc, struct span *out)
{
    skip_space(sc);
    if (sc->at >= sc->len) {
        return false;
    }
    switch (sc->s[sc->at]) {
    case '"':
        return scan_string(sc, out);
    case '{':
    case '[':
        return scan_nested(sc, out);
    default:
        return scan_word(sc, out);
    }
}

static bool span_is(const struct scanner *sc, struct span span, const char *word)
{
    return span.len == strlen(word) && memcmp(sc->s + span.off, word, span.len) == 0;
}

static bool take_id(const struct scanner *sc, char first, struct span v, struct envelope *out)
{
    uint64_t id = 0;
    if (out->has_id || first == '"' || v.len == 0 || v.len > 15) {
        return false;
    }
    for (size_t i = 0; i < v.len; i++) {
        char c = sc->s[v.off + i];
        if (c < '0' || c > '9') {
            return false;
        }
        id = id * 10 + (uint64_t)(c - '0');
    }
    out->has_id = true;
    out->id = id;
    return true;
}

/* first is the value's first character: a name must be a plain string, a body an object. */
static bool take_span(const struct scanner *sc, char first, struct span v, bool name,
                      struct span *out)
{
    if (out->len != 0 || first != (name ? '"' : '{') || v.len == 0) {
        return false;
    }
    if (name && memchr(sc->s + v.off, '\\', v.len)) {
        return false;
    }
    *out = v;
    return true;
}

static bool take_member(const struct scanner *sc, struct span key, char first, struct span v,
                        struct envelope *out)
{
    if (span_is(sc, key, "id")) {
        return take_id(sc, first, v, out);
    }
    if (span_is(sc, key, "method")) {
        return take_span(sc, first, v, true, &out->method);
    }
    if (span_is(sc, key, "sessionId")) {
        return take_span(sc, first, v, true, &out->session);
    }
    if (span_is(sc, key, "result")) {
        return take_span(sc, first, v, false, &out->result);
    }
    if (span_is(sc, key, "params")) {
        return take_span(sc, first, v, false, &out->params);
    }
    if (span_is(sc, key, "error")) {
        return take_span(sc, first, v, false, &out->error);
    }
    return true; /* not ours */
}

int envelope_scan(const char *text, size_t len, struct envelope *out)
{
    struct scanner sc = {text, len, 0};
    *out = (struct envelope){0};

    if (!eat(&sc, '{')) {
        return E_PROTO;
    }
    if (eat(&sc, '}')) {
        skip_space(&sc);
        return sc.at == sc.len ? 0 : E_PROTO;
    }
    for (;;) {
        struct span key, value;
        skip_space(&sc);
        if (!scan_string(&sc, &key) || !eat(&sc, ':')) {
            return E_PROTO;
        }
        skip_space(&sc);
        char first = sc.at < sc.len ? sc.s[sc.at] : '\0';
        if (!scan_value(&sc, &value) || !take_member(&sc, key, first, value, out)) {
            return E_PROTO;
        }
        if (eat(&sc, ',')) {
            continue;
        }
        if (!eat(&sc, '}')) {
            return E_PROTO;
        }
        skip_space(&sc);
        return sc.at == sc.len ? 0 : E_PROTO;
    }
}

void envelope_head(const char *text, size_t len, struct envelope *out)
{
    /* The scan fills out in the order of the text and stops at the cut; its verdict is of no
     * interest here. */
    (void)envelope_scan(text, len, out);
}
