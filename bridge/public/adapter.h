/*
 * The page's library (wa-js): which one is in use, trying and installing another.
 *
 * Thread: loop. What holds for every function of the bridge stands in bridge.h.
 */
#ifndef BRIDGE_PUBLIC_ADAPTER_H
#define BRIDGE_PUBLIC_ADAPTER_H

#include "public/answers.h"

enum bridge_adapter_action {
    BRIDGE_ADAPTER_TEST,    /* body {file,session}: on one session, then back to the old one */
    BRIDGE_ADAPTER_USE,     /* the same; then installed and given to the others one by one */
    BRIDGE_ADAPTER_ROLLBACK /* back to the one before */
};
/* {current,previous,sessions,state,progress,last}. Gives. */
int bridge_adapter_get(struct bridge *b, json_t **out, struct err *e);
/* Begins, and answers like bridge_adapter_get(); its end shows in `last`. E_INVALID; E_CONFLICT
 * "adapter_busy", "adapter_configured", "no_canary", "no_previous". */
void bridge_adapter_act(struct bridge *b, enum bridge_adapter_action action, const json_t *body,
                        bridge_done_fn done, void *arg);

#endif
