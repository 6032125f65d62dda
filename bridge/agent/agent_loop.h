/*
 * Is the other side a machine that answers ours? Judged from the last exchanges of a chat. Pure
 * functions. Private to bridge/agent.
 */
#ifndef BRIDGE_AGENT_LOOP_H
#define BRIDGE_AGENT_LOOP_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#define AGENT_LOOP_KEEP 16       /* exchanges that are remembered */
#define AGENT_LOOP_PAUSE_MS 3000 /* who answers sooner, again and again, does not read */

/* One exchange: what came in and what the agent answers. */
struct agent_exchange {
    uint64_t at_ms;   /* when it came */
    int64_t gap_ms;   /* since the agent's last reply was out; -1: unknown, or none before */
    uint64_t in, out; /* agent_loop_hash() of the texts */
};
uint64_t agent_loop_hash(const char *text);

struct agent_loop_rules {
    unsigned replies;   /* so many exchanges in a row without a human's pause … */
    uint64_t window_ms; /* … within this time; replies 0: off */
};
/* history: the newest last. Why it is a loop ("fast", "identical"), or NULL. */
const char *agent_loop_check(const struct agent_exchange *history, size_t count,
                             const struct agent_loop_rules *rules);

/* As kept in the chat's document: [[at_ms,gap_ms,in,out],…], hashes as hex texts. */
size_t agent_loop_read(const json_t *list, struct agent_exchange out[AGENT_LOOP_KEEP]);
/* The last AGENT_LOOP_KEEP of them. Gives; NULL: no memory. */
json_t *agent_loop_write(const struct agent_exchange *history, size_t count);

/* An automatic greeting: one text, longer than anybody types in the time since a message that we
 * (not the agent) wrote unasked. */
bool agent_loop_greeting(size_t text_len, int64_t since_ours_ms, int64_t since_theirs_ms);

#endif
