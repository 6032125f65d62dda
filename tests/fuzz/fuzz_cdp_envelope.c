/*
 * libFuzzer target: whatever comes out of the browser, the scanner stays inside the text and the
 * spans it gives are well-formed parts of it.
 */
#include "envelope_priv.h"

#include "err.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_span(const char *text, size_t len, struct span s, char open, char close)
{
    if (s.len == 0) {
        return;
    }
    if (s.off > len || s.len > len - s.off) {
        abort();
    }
    if (open && (text[s.off] != open || text[s.off + s.len - 1] != close)) {
        abort();
    }
    if (!open && (memchr(text + s.off, '"', s.len) || memchr(text + s.off, '\\', s.len))) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    /* An exact heap copy, so that one byte too far is seen. */
    char *text = malloc(size ? size : 1);
    if (!text) {
        return 0;
    }
    memcpy(text, data, size);
    struct envelope env;
    int r = envelope_scan(text, size, &env);
    if (r != 0 && r != E_PROTO) {
        abort();
    }
    check_span(text, size, env.method, '\0', '\0');
    check_span(text, size, env.session, '\0', '\0');
    check_span(text, size, env.result, '{', '}');
    check_span(text, size, env.params, '{', '}');
    check_span(text, size, env.error, '{', '}');
    /* Any cut of a good message gives a part of what the whole one gave. */
    if (r == 0 && size > 0) {
        struct envelope head;
        envelope_head(text, size / 2, &head);
        if (head.has_id && (!env.has_id || head.id != env.id)) {
            abort();
        }
    }
    free(text);
    return 0;
}
