/*
 * What process trees cost: memory, CPU time, how many processes and threads. Read from /proc, where
 * the share of pages that belongs to each process (PSS) may take the kernel milliseconds to add up:
 * read it off the loop.
 *
 * A tree is a leader with all its descendants and its process group: a browser's children change
 * their parent when one of them dies, and their group when they are put into a sandbox, hardly both.
 */
#ifndef BASE_PROCESS_USAGE_H
#define BASE_PROCESS_USAGE_H

#include "work.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct process_usage {
    pid_t leader;
    unsigned processes;    /* 0: none is left, the rest is 0 then */
    unsigned threads;
    uint64_t memory_bytes; /* PSS of each, RSS where PSS may not be read */
    bool exact;            /* PSS of all: pages in common are not counted twice */
    uint64_t cpu_ms;       /* user and system time of those alive, since their start */
    uint64_t started_ms;   /* wall time; of the oldest process that is left */
};

#define PROCESS_USAGE_MAX 4096 /* trees in one reading */

/* Fills items[0..count) by their leader. proc: "/proc", another directory in tests. Blocks; any
 * thread. E_IO (proc cannot be listed), E_NOMEM, E_LIMIT. What vanishes meanwhile is left out. */
int process_usage_read(const char *proc, struct process_usage *items, size_t count, struct err *e);

/* The same on libuv's pool. */
struct process_usage_job {
    struct work work; /* private */
    struct process_usage *items; /* the caller's, unchanged until done */
    size_t count;
    struct err err;
    /* From the loop, once; rc as above, or E_CANCELED. The job may be freed or used again inside. */
    void (*done)(struct process_usage_job *job, int rc);
    void *arg;
};
/* Not started when this is not 0 (E_LIMIT, E_INTERNAL); done is not called then. Thread: loop. */
int process_usage_submit(uv_loop_t *loop, struct process_usage_job *job);

/* ---- pure pieces ------------------------------------------------------------------------------ */

struct process_stat {
    pid_t pid, parent, group;
    uint64_t cpu_ticks, start_ticks, rss_pages;
    unsigned threads;
};
/* Text of /proc/N/stat; the name in it may hold anything. False: not understood. */
bool process_stat_parse(const char *text, struct process_stat *out);
/* The number of "key:   123 kB" in texts like smaps_rollup and meminfo, in bytes. False: not there. */
bool process_field_parse(const char *text, const char *key, uint64_t *bytes);

#endif
