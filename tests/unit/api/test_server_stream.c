/* Event streams as clients see them, and the end of a server that has some. */

#include "server_fixture.h"

static int stream_open(const char *query, const char *headers)
{
    char request[1024];
    int n = snprintf(request, sizeof(request),
                     "GET " EVENTS "%s HTTP/1.1\r\n" HOST "Accept: text/event-stream\r\n%s%s\r\n",
                     query, house.auth, headers);
    int fd = house_dial(&house);
    say(fd, request, (size_t)n);
    assert_true(hear_until(fd, "\r\n\r\n", got.head, sizeof(got.head)) > 0);
    assert_int_equal(strncmp(got.head, "HTTP/1.1 200", 12), 0);
    assert_non_null(strstr(got.head, "text/event-stream"));
    return fd;
}

/* The seq of the next event on the stream. */
static unsigned long long stream_next(int fd)
{
    assert_true(hear_until(fd, "id: ", got.body, sizeof(got.body)) > 0);
    assert_true(hear_until(fd, "\n", got.body, sizeof(got.body)) > 0);
    unsigned long long seq = strtoull(got.body, NULL, 10);
    assert_true(hear_until(fd, "data: ", got.body, sizeof(got.body)) > 0);
    size_t n = hear_until(fd, "\n\n", got.body, sizeof(got.body));
    assert_true(n > 2);
    json_t *event = json_parse(got.body, n - 2, sizeof(got.body), NULL);
    assert_non_null(event);
    assert_int_equal(json_int(event, "seq", 0), seq);
    json_decref(event);
    return seq;
}

static void send_messages(int count)
{
    for (int i = 0; i < count; i++) {
        ask(&house, "POST", MESSAGES, house.auth, SEND, &got);
        assert_int_equal(got.status, 202);
    }
}

static void test_stream(void **state)
{
    (void)state;
    send_messages(3);
    int fd = stream_open("?after=0", "");
    unsigned long long first = stream_next(fd);
    unsigned long long second = stream_next(fd);
    unsigned long long third = stream_next(fd);
    assert_true(first > 0 && second == first + 1 && third == second + 1);

    char id[64];
    (void)snprintf(id, sizeof(id), "Last-Event-ID: %llu\r\n", first);
    int again = stream_open("?after=999999999", id); /* the header wins */
    assert_int_equal(stream_next(again), second);
    assert_int_equal(stream_next(again), third);
    (void)close(again);

    int live = stream_open("", ""); /* from now on */
    ask(&house, "GET", EVENTS "?limit=500", house.auth, NULL, &got);
    json_t *list = body_of(&got);
    unsigned long long last = (unsigned long long)json_int(list, "next_after", 0);
    assert_true(last >= third);
    assert_true(json_is_null(json_object_get(list, "next_cursor")));
    json_decref(list);
    send_messages(1);
    assert_int_equal(stream_next(live), last); /* hello: where it begins */
    assert_int_equal(stream_next(live), last + 1);
    (void)close(live);
    (void)close(fd);

    ask(&house, "GET", EVENTS "?limit=2", house.auth, NULL, &got);
    list = body_of(&got);
    assert_int_equal(json_array_size(json_arr(list, "items")), 2);
    char path[128];
    (void)snprintf(path, sizeof(path), EVENTS "?limit=1&cursor=%s", json_str(list, "next_cursor"));
    json_decref(list);
    ask(&house, "GET", path, house.auth, NULL, &got);
    list = body_of(&got);
    assert_int_equal(json_int(json_array_get(json_arr(list, "items"), 0), "seq", 0), third);
    json_decref(list);
}

static void test_many_streams(void **state)
{
    (void)state;
    static int fd[API_MAX_STREAMS];
    char headers[1024];
    int opened = 0; /* some may not: streams of earlier tests end within a second */
    for (int i = 0; i < API_MAX_STREAMS; i++) {
        char request[1024];
        int n = snprintf(request, sizeof(request),
                         "GET " EVENTS " HTTP/1.1\r\n" HOST "Accept: text/event-stream\r\n%s\r\n",
                         house.auth);
        fd[i] = house_dial(&house);
        assert_true(fd[i] >= 0);
        say(fd[i], request, (size_t)n);
        assert_true(hear_until(fd[i], "\r\n\r\n", got.head, sizeof(got.head)) > 0);
        opened += strncmp(got.head, "HTTP/1.1 200", 12) == 0;
    }
    assert_true(opened > API_MAX_STREAMS / 2);
    (void)snprintf(headers, sizeof(headers), "%sAccept: text/event-stream\r\n", house.auth);
    ask(&house, "GET", EVENTS, headers, NULL, &got);
    expect_code(&got, 429, "too_many_streams");
    assert_non_null(strstr(got.head, "Retry-After: "));
    for (int i = 0; i < API_MAX_STREAMS; i++) {
        (void)shutdown(fd[i], SHUT_WR);
    }
    for (int i = 0; i < API_MAX_STREAMS; i++) {
        assert_true(hear_end(fd[i])); /* nobody reads it: its place is free again */
        (void)close(fd[i]);
    }
    (void)close(stream_open("", ""));
    expect_well();
}

/* A stream ends, a wait gets what is known, a slow reader holds up nobody. */
static void test_close(void **state)
{
    (void)state;
    char request[2048];
    char head[1024];
    int stream = stream_open("", "");
    int silent = house_dial(&house);
    int waiting = house_dial(&house);
    size_t n = fill_in("POST " MESSAGES "?wait=read&timeout_s=60 HTTP/1.1\r\n" HOST "{key}", head,
                       sizeof(head));
    head[n] = '\0';
    int len = snprintf(request, sizeof(request),
                       "%sContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s", head,
                       strlen(SEND), SEND);
    say(waiting, request, (size_t)len);
    (void)stream_next(stream); /* its event: the message is durable and the wait has begun */
    expect_well();
    house_leave(&house);
    hear(waiting, &got);
    assert_int_equal(got.status, 202);
    assert_non_null(strstr(got.body, "\"queued\""));
    assert_true(hear_end(waiting));
    assert_true(hear_end(stream));
    assert_true(hear_end(silent));
    house_join(&house);
    assert_int_equal(house.loop_rc, 0);
    assert_int_equal(house_dial(&house), -1);
    (void)close(stream);
    (void)close(silent);
    (void)close(waiting);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stream),
        cmocka_unit_test(test_many_streams),
        cmocka_unit_test(test_close),
    };
    return cmocka_run_group_tests(tests, open_house, NULL);
}
