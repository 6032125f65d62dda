/* Receives the events of wabridge as a CGI program: checks who sent them, answers at once.
 *   cc -O2 -o receiver.cgi receiver.c -lcrypto
 * The web server runs it for /hooks/whatsapp with WEBHOOK_SECRET=whsec_… in its environment. */
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define BODY_MAX (1 << 20)
static char body[BODY_MAX];
static size_t body_len;

static const char *header(const char *name) /* CGI's name for it: HTTP_WEBHOOK_ID */
{
    const char *value = getenv(name);
    return value != NULL ? value : "";
}

static bool same(const char *a, const char *b, size_t b_len)
{
    return strlen(a) == b_len && CRYPTO_memcmp(a, b, b_len) == 0;
}

/* Standard Webhooks: signed with our secret, not older than five minutes. */
static bool verify(const char *secret)
{
    static unsigned char text[BODY_MAX + 256];
    unsigned char key[256], mac[EVP_MAX_MD_SIZE];
    char want[64] = "v1,";
    unsigned mac_len = 0;
    const char *stamp = header("HTTP_WEBHOOK_TIMESTAMP"), *id = header("HTTP_WEBHOOK_ID");
    if (labs((long)time(NULL) - strtol(stamp, NULL, 10)) > 300) {
        return false;
    }
    secret += strncmp(secret, "whsec_", 6) == 0 ? 6 : 0;
    size_t len = strlen(secret);
    int key_len = len <= 320 ? EVP_DecodeBlock(key, (const unsigned char *)secret, (int)len) : -1;
    int head = snprintf((char *)text, 256, "%s.%s.", id, stamp);
    if (key_len < 0 || head < 0 || head >= 256) {
        return false;
    }
    for (size_t i = len; i > 0 && secret[i - 1] == '='; i--) {
        key_len--; /* EVP_DecodeBlock counts the padding */
    }
    memcpy(text + head, body, body_len);
    HMAC(EVP_sha256(), key, key_len, text, (size_t)head + body_len, mac, &mac_len);
    EVP_EncodeBlock((unsigned char *)want + 3, mac, (int)mac_len);
    const char *given = header("HTTP_WEBHOOK_SIGNATURE"); /* one or more, with spaces between */
    while (*given != '\0') {
        size_t n = strcspn(given, " ");
        if (same(want, given, n)) {
            return true;
        }
        given += n + strspn(given + n, " ");
    }
    return false;
}

/* X-Hub-Signature-256, as GitHub and Meta sign; it knows no time. */
static bool verify_hub(const char *secret)
{
    unsigned char mac[EVP_MAX_MD_SIZE];
    char want[2 * EVP_MAX_MD_SIZE + 8] = "sha256=";
    unsigned mac_len = 0;
    HMAC(EVP_sha256(), secret, (int)strlen(secret), (const unsigned char *)body, body_len, mac,
         &mac_len);
    for (unsigned i = 0; i < mac_len; i++) {
        sprintf(want + 7 + 2 * i, "%02x", mac[i]);
    }
    const char *given = header("HTTP_X_HUB_SIGNATURE_256");
    return same(want, given, strlen(given));
}

int main(void)
{
    const char *secret = header("WEBHOOK_SECRET");
    body_len = fread(body, 1, sizeof(body), stdin);
    /* One of the two is enough. Choose here, never by what the sender brings. */
    bool hub = strcmp(header("WEBHOOK_CHECK"), "hub") == 0;
    bool good = secret[0] != '\0' && (hub ? verify_hub(secret) : verify(secret));
    /* Store a good one under its webhook-id before this, so that one that arrives twice is there once. */
    printf("Status: %s\r\n\r\n", good ? "204 No Content" : "401 Unauthorized");
    return 0;
}
