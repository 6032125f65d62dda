/*
 * Conversations: of one session, of several as one inbox, and their notes.
 *
 * Thread: loop. What holds for every function of the bridge stands in bridge.h.
 */
#ifndef BRIDGE_PUBLIC_CHATS_H
#define BRIDGE_PUBLIC_CHATS_H

#include "public/who.h"

/* chat, below: phone number, chat id, LID or contact id. */
enum bridge_tristate { BRIDGE_ANY, BRIDGE_YES, BRIDGE_NO };
struct bridge_chat_filter {
    const char *state;    /* NULL, "open", "closed" */
    const char *tag;      /* NULL, or one that it has */
    const char *assignee; /* NULL, "" nobody, or who */
    const char *q;        /* NULL, or part of name or number; case and accents do not matter */
    enum bridge_tristate unread, archived, pinned;
};
/* Recent first. A filter that matches little gives a page that is not full, with a cursor. */
int bridge_chat_search(struct bridge *b, const char *tenant, const char *session,
                       const struct bridge_chat_filter *f, const struct bridge_paging *p,
                       json_t **out, struct err *e);
int bridge_chat_list(struct bridge *b, const char *tenant, const char *session,
                     const struct bridge_paging *p, json_t **out, struct err *e);
/* The conversations of several sessions as one inbox. who: sees only its sessions; NULL: all.
 * sessions: NULL, or their names with commas between; E_NOTFOUND "unknown_session" for one that is
 * not there or not seen. */
struct bridge_inbox {
    const char *tenant, *sessions;
    const struct bridge_principal *who;
};
int bridge_inbox_chats(struct bridge *b, const struct bridge_inbox *in,
                       const struct bridge_chat_filter *f, const struct bridge_paging *p,
                       json_t **out, struct err *e);
/* {tags:[{tag,count}],assignees:[{assignee,count}],counts:{open,closed,unread,unassigned,archived,
 * archived_unread},scanned,complete}: of the most recent BRIDGE_FACET_CHATS of them. */
#define BRIDGE_FACET_CHATS 2000
int bridge_inbox_facets(struct bridge *b, const struct bridge_inbox *in, json_t **out,
                        struct err *e);
/* E_NOTFOUND "unknown_chat". */
int bridge_chat_get(struct bridge *b, const char *tenant, const char *session, const char *chat,
                    json_t **out, struct err *e);
/* body {state,assignee,tags,metadata} is kept by us, {pinned,archived,muted_until,unread,blocked} is
 * done at WhatsApp: E_CONFLICT "session_not_ready". Answers with the chat. */
void bridge_chat_patch(struct bridge *b, const char *tenant, const char *session, const char *chat,
                       const json_t *body, bridge_done_fn done, void *arg);
/* All of them, oldest first. */
int bridge_note_list(struct bridge *b, const char *tenant, const char *session, const char *chat,
                     json_t **out, struct err *e);
/* id of the key and what people call it, which may be "". */
struct bridge_author {
    const char *id, *name;
};
/* body {text}. E_CONFLICT "too_many_notes". */
void bridge_note_add(struct bridge *b, const char *tenant, const char *session, const char *chat,
                     const struct bridge_author *author, const json_t *body, bridge_done_fn done,
                     void *arg);
void bridge_note_delete(struct bridge *b, const char *tenant, const char *session, const char *chat,
                        const char *note, bridge_done_fn done, void *arg);

#endif
