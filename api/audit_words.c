/*
 * The action word of each route that changes something, or shows what only its owner should see.
 * A word, once given, stays: people filter and alarm by it. The table names those that the rule below would name badly; a route that is in
 * neither exempt nor table gets its word from method and pattern, so that none is forgotten:
 * the last {parameter}, the literals behind it, then put, patch or delete.
 *
 *   POST …/sessions/{session}/start -> session.start    DELETE …/webhooks/{webhook} -> webhook.delete
 */
#include "api_priv.h"

#include <stdio.h>
#include <string.h>

#define TENANT "/v1/tenants/{tenant}"
#define SESSION TENANT "/sessions/{session}"
#define CHAT SESSION "/chats/{chat}"

static const struct {
    const char *method, *pattern, *word; /* word NULL: no record */
} table[] = {
    /* they leave nothing here and come with every message that somebody reads or writes */
    {"POST", CHAT "/read", NULL},
    {"POST", CHAT "/presence", NULL},

    /* as reading the stream with a key leaves none; a dashboard takes one at each reconnect */
    {"POST", TENANT "/events/tickets", NULL},

    /* it stores nothing, and a form asks with every few letters */
    {"POST", TENANT "/webhooks/{webhook}/check", NULL},
    {"POST", "/v1/sign-in-links", "sign_in.link"},
    {"POST", "/v1/sign-in", "sign_in.create"},
    {"DELETE", "/v1/me", "sign_in.delete"},

    /* it only reads */
    {"POST", TENANT "/guards/try", NULL},

    {"POST", SESSION "/messages", "message.send"},
    {"PATCH", SESSION "/messages/{message}", "message.edit"},
    {"DELETE", SESSION "/messages/{message}", "message.revoke"},
    {"POST", SESSION "/messages/{message}/retry", "message.retry"},
    {"POST", SESSION "/messages/{message}/media/refetch", "message.refetch"},
    {"PATCH", CHAT, "chat.update"},
    {"POST", CHAT "/notes", "note.create"},
    {"PATCH", CHAT "/agent", "chat.agent"},
    {"POST", CHAT "/agent", "chat.agent"},
    {"POST", SESSION "/contacts/check", "contact.check"},
    {"PUT", SESSION "/contacts/{contact}/block", "contact.block"},
    {"DELETE", SESSION "/contacts/{contact}/block", "contact.unblock"},
    {"POST", SESSION "/groups", "group.create"},
    {"PATCH", SESSION "/groups/{group}", "group.update"},
    {"POST", SESSION "/groups/{group}/invite-link", "group.invite_revoke"},
    {"POST", TENANT "/keys", "key.create"},
    {"POST", "/v1/keys", "key.create"},
    {"PUT", SESSION "/agent", "agent.put"},
    {"DELETE", SESSION "/agent", "agent.delete"},
    {"POST", SESSION "/pairing-code", "session.pairing_code"},
    {"POST", SESSION "/sync", "session.sync"},
    {"POST", TENANT "/media", "media.upload"},
    {"PUT", TENANT "/guards", "guards.put"},
    {"POST", TENANT "/opt-outs", "opt_out.import"},
    {"PUT", TENANT "/opt-outs/{phone}", "opt_out.put"},
    {"DELETE", TENANT "/opt-outs/{phone}", "opt_out.delete"},
    {"POST", "/v1/backup", "backup.create"},
    {"PUT", TENANT "/widget", "widget.put"},
    {"POST", TENANT "/widget/tickets", "widget.ticket"},
    {"POST", "/v1/widget/sign-in", "widget.sign_in"},
    {"GET", SESSION "/screenshot", "session.screenshot"}, /* it shows chats */
    {"DELETE", SESSION "/export", "session.export_undo"},
};

/* A segment as it stands in a word: letters, "_" for what is none. */
static void add(char out[AUDIT_WORD], const char *text, size_t len)
{
    size_t n = strlen(out);
    if (n > 0 && n + 1 < AUDIT_WORD) {
        out[n++] = '.';
    }
    for (size_t i = 0; i < len && n + 1 < AUDIT_WORD; i++) {
        char c = text[i];
        out[n++] = (char)((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ? c : '_');
    }
    out[n] = '\0';
}

static void make(const struct api_route *route, char out[AUDIT_WORD])
{
    static const char *const verbs[][2] = {
        {"PUT", "put"}, {"PATCH", "patch"}, {"DELETE", "delete"}};
    const char *brace = strrchr(route->pattern, '{');
    const char *s = brace != NULL ? brace : route->pattern + strlen("/v1");
    out[0] = '\0';
    while (*s != '\0') {
        s += *s == '/' || *s == '{';
        size_t len = strcspn(s, "}/");
        add(out, s, len);
        s += len + (s[len] == '}');
    }
    for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
        if (strcmp(verbs[i][0], route->method) == 0) {
            add(out, verbs[i][1], strlen(verbs[i][1]));
        }
    }
}

const char *audit_word(const struct api_route *route, char out[AUDIT_WORD])
{
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        if (strcmp(table[i].method, route->method) == 0 &&
            strcmp(table[i].pattern, route->pattern) == 0) {
            if (table[i].word == NULL) {
                return NULL;
            }
            (void)snprintf(out, AUDIT_WORD, "%s", table[i].word);
            return out;
        }
    }
    if (strcmp(route->method, "GET") == 0) {
        return NULL;
    }
    make(route, out);
    return out;
}
