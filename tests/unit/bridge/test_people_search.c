/* Contacts are found by name and number, best first, page by page; also among a hundred thousand.
 */
#include "box_fixture.h"
#include "contact.h"

struct fill {
    struct store_op op;
    struct box *x;
    unsigned from, count;
    int rc;
    bool done;
};

static const char *const names[] = {"Ana", "Ana Maria", "Mariana Lopes", "Jo\xc3\xa3o Ana", "Bob"};

/* The first ones by name, the others by number only in a row, with a name that nobody searches. */
static int fill_apply(struct store_txn *t, struct store_op *op)
{
    struct fill *f = op->data;
    struct message_owner o;
    message_owner_set(&o, "default", "main");
    for (unsigned i = f->from; i < f->from + f->count; i++) {
        char jid[64], phone[16], name[64];
        struct person who;
        (void)snprintf(phone, sizeof(phone), "55119%08u", i);
        (void)snprintf(jid, sizeof(jid), "%s@c.us", phone);
        (void)snprintf(name, sizeof(name), "Customer %u of Many", i);
        const struct channel_peer p = {
            .id = jid,
            .phone = phone,
            .name = i < sizeof(names) / sizeof(names[0]) ? names[i] : name,
        };
        int rc = identity_learn(f->x->b, t, &o, &p, &who);
        if (rc != 0) {
            return rc;
        }
    }
    return 0;
}

static void on_filled(struct store_op *op, int rc)
{
    struct fill *f = op->data;
    f->rc = rc;
    f->done = true;
}

static void fill(struct box *x, unsigned from, unsigned count)
{
    const unsigned step = 2000;
    for (unsigned at = from; at < from + count; at += step) {
        struct fill f = {
            .x = x, .from = at, .count = from + count - at < step ? from + count - at : step};
        f.op.data = &f;
        store_submit(x->store, &f.op, fill_apply, on_filled);
        UNTIL(x, f.done);
        assert_int_equal(f.rc, 0);
    }
}

/* Names found, joined by '|'; free(). */
static char *found(struct box *x, const char *q, unsigned limit)
{
    char cursor[600] = "", *all = calloc(1, 65536);
    bool more = true;
    assert_non_null(all);
    for (unsigned pages = 0; more; pages++) {
        const struct bridge_paging p = {.limit = limit, .cursor = cursor};
        json_t *page = NULL;
        struct err e;
        assert_true(pages < 100);
        int rc = bridge_contact_list(x->b, "default", "main", q, &p, &page, &e);
        if (rc != 0) {
            fail_msg("%s: %s", q, e.msg);
        }
        const json_t *items = json_arr(page, "items");
        assert_true(json_array_size(items) <= limit);
        for (size_t i = 0; i < json_array_size(items); i++) {
            const char *name = json_str_or(json_array_get(items, i), "name", "?");
            assert_true(strlen(all) + strlen(name) + 2 < 65536);
            strcat(strcat(all, all[0] != '\0' ? "|" : ""), name);
        }
        const char *next = json_str_or(page, "next_cursor", "");
        more = next[0] != '\0';
        (void)snprintf(cursor, sizeof(cursor), "%s", next);
        json_decref(page);
    }
    return all;
}

static void expect(struct box *x, const char *q, const char *want)
{
    static const unsigned limits[] = {1, 2, 50};
    for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
        char *all = found(x, q, limits[i]);
        assert_string_equal(all, want);
        free(all);
    }
}

static void the_best_come_first_and_each_once(void **state)
{
    struct box *x = *state;
    fill(x, 0, 8);
    expect(x, "ana", "Ana|Ana Maria|Jo\xc3\xa3o Ana");
    expect(x, "ANA M", "Ana Maria");
    expect(x, "mari", "Mariana Lopes|Ana Maria");
    expect(x, "joao", "Jo\xc3\xa3o Ana");
    expect(x, "lop mari", "Mariana Lopes");
    expect(x, "customer", "Customer 5 of Many|Customer 6 of Many|Customer 7 of Many");
    expect(x, "5511900000004", "Bob");
    expect(x, "+55 (11) 90000-0004", "Bob");
    expect(x, "0004", "Bob");
    expect(x, "nobody", "");
    expect(x, "...", "");
}

static void a_cursor_of_another_list_is_refused(void **state)
{
    struct box *x = *state;
    static const char *const cursors[] = {"x", "q1", "c10000000000000000", "q1000000000000000900",
                                          "q10000000000000002616161"};
    for (size_t i = 0; i < sizeof(cursors) / sizeof(cursors[0]); i++) {
        const struct bridge_paging p = {.limit = 10, .cursor = cursors[i]};
        json_t *page = NULL;
        struct err e;
        assert_int_equal(bridge_contact_list(x->b, "default", "main", "a", &p, &page, &e),
                         E_INVALID);
        assert_string_equal(err_word_of(&e), "invalid_cursor");
    }
}

/* Says how long it took; that it is found at all among so many is what is checked. */
static void among_a_hundred_thousand(void **state)
{
    struct box *x = *state;
    static const char *const qs[] = {"ana", "customer 99", "99999", "7654", "many cust", "c"};
    fill(x, 0, 100000);
    for (size_t i = 0; i < sizeof(qs) / sizeof(qs[0]); i++) {
        const struct bridge_paging p = {.limit = 50, .cursor = ""};
        json_t *page = NULL;
        struct err e;
        uint64_t before = uv_hrtime();
        assert_int_equal(bridge_contact_list(x->b, "default", "main", qs[i], &p, &page, &e), 0);
        print_message("%s: %zu found in %.1f ms\n", qs[i], json_array_size(json_arr(page, "items")),
                      (double)(uv_hrtime() - before) / 1e6);
        assert_true(json_array_size(json_arr(page, "items")) > 0);
        json_decref(page);
    }
    struct store_txn *t;
    struct err e;
    assert_int_equal(store_read(x->store, &t, &e), 0);
    int rc = store_check(t, &e);
    store_read_end(t);
    if (rc != 0) {
        fail_msg("%s", e.msg);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_best_come_first_and_each_once, box_setup, box_teardown),
        cmocka_unit_test_setup_teardown(a_cursor_of_another_list_is_refused, box_setup,
                                        box_teardown),
        cmocka_unit_test_setup_teardown(among_a_hundred_thousand, box_setup, box_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
