/*
 * A LevelDB log as bytes: which of them are whole records, the batches of writes in it, and one
 * more batch behind them. Pure; the form is that of LevelDB's doc/log_format.md and write_batch.cc.
 */
#include "leveldb_log_priv.h"

#include "profile_priv.h"

#include <string.h>

#define LOG_BLOCK 32768u
#define LOG_HEADER 7u
#define LOG_FIRST_LAST_CHECKED (2 * LOG_BLOCK) /* at the end of a log sums are checked too */

enum { RECORD_FULL = 1, RECORD_FIRST, RECORD_MIDDLE, RECORD_LAST };

/* CRC-32C of type and data, masked as LevelDB stores it. */
static uint32_t record_sum(const unsigned char *p, size_t len)
{
    uint32_t crc = 0xFFFFFFFFu;
    for (size_t i = 0; i < len; i++) {
        crc ^= p[i];
        for (int bit = 0; bit < 8; bit++) {
            crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0x82F63B78u : 0);
        }
    }
    crc = ~crc;
    return ((crc >> 15) | (crc << 17)) + 0xA282EAD8u;
}

static uint32_t get32(const unsigned char *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static void put32(unsigned char *p, uint32_t v)
{
    for (int i = 0; i < 4; i++) {
        p[i] = (unsigned char)(v >> (8 * i));
    }
}

/* ---- records --------------------------------------------------------------------------------- */

/* The length of the record at `at` with its header, or 0 when there is no whole one. */
static size_t record_at(const unsigned char *log, size_t len, size_t at)
{
    const unsigned char *h = log + at;
    if (at + LOG_HEADER > len) {
        return 0;
    }
    size_t data = (size_t)h[4] | (size_t)h[5] << 8;
    size_t whole = LOG_HEADER + data;
    if (h[6] < RECORD_FULL || h[6] > RECORD_LAST || at % LOG_BLOCK + whole > LOG_BLOCK ||
        at + whole > len) {
        return 0;
    }
    bool checked = at + LOG_FIRST_LAST_CHECKED >= len;
    return !checked || record_sum(h + 6, data + 1) == get32(h) ? whole : 0;
}

/* The end of a block that has no room for a header is filled with zeros. */
static size_t skip_filling(size_t at)
{
    size_t room = LOG_BLOCK - at % LOG_BLOCK;
    return room < LOG_HEADER ? at + room : at;
}

size_t profile_log_whole(const unsigned char *log, size_t len)
{
    size_t at = 0, good = 0;
    for (;;) {
        at = skip_filling(at);
        if (at >= len) {
            return len - good < LOG_HEADER ? len : good;
        }
        size_t whole = record_at(log, len, at);
        if (whole == 0) {
            return good;
        }
        at += whole;
        unsigned char type = log[at - whole + 6];
        if (type == RECORD_FULL || type == RECORD_LAST) {
            good = at;
        }
    }
}

int leveldb_log_batches(const unsigned char *log, size_t len, unsigned char *joined,
                        leveldb_batch_fn fn, void *arg)
{
    size_t at = 0, used = 0, start = 0;
    bool inside = false;
    for (;;) {
        at = skip_filling(at);
        size_t whole = at < len ? record_at(log, len, at) : 0;
        if (whole == 0) {
            return at >= len && !inside ? 0 : -1;
        }
        unsigned char type = log[at + 6];
        bool first = type == RECORD_FULL || type == RECORD_FIRST;
        if (first == inside) {
            return -1; /* parts that do not follow each other */
        }
        start = first ? used : start;
        memcpy(joined + used, log + at + LOG_HEADER, whole - LOG_HEADER);
        used += whole - LOG_HEADER;
        at += whole;
        inside = type == RECORD_FIRST || type == RECORD_MIDDLE;
        int rc = inside ? 0 : fn(arg, joined + start, used - start);
        if (rc != 0) {
            return rc;
        }
    }
}

/* ---- batches ----------------------------------------------------------------------------------
 */

bool leveldb_varint(struct bytes *in, uint64_t *out)
{
    *out = 0;
    for (unsigned shift = 0; shift < 64 && in->len > 0; shift += 7) {
        unsigned char c = *in->p;
        in->p++;
        in->len--;
        *out |= (uint64_t)(c & 0x7F) << shift;
        if ((c & 0x80) == 0) {
            return true;
        }
    }
    return false;
}

bool leveldb_slice(struct bytes *in, struct bytes *out)
{
    uint64_t n;
    if (!leveldb_varint(in, &n) || n > in->len) {
        return false;
    }
    *out = (struct bytes){in->p, (size_t)n};
    in->p += n;
    in->len -= (size_t)n;
    return true;
}

bool leveldb_batch_open(const unsigned char *batch, size_t len, struct leveldb_batch *out)
{
    if (len < LEVELDB_BATCH_HEADER) {
        return false;
    }
    out->seq = get32(batch) | (uint64_t)get32(batch + 4) << 32;
    out->count = get32(batch + 8);
    out->rest = (struct bytes){batch + LEVELDB_BATCH_HEADER, len - LEVELDB_BATCH_HEADER};
    return true;
}

int leveldb_batch_next(struct leveldb_batch *b, struct leveldb_write *w)
{
    if (b->rest.len == 0) {
        return 0;
    }
    unsigned char op = *b->rest.p;
    b->rest.p++;
    b->rest.len--;
    w->put = op == 1;
    w->value = (struct bytes){0};
    if (op > 1 || !leveldb_slice(&b->rest, &w->key) ||
        (w->put && !leveldb_slice(&b->rest, &w->value))) {
        return -1;
    }
    return 1;
}

/* ---- writing ----------------------------------------------------------------------------------
 */

static void put_slice(struct buf *out, struct bytes s)
{
    size_t n = s.len;
    for (; n >= 0x80; n >>= 7) {
        buf_char(out, (char)(unsigned char)(n | 0x80));
    }
    buf_char(out, (char)(unsigned char)n);
    buf_append(out, s.p, s.len);
}

void leveldb_batch_begin(struct buf *out, uint64_t seq)
{
    unsigned char h[LEVELDB_BATCH_HEADER] = {0};
    put32(h, (uint32_t)seq);
    put32(h + 4, (uint32_t)(seq >> 32));
    buf_append(out, h, sizeof(h));
}

void leveldb_batch_add(struct buf *out, const struct leveldb_write *w)
{
    buf_char(out, w->put ? 1 : 0);
    put_slice(out, w->key);
    if (w->put) {
        put_slice(out, w->value);
    }
    if (!out->failed) {
        unsigned char *count = (unsigned char *)out->data + 8;
        put32(count, get32(count) + 1);
    }
}

void leveldb_log_frame(struct buf *out, size_t at, const unsigned char *batch, size_t len)
{
    static const char zeros[LOG_HEADER] = {0};
    bool first = true;
    do {
        size_t room = LOG_BLOCK - at % LOG_BLOCK;
        if (room < LOG_HEADER) {
            buf_append(out, zeros, room);
            at += room;
            room = LOG_BLOCK;
        }
        size_t n = len < room - LOG_HEADER ? len : room - LOG_HEADER;
        bool last = n == len;
        unsigned char type = first && last ? RECORD_FULL
                             : first       ? RECORD_FIRST
                             : last        ? RECORD_LAST
                                           : RECORD_MIDDLE;
        unsigned char h[LOG_HEADER] = {0, 0, 0, 0, (unsigned char)n, (unsigned char)(n >> 8), type};
        size_t header = out->len;
        buf_append(out, h, sizeof(h));
        if (buf_append(out, batch, n) == 0) {
            put32((unsigned char *)out->data + header,
                  record_sum((unsigned char *)out->data + header + 6, n + 1));
        }
        at += LOG_HEADER + n;
        batch += n;
        len -= n;
        first = false;
    } while (len > 0);
}
