/* Private to bridge/session. Thread: any. */
#ifndef BRIDGE_SESSION_PROFILE_H
#define BRIDGE_SESSION_PROFILE_H

#include "err.h"

/* Removes <dir>/<id> and what was set aside of it (<id>.quarantine-…). Nothing there: 0. E_IO. */
int session_profile_remove(const char *dir, const char *id, struct err *e);

/* Removes the file or directory `name` in dir, following no link. Nothing there: 0. E_IO. */
int session_tree_remove(int dir, const char *name, struct err *e);

#endif
