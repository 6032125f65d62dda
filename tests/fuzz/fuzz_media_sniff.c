/* libFuzzer target: whatever a file claims, sniffing ends, reads inside it and tells a type. */
#include "media_sniff.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct bytes {
    const uint8_t *data;
    size_t size, reads;
};

static size_t on_read(void *arg, uint64_t off, void *out, size_t len)
{
    struct bytes *b = arg;
    if (off > b->size || ++b->reads > 4096) {
        abort();
    }
    size_t n = b->size - (size_t)off < len ? b->size - (size_t)off : len;
    memcpy(out, b->data + off, n);
    return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    /* the first byte cuts off what may be declared, as text, before the file */
    char declared[64] = "", type[SNIFF_TYPE];
    size_t cut = size > 0 && data[0] < sizeof(declared) && data[0] < size ? data[0] : 0;
    memcpy(declared, data, cut);
    declared[cut] = '\0';
    struct bytes b = {.data = data + cut, .size = size - cut};
    struct sniffed s;
    sniff_file(&(struct sniff_reader){.read = on_read, .arg = &b, .size = b.size}, &s);
    sniff_settle(&s, declared, type);
    if (s.type == NULL || strchr(type, '/') == NULL || s.width > 65536 || s.height > 65536) {
        abort();
    }
    return 0;
}
