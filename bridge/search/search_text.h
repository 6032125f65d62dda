/*
 * What of a message is found by which words, and what a person's words mean. Pure functions, any
 * thread. Private to bridge/search.
 */
#ifndef BRIDGE_SEARCH_TEXT_H
#define BRIDGE_SEARCH_TEXT_H

#include "buf.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SEARCH_Q_MAX 256      /* bytes of a query */
#define SEARCH_TERMS_MAX 16   /* words or phrases; more are ignored */
#define SEARCH_BODY_MAX 32768 /* bytes of a message that are indexed */

/* Text or caption, file name, question and options of a poll, names of contacts and places, title
 * of a link. Empty: there is nothing to be found. */
int search_body(const json_t *message, struct buf *out);
/* The words that stand for what a message is: session, chat, type, direction. */
int search_marks(const char *session, const char *chat, const char *type, const char *direction,
                 struct buf *out);

struct search_filter {
    const char *session, *type, *direction; /* NULL: any */
    const char *const *chats;               /* ids of one chat; NULL: any */
    size_t chat_count;
    const char *const *sessions; /* one of these, when session is NULL; none: any */
    size_t session_count;
};
/* An FTS5 expression: every word of q must be there, the last one as a beginning (as any that ends
 * in *), "words in quotes" as a phrase. Whatever q is, the expression is one that FTS5 understands.
 * False: nothing in q can be searched for. */
bool search_match(const char *q, const struct search_filter *f, struct buf *out);

/* The place of a message in the index: by time, then in the order of the store (WhatsApp's clock
 * has whole seconds). Two messages may have the same one, when a million others came between. */
#define SEARCH_TIE_BITS 21
int64_t search_place(uint64_t time_ms, uint64_t ordinal);
int64_t search_place_of_time(uint64_t time_ms);

#endif
