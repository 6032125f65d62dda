/*
 * Happy path of learning: told -> the aliases of its LID and its number -> the contact of both ->
 * differences written, nothing otherwise. A second id: contact_merge.c. A number alone does not
 * bind two different LIDs together: numbers change hands.
 */
#include "chat_row.h"
#include "contact.h"

#include "clock.h"
#include "guard.h"
#include "json.h"
#include "text.h"

#include <stdio.h>
#include <string.h>

static void copy(char *out, size_t size, const char *in)
{
    size_t len = in != NULL ? text_utf8_cut(in, strlen(in), size - 1) : 0;
    if (len > 0) {
        memcpy(out, in, len);
    }
    out[len] = '\0';
}

static bool ends_with(const char *s, const char *end)
{
    size_t n = s != NULL ? strlen(s) : 0, m = strlen(end);
    return n > m && strcmp(s + n - m, end) == 0;
}

bool identity_is_person(const char *jid)
{
    return ends_with(jid, "@c.us") || ends_with(jid, "@lid");
}

bool identity_is_contact(const char *id)
{
    return id != NULL && strncmp(id, "con_", 4) == 0 && strlen(id) == CONTACT_ID_LEN &&
           strspn(id + 4, "0123456789abcdef") == CONTACT_ID_LEN - 4;
}

static void phone_jid(const char *phone, char out[STORE_MAX_ID + 1])
{
    size_t len = strnlen(phone, PHONE_MAX);
    memcpy(out, phone, len);
    memcpy(out + len, "@c.us", sizeof("@c.us"));
}

/* What p tells about its person, gaps filled from the form of its id. */
void identity_told(const struct channel_peer *p, struct person *out)
{
    memset(out, 0, sizeof(*out));
    copy(out->id, sizeof(out->id), p->id);
    copy(out->phone, sizeof(out->phone), p->phone);
    copy(out->lid, sizeof(out->lid), p->lid);
    copy(out->name, sizeof(out->name), p->name);
    if (out->phone[0] == '\0') {
        (void)chat_id_phone(out->id, out->phone);
    }
    if (out->lid[0] == '\0' && ends_with(out->id, "@lid")) {
        copy(out->lid, sizeof(out->lid), out->id);
    }
}

int identity_find(struct store_txn *t, const struct message_owner *o, const char *jid,
                  struct person *out)
{
    char id[CONTACT_ID_LEN + 1];
    json_t *doc = NULL;
    int rc = contact_resolve(t, o, jid, id);
    rc = rc != 0 ? rc : contact_load(t, o, id, &doc);
    if (rc == 0) {
        contact_person(doc, out);
    }
    json_decref(doc);
    return rc;
}

/* ---- learning ----------------------------------------------------------------------------------
 */

/* The contacts that what was told is about: none, one, or two that are one. */
struct known {
    json_t *doc[2];
    struct person was[2];
    size_t count;
};

static void known_free(struct known *k)
{
    json_decref(k->doc[0]);
    json_decref(k->doc[1]);
}

static int known_add(struct store_txn *t, const struct message_owner *o, struct known *k,
                     const char *jid)
{
    char id[CONTACT_ID_LEN + 1];
    int rc = contact_resolve(t, o, jid, id);
    if (rc != 0) {
        return rc == E_NOTFOUND ? 0 : rc;
    }
    if (k->count > 0 && strcmp(k->was[0].contact_id, id) == 0) {
        return 0;
    }
    rc = contact_load(t, o, id, &k->doc[k->count]);
    if (rc == 0) {
        contact_person(k->doc[k->count], &k->was[k->count]);
        k->count++;
    }
    return rc;
}

/* The last that was added had the number of somebody else: it keeps the rest. */
static int lose_number(struct store_txn *t, const struct message_owner *o, struct known *k)
{
    json_t *doc = k->doc[--k->count];
    const char *id = k->was[k->count].contact_id;
    int rc = json_set_str(doc, "phone", NULL);
    rc = rc != 0 ? rc : contact_save(t, o, id, doc);
    json_decref(doc);
    k->doc[k->count] = NULL;
    return rc;
}

static int find_known(struct store_txn *t, const struct message_owner *o, const struct person *new,
                      struct known *k)
{
    char jid[STORE_MAX_ID + 1];
    int rc = new->lid[0] != '\0' ? known_add(t, o, k, new->lid) : 0;
    size_t before = k->count;
    if (rc == 0 && new->phone[0] != '\0') {
        phone_jid(new->phone, jid);
        rc = known_add(t, o, k, jid);
    }
    if (rc == 0 && k->count > before && new->lid[0] != '\0') {
        const struct person *p = &k->was[k->count - 1];
        if (p->lid[0] != '\0' && strcmp(p->lid, new->lid) != 0) {
            rc = lose_number(t, o, k);
        }
    }
    if (rc == 0 && k->count == 0 && new->lid[0] == '\0' && new->phone[0] == '\0') {
        rc = known_add(t, o, k, new->id);
    }
    return rc;
}

/* The older of two comes first: its id is the one that stays. */
static void older_first(struct known *k)
{
    uint64_t first[2] = {0, 0};
    for (size_t i = 0; i < k->count; i++) {
        (void)clock_parse_rfc3339(json_str_or(k->doc[i], "first_seen_at", ""), &first[i]);
    }
    if (k->count == 2 && first[1] < first[0]) {
        json_t *doc = k->doc[0];
        struct person was = k->was[0];
        k->doc[0] = k->doc[1];
        k->was[0] = k->was[1];
        k->doc[1] = doc;
        k->was[1] = was;
    }
}

static int set_missing(json_t *to, const json_t *from, const char *key)
{
    const json_t *now = json_object_get(to, key);
    json_t *other = json_object_get(from, key);
    bool has = now != NULL && !json_is_null(now) && !json_is_false(now);
    return has || other == NULL ? 0 : json_object_set(to, key, other) == 0 ? 0 : E_NOMEM;
}

/* What only the second record knows goes to the first. */
static int absorb(struct store_txn *t, const struct message_owner *o, struct known *k)
{
    static const char *const keys[] = {"phone", "lid",      "name",  "push_name", "saved_name",
                                       "saved", "business", "about", "blocked"};
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < sizeof(keys) / sizeof(keys[0]); i++) {
        rc = set_missing(k->doc[0], k->doc[1], keys[i]);
    }
    rc = rc != 0 ? rc : window_unite(t, o, k->was[1].contact_id, k->was[0].contact_id);
    rc = rc != 0 ? rc : contact_become(t, o, k->was[1].contact_id, k->was[0].contact_id);
    return rc != 0 ? rc : contact_alias(t, o, k->was[1].id, k->was[0].contact_id);
}

/* true: the text is other than it was. */
static bool update(json_t *doc, const char *key, const char *new, int *rc)
{
    if (*rc != 0 || new[0] == '\0' || strcmp(json_str_or(doc, key, ""), new) == 0) {
        return false;
    }
    *rc = json_set_str(doc, key, new);
    return true;
}

static int make(struct store_txn *t, const struct message_owner *o, const struct person *new,
                struct known *k, uint64_t now_ms)
{
    char id[CONTACT_ID_LEN + 1];
    int rc = contact_new_id(t, o, new->id, id);
    if (rc != 0) {
        return rc;
    }
    k->doc[0] =
        json_pack("{s:s, s:n, s:n, s:n, s:n, s:n, s:b, s:b, s:n, s:b, s:n, s:n, s:{s:s}}", "id", id,
                  "phone", "lid", "name", "push_name", "saved_name", "saved", 0, "business", 0,
                  "about", "blocked", 0, "first_seen_at", "updated_at", "_", "jid", new->id);
    return k->doc[0] != NULL ? json_set_time(k->doc[0], "first_seen_at", now_ms) : E_NOMEM;
}

static int put_aliases(struct store_txn *t, const struct message_owner *o, const struct person *new,
                       const struct known *k, const struct person *now)
{
    char jid[STORE_MAX_ID + 1];
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < k->count; i++) {
        if (k->was[i].phone[0] != '\0' && strcmp(k->was[i].phone, now->phone) != 0) {
            phone_jid(k->was[i].phone, jid); /* their old number may become somebody else's */
            rc = contact_unalias(t, o, jid);
        }
    }
    rc = rc != 0 ? rc : contact_alias(t, o, new->id, now->contact_id);
    if (rc == 0 && now->phone[0] != '\0') {
        phone_jid(now->phone, jid);
        rc = contact_alias(t, o, jid, now->contact_id);
    }
    if (rc == 0 && now->lid[0] != '\0') {
        rc = contact_alias(t, o, now->lid, now->contact_id);
    }
    return rc;
}

static int bring_up(struct bridge *b, struct store_txn *t, const struct message_owner *o,
                    const struct person *new, struct known *k, struct person *out)
{
    const uint64_t now_ms = clock_wall_ms();
    const bool made = k->count == 0, merged = k->count == 2;
    int rc = made ? make(t, o, new, k, now_ms) : merged ? absorb(t, o, k) : 0;
    json_t *doc = k->doc[0];
    bool ids = update(doc, "phone", new->phone, &rc);
    ids |= update(doc, "lid", new->lid, &rc);
    bool other = update(doc, "name", new->name, &rc);
    if (rc == 0 && (ids || other || made || merged)) {
        rc = json_set_time(doc, "updated_at", now_ms);
        rc = rc != 0 ? rc : contact_save(t, o, json_str_or(doc, "id", ""), doc);
    }
    contact_person(doc, out);
    rc = rc != 0 ? rc : put_aliases(t, o, new, k, out);
    rc = rc == 0 && (made || ids || merged) ? opt_out_unite(t, o, out) : rc;
    if (rc == 0 && !made && (ids || merged)) {
        rc = contact_unite(b, t, o, k->was, k->count, doc);
        out->told = true;
    } else if (rc == 0 && !made && other) {
        char own[IDENTITY_JIDS_MAX][STORE_MAX_ID + 1];
        rc = chat_rows_unite(t, o, own, identity_jids(out, own), out); /* it bears the name too */
    }
    return rc;
}

int identity_learn(struct bridge *b, struct store_txn *t, const struct message_owner *o,
                   const struct channel_peer *p, struct person *out)
{
    struct person new;
    struct known k = {.count = 0};
    identity_told(p, &new);
    if (!identity_is_person(new.id)) {
        *out = new;
        return 0;
    }
    int rc = find_known(t, o, &new, &k);
    if (rc == 0) {
        older_first(&k);
        rc = bring_up(b, t, o, &new, &k, out);
    }
    known_free(&k);
    return rc;
}

/* ---- comparing, filling ------------------------------------------------------------------------
 */

bool identity_differs(const struct person *a, const struct person *b)
{
    if (a->lid[0] != '\0' && b->lid[0] != '\0') {
        return strcmp(a->lid, b->lid) != 0;
    }
    return a->phone[0] != '\0' && b->phone[0] != '\0' && strcmp(a->phone, b->phone) != 0;
}

struct channel_peer identity_fill(const struct channel_peer *p, const struct person *who)
{
    return (struct channel_peer){
        .id = p->id,
        .phone = p->phone != NULL && p->phone[0] != '\0' ? p->phone : who->phone,
        .lid = p->lid != NULL && p->lid[0] != '\0' ? p->lid : who->lid,
        .name = p->name != NULL && p->name[0] != '\0' ? p->name : who->name,
        .contact_id = who->contact_id,
    };
}

size_t identity_jids(const struct person *who, char out[IDENTITY_JIDS_MAX][STORE_MAX_ID + 1])
{
    size_t n = 0;
    if (who->lid[0] != '\0') {
        copy(out[n++], sizeof(out[0]), who->lid);
    }
    if (who->phone[0] != '\0') {
        phone_jid(who->phone, out[n++]);
    }
    bool listed = who->id[0] == '\0';
    for (size_t i = 0; i < n; i++) {
        listed = listed || strcmp(out[i], who->id) == 0;
    }
    if (!listed && identity_is_person(who->id)) {
        copy(out[n++], sizeof(out[0]), who->id);
    }
    return n;
}

/* ---- addresses ---------------------------------------------------------------------------------
 */

static int filed_as(struct store_txn *t, const struct message_owner *o, const struct person *who,
                    char out[STORE_MAX_ID + 1])
{
    char jids[IDENTITY_JIDS_MAX][STORE_MAX_ID + 1];
    size_t n = identity_jids(who, jids);
    for (size_t i = 0; i < n; i++) {
        int rc = store_chat_get(t, o->tenant, o->session, jids[i], NULL, NULL);
        if (rc != E_NOTFOUND) {
            copy(out, STORE_MAX_ID + 1, jids[i]);
            return rc;
        }
    }
    return E_NOTFOUND;
}

static int contact_address(struct store_txn *t, const struct message_owner *o, const char *id,
                           char out[STORE_MAX_ID + 1], struct err *e)
{
    struct person who;
    int rc = identity_find(t, o, id, &who);
    if (rc == E_NOTFOUND) {
        return err_word(e, E_NOTFOUND, "unknown_contact", "no such contact");
    }
    rc = rc != 0 ? rc : filed_as(t, o, &who, out);
    if (rc == E_NOTFOUND) {
        if (who.phone[0] != '\0') {
            phone_jid(who.phone, out);
        } else {
            copy(out, STORE_MAX_ID + 1, who.lid[0] != '\0' ? who.lid : who.id);
        }
        rc = 0;
    }
    return rc;
}

int identity_address(struct store_txn *t, const struct message_owner *o, const char *in,
                     char out[STORE_MAX_ID + 1], enum chat_kind *kind, struct err *e)
{
    struct person who;
    struct store_value v;
    json_t *tenant = NULL;
    if (identity_is_contact(in)) {
        *kind = CHAT_USER;
        return contact_address(t, o, in, out, e);
    }
    if (in != NULL && strchr(in, '@') == NULL &&
        store_get(t, STORE_TENANTS, STORE_PATH(o->tenant), &v) == 0) {
        tenant = json_loadb(v.data, v.len, 0, NULL);
    }
    int rc = chat_address_parse(in, json_str(tenant, "default_country_code"), out, kind, e);
    json_decref(tenant);
    if (rc != 0 || *kind != CHAT_USER) {
        return rc;
    }
    rc = identity_find(t, o, out, &who);
    rc = rc != 0 ? rc : filed_as(t, o, &who, out);
    return rc == E_NOTFOUND ? 0 : rc;
}
