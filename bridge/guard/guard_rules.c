#include "guard_rules.h"

#include "guard_fold.h"
#include "guard_regex.h"

#include "buf.h"
#include "json.h"
#include "mem.h"
#include "text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum kind { WORD, PHRASE, REGEX, KINDS };
static const char *const kind_names[KINDS] = {"word", "phrase", "regex"};

struct rule {
    enum kind kind;
    char *folded;              /* word, phrase */
    struct guard_regex *regex; /* regex */
    char *reason;              /* NULL: none was given */
};

struct guard_rules {
    unsigned refs;
    size_t max_text_length; /* characters; 0: no bound */
    size_t count;
    bool shape, words; /* which forms of a text are needed */
    struct rule rule[GUARD_RULES_MAX];
};

static enum kind kind_of(const char *name)
{
    size_t i = 0;
    while (i < KINDS && strcmp(kind_names[i], name) != 0) {
        i++;
    }
    return (enum kind)i;
}

/* ---- the list as it is given -------------------------------------------------------------------
 */

static int place(struct err *e, size_t i, const char *member)
{
    (void)snprintf(e->field, sizeof(e->field), "forbidden[%zu].%s", i, member);
    return e->code;
}

static bool fits(const json_t *v, size_t max)
{
    const char *s = json_string_value(v);
    size_t n = s != NULL ? strlen(s) : 0;
    return n > 0 && n == json_string_length(v) && text_utf8_count(s, n) <= max;
}

static int parse_one(const json_t *v, size_t i, json_t **out, struct err *e)
{
    const json_t *pattern = json_object_get(v, "pattern"), *reason = json_object_get(v, "reason");
    const json_t *kind = json_object_get(v, "kind");
    const char *name = kind != NULL ? json_string_value(kind) : "phrase";
    bool known = name != NULL && kind_of(name) != KINDS;
    const size_t members = 1U + (kind != NULL ? 1U : 0U) + (reason != NULL ? 1U : 0U);
    if (!fits(pattern, GUARD_PATTERN_MAX)) {
        err_word(e, E_INVALID, "invalid_pattern", "a pattern has 1 to %d characters",
                 GUARD_PATTERN_MAX);
        return place(e, i, "pattern");
    }
    if (!known) {
        err_set(e, E_INVALID, "kind must be word, phrase or regex");
        return place(e, i, "kind");
    }
    if (reason != NULL && !json_is_null(reason) && !fits(reason, GUARD_REASON_MAX)) {
        err_set(e, E_INVALID, "a reason has 1 to %d characters", GUARD_REASON_MAX);
        return place(e, i, "reason");
    }
    if (json_object_size(v) != members) {
        err_word(e, E_INVALID, "unknown_field", "a rule has pattern, kind and reason only");
        return place(e, i, "pattern");
    }
    *out = json_pack("{s:s, s:s, s:s?}", "pattern", json_string_value(pattern), "kind", name,
                     "reason", json_string_value(reason));
    return *out != NULL ? 0 : err_set(e, E_NOMEM, "out of memory");
}

int guard_rules_parse(const json_t *list, json_t **out, struct err *e)
{
    const size_t n = json_array_size(list);
    size_t regexes = 0;
    if (!json_is_array(list) || n > GUARD_RULES_MAX) {
        return err_field(e, NULL, "forbidden", "`forbidden` must be a list of at most %d rules",
                         GUARD_RULES_MAX);
    }
    json_t *all = json_array();
    int rc = all != NULL ? 0 : err_set(e, E_NOMEM, "out of memory");
    for (size_t i = 0; rc == 0 && i < n; i++) {
        json_t *one = NULL;
        rc = parse_one(json_array_get(list, i), i, &one, e);
        regexes += rc == 0 && strcmp(json_str_or(one, "kind", ""), "regex") == 0;
        if (rc == 0 && json_array_append_new(all, one) != 0) {
            rc = err_set(e, E_NOMEM, "out of memory");
        }
    }
    if (rc == 0 && regexes > GUARD_REGEX_MAX) {
        rc = err_field(e, NULL, "forbidden", "at most %d rules may be regular expressions",
                       GUARD_REGEX_MAX);
    }
    if (rc != 0) {
        json_decref(all);
        return rc;
    }
    *out = all;
    return 0;
}

/* ---- compiling ---------------------------------------------------------------------------------
 */

static int compile_one(const json_t *v, bool probe, struct guard_rules *r, struct err *e)
{
    struct rule *rule = &r->rule[r->count++];
    const char *pattern = json_str_or(v, "pattern", ""), *reason = json_str(v, "reason");
    rule->kind = kind_of(json_str_or(v, "kind", "phrase"));
    rule->reason = reason != NULL ? mem_strdup(reason) : NULL;
    if (reason != NULL && rule->reason == NULL) {
        return err_set(e, E_NOMEM, "out of memory");
    }
    if (rule->kind == REGEX) {
        r->shape = true;
        int rc = guard_regex_create(pattern, &rule->regex, e);
        return rc == 0 && probe ? guard_regex_probe(rule->regex, pattern, e) : rc;
    }
    r->words = true;
    rule->folded = guard_fold(pattern, strlen(pattern), GUARD_WORDS);
    if (rule->folded == NULL) {
        return err_set(e, E_NOMEM, "out of memory");
    }
    return rule->folded[strspn(rule->folded, " ")] != '\0'
               ? 0
               : err_word(e, E_INVALID, "invalid_pattern",
                          "nothing of the pattern can be seen in a text");
}

int guard_rules_compile(const json_t *record, bool probe, struct guard_rules **out, struct err *e)
{
    const json_t *list = json_arr(record, "forbidden");
    const json_int_t most = json_int(record, "max_text_length", 0);
    struct guard_rules *r = mem_calloc(1, sizeof(*r));
    if (r == NULL) {
        return err_set(e, E_NOMEM, "out of memory");
    }
    r->refs = 1;
    r->max_text_length = most > 0 ? (size_t)most : 0;
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < json_array_size(list) && i < GUARD_RULES_MAX; i++) {
        rc = compile_one(json_array_get(list, i), probe, r, e);
        if (rc == E_INVALID && e != NULL) {
            (void)place(e, i, "pattern");
        }
    }
    if (rc != 0) {
        guard_rules_drop(r);
        return rc;
    }
    *out = r;
    return 0;
}

struct guard_rules *guard_rules_share(struct guard_rules *r)
{
    r->refs++;
    return r;
}

void guard_rules_drop(struct guard_rules *r)
{
    if (r == NULL || --r->refs > 0) {
        return;
    }
    for (size_t i = 0; i < r->count; i++) {
        free(r->rule[i].folded);
        free(r->rule[i].reason);
        guard_regex_free(r->rule[i].regex);
    }
    free(r);
}

bool guard_rules_empty(const struct guard_rules *r)
{
    return r == NULL || (r->count == 0 && r->max_text_length == 0);
}

/* ---- checking ----------------------------------------------------------------------------------
 */

static int forbidden(const struct rule *rule, size_t i, struct err *e)
{
    if (rule->reason == NULL) {
        return err_field(e, "forbidden_content", "text",
                         "the text has what rule %zu of the tenant's guards forbids", i + 1);
    }
    return err_field(e, "forbidden_content", "text", "the tenant's guards forbid this: %.*s",
                     (int)text_utf8_cut(rule->reason, strlen(rule->reason), GUARD_REASON_MAX),
                     rule->reason);
}

static int check_regex(const struct rule *rule, const char *shape, uint64_t *all, bool *found)
{
    const size_t len = strlen(shape);
    uint64_t steps = GUARD_STEPS_BASE + (uint64_t)GUARD_STEPS_PER_BYTE * len;
    steps = steps < *all ? steps : *all;
    const uint64_t before = steps;
    int rc = guard_regex_match(rule->regex, shape, len, &steps, found);
    *all -= before - steps;
    return rc;
}

static int check_all(const struct guard_rules *r, const char *shape, const char *words,
                     struct err *e)
{
    uint64_t steps = GUARD_STEPS_ALL;
    for (size_t i = 0; i < r->count; i++) {
        const struct rule *rule = &r->rule[i];
        bool found = false;
        int rc = 0;
        if (rule->kind == REGEX) {
            rc = check_regex(rule, shape, &steps, &found);
        } else {
            found = rule->kind == WORD ? guard_has_word(words, rule->folded)
                                       : strstr(words, rule->folded) != NULL;
        }
        if (rc == E_LIMIT || rc == E_INVALID) {
            return err_field(e, "content_not_checked", "text",
                             "rule %zu of the tenant's guards cannot be checked on this text "
                             "within its bound; shorten the text or simplify the rule",
                             i + 1);
        }
        if (rc != 0 || found) {
            return rc != 0 ? err_set(e, rc, "out of memory") : forbidden(rule, i, e);
        }
    }
    return 0;
}

int guard_rules_check(const struct guard_rules *r, const char *text, const char *words,
                      struct err *e)
{
    const size_t len = strlen(text), more = strlen(words);
    const size_t chars = r->max_text_length > 0 ? text_utf8_count(text, len) : 0;
    struct buf all;
    if (chars > r->max_text_length) {
        return err_field(e, "text_too_long", "text",
                         "the text has %zu characters; this tenant allows %zu", chars,
                         r->max_text_length);
    }
    if (r->count == 0 || len + more == 0) {
        return 0;
    }
    buf_init(&all, len + more + 2);
    (void)buf_append(&all, text, len);
    (void)buf_str(&all, len > 0 && more > 0 ? "\n" : "");
    int rc = buf_append(&all, words, more);
    char *shape = rc == 0 && r->shape ? guard_fold(all.data, all.len, GUARD_SHAPE) : mem_strdup("");
    char *folded =
        rc == 0 && r->words ? guard_fold(all.data, all.len, GUARD_WORDS) : mem_strdup("");
    buf_finish(&all);
    rc = rc == 0 && shape != NULL && folded != NULL ? check_all(r, shape, folded, e)
                                                    : err_set(e, E_NOMEM, "out of memory");
    free(shape);
    free(folded);
    return rc;
}
