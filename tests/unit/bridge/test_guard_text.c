/* What the guards compare: forms of a text, stop words of each language, rules, and the bounds of
 * regular expressions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "guard_fold.h"
#include "guard_regex.h"
#include "guard_rules.h"
#include "stop_words.h"

#include "json.h"

#include <stdlib.h>
#include <string.h>

static void assert_fold(const char *in, enum guard_form form, const char *want)
{
    char *got = guard_fold(in, strlen(in), form);
    assert_non_null(got);
    assert_string_equal(got, want);
    free(got);
}

static void lookalikes_become_one_form(void **state)
{
    (void)state;
    assert_fold("ＳＴＯＰ", GUARD_WORDS, "stop");
    assert_fold("𝐒𝐭𝐨𝐩", GUARD_WORDS, "stop");
    assert_fold("ⓢⓣⓞⓟ", GUARD_WORDS, "stop");
    assert_fold("s\xc2\xadt\xe2\x80\x8bop", GUARD_WORDS,
                "stop"); /* soft hyphen, zero width space */
    assert_fold("Straße", GUARD_WORDS, "strasse");
    assert_fold("a \t\n\xc2\xa0 b", GUARD_WORDS, "a b");
    assert_fold("Ａ-é", GUARD_SHAPE, "A-é");
    assert_fold("e\xcc\x81", GUARD_SHAPE, "é"); /* put together */
    assert_fold("  *Désabonner!* 🛑 ", GUARD_PLAIN, "desabonner");
    assert_fold("كـــلمة", GUARD_PLAIN,
                "ک"
                "لمه");
    assert_fold("रोकें।", GUARD_PLAIN, "रोकें");
    assert_fold("!!", GUARD_PLAIN, "");
    assert_fold("\xff", GUARD_WORDS, "");
}

static void words_end_where_letters_do(void **state)
{
    (void)state;
    assert_true(guard_has_word("free money now", "money"));
    assert_true(guard_has_word("money", "money"));
    assert_true(guard_has_word("(money)", "money"));
    assert_true(guard_has_word("moneys or money", "money"));
    assert_false(guard_has_word("moneys", "money"));
    assert_false(guard_has_word("émoney", "money"));
    assert_false(guard_has_word("money2", "money"));
    assert_false(guard_has_word("", "money"));
    assert_true(guard_has_word("скидка 50", "скидка"));
}

static void every_stop_word_is_met(void **state)
{
    (void)state;
    for (size_t i = 0; stop_languages[i] != NULL; i++) {
        json_t *only = json_pack("{s:[s]}", "languages", stop_languages[i]);
        for (const char *const *w = stop_words_of(stop_languages[i], STOP_OUT); *w != NULL; w++) {
            assert_fold(*w, GUARD_PLAIN, *w);
            assert_int_equal(stop_word(*w, only), STOP_OUT);
            assert_int_equal(stop_word(*w, NULL), STOP_OUT);
        }
        for (const char *const *w = stop_words_of(stop_languages[i], STOP_IN); *w != NULL; w++) {
            assert_fold(*w, GUARD_PLAIN, *w);
            assert_int_equal(stop_word(*w, only), STOP_IN);
        }
        json_decref(only);
    }
}

static void a_stop_word_stands_alone(void **state)
{
    (void)state;
    static const char *const met[] = {
        "STOP",      " stop. ", "Stop!!!", "*stop*",         "ＳＴＯＰ",  "STOP ALL",
        "stop\nall", "SAIR",    "Baja",    "Désinscrire",    "ARRÊT",     "стоп!",
        "إيقاف",     "توقف",    "لغو",     "إلغاء الاشتراك", "لغو اشتراك"};
    static const char *const not_met[] = {
        "please stop", "stop it", "stopped", "s t o p",  "",
        "cancel",      "no",      "nonstop", "não pare", "I will stop by at 5"};
    for (size_t i = 0; i < sizeof(met) / sizeof(met[0]); i++) {
        if (stop_word(met[i], NULL) != STOP_OUT) {
            fail_msg("not met: %s", met[i]);
        }
    }
    for (size_t i = 0; i < sizeof(not_met) / sizeof(not_met[0]); i++) {
        if (stop_word(not_met[i], NULL) != STOP_NONE) {
            fail_msg("met: %s", not_met[i]);
        }
    }
    char longer[STOP_TEXT_MAX + 8];
    memset(longer, ' ', sizeof(longer));
    memcpy(longer, "stop", 4);
    longer[sizeof(longer) - 1] = '\0';
    assert_int_equal(stop_word(longer, NULL), STOP_NONE);
}

static void a_tenant_chooses_its_words(void **state)
{
    (void)state;
    json_t *own = json_pack("{s:[s], s:[s], s:[s]}", "languages", "pt", "keywords", "Chega!",
                            "resume_keywords", "Quero");
    assert_int_equal(stop_word("chega", own), STOP_OUT);
    assert_int_equal(stop_word("QUERO", own), STOP_IN);
    assert_int_equal(stop_word("sair", own), STOP_OUT);
    assert_int_equal(stop_word("baja", own), STOP_NONE); /* Spanish */
    json_decref(own);
    json_t *none = json_pack("{s:[], s:[s]}", "languages", "keywords", "bye");
    assert_int_equal(stop_word("stop", none), STOP_NONE);
    assert_int_equal(stop_word("Bye", none), STOP_OUT);
    json_decref(none);
}

/* ---- rules -------------------------------------------------------------------------------------
 */

static struct guard_rules *rules(const char *list, json_int_t most)
{
    struct err e;
    struct guard_rules *r = NULL;
    json_t *given = json_loads(list, 0, NULL), *parsed = NULL;
    assert_non_null(given);
    err_clear(&e);
    if (guard_rules_parse(given, &parsed, &e) != 0) {
        fail_msg("%s", e.msg);
    }
    json_t *record = json_pack("{s:I, s:o}", "max_text_length", most, "forbidden", parsed);
    if (guard_rules_compile(record, true, &r, &e) != 0) {
        fail_msg("%s", e.msg);
    }
    json_decref(record);
    json_decref(given);
    return r;
}

static const char *check(const struct guard_rules *r, const char *text, const char *words)
{
    static struct err e;
    err_clear(&e);
    return guard_rules_check(r, text, words, &e) == 0 ? "" : err_word_of(&e);
}

static void rules_find_what_they_forbid(void **state)
{
    (void)state;
    struct guard_rules *r =
        rules("[{\"pattern\":\"casino\",\"kind\":\"word\",\"reason\":\"no games\"},"
              "{\"pattern\":\"free  Money\",\"kind\":\"phrase\"},"
              "{\"pattern\":\"\\\\b\\\\d{4} ?\\\\d{4} ?\\\\d{4} ?\\\\d{4}\\\\b\","
              "\"kind\":\"regex\",\"reason\":\"card numbers\"}]",
              0);
    assert_string_equal(check(r, "come to the casinos", ""), "");
    assert_string_equal(check(r, "come to the ＣＡＳＩＮＯ", ""), "forbidden_content");
    assert_string_equal(check(r, "get free\nmoney!", ""), "forbidden_content");
    assert_string_equal(check(r, "unfree moneys", ""), "forbidden_content");
    assert_string_equal(check(r, "pay with 4111 1111 1111 1111", ""), "forbidden_content");
    assert_string_equal(check(r, "pay with ４１１１１１１１１１１１１１１１", ""),
                        "forbidden_content");
    assert_string_equal(check(r, "order 41111111111111112222", ""), "");
    assert_string_equal(check(r, "hello", "red\ncasino\n"), "forbidden_content");
    assert_string_equal(check(r, "", "casino"), "forbidden_content");
    assert_string_equal(check(r, "", ""), "");
    struct err e;
    err_clear(&e);
    assert_int_equal(guard_rules_check(r, "casino", "", &e), E_INVALID);
    assert_non_null(strstr(e.msg, "no games"));
    assert_null(strstr(e.msg, "casino"));
    guard_rules_drop(r);
}

static void length_is_counted_in_characters(void **state)
{
    (void)state;
    struct guard_rules *r = rules("[]", 4);
    assert_string_equal(check(r, "éééé", ""), "");
    assert_string_equal(check(r, "ééééé", ""), "text_too_long");
    assert_string_equal(check(r, "ab", "and much else beside it"), "");
    guard_rules_drop(r);
}

static const char *refused(const char *pattern, const char *kind)
{
    static struct err e;
    struct guard_rules *r = NULL;
    json_t *list = json_pack("[{s:s, s:s}]", "pattern", pattern, "kind", kind), *parsed = NULL;
    err_clear(&e);
    int rc = guard_rules_parse(list, &parsed, &e);
    json_t *record = rc == 0 ? json_pack("{s:o}", "forbidden", parsed) : NULL;
    rc = rc != 0 ? rc : guard_rules_compile(record, true, &r, &e);
    json_decref(record);
    json_decref(list);
    guard_rules_drop(r);
    return rc == 0 ? "" : err_word_of(&e);
}

static void costly_patterns_are_refused(void **state)
{
    (void)state;
    static const char *const costly[] = {"(a+)+$",       "(a|aa)+$",       "(a*)*b",
                                         "(\\w+\\s?)+!", "^(\\d+)*$x",     "(x+x+)+y",
                                         "pay(0+)+now",  "([a-z]+)+@home", "(.*)(.*)(.*)(.*)z9"};
    static const char *const fine[] = {"casino",
                                       "\\b\\d{3}-\\d{4}\\b",
                                       "foo.*bar",
                                       "https?://",
                                       "[a-z0-9.]{1,40}@[a-z]{1,20}\\.com",
                                       "\\p{Arabic}",
                                       "(?<!non)stop",
                                       "\\b\\w{1,30}\\s?!",
                                       "bit\\.ly/\\w+"};
    static const char *const wrong[] = {"(",
                                        "a*",
                                        "(a)\\1",
                                        "[z-a]",
                                        "x?",
                                        "(((((((((((((((((((((((a)))))))))))))))))))))))",
                                        "((a{1,100}){1,100}){1,100}"};
    for (size_t i = 0; i < sizeof(costly) / sizeof(costly[0]); i++) {
        if (strcmp(refused(costly[i], "regex"), "pattern_too_costly") != 0 &&
            strcmp(refused(costly[i], "regex"), "invalid_pattern") != 0) {
            fail_msg("taken: %s", costly[i]);
        }
    }
    for (size_t i = 0; i < sizeof(fine) / sizeof(fine[0]); i++) {
        if (refused(fine[i], "regex")[0] != '\0') {
            fail_msg("%s: %s", refused(fine[i], "regex"), fine[i]);
        }
    }
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        if (strcmp(refused(wrong[i], "regex"), "invalid_pattern") != 0) {
            fail_msg("%s: %s", refused(wrong[i], "regex"), wrong[i]);
        }
    }
    assert_string_equal(refused("a", "glob"), "invalid_request");
    assert_string_equal(refused("\xe2\x80\x8b", "word"), "invalid_pattern");
}

/* What slips past the probes still ends: the steps are counted, not the time. */
static void a_match_is_bounded(void **state)
{
    (void)state;
    struct guard_regex *r = NULL;
    struct err e;
    bool found = true;
    char text[4096];
    memset(text, 'a', sizeof(text));
    assert_int_equal(guard_regex_create("(a+)+$", &r, &e), 0);
    uint64_t steps = 10000;
    assert_int_equal(guard_regex_match(r, text, sizeof(text) - 1, &steps, &found), 0);
    assert_true(found); /* it fits at once */
    text[sizeof(text) - 1] = '!';
    steps = 10000;
    assert_int_equal(guard_regex_match(r, text, sizeof(text), &steps, &found), E_LIMIT);
    assert_false(found);
    assert_int_equal(steps, 0);
    guard_regex_free(r);
    /* without counting, a possessive repeat would hide how far it went */
    text[sizeof(text) - 2] = '!';
    text[sizeof(text) - 1] = 'b';
    assert_int_equal(guard_regex_create("a++b", &r, &e), 0);
    steps = 10000;
    assert_int_equal(guard_regex_match(r, text, sizeof(text), &steps, &found), E_LIMIT);
    guard_regex_free(r);
    /* the record is one that an earlier version took: what cannot be told is refused */
    json_t *record =
        json_pack("{s:[{s:s, s:s}]}", "forbidden", "pattern", "(a+)+$", "kind", "regex");
    struct guard_rules *rules_of = NULL;
    assert_int_equal(guard_rules_compile(record, false, &rules_of, &e), 0);
    text[100] = '!';
    text[101] = '\0';
    assert_string_equal(check(rules_of, text, ""), "content_not_checked");
    guard_rules_drop(rules_of);
    json_decref(record);
}

static void lists_have_limits(void **state)
{
    (void)state;
    struct err e;
    json_t *list = json_array(), *out = NULL;
    for (size_t i = 0; i <= GUARD_REGEX_MAX; i++) {
        assert_int_equal(
            json_array_append_new(list, json_pack("{s:s, s:s}", "pattern", "x", "kind", "regex")),
            0);
    }
    assert_int_equal(guard_rules_parse(list, &out, &e), E_INVALID);
    json_array_clear(list);
    for (size_t i = 0; i <= GUARD_RULES_MAX; i++) {
        assert_int_equal(json_array_append_new(list, json_pack("{s:s}", "pattern", "x")), 0);
    }
    assert_int_equal(guard_rules_parse(list, &out, &e), E_INVALID);
    json_array_clear(list);
    assert_int_equal(json_array_append_new(list, json_pack("{s:s, s:i}", "pattern", "x", "y", 1)),
                     0);
    assert_int_equal(guard_rules_parse(list, &out, &e), E_INVALID);
    assert_string_equal(e.field, "forbidden[0].pattern");
    json_decref(list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lookalikes_become_one_form),
        cmocka_unit_test(words_end_where_letters_do),
        cmocka_unit_test(every_stop_word_is_met),
        cmocka_unit_test(a_stop_word_stands_alone),
        cmocka_unit_test(a_tenant_chooses_its_words),
        cmocka_unit_test(rules_find_what_they_forbid),
        cmocka_unit_test(length_is_counted_in_characters),
        cmocka_unit_test(costly_patterns_are_refused),
        cmocka_unit_test(a_match_is_bounded),
        cmocka_unit_test(lists_have_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
