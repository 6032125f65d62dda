/*
 * An agent's settings: checked as they come in, as they are stored, as they are shown, as they are
 * used. Private to bridge/agent.
 *
 * Stored (STORE_AGENTS "settings"): the members of the PUT body in their checked form, except that
 * api_key, secret and headers are sealed texts, and created_ms, updated_ms. How the endpoint fares
 * is a record of its own ("health"): {failing,failures,error,success_ms,alert_ms}.
 */
#ifndef BRIDGE_AGENT_SETTINGS_H
#define BRIDGE_AGENT_SETTINGS_H

#include "agent_format.h"
#include "agent_loop.h"
#include "core.h"
#include "signature.h"

#include <curl/curl.h>

#define AGENT_PART_SETTINGS "settings"
#define AGENT_PART_HEALTH "health"

/* Checks a PUT body. Gives an object with the members that the body had, in their stored form,
 * except that api_key, secret and headers are still plain. E_INVALID with the field. (pure) */
int agent_check(const json_t *body, bool allow_private, json_t **changes, struct err *e);
/* What a kind needs is there? record: merged. E_INVALID "required". (pure) */
int agent_check_whole(const json_t *record, struct err *e);
/* What a new agent starts from. Gives. */
json_t *agent_defaults(void);

/* Seals text for that part ("api_key", "secret", "headers") of that session's agent. Thread: any.
 */
int agent_seal(struct bridge *b, const char *tenant, const char *session, const char *part,
               const char *text, char **sealed, struct err *e);
/* Gives the plain text (mem_wipe_free() with *len), NULL when there is none. */
int agent_unseal(struct bridge *b, const char *tenant, const char *session, const char *part,
                 const json_t *record, char **text, size_t *len, struct err *e);
int agent_headers(struct bridge *b, const char *tenant, const char *session, const json_t *record,
                  json_t **headers, struct err *e);

struct agent_health {
    bool failing;      /* alert.agent_failing was the last that was told */
    uint32_t failures; /* consecutive messages that got no answer */
    uint64_t success_ms, alert_ms;
    char error[160];
};
json_t *agent_health_json(const struct agent_health *h);
void agent_health_read(const json_t *health, struct agent_health *out);

/* The object of the contract. Gives; NULL: no memory. */
json_t *agent_object(const json_t *record, const json_t *headers, const struct agent_health *h);

/* As the loop uses them. */
struct agent_settings {
    bool enabled, typing;
    enum agent_kind kind;
    char *url, *model, *system_prompt, *agent_id, *apology, *marker; /* NULL: none */
    struct curl_slist *headers;                                      /* with the key */
    char *secret; /* whsec_…, NULL: posts are not signed */
    json_t *keywords;
    unsigned history_turns, retries, max_replies_per_hour;
    uint64_t timeout_ms, retry_delay_ms, media_wait_ms;
    struct agent_loop_rules loop;
};
int agent_settings_read(struct bridge *b, const char *tenant, const char *session,
                        const json_t *record, struct agent_settings *out, struct err *e);
void agent_settings_finish(struct agent_settings *s); /* accepts a zeroed one */

#endif
