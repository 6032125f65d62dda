/* JSON from outside: bounded, and what was read writes itself as JSON that reads the same. */
#include "fuzz.h"
#include "buf.h"
#include "json.h"
#include "text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = fuzz_text(data, size);
    struct err e = {0};
    json_t *v = json_parse(text, size, 65536, &e);
    if (v != NULL) {
        size_t len = 0;
        char *again = json_text(v, &len);
        must(again != NULL && text_utf8_valid(again, len));
        json_t *twin = json_parse(again, len, 1 << 20, &e);
        must(twin != NULL && json_equal(v, twin));
        json_decref(twin);
        free(again);
        json_decref(v);
    } else {
        must(e.code < 0 && e.msg[0] != '\0');
    }
    if (text_utf8_valid(text, size) && memchr(text, '\0', size) == NULL) {
        struct buf b;
        buf_init(&b, 1 << 20);
        must(buf_char(&b, '[') == 0 && json_quote(&b, text, size) == 0 && buf_char(&b, ']') == 0);
        json_t *list = json_loadb(b.data, b.len, 0, NULL);
        must(list != NULL && json_string_length(json_array_get(list, 0)) == size &&
             memcmp(json_string_value(json_array_get(list, 0)), text, size) == 0);
        json_decref(list);
        buf_finish(&b);
    }
    json_repair_surrogates(text, size);
    free(text);
    return 0;
}
