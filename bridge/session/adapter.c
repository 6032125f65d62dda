/*
 * Trying another build of wa-js, and giving it to everybody.
 *
 *   IDLE -> LOADING -> CANARY --test, or failed--> RETURNING -> IDLE
 *                         `----use-----> INSTALLING -> ROLLOUT -> IDLE
 *                                           ^             | a session did not come back
 *                                           `-------------' (the one before is installed again)
 *
 * Happy path: the file is read off the loop -> one session starts a fresh browser with it and must
 * come to the status that it had, with every capability that it had, answer a probe and give its
 * chats -> the file is installed, the old one kept -> each other session does the same in turn.
 *
 * Failure modes: no wa-js in the file, or the page says that none runs: at once; a status or a
 * capability that does not come: when the time is over; the canary gets the old build again and
 * nothing was changed. A session that fails in the roll-out turns it round: the build before is
 * installed again and all go back to it. Sessions that sleep or are stopped get what is current
 * when they start. A crash in between leaves one build or the other in use, whole.
 */
#include "adapter_priv.h"

#include "clock.h"
#include "core_priv.h"
#include "json.h"

#include <stdio.h>
#include <string.h>

#define LATE_EXTRA_MS 15000 /* beyond twice the time that a page has */

static void next(struct adapter *a);
static void install(struct adapter *a);

/* ---- the session that is restarted ---------------------------------------------------------- */

static struct session *find(struct adapter *a, const char *name)
{
    char tenant[64];
    const char *slash = strchr(name, '/');
    if (!slash || (size_t)(slash - name) >= sizeof(tenant)) {
        return NULL;
    }
    memcpy(tenant, name, (size_t)(slash - name));
    tenant[slash - name] = '\0';
    struct session *s = session_lookup(a->all, tenant, slash + 1);
    return s && !s->deleting && !s->freeing ? s : NULL;
}

static bool may_be_asked(const struct session *s)
{
    enum session_status now = session_status(s);
    return s->phase == RUN_PAGE && s->page && session_wanted(s) && !s->quitting && !s->deleting &&
           !s->freeing && (now == SESSION_READY || now == SESSION_UNLINKED);
}

static void aim(struct adapter *a, const struct session *s)
{
    (void)snprintf(a->target, sizeof(a->target), "%s/%s", s->tenant, s->id);
    a->wanted = session_status(s);
}

static void on_late(uv_timer_t *t);

static void restart(struct adapter *a, struct session *s, const char *why)
{
    uint64_t late = 2 * a->all->b->cfg.page.ready_timeout_ms + LATE_EXTRA_MS;
    (void)uv_timer_start(&a->timer, on_late, late, 0);
    session_renew(s, WHY_ADAPTER_CHANGED, why);
}

static bool came_back(const struct adapter *a, const struct session *s, const struct script *with)
{
    return s->script == with && s->phase == RUN_PAGE && s->page && s->page_known &&
           session_status(s) == a->wanted;
}

/* ---- the end ------------------------------------------------------------------------------ */

static void finish(struct adapter *a)
{
    static const char *const names[] = {"test", "use", "rollback"};
    bool ok = a->why.code == 0;
    char at[CLOCK_RFC3339_LEN];
    clock_rfc3339(clock_wall_ms(), at);
    (void)uv_timer_stop(&a->timer);
    json_t *error = ok ? json_null()
                       : json_pack("{s:s,s:s}", "code", err_word_of(&a->why), "detail", a->why.msg);
    json_decref(a->last);
    a->last = json_pack("{s:s,s:b,s:s?,s:s?,s:s?,s:i,s:i,s:b,s:o,s:s}", "action", names[a->action],
                        "ok", (int)ok, "version", a->version[0] ? a->version : NULL, "sha256",
                        a->sha256[0] ? a->sha256 : NULL, "canary", a->canary[0] ? a->canary : NULL,
                        "done", (int)a->done, "failed", (int)a->failed, "rolled_back",
                        (int)a->undoing, "error", error, "at", at);
    a->last = a->last ? a->last : json_null();
    log_at(ok ? LOG_INFO : LOG_WARN, NULL, "adapter.end", "%s of wa-js %s: %s", names[a->action],
           a->version, ok ? "done" : a->why.msg);
    json_decref(a->old_caps);
    a->old_caps = NULL;
    script_drop(a->candidate);
    a->candidate = NULL;
    a->target[0] = '\0';
    a->state = ADAPTER_IDLE;
}

/* The canary gets what is in use again. One that was stopped or fell asleep meanwhile has no browser
 * to be given another: it gets it with its next start. */
static void give_back(struct adapter *a)
{
    struct session *s = find(a, a->target);
    bool tried = s && s->trial;
    a->state = ADAPTER_RETURNING;
    a->asking = false;
    if (tried) {
        script_drop(s->trial);
        s->trial = NULL;
    }
    if (tried && session_wanted(s)) {
        restart(a, s, "back to the wa-js in use");
    } else {
        finish(a);
    }
}

static void went_wrong(struct adapter *a, const struct err *e)
{
    log_warn(NULL, "adapter.failed", "%s: %s", a->target, e->msg);
    if (a->why.code == 0) {
        err_copy(&a->why, e);
    }
    if (a->state == ADAPTER_CANARY) {
        give_back(a);
    } else if (a->state == ADAPTER_ROLLOUT) {
        a->failed++;
        if (a->undoing || !a->previous) {
            next(a);
            return;
        }
        a->undoing = true;
        a->candidate = script_share(a->previous);
        install(a);
    } else {
        finish(a);
    }
}

static void on_late(uv_timer_t *t)
{
    struct adapter *a = ((struct sessions *)t->data)->adapter;
    const struct session *s = find(a, a->target);
    struct err e;
    if (a->state == ADAPTER_ROLLOUT && !s) {
        next(a); /* deleted meanwhile: that is no fault of the build */
        return;
    }
    err_word(&e, E_TIMEOUT, "adapter_too_late", "%s did not come back to %s in time: %.120s",
             a->target, session_status_name(a->wanted),
             s ? s->reason[0] ? s->reason : session_status_name(session_status(s)) : "it is gone");
    const char *cap;
    json_t *had;
    json_object_foreach(a->old_caps, cap, had)
    {
        if (s && a->state == ADAPTER_CANARY && json_flag(had, "ok", false) &&
            !json_flag(json_obj(s->capabilities, cap), "ok", false)) {
            err_word(&e, E_UNSUPPORTED, "adapter_lacks", "%s is missing with it, and was there before",
                     cap);
        }
    }
    went_wrong(a, &e);
}

void adapter_dumb(struct session *s)
{
    struct adapter *a = s->all->adapter;
    struct err e;
    if (a && find(a, a->target) == s && s->script &&
        ((a->state == ADAPTER_CANARY && s->script == a->candidate) ||
         (a->state == ADAPTER_ROLLOUT && s->script == a->current))) {
        err_word(&e, E_UNSUPPORTED, "adapter_does_not_run", "wa-js does not run in the page of %s",
                 a->target);
        went_wrong(a, &e);
    }
}

/* ---- the self-test ------------------------------------------------------------------------ */

static void passed(struct adapter *a)
{
    a->asking = false;
    log_info(NULL, "adapter.passed", "wa-js %s works on %s", a->version, a->target);
    if (a->action == BRIDGE_ADAPTER_TEST) {
        give_back(a);
    } else {
        install(a);
    }
}

static void on_chats(void *arg, const struct err *e, const struct channel_digest *chats,
                     size_t count, const char *cursor)
{
    struct adapter *a = arg;
    (void)chats;
    (void)count;
    (void)cursor;
    if (a->state != ADAPTER_CANARY || !a->asking) {
        return;
    }
    if (e) {
        went_wrong(a, e);
    } else {
        passed(a);
    }
}

static void on_probe(void *arg, const struct err *e, const json_t *value)
{
    struct adapter *a = arg;
    struct page_state st;
    struct err why;
    const struct session *s = find(a, a->target);
    if (a->state != ADAPTER_CANARY || !a->asking) {
        return;
    }
    if (e) {
        went_wrong(a, e);
    } else if (page_state_read(value, &st, &why) != 0) {
        went_wrong(a, &why);
    } else if (a->wanted == SESSION_READY && s && s->page) {
        channel_digests(page_channel(s->page), 1, 0, "", on_chats, a);
    } else {
        passed(a);
    }
}

static bool caps_hold(const struct adapter *a, const struct session *s)
{
    const char *cap;
    json_t *had;
    json_object_foreach(a->old_caps, cap, had)
    {
        if (json_flag(had, "ok", false) &&
            !json_flag(json_obj(s->capabilities, cap), "ok", false)) {
            return false;
        }
    }
    return true;
}

/* The session was stopped or fell asleep: that is no fault of the build, and nothing comes back. */
static void left(struct adapter *a)
{
    struct err e;
    if (a->state == ADAPTER_CANARY) {
        err_word(&e, E_CONFLICT, "no_canary", "%s was stopped meanwhile", a->target);
        went_wrong(a, &e);
    } else if (a->state == ADAPTER_RETURNING) {
        finish(a);
    } else if (a->state == ADAPTER_ROLLOUT) {
        next(a);
    }
}

void adapter_look(struct session *s)
{
    struct adapter *a = s->all->adapter;
    if (!a || a->state == ADAPTER_IDLE || a->all->closing || find(a, a->target) != s) {
        return;
    }
    if (!session_wanted(s)) {
        left(a);
        return;
    }
    if (a->state == ADAPTER_CANARY && !a->asking && came_back(a, s, a->candidate) &&
        s->caps_known && caps_hold(a, s)) {
        a->asking = true;
        page_call(s->page, "probe", json_pack("{s:I}", "n", (json_int_t)s->probe_n), 0, on_probe, a);
    } else if (a->state == ADAPTER_RETURNING && came_back(a, s, a->current)) {
        finish(a);
    } else if (a->state == ADAPTER_ROLLOUT && came_back(a, s, a->current)) {
        a->done++;
        next(a);
    }
}

/* ---- files -------------------------------------------------------------------------------- */

static void on_worked(struct work *w, int rc);

static void run_load(struct work *w)
{
    struct adapter *a = LIST_ENTRY(w, struct adapter, work);
    (void)wa_js_load(a->file, &a->loaded, &a->work_err);
}

static void run_install(struct work *w)
{
    struct adapter *a = LIST_ENTRY(w, struct adapter, work);
    /* turned round, the build that failed is nothing to go back to */
    (void)adapter_install(a->all->b->cfg.data_dir, &a->candidate->js,
                          a->undoing ? NULL : &a->current->js, &a->work_err);
}

static int work(struct adapter *a, void (*run)(struct work *w), struct err *e)
{
    err_clear(&a->work_err);
    int rc = work_submit(a->all->b->loop, &a->work, run, on_worked);
    a->working = rc == 0;
    return rc == 0 ? 0 : err_set(e, rc, "too much is being done already; try again");
}

static void install(struct adapter *a)
{
    struct err e;
    a->state = ADAPTER_INSTALLING;
    (void)uv_timer_stop(&a->timer);
    if (work(a, run_install, &e) != 0) {
        err_copy(&a->why, &e);
        give_back(a);
    }
}

static void installed(struct adapter *a)
{
    struct session *s = find(a, a->target);
    script_drop(a->previous);
    a->previous = a->undoing ? NULL : a->current;
    if (a->undoing) {
        script_drop(a->current);
    }
    a->current = a->candidate;
    a->candidate = NULL;
    a->installed = true;
    if (s && s->trial) { /* the canary runs it already */
        script_drop(s->trial);
        s->trial = NULL;
    }
    a->state = ADAPTER_ROLLOUT;
    next(a);
}

static void loaded(struct adapter *a)
{
    struct session *s = find(a, a->target);
    struct err e;
    a->candidate = script_new(&a->loaded);
    if (!a->candidate) {
        wa_js_finish(&a->loaded);
        err_set(&e, E_NOMEM, "out of memory");
        went_wrong(a, &e);
        return;
    }
    memcpy(a->sha256, a->candidate->js.sha256, sizeof(a->sha256));
    memcpy(a->version, a->candidate->js.version, sizeof(a->version));
    if (!a->version[0]) {
        err_word(&e, E_INVALID, "not_wa_js", "the file does not say that it is a build of wa-js");
    } else if (!s || !may_be_asked(s)) {
        err_word(&e, E_CONFLICT, "no_canary", "%s is not ready any more", a->target);
    } else {
        a->state = ADAPTER_CANARY;
        s->trial = script_share(a->candidate);
        s->caps_known = false;
        restart(a, s, "another wa-js is tried on it");
        return;
    }
    went_wrong(a, &e);
}

static void on_worked(struct work *w, int rc)
{
    struct adapter *a = LIST_ENTRY(w, struct adapter, work);
    (void)rc;
    a->working = false;
    if (a->all->closing) {
        if (a->state == ADAPTER_LOADING) {
            wa_js_finish(&a->loaded);
        }
        sessions_freed_one(a->all);
    } else if (a->work_err.code != 0) {
        err_copy(&a->why, &a->work_err);
        give_back(a);
    } else if (a->state == ADAPTER_LOADING) {
        loaded(a);
    } else {
        installed(a);
    }
}

/* ---- the others --------------------------------------------------------------------------- */

static void next(struct adapter *a)
{
    a->target[0] = '\0';
    (void)uv_timer_stop(&a->timer);
    LIST_FOREACH(&a->all->all, node, after)
    {
        struct session *s = LIST_ENTRY(node, struct session, link);
        if (!s->script || s->script == a->current) {
            continue;
        }
        if (may_be_asked(s)) {
            aim(a, s);
            restart(a, s, a->undoing ? "back to the former wa-js" : "it gets another wa-js");
            return;
        }
        if (a->undoing && s->phase == RUN_PAGE && !s->quitting && !s->deleting && !s->freeing) {
            session_renew(s, WHY_ADAPTER_CHANGED, "back to the former wa-js"); /* it may be what keeps it from ready */
        }
    }
    finish(a); /* those in between get it with their next start */
}

/* ---- begin -------------------------------------------------------------------------------- */

static int choose(struct adapter *a, const char *name, struct err *e)
{
    struct session *best = NULL;
    if (name[0] != '\0') {
        best = find(a, name);
        best = best && may_be_asked(best) ? best : NULL;
    }
    LIST_FOREACH(&a->all->all, node, after)
    {
        struct session *s = LIST_ENTRY(node, struct session, link);
        if (name[0] == '\0' && may_be_asked(s) &&
            (!best || (session_status(best) != SESSION_READY && session_status(s) == SESSION_READY))) {
            best = s;
        }
    }
    if (!best) {
        return err_word(e, E_CONFLICT, "no_canary",
                        "there is no session to try it on: %s must be ready, or show a code",
                        name[0] ? name : "one");
    }
    aim(a, best);
    memcpy(a->canary, a->target, sizeof(a->canary));
    a->old_caps = json_incref(best->capabilities);
    return 0;
}

int adapter_begin(struct adapter *a, enum bridge_adapter_action action, const char *file,
                  const char *session, struct err *e)
{
    bool back = action == BRIDGE_ADAPTER_ROLLBACK;
    a->action = action;
    a->done = a->failed = 0;
    a->undoing = a->asking = false;
    a->sha256[0] = a->version[0] = a->canary[0] = '\0';
    err_clear(&a->why);
    if (!back) {
        int rc = choose(a, session, e);
        (void)snprintf(a->file, sizeof(a->file), "%s", file);
        rc = rc != 0 ? rc : work(a, run_load, e);
        a->state = rc == 0 ? ADAPTER_LOADING : ADAPTER_IDLE;
        return rc;
    }
    a->candidate = script_share(a->previous);
    memcpy(a->sha256, a->candidate->js.sha256, sizeof(a->sha256));
    memcpy(a->version, a->candidate->js.version, sizeof(a->version));
    a->state = ADAPTER_INSTALLING;
    int rc = work(a, run_install, e);
    if (rc != 0) {
        script_drop(a->candidate);
        a->candidate = NULL;
        a->state = ADAPTER_IDLE;
    }
    return rc;
}
