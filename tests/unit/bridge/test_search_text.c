/* What words find a message, and that whatever a person types is a query. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "search_index.h"
#include "search_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void assert_match(const char *q, const char *want)
{
    static const struct search_filter none;
    struct buf b;
    buf_init(&b, 16384);
    assert_int_equal(search_match(q, &none, &b), want != NULL);
    if (want != NULL) {
        assert_string_equal(b.data, want);
    }
    buf_finish(&b);
}

static void test_queries(void **state)
{
    (void)state;
    assert_match("one", "body : (\"one\" *)");
    assert_match(" one  two ", "body : (\"one\" AND \"two\" *)");
    assert_match("on* two", "body : (\"on*\" * AND \"two\" *)");
    assert_match("\"one two\"", "body : (\"one two\")");
    assert_match("\"one two", "body : (\"one two\" *)");
    assert_match("a \"b c\" d", "body : (\"a\" AND \"b c\" AND \"d\" *)");
    assert_match("x\"y", "body : (\"xy\" *)");
    assert_match("AND", "body : (\"AND\" *)");
    assert_match("", NULL);
    assert_match("   ", NULL);
    assert_match("\"\" * ( ) - :", NULL);
}

static void test_filters(void **state)
{
    (void)state;
    const char *const chats[] = {"1@lid", "2@c.us"};
    const struct search_filter f = {
        .session = "main", .type = "text", .chats = chats, .chat_count = 2};
    struct buf b, marks;
    buf_init(&b, 16384);
    buf_init(&marks, 512);
    assert_true(search_match("x", &f, &b));
    assert_non_null(strstr(b.data, "\" *) AND k : s"));
    assert_int_equal(search_marks("main", "1@lid", "text", "in", &marks), 0);
    for (char *word = strtok(marks.data, " "); word != NULL; word = strtok(NULL, " ")) {
        assert_int_equal(strstr(b.data, word) != NULL, word[0] != 'd');
    }
    buf_finish(&b);
    buf_finish(&marks);
}

static void assert_body(const char *message, const char *want)
{
    struct buf b;
    json_t *m = json_loads(message, 0, NULL);
    assert_non_null(m);
    buf_init(&b, SEARCH_BODY_MAX + 8);
    assert_int_equal(search_body(m, &b), 0);
    assert_string_equal(b.len > 0 ? b.data : "", want);
    buf_finish(&b);
    json_decref(m);
}

static void test_bodies(void **state)
{
    (void)state;
    assert_body("{\"type\":\"text\",\"text\":\"hi\"}", "hi");
    assert_body("{\"type\":\"document\",\"text\":\"c\",\"media\":{\"filename\":\"a.pdf\"}}",
                "c\na.pdf");
    assert_body("{\"type\":\"poll\",\"poll\":{\"question\":\"q\",\"options\":[\"o\",\"p\"]}}",
                "q\no\np");
    assert_body("{\"type\":\"location\",\"location\":{\"name\":\"n\",\"address\":\"a\"}}", "n\na");
    assert_body(
        "{\"type\":\"location\",\"text\":\"n\",\"location\":{\"name\":\"n\",\"address\":\"a\"}}",
        "n\na");
    assert_body(
        "{\"type\":\"poll\",\"text\":\"q\",\"poll\":{\"question\":\"q\",\"options\":[\"o\"]}}",
        "q\no");
    assert_body("{\"type\":\"contacts\",\"contacts\":[{\"name\":\"n\",\"phones\":[\"1\"]}]}",
                "n\n1");
    assert_body("{\"type\":\"revoked\",\"text\":\"gone\"}", "");
    assert_body("{\"type\":\"reaction\",\"text\":\"x\"}", "");
    assert_body("{\"type\":\"image\",\"text\":null}", "");

    char *big = malloc(3 * SEARCH_BODY_MAX);
    assert_non_null(big);
    strcpy(big, "{\"type\":\"text\",\"text\":\"");
    for (size_t i = 0; i < SEARCH_BODY_MAX; i++) {
        strcat(big + 2 * i, "\xC3\xA9");
    }
    strcat(big, "\"}");
    struct buf b;
    json_t *m = json_loads(big, 0, NULL);
    buf_init(&b, SEARCH_BODY_MAX + 8);
    assert_int_equal(search_body(m, &b), 0);
    assert_true(b.len <= SEARCH_BODY_MAX && b.len % 2 == 0);
    buf_finish(&b);
    json_decref(m);
    free(big);
}

static void test_places(void **state)
{
    (void)state;
    assert_true(search_place(1000, 5) < search_place(1000, 6));
    assert_true(search_place(1000, 2000000) < search_place(1001, 0));
    assert_true(search_place_of_time(1001) <= search_place(1001, 0));
    assert_true(search_place_of_time(UINT64_MAX) > 0);
}

/* ---- the file ----------------------------------------------------------------------------------
 */

static size_t found(struct search_db *db, const char *q)
{
    static const struct search_filter none;
    struct search_hit hits[8];
    struct buf match;
    struct err e;
    size_t n = 0;
    buf_init(&match, 16384);
    assert_true(search_match(q, &none, &match));
    const struct search_db_query query = {
        .match = match.data, .before = INT64_MAX, .limit = 8, .timeout_ms = 10000};
    assert_int_equal(search_db_find(db, &query, hits, &n, &e), 0);
    search_hits_finish(hits, n);
    buf_finish(&match);
    return n;
}

static size_t found_in(struct search_db *db, const char *const *sessions, size_t count)
{
    const struct search_filter f = {.sessions = sessions, .session_count = count};
    struct search_hit hits[8];
    struct buf match;
    struct err e;
    size_t n = 0;
    buf_init(&match, 16384);
    assert_true(search_match("apple", &f, &match));
    const struct search_db_query query = {
        .match = match.data, .before = INT64_MAX, .limit = 8, .timeout_ms = 10000};
    assert_int_equal(search_db_find(db, &query, hits, &n, &e), 0);
    for (size_t i = 0; i < n; i++) {
        bool among = count == 0;
        for (size_t k = 0; k < count; k++) {
            among = among || strcmp(hits[i].session, sessions[k]) == 0;
        }
        assert_true(among);
    }
    search_hits_finish(hits, n);
    buf_finish(&match);
    return n;
}

/* Of those who see only some sessions. */
static void test_sessions(void **state)
{
    (void)state;
    static const char text[] = "{\"type\":\"text\",\"direction\":\"in\",\"text\":\"apple\"}";
    static const char *const sessions[] = {"sales-1", "sales-2", "support", "nobody"};
    char path[64];
    struct err e;
    struct search_db *db = NULL;
    struct search_db_state st = {0};
    struct search_doc docs[3];
    (void)snprintf(path, sizeof(path), "/tmp/wabridge-sessions-%d.db", (int)getpid());
    assert_int_equal(search_db_open(path, true, 0, &db, &st, &e), 0);
    for (size_t i = 0; i < 3; i++) {
        docs[i] = (struct search_doc){.session = sessions[i],
                                      .chat = "c",
                                      .id = "1",
                                      .time_ms = i,
                                      .data = text,
                                      .len = sizeof(text) - 1};
    }
    assert_int_equal(search_db_apply(db, docs, 3, 1, true, &st, &e), 0);
    assert_int_equal(found_in(db, NULL, 0), 3);
    assert_int_equal(found_in(db, sessions, 1), 1);
    assert_int_equal(found_in(db, sessions, 2), 2);
    assert_int_equal(found_in(db, sessions + 2, 2), 1);
    assert_int_equal(found_in(db, sessions + 3, 1), 0);
    search_db_close(db);
    search_db_remove(path);
}

static void test_file(void **state)
{
    (void)state;
    char path[64];
    struct err e;
    struct search_db *db = NULL;
    struct search_db_state st = {0};
    const char *one = "{\"type\":\"text\",\"direction\":\"in\",\"text\":\"red apple\"}";
    const char *two = "{\"type\":\"text\",\"direction\":\"in\",\"text\":\"green apple\"}";
    (void)snprintf(path, sizeof(path), "/tmp/wabridge-search-%d.db", (int)getpid());
    search_db_remove(path);
    assert_int_equal(search_db_open(path, false, 0, &db, &st, &e), E_PROTO);
    assert_int_equal(search_db_open(path, true, 7, &db, &st, &e), 0);
    assert_false(st.built);
    assert_int_equal(st.done, 7);
    /* two at the same place */
    struct search_doc docs[] = {
        {.session = "s", .chat = "c", .id = "1", .time_ms = 5, .data = one, .len = strlen(one)},
        {.session = "s", .chat = "c", .id = "2", .time_ms = 5, .data = two, .len = strlen(two)},
    };
    assert_int_equal(search_db_apply(db, docs, 2, 9, true, &st, &e), 0);
    assert_int_equal(st.count, 2);
    assert_int_equal(found(db, "apple"), 2);
    docs[0].data = two;
    docs[0].len = strlen(two);
    docs[1].data = NULL;
    assert_int_equal(search_db_apply(db, docs, 2, 11, false, &st, &e), 0);
    assert_int_equal(st.count, 1);
    assert_int_equal(found(db, "red"), 0);
    assert_int_equal(found(db, "green"), 1);
    search_db_close(db);
    assert_int_equal(search_db_open(path, false, 0, &db, &st, &e), 0);
    assert_true(st.built);
    assert_int_equal(st.done, 11);
    assert_int_equal(st.count, 1);
    search_db_close(db);

    FILE *f = fopen(path, "we");
    assert_non_null(f);
    assert_true(fputs("this is no database at all, but it is long enough to be one", f) >= 0);
    assert_int_equal(fclose(f), 0);
    assert_int_equal(search_db_open(path, false, 0, &db, &st, &e), E_PROTO);
    search_db_remove(path);
    assert_int_not_equal(access(path, F_OK), 0);
}

/* Whatever bytes a query has, the index understands what is made of them. */
static void test_hostile(void **state)
{
    (void)state;
    static const char alphabet[] = "ab\"*()-:^+{}' ANDORT\\\xC3\xA9";
    char path[64], q[24];
    struct err e;
    struct search_db *db = NULL;
    struct search_db_state st;
    (void)snprintf(path, sizeof(path), "/tmp/wabridge-hostile-%d.db", (int)getpid());
    assert_int_equal(search_db_open(path, true, 0, &db, &st, &e), 0);
    unsigned seed = 4711;
    for (int i = 0; i < 20000; i++) {
        size_t n = 0;
        for (seed = seed * 1103515245u + 12345u; n < (seed >> 16) % 20; n++) {
            seed = seed * 1103515245u + 12345u;
            q[n] = alphabet[(seed >> 16) % (sizeof(alphabet) - 1)];
        }
        q[n] = '\0';
        static const struct search_filter none;
        struct buf match;
        struct search_hit hits[1];
        size_t count = 0;
        buf_init(&match, 16384);
        if (search_match(q, &none, &match)) {
            const struct search_db_query query = {
                .match = match.data, .before = INT64_MAX, .limit = 1, .timeout_ms = 10000};
            if (search_db_find(db, &query, hits, &count, &e) != 0) {
                fail_msg("%s -> %s: %s", q, match.data, e.msg);
            }
        }
        buf_finish(&match);
    }
    search_db_close(db);
    search_db_remove(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_queries), cmocka_unit_test(test_filters),
        cmocka_unit_test(test_bodies),  cmocka_unit_test(test_places),
        cmocka_unit_test(test_sessions), cmocka_unit_test(test_file),    cmocka_unit_test(test_hostile),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
