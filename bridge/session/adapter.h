/*
 * Which wa-js the pages get, and trying another. The one in use is shared by all sessions; a
 * candidate goes to one of them first (the canary), must pass there, is installed durably, and goes
 * to the others one by one. Private to bridge/session. Thread: loop, unless it says otherwise.
 */
#ifndef BRIDGE_ADAPTER_H
#define BRIDGE_ADAPTER_H

#include "wa_js.h"

#include "bridge.h"

struct sessions;
struct session;
struct adapter;

/* One build of wa-js, loaded; shared by those that run it. */
struct script {
    struct wa_js js;
    unsigned refs;
};
struct script *script_share(struct script *s); /* NULL stays NULL */
void script_drop(struct script *s);

/* Blocks (start-up only): loads what the settings say. */
int adapter_create(struct sessions *all, struct adapter **out, struct err *e);
/* No more steps; sessions_freed_one() is called when adapter_busy() has become false. */
void adapter_stop(struct adapter *a);
bool adapter_busy(const struct adapter *a); /* files are being read or written */
/* Not before that: closes the timer, whose data are the sessions. */
void adapter_close(struct adapter *a, uv_close_cb on_closed);
void adapter_free(struct adapter *a);

/* What the session's next page gets; the session keeps a share in s->script. */
struct script *adapter_script(struct session *s);
/* The session has another status, or its page has told its capabilities. */
void adapter_look(struct session *s);
/* Its page has no wa-js that runs. */
void adapter_dumb(struct session *s);
/* It goes away: what it holds is given back. */
void adapter_forget(struct session *s);

/* ---- adapter_files.c: on libuv's pool ---------------------------------------------------------- */

#define ADAPTER_FILE "wa-js.js"                   /* below the data directory: in use */
#define ADAPTER_PREVIOUS_FILE "wa-js.previous.js" /* the one before */

/* Makes `now` the file in use, and `before` (NULL: there is none then) the previous one; each by a
 * rename, on disk when it returns. Blocks; any thread. E_IO, E_FULL. */
int adapter_install(const char *data_dir, const struct wa_js *now, const struct wa_js *before,
                    struct err *e);

#endif
