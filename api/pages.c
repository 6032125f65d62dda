/*
 * Serves the dashboard: "/" and the files under "/assets/". They are no routes of the API: they hold
 * nothing of anybody, need no key, and their names change with every build.
 *
 * A page may run our own files and its import map, speak to this server only, and be shown in no
 * frame (but the widget, see pages_answer()).
 */
#include "pages.h"

#include "api_priv.h"
#include "crypto.h"
#include "mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#define WIDGET "/widget/"
#define POLICY (BRIDGE_WIDGET_ANCESTORS + 1024) /* bytes of the Content-Security-Policy */

static const struct page_asset *find(const char *name)
{
    size_t low = 0;
    size_t high = page_asset_count;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        int order = strcmp(name, page_assets[mid].name);
        if (order == 0) {
            return &page_assets[mid];
        }
        if (order < 0) {
            high = mid;
        } else {
            low = mid + 1;
        }
    }
    return NULL;
}

char *pages_plain(const struct page_asset *asset)
{
    char *out = malloc(asset->len + 1);
    z_stream z = {0};
    if (out == NULL || inflateInit2(&z, 16 + MAX_WBITS) != Z_OK) {
        free(out);
        return NULL;
    }
    z.next_in = (z_const Bytef *)(uintptr_t)asset->gz;
    z.avail_in = (uInt)asset->gz_len;
    z.next_out = (Bytef *)out;
    z.avail_out = (uInt)asset->len + 1;
    int rc = inflate(&z, Z_FINISH);
    (void)inflateEnd(&z);
    if (rc != Z_STREAM_END || z.total_out != asset->len) {
        free(out);
        return NULL;
    }
    out[asset->len] = '\0';
    return out;
}

bool pages_script_hash(const char *html, size_t len, char out[PAGES_HASH])
{
    static const char before[] = "<script type=\"importmap\">";
    const char *start = memmem(html, len, before, sizeof(before) - 1);
    if (start == NULL) {
        return false;
    }
    start += sizeof(before) - 1;
    const char *end = memmem(start, len - (size_t)(start - html), "</script>", 9);
    uint8_t digest[CRYPTO_SHA256_LEN];
    char text[48] = "";
    if (end == NULL || crypto_sha256(start, (size_t)(end - start), digest) != 0) {
        return false;
    }
    (void)crypto_base64(digest, sizeof(digest), text);
    (void)snprintf(out, PAGES_HASH, "'sha256-%s'", text);
    return true;
}

/* A page is always given anew: what a browser keeps of one must not be an older policy. */
static bool is_known(struct api_request *r, const struct page_asset *asset)
{
    if (asset->kind == PAGE_HTML) {
        return false;
    }
    const char *list =
        MHD_lookup_connection_value(r->conn, MHD_HEADER_KIND, MHD_HTTP_HEADER_IF_NONE_MATCH);
    return etag_listed(list, asset->etag);
}

static struct MHD_Response *make_response(struct api_request *r, const struct page_asset *asset)
{
    struct MHD_Response *out;
    if (is_known(r, asset)) {
        return MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);
    }
    if (pack_wanted(r)) {
        out = MHD_create_response_from_buffer(asset->gz_len, (void *)(uintptr_t)asset->gz,
                                              MHD_RESPMEM_PERSISTENT);
        if (out != NULL) {
            MHD_add_response_header(out, MHD_HTTP_HEADER_CONTENT_ENCODING, "gzip");
        }
        return out;
    }
    char *plain = pages_plain(asset);
    if (plain == NULL) {
        return NULL;
    }
    out = MHD_create_response_from_buffer(asset->len, plain, MHD_RESPMEM_MUST_FREE);
    if (out == NULL) {
        free(plain);
    }
    return out;
}

/* False: there is no whole policy, and without it no page. A list of origins that was cut off could
 * name another one. */
static bool add_policy(struct MHD_Response *out, const struct page_asset *asset,
                       const char *frame_ancestors)
{
    char hash[PAGES_HASH] = "";
    char text[POLICY];
    char *html = pages_plain(asset);
    if (html != NULL) {
        (void)pages_script_hash(html, asset->len, hash);
    }
    free(html);
    int n = snprintf(text, sizeof(text),
                     "default-src 'none'; script-src 'self' %s; style-src 'self'; img-src 'self' "
                     "blob: data:; media-src 'self' blob:; connect-src 'self'; font-src 'self'; "
                     "object-src 'none'; worker-src 'none'; form-action 'none'; base-uri 'none'; "
                     "require-trusted-types-for 'script'; trusted-types 'none'; frame-ancestors %s",
                     hash, frame_ancestors);
    if (n < 0 || (size_t)n >= sizeof(text) || hash[0] == '\0') {
        return false;
    }
    MHD_add_response_header(out, "Content-Security-Policy", text);
    MHD_add_response_header(out, "Referrer-Policy", "no-referrer");
    MHD_add_response_header(out, "Permissions-Policy",
                            "camera=(), microphone=(), geolocation=(), payment=(), usb=()");
    if (strcmp(frame_ancestors, "'none'") == 0) {
        MHD_add_response_header(out, "X-Frame-Options", "DENY");
        MHD_add_response_header(out, "Cross-Origin-Opener-Policy", "same-origin");
    }
    return true;
}

static const char *caching(enum page_kind kind)
{
    switch (kind) {
    case PAGE_FOR_EVER:
        return "public, max-age=31536000, immutable";
    case PAGE_ANYWHERE:
        return "public, max-age=300";
    case PAGE_HTML:
        break;
    }
    return "no-cache";
}

static void answer(struct api_request *r, const struct page_asset *asset,
                   const char *frame_ancestors)
{
    struct MHD_Response *out = make_response(r, asset);
    if (out == NULL) {
        struct err e = {0};
        (void)err_set(&e, E_NOMEM, "out of memory");
        api_fail(r, &e);
        return;
    }
    MHD_add_response_header(out, MHD_HTTP_HEADER_VARY, MHD_HTTP_HEADER_ACCEPT_ENCODING);
    MHD_add_response_header(out, MHD_HTTP_HEADER_CACHE_CONTROL, caching(asset->kind));
    bool framed = asset->kind == PAGE_HTML && strcmp(frame_ancestors, "'none'") != 0;
    MHD_add_response_header(out, "Cross-Origin-Resource-Policy",
                            asset->kind == PAGE_ANYWHERE || framed ? "cross-origin" : "same-origin");
    if (framed) { /* so that a page with such a policy of its own may show it */
        MHD_add_response_header(out, "Cross-Origin-Embedder-Policy", "require-corp");
    }
    if (asset->kind != PAGE_HTML) {
        MHD_add_response_header(out, MHD_HTTP_HEADER_ETAG, asset->etag);
    } else if (!add_policy(out, asset, frame_ancestors)) {
        struct err e = {0};
        (void)err_set(&e, E_INTERNAL, "the policy of the page could not be made");
        MHD_destroy_response(out);
        api_fail(r, &e);
        return;
    }
    int status = is_known(r, asset) ? MHD_HTTP_NOT_MODIFIED : MHD_HTTP_OK;
    api_answer_response(r, status, asset->type, out);
}

void pages_answer(struct api_request *r, const char *name, const char *frame_ancestors)
{
    const struct page_asset *asset = find(name);
    if (asset == NULL) {
        struct err e = {0};
        (void)err_set(&e, E_NOTFOUND, "this program was built without %s", name);
        api_fail(r, &e);
        return;
    }
    answer(r, asset, frame_ancestors);
}

/* The widget's frame: who may show it, its tenant says. A tenant that is not there looks like one
 * that allows nobody. */
static void widget_page(struct api_request *r)
{
    char ancestors[BRIDGE_WIDGET_ANCESTORS];
    bridge_widget_ancestors(api_bridge(r), r->path + sizeof(WIDGET) - 1, ancestors);
    pages_answer(r, "/widget.html", ancestors);
}

static void page_get(struct api_request *r)
{
    if (strcmp(r->path, "/") == 0) {
        pages_answer(r, "/index.html", "'none'");
    } else {
        answer(r, find(r->path), "'none'");
    }
}

const struct api_route *pages_route(const char *path)
{
    static const struct api_route route = {
        .method = "GET", .pattern = "/", .auth = API_OPEN, .scope = BRIDGE_NO_SCOPE,
        .handle = page_get, .status = MHD_HTTP_OK, .answer = "Media", .flags = API_QUIET,
        .media = "text/html"};
    static const struct api_route file = {
        .method = "GET", .pattern = "/assets/", .auth = API_OPEN, .scope = BRIDGE_NO_SCOPE,
        .handle = page_get, .status = MHD_HTTP_OK, .answer = "Media",
        .flags = API_QUIET | API_NAMELESS, .media = "text/html"};
    static const struct api_route widget = {
        .method = "GET", .pattern = "/widget/", .auth = API_OPEN, .scope = BRIDGE_NO_SCOPE,
        .handle = widget_page, .status = MHD_HTTP_OK, .answer = "Media", .flags = API_QUIET,
        .media = "text/html"};
    if (strcmp(path, "/") == 0) {
        return &route;
    }
    if (strncmp(path, WIDGET, sizeof(WIDGET) - 1) == 0 && path[sizeof(WIDGET) - 1] != '\0' &&
        strchr(path + sizeof(WIDGET) - 1, '/') == NULL) {
        return &widget;
    }
    const struct page_asset *asset = find(path);
    return asset != NULL && asset->kind != PAGE_HTML ? &file : NULL;
}
