/* A tenant's pattern and somebody's text: "<pattern>\n<text>", the first byte says which kind. Any
 * pattern that is taken ends on any text, and every form of a text is UTF-8. */
#include "fuzz.h"
#include "guard_fold.h"
#include "guard_rules.h"
#include "stop_words.h"
#include "text.h"

static void check_forms(const char *text)
{
    for (int form = GUARD_SHAPE; form <= GUARD_PLAIN; form++) {
        char *s = guard_fold(text, strlen(text), (enum guard_form)form);
        must(s != NULL && text_utf8_valid(s, strlen(s)));
        free(s);
    }
    (void)stop_word(text, NULL);
}

static void check_rule(unsigned kind, const char *pattern, const char *text)
{
    static const char *const kinds[] = {"word", "phrase", "regex"};
    struct guard_rules *rules = NULL;
    json_t *parsed = NULL;
    json_t *list = json_pack("[{s:s, s:s}]", "pattern", pattern, "kind", kinds[kind % 3]);
    struct err e;
    err_clear(&e);
    if (list != NULL && guard_rules_parse(list, &parsed, &e) == 0) {
        json_t *record = json_pack("{s:o}", "forbidden", parsed);
        if (guard_rules_compile(record, true, &rules, &e) == 0) {
            (void)guard_rules_check(rules, text, pattern, &e);
        }
        json_decref(record);
    }
    guard_rules_drop(rules);
    json_decref(list);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *all = fuzz_text(data, size);
    char *text = size > 0 ? strchr(all + 1, '\n') : NULL;
    if (text != NULL) {
        *text++ = '\0';
        if (text_utf8_valid(text, strlen(text)) && text_utf8_valid(all + 1, strlen(all + 1))) {
            check_forms(text);
            check_rule((unsigned char)all[0], all + 1, text);
        }
    }
    free(all);
    return 0;
}
