/*
 * People, chats and groups beside their messages: what is kept in memory for them, and the looks
 * that are taken at a far end that has just become ready. Private to bridge/. Thread: loop.
 */
#ifndef BRIDGE_PEOPLE_H
#define BRIDGE_PEOPLE_H

#include "session.h"

struct people; /* bridge->people */

int people_create(struct bridge *b, struct people **out, struct err *e);
/* Nothing of it is under way any more: sessions are closed and core has no open operation. NULL:
 * ok. */
void people_free(struct people *p);
/* The session has become ready: contacts and groups are read, page by page, differences stored. */
void people_refresh(struct session *s);
/* A group was changed: it is read again soon. */
void people_group_changed(struct bridge *b, const char *tenant, const char *session,
                          const char *group);

#endif
