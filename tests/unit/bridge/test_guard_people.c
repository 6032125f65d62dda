/* Opt-outs, the 24-hour window and rules on content, on a bridge whose session is not ready: what
 * people write comes in, what we want to send is refused or queued. */
#include "box_fixture.h"
#include "guard.h"

#define HOUR_MS UINT64_C(3600000)
#define ANN_JID ANN_PHONE "@c.us"
#define BOB_PHONE "5511977776666"

static uint64_t now(void)
{
    return clock_wall_ms() / 1000 * 1000; /* the far end counts seconds */
}

/* Somebody writes; all that follows from it is told when this returns. */
static void hear_from(struct box *x, const struct channel_peer *who, const char *id,
                      const char *text, uint64_t ms)
{
    struct channel_message m = box_message(id, text, ms);
    m.chat = m.from = *who;
    box_hear(x, &m);
    box_settle(x);
}

static void hear(struct box *x, const char *id, const char *text, uint64_t ms)
{
    const struct channel_peer ann = {
        .id = ANN_LID, .phone = ANN_PHONE, .lid = ANN_LID, .name = "Ann"};
    hear_from(x, &ann, id, text, ms);
}

/* The code of the refusal, "" when it was accepted. */
static const char *send_what(struct box *x, const struct bridge_send *send)
{
    static char code[48];
    struct box_answer a = {0};
    bridge_send(x->b, send, box_on_answer, &a);
    UNTIL(x, a.count == 1);
    (void)snprintf(code, sizeof(code), "%s", a.err.code != 0 ? err_word_of(&a.err) : "");
    json_decref(a.body);
    return code;
}

static const char *send_body(struct box *x, const char *text)
{
    json_t *body = json_loads(text, 0, NULL);
    assert_non_null(body);
    const struct bridge_send send = {.tenant = "default", .session = "main", .body = body};
    const char *code = send_what(x, &send);
    json_decref(body);
    return code;
}

static const char *send_to(struct box *x, const char *to)
{
    char body[256];
    (void)snprintf(body, sizeof(body), "{\"to\":\"%s\",\"text\":\"hello\"}", to);
    return send_body(x, body);
}

typedef void (*put_fn)(struct bridge *b, const char *tenant, const json_t *body,
                       bridge_done_fn done, void *arg);

static const char *put(struct box *x, put_fn fn, const char *text, json_t **out)
{
    static char code[48];
    struct box_answer a = {0};
    json_t *body = json_loads(text, 0, NULL);
    assert_non_null(body);
    fn(x->b, "default", body, box_on_answer, &a);
    UNTIL(x, a.count == 1);
    (void)snprintf(code, sizeof(code), "%s", a.err.code != 0 ? err_word_of(&a.err) : "");
    if (out != NULL) {
        *out = json_incref(a.body);
    }
    json_decref(a.body);
    json_decref(body);
    return code;
}

/* The opt-out of that number; gives, NULL: none. */
static json_t *opt_out(struct box *x, const char *phone)
{
    struct err e;
    json_t *o = NULL;
    int rc = bridge_opt_out_get(x->b, "default", phone, &o, &e);
    if (rc != 0) {
        assert_string_equal(err_word_of(&e), "unknown_opt_out");
    }
    return o;
}

static bool is_out(struct box *x, const char *phone)
{
    json_t *o = opt_out(x, phone);
    json_decref(o);
    return o != NULL;
}

static size_t listed(struct box *x)
{
    const struct bridge_paging p = {.limit = 2, .cursor = ""};
    struct bridge_paging at = p;
    char cursor[600] = "";
    size_t n = 0;
    bool more = true;
    while (more) {
        struct err e;
        json_t *page = NULL;
        at.cursor = cursor;
        assert_int_equal(bridge_opt_out_list(x->b, "default", &at, &page, &e), 0);
        n += json_array_size(json_arr(page, "items"));
        const char *next = json_str(page, "next_cursor");
        more = next != NULL;
        (void)snprintf(cursor, sizeof(cursor), "%s", more ? next : "");
        json_decref(page);
    }
    return n;
}

/* How many events of that type there are; the last one's data in *out (may be NULL). Gives. */
static size_t told(struct box *x, const char *type, json_t **out)
{
    size_t n = 0;
    for (uint64_t seq = 1; seq <= box_seq(x); seq++) {
        json_t *event = box_event(x, seq);
        if (strcmp(json_str_or(event, "type", ""), type) == 0) {
            n++;
            if (out != NULL) {
                json_decref(*out);
                *out = json_incref(json_obj(event, "data"));
            }
        }
        json_decref(event);
    }
    return n;
}

static void who_says_stop_is_left_alone(void **state)
{
    struct box *x = *state;
    json_t *data = NULL;
    hear(x, "A1", "hello", now());
    assert_string_equal(send_to(x, ANN_PHONE), "");
    hear(x, "A2", "ＳＴＯＰ!", now());
    assert_int_equal(told(x, "contact.opted_out", &data), 1);
    const json_t *o = json_obj(data, "opt_out");
    assert_string_equal(json_str(o, "phone"), ANN_PHONE);
    assert_string_equal(json_str(o, "lid"), ANN_LID);
    assert_string_equal(json_str(o, "source"), "message");
    assert_string_equal(json_str(o, "session"), "main");
    assert_string_equal(json_str(o, "text"), "ＳＴＯＰ!");
    assert_non_null(json_str(o, "contact_id"));
    json_decref(data);
    assert_string_equal(send_to(x, ANN_PHONE), "opted_out");
    assert_string_equal(send_to(x, ANN_LID), "opted_out");
    assert_string_equal(send_to(x, "120363000000000001@g.us"), ""); /* groups are another matter */
    assert_string_equal(send_body(x, "{\"reaction\":{\"message_id\":\"A1\",\"emoji\":\"👍\"}}"),
                        "opted_out");
    hear(x, "A3", "stop", now()); /* once is enough */
    assert_int_equal(told(x, "contact.opted_out", NULL), 1);
    hear(x, "A4", "a question, though", now());
    assert_string_equal(send_to(x, ANN_PHONE), "");
    assert_true(is_out(x, ANN_PHONE));
    hear(x, "A5", "Stop.", now());
    assert_string_equal(send_to(x, ANN_PHONE), "opted_out");
    hear(x, "A6", "START", now());
    assert_int_equal(told(x, "contact.opted_in", NULL), 1);
    assert_string_equal(send_to(x, ANN_PHONE), "");
    assert_false(is_out(x, ANN_PHONE));
    assert_int_equal(listed(x), 0);
}

static void a_restart_keeps_it(void **state)
{
    struct box *x = *state;
    hear(x, "A1", "unsubscribe", now());
    assert_string_equal(put(x, bridge_guards_put, "{\"max_text_length\":3}", NULL), "");
    box_close(x);
    box_open(x);
    assert_true(is_out(x, ANN_LID));
    assert_string_equal(send_body(x, "{\"to\":\"" BOB_PHONE "\",\"text\":\"four\"}"),
                        "text_too_long");
    assert_string_equal(put(x, bridge_guards_put, "{\"max_text_length\":null}", NULL), "");
    assert_string_equal(send_to(x, ANN_PHONE), "opted_out");
}

static void old_words_do_not_undo_newer_ones(void **state)
{
    struct box *x = *state;
    hear(x, "A1", "stop", now() - 2 * HOUR_MS);
    assert_true(is_out(x, ANN_PHONE));
    hear(x, "A2", "start", now() - 3 * HOUR_MS); /* found late */
    assert_true(is_out(x, ANN_PHONE));
    hear(x, "A3", "words", now() - 4 * HOUR_MS); /* before the wish: nothing to reply to */
    assert_string_equal(send_to(x, ANN_PHONE), "opted_out");
    hear(x, "A4", "start", now() - HOUR_MS);
    assert_false(is_out(x, ANN_PHONE));
    hear(x, "A5", "stop", now() - 90 * 60000);
    assert_false(is_out(x, ANN_PHONE));
}

/* A wish under a hidden number holds for the number when that is learnt, and the other way round.
 */
static void one_person_has_one_wish(void **state)
{
    struct box *x = *state;
    const struct channel_peer hidden = {.id = ANN_LID, .lid = ANN_LID};
    const struct channel_peer both = {.id = ANN_LID, .lid = ANN_LID, .phone = ANN_PHONE};
    hear_from(x, &hidden, "A1", "sair", now());
    assert_true(is_out(x, ANN_LID));
    assert_string_equal(send_to(x, ANN_PHONE), ""); /* nobody knows that it is hers */
    const struct channel_event reaction = {.kind = CHANNEL_CONTACT, .chat = both};
    inbox_event(session_inbox(x->s), &reaction);
    box_settle(x);
    assert_true(is_out(x, ANN_PHONE));
    assert_string_equal(send_to(x, ANN_PHONE), "opted_out");
    assert_int_equal(listed(x), 1);
    hear_from(x, &both, "A2", "hello?", now());
    assert_string_equal(send_to(x, ANN_PHONE), "");

    const struct channel_peer bob_number = {.id = BOB_PHONE "@c.us"};
    const struct channel_peer bob = {
        .id = "200000000000002@lid", .phone = BOB_PHONE, .lid = "200000000000002@lid"};
    hear_from(x, &bob_number, "B1", "baja", now());
    hear_from(x, &bob, "B2", "baja", now());
    assert_true(is_out(x, "200000000000002@lid"));
    assert_int_equal(listed(x), 2);
    assert_string_equal(send_to(x, "200000000000002@lid"), "opted_out");
}

static void the_list_is_kept_by_hand_too(void **state)
{
    struct box *x = *state;
    struct box_answer a = {0};
    json_t *body = json_pack("{s:s}", "reason", "asked by phone"), *answer = NULL;
    bridge_opt_out_put(x->b, "default", "+55 11 98888-7777", body, box_on_answer, &a);
    UNTIL(x, a.count == 1);
    assert_int_equal(a.err.code, 0);
    assert_string_equal(json_str(a.body, "phone"), ANN_PHONE);
    assert_string_equal(json_str(a.body, "source"), "api");
    assert_string_equal(json_str(a.body, "reason"), "asked by phone");
    assert_string_equal(send_to(x, ANN_PHONE), "opted_out");
    hear(x, "A1", "but here I am", now() + 1000);
    assert_string_equal(send_to(x, ANN_PHONE), ""); /* they wrote since */
    assert_string_equal(
        put(x, bridge_opt_out_import,
            "{\"phones\":[\"" ANN_PHONE "\",\"" BOB_PHONE "\",\"12\",\"5511966665555\"]}", &answer),
        "");
    assert_int_equal(json_int(answer, "added", 0), 2);
    assert_int_equal(json_int(answer, "known", 0), 1);
    assert_int_equal(json_array_size(json_arr(answer, "invalid")), 1);
    json_decref(answer);
    assert_int_equal(listed(x), 3);
    bridge_opt_out_delete(x->b, "default", ANN_LID, box_on_answer, &a); /* the same person */
    UNTIL(x, a.count == 2);
    assert_int_equal(a.err.code, 0);
    assert_int_equal(listed(x), 2);
    bridge_opt_out_delete(x->b, "default", ANN_PHONE, box_on_answer, &a);
    UNTIL(x, a.count == 3);
    assert_string_equal(err_word_of(&a.err), "unknown_opt_out");
    bridge_opt_out_put(x->b, "default", "120363000000000001@g.us", NULL, box_on_answer, &a);
    UNTIL(x, a.count == 4);
    assert_string_equal(err_word_of(&a.err), "invalid_phone");
    bridge_opt_out_put(x->b, "nobody", ANN_PHONE, NULL, box_on_answer, &a);
    UNTIL(x, a.count == 5);
    assert_string_equal(err_word_of(&a.err), "unknown_tenant");
    assert_string_equal(put(x, bridge_opt_out_import, "{\"phones\":[]}", NULL), "invalid_request");
    json_decref(a.body);
    json_decref(body);
}

/* The texts of ours that wait in the queue with that source. */
static size_t queued(struct box *x, const char *source)
{
    const struct bridge_paging p = {.limit = 50, .cursor = ""};
    const struct bridge_message_filter f = {.direction = "out"};
    json_t *page = NULL;
    struct err e;
    size_t n = 0;
    assert_int_equal(bridge_message_list(x->b, "default", "main", &f, &p, &page, &e), 0);
    const json_t *items = json_arr(page, "items");
    for (size_t i = 0; i < json_array_size(items); i++) {
        n += strcmp(json_str_or(json_array_get(items, i), "source", ""), source) == 0;
    }
    json_decref(page);
    return n;
}

static void a_wish_is_confirmed_once(void **state)
{
    struct box *x = *state;
    hear(x, "A0", "stop", now());
    assert_int_equal(queued(x, "opt_out"), 0); /* nobody said what to say */
    assert_string_equal(put(x, bridge_guards_put,
                            "{\"opt_out\":{\"reply\":\"You will not hear from us.\","
                            "\"keywords\":[\"Chega\"],\"languages\":[\"en\"]}}",
                            NULL),
                        "");
    hear(x, "A1", "start", now());
    hear(x, "A2", "chega!", now());
    assert_true(is_out(x, ANN_PHONE));
    assert_int_equal(queued(x, "opt_out"), 1);
    hear(x, "A3", "stop", now());
    hear(x, "A4", "start", now());
    hear(x, "A5", "stop", now()); /* two machines that talk to each other */
    assert_int_equal(queued(x, "opt_out"), 1);
    const struct channel_peer bob = {.id = BOB_PHONE "@c.us"};
    hear_from(x, &bob, "B1", "baja", now());
    assert_false(is_out(x, BOB_PHONE)); /* Spanish is not listened for */
    assert_string_equal(put(x, bridge_guards_put, "{\"opt_out\":{\"enabled\":false}}", NULL), "");
    hear_from(x, &bob, "B2", "stop", now());
    assert_false(is_out(x, BOB_PHONE));
    assert_string_equal(send_to(x, ANN_PHONE), "opted_out"); /* the list holds */
}

/* ---- the window --------------------------------------------------------------------------------
 */

static void a_window_is_open_for_a_day(void **state)
{
    (void)state;
    const uint64_t in = UINT64_C(1795258800000);
    assert_false(window_is_open(0, in));
    assert_true(window_is_open(in, in));
    assert_true(window_is_open(in, in + WINDOW_MS - 1));
    assert_false(window_is_open(in, in + WINDOW_MS));
    assert_true(window_is_open(in, in - 60000));        /* our clock is a little late */
    assert_false(window_is_open(in, in - 2 * HOUR_MS)); /* it was set back */
}

static json_t *window_of(struct box *x, const char *chat, char expires[40])
{
    struct err e;
    json_t *row = NULL;
    assert_int_equal(bridge_chat_get(x->b, "default", "main", chat, &row, &e), 0);
    json_t *w = json_incref(json_object_get(row, "window"));
    assert_non_null(w);
    (void)snprintf(expires, 40, "%s", json_str_or(w, "expires_at", ""));
    json_decref(row);
    return w;
}

static void the_window_is_shown(void **state)
{
    struct box *x = *state;
    char at[40], want[CLOCK_RFC3339_LEN];
    const uint64_t t = now();
    hear(x, "A1", "long ago", t - 30 * HOUR_MS);
    json_t *w = window_of(x, ANN_PHONE, at);
    assert_false(json_flag(w, "open", true));
    json_decref(w);
    hear(x, "A2", "lately", t - HOUR_MS);
    hear(x, "A3", "found late", t - 5 * HOUR_MS);
    w = window_of(x, ANN_PHONE, at);
    assert_true(json_flag(w, "open", false));
    clock_rfc3339(t + 23 * HOUR_MS, want);
    assert_string_equal(at, want);
    json_decref(w);
    hear(x, "A4", "from the future", t + 40 * HOUR_MS); /* counts as now */
    w = window_of(x, ANN_PHONE, at);
    assert_true(json_flag(w, "open", false));
    clock_rfc3339(clock_wall_ms() + 24 * HOUR_MS + 1000, want);
    assert_true(strcmp(at, want) <= 0);
    json_decref(w);

    struct err e;
    const struct bridge_paging p = {.limit = 10, .cursor = ""};
    json_t *page = NULL;
    assert_int_equal(bridge_contact_list(x->b, "default", "main", "ann", &p, &page, &e), 0);
    const json_t *contact = json_array_get(json_arr(page, "items"), 0);
    assert_true(json_flag(json_obj(contact, "window"), "open", false));
    json_decref(page);
    assert_string_equal(send_to(x, BOB_PHONE), "");
    w = window_of(x, BOB_PHONE, at);
    assert_false(json_flag(w, "open", true)); /* they never wrote */
    assert_string_equal(at, "");
    json_decref(w);
}

/* ---- rules -------------------------------------------------------------------------------------
 */

#define RULES                                                                                      \
    "{\"max_text_length\":40,\"forbidden\":[{\"pattern\":\"casino\",\"kind\":\"word\","            \
    "\"reason\":\"no gambling\"},{\"pattern\":\"\\\\d{3}-\\\\d{4}\",\"kind\":\"regex\"}]}"
#define TO_BOB "{\"to\":\"" BOB_PHONE "\","

static void what_is_forbidden_is_not_stored(void **state)
{
    struct box *x = *state;
    json_t *shown = NULL;
    assert_string_equal(send_body(x, TO_BOB "\"text\":\"a casino\"}"), "");
    assert_string_equal(put(x, bridge_guards_put, RULES, &shown), "");
    assert_int_equal(json_int(shown, "max_text_length", 0), 40);
    assert_int_equal(json_array_size(json_arr(shown, "forbidden")), 2);
    assert_true(json_flag(json_obj(shown, "opt_out"), "enabled", false));
    json_decref(shown);
    const uint64_t before = box_seq(x);
    assert_string_equal(send_body(x, TO_BOB "\"text\":\"a CASINO\"}"), "forbidden_content");
    assert_string_equal(send_body(x, TO_BOB "\"text\":\"call 555-1234\"}"), "forbidden_content");
    assert_string_equal(
        send_body(x, TO_BOB "\"text\":\"01234567890123456789012345678901234567890\"}"),
        "text_too_long");
    assert_string_equal(
        send_body(x,
                  TO_BOB "\"poll\":{\"question\":\"where?\",\"options\":[\"home\",\"casino\"]}}"),
        "forbidden_content");
    assert_string_equal(send_body(x, TO_BOB "\"location\":{\"latitude\":1,\"longitude\":2,"
                                            "\"name\":\"Casino\"}}"),
                        "forbidden_content");
    assert_string_equal(send_body(x, TO_BOB "\"contacts\":[{\"name\":\"The Casino\",\"phones\":"
                                            "[\"5511900000000\"]}]}"),
                        "forbidden_content");
    assert_string_equal(send_body(x, TO_BOB "\"document\":{\"base64\":\"aGVsbG8=\",\"filename\":"
                                            "\"casino.txt\"}}"),
                        "forbidden_content");
    assert_string_equal(send_body(x, TO_BOB "\"document\":{\"base64\":\"aGVsbG8=\",\"caption\":"
                                            "\"the casino\"}}"),
                        "forbidden_content");
    static const char *const tried[][2] = {{"{\"text\":\"a CASINO\"}", "forbidden_content"},
                                           {"{\"text\":\"call 555-1234\"}", "forbidden_content"},
                                           {"{\"text\":\"casinos\"}", NULL}};
    for (size_t i = 0; i < 3; i++) {
        assert_string_equal(put(x, bridge_guards_try, tried[i][0], &shown), "");
        assert_int_equal(json_flag(shown, "allowed", false), tried[i][1] == NULL);
        assert_int_equal(json_str(shown, "code") == NULL, tried[i][1] == NULL);
        json_decref(shown);
    }
    assert_string_equal(put(x, bridge_guards_try, "{}", NULL), "invalid_request");
    assert_int_equal(box_seq(x), before);
    assert_string_equal(send_body(x, TO_BOB "\"document\":{\"base64\":\"aGVsbG8=\",\"filename\":"
                                            "\"a.txt\"}}"),
                        "");
    assert_string_equal(send_body(x, TO_BOB "\"text\":\"casinos\"}"), "");
}

static void edits_and_forwards_are_looked_at(void **state)
{
    struct box *x = *state;
    struct channel_message m = box_message("OURS", "words", now());
    m.from_me = true;
    m.ack = 1;
    box_hear(x, &m);
    hear(x, "THEIRS", "see you at the casino", now());
    assert_string_equal(put(x, bridge_guards_put, RULES, NULL), "");
    json_t *body = json_pack("{s:s}", "text", "to the casino");
    const struct bridge_send edit = {.tenant = "default",
                                     .session = "main",
                                     .what = BRIDGE_SEND_EDIT,
                                     .message_id = "OURS",
                                     .body = body};
    assert_string_equal(send_what(x, &edit), "forbidden_content");
    json_decref(body);
    const struct bridge_send revoke = {
        .tenant = "default", .session = "main", .what = BRIDGE_SEND_REVOKE, .message_id = "OURS"};
    assert_string_equal(send_what(x, &revoke), "");
    assert_string_equal(send_body(x, TO_BOB "\"forward\":{\"message_id\":\"THEIRS\"}}"),
                        "forbidden_content");
    assert_string_equal(send_body(x, TO_BOB "\"forward\":{\"message_id\":\"NONE\"}}"),
                        "unknown_message");
}

/* A key that was answered is answered again, whatever the rules are now. */
static void a_repeated_key_is_not_looked_at(void **state)
{
    struct box *x = *state;
    struct box_answer a = {0};
    box_send(x, TO_BOB "\"text\":\"a casino\"}", "K1", &a);
    UNTIL(x, a.count == 1);
    assert_string_equal(put(x, bridge_guards_put, RULES, NULL), "");
    box_send(x, TO_BOB "\"text\":\"a casino\"}", "K1", &a);
    UNTIL(x, a.count == 2);
    assert_int_equal(a.err.code, 0);
    assert_true(a.replayed);
    box_send(x, TO_BOB "\"text\":\"a casino\"}", "K2", &a);
    UNTIL(x, a.count == 3);
    assert_string_equal(err_word_of(&a.err), "forbidden_content");
    json_decref(a.body);
}

static void bad_settings_are_refused(void **state)
{
    struct box *x = *state;
    static const char *const wrong[][2] = {
        {"{\"max_text_length\":0}", "invalid_request"},
        {"{\"max_text_length\":\"4\"}", "invalid_request"},
        {"{\"other\":1}", "unknown_field"},
        {"{\"forbidden\":{}}", "invalid_request"},
        {"{\"forbidden\":[{\"pattern\":\"\"}]}", "invalid_pattern"},
        {"{\"forbidden\":[{\"pattern\":\"(\",\"kind\":\"regex\"}]}", "invalid_pattern"},
        {"{\"forbidden\":[{\"pattern\":\"(a+)+$\",\"kind\":\"regex\"}]}", "pattern_too_costly"},
        {"{\"opt_out\":{\"languages\":[\"xx\"]}}", "invalid_request"},
        {"{\"opt_out\":{\"keywords\":[\"!!\"]}}", "invalid_request"},
        {"{\"opt_out\":{\"reply\":\"\"}}", "invalid_request"},
        {"{\"opt_out\":{\"enabled\":1}}", "invalid_request"},
        {"{\"opt_out\":{\"word\":\"x\"}}", "unknown_field"},
    };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        const char *code = put(x, bridge_guards_put, wrong[i][0], NULL);
        if (strcmp(code, wrong[i][1]) != 0) {
            fail_msg("%s: %s", wrong[i][0], code);
        }
    }
    struct err e;
    json_t *all = NULL;
    assert_int_equal(bridge_guards_get(x->b, "default", &all, &e), 0);
    assert_true(json_is_null(json_object_get(all, "max_text_length")));
    assert_int_equal(json_array_size(json_arr(json_obj(all, "opt_out"), "languages")), 12);
    json_decref(all);
    assert_int_equal(bridge_guards_get(x->b, "nobody", &all, &e), E_NOTFOUND);
}

int main(void)
{
#define IN_BOX(fn) cmocka_unit_test_setup_teardown(fn, box_setup, box_teardown)
    const struct CMUnitTest tests[] = {
        IN_BOX(who_says_stop_is_left_alone),          IN_BOX(a_restart_keeps_it),
        IN_BOX(old_words_do_not_undo_newer_ones),     IN_BOX(one_person_has_one_wish),
        IN_BOX(the_list_is_kept_by_hand_too),         IN_BOX(a_wish_is_confirmed_once),
        cmocka_unit_test(a_window_is_open_for_a_day), IN_BOX(the_window_is_shown),
        IN_BOX(what_is_forbidden_is_not_stored),      IN_BOX(edits_and_forwards_are_looked_at),
        IN_BOX(a_repeated_key_is_not_looked_at),      IN_BOX(bad_settings_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
