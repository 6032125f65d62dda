#include "process_self.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static uint64_t count_entries(const char *dir)
{
    uint64_t n = 0;
    DIR *d = opendir(dir);
    if (d == NULL) {
        return 0;
    }
    for (const struct dirent *it = readdir(d); it != NULL; it = readdir(d)) {
        n += it->d_name[0] != '.';
    }
    (void)closedir(d);
    return n;
}

static uint64_t resident(void)
{
    char line[128] = "";
    FILE *f = fopen("/proc/self/statm", "re");
    if (f == NULL) {
        return 0;
    }
    char *rest = fgets(line, sizeof(line), f);
    (void)fclose(f);
    if (rest == NULL) {
        return 0;
    }
    (void)strtoull(line, &rest, 10); /* total size; resident pages follow */
    return (uint64_t)strtoull(rest, NULL, 10) * (uint64_t)sysconf(_SC_PAGESIZE);
}

void process_self_read(struct process_self *out)
{
    struct rusage use;
    struct rlimit most;
    memset(out, 0, sizeof(*out));
    out->rss_bytes = resident();
    uint64_t fds = count_entries("/proc/self/fd");
    out->fds = fds > 0 ? fds - 1 : 0; /* not the one that reads */
    out->threads = count_entries("/proc/self/task");
    if (getrlimit(RLIMIT_NOFILE, &most) == 0) {
        out->max_fds = most.rlim_cur;
    }
    if (getrusage(RUSAGE_SELF, &use) == 0) {
        out->cpu_s = (double)(use.ru_utime.tv_sec + use.ru_stime.tv_sec) +
                     (double)(use.ru_utime.tv_usec + use.ru_stime.tv_usec) / 1e6;
    }
}
