/*
 * What is done in a chat at once, without the queue: read marks, presence. The far end must be
 * there now; nothing of it is worth keeping for later.
 */
#include "outbox_priv.h"

#include "clock.h"
#include "core_priv.h"
#include "inbox.h"
#include "json.h"
#include "mem.h"

#include <stdlib.h>
#include <string.h>

struct chat_act {
    struct bridge *b;
    struct message_owner owner;
    char chat[STORE_MAX_ID + 1];
    bool read;
    bridge_done_fn done;
    void *arg;
};

/* Read by us on this device: the inbox hears of it as if the page had told. */
static void tell_inbox(const struct chat_act *a)
{
    struct session *s;
    const struct channel_event ev = {
        .kind = CHANNEL_CHAT,
        .chat = {.id = a->chat, .phone = "", .lid = "", .name = ""},
        .by = {.id = "", .phone = "", .lid = "", .name = ""},
        .message_id = "",
        .text = "",
        .participant = "",
        .content = "{\"unread\":0}",
        .time_ms = clock_wall_ms(),
        .from_me = true,
    };
    if (session_find(a->b, a->owner.tenant, a->owner.session, &s, NULL) == 0) {
        inbox_event(session_inbox(s), &ev);
    }
}

static void on_done(void *arg, const struct err *e)
{
    struct chat_act *a = arg;
    const struct bridge_reply r = {.err = e};
    if (e == NULL && a->read) {
        tell_inbox(a);
    }
    a->done(a->arg, &r);
    free(a);
}

static int find_chat(struct bridge *b, const struct message_owner *o, const char *in,
                     char out[STORE_MAX_ID + 1], struct err *e)
{
    struct store_txn *t;
    enum chat_kind kind;
    int rc = store_read(b->store, &t, e);
    if (rc == 0) {
        rc = identity_address(t, o, in, out, &kind, e);
        store_read_end(t);
    }
    return rc;
}

/* Gives the object and the channel, or says why not. */
static struct chat_act *begin(struct bridge *b, const char *tenant, const char *session,
                              const char *chat, struct channel **c, struct err *e)
{
    struct session *s;
    if (session_find(b, tenant, session, &s, e) != 0) {
        return NULL;
    }
    struct chat_act *a = mem_calloc(1, sizeof(*a));
    if (a == NULL) {
        err_set(e, E_NOMEM, "out of memory");
        return NULL;
    }
    a->b = b;
    message_owner_set(&a->owner, tenant, session);
    int rc = find_chat(b, &a->owner, chat, a->chat, e);
    *c = session_status(s) == SESSION_READY ? session_channel(s) : NULL;
    if (rc == 0 && *c == NULL) {
        rc = err_word(e, E_CONFLICT, "session_not_ready",
                      "the session is %s; this is done at once or not at all",
                      session_status_name(session_status(s)));
    }
    if (rc != 0) {
        free(a);
        return NULL;
    }
    return a;
}

void bridge_chat_read(struct bridge *b, const char *tenant, const char *session, const char *chat,
                      bridge_done_fn done, void *arg)
{
    struct err e;
    struct channel *c;
    err_clear(&e);
    struct chat_act *a = begin(b, tenant, session, chat, &c, &e);
    if (a == NULL) {
        reply_later(b, done, arg, &e, NULL);
        return;
    }
    a->read = true;
    a->done = done;
    a->arg = arg;
    channel_mark_read(c, a->chat, on_done, a);
}

void bridge_chat_presence(struct bridge *b, const char *tenant, const char *session,
                          const char *chat, const json_t *body, bridge_done_fn done, void *arg)
{
    static const char *const states[] = {"typing", "recording", "paused", "subscribe"};
    static const char *const fields[] = {"state", NULL};
    struct err e;
    struct channel *c;
    const char *state = NULL;
    err_clear(&e);
    for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
        if (strcmp(states[i], json_str_or(body, "state", "")) == 0) {
            state = states[i];
        }
    }
    struct chat_act *a = NULL;
    if (body_check(body, fields, &e) != 0) {
        state = NULL;
    } else if (state == NULL) {
        err_field(&e, NULL, "state", "`state` must be typing, recording, paused or subscribe");
    } else {
        a = begin(b, tenant, session, chat, &c, &e);
    }
    if (a == NULL) {
        reply_later(b, done, arg, &e, NULL);
        return;
    }
    a->done = done;
    a->arg = arg;
    channel_presence(c, a->chat, state, on_done, a);
}
