/*
 * Reading and writing of json_t trees. jansson parses; json_parse() adds what it leaves open: the
 * bounds of size and depth (jansson recurses to 2048), and lone surrogates, which it refuses.
 *
 * jansson's lexer (2.14; akheron/jansson#362) overlooks an allocation that fails while a token
 * grows past 16 bytes: a character is lost from the token. The count of denied allocations tells,
 * and the result is dropped. Remaining risk: out of memory, the lexer may abort or crash before it
 * returns.
 */
#include "json.h"

#include "buf.h"
#include "clock.h"
#include "mem.h"
#include "text.h"

#include <stdlib.h>
#include <string.h>

/* The four hexadecimal digits of a \u escape: 0..0xFFFF, or -1. Four bytes at s are readable. */
static int hex4(const char *s)
{
    int value = 0;
    for (int i = 0; i < 4; i++) {
        char c = s[i];
        int digit = c >= '0' && c <= '9'   ? c - '0'
                    : c >= 'a' && c <= 'f' ? c - 'a' + 10
                    : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                           : -1;
        if (digit < 0) {
            return -1;
        }
        value = value << 4 | digit;
    }
    return value;
}

void json_repair_surrogates(char *text, size_t len)
{
    char *end = text + len;
    /* A backslash stands only inside strings, so that strings need not be told apart. */
    for (char *p = memchr(text, '\\', len); p != NULL && end - p >= 6;
         p = memchr(p, '\\', (size_t)(end - p))) {
        int first = p[1] == 'u' ? hex4(p + 2) : -1;
        if (first < 0xD800 || first > 0xDFFF) {
            p += 2;
            continue;
        }
        bool pair = first < 0xDC00 && end - p >= 12 && p[6] == '\\' && p[7] == 'u';
        int second = pair ? hex4(p + 8) : -1;
        if (second >= 0xDC00 && second <= 0xDFFF) {
            p += 12;
        } else {
            memcpy(p + 2, "fffd", 4);
            p += 6;
        }
    }
}

/* Some \u escape from D000 on: a surrogate, or one of few letters that are rare as escapes. */
static bool may_need_repair(const char *text, size_t len)
{
    return memmem(text, len, "\\ud", 3) != NULL || memmem(text, len, "\\uD", 3) != NULL;
}

/* Offset of the bracket that nests too deeply, or len. Exact up to the first mistake in the text,
 * where jansson stops. */
static size_t find_too_deep(const char *text, size_t len)
{
    unsigned depth = 0;
    bool quoted = false;
    for (size_t i = 0; i < len; i++) {
        char c = text[i];
        if (quoted) {
            i += c == '\\';
            quoted = c != '"';
        } else if (c == '"') {
            quoted = true;
        } else if (c == '[' || c == '{') {
            if (++depth > JSON_MAX_DEPTH) {
                return i;
            }
        } else if ((c == ']' || c == '}') && depth > 0) {
            depth--;
        }
    }
    return len;
}

static void explain(json_error_t *why, bool too_deep, struct err *e)
{
    const char *what = why->text;
    char *quoted = strstr(why->text, " near '");
    if (too_deep && json_error_code(why) == json_error_premature_end_of_input) {
        what = "nested too deeply";
    } else if (quoted != NULL) {
        *quoted = '\0'; /* the text itself may be secret */
    }
    err_set(e, E_INVALID, "invalid JSON at line %d, column %d: %s", why->line, why->column, what);
}

static json_t *no_memory(struct err *e)
{
    err_set(e, E_NOMEM, "out of memory while reading JSON");
    return NULL;
}

json_t *json_parse(const char *text, size_t len, size_t max_bytes, struct err *e)
{
    if (len > max_bytes) {
        err_set(e, E_TOOLARGE, "JSON of %zu bytes; at most %zu are accepted", len, max_bytes);
        return NULL;
    }
    if (len == 0) {
        text = ""; /* NULL comes with it, which jansson does not take */
    }
    const char *nul = memchr(text, '\0', len); /* jansson skips one behind a number or a word */
    if (nul != NULL) {
        err_set(e, E_INVALID, "invalid JSON: NUL byte at offset %zu", (size_t)(nul - text));
        return NULL;
    }
    char *repaired = NULL;
    if (may_need_repair(text, len)) {
        repaired = mem_malloc(len);
        if (repaired == NULL) {
            return no_memory(e);
        }
        memcpy(repaired, text, len);
        json_repair_surrogates(repaired, len);
        text = repaired;
    }
    /* cut behind that bracket, the text fails there at the latest, and jansson tells where */
    size_t deep = find_too_deep(text, len);
    json_error_t why = {.text = ""};
    unsigned long denied = mem_jansson_denied();
    json_t *v = json_loadb(text, deep < len ? deep + 1 : len, JSON_REJECT_DUPLICATES, &why);
    free(repaired);
    if (mem_jansson_denied() != denied || json_error_code(&why) == json_error_out_of_memory) {
        json_decref(v);
        return no_memory(e);
    }
    if (v == NULL) {
        explain(&why, deep < len, e);
    }
    return v;
}

static int on_chunk(const char *chunk, size_t len, void *data)
{
    return buf_append(data, chunk, len) == 0 ? 0 : -1;
}

char *json_text(const json_t *v, size_t *len)
{
    struct buf b;
    buf_init(&b, SIZE_MAX);
    if (json_dump_callback(v, on_chunk, &b, JSON_COMPACT | JSON_ENCODE_ANY) != 0) {
        b.failed = true; /* jansson's own allocation, or ours */
    }
    return buf_steal(&b, len);
}

const char *json_str(const json_t *v, const char *key)
{
    return json_string_value(json_object_get(v, key));
}

const char *json_str_or(const json_t *v, const char *key, const char *fallback)
{
    const char *s = json_str(v, key);
    return s != NULL ? s : fallback;
}

int64_t json_int(const json_t *v, const char *key, int64_t fallback)
{
    const json_t *member = json_object_get(v, key);
    return json_is_integer(member) ? json_integer_value(member) : fallback;
}

bool json_flag(const json_t *v, const char *key, bool fallback)
{
    const json_t *member = json_object_get(v, key);
    return json_is_boolean(member) ? json_is_true(member) : fallback;
}

json_t *json_obj(const json_t *v, const char *key)
{
    json_t *member = json_object_get(v, key);
    return json_is_object(member) ? member : NULL;
}

json_t *json_arr(const json_t *v, const char *key)
{
    json_t *member = json_object_get(v, key);
    return json_is_array(member) ? member : NULL;
}

int json_set_str(json_t *obj, const char *key, const char *value)
{
    if (value != NULL && !text_utf8_valid(value, strlen(value))) {
        return E_INVALID;
    }
    json_t *v = value != NULL ? json_string_nocheck(value) : json_null();
    return json_object_set_new(obj, key, v) == 0 ? 0 : E_NOMEM;
}

int json_set_time(json_t *obj, const char *key, uint64_t wall_ms)
{
    char time[CLOCK_RFC3339_LEN];
    clock_rfc3339(wall_ms, time);
    return json_set_str(obj, key, wall_ms != 0 ? time : NULL);
}

int json_quote(struct buf *b, const char *s, size_t len)
{
    buf_char(b, '"');
    size_t plain = 0; /* start of what is copied as it is */
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)s[i];
        if (c >= 0x20 && c != '"' && c != '\\') {
            continue;
        }
        buf_append(b, s + plain, i - plain);
        plain = i + 1;
        switch (c) {
        case '"':
            buf_str(b, "\\\"");
            break;
        case '\\':
            buf_str(b, "\\\\");
            break;
        case '\n':
            buf_str(b, "\\n");
            break;
        case '\r':
            buf_str(b, "\\r");
            break;
        case '\t':
            buf_str(b, "\\t");
            break;
        default:
            buf_printf(b, "\\u%04x", (unsigned)c);
            break;
        }
    }
    buf_append(b, s + plain, len - plain);
    return buf_char(b, '"'); /* fails when anything before failed */
}
