#include "agent_loop.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define SAME_BOTH 3       /* the same question and the same answer so many times */
#define SAME_IN 5         /* the same question, whatever is answered */
#define SAME_GAP_MS 60000 /* a person who repeats himself waits longer at times */
#define GREETING_CHARS 20
#define GREETING_MS 3000
#define GREETING_QUIET_MS 60000

/* Case and spaces do not make another text. */
uint64_t agent_loop_hash(const char *text)
{
    uint64_t h = UINT64_C(14695981039346656037);
    for (const char *s = text; *s != '\0'; s++) {
        unsigned char c = (unsigned char)*s;
        if (!isspace(c)) {
            h = (h ^ (unsigned)tolower(c)) * UINT64_C(1099511628211);
        }
    }
    return h;
}

static bool fast(const struct agent_exchange *x)
{
    return x->gap_ms >= 0 && x->gap_ms <= AGENT_LOOP_PAUSE_MS;
}

static bool identical(const struct agent_exchange *x, size_t count, size_t times, bool both)
{
    if (count < times) {
        return false;
    }
    const struct agent_exchange *last = &x[count - 1];
    for (size_t i = count - times; i < count; i++) {
        bool prompt = i == count - times || (x[i].gap_ms >= 0 && x[i].gap_ms <= SAME_GAP_MS);
        if (x[i].in != last->in || (both && x[i].out != last->out) || !prompt) {
            return false;
        }
    }
    return true;
}

const char *agent_loop_check(const struct agent_exchange *x, size_t count,
                             const struct agent_loop_rules *rules)
{
    if (count == 0 || rules->replies == 0) {
        return NULL;
    }
    if (identical(x, count, SAME_BOTH, true) || identical(x, count, SAME_IN, false)) {
        return "identical";
    }
    const uint64_t now = x[count - 1].at_ms;
    size_t n = 0;
    while (n < count && fast(&x[count - 1 - n]) &&
           now - x[count - 1 - n].at_ms <= rules->window_ms) {
        n++;
    }
    return n >= rules->replies ? "fast" : NULL;
}

static uint64_t hex_of(const json_t *v)
{
    return json_is_string(v) ? strtoull(json_string_value(v), NULL, 16) : 0;
}

size_t agent_loop_read(const json_t *list, struct agent_exchange out[AGENT_LOOP_KEEP])
{
    size_t n = json_array_size(list);
    size_t skip = n > AGENT_LOOP_KEEP ? n - AGENT_LOOP_KEEP : 0;
    for (size_t i = skip; i < n; i++) {
        const json_t *row = json_array_get(list, i);
        json_int_t at = json_integer_value(json_array_get(row, 0));
        out[i - skip] = (struct agent_exchange){
            .at_ms = at > 0 ? (uint64_t)at : 0,
            .gap_ms = json_integer_value(json_array_get(row, 1)),
            .in = hex_of(json_array_get(row, 2)),
            .out = hex_of(json_array_get(row, 3)),
        };
    }
    return n - skip;
}

json_t *agent_loop_write(const struct agent_exchange *x, size_t count)
{
    json_t *list = json_array();
    size_t skip = count > AGENT_LOOP_KEEP ? count - AGENT_LOOP_KEEP : 0;
    for (size_t i = skip; list != NULL && i < count; i++) {
        char in[20], out[20];
        (void)snprintf(in, sizeof(in), "%" PRIx64, x[i].in);
        (void)snprintf(out, sizeof(out), "%" PRIx64, x[i].out);
        json_t *row =
            json_pack("[I, I, s, s]", (json_int_t)x[i].at_ms, (json_int_t)x[i].gap_ms, in, out);
        if (json_array_append_new(list, row) != 0) {
            json_decref(list);
            list = NULL;
        }
    }
    return list;
}

bool agent_loop_greeting(size_t text_len, int64_t since_ours_ms, int64_t since_theirs_ms)
{
    bool unasked = since_theirs_ms < 0 || since_theirs_ms > GREETING_QUIET_MS;
    return unasked && text_len >= GREETING_CHARS && since_ours_ms >= 0 &&
           since_ours_ms <= GREETING_MS;
}
