/* A set of SHA-256s: those of files that something still needs. Pure. */
#include "media_need.h"

#include "mem.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_SLOTS 1024 /* a power of two */

void need_finish(struct need *n)
{
    free(n->slots);
    memset(n, 0, sizeof(*n));
}

static int hex_digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool read_hash(const char *hex, size_t len, struct need_hash *out)
{
    if (len < 64) {
        return false;
    }
    for (size_t i = 0; i < 32; i++) {
        int high = hex_digit(hex[2 * i]), low = hex_digit(hex[2 * i + 1]);
        if (high < 0 || low < 0) {
            return false;
        }
        out->b[i] = (uint8_t)(high << 4 | low);
    }
    return len == 64 || hex_digit(hex[64]) < 0;
}

static bool is_zero(const struct need_hash *h)
{
    static const struct need_hash zero;
    return memcmp(h, &zero, sizeof(zero)) == 0;
}

/* The slot that holds h, or the empty one where it would go. */
static struct need_hash *slot_of(const struct need *n, const struct need_hash *h)
{
    size_t at = 0;
    memcpy(&at, h->b, sizeof(at)); /* as good as random */
    while (true) {
        struct need_hash *s = &n->slots[at++ & (n->room - 1)];
        if (is_zero(s) || memcmp(s, h, sizeof(*s)) == 0) {
            return s;
        }
    }
}

static int grow(struct need *n)
{
    struct need bigger = {.room = n->room == 0 ? FIRST_SLOTS : n->room * 2, .count = n->count};
    if (bigger.room > 2 * NEED_MAX) {
        return E_TOOLARGE;
    }
    bigger.slots = mem_calloc(bigger.room, sizeof(*bigger.slots));
    if (bigger.slots == NULL) {
        return E_NOMEM;
    }
    for (size_t i = 0; i < n->room; i++) {
        if (!is_zero(&n->slots[i])) {
            *slot_of(&bigger, &n->slots[i]) = n->slots[i];
        }
    }
    free(n->slots);
    *n = bigger;
    return 0;
}

static int add(struct need *n, const struct need_hash *h)
{
    int rc = n->count * 2 >= n->room ? grow(n) : 0;
    struct need_hash *s = rc == 0 && !is_zero(h) ? slot_of(n, h) : NULL;
    if (s != NULL && is_zero(s)) {
        *s = *h;
        n->count++;
    }
    return rc;
}

int need_add_text(struct need *n, const char *text, size_t len)
{
    static const char *const keys[] = {"\"sha256\":\"", "\"media_id\":\""};
    int rc = 0;
    for (size_t k = 0; k < 2; k++) {
        const size_t key_len = strlen(keys[k]);
        const char *s = text, *end = text + len;
        while (rc == 0 && (s = memmem(s, (size_t)(end - s), keys[k], key_len)) != NULL) {
            struct need_hash h;
            s += key_len;
            if (read_hash(s, (size_t)(end - s), &h)) {
                rc = add(n, &h);
            }
        }
    }
    return rc;
}

bool need_has(const struct need *n, const char *sha256)
{
    struct need_hash h;
    return n->room > 0 && read_hash(sha256, strlen(sha256), &h) && !is_zero(slot_of(n, &h));
}
