#include "wa_js.h"

#include "buf.h"
#include "json.h"
#include "text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Frames and blank documents get nothing. The configuration must be there before wa-js runs; with
 * an empty list of servers wa-js asks nobody for link previews. */
static const char head[] =
    "if (window === window.top && /^https?:$/.test(location.protocol)) {\n"
    "window.WPPConfig = {disableGoogleAnalytics: true, googleAnalyticsId: null, "
    "linkPreviewApiServers: [], poweredBy: null};\n";
static const char middle[] = "\n;(() => {\n'use strict';\n";
static const char tail[] = "\n})();\n}\n";

static int read_file(FILE *f, struct buf *out, struct err *e, const char *path)
{
    char part[65536];
    size_t n;
    while ((n = fread(part, 1, sizeof(part), f)) > 0) {
        if (buf_append(out, part, n) != 0) {
            return err_set(e, out->rc, "%s: too large for a script, or out of memory", path);
        }
    }
    return ferror(f) ? err_sys(e, E_IO, errno ? errno : EIO, "%s", path) : 0;
}

static int compose(const struct buf *lib, struct buf *source)
{
    (void)buf_append(source, head, sizeof(head) - 1);
    (void)buf_append(source, lib->data, lib->len);
    (void)buf_append(source, middle, sizeof(middle) - 1);
    (void)buf_append(source, adapter_source, adapter_source_len);
    return buf_append(source, tail, sizeof(tail) - 1);
}

int wa_js_load(const char *path, struct wa_js *out, struct err *e)
{
    struct buf lib, source, params;
    int rc;

    buf_init(&lib, WA_JS_MAX);
    buf_init(&source, WA_JS_MAX + (1u << 20));
    buf_init(&params, (size_t)8 * WA_JS_MAX);
    FILE *f = fopen(path ? path : "", "rbe");
    if (!f) {
        return err_sys(e, errno == ENOENT ? E_NOTFOUND : E_IO, errno,
                       "the wa-js library (page.wa_js) %s", path ? path : "is not configured");
    }
    if ((rc = read_file(f, &lib, e, path)) != 0) {
        goto out;
    }
    if (lib.len == 0 || !text_utf8_valid(lib.data, lib.len)) {
        rc = err_set(e, E_INVALID, "%s is empty or no UTF-8 text: not the wa-js library", path);
        goto out;
    }
    if (compose(&lib, &source) != 0) {
        rc = err_set(e, source.rc, "the script for the page does not fit into memory");
        goto out;
    }
    (void)buf_str(&params, "{\"source\":");
    (void)json_quote(&params, source.data, source.len);
    if (buf_char(&params, '}') != 0) {
        rc = err_set(e, params.rc, "the script for the page does not fit into memory");
        goto out;
    }
    out->params = buf_steal(&params, &out->params_len);
out:
    fclose(f);
    buf_finish(&lib);
    buf_finish(&source);
    buf_finish(&params);
    return rc;
}

void wa_js_finish(struct wa_js *w)
{
    free(w->params);
    w->params = NULL;
    w->params_len = 0;
}
