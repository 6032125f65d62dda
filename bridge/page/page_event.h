/*
 * What the adapter says, from bytes to structs: nothing that comes out of a page is used before it
 * has passed here. Pure: no state, no I/O. Private to bridge/. Thread: any.
 *
 * Texts in the results are borrowed from the batch (or from the JSON value that was read).
 */
#ifndef BRIDGE_PAGE_EVENT_H
#define BRIDGE_PAGE_EVENT_H

#include "channel.h"

#include <jansson.h>

#define PAGE_BATCH_MAX (1u << 20) /* bytes of one batch; the adapter keeps below half of it */
#define PAGE_BATCH_EVENTS 500
#define PAGE_TEXT_MAX 262144 /* bytes: the adapter's 65536 characters at 4 bytes each */
#define PAGE_CODE_MAX 1023   /* bytes of a linking code */
#define PAGE_WORD_MAX 23

enum page_event_kind {
    PAGE_HELLO,    /* a new document's adapter: adapter, wa_js, url */
    PAGE_UNLOADED, /* the document went away; made by page.c, never read from a batch */
    PAGE_STATE,    /* state, account */
    PAGE_CODE,     /* code, ttl_ms (0: not known) */
    PAGE_CAPS,     /* caps */
    PAGE_LOGOUT,   /* reason */
    PAGE_BEAT,     /* number: of the probe that it belongs to */
    PAGE_LOST,     /* reason: the adapter failed to tell something */
    PAGE_CHANNEL,  /* channel */
};

struct page_state {
    bool auth;  /* this profile is linked */
    bool hooks; /* the adapter's own hooks hold */
    char mode[PAGE_WORD_MAX + 1], info[PAGE_WORD_MAX + 1], socket[PAGE_WORD_MAX + 1];
};

struct page_event {
    enum page_event_kind kind;
    struct channel_event channel;
    struct page_state state;
    const json_t *account; /* see page_account(); NULL: none */
    const char *code;
    uint64_t ttl_ms;
    const json_t *caps;
    const char *reason;
    const char *adapter, *wa_js, *url;
    uint64_t number;
};

struct page_batch {
    json_t *root;
    json_t *events;    /* borrowed from root */
    char instance[33]; /* which document speaks */
};

/* 0, or E_INVALID, E_TOOLARGE, E_NOMEM. On success page_batch_finish() is the caller's duty. */
int page_batch_parse(const char *text, size_t len, struct page_batch *out, struct err *e);
void page_batch_finish(struct page_batch *b);
size_t page_batch_count(const struct page_batch *b);
/* One event; E_INVALID says what is wrong with it, the others of the batch are still good. */
int page_batch_read(const struct page_batch *b, size_t i, struct page_event *out, struct err *e);

/* The same pieces in answers to calls. A message's lists and objects are kept as texts in v, from
 * which they are borrowed. */
int page_message_read(json_t *v, struct channel_message *out, struct err *e);
int page_peer_read(const json_t *v, struct channel_peer *out, struct err *e);
int page_state_read(const json_t *v, struct page_state *out, struct err *e);
/* {id,phone,lid,push_name,platform} with only texts that passed; gives, NULL when v is no account.
 */
json_t *page_account(const json_t *v);
/* Gives a copy of the capabilities, or NULL when v is no such object or larger than 16 KiB. */
json_t *page_caps(const json_t *v);

#endif
