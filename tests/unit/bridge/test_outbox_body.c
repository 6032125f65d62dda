/* The body of a send, field by field. */
#include "outbox_priv.h"

#include "json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static int parse(const char *body, const char *cc, struct send_body *out, struct err *e)
{
    json_t *v = json_loads(body, JSON_ALLOW_NUL | JSON_DECODE_ANY, NULL);
    assert_non_null(v);
    err_clear(e);
    int rc = send_body_parse(v, cc, out, e);
    json_decref(v);
    return rc;
}

static void the_least(void **state)
{
    (void)state;
    struct send_body s;
    struct err e;
    assert_int_equal(parse("{\"to\":\"+55 11 98888-7777\",\"text\":\"hi\"}", NULL, &s, &e), 0);
    assert_string_equal(s.chat, "5511988887777@c.us");
    assert_int_equal(s.kind, CHAT_USER);
    assert_string_equal(s.text, "hi");
    assert_int_equal(s.text_len, 2);
    assert_string_equal(s.reply_to, "");
    assert_null(s.mentions);
    assert_null(s.metadata);
    assert_false(s.link_preview);
    assert_int_equal(s.expires_ms, 0);
    send_body_finish(&s);
}

static void everything(void **state)
{
    (void)state;
    struct send_body s;
    struct err e;
    assert_int_equal(parse("{\"to\":\"120363041@g.us\",\"text\":\"hi @5511988887777\","
                           "\"reply_to\":\"3EB0AA11\",\"mentions\":[\"+5511988887777\","
                           "\"100000000000001@lid\"],\"link_preview\":true,"
                           "\"metadata\":{\"invoice\":\"INV-1\",\"n\":[1,2]},"
                           "\"expires_at\":\"2026-11-21T12:00:00.250+01:00\"}",
                           NULL, &s, &e),
                     0);
    assert_int_equal(s.kind, CHAT_GROUP);
    assert_string_equal(s.reply_to, "3EB0AA11");
    assert_string_equal(s.mentions, "[\"5511988887777@c.us\",\"100000000000001@lid\"]");
    assert_string_equal(s.metadata, "{\"invoice\":\"INV-1\",\"n\":[1,2]}");
    assert_true(s.link_preview);
    assert_int_equal(s.expires_ms, 1795258800250);
    send_body_finish(&s);
}

static void text_is_cleaned(void **state)
{
    (void)state;
    static const struct {
        const char *json, *text;
    } rows[] = {
        {"a\\tb\\nc", "a\tb\nc"},
        {"a\\rb\\u0007\\u001bc\\u007f", "abc"},
        {"\\u0085x\\u009f\\u00a0", "x\xc2\xa0"},
        {"  two  spaces  ", "  two  spaces  "},
        {"ol\\u00e1 \\ud83d\\udc4d", "ol\xc3\xa1 \xf0\x9f\x91\x8d"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char body[256];
        struct send_body s;
        struct err e;
        (void)snprintf(body, sizeof(body), "{\"to\":\"+5511988887777\",\"text\":\"%s\"}",
                       rows[i].json);
        assert_int_equal(parse(body, NULL, &s, &e), 0);
        assert_string_equal(s.text, rows[i].text);
        assert_int_equal(s.text_len, strlen(rows[i].text));
        send_body_finish(&s);
    }
}

/* n times the same character. */
static int parse_long(const char *character, size_t n, struct err *e)
{
    struct buf b;
    struct send_body s;
    buf_init(&b, 1u << 20);
    buf_str(&b, "{\"to\":\"+5511988887777\",\"text\":\"");
    for (size_t i = 0; i < n; i++) {
        buf_str(&b, character);
    }
    assert_int_equal(buf_str(&b, "\"}"), 0);
    int rc = parse(b.data, NULL, &s, e);
    if (rc == 0) {
        send_body_finish(&s);
    }
    buf_finish(&b);
    return rc;
}

static void text_has_1_to_65536_characters(void **state)
{
    (void)state;
    struct err e;
    assert_int_equal(parse_long("a", 1, &e), 0);
    assert_int_equal(parse_long("a", 65536, &e), 0);
    assert_int_equal(parse_long("\xf0\x9f\x91\x8d", 65536, &e), 0);
    assert_int_equal(parse_long("a", 65537, &e), E_INVALID);
    assert_string_equal(e.field, "text");
    assert_int_equal(parse_long("\xf0\x9f\x91\x8d", 65537, &e), E_INVALID);
    assert_int_equal(parse_long("", 0, &e), E_INVALID);
    assert_int_equal(parse_long("\\u0001", 5, &e), E_INVALID); /* nothing is left */
    assert_string_equal(e.field, "text");
}

#define TO "\"to\":\"+5511988887777\""
#define OK TO ",\"text\":\"x\""
#define POLL "{\"question\":\"q\",\"options\":[\"a\",\"b\"]}"
static const struct {
    const char *body, *word, *field;
} refused[] = {
    {"[]", "invalid_request", ""},
    {"\"x\"", "invalid_request", ""},
    {"{}", "invalid_request", "to"},
    {"{\"text\":\"x\"}", "invalid_request", "to"},
    {"{\"to\":5511988887777,\"text\":\"x\"}", "invalid_phone", "to"},
    {"{\"to\":\"\",\"text\":\"x\"}", "invalid_phone", "to"},
    {"{\"to\":\"call me\",\"text\":\"x\"}", "invalid_phone", "to"},
    {"{\"to\":\"011 98888-7777\",\"text\":\"x\"}", "invalid_phone", "to"},
    {"{\"to\":\"x@y\",\"text\":\"x\"}", "invalid_chat", "to"},
    {"{\"to\":\"+5511988887777\\u0000\",\"text\":\"x\"}", "invalid_phone", "to"},
    {"{\"to\":\"status@broadcast\",\"poll\":" POLL "}", "unsupported_recipient", "to"},
    {"{\"to\":\"status\",\"text\":\"x\",\"reply_to\":\"A\"}", "invalid_request", "reply_to"},
    {"{\"to\":\"120363@newsletter\",\"text\":\"x\"}", "unsupported_recipient", "to"},
    {"{" TO "}", "invalid_request", "text"},
    {"{" TO ",\"text\":null}", "invalid_request", "text"},
    {"{" TO ",\"text\":7}", "invalid_request", "text"},
    {"{" TO ",\"text\":\"a\\u0000b\"}", "invalid_request", "text"},
    {"{" OK ",\"colour\":1}", "unknown_field", "colour"},
    {"{" OK ",\"image\":{\"url\":\"x\"}}", "one_kind_only", "image"},
    {"{" TO ",\"image\":7}", "invalid_request", "image"},
    {"{" TO ",\"image\":{}}", "invalid_request", "image"},
    {"{" TO ",\"image\":{\"url\":\"x\",\"media_id\":\"y\"}}", "invalid_request", "image"},
    {"{" TO ",\"image\":{\"url\":\"x\",\"wide\":1}}", "unknown_field", "image.wide"},
    {"{" TO ",\"audio\":{\"url\":\"x\",\"caption\":\"y\"}}", "invalid_request", "audio"},
    {"{" TO ",\"document\":{\"url\":\"x\",\"view_once\":true}}", "invalid_request", "document"},
    {"{" TO ",\"location\":{\"latitude\":1}}", "invalid_request", "location"},
    {"{" TO ",\"location\":{\"latitude\":90.1,\"longitude\":0}}", "invalid_request", "location"},
    {"{" TO ",\"location\":{\"latitude\":0,\"longitude\":-180.5}}", "invalid_request", "location"},
    {"{" TO ",\"contacts\":{}}", "invalid_request", "contacts"},
    {"{" TO ",\"contacts\":[]}", "invalid_request", "contacts"},
    {"{" TO ",\"contacts\":[{\"phones\":[\"+5511988887777\"]}]}", "invalid_request", "contacts"},
    {"{" TO ",\"contacts\":[{\"name\":\"x\",\"phones\":[]}]}", "invalid_request", "contacts"},
    {"{" TO ",\"contacts\":[{\"name\":\"x\",\"phones\":[7]}]}", "invalid_phone", "contacts"},
    {"{" TO ",\"poll\":{}}", "invalid_request", "poll"},
    {"{" TO ",\"poll\":{\"question\":\"q\",\"options\":[\"a\",\"a\"]}}", "invalid_request", "poll"},
    {"{" TO ",\"poll\":{\"question\":\"q\",\"options\":[\"a\",7]}}", "invalid_request", "poll"},
    {"{" TO ",\"poll\":{\"question\":\"q\",\"options\":[\"a\",\"b\"],\"max_choices\":-1}}",
     "invalid_request", "poll"},
    {"{" TO ",\"poll\":" POLL ",\"link_preview\":true}", "invalid_request", "link_preview"},
    {"{" TO ",\"poll\":" POLL ",\"mentions\":[\"+5511988887777\"]}", "invalid_mention", "mentions"},
    {"{" TO ",\"reaction\":{\"emoji\":\"x\"}}", "invalid_request", "reaction"},
    {"{\"reaction\":{\"message_id\":\"A\",\"emoji\":\"hello\"}}", "invalid_request", "reaction"},
    {"{" TO ",\"forward\":{}}", "invalid_request", "forward"},
    {"{" TO ",\"forward\":{\"message_id\":\"A\",\"chat\":\"x@y\"}}", "invalid_chat", "forward"},
    {"{" TO ",\"forward\":{\"message_id\":\"A\"},\"reply_to\":\"B\"}", "invalid_request",
     "reply_to"},
    {"{" OK ",\"mentions\":\"all\"}", "invalid_mention", "mentions"},
    {"{" OK ",\"presence\":\"dancing\"}", "invalid_request", "presence"},
    {"{" OK ",\"presence_ms\":5}", "invalid_request", "presence_ms"},
    {"{" OK ",\"presence\":\"typing\",\"presence_ms\":25001}", "invalid_request", "presence_ms"},
    {"{" OK ",\"reply_to\":7}", "invalid_request", "reply_to"},
    {"{" OK ",\"reply_to\":\"\"}", "invalid_request", "reply_to"},
    {"{" OK ",\"reply_to\":\"a b\"}", "invalid_request", "reply_to"},
    {"{" OK ",\"mentions\":\"x\"}", "invalid_request", "mentions"},
    {"{" OK ",\"mentions\":[7]}", "invalid_phone", "mentions"},
    {"{" OK ",\"mentions\":[\"+5511988887777\",\"nobody\"]}", "invalid_phone", "mentions"},
    {"{" OK ",\"mentions\":[\"120363@g.us\"]}", "invalid_chat", "mentions"},
    {"{" OK ",\"link_preview\":\"yes\"}", "invalid_request", "link_preview"},
    {"{" OK ",\"metadata\":[]}", "invalid_request", "metadata"},
    {"{" OK ",\"metadata\":\"x\"}", "invalid_request", "metadata"},
    {"{" OK ",\"expires_at\":\"tomorrow\"}", "invalid_request", "expires_at"},
    {"{" OK ",\"expires_at\":1795258800}", "invalid_request", "expires_at"},
};

static void what_is_wrong_is_named(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        struct send_body s;
        struct err e;
        assert_int_equal(parse(refused[i].body, NULL, &s, &e), E_INVALID);
        assert_string_equal(err_word_of(&e), refused[i].word);
        assert_string_equal(e.field, refused[i].field);
        assert_true(e.msg[0] != '\0');
        assert_null(s.text);
    }
}

static void every_kind_is_taken(void **state)
{
    (void)state;
    static const struct {
        const char *body, *type, *text, *content;
    } rows[] = {
        {"\"image\":{\"url\":\"https://a/b\",\"caption\":\"c\\u0007\"}", "image", "c", NULL},
        {"\"document\":{\"media_id\":\"00\",\"filename\":\"a.pdf\"}", "document", "", NULL},
        {"\"voice\":{\"base64\":\"AA==\",\"view_once\":true}", "voice", "", NULL},
        {"\"location\":{\"latitude\":1.5,\"longitude\":-2,\"name\":\"A\",\"address\":\"B\"}",
         "location", "A\nB",
         "{\"location\":{\"latitude\":1.5,\"longitude\":-2.0,\"name\":\"A\",\"address\":\"B\"}}"},
        {"\"contacts\":[{\"name\":\"A, B\",\"phones\":[\"+5511988887777\"]}]", "contacts", "A, B",
         "{\"contacts\":[{\"name\":\"A, B\",\"phones\":[\"5511988887777\"],\"vcard\":"
         "\"BEGIN:VCARD\\nVERSION:3.0\\nN:;A\\\\, B;;;\\nFN:A\\\\, B\\nTEL;type=CELL;type=VOICE;"
         "waid=5511988887777:+5511988887777\\nEND:VCARD\"}]}"},
        {"\"poll\":{\"question\":\"q\",\"options\":[\"a\",\"b\"]}", "poll", "q",
         "{\"poll\":{\"question\":\"q\",\"options\":[\"a\",\"b\"],\"max_choices\":2}}"},
        {"\"poll\":{\"question\":\"q\",\"options\":[\"a\",\"b\"],\"max_choices\":0}", "poll", "q",
         "{\"poll\":{\"question\":\"q\",\"options\":[\"a\",\"b\"],\"max_choices\":2}}"},
        {"\"reaction\":{\"message_id\":\"A\",\"emoji\":\"\"}", "reaction", "",
         "{\"reaction\":{\"message_id\":\"A\",\"emoji\":\"\"}}"},
        {"\"forward\":{\"message_id\":\"A\",\"chat\":\"+5511988887777\"}", "forward", "", NULL},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char body[512];
        struct send_body s;
        struct err e;
        (void)snprintf(body, sizeof(body), "{" TO ",%s}", rows[i].body);
        assert_int_equal(parse(body, NULL, &s, &e), 0);
        assert_string_equal(s.type, rows[i].type);
        assert_string_equal(s.text, rows[i].text);
        if (rows[i].content != NULL) {
            assert_string_equal(s.content, rows[i].content);
        } else {
            assert_null(s.content);
        }
        send_body_finish(&s);
    }
    struct send_body s;
    struct err e;
    assert_int_equal(send_revoke_parse("3EB0AA", &s, &e), 0);
    assert_int_equal(s.operation, OPERATION_REVOKE);
    assert_string_equal(s.target, "3EB0AA");
    send_body_finish(&s);
    assert_int_equal(send_revoke_parse("no such id", &s, &e), E_NOTFOUND);
}

static void what_the_far_end_must_know_is_kept(void **state)
{
    (void)state;
    struct buf how, record;
    struct send_body s;
    struct err e;
    buf_init(&how, 4096);
    buf_init(&record, 4096);
    assert_int_equal(parse("{" OK "}", NULL, &s, &e), 0);
    assert_int_equal(send_how(&s, NULL, &how), 0);
    assert_int_equal(how.len, 0);
    send_body_finish(&s);
    assert_int_equal(parse("{" OK ",\"presence\":\"typing\",\"link_preview\":true}", NULL, &s, &e),
                     0);
    assert_int_equal(send_how(&s, NULL, &how), 0);
    assert_string_equal(how.data,
                        "{\"link_preview\":true,\"presence\":\"typing\",\"presence_ms\":2000}");
    send_body_finish(&s);
    buf_reset(&how);
    assert_int_equal(send_revoke_parse("3EB0AA", &s, &e), 0);
    assert_int_equal(send_how(&s, NULL, &how), 0);
    send_body_finish(&s);
    assert_int_equal(entry_write(&record, "1@c.us", "1@c.us", "", how.data, true), 0);
    struct entry *en = entry_read(7, "3EB0AB", 99, (struct store_value){record.data, record.len});
    assert_non_null(en);
    assert_int_equal(en->operation, OPERATION_REVOKE);
    assert_string_equal(json_str(en->how, "target"), "3EB0AA");
    assert_int_equal(en->state, ENTRY_RESEND); /* done again, never looked up */
    entry_free(en);
    buf_finish(&record);
    buf_finish(&how);
}

static void metadata_has_at_most_4_kib(void **state)
{
    (void)state;
    for (size_t len = 4090; len <= 4096; len += 6) {
        struct buf b;
        struct send_body s;
        struct err e;
        buf_init(&b, 16384);
        buf_str(&b, "{" OK ",\"metadata\":{\"k\":\"");
        for (size_t i = 0; i < len - 8; i++) { /* with {"k":""} len bytes */
            buf_char(&b, 'x');
        }
        assert_int_equal(buf_str(&b, "\"}}"), 0);
        assert_int_equal(parse(b.data, NULL, &s, &e), 0);
        assert_int_equal(strlen(s.metadata), len);
        send_body_finish(&s);
        buf_finish(&b);
    }
    struct buf b;
    struct send_body s;
    struct err e;
    buf_init(&b, 16384);
    buf_str(&b, "{" OK ",\"metadata\":{\"k\":\"");
    for (size_t i = 0; i < 4089; i++) {
        buf_char(&b, 'x');
    }
    assert_int_equal(buf_str(&b, "\"}}"), 0);
    assert_int_equal(parse(b.data, NULL, &s, &e), E_INVALID);
    assert_string_equal(e.field, "metadata");
    buf_finish(&b);
}

static void nulls_are_absent(void **state)
{
    (void)state;
    struct send_body s;
    struct err e;
    assert_int_equal(parse("{" OK ",\"reply_to\":null,\"mentions\":null,\"metadata\":null,"
                           "\"expires_at\":null}",
                           NULL, &s, &e),
                     0);
    assert_string_equal(s.reply_to, "");
    assert_null(s.mentions);
    send_body_finish(&s);
    assert_int_equal(parse("{" OK ",\"mentions\":[]}", NULL, &s, &e), 0);
    assert_null(s.mentions);
    send_body_finish(&s);
}

static void only_national_numbers_need_the_tenant(void **state)
{
    (void)state;
    static const struct {
        const char *body;
        bool needs;
    } rows[] = {
        {"{\"to\":\"+5511988887777\"}", false},
        {"{\"to\":\"5511988887777\"}", false},
        {"{\"to\":\"120363041@g.us\"}", false},
        {"{\"to\":\"011988887777\"}", true},
        {"{\"to\":\"(415) 555-2671\"}", true},
        {"{\"to\":7}", false},
        {"{\"to\":\"+5511988887777\",\"mentions\":[\"+4512345678\",\"98888777\"]}", true},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        json_t *v = json_loads(rows[i].body, 0, NULL);
        assert_int_equal(send_body_needs_country(v), rows[i].needs);
        json_decref(v);
    }
    struct send_body s;
    struct err e;
    assert_int_equal(parse("{\"to\":\"011 98888-7777\",\"text\":\"x\"}", "55", &s, &e), 0);
    assert_string_equal(s.chat, "5511988887777@c.us");
    send_body_finish(&s);
}

static void entries_come_back(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 4096);
    assert_int_equal(entry_write(&b, "5511988887777@c.us", "1000@lid", "2@c.us",
                                 "{\"mentions\":[\"1@c.us\"],\"link_preview\":true}", true),
                     0);
    struct entry *en = entry_read(7, "3EB0AA", 99, (struct store_value){b.data, b.len});
    assert_non_null(en);
    assert_int_equal(en->order, 7);
    assert_int_equal(en->expires_ms, 99);
    assert_string_equal(en->id, "3EB0AA");
    assert_string_equal(en->to, "5511988887777@c.us");
    assert_string_equal(en->chat, "1000@lid");
    assert_string_equal(en->account, "2@c.us");
    assert_int_equal(json_array_size(json_arr(en->how, "mentions")), 1);
    assert_true(json_flag(en->how, "link_preview", false));
    assert_int_equal(en->operation, OPERATION_NONE);
    assert_true(en->handed);
    assert_int_equal(en->state, ENTRY_UNSURE); /* never sent again before it was looked up */
    entry_free(en);
    buf_reset(&b);
    assert_int_equal(entry_write(&b, "1@c.us", "1@c.us", "", NULL, false), 0);
    en = entry_read(8, "3EB0AB", 99, (struct store_value){b.data, b.len});
    assert_non_null(en);
    assert_false(en->handed);
    assert_null(en->how);
    entry_free(en);
    assert_null(entry_read(8, "3EB0AB", 99, (struct store_value){"{}", 2}));
    assert_null(entry_read(8, "3EB0AB", 99, (struct store_value){b.data, b.len - 1}));
    buf_finish(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_least),
        cmocka_unit_test(everything),
        cmocka_unit_test(text_is_cleaned),
        cmocka_unit_test(text_has_1_to_65536_characters),
        cmocka_unit_test(what_is_wrong_is_named),
        cmocka_unit_test(every_kind_is_taken),
        cmocka_unit_test(what_the_far_end_must_know_is_kept),
        cmocka_unit_test(metadata_has_at_most_4_kib),
        cmocka_unit_test(nulls_are_absent),
        cmocka_unit_test(only_national_numbers_need_the_tenant),
        cmocka_unit_test(entries_come_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
