/*
 * A webhook's settings: checked as they come in, as they are stored, as they are shown.
 *
 * Stored record: {url,events,sessions,enabled,retry{…},secret,headers,created_ms,updated_ms,health}
 * where secret and headers are sealed texts (places "<tenant>/webhook/<id>" and the same with
 * "/headers"). Private to bridge/relay.
 */
#ifndef BRIDGE_WEBHOOK_H
#define BRIDGE_WEBHOOK_H

#include "core.h"
#include "reason.h"
#include "retry.h"

#include <jansson.h>

#define WEBHOOK_MAX_EVENTS 20
#define WEBHOOK_MAX_SESSIONS 50
#define WEBHOOK_MAX_HEADERS 16
#define WEBHOOK_MASK                                                                               \
    "***" /* a header's value when it is shown and looks secret; given back: kept */

/* Checks a PUT body (pure). Gives an object with the members that the body had, in their stored
 * form, except that secret and headers are still plain. E_INVALID with the field. */
int webhook_check(const json_t *body, bool allow_private, json_t **changes, struct err *e);
/* "*", "message.*", "session.status" …: of a family of events that exists (pure). */
bool webhook_pattern_valid(const char *pattern);
/* Authorization, *-Key, *-Token and the like (pure). */
bool webhook_header_secret(const char *name);

/* The member "headers" of a body, checked, into changes (pure). */
int webhook_take_headers(json_t *changes, const json_t *body, struct err *e);
/* Headers as they are shown: what looks secret is WEBHOOK_MASK. Gives. */
json_t *webhook_masked(const json_t *headers);

/* What a new webhook starts from. Gives. */
json_t *webhook_defaults(void);
struct retry_policy webhook_retry(const json_t *record);

/* The webhook's sealed parts. Thread: any. Secret: mem_wipe_free(). Headers: gives an object. */
int webhook_seal_secret(struct bridge *b, const char *tenant, const char *webhook,
                        const char *secret, char **sealed, struct err *e);
int webhook_secret(struct bridge *b, const char *tenant, const char *webhook, const json_t *record,
                   char **secret, size_t *len, struct err *e);
int webhook_seal_headers(struct bridge *b, const char *tenant, const char *webhook,
                         const json_t *headers, char **sealed, struct err *e);
int webhook_headers(struct bridge *b, const char *tenant, const char *webhook, const json_t *record,
                    json_t **headers, struct err *e);

/* The object of the contract; health (NULL: as stored) is what the relay knows. Gives. */
json_t *webhook_object(const char *webhook, const json_t *record, const json_t *headers,
                       const json_t *health);

/* E_NOTFOUND "unknown_webhook"; webhook may be NULL. */
int webhook_unknown(struct err *e, const char *webhook);
/* Do the sessions of a stored record (NULL: no) lie within these patterns? (pure) */
bool webhook_within(const json_t *record, const char *patterns);

/* How an endpoint fares, in its stored form: {paused,failures,error,reason,success_ms,probes}. Gives. */
struct webhook_health {
    bool paused;
    uint32_t failures; /* consecutive */
    uint32_t probes;   /* failed ones of this pause */
    uint64_t success_ms;
    char error[160];
    enum relay_reason reason; /* the kind of error */
};
json_t *webhook_health_json(const struct webhook_health *h);
void webhook_health_read(const json_t *health, struct webhook_health *out);

#endif
