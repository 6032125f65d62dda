/* Edits, reactions, deletions and new ids that the far end tells: once, and of nobody else's messages. */

#include "inbox_fixture.h"

#include "inbox_priv.h"

static void change(struct box *x, enum channel_event_kind kind, const char *id, const char *text)
{
    const struct channel_peer ann = {.id = ANN_LID, .phone = ANN_PHONE, .lid = ANN_LID};
    const struct channel_event ev = {.kind = kind,
                                     .chat = ann,
                                     .by = ann,
                                     .message_id = id,
                                     .text = text,
                                     .time_ms = NOW + 5000};
    inbox_event(session_inbox(x->s), &ev);
}

static void changes_are_told_once(void **state)
{
    struct box *x = *state;
    uint64_t before = box_seq(x);
    struct channel_message m = box_message("3AAA01", "helo", NOW);
    box_hear(x, &m);
    change(x, CHANNEL_EDIT, "3AAA01", "hello");
    change(x, CHANNEL_EDIT, "3AAA01", "hello");
    change(x, CHANNEL_REACTION, "3AAA01", "+1");
    change(x, CHANNEL_REACTION, "3AAA01", "+1");
    change(x, CHANNEL_REACTION, "3AAA01", "");
    change(x, CHANNEL_REACTION, "3AAA01", "");
    change(x, CHANNEL_REVOKE, "3AAA01", "");
    change(x, CHANNEL_REVOKE, "3AAA01", "");
    change(x, CHANNEL_EDIT, "3AAA01", "hello"); /* an old one, after it was taken back */
    box_settle(x);
    assert_int_equal(box_seq(x), before + 6);
    json_t *data = box_data(x, before + 2, "message.edited");
    assert_string_equal(json_str(json_obj(data, "message"), "text"), "hello");
    assert_string_equal(json_str(json_obj(data, "message"), "edited_at"),
                        "2026-11-21T11:00:05.000Z");
    assert_string_equal(json_str(data, "message_id"), "3AAA01");
    assert_string_equal(json_str(json_obj(data, "by"), "phone"), ANN_PHONE);
    json_decref(data);
    data = box_data(x, before + 3, "message.reaction");
    assert_string_equal(json_str(data, "message_id"), "3AAA01");
    assert_string_equal(json_str(data, "emoji"), "+1");
    assert_string_equal(json_str(json_obj(data, "chat"), "id"), ANN_LID);
    assert_string_equal(json_str(json_obj(data, "message"), "id"), "3AAA01");
    json_decref(data);
    data = box_data(x, before + 4, "message.reaction");
    assert_string_equal(json_str(data, "emoji"), "");
    json_decref(data);
    data = box_data(x, before + 5, "message.revoked");
    assert_string_equal(json_str(json_obj(data, "message"), "type"), "revoked");
    assert_null(json_object_get(json_obj(data, "message"), "_"));
    json_decref(data);
    json_t *kept = box_get(x, "3AAA01");
    assert_string_equal(json_str(kept, "text"), "");
    assert_null(json_object_get(kept, "_"));
    json_decref(kept);
    json_t *chat = only_chat(x);
    assert_string_equal(json_str(json_obj(chat, "last_message"), "type"), "revoked");
    assert_string_equal(json_str(json_obj(chat, "last_message"), "text"), "");
    json_decref(chat);
}

static void changes_of_unknown_messages_are_told_too(void **state)
{
    struct box *x = *state;
    uint64_t before = box_seq(x);
    change(x, CHANNEL_REACTION, "3AAA09", "+1");
    change(x, CHANNEL_REACTION, "3AAA09", "+1");
    change(x, CHANNEL_EDIT, "3AAA09", "new");
    change(x, CHANNEL_EDIT, "3AAA09", "new");
    box_settle(x);
    assert_int_equal(box_seq(x), before + 3);
    json_t *data = box_data(x, before + 2, "message.edited");
    assert_true(json_is_null(json_object_get(data, "message")));
    assert_string_equal(json_str(data, "text"), "new");
    json_decref(data);
    /* What remembers them is no message. */
    assert_null(box_get(x, "3AAA09"));
    assert_int_equal(count(x, NULL), 0);
    /* The message itself comes late; the reaction is known already. */
    struct channel_message m = box_message("3AAA09", "new", NOW);
    box_hear(x, &m);
    change(x, CHANNEL_REACTION, "3AAA09", "+1");
    box_settle(x);
    assert_int_equal(box_seq(x), before + 5);
    json_decref(box_data(x, before + 4, "message.received"));
    json_t *kept = box_get(x, "3AAA09");
    assert_string_equal(json_str(kept, "timestamp"), "2026-11-21T11:00:00.000Z");
    json_decref(kept);
    assert_int_equal(count(x, NULL), 1);
}

static void a_change_told_under_another_id_of_the_chat_finds_its_message(void **state)
{
    struct box *x = *state;
    const struct channel_peer number = {.id = ANN_PHONE "@c.us"};
    const struct channel_event early = {.kind = CHANNEL_REACTION,
                                        .chat = number,
                                        .by = number,
                                        .message_id = "3AAA09",
                                        .text = "+1",
                                        .time_ms = NOW + 5000};
    inbox_event(session_inbox(x->s), &early);
    struct channel_message m = box_message("3AAA09", "late", NOW); /* under her LID */
    box_hear(x, &m);
    box_settle(x);
    json_t *kept = box_get(x, "3AAA09");
    assert_string_equal(json_str(kept, "text"), "late");
    assert_int_equal(json_array_size(json_arr(kept, "reactions")), 1);
    json_decref(kept);
    assert_int_equal(count(x, NULL), 1);
}

static void a_number_that_goes_to_and_fro_keeps_nobody_out(void **state)
{
    struct box *x = *state;
    const struct channel_peer from[] = {
        {.id = ANN_PHONE "@c.us", .phone = ANN_PHONE},
        {.id = ANN_LID, .lid = ANN_LID, .phone = ANN_PHONE},
        {.id = ANN_LID, .lid = ANN_LID, .phone = "5511933333333"},
    };
    char id[16];
    for (unsigned i = 0; i < 36; i++) {
        (void)snprintf(id, sizeof(id), "3AAB%02u", i);
        struct channel_message m = box_message(id, "x", NOW + i);
        m.chat = m.from = from[i % 3];
        box_hear(x, &m);
    }
    box_settle(x);
    assert_int_equal(count(x, NULL), 36);
}

static void ours_is_told_though_somebody_took_its_id(void **state)
{
    struct box *x = *state;
    const struct channel_peer group = {.id = "123456789@g.us"};
    struct channel_message theirs = box_message("3EB0AB", "the same id", NOW);
    struct channel_message ours = box_message("3EB0AB", "from our phone", NOW + 1000);
    ours.chat = group;
    ours.from_me = true;
    ours.from = (struct channel_peer){.id = "5500000000001@c.us", .phone = "5500000000001"};
    box_hear(x, &theirs);
    box_hear(x, &ours);
    box_settle(x);
    assert_int_equal(count(x, NULL), 2);
}

static void what_changed_unseen_is_told(void **state)
{
    struct box *x = *state;
    uint64_t before = box_seq(x);
    struct channel_message m = box_message("3AAA01", "helo", NOW);
    box_hear(x, &m);
    m.text = "hello"; /* the history shows it as it is now */
    box_hear(x, &m);
    box_hear(x, &m);
    m.type = "revoked";
    m.text = "";
    box_hear(x, &m);
    box_hear(x, &m);
    box_settle(x);
    assert_int_equal(box_seq(x), before + 4);
    json_decref(box_data(x, before + 1, "message.received"));
    json_decref(box_data(x, before + 2, "message.edited"));
    json_decref(box_data(x, before + 3, "message.revoked"));
}

/* Whoever writes chooses the ids of their messages; these chose ids of others. */
static void an_id_of_another_changes_nothing_of_theirs(void **state)
{
    struct box *x = *state;
    uint64_t before = box_seq(x);
    const struct channel_peer eve = {
        .id = "200000000000002@lid", .phone = "5511922222222", .lid = "200000000000002@lid"};
    const struct channel_peer group = {.id = "123456789@g.us"};
    struct channel_message anns = box_message("3AAA01", "from Ann", NOW);
    struct channel_message in_group = box_message("3AAA02", "Ann in the group", NOW + 1000);
    in_group.chat = group;
    struct channel_message ours = box_message("3EB0AA", "from us", NOW + 2000);
    ours.from_me = true;
    ours.from = (struct channel_peer){.id = "5500000000001@c.us", .phone = "5500000000001"};
    box_hear(x, &anns);
    box_hear(x, &in_group);
    box_hear(x, &ours);
    UNTIL(x, box_seq(x) == before + 3);
    /* The same ids again, from somebody else, in the same place or beside it. */
    in_group.from = eve;
    in_group.text = "Eve in the group";
    box_hear(x, &in_group);
    struct channel_message back = box_message("3EB0AA", "not from us", NOW + 3000);
    box_hear(x, &back);
    const struct channel_event changes[] = {
        {.kind = CHANNEL_EDIT, .chat = eve, .by = eve, .message_id = "3AAA01", .text = "forged"},
        {.kind = CHANNEL_REVOKE, .chat = eve, .by = eve, .message_id = "3AAA01", .text = ""},
        {.kind = CHANNEL_REVOKE,
         .chat = anns.chat,
         .by = anns.chat,
         .message_id = "3EB0AA",
         .text = ""},
        {.kind = CHANNEL_EDIT, .chat = group, .by = eve, .message_id = "3AAA02", .text = "forged"},
    };
    for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
        inbox_event(session_inbox(x->s), &changes[i]);
    }
    box_settle(x);
    static const char *const kept[][2] = {
        {"3AAA01", "from Ann"}, {"3AAA02", "Ann in the group"}, {"3EB0AA", "from us"}};
    for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++) {
        json_t *m = box_get(x, kept[i][0]);
        assert_string_equal(json_str(m, "text"), kept[i][1]);
        json_decref(m);
    }
}

static int put_group(struct store_txn *t, struct store_op *op)
{
    const char *text = op->data;
    return store_put(t, STORE_GROUPS, STORE_PATH("default", "main", "123456789@g.us"), text,
                     strlen(text));
}

static void on_group_put(struct store_op *op, int rc)
{
    assert_int_equal(rc, 0);
    op->data = NULL;
}

static void only_admins_take_back_what_others_wrote(void **state)
{
    struct box *x = *state;
    static char record[] = "{\"id\":\"123456789@g.us\",\"participants\":["
                           "{\"id\":\"200000000000002@lid\",\"phone\":\"5511922222222\","
                           "\"lid\":\"200000000000002@lid\",\"admin\":false,\"super\":false},"
                           "{\"id\":\"200000000000003@lid\",\"phone\":\"\","
                           "\"lid\":\"200000000000003@lid\",\"admin\":true,\"super\":false}]}";
    struct store_op op = {.data = record};
    const struct channel_peer group = {.id = "123456789@g.us"};
    const struct channel_peer eve = {.id = "200000000000002@lid", .lid = "200000000000002@lid"};
    const struct channel_peer boss = {.id = "200000000000003@lid", .lid = "200000000000003@lid"};
    store_submit(x->store, &op, put_group, on_group_put);
    UNTIL(x, op.data == NULL);
    uint64_t before = box_seq(x);
    struct channel_message m = box_message("3AAA02", "Ann in the group", NOW);
    m.chat = group;
    box_hear(x, &m);
    UNTIL(x, box_seq(x) == before + 1);
    struct channel_event revoke = {
        .kind = CHANNEL_REVOKE, .chat = group, .by = eve, .message_id = "3AAA02", .text = ""};
    inbox_event(session_inbox(x->s), &revoke);
    box_settle(x);
    json_t *kept = box_get(x, "3AAA02");
    assert_string_equal(json_str(kept, "text"), "Ann in the group");
    json_decref(kept);
    revoke.by = boss;
    inbox_event(session_inbox(x->s), &revoke);
    box_settle(x);
    kept = box_get(x, "3AAA02");
    assert_string_equal(json_str(kept, "type"), "revoked");
    json_decref(kept);
    assert_int_equal(box_seq(x), before + 4); /* a mark of each settling */
}

static void a_chat_that_gets_a_new_id_is_not_told_twice(void **state)
{
    struct box *x = *state;
    uint64_t before = box_seq(x);
    struct channel_message m = box_message("3AAA01", "hi", NOW);
    m.chat = m.from = (struct channel_peer){.id = ANN_PHONE "@c.us"};
    box_hear(x, &m);
    struct channel_message again = box_message("3AAA01", "hi", NOW); /* under her LID */
    box_hear(x, &again);
    box_settle(x);
    assert_int_equal(box_seq(x), before + 3); /* contact.identity is one of them */
    assert_int_equal(count(x, NULL), 1);
    /* The same id from somebody else is another message. */
    again.chat = again.from = (struct channel_peer){.id = "5511922222222@c.us"};
    box_hear(x, &again);
    box_settle(x);
    assert_int_equal(box_seq(x), before + 5);
    assert_int_equal(count(x, NULL), 2);
}

static void ids_that_cannot_be_kept_are_left_out(void **state)
{
    struct box *x = *state;
    uint64_t before = box_seq(x);
    char longest[STORE_MAX_ID + 1], longer[STORE_MAX_ID + 2];
    memset(longest, 'A', sizeof(longest));
    memset(longer, 'B', sizeof(longer));
    longest[sizeof(longest) - 1] = longer[sizeof(longer) - 1] = '\0';
    struct channel_message m = box_message("", "x", NOW);
    box_hear(x, &m);
    m.id = longer;
    box_hear(x, &m);
    m.id = longest;
    m.chat.id = "";
    box_hear(x, &m);
    m.chat.id = ANN_LID;
    box_hear(x, &m);
    box_settle(x);
    assert_int_equal(box_seq(x), before + 2);
    json_t *kept = box_get(x, longest);
    assert_non_null(kept);
    json_decref(kept);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, box_setup, box_teardown)
    const struct CMUnitTest tests[] = {
        T(changes_are_told_once),
        T(changes_of_unknown_messages_are_told_too),
        T(a_change_told_under_another_id_of_the_chat_finds_its_message),
        T(a_number_that_goes_to_and_fro_keeps_nobody_out),
        T(ours_is_told_though_somebody_took_its_id),
        T(what_changed_unseen_is_told),
        T(an_id_of_another_changes_nothing_of_theirs),
        T(only_admins_take_back_what_others_wrote),
        T(a_chat_that_gets_a_new_id_is_not_told_twice),
        T(ids_that_cannot_be_kept_are_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
