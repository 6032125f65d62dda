/*
 * Signing in to the dashboard by a link: whoever has a key makes a ticket that works once, and who
 * shows it gets a key of his own, with an end, that may do no more than its maker may (maker.c).
 *
 * Happy path: bridge_sign_in_link() checks what is asked for against the maker, and keeps the record
 * to be in the ticket -> bridge_sign_in() takes the ticket out, looks at the maker again, makes the
 * secret, and writes the record -> the answer has the key.
 *
 * What can go wrong: the maker was deleted or changed meanwhile: the ticket is nothing. Too many are
 * signed in: those that are over make room first, then it is refused. The store refuses: the ticket
 * is used all the same, another link must be made.
 */
#include "access.h"

#include "clock.h"
#include "json.h"
#include "mem.h"
#include "text.h"
#include "tickets.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_SIGN_INS 200 /* of a tenant at once, and of admins */
#define MAX_OF_MAKER 100 /* of those, by the links of one key, and by links that they made in turn */
#define MAX_SWEPT 64     /* rows of old ones that a new one removes */
#define NAME_MAX_CHARS 100

const struct ticket_rules sign_in_link_rules = {
    .prefix = "wal_", .life_ms = 300000, .max = 200, .max_per_tenant = 20};

/* ---- a link ------------------------------------------------------------------------------------
 */

static int check_tenant(struct bridge *b, const struct bridge_principal *who, const json_t *v,
                        char tenant[64], struct err *e)
{
    const char *name = json_string_value(v);
    (void)snprintf(tenant, 64, "%s", who->tenant);
    if (v == NULL || json_is_null(v)) {
        return 0;
    }
    if (name == NULL || strlen(name) != json_string_length(v)) {
        return err_field(e, NULL, "tenant", "tenant must be the name of one");
    }
    if (!text_is_name(name) || (!who->admin && strcmp(name, who->tenant) != 0)) {
        return err_word(e, E_NOTFOUND, "unknown_tenant", "there is no such tenant");
    }
    (void)snprintf(tenant, 64, "%s", name);
    return tenant_exists(b, tenant, e);
}

/* role and sessions of the body, as changes to a record. */
static int take_wishes(const json_t *body, bool admin, json_t **changes, struct err *e)
{
    static const char *const fields[] = {"tenant", "role", "sessions", NULL};
    int rc = body_check(body, fields, e);
    if (rc != 0) {
        return rc;
    }
    json_t *wishes = json_object();
    if (wishes == NULL) {
        return err_set(e, E_NOMEM, "out of memory");
    }
    for (size_t i = 1; fields[i] != NULL && rc == 0; i++) {
        json_t *v = json_object_get(body, fields[i]);
        if (v != NULL && !json_is_null(v)) {
            rc = json_object_set(wishes, fields[i], v);
        }
    }
    rc = rc != 0 ? err_set(e, E_NOMEM, "out of memory")
                 : key_body_check(wishes, admin, 0, changes, e);
    json_decref(wishes);
    return rc;
}

/* What is not asked for is the maker's. */
static int inherit(json_t *record, const struct bridge_principal *who)
{
    int rc = 0;
    if (json_object_get(record, "role") == NULL) {
        const char *role = role_of_bits(who->scopes);
        rc = role != NULL && who->scopes != BRIDGE_ALL_SCOPES
                 ? json_set_str(record, "role", role)
                 : body_set(record, "scopes", scopes_json(who->scopes));
    }
    if (rc == 0 && json_object_get(record, "sessions") == NULL) {
        rc = json_set_str(record, "sessions", who->admin ? "*" : who->sessions);
    }
    return rc;
}

static int name_record(json_t *record, const struct bridge_principal *who)
{
    char name[sizeof(who->name) + sizeof(who->subject)];
    int n = snprintf(name, sizeof(name), "sign-in: %s", who->name[0] != '\0' ? who->name
                                                                             : who->subject);
    size_t len = (size_t)n;
    while (len > 0 && text_utf8_count(name, len) > NAME_MAX_CHARS) {
        len = text_utf8_cut(name, len, len - 1);
    }
    name[len] = '\0';
    return json_set_str(record, "name", name);
}

static int name_maker(json_t *record, const struct bridge_principal *who)
{
    char proof[2 * sizeof(who->proof) + 1];
    if (who->key_id[0] == '\0') {
        return 0; /* a token: its end is the key's */
    }
    crypto_hex(who->proof, sizeof(who->proof), proof);
    int rc = json_set_str(record, "maker", who->key_id);
    return rc != 0 ? rc : json_set_str(record, "maker_proof", proof);
}

/* The record to be, but for secret and end. Gives. */
static int make_grant(struct bridge *b, const struct bridge_principal *who, const char *tenant,
                      const json_t *changes, json_t **out, struct err *e)
{
    struct rights r;
    struct store_txn *t = NULL;
    uint64_t until = 0;
    json_t *g = json_object();
    if (json_set_str(g, "kind", "sign_in") != 0 ||
        json_set_str(g, "tenant", tenant[0] != '\0' ? tenant : NULL) != 0 ||
        name_record(g, who) != 0 || name_maker(g, who) != 0 || key_change_record(g, changes) != 0 ||
        inherit(g, who) != 0) {
        json_decref(g);
        return err_set(e, E_NOMEM, "out of memory");
    }
    rights_of_record(g, &r);
    r.expires_ms = 1; /* it will end before its maker does */
    int rc = rights_check(&r, who, e);
    rc = rc != 0 ? rc : store_read(b->store, &t, e);
    if (rc == 0) {
        rc = makers_check(t, g, &until) == 0
                 ? 0
                 : err_word(e, E_FORBIDDEN, "forbidden",
                            "this sign-in came by too many links, one made with the other: make "
                            "the link with a key");
        store_read_end(t);
    }
    if (rc != 0) {
        json_decref(g);
        return rc;
    }
    *out = g;
    return 0;
}

int bridge_sign_in_link(struct bridge *b, const struct bridge_principal *who, const json_t *body,
                        json_t **out, struct err *e)
{
    char tenant[64], text[TICKET_LEN + 1];
    json_t *changes = NULL, *grant = NULL;
    if (!who->admin && who->tenant[0] == '\0') {
        return err_set(e, E_FORBIDDEN, "this key only measures: there is nothing to sign in to");
    }
    int rc = check_tenant(b, who, json_object_get(body, "tenant"), tenant, e);
    rc = rc != 0 ? rc : take_wishes(body, tenant[0] == '\0', &changes, e);
    rc = rc != 0 ? rc : make_grant(b, who, tenant, changes, &grant, e);
    rc = rc != 0 ? rc : tickets_make(b->core->sign_in_links, tenant, who, grant, text, e);
    json_decref(changes);
    if (rc != 0) {
        return rc;
    }
    *out = json_object();
    rc = json_set_str(*out, "ticket", text);
    rc = rc != 0 ? rc
                 : json_set_time(*out, "expires_at", clock_wall_ms() + sign_in_link_rules.life_ms);
    crypto_wipe(text, sizeof(text));
    if (rc != 0) {
        json_decref(*out);
        *out = NULL;
        return err_set(e, E_NOMEM, "out of memory");
    }
    return 0;
}

/* ---- in ----------------------------------------------------------------------------------------
 */

struct sign_in {
    struct call call; /* first */
    char id[KEY_ID_LEN + 1];
    char text[KEY_TEXT_LEN + 1];
    json_t *record;
    uint64_t now_ms;
};

/* Those of one tenant: how many are signed in, and some that no longer are. */
struct crowd {
    struct store_txn *t;
    const char *tenant;
    uint64_t now_ms;
    char maker[MAKER_LEN]; /* who begins the new one's */
    size_t in, of_maker, over;
    char id[MAX_SWEPT][KEY_ID_LEN + 1];
    struct err *e;
};

static int on_row(void *arg, const char *const *path, struct store_value v)
{
    struct crowd *c = arg;
    struct rights r;
    char maker[MAKER_LEN];
    uint64_t until = 0;
    json_t *record = record_parse(v, c->e);
    if (record == NULL) {
        return c->e->code;
    }
    if (key_is_sign_in(record) && key_owned(record, c->tenant)) {
        rights_of_record(record, &r);
        bool over = r.expires_ms <= c->now_ms || makers_first(c->t, record, &until, maker) != 0;
        c->in += !over;
        c->of_maker += !over && strcmp(maker, c->maker) == 0;
        if (over && c->over < MAX_SWEPT && strlen(path[0]) == KEY_ID_LEN) {
            memcpy(c->id[c->over++], path[0], KEY_ID_LEN + 1);
        }
    }
    json_decref(record);
    return 0;
}

static int make_room(struct store_txn *t, const struct sign_in *s, const char *maker,
                     struct err *e)
{
    struct crowd c = {
        .t = t, .tenant = json_str(s->record, "tenant"), .now_ms = s->now_ms, .e = e};
    (void)snprintf(c.maker, sizeof(c.maker), "%s", maker);
    int rc = store_scan(t, STORE_KEYS, NULL, NULL, on_row, &c);
    for (size_t i = 0; i < c.over && rc == 0; i++) {
        rc = store_del(t, STORE_KEYS, STORE_PATH(c.id[i]));
    }
    if (rc == 0 && c.in >= MAX_SIGN_INS) {
        rc = err_word(e, E_LIMIT, "too_many_sign_ins",
                      "%d are signed in, the most there can be: sign one out, or delete it from "
                      "the keys",
                      MAX_SIGN_INS);
    }
    if (rc == 0 && c.of_maker >= MAX_OF_MAKER) {
        rc = err_word(e, E_LIMIT, "too_many_sign_ins",
                      "%d are signed in by links of this one key, the most there can be: sign one "
                      "out, delete it from the keys, or make links with another key",
                      MAX_OF_MAKER);
    }
    return rc;
}

static int unknown_ticket(struct err *e)
{
    return err_word(e, E_AUTH, "unknown_ticket",
                    "this link was used, is over, or never was: make another one, for example with "
                    "`wabridge dashboard`");
}

static int make_answer(struct sign_in *s, uint64_t until)
{
    struct bridge_principal who;
    json_decref(s->call.answer); /* of a first run that was rolled back */
    s->call.answer = json_object();
    key_principal(&who, s->id, s->record, until);
    return json_set_str(s->call.answer, "key", s->text) != 0 ||
                   json_set_time(s->call.answer, "expires_at", who.expires_ms) != 0 ||
                   body_set(s->call.answer, "me", me_object(&who, s->record)) != 0
               ? E_NOMEM
               : 0;
}

static int apply_sign_in(struct store_txn *t, struct call *c, struct err *e)
{
    struct sign_in *s = (struct sign_in *)c;
    const char *tenant = json_str(s->record, "tenant");
    struct store_value v;
    char maker[MAKER_LEN];
    uint64_t until = 0;
    if ((tenant != NULL && tenant_check(t, tenant, NULL) != 0) ||
        makers_first(t, s->record, &until, maker) != 0) {
        return unknown_ticket(e);
    }
    int rc = make_room(t, s, maker, e);
    if (rc == 0 && store_get(t, STORE_KEYS, STORE_PATH(s->id), &v) == 0) {
        rc = err_set(e, E_INTERNAL, "two keys got the same id; try again");
    }
    rc = rc != 0 ? rc : record_put(t, STORE_KEYS, STORE_PATH(s->id), s->record, e);
    return rc != 0 ? rc : make_answer(s, until);
}

static void release(struct call *c)
{
    struct sign_in *s = (struct sign_in *)c;
    json_decref(s->record);
    json_decref(c->answer);
    mem_wipe_free(s, sizeof(*s));
}

static struct sign_in *sign_in_new(struct bridge *b, const struct ticket *t, struct err *e)
{
    struct sign_in *s = mem_calloc(1, sizeof(*s));
    if (s == NULL) {
        (void)err_set(e, E_NOMEM, "out of memory");
        return NULL;
    }
    s->now_ms = clock_wall_ms();
    s->call.apply = apply_sign_in;
    s->call.release = release;
    key_make(s->text);
    (void)key_parse(s->text, s->id, NULL);
    uint64_t end = key_sooner(s->now_ms + b->cfg.dashboard.sign_in_ms, t->who.expires_ms);
    s->record = key_record(s->text, b->core->pepper, "", NULL, s->now_ms);
    if (s->record == NULL || json_object_update(s->record, t->grant) != 0 ||
        body_set(s->record, "expires_ms", json_integer((json_int_t)end)) != 0) {
        release(&s->call);
        (void)err_set(e, E_NOMEM, "out of memory");
        return NULL;
    }
    return s;
}

void bridge_sign_in(struct bridge *b, const json_t *body, bridge_done_fn done, void *arg)
{
    static const char *const fields[] = {"ticket", NULL};
    struct err e;
    err_clear(&e);
    const json_t *text = json_object_get(body, "ticket");
    struct sign_in *s = NULL;
    int rc = body_check(body, fields, &e);
    if (rc == 0 && !json_is_string(text)) {
        rc = err_field(&e, NULL, "ticket", "ticket must be the text of a sign-in link");
    }
    struct ticket *t = rc == 0 ? tickets_take(b->core->sign_in_links, json_string_value(text),
                                              json_string_length(text))
                               : NULL;
    if (rc == 0 && (t == NULL || bridge_principal_check(b, &t->who, NULL) != 0)) {
        rc = unknown_ticket(&e);
    }
    if (rc == 0) {
        s = sign_in_new(b, t, &e);
    }
    ticket_free(t);
    if (s == NULL) {
        reply_later(b, done, arg, &e, NULL);
        return;
    }
    call_submit(&s->call, b, done, arg);
}

/* ---- out ---------------------------------------------------------------------------------------
 */

void bridge_sign_out(struct bridge *b, const struct bridge_principal *who, bridge_done_fn done,
                     void *arg)
{
    struct err e;
    err_clear(&e);
    json_t *record = NULL;
    if (who->key_id[0] != '\0') {
        (void)key_find(b, who->key_id, &record, NULL, NULL);
    }
    bool own = key_is_sign_in(record);
    json_decref(record);
    if (!own) {
        (void)err_word(&e, E_CONFLICT, "not_a_sign_in",
                       "only a key of a sign-in link ends by signing out. Forget this one where you "
                       "typed it; to end it everywhere delete it from the keys");
        reply_later(b, done, arg, &e, NULL);
        return;
    }
    bridge_key_delete(b, who->tenant[0] != '\0' ? who->tenant : NULL, NULL, who->key_id, done, arg);
}
