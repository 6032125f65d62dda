#include "admission.h"

#include "process_usage.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TEXT_MAX 8192
#define PATH_LEN 4096
#define MIB(n) ((n) >> 20)

/* ---- arithmetic ------------------------------------------------------------------------------- */

static int by_size(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

uint64_t admission_estimate(uint64_t *sizes, size_t count)
{
    if (count == 0) {
        return ADMISSION_ESTIMATE;
    }
    qsort(sizes, count, sizeof(*sizes), by_size);
    return sizes[count / 2];
}

int admission_check(const struct admission *a, struct err *e)
{
    if (a->max_browsers > 0 && a->running >= a->max_browsers) {
        return err_word(e, E_UNAVAILABLE, "out_of_memory_budget",
                        "%u browsers run, and [memory] max_browsers allows no more; it starts when "
                        "one ends",
                        a->running);
    }
    if (a->available_bytes == UINT64_MAX) {
        return 0;
    }
    uint64_t need = a->reserve_bytes + (a->unmeasured + UINT64_C(1)) * a->estimate_bytes;
    if (need <= a->available_bytes) {
        return 0;
    }
    return err_word(e, E_UNAVAILABLE, "out_of_memory_budget",
                    "%" PRIu64 " MiB of memory are free, a browser needs %" PRIu64
                    " MiB beside the reserve of %" PRIu64 " MiB; it starts when there is room",
                    MIB(a->available_bytes), MIB(need - a->reserve_bytes), MIB(a->reserve_bytes));
}

/* ---- the machine ------------------------------------------------------------------------------ */

static bool read_file(char out[TEXT_MAX + 1], const char *dir, const char *middle, const char *name)
{
    char path[PATH_LEN];
    int n = snprintf(path, sizeof(path), "%s%s/%s", dir, middle, name);
    int fd = n > 0 && (size_t)n < sizeof(path) ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (fd < 0) {
        return false;
    }
    ssize_t len = read(fd, out, TEXT_MAX);
    close(fd);
    out[len > 0 ? len : 0] = '\0';
    return len > 0;
}

/* Of "key value" lines, as in memory.stat. */
static uint64_t stat_value(const char *text, const char *key)
{
    size_t len = strlen(key);
    for (const char *at = text; at; at = strchr(at, '\n')) {
        at += *at == '\n';
        if (strncmp(at, key, len) == 0 && at[len] == ' ') {
            return strtoull(at + len, NULL, 10);
        }
        if (*at == '\0') {
            break;
        }
    }
    return 0;
}

/* What one cgroup still allows; files that can be dropped do not count as taken. */
static uint64_t group_room(const char *cgroups, const char *path)
{
    char text[TEXT_MAX + 1];
    if (!read_file(text, cgroups, path, "memory.max") || text[0] < '0' || text[0] > '9') {
        return UINT64_MAX; /* "max", or no such file: no limit */
    }
    uint64_t max = strtoull(text, NULL, 10);
    if (!read_file(text, cgroups, path, "memory.current")) {
        return UINT64_MAX;
    }
    uint64_t used = strtoull(text, NULL, 10);
    uint64_t files = read_file(text, cgroups, path, "memory.stat") ? stat_value(text, "inactive_file") : 0;
    used -= files < used ? files : used;
    return used < max ? max - used : 0;
}

uint64_t admission_available(const char *proc, const char *cgroups)
{
    char text[TEXT_MAX + 1], path[TEXT_MAX + 1];
    uint64_t room = UINT64_MAX;
    if (read_file(text, proc, "", "meminfo")) {
        (void)process_field_parse(text, "MemAvailable", &room);
    }
    if (!read_file(text, proc, "/self", "cgroup")) {
        return room;
    }
    const char *own = strncmp(text, "0::", 3) == 0 ? text : strstr(text, "\n0::");
    if (!own) {
        return room;
    }
    own += *own == '\n' ? 4 : 3;
    (void)snprintf(path, sizeof(path), "%.*s", (int)strcspn(own, "\n"), own);
    for (;;) {
        uint64_t here = group_room(cgroups, strcmp(path, "/") == 0 ? "" : path);
        room = here < room ? here : room;
        char *slash = strrchr(path, '/');
        if (!slash) {
            return room;
        }
        *slash = '\0';
    }
}
