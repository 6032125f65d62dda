/* One path of one-module-high runs: it scales without seams and is a tenth of rectangles. */
#include "qr.h"
#include "qr_priv.h"

int qr_svg(const char *text, struct buf *out, struct err *e)
{
    struct qr_matrix m;
    int rc = qr_matrix_init(&m, text, e);
    if (rc != 0) {
        return rc;
    }
    int side = m.size + 2 * QR_QUIET;
    buf_printf(out,
               "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" "
               "shape-rendering=\"crispEdges\"><rect width=\"%d\" height=\"%d\" fill=\"#fff\"/>"
               "<path fill=\"#000\" d=\"",
               side, side, side, side);
    for (int y = 0; y < m.size; y++) {
        for (int x = 0; x < m.size; x++) {
            int run = 0;
            while (qr_matrix_dark(&m, x + run, y)) {
                run++;
            }
            if (run > 0) {
                buf_printf(out, "M%d %dh%dv1h-%dz", x + QR_QUIET, y + QR_QUIET, run, run);
                x += run; /* the module there is light */
            }
        }
    }
    buf_str(out, "\"/></svg>\n");
    qr_matrix_finish(&m);
    return out->failed ? err_set(e, out->rc, "no room for the picture") : 0;
}
