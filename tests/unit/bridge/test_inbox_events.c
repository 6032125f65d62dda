/* What the far end tells becomes rows and events, once. */

#include "inbox_fixture.h"

#include "inbox_priv.h"

#define ANN_CONTACT "con_cd4ba22dd822f03288f4" /* from SHA-256 of default/main/<her LID> */

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
        T(nothing_heard_is_lost_at_a_stop),
        T(what_waits_is_bounded_by_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
