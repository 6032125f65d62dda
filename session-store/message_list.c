/* Lists of messages, of a chat or of a whole session, and their cursors. */
#include "message_priv.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

void store_message_cursor(const struct store_message_ref *ref, char out[STORE_CURSOR_LEN])
{
    snprintf(out, STORE_CURSOR_LEN, "m1%016" PRIx64 "%016" PRIx64, ref->time_ms, ref->ordinal);
}

static bool hex64(const char *s, uint64_t *out)
{
    uint64_t v = 0;
    for (size_t i = 0; i < 16; i++) {
        unsigned char c = (unsigned char)s[i];
        if (c >= '0' && c <= '9') {
            v = v << 4 | (uint64_t)(c - '0');
        } else if (c >= 'a' && c <= 'f') {
            v = v << 4 | (uint64_t)(c - 'a' + 10);
        } else {
            return false;
        }
    }
    *out = v;
    return true;
}

int cursor_parse(const char *text, uint64_t *time_ms, uint64_t *ordinal)
{
    if (strnlen(text, 35) != 34 || text[0] != 'm' || text[1] != '1' || !hex64(text + 2, time_ms) ||
        !hex64(text + 18, ordinal)) {
        return E_INVALID;
    }
    return 0;
}

/* One row of the index by time or of a chat's order; prefix_len bytes of the key are known. */
static int visit_row(struct iter *it, size_t prefix_len, const char *tenant, const char *session,
                     const char *chat, uint64_t time_ms, store_message_fn fn, void *arg)
{
    struct store_message_ref ref;
    struct store_value data;
    struct key_reader r;
    uint64_t ordinal = be64_get(it->at.b + prefix_len + 8);
    char owner[STORE_MAX_ID + 1];
    if (chat == NULL) {
        key_read(&r, it->v.mv_data, it->v.mv_size);
        const char *text = key_read_text(&r);
        size_t len = strlen(text);
        if (!key_read_done(&r) || len > STORE_MAX_ID) {
            return txn_corrupt(it->t);
        }
        memcpy(owner, text, len + 1);
        chat = owner;
    }
    int rc = message_at(it->t, tenant, session, chat, time_ms, ordinal, &ref, &data);
    if (rc != 0) {
        return rc == E_NOTFOUND ? txn_corrupt(it->t) : rc;
    }
    return fn(arg, &ref, data);
}

/* Where a list begins; false: it is empty. */
static int range_start(const struct store_range *range, struct key *from, unsigned *flags)
{
    uint64_t time_ms = 0, ordinal = 0;
    *flags = range->oldest_first ? ITER_AFTER : ITER_AFTER | ITER_BACK;
    if (range->cursor != NULL && *range->cursor != '\0') {
        int rc = cursor_parse(range->cursor, &time_ms, &ordinal);
        if (rc != 0) {
            return rc;
        }
    } else if (range->oldest_first) {
        time_ms = range->since_ms; /* no ordinal is 0, so `after` loses nothing */
    } else {
        time_ms = range->until_ms == 0 ? UINT64_MAX : range->until_ms;
        ordinal = range->until_ms == 0 ? UINT64_MAX : 0;
    }
    key_u64(from, time_ms);
    key_u64(from, ordinal);
    return 0;
}

int store_message_list(struct store_txn *t, const char *tenant, const char *session,
                       const char *chat, const struct store_range *range, store_message_fn fn,
                       void *arg)
{
    struct key prefix, from;
    struct iter it;
    unsigned flags;
    key_session(&prefix, tenant, session);
    if (chat != NULL) {
        key_text(&prefix, chat, STORE_MAX_ID);
    }
    if (prefix.rc != 0) {
        return prefix.rc;
    }
    key_copy(&from, prefix.b, prefix.len);
    int rc = range_start(range, &from, &flags);
    if (rc != 0) {
        return rc;
    }
    uint64_t until_ms = range->until_ms == 0 ? UINT64_MAX : range->until_ms;
    rc = iter_open(&it, t, chat != NULL ? DB_MESSAGES : DB_MESSAGE_TIMES, &prefix, &from, flags);
    if (rc != 0) {
        return rc;
    }
    int stop = 0;
    while (stop == 0 && (rc = iter_next(&it)) == 0) {
        if (it.at.len != prefix.len + 16) {
            rc = txn_corrupt(t);
            break;
        }
        uint64_t time_ms = be64_get(it.at.b + prefix.len);
        bool early = time_ms < range->since_ms;
        bool late = time_ms >= until_ms && range->until_ms != 0;
        if (range->oldest_first ? late : early) {
            break;
        }
        if (!early && !late) {
            stop = visit_row(&it, prefix.len, tenant, session, chat, time_ms, fn, arg);
        }
    }
    iter_close(&it);
    return iter_result(rc, stop);
}
