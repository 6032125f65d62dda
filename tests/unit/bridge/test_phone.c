/* Phone numbers and chat ids, as people write them. */
#include "core.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

struct phone_row {
    const char *in, *cc, *out; /* out NULL: refused */
};

static const struct phone_row phones[] = {
    {"+5511988887777", NULL, "5511988887777"},
    {"5511988887777", NULL, "5511988887777"},
    {"+55 (11) 98888-7777", NULL, "5511988887777"},
    {" 55.11.98888.7777 ", NULL, "5511988887777"},
    {"005511988887777", NULL, "5511988887777"},
    {"+12345678", NULL, "12345678"},
    {"+123456789012345", NULL, "123456789012345"},
    /* a country code is completed */
    {"011 98888-7777", "55", "5511988887777"},
    {"98888-777", "55", "5598888777"},
    {"9876543210", "91", "919876543210"},
    {"(415) 555-2671", "1", "14155552671"},
    {"0151 23456789", "49", "4915123456789"},
    {"1234567", "354", "3541234567"},
    /* and left alone where the number has one */
    {"+9876543210", "91", "9876543210"},
    {"009876543210", "91", "9876543210"},
    {"4512345678", "45", "4512345678"},
    {"5511988887777", "91", "5511988887777"},
    {"14155552671", "1", "14155552671"},
    /* a default that is no country code is none */
    {"5511988887777", "x", "5511988887777"},
    {"011988887777", "055", NULL},
    {"011988887777", "5555", NULL},
    {"011988887777", "", NULL},
    /* refused */
    {NULL, "55", NULL},
    {"", NULL, NULL},
    {"+", NULL, NULL},
    {"   ", NULL, NULL},
    {"011988887777", NULL, NULL},
    {"1234567", NULL, NULL},
    {"+1234567", "55", NULL},
    {"1234567890123456", NULL, NULL},
    {"+0511988887777", NULL, NULL},
    {"000511988887777", NULL, NULL},
    {"0", "55", NULL},
    {"5511988887777x", NULL, NULL},
    {"55+11988887777", NULL, NULL},
    {"++5511988887777", NULL, NULL},
    {"5511/988887777", NULL, NULL},
    {"5511988887777\n", NULL, NULL},
    {"\xd9\xa1\xd9\xa2\xd9\xa3\xd9\xa4\xd9\xa5\xd9\xa6\xd9\xa7\xd9\xa8", NULL, NULL},
    {"00000000000000000000000000000000000000000000000000000000000000000001", "55", NULL},
};

static void phones_are_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(phones) / sizeof(phones[0]); i++) {
        char out[PHONE_MAX + 1] = "untouched";
        struct err e;
        err_clear(&e);
        int rc = phone_parse(phones[i].in, phones[i].cc, out, &e);
        if (phones[i].out != NULL) {
            assert_string_equal(out, phones[i].out);
            assert_int_equal(rc, 0);
        } else {
            assert_int_equal(rc, E_INVALID);
            assert_string_equal(err_word_of(&e), "invalid_phone");
            assert_string_equal(out, "untouched");
        }
    }
    char out[PHONE_MAX + 1];
    assert_int_equal(phone_parse("nobody", NULL, out, NULL), E_INVALID);
}

struct chat_row {
    const char *in, *out;
    enum chat_kind kind;
};

#define DIGITS64 "1234567890123456789012345678901234567890123456789012345678901234"
static const struct chat_row chats[] = {
    {"5511988887777@c.us", "5511988887777@c.us", CHAT_USER},
    {"5511988887777@s.whatsapp.net", "5511988887777@c.us", CHAT_USER},
    {"100000000000001@lid", "100000000000001@lid", CHAT_USER},
    {"120363041234567890@g.us", "120363041234567890@g.us", CHAT_GROUP},
    {"5511988887777-1400000000@g.us", "5511988887777-1400000000@g.us", CHAT_GROUP},
    {"120363041234567890@newsletter", "120363041234567890@newsletter", CHAT_CHANNEL},
    {"status@broadcast", "status@broadcast", CHAT_STATUS},
    {DIGITS64 "@g.us", DIGITS64 "@g.us", CHAT_GROUP},
    {DIGITS64 "5@g.us", NULL, CHAT_USER},
    {NULL, NULL, CHAT_USER},
    {"", NULL, CHAT_USER},
    {"@c.us", NULL, CHAT_USER},
    {"5511988887777", NULL, CHAT_USER},
    {"5511988887777@", NULL, CHAT_USER},
    {"5511988887777@c.us ", NULL, CHAT_USER},
    {"5511988887777@C.US", NULL, CHAT_USER},
    {"5511988887777:3@c.us", NULL, CHAT_USER},
    {"+5511988887777@c.us", NULL, CHAT_USER},
    {"123@broadcast", NULL, CHAT_USER},
    {"status@c.us", NULL, CHAT_USER},
    {"5511988887777@c.us@c.us", NULL, CHAT_USER},
    {"5511988887777@example.com", NULL, CHAT_USER},
};

static void chat_ids_are_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(chats) / sizeof(chats[0]); i++) {
        char out[STORE_MAX_ID + 1] = "untouched";
        enum chat_kind kind = CHAT_USER;
        struct err e;
        err_clear(&e);
        int rc = chat_id_parse(chats[i].in, out, &kind, &e);
        if (chats[i].out != NULL) {
            assert_int_equal(rc, 0);
            assert_string_equal(out, chats[i].out);
            assert_int_equal(kind, chats[i].kind);
        } else {
            assert_int_equal(rc, E_INVALID);
            assert_string_equal(err_word_of(&e), "invalid_chat");
            assert_string_equal(out, "untouched");
        }
    }
}

static void an_address_is_a_chat_id_or_a_number(void **state)
{
    (void)state;
    char out[STORE_MAX_ID + 1];
    enum chat_kind kind;
    struct err e;
    assert_int_equal(chat_address_parse("120363041@g.us", "55", out, &kind, &e), 0);
    assert_string_equal(out, "120363041@g.us");
    assert_int_equal(kind, CHAT_GROUP);
    assert_int_equal(chat_address_parse("011 98888-7777", "55", out, &kind, &e), 0);
    assert_string_equal(out, "5511988887777@c.us");
    assert_int_equal(kind, CHAT_USER);
    assert_int_equal(chat_address_parse("a@b", "55", out, &kind, &e), E_INVALID);
    assert_string_equal(err_word_of(&e), "invalid_chat");
    assert_int_equal(chat_address_parse("011 98888-7777", NULL, out, &kind, &e), E_INVALID);
    assert_string_equal(err_word_of(&e), "invalid_phone");
    assert_int_equal(chat_address_parse(NULL, NULL, out, &kind, &e), E_INVALID);
}

static void only_a_number_has_a_phone(void **state)
{
    (void)state;
    static const struct {
        const char *in, *out;
    } rows[] = {
        {"5511988887777@c.us", "5511988887777"},
        {"1@c.us", "1"},
        {"123456789012345@c.us", "123456789012345"},
        {"1234567890123456@c.us", NULL},
        {"100000000000001@lid", NULL},
        {"120363041@g.us", NULL},
        {"12-34@c.us", NULL},
        {"@c.us", NULL},
        {"5511988887777", NULL},
        {"5511988887777@c.usx", NULL},
        {"", NULL},
        {NULL, NULL},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char out[PHONE_MAX + 1] = "";
        assert_int_equal(chat_id_phone(rows[i].in, out), rows[i].out != NULL);
        assert_string_equal(out, rows[i].out != NULL ? rows[i].out : "");
    }
}

static void kinds_have_the_words_of_the_contract(void **state)
{
    (void)state;
    assert_string_equal(chat_kind_name(CHAT_USER), "user");
    assert_string_equal(chat_kind_name(CHAT_GROUP), "group");
    assert_string_equal(chat_kind_name(CHAT_STATUS), "status");
    assert_string_equal(chat_kind_name(CHAT_CHANNEL), "channel");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(phones_are_read),
        cmocka_unit_test(chat_ids_are_read),
        cmocka_unit_test(an_address_is_a_chat_id_or_a_number),
        cmocka_unit_test(only_a_number_has_a_phone),
        cmocka_unit_test(kinds_have_the_words_of_the_contract),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
