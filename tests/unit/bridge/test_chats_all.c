/* The inbox of a tenant with ten thousand chats in each of four sessions: every page is right, for
 * whoever asks, and the newest page is there without a look at all of them. */
#include "box_fixture.h"

#include "people_priv.h"

#define SESSIONS 4
#define CHATS 10000
#define STEP 1000

static const char *const names[SESSIONS] = {"main", "north", "south", "west"};

struct fill {
    struct store_op op;
    unsigned session, from;
    int rc;
    bool done;
};

static int fill_apply(struct store_txn *t, struct store_op *op)
{
    struct fill *f = op->data;
    struct message_owner o;
    int rc = 0;
    message_owner_set(&o, "default", names[f->session]);
    for (unsigned i = f->from; rc == 0 && i < f->from + STEP; i++) {
        char jid[64], phone[16], id[32], text[64];
        (void)snprintf(phone, sizeof(phone), "55119%08u", i);
        (void)snprintf(jid, sizeof(jid), "%s@c.us", phone);
        (void)snprintf(id, sizeof(id), "%u.%u", f->session, i);
        (void)snprintf(text, sizeof(text), "message of customer %u", i);
        const struct chat_touch touch = {
            .kind = CHAT_USER,
            .chat = {.id = jid, .phone = phone, .lid = "", .name = text, .contact_id = ""},
            .id = id,
            .type = "text",
            .text = text,
            .text_len = strlen(text),
            .time_ms = 1700000000000 + (uint64_t)i * SESSIONS + f->session,
            .unread = i % 2 == 0 ? 1 : 0,
        };
        rc = chat_touch(t, &o, &touch);
    }
    return rc;
}

static void on_filled(struct store_op *op, int rc)
{
    struct fill *f = op->data;
    f->rc = rc;
    f->done = true;
}

static void on_put(void *arg, const struct bridge_reply *r)
{
    assert_null(r->err);
    *(bool *)arg = true;
}

static void fill_all(struct box *x)
{
    for (unsigned s = 0; s < SESSIONS; s++) {
        json_t *body = json_pack("{s:b}", "autostart", 0);
        bool made = s == 0;
        if (!made) {
            bridge_session_put(x->b, "default", names[s], body, on_put, &made);
        }
        UNTIL(x, made);
        json_decref(body);
        for (unsigned i = 0; i < CHATS; i += STEP) {
            struct fill f = {.session = s, .from = i};
            f.op.data = &f;
            store_submit(x->store, &f.op, fill_apply, on_filled);
            UNTIL(x, f.done);
            assert_int_equal(f.rc, 0);
        }
    }
}

static json_t *page(struct box *x, const struct bridge_inbox *in, const char *cursor,
                    unsigned limit)
{
    const struct bridge_paging p = {.limit = limit, .cursor = cursor};
    json_t *out = NULL;
    struct err e;
    if (bridge_inbox_chats(x->b, in, NULL, &p, &out, &e) != 0) {
        fail_msg("inbox: %s", e.msg);
    }
    return out;
}

/* The sessions take turns, for each chat was touched in all of them one millisecond apart. */
static void test_pages(void **state)
{
    struct box *x = *state;
    const struct bridge_inbox in = {.tenant = "default"};
    char cursor[1024] = "";
    unsigned at = SESSIONS * CHATS;
    fill_all(x);
    while (at > 0) {
        json_t *got = page(x, &in, cursor, 500);
        const json_t *items = json_arr(got, "items");
        assert_int_equal(json_array_size(items), 500);
        for (size_t i = 0; i < 500; i++) {
            const json_t *chat = json_array_get(items, i);
            char phone[16];
            at--;
            (void)snprintf(phone, sizeof(phone), "55119%08u", at / SESSIONS);
            assert_string_equal(json_str(chat, "phone"), phone);
            assert_string_equal(json_str(chat, "session"), names[at % SESSIONS]);
        }
        (void)snprintf(cursor, sizeof(cursor), "%s", json_str_or(got, "next_cursor", ""));
        assert_true((cursor[0] == '\0') == (at == 0));
        json_decref(got);
    }

    struct bridge_principal who = {.tenant = "default", .sessions = "north so*"};
    const struct bridge_inbox some = {.tenant = "default", .who = &who};
    json_t *facets = NULL, *seen = page(x, &some, "", 100);
    struct err e;
    for (size_t i = 0; i < 100; i++) {
        const char *s = json_str(json_array_get(json_arr(seen, "items"), i), "session");
        assert_true(strcmp(s, "north") == 0 || strcmp(s, "south") == 0);
    }
    json_decref(seen);
    assert_int_equal(bridge_inbox_facets(x->b, &in, &facets, &e), 0);
    assert_int_equal(json_int(facets, "scanned", 0), BRIDGE_FACET_CHATS);
    assert_false(json_flag(facets, "complete", true));
    assert_int_equal(json_int(json_obj(facets, "counts"), "unread", 0), BRIDGE_FACET_CHATS / 2);
    json_decref(facets);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_pages, box_setup, box_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
