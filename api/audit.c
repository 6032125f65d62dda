/*
 * The audit hook: one record for each call that changes something, and a bounded number for those
 * that were refused.
 *
 * Happy path: a handler answers -> api_answer_response() asks audit_holds() -> the answer is kept
 * and the record goes to the bridge -> after its commit the answer goes on its way. A call that was
 * refused before its handler ran changed nothing: its record is written when the request ends, and
 * nobody waits for it. When the store cannot take the record, the bridge puts it into the log and
 * the caller gets the answer all the same: what he did is done.
 *
 * Refusals (401, 403, another tenant's path, 429) cost the caller nothing, so their records are
 * limited per address and in all; how many had none is said by the next one, or by a record of its
 * own when a minute later none came.
 */
#include "api_priv.h"

#include "clock.h"
#include "limit.h"

#include <stdio.h>
#include <string.h>

/* ---- what a record says ------------------------------------------------------------------------
 */

void api_audit_target(struct api_request *r, const char *target)
{
    if (target != NULL) {
        (void)snprintf(r->audit.target, sizeof(r->audit.target), "%s", target);
    }
}

void api_audit_tenant(struct api_request *r, const char *tenant)
{
    (void)snprintf(r->audit.tenant, sizeof(r->audit.tenant), "%s", tenant);
    r->audit.placed = true;
}

void api_audit_detail(struct api_request *r, const char *name, json_t *value)
{
    if (r->audit.detail == NULL) {
        r->audit.detail = json_object();
    }
    (void)json_object_set_new(r->audit.detail, name, value); /* NULL accepted */
}

void audit_actor(const struct api_request *r, char *out, size_t size)
{
    if (r->who.key_id[0] != '\0' && !bridge_of_one_chat(&r->who)) {
        (void)snprintf(out, size, "key:%s", r->who.key_id);
    } else if (r->who.subject[0] != '\0') {
        (void)snprintf(out, size, "%s", r->who.subject); /* "jwt:<sub>", "widget:<who>" */
    } else {
        (void)snprintf(out, size, "%s", r->by_link ? "link" : "nobody");
    }
}

static void address_of(const struct api_request *r, char out[INET6_ADDRSTRLEN])
{
    limits_client(r, out);
    if (out[0] == '\0') {
        (void)snprintf(out, INET6_ADDRSTRLEN, "socket");
    }
}

/* The narrowest thing that the path names; else what the answer calls "id". */
static const char *target_of(const struct api_request *r)
{
    static const enum path_param narrow[] = {PARAM_MESSAGE, PARAM_NOTE,  PARAM_CHAT, PARAM_CONTACT,
                                             PARAM_GROUP,   PARAM_KEY,   PARAM_MEDIA,
                                             PARAM_WEBHOOK, PARAM_PHONE};
    for (size_t i = 0; i < sizeof(narrow) / sizeof(narrow[0]); i++) {
        if (r->param[narrow[i]] != NULL && strlen(r->param[narrow[i]]) < sizeof(r->audit.target)) {
            return r->param[narrow[i]];
        }
    }
    const char *t = r->audit.target;
    const char *tenant = r->param[PARAM_TENANT], *session = r->param[PARAM_SESSION];
    bool new = t[0] != '\0' && (session == NULL || strcmp(t, session) != 0) &&
               (tenant == NULL || strcmp(t, tenant) != 0);
    return new ? t : NULL;
}

/* A stranger's words are not for the record of somebody's tenant: where he knocked says the route. */
static void write_record(struct api_request *r, const char *action, bool stranger,
                         bridge_done_fn done, void *arg)
{
    char actor[160], address[INET6_ADDRSTRLEN], on[128];
    audit_actor(r, actor, sizeof(actor));
    address_of(r, address);
    if (stranger && r->route != NULL) {
        (void)snprintf(on, sizeof(on), "%.15s %.100s", r->route->method, r->route->pattern);
        api_audit_detail(r, "on", json_string(on));
    }
    const char *own = r->who.tenant[0] != '\0' ? r->who.tenant : NULL;
    const char *place = r->param[PARAM_TENANT];
    if (place == NULL) {
        place = !r->audit.placed ? own : r->audit.tenant[0] != '\0' ? r->audit.tenant : NULL;
    }
    bridge_audit_write(r->api->bridge,
                       &(struct bridge_audit){
                           .tenant = stranger ? own : place,
                           .above = !stranger && r->route->auth == API_ADMIN,
                           .actor = actor,
                           .address = address,
                           .action = action,
                           .session = stranger ? NULL : r->param[PARAM_SESSION],
                           .target = stranger ? NULL : target_of(r),
                           .status = r->audit.held ? r->audit.status : r->status,
                           .code = r->audit.code,
                           .request_id = r->id,
                           .detail = r->audit.detail,
                       },
                       done, arg);
}

/* ---- how many ----------------------------------------------------------------------------------
 */

static void new_minute(struct audit_rate *rate)
{
    uint64_t minute = clock_mono_ms() / 60000;
    if (rate->minute != minute) {
        unsigned suppressed = rate->suppressed;
        memset(rate, 0, sizeof(*rate));
        rate->minute = minute;
        rate->suppressed = suppressed;
    }
}

static bool may_record(struct api_request *r)
{
    struct audit_rate *rate = &r->api->audit;
    char address[INET6_ADDRSTRLEN];
    uint32_t hash = 2166136261u; /* FNV-1a */
    address_of(r, address);
    for (const char *s = address; *s != '\0'; s++) {
        hash = (hash ^ (unsigned char)*s) * 16777619u;
    }
    new_minute(rate);
    unsigned char *slot = &rate->per_address[hash % AUDIT_SLOTS];
    if (rate->all >= AUDIT_PER_MINUTE || *slot >= AUDIT_PER_ADDRESS) {
        rate->suppressed++;
        return false;
    }
    rate->all++;
    ++*slot;
    if (rate->suppressed > 0) {
        api_audit_detail(r, "suppressed_before", json_integer(rate->suppressed));
        rate->suppressed = 0;
    }
    return true;
}

/* Refusals that had no record are told when the minute is over. */
void audit_tick(struct api *a)
{
    struct audit_rate *rate = &a->audit;
    if (rate->suppressed == 0 || rate->minute == clock_mono_ms() / 60000 || a->closing) {
        return;
    }
    json_t *detail = json_pack("{s:i}", "suppressed_before", (int)rate->suppressed);
    bridge_audit_write(a->bridge,
                       &(struct bridge_audit){.actor = "daemon",
                                              .address = "socket",
                                              .action = "auth.suppressed",
                                              .status = 401,
                                              .detail = detail},
                       NULL, NULL);
    json_decref(detail);
    rate->suppressed = 0;
}

/* ---- the hook ----------------------------------------------------------------------------------
 */

/* The path names what the key must not know of. */
static bool is_outside(const struct api_request *r)
{
    const char *code = r->audit.code != NULL ? r->audit.code : "";
    const char *session = r->param[PARAM_SESSION];
    return !r->who.admin && (strcmp(code, "unknown_tenant") == 0 ||
                             (strcmp(code, "unknown_session") == 0 && session != NULL &&
                              !bridge_sees_session(&r->who, session)));
}

/* Anybody may send what an open route does not take, as often as he likes: such a call is counted
 * with the refusals, so that nobody without a key fills the log. */
static bool is_refusal(const struct api_request *r, int status)
{
    return (r->route != NULL && (r->route->flags & API_GUESS) != 0 &&
            status >= MHD_HTTP_BAD_REQUEST) ||
           status == MHD_HTTP_UNAUTHORIZED || status == MHD_HTTP_FORBIDDEN ||
           status == MHD_HTTP_TOO_MANY_REQUESTS ||
           (status == MHD_HTTP_NOT_FOUND && is_outside(r));
}

/* A limit stopped somebody on what is his: the record names it like any other. */
static bool is_at_home(const struct api_request *r)
{
    const char *tenant = r->param[PARAM_TENANT], *session = r->param[PARAM_SESSION];
    return r->status == MHD_HTTP_TOO_MANY_REQUESTS && tenant != NULL &&
           (r->who.admin || (strcmp(r->who.tenant, tenant) == 0 &&
                             (session == NULL || bridge_sees_session(&r->who, session))));
}

static const char *word_of(const struct api_request *r, char out[AUDIT_WORD])
{
    return r->route != NULL ? audit_word(r->route, out) : NULL;
}

bool audit_holding(const struct api_request *r)
{
    return r->audit.held;
}

/* The answer goes on, whatever became of the record. */
static void go_on(struct api_request *r)
{
    struct MHD_Response *response = r->audit.response;
    r->audit.response = NULL;
    r->audit.held = false;
    r->audit.done = true;
    api_answer_response(r, r->audit.status, NULL, response);
}

static void on_recorded(void *arg, const struct bridge_reply *reply)
{
    struct api_request *r = arg;
    (void)reply; /* the bridge has logged what went wrong */
    if (r->audit.held) {
        go_on(r);
    }
    request_release(r);
}

/* What says itself who sent it. */
static bool is_send(const char *action)
{
    return strcmp(action, "message.send") == 0 || strcmp(action, "message.retry") == 0;
}

bool audit_holds(struct api_request *r, int status, struct MHD_Response *response)
{
    char word[AUDIT_WORD];
    if (r->audit.done || r->state.state != REQUEST_WAITING || is_refusal(r, status)) {
        return false;
    }
    const char *action = word_of(r, word);
    if (action == NULL || (is_send(action) && status < 400 && !bridge_audit_sends(r->api->bridge))) {
        r->audit.done = action != NULL;
        return false;
    }
    r->audit.held = true;
    r->audit.status = status;
    r->audit.response = response;
    write_record(r, action, false, on_recorded, api_hold(r));
    return true;
}

void audit_let_go(struct api_request *r)
{
    if (r->audit.held && r->conn != NULL) {
        go_on(r);
    }
}

void audit_ended(struct api_request *r)
{
    char word[AUDIT_WORD];
    if (r->audit.done || r->audit.held || r->status == 0) {
        return;
    }
    const char *action = word_of(r, word);
    bool refused = is_refusal(r, r->status);
    if (refused && (r->status == MHD_HTTP_UNAUTHORIZED || action == NULL)) {
        action = r->status == MHD_HTTP_UNAUTHORIZED ? "auth.failed" : "auth.forbidden";
    }
    if (r->route == NULL || action == NULL || strcmp(r->method, "OPTIONS") == 0 ||
        (refused && !may_record(r))) {
        return;
    }
    r->audit.done = true;
    write_record(r, action, refused && !is_at_home(r), NULL, NULL);
}
