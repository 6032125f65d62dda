/* What the kernel says of this process. Thread: any; reads /proc, which no disk is behind. */
#ifndef BASE_PROCESS_SELF_H
#define BASE_PROCESS_SELF_H

#include <stdint.h>

struct process_self {
    uint64_t rss_bytes, fds, max_fds, threads;
    double cpu_s; /* user and system */
};
/* What cannot be read is 0. */
void process_self_read(struct process_self *out);

#endif
