/* What a file is, from its bytes: types, sizes, lengths; what is declared; names of files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "media.h"
#include "media_sniff.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct bytes {
    const uint8_t *data;
    size_t size;
};

static size_t on_read(void *arg, uint64_t off, void *out, size_t len)
{
    const struct bytes *b = arg;
    assert_true(off <= b->size);
    size_t n = b->size - (size_t)off < len ? b->size - (size_t)off : len;
    memcpy(out, b->data + off, n);
    return n;
}

static struct sniffed sniff(const void *data, size_t size)
{
    struct bytes b = {data, size};
    struct sniffed s;
    sniff_file(&(struct sniff_reader){.read = on_read, .arg = &b, .size = size}, &s);
    return s;
}

#define BYTES(text) (text), sizeof(text) - 1

static void test_types(void **state)
{
    (void)state;
    static const struct {
        const char *data;
        size_t size;
        const char *type;
    } files[] = {
        {BYTES("%PDF-1.7\n"), "application/pdf"},
        {BYTES("\xFF\xD8\xFF\xE0"), "image/jpeg"},
        {BYTES("GIF89a\x02\0\x01\0"), "image/gif"},
        {BYTES("RIFF\x10\0\0\0WEBPVP8 "), "image/webp"},
        {BYTES("RIFF\x10\0\0\0AVI LIST"), "video/x-msvideo"},
        {BYTES("RIFF\x10\0\0\0ABCDxxxx"), "application/octet-stream"},
        {BYTES("\0\0\0\x14"
               "ftypisom\0\0\0\0isom"),
         "video/mp4"},
        {BYTES("\0\0\0\x14"
               "ftyp3gp5\0\0\0\0isom"),
         "video/3gpp"},
        {BYTES("\0\0\0\x14"
               "ftypqt  \0\0\0\0qt  "),
         "video/quicktime"},
        {BYTES("\0\0\0\x14"
               "ftypM4A \0\0\0\0isom"),
         "audio/mp4"},
        {BYTES("\0\0\0\x14"
               "ftypheic\0\0\0\0mif1"),
         "image/heic"},
        {BYTES("\x1A\x45\xDF\xA3\x87\x42\x82\x84webm"), "video/webm"},
        {BYTES("\x1A\x45\xDF\xA3\x8B\x42\x82\x88matroska"), "video/x-matroska"},
        {BYTES("#!AMR\n\x3C"), "audio/amr"},
        {BYTES("ID3\x04\0\0\0\0\0\0"), "audio/mpeg"},
        {BYTES("\xFF\xFB\x90\x64\0\0\0\0"), "audio/mpeg"},
        {BYTES("\xFF\xF1\x50\x80\x01\x1F\xFC"), "audio/aac"},
        {BYTES("fLaC\0\0\0\x22"), "audio/flac"},
        {BYTES("PK\x03\x04\x14\0\0\0\0\0"), "application/zip"},
        {BYTES("PK\x03\x04..........................mimetypeapplication/epub+zip"),
         "application/epub+zip"},
        {BYTES("PK\x03\x04..........................[Content_Types].xml....word/document.xml"),
         "application/vnd.openxmlformats-officedocument.wordprocessingml.document"},
        {BYTES("\x1F\x8B\x08\0"), "application/gzip"},
        {BYTES("<!DOCTYPE HTML><p>"), "text/html"},
        {BYTES(" \n<!-- x --><script>"), "text/html"},
        {BYTES("<!-- never ended"), "text/html"},
        {BYTES("\xEF\xBB\xBF<html>"), "text/html"},
        {BYTES("<svg xmlns='x'>"), "image/svg+xml"},
        {BYTES("<?xml version='1.0'?>\n<svg>"), "image/svg+xml"},
        {BYTES("<?xml version='1.0'?><a/>"), "application/xml"},
        {BYTES("BEGIN:VCARD\r\nVERSION:3.0"), "text/vcard"},
        {BYTES("plain ol\xC3\xA9 text\n"), "text/plain"},
        {BYTES("not utf-8 \xC3"), "application/octet-stream"},
        {BYTES("with a \x01 control"), "application/octet-stream"},
        {BYTES("a NUL \0 in it"), "application/octet-stream"},
        {BYTES(""), "application/octet-stream"},
        {BYTES("\x7F"
               "ELF\x02"),
         "application/x-executable"},
    };
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        print_message("%zu %s\n", i, files[i].type);
        assert_string_equal(sniff(files[i].data, files[i].size).type, files[i].type);
    }
}

static void assert_picture(const void *data, size_t size, const char *type, unsigned w, unsigned h)
{
    struct sniffed s = sniff(data, size);
    assert_string_equal(s.type, type);
    assert_int_equal(s.width, w);
    assert_int_equal(s.height, h);
}

static void test_pictures(void **state)
{
    (void)state;
    assert_picture(BYTES("\x89PNG\r\n\x1A\n\0\0\0\rIHDR\0\0\x02\x80\0\0\x01\xE0"), "image/png", 640,
                   480);
    assert_picture(BYTES("GIF87a\x80\x02\xE0\x01"), "image/gif", 640, 480);
    assert_picture(
        BYTES("\xFF\xD8\xFF\xE0\0\x04xx\xFF\xFF\xC0\0\x11\x08\x01\xE0\x02\x80..........."),
        "image/jpeg", 640, 480);
    assert_picture(BYTES("\xFF\xD8\xFF\xE0\0\x04xx\xFF\xDA\0\x11\x08\x01\xE0\x02\x80..........."),
                   "image/jpeg", 0, 0); /* the picture begins without its size */
    assert_picture(BYTES("RIFF....WEBPVP8X....\0\0\0\0\x7F\x02\0\xDF\x01\0......"), "image/webp",
                   640, 480);
    assert_picture(BYTES("RIFF....WEBPVP8 ....\0\0\0\x9D\x01\x2A\x80\x02\xE0\x01......"),
                   "image/webp", 640, 480);
    assert_picture(BYTES("RIFF....WEBPVP8L....\x2F\x7F\xC2\x77\0......"), "image/webp", 640, 480);
    assert_picture(BYTES("BM..........\0\0\x28\0\0\0\x80\x02\0\0\x20\xFE\xFF\xFF"), "image/bmp",
                   640, 480);
    assert_picture(BYTES("\x89PNG\r\n\x1A\n\0\0\0\rIHDR\xFF\0\x02\x80\0\0\x01\xE0"), "image/png", 0,
                   480);
}

/* A box of that type around what follows in out; returns its length. */
static size_t box(uint8_t *out, const char *type, const void *body, size_t len)
{
    out[0] = (uint8_t)((len + 8) >> 24);
    out[1] = (uint8_t)((len + 8) >> 16);
    out[2] = (uint8_t)((len + 8) >> 8);
    out[3] = (uint8_t)(len + 8);
    memcpy(out + 4, type, 4);
    memcpy(out + 8, body, len);
    return len + 8;
}

static size_t movie(uint8_t *out, const char *handler, unsigned width, unsigned height)
{
    uint8_t mvhd[100] = {0}, tkhd[84] = {0}, hdlr[24] = {0};
    uint8_t mdia[64], trak[256], moov[512];
    mvhd[14] = 0x03, mvhd[15] = 0xE8; /* 1000 units a second */
    mvhd[18] = 0x2E, mvhd[19] = 0xE1; /* 12001 of them */
    tkhd[40] = 0, tkhd[41] = 1;       /* a of the matrix */
    tkhd[76] = (uint8_t)(width >> 8), tkhd[77] = (uint8_t)width;
    tkhd[80] = (uint8_t)(height >> 8), tkhd[81] = (uint8_t)height;
    memcpy(hdlr + 8, handler, 4);
    size_t n = box(mdia, "hdlr", hdlr, sizeof(hdlr));
    size_t at = box(trak, "tkhd", tkhd, sizeof(tkhd));
    at += box(trak + at, "mdia", mdia, n);
    n = box(moov, "mvhd", mvhd, sizeof(mvhd));
    n += box(moov + n, "trak", trak, at);
    at = box(out, "ftyp", "isom\0\0\2\0isom", 12);
    at += box(out + at, "mdat", "xxxxxxxxxxxxxxxx", 16);
    return at + box(out + at, "moov", moov, n);
}

static void test_movies(void **state)
{
    (void)state;
    uint8_t file[1024];
    size_t n = movie(file, "vide", 640, 480);
    struct sniffed s = sniff(file, n);
    assert_string_equal(s.type, "video/mp4");
    assert_int_equal(s.duration_s, 13);
    assert_int_equal(s.width, 640);
    assert_int_equal(s.height, 480);
    n = movie(file, "soun", 0, 0);
    s = sniff(file, n);
    assert_string_equal(s.type, "audio/mp4");
    assert_int_equal(s.duration_s, 13);
    for (size_t cut = 0; cut < n; cut++) { /* cut anywhere: no harm, no hang */
        (void)sniff(file, cut);
    }
}

static void test_sounds(void **state)
{
    (void)state;
    static uint8_t ogg[400];
    memset(ogg, 0, sizeof(ogg));
    memcpy(ogg, "OggS", 4);
    ogg[26] = 1; /* one segment */
    memcpy(ogg + 28, "OpusHead\x01\x01\x38\x01", 12);
    memcpy(ogg + 300, "OggS", 4);
    ogg[306] = 0x38, ogg[307] = 0x33, ogg[308] = 0x07; /* 471864: 9.83 s with 312 before */
    struct sniffed s = sniff(ogg, sizeof(ogg));
    assert_string_equal(s.type, "audio/ogg; codecs=opus");
    assert_int_equal(s.duration_s, 10);

    static uint8_t wav[64] = "RIFF....WAVEfmt \x10\0\0\0\1\0\1\0\x40\x1F\0\0\x80\x3E\0\0\2\0\x10\0"
                             "data\0\xFA\0\0"; /* 64000 bytes at 16000 a second */
    s = sniff(wav, sizeof(wav));
    assert_string_equal(s.type, "audio/wav");
    assert_int_equal(s.duration_s, 4);

    static uint8_t mp3[16000] = {0xFF, 0xFB, 0x90, 0x64}; /* 128 kbit/s */
    s = sniff(mp3, sizeof(mp3));
    assert_string_equal(s.type, "audio/mpeg");
    assert_int_equal(s.duration_s, 1);
}

static void test_settle(void **state)
{
    (void)state;
    static const struct {
        const char *data, *declared, *kept;
    } cases[] = {
        {"%PDF-1.4", "image/png", "application/pdf"},
        {"PK\x03\x04xxxx", "Application/VND.ms-excel.sheet; x=y", "application/vnd.ms-excel.sheet"},
        {"PK\x03\x04xxxx", "image/png", "application/zip"},
        {"a,b,c\n", "text/csv", "text/csv"},
        {"{}", "application/json", "application/json"},
        {"alert(1)", "text/html", "text/plain"},
        {"alert(1)", "application/javascript", "text/plain"},
        {"alert(1)", "application/xhtml+xml", "text/plain"},
        {"alert(1)", "image/svg+xml", "text/plain"},
        {"\x01\x02", "image/jpeg", "application/octet-stream"},
        {"\x01\x02", "video/mp4", "application/octet-stream"},
        {"\x01\x02", "image/x-icon", "image/x-icon"},
        {"\x01\x02", "application/x-thing", "application/x-thing"},
        {"\x01\x02", "application/x-www-form-urlencoded", "application/octet-stream"},
        {"\x01\x02", "nonsense", "application/octet-stream"},
        {"\x01\x02", "a/b\r\nX: y", "application/octet-stream"},
        {"\x01\x02", "a/b/c", "application/octet-stream"},
        {"\x01\x02", "", "application/octet-stream"},
        {"\x01\x02", NULL, "application/octet-stream"},
    };
    char out[SNIFF_TYPE];
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct sniffed s = sniff(cases[i].data, strlen(cases[i].data));
        sniff_settle(&s, cases[i].declared, out);
        assert_string_equal(out, cases[i].kept);
    }
    assert_true(sniff_type_active("text/html"));
    assert_true(sniff_type_active("image/svg+xml"));
    assert_true(sniff_type_active("application/javascript"));
    assert_false(sniff_type_active("image/png"));
    assert_false(sniff_type_active("text/plain"));
}

static void test_names(void **state)
{
    (void)state;
    char out[MEDIA_NAME_MAX + 1], in[600];
    static const char *const cases[][2] = {
        {"a.pdf", "a.pdf"},
        {"../../etc/passwd", "passwd"},
        {"C:\\x\\b.doc", "b.doc"},
        {"..", ""},
        {"dir/", ""},
        {"a\r\nb\tc\x7F.txt", "abc.txt"},
        {"caf\xC3\xA9", "caf\xC3\xA9"},
        {"bad \xC3", ""},
        {NULL, ""},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        media_filename_clean(cases[i][0], out);
        assert_string_equal(out, cases[i][1]);
    }
    for (size_t i = 0; i < 300; i++) {
        memcpy(in + 2 * i, "\xC3\xA9", 2);
    }
    memcpy(in, "xx", 2);
    in[599] = '\0';
    in[598] = 'y';
    media_filename_clean(in, out);
    assert_int_equal(strlen(out), MEDIA_NAME_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_types),  cmocka_unit_test(test_pictures),
        cmocka_unit_test(test_movies), cmocka_unit_test(test_sounds),
        cmocka_unit_test(test_settle), cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
