/* A picture of the page, for people who help from afar. */
#include "page_priv.h"

#include "crypto.h"
#include "json.h"
#include "mem.h"

#include <stdlib.h>
#include <string.h>

#define SHOT_MS 15000 /* a page that does not paint never answers */

static int decode(const char *result, size_t len, size_t max, unsigned char **png, size_t *n,
                  struct err *e)
{
    if (len > max / 3 * 4 + 1024) {
        return err_set(e, E_TOOLARGE, "the picture has more than %zu bytes", max);
    }
    json_t *v = json_parse(result, len, len, e);
    const char *text = json_str(v, "data");
    size_t size = text != NULL ? strlen(text) : 0;
    int rc = 0;
    *png = size > 0 ? mem_malloc(size / 4 * 3 + 3) : NULL;
    if (v == NULL) {
        rc = e->code;
    } else if (size == 0 || (*png != NULL && crypto_base64_decode(text, size, *png, n) != 0)) {
        rc = err_set(e, E_PROTO, "the browser's picture cannot be read");
    } else if (*png == NULL) {
        rc = err_set(e, E_NOMEM, "out of memory");
    } else if (*n < 8 || memcmp(*png, "\x89PNG\r\n\x1a\n", 8) != 0) {
        rc = err_set(e, E_PROTO, "the browser's picture is no PNG");
    }
    json_decref(v);
    return rc;
}

static void on_shot(struct cdp_call *call, const struct err *e, const char *result, size_t len)
{
    struct page *p = call->data;
    page_shot_cb cb = p->shot.cb;
    void *arg = p->shot.arg;
    struct err why;
    unsigned char *png = NULL;
    size_t n = 0;
    err_clear(&why);
    if (e != NULL) {
        page_call_error(e, &why);
    } else {
        (void)decode(result, len, p->shot.max, &png, &n, &why);
    }
    cb(arg, why.code != 0 ? &why : NULL, why.code != 0 ? NULL : png, n);
    free(png);
}

int page_screenshot(struct page *p, size_t max, page_shot_cb cb, void *arg, struct err *e)
{
    static const char params[] = "{\"format\":\"png\",\"captureBeyondViewport\":false}";
    if (p->phase != PAGE_RUNNING) {
        return err_set(e, E_STATE, "the page is not open yet");
    }
    if (p->shot.call.active) {
        return err_word(e, E_LIMIT, "screenshot_running", "another picture of it is being taken");
    }
    p->shot.cb = cb;
    p->shot.arg = arg;
    p->shot.max = max;
    p->shot.call.data = p;
    cdp_page_call(p->target, &p->shot.call, "Page.captureScreenshot", params, sizeof(params) - 1,
                  SHOT_MS, on_shot);
    return 0;
}
