/*
 * Signatures of webhook posts, as Standard Webhooks (standardwebhooks.com) and as Meta's receivers
 * check them. Pure functions but signature_secret_make(). Private to bridge/. Thread: any.
 */
#ifndef BRIDGE_SIGNATURE_H
#define BRIDGE_SIGNATURE_H

#include "err.h"

#include <stddef.h>
#include <stdint.h>

#define SIGNATURE_KEY_MIN 16
#define SIGNATURE_KEY_MAX 64
#define SIGNATURE_SECRET_LEN 95 /* "whsec_" and the base64 of 64 bytes, and NUL */

/* A new secret: "whsec_" and the base64 of 32 random bytes. */
void signature_secret_make(char out[SIGNATURE_SECRET_LEN]);
/* The key inside "whsec_<base64 of 16..64 bytes>". E_INVALID with field "secret". */
int signature_key(const char *secret, uint8_t key[SIGNATURE_KEY_MAX], size_t *len, struct err *e);

#define SIGNATURE_STANDARD_LEN 48 /* "v1," and 44 characters, and NUL */
#define SIGNATURE_HUB_LEN 72      /* "sha256=" and 64 characters, and NUL */
/* signed_text is "<id>.<timestamp>.<body>"; its last body_len bytes are the body. The first is
 * keyed with the key inside the secret, the second (over the body alone) with the secret's whole
 * text. 0, E_INVALID, E_INTERNAL. */
int signature_sign(const char *secret, const char *signed_text, size_t len, size_t body_len,
                   char standard[SIGNATURE_STANDARD_LEN], char hub[SIGNATURE_HUB_LEN]);

#endif
