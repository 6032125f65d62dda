/*
 * A linking code as a picture. Pure functions over libqrencode; nothing is kept between calls.
 * Error correction L (ISO/IEC 18004), quiet zone 4 modules (2 in the terminal).
 * Thread: any.
 */
#ifndef QR_H
#define QR_H

#include "buf.h"
#include "err.h"

#include <stddef.h>

#define QR_MAX_TEXT 1024 /* bytes; WhatsApp's code is about 240 */

enum qr_terminal {
    QR_TERMINAL_ANSI,  /* colours forced: readable on any background */
    QR_TERMINAL_DARK,  /* plain blocks for light text on a dark background */
    QR_TERMINAL_LIGHT, /* plain blocks for dark text on a light background */
};

/* Each appends to out. Errors: E_INVALID (empty text), E_TOOLARGE (past QR_MAX_TEXT), E_NOMEM. */
int qr_png(const char *text, unsigned module_px, struct buf *out, struct err *e); /* 1..32 px */
int qr_svg(const char *text, struct buf *out, struct err *e);
int qr_terminal(const char *text, enum qr_terminal style, struct buf *out, struct err *e);
/* "data:image/png;base64,…" (RFC 2397) of qr_png(). */
int qr_data_url(const char *text, unsigned module_px, struct buf *out, struct err *e);

#endif
