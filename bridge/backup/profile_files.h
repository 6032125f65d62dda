/* The files of a browser's profile that hold a link. Private to bridge/backup. Blocking. */
#ifndef BRIDGE_BACKUP_PROFILE_FILES_H
#define BRIDGE_BACKUP_PROFILE_FILES_H

#include "pack.h"

/* Packs them below prefix ("profiles/acme/main"). A profile that is not there has none. E_STATE
 * "profile_busy": its database changed faster than it could be looked at. */
int profile_pack(struct pack_writer *p, const char *dir, const char *prefix, struct err *e);

#endif
