/* The answer of an agent's endpoint, of each kind. */
#include "agent_format.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct agent_answer a;
    struct err e;
    char id[AGENT_CONVERSATION_MAX + 1];
    for (int kind = AGENT_HTTP; kind <= AGENT_OPENAI; kind++) {
        (void)agent_read_answer((enum agent_kind)kind, AGENT_MARKER, (const char *)data, size, &a,
                                &e);
        agent_answer_finish(&a);
    }
    (void)agent_read_created((const char *)data, size, id, &e);
    return 0;
}
