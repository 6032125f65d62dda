/* Signing in by a link, with a clock that is set: what ends when, and what makes room. */
#include "core_fixture.h"

#include "clock.h"

#define NOW_MS 1800000000000u
#define HOUR_MS 3600000u
#define MINUTE_MS 60000u

static uint64_t elapsed;

static void at(uint64_t ms)
{
    elapsed = ms;
    clock_fake(NOW_MS + ms, 1000000 + ms);
}

static int setup_now(void **state)
{
    at(0);
    return setup(state);
}

static int teardown_now(void **state)
{
    int rc = teardown(state);
    clock_fake(0, 0);
    return rc;
}

static struct bridge_principal comes(struct fixture *fx, const char *key)
{
    struct bridge_principal who;
    struct err e;
    if (bridge_authenticate(fx->b, key, &who, &e) != 0) {
        fail_msg("%s", e.msg);
    }
    return who;
}

/* A link's ticket; takes body. */
static void make_link(struct fixture *fx, const struct bridge_principal *who, json_t *body,
                      char out[64])
{
    struct err e;
    json_t *link = NULL;
    if (bridge_sign_in_link(fx->b, who, body, &link, &e) != 0) {
        fail_msg("%s", e.msg);
    }
    (void)snprintf(out, 64, "%s", json_str_or(link, "ticket", ""));
    json_decref(link);
    json_decref(body);
}

/* The key, or "" and what was wrong. */
static struct err enter(struct fixture *fx, const char *ticket, char key[KEY_TEXT_LEN + 1])
{
    struct answer a = {.done = false};
    json_t *body = json_pack("{s:s}", "ticket", ticket);
    CALL(fx, a, bridge_sign_in(fx->b, body, on_answer, &a));
    (void)snprintf(key, KEY_TEXT_LEN + 1, "%s", json_str_or(a.body, "key", ""));
    json_decref(a.body);
    json_decref(body);
    return a.err;
}

static struct err sign_in(struct fixture *fx, const char *maker, char key[KEY_TEXT_LEN + 1])
{
    char ticket[64];
    struct bridge_principal who = comes(fx, maker);
    make_link(fx, &who, json_object(), ticket);
    return enter(fx, ticket, key);
}

static void tenants_key(struct fixture *fx, const char *text, char key[KEY_TEXT_LEN + 1])
{
    struct answer a = {.done = false};
    json_t *body = json_parse(text, strlen(text), 4096, NULL);
    CALL(fx, a, bridge_key_create(fx->b, "default", NULL, body, on_answer, &a));
    assert_int_equal(a.err.code, 0);
    (void)snprintf(key, KEY_TEXT_LEN + 1, "%s", json_str_or(a.body, "key", ""));
    json_decref(a.body);
    json_decref(body);
}

static size_t listed(struct fixture *fx)
{
    json_t *list = NULL;
    assert_int_equal(bridge_key_list(fx->b, "default", NULL, &list, NULL), 0);
    size_t n = json_array_size(json_arr(list, "items"));
    json_decref(list);
    return n;
}

static int rc_of(struct fixture *fx, const char *key, struct err *e)
{
    struct bridge_principal who;
    err_clear(e);
    return bridge_authenticate(fx->b, key, &who, e);
}

static void a_link_ends_after_five_minutes(void **state)
{
    struct fixture *fx = *state;
    char first[64], second[64], key[KEY_TEXT_LEN + 1];
    struct bridge_principal admin = comes(fx, fx->key);
    make_link(fx, &admin, json_object(), first);
    make_link(fx, &admin, json_object(), second);
    at(5 * MINUTE_MS - 1);
    assert_int_equal(enter(fx, first, key).code, 0);
    at(5 * MINUTE_MS);
    assert_string_equal(enter(fx, second, key).word, "unknown_ticket");
}

static void a_sign_in_ends_by_itself(void **state)
{
    struct fixture *fx = *state;
    char key[KEY_TEXT_LEN + 1];
    struct err e;
    assert_int_equal(sign_in(fx, fx->key, key).code, 0);
    at(12 * HOUR_MS - 1);
    struct bridge_principal who = comes(fx, key);
    assert_true(who.admin);
    assert_int_equal(who.expires_ms, NOW_MS + 12 * HOUR_MS);
    at(12 * HOUR_MS);
    assert_int_equal(rc_of(fx, key, &e), E_AUTH);
    assert_string_equal(e.word, "key_expired");
    assert_int_equal(bridge_principal_check(fx->b, &who, NULL), E_AUTH); /* an open stream too */
}

static void who_is_out_makes_room(void **state)
{
    struct fixture *fx = *state;
    char maker[KEY_TEXT_LEN + 1], key[KEY_TEXT_LEN + 1], other[KEY_TEXT_LEN + 1], again[KEY_TEXT_LEN + 1];
    struct err e;
    tenants_key(fx, "{\"name\":\"shop\",\"role\":\"agent\"}", maker);
    for (int i = 0; i < 100; i++) {
        assert_int_equal(sign_in(fx, maker, key).code, 0);
    }
    e = sign_in(fx, maker, again);
    assert_int_equal(e.code, E_LIMIT);
    assert_string_equal(e.word, "too_many_sign_ins");
    assert_int_equal(listed(fx), 101);
    /* whoever came by one of its links counts with it; another key has room, till all is full */
    e = sign_in(fx, key, again);
    assert_string_equal(e.word, "too_many_sign_ins");
    tenants_key(fx, "{\"name\":\"desk\",\"role\":\"agent\"}", other);
    for (int i = 0; i < 100; i++) {
        assert_int_equal(sign_in(fx, other, again).code, 0);
    }
    tenants_key(fx, "{\"name\":\"door\",\"role\":\"agent\"}", other);
    assert_string_equal(sign_in(fx, other, again).word, "too_many_sign_ins");
    at(13 * HOUR_MS); /* they are over, and still to be seen */
    assert_int_equal(listed(fx), 203);
    at(37 * HOUR_MS); /* for a day */
    assert_int_equal(listed(fx), 3);
    at(13 * HOUR_MS);
    assert_int_equal(sign_in(fx, maker, key).code, 0); /* each new one removes some of them */
    assert_int_equal(listed(fx), 204 - 64);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(sign_in(fx, maker, key).code, 0);
    }
    assert_int_equal(listed(fx), 3 + 4);
}

/* A sign-in may make links too, so far; each ends with the one before. */
static void links_of_links(void **state)
{
    struct fixture *fx = *state;
    char maker[KEY_TEXT_LEN + 1], key[9][KEY_TEXT_LEN + 1];
    struct err e;
    json_t *link = NULL, *none = json_object();
    tenants_key(fx, "{\"role\":\"viewer\",\"sessions\":[\"shop-*\"]}", maker);
    const char *last = maker;
    int depth = 0;
    for (; depth < 9; depth++) {
        struct bridge_principal who = comes(fx, last);
        assert_string_equal(who.sessions, "shop-*");
        if (bridge_sign_in_link(fx->b, &who, none, &link, &e) != 0) {
            break;
        }
        assert_int_equal(enter(fx, json_str(link, "ticket"), key[depth]).code, 0);
        json_decref(link);
        last = key[depth];
        at(elapsed + HOUR_MS);
    }
    assert_int_equal(depth, 8);
    assert_int_equal(e.code, E_FORBIDDEN);
    /* none lives longer than the first */
    assert_int_equal(comes(fx, key[7]).expires_ms, NOW_MS + 12 * HOUR_MS);
    struct answer a = {.done = false};
    struct bridge_principal third = comes(fx, key[2]);
    CALL(fx, a, bridge_sign_out(fx->b, &third, on_answer, &a));
    assert_int_equal(a.err.code, 0);
    assert_int_equal(rc_of(fx, key[1], &e), 0);
    for (int i = 2; i < 8; i++) {
        assert_int_equal(rc_of(fx, key[i], &e), E_AUTH);
    }
    json_decref(none);
}

/* The name stays within what a key's name may have, and whole. */
static void a_long_name(void **state)
{
    struct fixture *fx = *state;
    char maker[KEY_TEXT_LEN + 1], key[KEY_TEXT_LEN + 1], text[512] = "{\"role\":\"viewer\",\"name\":\"";
    for (int i = 0; i < 100; i++) {
        strcat(text, "é");
    }
    strcat(text, "\"}");
    tenants_key(fx, text, maker);
    assert_int_equal(sign_in(fx, maker, key).code, 0);
    struct bridge_principal who = comes(fx, key);
    json_t *me = NULL;
    assert_int_equal(bridge_me(fx->b, &who, &me, NULL), 0);
    const char *name = json_str(me, "name");
    assert_memory_equal(name, "sign-in: é", 10);
    assert_true(strlen(name) <= 200 && name[strlen(name) - 1] == "é"[1]);
    json_decref(me);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_link_ends_after_five_minutes, setup_now, teardown_now),
        cmocka_unit_test_setup_teardown(a_sign_in_ends_by_itself, setup_now, teardown_now),
        cmocka_unit_test_setup_teardown(who_is_out_makes_room, setup_now, teardown_now),
        cmocka_unit_test_setup_teardown(links_of_links, setup_now, teardown_now),
        cmocka_unit_test_setup_teardown(a_long_name, setup_now, teardown_now),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
