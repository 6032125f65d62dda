/*
 * Who is asking, and what they may do and see: scopes, roles, session patterns, one chat.
 *
 * Thread: loop. What holds for every function of the bridge stands in bridge.h.
 * The checks that take no bridge are pure.
 */
#ifndef BRIDGE_PUBLIC_WHO_H
#define BRIDGE_PUBLIC_WHO_H

#include "public/answers.h"

#include <stddef.h>
#include <stdint.h>

/* What a key or a token may do: a set of bits. "*" is all of them, also those to come. */
#define BRIDGE_SCOPES(X)                                                                           \
    X(MESSAGES_READ, 0, "messages:read") /* messages, chats, contacts, groups, files, search */    \
    X(MESSAGES_SEND, 1, "messages:send") /* send, edit, revoke, mark read, presence */             \
    X(CHATS_MANAGE, 2, "chats:manage")                                                             \
    X(CONTACTS_MANAGE, 3, "contacts:manage")                                                       \
    X(GROUPS_MANAGE, 4, "groups:manage")                                                           \
    X(MEDIA_WRITE, 5, "media:write")                                                               \
    X(SESSIONS_READ, 6, "sessions:read")                                                           \
    X(SESSIONS_MANAGE, 7, "sessions:manage")                                                       \
    X(WEBHOOKS_READ, 8, "webhooks:read")                                                           \
    X(WEBHOOKS_MANAGE, 9, "webhooks:manage")                                                       \
    X(AGENT_MANAGE, 10, "agent:manage")                                                            \
    X(KEYS_MANAGE, 11, "keys:manage")                                                              \
    X(EVENTS_READ, 12, "events:read")                                                              \
    X(AUDIT_READ, 13, "audit:read")                                                                \
    X(USAGE_READ, 14, "usage:read")                                                                \
    X(TENANT_MANAGE, 15, "tenant:manage") /* its rules: content, opt-outs */                       \
    X(CAMPAIGNS_MANAGE, 16, "campaigns:manage")                                                    \
    X(METRICS_READ, 17, "metrics:read") /* the node's numbers and alerts: admin level only */
enum bridge_scope {
    BRIDGE_NO_SCOPE = 0, /* any key of the tenant */
#define BRIDGE_SCOPE_ENUM(name, bit, word) BRIDGE_##name = 1 << (bit),
    BRIDGE_SCOPES(BRIDGE_SCOPE_ENUM)
#undef BRIDGE_SCOPE_ENUM
};
#define BRIDGE_ALL_SCOPES UINT32_MAX
#define BRIDGE_MAX_PATTERNS 16 /* of sessions, in a key; each of at most 63 characters */
#define BRIDGE_PATTERNS_LEN (BRIDGE_MAX_PATTERNS * 64)

/* Who asks. A plain value: copy it to keep it. */
struct bridge_principal {
    bool admin;       /* of the whole daemon: every tenant, every scope, every session */
    bool meter;       /* of the whole daemon, but it only has BRIDGE_METRICS_READ */
    char tenant[64];  /* "" for admin and meter */
    char key_id[32];  /* "" for a token */
    char subject[96]; /* for logs, notes, the audit: the key's id, or "jwt:<sub>" */
    char name[128];   /* what people call it; may be "" */
    uint32_t scopes;  /* enum bridge_scope */
    char sessions[BRIDGE_PATTERNS_LEN]; /* patterns with a space between; "*": all */
    uint64_t expires_ms;                /* wall clock; 0: never */
    /* The latest end of keys that it makes; 0: any. The end of a login (a token, a sign-in key) is not
     * that of what its owner may do. */
    uint64_t gives_until_ms;
    uint8_t proof[8];                   /* private: which of the key's secrets it was */
    /* a widget's credential: this chat alone, under each of its names; "" first: any chat */
#define BRIDGE_CHAT_LEN 129
#define BRIDGE_CHAT_NAMES 4
    char chat[BRIDGE_CHAT_NAMES][BRIDGE_CHAT_LEN];
    uint64_t tenant_born_ms; /* private: and this tenant, not a later one of its name */
};
bool bridge_may(const struct bridge_principal *who, enum bridge_scope scope);
/* Does a pattern match? who NULL: nobody is asking, all are seen. */
bool bridge_sees_session(const struct bridge_principal *who, const char *session);
bool bridge_sees_all_sessions(const struct bridge_principal *who); /* NULL: true */
/* Of an event's text: its session's pattern. What is of no session is for those who see all. */
bool bridge_sees_event(const struct bridge_principal *who, const char *text, size_t len);
const char *bridge_scope_name(enum bridge_scope scope); /* "messages:read"; "" when it is none */
/* "*" or a scope: its bits. 0: no such scope. */
uint32_t bridge_scope_bits(const char *word);
/* admin, operator, agent, viewer: the bits. 0: no such role. */
uint32_t bridge_role_bits(const char *role);

/* A key: looked up by its id part, the hash compared in constant time. E_AUTH, with word
 * "key_expired" when it was a good one. */
int bridge_authenticate(struct bridge *b, const char *key, struct bridge_principal *out,
                        struct err *e);
/* Grows whenever a key was changed or deleted. */
uint64_t bridge_access_version(const struct bridge *b);
/* Is who (of bridge_authenticate()) still the same, with the same rights, and not expired? For what
 * outlives a request. Updates expires_ms. E_AUTH. */
int bridge_principal_check(struct bridge *b, struct bridge_principal *who, struct err *e);

#endif
