/*
 * The corpora without libFuzzer, so that any compiler and every run of the tests goes through them:
 *   fuzz_replay TARGET FILE|DIRECTORY…
 * Each sample is given whole, and cut off at up to 32 places.
 */
#include <dirent.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

typedef int (*fuzz_fn)(const uint8_t *data, size_t size);
#define FUZZ_TARGET(name) int name##_one(const uint8_t *data, size_t size);
#include "fuzz_targets.h"
#undef FUZZ_TARGET

static const struct {
    const char *name;
    fuzz_fn fn;
} targets[] = {
#define FUZZ_TARGET(name) {#name, name##_one},
#include "fuzz_targets.h"
#undef FUZZ_TARGET
};

static unsigned replayed;

static void give(fuzz_fn fn, const uint8_t *data, size_t size)
{
    uint8_t *exact = malloc(size > 0 ? size : 1); /* one byte too far is seen */
    if (exact == NULL) {
        exit(2);
    }
    memcpy(exact, data, size);
    (void)fn(exact, size);
    free(exact);
}

static void replay_file(fuzz_fn fn, const char *path)
{
    static uint8_t data[1 << 20];
    FILE *f = fopen(path, "rb");
    if (f == NULL) {
        perror(path);
        exit(2);
    }
    size_t size = fread(data, 1, sizeof(data), f);
    (void)fclose(f);
    give(fn, data, size);
    for (size_t i = 1; i <= 32; i++) {
        give(fn, data, size * i / 33);
    }
    replayed++;
}

static void replay(fuzz_fn fn, const char *path)
{
    struct stat st;
    DIR *dir = stat(path, &st) == 0 && S_ISDIR(st.st_mode) ? opendir(path) : NULL;
    if (dir == NULL) {
        replay_file(fn, path);
        return;
    }
    for (struct dirent *it; (it = readdir(dir)) != NULL;) {
        char below[PATH_MAX];
        if (it->d_name[0] != '.' &&
            snprintf(below, sizeof(below), "%s/%s", path, it->d_name) < (int)sizeof(below)) {
            replay_file(fn, below);
        }
    }
    (void)closedir(dir);
}

int main(int argc, char **argv)
{
    for (size_t i = 0; argc > 2 && i < sizeof(targets) / sizeof(targets[0]); i++) {
        if (strcmp(argv[1], targets[i].name) == 0) {
            for (int k = 2; k < argc; k++) {
                replay(targets[i].fn, argv[k]);
            }
            (void)printf("%s: %u samples\n", argv[1], replayed);
            return replayed > 0 ? 0 : 1; /* a corpus that is not there is a mistake */
        }
    }
    (void)fprintf(stderr, "usage: fuzz_replay TARGET FILE|DIRECTORY...\n");
    return 2;
}
