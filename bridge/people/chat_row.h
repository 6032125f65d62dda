/*
 * The row of a chat: {id,type,phone,lid,name,contact_id,unread_count,last_message,state,assignee,
 * tags,pinned,archived,muted_until,blocked,metadata}, and "_", which is not shown: {asked_ms}, since
 * when they wait for an answer of the team. A person has one row, under the id that the
 * far end used last. Inside a transaction; chat_touch() and its kin are in message_object.h.
 */
#ifndef CHAT_ROW_H
#define CHAT_ROW_H

#include "identity.h"

struct chat_row {
    char id[STORE_MAX_ID + 1]; /* where it is stored */
    uint64_t last_ms;
    json_t *doc; /* owned; NULL: there is none */
};
/* Under that id, or another of the same person's. 0 also when there is none. */
int chat_row_load(struct store_txn *t, const struct message_owner *o, const char *chat,
                  struct chat_row *r);
/* Fills r->doc with a new row for that peer. */
int chat_row_make(struct chat_row *r, const struct channel_peer *p, enum chat_kind kind);
/* What p knows, where it knows anything. */
int chat_row_name(struct chat_row *r, const struct channel_peer *p);
/* Under its id; under `to` when that is another (NULL: stays). */
int chat_row_save(struct store_txn *t, const struct message_owner *o, struct chat_row *r,
                  const char *to);
void chat_row_free(struct chat_row *r);
uint64_t chat_row_asked_ms(const struct chat_row *r); /* 0: nobody waits */
int chat_row_set_asked(struct chat_row *r, uint64_t ms);
/* Tells chat.updated {chat}. */
int chat_row_tell(struct bridge *b, struct store_txn *t, const struct message_owner *o,
                  const struct chat_row *r);
/* The rows of these ids become one, that of `now`. */
int chat_rows_unite(struct store_txn *t, const struct message_owner *o,
                    char ids[][STORE_MAX_ID + 1], size_t count, const struct person *now);

#endif
