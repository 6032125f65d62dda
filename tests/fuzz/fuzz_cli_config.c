/* A configuration file, and what the settings in it lead to. */
#include "fuzz.h"
#include "config.h"

#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int fd = memfd_create("config", MFD_CLOEXEC);
    char path[64];
    struct err e = {0};
    if (fd < 0 || write(fd, data, size) != (ssize_t)size) {
        abort();
    }
    (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    struct config *c = config_new();
    must(c != NULL);
    if (config_read_file(c, path, &e) == 0) {
        struct bridge_config b;
        (void)config_to_bridge(c, &b, &e);
        struct api_config a = {.listen = config_text(c, "server", "listen")};
        (void)api_check(&a, &e);
        json_decref(config_json(c));
    } else {
        must(e.code < 0 && e.msg[0] != '\0');
    }
    config_free(c);
    (void)close(fd);
    return 0;
}
