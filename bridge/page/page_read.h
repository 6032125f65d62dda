/*
 * Pieces of what comes out of a page, each checked for type, size and form. Shared by the readers
 * of page/. Pure. Thread: any.
 */
#ifndef BRIDGE_PAGE_READ_H
#define BRIDGE_PAGE_READ_H

#include "channel.h"

#include <jansson.h>

#define READ_NAME_MAX 1024                 /* bytes */
#define READ_TIME_MAX_MS 253402300799999ll /* end of the year 9999 */

/* All: false for another type, size or form; "" or 0 where the field is missing. Texts are
 * borrowed.
 */
bool read_text(const json_t *v, const char *key, size_t max, const char **out);
bool read_jid(const json_t *v, const char *key, const char **out);
bool read_digits(const json_t *v, const char *key, const char **out);
bool read_number(const json_t *v, const char *key, int64_t min, int64_t max, int64_t *out);
bool read_time(const json_t *v, const char *key, uint64_t *out);
bool read_is_made_of(const char *s, const char *extra); /* letters, digits and these */
bool read_is_message_id(const char *s);
int read_bad(struct err *e, const char *what); /* E_INVALID */

/* ---- page_content.c ---- */

/* Each reads a member of v, builds it anew from what passed, and keeps the text with v, from which
 * *out is borrowed ("" when there is nothing, or when it cannot be used). */
void page_content_read(json_t *v, const char *type, const char **out);
void page_reactions_read(json_t *v, const char **out); /* [{by,emoji,at_ms}] */
void page_votes_read(json_t *v, const char **out);     /* [{by,options,at_ms}] */
/* Of the other kinds of events: {"options"}, {"video","group","state"}, {"participants","value"},
 * {"unread",…}, {"blocked"}. False: not as it must be. */
bool page_details_read(json_t *v, enum channel_event_kind kind, const char **out);

#endif
