#include "key_priv.h"

#include "err.h"

#include <string.h>

void be32_put(unsigned char out[4], uint32_t v)
{
    for (size_t i = 0; i < 4; i++) {
        out[i] = (unsigned char)(v >> (24 - 8 * i));
    }
}

void be64_put(unsigned char out[8], uint64_t v)
{
    for (size_t i = 0; i < 8; i++) {
        out[i] = (unsigned char)(v >> (56 - 8 * i));
    }
}

uint64_t be64_get(const unsigned char in[8])
{
    uint64_t v = 0;
    for (size_t i = 0; i < 8; i++) {
        v = v << 8 | in[i];
    }
    return v;
}

void key_init(struct key *k)
{
    k->rc = 0;
    k->len = 0;
}

static void key_bytes(struct key *k, const void *data, size_t len)
{
    if (k->rc != 0) {
        return;
    }
    if (len > KEY_MAX - k->len) {
        k->rc = E_TOOLARGE;
        return;
    }
    memcpy(k->b + k->len, data, len);
    k->len += len;
}

void key_text(struct key *k, const char *s, size_t max)
{
    if (k->rc != 0) {
        return;
    }
    if (s == NULL || *s == '\0') {
        k->rc = E_INVALID;
        return;
    }
    size_t len = strnlen(s, max + 1);
    if (len > max) {
        k->rc = E_TOOLARGE;
        return;
    }
    key_bytes(k, s, len);
    key_u8(k, 0);
}

void key_u8(struct key *k, uint8_t v)
{
    key_bytes(k, &v, 1);
}

void key_u64(struct key *k, uint64_t v)
{
    unsigned char b[8];
    be64_put(b, v);
    key_bytes(k, b, sizeof(b));
}

void key_copy(struct key *to, const void *data, size_t len)
{
    key_init(to);
    if (len > 0) {
        key_bytes(to, data, len);
    }
}

bool key_equal(const struct key *a, const struct key *b)
{
    return a->len == b->len && memcmp(a->b, b->b, a->len) == 0;
}

bool key_starts(const void *data, size_t len, const struct key *prefix)
{
    return len >= prefix->len && (prefix->len == 0 || memcmp(data, prefix->b, prefix->len) == 0);
}

bool key_successor(struct key *k)
{
    while (k->len > 0 && k->b[k->len - 1] == 0xff) {
        k->len--;
    }
    if (k->len == 0) {
        return false;
    }
    k->b[k->len - 1]++;
    return true;
}

void key_tenant(struct key *k, const char *tenant)
{
    key_init(k);
    key_text(k, tenant, KEY_NAME_MAX);
}

void key_session(struct key *k, const char *tenant, const char *session)
{
    key_tenant(k, tenant);
    key_text(k, session, KEY_NAME_MAX);
}

void key_owner(struct key *k, const char *tenant, const char *session)
{
    key_tenant(k, tenant);
    if (session != NULL) {
        key_text(k, session, KEY_NAME_MAX);
    }
}

void key_read(struct key_reader *r, const void *data, size_t len)
{
    static const unsigned char nothing[1];
    r->p = data == NULL ? nothing : data;
    r->end = r->p + (data == NULL ? 0 : len);
    r->bad = false;
}

const unsigned char *key_read_bytes(struct key_reader *r, size_t n)
{
    if (r->bad || n > (size_t)(r->end - r->p)) {
        r->bad = true;
        return NULL;
    }
    const unsigned char *at = r->p;
    r->p += n;
    return at;
}

const char *key_read_text(struct key_reader *r)
{
    const unsigned char *nul = r->bad ? NULL : memchr(r->p, 0, (size_t)(r->end - r->p));
    if (nul == NULL) {
        r->bad = true;
        return "";
    }
    const char *text = (const char *)r->p;
    r->p = nul + 1;
    return text;
}

uint8_t key_read_u8(struct key_reader *r)
{
    const unsigned char *b = key_read_bytes(r, 1);
    return b == NULL ? 0 : *b;
}

uint32_t key_read_u32(struct key_reader *r)
{
    const unsigned char *b = key_read_bytes(r, 4);
    return b == NULL ? 0 : (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

uint64_t key_read_u64(struct key_reader *r)
{
    const unsigned char *b = key_read_bytes(r, 8);
    return b == NULL ? 0 : be64_get(b);
}

bool key_read_done(const struct key_reader *r)
{
    return !r->bad && r->p == r->end;
}
