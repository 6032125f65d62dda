/* The matrix behind every picture. */
#ifndef QR_PRIV_H
#define QR_PRIV_H

#include "err.h"

#include <qrencode.h>
#include <stdbool.h>

#define QR_QUIET 4          /* modules of white around a picture, ISO/IEC 18004 */
#define QR_QUIET_TERMINAL 2 /* enough for every reader tried, and a terminal has few rows */

struct qr_matrix {
    QRcode *code;
    int size; /* modules a side, without quiet zone */
};

int qr_matrix_init(struct qr_matrix *m, const char *text, struct err *e);
void qr_matrix_finish(struct qr_matrix *m);
/* Everything outside the matrix is light. */
bool qr_matrix_dark(const struct qr_matrix *m, int x, int y);

#endif
