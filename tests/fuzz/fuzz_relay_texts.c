/* What receivers and operators write: Retry-After, secrets, event patterns, header names,
 * addresses. */
#include "fuzz.h"
#include "http_rules.h"
#include "retry.h"
#include "signature.h"
#include "url_guard.h"
#include "webhook.h"

#include <arpa/inet.h>

static bool is_address(const char *text)
{
    unsigned char a[16];
    char plain[64];
    size_t len = strcspn(text, "%");
    if (len >= sizeof(plain)) {
        return false;
    }
    memcpy(plain, text, len);
    plain[len] = '\0';
    return inet_pton(AF_INET, plain, a) == 1 || inet_pton(AF_INET6, plain, a) == 1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = fuzz_text(data, size);
    uint64_t ms = 0;
    if (retry_after_parse(text, UINT64_C(1700000000000), &ms)) {
        must(ms <= RETRY_AFTER_CAP_MS);
    }
    if (http_retry_after(text, size, &ms)) {
        must(ms <= RETRY_AFTER_CAP_MS);
    }
    uint8_t key[SIGNATURE_KEY_MAX];
    size_t len = 0;
    struct err e = {0};
    if (signature_key(text, key, &len, &e) == 0) {
        char standard[SIGNATURE_STANDARD_LEN], hub[SIGNATURE_HUB_LEN];
        must(len >= SIGNATURE_KEY_MIN && len <= SIGNATURE_KEY_MAX);
        must(signature_sign(text, "a.1.b", 5, 1, standard, hub) == 0);
        must(strlen(standard) < SIGNATURE_STANDARD_LEN && strlen(hub) < SIGNATURE_HUB_LEN);
    }
    (void)webhook_pattern_valid(text);
    (void)webhook_header_secret(text);
    must(address_text_allowed(text, true) == is_address(text));
    must(!address_text_allowed(text, false) || is_address(text));
    free(text);
    return 0;
}
