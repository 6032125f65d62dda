/*
 * What a file is, told from its bytes and never from its name: type, size of the picture, length of
 * the sound. Pure: bytes come through a reader, at most a bounded number of them whatever the file
 * claims. Private to bridge/. Thread: any.
 */
#ifndef MEDIA_SNIFF_H
#define MEDIA_SNIFF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SNIFF_HEAD 4096
#define SNIFF_TYPE 128

struct sniff_reader {
    /* Up to len bytes at off; fewer at the end; 0 behind it or when reading fails. */
    size_t (*read)(void *arg, uint64_t off, void *out, size_t len);
    void *arg;
    uint64_t size;
};

enum sniff_family {
    SNIFF_NOTHING, /* any bytes */
    SNIFF_TEXT,    /* UTF-8 text of no special kind */
    SNIFF_PACKED,  /* a container whose content we do not know: zip, OLE */
    SNIFF_KNOWN
};
struct sniffed {
    const char *type; /* static */
    enum sniff_family family;
    unsigned width, height, duration_s; /* 0: not known */
};
void sniff_file(const struct sniff_reader *r, struct sniffed *out);

/* The type to keep: what was sniffed; the declared one where the bytes do not tell more and it
 * claims nothing that they would have shown. out holds SNIFF_TYPE. declared may be NULL. */
void sniff_settle(const struct sniffed *s, const char *declared, char *out);
/* type/subtype in lower case without parameters; false when it is none. out holds SNIFF_TYPE. */
bool sniff_type_clean(const char *declared, char *out);
/* May run script in a browser that is shown it. */
bool sniff_type_active(const char *type);

/* ---- between sniff_*.c ---- */

size_t sniff_read(const struct sniff_reader *r, uint64_t off, void *out, size_t len);
void sniff_picture(const struct sniff_reader *r, const uint8_t *head, size_t len,
                   struct sniffed *out);
void sniff_iso(const struct sniff_reader *r, const uint8_t *head, size_t len, struct sniffed *out);
void sniff_matroska(const struct sniff_reader *r, struct sniffed *out);
void sniff_ogg(const struct sniff_reader *r, const uint8_t *head, size_t len, struct sniffed *out);
void sniff_mp3(const struct sniff_reader *r, struct sniffed *out);
void sniff_wav(const uint8_t *head, size_t len, struct sniffed *out);
void sniff_flac(const uint8_t *head, size_t len, struct sniffed *out);

static inline uint32_t be32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}
static inline uint64_t be64(const uint8_t *p)
{
    return (uint64_t)be32(p) << 32 | be32(p + 4);
}
static inline uint32_t be16(const uint8_t *p)
{
    return (uint32_t)p[0] << 8 | p[1];
}
static inline uint32_t le32(const uint8_t *p)
{
    return (uint32_t)p[3] << 24 | (uint32_t)p[2] << 16 | (uint32_t)p[1] << 8 | p[0];
}
static inline uint32_t le16(const uint8_t *p)
{
    return (uint32_t)p[1] << 8 | p[0];
}
/* A length in seconds, rounded up so that a short sound is not 0; 0 for what cannot be. */
unsigned sniff_seconds(uint64_t units, uint64_t per_second);
unsigned sniff_pixels(uint64_t n); /* 0 for what cannot be */

#endif
