/*
 * May another browser start? What memory there is, what the browsers take that are about to, and a
 * reserve. Private to bridge/. Thread: any.
 */
#ifndef BRIDGE_ADMISSION_H
#define BRIDGE_ADMISSION_H

#include "err.h"

#include <stddef.h>
#include <stdint.h>

#define ADMISSION_ESTIMATE (UINT64_C(200) << 20) /* of a browser, while none was measured */

struct admission {
    uint64_t available_bytes; /* UINT64_MAX: not known */
    uint64_t reserve_bytes;
    uint64_t estimate_bytes; /* of one browser */
    unsigned running;        /* browsers there are, those that start included */
    unsigned unmeasured;     /* of them: may yet grow to the estimate */
    unsigned max_browsers;   /* 0: no bound */
};
/* 0, or E_UNAVAILABLE "out_of_memory_budget" with what is missing. Pure. */
int admission_check(const struct admission *a, struct err *e);
/* The median of what the running ones take; sorts sizes. Pure. */
uint64_t admission_estimate(uint64_t *sizes, size_t count);
/* Bytes that can still be taken: MemAvailable, or less where the cgroup (v2) of this process or one
 * above it has a limit; UINT64_MAX: not known. proc "/proc", cgroups "/sys/fs/cgroup": others in
 * tests. Reads the kernel's files, no disk. */
uint64_t admission_available(const char *proc, const char *cgroups);

#endif
