/*
 * Half blocks: a character cell is two modules, one above the other, since cells are about twice as
 * high as wide. ANSI sets both colours and is the safe choice. The plain styles draw with the
 * terminal's own colours, so that the caller must know its background: readers refuse a negative.
 */
#include "qr.h"
#include "qr_priv.h"

#define BLACK_ON_WHITE "\x1b[38;5;16;48;5;231m"
#define RESET "\x1b[0m"

int qr_terminal(const char *text, enum qr_terminal style, struct buf *out, struct err *e)
{
    /* [upper drawn][lower drawn] */
    static const char *const cells[2][2] = {{" ", "\xe2\x96\x84"},
                                            {"\xe2\x96\x80", "\xe2\x96\x88"}};
    struct qr_matrix m;
    int rc = qr_matrix_init(&m, text, e);
    if (rc != 0) {
        return rc;
    }
    /* The foreground draws what is dark, but light on a dark terminal. */
    bool draw_light = style == QR_TERMINAL_DARK;
    int from = -QR_QUIET_TERMINAL;
    int end = m.size + QR_QUIET_TERMINAL;
    for (int y = from; y < end; y += 2) { /* the height is odd: the last cell is half outside */
        buf_str(out, style == QR_TERMINAL_ANSI ? BLACK_ON_WHITE : "");
        for (int x = from; x < end; x++) {
            bool upper = qr_matrix_dark(&m, x, y) != draw_light;
            bool lower = qr_matrix_dark(&m, x, y + 1) != draw_light;
            buf_str(out, cells[upper][lower]);
        }
        buf_str(out, style == QR_TERMINAL_ANSI ? RESET "\n" : "\n");
    }
    qr_matrix_finish(&m);
    return out->failed ? err_set(e, out->rc, "no room for the picture") : 0;
}
