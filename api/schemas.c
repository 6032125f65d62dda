/* The objects of the contract as JSON Schema, for the OpenAPI document. One text each: a C string
 * constant has a limit of 4,095 bytes. */
#include "schemas.h"

#include "schemas_members.h"
#include "schemas_shapes.h"
#include "schemas_words.h"

const struct schema schemas[] = {
    {"Problem", OBJECT("\"type\",\"title\",\"status\",\"code\"",
                       "\"type\":" TEXT ",\"title\":" TEXT ",\"status\":" INT ",\"detail\":" TEXT
                       ",\"instance\":" TEXT ",\"code\":" TEXT
                       ",\"errors\":{\"type\":\"array\",\"items\":" OBJECT(
                           "\"field\",\"detail\"", "\"field\":" TEXT ",\"detail\":" TEXT) "}")},
    {"OpenApi", ANY},
    {"Health",
     OBJECT("\"status\",\"version\",\"uptime_s\",\"timestamp\"",
            "\"status\":{\"enum\":[\"ok\",\"degraded\"]},\"version\":" TEXT ",\"uptime_s\":" INT
            ",\"memory\":" OBJECT("", "\"rss_bytes\":" INT) ",\"sessions\":" OBJECT(
                "",
                "\"total\":" INT ",\"ready\":" INT ",\"unlinked\":" INT ",\"disconnected\":" INT
                ",\"failed\":" INT) ",\"queues\":" OBJECT("",
                                                          "\"outbox\":" INT ",\"deliveries\":" INT
                                                          ",\"dead_letters\":" INT) ",\"timestamp\""
                                                                                    ":" TIME)},
    {"Tenant",
     OBJECT("\"id\",\"created_at\"",
            "\"id\":" NAME ",\"name\":" TEXT_OR_NULL ",\"default_country_code\":" TEXT_OR_NULL
            ",\"time_zone\":" TEXT_OR_NULL ",\"limits\":" ANY ",\"tariff\":" ANY_OR_NULL
            ",\"widget\":" REF("WidgetSettings") ",\"created_at\":" TIME)},
    {"TenantPut", OBJECT("", "\"name\":" TEXT_OR_NULL ",\"default_country_code\":" TEXT_OR_NULL
                             ",\"time_zone\":" TEXT_OR_NULL ",\"limits\":" ANY
                             ",\"tariff\":" ANY_OR_NULL ",\"widget\":" REF("WidgetSettings"))},
    {"WidgetSettings",
     OBJECT("\"origins\"", "\"origins\":{\"type\":\"array\",\"maxItems\":16,\"items\":" TEXT "}")},
    {"WidgetTicketPost",
     OBJECT("\"session\",\"to\"",
            "\"session\":" NAME ",\"to\":" TEXT ",\"name\":" TEXT_OR_NULL ",\"agent\":" TEXT_OR_NULL
            ",\"can_send\":" BOOL
            ",\"ttl_s\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":3600}")},
    {"WidgetTicket", OBJECT("\"ticket\",\"tenant\",\"expires_at\",\"url\"",
                            "\"ticket\":" TEXT ",\"tenant\":" NAME ",\"expires_at\":" TIME
                            ",\"url\":" TEXT)},
    {"WidgetSignIn", OBJECT("\"ticket\"", "\"ticket\":" TEXT)},
#define WIDGET_CHAT                                                                                \
    "\"tenant\":" NAME ",\"session\":" NAME ",\"session_status\":" TEXT ",\"chat\":" TEXT               \
    ",\"account\":" ANY_OR_NULL                                                                    \
    ",\"name\":" TEXT_OR_NULL ",\"phone\":" TEXT_OR_NULL ",\"agent\":" TEXT_OR_NULL                  \
    ",\"can_send\":" BOOL ",\"can_attach\":" BOOL ",\"expires_at\":" TIME
    {"WidgetChat", OBJECT("\"chat\",\"can_send\",\"expires_at\"", WIDGET_CHAT)},
    {"WidgetSignedIn", OBJECT("\"credential\",\"chat\",\"can_send\",\"expires_at\"",
                              WIDGET_CHAT ",\"credential\":" TEXT)},
#define USAGE_SUMS                                                                                 \
    "\"messages_out\":" INT ",\"messages_in\":" INT ",\"media_bytes_out\":" INT                    \
    ",\"media_bytes_in\":" INT ",\"types_out\":" ANY ",\"types_in\":" ANY                          \
    ",\"cost\":" TEXT_OR_NULL
    {"Usage",
     OBJECT("\"tenant\",\"since\",\"until\",\"items\",\"total\",\"quotas\"",
            "\"tenant\":" NAME ",\"time_zone\":" TEXT ",\"since\":" TEXT ",\"until\":" TEXT
            ",\"currency\":" TEXT_OR_NULL ",\"items\":" LIST(OBJECT(
                "", "\"day\":" TEXT ",\"session\":" TEXT ",\"country\":" TEXT ",\"channel\":" TEXT
                    "," USAGE_SUMS)) ",\"total\":" OBJECT("", USAGE_SUMS) ",\"quotas\":"
            LIST(OBJECT("\"name\",\"limit\",\"used\",\"resets_at\"",
                        "\"name\":" TEXT ",\"limit\":" INT_OR_NULL ",\"used\":" INT
                        ",\"resets_at\":" TIME_OR_NULL)))},
#define STATS_COUNTS                                                                               \
    "\"received\":" INT ",\"sent\":" INT ",\"delivered\":" INT ",\"read\":" INT ",\"failed\":" INT
    {"Stats",
     OBJECT("\"since\",\"until\",\"step_s\",\"totals\",\"series\",\"queues\",\"sessions\"",
            "\"since\":" TIME ",\"until\":" TIME ",\"step_s\":" INT ",\"totals\":" OBJECT(
                "\"received\",\"sent\",\"delivered\",\"read\",\"failed\",\"delivery_rate\","
                "\"read_rate\",\"response\",\"webhooks\"",
                STATS_COUNTS ",\"delivery_rate\":" NUM_OR_NULL ",\"read_rate\":" NUM_OR_NULL
                ",\"response\":" OBJECT("\"count\",\"median_s\",\"p90_s\"",
                    "\"count\":" INT ",\"median_s\":" NUM_OR_NULL ",\"p90_s\":" NUM_OR_NULL)
                ",\"webhooks\":{\"type\":[\"object\",\"null\"],\"properties\":{\"delivered\":" INT
                ",\"failed\":" INT ",\"dead\":" INT ",\"latency_p50_ms\":" NUM_OR_NULL
                ",\"latency_p90_ms\":" NUM_OR_NULL "}}")
            ",\"series\":" LIST(OBJECT("\"at\"",
                "\"at\":" TIME "," STATS_COUNTS ",\"response_median_s\":" NUM_OR_NULL
                ",\"webhook_delivered\":" INT_OR_NULL ",\"webhook_failed\":" INT_OR_NULL
                ",\"webhook_latency_p50_ms\":" NUM_OR_NULL))
            ",\"queues\":" OBJECT("\"outbox\",\"agent\"",
                "\"outbox\":" INT ",\"deliveries\":" INT_OR_NULL ",\"dead_letters\":" INT_OR_NULL
                ",\"agent\":" INT)
            ",\"sessions\":{\"type\":\"object\",\"additionalProperties\":" INT "}")},
    {"TenantList", LIST_OF("Tenant")},
#define KEY_FIELDS                                                                                 \
    "\"id\":" TEXT ",\"kind\":{\"enum\":[\"key\",\"sign_in\"]}"                                         \
    ",\"name\":" TEXT_OR_NULL ",\"tenant\":" TEXT_OR_NULL ",\"role\":" TEXT_OR_NULL   \
    ",\"scopes\":" TEXTS ",\"sessions\":" TEXTS ",\"expires_at\":" TIME_OR_NULL                      \
    ",\"last_used_at\":" TIME_OR_NULL ",\"rotated_at\":" TIME_OR_NULL                               \
    ",\"old_secret_until\":" TIME_OR_NULL ",\"created_at\":" TIME
#define KEY_BODY                                                                                   \
    OBJECT("", "\"name\":" TEXT ",\"role\":{\"enum\":[\"admin\",\"operator\",\"agent\",\"viewer\"]}"   \
               ",\"scopes\":" TEXTS ",\"sessions\":" TEXTS ",\"expires_at\":" TIME_OR_NULL)
    {"Key", OBJECT("\"id\",\"scopes\",\"sessions\",\"created_at\"", KEY_FIELDS)},
    {"NewKey", OBJECT("\"id\",\"key\",\"scopes\",\"sessions\",\"created_at\"",
                      KEY_FIELDS ",\"key\":" TEXT)},
    {"KeyPost", KEY_BODY},
    {"KeyPatch", KEY_BODY},
    {"RotatePost", OBJECT("", "\"overlap_s\":" INT)},
    {"KeyList", OBJECT("\"items\"", "\"items\":{\"type\":\"array\",\"items\":" REF(
                                        "Key") "},\"next_cursor\":" TEXT_OR_NULL)},
    {"Session",
     OBJECT(
         "\"id\",\"tenant\",\"channel\",\"status\",\"created_at\"",
         "\"id\":" NAME ",\"tenant\":" NAME
         ",\"channel\":{\"enum\":[\"web\"]},\"status\":{\"enum\":"
         "[\"stopped\",\"starting\",\"unlinked\",\"linking\",\"syncing\",\"ready\","
         "\"disconnected\",\"conflict\",\"logged_out\",\"failed\",\"hibernating\"]},\"status_reason\":" TEXT_OR_NULL
         ",\"reason_code\":" SESSION_REASON
         ",\"status_since\":" TIME_OR_NULL
         ",\"account\":{\"type\":[\"object\",\"null\"],\"properties\":{\"id\":" TEXT_OR_NULL
         ",\"phone\":" TEXT_OR_NULL ",\"lid\":" TEXT_OR_NULL ",\"push_name\":" TEXT_OR_NULL
         ",\"platform\":" TEXT_OR_NULL "}},\"qr\":{\"type\":[\"object\",\"null\"],\"properties\":{"
         "\"attempt\":" INT ",\"expires_at\":" TIME_OR_NULL "}},\"linked_at\":" TIME_OR_NULL
         ",\"last_activity_at\":" TIME_OR_NULL ",\"backlog\":" OBJECT(
             "", "\"outbox\":" INT
                 ",\"deliveries\":" INT) ",\"autostart\":" BOOL ",\"exported\":" BOOL ",\"capabilities\":" ANY
                                         ",\"memory\":{\"oneOf\":[" REF("SessionMemory") ",{\"type\":\"null\"}]}"
                                         ",\"storage\":{\"oneOf\":[" REF("SessionStorage") ",{\"type\":\"null\"}]}"
                                         ",\"hibernate\":" REF("Hibernate")
                                         ",\"media\":" ANY_OR_NULL ",\"metadata\":" ANY ",\"created_at\":" TIME)},
    {"SessionMemory",
     OBJECT("\"browser_pss_bytes\"",
            "\"browser_pss_bytes\":" INT ",\"soft_bytes\":" INT ",\"hard_bytes\":" INT ",\"exact\":" BOOL ",\"processes\":" INT ",\"threads\":" INT
            ",\"cpu_ms\":" INT ",\"collections\":" INT ",\"reloads\":" INT ",\"restarts\":" INT
            ",\"started_at\":" TIME ",\"sampled_at\":" TIME)},
    {"AdapterBuild", OBJECT("\"sha256\"", "\"version\":" TEXT_OR_NULL ",\"sha256\":" TEXT ",\"bytes\":" INT
                            ",\"source\":{\"enum\":[\"config\",\"data\",\"packaged\"]}")},
    {"Adapter",
     OBJECT("\"current\",\"state\"",
            "\"current\":" REF("AdapterBuild") ",\"previous\":{\"oneOf\":[" REF("AdapterBuild")
            ",{\"type\":\"null\"}]},\"sessions\":" LIST(OBJECT("", "\"version\":" TEXT_OR_NULL
                ",\"sha256\":" TEXT ",\"count\":" INT)) ",\"state\":{\"enum\":[\"idle\",\"loading\","
            "\"testing\",\"returning\",\"installing\",\"rolling_out\"]},\"progress\":" ANY_OR_NULL
            ",\"last\":{\"type\":[\"object\",\"null\"],\"properties\":{\"action\":" TEXT ",\"ok\":" BOOL
            ",\"version\":" TEXT_OR_NULL ",\"sha256\":" TEXT_OR_NULL ",\"canary\":" TEXT_OR_NULL
            ",\"done\":" INT ",\"failed\":" INT ",\"rolled_back\":" BOOL ",\"error\":" ANY_OR_NULL
            ",\"at\":" TIME "}}")},
    {"AdapterPost", OBJECT("\"file\"", "\"file\":{\"type\":\"string\",\"description\":\"absolute path on the host "
                           "of the daemon\"},\"session\":{\"type\":\"string\",\"description\":\"TENANT/SESSION to "
                           "try it on\"}")},
    {"SessionStorage",
     OBJECT("\"profile_bytes\",\"cache_bytes\"",
            "\"profile_bytes\":" INT ",\"cache_bytes\":" INT ",\"quarantine_bytes\":" INT
            ",\"quarantined\":" INT)},
    {"Hibernate", OBJECT("", "\"after_idle_s\":" INT ",\"wake_every_s\":" INT ",\"wake_at\":" TIME_OR_NULL
            ",\"quiet_hours\":{\"type\":[\"object\",\"null\"],\"properties\":{\"from\":" TEXT ",\"to\":" TEXT "}}")},
    {"SessionPut",
     OBJECT("", "\"channel\":{\"enum\":[\"web\"]},\"autostart\":" BOOL
               ",\"media\":{\"type\":[\"object\",\"null\"],\"properties\":{\"download\":{"
               "\"description\":\"all, none, or a list of types\"},\"max_bytes\":" INT
               "}},\"metadata\":" ANY ",\"hibernate\":{\"type\":[\"object\",\"null\"],\"properties\":{"
               "\"after_idle_s\":" INT ",\"wake_every_s\":" INT
               ",\"quiet_hours\":{\"type\":[\"object\",\"null\"],\"properties\":{\"from\":" TEXT ",\"to\":" TEXT "}}}}")},
    {"SessionList", LIST_OF("Session")},
    {"Qr",
     OBJECT("\"code\",\"data_url\"", "\"code\":" TEXT ",\"data_url\":" TEXT ",\"attempt\":" INT ",\"max_attempts\":" INT
                                     ",\"generation\":" INT ",\"expires_at\":" TIME_OR_NULL)},
    {"PairingPost", OBJECT("\"phone\"", "\"phone\":" TEXT)},
    {"PairingCode", OBJECT("\"code\"", "\"code\":" TEXT ",\"expires_at\":" TIME_OR_NULL)},
    {"Person", OBJECT("", "\"id\":" TEXT_OR_NULL ",\"phone\":" TEXT_OR_NULL ",\"lid\":" TEXT_OR_NULL
                          ",\"name\":" TEXT_OR_NULL ",\"contact_id\":" TEXT_OR_NULL)},
    {"Media", OBJECT("\"state\"", MEDIA_MEMBERS)},
    {"Content", OBJECT("", CONTENT_MEMBERS)},
    {"Message",
     "{\"allOf\":[" REF("Content") ",{\"type\":\"object\",\"required\":[" MESSAGE_REQUIRED
     "],\"properties\":{" MESSAGE_HEAD MESSAGE_STATE MESSAGE_TAIL "}}]}"},
    {"MessageList",
     OBJECT("\"items\",\"next_cursor\"",
            "\"items\":" LIST(REF("Message")) ",\"next_cursor\":" TEXT_OR_NULL
            ",\"previous_cursor\":" TEXT_OR_NULL)},
    {"SendFile",
     OBJECT("", "\"url\":{\"type\":\"string\",\"format\":\"uri\"},\"base64\":" TEXT
                ",\"media_id\":" TEXT ",\"filename\":" TEXT ",\"mimetype\":" TEXT
                ",\"caption\":{\"type\":\"string\",\"maxLength\":1024},\"view_once\":" BOOL)},
    {"Send",
     OBJECT(
         "", "\"to\":{\"type\":\"string\",\"description\":\"Phone number, chat id or contact id, "
             "or status\"},"
             "\"text\":{\"type\":\"string\",\"minLength\":1,\"maxLength\":65536},\"image\":" REF(
                 "SendFile") ",\"video\":" REF("SendFile") ",\"audio\":" REF("SendFile") ",\"voice"
             "\":" REF("SendFile") ",\"document\":" REF("SendFile") ",\"sticker\":" REF(
                 "SendFile") ",\"location\":" OBJECT("\"latitude\",\"longitude\"",
                                                     "\"latitude\":" NUMBER ",\"longitude\":" NUMBER
                                                     ",\"name\":" TEXT ",\"address\":" TEXT)
             ",\"contacts\":{\"type\":\"array\",\"items\":" OBJECT(
                 "\"name\",\"phones\"", "\"name\":" TEXT ",\"phones\":" TEXTS)
             "},\"poll\":" OBJECT("\"question\",\"options\"",
                                  "\"question\":" TEXT ",\"options\":" TEXTS
                                  ",\"max_choices\":" INT)
             ",\"reaction\":" OBJECT("\"message_id\",\"emoji\"",
                                     "\"message_id\":" TEXT ",\"emoji\":" TEXT)
             ",\"forward\":" OBJECT("\"message_id\"", "\"message_id\":" TEXT ",\"chat\":" TEXT)
             ",\"reply_to\":" TEXT ",\"mentions\":{\"anyOf\":[" TEXTS ",{\"const\":\"all\"}]},"
             "\"link_preview\":" BOOL ",\"presence\":{\"enum\":[\"typing\",\"recording\"]},"
             "\"presence_ms\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":25000},"
             "\"metadata\":" ANY ",\"expires_at\":" TIME
             ",\"source\":{\"enum\":[\"api\",\"dashboard\"]}")},
    {"Edit", OBJECT("\"text\"",
                    "\"text\":{\"type\":\"string\",\"minLength\":1,\"maxLength\":65536}")},
    {"Presence", OBJECT("\"state\"",
                        "\"state\":{\"enum\":[\"typing\",\"recording\",\"paused\",\"subscribe\"]}")},
    {"Chat",
     OBJECT("\"id\",\"type\",\"state\"",
            "\"id\":" TEXT ",\"session\":" NAME ",\"type\":" CHAT_TYPES ",\"phone\":" TEXT_OR_NULL
            ",\"lid\":" TEXT_OR_NULL ",\"name\":" TEXT_OR_NULL ",\"contact_id\":" TEXT_OR_NULL
            ",\"unread_count\":" INT
            ",\"last_message\":{\"type\":[\"object\",\"null\"],\"properties\":{\"id\":" TEXT
            ",\"direction\":{\"enum\":[\"in\",\"out\"]},\"type\":" TEXT
            ",\"text\":" TEXT_OR_NULL ",\"status\":" TEXT_OR_NULL ",\"timestamp\":" TIME_OR_NULL
            "}},\"state\":" CHAT_STATES
            ",\"assignee\":" TEXT_OR_NULL ",\"tags\":" TEXTS ",\"pinned\":" BOOL
            ",\"archived\":" BOOL ",\"muted_until\":" TIME_OR_NULL ",\"blocked\":" BOOL
            ",\"metadata\":" ANY_OR_NULL ",\"window\":" REF("Window"))},
    {"ChatPatch",
     OBJECT("", "\"state\":" CHAT_STATES ",\"assignee\":" TEXT_OR_NULL
                ",\"tags\":{\"type\":\"array\",\"maxItems\":20,\"items\":" TEXT "},\"metadata\":" ANY_OR_NULL
                ",\"pinned\":" BOOL ",\"archived\":" BOOL ",\"muted_until\":" TIME_OR_NULL
                ",\"unread\":" BOOL ",\"blocked\":" BOOL)},
    {"Note", OBJECT("\"id\",\"text\",\"author\",\"created_at\"",
                    "\"id\":" TEXT ",\"chat\":" TEXT ",\"text\":" TEXT ",\"author\":" TEXT
                    ",\"author_name\":" TEXT_OR_NULL ",\"created_at\":" TIME)},
    {"NotePost",
     OBJECT("\"text\"", "\"text\":{\"type\":\"string\",\"minLength\":1,\"maxLength\":4000}")},
    {"NoteList", LIST_OF("Note")},
    {"ChatList", LIST_OF("Chat")},
    {"ChatFacets",
     OBJECT("\"tags\",\"assignees\",\"counts\",\"scanned\",\"complete\"",
            "\"tags\":" LIST(OBJECT("\"tag\",\"count\"", "\"tag\":" TEXT ",\"count\":" INT))
            ",\"assignees\":" LIST(OBJECT("\"assignee\",\"count\"",
                                        "\"assignee\":" TEXT ",\"count\":" INT))
            ",\"counts\":" OBJECT("", "\"open\":" INT ",\"closed\":" INT ",\"unread\":" INT
                                      ",\"unassigned\":" INT ",\"archived\":" INT
                                      ",\"archived_unread\":" INT)
            ",\"scanned\":" INT ",\"complete\":" BOOL)},
    {"Contact",
     OBJECT("\"id\"",
            "\"id\":" TEXT ",\"phone\":" TEXT_OR_NULL ",\"lid\":" TEXT_OR_NULL
            ",\"name\":" TEXT_OR_NULL ",\"push_name\":" TEXT_OR_NULL
            ",\"saved_name\":" TEXT_OR_NULL ",\"saved\":" BOOL ",\"business\":" BOOL
            ",\"about\":" TEXT_OR_NULL ",\"business_profile\":" ANY_OR_NULL ",\"blocked\":" BOOL
            ",\"first_seen_at\":" TIME ",\"updated_at\":" TIME ",\"window\":" REF("Window"))},
    {"ContactList", LIST_OF("Contact")},
    {"CheckPost",
     OBJECT("\"phones\"", "\"phones\":{\"type\":\"array\",\"minItems\":1,\"maxItems\":100,"
                          "\"items\":" TEXT "}")},
    {"CheckList",
     OBJECT("\"items\"",
            "\"items\":{\"type\":\"array\",\"items\":" OBJECT(
                "\"input\",\"exists\"",
                "\"input\":" TEXT ",\"phone\":" TEXT_OR_NULL
                ",\"exists\":{\"type\":[\"boolean\",\"null\"]},\"business\":" BOOL
                ",\"chat\":{\"type\":[\"object\",\"null\"]},\"checked_at\":" TIME
                ",\"cached\":" BOOL ",\"error\":" OBJECT(
                    "\"code\"", "\"code\":" TEXT ",\"detail\":" TEXT)) "}")},
    {"Group",
     OBJECT("\"id\"",
            "\"id\":" TEXT ",\"name\":" TEXT ",\"description\":" TEXT_OR_NULL
            ",\"owner\":{\"type\":[\"object\",\"null\"]},\"created_at\":" TIME_OR_NULL
            ",\"size\":" INT ",\"announce\":" BOOL ",\"locked\":" BOOL ",\"admin\":" BOOL
            ",\"participants\":{\"type\":\"array\",\"items\":" REF("Person") "},\"updated_at\":" TIME)},
    {"GroupList", LIST_OF("Group")},
    {"GroupPost", OBJECT("\"name\",\"participants\"", "\"name\":" TEXT ",\"participants\":" TEXTS)},
    {"GroupMade", OBJECT("\"group\",\"failed\"",
                         "\"group\":" REF("Group") ",\"failed\":" RESULTS)},
    {"GroupPatch", OBJECT("", "\"name\":" TEXT ",\"description\":" TEXT ",\"announce\":" BOOL
                              ",\"locked\":" BOOL)},
    {"GroupPeoplePost", OBJECT("", "\"add\":" TEXTS ",\"remove\":" TEXTS ",\"promote\":" TEXTS
                                   ",\"demote\":" TEXTS)},
    {"GroupPeople", OBJECT("\"group\",\"results\"",
                           "\"group\":" REF("Group") ",\"results\":" RESULTS)},
    {"InviteLink", OBJECT("\"link\"", "\"link\":" TEXT)},
    {"SyncRun",
     OBJECT("\"reason\",\"started_at\",\"duration_ms\"",
            "\"reason\":" TEXT ",\"started_at\":" TIME_OR_NULL ",\"finished_at\":" TIME_OR_NULL
            ",\"chats_seen\":" INT ",\"chats_opened\":" INT ",\"chats_failed\":" INT
            ",\"messages_seen\":" INT ",\"messages_new\":" INT ",\"changes\":" INT
            ",\"page_calls\":" INT ",\"duration_ms\":" INT
            ",\"error\":{\"type\":[\"object\",\"null\"]}")},
    {"HistoryPost",
     OBJECT("", "\"until\":" TIME
                ",\"count\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":5000}")},
    {"HistoryJob",
     OBJECT("\"id\",\"chat\",\"state\"",
            "\"id\":" TEXT ",\"chat\":" TEXT
            ",\"state\":{\"enum\":[\"waiting\",\"running\",\"done\",\"failed\"]},\"until\":" TIME_OR_NULL
            ",\"count\":" INT ",\"messages_seen\":" INT ",\"messages_new\":" INT
            ",\"complete\":" BOOL ",\"asked_at\":" TIME_OR_NULL ",\"finished_at\":" TIME_OR_NULL
            ",\"error\":{\"type\":[\"object\",\"null\"]}")},
    {"Sync",
     OBJECT("\"state\",\"history\"",
            "\"state\":{\"enum\":[\"idle\",\"running\",\"waiting\"]},\"reason\":" TEXT_OR_NULL
            ",\"started_at\":" TIME_OR_NULL ",\"finished_at\":" TIME_OR_NULL
            ",\"last\":{\"anyOf\":[" REF("SyncRun") ",{\"type\":\"null\"}]},\"watermark\":" TIME_OR_NULL
            ",\"next_run_at\":" TIME_OR_NULL ",\"history\":{\"type\":\"array\",\"items\":" REF(
                "HistoryJob") "}")},
#define DELIVERY                                                                                   \
    "\"id\":" TEXT ",\"event_id\":" TEXT_OR_NULL ",\"type\":" TEXT_OR_NULL ",\"seq\":" INT         \
    ",\"state\":{\"enum\":[\"pending\",\"delivered\",\"dead\"]},\"attempts\":" INT                     \
    ",\"last_status\":" INT_OR_NULL ",\"last_error\":" TEXT_OR_NULL                                \
    ",\"last_reason\":" DELIVERY_REASON                                                            \
    ",\"next_try_at\":" TIME_OR_NULL ",\"created_at\":" TIME_OR_NULL                               \
    ",\"finished_at\":" TIME_OR_NULL ",\"session\":" TEXT_OR_NULL                                  \
    ",\"chat\":{\"type\":[\"object\",\"null\"],\"properties\":{\"id\":" TEXT                         \
    ",\"name\":" TEXT_OR_NULL ",\"phone\":" TEXT_OR_NULL "}}"
#define WEBHOOK_RETRY                                                                              \
    OBJECT("", "\"max_age_s\":" INT ",\"initial_delay_ms\":" INT ",\"max_delay_ms\":" INT)
#define WEBHOOK_HEALTH                                                                             \
    OBJECT("\"state\"", "\"state\":" TEXT ",\"consecutive_failures\":" INT                           \
                        ",\"last_error\":" TEXT_OR_NULL ",\"last_reason\":" DELIVERY_REASON         \
                        ",\"last_success_at\":" TIME_OR_NULL                                       \
                        ",\"next_probe_at\":" TIME_OR_NULL                                         \
                        ",\"latency_ms\":{\"type\":[\"number\",\"null\"]}")
    {"Webhook",
     OBJECT("\"id\",\"url\",\"events\"",
            "\"id\":" NAME ",\"url\":{\"type\":\"string\",\"format\":\"uri\"},\"events\":" TEXTS
            ",\"sessions\":" TEXTS ",\"headers\":" ANY ",\"enabled\":" BOOL
            ",\"retry\":" WEBHOOK_RETRY ",\"health\":" WEBHOOK_HEALTH ",\"pending\":" INT
            ",\"dead\":" INT ",\"created_at\":" TIME ",\"updated_at\":" TIME)},
    {"WebhookPut",
     OBJECT("", "\"url\":{\"type\":\"string\",\"format\":\"uri\"},\"events\":" TEXTS
                ",\"sessions\":" TEXTS ",\"headers\":" ANY
                ",\"secret\":{\"type\":\"string\",\"writeOnly\":true},\"enabled\":" BOOL
                ",\"retry\":" OBJECT("", "\"max_age_s\":" INT ",\"initial_delay_ms\":" INT
                                         ",\"max_delay_ms\":" INT))},
    {"WebhookList", LIST_OF("Webhook")},
    {"WebhookTest",
     OBJECT("\"ok\"", "\"ok\":" BOOL ",\"status\":" INT_OR_NULL ",\"duration_ms\":" INT
                      ",\"error\":" TEXT_OR_NULL ",\"reason\":" DELIVERY_REASON
                      ",\"response_headers\":{\"type\":\"array\",\"items\":" OBJECT(
                          "\"name\",\"value\"", "\"name\":" TEXT ",\"value\":" TEXT)
                      "},\"response_body\":" TEXT_OR_NULL)},
    {"WebhookCheck", OBJECT("\"ok\"", "\"ok\":" BOOL)},
    {"Delivery", OBJECT("\"id\",\"state\",\"attempts\"", DELIVERY)},
    {"DeliveryDetail",
     OBJECT("\"id\",\"state\",\"attempts\",\"tries\",\"event\"",
            DELIVERY ",\"tries\":{\"type\":\"array\",\"items\":" OBJECT(
                "\"at\",\"status\",\"duration_ms\"",
                "\"at\":" TIME ",\"status\":" INT_OR_NULL ",\"duration_ms\":" INT)
            "},\"event\":{\"type\":[\"object\",\"null\"]}")},
    {"DeliveryList", LIST_OF("Delivery")},
    {"RedrivePost", OBJECT("", "\"delivery_ids\":" TEXTS)},
    {"Redriven", OBJECT("\"redriven\"", "\"redriven\":" INT)},
    {"Event", OBJECT("\"id\",\"type\",\"seq\",\"occurred_at\",\"tenant\",\"data\"",
                     "\"id\":" TEXT ",\"type\":" TEXT ",\"seq\":" INT ",\"occurred_at\":" TIME
                     ",\"tenant\":" NAME ",\"session\":" TEXT_OR_NULL ",\"data\":" ANY)},
    {"Ticket", OBJECT("\"ticket\",\"expires_at\"", "\"ticket\":" TEXT ",\"expires_at\":" TIME)},
    {"SignInLinkPost", OBJECT("", "\"tenant\":" NAME ",\"role\":{\"enum\":[\"admin\",\"operator\","
                                  "\"agent\",\"viewer\"]},\"sessions\":" TEXTS)},
    {"SignInLink", OBJECT("\"ticket\",\"expires_at\"", "\"ticket\":" TEXT ",\"expires_at\":" TIME
                                                       ",\"url\":" TEXT_OR_NULL)},
    {"SignInPost", OBJECT("\"ticket\"", "\"ticket\":" TEXT)},
    {"SignIn", OBJECT("\"key\",\"expires_at\",\"me\"",
                      "\"key\":" TEXT ",\"expires_at\":" TIME ",\"me\":" REF("Me"))},
    {"Me", OBJECT("\"kind\",\"id\",\"admin\",\"scopes\",\"sessions\"",
                  "\"kind\":{\"enum\":[\"key\",\"token\",\"sign_in\"]},\"id\":" TEXT
                  ",\"name\":" TEXT ",\"admin\":" BOOL ",\"tenant\":" TEXT_OR_NULL
                  ",\"role\":" TEXT_OR_NULL ",\"scopes\":" TEXTS ",\"sessions\":" TEXTS
                  ",\"expires_at\":" TIME_OR_NULL)},
    {"EventList", OBJECT("\"items\",\"next_after\",\"next_cursor\"",
                         "\"items\":{\"type\":\"array\",\"items\":" REF(
                             "Event") "},\"next_after\":" INT ",\"last_seq\":" INT
                         ",\"gap\":" BOOL ",\"next_cursor\":" TEXT_OR_NULL)},
    {"SearchResult",
     OBJECT("\"items\",\"next_cursor\",\"index\"",
            "\"items\":{\"type\":\"array\",\"items\":" OBJECT(
                "\"message\",\"snippet\"",
                "\"message\":" REF("Message") ",\"snippet\":" TEXT) "},\"next_cursor\":" TEXT_OR_NULL
                ",\"index\":" OBJECT(
                    "\"state\"", "\"state\":{\"enum\":[\"ready\",\"building\",\"failed\"]}"
                                 ",\"messages\":" INT))},
    {"Agent",
     OBJECT("\"kind\",\"enabled\"",
            AGENT_SETTINGS ",\"api_key_set\":" BOOL ",\"secret_set\":" BOOL ",\"health\":" OBJECT(
                "\"state\"", "\"state\":{\"enum\":[\"ok\",\"failing\"]}"
                             ",\"consecutive_failures\":" INT ",\"last_error\":" TEXT_OR_NULL
                             ",\"last_success_at\":" TIME_OR_NULL) ",\"created_at\":" TIME
                                                                   ",\"updated_at\":" TIME)},
    {"AgentPut", OBJECT("", AGENT_SETTINGS
                        ",\"api_key\":{\"type\":[\"string\",\"null\"],\"writeOnly\":true}"
                        ",\"secret\":{\"type\":[\"string\",\"null\"],\"writeOnly\":true}")},
    {"AgentChat", OBJECT("\"chat\",\"enabled\"",
                         "\"chat\":" TEXT ",\"enabled\":" BOOL ",\"reason\":" TEXT_OR_NULL
                         ",\"closed_at\":" TIME_OR_NULL ",\"paused_until\":" TIME_OR_NULL
                         ",\"conversation_id\":" TEXT_OR_NULL ",\"replies_last_hour\":" INT)},
    {"AgentChatPatch",
     OBJECT("", "\"enabled\":" BOOL ",\"conversation_id\":" TEXT_OR_NULL)},
    {"MediaUpload", OBJECT("\"file\"", "\"file\":{\"type\":\"string\",\"format\":\"binary\"}")},
    {"Media", OBJECT("\"media_id\",\"sha256\",\"size_bytes\",\"mimetype\"",
                     "\"media_id\":" TEXT ",\"sha256\":" TEXT ",\"size_bytes\":" INT
                     ",\"mimetype\":" TEXT ",\"filename\":" TEXT_OR_NULL
                     ",\"width\":" INT_OR_NULL ",\"height\":" INT_OR_NULL
                     ",\"duration_s\":" INT_OR_NULL ",\"created_at\":" TIME
                     ",\"last_used_at\":" TIME)},
    {"MediaLinkPost",
     OBJECT("", "\"ttl_s\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":86400}")},
    {"MediaLink", OBJECT("\"url\",\"expires_at\"", "\"url\":" TEXT ",\"expires_at\":" TIME)},
    {"Activity",
     OBJECT("\"session\",\"kind\",\"at\",\"from_at\",\"count\",\"text\"",
            "\"session\":" NAME ",\"kind\":{\"enum\":[\"created\",\"deleted\",\"linked\",\"unlinked\",\"connected\",\"disconnected\","
            "\"conflict\",\"stopped\",\"session_failed\",\"received\",\"sent\",\"failed\"]}"
            ",\"at\":" TIME ",\"from_at\":" TIME ",\"count\":" INT ",\"chats\":" INT_OR_NULL
            ",\"text\":" TEXT ",\"code\":" TEXT_OR_NULL ",\"reason\":" TEXT_OR_NULL
            ",\"phone\":" TEXT_OR_NULL)},
    {"ActivityList", LIST_OF("Activity")},
    {"AuditRecord",
     OBJECT("\"seq\",\"prev\",\"at\",\"actor\",\"address\",\"action\",\"status\",\"hash\"",
            "\"seq\":" INT ",\"prev\":" TEXT ",\"at\":" TIME ",\"actor\":" TEXT
            ",\"address\":" TEXT ",\"action\":" TEXT ",\"tenant\":" TEXT_OR_NULL
            ",\"session\":" TEXT_OR_NULL ",\"target\":" TEXT_OR_NULL ",\"status\":" INT
            ",\"code\":" TEXT_OR_NULL ",\"request_id\":" TEXT_OR_NULL ",\"detail\":" ANY
            ",\"hash\":" TEXT)},
    {"AuditEnd", "{\"type\":[\"object\",\"null\"],\"properties\":{\"seq\":" INT ",\"hash\":" TEXT
                 ",\"at\":" TIME "}}"},
    {"AuditList",
     OBJECT("\"items\",\"next_cursor\",\"anchor\",\"head\"",
            "\"items\":{\"type\":\"array\",\"items\":" REF("AuditRecord") "},\"next_cursor\":"
            TEXT_OR_NULL ",\"anchor\":" REF("AuditEnd") ",\"head\":" REF("AuditEnd"))},
    {"LogLevelPut", OBJECT("\"level\"", "\"level\":" TEXT_OR_NULL ",\"for_s\":" INT)},
    {"LogLevel", OBJECT("\"level\",\"node_level\"", "\"level\":" TEXT ",\"node_level\":" TEXT
                                                  ",\"until\":" TIME_OR_NULL)},
    {"Alert",
     OBJECT("\"alert\",\"state\",\"since\"",
            "\"alert\":" TEXT ",\"state\":{\"enum\":[\"firing\",\"resolved\"]},\"tenant\":" TEXT_OR_NULL
            ",\"session\":" TEXT_OR_NULL ",\"webhook\":" TEXT_OR_NULL ",\"since\":" TIME_OR_NULL
            ",\"value\":" NUMBER ",\"threshold\":" NUMBER ",\"detail\":" TEXT ",\"help\":" TEXT)},
    {"AlertList", LIST_OF("Alert")},
    {"Window",
     "{\"type\":[\"object\",\"null\"],\"required\":[\"open\"],\"properties\":{\"open\":" BOOL
     ",\"expires_at\":" TIME_OR_NULL "}}"},
    {"Guards", OBJECT("\"forbidden\",\"opt_out\"", GUARDS)},
    {"GuardsPut", OBJECT("", GUARDS)},
    {"GuardsTry", OBJECT("\"text\"", "\"text\":{\"type\":\"string\",\"minLength\":1,\"maxLength\":65536}")},
    {"GuardsTried", OBJECT("\"allowed\"", "\"allowed\":" BOOL ",\"code\":" TEXT_OR_NULL ",\"detail\":" TEXT_OR_NULL)},
    {"OptOut", OBJECT("\"opted_out_at\"",
                      "\"phone\":" TEXT_OR_NULL ",\"lid\":" TEXT_OR_NULL
                      ",\"source\":{\"enum\":[\"message\",\"api\",\"import\"]},\"session\":" TEXT_OR_NULL
                      ",\"text\":" TEXT_OR_NULL ",\"reason\":" TEXT_OR_NULL
                      ",\"opted_out_at\":" TIME)},
    {"OptOutList", LIST_OF("OptOut")},
    {"OptOutPut", OBJECT("", "\"reason\":" TEXT_OR_NULL)},
    {"OptOutImport",
     OBJECT("\"phones\"", "\"phones\":{\"type\":\"array\",\"minItems\":1,\"maxItems\":1000,\"items\":" TEXT
                           "},\"reason\":" TEXT_OR_NULL)},
    {"OptOutImported", OBJECT("\"added\",\"known\",\"invalid\"",
                              "\"added\":" INT ",\"known\":" INT ",\"invalid\":" TEXTS)},
    {"BackupPost", OBJECT("", "\"media\":" BOOL ",\"passphrase\":{\"type\":\"string\","
                              "\"minLength\":8,\"writeOnly\":true}")},
    {"ImportPost", OBJECT("\"folder\"", "\"folder\":" TEXT ",\"start\":" BOOL)},
    {"LogLines",
     OBJECT("\"items\",\"next_after\"",
            "\"items\":{\"type\":\"array\",\"items\":" OBJECT(
                "\"id\",\"line\"", "\"id\":" INT ",\"line\":" TEXT) "},\"next_after\":" INT)},
};
const size_t schema_count = sizeof(schemas) / sizeof(schemas[0]);
