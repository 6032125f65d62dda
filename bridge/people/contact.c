#include "contact.h"

#include "crypto.h"
#include "json.h"
#include "text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HOPS_MAX 8  /* merges of merges */
#define TRIES_MAX 1000 /* other ids for the same first JID: numbers change hands to and fro */

static void copy(char *out, size_t size, const char *in)
{
    size_t len = in != NULL ? text_utf8_cut(in, strlen(in), size - 1) : 0;
    if (len > 0) {
        memcpy(out, in, len);
    }
    out[len] = '\0';
}

int contact_new_id(struct store_txn *t, const struct message_owner *o, const char *jid,
                   char out[CONTACT_ID_LEN + 1])
{
    char seed[64 + 64 + STORE_MAX_ID + 16];
    uint8_t hash[CRYPTO_SHA256_LEN];
    for (unsigned n = 0; n < TRIES_MAX; n++) {
        char taken[CONTACT_ID_LEN + 1];
        int len = snprintf(seed, sizeof(seed), "%s/%s/%s", o->tenant, o->session, jid);
        if (n > 0) {
            len += snprintf(seed + len, sizeof(seed) - (size_t)len, "#%u", n);
        }
        int rc = crypto_sha256(seed, (size_t)len, hash);
        if (rc != 0) {
            return rc;
        }
        memcpy(out, "con_", 4);
        crypto_hex(hash, (CONTACT_ID_LEN - 4) / 2, out + 4);
        rc = contact_resolve(t, o, out, taken);
        if (rc != 0) {
            return rc == E_NOTFOUND ? 0 : rc;
        }
    }
    return E_EXISTS;
}

static int follow(struct store_txn *t, const struct message_owner *o, const char *jid,
                  char out[CONTACT_ID_LEN + 1])
{
    struct store_value v;
    int rc = store_get(t, STORE_ALIASES, STORE_PATH(o->tenant, o->session, jid), &v);
    if (rc != 0) {
        return rc == E_TOOLARGE || rc == E_INVALID ? E_NOTFOUND : rc;
    }
    if (v.len != CONTACT_ID_LEN) {
        return E_NOTFOUND;
    }
    memcpy(out, v.data, v.len);
    out[v.len] = '\0';
    return 0;
}

int contact_resolve(struct store_txn *t, const struct message_owner *o, const char *jid,
                    char out[CONTACT_ID_LEN + 1])
{
    char at[STORE_MAX_ID + 1];
    copy(at, sizeof(at), jid);
    bool known = identity_is_contact(at);
    for (unsigned hop = 0; hop < HOPS_MAX; hop++) {
        struct store_value v;
        if (known) {
            int rc = store_get(t, STORE_CONTACTS, STORE_PATH(o->tenant, o->session, at), &v);
            if (rc == 0) {
                memcpy(out, at, CONTACT_ID_LEN + 1);
            }
            if (rc != E_NOTFOUND) {
                return rc;
            }
        }
        int rc = follow(t, o, at, out);
        if (rc != 0) {
            return rc;
        }
        memcpy(at, out, CONTACT_ID_LEN + 1);
        known = true;
    }
    return E_NOTFOUND;
}

int contact_load(struct store_txn *t, const struct message_owner *o, const char *id, json_t **out)
{
    struct store_value v;
    *out = NULL;
    int rc = store_get(t, STORE_CONTACTS, STORE_PATH(o->tenant, o->session, id), &v);
    if (rc == 0) {
        *out = message_load(v);
    }
    return rc == 0 && *out == NULL ? E_NOMEM : rc;
}

int contact_save(struct store_txn *t, const struct message_owner *o, const char *id,
                 const json_t *doc)
{
    json_t *was;
    size_t len = 0;
    int rc = contact_load(t, o, id, &was);
    if (rc != 0 && rc != E_NOTFOUND) {
        return rc;
    }
    char *text = json_text(doc, &len);
    rc = text != NULL
             ? store_put(t, STORE_CONTACTS, STORE_PATH(o->tenant, o->session, id), text, len)
             : E_NOMEM;
    rc = rc != 0 ? rc : terms_update(t, o, id, was, doc);
    free(text);
    json_decref(was);
    return rc;
}

int contact_become(struct store_txn *t, const struct message_owner *o, const char *id,
                   const char *now)
{
    json_t *was;
    int rc = contact_load(t, o, id, &was);
    rc = rc != 0 ? rc : terms_update(t, o, id, was, NULL);
    rc = rc != 0 ? rc : store_del(t, STORE_CONTACTS, STORE_PATH(o->tenant, o->session, id));
    json_decref(was);
    return rc != 0 ? rc : contact_alias(t, o, id, now);
}

int contact_alias(struct store_txn *t, const struct message_owner *o, const char *jid,
                  const char *id)
{
    struct store_value v;
    const char *const *path = STORE_PATH(o->tenant, o->session, jid);
    int rc = store_get(t, STORE_ALIASES, path, &v);
    if (rc == 0 && v.len == strlen(id) && memcmp(v.data, id, v.len) == 0) {
        return 0;
    }
    return rc == 0 || rc == E_NOTFOUND ? store_put(t, STORE_ALIASES, path, id, strlen(id)) : rc;
}

int contact_unalias(struct store_txn *t, const struct message_owner *o, const char *jid)
{
    int rc = store_del(t, STORE_ALIASES, STORE_PATH(o->tenant, o->session, jid));
    return rc == E_NOTFOUND ? 0 : rc;
}

void contact_person(const json_t *doc, struct person *out)
{
    memset(out, 0, sizeof(*out));
    copy(out->id, sizeof(out->id), json_str(json_obj(doc, "_"), "jid"));
    copy(out->contact_id, sizeof(out->contact_id), json_str(doc, "id"));
    copy(out->phone, sizeof(out->phone), json_str(doc, "phone"));
    copy(out->lid, sizeof(out->lid), json_str(doc, "lid"));
    copy(out->name, sizeof(out->name), json_str(doc, "name"));
}

json_t *contact_public(json_t *doc)
{
    if (doc != NULL) {
        json_object_del(doc, "_");
    }
    return doc;
}

int contact_tell(struct bridge *b, struct store_txn *t, const struct message_owner *o,
                 const char *type, json_t *doc)
{
    struct person who;
    size_t len = 0;
    contact_person(doc, &who);
    const struct channel_peer p = {.id = who.id, .phone = who.phone, .lid = who.lid};
    json_t *copied = contact_public(json_copy(doc));
    json_t *data = json_pack("{s:o?}", "contact", copied);
    char *text = data != NULL ? json_text(data, &len) : NULL;
    int rc = text != NULL ? message_event(b, t, o, type, peer_lane(&p), text, len) : E_NOMEM;
    free(text);
    json_decref(data);
    return rc;
}
