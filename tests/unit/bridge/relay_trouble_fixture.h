/* What the tests of a relay in trouble share. */
#ifndef TEST_BRIDGE_RELAY_TROUBLE_FIXTURE_H
#define TEST_BRIDGE_RELAY_TROUBLE_FIXTURE_H

#include "relay_fixture.h"

#include "clock.h"

static inline struct answer as_told(struct receiver *rx, const struct request *rq)
{
    (void)rq;
    return *(struct answer *)rx->data;
}

static inline json_t *test_call(struct fixture *fx)
{
    struct fx_reply r = {0};
    bridge_webhook_test(&fx->b, "acme", "erp", fx_on_reply, &r);
    assert_false(r.done);
    WAIT(fx, r.done);
    assert_int_equal(r.err.code, 0);
    return r.body;
}

#endif
