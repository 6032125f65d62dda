/* Tickets: once, for a while, so many. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "clock.h"
#include "json.h"
#include "tickets.h"

#include <stdio.h>
#include <string.h>

static const struct ticket_rules rules = {
    .prefix = "tst_", .life_ms = 30000, .max = 8, .max_per_tenant = 3};
static struct tickets *table;
static struct bridge_principal who;

static int setup(void **state)
{
    (void)state;
    clock_fake(1800000000000, 1000000);
    strcpy(who.key_id, "0123456789ab");
    table = tickets_create(&rules);
    return table != NULL ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    tickets_free(table);
    clock_fake(0, 0);
    return 0;
}

static int make(const char *tenant, char text[TICKET_LEN + 1], struct err *e)
{
    return tickets_make(table, tenant, &who, NULL, text, e);
}

static bool take(const char *text)
{
    struct ticket *t = tickets_take(table, text, strlen(text));
    bool there = t != NULL;
    ticket_free(t);
    return there;
}

static void test_once(void **state)
{
    (void)state;
    char text[TICKET_LEN + 1], other[TICKET_LEN + 1];
    assert_int_equal(tickets_make(table, "acme", &who, json_pack("{s:s}", "a", "b"), text, NULL), 0);
    assert_int_equal(make("acme", other, NULL), 0);
    assert_int_equal(strlen(text), TICKET_LEN);
    assert_memory_equal(text, "tst_", 4);
    assert_string_not_equal(text, other);
    assert_null(strpbrk(text, "+/=&?# ")); /* it stands in URLs */
    struct ticket *t = tickets_take(table, text, TICKET_LEN);
    assert_non_null(t);
    assert_string_equal(t->tenant, "acme");
    assert_string_equal(t->who.key_id, who.key_id);
    assert_string_equal(json_str(t->grant, "a"), "b");
    ticket_free(t);
    assert_false(take(text));
    assert_true(take(other));
    assert_false(take(other));
}

static void test_widgets_crowd_out_nobody(void **state)
{
    (void)state;
    static const struct ticket_rules wide = {
        .prefix = "tst_", .life_ms = 30000, .max = 100, .max_per_tenant = 2 * TICKETS_OF_WIDGET};
    struct tickets *t = tickets_create(&wide);
    struct bridge_principal widget = who, other;
    char first[TICKET_LEN + 1], texts[3 * TICKETS_OF_WIDGET][TICKET_LEN + 1], key[TICKET_LEN + 1];
    assert_non_null(t);
    strcpy(widget.subject, "widget:Maria");
    strcpy(widget.sessions, "main");
    strcpy(widget.chat[0], "5511900000001@c.us");
    other = widget;
    strcpy(other.chat[0], "5511900000002@c.us");
    assert_int_equal(tickets_make(t, "acme", &other, NULL, first, NULL), 0);
    for (size_t i = 0; i < 3 * TICKETS_OF_WIDGET; i++) {
        assert_int_equal(tickets_make(t, "acme", &widget, NULL, texts[i], NULL), 0);
    }
    assert_int_equal(tickets_make(t, "acme", &who, NULL, key, NULL), 0);
    for (size_t i = 0; i < 3 * TICKETS_OF_WIDGET; i++) {
        struct ticket *one = tickets_take(t, texts[i], TICKET_LEN);
        assert_int_equal(one != NULL, i >= 2 * TICKETS_OF_WIDGET);
        ticket_free(one);
    }
    struct ticket *one = tickets_take(t, first, TICKET_LEN);
    assert_non_null(one);
    ticket_free(one);
    tickets_free(t);
}

static void test_what_is_none(void **state)
{
    (void)state;
    char text[TICKET_LEN + 1];
    assert_int_equal(make("acme", text, NULL), 0);
    assert_false(take(""));
    assert_false(take("tst_"));
    for (size_t i = 0; i < TICKET_LEN; i++) {
        char wrong[TICKET_LEN + 1];
        memcpy(wrong, text, sizeof(wrong));
        wrong[i] = wrong[i] == 'A' ? 'B' : 'A';
        assert_false(take(wrong));
        assert_null(tickets_take(table, text, i));
    }
    assert_true(take(text)); /* none of that touched it */
}

static void test_end(void **state)
{
    (void)state;
    char text[TICKET_LEN + 1], later[TICKET_LEN + 1];
    assert_int_equal(make("acme", text, NULL), 0);
    clock_fake(1, 1000000 + 29999); /* the wall clock does not matter */
    assert_int_equal(make("acme", later, NULL), 0);
    clock_fake(1, 1000000 + 30000);
    assert_false(take(text));
    assert_true(take(later));
}

static void test_bounds(void **state)
{
    (void)state;
    char text[TICKET_LEN + 1], first[TICKET_LEN + 1] = "";
    struct err e;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(make("acme", i == 0 ? first : text, NULL), 0);
    }
    assert_int_equal(make("acme", text, &e), E_LIMIT);
    assert_string_equal(e.word, "too_many_tickets");
    /* a grant is taken also when it is refused: the sanitizer would tell */
    assert_int_equal(tickets_make(table, "acme", &who, json_object(), text, NULL), E_LIMIT);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(make("globex", text, NULL), 0);
    }
    assert_int_equal(make("", text, NULL), 0);
    assert_int_equal(make("", text, NULL), 0);
    assert_int_equal(make("initech", text, &e), E_UNAVAILABLE);
    assert_string_equal(e.word, "too_many_tickets");
    assert_true(take(first)); /* a used one makes room */
    assert_int_equal(make("acme", text, NULL), 0);
    clock_fake(1, 1000000 + 30000); /* and those that are over */
    for (int i = 0; i < 3; i++) {
        assert_int_equal(make("initech", text, NULL), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_once, setup, teardown),
        cmocka_unit_test_setup_teardown(test_widgets_crowd_out_nobody, setup, teardown),
        cmocka_unit_test_setup_teardown(test_what_is_none, setup, teardown),
        cmocka_unit_test_setup_teardown(test_end, setup, teardown),
        cmocka_unit_test_setup_teardown(test_bounds, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
