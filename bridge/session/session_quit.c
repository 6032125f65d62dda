/*
 * Ways out of a link.
 *
 * Logout on request, happy path: the page is asked -> it tells WhatsApp, wipes its storage and
 * loads itself afresh -> logged_out -> once the fresh, unlinked page is seen the browser ends. From
 * the phone: the page says so itself, or a linked profile shows a code; the same from there.
 * Erasing: unlinked if that can be done now -> the run ends -> the profile's files go (off the
 * loop)
 * -> record and rows go in one transaction, which tells session.deleted -> the object is freed.
 *
 * Failure modes: there is no page, it has no connection or does not answer in time -> the session
 * is logged_out all the same and says that the phone must remove the device; the profile is then
 * set aside at the next start, because its keys may still be good. A page that does not wipe
 * itself: the same. A crash on the way: `want` and `deleting` are in the record, sessions_start()
 * goes on.
 */
#include "session_priv.h"

#include "clock.h"
#include "core_priv.h"
#include "mem.h"
#include "session_profile.h"
#include "work.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOGOUT_TIMEOUT_MS 15000
#define FRESH_PAGE_MS 8000

static void forget_account(struct session *s)
{
    json_decref(s->account);
    s->account = NULL;
    s->linked_ms = 0;
    s->want = WANT_STOPPED;
}

static void leave(struct session *s, enum session_why word, const char *why)
{
    forget_account(s);
    s->quitting = s->phase == RUN_PAGE;
    session_move(s, SESSION_LOGGED_OUT, word, "%s", why);
    if (s->quitting) {
        session_timer(s, TIMER_RUN, FRESH_PAGE_MS);
        session_timer_stop(s, TIMER_QR);
    } else {
        session_run(s);
    }
}

void session_logged_out(struct session *s, enum session_why word, const char *why)
{
    if (session_status(s) == SESSION_LOGGED_OUT || s->deleting) {
        return;
    }
    bool fresh = !s->page_state.auth && s->qr.code[0] != '\0';
    s->fresh_document = false;
    leave(s, word, why);
    if (fresh) {
        session_end(s); /* it shows a code: wiped already */
    }
}

/* ---- on request ---------------------------------------------------------------------------- */

static bool can_tell(const struct session *s)
{
    return s->page && s->phase == RUN_PAGE && s->page_known && s->page_state.auth &&
           session_judge(&s->page_state, false) == VERDICT_ONLINE;
}

void session_untold(struct session *s)
{
    s->quarantine = true;
    s->quitting = false;
    forget_account(s);
    session_move(s, SESSION_LOGGED_OUT, WHY_PHONE_NOT_TOLD,
                 "WhatsApp could not be told; remove this device on the phone");
    session_end(s);
}

/* The page that was told loads itself afresh, which takes the answer along; a browser that ended
 * takes it along too, but may not have told anybody. */
static bool page_left(const struct err *e)
{
    return e->code == E_CLOSED && strcmp(err_word_of(e), "page_reloaded") == 0;
}

static void on_logout(void *arg, const struct err *e, const json_t *value)
{
    struct session *s = arg;
    (void)value;
    if (s->phase != RUN_PAGE || s->freeing || s->deleting) {
        return;
    }
    if (e && !page_left(e)) {
        log_warn(&s->log, "session.logout", "%s", e->msg);
        session_untold(s);
        return;
    }
    leave(s, WHY_UNLINKED, "unlinked on request");
}

void session_wiped(struct session *s)
{
    if (session_status(s) != SESSION_LOGGED_OUT) {
        leave(s, WHY_UNLINKED, "unlinked on request"); /* the fresh page came before the answer */
    }
    session_end(s);
}

void session_unlink(struct session *s)
{
    if (!s->account && session_status(s) != SESSION_LINKING) {
        forget_account(s);
        if (session_status(s) != SESSION_LOGGED_OUT) {
            session_move(s, SESSION_STOPPED, WHY_NOT_LINKED, "%s", "was not linked");
        }
        session_run(s);
        return;
    }
    if (!can_tell(s)) {
        session_untold(s);
        return;
    }
    s->quitting = true; /* what the page says from here on is part of it */
    s->fresh_document = false;
    page_call(s->page, "logout", NULL, LOGOUT_TIMEOUT_MS, on_logout, s);
}

/* ---- erasing ------------------------------------------------------------------------------- */

/* It is told as it was last; its account is the one that was linked. */
static void erase_rows(struct session *s)
{
    json_t *data = session_object(s);
    if (data && body_set(data, "messages_erased", json_boolean(s->erase_messages)) != 0) {
        json_decref(data);
        data = NULL;
    }
    session_save(s, &(struct session_save){.event = "session.deleted", .data = data, .erase = true});
}

struct removal {
    struct work work;
    struct session *s;
    char dir[4096], id[64];
    struct err err;
};

static void remove_profile(struct work *w)
{
    struct removal *r = LIST_ENTRY(w, struct removal, work);
    (void)session_profile_remove(r->dir, r->id, &r->err);
}

static void on_profile_removed(struct work *w, int rc)
{
    struct removal *r = LIST_ENTRY(w, struct removal, work);
    struct session *s = r->s;
    (void)rc;
    if (r->err.code != 0) {
        log_error(&s->log, "session.erase", "%s", r->err.msg);
    }
    free(r);
    s->saves--;
    erase_rows(s);
}

void session_erase_step(struct session *s)
{
    struct removal *r = mem_calloc(1, sizeof(*r));
    if (!r) {
        log_error(&s->log, "session.erase", "out of memory; the profile's files stay");
        erase_rows(s);
        return;
    }
    r->s = s;
    s->saves++; /* nothing is freed before the files are gone */
    memcpy(r->id, s->id, sizeof(r->id));
    (void)snprintf(r->dir, sizeof(r->dir), "%s/profiles/%s", s->b->cfg.data_dir, s->tenant);
    if (work_submit(s->b->loop, &r->work, remove_profile, on_profile_removed) != 0) {
        remove_profile(&r->work); /* the pool is full; better slow than not */
        on_profile_removed(&r->work, 0);
    }
}

static void end_for_erase(struct session *s)
{
    s->quitting = false;
    if (s->phase == RUN_OFF) {
        session_erase_step(s);
    } else {
        session_end(s);
    }
}

static void on_erase_logout(void *arg, const struct err *e, const json_t *value)
{
    struct session *s = arg;
    (void)value;
    if (s->freeing || s->phase != RUN_PAGE) {
        return;
    }
    if (e && !page_left(e)) {
        log_warn(&s->log, "session.erase", "WhatsApp could not be told: %s", e->msg);
    }
    end_for_erase(s);
}

void session_erase(struct session *s, bool erase_messages, void (*done)(void *arg, bool erased),
                   void *arg)
{
    bool tell = can_tell(s);
    s->on_freed = done;
    s->freed_arg = arg;
    s->erase_messages = erase_messages;
    s->want = WANT_STOPPED;
    s->asleep = false;
    s->deleting = true;
    session_waiters_cancel(s);
    if (session_status(s) != SESSION_STOPPED) {
        session_move(s, SESSION_STOPPED, WHY_DELETING, "%s", "is being deleted");
    } else {
        session_keep(s);
    }
    if (s->account && !tell) {
        log_warn(&s->log, "session.erase",
                 "WhatsApp could not be told; the device is still listed on the phone");
    }
    if (tell) {
        page_call(s->page, "logout", NULL, LOGOUT_TIMEOUT_MS, on_erase_logout, s);
    } else {
        end_for_erase(s);
    }
}
