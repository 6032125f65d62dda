/*
 * libFuzzer target: whatever a page sends through the binding, the parser gives bounded texts that
 * are valid UTF-8, or says no.
 */
#include "page_event.h"

#include "text.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_text(const char *s, size_t max)
{
    if (!s || strlen(s) > max || !text_utf8_valid(s, strlen(s))) {
        abort();
    }
}

static void check_peer(const struct channel_peer *p)
{
    check_text(p->id, STORE_MAX_ID);
    check_text(p->lid, STORE_MAX_ID);
    check_text(p->phone, PHONE_MAX);
    check_text(p->name, 1024);
    if (p->phone[strspn(p->phone, "0123456789")] != '\0') {
        abort();
    }
}

/* What was built anew is JSON of bounded size, with nothing else in it. */
static void check_json(const char *s, size_t max, bool array)
{
    check_text(s, max);
    json_t *v = *s ? json_loads(s, 0, NULL) : NULL;
    if (*s && !(array ? json_is_array(v) : json_is_object(v))) {
        abort();
    }
    json_decref(v);
}

static void check_channel(const struct channel_event *ev)
{
    if (ev->kind == CHANNEL_MESSAGE) {
        const struct channel_message *m = &ev->message;
        check_peer(&m->chat);
        check_peer(&m->from);
        check_text(m->id, STORE_MAX_ID);
        check_text(m->text, PAGE_TEXT_MAX);
        check_text(m->quoted_id, STORE_MAX_ID);
        check_text(m->type, 32);
        check_json(m->content, CHANNEL_CONTENT_MAX, false);
        check_json(m->reactions, 256u << 10, true);
        check_json(m->votes, 256u << 10, true);
        check_text(m->media.mimetype, 512);
        check_text(m->media.filename, 1024);
        check_text(m->media.sha256, 64);
        if (m->chat.id[0] == '\0' || m->id[0] == '\0' || m->ack < -1 || m->ack > 4) {
            abort();
        }
        return;
    }
    check_peer(&ev->chat);
    check_peer(&ev->by);
    check_text(ev->message_id, STORE_MAX_ID);
    check_text(ev->text, PAGE_TEXT_MAX);
    check_text(ev->participant, STORE_MAX_ID);
    check_json(ev->content, CHANNEL_CONTENT_MAX, false);
    bool named = ev->kind != CHANNEL_GROUP && ev->kind != CHANNEL_CHAT &&
                 ev->kind != CHANNEL_CONTACT && ev->kind != CHANNEL_PRESENCE;
    if (ev->chat.id[0] == '\0' || (named && ev->message_id[0] == '\0') || ev->ack < -1 ||
        ev->ack > 4) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct page_batch b;
    struct page_event ev;
    struct err e;

    if (page_batch_parse((const char *)data, size, &b, &e) != 0) {
        if (b.root || e.code >= 0) {
            abort();
        }
        return 0;
    }
    for (size_t i = 0; i < page_batch_count(&b); i++) {
        if (page_batch_read(&b, i, &ev, &e) != 0) {
            continue;
        }
        if (ev.kind == PAGE_CHANNEL) {
            check_channel(&ev.channel);
        }
        check_text(ev.code, PAGE_CODE_MAX);
        check_text(ev.reason, 1024);
        check_text(ev.adapter, 32);
        json_decref(page_account(ev.account));
        json_decref(page_caps(ev.caps));
    }
    page_batch_finish(&b);
    return 0;
}
