/* Headers of a file's request and answer: ranges, entity tags, names, media types, signed links. */
#include "api_priv.h"
#include "fuzz.h"
#include "media_priv.h"
#include "media_sniff.h"
#include "text.h"

static void check_disposition(const char *name)
{
    struct buf b;
    buf_init(&b, 65536);
    disposition_write(&b, true, name);
    for (size_t i = 0; !b.failed && i < b.len; i++) {
        must((unsigned char)b.data[i] >= 0x20 && (unsigned char)b.data[i] < 0x7f);
    }
    buf_finish(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) {
        return 0;
    }
    char *text = fuzz_text(data + 1, size - 1);
    uint64_t first = 0, last = 0, length = data[0] * UINT64_C(1000);
    if (range_parse(text, length, &first, &last) == RANGE_PART) {
        must(first <= last && last < length);
    }
    (void)etag_listed(text, "\"0123\"");
    if (text_utf8_valid(text, size - 1)) {
        check_disposition(text);
    }
    char type[SNIFF_TYPE];
    if (sniff_type_clean(text, type)) {
        must(strchr(type, '/') != NULL && strpbrk(type, " \t\r\n;\"ABCXYZ") == NULL);
    }
    static const uint8_t pepper[CRYPTO_KEY_LEN] = {1};
    struct err e = {0};
    char *half = strchr(text, ' ');
    if (half != NULL) {
        *half++ = '\0';
        must(link_check(pepper, "t", "m", text, half, 1, &e) != 0);
    }
    free(text);
    return 0;
}
