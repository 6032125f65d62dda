/*
 * libFuzzer target: no text is a good token without the secret, and no JWK set breaks the reader.
 * The input is a token; what follows its first newline is a JWK set.
 */
#include "token.h"

#include "mem.h"

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
    static const char secret[] = "a secret that the fuzzer does not know, at least not by heart";
    static const struct token_rules rules = {.algorithms = TOKEN_HS256 | TOKEN_RS256 | TOKEN_ES256,
                                             .issuer = "i",
                                             .audience = "a",
                                             .tenant_claim = "tenant",
                                             .role_claim = "role",
                                             .sessions_claim = "sessions"};
    struct token_keyset set;
    struct bridge_principal who;
    struct err e;
    char *text = mem_strndup((const char *)data, size);
    if (text == NULL) {
        return 0;
    }
    char *line = memchr(text, '\n', size);
    size_t rest = line != NULL ? size - (size_t)(line + 1 - text) : 0;
    if (line != NULL) {
        *line = '\0';
    }
    int rc = jwks_read(line != NULL ? line + 1 : "", rest, &set, &e);
    must((rc == 0) == (set.n > 0));
    set.key[set.n++] = (struct token_key){
        .alg = TOKEN_HS256, .text = mem_strdup(secret), .len = sizeof(secret) - 1};
    must(token_check(text, &rules, &set, 1, &who, &e) != 0);
    must(e.code < 0 && e.msg[0] != '\0');
    token_keyset_finish(&set);
    free(text);
    return 0;
}
