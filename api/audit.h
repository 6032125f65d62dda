/* Who did what (docs/audit.md): audit.c and audit_words.c. Private to api/. Thread: loop. */
#ifndef API_AUDIT_H
#define API_AUDIT_H

#include <jansson.h>
#include <microhttpd.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct api;
struct api_request;
struct api_route;

/*
 * Every answer passes api_answer_response(), and there a mutating call that a handler answered is
 * held until its audit record is durable. What is refused earlier is recorded when the request
 * ends. A handler need not do anything; it may add to its record before it answers:
 */
/* What was acted on, when neither the path nor the "id" of the answer says it. */
void api_audit_target(struct api_request *r, const char *target);
/* Whose log it belongs to, when the path does not say it; "": that of acts above tenants. Else it is
 * the caller's own. */
void api_audit_tenant(struct api_request *r, const char *tenant);
/* A member of `detail`; takes value. No message contents, no secrets. Past 1 KiB all is left out. */
void api_audit_detail(struct api_request *r, const char *name, json_t *value);

/* "session.start": stable, of the table in audit_words.c or made of method and pattern. NULL: the
 * route changes nothing, or nothing worth a record. */
#define AUDIT_WORD 64
const char *audit_word(const struct api_route *route, char out[AUDIT_WORD]);
/* Who asks: "key:<id>", "link", "nobody". */
void audit_actor(const struct api_request *r, char *out, size_t size);
/* The answer waits: it is kept and given again to api_answer_response() after the commit. */
bool audit_holds(struct api_request *r, int status, struct MHD_Response *response);
bool audit_holding(const struct api_request *r);
void audit_let_go(struct api_request *r); /* the server goes away: answers without waiting */
void audit_ended(struct api_request *r);  /* records what was answered without a record */
void audit_tick(struct api *a);

/* Records of refused logins and refusals: so many a minute; the others are counted. */
#define AUDIT_SLOTS 64
#define AUDIT_PER_ADDRESS 10
#define AUDIT_PER_MINUTE 120
struct audit_rate {
    uint64_t minute; /* of the monotonic clock */
    unsigned all, suppressed;
    unsigned char per_address[AUDIT_SLOTS]; /* by hash of the address */
};

#endif
