#include "wa_js.h"

#include "buf.h"
#include "crypto.h"
#include "json.h"
#include "text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define VERSION_WITHIN 4096 /* bytes */

/* Frames and blank documents get nothing. The configuration must be there before wa-js runs; with
 * an empty list of servers wa-js asks nobody for link previews. */
static const char head[] =
    "if (window === window.top && /^https?:$/.test(location.protocol)) {\n"
    "window.WPPConfig = {disableGoogleAnalytics: true, googleAnalyticsId: null, "
    "linkPreviewApiServers: [], poweredBy: null};\n";
static const char middle[] = "\n;(() => {\n'use strict';\n";
static const char tail[] = "\n})();\n}\n";

/* A regular file: a pipe or a device would hold us for ever. */
static FILE *open_file(const char *path, struct err *e)
{
    struct stat st;
    int fd = open(path ? path : "", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    FILE *f = fd >= 0 ? fdopen(fd, "rb") : NULL;
    if (!f) {
        (void)err_sys(e, errno == ENOENT ? E_NOTFOUND : E_IO, errno,
                      "the wa-js library (page.wa_js) %s", path ? path : "is not configured");
        if (fd >= 0) {
            close(fd);
        }
    } else if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        (void)err_set(e, E_IO, "%s is no file", path);
        fclose(f);
        f = NULL;
    }
    return f;
}

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

/* A comment "wppconnect-team/wa-js v4.6.0" stands in the first lines of every build. */
static void read_version(const struct buf *lib, char out[32])
{
    static const char mark[] = "wa-js v";
    size_t head_len = lib->len < VERSION_WITHIN ? lib->len : VERSION_WITHIN;
    const char *at = memmem(lib->data, head_len, mark, sizeof(mark) - 1);
    size_t n = 0;
    out[0] = '\0';
    if (at) {
        at += sizeof(mark) - 1;
        while (at + n < lib->data + head_len && n < 31 &&
               strchr("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.+-", at[n]) &&
               at[n] != '\0') {
            n++;
        }
        memcpy(out, at, n);
        out[n] = '\0';
    }
}

static int describe(const struct buf *lib, struct wa_js *out, struct err *e)
{
    uint8_t hash[CRYPTO_SHA256_LEN];
    int rc = crypto_sha256(lib->data, lib->len, hash);
    if (rc != 0) {
        return err_set(e, rc, "the wa-js library could not be hashed");
    }
    for (size_t i = 0; i < sizeof(hash); i++) {
        (void)snprintf(out->sha256 + 2 * i, 3, "%02x", hash[i]);
    }
    read_version(lib, out->version);
    return 0;
}

int wa_js_load(const char *path, struct wa_js *out, struct err *e)
{
    struct buf lib, source, params;
    int rc;

    buf_init(&lib, WA_JS_MAX);
    buf_init(&source, WA_JS_MAX + (1u << 20));
    buf_init(&params, (size_t)8 * WA_JS_MAX);
    FILE *f = open_file(path, e);
    if (!f) {
        return e ? e->code : E_IO;
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
    rc = describe(&lib, out, e);
    if (rc == 0) {
        out->params = buf_steal(&params, &out->params_len);
        out->lib = buf_steal(&lib, &out->lib_len);
    }
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
    free(w->lib);
    *w = (struct wa_js){0};
}
