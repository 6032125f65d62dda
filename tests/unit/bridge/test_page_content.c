/* What a message holds besides its text: built anew, never passed on as it came. */
#include "page_event.h"

#include "json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ALICE                                                                                      \
    "{\"id\":\"10000000000001@lid\",\"phone\":\"5511900000001\",\"lid\":\"10000000000001@lid\","   \
    "\"name\":\"Alice\"}"
#define BOB "{\"id\":\"5511900000002@c.us\",\"phone\":\"5511900000002\",\"lid\":\"\",\"name\":\"\"}"
#define BOB_SHOWN                                                                                  \
    "{\"id\":\"5511900000002@c.us\",\"phone\":\"5511900000002\",\"lid\":null,\"name\":null}"

/* A message of that type with these members. Gives the tree that the texts are borrowed from. */
static json_t *read_message(const char *type, const char *members, struct channel_message *m)
{
    struct err e;
    char *text = NULL;
    assert_true(asprintf(&text,
                         "{\"id\":\"A\",\"chat\":" ALICE ",\"from\":" ALICE
                         ",\"type\":\"%s\",\"t\":1,%s}",
                         type, members) > 0);
    json_t *v = json_parse(text, strlen(text), 1u << 20, &e);
    if (v == NULL) {
        fail_msg("%s: %s", text, e.msg);
    }
    free(text);
    assert_int_equal(page_message_read(v, m, &e), 0);
    return v;
}

static void builds_every_kind(void **state)
{
    static const struct {
        const char *type, *in, *out;
    } rows[] = {
        {"location",
         "{\"location\":{\"latitude\":-23.55,\"longitude\":46.5,\"name\":\"Here\",\"address\":\"\","
         "\"live\":true,\"x\":1}}",
         "{\"location\":{\"latitude\":-23.55,\"longitude\":46.5,\"name\":\"Here\",\"address\":null,"
         "\"live\":true}}"},
        {"contacts",
         "{\"contacts\":[{\"name\":\"Ann\",\"phones\":[\"+55 11\",7,\"\"],\"vcard\":\"BEGIN\"},9]}",
         "{\"contacts\":[{\"name\":\"Ann\",\"phones\":[\"+55 11\"],\"vcard\":\"BEGIN\"}]}"},
        {"poll", "{\"poll\":{\"question\":\"q\",\"options\":[\"a\",\"b\"],\"max_choices\":1}}",
         "{\"poll\":{\"question\":\"q\",\"options\":[\"a\",\"b\"],\"max_choices\":1,\"votes\":[]}"
         "}"},
        {"call", "{\"call\":{\"video\":true,\"state\":\"missed\"}}",
         "{\"call\":{\"video\":true,\"group\":false,\"state\":\"missed\"}}"},
        {"system", "{\"system\":{\"kind\":\"add\",\"participants\":[" BOB ",{}],\"value\":\"\"}}",
         "{\"system\":{\"kind\":\"add\",\"participants\":[" BOB_SHOWN "],\"value\":null}}"},
        {"system", "{\"system\":{\"kind\":\"locked\",\"participants\":[],\"value\":false}}",
         "{\"system\":{\"kind\":\"locked\",\"participants\":[],\"value\":false}}"},
        {"text", "{\"link\":{\"url\":\"https://x/\",\"title\":\"T\",\"description\":\"\"}}",
         "{\"link\":{\"url\":\"https://x/\",\"title\":\"T\",\"description\":null}}"},
        {"image", "{\"mentions\":[" BOB "],\"forwarded\":true}",
         "{\"mentions\":[" BOB_SHOWN "],\"forwarded\":true}"},
        {"text", "{}", ""},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct channel_message m;
        char *members = NULL;
        assert_true(asprintf(&members, "\"content\":%s", rows[i].in) > 0);
        json_t *v = read_message(rows[i].type, members, &m);
        assert_string_equal(m.content, rows[i].out);
        json_decref(v);
        free(members);
    }
}

/* The message comes without what is wrong with it. */
static void leaves_out_what_is_wrong(void **state)
{
    static const struct {
        const char *type, *in;
    } rows[] = {
        {"location", "{\"location\":{\"latitude\":91,\"longitude\":0}}"},
        {"location", "{\"location\":{\"latitude\":\"1\",\"longitude\":0}}"},
        {"location", "{\"location\":7}"},
        {"text", "{\"location\":{\"latitude\":1,\"longitude\":0}}"}, /* not of its type */
        {"contacts", "{\"contacts\":{}}"},
        {"poll", "{\"poll\":{\"max_choices\":-1}}"},
        {"call", "{\"call\":{\"state\":\"singing\"}}"},
        {"system", "{\"system\":{\"kind\":\"a b\"}}"},
        {"text", "{\"link\":{\"url\":\"javascript:alert(1)\",\"title\":\"T\"}}"},
        {"text", "{\"mentions\":[],\"forwarded\":1}"},
        {"text", "{\"mentions\":[{\"id\":\"no jid\"}]}"},
        {"text", "{\"status\":\"sent\",\"direction\":\"out\",\"_\":{\"stub\":true}}"},
        {"text", "[]"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct channel_message m;
        char *members = NULL;
        assert_true(asprintf(&members, "\"content\":%s", rows[i].in) > 0);
        json_t *v = read_message(rows[i].type, members, &m);
        if (m.content[0] != '\0') {
            fail_msg("was taken: %s as %s", rows[i].in, m.content);
        }
        json_decref(v);
        free(members);
    }
}

static void reads_what_was_added(void **state)
{
    struct channel_message m;
    (void)state;
    json_t *v = read_message(
        "poll",
        "\"reactions\":[{\"by\":" BOB ",\"emoji\":\"+\",\"t\":5},{\"by\":" BOB ",\"emoji\":\"\"},"
        "{\"emoji\":\"+\"},7],\"votes\":[{\"by\":" BOB ",\"options\":[\"a\",8],\"t\":6}]",
        &m);
    assert_string_equal(m.reactions, "[{\"by\":" BOB_SHOWN ",\"at_ms\":5,\"emoji\":\"+\"}]");
    assert_string_equal(m.votes, "[{\"by\":" BOB_SHOWN ",\"at_ms\":6,\"options\":[\"a\"]}]");
    json_decref(v);
    v = read_message("text", "\"reactions\":[]", &m);
    assert_string_equal(m.reactions, "[]"); /* told: there are none */
    assert_string_equal(m.votes, "");       /* not told */
    json_decref(v);
}

static void reads_files(void **state)
{
    static const char sum[] = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    struct channel_message m;
    char *members = NULL;
    (void)state;
    assert_true(asprintf(&members,
                         "\"edited\":3,\"revoked\":4,\"file\":{\"mimetype\":\"video/mp4\","
                         "\"filename\":\"f\",\"sha256\":\"%s\",\"size\":9,\"width\":2,\"height\":3,"
                         "\"duration\":4,\"gif\":true,\"once\":true}",
                         sum) > 0);
    json_t *v = read_message("video", members, &m);
    assert_true(m.media.present && m.media.gif && m.media.view_once);
    assert_string_equal(m.media.sha256, sum);
    assert_int_equal(m.media.width, 2);
    assert_int_equal(m.media.height, 3);
    assert_int_equal(m.media.duration_s, 4);
    assert_int_equal(m.edited_ms, 3);
    assert_int_equal(m.revoked_ms, 4);
    json_decref(v);
    free(members);
    v = read_message("image", "\"file\":{\"sha256\":\"ABC\"}", &m);
    assert_true(m.media.present);
    assert_string_equal(m.media.sha256, ""); /* not a hash */
    json_decref(v);
    v = read_message("image", "\"file\":null", &m);
    assert_false(m.media.present);
    json_decref(v);
}

static void what_is_too_large_stays_outside(void **state)
{
    struct channel_message m;
    size_t len = 40000;
    (void)state;
    char *members = malloc(3 * len);
    char *card = malloc(len + 1);
    assert_non_null(members);
    assert_non_null(card);
    memset(card, 'v', 30000);
    card[30000] = '\0';
    (void)snprintf(members, 3 * len,
                   "\"content\":{\"contacts\":[{\"vcard\":\"%s\"},{\"vcard\":\"%s\"},"
                   "{\"vcard\":\"%s\"}]}",
                   card, card, card);
    json_t *v = read_message("contacts", members, &m);
    assert_string_equal(m.content, "");
    json_decref(v);
    memset(card, 'v', 33000); /* one card alone */
    card[33000] = '\0';
    (void)snprintf(members, 3 * len, "\"content\":{\"contacts\":[{\"vcard\":\"%s\"}]}", card);
    v = read_message("contacts", members, &m);
    assert_string_equal(m.content, "{\"contacts\":[{\"name\":null,\"phones\":[],\"vcard\":null}]}");
    json_decref(v);
    free(card);
    free(members);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(builds_every_kind),
        cmocka_unit_test(leaves_out_what_is_wrong),
        cmocka_unit_test(reads_what_was_added),
        cmocka_unit_test(reads_files),
        cmocka_unit_test(what_is_too_large_stays_outside),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
