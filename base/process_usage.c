/*
 * One pass over /proc for all trees that are asked for: each stat file once, sorted by number; each
 * process then climbs its parents until it meets a leader, or the group of one. Only members have
 * their smaps_rollup read, the part that costs time.
 */
#include "process_usage.h"

#include "list.h"
#include "mem.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PROCESSES_MAX 131072 /* of the whole machine */
#define CLIMB_MAX 64         /* parents between a process and its leader */
#define FILE_MAX_LEN 4096

/* ---- texts ------------------------------------------------------------------------------------ */

bool process_stat_parse(const char *text, struct process_stat *out)
{
    /* "pid (name) state ppid pgrp …": the name may hold blanks and brackets, the rest does not */
    const char *rest = strrchr(text, ')');
    long long number[23] = {0}; /* by its place in proc(5), from 3 (state) on */
    if (!rest || sscanf(text, "%d", &out->pid) != 1 || rest[1] != ' ' || rest[2] == '\0') {
        return false;
    }
    const char *at = rest + 3;
    for (int i = 4; i <= 24; i++) {
        char *end;
        errno = 0;
        number[i - 3] = strtoll(at, &end, 10);
        if (end == at) {
            return false;
        }
        at = end;
    }
    out->parent = (pid_t)number[4 - 3];
    out->group = (pid_t)number[5 - 3];
    out->cpu_ticks = (uint64_t)number[14 - 3] + (uint64_t)number[15 - 3];
    out->threads = (unsigned)number[20 - 3];
    out->start_ticks = (uint64_t)number[22 - 3];
    out->rss_pages = number[24 - 3] > 0 ? (uint64_t)number[24 - 3] : 0;
    return true;
}

bool process_field_parse(const char *text, const char *key, uint64_t *bytes)
{
    size_t len = strlen(key);
    for (const char *line = text; line; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, key, len) == 0 && line[len] == ':') {
            uint64_t kib;
            if (sscanf(line + len + 1, " %" SCNu64 " kB", &kib) != 1) {
                return false;
            }
            *bytes = kib * 1024;
            return true;
        }
        if (*line == '\0') {
            break;
        }
    }
    return false;
}

/* ---- files ------------------------------------------------------------------------------------ */

/* -1 when it cannot be read: gone, or not ours to see. */
static int read_text(int dir, const char *name, char out[FILE_MAX_LEN + 1])
{
    int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return -1;
    }
    size_t len = 0;
    ssize_t n = 0;
    while (len < FILE_MAX_LEN && (n = read(fd, out + len, FILE_MAX_LEN - len)) > 0) {
        len += (size_t)n;
    }
    out[len] = '\0';
    close(fd);
    return n < 0 || len == 0 ? -1 : 0;
}

static uint64_t boot_ms(int dir)
{
    char text[FILE_MAX_LEN + 1];
    uint64_t boot_s = 0;
    FILE *f = NULL;
    int fd = openat(dir, "stat", O_RDONLY | O_CLOEXEC);
    if (fd >= 0 && !(f = fdopen(fd, "r"))) {
        close(fd);
    }
    while (f && fgets(text, sizeof(text), f)) {
        if (sscanf(text, "btime %" SCNu64, &boot_s) == 1) {
            break;
        }
    }
    if (f) {
        fclose(f);
    }
    return boot_s * 1000;
}

struct table {
    struct process_stat *rows;
    size_t count, room;
};

static int by_pid(const void *a, const void *b)
{
    pid_t x = ((const struct process_stat *)a)->pid, y = ((const struct process_stat *)b)->pid;
    return x < y ? -1 : x > y;
}

static int table_add(struct table *t, const struct process_stat *row)
{
    if (t->count == t->room) {
        size_t room = t->room ? 2 * t->room : 512;
        void *rows = room <= PROCESSES_MAX ? mem_realloc(t->rows, room * sizeof(*row)) : NULL;
        if (!rows) {
            return room <= PROCESSES_MAX ? E_NOMEM : E_LIMIT;
        }
        t->rows = rows;
        t->room = room;
    }
    t->rows[t->count++] = *row;
    return 0;
}

static int table_load(int dir, struct table *t)
{
    int rc = 0;
    int own = fcntl(dir, F_DUPFD_CLOEXEC, 0);
    DIR *d = own >= 0 ? fdopendir(own) : NULL;
    if (!d) {
        if (own >= 0) {
            close(own);
        }
        return E_IO;
    }
    const struct dirent *entry;
    while (rc == 0 && (entry = readdir(d))) {
        char name[300], text[FILE_MAX_LEN + 1];
        struct process_stat row;
        if (entry->d_name[0] < '1' || entry->d_name[0] > '9') {
            continue;
        }
        (void)snprintf(name, sizeof(name), "%s/stat", entry->d_name);
        if (read_text(dir, name, text) == 0 && process_stat_parse(text, &row)) {
            rc = table_add(t, &row);
        }
    }
    closedir(d);
    if (t->count > 0) {
        qsort(t->rows, t->count, sizeof(*t->rows), by_pid);
    }
    return rc;
}

/* ---- trees ------------------------------------------------------------------------------------ */

static struct process_usage *leader_of(struct process_usage *items, size_t count, pid_t pid)
{
    for (size_t i = 0; i < count; i++) {
        if (items[i].leader == pid && pid > 0) {
            return &items[i];
        }
    }
    return NULL;
}

static struct process_usage *owner(const struct table *t, const struct process_stat *row,
                                   struct process_usage *items, size_t count)
{
    for (int i = 0; row && i < CLIMB_MAX; i++) {
        struct process_usage *u = leader_of(items, count, row->pid);
        u = u ? u : leader_of(items, count, row->group);
        if (u) {
            return u;
        }
        struct process_stat parent = {.pid = row->parent};
        row = bsearch(&parent, t->rows, t->count, sizeof(parent), by_pid);
    }
    return NULL;
}

static void add(int dir, const struct process_stat *row, uint64_t boot, struct process_usage *u)
{
    char name[64], text[FILE_MAX_LEN + 1];
    uint64_t bytes, tick = (uint64_t)sysconf(_SC_CLK_TCK);
    uint64_t started = boot + row->start_ticks * 1000 / tick;
    (void)snprintf(name, sizeof(name), "%d/smaps_rollup", (int)row->pid);
    if (read_text(dir, name, text) != 0 || !process_field_parse(text, "Pss", &bytes)) {
        bytes = row->rss_pages * (uint64_t)sysconf(_SC_PAGESIZE);
        u->exact = false;
    }
    if (u->processes == 0 || started < u->started_ms) {
        u->started_ms = started;
    }
    u->processes++;
    u->threads += row->threads;
    u->memory_bytes += bytes;
    u->cpu_ms += row->cpu_ticks * 1000 / tick;
}

int process_usage_read(const char *proc, struct process_usage *items, size_t count, struct err *e)
{
    struct table t = {0};
    if (count > PROCESS_USAGE_MAX) {
        return err_set(e, E_LIMIT, "more than %d browsers to measure", PROCESS_USAGE_MAX);
    }
    for (size_t i = 0; i < count; i++) {
        items[i] = (struct process_usage){.leader = items[i].leader, .exact = true};
    }
    int dir = open(proc, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir < 0) {
        return err_sys(e, E_IO, errno, "cannot read %s", proc);
    }
    int rc = table_load(dir, &t);
    uint64_t boot = rc == 0 ? boot_ms(dir) : 0;
    for (size_t i = 0; rc == 0 && i < t.count; i++) {
        struct process_usage *u = owner(&t, &t.rows[i], items, count);
        if (u) {
            add(dir, &t.rows[i], boot, u);
        }
    }
    close(dir);
    free(t.rows);
    return rc == 0 ? 0 : err_set(e, rc, "the processes in %s could not be listed", proc);
}

/* ---- off the loop ----------------------------------------------------------------------------- */

static void on_run(struct work *w)
{
    struct process_usage_job *job = LIST_ENTRY(w, struct process_usage_job, work);
    (void)process_usage_read("/proc", job->items, job->count, &job->err);
}

static void on_done(struct work *w, int rc)
{
    struct process_usage_job *job = LIST_ENTRY(w, struct process_usage_job, work);
    job->done(job, rc != 0 ? rc : job->err.code);
}

int process_usage_submit(uv_loop_t *loop, struct process_usage_job *job)
{
    err_clear(&job->err);
    return work_submit(loop, &job->work, on_run, on_done);
}
