/* What routes may be asked in the query string, one list for each kind of question. */
#include "route_params.h"

#include "api.h"
#include "log.h"

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

const struct query_param params_paging[] = {LIMIT, CURSOR, END};
const struct query_param params_searching[] = {
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
const struct query_param params_chats[] = {LIMIT, CURSOR, CHAT_FILTERS, END};
const struct query_param params_inbox[] = {LIMIT, CURSOR, CHAT_FILTERS, OF_SESSIONS, END};
const struct query_param params_facets[] = {OF_SESSIONS, END};

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
         .kind = QUERY_CHOICES,                                                                    \
         .choices = "queued|submitted|unconfirmed|sent|delivered|read|played|failed",              \
         .about = "Messages of ours that are just there; several with commas: all that were "      \
                  "delivered are delivered,read,played"},                                          \
        YES_OR_NO("backfill", "What came while nobody listened"),                                  \
        {.name = "around",                                                                         \
         .kind = QUERY_TEXT,                                                                       \
         .about = "The page that has this message in its middle; previous_cursor goes on to "      \
                  "newer ones"},                                                                   \
        {.name = "since", .kind = QUERY_TIME, .about = "Not older than this"},                     \
    {                                                                                              \
        .name = "until", .kind = QUERY_TIME, .about = "Older than this"                            \
    }
const struct query_param params_messages[] = {
    LIMIT,
    CURSOR,
    FILTERS,
    {.name = "chat", .kind = QUERY_TEXT, .about = "Chat id or phone number"},
    END};
const struct query_param params_chat_messages[] = {LIMIT, CURSOR, FILTERS, END};

const struct query_param params_sending[] = {
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
const struct query_param params_erasing[] = {{.name = "erase",
                                              .kind = QUERY_CHOICE,
                                              .choices = "messages",
                                              .about = "Erase the messages too"},
                                             END};
const struct query_param params_linking[] = {
    {.name = "wait",
     .kind = QUERY_UINT,
     .max = API_MAX_WAIT_S,
     .about = "Seconds to wait for a code"},
    {.name = "style",
     .kind = QUERY_CHOICE,
     .choices = "ansi|dark|light",
     .about = "For text/plain: with colour codes, or plain for a dark or light terminal"},
    END};
const struct query_param params_deliveries[] = {LIMIT,
                                                CURSOR,
                                                {.name = "state",
                                                 .kind = QUERY_CHOICE,
                                                 .choices = "pending|delivered|dead",
                                                 .about = "Which deliveries; pending by default"},
                                                END};
const struct query_param params_events[] = {
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
const struct query_param params_log_lines[] = {
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

const struct query_param params_uploading[] = {
    {.name = "filename", .kind = QUERY_TEXT, .about = "What the file is called"}, END};
const struct query_param params_downloading[] = {
    {.name = "filename", .kind = QUERY_TEXT, .about = "What the file is to be saved as"},
    {.name = "expires", .kind = QUERY_TEXT, .about = "Of a signed link"},
    {.name = "signature", .kind = QUERY_TEXT, .about = "Of a signed link: instead of a key"},
    END};

const struct query_param params_text_search[] = {
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
const struct query_param params_audits[] = {
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

const struct query_param params_usages[] = {
    {.name = "since", .kind = QUERY_TIME, .about = "From its day on; without it this month"},
    {.name = "until", .kind = QUERY_TIME, .about = "Up to before this; without it now"},
    {.name = "group_by",
     .kind = QUERY_CHOICE,
     .choices = "day|session|country|channel",
     .about = "One row for each; day by default"},
    END};

const struct query_param params_statistics[] = {
    {.name = "range",
     .kind = QUERY_CHOICE,
     .choices = "1h|24h|7d|30d|90d",
     .about = "How far back; 24h by default. The step of the series follows from it"},
    {.name = "session", .kind = QUERY_TEXT, .about = "Of this session alone"},
    END};
