/* Inside of catching up. Thread: loop, but for the marks' functions that take a transaction. */
#ifndef SYNC_PRIV_H
#define SYNC_PRIV_H

#include "inbox.h"
#include "message_object.h"
#include "sync.h"

#define SYNC_JOIN_MAX 32 /* callers of one run */
#define SYNC_DIGESTS 250 /* chats a call */
#define SYNC_MESSAGES 100 /* messages a call */
#define SYNC_STORES 4    /* transactions of a run at once */
#define SYNC_ERASE 500   /* marks a transaction erases */
#define SYNC_SLACK_MS (10 * UINT64_C(60000))
#define SYNC_DEEP_MS (60 * UINT64_C(3600000)) /* how long before a gap messages may have changed in it */
#define SYNC_NAME_MAX 256
#define SYNC_WHY_MAX 160
#define SYNC_JOBS 8 /* history jobs that are shown */
#define SYNC_JOBS_OPEN 4 /* of them not finished */
#define SYNC_JOB_MESSAGES 5000

/* ---- marks (mark.c; STORE_SYNC) ---------------------------------------------------------------- */

struct session_mark {
    uint64_t ms;    /* when the last complete run began */
    uint64_t floor; /* nothing older is ever told */
    char account[STORE_MAX_ID + 1];
};
/* 0 or E_NOTFOUND. */
int session_mark_load(struct store_txn *t, const struct message_owner *o, struct session_mark *m);
int session_mark_save(struct store_txn *t, const struct message_owner *o,
                      const struct session_mark *m);

struct chat_mark {
    uint64_t ms; /* all messages up to here are stored, give or take the slack */
    uint64_t last_ms;
    bool partial;                   /* a run began to read it and did not end: only ms counts */
    char last_id[STORE_MAX_ID + 1]; /* as the digest had it */
    char rev[CHANNEL_REV_MAX + 1];
    unsigned unread;
    bool archived, pinned;
    uint64_t muted_until_ms;
};
int chat_mark_load(struct store_txn *t, const struct message_owner *o, const char *chat,
                   struct chat_mark *m);
int chat_mark_save(struct store_txn *t, const struct message_owner *o, const char *chat,
                   const struct chat_mark *m);
/* Another account: what was known of chats is void, and the session's mark with it. At most max of
 * them; *more: there are others. */
int chat_marks_erase(struct store_txn *t, const struct message_owner *o, size_t max, bool *more);

/* What a digest asks for (pure). was NULL: the chat has no mark. */
struct sync_verdict {
    bool open;  /* messages came or changed */
    bool state; /* unread count, archived, pinned or muted differ */
};
struct sync_verdict sync_judge(const struct channel_digest *d, const struct chat_mark *was,
                               uint64_t floor_ms);

/* ---- one run (run.c) ---------------------------------------------------------------------------- */

struct sync_counts {
    size_t chats_seen, chats_opened, chats_failed, messages_seen, messages_new, changes, calls;
};

struct sync_report {
    uint64_t started_ms, finished_ms, duration_ms; /* 0: none yet */
    struct sync_counts n;
    char why[SYNC_WHY_MAX];
    struct err err; /* code 0: it worked */
};

/* A chat that differs from its mark. */
struct sync_todo {
    char chat[STORE_MAX_ID + 1];
    char phone[PHONE_MAX + 1], lid[STORE_MAX_ID + 1], name[SYNC_NAME_MAX + 1];
    bool known, open; /* it has a mark; messages are to be read */
    uint64_t since_ms;
    struct chat_mark was, now;
};

struct sync_run_state {
    bool running, canceled;
    bool asking; /* a call of this run is under way */
    bool listed; /* all digests were given */
    uint64_t number, started_mono;
    uint64_t deep_since_ms; /* 0: nothing is in doubt, the page's memory is enough */
    struct session_mark mark;
    char *list_cursor, *chat_cursor;
    struct sync_todo *todo;
    size_t todo_count, todo_at;
    size_t stores; /* transactions of this run under way */
    struct sync_report report;
    struct {
        void (*done)(void *arg, const struct err *e);
        void *arg;
    } join[SYNC_JOIN_MAX];
    size_t joined;
};

/* ---- history on demand (on_demand.c) ------------------------------------------------------------- */

enum job_state { JOB_NONE, JOB_WAITING, JOB_RUNNING, JOB_DONE, JOB_FAILED };

struct history_job {
    enum job_state state;
    uint64_t number;
    char chat[STORE_MAX_ID + 1];
    struct {
        char id[STORE_MAX_ID + 1];
        uint64_t ms;
    } before;       /* the oldest message that we have */
    uint64_t until_ms; /* 0: no such limit */
    size_t count;      /* at most; SYNC_JOB_MESSAGES */
    size_t seen, fresh;
    bool last;   /* the far end has no more */
    bool ending; /* it is done; its event is on the way into the store */
    uint64_t asked_ms, finished_ms;
    struct err err;
};

struct sync {
    struct session *s;
    struct bridge *b;
    struct message_owner owner;
    uv_timer_t turn;   /* a run begins or ends in a turn of its own */
    uv_timer_t hourly; /* the next run that nobody asked for */
    unsigned handles;
    uint64_t next_ms; /* when that is; 0: not set */
    size_t calls, stores; /* under way, of any run or job */
    bool wanted;
    char why[SYNC_WHY_MAX];
    char stuck[STORE_MAX_ID + 1]; /* the chat that the last run got no answer for */
    struct sync_run_state run;
    struct sync_report last;
    struct history_job jobs[SYNC_JOBS];
    uint64_t job_number;
    bool job_asking;
    bool closing;
    void (*on_closed)(void *arg);
    void *closed_arg;
};

/* Opens the session's mark for a run. 1: the account was linked for the first time, or it is
 * another one than before; E_*. */
int sync_mark_open(struct sync *y, struct err *e);
/* Which of these chats differ from their marks: what the run has to do. */
int sync_compare(struct sync *y, const struct channel_digest *chats, size_t count, struct err *e);
void sync_turn(uv_timer_t *t);
void sync_step_down(struct sync *y);   /* frees when nothing is under way */
void sync_run_abandon(struct sync *y, const struct err *why);
void sync_schedule(struct sync *y);    /* the hourly timer, anew */
void sync_jobs_step(struct sync *y);
void sync_jobs_fail(struct sync *y, const struct err *why);
/* The contract's object; gives, NULL on exhaustion. */
json_t *sync_object(struct sync *y);
json_t *sync_job_object(const struct history_job *j);
int sync_job_add(struct sync *y, const char *chat, uint64_t until_ms, size_t count,
                 struct history_job **out, struct err *e);

#endif
