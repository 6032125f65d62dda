/* Who is who: contact ids that stay, two ids that turn out to be one person, chats that become one.
 */
#include "box_fixture.h"
#include "contact.h"

#define NOW UINT64_C(1795258800000) /* 2026-11-21T11:00:00Z */
#define ANN_JID ANN_PHONE "@c.us"

static struct channel_message from(const struct channel_peer *who, const char *id, uint64_t ms)
{
    struct channel_message m = box_message(id, "hi", ms);
    m.chat = m.from = *who;
    return m;
}

static json_t *chats(struct box *x)
{
    const struct bridge_paging p = {.limit = 50, .cursor = ""};
    json_t *page = NULL;
    struct err e;
    assert_int_equal(bridge_chat_list(x->b, "default", "main", &p, &page, &e), 0);
    json_t *items = json_incref(json_arr(page, "items"));
    json_decref(page);
    return items;
}

static size_t messages_of(struct box *x, const char *chat)
{
    const struct bridge_paging p = {.limit = 50, .cursor = ""};
    const struct bridge_message_filter f = {.chat = chat};
    json_t *page = NULL;
    struct err e;
    assert_int_equal(bridge_message_list(x->b, "default", "main", &f, &p, &page, &e), 0);
    size_t n = json_array_size(json_arr(page, "items"));
    json_decref(page);
    return n;
}

static char *text_of(const json_t *v, const char *key)
{
    const char *s = json_str(v, key);
    assert_non_null(s);
    return strdup(s);
}

/* Written to under her number and under a LID that nobody could connect; then the page tells. */
static void two_ids_become_one_person(void **state)
{
    struct box *x = *state;
    const uint64_t before = box_seq(x);
    const struct channel_peer by_number = {.id = ANN_JID};
    const struct channel_peer by_lid = {.id = ANN_LID, .lid = ANN_LID};
    const struct channel_peer both = {.id = ANN_LID, .lid = ANN_LID, .phone = ANN_PHONE};
    struct channel_message m = from(&by_number, "3AAA01", NOW);
    box_hear(x, &m);
    UNTIL(x, box_seq(x) == before + 1);
    const uint64_t at = clock_wall_ms();
    UNTIL(x, clock_wall_ms() > at); /* the first is the older one */
    m = from(&by_lid, "3AAA02", NOW + 1000);
    box_hear(x, &m);
    UNTIL(x, box_seq(x) == before + 2);
    json_t *first = box_data(x, before + 1, "message.received");
    json_t *second = box_data(x, before + 2, "message.received");
    char *older = text_of(json_obj(first, "chat"), "contact_id");
    char *newer = text_of(json_obj(second, "chat"), "contact_id");
    assert_string_not_equal(older, newer);
    json_t *rows = chats(x);
    assert_int_equal(json_array_size(rows), 2);
    json_decref(rows);

    m = from(&both, "3AAA03", NOW + 2000);
    box_hear(x, &m);
    UNTIL(x, box_seq(x) == before + 4);
    json_t *told = box_data(x, before + 3, "contact.identity");
    assert_int_equal(json_array_size(json_arr(told, "was")), 2);
    assert_string_equal(json_str(json_obj(told, "now"), "contact_id"), older);
    assert_string_equal(json_str(json_obj(told, "now"), "phone"), ANN_PHONE);
    assert_string_equal(json_str(json_obj(told, "now"), "lid"), ANN_LID);
    assert_string_equal(json_str(json_obj(told, "contact"), "id"), older);
    json_t *third = box_data(x, before + 4, "message.received");
    assert_string_equal(json_str(json_obj(third, "chat"), "contact_id"), older);
    rows = chats(x);
    assert_int_equal(json_array_size(rows), 1);
    json_t *row = json_array_get(rows, 0);
    assert_string_equal(json_str(row, "id"), ANN_LID);
    assert_string_equal(json_str(row, "phone"), ANN_PHONE);
    assert_string_equal(json_str(row, "contact_id"), older);
    assert_int_equal(json_int(row, "unread_count", 0), 3);
    json_decref(rows);

    /* every name of hers finds everything, the id that she lost too */
    const char *const names[] = {ANN_PHONE, ANN_JID, ANN_LID, older, newer};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        assert_int_equal(messages_of(x, names[i]), 3);
    }
    m = from(&both, "3AAA04", NOW + 3000);
    box_hear(x, &m);
    UNTIL(x, box_seq(x) == before + 5); /* the second time there is no news */
    json_decref(box_data(x, before + 5, "message.received"));
    free(older);
    free(newer);
    json_decref(first);
    json_decref(second);
    json_decref(third);
    json_decref(told);
}

static void a_number_learnt_later_is_told_once(void **state)
{
    struct box *x = *state;
    const uint64_t before = box_seq(x);
    const struct channel_peer by_lid = {.id = ANN_LID, .lid = ANN_LID};
    struct channel_message m = from(&by_lid, "3AAA01", NOW);
    box_hear(x, &m);
    m = box_message("3AAA02", "now with a number", NOW + 1000);
    box_hear(x, &m);
    UNTIL(x, box_seq(x) == before + 3);
    json_t *told = box_data(x, before + 2, "contact.identity");
    assert_int_equal(json_array_size(json_arr(told, "was")), 1);
    const json_t *was = json_array_get(json_arr(told, "was"), 0);
    assert_true(json_is_null(json_object_get(was, "phone")));
    assert_string_equal(json_str(was, "contact_id"), json_str(json_obj(told, "now"), "contact_id"));
    json_decref(told);
}

/* The number goes to somebody with another LID: both keep an id of their own. */
static void a_number_that_changes_hands_gets_an_id_of_its_own(void **state)
{
    struct box *x = *state;
    const uint64_t before = box_seq(x);
    const struct channel_peer ann = {.id = ANN_JID, .phone = ANN_PHONE, .lid = ANN_LID};
    const struct channel_peer eve = {
        .id = ANN_JID, .phone = ANN_PHONE, .lid = "200000000000002@lid"};
    struct channel_message m = from(&ann, "3AAA01", NOW);
    box_hear(x, &m);
    m = from(&eve, "3AAA02", NOW + 1000);
    box_hear(x, &m);
    UNTIL(x, box_seq(x) == before + 2);
    json_t *one = box_data(x, before + 1, "message.received");
    json_t *two = box_data(x, before + 2, "message.received");
    assert_string_not_equal(json_str(json_obj(one, "from"), "contact_id"),
                            json_str(json_obj(two, "from"), "contact_id"));
    json_decref(one);
    json_decref(two);
}

static void names_are_folded(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"\xc3\x89rica D'\xc3\x81vila", "erica d'avila"},
        {"STRASSE \xc3\x98re", "strasse ore"},
        {"\xd0\x98\xd0\x92\xd0\x90\xd0\x9d", "\xd0\xb8\xd0\xb2\xd0\xb0\xd0\xbd"},
        {"e\xcc\x81 1", "e 1"},
        {"", ""},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char out[64];
        assert_int_equal(term_fold(rows[i][0], out, sizeof(out)), strlen(rows[i][1]));
        assert_string_equal(out, rows[i][1]);
    }
    const char *s = "  ana, maria-3 ", *word;
    size_t len;
    assert_true(term_next(&s, &word, &len) && len == 3 && memcmp(word, "ana", 3) == 0);
    assert_true(term_next(&s, &word, &len) && len == 5 && memcmp(word, "maria", 5) == 0);
    assert_true(term_next(&s, &word, &len) && len == 1 && *word == '3');
    assert_false(term_next(&s, &word, &len));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(two_ids_become_one_person, box_setup, box_teardown),
        cmocka_unit_test_setup_teardown(a_number_learnt_later_is_told_once, box_setup,
                                        box_teardown),
        cmocka_unit_test_setup_teardown(a_number_that_changes_hands_gets_an_id_of_its_own,
                                        box_setup, box_teardown),
        cmocka_unit_test(names_are_folded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
