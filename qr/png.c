/* PNG (ISO/IEC 15948): one IHDR, one IDAT, one IEND; grey, one bit a pixel, no filter. */
#include "crypto.h"
#include "mem.h"
#include "qr.h"
#include "qr_priv.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#define MODULE_PX_MAX 32

static void put32(uint8_t *p, uint32_t v)
{
    p[0] = (uint8_t)(v >> 24);
    p[1] = (uint8_t)(v >> 16);
    p[2] = (uint8_t)(v >> 8);
    p[3] = (uint8_t)v;
}

/* The length has 31 bits; a failed append shows in out. */
static void chunk(struct buf *out, const char type[4], const uint8_t *data, size_t len)
{
    uint8_t word[4];
    put32(word, (uint32_t)len);
    buf_append(out, word, 4);
    buf_append(out, type, 4);
    buf_append(out, data, len);
    uLong crc = crc32(crc32(0, NULL, 0), (const Bytef *)type, 4);
    if (len > 0) { /* crc32() takes NULL to mean "begin" */
        crc = crc32(crc, data, (uInt)len);
    }
    put32(word, (uint32_t)crc);
    buf_append(out, word, 4);
}

/* One line of pixels behind its filter byte; a set bit is white. */
static void draw_line(const struct qr_matrix *m, int y, size_t px, uint8_t *line, size_t stride)
{
    memset(line, 0xFF, stride);
    line[0] = 0;
    for (int x = 0; x < m->size; x++) {
        if (!qr_matrix_dark(m, x, y)) {
            continue;
        }
        size_t first = (size_t)(x + QR_QUIET) * px;
        for (size_t i = first; i < first + px; i++) {
            line[1 + i / 8] = (uint8_t)(line[1 + i / 8] & ~(0x80u >> (i % 8)));
        }
    }
}

static int compress_picture(const struct qr_matrix *m, size_t px, size_t side, uint8_t **out,
                            size_t *out_len, struct err *e)
{
    size_t stride = 1 + (side + 7) / 8;
    uLongf packed_len = compressBound((uLong)(stride * side));
    uint8_t *raw = mem_malloc(stride * side);
    uint8_t *packed = mem_malloc(packed_len);
    int rc = E_NOMEM;
    if (raw != NULL && packed != NULL) {
        for (size_t y = 0; y < side; y++) {
            uint8_t *line = raw + y * stride;
            if (y % px != 0) {
                memcpy(line, line - stride, stride);
            } else {
                draw_line(m, (int)(y / px) - QR_QUIET, px, line, stride);
            }
        }
        rc = compress2(packed, &packed_len, raw, (uLong)(stride * side), 6) == Z_OK ? 0 : E_NOMEM;
    }
    free(raw);
    if (rc != 0) {
        free(packed);
        return err_set(e, rc, "out of memory while drawing a QR code");
    }
    *out = packed;
    *out_len = packed_len;
    return 0;
}

int qr_png(const char *text, unsigned module_px, struct buf *out, struct err *e)
{
    static const uint8_t signature[] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'};
    if (module_px < 1 || module_px > MODULE_PX_MAX) {
        return err_set(e, E_INVALID, "a module has 1 to %d pixels, not %u", MODULE_PX_MAX,
                       module_px);
    }
    struct qr_matrix m;
    int rc = qr_matrix_init(&m, text, e);
    if (rc != 0) {
        return rc;
    }
    size_t side = (size_t)(m.size + 2 * QR_QUIET) * module_px;
    uint8_t *packed = NULL;
    size_t packed_len = 0;
    rc = compress_picture(&m, module_px, side, &packed, &packed_len, e);
    qr_matrix_finish(&m);
    if (rc != 0) {
        return rc;
    }
    /* width, height, bit depth 1, grey, deflate, filter method 0, not interlaced */
    uint8_t header[13] = {[8] = 1};
    put32(header, (uint32_t)side);
    put32(header + 4, (uint32_t)side);
    buf_append(out, signature, sizeof(signature));
    chunk(out, "IHDR", header, sizeof(header));
    chunk(out, "IDAT", packed, packed_len);
    chunk(out, "IEND", NULL, 0);
    free(packed);
    return out->failed ? err_set(e, out->rc, "no room for the picture") : 0;
}

int qr_data_url(const char *text, unsigned module_px, struct buf *out, struct err *e)
{
    struct buf png;
    buf_init(&png, SIZE_MAX);
    int rc = qr_png(text, module_px, &png, e);
    if (rc == 0) {
        buf_str(out, "data:image/png;base64,");
        if (buf_reserve(out, CRYPTO_BASE64_LEN(png.len)) == 0) {
            out->len += crypto_base64(png.data, png.len, out->data + out->len);
        }
        rc = out->failed ? err_set(e, out->rc, "no room for the picture") : 0;
    }
    buf_finish(&png);
    return rc;
}
