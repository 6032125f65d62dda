/* What is accepted about other messages (edits, revokes, reactions, forwards), and files, on a
 * bridge whose session is not ready. */
#include "box_fixture.h"
#include "message_object.h"

#define MINUTE_MS UINT64_C(60000)
#define PNG                                                                                        \
    "iVBORw0KGgoAAAANSUhEUgAAAAQAAAAECAIAAAAmkwkpAAAAEElEQVR4nGP4z8AARwzEcQCukw/x0F8jngAAAABJRU5E" \
    "rkJggg=="

/* The message of Ann's or of ours (from the phone), age_ms old. */
static void hear(struct box *x, const char *id, bool ours, const char *type, uint64_t age_ms)
{
    uint64_t before = box_seq(x);
    struct channel_message m = box_message(id, "words", clock_wall_ms() - age_ms);
    m.type = type;
    m.from_me = ours;
    m.ack = 1;
    m.content = strcmp(type, "location") == 0
                    ? "{\"location\":{\"latitude\":1.5,\"longitude\":2.5,\"name\":\"A\"}}"
                    : "";
    m.media.present = strcmp(type, "image") == 0;
    m.media.mimetype = "image/png";
    m.media.filename = m.media.sha256 = "";
    box_hear(x, &m);
    UNTIL(x, box_seq(x) > before);
}

/* The code of the refusal, or "" and the message in *out (may be NULL). */
static const char *ask(struct box *x, const struct bridge_send *send, json_t **out)
{
    static char code[48];
    struct box_answer a = {0};
    bridge_send(x->b, send, box_on_answer, &a);
    UNTIL(x, a.count == 1);
    (void)snprintf(code, sizeof(code), "%s", a.err.code != 0 ? err_word_of(&a.err) : "");
    if (out != NULL) {
        *out = json_incref(a.body);
    }
    json_decref(a.body);
    return code;
}

static const char *edit(struct box *x, const char *id, const char *text, json_t **out)
{
    json_t *body = json_pack("{s:s}", "text", text);
    const struct bridge_send send = {.tenant = "default",
                                     .session = "main",
                                     .what = BRIDGE_SEND_EDIT,
                                     .message_id = id,
                                     .body = body};
    const char *code = ask(x, &send, out);
    json_decref(body);
    return code;
}

static const char *take_back(struct box *x, const char *id)
{
    const struct bridge_send send = {
        .tenant = "default", .session = "main", .what = BRIDGE_SEND_REVOKE, .message_id = id};
    return ask(x, &send, NULL);
}

static const char *send_body(struct box *x, const char *text, json_t **out)
{
    json_t *body = json_loads(text, 0, NULL);
    assert_non_null(body);
    const struct bridge_send send = {.tenant = "default", .session = "main", .body = body};
    const char *code = ask(x, &send, out);
    json_decref(body);
    return code;
}

static void what_whatsapp_would_refuse_is_refused(void **state)
{
    struct box *x = *state;
    hear(x, "THEIRS", false, "text", MINUTE_MS);
    hear(x, "OURS", true, "text", 14 * MINUTE_MS);
    hear(x, "OLDER", true, "text", 16 * MINUTE_MS);
    hear(x, "ANCIENT", true, "text", 61 * 60 * MINUTE_MS);
    hear(x, "PLACE", true, "location", MINUTE_MS);
    assert_string_equal(edit(x, "NONE", "x", NULL), "unknown_message");
    assert_string_equal(edit(x, "THEIRS", "x", NULL), "not_yours");
    assert_string_equal(edit(x, "PLACE", "x", NULL), "not_editable");
    assert_string_equal(edit(x, "OLDER", "x", NULL), "too_late");
    assert_string_equal(edit(x, "OURS", "", NULL), "invalid_request");
    assert_string_equal(edit(x, "OURS", "x", NULL), "");
    assert_string_equal(take_back(x, "NONE"), "unknown_message");
    assert_string_equal(take_back(x, "THEIRS"), "not_yours");
    assert_string_equal(take_back(x, "ANCIENT"), "too_late");
    assert_string_equal(take_back(x, "OLDER"), "");
    assert_string_equal(
        send_body(x, "{\"reaction\":{\"message_id\":\"NONE\",\"emoji\":\"!\"}}", NULL),
        "invalid_request");
    assert_string_equal(
        send_body(x, "{\"reaction\":{\"message_id\":\"NONE\",\"emoji\":\"\xf0\x9f\x91\x8d\"}}",
                  NULL),
        "unknown_message");
    assert_string_equal(
        send_body(x, "{\"reaction\":{\"message_id\":\"THEIRS\",\"emoji\":\"\xf0\x9f\x91\x8d\"}}",
                  NULL),
        "");
}

static json_t *listed(struct box *x, const char *type)
{
    struct err e;
    json_t *list = NULL;
    const struct bridge_message_filter f = {.type = type};
    const struct bridge_paging p = {.limit = 50, .cursor = ""};
    assert_int_equal(bridge_message_list(x->b, "default", "main", &f, &p, &list, &e), 0);
    return list;
}

static void an_operation_is_no_part_of_the_history(void **state)
{
    struct box *x = *state;
    json_t *m = NULL;
    hear(x, "OURS", true, "text", MINUTE_MS);
    assert_string_equal(edit(x, "OURS", "better", &m), "");
    assert_string_equal(json_str(m, "type"), "edit");
    assert_string_equal(json_str(m, "text"), "better");
    assert_string_equal(json_str(m, "status"), "queued");
    assert_string_equal(json_str(json_obj(m, "chat"), "id"), ANN_LID);
    assert_string_equal(json_str(json_obj(m, "edit"), "message_id"), "OURS");
    json_t *kept = box_get(x, json_str(m, "id"));
    assert_true(json_equal(kept, m));
    json_decref(kept);
    json_decref(m);
    /* nothing has changed until the far end did it */
    m = box_get(x, "OURS");
    assert_string_equal(json_str(m, "text"), "words");
    json_decref(m);
    json_t *all = listed(x, NULL), *edits = listed(x, "edit");
    assert_int_equal(json_array_size(json_arr(all, "items")), 1);
    assert_int_equal(json_array_size(json_arr(edits, "items")), 1);
    json_decref(all);
    json_decref(edits);
}

static void what_is_passed_on_is_a_copy_with_a_mark(void **state)
{
    struct box *x = *state;
    json_t *m = NULL;
    hear(x, "WORDS", false, "text", MINUTE_MS);
    hear(x, "PLACE", false, "location", MINUTE_MS);
    hear(x, "PHOTO", false, "image", MINUTE_MS);
    hear(x, "NOTICE", false, "system", MINUTE_MS);
    assert_string_equal(
        send_body(x, "{\"to\":\"+4915112345678\",\"forward\":{\"message_id\":\"WORDS\"}}", &m), "");
    assert_string_equal(json_str(m, "type"), "text");
    assert_string_equal(json_str(m, "text"), "words");
    assert_true(json_flag(m, "forwarded", false));
    assert_string_equal(json_str(json_obj(m, "chat"), "phone"), "4915112345678");
    json_decref(m);
    assert_string_equal(
        send_body(
            x,
            "{\"to\":\"+4915112345678\",\"forward\":{\"message_id\":\"PLACE\",\"chat\":\"" ANN_LID
            "\"}}",
            &m),
        "");
    assert_string_equal(json_str(json_obj(m, "location"), "name"), "A");
    json_decref(m);
    assert_string_equal(
        send_body(x, "{\"to\":\"+4915112345678\",\"forward\":{\"message_id\":\"PHOTO\"}}", &m), "");
    assert_string_equal(json_str(m, "type"), "image");
    assert_string_equal(json_str(json_obj(m, "media"), "mimetype"), "image/png");
    json_decref(m);
    assert_string_equal(
        send_body(x, "{\"to\":\"+4915112345678\",\"forward\":{\"message_id\":\"NOTICE\"}}", NULL),
        "not_forwardable");
    assert_string_equal(
        send_body(x, "{\"to\":\"+4915112345678\",\"forward\":{\"message_id\":\"NONE\"}}", NULL),
        "unknown_message");
    assert_string_equal(
        send_body(x,
                  "{\"to\":\"+4915112345678\",\"forward\":{\"message_id\":\"WORDS\","
                  "\"chat\":\"4915199999999@c.us\"}}",
                  NULL),
        "unknown_message");
}

static void a_file_is_there_before_its_message(void **state)
{
    struct box *x = *state;
    json_t *m = NULL;
    assert_string_equal(send_body(x,
                                  "{\"to\":\"+4915112345678\",\"image\":{\"base64\":\"" PNG "\","
                                  "\"caption\":\"red\",\"filename\":\"r.png\",\"view_once\":true}}",
                                  &m),
                        "");
    const json_t *media = json_obj(m, "media");
    assert_string_equal(json_str(m, "text"), "red");
    assert_string_equal(json_str(media, "state"), "ready");
    assert_string_equal(json_str(media, "mimetype"), "image/png");
    assert_string_equal(json_str(media, "filename"), "r.png");
    assert_true(json_flag(media, "view_once", false));
    assert_int_equal(json_int(media, "width", 0), 4);
    const char *sha256 = json_str(media, "sha256");
    char path[256];
    (void)snprintf(path, sizeof(path), "%s/media/default/%.2s/%s", x->dir, sha256, sha256);
    assert_int_equal(access(path, R_OK), 0);
    json_decref(m);
    assert_string_equal(
        send_body(x, "{\"to\":\"+4915112345678\",\"sticker\":{\"base64\":\"" PNG "\"}}", NULL),
        "unsupported_media");
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, box_setup, box_teardown)
    const struct CMUnitTest tests[] = {
        T(what_whatsapp_would_refuse_is_refused),
        T(an_operation_is_no_part_of_the_history),
        T(what_is_passed_on_is_a_copy_with_a_mark),
        T(a_file_is_there_before_its_message),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
