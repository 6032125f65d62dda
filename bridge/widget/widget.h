/*
 * The chat widget in other people's pages (docs/widget.md): the tickets that a tenant's back end
 * asks for, the credentials that they are exchanged for, what such a credential sees, and where the
 * widget may be shown. Private to bridge/. Thread: loop, unless said otherwise.
 *
 * A ticket is kept in memory, short-lived, used once. A credential is kept nowhere: it says itself
 * what it is for, under a MAC, so that open widgets survive a restart of the daemon. It is worth
 * what the key that asked for the ticket is still worth.
 */
#ifndef BRIDGE_WIDGET_H
#define BRIDGE_WIDGET_H

#include "core_priv.h"

#define WIDGET_TICKET_MS 120000
#define WIDGET_MAX_TICKETS 4096 /* unused ones at once, of all tenants; past it E_LIMIT */
#define WIDGET_TENANT_TICKETS 1024
#define WIDGET_MAX_SPENT 1024 /* used ones that are remembered */
#define WIDGET_MAX_TTL_S 3600 /* of a credential */
#define WIDGET_MAX_NAME 80    /* characters of the agent's and of the customer's name */
#define WIDGET_MAX_ORIGINS 16
#define WIDGET_ORIGIN_LEN 128 /* bytes of one, with its NUL */

struct widgets;
int widgets_create(struct widgets **out, struct err *e);
void widgets_free(struct widgets *w); /* NULL accepted */
/* Files that are known to be of somebody's chat: what came from there, and what was found in it.
 * The last WIDGET_MAX_FILES are remembered. */
#define WIDGET_MAX_FILES 4096
void widgets_file_seen(struct widgets *w, const struct bridge_principal *who, const char *media);
bool widgets_knows_file(const struct widgets *w, const struct bridge_principal *who,
                        const char *media);

/* What a ticket, then a credential is for. */
struct grant {
    char tenant[64], session[64];
    uint64_t tenant_born_ms; /* of the tenant: another one of its name is not meant */
    char chat[STORE_MAX_ID + 1]; /* as it was filed when the ticket was made */
    char name[4 * WIDGET_MAX_NAME + 1], agent[4 * WIDGET_MAX_NAME + 1]; /* "": not said */
    char key_id[32], subject[96]; /* whose ticket it was: a key, or the subject of a token */
    uint8_t proof[8];
    uint32_t scopes;
    uint32_t ttl_s;      /* of a ticket: how long its credential will be good */
    uint64_t expires_ms; /* wall clock; of a ticket: the credential ends no later */
};

/* ---- grant.c (pure) ---------------------------------------------------------------------------- */

json_t *grant_json(const struct grant *g); /* gives; NULL on exhaustion */
bool grant_from(const json_t *v, struct grant *out);
/* "waw_<base64>.<mac>" under the pepper; gives malloc'd text, NULL on exhaustion. */
char *grant_write(const uint8_t pepper[CRYPTO_KEY_LEN], const struct grant *g);
bool grant_looks_like(const char *text);
/* E_AUTH; with word "credential_expired" when it was a good one. */
int grant_read(const uint8_t pepper[CRYPTO_KEY_LEN], const char *text, uint64_t now_ms,
               struct grant *out, struct err *e);

/* ---- credential.c ------------------------------------------------------------------------------ */

/* Part of bridge_authenticate() and bridge_principal_check(). E_AUTH "credential_expired",
 * "credential_revoked": its tenant or the key that made it is gone, or that key may do less. */
int widget_authenticate(struct bridge *b, const char *text, struct bridge_principal *out,
                        struct err *e);
int widget_principal_check(struct bridge *b, struct bridge_principal *who, struct err *e);

/* ---- one_chat.c -------------------------------------------------------------------------------- */

/* Fills in every name under which who's chat is filed or may be; the first stays. */
int chat_names(struct store_txn *t, struct bridge_principal *who);
/* Is an event of that chat, and of a kind that its reader may see? (pure) */
bool chat_event_seen(const struct bridge_principal *who, const char *text, size_t len);

/* ---- origins.c (pure) -------------------------------------------------------------------------- */

/* "https://erp.example.com", with "*." before the name, "http://localhost:8000", as a browser writes
 * it: lower case, without a default port. E_INVALID says what is wrong. */
int origin_parse(const char *text, char out[WIDGET_ORIGIN_LEN], struct err *e);
/* {origins:[…]} checked and normalised. Gives. E_INVALID with the field. */
int widget_settings_check(const json_t *body, json_t **out, struct err *e);
json_t *widget_settings_object(const json_t *tenant_record); /* gives */

#endif
