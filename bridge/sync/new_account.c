/*
 * The beginning of a run that finds another account than the last one did: what was known of its
 * chats is erased, some marks a transaction, and the run goes on as if it were the first.
 */
#include "run_priv.h"

#include <stdlib.h>

/* The account was linked for the first time, or it is another one than before: what is older than
 * the link is none of ours to tell. The session's mark goes with the first step and comes with the
 * last, so that a run that breaks off between is begun again like this. */
static int with_new_account(struct store_txn *t, void *arg)
{
    struct errand *d = arg;
    int rc = chat_marks_erase(t, &d->y->owner, SYNC_ERASE, &d->more);
    return rc != 0 || d->more ? rc : session_mark_save(t, &d->y->owner, &d->session);
}

static void erase_marks(struct sync *y, struct errand *d);

static void on_new_account(void *arg, int rc, const struct err *e, const struct inbox_told *told)
{
    struct errand *d = arg;
    struct sync *y = d->y;
    bool current = sync_errand_current(d), more = rc == 0 && current && d->more;
    (void)told;
    y->stores--;
    if (current) {
        y->run.stores--;
    }
    if (more) {
        erase_marks(y, d);
    } else {
        free(d);
    }
    if (current && rc != 0) {
        sync_run_fail(y, rc, e->code != 0 ? e->msg : err_name(rc));
    } else if (current && !more) {
        sync_run_step(y);
    }
    sync_step_down(y);
}

/* Takes d. */
static void erase_marks(struct sync *y, struct errand *d)
{
    const struct inbox_part part = {.with = with_new_account, .done = on_new_account, .arg = d};
    y->stores++;
    y->run.stores++;
    if (inbox_store(session_inbox(y->s), &part) != 0) {
        y->stores--;
        free(d);
        sync_run_fail(y, E_NOMEM, "out of memory");
    }
}

void sync_new_account(struct sync *y)
{
    struct errand *d = sync_errand_make(y);
    if (d == NULL) {
        sync_run_fail(y, E_NOMEM, "out of memory");
        return;
    }
    d->session = y->run.mark;
    erase_marks(y, d);
}
