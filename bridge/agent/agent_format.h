/*
 * What is posted to the three kinds of endpoints and what they answer. Pure functions. Private to
 * bridge/agent.
 */
#ifndef BRIDGE_AGENT_FORMAT_H
#define BRIDGE_AGENT_FORMAT_H

#include "buf.h"
#include "err.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

enum agent_kind { AGENT_HTTP, AGENT_RETELL, AGENT_OPENAI };
const char *agent_kind_name(enum agent_kind kind);
bool agent_kind_parse(const char *name, enum agent_kind *out);

#define AGENT_MAX_REPLIES 10
#define AGENT_CONVERSATION_MAX 200
#define AGENT_MARKER "[[handover]]"

/* A message (object of the contract) as plain words: its text, and what it is when it is more than
 * text, e.g. "[image] see this". */
int agent_message_text(const json_t *message, struct buf *out);

/* {role:"user"|"agent"|"human",type,text,id,at} of a message; human: one of ours that the agent did
 * not write. Gives; NULL: no memory. */
json_t *agent_turn(const json_t *message);

struct agent_ask { /* all borrowed; texts may be NULL */
    enum agent_kind kind;
    const char *tenant, *session;
    const char *conversation_id;
    const char *model, *system_prompt, *agent_id;
    const json_t *messages; /* array of message objects, oldest first, at least one */
    const json_t *history;  /* array of turns before them, oldest first */
};
/* Retell needs a conversation before it can be asked: this is its request. Gives JSON text. */
char *agent_write_create(const struct agent_ask *a, size_t *len);
/* The conversation's id out of the answer to it. E_PROTO. */
int agent_read_created(const char *text, size_t len, char out[AGENT_CONVERSATION_MAX + 1],
                       struct err *e);
/* The request for an answer. Gives JSON text; NULL: no memory. */
char *agent_write_ask(const struct agent_ask *a, size_t *len);

struct agent_answer {
    json_t *replies; /* array of send bodies without `to`; owned */
    bool handover;
    bool has_conversation;
    char conversation_id[AGENT_CONVERSATION_MAX + 1];
    size_t dropped; /* replies past AGENT_MAX_REPLIES */
};
/* marker: what in a reply means handover, cut out of the text. E_PROTO says what is wrong with the
 * answer. out is to be finished in any case. */
int agent_read_answer(enum agent_kind kind, const char *marker, const char *text, size_t len,
                      struct agent_answer *out, struct err *e);
void agent_answer_finish(struct agent_answer *a);

#endif
