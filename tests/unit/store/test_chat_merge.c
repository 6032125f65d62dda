/* Chats of several sessions as one list: the order, pages of any size, and what a page costs. */
#include "fixture.h"

#define SESSIONS 4
#define CHATS 60

static const char *const sessions[] = {"a", "b", "c", "d", NULL};
static const char *const some[] = {"d", "b", NULL};

/* Few different times and the same chats everywhere: every tie there can be. */
static uint64_t time_of(unsigned s, unsigned c)
{
    return 1000 + (c * 7 + s * 3) % 5;
}

static int fill(struct store_txn *t, struct store_op *op)
{
    (void)op;
    int rc = 0;
    for (unsigned s = 0; s < SESSIONS; s++) {
        for (unsigned c = 0; c < CHATS; c++) {
            char chat[16];
            (void)snprintf(chat, sizeof(chat), "c%02u", c);
            rc |= store_chat_put(t, "t", sessions[s], chat, time_of(s, c), chat, strlen(chat));
        }
    }
    rc |= store_chat_put(t, "t", "other", "c00", 9999, "x", 1);
    rc |= store_chat_put(t, "u", "a", "c00", 9999, "x", 1);
    return rc == 0 ? 0 : E_INTERNAL;
}

struct row {
    uint64_t ms;
    char chat[16], session[16];
};
struct rows {
    struct row row[SESSIONS * CHATS];
    size_t count, limit;
};

static int on_row(void *arg, const char *session, const char *chat, uint64_t last_ms,
                  struct store_value v)
{
    struct rows *r = arg;
    if (r->count == r->limit) {
        return 1;
    }
    struct row *to = &r->row[r->count++];
    to->ms = last_ms;
    (void)snprintf(to->chat, sizeof(to->chat), "%s", chat);
    (void)snprintf(to->session, sizeof(to->session), "%s", session);
    return v.len == strlen(chat) && memcmp(v.data, chat, v.len) == 0 ? 0 : E_INTERNAL;
}

static int downwards(const struct row *a, const struct row *b)
{
    if (a->ms != b->ms) {
        return a->ms > b->ms ? -1 : 1;
    }
    int chat = strcmp(b->chat, a->chat);
    return chat != 0 ? chat : strcmp(b->session, a->session);
}

static void test_order_and_pages(void **state)
{
    struct fixture *fx = *state;
    assert_int_equal(fx_run(fx, fill, NULL), 0);
    static struct rows all, page;
    struct store_txn *t = fx_read(fx);
    all.count = 0;
    all.limit = SESSIONS * CHATS;
    assert_int_equal(store_chat_merge(t, "t", sessions, NULL, on_row, &all), 0);
    assert_int_equal(all.count, SESSIONS * CHATS);
    for (size_t i = 1; i < all.count; i++) {
        assert_true(downwards(&all.row[i - 1], &all.row[i]) < 0);
    }
    for (size_t limit = 1; limit <= 17; limit += 4) {
        struct store_chat_place after = {.chat = NULL};
        size_t at = 0;
        do {
            page.count = 0;
            page.limit = limit;
            assert_int_equal(
                store_chat_merge(t, "t", sessions, at > 0 ? &after : NULL, on_row, &page), 0);
            for (size_t i = 0; i < page.count; i++, at++) {
                assert_int_equal(downwards(&page.row[i], &all.row[at]), 0);
            }
            after = (struct store_chat_place){.last_ms = all.row[at - 1].ms,
                                              .chat = all.row[at - 1].chat,
                                              .session = all.row[at - 1].session};
        } while (page.count == limit);
        assert_int_equal(at, all.count);
    }
    store_read_end(t);
}

static void test_some_sessions(void **state)
{
    struct fixture *fx = *state;
    static struct rows r;
    static const char *const none[] = {NULL};
    assert_int_equal(fx_run(fx, fill, NULL), 0);
    struct store_txn *t = fx_read(fx);
    r = (struct rows){.limit = SESSIONS * CHATS};
    assert_int_equal(store_chat_merge(t, "t", some, NULL, on_row, &r), 0);
    assert_int_equal(r.count, 2 * CHATS);
    for (size_t i = 0; i < r.count; i++) {
        assert_true(strcmp(r.row[i].session, "b") == 0 || strcmp(r.row[i].session, "d") == 0);
    }
    /* a place of a session that is not among them is a place all the same */
    const struct store_chat_place after = {.last_ms = 1002, .chat = "c30", .session = "c"};
    struct row edge = {.ms = 1002, .chat = "c30", .session = "c"};
    r.count = 0;
    assert_int_equal(store_chat_merge(t, "t", some, &after, on_row, &r), 0);
    assert_true(r.count > 0 && downwards(&edge, &r.row[0]) < 0);
    r.count = 0;
    assert_int_equal(store_chat_merge(t, "t", none, NULL, on_row, &r), 0);
    assert_int_equal(store_chat_merge(t, "nobody", sessions, NULL, on_row, &r), 0);
    assert_int_equal(r.count, 0);
    store_read_end(t);
    fx_check(fx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_order_and_pages, fx_setup, fx_teardown),
        cmocka_unit_test_setup_teardown(test_some_sessions, fx_setup, fx_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
