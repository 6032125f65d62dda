#include "list.h"
#include "mem.h"

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void test_copies(void **state)
{
    (void)state;
    assert_null(mem_strdup(NULL));
    char *s = mem_strdup("abc");
    assert_string_equal(s, "abc");
    mem_wipe_free(s, 3);
    mem_wipe_free(NULL, 0);
    s = mem_strndup("abcdef", 3);
    assert_string_equal(s, "abc");
    free(s);
    s = mem_strndup(NULL, 0);
    assert_string_equal(s, "");
    free(s);
    assert_null(mem_strndup("x", SIZE_MAX));
    s = mem_printf("%s-%d", "long enough to need more than a few bytes", 7);
    assert_string_equal(s, "long enough to need more than a few bytes-7");
    free(s);
}

/* NULL means exhaustion, never "nothing asked for". */
static void test_zero_sizes(void **state)
{
    (void)state;
    void *p = mem_calloc(0, 8);
    assert_non_null(p);
    p = mem_realloc(p, 0);
    assert_non_null(p);
    free(p);
    p = mem_malloc(0);
    assert_non_null(p);
    free(p);
    unsigned char *zeroed = mem_calloc(3, 4);
    for (int i = 0; i < 12; i++) {
        assert_int_equal(zeroed[i], 0);
    }
    free(zeroed);
    assert_null(mem_calloc(SIZE_MAX / 2, 4));
}

static void test_failing(void **state)
{
    (void)state;
    mem_fail_after(2);
    void *a = mem_malloc(1);
    char *b = mem_strdup("b");
    assert_non_null(a);
    assert_non_null(b);
    assert_int_equal(mem_refused(), 0);
    assert_null(mem_calloc(1, 1));
    assert_null(mem_realloc(NULL, 1));
    assert_null(mem_strndup("x", 1));
    assert_null(mem_printf("x"));
    assert_null(json_object()); /* jansson draws from the same well */
    assert_int_equal(mem_refused(), 5);
    mem_fail_after(-1);
    assert_int_equal(mem_refused(), 0);
    free(a);
    free(b);
    json_t *v = json_object();
    assert_non_null(v);
    json_decref(v);
}

struct item {
    int n;
    struct list node;
};

static int nth(struct list *head, int n)
{
    LIST_FOREACH(head, it, tmp)
    {
        if (n-- == 0) {
            return LIST_ENTRY(it, struct item, node)->n;
        }
    }
    return -1;
}

static void test_list(void **state)
{
    (void)state;
    struct list head;
    struct item items[4] = {{.n = 0}, {.n = 1}, {.n = 2}, {.n = 3}};
    list_init(&head);
    assert_true(list_empty(&head));
    assert_null(list_pop(&head));
    list_append(&head, &items[1].node);
    list_append(&head, &items[2].node);
    list_append(&head, &items[3].node);
    list_prepend(&head, &items[0].node);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(nth(&head, i), i);
    }
    list_remove(&items[1].node);
    list_remove(&items[1].node); /* twice is harmless */
    assert_int_equal(nth(&head, 1), 2);
    int sum = 0;
    LIST_FOREACH(&head, it, tmp)
    {
        sum += LIST_ENTRY(it, struct item, node)->n;
        list_remove(it); /* the current one may go */
    }
    assert_int_equal(sum, 5);
    assert_true(list_empty(&head));
    list_append(&head, &items[3].node);
    assert_ptr_equal(list_pop(&head), &items[3].node);
    assert_true(list_empty(&head));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_copies),
        cmocka_unit_test(test_zero_sizes),
        cmocka_unit_test(test_failing),
        cmocka_unit_test(test_list),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
