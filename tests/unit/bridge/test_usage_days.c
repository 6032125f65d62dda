/* Usage in a real bridge on a temporary directory: old rows go, a new day and month begin while the
 * bridge runs, and a big report is added up beside the loop. */
#include "box_fixture.h"

#include "usage.h"

#define HOUR UINT64_C(3600000)
#define DAY (24 * HOUR)

struct change {
    struct store_op op;
    int (*fn)(struct store_txn *t, struct change *c);
    uint64_t now_ms;
    unsigned from, count;
    size_t gone;
    int rc;
    bool done;
};

static int on_change(struct store_txn *t, struct store_op *op)
{
    struct change *c = op->data;
    return c->fn(t, c);
}

static void on_changed(struct store_op *op, int rc)
{
    struct change *c = op->data;
    c->rc = rc;
    c->done = true;
}

static void change(struct box *x, struct change *c)
{
    c->done = false;
    c->op.data = c;
    store_submit(x->store, &c->op, on_change, on_changed);
    UNTIL(x, c->done);
    assert_int_equal(c->rc, 0);
}

static void put_tenant(struct box *x, json_t *body)
{
    struct box_answer a = {0};
    bridge_tenant_put(x->b, "default", body, box_on_answer, &a);
    json_decref(body);
    UNTIL(x, a.count == 1);
    assert_int_equal(a.err.code, 0);
    json_decref(a.body);
}

static struct box_answer report(struct box *x, struct bridge_usage_query q)
{
    struct box_answer a = {0};
    q.tenant = "default";
    bridge_usage(x->b, &q, box_on_answer, &a);
    assert_int_equal(a.count, 0); /* never inside */
    UNTIL(x, a.count == 1);
    return a;
}

static json_int_t used(const json_t *body, const char *name)
{
    size_t i;
    json_t *o;
    json_array_foreach(json_arr(body, "quotas"), i, o)
    {
        if (strcmp(json_str_or(o, "name", ""), name) == 0) {
            return json_int(o, "used", -1);
        }
    }
    return -1;
}

static uint64_t at(const char *when)
{
    uint64_t ms = 0;
    assert_int_equal(clock_parse_rfc3339(when, &ms), 0);
    return ms;
}

static void expect_used(struct box *x, json_int_t day, json_int_t month)
{
    struct box_answer a = report(x, (struct bridge_usage_query){.by = BRIDGE_USAGE_DAY});
    assert_int_equal(a.err.code, 0);
    assert_int_equal(used(a.body, "sends_per_day"), day);
    assert_int_equal(used(a.body, "sends_per_month"), month);
    json_decref(a.body);
}

/* ---- what is old ---------------------------------------------------------------------------------
 */

static int count_days(struct store_txn *t, struct change *c)
{
    int rc = quota_take_send(t, "default", c->now_ms, true, NULL);
    for (unsigned i = c->from; i < c->from + c->count && rc == 0; i++) {
        const struct usage_item u = {.tenant = "default",
                                     .session = "main",
                                     .out = true,
                                     .phone = "5511900000001",
                                     .type = "text"};
        rc = usage_count(t, &u, c->now_ms - i * DAY);
    }
    return rc;
}

static int trim_some(struct store_txn *t, struct change *c)
{
    return usage_trim(t, c->now_ms, c->count, &c->gone);
}

static json_int_t days_kept(struct box *x, uint64_t now_ms)
{
    struct box_answer a = report(
        x, (struct bridge_usage_query){.since_ms = now_ms - 399 * DAY, .until_ms = now_ms + DAY});
    assert_int_equal(a.err.code, 0);
    json_int_t n = (json_int_t)json_array_size(json_arr(a.body, "items"));
    assert_int_equal(json_int(json_obj(a.body, "total"), "messages_out", -1), n);
    json_decref(a.body);
    return n;
}

static void old_days_go_and_counters_stay(void **state)
{
    struct box *x = *state;
    uint64_t now = at("2026-11-21T12:00:00Z");
    clock_fake(now, clock_mono_ms());
    struct change c = {.fn = count_days, .now_ms = now, .count = 60};
    change(x, &c);
    const struct change take = {.fn = trim_some, .now_ms = now - 40 * DAY, .count = 5};
    assert_int_equal(days_kept(x, now), 60);
    c = take;
    change(x, &c);
    assert_int_equal(c.gone, 5); /* no more than it may */
    assert_int_equal(days_kept(x, now), 55);
    c = take;
    c.count = 500;
    change(x, &c);
    assert_int_equal(c.gone, 14); /* the day of the bound itself stays */
    assert_int_equal(days_kept(x, now), 41);
    change(x, &c);
    assert_int_equal(c.gone, 0);
    expect_used(x, 1, 1);
    clock_fake(0, 0);
}

/* More than one look takes (NAMES), and by the round that the daemon makes each minute. */
static void the_round_takes_them(void **state)
{
    struct box *x = *state;
    uint64_t now = clock_wall_ms();
    struct change c = {.fn = count_days, .now_ms = now, .count = 390};
    x->b->cfg.usage.keep_ms = 100 * DAY;
    change(x, &c);
    while (days_kept(x, now) > 101) {
        json_int_t before = days_kept(x, now);
        housekeeping_run(x->b);
        UNTIL(x, x->b->core->housekeeping == NULL);
        assert_true(days_kept(x, now) < before);
    }
    assert_int_equal(days_kept(x, now), 101);
}

/* ---- days and months -----------------------------------------------------------------------------
 */

static struct box_answer send_text(struct box *x)
{
    struct box_answer a = {0};
    json_t *body = json_pack("{s:s,s:s}", "to", "5511900000001", "text", "x");
    bridge_send(x->b,
                &(struct bridge_send){.tenant = "default", .session = "main", .body = body},
                box_on_answer, &a);
    UNTIL(x, a.count == 1);
    json_decref(body);
    json_decref(a.body);
    return a;
}

static void a_day_and_a_month_begin_while_it_runs(void **state)
{
    struct box *x = *state;
    put_tenant(x, json_pack("{s:s,s:{s:i,s:i}}", "time_zone", "America/Sao_Paulo", "limits",
                            "sends_per_day", 2, "sends_per_month", 3));
    clock_fake(at("2026-11-29T23:59:59-03:00"), clock_mono_ms());
    assert_int_equal(send_text(x).err.code, 0);
    assert_int_equal(send_text(x).err.code, 0);
    struct box_answer a = send_text(x);
    assert_string_equal(err_word_of(&a.err), "quota_exceeded");
    assert_int_equal(a.err.retry_after_s, 1);
    expect_used(x, 2, 2);

    clock_fake(at("2026-11-30T00:00:00-03:00"), clock_mono_ms()); /* not midnight in UTC */
    expect_used(x, 0, 2);
    assert_int_equal(send_text(x).err.code, 0);
    a = send_text(x);
    assert_string_equal(err_word_of(&a.err), "quota_exceeded");
    assert_int_equal(a.err.retry_after_s, 24 * 3600); /* the month is what is used up */
    expect_used(x, 1, 3);

    clock_fake(at("2026-11-30T23:59:59-03:00"), clock_mono_ms()); /* December in UTC */
    a = send_text(x);
    assert_string_equal(err_word_of(&a.err), "quota_exceeded");
    clock_fake(at("2026-12-01T00:00:00-03:00"), clock_mono_ms());
    expect_used(x, 0, 0);
    assert_int_equal(send_text(x).err.code, 0);
    clock_fake(at("2026-11-30T23:59:59-03:00"), clock_mono_ms()); /* set back: nothing is anew */
    assert_int_equal(send_text(x).err.code, 0);
    a = send_text(x);
    assert_string_equal(err_word_of(&a.err), "quota_exceeded");
    clock_fake(at("2026-12-01T00:00:01-03:00"), clock_mono_ms());
    expect_used(x, 2, 2);

    a = report(x, (struct bridge_usage_query){.since_ms = at("2026-11-29T12:00:00-03:00"),
                                              .until_ms = at("2026-12-02T00:00:00-03:00")});
    const json_t *items = json_arr(a.body, "items");
    assert_int_equal(json_array_size(items), 3);
    static const struct {
        const char *day;
        int messages;
    } rows[] = {{"2026-11-29", 2}, {"2026-11-30", 2}, {"2026-12-01", 1}};
    for (size_t i = 0; i < 3; i++) {
        const json_t *o = json_array_get(items, i);
        assert_string_equal(json_str(o, "day"), rows[i].day);
        assert_int_equal(json_int(o, "messages_out", 0), rows[i].messages);
    }
    json_decref(a.body);
    clock_fake(0, 0);
}

/* ---- a big report --------------------------------------------------------------------------------
 */

static int put_rows(struct store_txn *t, struct change *c)
{
    static const char row[] = "{\"messages\":2,\"bytes\":10,\"types\":{\"text\":1,\"image\":1}}";
    int rc = 0;
    for (unsigned i = c->from; i < c->from + c->count && rc == 0; i++) {
        char session[32];
        (void)snprintf(session, sizeof(session), "s%u", i);
        rc = store_put(t, STORE_USAGE, STORE_PATH("default", "2026-11-20", session, "web.out.55"),
                       row, sizeof(row) - 1);
    }
    return rc;
}

static void a_big_report_is_bounded(void **state)
{
    struct box *x = *state;
    const struct bridge_usage_query q = {.since_ms = at("2026-11-19T00:00:00Z"),
                                         .until_ms = at("2026-11-22T00:00:00Z")};
    struct change c = {.fn = put_rows, .count = USAGE_MAX_ROWS};
    change(x, &c);
    struct box_answer a = report(x, q);
    assert_int_equal(a.err.code, 0);
    assert_int_equal(json_int(json_obj(a.body, "total"), "messages_out", 0), 2 * USAGE_MAX_ROWS);
    json_decref(a.body);
    c = (struct change){.fn = put_rows, .from = USAGE_MAX_ROWS, .count = 1};
    change(x, &c);
    a = report(x, q);
    assert_string_equal(err_word_of(&a.err), "range_too_long");
}

/* The daemon stops while reports are under way: each is answered. */
static void reports_under_way_at_a_stop(void **state)
{
    struct box *x = *state;
    struct box_answer a[20] = {0};
    const size_t n = sizeof(a) / sizeof(a[0]);
    for (size_t i = 0; i < n; i++) {
        bridge_usage(x->b, &(struct bridge_usage_query){.tenant = "default"}, box_on_answer, &a[i]);
    }
    box_close(x);
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(a[i].count, 1);
        json_decref(a[i].body);
    }
    box_open(x);
}

#define IN_BOX(test) cmocka_unit_test_setup_teardown(test, box_setup, box_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_BOX(old_days_go_and_counters_stay),
        IN_BOX(the_round_takes_them),
        IN_BOX(a_day_and_a_month_begin_while_it_runs),
        IN_BOX(a_big_report_is_bounded),
        IN_BOX(reports_under_way_at_a_stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
