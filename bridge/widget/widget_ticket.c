/*
 * Tickets: made for a page's back end, used once by the widget in that page within two minutes.
 *
 * Happy path: bridge_widget_ticket() checks who asks, which chat is meant and how long the widget may
 * stay, and gives a ticket for that (access/tickets.h) -> the page hands it to the widget ->
 * bridge_widget_sign_in() takes it, and gives a credential (grant.c).
 *
 * Of the last used ones it is known that they were used: whoever shows one again is refused, but no
 * guesser. Nothing is written to the disk: after a restart the page asks its back end for another.
 */
#include "widget.h"

#include "clock.h"
#include "identity.h"
#include "json.h"
#include "mem.h"
#include "session.h"
#include "text.h"
#include "tickets.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct ticket_rules rules = {.prefix = "wwt_",
                                          .life_ms = WIDGET_TICKET_MS,
                                          .max = WIDGET_MAX_TICKETS,
                                          .max_per_tenant = WIDGET_TENANT_TICKETS};

struct widgets {
    struct tickets *tickets;
    uint8_t files[WIDGET_MAX_FILES][CRYPTO_SHA256_LEN]; /* a ring */
    unsigned next_file;
    uint8_t spent[WIDGET_MAX_SPENT][CRYPTO_SHA256_LEN]; /* hashes of used tickets; a ring too */
    unsigned next_spent;
};

int widgets_create(struct widgets **out, struct err *e)
{
    struct widgets *w = mem_calloc(1, sizeof(*w));
    if (w != NULL) {
        w->tickets = tickets_create(&rules);
    }
    if (w == NULL || w->tickets == NULL) {
        widgets_free(w);
        return err_set(e, E_NOMEM, "out of memory");
    }
    *out = w;
    return 0;
}

void widgets_free(struct widgets *w)
{
    if (w != NULL) {
        tickets_free(w->tickets);
        free(w);
    }
}

/* ---- files that are known to be of a chat -------------------------------------------------------
 */

static bool file_hash(const struct bridge_principal *who, const char *media,
                      uint8_t out[CRYPTO_SHA256_LEN])
{
    char text[512];
    int n = snprintf(text, sizeof(text), "%s\n%s\n%s\n%.80s", who->tenant, who->sessions,
                     who->chat[0], media);
    return n > 0 && (size_t)n < sizeof(text) && crypto_sha256(text, (size_t)n, out) == 0;
}

bool widgets_knows_file(const struct widgets *w, const struct bridge_principal *who,
                        const char *media)
{
    uint8_t hash[CRYPTO_SHA256_LEN];
    bool known = false;
    if (file_hash(who, media, hash)) {
        for (size_t i = 0; i < WIDGET_MAX_FILES && !known; i++) {
            known = memcmp(w->files[i], hash, sizeof(hash)) == 0;
        }
    }
    return known;
}

void widgets_file_seen(struct widgets *w, const struct bridge_principal *who, const char *media)
{
    uint8_t hash[CRYPTO_SHA256_LEN];
    if (!widgets_knows_file(w, who, media) && file_hash(who, media, hash)) {
        memcpy(w->files[w->next_file], hash, sizeof(hash));
        w->next_file = (w->next_file + 1) % WIDGET_MAX_FILES;
    }
}

/* ---- what is asked for --------------------------------------------------------------------------
 */

static int take_name(const json_t *body, const char *key, char *out, size_t size, struct err *e)
{
    const json_t *v = json_object_get(body, key);
    const char *s = json_string_value(v);
    if (v == NULL || json_is_null(v)) {
        out[0] = '\0';
        return 0;
    }
    if (s == NULL || text_utf8_count(s, strlen(s)) > WIDGET_MAX_NAME || strlen(s) >= size) {
        return err_field(e, NULL, key, "%s is a text of at most %d characters", key,
                         WIDGET_MAX_NAME);
    }
    memcpy(out, s, strlen(s) + 1);
    (void)text_strip_controls(out, strlen(out));
    return 0;
}

/* Rights: reading always, sending unless it is not wanted, files when the maker may. */
static int take_scopes(const json_t *body, const struct bridge_principal *who, uint32_t *out,
                       struct err *e)
{
    const json_t *send = json_object_get(body, "can_send");
    uint32_t need = BRIDGE_MESSAGES_READ | BRIDGE_EVENTS_READ;
    if (send != NULL && !json_is_boolean(send)) {
        return err_field(e, NULL, "can_send", "can_send must be true or false");
    }
    need |= json_is_false(send) ? 0 : BRIDGE_MESSAGES_SEND;
    for (uint32_t bit = 1; bit != 0; bit <<= 1) {
        if ((need & bit) != 0 && !bridge_may(who, (enum bridge_scope)bit)) {
            return err_set(e, E_FORBIDDEN,
                           "a widget needs the scope %s, which this key does not have",
                           bridge_scope_name((enum bridge_scope)bit));
        }
    }
    bool files = !json_is_false(send) && bridge_may(who, BRIDGE_MEDIA_WRITE);
    *out = need | (files ? BRIDGE_MEDIA_WRITE : 0);
    return 0;
}

/* The credential's time begins when the ticket is used. */
static int take_time(const json_t *body, const struct bridge_principal *who, struct grant *g,
                     struct err *e)
{
    const json_t *v = json_object_get(body, "ttl_s");
    json_int_t ttl = v != NULL ? json_integer_value(v) : WIDGET_MAX_TTL_S;
    if (ttl < 1 || ttl > WIDGET_MAX_TTL_S) {
        return err_field(e, NULL, "ttl_s", "ttl_s is 1 to %d seconds", WIDGET_MAX_TTL_S);
    }
    g->ttl_s = (uint32_t)ttl;
    g->expires_ms = who->expires_ms != 0 ? who->expires_ms : INT64_MAX;
    return 0;
}

static int take_chat(struct bridge *b, const json_t *body, struct grant *g, struct err *e)
{
    struct store_txn *t;
    struct message_owner o;
    enum chat_kind kind;
    const char *to = json_str(body, "to");
    if (to == NULL) {
        return err_field(e, NULL, "to", "`to` must be a phone number or a chat id");
    }
    message_owner_set(&o, g->tenant, g->session);
    int rc = store_read(b->store, &t, e);
    if (rc != 0) {
        return store_err(e, rc, "the chat could not be read");
    }
    rc = identity_address(t, &o, to, g->chat, &kind, e);
    store_read_end(t);
    if (rc == 0 && kind != CHAT_USER && kind != CHAT_GROUP) {
        rc = err_field(e, "unsupported_recipient", "to",
                       "a widget shows the chat with a person or a group");
    } else if (rc == E_INVALID) {
        struct err why = *e;
        rc = err_field(e, why.word, "to", "%s", why.msg);
    }
    return rc != 0 ? store_err(e, rc, "the chat could not be read") : 0;
}

static int take_session(struct bridge *b, const json_t *body, const struct bridge_principal *who,
                        struct grant *g, struct err *e)
{
    struct session *s;
    const char *name = json_str(body, "session");
    if (name == NULL) {
        return err_field(e, NULL, "session", "session is missing: the name of one");
    }
    if (!text_is_name(name) || !bridge_sees_session(who, name) ||
        session_find(b, g->tenant, name, &s, NULL) != 0) {
        return err_word(e, E_NOTFOUND, "unknown_session", "there is no session %.63s", name);
    }
    memcpy(g->session, name, strlen(name) + 1);
    return 0;
}

static int take_tenant(struct bridge *b, struct grant *g, struct err *e)
{
    struct store_txn *t = NULL;
    int rc = store_read(b->store, &t, e);
    if (rc == 0) {
        rc = tenant_check(t, g->tenant, e);
        g->tenant_born_ms = tenant_born_ms(t, g->tenant);
        store_read_end(t);
    }
    return rc;
}

static int grant_of(struct bridge *b, const char *tenant, const struct bridge_principal *who,
                    const json_t *body, struct grant *g, struct err *e)
{
    static const char *const fields[] = {"session",  "to",    "name", "agent",
                                         "can_send", "ttl_s", NULL};
    memset(g, 0, sizeof(*g));
    memcpy(g->tenant, tenant, strnlen(tenant, sizeof(g->tenant) - 1));
    memcpy(g->key_id, who->key_id, sizeof(g->key_id));
    memcpy(g->subject, who->subject, sizeof(g->subject));
    memcpy(g->proof, who->proof, sizeof(g->proof));
    int rc = take_tenant(b, g, e);
    rc = rc != 0 ? rc : body_check(body, fields, e);
    rc = rc != 0 ? rc : take_session(b, body, who, g, e);
    rc = rc != 0 ? rc : take_chat(b, body, g, e);
    rc = rc != 0 ? rc : take_name(body, "name", g->name, sizeof(g->name), e);
    rc = rc != 0 ? rc : take_name(body, "agent", g->agent, sizeof(g->agent), e);
    rc = rc != 0 ? rc : take_scopes(body, who, &g->scopes, e);
    return rc != 0 ? rc : take_time(body, who, g, e);
}

/* ---- tickets -----------------------------------------------------------------------------------
 */

int bridge_widget_ticket(struct bridge *b, const char *tenant, const struct bridge_principal *who,
                         const json_t *body, json_t **out, struct err *e)
{
    struct grant g;
    char text[TICKET_LEN + 1], url[80], expires[CLOCK_RFC3339_LEN];
    err_clear(e);
    int rc = grant_of(b, tenant, who, body, &g, e);
    json_t *grant = rc == 0 ? grant_json(&g) : NULL;
    if (rc == 0) {
        rc = grant != NULL ? tickets_make(b->core->widgets->tickets, tenant, who, grant, text, e)
                           : err_set(e, E_NOMEM, "out of memory");
    }
    if (rc != 0) {
        return rc;
    }
    (void)snprintf(url, sizeof(url), "/widget/%s", tenant);
    clock_rfc3339(clock_wall_ms() + WIDGET_TICKET_MS, expires);
    *out = json_pack("{s:s,s:s,s:s,s:s}", "ticket", text, "tenant", tenant, "expires_at", expires,
                     "url", url);
    crypto_wipe(text, sizeof(text));
    return *out != NULL ? 0 : err_set(e, E_NOMEM, "out of memory");
}

/* ---- the chat, for the widget -------------------------------------------------------------------
 */

static int set_person(struct bridge *b, json_t *o, const struct bridge_principal *who)
{
    json_t *chat = NULL;
    int rc = bridge_chat_get(b, who->tenant, who->sessions, who->chat[0], &chat, NULL);
    const char *name = rc == 0 ? json_str(chat, "name") : NULL;
    const char *phone = rc == 0 ? json_str(chat, "phone") : NULL;
    char digits[PHONE_MAX + 1];
    for (size_t i = 0; i < BRIDGE_CHAT_NAMES && phone == NULL; i++) {
        phone = chat_id_phone(who->chat[i], digits) ? digits : NULL;
    }
    rc = json_set_str(o, "name", name != NULL && name[0] != '\0' ? name : NULL);
    rc = rc != 0 ? rc : json_set_str(o, "phone", phone);
    json_decref(chat);
    return rc;
}

/* Whose reactions are ours. */
static json_t *account_of(const struct session *s)
{
    const json_t *a = session_account(s);
    json_t *o = a != NULL ? json_object() : NULL;
    if (a == NULL) {
        return json_null();
    }
    if (o == NULL || json_set_str(o, "phone", json_str(a, "phone")) != 0 ||
        json_set_str(o, "lid", json_str(a, "lid")) != 0) {
        json_decref(o);
        return NULL;
    }
    return o;
}

int bridge_widget_chat(struct bridge *b, const struct bridge_principal *who, json_t **out,
                       struct err *e)
{
    struct session *s;
    int rc = session_find(b, who->tenant, who->sessions, &s, e);
    if (rc != 0) {
        return rc;
    }
    json_t *o = json_object();
    if (o == NULL || json_set_str(o, "tenant", who->tenant) != 0 ||
        json_set_str(o, "session", who->sessions) != 0 ||
        json_set_str(o, "session_status", session_status_name(session_status(s))) != 0 ||
        body_set(o, "account", account_of(s)) != 0 ||
        json_set_str(o, "chat", who->chat[0]) != 0 || set_person(b, o, who) != 0 ||
        json_set_str(o, "agent", who->name[0] != '\0' ? who->name : NULL) != 0 ||
        body_set(o, "can_send", json_boolean(bridge_may(who, BRIDGE_MESSAGES_SEND))) != 0 ||
        body_set(o, "can_attach", json_boolean(bridge_may(who, BRIDGE_MEDIA_WRITE))) != 0 ||
        json_set_time(o, "expires_at", who->expires_ms) != 0) {
        json_decref(o);
        return err_set(e, E_NOMEM, "out of memory");
    }
    *out = o;
    return 0;
}

/* ---- sign-in ------------------------------------------------------------------------------------
 */

static int take_ticket(struct widgets *w, const char *text, struct grant *out)
{
    struct ticket *t = text != NULL ? tickets_take(w->tickets, text, strlen(text)) : NULL;
    bool good = t != NULL && grant_from(t->grant, out);
    ticket_free(t);
    if (good && crypto_sha256(text, strlen(text), w->spent[w->next_spent]) == 0) {
        w->next_spent = (w->next_spent + 1) % WIDGET_MAX_SPENT;
    }
    return good ? 0 : E_AUTH;
}

/* A page out of a browser's cache brings the ticket that it brought before: nobody is guessing. */
static bool was_used(const struct widgets *w, const char *text)
{
    uint8_t hash[CRYPTO_SHA256_LEN];
    bool used = false;
    if (text != NULL && crypto_sha256(text, strlen(text), hash) == 0) {
        for (size_t i = 0; i < WIDGET_MAX_SPENT; i++) {
            used = crypto_equal(w->spent[i], hash, sizeof(hash)) || used;
        }
    }
    return used;
}

int bridge_widget_sign_in(struct bridge *b, const json_t *body, struct bridge_principal *who,
                          json_t **out, struct err *e)
{
    static const char *const fields[] = {"ticket", NULL};
    struct grant g;
    err_clear(e);
    int rc = body_check(body, fields, e);
    const char *ticket = json_str(body, "ticket");
    if (rc == 0 && ticket == NULL) {
        rc = err_field(e, NULL, "ticket", "ticket must be the text of a widget's ticket");
    }
    if (rc == 0 && take_ticket(b->core->widgets, ticket, &g) != 0) {
        rc = was_used(b->core->widgets, ticket)
                 ? err_word(e, E_AUTH, "ticket_used",
                            "this ticket was used already; the page's back end must ask for another")
                 : err_word(e, E_AUTH, "unknown_ticket",
                            "this ticket is older than two minutes or was never given; the page's "
                            "back end must ask for another");
    }
    if (rc != 0) {
        return rc;
    }
    uint64_t end = clock_wall_ms() + (uint64_t)g.ttl_s * 1000;
    g.expires_ms = end < g.expires_ms ? end : g.expires_ms;
    char *text = grant_write(b->core->pepper, &g);
    rc = text != NULL ? widget_authenticate(b, text, who, e) : err_set(e, E_NOMEM, "out of memory");
    rc = rc != 0 ? rc : bridge_widget_chat(b, who, out, e);
    if (rc == 0 && (json_set_str(*out, "credential", text) != 0 ||
                    (json_str(*out, "name") == NULL && g.name[0] != '\0' &&
                     json_set_str(*out, "name", g.name) != 0))) {
        json_decref(*out);
        rc = err_set(e, E_NOMEM, "out of memory");
    }
    if (text != NULL) {
        mem_wipe_free(text, strlen(text));
    }
    return rc;
}
