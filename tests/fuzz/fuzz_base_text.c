/* Small texts: UTF-8, names, times, base64, patterns. */
#include "fuzz.h"
#include "clock.h"
#include "crypto.h"
#include "err.h"
#include "text.h"

static void check_utf8(char *text, size_t size)
{
    bool valid = text_utf8_valid(text, size);
    size_t at = 0, n = 1;
    while (at < size && (n = text_utf8_next(text + at, size - at)) > 0) {
        at += n;
    }
    must(valid == (at == size));
    if (valid) {
        size_t cut = text_utf8_cut(text, size, size / 2);
        must(cut <= size / 2 && text_utf8_valid(text, cut));
        must(text_utf8_count(text, size) <= size);
        size_t left = text_strip_controls(text, size);
        must(left <= size && text_utf8_valid(text, left));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = fuzz_text(data, size);
    uint64_t ms = 0;
    if (clock_parse_rfc3339(text, &ms) == 0) {
        must(strlen(text) >= 20 && strlen(text) < 64);
    }
    if (text_is_name(text)) {
        must(strlen(text) <= 63 && strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-_") == strlen(text));
    }
    uint8_t *raw = malloc(size / 4 * 3 + 1);
    size_t len = 0;
    if (raw != NULL && crypto_base64_decode(text, size, raw, &len) == 0) {
        char *again = malloc(CRYPTO_BASE64_LEN(len));
        must(again != NULL && crypto_base64(raw, len, again) == size && memcmp(again, text, size) == 0);
        free(again);
    }
    free(raw);
    char *pattern = strchr(text, ' ');
    if (pattern != NULL && strlen(pattern) < 64) {
        *pattern++ = '\0';
        must(!text_glob(pattern, text) || pattern[0] == '*' || pattern[0] == text[0]);
        pattern[-1] = ' ';
    }
    check_utf8(text, size);
    free(text);
    return 0;
}
