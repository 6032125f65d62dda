/*
 * Keys of tenants and of admins, and what is made of them: tickets of event streams, sign-in links.
 *
 * Thread: loop. What holds for every function of the bridge stands in bridge.h.
 */
#ifndef BRIDGE_PUBLIC_KEYS_H
#define BRIDGE_PUBLIC_KEYS_H

#include "public/who.h"

/*
 * Keys of a tenant; tenant NULL: admin keys. who: acts, and can neither see, change nor make a key
 * that may do more than itself (NULL: anybody may). E_FORBIDDEN, E_NOTFOUND "unknown_key".
 * body {name,role|scopes,sessions,expires_at}. Answers {id,name,tenant,role,scopes,sessions,
 * expires_at,last_used_at,created_at,rotated_at,old_secret_until,key}: `key` is shown only here.
 */
void bridge_key_create(struct bridge *b, const char *tenant, const struct bridge_principal *who,
                       const json_t *body, bridge_done_fn done, void *arg);
int bridge_key_list(struct bridge *b, const char *tenant, const struct bridge_principal *who,
                    json_t **out, struct err *e);
int bridge_key_get(struct bridge *b, const char *tenant, const struct bridge_principal *who,
                   const char *key_id, json_t **out, struct err *e);
/* What the body does not name stays. */
void bridge_key_patch(struct bridge *b, const char *tenant, const struct bridge_principal *who,
                      const char *key_id, const json_t *body, bridge_done_fn done, void *arg);
/* body {overlap_s}: a new secret; the one before works that much longer. Answers as create does. */
void bridge_key_rotate(struct bridge *b, const char *tenant, const struct bridge_principal *who,
                       const char *key_id, const json_t *body, bridge_done_fn done, void *arg);
/* The last admin key that may do everything and has no end cannot be deleted or get one: E_CONFLICT
 * "last_admin_key". */
void bridge_key_delete(struct bridge *b, const char *tenant, const struct bridge_principal *who,
                       const char *key_id, bridge_done_fn done, void *arg);

/* {kind,id,name,admin,tenant,role,scopes,sessions,expires_at} of a key or token that was let in.
 * Gives. E_AUTH: deleted meanwhile. */
int bridge_me(struct bridge *b, const struct bridge_principal *who, json_t **out, struct err *e);
/* {ticket,expires_at}: opens one event stream of the tenant within 30 s, with the rights of who.
 * Gives. E_LIMIT and E_UNAVAILABLE "too_many_tickets". */
int bridge_stream_ticket(struct bridge *b, const char *tenant, const struct bridge_principal *who,
                         json_t **out, struct err *e);
/* Whose ticket it is; it is void from now on, also when it was for another tenant. E_AUTH
 * "unknown_ticket", also when its key was deleted or changed since. */
int bridge_stream_ticket_use(struct bridge *b, const char *tenant, const char *text, size_t len,
                             struct bridge_principal *out, struct err *e);

/* {ticket,expires_at}: who shows the ticket within 5 min, once, is signed in. body {tenant,role,
 * sessions}, each optional: what is not named is the maker's; nothing may go beyond it. Gives.
 * E_FORBIDDEN, E_NOTFOUND "unknown_tenant", E_LIMIT and E_UNAVAILABLE "too_many_tickets". */
int bridge_sign_in_link(struct bridge *b, const struct bridge_principal *who, const json_t *body,
                        json_t **out, struct err *e);
/* body {ticket}: {key,expires_at,me}, a key of its own, of kind sign_in, that ends by itself, and with
 * the key that made the link. E_AUTH "unknown_ticket"; E_LIMIT "too_many_sign_ins". */
void bridge_sign_in(struct bridge *b, const json_t *body, bridge_done_fn done, void *arg);
/* Deletes who's own key when it is such a one; else E_CONFLICT "not_a_sign_in". */
void bridge_sign_out(struct bridge *b, const struct bridge_principal *who, bridge_done_fn done,
                     void *arg);

#endif
