#include "qr.h"
#include "qr_priv.h"

#include <errno.h>
#include <string.h>

int qr_matrix_init(struct qr_matrix *m, const char *text, struct err *e)
{
    size_t len = text != NULL ? strlen(text) : 0;
    if (len == 0) {
        return err_set(e, E_INVALID, "no text for the QR code");
    }
    if (len > QR_MAX_TEXT) {
        return err_set(e, E_TOOLARGE, "%zu bytes for a QR code; at most %d", len, QR_MAX_TEXT);
    }
    /* As bytes: no guessing of modes, so that what is scanned is what was given. */
    m->code = QRcode_encodeData((int)len, (const unsigned char *)text, 0, QR_ECLEVEL_L);
    if (m->code == NULL) {
        return err_sys(e, errno == ENOMEM ? E_NOMEM : E_INTERNAL, errno, "cannot make a QR code");
    }
    m->size = m->code->width;
    return 0;
}

void qr_matrix_finish(struct qr_matrix *m)
{
    QRcode_free(m->code);
    m->code = NULL;
}

bool qr_matrix_dark(const struct qr_matrix *m, int x, int y)
{
    if (x < 0 || y < 0 || x >= m->size || y >= m->size) {
        return false;
    }
    return (m->code->data[y * m->size + x] & 1) != 0;
}
