/*
 * The script that every document of WhatsApp Web gets: wa-js from a file, then our adapter, which
 * travels inside the program. Read once and shared by all sessions. Private to bridge/.
 */
#ifndef BRIDGE_WA_JS_H
#define BRIDGE_WA_JS_H

#include "err.h"

#include <stddef.h>

#define WA_JS_MAX (16u << 20)

struct wa_js {
    char *params; /* JSON text: parameters of Page.addScriptToEvaluateOnNewDocument */
    size_t params_len;
    char *lib; /* the file itself */
    size_t lib_len;
    char sha256[65];  /* of it */
    char version[32]; /* as its first lines say, "" when they do not */
};
/* Blocks; any thread. Gives, undone by wa_js_finish(). E_NOTFOUND, E_IO, E_TOOLARGE, E_INVALID (no UTF-8), E_NOMEM. */
int wa_js_load(const char *path, struct wa_js *out, struct err *e);
/* Harmless on a zeroed one. */
void wa_js_finish(struct wa_js *w);

/* The parts of adapter.js joined; made by the build. */
extern const unsigned char adapter_source[];
extern const size_t adapter_source_len;

#endif
