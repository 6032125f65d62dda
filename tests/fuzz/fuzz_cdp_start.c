/* What a browser says while it starts (stderr, /json/version), the address of one that runs
 * elsewhere, and the log of a database in its profile. The first byte chooses. */
#include "fuzz.h"
#include "profile_priv.h"
#include "stderr_priv.h"

static void check_url(const struct ws_url *u)
{
    must(strlen(u->host) < sizeof(u->host) && strlen(u->path) < sizeof(u->path));
    must(u->port > 0 && u->port <= 65535 && u->host[0] != '\0');
}

static void check_stderr(const char *text, size_t size)
{
    char tail[257], line[128];
    struct ws_url u;
    size_t len = 0;
    for (size_t i = 0; i < size; i += 100) {
        len = stderr_keep(tail, sizeof(tail) - 1, len, text + i, size - i < 100 ? size - i : 100);
        must(len < sizeof(tail));
    }
    if (stderr_find_port(tail, len, &u)) {
        check_url(&u);
    }
    if (stderr_last_lines(tail, len, line, sizeof(line))) {
        for (const char *s = line; *s != '\0'; s++) {
            must((unsigned char)*s >= 0x20 && *s != 0x7f);
        }
    }
    (void)stderr_advice(tail, len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) {
        return 0;
    }
    char *text = fuzz_text(data + 1, size - 1);
    struct ws_url u;
    struct err e = {0};
    char path[DISCOVER_PATH_MAX];
    switch (data[0] % 4) {
    case 0:
        check_stderr(text, size - 1);
        break;
    case 1:
        if (ws_url_parse(text, &u, &e) == 0) {
            check_url(&u);
        }
        break;
    case 2:
        if (discover_parse_response(text, size - 1, path, &e) == 0) {
            must(strlen(path) < sizeof(path) && path[0] == '/');
        }
        break;
    default: {
        size_t whole = profile_log_whole((const unsigned char *)text, size - 1);
        must(whole <= size - 1);
        must(profile_log_whole((const unsigned char *)text, whole) == whole);
        break;
    }
    }
    free(text);
    return 0;
}
