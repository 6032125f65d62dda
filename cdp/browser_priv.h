/* The browser object as page.c sees it. Thread: loop. */
#ifndef CDP_BROWSER_H
#define CDP_BROWSER_H

#include "connection_priv.h"
#include "discover_priv.h"
#include "profile_priv.h"
#include "sm.h"
#include "spawn.h"

enum browser_state {
    BROWSER_LAUNCHING,
    BROWSER_WAIT_PORT,
    BROWSER_RESOLVING,
    BROWSER_HELLO,
    BROWSER_FIRST_PAGE,
    BROWSER_READY,
    BROWSER_LOST,
    BROWSER_GONE,
    BROWSER_CLOSING
};

#define TARGET_ID_MAX 128
#define BROWSER_CLOSED_TARGETS 16
#define BROWSER_TAIL 4096 /* bytes of stderr kept for error messages */

struct cdp_browser {
    struct cdp *cdp;
    struct sm state;
    struct route route;     /* the browser's own session */
    struct route bye_route; /* open for Browser.close alone when the other is cut */
    struct connection conn;
    struct list pages;                                          /* struct cdp_page.link */
    char closed_targets[BROWSER_CLOSED_TARGETS][TARGET_ID_MAX]; /* the last ones, a ring */
    unsigned closed_count;

    /* copied options */
    struct cdp_browser_options o; /* its texts are NULL but for log; see the copies */
    char *executable, *profile_dir, *cache_dir, *user, *attach;
    char **extra_args;

    struct profile profile;
    struct spawn *spawn;
    bool exited;
    int exit_status, exit_signal;
    uint64_t start_deadline;
    bool saw_page;       /* the first window is there */
    bool start_reported; /* on_started was called */
    struct err why;      /* of the loss */

    uv_pipe_t stderr_pipe;
    bool stderr_open; /* handle not closed yet */
    bool stderr_done; /* end of file */
    char chunk[4096];
    char tail[BROWSER_TAIL + 1];
    size_t tail_len;

    struct discover *discover;
    uv_timer_t timer; /* start limit, retry, settling, grace: one at a time */
    struct cdp_call step, bye;
    struct cdp_task task; /* first step; on_gone or a failed start; the end */
    char version[64];

    uint64_t grace_ms;
    int group; /* closing: the process group that was killed; -1: there was none */
    int group_checks;
    int closing_parts;
    void (*on_closed)(void *arg);
    void *closed_arg;
};

/* Between browser.c and browser_start.c */
bool browser_in(const struct cdp_browser *b, enum browser_state s);
void browser_arm(struct cdp_browser *b, uint64_t ms); /* the one timer */
void browser_try_launch(struct cdp_browser *b);
void browser_ready(struct cdp_browser *b);
void browser_lose(struct cdp_browser *b, const struct err *e);
void browser_said(struct cdp_browser *b); /* stderr has ended, or it was reaped */
void browser_on_exit(void *arg, int status, int signal);
/* And browser_close.c. */
void browser_close_now(struct cdp_browser *b); /* the hard way; once */
void browser_close_timer(struct cdp_browser *b);
void browser_free(struct cdp_browser *b); /* the memory alone */

/* What page.c needs. */
bool browser_usable(const struct cdp_browser *b); /* ready, and nobody closes it */

/* What browser.c needs of page.c. */
void page_on_event(struct cdp_page *p, const char *method, const char *params, size_t len);
bool page_has_session(const struct cdp_page *p, const char *session);
bool page_has_target(const struct cdp_page *p, const char *target);
struct cdp_page *page_of_link(struct list *link);
void page_gone(struct cdp_page *p, const struct err *e);
void page_detach_browser(struct cdp_page *p); /* the browser object goes away */

#endif
