/*
 * What to execute: which browser, as whom, with which arguments and environment. No side effects.
 * Thread: any.
 */
#ifndef CDP_LAUNCH_H
#define CDP_LAUNCH_H

#include "cdp.h"

#include <sys/types.h>

struct launch_who {
    uid_t uid; /* (uid_t)-1: no change of user */
    gid_t gid;
};

/* E_FORBIDDEN root with the sandbox, or another user without being root; E_NOTFOUND no such user.
 * euid is an argument for the tests' sake. */
int launch_check_user(const struct cdp_browser_options *o, uid_t euid, struct launch_who *out,
                      struct err *e);
/* The program is chromium-headless-shell: an own process model, no window, no profile lock. */
bool launch_is_shell(const char *executable);
/* Gives a NULL-terminated vector, freed by launch_free_vector(); NULL on exhaustion. */
char **launch_args(const struct cdp_browser_options *o, const char *executable);
char **launch_env(const char *home, const char *tmp);
void launch_free_vector(char **v);

#endif
