/* Every sealed text under a new master key: the places that are known, and one that is not. */
#include "store/fixture.h"

#include "agent_settings.h"
#include "core_priv.h"
#include "json.h"
#include "webhook.h"

static char *seal(struct fixture *fx, const char *place, const char *secret)
{
    struct err e = {0};
    char *out = NULL;
    assert_int_equal(store_seal(fx->s, place, secret, strlen(secret), &out, &e), 0);
    return out;
}

struct record {
    enum store_table table;
    const char *const *path;
    json_t *json;
};

static int apply_record(struct store_txn *t, struct store_op *op)
{
    const struct record *r = op->data;
    return record_put(t, r->table, r->path, r->json, &op->err);
}

static void put(struct fixture *fx, enum store_table table, const char *const *path, json_t *json)
{
    struct record r = {table, path, json};
    assert_non_null(json);
    assert_int_equal(fx_run(fx, apply_record, &r), 0);
    json_decref(json);
}

static json_t *get(struct fixture *fx, enum store_table table, const char *const *path)
{
    struct store_value v;
    struct store_txn *t = fx_read(fx);
    assert_int_equal(store_get(t, table, path, &v), 0);
    json_t *o = record_parse(v, NULL);
    store_read_end(t);
    assert_non_null(o);
    return o;
}

/* Sealed by the functions that really do it, so that the table of places must agree with them. */
static void fill(struct fixture *fx)
{
    struct bridge b = {.store = fx->s, .loop = &fx->loop};
    struct err e = {0};
    char *secret = NULL, *headers = NULL;
    json_t *h = json_pack("{s:s}", "Authorization", "Bearer x");
    assert_int_equal(webhook_seal_secret(&b, "acme", "erp", "whsec_1", &secret, &e), 0);
    assert_int_equal(webhook_seal_headers(&b, "acme", "erp", h, &headers, &e), 0);
    put(fx, STORE_WEBHOOKS, STORE_PATH("acme", "erp"),
        json_pack("{s:s,s:s,s:s}", "url", "https://x", "secret", secret, "headers", headers));
    free(secret);
    free(headers);
    char *parts[3];
    static const char *const names[] = {"api_key", "secret", "headers"};
    for (int i = 0; i < 3; i++) {
        const char *text = i == 2 ? "{\"X-Token\":\"t\"}" : "agent secret";
        assert_int_equal(agent_seal(&b, "acme", "main", names[i], text, &parts[i], &e), 0);
    }
    put(fx, STORE_AGENTS, STORE_PATH("acme", "main", "settings"),
        json_pack("{s:s,s:s,s:s,s:s}", "kind", "http", "api_key", parts[0], "secret", parts[1],
                  "headers", parts[2]));
    put(fx, STORE_AGENTS, STORE_PATH("acme", "main", "health"), json_pack("{s:b}", "failing", 0));
    for (int i = 0; i < 3; i++) {
        free(parts[i]);
    }
    char *pepper = seal(fx, "bridge/key-pepper", "0123456789abcdef0123456789abcdef");
    put(fx, STORE_META, STORE_PATH("bridge"), json_pack("{s:s}", "key_pepper", pepper));
    free(pepper);
    json_decref(h);
}

static void check_secrets(struct fixture *fx)
{
    struct bridge b = {.store = fx->s, .loop = &fx->loop};
    struct err e = {0};
    char *text = NULL;
    size_t len = 0;
    json_t *o = get(fx, STORE_WEBHOOKS, STORE_PATH("acme", "erp"));
    json_t *headers = NULL;
    assert_int_equal(webhook_secret(&b, "acme", "erp", o, &text, &len, &e), 0);
    assert_string_equal(text, "whsec_1");
    mem_wipe_free(text, len);
    assert_int_equal(webhook_headers(&b, "acme", "erp", o, &headers, &e), 0);
    assert_string_equal(json_str(headers, "Authorization"), "Bearer x");
    json_decref(headers);
    json_decref(o);
    o = get(fx, STORE_AGENTS, STORE_PATH("acme", "main", "settings"));
    assert_int_equal(agent_unseal(&b, "acme", "main", "api_key", o, &text, &len, &e), 0);
    assert_string_equal(text, "agent secret");
    mem_wipe_free(text, len);
    assert_int_equal(agent_unseal(&b, "acme", "main", "secret", o, &text, &len, &e), 0);
    mem_wipe_free(text, len);
    assert_int_equal(agent_headers(&b, "acme", "main", o, &headers, &e), 0);
    assert_string_equal(json_str(headers, "X-Token"), "t");
    json_decref(headers);
    json_decref(o);
    o = get(fx, STORE_META, STORE_PATH("bridge"));
    assert_int_equal(store_unseal(fx->s, "bridge/key-pepper", json_str(o, "key_pepper"), &text,
                                  &len, &e),
                     0);
    mem_wipe_free(text, len);
    json_decref(o);
}

static int open_with(struct fixture *fx, const unsigned char *key)
{
    struct store_options o = {.dir = fx->dir, .loop = &fx->loop, .master_key = key};
    return store_open(&o, &fx->s, NULL);
}

static void test_all_of_it(void **state)
{
    struct fixture *fx = *state;
    static const unsigned char key[STORE_KEY_LEN] = "another key of thirty-two bytes";
    struct err e = {0};
    size_t sealed = 0, unreadable = 9;
    fill(fx);
    assert_int_equal(bridge_rekey(&fx->loop, fx->s, key, &sealed, &unreadable, &e), 0);
    assert_int_equal(sealed, 6);
    assert_int_equal(unreadable, 0);
    fx_close(fx);
    assert_int_equal(fx_try_open(fx, false, &e), E_AUTH); /* the old one opens nothing now */
    assert_int_equal(open_with(fx, key), 0);
    check_secrets(fx);
}

/* Nothing is lost silently: a place that the table does not know stops it, and all is as it was. */
static void test_unknown_place(void **state)
{
    struct fixture *fx = *state;
    static const unsigned char key[STORE_KEY_LEN] = "another key of thirty-two bytes";
    struct err e = {0};
    size_t sealed, unreadable;
    fill(fx);
    char *text = seal(fx, "acme/new", "x");
    put(fx, STORE_TENANTS, STORE_PATH("acme"), json_pack("{s:{s:s}}", "new", "thing", text));
    free(text);
    assert_int_equal(bridge_rekey(&fx->loop, fx->s, key, &sealed, &unreadable, &e), E_UNSUPPORTED);
    assert_non_null(strstr(e.msg, "acme"));
    fx_reopen(fx);
    check_secrets(fx);
}

/* What a lost key sealed stays what it is; what was tampered with is told. */
static void test_unreadable(void **state)
{
    struct fixture *fx = *state;
    static const unsigned char key[STORE_KEY_LEN] = "another key of thirty-two bytes";
    struct err e = {0};
    size_t sealed = 0, unreadable = 0;
    fill(fx);
    put(fx, STORE_WEBHOOKS, STORE_PATH("acme", "old"),
        json_pack("{s:s}", "secret", "v1:00000000:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"));
    assert_int_equal(bridge_rekey(&fx->loop, fx->s, key, &sealed, &unreadable, &e), 0);
    assert_int_equal(sealed, 6);
    assert_int_equal(unreadable, 1);
}

static void test_tampered(void **state)
{
    struct fixture *fx = *state;
    static const unsigned char key[STORE_KEY_LEN] = "another key of thirty-two bytes";
    struct err e = {0};
    size_t sealed, unreadable;
    fill(fx);
    char *text = seal(fx, "elsewhere", "x"); /* of another place: moved */
    put(fx, STORE_WEBHOOKS, STORE_PATH("acme", "moved"), json_pack("{s:s}", "secret", text));
    free(text);
    assert_int_equal(bridge_rekey(&fx->loop, fx->s, key, &sealed, &unreadable, &e), E_IO);
    assert_non_null(strstr(e.msg, "acme/webhook/moved"));
    fx_reopen(fx);
    check_secrets(fx);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, fx_setup, fx_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(test_all_of_it), TEST(test_unknown_place),
                                       TEST(test_unreadable), TEST(test_tampered)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
