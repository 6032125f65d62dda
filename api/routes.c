/* Every path that is served. The OpenAPI document is made from this table (openapi.c). */
#include "api_priv.h"

#define LIMIT                                                                                      \
    {                                                                                              \
        .name = "limit", .kind = QUERY_UINT, .min = 1, .max = 500, .fallback = 50,                 \
        .about = "How many at most"                                                                \
    }
#define CURSOR                                                                                     \
    {                                                                                              \
        .name = "cursor", .kind = QUERY_TEXT, .about = "next_cursor of the page before"            \
    }
#define END                                                                                        \
    {                                                                                              \
        .name = NULL                                                                               \
    }

static const struct query_param paging[] = {LIMIT, CURSOR, END};
static const struct query_param searching[] = {
    LIMIT,
    CURSOR,
    {.name = "q",
     .kind = QUERY_TEXT,
     .about = "What a name or one of its words begins with, or part of a number; best first"},
    END};
#define YES_OR_NO(param, text)                                                                     \
    {.name = (param), .kind = QUERY_CHOICE, .choices = "true|false", .about = (text)}
#define CHAT_FILTERS                                                                               \
    {.name = "state",                                                                              \
     .kind = QUERY_CHOICE,                                                                         \
     .choices = "open|closed",                                                                     \
     .about = "Of the conversation, as you keep it"},                                              \
        {.name = "tag", .kind = QUERY_TEXT, .about = "Has this tag"},                              \
        {.name = "assignee",                                                                       \
         .kind = QUERY_TEXT,                                                                       \
         .about = "Is given to this person; empty: to nobody"},                                    \
        YES_OR_NO("unread", "Has messages that were not read"),                                    \
        YES_OR_NO("archived", "Is archived at WhatsApp"),                                          \
        YES_OR_NO("pinned", "Is pinned at WhatsApp"),                                              \
    {                                                                                              \
        .name = "q", .kind = QUERY_TEXT, .about = "Part of its name or number"                     \
    }
#define OF_SESSIONS                                                                                \
    {                                                                                              \
        .name = "session", .kind = QUERY_TEXT,                                                     \
        .about = "Of this session, or of several with commas between; without it of all"           \
    }
static const struct query_param chats[] = {LIMIT, CURSOR, CHAT_FILTERS, END};
static const struct query_param inbox[] = {LIMIT, CURSOR, CHAT_FILTERS, OF_SESSIONS, END};
static const struct query_param facets[] = {OF_SESSIONS, END};

#define MESSAGE_TYPE                                                                               \
    {                                                                                              \
        .name = "type", .kind = QUERY_CHOICE,                                                      \
        .choices = "text|image|video|audio|voice|document|sticker|location|contacts|poll|call|"    \
                   "system|revoked|pending|unknown|reaction|edit|revoke",                          \
        .about = "Messages of this type; operations of ours are in no list but by theirs"          \
    }
#define FILTERS                                                                                    \
    {.name = "direction", .kind = QUERY_CHOICE, .choices = "in|out", .about = "Received or sent"}, \
        MESSAGE_TYPE,                                                                              \
        {.name = "q", .kind = QUERY_TEXT, .about = "Part of the text"},                            \
        {.name = "status",                                                                         \
         .kind = QUERY_CHOICE,                                                                     \
         .choices = "queued|submitted|unconfirmed|sent|delivered|read|played|failed",              \
         .about = "Sent messages that have come so far"},                                          \
        {.name = "around",                                                                         \
         .kind = QUERY_TEXT,                                                                       \
         .about = "The page that has this message in its middle; previous_cursor goes on to "      \
                  "newer ones"},                                                                   \
        {.name = "since", .kind = QUERY_TIME, .about = "Not older than this"},                     \
    {                                                                                              \
        .name = "until", .kind = QUERY_TIME, .about = "Older than this"                            \
    }
static const struct query_param messages[] = {
    LIMIT,
    CURSOR,
    FILTERS,
    {.name = "chat", .kind = QUERY_TEXT, .about = "Chat id or phone number"},
    END};
static const struct query_param chat_messages[] = {LIMIT, CURSOR, FILTERS, END};

static const struct query_param sending[] = {
    {.name = "wait",
     .kind = QUERY_CHOICE,
     .choices = "server|device|read",
     .about = "Hold the answer until this acknowledgement (200), or 202 when it did not come"},
    {.name = "timeout_s",
     .kind = QUERY_UINT,
     .min = 1,
     .max = API_MAX_WAIT_S,
     .fallback = 30,
     .about = "How long to hold the answer"},
    {.name = "require",
     .kind = QUERY_CHOICE,
     .choices = "ready",
     .about = "Refuse (409 session_not_ready) instead of queueing when the session is not ready"},
    END};
static const struct query_param erasing[] = {{.name = "erase",
                                              .kind = QUERY_CHOICE,
                                              .choices = "messages",
                                              .about = "Erase the messages too"},
                                             END};
static const struct query_param linking[] = {
    {.name = "wait",
     .kind = QUERY_UINT,
     .max = API_MAX_WAIT_S,
     .about = "Seconds to wait for a code"},
    {.name = "style",
     .kind = QUERY_CHOICE,
     .choices = "ansi|dark|light",
     .about = "For text/plain: with colour codes, or plain for a dark or light terminal"},
    END};
static const struct query_param deliveries[] = {LIMIT,
                                                CURSOR,
                                                {.name = "state",
                                                 .kind = QUERY_CHOICE,
                                                 .choices = "pending|delivered|dead",
                                                 .about = "Which deliveries; pending by default"},
                                                END};
static const struct query_param events[] = {
    {.name = "limit",
     .kind = QUERY_UINT,
     .max = 500,
     .fallback = 50,
     .about = "How many at most; 0: only last_seq"},
    {.name = "types",
     .kind = QUERY_TEXT,
     .about = "Only these: patterns with commas, as of webhooks: message.*,session.status"},
    {.name = "ticket",
     .kind = QUERY_TEXT,
     .about = "For a stream, instead of a key: of POST …/events/tickets"},
    {.name = "after",
     .kind = QUERY_UINT,
     .max = INT64_MAX,
     .about = "Events after this seq. Without it a list begins at the oldest event, a stream now"},
    {.name = "cursor",
     .kind = QUERY_UINT,
     .max = INT64_MAX,
     .about = "next_cursor of the page before"},
    END};
static const struct query_param log_lines[] = {
    {.name = "limit",
     .kind = QUERY_UINT,
     .min = 1,
     .max = LOG_RECENT_LINES,
     .fallback = 100,
     .about = "How many at most"},
    {.name = "after", .kind = QUERY_TAIL, .about = "Lines after this id; -1: the newest ones"},
    {.name = "wait",
     .kind = QUERY_UINT,
     .max = API_MAX_WAIT_S,
     .about = "Seconds to wait for a line when there is none"},
    END};

static const struct query_param uploading[] = {
    {.name = "filename", .kind = QUERY_TEXT, .about = "What the file is called"}, END};
static const struct query_param downloading[] = {
    {.name = "filename", .kind = QUERY_TEXT, .about = "What the file is to be saved as"},
    {.name = "expires", .kind = QUERY_TEXT, .about = "Of a signed link"},
    {.name = "signature", .kind = QUERY_TEXT, .about = "Of a signed link: instead of a key"},
    END};

static const struct query_param text_search[] = {
    LIMIT,
    CURSOR,
    {.name = "q",
     .kind = QUERY_TEXT,
     .about = "Words that must be there, the last one as a beginning; \"a phrase\" in quotes"},
    {.name = "chat", .kind = QUERY_TEXT, .about = "Chat id or phone number"},
    {.name = "direction", .kind = QUERY_CHOICE, .choices = "in|out", .about = "Received or sent"},
    MESSAGE_TYPE,
    {.name = "since", .kind = QUERY_TIME, .about = "Not older than this"},
    {.name = "until", .kind = QUERY_TIME, .about = "Older than this"},
    {.name = "order",
     .kind = QUERY_CHOICE,
     .choices = "newest|rank",
     .about = "Newest first (the default), or the best match first"},
    END};

/* audit */
static const struct query_param audits[] = {
    LIMIT,
    CURSOR,
    {.name = "actor", .kind = QUERY_TEXT, .about = "By whom, as key:0123456789ab; key:* for any key"},
    {.name = "action", .kind = QUERY_TEXT, .about = "What, as session.start; session.* for any such"},
    {.name = "session", .kind = QUERY_TEXT, .about = "In this session"},
    {.name = "since", .kind = QUERY_TIME, .about = "Not older than this"},
    {.name = "until", .kind = QUERY_TIME, .about = "Older than this"},
    {.name = "order",
     .kind = QUERY_CHOICE,
     .choices = "newest|oldest",
     .about = "Newest first (the default), or oldest first, as an export has them"},
    END};
#define AUDIT_MEDIA "application/json application/x-ndjson"

static const struct query_param usages[] = {
    {.name = "since", .kind = QUERY_TIME, .about = "From its day on; without it this month"},
    {.name = "until", .kind = QUERY_TIME, .about = "Up to before this; without it now"},
    {.name = "group_by",
     .kind = QUERY_CHOICE,
     .choices = "day|session|country|channel",
     .about = "One row for each; day by default"},
    END};

static const struct query_param statistics[] = {
    {.name = "range",
     .kind = QUERY_CHOICE,
     .choices = "1h|24h|7d|30d|90d",
     .about = "How far back; 24h by default. The step of the series follows from it"},
    {.name = "session", .kind = QUERY_TEXT, .about = "Of this session alone"},
    END};

#define TENANT "/v1/tenants/{tenant}"
#define SESSION TENANT "/sessions/{session}"
#define WEBHOOK TENANT "/webhooks/{webhook}"
#define CHAT SESSION "/chats/{chat}"
#define CONTACT SESSION "/contacts/{contact}"
#define GROUP SESSION "/groups/{group}"
#define PICTURE_MEDIA "image/jpeg image/png image/webp application/octet-stream"
#define QR_MEDIA "image/png image/svg+xml text/plain application/json"
#define EVENT_MEDIA "application/json text/event-stream"
#define OPTIONAL API_BODY_OPTIONAL

/* method, pattern, auth, scope, handler, query, summary, body, status, answer, flags, media */
const struct api_route api_routes[] = {
    {"GET", "/health", API_OPEN, BRIDGE_NO_SCOPE, health_get, NULL, "Is the daemon well; 503 when it cannot store",
     NULL, 200, "Health", 0, NULL},
    {"GET", "/metrics", API_LOCAL, BRIDGE_METRICS_READ, metrics_get, NULL,
     "What the daemon measures, for Prometheus (docs/monitoring.md)", NULL, 200, "Media",
     API_QUIET, "text/plain"},
    {"GET", "/openapi.json", API_OPEN, BRIDGE_NO_SCOPE, openapi_get, NULL, "This document", NULL, 200, "OpenApi", 0,
     NULL},
    {"POST", SESSION "/messages", API_TENANT, BRIDGE_MESSAGES_SEND, message_send, sending,
     "Send a message; answered once it is durable", "Send", 202, "Message", API_IDEMPOTENT | API_LATE | API_CHAT, NULL},
    {"GET", SESSION "/messages", API_TENANT, BRIDGE_MESSAGES_READ, message_list, messages,
     "Messages of a session, newest first", NULL, 200, "MessageList", 0, NULL},
    {"GET", SESSION "/messages/{message}", API_TENANT, BRIDGE_MESSAGES_READ, message_get, NULL, "One message", NULL, 200,
     "Message", API_CHAT, NULL},
    {"POST", SESSION "/messages/{message}/media/refetch", API_TENANT, BRIDGE_MESSAGES_READ, message_refetch, NULL,
     "Fetch the file of a message (again); message.media follows", NULL, 202, "Message", API_CHAT, NULL},
    {"POST", SESSION "/messages/{message}/retry", API_TENANT, BRIDGE_MESSAGES_SEND, message_retry, sending,
     "Send a failed message again, as a new one; repeated: the same new one", NULL, 202, "Message",
     API_IDEMPOTENT | API_LATE | API_CHAT, NULL},
    {"PATCH", SESSION "/messages/{message}", API_TENANT, BRIDGE_MESSAGES_SEND, message_edit, sending,
     "Edit a message of ours (15 minutes); answers with the operation", "Edit", 202, "Message",
     API_IDEMPOTENT | API_LATE, NULL},
    {"DELETE", SESSION "/messages/{message}", API_TENANT, BRIDGE_MESSAGES_SEND, message_revoke, sending,
     "Delete a message for everyone (60 hours); answers with the operation", NULL, 202, "Message",
     API_IDEMPOTENT | API_LATE, NULL},
    {"POST", SESSION "/chats/{chat}/read", API_TENANT, BRIDGE_MESSAGES_SEND, chat_read, NULL,
     "Mark a chat read; 409 when the session is not ready", NULL, 204, NULL, API_CHAT, NULL},
    {"POST", SESSION "/chats/{chat}/presence", API_TENANT, BRIDGE_MESSAGES_SEND, chat_presence, NULL,
     "Show typing, recording or paused in a chat, or ask to hear what they show (subscribe); 409 when "
     "the session is not ready", "Presence",
     204, NULL, API_CHAT, NULL},
    {"GET", SESSION "/chats", API_TENANT, BRIDGE_MESSAGES_READ, chat_list, chats,
     "Chats of a session, recent first. A filter that matches little may give pages that are not "
     "full: go on while there is a next_cursor",
     NULL, 200, "ChatList", 0, NULL},
    {"GET", TENANT "/chats", API_TENANT, BRIDGE_MESSAGES_READ, inbox_chats, inbox,
     "Chats of all sessions that the key sees, recent first. A filter that matches little may give "
     "pages that are not full: go on while there is a next_cursor",
     NULL, 200, "ChatList", 0, NULL},
    {"GET", TENANT "/chats/facets", API_TENANT, BRIDGE_MESSAGES_READ, inbox_facets, facets,
     "Tags, assignees and counts of the 2000 most recent of these chats", NULL, 200, "ChatFacets", 0,
     NULL},
    {"GET", CHAT, API_TENANT, BRIDGE_MESSAGES_READ, chat_get, NULL, "One chat", NULL, 200, "Chat", API_CHAT, NULL},
    {"PATCH", CHAT, API_TENANT, BRIDGE_CHATS_MANAGE, chat_patch, NULL,
     "Change a conversation: state, assignee, tags and metadata are kept here; pinned, archived, "
     "muted_until, unread and blocked are done at WhatsApp",
     "ChatPatch", 200, "Chat", 0, NULL},
    {"GET", CHAT "/notes", API_TENANT, BRIDGE_MESSAGES_READ, note_list, NULL, "Internal notes, oldest first", NULL, 200,
     "NoteList", 0, NULL},
    {"POST", CHAT "/notes", API_TENANT, BRIDGE_CHATS_MANAGE, note_add, NULL, "Add an internal note", "NotePost", 201,
     "Note", 0, NULL},
    {"DELETE", CHAT "/notes/{note}", API_TENANT, BRIDGE_CHATS_MANAGE, note_delete, NULL, "Delete an internal note", NULL,
     204, NULL, 0, NULL},
    {"GET", SESSION "/chats/{chat}/messages", API_TENANT, BRIDGE_MESSAGES_READ, message_list, chat_messages,
     "Messages of a chat, newest first", NULL, 200, "MessageList", API_CHAT, NULL},
    {"GET", SESSION "/contacts", API_TENANT, BRIDGE_MESSAGES_READ, contact_list, searching, "Contacts of a session", NULL,
     200, "ContactList", 0, NULL},
    {"POST", SESSION "/contacts/check", API_TENANT, BRIDGE_MESSAGES_SEND, contact_check, NULL,
     "Which of these numbers are on WhatsApp; asked in small groups, remembered for a day",
     "CheckPost", 200, "CheckList", 0, NULL},
    {"GET", CONTACT, API_TENANT, BRIDGE_MESSAGES_READ, contact_get, NULL,
     "One contact; what it says of itself is asked for while the session is ready", NULL, 200,
     "Contact", 0, NULL},
    {"GET", CONTACT "/picture", API_TENANT, BRIDGE_MESSAGES_READ, contact_picture, NULL, "Their profile picture", NULL,
     200, "Media", 0, PICTURE_MEDIA},
    {"PUT", CONTACT "/block", API_TENANT, BRIDGE_CONTACTS_MANAGE, contact_block, NULL, "Block them at WhatsApp", NULL, 200,
     "Contact", 0, NULL},
    {"DELETE", CONTACT "/block", API_TENANT, BRIDGE_CONTACTS_MANAGE, contact_unblock, NULL, "Unblock them", NULL, 200,
     "Contact", 0, NULL},
    {"GET", SESSION "/groups", API_TENANT, BRIDGE_MESSAGES_READ, group_list, searching, "Groups of a session", NULL, 200,
     "GroupList", 0, NULL},
    {"POST", SESSION "/groups", API_TENANT, BRIDGE_GROUPS_MANAGE, group_create, NULL,
     "Make a group; who could not be added is listed", "GroupPost", 201, "GroupMade", 0, NULL},
    {"GET", GROUP, API_TENANT, BRIDGE_MESSAGES_READ, group_get, NULL, "One group with its participants", NULL, 200,
     "Group", 0, NULL},
    {"PATCH", GROUP, API_TENANT, BRIDGE_GROUPS_MANAGE, group_patch, NULL, "Change a group", "GroupPatch", 200, "Group", 0,
     NULL},
    {"POST", GROUP "/participants", API_TENANT, BRIDGE_GROUPS_MANAGE, group_people, NULL,
     "Add, remove, promote, demote people; each has a result", "GroupPeoplePost", 200,
     "GroupPeople", 0, NULL},
    {"GET", GROUP "/invite-link", API_TENANT, BRIDGE_GROUPS_MANAGE, group_invite, NULL, "The link that lets people in",
     NULL, 200, "InviteLink", 0, NULL},
    {"POST", GROUP "/invite-link", API_TENANT, BRIDGE_GROUPS_MANAGE, group_invite_revoke, NULL,
     "A new link; the old one is void", NULL, 200, "InviteLink", 0, NULL},
    {"POST", GROUP "/leave", API_TENANT, BRIDGE_GROUPS_MANAGE, group_leave, NULL, "Leave a group", NULL, 204, NULL, 0,
     NULL},
    {"GET", GROUP "/picture", API_TENANT, BRIDGE_MESSAGES_READ, group_picture, NULL, "The picture of a group", NULL, 200,
     "Media", 0, PICTURE_MEDIA},
    {"GET", "/v1/tenants", API_ADMIN, BRIDGE_NO_SCOPE, tenant_list, paging, "Every tenant", NULL, 200, "TenantList",
     0, NULL},
    {"GET", TENANT, API_TENANT, BRIDGE_NO_SCOPE, tenant_get, NULL, "One tenant", NULL, 200, "Tenant", 0, NULL},
    {"PUT", TENANT, API_ADMIN, BRIDGE_NO_SCOPE, tenant_put, NULL, "Create or update a tenant", "TenantPut", 200,
     "Tenant", OPTIONAL, NULL},
    {"DELETE", TENANT, API_ADMIN, BRIDGE_NO_SCOPE, tenant_delete, NULL, "Unlink and erase all of a tenant", NULL,
     204, NULL, 0, NULL},
    {"GET", TENANT "/usage", API_TENANT, BRIDGE_USAGE_READ, usage_get, usages,
     "What was sent and received, what it cost, and what the quotas leave", NULL, 200, "Usage", 0,
     NULL},
    {"GET", TENANT "/stats", API_TENANT, BRIDGE_USAGE_READ, stats_get, statistics,
     "Messages, answers, webhooks and queues over time, for a dashboard", NULL, 200, "Stats", API_PACKED,
     NULL},
    {"GET", TENANT "/keys", API_TENANT, BRIDGE_KEYS_MANAGE, key_list, NULL, "Keys of a tenant, without their secrets",
     NULL, 200, "KeyList", 0, NULL},
    {"POST", TENANT "/keys", API_TENANT, BRIDGE_KEYS_MANAGE, key_create, NULL,
     "Create a key of a tenant; shown only here", "KeyPost", 201, "NewKey", 0, NULL},
    {"DELETE", TENANT "/keys/{key}", API_TENANT, BRIDGE_KEYS_MANAGE, key_delete, NULL, "Delete a key of a tenant", NULL,
     204, NULL, 0, NULL},
    {"GET", TENANT "/keys/{key}", API_TENANT, BRIDGE_KEYS_MANAGE, key_get, NULL, "One key", NULL,
     200, "Key", 0, NULL},
    {"PATCH", TENANT "/keys/{key}", API_TENANT, BRIDGE_KEYS_MANAGE, key_patch, NULL,
     "Change a key; what is not named stays", "KeyPatch", 200, "Key", 0, NULL},
    {"POST", TENANT "/keys/{key}/rotate", API_TENANT, BRIDGE_KEYS_MANAGE, key_rotate, NULL,
     "A new secret, shown only here; the one before works overlap_s longer", "RotatePost", 200,
     "NewKey", OPTIONAL, NULL},
    {"GET", "/v1/keys", API_ADMIN, BRIDGE_NO_SCOPE, key_list, NULL, "Admin keys, without their secrets", NULL, 200,
     "KeyList", 0, NULL},
    {"POST", "/v1/keys", API_ADMIN, BRIDGE_NO_SCOPE, key_create, NULL, "Create an admin key; shown only here",
     "KeyPost", 201, "NewKey", 0, NULL},
    {"DELETE", "/v1/keys/{key}", API_ADMIN, BRIDGE_NO_SCOPE, key_delete, NULL,
     "Delete an admin key, but for the last", NULL, 204, NULL, 0, NULL},
    {"GET", "/v1/keys/{key}", API_ADMIN, BRIDGE_NO_SCOPE, key_get, NULL, "One admin key", NULL,
     200, "Key", 0, NULL},
    {"PATCH", "/v1/keys/{key}", API_ADMIN, BRIDGE_NO_SCOPE, key_patch, NULL,
     "Change an admin key; what is not named stays", "KeyPatch", 200, "Key", 0, NULL},
    {"POST", "/v1/keys/{key}/rotate", API_ADMIN, BRIDGE_NO_SCOPE, key_rotate, NULL,
     "A new secret of an admin key, shown only here; the one before works overlap_s longer", "RotatePost", 200,
     "NewKey", OPTIONAL, NULL},
    {"GET", "/v1/adapter", API_ADMIN, BRIDGE_NO_SCOPE, adapter_get, NULL,
     "Which build of wa-js is in use, and how the last trial of another ended", NULL, 200, "Adapter",
     0, NULL},
    {"POST", "/v1/adapter/test", API_ADMIN, BRIDGE_NO_SCOPE, adapter_test, NULL,
     "Try a build of wa-js on one session, then go back; its end shows in GET", "AdapterPost", 202,
     "Adapter", 0, NULL},
    {"POST", "/v1/adapter/use", API_ADMIN, BRIDGE_NO_SCOPE, adapter_use, NULL,
     "Try it on one session, install it, give it to the others one by one", "AdapterPost", 202,
     "Adapter", 0, NULL},
    {"POST", "/v1/adapter/rollback", API_ADMIN, BRIDGE_NO_SCOPE, adapter_rollback, NULL,
     "Go back to the build before, at once", NULL, 202, "Adapter", 0, NULL},
    {"GET", TENANT "/sessions", API_TENANT, BRIDGE_SESSIONS_READ, session_list, paging, "Sessions of a tenant", NULL, 200,
     "SessionList", 0, NULL},
    {"GET", SESSION, API_TENANT, BRIDGE_SESSIONS_READ, session_get, NULL, "One session", NULL, 200, "Session", 0, NULL},
    {"PUT", SESSION, API_TENANT, BRIDGE_SESSIONS_MANAGE, session_put, NULL, "Create or update a session", "SessionPut", 200,
     "Session", OPTIONAL, NULL},
    {"DELETE", SESSION, API_TENANT, BRIDGE_SESSIONS_MANAGE, session_delete, erasing,
     "Unlink and erase a session; messages are kept unless asked", NULL, 204, NULL, 0, NULL},
    {"POST", SESSION "/start", API_TENANT, BRIDGE_SESSIONS_MANAGE, session_start, NULL, "Start it; repeating is harmless",
     NULL, 202, "Session", 0, NULL},
    {"POST", SESSION "/stop", API_TENANT, BRIDGE_SESSIONS_MANAGE, session_stop, NULL, "Stop it, still linked", NULL, 202,
     "Session", 0, NULL},
    {"POST", SESSION "/restart", API_TENANT, BRIDGE_SESSIONS_MANAGE, session_restart, NULL, "Stop and start", NULL, 202,
     "Session", 0, NULL},
    {"POST", SESSION "/hibernate", API_TENANT, BRIDGE_SESSIONS_MANAGE, session_hibernate, NULL,
     "Close its browser until a send, its schedule or /wake; still linked", NULL, 202, "Session", 0,
     NULL},
    {"POST", SESSION "/wake", API_TENANT, BRIDGE_SESSIONS_MANAGE, session_wake, NULL,
     "End hibernation; harmless otherwise", NULL, 202, "Session", 0, NULL},
    {"POST", SESSION "/logout", API_TENANT, BRIDGE_SESSIONS_MANAGE, session_logout, NULL, "Unlink the account", NULL, 202,
     "Session", 0, NULL},
    {"POST", SESSION "/takeover", API_TENANT, BRIDGE_SESSIONS_MANAGE, session_takeover, NULL,
     "Use it here when it is open elsewhere (status conflict)", NULL, 202, "Session", 0, NULL},
    {"GET", SESSION "/qr", API_TENANT, BRIDGE_SESSIONS_MANAGE, session_qr, linking, "The code to scan, as Accept says",
     NULL, 200, "Qr", 0, QR_MEDIA},
    {"POST", SESSION "/pairing-code", API_TENANT, BRIDGE_SESSIONS_MANAGE, session_pairing_code, NULL,
     "A code to type on the phone instead of scanning", "PairingPost", 200, "PairingCode", 0, NULL},
    {"GET", SESSION "/search", API_TENANT, BRIDGE_MESSAGES_READ, message_search, text_search,
     "Full-text search over the messages of a session", NULL, 200, "SearchResult", 0, NULL},
    {"GET", TENANT "/search", API_TENANT, BRIDGE_MESSAGES_READ, message_search, text_search,
     "Full-text search over the messages of all sessions", NULL, 200, "SearchResult", 0, NULL},
    {"GET", SESSION "/agent", API_TENANT, BRIDGE_AGENT_MANAGE, agent_get, NULL,
     "The auto-reply agent of a session, without its secrets", NULL, 200, "Agent", 0, NULL},
    {"PUT", SESSION "/agent", API_TENANT, BRIDGE_AGENT_MANAGE, agent_put, NULL, "Create or update the auto-reply agent",
     "AgentPut", 200, "Agent", 0, NULL},
    {"DELETE", SESSION "/agent", API_TENANT, BRIDGE_AGENT_MANAGE, agent_delete, NULL,
     "Delete the agent; what waits for it is not answered", NULL, 204, NULL, 0, NULL},
    {"GET", SESSION "/chats/{chat}/agent", API_TENANT, BRIDGE_MESSAGES_READ, chat_agent_get, NULL,
     "Does the agent answer in this chat", NULL, 200, "AgentChat", 0, NULL},
    {"PATCH", SESSION "/chats/{chat}/agent", API_TENANT, BRIDGE_CHATS_MANAGE, chat_agent_set, NULL,
     "Open or close the agent for this chat", "AgentChatPatch", 200, "AgentChat", 0, NULL},
    {"POST", SESSION "/chats/{chat}/agent", API_TENANT, BRIDGE_CHATS_MANAGE, chat_agent_set, NULL,
     "The same as PATCH", "AgentChatPatch", 200, "AgentChat", 0, NULL},
    {"GET", SESSION "/sync", API_TENANT, BRIDGE_SESSIONS_READ, sync_get, NULL,
     "What catching up does and did, and jobs that fetch older history", NULL, 200, "Sync", 0,
     NULL},
    {"POST", SESSION "/sync", API_TENANT, BRIDGE_SESSIONS_MANAGE, sync_start, NULL,
     "Catch up now, whether there is a reason or not", NULL, 202, "Sync", 0, NULL},
    {"POST", SESSION "/chats/{chat}/history", API_TENANT, BRIDGE_CHATS_MANAGE, chat_history, NULL,
     "Fetch older messages of a chat; stored without events", "HistoryPost", 202, "HistoryJob", 0,
     NULL},
    {"GET", TENANT "/webhooks", API_TENANT, BRIDGE_WEBHOOKS_READ, webhook_list, paging, "Webhooks of a tenant", NULL, 200,
     "WebhookList", 0, NULL},
    {"GET", WEBHOOK, API_TENANT, BRIDGE_WEBHOOKS_READ, webhook_get, NULL, "One webhook, without its secret", NULL, 200,
     "Webhook", 0, NULL},
    {"PUT", WEBHOOK, API_TENANT, BRIDGE_WEBHOOKS_MANAGE, webhook_put, NULL, "Create or update a webhook", "WebhookPut", 200,
     "Webhook", 0, NULL},
    {"DELETE", WEBHOOK, API_TENANT, BRIDGE_WEBHOOKS_MANAGE, webhook_delete, NULL, "Delete a webhook and its deliveries",
     NULL, 204, NULL, 0, NULL},
    {"POST", WEBHOOK "/test", API_TENANT, BRIDGE_WEBHOOKS_MANAGE, webhook_test, NULL,
     "Send webhook.test now and say what came back", NULL, 200, "WebhookTest", 0, NULL},
    {"GET", WEBHOOK "/deliveries", API_TENANT, BRIDGE_WEBHOOKS_READ, webhook_deliveries, deliveries,
     "Deliveries of a webhook", NULL, 200, "DeliveryList", 0, NULL},
    {"GET", WEBHOOK "/deliveries/{delivery}", API_TENANT, BRIDGE_WEBHOOKS_READ, webhook_delivery, NULL,
     "One delivery with its tries and, for keys with events:read, the event that is posted", NULL,
     200, "DeliveryDetail", 0, NULL},
    {"POST", WEBHOOK "/check", API_TENANT, BRIDGE_WEBHOOKS_MANAGE, webhook_body_check, NULL,
     "Would a PUT with this body be refused? Stores nothing, for forms", "WebhookPut", 200,
     "WebhookCheck", 0, NULL},
    {"POST", WEBHOOK "/redrive", API_TENANT, BRIDGE_WEBHOOKS_MANAGE, webhook_redrive, NULL,
     "Dead letters back into the queue", "RedrivePost", 200, "Redriven", OPTIONAL, NULL},
    {"GET", TENANT "/events", API_TICKET, BRIDGE_EVENTS_READ, event_list, events,
     "The event log, oldest first, or live", NULL, 200, "EventList", API_CHAT, EVENT_MEDIA},
    /* signing in */
    {"POST", TENANT "/events/tickets", API_TENANT, BRIDGE_EVENTS_READ, event_ticket, NULL,
     "Opens one event stream within 30 s, for clients that cannot send headers", NULL, 201, "Ticket",
     API_CHAT, NULL},
    {"POST", "/v1/sign-in-links", API_ANY, BRIDGE_NO_SCOPE, sign_in_link, NULL,
     "A ticket that signs one person in to the dashboard, with no more rights than the key", "SignInLinkPost",
     201, "SignInLink", OPTIONAL, NULL},
    {"POST", "/v1/sign-in", API_OPEN, BRIDGE_NO_SCOPE, sign_in, NULL,
     "A key of its own for such a ticket, shown only here; it ends by itself", "SignInPost", 200,
     "SignIn", API_GUESS, NULL},
    {"DELETE", "/v1/me", API_ANY, BRIDGE_NO_SCOPE, me_delete, NULL,
     "Sign out: delete the key of a sign-in; 409 for others", NULL, 204, NULL, 0, NULL},
    {"GET", "/v1/me", API_ANY, BRIDGE_NO_SCOPE, me_get, NULL, "Who the key is and what it may do",
     NULL, 200, "Me", 0, NULL},
    {"POST", TENANT "/media", API_TENANT, BRIDGE_MEDIA_WRITE, media_upload, uploading,
     "Upload a file; the same content is kept once", "MediaUpload", 201, "Media", API_STREAM | API_CHAT, NULL},
    {"GET", TENANT "/media/{media}", API_SIGNED, BRIDGE_MESSAGES_READ, media_download, downloading,
     "The file, or a range of it; with a key or a signed link", NULL, 200, "Media", API_CHAT,
     "application/octet-stream"},
    {"DELETE", TENANT "/media/{media}", API_TENANT, BRIDGE_MEDIA_WRITE, media_delete, NULL, "Delete a file", NULL, 204,
     NULL, API_WHOLE_TENANT, NULL},
    {"GET", TENANT "/media/{media}/info", API_TENANT, BRIDGE_MESSAGES_READ, media_info, NULL, "What is known of a file",
     NULL, 200, "Media", API_CHAT, NULL},
    {"POST", TENANT "/media/{media}/link", API_TENANT, BRIDGE_MESSAGES_READ, media_link, NULL,
     "A link that works without a key for a while", "MediaLinkPost", 200, "MediaLink", OPTIONAL | API_CHAT,
     NULL},
    {"GET", SESSION "/activity", API_TENANT, BRIDGE_SESSIONS_READ, activity_list, paging,
     "What happened in a session, for people: newest first, messages counted by the hour. Go on "
     "while there is a next_cursor",
     NULL, 200, "ActivityList", 0, NULL},
    {"GET", TENANT "/activity", API_TENANT, BRIDGE_SESSIONS_READ, activity_list, paging,
     "The same of every session that the key sees", NULL, 200, "ActivityList", 0, NULL},
    {"GET", TENANT "/audit", API_TENANT, BRIDGE_AUDIT_READ, audit_list, audits,
     "Who did what to what, from where, with which outcome; a hash chain. A filter that matches "
     "little may give pages that are not full: go on while there is a next_cursor",
     NULL, 200, "AuditList", API_WHOLE_TENANT, AUDIT_MEDIA},
    {"GET", "/v1/audit", API_ADMIN, BRIDGE_NO_SCOPE, audit_list, audits,
     "The same of acts above tenants, and of refused logins", NULL, 200, "AuditList", 0,
     AUDIT_MEDIA},
    /* guards on content */
    {"GET", TENANT "/guards", API_TENANT, BRIDGE_MESSAGES_READ, guards_get, NULL,
     "What the tenant forbids to be sent, and how opt-outs are listened for", NULL, 200, "Guards", API_WHOLE_TENANT,
     NULL},
    {"PUT", TENANT "/guards", API_TENANT, BRIDGE_TENANT_MANAGE, guards_put, NULL,
     "Change the guards; what is not named stays as it is", "GuardsPut", 200, "Guards", API_WHOLE_TENANT, NULL},
    {"POST", TENANT "/guards/try", API_TENANT, BRIDGE_MESSAGES_READ, guards_try, NULL,
     "Would a text be refused? Nothing is sent or kept", "GuardsTry", 200, "GuardsTried", API_WHOLE_TENANT, NULL},
    {"GET", TENANT "/opt-outs", API_TENANT, BRIDGE_MESSAGES_READ, opt_out_list, paging,
     "Who does not want to be written to. A page may not be full: go on while there is a "
     "next_cursor",
     NULL, 200, "OptOutList", API_WHOLE_TENANT, NULL},
    {"POST", TENANT "/opt-outs", API_TENANT, BRIDGE_TENANT_MANAGE, opt_out_import, NULL,
     "Put up to 1000 numbers on the opt-out list", "OptOutImport", 200, "OptOutImported", API_WHOLE_TENANT, NULL},
    {"GET", TENANT "/opt-outs/{phone}", API_TENANT, BRIDGE_MESSAGES_READ, opt_out_get, NULL, "One opt-out", NULL, 200,
     "OptOut", API_WHOLE_TENANT, NULL},
    {"PUT", TENANT "/opt-outs/{phone}", API_TENANT, BRIDGE_TENANT_MANAGE, opt_out_put, NULL,
     "Put a number on the opt-out list", "OptOutPut", 200, "OptOut",
     OPTIONAL | API_WHOLE_TENANT, NULL},
    {"DELETE", TENANT "/opt-outs/{phone}", API_TENANT, BRIDGE_TENANT_MANAGE, opt_out_delete, NULL,
     "Take a number off the opt-out list", NULL, 204, NULL, API_WHOLE_TENANT, NULL},
    {"GET", SESSION "/log", API_ADMIN, BRIDGE_NO_SCOPE, session_log_get, log_lines,
     "The last log lines of a session", NULL, 200, "LogLines", API_QUIET, NULL},
    {"PUT", SESSION "/log", API_ADMIN, BRIDGE_NO_SCOPE, session_log_level, NULL,
     "Give a session a log level of its own for a while; level null: no more", "LogLevelPut", 200,
     "LogLevel", 0, NULL},
    {"GET", SESSION "/screenshot", API_ADMIN, BRIDGE_NO_SCOPE, session_screenshot, NULL,
     "The page of a session as a picture, for support; 409 when no browser runs", NULL, 200,
     "Media", 0, "image/png"},
    {"GET", "/v1/alerts", API_ADMIN, BRIDGE_METRICS_READ, alert_list, NULL,
     "Alerts that fire, of every tenant and of the node", NULL, 200, "AlertList", 0, NULL},
    {"GET", TENANT "/alerts", API_TENANT, BRIDGE_EVENTS_READ, alert_list, NULL,
     "Alerts of a tenant that fire", NULL, 200, "AlertList", API_WHOLE_TENANT, NULL},
    {"POST", "/v1/backup", API_ADMIN, BRIDGE_NO_SCOPE, backup_make, NULL,
     "A backup of everything, made while it runs, encrypted; docs/backup.md", "BackupPost", 200,
     "Media", OPTIONAL, "application/octet-stream"},
    {"POST", SESSION "/export", API_ADMIN, BRIDGE_NO_SCOPE, session_export_make, NULL,
     "Stop a session for good here and give all of it, to be imported on another host",
     "BackupPost", 200, "Media", OPTIONAL, "application/octet-stream"},
    {"DELETE", SESSION "/export", API_ADMIN, BRIDGE_NO_SCOPE, session_export_undo_ask, NULL,
     "Take an export back: only when the session was not started elsewhere", NULL, 200, "Session",
     0, NULL},
    {"POST", SESSION "/import", API_ADMIN, BRIDGE_NO_SCOPE, session_import, NULL,
     "Make a session of what `wabridge import-session` unpacked", "ImportPost", 201, "Session", 0,
     NULL},
    /* the widget in other people's pages */
    {"GET", TENANT "/widget", API_TENANT, BRIDGE_TENANT_MANAGE, widget_get, NULL,
     "Which pages may show the chat widget", NULL, 200, "WidgetSettings", API_WHOLE_TENANT, NULL},
    {"PUT", TENANT "/widget", API_TENANT, BRIDGE_TENANT_MANAGE, widget_put, NULL,
     "Say which pages may show the chat widget", "WidgetSettings", 200, "WidgetSettings",
     API_WHOLE_TENANT, NULL},
    {"POST", TENANT "/widget/tickets", API_TENANT, BRIDGE_MESSAGES_SEND, widget_ticket, NULL,
     "A ticket that opens the widget on one chat, once, within two minutes", "WidgetTicketPost", 201,
     "WidgetTicket", 0, NULL},
    {"POST", "/v1/widget/sign-in", API_OPEN, BRIDGE_NO_SCOPE, widget_sign_in, NULL,
     "Exchange a ticket for a credential that is good for one chat; what the widget does",
     "WidgetSignIn", 200, "WidgetSignedIn", API_GUESS, NULL},
    {"GET", TENANT "/widget/chat", API_TENANT, BRIDGE_MESSAGES_READ, widget_chat, NULL,
     "What the widget's own credential is for, and the state of its session", NULL, 200,
     "WidgetChat", API_CHAT_ONLY, NULL},
    {"GET", "/v1/logs", API_ADMIN, BRIDGE_NO_SCOPE, logs_get, log_lines, "Recent log lines of the daemon", NULL, 200,
     "LogLines", API_QUIET, NULL},
};
const size_t api_route_count = sizeof(api_routes) / sizeof(api_routes[0]);
