/*
 * Who is typing, told to whoever listens at this moment and to nobody else: it is old news a few
 * seconds later, so it has no place in the log and no number, and no webhook gets it.
 */
#include "inbox_priv.h"

#include "clock.h"
#include "core_priv.h"

#include <string.h>

#define PASSING_MAX 4096 /* bytes of such an event */

/* The person or group as we know them, under the id that their chat has here. */
static void write_peer(struct buf *out, struct store_txn *t, const struct message_owner *o,
                       const struct channel_peer *told, bool chat)
{
    char id[STORE_MAX_ID + 1];
    enum chat_kind kind = CHAT_USER;
    struct person who;
    struct channel_peer p = *told;
    struct err e;
    if (identity_find(t, o, told->id, &who) == 0) {
        p = identity_fill(told, &who);
    }
    if (chat && identity_address(t, o, told->id, id, &kind, &e) == 0) {
        p.id = id;
    }
    message_write_peer(out, &p, chat ? &kind : NULL);
}

static int write_event(struct buf *out, struct store_txn *t, const struct message_owner *o,
                       const struct channel_event *ev)
{
    char at[CLOCK_RFC3339_LEN];
    clock_rfc3339(clock_wall_ms(), at);
    buf_printf(out,
               "{\"type\":\"chat.presence\",\"occurred_at\":\"%s\",\"tenant\":\"%s\""
               ",\"session\":\"%s\",\"data\":{\"chat\":",
               at, o->tenant, o->session);
    write_peer(out, t, o, &ev->chat, true);
    buf_str(out, ",\"by\":");
    write_peer(out, t, o, &ev->by, false);
    return buf_printf(out, ",\"state\":\"%s\"}}", ev->text);
}

void presence_pass(struct bridge *b, const struct message_owner *o, const struct channel_event *ev)
{
    struct store_txn *t;
    struct buf text;
    if (!watch_any(b, o->tenant) || store_read(b->store, &t, NULL) != 0) {
        return;
    }
    buf_init(&text, PASSING_MAX);
    int rc = write_event(&text, t, o, ev);
    store_read_end(t);
    if (rc == 0 && !text.failed) {
        watch_pass(b, o->tenant, "chat.presence", text.data, text.len);
    }
    buf_finish(&text);
}
