/*
 * Disk and memory of the machine. Off the loop: a disk that hangs must not hold it. Memory is that
 * of the control group when it has a limit, else the machine's.
 */
#include "alert_priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

static bool read_number(const char *path, double *out)
{
    char line[64] = "";
    FILE *f = fopen(path, "re");
    if (f == NULL) {
        return false;
    }
    bool ok = fgets(line, sizeof(line), f) != NULL && line[0] >= '0' && line[0] <= '9';
    (void)fclose(f);
    *out = strtod(line, NULL);
    return ok; /* "max" is no number */
}

static double machine_percent(void)
{
    char line[128];
    double total = 0, available = 0;
    FILE *f = fopen("/proc/meminfo", "re");
    while (f != NULL && fgets(line, sizeof(line), f) != NULL) {
        if (strncmp(line, "MemTotal:", 9) == 0) {
            total = strtod(line + 9, NULL);
        } else if (strncmp(line, "MemAvailable:", 13) == 0) {
            available = strtod(line + 13, NULL);
        }
    }
    if (f != NULL) {
        (void)fclose(f);
    }
    return total > 0 ? 100 * (1 - available / total) : 0;
}

/* What the cache takes can be taken back, so it does not count. */
static double group_percent(void)
{
    double now = 0, most = 0, cache = 0;
    char line[128];
    if (!read_number("/sys/fs/cgroup/memory.max", &most) || most <= 0 ||
        !read_number("/sys/fs/cgroup/memory.current", &now)) {
        return 0;
    }
    FILE *f = fopen("/sys/fs/cgroup/memory.stat", "re");
    while (f != NULL && fgets(line, sizeof(line), f) != NULL) {
        if (strncmp(line, "inactive_file ", 14) == 0) {
            cache = strtod(line + 14, NULL);
        }
    }
    if (f != NULL) {
        (void)fclose(f);
    }
    return 100 * (now > cache ? now - cache : 0) / most;
}

static void ask(struct work *w)
{
    struct probe *p = LIST_ENTRY(w, struct probe, work);
    struct statvfs fs;
    double machine = machine_percent(), group = group_percent();
    p->memory_percent = group > machine ? group : machine;
    p->disk_free = statvfs(p->path, &fs) == 0 ? (uint64_t)fs.f_bavail * fs.f_frsize : UINT64_MAX;
}

static void on_asked(struct work *w, int rc)
{
    struct probe *p = LIST_ENTRY(w, struct probe, work);
    struct alerts *a = p->a;
    a->probing = false;
    p->known = p->known || rc == 0;
    core_leave(a->b); /* may free everything */
}

void alerts_probe(struct alerts *a)
{
    struct probe *p = &a->probe;
    if (a->probing || a->b->closing) {
        return;
    }
    (void)snprintf(p->path, sizeof(p->path), "%s", a->b->cfg.data_dir);
    core_enter(a->b);
    a->probing = true;
    if (work_submit(a->b->loop, &p->work, ask, on_asked) != 0) {
        a->probing = false; /* too much is going on: at the next round */
        core_leave(a->b);
    }
}
