/* What people/ keeps in memory. Thread: loop. */
#ifndef PEOPLE_MEM_H
#define PEOPLE_MEM_H

#include "people.h"
#include "people_priv.h"

#define PICTURES_MAX_BYTES (4u << 20) /* of all sessions together */

struct picture {
    struct list link; /* oldest first */
    char tenant[64], session[64], jid[STORE_MAX_ID + 1], tag[257], mimetype[32];
    uint8_t *data;
    size_t len;
};

struct people {
    struct list pictures;
    size_t picture_bytes;
    struct list walks;  /* refresh.c: one a session at most */
    struct list checks; /* check.c: one a session at most */
};
void pictures_free(struct people *p);

#endif
