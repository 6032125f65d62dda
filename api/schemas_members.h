/*
 * Members of the larger objects, and those that several objects have. Private to api/.
 */
#ifndef API_SCHEMAS_MEMBERS_H
#define API_SCHEMAS_MEMBERS_H

#include "schemas_shapes.h"

#define CHAT_STATES "{\"enum\":[\"open\",\"closed\"]}"
#define RESULTS                                                                                    \
    "{\"type\":\"array\",\"items\":" OBJECT(                                                     \
        "\"person\",\"code\"", "\"person\":" REF("Person") ",\"action\":" TEXT ",\"ok\":" BOOL   \
                               ",\"code\":" TEXT_OR_NULL) "}"
#define CHAT_TYPES "{\"enum\":[\"user\",\"group\",\"status\",\"channel\"]}"

/* clang-format off */
#define CHAT_REF OBJECT("\"id\"", "\"id\":" TEXT ",\"type\":" CHAT_TYPES ",\"phone\":" TEXT_OR_NULL \
    ",\"lid\":" TEXT_OR_NULL ",\"name\":" TEXT_OR_NULL ",\"contact_id\":" TEXT_OR_NULL)
#define MEDIA_MEMBERS \
    "\"state\":{\"enum\":[\"pending\",\"ready\",\"failed\",\"expired\",\"skipped\"]}," \
    "\"mimetype\":" TEXT_OR_NULL ",\"filename\":" TEXT_OR_NULL ",\"size_bytes\":" INT_OR_NULL \
    ",\"sha256\":" TEXT_OR_NULL ",\"url\":" TEXT_OR_NULL ",\"width\":" INT_OR_NULL \
    ",\"height\":" INT_OR_NULL ",\"duration_s\":" INT_OR_NULL ",\"gif\":" BOOL ",\"view_once\":" BOOL \
    ",\"error\":" OBJECT("\"code\"", "\"code\":" TEXT ",\"detail\":" TEXT)
#define CONTENT_MEMBERS \
    "\"location\":" OBJECT("", "\"latitude\":{\"type\":\"number\"},\"longitude\":{\"type\":\"number\"}" \
        ",\"name\":" TEXT_OR_NULL ",\"address\":" TEXT_OR_NULL ",\"live\":" BOOL) \
    ",\"contacts\":" LIST(OBJECT("", "\"name\":" TEXT_OR_NULL ",\"phones\":" TEXTS ",\"vcard\":" TEXT_OR_NULL)) \
    ",\"poll\":" OBJECT("", "\"question\":" TEXT ",\"options\":" TEXTS ",\"max_choices\":" INT ",\"votes\":" \
        LIST(OBJECT("", "\"by\":" REF("Person") ",\"options\":" TEXTS ",\"at\":" TIME_OR_NULL))) \
    ",\"call\":" OBJECT("", "\"video\":" BOOL ",\"group\":" BOOL ",\"state\":" TEXT) \
    ",\"system\":" OBJECT("", "\"kind\":" TEXT ",\"participants\":" LIST(REF("Person")) ",\"value\":{\"type\":[\"string\",\"boolean\",\"null\"]}") \
    ",\"link\":" OBJECT("", "\"url\":" TEXT ",\"title\":" TEXT_OR_NULL ",\"description\":" TEXT_OR_NULL) \
    ",\"mentions\":" LIST(REF("Person")) ",\"mentions_all\":" BOOL ",\"forwarded\":" BOOL \
    ",\"edit\":" OBJECT("\"message_id\"", "\"message_id\":" TEXT) ",\"revoke\":" OBJECT("\"message_id\"", "\"message_id\":" TEXT) \
    ",\"reaction\":" OBJECT("\"message_id\"", "\"message_id\":" TEXT ",\"emoji\":" TEXT)
#define MESSAGE_REQUIRED "\"id\",\"session\",\"chat\",\"direction\",\"type\",\"status\""
#define MESSAGE_HEAD \
    "\"id\":" TEXT ",\"session\":" NAME ",\"chat\":" CHAT_REF ",\"from\":" REF("Person") \
    ",\"direction\":{\"enum\":[\"in\",\"out\"]},\"type\":" TEXT ",\"text\":" TEXT_OR_NULL
#define MESSAGE_STATE \
    ",\"status\":" TEXT_OR_NULL ",\"status_history\":" LIST(OBJECT("\"status\",\"at\"", "\"status\":" TEXT ",\"at\":" TIME)) \
    ",\"error\":{\"type\":[\"object\",\"null\"],\"properties\":{\"code\":" TEXT ",\"detail\":" TEXT_OR_NULL "}}" \
    ",\"quoted\":{\"type\":[\"object\",\"null\"]},\"media\":{\"oneOf\":[" REF("Media") ",{\"type\":\"null\"}]}"
#define MESSAGE_TAIL \
    ",\"timestamp\":" TIME_OR_NULL ",\"received_at\":" TIME_OR_NULL ",\"edited_at\":" TIME ",\"revoked_at\":" TIME \
    ",\"reactions\":" LIST(OBJECT("", "\"by\":" REF("Person") ",\"emoji\":" TEXT ",\"at\":" TIME_OR_NULL)) \
    ",\"backfill\":" BOOL ",\"source\":" TEXT_OR_NULL ",\"sent_by\":" TEXT ",\"sent_by_name\":" TEXT ",\"retry_of\":" TEXT ",\"retried_as\":" TEXT ",\"metadata\":{\"type\":[\"object\",\"null\"]}"
/* clang-format on */

#define AGENT_SETTINGS                                                                             \
    "\"enabled\":" BOOL ",\"kind\":{\"enum\":[\"http\",\"retell\",\"openai\"]},\"url\":" TEXT_OR_NULL \
    ",\"headers\":" ANY ",\"model\":" TEXT_OR_NULL ",\"system_prompt\":" TEXT_OR_NULL                \
    ",\"agent_id\":" TEXT_OR_NULL ",\"history_turns\":" INT ",\"timeout_ms\":" INT                   \
    ",\"retries\":" INT ",\"retry_delay_ms\":" INT ",\"typing\":" BOOL ",\"apology\":" TEXT_OR_NULL  \
    ",\"reply_to_groups\":" BOOL ",\"reply_to_status\":" BOOL ",\"reply_to_backlog\":" BOOL          \
    ",\"max_age_s\":" INT ",\"max_replies_per_hour\":" INT ",\"handover_keywords\":" TEXTS            \
    ",\"handover_marker\":" TEXT ",\"pause_on_human_ms\":" INT ",\"loop_max_replies\":" INT          \
    ",\"loop_window_s\":" INT ",\"media_wait_ms\":" INT

#define GUARDS                                                                                     \
    "\"max_text_length\":{\"type\":[\"integer\",\"null\"],\"minimum\":1,\"maximum\":65536},"             \
    "\"forbidden\":{\"type\":\"array\",\"maxItems\":50,\"items\":" OBJECT(                              \
        "\"pattern\"", "\"pattern\":" TEXT ",\"kind\":{\"enum\":[\"word\",\"phrase\",\"regex\"]},"          \
                       "\"reason\":" TEXT_OR_NULL) "},\"opt_out\":" OBJECT(                          \
        "", "\"enabled\":" BOOL ",\"languages\":" TEXTS ",\"keywords\":" TEXTS                         \
            ",\"resume_keywords\":" TEXTS ",\"reply\":" TEXT_OR_NULL)

#endif
