/* Token buckets in whole numbers: a token is BUCKET_COST units, and each ms brings `rate` units. */
#include "limit.h"

static uint64_t full(uint64_t burst)
{
    return burst * BUCKET_COST;
}

void bucket_fill(struct bucket *b, uint64_t burst, uint64_t now_ms)
{
    b->units = full(burst);
    b->at_ms = now_ms;
}

bool bucket_take(struct bucket *b, uint64_t rate, uint64_t burst, uint64_t now_ms)
{
    uint64_t passed = now_ms > b->at_ms ? now_ms - b->at_ms : 0;
    uint64_t missing = full(burst) > b->units ? full(burst) - b->units : 0;
    if (rate > 0 && passed >= missing / rate + 1) {
        b->units = full(burst);
    } else {
        b->units += passed * rate;
    }
    if (b->units > full(burst)) { /* the limit was lowered, or rounding up */
        b->units = full(burst);
    }
    b->at_ms = now_ms;
    if (b->units < BUCKET_COST) {
        return false;
    }
    b->units -= BUCKET_COST;
    return true;
}

uint64_t bucket_left(const struct bucket *b)
{
    return b->units / BUCKET_COST;
}

static uint64_t time_for(uint64_t units, uint64_t rate)
{
    return rate > 0 ? (units + rate - 1) / rate : BUCKET_COST;
}

uint64_t bucket_wait_ms(const struct bucket *b, uint64_t rate)
{
    return b->units >= BUCKET_COST ? 0 : time_for(BUCKET_COST - b->units, rate);
}

uint64_t bucket_full_ms(const struct bucket *b, uint64_t rate, uint64_t burst)
{
    return b->units >= full(burst) ? 0 : time_for(full(burst) - b->units, rate);
}
