/* What the files of one run share. Private to bridge/sync. Thread: loop. */
#ifndef SYNC_RUN_PRIV_H
#define SYNC_RUN_PRIV_H

#include "sync_priv.h"

/* What belongs to one call or one transaction of a run; outlives an interrupted one. */
struct errand {
    struct sync *y;
    uint64_t run;
    char chat[STORE_MAX_ID + 1];
    struct chat_mark mark;
    struct session_mark session;
    bool ends; /* the last transaction of the run */
    bool more; /* out: marks of another account are left */
};

/* For the run that is under way; free(). NULL: no memory. */
struct errand *sync_errand_make(struct sync *y);
/* Its run goes on, and was not interrupted. */
bool sync_errand_current(const struct errand *d);
/* Ends the run with an error; all who asked are told. */
void sync_run_fail(struct sync *y, int code, const char *why);
/* Does the next thing that can be done. */
void sync_run_step(struct sync *y);
/* Erases the marks of the account before, then goes on with sync_run_step(). */
void sync_new_account(struct sync *y);

#endif
