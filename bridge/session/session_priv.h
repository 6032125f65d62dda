/*
 * The inside of a session: what the files of session/ share.
 *
 *   session.c         the object: made, looked up, freed when nothing of it is under way
 *   session_state.c   the table of statuses, what a page's state means, changes of status
 *   session_save.c    record and events, in order, in one transaction each
 *   session_object.c  its JSON
 *   session_run.c     browser and page: start, end, backoff
 *   session_link.c    page events -> status; syncing -> ready
 *   session_quit.c    logout, takeover, erasing
 *   session_export.c  stopped for good here, because it goes on elsewhere
 *   qr_flow.c         codes, their limit, who waits for one
 *   watchdog.c        probes
 *   session_memory.c  what the browsers cost, and help when it is too much; who may start one
 *   session_storage.c profiles on disk: measured, caches and old ones bounded
 *   session_hibernate.c  asleep and awake
 *   adapter*.c        which wa-js the pages get, and trying another
 *
 * Thread: loop.
 */
#ifndef BRIDGE_SESSION_PRIV_H
#define BRIDGE_SESSION_PRIV_H

#include "alert.h"
#include "adapter.h"
#include "budget.h"
#include "inbox.h"
#include "outbox.h"
#include "page.h"
#include "session_reason.h"
#include "sessions.h"
#include "storage.h"
#include "sync.h"

#include "cdp.h"
#include "process_usage.h"
#include "sm.h"

#define REASON_MAX 256
#define METADATA_MAX 8192

struct sessions {
    struct bridge *b;
    struct list all; /* struct session by link */
    size_t count;
    struct adapter *adapter; /* which wa-js the pages get */
    uv_timer_t stagger; /* starts the next of those that wait in turn */
    struct {            /* session_memory.c */
        uv_timer_t timer;
        struct process_usage_job job;
        bool busy; /* the job is on its way */
    } sampler;
    bool storing; /* a profile is being measured */
    unsigned handles; /* of the two timers, not yet closed */
    bool closing;
    uint64_t grace_ms;
    void (*on_closed)(void *arg);
    void *closed_arg;
};

/* What the operator wants, apart from what is. */
enum want { WANT_STOPPED, WANT_RUNNING, WANT_UNLINKED /* stopped, and not linked any more */ };

/* How far browser and page are. */
enum run_phase {
    RUN_OFF,
    RUN_BROWSER, /* starting */
    RUN_PAGE,    /* browser up, page open or opening */
    RUN_CLOSING,
    RUN_BACKOFF, /* a failed run is tried again when the timer fires */
};

enum session_timer {
    TIMER_RUN,      /* working page in time; backoff; fresh page after a logout */
    TIMER_WATCHDOG, /* the next probe */
    TIMER_QR,       /* the code on show expires */
    TIMER_SYNC,     /* another try to catch up */
    TIMER_WAKE,     /* hibernating: the next look at what came */
    TIMER_COUNT
};

/* What a page's state means (session_state.c: pure). */
enum verdict {
    VERDICT_UNKNOWN, /* nothing usable yet */
    VERDICT_CODE,    /* shows a code, or ran out of them */
    VERDICT_PAIRING, /* a phone has scanned it */
    VERDICT_SYNC,    /* linked, not complete yet */
    VERDICT_OFFLINE, /* linked, no connection to WhatsApp */
    VERDICT_ONLINE,  /* linked, connected, main stream */
    VERDICT_CONFLICT,
};
enum verdict session_judge(const struct page_state *st, bool has_code);
/* How long a page may stay like this before it is loaded again; 0: for ever. */
uint64_t session_patience(enum verdict v, bool hooks, uint64_t ready_timeout_ms);
uint64_t session_backoff(uint64_t min_ms, uint64_t max_ms, unsigned tries, unsigned random);
extern const struct sm_state session_table[SESSION_STATUS_COUNT];

struct session_code {
    char code[PAGE_CODE_MAX + 1]; /* "" none on show */
    unsigned attempt;             /* codes of this run so far */
    unsigned generation;          /* series of codes: of a start, or after a refresh */
    unsigned in_series;
    uint64_t expires_ms;
    char pairing[16]; /* the code for a phone number, "" none */
    char pairing_phone[PHONE_MAX + 1];
    uint64_t pairing_expires_ms;
    bool pairing_asked;
    bool told; /* the code on show */
};

struct session {
    struct list link;
    struct sessions *all;
    struct bridge *b;
    char tenant[64], id[64];
    struct log_ctx log;

    /* the record */
    bool autostart;
    enum want want;
    json_t *metadata, *account, *capabilities; /* account NULL: not linked */
    json_t *media; /* what is fetched: {download,max_bytes}; NULL: as [media] says */
    uint64_t created_ms, linked_ms, activity_ms, status_since_ms;
    struct sm sm;
    enum session_why why;    /* this status, as a word */
    char reason[REASON_MAX]; /* and in a sentence; "" */
    unsigned saves;          /* at the store */
    bool dirty;              /* a save failed, or activity is not saved */

    struct inbox *inbox;
    struct sync *sync;
    struct outbox_lane *lane;

    /* the run */
    enum run_phase phase;
    struct cdp_browser *browser;
    struct page *page;
    unsigned pages_closing; /* of earlier ones */
    bool reload_due;        /* the timer loads the page again */
    bool waits_turn;        /* to be started by the stagger timer */
    bool quarantine;        /* set the profile aside when the run has ended */
    unsigned tries, reloads;
    uint64_t backoff_ms;     /* pause before the next run; 0: none */
    uint64_t up_since_ms;    /* monotonic; 0: the page does not work */
    uint64_t stuck_since_ms; /* monotonic: the page does not get ahead; 0: it does */
    enum verdict verdict;    /* of its last state */
    uint64_t ready_since_ms; /* wall */
    struct process_usage usage; /* of the browser, as last measured */
    uint64_t sampled_ms;        /* wall; 0: this browser was not measured yet */
    struct budget budget;
    bool no_room; /* its browser waits for memory */
    struct storage storage;
    uint64_t stored_ms; /* monotonic: measured then; 0: never */
    bool tidying;       /* caches are being cleared; the run has not ended before */
    json_t *hibernate;  /* {after_idle_s,wake_every_s,quiet_hours}; NULL: never by itself */
    bool asleep;
    struct script *script; /* what its page got */
    bool caps_known;       /* this document has told its capabilities */
    struct script *trial;  /* adapter.c: another library than the rest has; NULL: none */
    uint64_t wake_ms; /* wall; 0: not by schedule */
    struct page_state page_state;
    bool page_known; /* this document has told its state */
    bool probe_ok;   /* this document answered a probe */
    bool probing, catching_up, collected;
    bool resync; /* asked while it could not be done */
    uint64_t probe_n, beat_n;
    struct alert_counts counts;
    uint64_t browser_since_ms, answered_ms; /* monotonic: browser up, last answer to a probe */

    struct session_code qr;
    struct list waiters; /* qr_flow.c */

    /* endings */
    bool quitting;       /* an unlink is under way in the page, or its aftermath */
    bool fresh_document; /* the document that was logged out is gone */
    bool deleting, erase_messages, erased;
    bool exported; /* its account lives on another host now: nothing of it may be sent from here */
    void (*on_off)(void *arg, const struct err *e); /* an export waits for the end of the run */
    void *off_arg;
    bool freeing, parts_closing;
    unsigned parts; /* inbox, sync and lane still closing */
    uv_timer_t timers[TIMER_COUNT];
    unsigned handles;
    void (*on_freed)(void *arg, bool erased); /* told after the object is gone */
    void *freed_arg;
};

/* ---- session.c ---- */
/* Gives a session in memory, listed; record may be NULL (new). */
int session_create(struct sessions *all, const char *tenant, const char *id, const json_t *record,
                   struct session **out, struct err *e);
/* Ends everything, then frees it and tells on_freed. The intent stays. */
void session_release(struct session *s);
/* Takes the next step of a release or shutdown when nothing is in its way. */
void session_step_down(struct session *s);
void session_timer(struct session *s, enum session_timer t, uint64_t ms);
void session_timer_stop(struct session *s, enum session_timer t);
struct session *session_lookup(struct sessions *all, const char *tenant, const char *id);
void sessions_freed_one(struct sessions *all);

/* ---- session_state.c ---- */
/* Moves, logs, stores and tells. The same status with another reason is stored too. */
void session_move(struct session *s, enum session_status to, enum session_why why, const char *fmt,
                  ...) __attribute__((format(printf, 4, 5)));
const char *want_name(enum want w);
enum want want_parse(const char *name, bool autostart);

/* ---- session_save.c ---- */
struct session_save {
    const char *event; /* type of the event to tell, NULL: none */
    json_t *data;      /* its data, taken */
    bool erase;        /* removes the session's rows instead */
    bool created;
    bridge_done_fn done; /* NULL: nobody waits */
    void *arg;
};
void session_save(struct session *s, const struct session_save *w);
/* Just the record. */
void session_keep(struct session *s);

/* ---- session_object.c ---- */
json_t *session_object(struct session *s);       /* of the contract; gives, NULL on exhaustion */
json_t *session_record(const struct session *s); /* what is stored */
int session_load(struct session *s, const json_t *record, struct err *e);

/* ---- session_run.c ---- */
void session_run(struct session *s);                      /* towards what is wanted */
void session_end(struct session *s);                      /* closes page and browser */
/* word and why: what becomes reason_code and status_reason. Ends the run, tries again later. */
void session_fail(struct session *s, enum session_why word, const char *why);
/* The same, but reloads first, then restarts. */
void session_trouble(struct session *s, enum session_why word, const char *why);
void session_reload(struct session *s);
/* Mild help that was not asked for by a failure: a fresh document, a fresh browser. */
void session_refresh(struct session *s, enum session_why word, const char *why);
void session_renew(struct session *s, enum session_why word, const char *why);
bool session_wanted(const struct session *s); /* running, and not asleep */
void session_forget_page(struct session *s); /* what the document said is void */
int session_profile_path(const struct session *s, char *out, size_t len, struct err *e);

/* ---- session_link.c ---- */
void session_on_page_event(void *arg, const struct page_event *ev);
void session_apply(struct session *s); /* what is known -> status */
void session_leave_online(struct session *s);
void session_catch_up(struct session *s);

/* ---- session_export.c ---- */
/* The run has ended (e NULL), or never will in a way that an export could use. */
void session_off(struct session *s, const struct err *e);
/* E_CONFLICT "session_exported". */
int session_not_exported(const struct session *s, struct err *e);

/* ---- session_quit.c ---- */
void session_logged_out(struct session *s, enum session_why word, const char *why); /* the far end unlinked us */
void session_unlink(struct session *s);
void session_erase(struct session *s, bool erase_messages, void (*done)(void *arg, bool erased),
                   void *arg);
/* A logout that nobody may have heard of: logged out here, the profile set aside. */
void session_untold(struct session *s);
void session_wiped(struct session *s);      /* after a logout: the page came back unlinked */
void session_erase_step(struct session *s); /* the run has ended */

/* ---- qr_flow.c ---- */
void session_code_shown(struct session *s, const char *code, uint64_t ttl_ms);
void session_code_tell(struct session *s); /* the session is unlinked: event, waiters */
void session_code_idle(struct session *s); /* the page shows no more codes by itself */
void session_code_expired(struct session *s);
void session_codes_reset(struct session *s);
void session_waiters_check(struct session *s); /* answers those whose wait is over */
void session_waiters_cancel(struct session *s);
bool session_code_live(const struct session *s);

/* ---- session_memory.c ---- */
void sessions_sampler_init(struct sessions *all);
void sessions_sampler_start(struct sessions *all);
json_t *session_memory_object(const struct session *s); /* gives; null without a measurement */

bool session_admit(struct session *s); /* else it waits for memory, in RUN_BACKOFF */
void sessions_room(struct sessions *all); /* a browser has ended */

/* ---- session_storage.c ---- */
void sessions_store_next(struct sessions *all); /* measures one profile whose time has come */
/* A run has ended: clears caches over the bound, then session_end(). False: nothing to do. */
bool session_tidy(struct session *s);
json_t *session_storage_object(const struct session *s);

/* ---- session_hibernate.c ---- */
int hibernate_check(const json_t *v, struct err *e); /* of PUT session; NULL and null are fine */
void session_hibernate_set(struct session *s); /* the setting has changed */
int session_lull(struct session *s, struct err *e); /* on request */
void session_rouse(struct session *s, const char *why);
void session_scheduled(struct session *s); /* the time of its next wake has come */
void session_doze(struct session *s); /* idle for long enough: hibernates */
/* At the start of the daemon. True: it is to run now. */
bool session_rise(struct session *s);
json_t *session_hibernate_object(const struct session *s);

/* ---- watchdog.c ---- */
void session_probe(struct session *s);
void session_watch(struct session *s); /* the watchdog's timer fired */

#endif
