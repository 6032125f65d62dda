/*
 * Catching up with what was missed, and with older messages.
 *
 * Thread: loop. What holds for every function of the bridge stands in bridge.h.
 */
#ifndef BRIDGE_PUBLIC_SYNC_H
#define BRIDGE_PUBLIC_SYNC_H

#include "public/answers.h"

/* {state:"idle|running|waiting",reason,started_at,finished_at,last:{…}|null,watermark,next_run_at,
 * history:[jobs, newest first]}. */
int bridge_sync_get(struct bridge *b, const char *tenant, const char *session, json_t **out,
                    struct err *e);
/* Answers with that object; a run starts now. E_CONFLICT "session_not_ready". */
void bridge_sync_start(struct bridge *b, const char *tenant, const char *session,
                       bridge_done_fn done, void *arg);
/* Older messages than the oldest stored one of the chat; body {until?,count?}, one of them needed.
 * They are stored without events. Answers with the job. E_CONFLICT "session_not_ready", E_LIMIT
 * "too_many_jobs". */
void bridge_chat_history(struct bridge *b, const char *tenant, const char *session,
                         const char *chat, const json_t *body, bridge_done_fn done, void *arg);

#endif
