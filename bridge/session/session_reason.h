/*
 * Why a session has its status, as stable words: `reason_code` beside the sentence of
 * `status_reason`, so that a client can say it in its own language. A word that was once given is
 * never given another meaning. Private to bridge/. Thread: any.
 */
#ifndef BRIDGE_SESSION_REASON_H
#define BRIDGE_SESSION_REASON_H

/* The schema Session and the catalogues of the dashboard list the same words; a test compares. */
#define SESSION_REASON_TABLE(X)                                                                    \
    X(WHY_NONE, "")                                                                                \
    X(WHY_WAITS_TURN, "waits_turn")                                                                \
    X(WHY_NO_MEMORY, "out_of_memory_budget")                                                       \
    X(WHY_RESTARTED, "restarted")                                                                  \
    X(WHY_WOKEN, "woken")                                                                          \
    X(WHY_IDLE, "idle")                                                                            \
    X(WHY_PUT_TO_SLEEP, "put_to_sleep")                                                            \
    X(WHY_CODES_USED_UP, "codes_used_up")                                                          \
    X(WHY_BROWSER_NOT_STARTED, "browser_not_started")                                              \
    X(WHY_BROWSER_ENDED, "browser_ended")                                                          \
    X(WHY_BROWSER_TOO_LARGE, "browser_too_large")                                                  \
    X(WHY_PAGE_UNREACHABLE, "page_unreachable")                                                    \
    X(WHY_PAGE_FAILED, "page_failed")                                                              \
    X(WHY_PAGE_SILENT, "page_silent")                                                              \
    X(WHY_PAGE_STUCK, "page_stuck")                                                                \
    X(WHY_PAGE_RELOADS, "page_reloads")                                                            \
    X(WHY_PAGE_UNHEARD, "page_unheard")                                                            \
    X(WHY_ADAPTER_FAILED, "adapter_failed")                                                        \
    X(WHY_ADAPTER_CHANGED, "adapter_changed")                                                      \
    X(WHY_NO_CONNECTION, "no_connection")                                                          \
    X(WHY_SYNCS_AGAIN, "syncs_again")                                                              \
    X(WHY_CATCH_UP_FAILED, "catch_up_failed")                                                      \
    X(WHY_OPENED_ELSEWHERE, "opened_elsewhere")                                                    \
    X(WHY_REMOVED_ON_PHONE, "removed_on_phone")                                                    \
    X(WHY_ENDED_BY_WHATSAPP, "ended_by_whatsapp")                                                  \
    X(WHY_UNLINKED, "unlinked_on_request")                                                         \
    X(WHY_PHONE_NOT_TOLD, "phone_not_told")                                                        \
    X(WHY_NOT_LINKED, "not_linked")                                                                \
    X(WHY_EXPORTED, "exported")                                                                    \
    X(WHY_EXPORT_UNDONE, "export_undone")                                                          \
    X(WHY_IMPORTED, "imported")                                                                    \
    X(WHY_DELETING, "deleting")                                                                    \
    X(WHY_DAEMON_STOPPED, "daemon_stopped")

enum session_why {
#define SESSION_WHY_ENUM(why, word) why,
    SESSION_REASON_TABLE(SESSION_WHY_ENUM)
#undef SESSION_WHY_ENUM
        WHY_COUNT
};
/* "" for WHY_NONE. Static. */
const char *session_why_word(enum session_why why);
/* WHY_NONE for NULL and for a word that this program does not know. */
enum session_why session_why_parse(const char *word);

#endif
