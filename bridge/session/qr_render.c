/* A linking code as the formats of the contract. */
#include "bridge.h"

#include "qr.h"

#include <string.h>

#define MODULE_PX 6

static int style_parse(const char *style, enum qr_terminal *out, struct err *e)
{
    static const struct {
        const char *name;
        enum qr_terminal style;
    } styles[] = {
        {"ansi", QR_TERMINAL_ANSI}, {"dark", QR_TERMINAL_DARK}, {"light", QR_TERMINAL_LIGHT}};
    *out = QR_TERMINAL_ANSI;
    for (size_t i = 0; style && i < sizeof(styles) / sizeof(styles[0]); i++) {
        if (strcmp(style, styles[i].name) == 0) {
            *out = styles[i].style;
            return 0;
        }
    }
    return style ? err_field(e, NULL, "style", "style is ansi, dark or light") : 0;
}

int bridge_qr_render(const char *code, enum bridge_qr_format format, const char *style,
                     struct buf *out, struct err *e)
{
    enum qr_terminal terminal;
    int rc;

    switch (format) {
    case BRIDGE_QR_PNG:
        return qr_png(code, MODULE_PX, out, e);
    case BRIDGE_QR_SVG:
        return qr_svg(code, out, e);
    case BRIDGE_QR_TEXT:
        rc = style_parse(style, &terminal, e);
        return rc == 0 ? qr_terminal(code, terminal, out, e) : rc;
    case BRIDGE_QR_DATA_URL:
        return qr_data_url(code, MODULE_PX, out, e);
    }
    return err_set(e, E_INVALID, "no such picture format");
}
