/* What the tests of the whole server share: one house for a program, what is asked of it, and what must
 * be true of an answer. */
#ifndef TEST_API_SERVER_FIXTURE_H
#define TEST_API_SERVER_FIXTURE_H

#include "fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define MESSAGES "/v1/tenants/default/sessions/main/messages"
#define EVENTS "/v1/tenants/default/events"
#define SEND "{\"to\":\"+55 11 98888-7777\",\"text\":\"hello\"}"
#define HOST "Host: localhost\r\n"
#define POST "POST " MESSAGES " HTTP/1.1\r\n" HOST "Content-Type: application/json\r\n"
#define AFTER "GET /health HTTP/1.1\r\n" HOST "\r\n"

static struct house house;
static struct answer got; /* large: not on the stack */

static inline json_t *body_of(const struct answer *a)
{
    json_t *v = json_parse(a->body, a->len, sizeof(a->body), NULL);
    if (v == NULL) {
        print_message("no JSON: %s%s\n", a->head, a->body);
    }
    assert_non_null(v);
    return v;
}

static inline void expect_code(const struct answer *a, int status, const char *code)
{
    assert_int_equal(a->status, status);
    assert_non_null(strstr(a->head, "application/problem+json"));
    json_t *v = body_of(a);
    assert_string_equal(json_str_or(v, "code", ""), code);
    assert_int_equal(json_int(v, "status", 0), status);
    json_decref(v);
}

static inline void expect_well(void)
{
    ask(&house, "GET", "/health", "", NULL, &got);
    assert_int_equal(got.status, 200);
}

/* {key} in a request becomes the header with the key; its length. */
static inline size_t fill_in(const char *request, char *out, size_t size)
{
    size_t n = 0;
    while (*request != '\0' && n + sizeof(house.auth) < size) {
        if (strncmp(request, "{key}", 5) == 0) {
            n += (size_t)snprintf(out + n, size - n, "%s", house.auth);
            request += 5;
        } else {
            out[n++] = *request++;
        }
    }
    return n;
}

static inline int open_house(void **state)
{
    (void)state;
    return house_open(&house);
}

static inline int shut_house(void **state)
{
    (void)state;
    house_leave(&house);
    house_join(&house);
    return house.loop_rc;
}

#endif
