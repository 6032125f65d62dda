/*
 * What the rooms of the bridge share: the bridge object itself, names of statuses, phone numbers
 * and chat ids. Private to bridge/.
 */
#ifndef BRIDGE_CORE_H
#define BRIDGE_CORE_H

#include "bridge.h"
#include "list.h"
#include "store.h"

#include <stdbool.h>
#include <stdint.h>

struct sessions; /* bridge/session/sessions.h: all sessions by name, supervisor */
struct outbox;   /* bridge/outbox/outbox.h: waiters, pacing policy */
struct relay;    /* bridge/relay/relay.h */
struct media;    /* bridge/media/media.h: files of messages */
struct people;   /* bridge/people/people.h: looks at the far end, pictures */
struct agents;   /* bridge/agent/agent.h: auto-reply */
struct alerts;   /* bridge/alert/alert.h */
struct guards;   /* bridge/guard/guard.h: rules on what is sent */
struct search;   /* bridge/search/search.h: full-text index */
struct router;   /* bridge/relay/event.h: which webhooks want an event; writer thread */
struct core;     /* bridge/core/core_priv.h: keys, watches, operations on their way */

struct bridge {
    uv_loop_t *loop;
    struct store *store;
    struct cdp *cdp;
    struct bridge_config cfg; /* texts owned by cfg_texts */
    char **cfg_texts;         /* copies, NULL-terminated */
    struct sessions *sessions;
    struct outbox *outbox;
    struct relay *relay;
    struct router *router;
    struct media *media;
    struct people *people;
    struct agents *agents;
    struct search *search;
    struct alerts *alerts;
    struct guards *guards;
    struct core *core;
    struct list watches; /* struct bridge_watch */
    uint64_t started_ms;
    bool closing;
};

/* ---- an answer kept until it can be given from the loop -------------------------------------- */

/* Calls done(arg) from the loop in a later turn with a copy of e (NULL: worked), body (taken),
 * created and replayed: the way to fail a call at once without calling back inside it. */
void reply_later(struct bridge *b, bridge_done_fn done, void *arg, const struct err *e,
                 json_t *body);

/* ---- phone numbers and chat ids (pure) ------------------------------------------------------- */

#define PHONE_MAX 15 /* digits, E.164 */
/* Accepts +, spaces, dashes, dots, parentheses; a leading 00 is +. Without + or 00 and with a
 * default country code (digits, may be NULL) a national number (leading 0 dropped) is completed
 * when it is too short to be international or starts with 0. out: digits only. "invalid_phone". */
int phone_parse(const char *in, const char *default_country_code, char out[PHONE_MAX + 1],
                struct err *e);

enum chat_kind { CHAT_USER, CHAT_GROUP, CHAT_STATUS, CHAT_CHANNEL };
const char *chat_kind_name(enum chat_kind kind); /* "user" "group" "status" "channel" */
/* A JID as WhatsApp writes it: …@c.us, …@s.whatsapp.net (becomes c.us), …@lid, …@g.us,
 * status@broadcast, …@newsletter; user part [0-9-]{1,64}. E_INVALID "invalid_chat". */
int chat_id_parse(const char *in, char out[STORE_MAX_ID + 1], enum chat_kind *kind, struct err *e);
/* `to` of a send, or a chat in a path: a chat id when it has an @, else a phone number, which
 * becomes <digits>@c.us. */
int chat_address_parse(const char *in, const char *default_country_code, char out[STORE_MAX_ID + 1],
                       enum chat_kind *kind, struct err *e);
/* Digits before @c.us into out; false for any other kind of id. */
bool chat_id_phone(const char *chat_id, char out[PHONE_MAX + 1]);

#endif
