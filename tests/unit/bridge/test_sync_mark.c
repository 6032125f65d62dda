/* Which chats a run opens, and that marks are kept as they were written. */
#include "box_fixture.h"

#include "sync_priv.h"

#define FLOOR 1000000

static struct channel_digest digest(void)
{
    return (struct channel_digest){
        .chat = {.id = ANN_LID, .phone = "", .lid = "", .name = ""},
        .last_id = "LAST",
        .last_ms = 2000000,
        .unread = 1,
        .rev = "AABBCC",
    };
}

static struct chat_mark mark(void)
{
    return (struct chat_mark){
        .ms = 2000000, .last_ms = 2000000, .last_id = "LAST", .rev = "AABBCC", .unread = 1};
}

static void only_what_differs_is_opened(void **state)
{
    struct channel_digest d = digest();
    struct chat_mark m = mark();
    (void)state;
    struct sync_verdict v = sync_judge(&d, &m, FLOOR);
    assert_false(v.open);
    assert_false(v.state);

    d.last_id = "NEXT";
    assert_true(sync_judge(&d, &m, FLOOR).open);
    d = digest();
    d.rev = "AABBCD"; /* an ack, an edit, a reaction … */
    assert_true(sync_judge(&d, &m, FLOOR).open);
    d = digest();
    m.partial = true; /* a run was interrupted in it */
    assert_true(sync_judge(&d, &m, FLOOR).open);

    m = mark();
    d.unread = 0;
    v = sync_judge(&d, &m, FLOOR);
    assert_false(v.open);
    assert_true(v.state);
    d = digest();
    d.muted_until_ms = 5;
    assert_true(sync_judge(&d, &m, FLOOR).state);
}

static void a_page_that_holds_less_is_not_taken_for_a_change(void **state)
{
    struct channel_digest d = digest();
    struct chat_mark m = mark();
    (void)state;
    d.rev = "AABB";
    assert_false(sync_judge(&d, &m, FLOOR).open);
    d.rev = "";
    d.last_id = ""; /* not even the last message; its time is known */
    assert_false(sync_judge(&d, &m, FLOOR).open);
    d.last_ms++;
    assert_true(sync_judge(&d, &m, FLOOR).open);
}

static void what_is_older_than_the_link_is_left_alone(void **state)
{
    struct channel_digest d = digest();
    (void)state;
    d.last_ms = FLOOR - 1;
    assert_false(sync_judge(&d, NULL, FLOOR).open);
    assert_false(sync_judge(&d, NULL, FLOOR).state);
    d.last_ms = FLOOR;
    assert_true(sync_judge(&d, NULL, FLOOR).open);
}

/* ---- kept -------------------------------------------------------------------------------------- */

struct writing {
    struct store_op op;
    struct message_owner o;
    unsigned done;
    bool erase, more;
    size_t max;
};

static int apply(struct store_txn *t, struct store_op *op)
{
    struct writing *w = op->data;
    const struct chat_mark m = {.ms = 1,
                                .last_ms = 2,
                                .partial = true,
                                .last_id = "a\"b",
                                .rev = "AA",
                                .unread = 3,
                                .archived = true,
                                .muted_until_ms = 4};
    const struct session_mark s = {.ms = 5, .floor = 6, .account = "me@c.us"};
    if (w->erase) {
        return chat_marks_erase(t, &w->o, w->max, &w->more);
    }
    int rc = chat_mark_save(t, &w->o, ANN_LID, &m);
    return rc != 0 ? rc : session_mark_save(t, &w->o, &s);
}

static void on_done(struct store_op *op, int rc)
{
    struct writing *w = op->data;
    assert_int_equal(rc, 0);
    w->done++;
}

static void marks_are_kept_until_another_account_comes(void **state)
{
    struct box *x = *state;
    struct writing w = {.done = 0};
    struct store_txn *t;
    struct chat_mark m;
    struct session_mark s;
    struct err e;
    w.op.data = &w;
    message_owner_set(&w.o, "default", "main");
    store_submit(x->store, &w.op, apply, on_done);
    UNTIL(x, w.done == 1);
    assert_int_equal(store_read(x->store, &t, &e), 0);
    assert_int_equal(chat_mark_load(t, &w.o, ANN_LID, &m), 0);
    assert_int_equal(session_mark_load(t, &w.o, &s), 0);
    store_read_end(t);
    assert_int_equal(m.ms, 1);
    assert_int_equal(m.last_ms, 2);
    assert_true(m.partial);
    assert_string_equal(m.last_id, "a\"b");
    assert_string_equal(m.rev, "AA");
    assert_int_equal(m.unread, 3);
    assert_true(m.archived);
    assert_false(m.pinned);
    assert_int_equal(m.muted_until_ms, 4);
    assert_int_equal(s.ms, 5);
    assert_int_equal(s.floor, 6);
    assert_string_equal(s.account, "me@c.us");

    w.erase = true;
    w.max = 1; /* a step at a time: the session's mark first */
    store_submit(x->store, &w.op, apply, on_done);
    UNTIL(x, w.done == 2);
    assert_true(w.more);
    assert_int_equal(store_read(x->store, &t, &e), 0);
    assert_int_equal(chat_mark_load(t, &w.o, ANN_LID, &m), 0);
    assert_int_equal(session_mark_load(t, &w.o, &s), E_NOTFOUND);
    store_read_end(t);
    store_submit(x->store, &w.op, apply, on_done);
    UNTIL(x, w.done == 3);
    assert_false(w.more);
    assert_int_equal(store_read(x->store, &t, &e), 0);
    assert_int_equal(chat_mark_load(t, &w.o, ANN_LID, &m), E_NOTFOUND);
    assert_int_equal(session_mark_load(t, &w.o, &s), E_NOTFOUND);
    store_read_end(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_what_differs_is_opened),
        cmocka_unit_test(a_page_that_holds_less_is_not_taken_for_a_change),
        cmocka_unit_test(what_is_older_than_the_link_is_left_alone),
        cmocka_unit_test_setup_teardown(marks_are_kept_until_another_account_comes, box_setup,
                                        box_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
