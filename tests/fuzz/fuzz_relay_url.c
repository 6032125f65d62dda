/*
 * libFuzzer target: no text gets past the URL guard to a host that the address rules forbid, and
 * what passes is read in the same way a second time.
 *   clang -g -fsanitize=fuzzer,address,undefined -D_GNU_SOURCE -Ibridge/relay -Ibase \
 *       tests/fuzz/fuzz_relay_url.c bridge/relay/url_guard.c bridge/relay/address.c base/err.c base/text.c \
 *       -lcurl -o fuzz_relay_url
 */
#include "url_guard.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(int condition)
{
    if (!condition) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);
    if (text == NULL) {
        return 0;
    }
    memcpy(text, data, size);
    text[size] = '\0';

    struct url_target t, again;
    struct err e;
    if (url_guard(text, false, &t, &e) == 0) {
        char *host = NULL, *scheme = NULL, *whole = NULL, *user = NULL;
        must(curl_url_get(t.url, CURLUPART_HOST, &host, 0) == CURLUE_OK);
        must(curl_url_get(t.url, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK);
        must(curl_url_get(t.url, CURLUPART_URL, &whole, 0) == CURLUE_OK);
        must(strcmp(scheme, "http") == 0 || strcmp(scheme, "https") == 0);
        must(curl_url_get(t.url, CURLUPART_USER, &user, 0) == CURLUE_NO_USER);
        must(strpbrk(whole, "\r\n \\") == NULL);
        must(strlen(text) <= URL_MAX);
        /* Whatever looks like an address is a public one. */
        if (strspn(host, "0123456789.") == strlen(host)) {
            must(address_text_allowed(host, false));
        }
        if (url_guard(whole, false, &again, &e) == 0) {
            must(strcmp(t.origin, again.origin) == 0);
            url_target_finish(&again);
        } else {
            must(strlen(whole) > URL_MAX); /* only by the slash that curl adds */
        }
        curl_free(host);
        curl_free(scheme);
        curl_free(whole);
        curl_free(user);
        url_target_finish(&t);
    } else {
        must(e.code < 0 && e.msg[0] != '\0' && t.url == NULL);
    }
    free(text);
    return 0;
}
