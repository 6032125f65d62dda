/* What the tests of the inbox ask of it: its lists. */
#ifndef TEST_BRIDGE_INBOX_FIXTURE_H
#define TEST_BRIDGE_INBOX_FIXTURE_H

#include "box_fixture.h"

#define NOW UINT64_C(1795258800000) /* 2026-11-21T11:00:00Z */

static inline json_t *list(struct box *x, const struct bridge_message_filter *f, unsigned limit,
                    const char *cursor)
{
    const struct bridge_paging p = {.limit = limit, .cursor = cursor};
    json_t *page = NULL;
    struct err e;
    assert_int_equal(bridge_message_list(x->b, "default", "main", f, &p, &page, &e), 0);
    return page;
}

static inline size_t count(struct box *x, const struct bridge_message_filter *f)
{
    json_t *page = list(x, f, 500, "");
    size_t n = json_array_size(json_arr(page, "items"));
    json_decref(page);
    return n;
}

static inline json_t *only_chat(struct box *x)
{
    const struct bridge_paging p = {.limit = 50, .cursor = ""};
    json_t *page = NULL;
    struct err e;
    assert_int_equal(bridge_chat_list(x->b, "default", "main", &p, &page, &e), 0);
    assert_int_equal(json_array_size(json_arr(page, "items")), 1);
    json_t *chat = json_incref(json_array_get(json_arr(page, "items"), 0));
    json_decref(page);
    return chat;
}

#endif
