/* Tickets, credentials and what one chat's reader sees: on a real bridge, and pure. */
#include "box_fixture.h"

#include "text.h"
#include "widget.h"

static const uint8_t pepper[CRYPTO_KEY_LEN] = {7};

static struct grant sample(void)
{
    struct grant g = {.tenant = "acme",
                      .tenant_born_ms = 4711,
                      .session = "main",
                      .chat = "5511900000001@c.us",
                      .name = "Alice \"A\"",
                      .agent = "Jos\xc3\xa9",
                      .key_id = "0123456789ab",
                      .subject = "0123456789ab",
                      .proof = {1, 2, 254, 255},
                      .scopes = BRIDGE_MESSAGES_READ | BRIDGE_MESSAGES_SEND,
                      .expires_ms = 5000};
    return g;
}

static void a_credential_says_what_it_is_for(void **state)
{
    (void)state;
    struct grant g = sample(), back;
    char *text = grant_write(pepper, &g);
    assert_non_null(text);
    assert_true(grant_looks_like(text));
    assert_true(strlen(text) < 4096);
    assert_int_equal(strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
                                  "+/=._"),
                     strlen(text)); /* fits a header */
    assert_int_equal(grant_read(pepper, text, 4999, &back, NULL), 0);
    assert_string_equal(back.tenant, g.tenant);
    assert_int_equal(back.tenant_born_ms, g.tenant_born_ms);
    assert_string_equal(back.session, g.session);
    assert_string_equal(back.chat, g.chat);
    assert_string_equal(back.name, g.name);
    assert_string_equal(back.agent, g.agent);
    assert_string_equal(back.key_id, g.key_id);
    assert_memory_equal(back.proof, g.proof, sizeof(g.proof));
    assert_int_equal(back.scopes, g.scopes);
    assert_int_equal(back.expires_ms, g.expires_ms);
    free(text);
}

static void a_changed_credential_is_none(void **state)
{
    (void)state;
    struct grant g = sample(), back;
    struct err e;
    char *text = grant_write(pepper, &g);
    uint8_t other[CRYPTO_KEY_LEN] = {8};
    err_clear(&e);
    assert_int_equal(grant_read(pepper, text, 5000, &back, &e), E_AUTH);
    assert_string_equal(err_word_of(&e), "credential_expired");
    err_clear(&e);
    assert_int_equal(grant_read(other, text, 1, &back, &e), E_AUTH);
    assert_string_not_equal(err_word_of(&e), "credential_expired");
    for (size_t i = 4; text[i] != '\0'; i++) {
        char was = text[i];
        text[i] = was == 'A' ? 'B' : 'A';
        assert_int_equal(grant_read(pepper, text, 1, &back, NULL), E_AUTH);
        text[i] = '\0';
        assert_int_equal(grant_read(pepper, text, 1, &back, NULL), E_AUTH);
        text[i] = was;
    }
    static const char *const none[] = {"", "waw_", "waw_.", "waw_AAAA", "wab_0123456789ab_x"};
    for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
        assert_int_equal(grant_read(pepper, none[i], 1, &back, NULL), E_AUTH);
    }
    free(text);
}

static void origins(void **state)
{
    (void)state;
    static const char *const good[][2] = {
        {"https://erp.example.com", "https://erp.example.com"},
        {"HTTPS://ERP.Example.com/", "https://erp.example.com"},
        {"https://erp.example.com:443", "https://erp.example.com"},
        {"https://erp.example.com:8443", "https://erp.example.com:8443"},
        {"https://*.example.com", "https://*.example.com"},
        {"https://xn--bcher-kva.example", "https://xn--bcher-kva.example"},
        {"http://localhost:8000", "http://localhost:8000"},
        {"http://127.0.0.1:80", "http://127.0.0.1"},
        {"http://erp.localhost", "http://erp.localhost"},
    };
    static const char *const bad[] = {
        "", "*", "erp.example.com", "http://erp.example.com", "http://*.localhost", "https://*",
        "https://*.com", "https://a.*.com", "https://erp.example.com/x", "https://u@a.example",
        "https://a.example:", "https://a.example:0", "https://a.example:99999", "https://a b.example",
        "https://a.example; script-src *", "https://a.example,https://b.example", "https://a..b",
        "https://-a.example", "https://a-.example", "https://a.example.", "javascript:alert(1)",
        "https://'none'", "data:", "null", "https://[::1]", "https://a.example\n", "https://\xc3\xa4.de",
    };
    char out[WIDGET_ORIGIN_LEN];
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        assert_int_equal(origin_parse(good[i][0], out, NULL), 0);
        assert_string_equal(out, good[i][1]);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        print_message("%s\n", bad[i]);
        assert_int_equal(origin_parse(bad[i], out, NULL), E_INVALID);
    }
}

/* ---- on a bridge ---------------------------------------------------------------------------------
 */

static const struct bridge_principal admin = {.admin = true, .sessions = "*"};

static int ask(struct box *x, const struct bridge_principal *who, const char *body, json_t **out,
               struct err *e)
{
    json_t *b = json_loads(body, 0, NULL);
    assert_non_null(b);
    *out = NULL;
    int rc = bridge_widget_ticket(x->b, "default", who, b, out, e);
    json_decref(b);
    return rc;
}

static int enter(struct box *x, const char *ticket, struct bridge_principal *who, json_t **out)
{
    json_t *b = json_pack("{s:s}", "ticket", ticket);
    *out = NULL;
    int rc = bridge_widget_sign_in(x->b, b, who, out, NULL);
    json_decref(b);
    return rc;
}

/* Of a token's owner: no key behind it that could go. */
static struct bridge_principal of_token(uint32_t scopes)
{
    struct bridge_principal who = {.tenant = "default", .subject = "jwt:x", .scopes = scopes,
                                   .sessions = "*"};
    return who;
}

static void a_ticket_is_good_once(void **state)
{
    struct box *x = *state;
    struct bridge_principal who, by = of_token(BRIDGE_ALL_SCOPES);
    json_t *made, *entered, *again;
    assert_int_equal(ask(x, &by, "{\"session\":\"main\",\"to\":\"+55 11 90000-0001\",\"name\":"
                                 "\"Alice\",\"agent\":\"Maria\"}",
                         &made, NULL),
                     0);
    assert_string_equal(json_str(made, "url"), "/widget/default");
    assert_int_equal(enter(x, json_str(made, "ticket"), &who, &entered), 0);
    assert_string_equal(json_str(entered, "chat"), "5511900000001@c.us");
    assert_string_equal(json_str(entered, "name"), "Alice");
    assert_string_equal(json_str(entered, "phone"), "5511900000001");
    assert_true(json_flag(entered, "can_send", false));
    assert_true(json_flag(entered, "can_attach", false));
    assert_string_equal(who.subject, "widget:Maria");
    assert_int_equal(enter(x, json_str(made, "ticket"), &who, &again), E_AUTH);
    struct err e;
    json_t *used = json_pack("{s:O}", "ticket", json_object_get(made, "ticket"));
    assert_int_equal(bridge_widget_sign_in(x->b, used, &who, &again, &e), E_AUTH);
    assert_string_equal(err_word_of(&e), "ticket_used");
    json_decref(used);
    assert_int_equal(enter(x, "wwt_", &who, &again), E_AUTH);

    struct bridge_principal back;
    const char *credential = json_str(entered, "credential");
    assert_int_equal(bridge_authenticate(x->b, credential, &back, NULL), 0);
    assert_true(bridge_of_one_chat(&back));
    assert_string_equal(back.sessions, "main");
    assert_int_equal(back.scopes, BRIDGE_MESSAGES_READ | BRIDGE_EVENTS_READ |
                                      BRIDGE_MESSAGES_SEND | BRIDGE_MEDIA_WRITE);
    assert_int_equal(bridge_principal_check(x->b, &back, NULL), 0);
    json_decref(made);
    json_decref(entered);
}

static void what_is_asked_for_is_checked(void **state)
{
    struct box *x = *state;
    static const struct {
        const char *body;
        int rc;
        const char *field;
    } cases[] = {
        {"{}", E_INVALID, "session"},
        {"{\"session\":\"main\"}", E_INVALID, "to"},
        {"{\"session\":\"main\",\"to\":\"abc\"}", E_INVALID, "to"},
        {"{\"session\":\"none\",\"to\":\"5511900000001\"}", E_NOTFOUND, ""},
        {"{\"session\":\"main\",\"to\":\"status@broadcast\"}", E_INVALID, "to"},
        {"{\"session\":\"main\",\"to\":\"5511900000001\",\"ttl_s\":3601}", E_INVALID, "ttl_s"},
        {"{\"session\":\"main\",\"to\":\"5511900000001\",\"ttl_s\":0}", E_INVALID, "ttl_s"},
        {"{\"session\":\"main\",\"to\":\"5511900000001\",\"can_send\":1}", E_INVALID, "can_send"},
        {"{\"session\":\"main\",\"to\":\"5511900000001\",\"agent\":7}", E_INVALID, "agent"},
        {"{\"session\":\"main\",\"to\":\"5511900000001\",\"origin\":\"x\"}", E_INVALID, "origin"},
    };
    json_t *out;
    struct err e;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        print_message("%s\n", cases[i].body);
        assert_int_equal(ask(x, &admin, cases[i].body, &out, &e), cases[i].rc);
        assert_string_equal(e.field, cases[i].field);
    }
    static const char body[] = "{\"session\":\"main\",\"to\":\"5511900000001\"}";
    static const char reading[] =
        "{\"session\":\"main\",\"to\":\"5511900000001\",\"can_send\":false}";
    struct bridge_principal reader = of_token(BRIDGE_MESSAGES_READ | BRIDGE_EVENTS_READ);
    assert_int_equal(ask(x, &reader, body, &out, &e), E_FORBIDDEN);
    assert_non_null(strstr(e.msg, "messages:send"));
    assert_int_equal(ask(x, &reader, reading, &out, &e), 0);
    json_decref(out);
    strcpy(reader.sessions, "sales-*");
    assert_int_equal(ask(x, &reader, reading, &out, &e), E_NOTFOUND);
}

static void tickets_are_bounded(void **state)
{
    struct box *x = *state;
    json_t *out;
    struct err e;
    static const char body[] = "{\"session\":\"main\",\"to\":\"5511900000001\"}";
    for (int i = 0; i < WIDGET_TENANT_TICKETS; i++) {
        assert_int_equal(ask(x, &admin, body, &out, &e), 0);
        json_decref(out);
    }
    assert_int_equal(ask(x, &admin, body, &out, &e), E_LIMIT);
    assert_string_equal(err_word_of(&e), "too_many_tickets");
}

static void check(struct box *x, const struct bridge_principal *who, const char *chat,
                  const char *message, int rc)
{
    assert_int_equal(bridge_one_chat_check(x->b, who, chat, message, NULL, NULL), rc);
}

static bool sees(const struct bridge_principal *who, const char *type, const char *data)
{
    char text[1024];
    (void)snprintf(text, sizeof(text),
                   "{\"id\":\"evt_1\",\"type\":\"%s\",\"seq\":1,\"occurred_at\":\"t\",\"tenant\":"
                   "\"default\",\"session\":\"main\",\"data\":%s}",
                   type, data);
    return bridge_sees_event(who, text, strlen(text));
}

/* Ann was met under her LID with her number: the ticket named the number. */
static void one_person_is_one_chat(void **state)
{
    struct box *x = *state;
    uint64_t before = box_seq(x);
    struct channel_message m = box_message("3AAA01", "hello", UINT64_C(1795258800000));
    box_hear(x, &m);
    UNTIL(x, box_seq(x) > before);
    struct bridge_principal who, by = of_token(BRIDGE_ALL_SCOPES);
    json_t *made, *entered;
    assert_int_equal(
        ask(x, &by, "{\"session\":\"main\",\"to\":\"" ANN_PHONE "\"}", &made, NULL), 0);
    assert_int_equal(enter(x, json_str(made, "ticket"), &who, &entered), 0);
    check(x, &who, ANN_PHONE, NULL, 0);
    check(x, &who, ANN_PHONE "@c.us", NULL, 0);
    check(x, &who, ANN_LID, NULL, 0);
    check(x, &who, ANN_LID, "3AAA01", 0);
    check(x, &who, NULL, "3AAA01", 0);
    check(x, &who, NULL, "3AAA02", E_NOTFOUND);
    check(x, &who, "5511900000009", NULL, E_NOTFOUND);
    check(x, &who, "123456789@g.us", NULL, E_NOTFOUND);
    check(x, &who, "con_00000000000000000000", NULL, E_NOTFOUND);
    check(x, &who, "", NULL, E_NOTFOUND);

    assert_true(sees(&who, "message.received", "{\"chat\":{\"id\":\"" ANN_LID "\"}}"));
    assert_true(sees(&who, "message.status",
                     "{\"chat\":{\"id\":\"9@lid\",\"phone\":\"" ANN_PHONE "\"}}"));
    assert_true(sees(&who, "message.reaction", "{\"message\":{\"chat\":{\"id\":\"" ANN_LID
                                               "\"}},\"by\":{}}"));
    assert_true(sees(&who, "chat.updated", "{\"chat\":{\"id\":\"" ANN_LID "\"}}"));
    static const char passing[] =
        "{\"type\":\"chat.presence\",\"occurred_at\":\"t\",\"tenant\":\"default\",\"session\":"
        "\"main\",\"data\":{\"chat\":{\"id\":\"" ANN_LID "\"},\"state\":\"typing\"}}";
    assert_true(bridge_sees_event(&who, passing, sizeof(passing) - 1));
    assert_false(sees(&who, "chat.note", "{\"chat\":{\"id\":\"" ANN_LID "\"}}"));
    assert_false(sees(&who, "session.status", "{\"chat\":{\"id\":\"" ANN_LID "\"}}"));
    assert_false(sees(&who, "message.received", "{\"chat\":{\"id\":\"9@lid\"},\"from\":{\"id\":\"" ANN_LID
                                                "\"},\"text\":\"" ANN_LID "\"}"));
    strcpy(who.sessions, "other");
    assert_false(sees(&who, "message.received", "{\"chat\":{\"id\":\"" ANN_LID "\"}}"));
    json_decref(made);
    json_decref(entered);
}

static void what_may_be_sent(void **state)
{
    struct box *x = *state;
    static const char media[] = "00000000000000000000000000000000000000000000000000000000000000aa";
    struct bridge_principal who = of_token(BRIDGE_MESSAGES_SEND);
    static const struct {
        const char *body;
        int rc;
    } cases[] = {
        {"{\"to\":\"5511900000001\",\"text\":\"hi\",\"source\":\"dashboard\"}", 0},
        {"{\"to\":\"5511900000002\",\"text\":\"hi\"}", E_NOTFOUND},
        {"{\"text\":\"hi\"}", E_INVALID},
        {"{\"to\":\"5511900000001\",\"forward\":{\"message_id\":\"3AAA01\"}}", E_FORBIDDEN},
        {"{\"to\":\"5511900000001\",\"reaction\":{\"message_id\":\"3AAA01\"}}", E_NOTFOUND},
        {"{\"reaction\":{\"message_id\":\"3AAA01\"}}", E_INVALID},
        {"{\"to\":\"5511900000001\",\"text\":\"hi\",\"metadata\":{}}", E_FORBIDDEN},
        {"{\"to\":\"5511900000001\",\"text\":\"hi\",\"reply_to\":\"3AAA01\"}", E_NOTFOUND},
        {"{\"to\":\"5511900000001\",\"image\":{\"url\":\"http://a/\"}}", E_FORBIDDEN},
        {"{\"to\":\"5511900000001\",\"image\":{\"media_id\":\"00000000000000000000000000000000"
         "000000000000000000000000000000ab\"}}",
         E_NOTFOUND},
        {"{\"to\":\"5511900000001\",\"image\":{\"media_id\":\"00000000000000000000000000000000"
         "000000000000000000000000000000aa\"}}",
         0},
        {"{\"to\":\"5511900000001\",\"document\":{\"base64\":\"aGk=\",\"filename\":\"a.txt\"}}", 0},
    };
    strcpy(who.sessions, "main");
    strcpy(who.chat[0], "5511900000001@c.us");
    bridge_one_chat_uploaded(x->b, &who, media);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        json_t *b = json_loads(cases[i].body, 0, NULL);
        print_message("%s\n", cases[i].body);
        assert_int_equal(bridge_one_chat_send(x->b, &who, b, NULL), cases[i].rc);
        json_decref(b);
    }
    struct bridge_principal other = who; /* what one chat's widget uploaded is not the other's */
    strcpy(other.chat[0], "5511900000002@c.us");
    assert_int_equal(bridge_one_chat_check(x->b, &other, NULL, NULL, media, NULL), E_NOTFOUND);
    assert_int_equal(bridge_one_chat_check(x->b, &who, NULL, NULL, media, NULL), 0);
}

static void ancestors(struct box *x, const char *tenant, const char *want)
{
    char out[BRIDGE_WIDGET_ANCESTORS];
    bridge_widget_ancestors(x->b, tenant, out);
    assert_string_equal(out, want);
}

static void where_it_may_be_shown(void **state)
{
    struct box *x = *state;
    struct box_answer a = {0};
    ancestors(x, "default", "'none'");
    ancestors(x, "nobody", "'none'");
    json_t *body = json_pack("{s:[s,s,s]}", "origins", "https://ERP.example.com/",
                             "https://*.example.org:8443", "https://erp.example.com");
    bridge_widget_put(x->b, "default", body, box_on_answer, &a);
    UNTIL(x, a.count == 1);
    json_decref(body);
    json_decref(a.body);
    ancestors(x, "default", "https://erp.example.com https://*.example.org:8443");
    a = (struct box_answer){0};
    body = json_pack("{s:[s]}", "origins", "http://erp.example.com");
    bridge_widget_put(x->b, "default", body, box_on_answer, &a);
    UNTIL(x, a.count == 1);
    json_decref(body);
    assert_int_equal(a.err.code, E_INVALID);
    json_decref(a.body);
    ancestors(x, "default", "https://erp.example.com https://*.example.org:8443");
}

int main(void)
{
#define ON_A_BRIDGE(f) cmocka_unit_test_setup_teardown(f, box_setup, box_teardown)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_credential_says_what_it_is_for),
        cmocka_unit_test(a_changed_credential_is_none),
        cmocka_unit_test(origins),
        ON_A_BRIDGE(a_ticket_is_good_once),
        ON_A_BRIDGE(what_is_asked_for_is_checked),
        ON_A_BRIDGE(tickets_are_bounded),
        ON_A_BRIDGE(one_person_is_one_chat),
        ON_A_BRIDGE(what_may_be_sent),
        ON_A_BRIDGE(where_it_may_be_shown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
