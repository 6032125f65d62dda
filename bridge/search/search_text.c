#include "search_text.h"

#include "json.h"
#include "text.h"

#include <ctype.h>
#include <inttypes.h>
#include <string.h>

#define FNV_START UINT64_C(14695981039346656037)

static uint64_t fnv(uint64_t h, const char *s)
{
    for (; *s != '\0'; s++) {
        h = (h ^ (unsigned char)*s) * UINT64_C(1099511628211);
    }
    return (h ^ 0xFF) * UINT64_C(1099511628211);
}

/* ---- a message ---------------------------------------------------------------------------------
 */

static void add(struct buf *out, const char *s)
{
    size_t room = out->len < SEARCH_BODY_MAX ? SEARCH_BODY_MAX - out->len : 0;
    if (s == NULL || s[0] == '\0' || room < 2) {
        return;
    }
    if (out->len > 0) {
        (void)buf_char(out, '\n');
        room--;
    }
    (void)buf_append(out, s, text_utf8_cut(s, strlen(s), room));
}

/* The text of a poll is its question, that of a place its name: once is enough in a snippet. */
static void add_new(struct buf *out, const char *s, const char *text)
{
    if (s != NULL && strstr(text, s) == NULL) {
        add(out, s);
    }
}

static void add_all(struct buf *out, const json_t *list)
{
    size_t i = 0;
    json_t *v = NULL;
    json_array_foreach(list, i, v)
    {
        add(out, json_string_value(v));
    }
}

static bool findable(const char *type)
{
    static const char *const hidden[] = {"reaction", "edit",   "revoke", "revoked",
                                         "pending",  "system", "call",   NULL};
    for (size_t i = 0; hidden[i] != NULL; i++) {
        if (strcmp(type, hidden[i]) == 0) {
            return false;
        }
    }
    return true;
}

int search_body(const json_t *m, struct buf *out)
{
    size_t i = 0;
    json_t *c = NULL;
    if (!findable(json_str_or(m, "type", "unknown"))) {
        return 0;
    }
    const json_t *location = json_obj(m, "location"), *poll = json_obj(m, "poll");
    const char *text = json_str_or(m, "text", "");
    add(out, text);
    add(out, json_str(json_obj(m, "media"), "filename"));
    add_new(out, json_str(poll, "question"), text);
    add_all(out, json_arr(poll, "options"));
    add_new(out, json_str(location, "name"), text);
    add_new(out, json_str(location, "address"), text);
    add(out, json_str(json_obj(m, "link"), "title"));
    json_array_foreach(json_arr(m, "contacts"), i, c)
    {
        add(out, json_str(c, "name"));
        add_all(out, json_arr(c, "phones"));
    }
    return out->failed ? out->rc : 0;
}

static void mark(struct buf *out, const char *kind, const char *name)
{
    (void)buf_printf(out, "%s%s%016" PRIx64, out->len > 0 ? " " : "", kind, fnv(FNV_START, name));
}

int search_marks(const char *session, const char *chat, const char *type, const char *direction,
                 struct buf *out)
{
    mark(out, "s", session);
    mark(out, "c", chat);
    mark(out, "t", type);
    mark(out, "d", direction);
    return out->failed ? out->rc : 0;
}

/* ---- a query -----------------------------------------------------------------------------------
 */

/* Has it anything that the index could hold: a letter, a digit, anything beyond ASCII? */
static bool has_word(const char *s, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (isalnum((unsigned char)s[i]) || (unsigned char)s[i] >= 0x80) {
            return true;
        }
    }
    return false;
}

/* Quoted, so that nothing in it is an operator. */
static void add_term(struct buf *out, const char *s, size_t len, bool beginning)
{
    (void)buf_str(out, out->len > 0 ? " AND \"" : "\"");
    for (size_t i = 0; i < len; i++) {
        if (s[i] != '"') {
            (void)buf_char(out, s[i]);
        }
    }
    (void)buf_str(out, beginning ? "\" *" : "\"");
}

static size_t add_terms(const char *q, struct buf *out)
{
    static const char spaces[] = " \t\r\n\v\f";
    size_t n = 0;
    const char *s = q + strspn(q, spaces);
    while (*s != '\0' && n < SEARCH_TERMS_MAX) {
        bool phrase = *s == '"';
        s += phrase ? 1 : 0;
        size_t len = strcspn(s, phrase ? "\"" : spaces);
        bool closed = phrase && s[len] == '"';
        const char *next = s + len + (closed ? 1 : 0);
        next += strspn(next, spaces);
        bool star = !phrase && len > 1 && s[len - 1] == '*';
        if (has_word(s, len)) {
            add_term(out, s, len, star || (*next == '\0' && !closed));
            n++;
        }
        s = next;
    }
    return n;
}

static void need(struct buf *out, const char *kind, const char *name)
{
    if (name != NULL) {
        (void)buf_printf(out, " AND k : %s%016" PRIx64, kind, fnv(FNV_START, name));
    }
}

static void need_one(struct buf *out, const char *kind, const char *const *names, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        (void)buf_printf(out, "%sk : %s%016" PRIx64, i == 0 ? " AND (" : " OR ", kind,
                         fnv(FNV_START, names[i]));
    }
    (void)buf_str(out, n > 0 ? ")" : "");
}

bool search_match(const char *q, const struct search_filter *f, struct buf *out)
{
    struct buf terms;
    buf_init(&terms, 16 * SEARCH_Q_MAX);
    size_t n = add_terms(q, &terms);
    if (n == 0 || terms.failed) {
        buf_finish(&terms);
        return false;
    }
    (void)buf_printf(out, "body : (%s)", terms.data);
    buf_finish(&terms);
    need(out, "s", f->session);
    need(out, "t", f->type);
    need(out, "d", f->direction);
    need_one(out, "c", f->chats, f->chat_count);
    need_one(out, "s", f->sessions, f->session_count);
    return !out->failed;
}

/* ---- places ------------------------------------------------------------------------------------
 */

#define TIME_MAX ((UINT64_C(1) << (63 - SEARCH_TIE_BITS)) - 1)

int64_t search_place_of_time(uint64_t time_ms)
{
    return (int64_t)((time_ms < TIME_MAX ? time_ms : TIME_MAX) << SEARCH_TIE_BITS);
}

int64_t search_place(uint64_t time_ms, uint64_t ordinal)
{
    return search_place_of_time(time_ms) |
           (int64_t)(ordinal & ((UINT64_C(1) << SEARCH_TIE_BITS) - 1));
}
