/*
 * One linked account: its names, its state machine, its channel, its inbox and its outbox lane.
 *
 *   stopped -> starting -> unlinked <-> linking -> syncing -> ready <-> disconnected
 *              plus conflict, logged_out, failed (from anywhere that runs), hibernating
 *
 * The session moves to `ready` in this order: the page says authenticated + stream MAIN + hooks
 * attached + probe answered -> `syncing` -> sync_run() -> `ready` -> outbox_lane_resume().
 * Whenever it leaves `ready`: outbox_lane_pause(). Private to bridge/. Thread: loop.
 */
#ifndef BRIDGE_SESSION_H
#define BRIDGE_SESSION_H

#include "channel.h"
#include "core.h"
#include "log.h"

enum session_status {
    SESSION_STOPPED,
    SESSION_STARTING,
    SESSION_UNLINKED,
    SESSION_LINKING,
    SESSION_SYNCING,
    SESSION_READY,
    SESSION_DISCONNECTED,
    SESSION_CONFLICT,
    SESSION_LOGGED_OUT,
    SESSION_FAILED,
    SESSION_HIBERNATING, /* linked, its browser closed until it is needed */
    SESSION_STATUS_COUNT
};
const char *session_status_name(enum session_status s);

struct session;
struct alert_counts; /* bridge/alert/alert.h */
struct process_usage; /* base/process_usage.h */
struct inbox;       /* bridge/inbox/inbox.h */
struct sync;        /* bridge/sync/sync.h */
struct outbox_lane; /* bridge/outbox/outbox.h */

/* Finds a session in memory (all of them are, running or not). E_NOTFOUND "unknown_session" or
 * "unknown_tenant". Borrowed; valid in this loop turn. */
int session_find(struct bridge *b, const char *tenant, const char *session, struct session **out,
                 struct err *e);
/* fn for every session; tenant NULL: all. */
void session_each(struct bridge *b, const char *tenant, void (*fn)(void *arg, struct session *s),
                  void *arg);

struct bridge *session_bridge(struct session *s);
const char *session_tenant(const struct session *s);
const char *session_id(const struct session *s);
const struct log_ctx *session_log(const struct session *s); /* tenant and session set */
enum session_status session_status(const struct session *s);
/* The channel while the status is syncing or ready, else NULL. */
struct channel *session_channel(struct session *s);
struct inbox *session_inbox(struct session *s);
struct outbox_lane *session_lane(struct session *s);
/* When this run last became ready (0: not yet): older incoming messages are backfill. */
uint64_t session_ready_since(const struct session *s);
/* When the account was linked; 0 when it is not. */
uint64_t session_linked_at(const struct session *s);
/* Something came in or went out (for last_activity_at; kept in memory, saved lazily). */
void session_touch(struct session *s);
/* The bridge doubts what the page told (missed events, overflow): live events wait, and it catches
 * up again soon. */
void session_resync(struct session *s, const char *why);
/* The same without doubt: catches up now (ready), else with the next ready. */
void session_sync(struct session *s, const char *why);
struct sync *session_syncer(struct session *s);
/* What the session's browser cost when it was last measured (every [memory] sample_s); NULL when it
 * has none, or none yet. sampled_ms (may be NULL): when, wall time. Borrowed; valid in this turn. */
const struct process_usage *session_usage(const struct session *s, uint64_t *sampled_ms);
/* Counted since the start of the daemon: helps against too much memory. Borrowed. */
struct budget; /* bridge/memory/budget.h */
const struct budget *session_budget(const struct session *s);
/* On disk, as last measured; NULL: not yet. Borrowed. */
struct storage; /* bridge/memory/storage.h */
const struct storage *session_storage(const struct session *s);
/* There is work for it: a session that hibernates wakes. */
void session_needed(struct session *s);
/* {id,phone,lid,push_name,platform} of the linked account as JIDs we own; NULL when unlinked. */
const json_t *session_account(const struct session *s);

/* What is measured of it. Texts are borrowed from the session. */
struct session_vitals {
    const char *tenant, *session;
    enum session_status status;
    bool wanted; /* it is meant to run */
    bool linked;
    bool browser;    /* one runs; without it the next two are 0 */
    int browser_pid; /* 0: attached to one that is not ours */
    uint64_t browser_age_ms;
    bool page_alive;        /* this document answered the last probe */
    uint64_t answer_age_ms; /* since then */
    uint64_t status_age_ms;
};
void session_vitals(const struct session *s, struct session_vitals *out);
struct alert_counts *session_counts(struct session *s); /* bridge/alert/alert.h; goes with it */

#endif
