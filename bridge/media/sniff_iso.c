/*
 * MP4, QuickTime, 3GPP: boxes in boxes. Of the movie header: its length; of each track: is it
 * picture or sound, and how big. A box may claim any size: the walk only goes forward, inside its
 * parent, and visits at most BOXES boxes.
 */
#include "media_sniff.h"

#include <string.h>

#define BOXES 512

struct walk {
    const struct sniff_reader *r;
    struct sniffed *out;
    unsigned left; /* boxes that may still be visited */
    bool video, audio;
    unsigned track_width, track_height; /* of the track being walked */
    bool track_video;
};

struct box {
    char type[5];
    uint64_t body, end;
};

static bool next_box(struct walk *w, uint64_t off, uint64_t end, struct box *b)
{
    uint8_t h[16];
    if (w->left == 0 || end - off < 8 || sniff_read(w->r, off, h, 8) < 8) {
        return false;
    }
    w->left--;
    uint64_t size = be32(h), head = 8;
    memcpy(b->type, h + 4, 4);
    b->type[4] = '\0';
    if (size == 1) {
        if (end - off < 16 || sniff_read(w->r, off, h, 16) < 16) {
            return false;
        }
        size = be64(h + 8);
        head = 16;
    } else if (size == 0) {
        size = end - off;
    }
    if (size < head || size > end - off) {
        return false;
    }
    b->body = off + head;
    b->end = off + size;
    return true;
}

static void movie_header(struct walk *w, const struct box *b)
{
    uint8_t h[32];
    if (sniff_read(w->r, b->body, h, sizeof(h)) < sizeof(h) || b->end - b->body < sizeof(h)) {
        return;
    }
    uint64_t units = h[0] == 1 ? be64(h + 24) : be32(h + 16);
    w->out->duration_s = sniff_seconds(units == UINT32_MAX || units == UINT64_MAX ? 0 : units,
                                       be32(h + (h[0] == 1 ? 20 : 12)));
}

static void track_header(struct walk *w, const struct box *b)
{
    uint8_t h[96];
    size_t at = 0;
    if (sniff_read(w->r, b->body, h, 84) < 84 || b->end - b->body < 84) {
        return;
    }
    at = h[0] == 1 ? 88 : 76;
    if (at == 88 && (b->end - b->body < 96 || sniff_read(w->r, b->body, h, 96) < 96)) {
        return;
    }
    w->track_width = sniff_pixels(be32(h + at) >> 16);
    w->track_height = sniff_pixels(be32(h + at + 4) >> 16);
    /* a matrix that turns by a quarter swaps them: a, d are 0 then */
    if (be32(h + at - 36) == 0 && be32(h + at - 36 + 16) == 0) {
        unsigned swap = w->track_width;
        w->track_width = w->track_height;
        w->track_height = swap;
    }
}

static void handler(struct walk *w, const struct box *b)
{
    uint8_t h[12];
    if (sniff_read(w->r, b->body, h, sizeof(h)) < sizeof(h)) {
        return;
    }
    if (memcmp(h + 8, "vide", 4) == 0) {
        w->video = w->track_video = true;
    } else if (memcmp(h + 8, "soun", 4) == 0) {
        w->audio = true;
    }
}

static void children(struct walk *w, uint64_t off, uint64_t end, unsigned depth)
{
    struct box b;
    while (off < end && next_box(w, off, end, &b)) {
        if (strcmp(b.type, "mvhd") == 0) {
            movie_header(w, &b);
        } else if (strcmp(b.type, "tkhd") == 0) {
            track_header(w, &b);
        } else if (strcmp(b.type, "hdlr") == 0) {
            handler(w, &b);
        } else if (strcmp(b.type, "trak") == 0 && depth < 4) {
            w->track_video = false;
            w->track_width = w->track_height = 0;
            children(w, b.body, b.end, depth + 1);
            if (w->track_video && w->out->width == 0) {
                w->out->width = w->track_width;
                w->out->height = w->track_height;
            }
        } else if ((strcmp(b.type, "moov") == 0 || strcmp(b.type, "mdia") == 0) && depth < 4) {
            children(w, b.body, b.end, depth + 1);
        }
        off = b.end;
    }
}

static const char *type_of_brand(const uint8_t *head)
{
    static const struct {
        const char *brand, *type;
    } brands[] = {{"qt  ", "video/quicktime"}, {"3g", "video/3gpp"},   {"M4A", "audio/mp4"},
                  {"M4B", "audio/mp4"},        {"M4P", "audio/mp4"},   {"heic", "image/heic"},
                  {"heix", "image/heic"},      {"mif1", "image/heic"}, {"avif", "image/avif"}};
    if (memcmp(head + 4, "ftyp", 4) != 0) {
        return "video/quicktime"; /* from before there were brands */
    }
    for (size_t i = 0; i < sizeof(brands) / sizeof(brands[0]); i++) {
        if (memcmp(head + 8, brands[i].brand, strlen(brands[i].brand)) == 0) {
            return brands[i].type;
        }
    }
    return "video/mp4";
}

void sniff_iso(const struct sniff_reader *r, const uint8_t *head, size_t len, struct sniffed *out)
{
    (void)len; /* at least 12, else it was not taken for one */
    struct walk w = {.r = r, .out = out, .left = BOXES};
    out->type = type_of_brand(head);
    out->family = SNIFF_KNOWN;
    if (strncmp(out->type, "image/", 6) == 0) {
        return;
    }
    children(&w, 0, r->size, 0);
    if (w.audio && !w.video) {
        out->type = "audio/mp4";
        out->width = out->height = 0;
    }
}
