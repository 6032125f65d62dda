/* A delivery as bytes, and its keys. Pure. */
#include "delivery_priv.h"

#include <string.h>

size_t delivery_encode(const struct store_delivery *d, unsigned char out[DELIVERY_RECORD_MAX])
{
    size_t text = strnlen(d->last_error, sizeof(d->last_error) - 1);
    out[0] = (unsigned char)d->state;
    be64_put(out + 1, d->lane);
    be32_put(out + 9, d->attempts);
    be64_put(out + 13, d->created_ms);
    be64_put(out + 21, d->due_ms);
    be64_put(out + 29, d->finished_ms);
    be32_put(out + 37, d->last_status);
    memcpy(out + 41, d->last_error, text);
    out[41 + text] = 0;
    unsigned char *at = out + 42 + text;
    if (d->try_count > 0 || d->last_reason != 0) {
        *at++ = (unsigned char)d->try_count;
    }
    for (unsigned i = 0; i < d->try_count; i++, at += 16) {
        be64_put(at, d->tries[i].at_ms);
        be32_put(at + 8, d->tries[i].status);
        be32_put(at + 12, d->tries[i].took_ms);
    }
    if (d->last_reason != 0) {
        *at++ = d->last_reason;
    }
    return (size_t)(at - out);
}

void store_delivery_tried(struct store_delivery *d, const struct store_try *now)
{
    if (d->try_count == STORE_TRIES) {
        memmove(d->tries, d->tries + 1, (STORE_TRIES - 1) * sizeof(d->tries[0]));
        d->try_count--;
    }
    d->tries[d->try_count++] = *now;
}

/* The tail: how many tries, the tries, and a byte for the kind of failure. A record without it, or
 * without its last byte: there was none yet, or an older program wrote it. */
static bool decode_tail(struct key_reader *r, struct store_delivery *out)
{
    out->try_count = 0;
    out->last_reason = 0;
    if (key_read_done(r)) {
        return true;
    }
    unsigned n = key_read_u8(r);
    if (n > STORE_TRIES) {
        return false;
    }
    for (unsigned i = 0; i < n; i++) {
        out->tries[i].at_ms = key_read_u64(r);
        out->tries[i].status = key_read_u32(r);
        out->tries[i].took_ms = key_read_u32(r);
    }
    out->try_count = n;
    if (n > 0 && key_read_done(r)) {
        return true;
    }
    out->last_reason = key_read_u8(r);
    return out->last_reason != 0 && key_read_done(r);
}

int delivery_decode(const void *data, size_t len, struct store_delivery *out)
{
    struct key_reader r;
    key_read(&r, data, len);
    uint8_t state = key_read_u8(&r);
    out->lane = key_read_u64(&r);
    out->attempts = key_read_u32(&r);
    out->created_ms = key_read_u64(&r);
    out->due_ms = key_read_u64(&r);
    out->finished_ms = key_read_u64(&r);
    out->last_status = key_read_u32(&r);
    const char *text = key_read_text(&r);
    size_t text_len = strlen(text);
    if (!decode_tail(&r, out) || state > STORE_DEAD || text_len >= sizeof(out->last_error)) {
        return E_IO;
    }
    out->state = (enum store_delivery_state)state;
    memcpy(out->last_error, text, text_len + 1);
    return 0;
}

void delivery_key(struct key *k, const char *tenant, uint64_t seq, const char *webhook)
{
    key_tenant(k, tenant);
    key_u64(k, seq);
    key_text(k, webhook, KEY_NAME_MAX);
}

void delivery_state_key(struct key *k, const struct store_delivery *d)
{
    key_session(k, d->tenant, d->webhook);
    key_u8(k, (uint8_t)d->state);
    key_u64(k, d->seq);
}

void delivery_lane_key(struct key *k, const struct store_delivery *d)
{
    key_session(k, d->tenant, d->webhook);
    key_u64(k, d->lane);
    key_u64(k, d->seq);
}

void delivery_due_key(struct key *k, const struct store_delivery *d)
{
    key_init(k);
    key_u64(k, d->due_ms);
    key_text(k, d->tenant, KEY_NAME_MAX);
    key_text(k, d->webhook, KEY_NAME_MAX);
    key_u64(k, d->lane);
    key_u64(k, d->seq);
}

void delivery_done_key(struct key *k, const struct store_delivery *d)
{
    key_init(k);
    key_u8(k, (uint8_t)d->state);
    key_u64(k, d->finished_ms);
    key_text(k, d->tenant, KEY_NAME_MAX);
    key_u64(k, d->seq);
    key_text(k, d->webhook, KEY_NAME_MAX);
}
