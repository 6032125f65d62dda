/*
 * The files of the dashboard and of the widget, inside the program. Private to api/. Thread: loop.
 * The table is made by dashboard/embed.cmake.
 */
#ifndef API_PAGES_H
#define API_PAGES_H

#include "err.h"

#include <stdbool.h>
#include <stddef.h>

enum page_kind {
    PAGE_FOR_EVER, /* its name changes with its content */
    PAGE_HTML,     /* asked for anew each time; has an import map, which its policy names by hash */
    PAGE_ANYWHERE  /* a script for pages of others, under a name that stays */
};
struct page_asset {
    const char *name; /* "/assets/core/api.0123456789.js" */
    const char *type, *etag;
    const unsigned char *gz;
    size_t gz_len, len; /* compressed, plain */
    enum page_kind kind;
};
extern const struct page_asset page_assets[]; /* sorted by name */
extern const size_t page_asset_count;

struct api_request;
struct api_route;

/* The route that serves this path (as sent, without its query), NULL: none of ours. */
const struct api_route *pages_route(const char *path);
/* Answers with the HTML page of this name ("/widget.html"). frame_ancestors: who may show it in a
 * frame, as the Content-Security-Policy writes that ("'none'", "https://a.example"). */
void pages_answer(struct api_request *r, const char *name, const char *frame_ancestors);
/* The plain bytes, malloc'd; NULL when there is no memory. */
char *pages_plain(const struct page_asset *asset);
/* "'sha256-…'" of the import map in a page; false: it has none. */
#define PAGES_HASH 64
bool pages_script_hash(const char *html, size_t len, char out[PAGES_HASH]);

#endif
