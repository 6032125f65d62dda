/* What a client of the event log is told when the log was trimmed since it was here last. */
#include "fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define MESSAGES "/v1/tenants/default/sessions/main/messages"
#define EVENTS "/v1/tenants/default/events"
#define SEND "{\"to\":\"+55 11 98888-7777\",\"text\":\"hello\"}"

static struct house house;
static struct answer got;
static uv_sem_t trimmed;
static struct store_op op;

static int setup(void **state)
{
    (void)state;
    return uv_sem_init(&trimmed, 0) != 0 ? -1 : house_open(&house);
}

static int teardown(void **state)
{
    (void)state;
    house_leave(&house);
    house_join(&house);
    uv_sem_destroy(&trimmed);
    return house.loop_rc;
}

static int apply_trim(struct store_txn *t, struct store_op *o)
{
    size_t n = 0;
    (void)o;
    return store_event_trim(t, UINT64_MAX, 1000, &n);
}

static void on_trimmed(struct store_op *o, int rc)
{
    (void)o;
    assert_int_equal(rc, 0);
    uv_sem_post(&trimmed);
}

static void begin_trim(struct house *h)
{
    store_submit(h->store, &op, apply_trim, on_trimmed);
}

static void trim_all(void)
{
    house_do(&house, begin_trim);
    uv_sem_wait(&trimmed);
}

static void send_messages(int count)
{
    for (int i = 0; i < count; i++) {
        ask(&house, "POST", MESSAGES, house.auth, SEND, &got);
        assert_int_equal(got.status, 202);
    }
}

static json_t *list(const char *query)
{
    ask(&house, "GET", query, house.auth, NULL, &got);
    assert_int_equal(got.status, 200);
    json_t *v = json_parse(got.body, got.len, sizeof(got.body), NULL);
    assert_non_null(v);
    return v;
}

static long long newest(void)
{
    json_t *v = list(EVENTS "?limit=0");
    assert_int_equal(json_array_size(json_arr(v, "items")), 0);
    long long seq = json_int(v, "last_seq", -1);
    json_decref(v);
    return seq;
}

static void expect_list(const char *query, bool gap, size_t items, long long next)
{
    json_t *v = list(query);
    assert_int_equal(json_flag(v, "gap", !gap), gap);
    assert_int_equal(json_array_size(json_arr(v, "items")), items);
    assert_int_equal(json_int(v, "next_after", -1), next);
    json_decref(v);
}

static int stream_open(const char *query)
{
    char request[1024];
    int n = snprintf(request, sizeof(request),
                     "GET " EVENTS "%s HTTP/1.1\r\nHost: localhost\r\n"
                     "Accept: text/event-stream\r\n%s\r\n",
                     query, house.auth);
    int fd = house_dial(&house);
    say(fd, request, (size_t)n);
    assert_true(hear_until(fd, "retry: 2000\n\n", got.head, sizeof(got.head)) > 0);
    return fd;
}

/* The next block of the stream, without the lines of the transfer around it. */
static void expect_block(int fd, const char *type, long long id)
{
    char wanted[80];
    assert_true(hear_until(fd, "id: ", got.body, sizeof(got.body)) > 0);
    assert_true(hear_until(fd, "\ndata: ", got.body, sizeof(got.body)) > 0);
    (void)snprintf(wanted, sizeof(wanted), "%lld\nevent: %s", id, type);
    assert_memory_equal(got.body, wanted, strlen(wanted));
    assert_true(hear_until(fd, "\n\n", got.body, sizeof(got.body)) > 0);
}

static void expect_gap(int fd, long long after, long long next)
{
    char data[80];
    expect_block(fd, "gap", next - 1);
    (void)snprintf(data, sizeof(data), "{\"after\":%lld,\"next\":%lld}\n\n", after, next);
    assert_string_equal(got.body, data);
}

static void test_trimmed_before(void **state)
{
    (void)state;
    send_messages(4);
    trim_all();
    long long gone = newest(); /* the number lives on */
    assert_true(gone >= 4);
    send_messages(1);
    long long last = newest();
    assert_int_equal(last, gone + 1);

    int fd = stream_open("?after=1");
    expect_gap(fd, 1, last);
    expect_block(fd, "message.", last);
    (void)close(fd);
    fd = stream_open("?after=0"); /* all there is: nobody misses anything */
    expect_block(fd, "message.", last);
    (void)close(fd);
    char query[80];
    (void)snprintf(query, sizeof(query), "?after=%lld", gone); /* he has seen all that went */
    fd = stream_open(query);
    expect_block(fd, "message.", last);
    (void)close(fd);

    expect_list(EVENTS "?after=1", true, 1, last);
    expect_list(EVENTS "?after=0", false, 1, last);
    (void)snprintf(query, sizeof(query), EVENTS "?after=%lld", gone);
    expect_list(query, false, 1, last);
}

/* What nobody may see any more is missed all the same when the log is empty behind it. */
static void test_trimmed_to_its_end(void **state)
{
    (void)state;
    send_messages(3);
    trim_all();
    long long last = newest();
    int fd = stream_open("?after=2");
    expect_gap(fd, 2, last + 1);
    send_messages(1);
    expect_block(fd, "message.", last + 1);
    (void)close(fd);
    trim_all();
    expect_list(EVENTS "?after=2", true, 0, last + 1);
    expect_list(EVENTS "?after=0", false, 0, last + 1);
}

/* A filter does not make a gap of what it passes over. */
static void test_filter(void **state)
{
    (void)state;
    long long before = newest();
    char query[96];
    send_messages(3);
    (void)snprintf(query, sizeof(query), EVENTS "?after=%lld&types=call.*", before);
    expect_list(query, false, 0, newest());
    (void)snprintf(query, sizeof(query), "?after=%lld&types=call.*,message.*", before);
    int fd = stream_open(query);
    for (int i = 1; i <= 3; i++) {
        expect_block(fd, "message.", before + i);
    }
    (void)close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_trimmed_before),
        cmocka_unit_test(test_trimmed_to_its_end),
        cmocka_unit_test(test_filter),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
