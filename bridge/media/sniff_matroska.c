/*
 * WebM and Matroska: elements in elements. Only what stands before the first cluster is looked at,
 * ELEMENTS elements at most.
 */
#include "media_sniff.h"

#include <string.h>

#define ELEMENTS 512

#define ID_EBML 0x1A45DFA3u
#define ID_DOCTYPE 0x4282u
#define ID_SEGMENT 0x18538067u
#define ID_INFO 0x1549A966u
#define ID_SCALE 0x2AD7B1u
#define ID_DURATION 0x4489u
#define ID_TRACKS 0x1654AE6Bu
#define ID_TRACK 0xAEu
#define ID_TRACK_TYPE 0x83u
#define ID_VIDEO 0xE0u
#define ID_WIDTH 0xB0u
#define ID_HEIGHT 0xBAu
#define ID_CLUSTER 0x1F43B675u

struct mkv {
    const struct sniff_reader *r;
    struct sniffed *out;
    unsigned left;
    bool webm, video, audio, ended;
    uint64_t scale; /* nanoseconds of one unit */
    double duration;
};

/* An id keeps its length bits, a size loses them. 0 bytes used: malformed. */
static size_t number(const uint8_t *b, size_t len, bool id, uint64_t *out)
{
    size_t n = 1;
    while (n <= 8 && len > 0 && (b[0] & (0x80u >> (n - 1))) == 0) {
        n++;
    }
    if (len == 0 || n > 8 || n > len || (id && n > 4)) {
        return 0;
    }
    uint64_t v = id ? b[0] : b[0] & (0xFFu >> n);
    bool ones = (b[0] & (0xFFu >> n)) == (0xFFu >> n);
    for (size_t i = 1; i < n; i++) {
        v = v << 8 | b[i];
        ones = ones && b[i] == 0xFF;
    }
    *out = !id && ones ? UINT64_MAX : v; /* all ones: size not known */
    return n;
}

static uint64_t read_uint(const struct mkv *m, uint64_t off, uint64_t size)
{
    uint8_t b[8];
    uint64_t v = 0;
    if (size > 8 || sniff_read(m->r, off, b, (size_t)size) < size) {
        return 0;
    }
    for (size_t i = 0; i < size; i++) {
        v = v << 8 | b[i];
    }
    return v;
}

static double read_float(const struct mkv *m, uint64_t off, uint64_t size)
{
    uint64_t v = read_uint(m, off, size);
    if (size == 8) {
        double d = 0;
        memcpy(&d, &v, 8);
        return d;
    }
    float f = 0;
    uint32_t bits = (uint32_t)v;
    memcpy(&f, &bits, 4);
    return size == 4 ? (double)f : 0;
}

static void leaf(struct mkv *m, uint64_t id, uint64_t body, uint64_t size)
{
    char text[5] = "";
    switch (id) {
    case ID_DOCTYPE:
        m->webm = size == 4 && sniff_read(m->r, body, text, 4) == 4 && strcmp(text, "webm") == 0;
        break;
    case ID_SCALE:
        m->scale = read_uint(m, body, size);
        break;
    case ID_DURATION:
        m->duration = read_float(m, body, size);
        break;
    case ID_TRACK_TYPE: {
        uint64_t type = read_uint(m, body, size);
        m->video = m->video || type == 1;
        m->audio = m->audio || type == 2;
        break;
    }
    case ID_WIDTH:
        m->out->width = m->out->width != 0 ? m->out->width : sniff_pixels(read_uint(m, body, size));
        break;
    case ID_HEIGHT:
        m->out->height =
            m->out->height != 0 ? m->out->height : sniff_pixels(read_uint(m, body, size));
        break;
    default:
        break;
    }
}

static void elements(struct mkv *m, uint64_t off, uint64_t end, unsigned depth)
{
    while (off < end && m->left > 0 && !m->ended) {
        uint8_t h[12];
        uint64_t id = 0, size = 0;
        size_t n = sniff_read(m->r, off, h, sizeof(h));
        size_t used = number(h, n, true, &id);
        size_t more = used > 0 ? number(h + used, n - used, false, &size) : 0;
        m->left--;
        if (more == 0) {
            return;
        }
        uint64_t body = off + used + more;
        if (body > end || id == ID_CLUSTER) {
            m->ended = true;
            return;
        }
        if (size > end - body) {
            size = end - body;
        }
        bool parent = id == ID_EBML || id == ID_SEGMENT || id == ID_INFO || id == ID_TRACKS ||
                      id == ID_TRACK || id == ID_VIDEO;
        if (parent && depth < 5) {
            elements(m, body, body + size, depth + 1);
        } else {
            leaf(m, id, body, size);
        }
        off = body + size;
    }
}

void sniff_matroska(const struct sniff_reader *r, struct sniffed *out)
{
    struct mkv m = {.r = r, .out = out, .left = ELEMENTS, .scale = 1000000};
    elements(&m, 0, r->size, 0);
    double seconds = m.duration * (double)m.scale / 1e9;
    if (seconds > 0 && seconds < 366.0 * 86400.0) {
        out->duration_s = sniff_seconds((uint64_t)(seconds * 1000), 1000);
    }
    bool sound = m.audio && !m.video;
    if (m.webm) {
        out->type = sound ? "audio/webm" : "video/webm";
    } else if (sound) {
        out->type = "audio/x-matroska";
    }
}
