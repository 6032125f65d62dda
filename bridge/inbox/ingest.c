/*
 * Events of the channel become rows: one operation, one transaction.
 *
 * Happy path: copied on the loop -> on the writer, by kind: a message (ingest_message.c), a change
 * of one (change.c), something about a chat, person or call (notice.c) -> what a part brings along
 * -> commit. Failure modes: refused for good (too large): marked, so that the next try leaves it
 * out and the rest of its page goes through.
 */
#include "inbox_priv.h"

#include "clock.h"
#include "json.h"
#include "log.h"
#include "media.h"
#include "mem.h"

#include <stdlib.h>
#include <string.h>

#define TEXT(member) offsetof(struct channel_event, member)
#define PEER(member) TEXT(member.id), TEXT(member.phone), TEXT(member.lid), TEXT(member.name)
static const size_t texts[] = {
    TEXT(message.id),
    PEER(message.chat),
    PEER(message.from),
    TEXT(message.type),
    TEXT(message.text),
    TEXT(message.quoted_id),
    TEXT(message.content),
    TEXT(message.reactions),
    TEXT(message.votes),
    TEXT(message.media.mimetype),
    TEXT(message.media.filename),
    TEXT(message.media.sha256),
    PEER(chat),
    PEER(by),
    TEXT(message_id),
    TEXT(text),
    TEXT(participant),
    TEXT(content),
};
#define TEXT_COUNT (sizeof(texts) / sizeof(texts[0]))

static const char *text_at(const struct channel_event *ev, size_t offset)
{
    const char *s;
    memcpy(&s, (const char *)ev + offset, sizeof(s));
    return s != NULL ? s : "";
}

static bool id_fits(const char *id)
{
    size_t len = id != NULL ? strnlen(id, STORE_MAX_ID + 1) : 0;
    return len >= 1 && len <= STORE_MAX_ID;
}

/* A message, or what happened to one (a call has an id too); else a chat or person. */
static bool has_message_id(enum channel_event_kind kind)
{
    return kind != CHANNEL_GROUP && kind != CHANNEL_CHAT && kind != CHANNEL_CONTACT;
}

static bool usable(const struct inbox *i, const struct channel_event *ev)
{
    bool message = ev->kind == CHANNEL_MESSAGE;
    bool fits = id_fits(message ? ev->message.chat.id : ev->chat.id);
    if (fits && has_message_id(ev->kind)) {
        fits = id_fits(message ? ev->message.id : ev->message_id);
    }
    if (!fits) {
        log_warn(session_log(i->s), "inbox.refused",
                 "an event without a usable message or chat id");
    }
    return fits;
}

static void copy_id(char out[STORE_MAX_ID + 1], const char *id)
{
    if (id_fits(id)) {
        memcpy(out, id, strlen(id) + 1);
    }
}

/* The file of a message, NULL when it has none. */
static const struct channel_media *ev_media(const struct channel_event *ev)
{
    return ev->kind == CHANNEL_MESSAGE && ev->message.media.present ? &ev->message.media : NULL;
}

struct ingest *ingest_create(struct inbox *i, const struct channel_event *events, size_t count)
{
    size_t bytes = 0;
    for (size_t n = 0; n < count; n++) {
        for (size_t k = 0; k < TEXT_COUNT; k++) {
            bytes += strlen(text_at(&events[n], texts[k])) + 1;
        }
    }
    const size_t table = count * sizeof(struct ingest_item);
    const size_t size = sizeof(struct ingest) + table + bytes;
    struct ingest *g = mem_calloc(1, size);
    if (g == NULL) {
        return NULL;
    }
    g->bytes = size;
    g->items = (struct ingest_item *)(void *)(g + 1);
    char *p = (char *)g->items + table;
    for (size_t n = 0; n < count; n++) {
        if (!usable(i, &events[n])) {
            continue;
        }
        struct ingest_item *it = &g->items[g->count++];
        it->ev = events[n];
        for (size_t k = 0; k < TEXT_COUNT; k++) {
            const char *from = text_at(&events[n], texts[k]);
            size_t len = strlen(from) + 1;
            memcpy(p, from, len);
            const char *copied = p;
            memcpy((char *)&it->ev + texts[k], &copied, sizeof(copied));
            p += len;
        }
        it->wanted = ev_media(&it->ev) != NULL &&
                     media_wanted(i->s, it->ev.message.type, it->ev.message.media.size_bytes);
    }
    list_init(&g->link);
    g->inbox = i;
    g->b = i->b;
    g->owner = i->owner;
    g->seq = ++i->seq;
    g->now_ms = clock_wall_ms();
    g->op.data = g;
    copy_id(g->me_id, json_str_or(session_account(i->s), "id", ""));
    copy_id(g->me_lid, json_str_or(session_account(i->s), "lid", ""));
    return g;
}

void ingest_free(struct ingest *g)
{
    free(g);
}

/* Told about a chat, a person or a call: no message is meant. */
static int apply_notice(struct store_txn *t, struct ingest *g, struct ingest_item *it)
{
    switch (it->ev.kind) {
    case CHANNEL_CALL:
        return notice_call(t, g, it);
    case CHANNEL_GROUP:
        return notice_group(t, g, it);
    case CHANNEL_CHAT:
        return notice_chat(t, g, it);
    case CHANNEL_CONTACT:
        return notice_contact(t, g, it);
    default:
        return 0;
    }
}

static int apply(struct store_txn *t, struct ingest *g, struct ingest_item *it)
{
    switch (it->ev.kind) {
    case CHANNEL_MESSAGE:
        return message_apply(t, g, it);
    case CHANNEL_EDIT:
    case CHANNEL_REVOKE:
    case CHANNEL_REACTION:
    case CHANNEL_VOTE:
        return change_apply(t, g, it);
    default:
        return apply_notice(t, g, it);
    }
}

bool ingest_refused(int rc)
{
    return rc == E_TOOLARGE || rc == E_INVALID || rc == E_NOTFOUND || rc == E_EXISTS;
}

int ingest_apply(struct store_txn *t, struct store_op *op)
{
    struct ingest *g = op->data;
    g->appended = false;
    g->reply_expires_ms = 0;
    for (size_t n = 0; n < g->count; n++) {
        struct ingest_item *it = &g->items[n];
        it->fresh = it->ack_news = it->known = it->fetch = false;
        if (it->skip) {
            continue;
        }
        int rc = apply(t, g, it);
        if (ingest_refused(rc)) {
            it->skip = true;
        }
        if (rc != 0) {
            return rc;
        }
    }
    return g->part.with != NULL ? g->part.with(t, g->part.arg) : 0;
}
