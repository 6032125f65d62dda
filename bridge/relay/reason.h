/*
 * Why a delivery failed, as stable words: `last_reason` and `reason` beside the sentence of
 * `last_error`, so that a client can say it in its own language. Private to bridge/relay. Thread:
 * any.
 */
#ifndef BRIDGE_RELAY_REASON_H
#define BRIDGE_RELAY_REASON_H

#include <stdint.h>

/* The numbers are stored with the deliveries: none ever gets another meaning. The schemas and the
 * catalogues of the dashboard list the same words; a test compares. */
#define RELAY_REASON_TABLE(X)                                                                      \
    X(RELAY_FINE, 0, "")                                                                           \
    X(RELAY_STATUS, 1, "status")                 /* an HTTP status that is no success */           \
    X(RELAY_REDIRECT, 2, "redirect")             /* redirects are not followed */                  \
    X(RELAY_TIMEOUT, 3, "timeout")               /* no answer in time */                           \
    X(RELAY_DNS, 4, "dns")                       /* the name is not known */                       \
    X(RELAY_REFUSED, 5, "refused")               /* nothing listens there */                       \
    X(RELAY_TLS, 6, "tls")                       /* no secure connection */                        \
    X(RELAY_FORBIDDEN, 7, "address_forbidden")   /* a private address that is not allowed */       \
    X(RELAY_TOO_LONG, 8, "too_long")             /* the answer is */                               \
    X(RELAY_CONNECTION, 9, "connection")         /* it broke in another way */                     \
    X(RELAY_EXPIRED, 10, "expired")              /* while the webhook was paused or disabled */    \
    X(RELAY_EVENT_GONE, 11, "event_gone")        /* nothing is left to send */                     \
    X(RELAY_UNUSABLE, 12, "webhook_unusable")    /* its settings cannot be used */                 \
    X(RELAY_NOT_STARTED, 13, "not_started")      /* the daemon could not even begin */

enum relay_reason {
#define RELAY_REASON_ENUM(name, number, word) name = (number),
    RELAY_REASON_TABLE(RELAY_REASON_ENUM)
#undef RELAY_REASON_ENUM
        RELAY_REASONS
};
/* NULL for RELAY_FINE and for a number that this program does not know. Static. */
const char *relay_reason_word(unsigned reason);
/* RELAY_FINE for NULL and for an unknown word. */
enum relay_reason relay_reason_parse(const char *word);

#endif
