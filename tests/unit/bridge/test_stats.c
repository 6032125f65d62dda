/* Counts over time in a real store: rows, histograms, folding, what is old, the answer's sums. */
#include "store/fixture.h"

#include "clock.h"
#include "json.h"
#include "offline.h"
#include "stats_report.h"

#define NOW_S UINT64_C(1795262700) /* 2026-11-21T14:05:00Z: a row begins */
#define MS UINT64_C(1000)

static int set_clock(void **state)
{
    clock_fake(NOW_S * MS, 0);
    return fx_setup(state);
}

static int free_clock(void **state)
{
    clock_fake(0, 0);
    return fx_teardown(state);
}

/* ---- rows ---------------------------------------------------------------------------------------- */

static void a_row_comes_back_as_it_was(void **state)
{
    (void)state;
    struct stats_row row = {{0}}, back = {{0}};
    unsigned char text[STATS_ROW_MAX];
    assert_int_equal(stats_encode(&row, text), 0);
    row.v[STATS_RECEIVED] = 1;
    row.v[STATS_READ] = 127;
    row.v[STATS_FAILED] = 128;
    row.v[STATS_LATENCY + STATS_BINS - 1] = UINT64_MAX;
    size_t len = stats_encode(&row, text);
    assert_true(stats_decode(text, len, &back));
    assert_memory_equal(&row, &back, sizeof(row));
    for (size_t cut = 1; cut < len; cut++) {
        struct stats_row part = {{0}}, none = {{0}};
        if (!stats_decode(text, cut, &part)) {
            assert_memory_equal(&part, &none, sizeof(part)); /* nothing of it is taken */
        }
    }
    assert_false(stats_decode("\x01", 1, &back));
    for (unsigned i = 0; i < STATS_FIELDS; i++) {
        row.v[i] = UINT64_MAX;
    }
    assert_true(stats_encode(&row, text) <= STATS_ROW_MAX);
    struct stats_row of_later = {{0}};
    assert_true(stats_decode("\xF0\x05\x00\x02", 4, &of_later));
    assert_int_equal(of_later.v[STATS_RECEIVED], 2);
}

static void names_of_rows(void **state)
{
    (void)state;
    char name[STATS_NAME_LEN];
    bool hour;
    uint64_t at;
    stats_name(name, true, NOW_S - 300);
    assert_string_equal(name, "1h.1795262400");
    assert_true(stats_name_parse(name, &hour, &at) && hour && at == NOW_S - 300);
    assert_true(stats_name_parse("5m.1795262700", &hour, &at) && !hour && at == NOW_S);
    static const char *const wrong[] = {"1h.1795262700", "5m.1795262701", "5m.17952627", "x",
                                        "5m.179526270x", "2h.1795262400", ""};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        assert_false(stats_name_parse(wrong[i], &hour, &at));
    }
}

static void medians_lie_between_the_bounds_of_their_bin(void **state)
{
    (void)state;
    struct stats_row row = {{0}};
    assert_true(stats_quantile(&row, STATS_RESPONSE, 0.5) < 0);
    for (int i = 0; i < 99; i++) {
        row.v[stats_response_field(55000)]++;
    }
    row.v[stats_response_field(UINT64_C(30) * 86400 * 1000)]++;
    assert_int_equal(stats_total(&row, STATS_RESPONSE), 100);
    double median = stats_quantile(&row, STATS_RESPONSE, 0.5);
    assert_true(median > 45 && median <= 60);
    assert_true(stats_quantile(&row, STATS_RESPONSE, 1) == 259200); /* all that is known of it */
    row.v[stats_latency_field(1)]++;
    assert_true(stats_quantile(&row, STATS_LATENCY, 0.5) <= 5);
    assert_int_equal(stats_response_field(5000), STATS_RESPONSE);
    assert_int_equal(stats_response_field(5001), STATS_RESPONSE + 1);
    assert_int_equal(stats_latency_field(UINT64_C(3600000000)), STATS_LATENCY + STATS_BINS - 1);
}

/* ---- in the store -------------------------------------------------------------------------------- */

struct deed {
    uint64_t at_s, fields, now_ms;
    const char *session;
    struct stats_trim *trim;
    bool more;
};

static int apply_count(struct store_txn *t, struct store_op *op)
{
    const struct deed *d = op->data;
    return stats_count(t, "acme", d->session, d->at_s * MS, d->fields);
}

static void count(struct fixture *fx, const char *session, uint64_t at_s, uint64_t fields)
{
    struct deed d = {.session = session, .at_s = at_s, .fields = fields};
    assert_int_equal(fx_run(fx, apply_count, &d), 0);
}

static int apply_trim(struct store_txn *t, struct store_op *op)
{
    struct deed *d = op->data;
    return stats_trim(t, d->now_ms, d->trim, &d->more);
}

/* A round; gives the number of steps. */
static unsigned trim(struct fixture *fx, uint64_t now_s)
{
    struct stats_trim at = {.tenant = ""};
    struct deed d = {.trim = &at, .now_ms = now_s * MS};
    unsigned steps = 0;
    do {
        assert_int_equal(fx_run(fx, apply_trim, &d), 0);
        steps++;
    } while (d.more);
    return steps;
}

static int on_row(void *arg, const char *const *path, struct store_value v)
{
    unsigned *n = arg;
    (void)v;
    n[path[2][0] == '1']++;
    return 0;
}

static void rows(struct fixture *fx, unsigned *fine, unsigned *hours)
{
    unsigned n[2] = {0};
    struct store_txn *t = fx_read(fx);
    assert_int_equal(store_scan(t, STORE_STATS, NULL, NULL, on_row, n), 0);
    store_read_end(t);
    *fine = n[0];
    *hours = n[1];
}

static struct stats_report *report(struct fixture *fx, enum bridge_stats_range range,
                                   uint64_t now_s, bool all)
{
    struct stats_report *r = test_calloc(1, sizeof(*r));
    r->tenant = "acme";
    r->all = all;
    stats_report_range(r, range, now_s * MS);
    struct store_txn *t = fx_read(fx);
    assert_int_equal(stats_report_read(r, t), 0);
    store_read_end(t);
    return r;
}

static void counts_are_found_in_their_step(void **state)
{
    struct fixture *fx = *state;
    count(fx, "main", NOW_S, STATS_ONE(STATS_RECEIVED));
    count(fx, "main", NOW_S, STATS_ONE(STATS_RECEIVED) | STATS_ONE(STATS_SENT));
    count(fx, "main", NOW_S - 1, STATS_ONE(STATS_SENT));
    count(fx, "other", NOW_S + 9000, STATS_ONE(STATS_SENT)); /* of a clock ahead: now */
    count(fx, STATS_TENANT, NOW_S, STATS_ONE(STATS_HOOK_DEAD));
    struct stats_report *r = report(fx, BRIDGE_STATS_1H, NOW_S, true);
    assert_int_equal(r->count, 12);
    assert_int_equal(r->since_s, NOW_S - 11 * 300);
    assert_int_equal(r->steps[11].v[STATS_RECEIVED], 2);
    assert_int_equal(r->steps[11].v[STATS_SENT], 2);
    assert_int_equal(r->steps[10].v[STATS_SENT], 1);
    assert_int_equal(r->total.v[STATS_HOOK_DEAD], 1);
    json_t *body = stats_report_body(r);
    assert_int_equal(json_array_size(json_arr(body, "series")), 12);
    assert_int_equal(json_int(json_obj(body, "totals"), "sent", -1), 3);
    json_decref(body);
    test_free(r);
    r = report(fx, BRIDGE_STATS_1H, NOW_S, false);
    assert_int_equal(r->total.v[STATS_SENT], 3);
    assert_int_equal(r->total.v[STATS_HOOK_DEAD], 0); /* the tenant's alone */
    body = stats_report_body(r);
    assert_true(json_is_null(json_object_get(json_obj(body, "totals"), "webhooks")));
    assert_true(json_is_null(json_object_get(json_obj(body, "queues"), "dead_letters")));
    json_decref(body);
    test_free(r);
    r = report(fx, BRIDGE_STATS_1H, NOW_S + 7200, true);
    assert_int_equal(r->total.v[STATS_SENT], 0);
    test_free(r);
}

static void what_is_folded_counts_once(void **state)
{
    struct fixture *fx = *state;
    unsigned fine, hours;
    for (unsigned i = 0; i < 600; i++) { /* 50 hours and more of rows, in two sessions */
        count(fx, i % 2 == 0 ? "main" : "other", NOW_S - i * 300, STATS_ONE(STATS_SENT));
    }
    struct stats_report *r = report(fx, BRIDGE_STATS_7D, NOW_S, true);
    struct stats_row before = r->total;
    assert_int_equal(before.v[STATS_SENT], 600);
    test_free(r);
    rows(fx, &fine, &hours);
    assert_true(fine > 570 && hours > 0); /* what was older than two days at once */

    const uint64_t later = NOW_S + 86400 * 2;
    assert_true(trim(fx, later) > 1); /* more than one step takes */
    rows(fx, &fine, &hours);
    assert_true(fine <= 24 && hours >= 100);
    r = report(fx, BRIDGE_STATS_7D, later, true);
    assert_int_equal(r->total.v[STATS_SENT], 600);
    test_free(r);
    assert_int_equal(trim(fx, later), 1);
    r = report(fx, BRIDGE_STATS_90D, later, true);
    assert_int_equal(r->total.v[STATS_SENT], 600);
    test_free(r);

    /* a receipt that comes late finds the hour that its message was folded into */
    clock_fake(later * MS, 0);
    count(fx, "main", NOW_S - 7200, STATS_ONE(STATS_READ));
    r = report(fx, BRIDGE_STATS_7D, later, true);
    assert_int_equal(r->total.v[STATS_READ], 1);
    test_free(r);
}

static void what_is_too_old_goes_and_is_not_counted(void **state)
{
    struct fixture *fx = *state;
    unsigned fine, hours;
    count(fx, "main", NOW_S - STATS_KEEP_S - 1, STATS_ONE(STATS_SENT));
    rows(fx, &fine, &hours);
    assert_int_equal(fine + hours, 0);
    count(fx, "main", NOW_S - 86400 * 5, STATS_ONE(STATS_SENT));
    count(fx, "main", NOW_S, STATS_ONE(STATS_SENT));
    (void)trim(fx, NOW_S + STATS_KEEP_S - 86400);
    rows(fx, &fine, &hours);
    assert_int_equal(fine, 0);
    assert_int_equal(hours, 1);
    (void)trim(fx, NOW_S + STATS_KEEP_S + 86400);
    rows(fx, &fine, &hours);
    assert_int_equal(fine + hours, 0);
}

static int apply_status(struct store_txn *t, struct store_op *op)
{
    static const enum message_status way[][2] = {
        {MESSAGE_QUEUED, MESSAGE_SUBMITTED}, {MESSAGE_SUBMITTED, MESSAGE_SENT},
        {MESSAGE_SENT, MESSAGE_READ},        {MESSAGE_READ, MESSAGE_PLAYED},
        {MESSAGE_SUBMITTED, MESSAGE_FAILED}, {MESSAGE_QUEUED, MESSAGE_DELIVERED}};
    const struct message_owner o = {.tenant = "acme", .session = "main"};
    int rc = 0;
    (void)op;
    for (size_t i = 0; rc == 0 && i < sizeof(way) / sizeof(way[0]); i++) {
        rc = stats_count_status(t, &o, NOW_S * MS, way[i][0], way[i][1]);
    }
    return rc;
}

/* A receipt that overtakes another counts for both. */
static void a_status_counts_all_that_it_passed(void **state)
{
    struct fixture *fx = *state;
    assert_int_equal(fx_run(fx, apply_status, NULL), 0);
    struct stats_report *r = report(fx, BRIDGE_STATS_24H, NOW_S, true);
    assert_int_equal(r->total.v[STATS_SENT], 2);
    assert_int_equal(r->total.v[STATS_DELIVERED], 2);
    assert_int_equal(r->total.v[STATS_READ], 1);
    assert_int_equal(r->total.v[STATS_FAILED], 1);
    test_free(r);
}

static int apply_erase(struct store_txn *t, struct store_op *op)
{
    return store_erase(t, "acme", op->data, false);
}

static void they_go_with_their_session_and_tenant(void **state)
{
    struct fixture *fx = *state;
    unsigned fine, hours;
    count(fx, "main", NOW_S, STATS_ONE(STATS_SENT));
    count(fx, "other", NOW_S, STATS_ONE(STATS_SENT));
    count(fx, STATS_TENANT, NOW_S, STATS_ONE(STATS_HOOK_DEAD));
    assert_int_equal(fx_run(fx, apply_erase, "main"), 0);
    rows(fx, &fine, &hours);
    assert_int_equal(fine, 2);
    assert_int_equal(fx_run(fx, apply_erase, NULL), 0);
    rows(fx, &fine, &hours);
    assert_int_equal(fine, 0);
}

/* ---- rows that are not ours ------------------------------------------------------------------------ */

static int apply_strange(struct store_txn *t, struct store_op *op)
{
    (void)op;
    int rc = store_put(t, STORE_STATS, STORE_PATH("acme", "main", "1h.x"), "?", 1);
    return rc != 0 ? rc : store_put(t, STORE_STATS, STORE_PATH("acme", "main", "5m.1795262700"), "\x81", 1);
}

static void on_note(void *arg, int level, const char *what, const char *text)
{
    unsigned *levels = arg;
    (void)text;
    levels[level] += strcmp(what, "stats") == 0;
}

/* fsck wants a data directory, in which the store is one folder. */
static void fsck(struct fixture *fx, bool repair, unsigned levels[3])
{
    char data[96], store[104];
    struct err e;
    (void)snprintf(data, sizeof(data), "%s-data", fx->dir);
    (void)snprintf(store, sizeof(store), "%s/store", data);
    memset(levels, 0, 3 * sizeof(*levels));
    fx_close(fx);
    assert_int_equal(mkdir(data, 0700), 0);
    assert_int_equal(rename(fx->dir, store), 0);
    const struct offline_fsck o = {
        .data_dir = data, .repair = repair, .note = on_note, .arg = levels};
    assert_int_equal(offline_fsck(&o, &e), 0);
    assert_int_equal(rename(store, fx->dir), 0);
    assert_int_equal(rmdir(data), 0);
    fx_open(fx);
}

static void what_cannot_be_read_stops_nothing_and_is_found(void **state)
{
    struct fixture *fx = *state;
    unsigned levels[3];
    assert_int_equal(fx_run(fx, apply_strange, NULL), 0);
    struct stats_report *r = report(fx, BRIDGE_STATS_24H, NOW_S, true);
    assert_int_equal(r->total.v[STATS_SENT], 0);
    test_free(r);
    fsck(fx, false, levels);
    assert_int_equal(levels[2], 2);
    fsck(fx, true, levels);
    assert_int_equal(levels[1], 2);
    fsck(fx, false, levels);
    assert_int_equal(levels[1] + levels[2], 0);
    assert_int_equal(fx_run(fx, apply_strange, NULL), 0);
    count(fx, "main", NOW_S, STATS_ONE(STATS_SENT)); /* into the row that does not decode */
    r = report(fx, BRIDGE_STATS_24H, NOW_S, true);
    assert_int_equal(r->total.v[STATS_SENT], 1);
    test_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_row_comes_back_as_it_was),
        cmocka_unit_test(names_of_rows),
        cmocka_unit_test(medians_lie_between_the_bounds_of_their_bin),
        cmocka_unit_test_setup_teardown(counts_are_found_in_their_step, set_clock, free_clock),
        cmocka_unit_test_setup_teardown(what_is_folded_counts_once, set_clock, free_clock),
        cmocka_unit_test_setup_teardown(what_is_too_old_goes_and_is_not_counted, set_clock,
                                        free_clock),
        cmocka_unit_test_setup_teardown(a_status_counts_all_that_it_passed, set_clock, free_clock),
        cmocka_unit_test_setup_teardown(they_go_with_their_session_and_tenant, set_clock,
                                        free_clock),
        cmocka_unit_test_setup_teardown(what_cannot_be_read_stops_nothing_and_is_found, set_clock,
                                        free_clock),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
