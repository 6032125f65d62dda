/*
 * Every picture is read back: into a matrix, which must be the same for all forms, and by zbarimg,
 * a reader that is not ours. Without zbarimg those tests are skipped, visibly.
 */
#include "qr.h"

#include "crypto.h"
#include "mem.h"
#include "qr_priv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include <cmocka.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define SIDE_MAX 185 /* version 40 and its quiet zone */

/* As long as WhatsApp's: reference, keys and secret, comma separated */
static const char linking[] =
    "2@k3JvXo0V8h7nP1qRzT5uYwB6cD9eFgHiJkLmNoPqRsTuVwXyZ0a1b2c3d4e5f6g7h8i9,"
    "aGVsbG8gd29ybGQgdGhpcyBpcyBhIHB1YmxpYyBrZXk9,bm90IGEgcmVhbCBpZGVudGl0eSBrZXkgYXQgYWxsPT0=,"
    "c2VjcmV0IGFkdmVydGlzZW1lbnQga2V5ISE=,1";

/* true is dark; side includes the quiet zone */
struct grid {
    int side;
    bool dark[SIDE_MAX][SIDE_MAX];
};

static void text_of_length(char *out, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        out[i] = (char)('!' + i * 7 % 90);
    }
    out[len] = '\0';
}

/* What libqrencode says, with a quiet zone. */
static void expected_grid(const char *text, int quiet, struct grid *g)
{
    struct qr_matrix m;
    assert_int_equal(qr_matrix_init(&m, text, NULL), 0);
    memset(g, 0, sizeof(*g));
    g->side = m.size + 2 * quiet;
    for (int y = 0; y < g->side; y++) {
        for (int x = 0; x < g->side; x++) {
            g->dark[y][x] = qr_matrix_dark(&m, x - quiet, y - quiet);
        }
    }
    qr_matrix_finish(&m);
}

static void assert_same(const struct grid *a, const struct grid *b)
{
    assert_int_equal(a->side, b->side);
    for (int y = 0; y < a->side; y++) {
        for (int x = 0; x < a->side; x++) {
            if (a->dark[y][x] != b->dark[y][x]) {
                fail_msg("module %d, %d differs", x, y);
            }
        }
    }
}

/* ---- readers ---- */

static uint32_t get32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* Checks the whole structure; every pixel of a module must agree. */
static void read_png(const struct buf *png, unsigned px, struct grid *g)
{
    const uint8_t *p = (const uint8_t *)png->data, *end = p + png->len;
    assert_memory_equal(p, "\x89PNG\r\n\x1a\n", 8);
    p += 8;
    static const char *const types[] = {"IHDR", "IDAT", "IEND"};
    const uint8_t *body[3];
    uint32_t len[3];
    for (int i = 0; i < 3; i++) {
        len[i] = get32(p);
        assert_true(len[i] <= (size_t)(end - p) - 12);
        assert_memory_equal(p + 4, types[i], 4);
        body[i] = p + 8;
        assert_int_equal(get32(p + 8 + len[i]), crc32(0, p + 4, len[i] + 4));
        p += 12 + len[i];
    }
    assert_ptr_equal(p, end);
    assert_int_equal(len[0], 13);
    assert_int_equal(len[2], 0);
    size_t side = get32(body[0]);
    assert_int_equal(get32(body[0] + 4), side);
    assert_memory_equal(body[0] + 8, "\x01\x00\x00\x00\x00", 5);
    assert_int_equal(side % px, 0);
    g->side = (int)(side / px);
    assert_true(g->side <= SIDE_MAX);

    size_t stride = 1 + (side + 7) / 8;
    uLongf raw_len = (uLongf)(stride * side);
    uint8_t *raw = malloc(raw_len);
    assert_int_equal(uncompress(raw, &raw_len, body[1], len[1]), Z_OK);
    assert_int_equal(raw_len, stride * side);
    for (size_t y = 0; y < side; y++) {
        assert_int_equal(raw[y * stride], 0);
        for (size_t x = 0; x < side; x++) {
            bool dark = (raw[y * stride + 1 + x / 8] >> (7 - x % 8) & 1) == 0;
            bool *module = &g->dark[y / px][x / px];
            if (x % px == 0 && y % px == 0) {
                *module = dark;
            } else if (*module != dark) {
                fail_msg("pixel %zu, %zu", x, y);
            }
        }
    }
    free(raw);
}

static void read_svg(const char *svg, struct grid *g)
{
    memset(g, 0, sizeof(*g));
    int side, wide, high, n = 0;
    assert_int_equal(sscanf(svg,
                            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" "
                            "shape-rendering=\"crispEdges\">"
                            "<rect width=\"%d\" height=\"%d\" fill=\"#fff\"/>"
                            "<path fill=\"#000\" d=\"%n",
                            &side, &g->side, &wide, &high, &n),
                     4);
    assert_true(n > 0 && side == g->side && wide == side && high == side && side <= SIDE_MAX);
    const char *p = svg + n;
    int x, y, run, back;
    for (; sscanf(p, "M%d %dh%dv1h-%dz%n", &x, &y, &run, &back, &n) == 4; p += n) {
        assert_true(run > 0 && run == back && x >= 0 && y >= 0 && x + run <= side && y < side);
        for (; run > 0; run--, x++) {
            assert_false(g->dark[y][x]); /* painted once */
            g->dark[y][x] = true;
        }
    }
    assert_string_equal(p, "\"/></svg>\n");
}

/* Back from half blocks. The last row may have one line more than the picture has. */
static void read_terminal(const char *s, enum qr_terminal style, struct grid *g)
{
    static const char *const glyphs[] = {" ", "\xe2\x96\x80", "\xe2\x96\x84", "\xe2\x96\x88"};
    static const char begin[] = "\x1b[38;5;16;48;5;231m", end[] = "\x1b[0m";
    memset(g, 0, sizeof(*g));
    int rows = 0;
    for (; *s != '\0'; rows++) {
        if (style == QR_TERMINAL_ANSI) {
            assert_memory_equal(s, begin, strlen(begin));
            s += strlen(begin);
        }
        int x = 0;
        for (; *s != '\n' && *s != '\x1b'; x++) {
            unsigned drawn = 0;
            while (drawn < 4 && strncmp(s, glyphs[drawn], strlen(glyphs[drawn])) != 0) {
                drawn++;
            }
            assert_true(drawn < 4 && x < SIDE_MAX && 2 * rows + 1 < SIDE_MAX);
            s += strlen(glyphs[drawn]);
            bool inverse = style == QR_TERMINAL_DARK; /* what is drawn is light there */
            g->dark[2 * rows][x] = (drawn & 1) != inverse;
            g->dark[2 * rows + 1][x] = (drawn >> 1 & 1) != inverse;
        }
        if (style == QR_TERMINAL_ANSI) {
            assert_memory_equal(s, end, strlen(end));
            s += strlen(end);
        }
        assert_int_equal(*s, '\n');
        s++;
        assert_true(g->side == 0 || g->side == x);
        g->side = x;
    }
    assert_int_equal(rows, (g->side + 1) / 2);
    for (int x = 0; x < g->side; x++) {
        assert_false(g->dark[g->side][x]);
    }
}

/* ---- zbarimg ---- */

static void need_zbarimg(void)
{
    if (system("command -v zbarimg >/dev/null 2>&1") != 0) {
        print_message("zbarimg is missing\n");
        skip();
    }
}

static void assert_zbarimg_reads(const char *suffix, const void *data, size_t len, const char *text)
{
    char path[] = "/tmp/wabridge-qr-XXXXXX.png";
    memcpy(path + sizeof(path) - 5, suffix, 4);
    int fd = mkstemps(path, 4);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, data, len), len);
    close(fd);
    char command[128];
    snprintf(command, sizeof(command),
             "zbarimg --quiet --raw -Sdisable -Sqrcode.enable -Sqrcode.binary --oneshot %s", path);
    FILE *f = popen(command, "r");
    assert_non_null(f);
    char got[QR_MAX_TEXT + 64];
    size_t n = fread(got, 1, sizeof(got) - 1, f);
    int status = pclose(f);
    unlink(path);
    got[n] = '\0';
    if (status != 0 || strcmp(got, text) != 0) {
        fail_msg("zbarimg ended with %d and read \"%s\"", status, got);
    }
}

static void assert_grid_read(const struct grid *g, const char *text)
{
    enum { PX = 4 };
    size_t side = (size_t)g->side * PX;
    struct buf b;
    buf_init(&b, SIZE_MAX);
    buf_printf(&b, "P5\n%zu %zu\n255\n", side, side);
    for (size_t y = 0; y < side; y++) {
        for (size_t x = 0; x < side; x++) {
            buf_char(&b, g->dark[y / PX][x / PX] ? 0 : (char)255);
        }
    }
    assert_false(b.failed);
    assert_zbarimg_reads(".pgm", b.data, b.len, text);
    buf_finish(&b);
}

/* ---- tests ---- */

static void each_form(const char *text)
{
    static struct grid expected, got;
    struct buf b;
    buf_init(&b, SIZE_MAX);
    expected_grid(text, QR_QUIET, &expected);
    static const unsigned sizes[] = {1, 2, 3, 7, 8, 32};
    for (size_t i = 0; i < COUNT(sizes); i++) {
        buf_reset(&b);
        assert_int_equal(qr_png(text, sizes[i], &b, NULL), 0);
        read_png(&b, sizes[i], &got);
        assert_same(&got, &expected);
    }
    buf_reset(&b);
    assert_int_equal(qr_svg(text, &b, NULL), 0);
    read_svg(b.data, &got);
    assert_same(&got, &expected);

    expected_grid(text, QR_QUIET_TERMINAL, &expected);
    for (enum qr_terminal style = QR_TERMINAL_ANSI; style <= QR_TERMINAL_LIGHT; style++) {
        buf_reset(&b);
        assert_int_equal(qr_terminal(text, style, &b, NULL), 0);
        read_terminal(b.data, style, &got);
        assert_same(&got, &expected);
    }
    buf_finish(&b);
}

static void test_forms_agree(void **state)
{
    (void)state;
    char text[QR_MAX_TEXT + 1];
    each_form("x");
    each_form(linking);
    each_form("\xc3\xa9\xf0\x9f\x98\x80 \x1b\n\"<&>");
    static const size_t lengths[] = {17, 18, 230, 231, 500, QR_MAX_TEXT};
    for (size_t i = 0; i < COUNT(lengths); i++) {
        text_of_length(text, lengths[i]);
        each_form(text);
    }
}

static void test_zbarimg_png(void **state)
{
    (void)state;
    need_zbarimg();
    char text[QR_MAX_TEXT + 1];
    struct buf b;
    buf_init(&b, SIZE_MAX);
    static const unsigned sizes[] = {3, 4, 8};
    for (size_t i = 0; i < COUNT(sizes); i++) {
        buf_reset(&b);
        assert_int_equal(qr_png(linking, sizes[i], &b, NULL), 0);
        assert_zbarimg_reads(".png", b.data, b.len, linking);
    }
    text_of_length(text, QR_MAX_TEXT);
    buf_reset(&b);
    assert_int_equal(qr_png(text, 6, &b, NULL), 0);
    assert_zbarimg_reads(".png", b.data, b.len, text);
    buf_finish(&b);
}

static void test_zbarimg_svg(void **state)
{
    (void)state;
    need_zbarimg();
    static struct grid g;
    struct buf b;
    buf_init(&b, SIZE_MAX);
    assert_int_equal(qr_svg(linking, &b, NULL), 0);
    read_svg(b.data, &g);
    assert_grid_read(&g, linking);
    buf_finish(&b);
}

static void test_zbarimg_terminal(void **state)
{
    (void)state;
    need_zbarimg();
    static struct grid g;
    struct buf b;
    buf_init(&b, SIZE_MAX);
    for (enum qr_terminal style = QR_TERMINAL_ANSI; style <= QR_TERMINAL_LIGHT; style++) {
        buf_reset(&b);
        assert_int_equal(qr_terminal(linking, style, &b, NULL), 0);
        read_terminal(b.data, style, &g);
        assert_grid_read(&g, linking);
    }
    buf_finish(&b);
}

static void test_data_url(void **state)
{
    (void)state;
    static const char prefix[] = "data:image/png;base64,";
    struct buf url, png;
    buf_init(&url, SIZE_MAX);
    buf_init(&png, SIZE_MAX);
    assert_int_equal(qr_data_url(linking, 4, &url, NULL), 0);
    assert_int_equal(qr_png(linking, 4, &png, NULL), 0);
    assert_memory_equal(url.data, prefix, strlen(prefix));
    assert_int_equal(strlen(url.data), url.len);
    size_t len = url.len - strlen(prefix), plain_len;
    uint8_t *plain = malloc(len);
    assert_int_equal(
        crypto_base64_decode(url.data + strlen(prefix), len, plain, &plain_len), 0);
    assert_int_equal(plain_len, png.len);
    assert_memory_equal(plain, png.data, png.len);
    free(plain);
    buf_finish(&url);
    buf_finish(&png);
}

/* What is there stays in front. */
static void test_appends(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, SIZE_MAX);
    buf_str(&b, "before");
    assert_int_equal(qr_svg("x", &b, NULL), 0);
    assert_memory_equal(b.data, "before<svg ", 11);
    size_t len = b.len;
    assert_int_equal(qr_png("x", 1, &b, NULL), 0);
    assert_memory_equal(b.data + len, "\x89PNG", 4);
    buf_finish(&b);
}

static int png_of(const char *text, struct buf *out, struct err *e)
{
    return qr_png(text, 4, out, e);
}
static int ansi_of(const char *text, struct buf *out, struct err *e)
{
    return qr_terminal(text, QR_TERMINAL_ANSI, out, e);
}
static int url_of(const char *text, struct buf *out, struct err *e)
{
    return qr_data_url(text, 4, out, e);
}
static int (*const forms[])(const char *, struct buf *, struct err *) = {png_of, qr_svg, ansi_of,
                                                                         url_of};

static void test_refuses(void **state)
{
    (void)state;
    char text[QR_MAX_TEXT + 2];
    text_of_length(text, QR_MAX_TEXT + 1);
    for (size_t i = 0; i < COUNT(forms); i++) {
        struct buf b;
        struct err e = {0};
        buf_init(&b, SIZE_MAX);
        assert_int_equal(forms[i]("", &b, &e), E_INVALID);
        assert_int_equal(e.code, E_INVALID);
        assert_int_equal(forms[i](NULL, &b, NULL), E_INVALID);
        assert_int_equal(forms[i](text, &b, &e), E_TOOLARGE);
        assert_int_equal(e.code, E_TOOLARGE);
        assert_int_equal(b.len, 0);
        assert_false(b.failed);
        buf_finish(&b);
        buf_init(&b, 100); /* less than any picture */
        assert_int_equal(forms[i]("x", &b, &e), E_TOOLARGE);
        assert_int_equal(e.code, E_TOOLARGE);
        buf_finish(&b);
    }
    struct buf b;
    buf_init(&b, SIZE_MAX);
    assert_int_equal(qr_png("x", 0, &b, NULL), E_INVALID);
    assert_int_equal(qr_png("x", 33, &b, NULL), E_INVALID);
    assert_int_equal(qr_data_url("x", 0, &b, NULL), E_INVALID);
    assert_int_equal(b.len, 0);
    buf_finish(&b);
}

/* Each allocation of ours fails once; ASan looks for what is left behind. */
static void test_no_memory(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(forms); i++) {
        unsigned long refused = 1;
        long n = 0;
        for (; refused > 0; n++) {
            struct buf b;
            struct err e = {0};
            buf_init(&b, SIZE_MAX);
            mem_fail_after(n);
            int rc = forms[i](linking, &b, &e);
            refused = mem_refused();
            mem_fail_after(-1);
            assert_int_equal(rc, refused > 0 ? E_NOMEM : 0);
            assert_int_equal(e.code, rc);
            buf_finish(&b);
        }
        assert_true(n > 2);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forms_agree),  cmocka_unit_test(test_zbarimg_png),
        cmocka_unit_test(test_zbarimg_svg),  cmocka_unit_test(test_zbarimg_terminal),
        cmocka_unit_test(test_data_url),     cmocka_unit_test(test_appends),
        cmocka_unit_test(test_refuses),      cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
