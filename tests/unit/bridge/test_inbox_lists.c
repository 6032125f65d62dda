/* Lists of messages and chats: filters, pages, cursors. */

#include "inbox_fixture.h"

static void lists_are_filtered_and_paged(void **state)
{
    struct box *x = *state;
    uint64_t before = box_seq(x);
    char id[16], text[32];
    for (unsigned i = 0; i < 20; i++) {
        (void)snprintf(id, sizeof(id), "3AAA%02u", i);
        (void)snprintf(text, sizeof(text), i % 4 == 0 ? "Invoice %u" : "word %u", i);
        struct channel_message m = box_message(id, text, NOW + i * 1000);
        m.type = i % 5 == 0 ? "image" : "text";
        if (i % 2 == 0) { /* half of it under the number, before the page knew the LID */
            m.chat = m.from = (struct channel_peer){.id = ANN_PHONE "@c.us", .phone = ANN_PHONE};
        }
        m.from_me = i % 10 == 9;
        box_hear(x, &m);
    }
    UNTIL(x, box_seq(x) == before + 21); /* with one contact.identity */
    static const struct {
        struct bridge_message_filter f;
        size_t n;
    } rows[] = {
        {{0}, 20},
        {{.direction = "out"}, 2},
        {{.direction = "in"}, 18},
        {{.type = "image"}, 4},
        {{.q = "invoice"}, 5},
        {{.q = "no such"}, 0},
        {{.since_ms = NOW + 10000}, 10},
        {{.until_ms = NOW + 10000}, 10},
        {{.since_ms = NOW + 5000, .until_ms = NOW + 10000}, 5},
        {{.chat = ANN_PHONE, .q = "Invoice", .type = "image"}, 1},
        {{.chat = "5521000000000"}, 0},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_int_equal(count(x, &rows[i].f), rows[i].n);
    }
    /* Two ids of one chat, in one order, page by page; the last page says that it is. */
    const struct bridge_message_filter chat = {.chat = ANN_PHONE};
    char cursor[128] = "";
    unsigned seen = 0;
    for (unsigned limit = 4; seen < 20;) {
        json_t *page = list(x, &chat, limit, cursor);
        json_t *items = json_arr(page, "items");
        assert_int_equal(json_array_size(items), limit);
        for (size_t i = 0; i < limit; i++, seen++) {
            (void)snprintf(id, sizeof(id), "3AAA%02u", 19 - seen);
            assert_string_equal(json_str(json_array_get(items, i), "id"), id);
        }
        const char *next = json_str(page, "next_cursor");
        assert_int_equal(next == NULL, seen == 20);
        (void)snprintf(cursor, sizeof(cursor), "%s", next != NULL ? next : "");
        json_decref(page);
    }
}

static void chats_are_paged_newest_first(void **state)
{
    struct box *x = *state;
    uint64_t before = box_seq(x);
    for (unsigned i = 0; i < 5; i++) {
        char id[16], jid[32];
        (void)snprintf(id, sizeof(id), "3AAA%02u", i);
        (void)snprintf(jid, sizeof(jid), "551100000000%u@c.us", i);
        struct channel_message m = box_message(id, "x", NOW + i * 1000);
        m.chat = m.from = (struct channel_peer){.id = jid};
        box_hear(x, &m);
    }
    UNTIL(x, box_seq(x) == before + 5);
    char cursor[400] = "";
    unsigned seen = 0;
    do {
        const struct bridge_paging p = {.limit = 2, .cursor = cursor};
        struct err e;
        json_t *page = NULL;
        assert_int_equal(bridge_chat_list(x->b, "default", "main", &p, &page, &e), 0);
        size_t i;
        json_t *chat;
        json_array_foreach(json_arr(page, "items"), i, chat)
        {
            char jid[32];
            (void)snprintf(jid, sizeof(jid), "551100000000%u@c.us", 4 - seen++);
            assert_string_equal(json_str(chat, "id"), jid);
        }
        (void)snprintf(cursor, sizeof(cursor), "%s", json_str_or(page, "next_cursor", ""));
        json_decref(page);
    } while (cursor[0] != '\0');
    assert_int_equal(seen, 5);
    /* The same by contact. */
    seen = 0;
    do {
        const struct bridge_paging p = {.limit = 2, .cursor = cursor};
        struct err e;
        json_t *page = NULL;
        assert_int_equal(bridge_contact_list(x->b, "default", "main", NULL, &p, &page, &e), 0);
        seen += (unsigned)json_array_size(json_arr(page, "items"));
        (void)snprintf(cursor, sizeof(cursor), "%s", json_str_or(page, "next_cursor", ""));
        json_decref(page);
    } while (cursor[0] != '\0');
    assert_int_equal(seen, 5);
}

static void cursors_are_checked(void **state)
{
    struct box *x = *state;
    static const char *const bad[] = {"x",
                                      "m1",
                                      "c1",
                                      "c1zz",
                                      "p10000000000000000",
                                      "c1000000000000000g",
                                      "c100000000000000000",
                                      "9999999999"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        const struct bridge_paging p = {.limit = 10, .cursor = bad[i]};
        struct err e;
        json_t *page = NULL;
        assert_int_equal(bridge_message_list(x->b, "default", "main", NULL, &p, &page, &e),
                         E_INVALID);
        assert_string_equal(e.field, "cursor");
        assert_int_equal(bridge_chat_list(x->b, "default", "main", &p, &page, &e), E_INVALID);
        assert_string_equal(e.field, "cursor");
    }
    const struct bridge_paging none = {.limit = 0, .cursor = ""};
    struct err e;
    json_t *page = NULL;
    assert_int_equal(bridge_message_list(x->b, "default", "main", NULL, &none, &page, &e),
                     E_INVALID);
    assert_int_equal(bridge_message_list(x->b, "default", "nobody", NULL, &none, &page, &e),
                     E_INVALID);
    const struct bridge_paging some = {.limit = 1, .cursor = ""};
    assert_int_equal(bridge_message_list(x->b, "default", "nobody", NULL, &some, &page, &e),
                     E_NOTFOUND);
    assert_string_equal(err_word_of(&e), "unknown_session");
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, box_setup, box_teardown)
    const struct CMUnitTest tests[] = {
        T(lists_are_filtered_and_paged),
        T(chats_are_paged_newest_first),
        T(cursors_are_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
