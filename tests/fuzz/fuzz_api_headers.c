/*
 * libFuzzer target: values of headers (Accept, Content-Type, Host, Authorization, X-Request-Id) and
 * a listen address. The first byte chooses.
 */
#include "api_priv.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_key(const char *text)
{
    struct api_headers h = {.authorization = text};
    char key[API_MAX_KEY + 1];
    struct err e = {0};
    int rc = auth_key(&h, key, &e);
    if (rc != 0 ? rc != E_AUTH : strlen(key) == 0 || strstr(text, key) == NULL) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const offers[] = {"image/png", "text/plain", "application/json", NULL};
    struct listen_address address;
    struct err e = {0};
    if (size == 0) {
        return 0;
    }
    char *text = malloc(size);
    if (text == NULL) {
        return 0;
    }
    memcpy(text, data + 1, size - 1);
    text[size - 1] = '\0';
    switch (data[0] % 6) {
    case 0: {
        int pick = accept_pick(text, offers);
        if (pick < -1 || pick > 2) {
            abort();
        }
        break;
    }
    case 1:
        (void)media_is_json(text);
        break;
    case 2:
        (void)host_is_ours(text, "10.0.0.1");
        break;
    case 3:
        check_key(text);
        break;
    case 4:
        if (request_id_sane(text) && (strlen(text) > 64 || strpbrk(text, "\r\n \"") != NULL)) {
            abort();
        }
        break;
    default:
        if (listen_parse(text, &address, &e) == 0 && address.len == 0) {
            abort();
        }
        break;
    }
    free(text);
    return 0;
}
