#include "opt_out.h"

#include "core_priv.h"
#include "event.h"
#include "json.h"

#include <stdlib.h>
#include <string.h>

/* ---- rows --------------------------------------------------------------------------------------
 */

static int row_at(struct store_txn *t, const char *tenant, const char *jid, json_t **doc)
{
    struct store_value v;
    *doc = NULL;
    int rc = store_get(t, STORE_OPT_OUTS, STORE_PATH(tenant, jid), &v);
    if (rc != 0) {
        return rc == E_NOTFOUND ? 0 : rc;
    }
    *doc = record_parse(v, NULL);
    return *doc != NULL ? 0 : E_NOMEM;
}

/* The row itself, also through an id that says where it is. */
static int row_of(struct store_txn *t, const char *tenant, const char *jid, json_t **doc)
{
    int rc = row_at(t, tenant, jid, doc);
    const char *of = json_str(*doc, "of");
    if (rc == 0 && of != NULL) {
        json_t *alias = *doc;
        rc = row_at(t, tenant, of, doc);
        json_decref(alias);
    }
    return rc;
}

int opt_out_find(struct store_txn *t, const char *tenant, const struct person *who, json_t **doc)
{
    char jids[IDENTITY_JIDS_MAX][STORE_MAX_ID + 1];
    size_t n = identity_jids(who, jids);
    int rc = 0;
    *doc = NULL;
    for (size_t i = 0; rc == 0 && i < n; i++) {
        json_t *other = NULL;
        rc = row_of(t, tenant, jids[i], &other);
        if (other != NULL &&
            (*doc == NULL || json_int(other, "at_ms", 0) > json_int(*doc, "at_ms", 0))) {
            json_t *older = *doc;
            *doc = other;
            other = older;
        }
        json_decref(other);
    }
    if (rc != 0) {
        json_decref(*doc);
        *doc = NULL;
    }
    return rc;
}

static int put_alias(struct store_txn *t, const char *tenant, const char *jid, const char *of)
{
    json_t *alias = json_pack("{s:s}", "of", of);
    int rc = record_put(t, STORE_OPT_OUTS, STORE_PATH(tenant, jid), alias, NULL);
    json_decref(alias);
    return rc;
}

int opt_out_save(struct store_txn *t, const char *tenant, const struct person *who, json_t *doc)
{
    char jids[IDENTITY_JIDS_MAX][STORE_MAX_ID + 1];
    struct person all = *who;
    const char *phone = json_str_or(doc, "phone", ""), *lid = json_str_or(doc, "lid", "");
    if (all.phone[0] == '\0') {
        memcpy(all.phone, phone, strnlen(phone, PHONE_MAX) + 1);
    }
    if (all.lid[0] == '\0') {
        memcpy(all.lid, lid, strnlen(lid, STORE_MAX_ID) + 1);
    }
    size_t n = identity_jids(&all, jids);
    const char *at = n == 0 ? "" : jids[all.phone[0] != '\0' && all.lid[0] != '\0' ? 1 : 0];
    int rc = n > 0 ? 0 : E_INVALID;
    rc = rc == 0 && all.phone[0] != '\0' ? json_set_str(doc, "phone", all.phone) : rc;
    rc = rc == 0 && all.lid[0] != '\0' ? json_set_str(doc, "lid", all.lid) : rc;
    rc = rc != 0 ? rc : record_put(t, STORE_OPT_OUTS, STORE_PATH(tenant, at), doc, NULL);
    for (size_t i = 0; rc == 0 && i < n; i++) {
        if (strcmp(jids[i], at) != 0) {
            rc = put_alias(t, tenant, jids[i], at);
        }
    }
    return rc;
}

int opt_out_set(json_t **doc, bool out, const char *source, const char *session, uint64_t at_ms,
                uint64_t heard_ms)
{
    if (*doc == NULL) {
        *doc = json_pack("{s:n, s:n, s:n, s:n, s:i}", "phone", "lid", "text", "reason",
                         "confirmed_ms", 0);
    }
    int rc = *doc != NULL ? body_set(*doc, "out", json_boolean(out)) : E_NOMEM;
    rc = rc != 0 ? rc : json_set_str(*doc, "source", source);
    rc = rc != 0 ? rc : json_set_str(*doc, "session", session);
    rc = rc != 0 ? rc : body_set(*doc, "at_ms", json_integer((json_int_t)at_ms));
    return rc != 0 ? rc : body_set(*doc, "heard_ms", json_integer((json_int_t)heard_ms));
}

json_t *opt_out_public(const json_t *doc)
{
    json_t *o = json_pack("{s:s?, s:s?, s:s?, s:s?, s:s?, s:s?}", "phone", json_str(doc, "phone"),
                          "lid", json_str(doc, "lid"), "source", json_str(doc, "source"), "session",
                          json_str(doc, "session"), "text", json_str(doc, "text"), "reason",
                          json_str(doc, "reason"));
    if (o != NULL && json_set_time(o, "opted_out_at", (uint64_t)json_int(doc, "at_ms", 0)) != 0) {
        json_decref(o);
        return NULL;
    }
    return o;
}

int opt_out_tell(struct bridge *b, struct store_txn *t, const char *tenant, const char *session,
                 const json_t *doc, const struct person *who)
{
    const bool out = json_flag(doc, "out", false);
    const struct channel_peer p = {.id = who->id, .phone = who->phone, .lid = who->lid};
    json_t *shown = opt_out_public(doc);
    size_t len = 0;
    int rc = shown != NULL ? 0 : E_NOMEM;
    if (rc == 0 && !out) {
        json_object_del(shown, "opted_out_at");
        rc = json_set_time(shown, "opted_in_at", (uint64_t)json_int(doc, "at_ms", 0));
    }
    if (rc == 0 && who->contact_id[0] != '\0') {
        rc = json_set_str(shown, "contact_id", who->contact_id);
    }
    json_t *data = rc == 0 ? json_pack("{s:O}", "opt_out", shown) : NULL;
    char *text = data != NULL ? json_text(data, &len) : NULL;
    const struct event_draft d = {.tenant = tenant,
                                  .session = session,
                                  .type = out ? "contact.opted_out" : "contact.opted_in",
                                  .chat_lane = peer_lane(&p),
                                  .data = text,
                                  .data_len = len};
    rc = rc != 0 ? rc : text == NULL ? E_NOMEM : event_append(b, t, &d, NULL, NULL);
    free(text);
    json_decref(data);
    json_decref(shown);
    return rc;
}

int opt_out_settings(struct store_txn *t, const char *tenant, json_t **out)
{
    struct store_value v;
    *out = NULL;
    int rc = store_get(t, STORE_GUARDS, STORE_PATH(tenant, "opt_out"), &v);
    if (rc != 0) {
        return rc == E_NOTFOUND ? 0 : rc;
    }
    *out = record_parse(v, NULL);
    return *out != NULL ? 0 : E_NOMEM;
}

/* ---- what others ask ---------------------------------------------------------------------------
 */

/* Did they write something that one may reply to, since they asked to be left alone? */
static int answers(struct store_txn *t, const struct message_owner *o, const struct person *who,
                   const json_t *doc, uint64_t now_ms, bool *out)
{
    char jids[IDENTITY_JIDS_MAX + 1][STORE_MAX_ID + 1];
    size_t n = identity_jids(who, jids);
    const uint64_t heard = (uint64_t)json_int(doc, "heard_ms", 0);
    const uint64_t at = (uint64_t)json_int(doc, "at_ms", 0);
    int rc = 0;
    *out = false;
    if (who->contact_id[0] != '\0') {
        return window_answers(t, o, who->contact_id, heard, at, now_ms, out);
    }
    for (size_t i = 0; rc == 0 && !*out && i < n; i++) {
        rc = window_answers(t, o, jids[i], heard, at, now_ms, out);
    }
    return rc;
}

int opt_out_refuses(struct store_txn *t, const struct message_owner *o, const struct person *who,
                    uint64_t now_ms, bool *refused)
{
    json_t *doc = NULL;
    bool reply = false;
    *refused = false;
    int rc = opt_out_find(t, o->tenant, who, &doc);
    if (rc == 0 && json_flag(doc, "out", false)) {
        rc = answers(t, o, who, doc, now_ms, &reply);
        *refused = rc == 0 && !reply;
    }
    json_decref(doc);
    return rc;
}

int opt_out_unite(struct store_txn *t, const struct message_owner *o, const struct person *now)
{
    json_t *doc = NULL;
    int rc = opt_out_find(t, o->tenant, now, &doc);
    if (rc == 0 && doc != NULL) {
        rc = opt_out_save(t, o->tenant, now, doc);
    }
    json_decref(doc);
    return rc;
}
