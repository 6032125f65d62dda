/*
 * Log lines: one JSON object a line, or coloured text `time LEVEL [tenant/session] event: detail`.
 * Each line carries tenant, session and request id when known. Never message text, never secrets;
 * phone numbers go through log_phone(). A line is at most 4 KiB; longer is cut and marked.
 * Thread: any, unless a comment says otherwise.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum log_level { LOG_TRACE, LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };
enum log_format { LOG_TEXT, LOG_JSON };

struct log_ctx {
    const char *tenant;     /* NULL when none */
    const char *session;    /* NULL when none */
    const char *request_id; /* NULL when none */
};

/* fd is borrowed (2 for stderr). Colour only when fd is a terminal and NO_COLOR is unset. */
void log_init(enum log_format format, enum log_level level, int fd);
/* Lines go to this file from now on, appended, mode 0600. E_IO. Before log_start(). */
struct err;
int log_open(const char *path, struct err *e);
/* From now on a thread writes what is logged, so that nobody waits for a disk or a slow reader: at
 * most LOG_QUEUE_BYTES wait, then lines are lost (and counted). Main thread. */
#define LOG_QUEUE_BYTES (1u << 20)
int log_start(struct err *e);
/* The file was moved away: it is opened anew under its name, by that thread. No file: nothing. */
void log_reopen(void);
/* What waits is written, for a second at most; then lines are written at once again. Main thread,
 * when no other logs any more. */
void log_finish(void);
void log_set_level(enum log_level level);
enum log_level log_get_level(void);
/* "debug" -> LOG_DEBUG; -1 when unknown. */
int log_level_parse(const char *name);
/* ctx may be NULL; event is a short stable word such as "session.ready". */
void log_at(enum log_level level, const struct log_ctx *ctx, const char *event, const char *fmt,
            ...) __attribute__((format(printf, 4, 5)));
#define log_trace(ctx, ...) log_at(LOG_TRACE, ctx, __VA_ARGS__)
#define log_debug(ctx, ...) log_at(LOG_DEBUG, ctx, __VA_ARGS__)
#define log_info(ctx, ...) log_at(LOG_INFO, ctx, __VA_ARGS__)
#define log_warn(ctx, ...) log_at(LOG_WARN, ctx, __VA_ARGS__)
#define log_error(ctx, ...) log_at(LOG_ERROR, ctx, __VA_ARGS__)

/* The last lines that were written, without colours, numbered from 1. */
#define LOG_RECENT_LINES 1000
#define LOG_NEWEST UINT64_MAX
/* Gives fn at most max lines with an id over `after` (LOG_NEWEST: the newest max), oldest first;
 * line is not terminated and has no newline. Returns the id of the last one given; when there is
 * none, where to go on from. fn is called inside the log's lock: it must not log. */
uint64_t log_recent(uint64_t after, size_t max,
                    void (*fn)(void *arg, uint64_t id, const char *line, size_t len), void *arg);

/* The same of one session: what fits into LOG_SESSION_BYTES; its lines have numbers of their own. */
#define LOG_SESSION_BYTES 32768
#define LOG_SESSIONS 1024
uint64_t log_recent_of(const char *tenant, const char *session, uint64_t after, size_t max,
                       void (*fn)(void *arg, uint64_t id, const char *line, size_t len), void *arg);

/* A session has another level than the rest for a while; level -1: no more. False: there are
 * LOG_SESSION_LEVELS of them already. */
#define LOG_SESSION_LEVELS 64
bool log_session_level(const char *tenant, const char *session, int level, uint64_t for_ms);
/* Its level now; left_ms: for how long, 0: it has none of its own. */
enum log_level log_session_level_get(const char *tenant, const char *session, uint64_t *left_ms);
const char *log_level_name(enum log_level level);
void log_session_forget(const char *tenant, const char *session); /* its lines and level go */

struct log_short {
    char s[48];
};
/* "5511988887777@c.us" -> "5511…7777@c.us": enough to tell two apart, not to call. By value so that
 * it can stand in an argument list: log_phone(jid).s */
struct log_short log_phone(const char *id);

#endif
