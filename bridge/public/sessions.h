/*
 * Linked accounts: making, starting and stopping them, codes that link, the picture of the page.
 *
 * Thread: loop. What holds for every function of the bridge stands in bridge.h.
 */
#ifndef BRIDGE_PUBLIC_SESSIONS_H
#define BRIDGE_PUBLIC_SESSIONS_H

#include "buf.h"
#include "public/pictures.h"
#include "public/who.h"

#include <stdint.h>

/* body {channel:"web",autostart,metadata,media:{download,max_bytes}}. A new session
 * with autostart (default true) starts. */
void bridge_session_put(struct bridge *b, const char *tenant, const char *session,
                        const json_t *body, bridge_done_fn done, void *arg);
int bridge_session_get(struct bridge *b, const char *tenant, const char *session, json_t **out,
                       struct err *e);
/* who: sees only what its patterns allow; NULL: all. */
int bridge_session_list(struct bridge *b, const char *tenant, const struct bridge_principal *who,
                        const struct bridge_paging *p, json_t **out, struct err *e);
void bridge_session_delete(struct bridge *b, const char *tenant, const char *session,
                           bool erase_messages, bridge_done_fn done, void *arg);
enum bridge_session_action {
    BRIDGE_START,
    BRIDGE_STOP,
    BRIDGE_RESTART,
    BRIDGE_LOGOUT,  /* unlinks at WhatsApp's side too when the page is there */
    BRIDGE_HIBERNATE, /* closes the browser until a send, the schedule or BRIDGE_WAKE. E_CONFLICT
                         "not_linked", "session_stopped", "outbox_not_empty" */
    BRIDGE_WAKE,
    BRIDGE_TAKEOVER /* from `conflict`: use it here; else E_CONFLICT "not_in_conflict" */
};
/* Answers with the session object once the new intent is durable (not once it is reached). */
void bridge_session_act(struct bridge *b, const char *tenant, const char *session,
                        enum bridge_session_action action, bridge_done_fn done, void *arg);
/* Waits up to wait_ms (0..60000) for a code. Body {code,attempt,generation,expires_at}. E_CONFLICT
 * "already_linked" / "session_stopped" (also when it stops while waiting); E_TIMEOUT
 * "qr_not_ready". */
void bridge_session_qr(struct bridge *b, const char *tenant, const char *session, uint64_t wait_ms,
                       bridge_done_fn done, void *arg);
enum bridge_qr_format { BRIDGE_QR_PNG, BRIDGE_QR_SVG, BRIDGE_QR_TEXT, BRIDGE_QR_DATA_URL };
/* style (BRIDGE_QR_TEXT only): "ansi" (default when NULL), "dark", "light". */
int bridge_qr_render(const char *code, enum bridge_qr_format format, const char *style,
                     struct buf *out, struct err *e);
/* Body {code:"ABCD-1234",expires_at}. Same conflicts as the QR. */
void bridge_session_pairing_code(struct bridge *b, const char *tenant, const char *session,
                                 const char *phone, bridge_done_fn done, void *arg);

/* The session's page as it looks now, a PNG of at most BRIDGE_MAX_SCREENSHOT bytes. E_CONFLICT
 * "session_stopped" (no page is open), E_LIMIT "screenshot_running", E_TIMEOUT, E_TOOLARGE. */
#define BRIDGE_MAX_SCREENSHOT (8u << 20)
void bridge_session_screenshot(struct bridge *b, const char *tenant, const char *session,
                               bridge_picture_fn fn, void *arg);

#endif
