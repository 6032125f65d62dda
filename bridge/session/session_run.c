/*
 * Browser and page of a session.
 *
 *   OFF -> BROWSER -> PAGE -> CLOSING -> OFF
 *                               `-> BACKOFF -> OFF (and again)
 *
 * Happy path: the profile's place is made -> the browser starts -> the page opens (its events take
 * over from there, session_link.c) -> ... -> the browser is asked to end, the page's handle goes
 * with it -> OFF, where session_run() looks again at what is wanted.
 *
 * Failure modes, mildest help first: the page does not answer, is deaf or cannot be loaded, or its
 * renderer died -> loaded again (session_trouble, once a minute); that does not help, or the
 * browser ended or does not start -> session_fail: the run ends and begins again after a pause that
 * doubles from backoff_min to backoff_max. A run that worked for a minute wipes the slate. What the
 * profile holds is never deleted on the way: at most it is renamed, and only after the far end
 * unlinked it.
 */
#include "session_priv.h"

#include "clock.h"
#include "crypto.h"
#include "meters.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define WORKED_MS 60000 /* a run that was up this long starts with a clean slate */
#define CLOSE_GRACE_MS 5000
#define PATH_LEN 4096
#define HELLO_FACTOR 2
#define GONE_MS 20 /* is it the page alone, or is the browser's end about to be told? */

static void open_page(struct session *s);
static void fallen(struct session *s, enum session_why word, const char *why);
static bool worked(const struct session *s);

/* ---- the profile's place ------------------------------------------------------------------ */

int session_profile_path(const struct session *s, char *out, size_t len, struct err *e)
{
    int n = snprintf(out, len, "%s/profiles/%s/%s", s->b->cfg.data_dir, s->tenant, s->id);
    return n > 0 && (size_t)n < len ? 0 : err_set(e, E_INVALID, "the path of the data is too long");
}

/* The directories above may be walked by the browser's user, not listed; whatever the umask. */
static int make_place(const struct session *s, char path[PATH_LEN], struct err *e)
{
    int rc = session_profile_path(s, path, PATH_LEN, e);
    size_t base = rc == 0 ? strlen(s->b->cfg.data_dir) : 0;
    for (char *slash = rc == 0 ? strchr(path + base + 1, '/') : NULL; slash;
         slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        mode_t mode = s->b->cfg.browser.user != NULL ? 0711 : 0700;
        bool made = (mkdir(path, mode) == 0 || errno == EEXIST) && chmod(path, mode) == 0;
        rc = made ? rc : err_sys(e, E_IO, errno, "cannot make %s", path);
        *slash = '/';
    }
    return rc;
}

static int set_aside(struct session *s, const char *path, struct err *e)
{
    char to[PATH_LEN + 64];
    (void)snprintf(to, sizeof(to), "%s.quarantine-%llu", path, (unsigned long long)clock_wall_ms());
    if (rename(path, to) != 0 && errno != ENOENT) {
        return err_sys(e, E_IO, errno, "cannot set the profile %s aside", path);
    }
    s->quarantine = false;
    log_warn(&s->log, "session.quarantine", "the old profile is kept as %s", to);
    return 0;
}

/* ---- browser ------------------------------------------------------------------------------ */

static uint64_t now_ms(void)
{
    return clock_mono_ms();
}

static void on_started(void *arg, const struct err *e)
{
    struct session *s = arg;
    if (s->phase != RUN_BROWSER) {
        return;
    }
    if (e) {
        session_fail(s, WHY_BROWSER_NOT_STARTED, e->msg);
        return;
    }
    log_info(&s->log, "session.browser", "%s, pid %d", cdp_browser_version(s->browser),
             cdp_browser_pid(s->browser));
    s->phase = RUN_PAGE;
    s->browser_since_ms = clock_mono_ms();
    open_page(s);
}

static void on_browser_gone(void *arg, const struct err *e)
{
    struct session *s = arg;
    char why[REASON_MAX];
    (void)snprintf(why, sizeof(why), "the browser ended: %.200s", e->msg);
    session_fail(s, WHY_BROWSER_ENDED, why);
}

static int start_browser(struct session *s, struct err *e)
{
    char profile[PATH_LEN];
    int rc = make_place(s, profile, e);
    if (rc == 0 && s->quarantine) {
        rc = set_aside(s, profile, e);
    }
    if (rc != 0) {
        return rc;
    }
    const struct bridge_config *c = &s->b->cfg;
    struct cdp_browser_options o = {
        .executable = c->browser.executable,
        .profile_dir = profile,
        .user = c->browser.user,
        .sandbox = c->browser.sandbox,
        .transport = c->browser.websocket ? CDP_WEBSOCKET : CDP_PIPE,
        .attach = c->browser.attach,
        .extra_args = c->browser.args,
        .start_timeout_ms = c->browser.start_timeout_ms,
        .log = s->log,
        .on_started = on_started,
        .on_gone = on_browser_gone,
        .arg = s,
    };
    return cdp_browser_start(s->b->cdp, &o, &s->browser, e);
}

static void begin(struct session *s)
{
    struct err e;
    s->waits_turn = false;
    if (!session_admit(s)) {
        return;
    }
    budget_fresh(&s->budget);
    session_codes_reset(s);
    session_forget_page(s);
    s->reloads = 0;
    s->collected = s->reload_due = false;
    s->phase = RUN_BROWSER;
    /* A linked session that fell is still the same one to its readers: disconnected, coming back.
     */
    if (session_status(s) != SESSION_DISCONNECTED) {
        bool still = session_status(s) == SESSION_STARTING;
        session_move(s, SESSION_STARTING, still ? s->why : WHY_NONE, "%s", still ? s->reason : "");
    }
    if (start_browser(s, &e) != 0) {
        session_fail(s, WHY_BROWSER_NOT_STARTED, e.msg);
    }
}

/* ---- page --------------------------------------------------------------------------------- */

void session_forget_page(struct session *s)
{
    memset(&s->page_state, 0, sizeof(s->page_state));
    s->page_known = s->probe_ok = s->caps_known = false;
    s->qr.code[0] = '\0';
    s->up_since_ms = s->stuck_since_ms = 0;
}

static void on_page_closed(void *arg)
{
    struct session *s = arg;
    s->pages_closing--;
    if (s->phase == RUN_CLOSING) {
        session_end(s);
    } else {
        session_step_down(s);
    }
}

static void drop_page(struct session *s)
{
    struct page *p = s->page;
    session_forget_page(s);
    if (p) {
        s->page = NULL;
        s->probing = false;
        s->pages_closing++;
        page_close(p, on_page_closed, s);
    }
}

static uint64_t next_pause(struct session *s)
{
    uint8_t random;
    crypto_random(&random, sizeof(random));
    if (worked(s)) {
        s->tries = 0;
    }
    return session_backoff(s->b->cfg.session.backoff_min_ms, s->b->cfg.session.backoff_max_ms,
                           s->tries++, random);
}

/* The browser is fine, the network is not: only the page is tried again. */
static void unreachable(struct session *s, const char *why)
{
    uint64_t pause = next_pause(s);
    session_forget_page(s);
    session_move(s, s->account ? SESSION_DISCONNECTED : SESSION_FAILED, WHY_PAGE_UNREACHABLE, "%s",
                 why);
    s->reload_due = true;
    session_timer(s, TIMER_RUN, pause);
}

void session_reload(struct session *s)
{
    s->reload_due = false;
    page_reload(s->page);
    /* A hung renderer swallows the navigation: a new document must say hello before long, and gets
     * the rest of its time then. */
    uint64_t hello = HELLO_FACTOR * s->b->cfg.page.call_timeout_ms;
    uint64_t ready = s->b->cfg.page.ready_timeout_ms;
    session_timer(s, TIMER_RUN, hello < ready ? hello : ready);
}

static void on_page_trouble(void *arg, const struct err *e, bool fatal)
{
    struct session *s = arg;
    if (s->phase != RUN_PAGE) {
        return;
    }
    if (s->quitting) {
        session_end(s);
    } else if (!fatal && e->code == E_UNAVAILABLE) {
        unreachable(s, e->msg);
    } else if (!fatal) {
        session_trouble(s, WHY_PAGE_FAILED, e->msg);
    } else {
        uint64_t up_since = s->up_since_ms;
        drop_page(s);
        s->up_since_ms = up_since;
        s->reload_due = false;
        fallen(s, WHY_PAGE_FAILED, e->msg);
        session_timer(s, TIMER_RUN, GONE_MS);
    }
}

static void open_page(struct session *s)
{
    const struct bridge_config *c = &s->b->cfg;
    struct err e;
    struct page_options o = {
        .loop = s->b->loop,
        .browser = s->browser,
        .script = &adapter_script(s)->js,
        .origin = c->page.origin,
        .call_timeout_ms = c->page.call_timeout_ms,
        .log = &s->log,
        .on_event = session_on_page_event,
        .on_trouble = on_page_trouble,
        .arg = s,
    };
    if (page_open(&o, &s->page, &e) != 0) {
        session_fail(s, WHY_PAGE_FAILED, e.msg);
        return;
    }
    session_timer(s, TIMER_RUN, c->page.ready_timeout_ms);
    session_timer(s, TIMER_WATCHDOG, c->session.watchdog_ms);
}

/* ---- when it goes wrong ------------------------------------------------------------------- */

static bool worked(const struct session *s)
{
    return s->up_since_ms != 0 && now_ms() - s->up_since_ms >= WORKED_MS;
}

static bool was_up(const struct session *s)
{
    enum session_status now = session_status(s);
    return now != SESSION_STARTING && now != SESSION_FAILED;
}

static void fallen(struct session *s, enum session_why word, const char *why)
{
    session_move(s, s->account ? SESSION_DISCONNECTED : SESSION_STARTING, word, "%s", why);
}

void session_fail(struct session *s, enum session_why word, const char *why)
{
    if (s->phase != RUN_BROWSER && s->phase != RUN_PAGE) {
        return;
    }
    if (s->quitting || s->freeing || s->deleting || !session_wanted(s)) {
        session_end(s);
        return;
    }
    uint64_t pause = next_pause(s);
    meter_help(s->tenant, s->id, METER_RESTART);
    log_warn(&s->log, "session.fail", "%s; again in %llu ms", why, (unsigned long long)pause);
    if (s->tries == 1 && was_up(s)) {
        fallen(s, word, why);
    } else {
        session_move(s, SESSION_FAILED, word, "%s", why);
    }
    s->backoff_ms = pause;
    session_end(s);
}

void session_trouble(struct session *s, enum session_why word, const char *why)
{
    if (s->phase != RUN_PAGE || s->quitting || s->freeing || s->deleting) {
        return;
    }
    if (worked(s)) {
        s->reloads = 0;
    }
    if (s->reloads++ > 0) {
        session_fail(s, word, why);
        return;
    }
    meter_help(s->tenant, s->id, METER_RELOAD);
    log_warn(&s->log, "session.trouble", "%s; the page is loaded again", why);
    session_forget_page(s);
    fallen(s, word, why);
    if (s->page) {
        session_reload(s);
    } else {
        open_page(s);
    }
}

void session_refresh(struct session *s, enum session_why word, const char *why)
{
    log_warn(&s->log, "session.refresh", "%s", why);
    session_forget_page(s);
    fallen(s, word, why);
    session_reload(s);
}

void session_renew(struct session *s, enum session_why word, const char *why)
{
    log_warn(&s->log, "session.renew", "%s", why);
    fallen(s, word, why);
    s->tries = 0;
    session_end(s);
}

/* ---- the end of a run --------------------------------------------------------------------- */

static void ended(struct session *s)
{
    struct sessions *all = s->all; /* s may be freed below */
    s->phase = RUN_OFF;
    s->quitting = false;
    if (s->on_off != NULL) {
        struct err e;
        bool goes = s->freeing || s->deleting;
        if (goes) {
            err_set(&e, E_CANCELED, "the session goes away");
        }
        session_off(s, goes ? &e : NULL);
    }
    if (s->freeing) {
        session_step_down(s);
    } else if (s->deleting) {
        session_erase_step(s);
    } else if (s->want == WANT_UNLINKED) {
        session_untold(s); /* the page went before it could say that it was done */
    } else if (session_wanted(s) && s->backoff_ms > 0) {
        s->phase = RUN_BACKOFF;
        session_timer(s, TIMER_RUN, s->backoff_ms);
        s->backoff_ms = 0;
    } else {
        session_run(s);
    }
    sessions_room(all);
}

static void on_browser_closed(void *arg)
{
    struct session *s = arg;
    s->browser = NULL;
    s->sampled_ms = 0;
    s->tidying = session_tidy(s);
    session_end(s);
}

void session_end(struct session *s)
{
    if (s->phase == RUN_OFF) {
        return;
    }
    if (s->phase == RUN_BACKOFF) {
        session_timer_stop(s, TIMER_RUN);
        s->backoff_ms = 0;
        ended(s);
        return;
    }
    if (s->phase != RUN_CLOSING) {
        s->phase = RUN_CLOSING;
        for (unsigned i = 0; i < TIMER_COUNT; i++) {
            session_timer_stop(s, (enum session_timer)i);
        }
        sync_interrupt(s->sync);
        struct cdp_browser *browser = s->browser;
        if (browser) {
            uint64_t grace = s->all->closing ? s->all->grace_ms : CLOSE_GRACE_MS;
            cdp_browser_close(browser, grace, on_browser_closed, s);
        }
        drop_page(s);
        if (!browser && s->pages_closing == 0) {
            ended(s);
        }
        return;
    }
    if (!s->browser && s->pages_closing == 0 && !s->tidying) {
        ended(s);
    }
}

bool session_wanted(const struct session *s)
{
    return s->want == WANT_RUNNING && !s->asleep && !s->exported;
}

void session_run(struct session *s)
{
    if (s->freeing || s->deleting || s->all->closing) {
        return;
    }
    if (session_wanted(s) && !s->exported) {
        if (s->phase == RUN_OFF) {
            begin(s);
        }
        return;
    }
    session_end(s);
}
