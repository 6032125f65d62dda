/* What the far end tells becomes rows and events, once. */
#include "box_fixture.h"

#include "inbox_priv.h"

#define NOW UINT64_C(1795258800000) /* 2026-11-21T11:00:00Z */

static json_t *list(struct box *x, const struct bridge_message_filter *f, unsigned limit,
                    const char *cursor)
{
    const struct bridge_paging p = {.limit = limit, .cursor = cursor};
    json_t *page = NULL;
    struct err e;
    assert_int_equal(bridge_message_list(x->b, "default", "main", f, &p, &page, &e), 0);
    return page;
}

static size_t count(struct box *x, const struct bridge_message_filter *f)
{
    json_t *page = list(x, f, 500, "");
    size_t n = json_array_size(json_arr(page, "items"));
    json_decref(page);
    return n;
}

#define ANN_CONTACT "con_cd4ba22dd822f03288f4" /* from SHA-256 of default/main/<her LID> */

static json_t *only_chat(struct box *x)
{
    const struct bridge_paging p = {.limit = 50, .cursor = ""};
    json_t *page = NULL;
    struct err e;
    assert_int_equal(bridge_chat_list(x->b, "default", "main", &p, &page, &e), 0);
    assert_int_equal(json_array_size(json_arr(page, "items")), 1);
    json_t *chat = json_incref(json_array_get(json_arr(page, "items"), 0));
    json_decref(page);
    return chat;
}

static void a_message_is_told_once(void **state)
{
    struct box *x = *state;
    struct channel_message m = box_message("3AAA01", "ol\xc3\xa1 \"you\"", NOW);
    uint64_t before = box_seq(x);
    box_hear(x, &m);
    box_hear(x, &m);
    UNTIL(x, box_seq(x) == before + 1);
    json_t *data = box_data(x, before + 1, "message.received");
    json_t *kept = box_get(x, "3AAA01");
    assert_true(json_equal(data, kept));
    assert_int_equal(json_object_del(kept, "received_at"), 0);
    char *text = json_dumps(kept, JSON_COMPACT);
    assert_string_equal(
        text, "{\"id\":\"3AAA01\",\"session\":\"main\",\"chat\":{\"id\":\"" ANN_LID
              "\",\"type\":\"user\",\"phone\":\"" ANN_PHONE "\",\"lid\":\"" ANN_LID
              "\",\"name\":\"Ann\",\"contact_id\":\"" ANN_CONTACT "\"},\"from\":{\"id\":\"" ANN_LID
              "\",\"phone\":\"" ANN_PHONE "\",\"lid\":\"" ANN_LID
              "\",\"name\":\"Ann\",\"contact_id\":\"" ANN_CONTACT "\"},\"direction\":\"in\",\"type\":\"text\","
              "\"text\":\"ol\xc3\xa1 \\\"you\\\"\",\"status\":null,\"status_history\":[],"
              "\"error\":null,\"quoted\":null,\"media\":null,"
              "\"timestamp\":\"2026-11-21T11:00:00.000Z\",\"backfill\":false,\"source\":null,"
              "\"metadata\":null}");
    free(text);
    json_decref(kept);
    json_decref(data);
    box_settle(x);
    assert_int_equal(box_seq(x), before + 2);
    json_t *chat = only_chat(x);
    assert_int_equal(json_int(chat, "unread_count", -1), 1);
    assert_string_equal(json_str(json_obj(chat, "last_message"), "id"), "3AAA01");
    json_decref(chat);
}

static void a_person_is_one_under_number_and_lid(void **state)
{
    struct box *x = *state;
    uint64_t before = box_seq(x);
    struct channel_message by_number = box_message("3AAA01", "one", NOW);
    by_number.chat = by_number.from = (struct channel_peer){.id = ANN_PHONE "@c.us"};
    struct channel_message by_lid = box_message("3AAA02", "two", NOW + 1000);
    struct channel_message lid_only = box_message("3AAA03", "three", NOW + 2000);
    lid_only.chat = lid_only.from = (struct channel_peer){.id = ANN_LID};
    box_hear(x, &by_number);
    box_hear(x, &by_lid);
    box_hear(x, &lid_only);
    UNTIL(x, box_seq(x) == before + 4); /* contact.identity with the second */
    /* What the page left out is known by now. */
    json_t *m = box_get(x, "3AAA03");
    assert_string_equal(json_str(json_obj(m, "chat"), "phone"), ANN_PHONE);
    assert_string_equal(json_str(json_obj(m, "from"), "name"), "Ann");
    json_decref(m);
    static const char *const names[] = {ANN_PHONE, "+55 11 98888-7777", ANN_PHONE "@c.us", ANN_LID};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        const struct bridge_message_filter f = {.chat = names[i]};
        assert_int_equal(count(x, &f), 3);
    }
    const struct bridge_paging p = {.limit = 50, .cursor = ""};
    struct err e;
    json_t *page = NULL;
    assert_int_equal(bridge_contact_list(x->b, "default", "main", NULL, &p, &page, &e), 0);
    assert_int_equal(json_array_size(json_arr(page, "items")), 1);
    assert_true(json_is_null(json_object_get(page, "next_cursor")));
    json_decref(page);
    assert_int_equal(bridge_contact_list(x->b, "default", "main", "aNN", &p, &page, &e), 0);
    assert_int_equal(json_array_size(json_arr(page, "items")), 1);
    json_decref(page);
    assert_int_equal(bridge_contact_list(x->b, "default", "main", "bob", &p, &page, &e), 0);
    assert_int_equal(json_array_size(json_arr(page, "items")), 0);
    json_decref(page);
}

static void a_number_that_changes_hands_is_a_new_person(void **state)
{
    struct box *x = *state;
    uint64_t before = box_seq(x);
    struct channel_message old = box_message("3AAA01", "I am Ann", NOW);
    struct channel_message new = box_message("3AAA02", "I am Eve", NOW + 1000);
    new.chat = new.from = (struct channel_peer){.id = "200000000000002@lid",
                                                .phone = ANN_PHONE,
                                                .lid = "200000000000002@lid",
                                                .name = "Eve"};
    box_hear(x, &old);
    box_hear(x, &new);
    UNTIL(x, box_seq(x) == before + 2);
    struct bridge_message_filter f = {.chat = ANN_PHONE};
    json_t *page = list(x, &f, 50, "");
    assert_int_equal(json_array_size(json_arr(page, "items")), 1);
    assert_string_equal(json_str(json_array_get(json_arr(page, "items"), 0), "text"), "I am Eve");
    json_decref(page);
    f.chat = ANN_LID;
    assert_int_equal(count(x, &f), 1);
}

static void ours_from_the_phone(void **state)
{
    struct box *x = *state;
    uint64_t before = box_seq(x);
    struct channel_message in = box_message("3AAA01", "hi", NOW);
    struct channel_message out = box_message("3EB0FF", "from the phone", NOW + 1000);
    out.from_me = true;
    out.from = (struct channel_peer){.id = "5500000000001@c.us", .phone = "5500000000001"};
    out.ack = 1;
    box_hear(x, &in);
    box_hear(x, &out);
    UNTIL(x, box_seq(x) == before + 2);
    json_t *data = box_data(x, before + 2, "message.sent");
    assert_string_equal(json_str(data, "direction"), "out");
    assert_string_equal(json_str(data, "source"), "phone");
    assert_string_equal(json_str(data, "status"), "sent");
    assert_string_equal(json_str(json_obj(data, "from"), "phone"), "5500000000001");
    json_decref(data);
    json_t *chat = only_chat(x);
    assert_int_equal(json_int(chat, "unread_count", -1), 0); /* who answers has read */
    json_decref(chat);
    /* Told again with a better ack, as after a reload: a status, not a second message. */
    out.ack = 3;
    box_hear(x, &out);
    UNTIL(x, box_seq(x) == before + 3);
    data = box_data(x, before + 3, "message.status");
    assert_string_equal(json_str(data, "status"), "read");
    json_decref(data);
}

static void media_waits_to_be_fetched(void **state)
{
    struct box *x = *state;
    uint64_t before = box_seq(x);
    struct channel_message m = box_message("3AAA01", "look", NOW);
    m.type = "image";
    m.media.present = true;
    m.media.mimetype = "image/jpeg";
    m.media.size_bytes = 12345;
    box_hear(x, &m);
    UNTIL(x, box_seq(x) == before + 1);
    json_t *kept = box_get(x, "3AAA01");
    char *media = json_dumps(json_object_get(kept, "media"), JSON_COMPACT);
    assert_string_equal(media, "{\"state\":\"pending\",\"mimetype\":\"image/jpeg\","
                               "\"filename\":null,\"size_bytes\":12345,\"sha256\":null,"
                               "\"url\":null,\"width\":null,\"height\":null,\"duration_s\":null}");
    assert_string_equal(json_str(kept, "text"), "look");
    free(media);
    json_decref(kept);
}

static void a_reply_shows_what_it_answers(void **state)
{
    struct box *x = *state;
    uint64_t before = box_seq(x);
    struct channel_message first = box_message("3AAA01", "question", NOW);
    struct channel_message reply = box_message("3AAA02", "answer", NOW + 1000);
    struct channel_message lost = box_message("3AAA03", "answer", NOW + 2000);
    reply.quoted_id = "3AAA01";
    lost.quoted_id = "3AAA00";
    box_hear(x, &first);
    box_hear(x, &reply);
    box_hear(x, &lost);
    UNTIL(x, box_seq(x) == before + 3);
    json_t *m = box_get(x, "3AAA02");
    assert_string_equal(json_str(json_obj(m, "quoted"), "id"), "3AAA01");
    assert_string_equal(json_str(json_obj(m, "quoted"), "text"), "question");
    json_decref(m);
    m = box_get(x, "3AAA03");
    assert_string_equal(json_str(json_obj(m, "quoted"), "id"), "3AAA00");
    assert_null(json_object_get(json_obj(m, "quoted"), "text"));
    json_decref(m);
}

/* ---- changes ------------------------------------------------------------------------------------
 */

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

/* ---- lists
 * ------------------------------------------------------------------------------------------- */

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

/* What was heard is on disk when the bridge has closed, even without waiting for it. */
static void nothing_heard_is_lost_at_a_stop(void **state)
{
    struct box *x = *state;
    uint64_t before = box_seq(x);
    char id[16];
    for (unsigned i = 0; i < 500; i++) {
        (void)snprintf(id, sizeof(id), "3AAA%03u", i);
        struct channel_message m = box_message(id, "x", NOW + i);
        box_hear(x, &m);
    }
    box_close(x);
    box_open(x);
    assert_int_equal(count(x, NULL), 500);
    assert_int_equal(box_seq(x), before + 500);
}

/* Few but large events fill memory as well as many do. */
static void what_waits_is_bounded_by_bytes(void **state)
{
    struct box *x = *state;
    struct inbox *i = session_inbox(x->s);
    static char text[60001];
    char id[16];
    unsigned n = 0;
    memset(text, 'x', sizeof(text) - 1);
    inbox_hold(i);
    for (; n < INBOX_HELD_MAX && !i->overflow; n++) {
        (void)snprintf(id, sizeof(id), "3AAA%04u", n);
        const struct channel_message m = box_message(id, text, NOW);
        box_hear(x, &m);
    }
    assert_true(i->overflow);
    assert_int_equal(i->held_count, n - 1); /* the last was dropped */
    assert_true(i->held_bytes >= INBOX_BYTES_MAX);
    assert_true(i->held_bytes < INBOX_BYTES_MAX + 2 * sizeof(text));
    inbox_release(i, true);
    UNTIL(x, i->held_count == 0 && i->ops == 0);
    assert_int_equal(i->held_bytes, 0);
    assert_int_equal(i->ops_bytes, 0);
    const struct bridge_message_filter f = {.chat = ANN_LID};
    assert_int_equal(count(x, &f), n - 1 < 500 ? n - 1 : 500);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, box_setup, box_teardown)
    const struct CMUnitTest tests[] = {
        T(a_message_is_told_once),
        T(a_person_is_one_under_number_and_lid),
        T(a_number_that_changes_hands_is_a_new_person),
        T(ours_from_the_phone),
        T(media_waits_to_be_fetched),
        T(a_reply_shows_what_it_answers),
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
        T(lists_are_filtered_and_paged),
        T(chats_are_paged_newest_first),
        T(cursors_are_checked),
        T(nothing_heard_is_lost_at_a_stop),
        cmocka_unit_test_setup_teardown(what_waits_is_bounded_by_bytes, box_setup, box_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
