/* Width and height from the headers of pictures. */
#include "media_sniff.h"

#include <string.h>

#define JPEG_SEGMENTS 256

static void jpeg(const struct sniff_reader *r, struct sniffed *out)
{
    uint64_t off = 2;
    for (int i = 0; i < JPEG_SEGMENTS; i++) {
        uint8_t s[9];
        if (sniff_read(r, off, s, sizeof(s)) < sizeof(s) || s[0] != 0xFF) {
            return;
        }
        if (s[1] == 0xFF) { /* fill byte */
            off++;
            continue;
        }
        if (s[1] >= 0xC0 && s[1] <= 0xCF && s[1] != 0xC4 && s[1] != 0xC8 && s[1] != 0xCC) {
            out->height = sniff_pixels(be16(s + 5));
            out->width = sniff_pixels(be16(s + 7));
            return;
        }
        if (s[1] == 0xD9 || s[1] == 0xDA || be16(s + 2) < 2) {
            return;
        }
        off += 2 + be16(s + 2);
    }
}

static void webp(const uint8_t *h, size_t len, struct sniffed *out)
{
    if (len < 30) {
        return;
    }
    if (memcmp(h + 12, "VP8 ", 4) == 0) {
        out->width = le16(h + 26) & 0x3FFF;
        out->height = le16(h + 28) & 0x3FFF;
    } else if (memcmp(h + 12, "VP8L", 4) == 0) {
        uint32_t bits = le32(h + 21);
        out->width = (bits & 0x3FFF) + 1;
        out->height = ((bits >> 14) & 0x3FFF) + 1;
    } else if (memcmp(h + 12, "VP8X", 4) == 0) {
        out->width = sniff_pixels((le32(h + 24) & 0xFFFFFF) + 1);
        out->height = sniff_pixels((le32(h + 27) & 0xFFFFFF) + 1);
    }
}

void sniff_picture(const struct sniff_reader *r, const uint8_t *h, size_t len, struct sniffed *out)
{
    if (strcmp(out->type, "image/jpeg") == 0) {
        jpeg(r, out);
    } else if (strcmp(out->type, "image/png") == 0 && len >= 24 && memcmp(h + 12, "IHDR", 4) == 0) {
        out->width = sniff_pixels(be32(h + 16));
        out->height = sniff_pixels(be32(h + 20));
    } else if (strcmp(out->type, "image/gif") == 0 && len >= 10) {
        out->width = le16(h + 6);
        out->height = le16(h + 8);
    } else if (strcmp(out->type, "image/webp") == 0 && len >= 31) {
        webp(h, len, out);
    } else if (strcmp(out->type, "image/bmp") == 0 && len >= 26 && le32(h + 14) >= 40) {
        uint32_t height = le32(h + 22);
        out->width = sniff_pixels(le32(h + 18));
        out->height = sniff_pixels(height > INT32_MAX ? UINT32_MAX - height + 1 : height);
    }
}
