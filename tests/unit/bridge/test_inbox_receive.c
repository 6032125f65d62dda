/* Every kind of message and notice becomes the right rows and events, once. */
#include "box_fixture.h"

#define NOW UINT64_C(1795258800000) /* 2026-11-21T11:00:00Z */
#define BOB_LID "200000000000002@lid"

static const struct channel_peer ann = {
    .id = ANN_LID, .phone = ANN_PHONE, .lid = ANN_LID, .name = "Ann"};
static const struct channel_peer team = {.id = "123456789@g.us", .name = "Team"};

static void hear(struct box *x, const struct channel_event *ev)
{
    inbox_event(session_inbox(x->s), ev);
}

static struct channel_event notice(enum channel_event_kind kind, const char *id,
                                   const char *content)
{
    return (struct channel_event){.kind = kind,
                                  .chat = ann,
                                  .by = ann,
                                  .message_id = id,
                                  .text = "",
                                  .content = content,
                                  .time_ms = NOW + 5000};
}

static void contents_join_the_message(void **state)
{
    struct box *x = *state;
    uint64_t before = box_seq(x);
    struct channel_message m = box_message("3AAA01", "hi @200000000000002", NOW);
    m.content = "{\"mentions\":[{\"id\":\"" BOB_LID "\",\"phone\":null,\"lid\":\"" BOB_LID
                "\",\"name\":null},{\"id\":\"" ANN_LID "\",\"phone\":null,\"lid\":null,"
                "\"name\":null}],\"forwarded\":true}";
    box_hear(x, &m);
    UNTIL(x, box_seq(x) == before + 1);
    json_t *data = box_data(x, before + 1, "message.received");
    json_t *mentions = json_arr(data, "mentions");
    assert_int_equal(json_array_size(mentions), 2);
    /* who is known is shown in full, and nobody becomes a contact by being named */
    assert_true(json_is_null(json_object_get(json_array_get(mentions, 0), "contact_id")));
    assert_string_equal(json_str(json_array_get(mentions, 1), "name"), "Ann");
    assert_non_null(json_str(json_array_get(mentions, 1), "contact_id"));
    assert_true(json_is_true(json_object_get(data, "forwarded")));
    json_t *kept = box_get(x, "3AAA01");
    assert_true(json_equal(data, kept));
    json_decref(kept);
    json_decref(data);
}

static void a_placeholder_is_filled_in_where_it_stands(void **state)
{
    struct box *x = *state;
    uint64_t before = box_seq(x);
    struct channel_message m = box_message("3AAA01", "", NOW);
    m.type = "pending";
    box_hear(x, &m);
    struct channel_event react = notice(CHANNEL_REACTION, "3AAA01", "");
    react.text = "+1";
    hear(x, &react);
    m.type = "image";
    m.text = "look";
    m.media.present = true;
    m.media.size_bytes = 7;
    box_hear(x, &m);
    box_hear(x, &m);
    m.type = "pending";
    m.text = "";
    m.media.present = false;
    box_hear(x, &m); /* an old view of it */
    box_settle(x);
    assert_int_equal(box_seq(x), before + 4);
    json_t *first = box_data(x, before + 1, "message.received");
    assert_string_equal(json_str(first, "type"), "pending");
    json_t *data = box_data(x, before + 3, "message.updated");
    assert_string_equal(json_str(data, "id"), "3AAA01");
    assert_string_equal(json_str(data, "type"), "image");
    assert_string_equal(json_str(data, "text"), "look");
    assert_string_equal(json_str(json_obj(data, "media"), "state"), "pending");
    assert_int_equal(json_array_size(json_arr(data, "reactions")), 1);
    assert_string_equal(json_str(data, "received_at"), json_str(first, "received_at"));
    json_decref(data);
    json_decref(first);
}

static void votes_are_kept_with_the_poll(void **state)
{
    struct box *x = *state;
    uint64_t before = box_seq(x);
    struct channel_message m = box_message("3AAA01", "lunch?", NOW);
    m.type = "poll";
    m.content = "{\"poll\":{\"question\":\"lunch?\",\"options\":[\"a\",\"b\"],\"max_choices\":0,"
                "\"votes\":[]}}";
    box_hear(x, &m);
    struct channel_event vote = notice(CHANNEL_VOTE, "3AAA01", "{\"options\":[\"a\"]}");
    hear(x, &vote);
    hear(x, &vote);
    vote.content = "{\"options\":[\"b\"]}";
    vote.time_ms += 1000;
    hear(x, &vote);
    vote.content = "{\"options\":[\"a\"]}"; /* late, of before */
    vote.time_ms -= 500;
    hear(x, &vote);
    box_settle(x);
    assert_int_equal(box_seq(x), before + 4);
    json_t *data = box_data(x, before + 3, "message.vote");
    assert_string_equal(json_string_value(json_array_get(json_arr(data, "options"), 0)), "b");
    assert_string_equal(json_str(json_obj(data, "by"), "phone"), ANN_PHONE);
    json_t *votes = json_arr(json_obj(json_obj(data, "message"), "poll"), "votes");
    assert_int_equal(json_array_size(votes), 1);
    assert_string_equal(json_str(json_array_get(votes, 0), "at"), "2026-11-21T11:00:06.000Z");
    json_decref(data);
    vote.content = "{\"options\":[]}";
    vote.time_ms += 5000;
    hear(x, &vote);
    box_settle(x);
    json_t *kept = box_get(x, "3AAA01");
    assert_int_equal(json_array_size(json_arr(json_obj(kept, "poll"), "votes")), 0);
    json_decref(kept);
}

static void reactions_are_shown(void **state)
{
    struct box *x = *state;
    uint64_t before = box_seq(x);
    struct channel_message m = box_message("3AAA01", "hi", NOW);
    box_hear(x, &m);
    struct channel_event react = notice(CHANNEL_REACTION, "3AAA01", "");
    react.text = "+1";
    hear(x, &react);
    UNTIL(x, box_seq(x) == before + 2);
    json_t *kept = box_get(x, "3AAA01");
    json_t *one = json_array_get(json_arr(kept, "reactions"), 0);
    assert_string_equal(json_str(one, "emoji"), "+1");
    assert_string_equal(json_str(json_obj(one, "by"), "phone"), ANN_PHONE);
    assert_string_equal(json_str(one, "at"), "2026-11-21T11:00:05.000Z");
    json_decref(kept);
    react.text = "";
    react.time_ms += 1;
    hear(x, &react);
    UNTIL(x, box_seq(x) == before + 3);
    kept = box_get(x, "3AAA01");
    assert_null(json_object_get(kept, "reactions"));
    json_decref(kept);
}

/* The history shows messages as they are now. */
static void what_was_added_unseen_is_told(void **state)
{
    struct box *x = *state;
    uint64_t before = box_seq(x);
    struct channel_message m = box_message("3AAA01", "lunch?", NOW);
    m.type = "poll";
    m.content =
        "{\"poll\":{\"question\":\"q\",\"options\":[\"a\"],\"max_choices\":0,\"votes\":[]}}";
    m.reactions = "[{\"by\":{\"id\":\"" ANN_LID "\"},\"emoji\":\"+1\",\"at_ms\":1795258801000},"
                  "{\"by\":{\"id\":\"" BOB_LID "\"},\"emoji\":\"x\",\"at_ms\":1795258801000}]";
    m.votes = "[{\"by\":{\"id\":\"" ANN_LID "\"},\"options\":[\"a\"],\"at_ms\":1795258802000}]";
    box_hear(x, &m);
    box_hear(x, &m);
    box_settle(x);
    assert_int_equal(box_seq(x), before + 5); /* received, two reactions, a vote, the mark */
    m.reactions = "[{\"by\":{\"id\":\"" ANN_LID "\"},\"emoji\":\"+1\",\"at_ms\":1795258801000}]";
    m.votes = "";
    box_hear(x, &m);
    box_hear(x, &m);
    box_settle(x);
    assert_int_equal(box_seq(x), before + 7);
    json_t *data = box_data(x, before + 6, "message.reaction");
    assert_string_equal(json_str(data, "emoji"), "");
    assert_string_equal(json_str(json_obj(data, "by"), "id"), BOB_LID);
    assert_int_equal(json_array_size(json_arr(json_obj(data, "message"), "reactions")), 1);
    json_decref(data);
}

/* The catch-up found it edited; what was told live before, and waited, comes after. */
static void an_old_view_takes_no_edit_back(void **state)
{
    struct box *x = *state;
    uint64_t before = box_seq(x);
    struct channel_message m = box_message("THEIRS1", "third", NOW);
    m.edited_ms = NOW + 9000;
    box_hear(x, &m);
    m.text = "first";
    m.edited_ms = 0;
    box_hear(x, &m);
    struct channel_event edit = notice(CHANNEL_EDIT, "THEIRS1", "");
    edit.text = "second";
    edit.by = edit.chat;
    edit.time_ms = NOW + 5000;
    inbox_event(session_inbox(x->s), &edit);
    edit.text = "fourth";
    edit.time_ms = NOW + 9000; /* whole seconds: it may be the later one */
    inbox_event(session_inbox(x->s), &edit);
    box_settle(x);
    assert_int_equal(box_seq(x), before + 3);
    json_t *data = box_data(x, before + 1, "message.received");
    assert_string_equal(json_str(data, "text"), "third");
    json_decref(data);
    data = box_data(x, before + 2, "message.edited");
    assert_string_equal(json_str(json_obj(data, "message"), "text"), "fourth");
    json_decref(data);
}

static void ours_are_compared_too(void **state)
{
    struct box *x = *state;
    uint64_t before = box_seq(x);
    struct channel_message m = box_message("3EB0AA", "helo", NOW);
    m.from_me = true;
    m.from = (struct channel_peer){.id = "5500000000001@c.us", .phone = "5500000000001"};
    m.ack = 1;
    box_hear(x, &m);
    m.text = "hello"; /* kept in another form, not edited */
    box_hear(x, &m);
    m.edited_ms = NOW + 9000;
    m.reactions = "[{\"by\":{\"id\":\"" ANN_LID "\"},\"emoji\":\"+1\",\"at_ms\":1795258801000}]";
    box_hear(x, &m);
    box_hear(x, &m);
    m.type = "revoked";
    m.revoked_ms = NOW + 10000;
    box_hear(x, &m);
    box_settle(x);
    assert_int_equal(box_seq(x), before + 5);
    json_decref(box_data(x, before + 1, "message.sent"));
    json_t *data = box_data(x, before + 2, "message.edited");
    assert_string_equal(json_str(json_obj(data, "message"), "edited_at"),
                        "2026-11-21T11:00:09.000Z");
    assert_true(json_is_true(json_object_get(data, "from_me")));
    json_decref(data);
    json_decref(box_data(x, before + 3, "message.reaction"));
    data = box_data(x, before + 4, "message.revoked");
    assert_string_equal(json_str(json_obj(data, "message"), "revoked_at"),
                        "2026-11-21T11:00:10.000Z");
    json_decref(data);
}

static void a_call_is_told_once_a_state(void **state)
{
    struct box *x = *state;
    uint64_t before = box_seq(x);
    struct channel_event call =
        notice(CHANNEL_CALL, "CALL1", "{\"video\":true,\"group\":false,\"state\":\"ringing\"}");
    hear(x, &call);
    hear(x, &call);
    call.content = "{\"video\":true,\"group\":false,\"state\":\"missed\"}";
    hear(x, &call);
    hear(x, &call);
    box_settle(x);
    assert_int_equal(box_seq(x), before + 3);
    json_t *data = box_data(x, before + 1, "call.received");
    assert_string_equal(json_str(data, "id"), "CALL1");
    assert_string_equal(json_str(data, "state"), "ringing");
    assert_true(json_is_true(json_object_get(data, "video")));
    assert_string_equal(json_str(json_obj(data, "by"), "phone"), ANN_PHONE);
    json_decref(data);
    data = box_data(x, before + 2, "call.received");
    assert_string_equal(json_str(data, "state"), "missed");
    json_decref(data);
    assert_null(box_get(x, "call:CALL1")); /* what remembers it is no message */
}

static void a_notice_in_a_group_tells_of_its_change(void **state)
{
    struct box *x = *state;
    uint64_t before = box_seq(x);
    struct channel_message m = box_message("3AAA01", "", NOW);
    m.chat = team;
    m.type = "system";
    m.content = "{\"system\":{\"kind\":\"add\",\"participants\":[{\"id\":\"" BOB_LID
                "\",\"phone\":null,\"lid\":\"" BOB_LID "\",\"name\":\"Bob\"}],\"value\":null}}";
    box_hear(x, &m);
    box_hear(x, &m);
    struct channel_event ev = {.kind = CHANNEL_GROUP,
                               .chat = team,
                               .by = ann,
                               .text = "subject",
                               .content = "{\"participants\":[],\"value\":\"New\"}",
                               .time_ms = NOW};
    hear(x, &ev);
    box_settle(x);
    assert_int_equal(box_seq(x), before + 4);
    json_t *data = box_data(x, before + 2, "group.changed");
    assert_string_equal(json_str(data, "kind"), "add");
    assert_string_equal(json_str(json_obj(data, "chat"), "id"), team.id);
    assert_string_equal(json_str(json_obj(data, "by"), "phone"), ANN_PHONE);
    assert_string_equal(json_str(json_array_get(json_arr(data, "participants"), 0), "id"), BOB_LID);
    json_decref(data);
    data = box_data(x, before + 3, "group.changed");
    assert_string_equal(json_str(data, "kind"), "subject");
    assert_string_equal(json_str(data, "value"), "New");
    json_decref(data);
}

static void a_chat_shows_what_the_phone_did(void **state)
{
    struct box *x = *state;
    uint64_t before = box_seq(x);
    struct channel_message m = box_message("3AAA01", "hi", NOW);
    struct channel_event ev =
        notice(CHANNEL_CHAT, NULL, "{\"unread\":1,\"archived\":false,\"pinned\":false}");
    hear(x, &ev); /* no such chat yet */
    box_hear(x, &m);
    hear(x, &ev); /* as we have it */
    ev.content =
        "{\"unread\":0,\"archived\":true,\"pinned\":true,\"muted_until_ms\":4102444800000}";
    hear(x, &ev);
    hear(x, &ev);
    box_settle(x);
    assert_int_equal(box_seq(x), before + 3);
    json_t *data = box_data(x, before + 2, "chat.updated");
    json_t *chat = json_obj(data, "chat");
    assert_int_equal(json_int(chat, "unread_count", -1), 0);
    assert_true(json_is_true(json_object_get(chat, "archived")));
    assert_true(json_is_true(json_object_get(chat, "pinned")));
    assert_string_equal(json_str(chat, "muted_until"), "2100-01-01T00:00:00.000Z");
    assert_string_equal(json_str(json_obj(chat, "last_message"), "id"), "3AAA01");
    json_decref(data);
}

/* How many there are, how many of them in the archive, and unread there; and lists with and without. */
static void assert_archive(struct box *x, int unread, int archived, int archived_unread)
{
    const struct bridge_inbox all = {.tenant = "default"};
    const struct bridge_paging p = {.limit = 10};
    json_t *got = NULL;
    struct err e;
    assert_int_equal(bridge_inbox_facets(x->b, &all, &got, &e), 0);
    const json_t *counts = json_obj(got, "counts");
    assert_int_equal(json_int(counts, "unread", -1), unread);
    assert_int_equal(json_int(counts, "archived", -1), archived);
    assert_int_equal(json_int(counts, "archived_unread", -1), archived_unread);
    json_decref(got);
    for (int in = 0; in < 2; in++) {
        const struct bridge_chat_filter f = {.archived = in ? BRIDGE_YES : BRIDGE_NO};
        assert_int_equal(bridge_inbox_chats(x->b, &all, &f, &p, &got, &e), 0);
        assert_int_equal(json_array_size(json_arr(got, "items")), in ? archived : 1 - archived);
        json_decref(got);
    }
}

static void the_archive_is_counted_apart(void **state)
{
    struct box *x = *state;
    struct channel_message m = box_message("3AAA01", "hi", NOW);
    struct channel_event ev = notice(CHANNEL_CHAT, NULL, "{\"archived\":true}");
    box_hear(x, &m);
    box_settle(x);
    assert_archive(x, 1, 0, 0);
    hear(x, &ev);
    box_settle(x);
    assert_archive(x, 1, 1, 1);
    ev.content = "{\"unread\":0}";
    hear(x, &ev);
    box_settle(x);
    assert_archive(x, 0, 1, 0);
    ev.content = "{\"archived\":false}";
    hear(x, &ev);
    box_settle(x);
    assert_archive(x, 0, 0, 0);
}

static void a_contact_is_told_when_it_changed(void **state)
{
    struct box *x = *state;
    uint64_t before = box_seq(x);
    struct channel_message m = box_message("3AAA01", "hi", NOW);
    box_hear(x, &m);
    struct channel_event ev = notice(CHANNEL_CONTACT, NULL, "{}");
    hear(x, &ev); /* as we know her */
    ev.content = "{\"blocked\":true}";
    hear(x, &ev);
    hear(x, &ev);
    box_settle(x);
    json_t *data = box_data(x, before + 2, "chat.updated");
    assert_true(json_is_true(json_object_get(json_obj(data, "chat"), "blocked")));
    json_decref(data);
    data = box_data(x, before + 3, "contact.updated");
    assert_true(json_is_true(json_object_get(json_obj(data, "contact"), "blocked")));
    json_decref(data);
    assert_int_equal(box_seq(x), before + 4);
}

static void refetch_orders_what_was_not_fetched(void **state)
{
    struct box *x = *state;
    uint64_t before = box_seq(x);
    struct box_answer a = {0};
    struct channel_message m = box_message("3AAA01", "hi", NOW);
    struct channel_message text = box_message("3AAA02", "hi", NOW);
    m.type = "image";
    m.media.present = true;
    box_hear(x, &m);
    box_hear(x, &text);
    UNTIL(x, box_seq(x) == before + 2);
    bridge_message_refetch(x->b, "default", "main", "3AAA01", box_on_answer, &a);
    UNTIL(x, a.count == 1);
    assert_int_equal(a.err.code, 0);
    assert_string_equal(json_str(json_obj(a.body, "media"), "state"), "pending");
    bridge_message_refetch(x->b, "default", "main", "3AAA02", box_on_answer, &a);
    UNTIL(x, a.count == 2);
    assert_string_equal(err_word_of(&a.err), "no_media");
    bridge_message_refetch(x->b, "default", "main", "3AAA09", box_on_answer, &a);
    UNTIL(x, a.count == 3);
    assert_string_equal(err_word_of(&a.err), "unknown_message");
    bridge_message_refetch(x->b, "default", "nobody", "3AAA01", box_on_answer, &a);
    UNTIL(x, a.count == 4);
    assert_string_equal(err_word_of(&a.err), "unknown_session");
    json_decref(a.body);
}

#define T(name) cmocka_unit_test_setup_teardown(name, box_setup, box_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(contents_join_the_message),
        T(a_placeholder_is_filled_in_where_it_stands),
        T(votes_are_kept_with_the_poll),
        T(reactions_are_shown),
        T(what_was_added_unseen_is_told),
        T(an_old_view_takes_no_edit_back),
        T(ours_are_compared_too),
        T(a_call_is_told_once_a_state),
        T(a_notice_in_a_group_tells_of_its_change),
        T(a_chat_shows_what_the_phone_did),
        T(the_archive_is_counted_apart),
        T(a_contact_is_told_when_it_changed),
        T(refetch_orders_what_was_not_fetched),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
