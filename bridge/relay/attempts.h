/*
 * store_delivery.attempts holds two numbers: all tries (low 16 bits), and, for a dead letter that
 * was put back, one more than the tries before that (high 16 bits; 0: never put back). The second
 * tells how far its new run of retries has come; its age alone would make it dead again at once.
 */
#ifndef BRIDGE_ATTEMPTS_H
#define BRIDGE_ATTEMPTS_H

#include <stdbool.h>
#include <stdint.h>

static inline uint32_t attempts_total(uint32_t a)
{
    return a & 0xFFFF;
}
static inline uint32_t attempts_add(uint32_t a)
{
    return attempts_total(a) == 0xFFFF ? a : a + 1;
}
static inline bool attempts_redriven(uint32_t a)
{
    return a >> 16 != 0;
}
/* Tries of this run. */
static inline uint32_t attempts_run(uint32_t a)
{
    return attempts_redriven(a) ? attempts_total(a) - ((a >> 16) - 1) : attempts_total(a);
}
static inline uint32_t attempts_redrive(uint32_t a)
{
    uint32_t total = attempts_total(a) == 0xFFFF ? 0xFFFE : attempts_total(a);
    return (total + 1) << 16 | total;
}

#endif
