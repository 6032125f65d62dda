#include "guard_regex.h"

#include "mem.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdlib.h>
#include <string.h>

#define CODE_MAX 16384 /* bytes of a compiled pattern */
#define PARENS_MAX 20  /* nested */
#define MATCH_LIMIT 1000000
#define DEPTH_LIMIT 5000
#define HEAP_KIB 4096
#define MOVE_COST 16 /* bytes moved that count as a step */

#define PROBE_LEN 256            /* bytes of a probe */
#define PROBE_STEPS_PER_BYTE 600 /* a pattern that takes the square of a text's length passes */
#define PROBE_STEPS_ALL 2000000
#define PROBE_RUNS 8
#define PROBE_CHARS 16

struct guard_regex {
    pcre2_code *code;
};

/* ---- compiling ---------------------------------------------------------------------------------
 */

static int refuse(struct err *e, const char *why)
{
    return err_word(e, E_INVALID, "invalid_pattern", "%s", why);
}

static int explain(struct err *e, int error, size_t at)
{
    PCRE2_UCHAR text[120] = "";
    (void)pcre2_get_error_message(error, text, sizeof(text));
    return err_word(e, E_INVALID, "invalid_pattern",
                    "the regular expression is not valid at byte %zu: %s", at, (const char *)text);
}

static int check_code(const struct guard_regex *r, struct err *e)
{
    uint32_t back = 0;
    size_t size = 0;
    uint64_t steps = PROBE_STEPS_ALL;
    bool empty = false;
    (void)pcre2_pattern_info(r->code, PCRE2_INFO_BACKREFMAX, &back);
    (void)pcre2_pattern_info(r->code, PCRE2_INFO_SIZE, &size);
    if (back > 0) {
        return refuse(e, "back references are not allowed: they cannot be bounded well");
    }
    if (size > CODE_MAX) {
        return refuse(e, "the pattern is too large once its repeats are written out");
    }
    int rc = guard_regex_match(r, "", 0, &steps, &empty);
    if (rc == 0 && empty) {
        return refuse(e, "the pattern fits an empty text: every message would be forbidden");
    }
    return rc == E_NOMEM ? err_set(e, rc, "out of memory") : 0;
}

int guard_regex_create(const char *pattern, struct guard_regex **out, struct err *e)
{
    const uint32_t how = PCRE2_UTF | PCRE2_UCP | PCRE2_CASELESS | PCRE2_AUTO_CALLOUT |
                         PCRE2_NO_AUTO_POSSESS | PCRE2_NEVER_BACKSLASH_C;
    int error = 0;
    PCRE2_SIZE at = 0;
    struct guard_regex *r = mem_calloc(1, sizeof(*r));
    pcre2_compile_context *c = pcre2_compile_context_create(NULL);
    int rc = r != NULL && c != NULL ? 0 : err_set(e, E_NOMEM, "out of memory");
    if (rc == 0) {
        (void)pcre2_set_parens_nest_limit(c, PARENS_MAX);
        r->code = pcre2_compile((PCRE2_SPTR)pattern, strlen(pattern), how, &error, &at, c);
        rc = r->code != NULL ? check_code(r, e) : explain(e, error, at);
    }
    pcre2_compile_context_free(c);
    if (rc != 0) {
        guard_regex_free(r);
        return rc;
    }
    *out = r;
    return 0;
}

void guard_regex_free(struct guard_regex *r)
{
    if (r != NULL) {
        pcre2_code_free(r->code);
        free(r);
    }
}

/* ---- matching ----------------------------------------------------------------------------------
 */

struct meter {
    uint64_t left;
    size_t last; /* where in the text the last step was */
};

static int on_step(pcre2_callout_block *block, void *arg)
{
    struct meter *m = arg;
    const size_t at = block->current_position;
    const uint64_t cost = 1 + (at > m->last ? at - m->last : m->last - at) / MOVE_COST;
    m->last = at;
    if (cost > m->left) {
        m->left = 0;
        return PCRE2_ERROR_CALLOUT;
    }
    m->left -= cost;
    return 0;
}

static int result(int n, bool *found)
{
    *found = n >= 0;
    if (n <= PCRE2_ERROR_UTF8_ERR1 && n >= PCRE2_ERROR_UTF8_ERR21) {
        return E_INVALID;
    }
    switch (n) {
    case PCRE2_ERROR_NOMATCH:
        return 0;
    case PCRE2_ERROR_NOMEMORY:
        return E_NOMEM;
    default:
        return n >= 0 ? 0 : E_LIMIT;
    }
}

int guard_regex_match(const struct guard_regex *r, const char *text, size_t len, uint64_t *steps,
                      bool *found)
{
    struct meter m = {.left = *steps};
    pcre2_match_context *c = pcre2_match_context_create(NULL);
    pcre2_match_data *d = pcre2_match_data_create(1, NULL);
    int rc = E_NOMEM;
    *found = false;
    if (c != NULL && d != NULL) {
        (void)pcre2_set_match_limit(c, MATCH_LIMIT);
        (void)pcre2_set_depth_limit(c, DEPTH_LIMIT);
        (void)pcre2_set_heap_limit(c, HEAP_KIB);
        (void)pcre2_set_callout(c, on_step, &m);
        rc = result(pcre2_match(r->code, (PCRE2_SPTR)text, len, 0, 0, d, c), found);
    }
    pcre2_match_data_free(d);
    pcre2_match_context_free(c);
    *steps = m.left;
    return rc;
}

/* ---- probing -----------------------------------------------------------------------------------
 */

struct probe {
    const struct guard_regex *r;
    uint64_t left;
    char runs[PROBE_RUNS][PROBE_LEN / 4 + 1]; /* letters that stand together in the pattern */
    size_t run_count;
    char chars[PROBE_CHARS + 1]; /* its single letters, and some of each class */
    char tail[256];              /* DEL, then each ASCII character of the pattern */
};

static bool plain(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (unsigned char)c >= 0x80;
}

static void gather_tail(struct probe *p, const char *pattern)
{
    size_t n = 0;
    p->tail[n++] = 0x7F;
    for (const char *s = pattern; *s != '\0'; s++) {
        if (*s >= ' ' && (unsigned char)*s < 0x7F && memchr(p->tail, *s, n) == NULL) {
            p->tail[n++] = *s;   /* 95 at most, */
            p->tail[n++] = 0x7F; /* each by itself */
        }
    }
}

static void gather(struct probe *p, const char *pattern)
{
    size_t chars = strlen("a0 -.");
    memcpy(p->chars, "a0 -.", chars + 1);
    for (const char *s = pattern; *s != '\0';) {
        size_t n = 0;
        while (plain(s[n])) {
            n++;
        }
        if (n > 0 && p->run_count < PROBE_RUNS) {
            size_t most = sizeof(p->runs[0]) - 1;
            memcpy(p->runs[p->run_count++], s, n < most ? n : most);
        }
        for (size_t i = 0; i < n && chars < PROBE_CHARS; i++) {
            bool ascii = (unsigned char)s[i] < 0x80;
            if (ascii && memchr(p->chars, s[i], chars) == NULL) {
                p->chars[chars++] = s[i];
            }
        }
        s += n > 0 ? n : 1;
    }
}

/* head, then unit again and again, then what fits nothing, then every character of the pattern
 * (PCRE2 gives up at once when one that it must have is missing). A character that was cut is no
 * text for the pattern: such a probe tells nothing. */
static int try(struct probe *p, const char *head, const char *unit)
{
    char text[PROBE_LEN + sizeof(p->tail)];
    size_t n = strlen(head), step = strlen(unit);
    bool found;
    memcpy(text, head, n);
    while (n + step < PROBE_LEN) {
        memcpy(text + n, unit, step);
        n += step;
    }
    memcpy(text + n, p->tail, strlen(p->tail));
    n += strlen(p->tail);
    uint64_t steps = (uint64_t)PROBE_STEPS_PER_BYTE * PROBE_LEN;
    steps = steps < p->left ? steps : p->left;
    const uint64_t before = steps;
    int rc = guard_regex_match(p->r, text, n, &steps, &found);
    p->left -= before - steps;
    return rc == E_INVALID ? 0 : rc;
}

static int try_all(struct probe *p)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < p->run_count; i++) {
        rc = try(p, "", p->runs[i]);
    }
    for (const char *c = p->chars; rc == 0 && *c != '\0'; c++) {
        const char unit[2] = {*c, '\0'};
        rc = try(p, "", unit);
        for (size_t i = 0; rc == 0 && i < p->run_count; i++) {
            rc = try(p, p->runs[i], unit);
        }
    }
    return rc;
}

int guard_regex_probe(const struct guard_regex *r, const char *pattern, struct err *e)
{
    struct probe *p = mem_calloc(1, sizeof(*p));
    if (p == NULL) {
        return err_set(e, E_NOMEM, "out of memory");
    }
    p->r = r;
    p->left = PROBE_STEPS_ALL;
    gather(p, pattern);
    gather_tail(p, pattern);
    int rc = try_all(p);
    free(p);
    if (rc == E_LIMIT) {
        return err_word(e, E_INVALID, "pattern_too_costly",
                        "the regular expression may take too long on some texts; avoid repeats "
                        "inside of repeats, and bound them ({1,20} instead of + or *)");
    }
    return rc == 0 ? 0 : err_set(e, rc, "out of memory");
}
