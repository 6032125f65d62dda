/* The words for what a key may do, and the roles that stand for some of them. */
#include "access.h"

#include <stdio.h>
#include <string.h>

static const struct {
    const char *word;
    uint32_t bit;
} scopes[] = {
#define ROW(name, bit, word) {word, BRIDGE_##name},
    BRIDGE_SCOPES(ROW)
#undef ROW
};
#define COUNT (sizeof(scopes) / sizeof(scopes[0]))

#define VIEWER                                                                                     \
    (BRIDGE_MESSAGES_READ | BRIDGE_SESSIONS_READ | BRIDGE_WEBHOOKS_READ | BRIDGE_EVENTS_READ |     \
     BRIDGE_USAGE_READ)
#define AGENT                                                                                      \
    (BRIDGE_MESSAGES_READ | BRIDGE_MESSAGES_SEND | BRIDGE_CHATS_MANAGE | BRIDGE_CONTACTS_MANAGE |  \
     BRIDGE_MEDIA_WRITE | BRIDGE_SESSIONS_READ | BRIDGE_EVENTS_READ)
#define OPERATOR                                                                                   \
    (VIEWER | AGENT | BRIDGE_GROUPS_MANAGE | BRIDGE_SESSIONS_MANAGE | BRIDGE_WEBHOOKS_MANAGE |     \
     BRIDGE_AGENT_MANAGE | BRIDGE_CAMPAIGNS_MANAGE)

static const struct {
    const char *name;
    uint32_t bits;
} roles[] = {
    {"admin", BRIDGE_ALL_SCOPES}, {"operator", OPERATOR}, {"agent", AGENT}, {"viewer", VIEWER}};

uint32_t bridge_scope_bits(const char *word)
{
    if (strcmp(word, "*") == 0) {
        return BRIDGE_ALL_SCOPES;
    }
    for (size_t i = 0; i < COUNT; i++) {
        if (strcmp(scopes[i].word, word) == 0) {
            return scopes[i].bit;
        }
    }
    return 0;
}

const char *bridge_scope_name(enum bridge_scope scope)
{
    for (size_t i = 0; i < COUNT; i++) {
        if (scopes[i].bit == (uint32_t)scope) {
            return scopes[i].word;
        }
    }
    return "";
}

uint32_t bridge_role_bits(const char *role)
{
    for (size_t i = 0; i < sizeof(roles) / sizeof(roles[0]); i++) {
        if (strcmp(roles[i].name, role) == 0) {
            return roles[i].bits;
        }
    }
    return 0;
}

json_t *scopes_json(uint32_t bits)
{
    json_t *list = json_array();
    int rc = list == NULL ? E_NOMEM : 0;
    if (bits == BRIDGE_ALL_SCOPES) {
        rc = rc != 0 ? rc : json_array_append_new(list, json_string("*"));
    } else {
        for (size_t i = 0; i < COUNT && rc == 0; i++) {
            if ((bits & scopes[i].bit) != 0) {
                rc = json_array_append_new(list, json_string(scopes[i].word));
            }
        }
    }
    if (rc != 0) {
        json_decref(list);
        return NULL;
    }
    return list;
}

int scopes_parse(const json_t *list, uint32_t *bits, struct err *e)
{
    size_t n = json_array_size(list);
    *bits = 0;
    if (!json_is_array(list) || n == 0 || n > 2 * COUNT) {
        return err_field(e, NULL, "scopes", "scopes must be a list of at least one scope");
    }
    for (size_t i = 0; i < n; i++) {
        const char *word = json_string_value(json_array_get(list, i));
        uint32_t bit = word != NULL ? bridge_scope_bits(word) : 0;
        if (bit == 0) {
            char field[32];
            (void)snprintf(field, sizeof(field), "scopes[%zu]", i);
            return err_field(e, "unknown_scope", field,
                             "there is no such scope; docs/security.md lists them, and * is all");
        }
        *bits |= bit;
    }
    return 0;
}

bool bridge_may(const struct bridge_principal *who, enum bridge_scope scope)
{
    return who->admin || (who->scopes & (uint32_t)scope) == (uint32_t)scope;
}
