/*
 * Words that a member of an object may be, as JSON Schemas; too long to stand among the objects.
 * Private to api/.
 */
#ifndef API_SCHEMAS_WORDS_H
#define API_SCHEMAS_WORDS_H

/* Those of bridge/session/session_reason.h: why a session has its status. */
#define SESSION_REASON                                                                             \
    "{\"enum\":["                                                                                  \
    "\"waits_turn\",\"out_of_memory_budget\",\"restarted\",\"woken\",\"idle\","                    \
    "\"put_to_sleep\",\"codes_used_up\",\"browser_not_started\",\"browser_ended\","                \
    "\"browser_too_large\",\"page_unreachable\",\"page_failed\",\"page_silent\","                  \
    "\"page_stuck\",\"page_reloads\",\"page_unheard\",\"adapter_failed\","                         \
    "\"adapter_changed\",\"no_connection\",\"syncs_again\",\"catch_up_failed\","                   \
    "\"opened_elsewhere\",\"removed_on_phone\",\"ended_by_whatsapp\","                             \
    "\"unlinked_on_request\",\"phone_not_told\",\"not_linked\",\"exported\","                      \
    "\"export_undone\",\"imported\",\"deleting\",\"daemon_stopped\","                              \
    "null]}"

/* Those of bridge/relay/reason.h: why a delivery failed. */
#define DELIVERY_REASON                                                                            \
    "{\"enum\":["                                                                                  \
    "\"status\",\"redirect\",\"timeout\",\"dns\",\"refused\",\"tls\","                             \
    "\"address_forbidden\",\"too_long\",\"connection\",\"expired\",\"event_gone\","                \
    "\"webhook_unusable\",\"not_started\","                                                        \
    "null]}"

#endif
