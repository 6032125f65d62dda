/* What the adapter says, honest and hostile. */
#include "page_event.h"

#include "json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define CHAT                                                                                       \
    "\"chat\":{\"id\":\"10000000000001@lid\",\"phone\":\"5511900000001\","                         \
    "\"lid\":\"10000000000001@lid\",\"name\":\"Alice\"}"
#define FROM                                                                                       \
    "\"from\":{\"id\":\"10000000000001@lid\",\"phone\":\"5511900000001\","                         \
    "\"lid\":\"10000000000001@lid\",\"name\":\"Alice\"}"
#define BY "\"by\":{\"id\":\"5511900000001@c.us\",\"phone\":\"\",\"lid\":\"\",\"name\":\"\"}"
#define MSG(extra)                                                                                 \
    "{\"k\":\"msg\",\"m\":{\"id\":\"3EB0\"," CHAT "," FROM ",\"me\":false,\"type\":\"text\","      \
    "\"text\":\"hi\",\"t\":1795227046000,\"ack\":1" extra "}}"

static char *batch_text(const char *event)
{
    char *text = NULL;
    assert_true(asprintf(&text, "{\"v\":1,\"i\":\"abc123\",\"e\":[%s]}", event) > 0);
    return text;
}

/* Reads the one event of a batch; returns what the reader said. The batch stays for the texts. */
static int read_one(const char *event, struct page_batch *b, struct page_event *ev)
{
    struct err e;
    char *text = batch_text(event);
    assert_int_equal(page_batch_parse(text, strlen(text), b, &e), 0);
    free(text);
    assert_int_equal(page_batch_count(b), 1);
    return page_batch_read(b, 0, ev, &e);
}

static void reads_a_message(void **state)
{
    struct page_batch b;
    struct page_event ev;
    (void)state;
    assert_int_equal(
        read_one(MSG(",\"quoted\":\"ABCD\",\"file\":{\"size\":12,\"mimetype\":\"image/png\"}"), &b, &ev), 0);
    const struct channel_message *m = &ev.channel.message;
    assert_int_equal(ev.kind, PAGE_CHANNEL);
    assert_int_equal(ev.channel.kind, CHANNEL_MESSAGE);
    assert_string_equal(b.instance, "abc123");
    assert_string_equal(m->id, "3EB0");
    assert_string_equal(m->chat.id, "10000000000001@lid");
    assert_string_equal(m->chat.phone, "5511900000001");
    assert_string_equal(m->from.name, "Alice");
    assert_string_equal(m->type, "text");
    assert_string_equal(m->text, "hi");
    assert_string_equal(m->quoted_id, "ABCD");
    assert_string_equal(m->media.mimetype, "image/png");
    assert_string_equal(m->media.filename, "");
    assert_int_equal(m->media.size_bytes, 12);
    assert_true(m->media.present);
    assert_string_equal(m->content, "");
    assert_string_equal(m->reactions, "");
    assert_string_equal(m->votes, "");
    assert_int_equal(m->time_ms, 1795227046000);
    assert_int_equal(m->ack, 1);
    assert_false(m->from_me);
    page_batch_finish(&b);
}

static void reads_every_kind(void **state)
{
    static const struct {
        const char *event;
        enum page_event_kind kind;
        enum channel_event_kind channel;
    } rows[] = {
        {"{\"k\":\"hello\",\"adapter\":\"1\",\"wa_js\":\"4\",\"url\":\"https://x/\"}", PAGE_HELLO,
         0},
        {"{\"k\":\"state\",\"auth\":true,\"hooks\":true,\"mode\":\"MAIN\",\"info\":\"NORMAL\","
         "\"socket\":\"CONNECTED\",\"account\":null}",
         PAGE_STATE, 0},
        {"{\"k\":\"code\",\"code\":\"2@a,b,c,d,1\",\"ttl\":0}", PAGE_CODE, 0},
        {"{\"k\":\"caps\",\"caps\":{\"qr\":{\"ok\":true}}}", PAGE_CAPS, 0},
        {"{\"k\":\"logout\",\"why\":\"user_initiated\"}", PAGE_LOGOUT, 0},
        {"{\"k\":\"beat\",\"n\":7}", PAGE_BEAT, 0},
        {"{\"k\":\"lost\",\"n\":1,\"why\":\"x\"}", PAGE_LOST, 0},
        {"{\"k\":\"ack\"," CHAT ",\"id\":\"A\",\"ack\":-1,\"participant\":\"\",\"t\":1}",
         PAGE_CHANNEL, CHANNEL_ACK},
        {"{\"k\":\"edit\"," CHAT ",\"id\":\"A\",\"text\":\"n\"," BY ",\"t\":1}", PAGE_CHANNEL,
         CHANNEL_EDIT},
        {"{\"k\":\"revoke\"," CHAT ",\"id\":\"A\"," BY ",\"t\":1}", PAGE_CHANNEL, CHANNEL_REVOKE},
        {"{\"k\":\"react\"," CHAT ",\"id\":\"A\",\"text\":\"\"," BY ",\"t\":1,\"me\":true}",
         PAGE_CHANNEL, CHANNEL_REACTION},
        {"{\"k\":\"vote\"," CHAT ",\"id\":\"A\"," BY ",\"t\":1,\"c\":{\"options\":[\"x\"]}}",
         PAGE_CHANNEL, CHANNEL_VOTE},
        {"{\"k\":\"call\"," CHAT ",\"id\":\"A\"," BY
         ",\"t\":1,\"c\":{\"video\":true,\"group\":false,\"state\":\"ringing\"}}",
         PAGE_CHANNEL, CHANNEL_CALL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct page_batch b;
        struct page_event ev;
        assert_int_equal(read_one(rows[i].event, &b, &ev), 0);
        assert_int_equal(ev.kind, rows[i].kind);
        if (ev.kind == PAGE_CHANNEL) {
            assert_int_equal(ev.channel.kind, rows[i].channel);
            assert_string_equal(ev.channel.message_id, "A");
            assert_int_equal(ev.channel.time_ms, 1);
        }
        assert_int_equal(ev.kind == PAGE_BEAT ? ev.number : 7, 7);
        page_batch_finish(&b);
    }
}

static void refuses_what_is_wrong(void **state)
{
    static const char *const rows[] = {
        "{}",
        "7",
        "null",
        "[]",
        "{\"k\":\"nothing\"}",
        "{\"k\":7}",
        "{\"k\":\"msg\"}",
        "{\"k\":\"msg\",\"m\":[]}",
        MSG(",\"file\":7"),
        MSG(",\"file\":{\"size\":-1}"),
        MSG(",\"file\":{\"size\":1.5}"),
        MSG(",\"file\":{\"mimetype\":7}"),
        MSG(",\"file\":{\"filename\":{}}"),
        MSG(",\"file\":{\"width\":-1}"),
        MSG(",\"file\":{\"duration\":99999999999}"),
        MSG(",\"edited\":-1"),
        MSG(",\"revoked\":\"x\""),
        "{\"k\":\"vote\"," CHAT ",\"id\":\"A\"," BY ",\"t\":1}",
        "{\"k\":\"vote\"," CHAT ",\"id\":\"A\"," BY ",\"t\":1,\"c\":{\"options\":7}}",
        "{\"k\":\"call\"," CHAT ",\"id\":\"A\"," BY ",\"t\":1,\"c\":{\"state\":\"odd\"}}",
        "{\"k\":\"group\"," CHAT "," BY ",\"text\":\"a b\",\"t\":1,\"c\":{}}",
        "{\"k\":\"group\"," CHAT "," BY ",\"text\":\"add\",\"t\":1}",
        "{\"k\":\"chat\"," CHAT ",\"t\":1,\"c\":{\"unread\":-1}}",
        "{\"k\":\"chat\",\"t\":1,\"c\":{}}",
        "{\"k\":\"contact\"," CHAT ",\"t\":1}",
        "{\"k\":\"presence\"," CHAT "," BY ",\"text\":\"dancing\",\"t\":1}",
        "{\"k\":\"msg\",\"m\":{\"id\":\"\"," CHAT "," FROM ",\"type\":\"text\",\"t\":1}}",
        "{\"k\":\"msg\",\"m\":{\"id\":\"a b\"," CHAT "," FROM ",\"type\":\"text\",\"t\":1}}",
        "{\"k\":\"msg\",\"m\":{\"id\":\"A\"," FROM ",\"type\":\"text\",\"t\":1}}",
        "{\"k\":\"msg\",\"m\":{\"id\":\"A\",\"chat\":{\"id\":\"\"}," FROM ",\"type\":\"text\"}}",
        "{\"k\":\"msg\",\"m\":{\"id\":\"A\",\"chat\":{\"id\":\"no-at\"}," FROM
        ",\"type\":\"text\"}}",
        "{\"k\":\"msg\",\"m\":{\"id\":\"A\",\"chat\":{\"id\":\"a@b@c\"}," FROM
        ",\"type\":\"text\"}}",
        "{\"k\":\"msg\",\"m\":{\"id\":\"A\",\"chat\":{\"id\":\"../@x\"}," FROM
        ",\"type\":\"text\"}}",
        "{\"k\":\"msg\",\"m\":{\"id\":\"A\"," CHAT "," FROM ",\"type\":\"\",\"t\":1}}",
        "{\"k\":\"msg\",\"m\":{\"id\":\"A\"," CHAT "," FROM ",\"type\":\"te xt\",\"t\":1}}",
        "{\"k\":\"msg\",\"m\":{\"id\":\"A\"," CHAT "," FROM ",\"type\":\"text\",\"t\":-1}}",
        "{\"k\":\"msg\",\"m\":{\"id\":\"A\"," CHAT "," FROM ",\"type\":\"text\",\"t\":\"1\"}}",
        "{\"k\":\"msg\",\"m\":{\"id\":\"A\"," CHAT "," FROM
        ",\"type\":\"text\",\"t\":999999999999999999}}",
        "{\"k\":\"msg\",\"m\":{\"id\":\"A\"," CHAT "," FROM ",\"type\":\"text\",\"ack\":5}}",
        "{\"k\":\"ack\"," CHAT ",\"id\":\"A\",\"t\":1}",
        "{\"k\":\"ack\"," CHAT ",\"id\":\"A\",\"ack\":-2,\"t\":1}",
        "{\"k\":\"ack\"," CHAT ",\"id\":\"A\",\"ack\":2,\"participant\":\"x\",\"t\":1}",
        "{\"k\":\"ack\",\"id\":\"A\",\"ack\":2,\"t\":1}",
        "{\"k\":\"edit\"," CHAT ",\"id\":\"A\",\"text\":7," BY ",\"t\":1}",
        "{\"k\":\"edit\"," CHAT ",\"id\":\"A\",\"text\":\"x\",\"t\":1}",
        "{\"k\":\"code\",\"code\":\"\"}",
        "{\"k\":\"code\",\"code\":\"a b\"}",
        "{\"k\":\"code\",\"code\":\"a\\nb\"}",
        "{\"k\":\"code\",\"code\":\"a\",\"ttl\":-5}",
        "{\"k\":\"beat\"}",
        "{\"k\":\"beat\",\"n\":0}",
        "{\"k\":\"caps\",\"caps\":[]}",
        "{\"k\":\"state\",\"mode\":\"A MODE\"}",
        "{\"k\":\"state\",\"mode\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}",
        "{\"k\":\"hello\",\"adapter\":7}",
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct page_batch b;
        struct page_event ev;
        if (read_one(rows[i], &b, &ev) != E_INVALID) {
            fail_msg("was taken: %s", rows[i]);
        }
        page_batch_finish(&b);
    }
}

static void one_bad_event_spares_the_others(void **state)
{
    struct page_batch b;
    struct page_event ev;
    struct err e;
    char *text = batch_text("{\"k\":\"what\"}," MSG("") ",7");
    (void)state;
    assert_int_equal(page_batch_parse(text, strlen(text), &b, &e), 0);
    free(text);
    assert_int_equal(page_batch_count(&b), 3);
    assert_int_equal(page_batch_read(&b, 0, &ev, &e), E_INVALID);
    assert_int_equal(page_batch_read(&b, 1, &ev, &e), 0);
    assert_string_equal(ev.channel.message.text, "hi");
    assert_int_equal(page_batch_read(&b, 2, &ev, &e), E_INVALID);
    assert_int_equal(page_batch_read(&b, 3, &ev, &e), E_INVALID);
    page_batch_finish(&b);
}

/* No text of an event is ever NULL, whatever its kind. */
static void texts_are_never_null(void **state)
{
    struct page_batch b;
    struct page_event ev;
    (void)state;
    assert_int_equal(read_one("{\"k\":\"beat\",\"n\":1}", &b, &ev), 0);
    assert_string_equal(ev.channel.chat.id, "");
    assert_string_equal(ev.channel.by.name, "");
    assert_string_equal(ev.channel.message_id, "");
    assert_string_equal(ev.code, "");
    assert_string_equal(ev.reason, "");
    page_batch_finish(&b);
}

static void refuses_bad_envelopes(void **state)
{
    static const struct {
        const char *text;
        int rc;
    } rows[] = {
        {"", E_INVALID},
        {"{", E_INVALID},
        {"[]", E_INVALID},
        {"{\"v\":2,\"i\":\"a\",\"e\":[]}", E_INVALID},
        {"{\"v\":1,\"e\":[]}", E_INVALID},
        {"{\"v\":1,\"i\":\"\",\"e\":[]}", E_INVALID},
        {"{\"v\":1,\"i\":\"a b\",\"e\":[]}", E_INVALID},
        {"{\"v\":1,\"i\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\",\"e\":[]}", E_INVALID},
        {"{\"v\":1,\"i\":\"a\",\"e\":{}}", E_INVALID},
        {"{\"v\":1,\"i\":\"a\",\"e\":[]} x", E_INVALID},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct page_batch b;
        struct err e;
        assert_int_equal(page_batch_parse(rows[i].text, strlen(rows[i].text), &b, &e), rows[i].rc);
        assert_int_equal(e.code, rows[i].rc);
        assert_null(b.root);
    }
}

static char *repeat(const char *head, const char *part, size_t n, const char *tail)
{
    size_t len = strlen(part);
    char *text = malloc(strlen(head) + n * len + strlen(tail) + 1);
    assert_non_null(text);
    char *at = stpcpy(text, head);
    for (size_t i = 0; i < n; i++) {
        at = stpcpy(at, part);
    }
    strcpy(at, tail); /* the buffer was measured for it */
    return text;
}

static void bounds_batches(void **state)
{
    struct page_batch b;
    struct err e;
    (void)state;
    char *full = repeat("{\"v\":1,\"i\":\"a\",\"e\":[0", ",0", PAGE_BATCH_EVENTS - 1, "]}");
    assert_int_equal(page_batch_parse(full, strlen(full), &b, &e), 0);
    assert_int_equal(page_batch_count(&b), PAGE_BATCH_EVENTS);
    page_batch_finish(&b);
    free(full);
    char *over = repeat("{\"v\":1,\"i\":\"a\",\"e\":[0", ",0", PAGE_BATCH_EVENTS, "]}");
    assert_int_equal(page_batch_parse(over, strlen(over), &b, &e), E_TOOLARGE);
    free(over);
    char *large = repeat("{\"v\":1,\"i\":\"a\",\"e\":[\"", "x", PAGE_BATCH_MAX, "\"]}");
    assert_int_equal(page_batch_parse(large, strlen(large), &b, &e), E_TOOLARGE);
    free(large);
}

static void bounds_texts(void **state)
{
    struct page_batch b;
    struct page_event ev;
    (void)state;
    /* 65536 characters of 4 bytes are a text of the largest size */
    char *full = repeat("{\"k\":\"edit\"," CHAT ",\"id\":\"A\"," BY ",\"t\":1,\"text\":\"",
                        "\xf0\x9f\x98\x80", 65536, "\"}");
    assert_int_equal(read_one(full, &b, &ev), 0);
    assert_int_equal(strlen(ev.channel.text), PAGE_TEXT_MAX);
    page_batch_finish(&b);
    free(full);
    char *over = repeat("{\"k\":\"edit\"," CHAT ",\"id\":\"A\"," BY ",\"t\":1,\"text\":\"", "x",
                        PAGE_TEXT_MAX + 1, "\"}");
    assert_int_equal(read_one(over, &b, &ev), E_INVALID);
    page_batch_finish(&b);
    free(over);
}

static void half_a_surrogate_pair_is_repaired(void **state)
{
    struct page_batch b;
    struct page_event ev;
    (void)state;
    assert_int_equal(read_one("{\"k\":\"edit\"," CHAT ",\"id\":\"A\"," BY
                              ",\"t\":1,\"text\":\"x\\ud83dy\"}",
                              &b, &ev),
                     0);
    assert_string_equal(ev.channel.text, "x\xef\xbf\xbdy");
    page_batch_finish(&b);
}

static void takes_only_good_accounts(void **state)
{
    struct err e;
    (void)state;
    static const char good[] =
        "{\"id\":\"5511988887777@c.us\",\"phone\":\"5511988887777\","
        "\"lid\":\"\",\"push_name\":\"Me\",\"platform\":\"android\",\"x\":1}";
    json_t *v = json_parse(good, sizeof(good) - 1, 4096, &e);
    json_t *account = page_account(v);
    assert_string_equal(json_str(account, "id"), "5511988887777@c.us");
    assert_true(json_is_null(json_object_get(account, "lid")));
    assert_null(json_object_get(account, "x"));
    json_decref(account);
    json_decref(v);
    static const char *const bad[] = {"{}", "{\"id\":\"\"}", "{\"id\":\"x y@c.us\"}",
                                      "{\"id\":\"1@c.us\",\"phone\":\"+1\"}",
                                      "{\"id\":\"1@c.us\",\"platform\":7}"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        v = json_parse(bad[i], strlen(bad[i]), 4096, &e);
        assert_null(page_account(v));
        json_decref(v);
    }
    assert_null(page_account(NULL));
}

static void bounds_capabilities(void **state)
{
    struct err e;
    (void)state;
    char *text = repeat("{\"x\":\"", "y", 20000, "\"}");
    json_t *large = json_parse(text, strlen(text), 65536, &e);
    assert_non_null(large);
    assert_null(page_caps(large));
    json_decref(large);
    free(text);
    json_t *small = json_object();
    json_t *copy = page_caps(small);
    assert_non_null(copy);
    json_decref(copy);
    json_decref(small);
    assert_null(page_caps(NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_a_message),
        cmocka_unit_test(reads_every_kind),
        cmocka_unit_test(refuses_what_is_wrong),
        cmocka_unit_test(one_bad_event_spares_the_others),
        cmocka_unit_test(texts_are_never_null),
        cmocka_unit_test(refuses_bad_envelopes),
        cmocka_unit_test(bounds_batches),
        cmocka_unit_test(bounds_texts),
        cmocka_unit_test(half_a_surrogate_pair_is_repaired),
        cmocka_unit_test(takes_only_good_accounts),
        cmocka_unit_test(bounds_capabilities),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
