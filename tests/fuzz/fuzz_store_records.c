/*
 * What the store reads back from its file, and the one text it reads from clients (cursors): any
 * bytes decode or are refused, and what decodes encodes to the same bytes.
 */
#include "store_priv.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void fuzz_delivery(const uint8_t *data, size_t size)
{
    struct store_delivery d = {.seq = 1};
    unsigned char b[DELIVERY_RECORD_MAX];
    if (delivery_decode(data, size, &d) == 0) {
        assert(delivery_encode(&d, b) == size && memcmp(b, data, size) == 0);
    }
}

static void fuzz_key(const uint8_t *data, size_t size)
{
    struct key_reader r;
    struct key k;
    key_read(&r, data, size);
    const char *tenant = key_read_text(&r);
    const char *session = key_read_text(&r);
    uint64_t n = key_read_u64(&r);
    if (!key_read_done(&r)) {
        return;
    }
    key_session(&k, tenant, session);
    key_u64(&k, n);
    if (k.rc == 0) {
        assert(k.len == size && memcmp(k.b, data, size) == 0);
        bool more = key_successor(&k); /* a text part ends in NUL, so there always is one */
        assert(more);
    }
}

static void fuzz_cursor(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);
    char again[STORE_CURSOR_LEN];
    struct store_message_ref ref;
    if (text == NULL) {
        return;
    }
    memcpy(text, data, size);
    text[size] = '\0';
    if (cursor_parse(text, &ref.time_ms, &ref.ordinal) == 0) {
        store_message_cursor(&ref, again);
        assert(strcmp(again, text) == 0);
    }
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > 0) {
        uint8_t kind = data[0] % 3;
        (kind == 0 ? fuzz_delivery : kind == 1 ? fuzz_key : fuzz_cursor)(data + 1, size - 1);
    }
    return 0;
}
