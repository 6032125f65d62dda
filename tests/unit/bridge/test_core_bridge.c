/* The whole bridge on a real store, without a browser: first start, keys, tenants, health, close.
 */
#include "core_fixture.h"

static struct answer put_tenant(struct fixture *fx, const char *tenant, const char *text)
{
    struct answer a = {.done = false};
    json_t *body = json_parse(text, strlen(text), 4096, NULL);
    CALL(fx, a, bridge_tenant_put(fx->b, tenant, body, on_answer, &a));
    json_decref(body);
    return a;
}

static char *read_key_file(struct fixture *fx, struct stat *st)
{
    char path[96], line[128] = "";
    snprintf(path, sizeof(path), "%s/admin.key", fx->dir);
    if (stat(path, st) != 0) {
        return NULL;
    }
    FILE *f = fopen(path, "r");
    assert_non_null(fgets(line, sizeof(line), f));
    fclose(f);
    line[strcspn(line, "\n")] = '\0';
    return strdup(line);
}

/* ---- first start -------------------------------------------------------------------------------
 */

static void the_first_start_makes_what_is_needed(void **state)
{
    struct fixture *fx = *state;
    struct stat st;
    struct bridge_principal who;
    struct err e;
    assert_non_null(fx->key);
    char *stored = read_key_file(fx, &st);
    assert_string_equal(stored, fx->key);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_int_equal(bridge_authenticate(fx->b, fx->key, &who, &e), 0);
    assert_true(who.admin);
    assert_string_equal(who.tenant, "");
    assert_memory_equal(who.key_id, fx->key + 4, KEY_ID_LEN);

    json_t *body = NULL;
    assert_int_equal(bridge_tenant_get(fx->b, "default", &body, &e), 0);
    assert_string_equal(json_str(body, "id"), "default");
    assert_true(json_is_null(json_object_get(body, "default_country_code")));
    json_decref(body);
    assert_int_equal(bridge_session_get(fx->b, "default", "main", &body, &e), 0);
    assert_string_equal(json_str(body, "channel"), "web");
    assert_true(json_flag(body, "autostart", false));
    json_decref(body);

    /* The second start makes nothing, not even a lost file. */
    char path[96];
    snprintf(path, sizeof(path), "%s/admin.key", fx->dir);
    assert_int_equal(unlink(path), 0);
    close_bridge(fx);
    open_bridge(fx);
    assert_null(fx->key);
    assert_null(read_key_file(fx, &st));
    assert_int_equal(bridge_authenticate(fx->b, stored, &who, &e), 0); /* it still opens */
    free(stored);
}

static void keys_that_do_not_open(void **state)
{
    struct fixture *fx = *state;
    struct bridge_principal who;
    struct err e;
    char wrong[KEY_TEXT_LEN + 1];
    assert_int_equal(bridge_authenticate(fx->b, "", &who, &e), E_AUTH);
    assert_int_equal(bridge_authenticate(fx->b, "wab_x_y", &who, &e), E_AUTH);
    key_make(wrong); /* another id */
    assert_int_equal(bridge_authenticate(fx->b, wrong, &who, &e), E_AUTH);
    memcpy(wrong, fx->key, sizeof(wrong)); /* this id, another secret */
    wrong[KEY_TEXT_LEN - 1] = wrong[KEY_TEXT_LEN - 1] == 'A' ? 'Q' : 'A';
    assert_int_equal(bridge_authenticate(fx->b, wrong, &who, &e), E_AUTH);
    assert_string_equal(err_word_of(&e), "unauthorized");
}

/* ---- keys --------------------------------------------------------------------------------------
 */

static void keys_of_tenants_and_of_admin(void **state)
{
    struct fixture *fx = *state;
    struct answer a = {.done = false};
    struct bridge_principal who;
    struct err e;
    json_t *list = NULL;
    json_t *name = json_pack("{s:s}", "name", "erp");
    CALL(fx, a, bridge_key_create(fx->b, "nobody", NULL, name, on_answer, &a));
    assert_string_equal(a.err.word, "unknown_tenant");
    CALL(fx, a, bridge_key_create(fx->b, "default", NULL, name, on_answer, &a));
    assert_int_equal(a.err.code, 0);
    assert_true(a.created);
    assert_string_equal(json_str(a.body, "tenant"), "default");
    assert_string_equal(json_str(a.body, "name"), "erp");
    char key[KEY_TEXT_LEN + 1], id[KEY_ID_LEN + 1];
    snprintf(key, sizeof(key), "%s", json_str(a.body, "key"));
    snprintf(id, sizeof(id), "%s", json_str(a.body, "id"));
    assert_int_equal(bridge_authenticate(fx->b, key, &who, &e), 0);
    assert_false(who.admin);
    assert_string_equal(who.tenant, "default");

    assert_int_equal(bridge_key_list(fx->b, "default", NULL, &list, &e), 0);
    assert_int_equal(json_array_size(json_arr(list, "items")), 1);
    const json_t *shown = json_array_get(json_arr(list, "items"), 0);
    assert_null(json_object_get(shown, "key"));
    assert_null(json_object_get(shown, "hash"));
    json_decref(list);

    /* Neither an admin's path nor another tenant's reaches it. */
    CALL(fx, a, bridge_key_delete(fx->b, NULL, NULL, id, on_answer, &a));
    assert_string_equal(a.err.word, "unknown_key");
    CALL(fx, a, bridge_key_delete(fx->b, "default", NULL, id, on_answer, &a));
    assert_int_equal(a.err.code, 0);
    assert_int_equal(bridge_authenticate(fx->b, key, &who, &e), E_AUTH);

    /* The last admin key stays. */
    char admin[KEY_ID_LEN + 1];
    snprintf(admin, sizeof(admin), "%.12s", fx->key + 4);
    CALL(fx, a, bridge_key_delete(fx->b, NULL, NULL, admin, on_answer, &a));
    assert_int_equal(a.err.code, E_CONFLICT);
    CALL(fx, a, bridge_key_create(fx->b, NULL, NULL, name, on_answer, &a));
    assert_true(json_is_null(json_object_get(a.body, "tenant")));
    CALL(fx, a, bridge_key_delete(fx->b, NULL, NULL, admin, on_answer, &a));
    assert_int_equal(a.err.code, 0);
    assert_int_equal(bridge_authenticate(fx->b, fx->key, &who, &e), E_AUTH);

    json_t *bad = json_pack("{s:s, s:i}", "name", "x", "admin", 1);
    CALL(fx, a, bridge_key_create(fx->b, "default", NULL, bad, on_answer, &a));
    assert_int_equal(a.err.code, E_INVALID);
    assert_string_equal(a.err.field, "admin");
    json_decref(a.body);
    json_decref(bad);
    json_decref(name);
}

/* ---- tenants -----------------------------------------------------------------------------------
 */

static void tenants_are_made_changed_and_listed(void **state)
{
    struct fixture *fx = *state;
    struct answer a = put_tenant(
        fx, "acme",
        "{\"name\":\"Acme\",\"default_country_code\":\"55\",\"limits\":{\"max_webhooks\":1}}");
    assert_true(a.created);
    assert_string_equal(json_str(a.body, "default_country_code"), "55");
    assert_string_equal(json_str(a.body, "time_zone"), "UTC");
    json_decref(a.body);
    a = put_tenant(fx, "acme", "{\"time_zone\":\"America/Sao_Paulo\"}");
    assert_false(a.created);
    assert_string_equal(json_str(a.body, "name"), "Acme"); /* not named: not changed */
    assert_int_equal(json_int(json_obj(a.body, "limits"), "max_webhooks", 0), 1);
    json_decref(a.body);

    json_t *hook = json_pack("{s:s}", "url", "https://example.com/");
    a = (struct answer){.done = false};
    CALL(fx, a, bridge_webhook_put(fx->b, "acme", NULL, "one", hook, on_answer, &a));
    assert_int_equal(a.err.code, 0);
    CALL(fx, a, bridge_webhook_put(fx->b, "acme", NULL, "two", hook, on_answer, &a));
    assert_string_equal(a.err.word, "too_many_webhooks");
    json_decref(a.body);
    json_decref(hook);

    json_t *page = NULL;
    struct err e;
    struct bridge_paging p = {.limit = 1, .cursor = ""};
    assert_int_equal(bridge_tenant_list(fx->b, &p, &page, &e), 0);
    assert_string_equal(json_str(json_array_get(json_arr(page, "items"), 0), "id"), "acme");
    p.cursor = "acme";
    json_decref(page);
    assert_int_equal(bridge_tenant_list(fx->b, &p, &page, &e), 0);
    assert_string_equal(json_str(json_array_get(json_arr(page, "items"), 0), "id"), "default");
    assert_true(json_is_null(json_object_get(page, "next_cursor")));
    json_decref(page);
    p.cursor = "NOT a cursor";
    assert_int_equal(bridge_tenant_list(fx->b, &p, &page, &e), E_INVALID);
    assert_string_equal(e.field, "cursor");
}

static void bad_tenants_name_their_field(void **state)
{
    struct fixture *fx = *state;
    static const struct {
        const char *tenant, *body, *field;
    } table[] = {
        {"Acme", "{}", "tenant"},
        {"acme", "{\"surprise\":1}", "surprise"},
        {"acme", "{\"name\":7}", "name"},
        {"acme", "{\"name\":\"\"}", "name"},
        {"acme", "{\"default_country_code\":\"+55\"}", "default_country_code"},
        {"acme", "{\"default_country_code\":\"5555\"}", "default_country_code"},
        {"acme", "{\"time_zone\":\"no zone\"}", "time_zone"},
        {"acme", "{\"limits\":[]}", "limits"},
        {"acme", "{\"limits\":{\"max_webhooks\":-1}}", "limits"},
        {"acme", "{\"limits\":{\"other\":1}}", "limits"},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct answer a = put_tenant(fx, table[i].tenant, table[i].body);
        if (a.err.code != E_INVALID) {
            fail_msg("passed: %s", table[i].body);
        }
        assert_string_equal(a.err.field, table[i].field);
        json_decref(a.body);
    }
}

static void a_deleted_tenant_leaves_nothing(void **state)
{
    struct fixture *fx = *state;
    struct bridge_principal who;
    struct err e;
    struct answer a = {.done = false};
    json_t *body = NULL;
    json_decref(put_tenant(fx, "acme", "{}").body);
    json_t *session = json_pack("{s:b}", "autostart", 0);
    json_t *hook = json_pack("{s:s}", "url", "https://example.com/");
    CALL(fx, a, bridge_session_put(fx->b, "acme", "main", session, on_answer, &a));
    assert_int_equal(a.err.code, 0);
    CALL(fx, a, bridge_webhook_put(fx->b, "acme", NULL, "erp", hook, on_answer, &a));
    assert_int_equal(a.err.code, 0);
    CALL(fx, a, bridge_key_create(fx->b, "acme", NULL, NULL, on_answer, &a));
    char key[KEY_TEXT_LEN + 1];
    snprintf(key, sizeof(key), "%s", json_str(a.body, "key"));

    CALL(fx, a, bridge_tenant_delete(fx->b, "acme", on_answer, &a));
    assert_int_equal(a.err.code, 0);
    assert_int_equal(bridge_tenant_get(fx->b, "acme", &body, &e), E_NOTFOUND);
    assert_int_equal(bridge_webhook_get(fx->b, "acme", "erp", &body, &e), E_NOTFOUND);
    assert_int_equal(bridge_session_get(fx->b, "acme", "main", &body, &e), E_NOTFOUND);
    assert_int_equal(bridge_authenticate(fx->b, key, &who, &e), E_AUTH);
    CALL(fx, a, bridge_tenant_delete(fx->b, "acme", on_answer, &a));
    assert_string_equal(a.err.word, "unknown_tenant");
    /* A new one of the name begins with nothing. */
    json_decref(put_tenant(fx, "acme", "{}").body);
    assert_int_equal(bridge_webhook_get(fx->b, "acme", "erp", &body, &e), E_NOTFOUND);
    assert_string_equal(e.word, "unknown_webhook");
    assert_int_equal(bridge_events_last(fx->b, "acme"), 0);
    json_decref(a.body);
    json_decref(session);
    json_decref(hook);
}

struct mark {
    struct store_op op;
    bool done;
};
static int apply_mark(struct store_txn *t, struct store_op *op)
{
    (void)op;
    return store_put(t, STORE_TENANTS, STORE_PATH("acme"), "{\"deleting\":true}", 17);
}
static void on_marked(struct store_op *op, int rc)
{
    struct mark *m = op->data;
    assert_int_equal(rc, 0);
    m->done = true;
}

/* What a crash in the middle of a deletion leaves: the next start goes on. */
static void an_interrupted_deletion_goes_on(void **state)
{
    struct fixture *fx = *state;
    struct answer a = {.done = false};
    struct err e;
    json_t *body = NULL;
    CALL(fx, a, bridge_session_act(fx->b, "default", "main", BRIDGE_STOP, on_answer, &a));
    json_decref(a.body);
    json_decref(put_tenant(fx, "acme", "{}").body);
    struct mark m = {.done = false};
    m.op.data = &m;
    store_submit(fx->store, &m.op, apply_mark, on_marked);
    WAIT(fx, m.done);
    assert_int_equal(bridge_tenant_get(fx->b, "acme", &body, &e), E_NOTFOUND);
    a = put_tenant(fx, "acme", "{}");
    assert_string_equal(a.err.word, "tenant_being_deleted");
    close_bridge(fx);
    open_bridge(fx);
    bridge_start(fx->b);
    WAIT(fx, (a = put_tenant(fx, "acme", "{}"), a.err.code == 0));
    assert_true(a.created);
    json_decref(a.body);
}

/* ---- health ------------------------------------------------------------------------------------
 */

static void health_is_what_the_contract_says(void **state)
{
    struct fixture *fx = *state;
    struct err e;
    json_t *body = NULL;
    bool healthy = false;
    assert_int_equal(bridge_health(fx->b, &body, &healthy, &e), 0);
    assert_true(healthy);
    assert_string_equal(json_str(body, "status"), "ok");
    assert_string_equal(json_str(body, "version"), WABRIDGE_VERSION);
    assert_true(json_int(body, "uptime_s", -1) >= 0);
    assert_true(json_int(json_obj(body, "memory"), "rss_bytes", 0) > 1000000);
    assert_int_equal(json_int(json_obj(body, "sessions"), "total", 0), 1);
    assert_int_equal(json_int(json_obj(body, "sessions"), "ready", -1), 0);
    assert_int_equal(json_object_size(json_obj(body, "sessions")), 5);
    assert_int_equal(json_int(json_obj(body, "queues"), "dead_letters", -1), 0);
    assert_int_equal(json_object_size(json_obj(body, "queues")), 3);
    assert_non_null(json_str(body, "timestamp"));
    json_decref(body);
}

/* ---- closing -----------------------------------------------------------------------------------
 */

static void answers_on_their_way_come_before_the_close(void **state)
{
    struct fixture *fx = *state;
    struct answer put = {.done = false}, bad = {.done = false}, deleted = {.done = false};
    bool closed = false;
    json_t *body = json_object();
    bridge_tenant_put(fx->b, "acme", body, on_answer, &put);
    bridge_tenant_put(fx->b, "NOT", body, on_answer, &bad);
    bridge_tenant_delete(fx->b, "default", on_answer, &deleted);
    bridge_close(fx->b, 1000, on_flag, &closed);
    WAIT(fx, closed);
    fx->b = NULL;
    assert_true(put.done && bad.done && deleted.done);
    assert_int_equal(put.err.code, 0);
    assert_int_equal(bad.err.code, E_INVALID);
    assert_int_equal(deleted.err.code, E_CANCELED);
    json_decref(put.body);
    json_decref(body);
    closed = false;
    store_close(fx->store, on_flag, &closed);
    WAIT(fx, closed);
    mem_wipe_free(fx->key, strlen(fx->key));
    fx->key = NULL;
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(the_first_start_makes_what_is_needed),
        T(keys_that_do_not_open),
        T(keys_of_tenants_and_of_admin),
        T(tenants_are_made_changed_and_listed),
        T(bad_tenants_name_their_field),
        T(a_deleted_tenant_leaves_nothing),
        T(an_interrupted_deletion_goes_on),
        T(health_is_what_the_contract_says),
        T(answers_on_their_way_come_before_the_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
