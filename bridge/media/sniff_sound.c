/* How long a sound is: Ogg, MP3, WAV, FLAC. */
#include "media_sniff.h"

#include <string.h>

#define OGG_TAIL 65536

/* The last page tells how many samples came before its end. */
static uint64_t ogg_last_position(const struct sniff_reader *r)
{
    static const size_t piece = 4096;
    uint8_t b[4096 + 14];
    uint64_t low = r->size > OGG_TAIL ? r->size - OGG_TAIL : 0;
    for (uint64_t end = r->size; end > low;) {
        uint64_t start = end - low > piece ? end - piece : low;
        size_t n = sniff_read(r, start, b, (size_t)(end - start) + 14);
        for (size_t i = n >= 14 ? n - 14 + 1 : 0; i-- > 0;) {
            if (memcmp(b + i, "OggS", 4) == 0 && b[i + 4] == 0) {
                uint64_t at = (uint64_t)le32(b + i + 10) << 32 | le32(b + i + 6);
                if (at != UINT64_MAX) {
                    return at;
                }
            }
        }
        end = start;
    }
    return 0;
}

void sniff_ogg(const struct sniff_reader *r, const uint8_t *h, size_t len, struct sniffed *out)
{
    size_t body = len > 27 ? 27u + h[26] : len;
    if (body + 20 > len) {
        return;
    }
    const uint8_t *p = h + body;
    if (memcmp(p, "OpusHead", 8) == 0) {
        out->type = "audio/ogg; codecs=opus";
        uint64_t at = ogg_last_position(r), skip = le16(p + 10);
        out->duration_s = sniff_seconds(at > skip ? at - skip : 0, 48000);
    } else if (memcmp(p, "\x01vorbis", 7) == 0) {
        out->type = "audio/ogg";
        out->duration_s = sniff_seconds(ogg_last_position(r), le32(p + 12));
    } else if (memcmp(p, "\x80theora", 7) == 0) {
        out->type = "video/ogg";
    }
}

/* ---- MP3 ---------------------------------------------------------------------------------------
 */

struct frame {
    unsigned rate, kbit, samples;
    size_t side; /* from the header to where a Xing header would be */
};

static bool mp3_frame(const uint8_t *h, struct frame *f)
{
    static const uint16_t one[] = {0,   32,  40,  48,  56,  64,  80,  96,
                                   112, 128, 160, 192, 224, 256, 320, 0};
    static const uint16_t two[] = {0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160, 0};
    static const unsigned rates[] = {44100, 48000, 32000, 0};
    unsigned version = (h[1] >> 3) & 3; /* 3: MPEG 1, 2: MPEG 2, 0: MPEG 2.5 */
    if (h[0] != 0xFF || (h[1] & 0xE0) != 0xE0 || version == 1 || ((h[1] >> 1) & 3) != 1) {
        return false;
    }
    bool mono = h[3] >> 6 == 3;
    f->rate = rates[(h[2] >> 2) & 3] >> (version == 3 ? 0 : version == 2 ? 1 : 2);
    f->kbit = version == 3 ? one[h[2] >> 4] : two[h[2] >> 4];
    f->samples = version == 3 ? 1152 : 576;
    f->side = version == 3 ? (mono ? 17 : 32) : (mono ? 9 : 17);
    return f->rate > 0 && f->kbit > 0;
}

void sniff_mp3(const struct sniff_reader *r, struct sniffed *out)
{
    uint8_t b[64];
    uint64_t off = 0;
    struct frame f;
    if (sniff_read(r, 0, b, 10) == 10 && memcmp(b, "ID3", 3) == 0) {
        off = 10 + ((uint64_t)(b[6] & 127) << 21 | (uint64_t)(b[7] & 127) << 14 |
                    (uint64_t)(b[8] & 127) << 7 | (uint64_t)(b[9] & 127));
    }
    size_t n = sniff_read(r, off, b, sizeof(b));
    if (n < sizeof(b) || !mp3_frame(b, &f)) {
        return;
    }
    const uint8_t *tag = b + 4 + f.side;
    if ((memcmp(tag, "Xing", 4) == 0 || memcmp(tag, "Info", 4) == 0) && (tag[7] & 1) != 0) {
        out->duration_s = sniff_seconds((uint64_t)be32(tag + 8) * f.samples, f.rate);
    } else {
        out->duration_s = sniff_seconds((r->size - off) * 8, (uint64_t)f.kbit * 1000);
    }
}

/* ---- WAV, FLAC ---------------------------------------------------------------------------------
 */

void sniff_wav(const uint8_t *h, size_t len, struct sniffed *out)
{
    if (len >= 44 && memcmp(h + 12, "fmt ", 4) == 0) {
        uint32_t per_second = le32(h + 28);
        uint64_t data = 20 + (uint64_t)le32(h + 16);
        if (data + 8 <= len && memcmp(h + data, "data", 4) == 0) {
            out->duration_s = sniff_seconds(le32(h + data + 4), per_second);
        }
    }
}

void sniff_flac(const uint8_t *h, size_t len, struct sniffed *out)
{
    if (len >= 42 && (h[4] & 127) == 0) {
        uint32_t rate = be32(h + 18) >> 12;
        uint64_t samples = (uint64_t)(h[21] & 15) << 32 | be32(h + 22);
        out->duration_s = sniff_seconds(samples, rate);
    }
}
