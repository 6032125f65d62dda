/*
 * What an incoming message means for those who want to write to its author. In the transaction that
 * stores the message: the window moves; a stop word puts the author on the opt-out list, with an
 * event and, when the tenant has words for it, one confirmation that goes out as any message does;
 * a start word takes them off.
 */
#include "opt_out.h"
#include "stop_words.h"

#include "clock.h"
#include "crypto.h"
#include "json.h"
#include "outbox.h"

#include <stdio.h>
#include <string.h>

#define CONFIRM_AGAIN_MS (24 * UINT64_C(3600000)) /* two machines may talk to each other */
#define CONFIRM_WITHIN_MS (60 * UINT64_C(60000))

static uint64_t choice_ms(const struct guard_heard *h)
{
    return h->time_ms < h->now_ms ? h->time_ms : h->now_ms;
}

/* An id that is the same when the apply runs a second time. */
static int confirm_id(const struct message_owner *o, const struct guard_heard *h, char out[24])
{
    static const char digit[] = "0123456789ABCDEF";
    unsigned char hash[CRYPTO_SHA256_LEN];
    char text[2 * STORE_MAX_ID + 160];
    int n =
        snprintf(text, sizeof(text), "opt_out/%s/%s/%s/%s", o->tenant, o->session, h->chat, h->id);
    int rc = n > 0 ? crypto_sha256(text, strlen(text), hash) : E_INTERNAL;
    memcpy(out, "3EB0", 4);
    for (size_t i = 0; rc == 0 && i < 9; i++) {
        out[4 + 2 * i] = digit[hash[i] >> 4];
        out[5 + 2 * i] = digit[hash[i] & 15];
    }
    out[22] = '\0';
    return rc;
}

static int confirm(struct store_txn *t, const struct message_owner *o, struct guard_heard *h,
                   const json_t *settings, json_t *doc)
{
    char id[24];
    const char *reply = json_str(settings, "reply");
    const uint64_t last = (uint64_t)json_int(doc, "confirmed_ms", 0);
    if (reply == NULL || !h->live || h->silent || choice_ms(h) + CONFIRM_WITHIN_MS < h->now_ms ||
        (last != 0 && last + CONFIRM_AGAIN_MS > h->now_ms)) {
        return 0;
    }
    int rc = confirm_id(o, h, id);
    const struct outbox_text x = {.b = h->b,
                                  .owner = o,
                                  .me = h->me,
                                  .chat = h->chat,
                                  .id = id,
                                  .source = GUARD_SOURCE,
                                  .text = reply,
                                  .now_ms = h->now_ms,
                                  .expires_ms = h->now_ms + CONFIRM_WITHIN_MS};
    rc = rc != 0 ? rc : outbox_put_text(t, &x);
    if (rc == E_LIMIT) {
        return 0; /* too much waits already: the wish counts without a confirmation */
    }
    h->reply_expires_ms = rc == 0 ? x.expires_ms : 0;
    return rc != 0 ? rc
                   : json_object_set_new(doc, "confirmed_ms", json_integer((json_int_t)h->now_ms));
}

static int tell(struct store_txn *t, const struct message_owner *o, struct guard_heard *h,
                const json_t *doc)
{
    if (h->silent) {
        return 0;
    }
    h->told = true;
    return opt_out_tell(h->b, t, o->tenant, o->session, doc, h->who);
}

static int choose(struct store_txn *t, const struct message_owner *o, struct guard_heard *h,
                  enum stop_kind kind, const json_t *settings)
{
    json_t *doc = NULL;
    const bool out = kind == STOP_OUT;
    int rc = opt_out_find(t, o->tenant, h->who, &doc);
    const bool was = json_flag(doc, "out", false);
    const bool newer = doc == NULL || choice_ms(h) >= (uint64_t)json_int(doc, "at_ms", 0);
    /* A start word of somebody who never stopped means nothing, but for the stop words that a
     * catch-up may find before it. */
    if (rc == 0 && newer && (out || was || !h->live)) {
        rc = opt_out_set(&doc, out, "message", o->session, choice_ms(h), h->now_ms);
        rc = rc != 0 ? rc : json_set_str(doc, "text", h->text);
        rc = rc != 0 ? rc : json_set_str(doc, "reason", NULL);
        rc = rc == 0 && out && !was ? confirm(t, o, h, settings, doc) : rc;
        rc = rc != 0 ? rc : opt_out_save(t, o->tenant, h->who, doc);
        rc = rc == 0 && out != was ? tell(t, o, h, doc) : rc;
    }
    json_decref(doc);
    return rc;
}

int guard_heard(struct store_txn *t, const struct message_owner *o, struct guard_heard *h)
{
    const char *contact = h->who->contact_id[0] != '\0' ? h->who->contact_id : h->who->id;
    const bool words = strcmp(h->type, "text") == 0 && h->text[0] != '\0' &&
                       strnlen(h->text, STOP_TEXT_MAX + 1) <= STOP_TEXT_MAX;
    json_t *settings = NULL;
    h->told = false;
    h->reply_expires_ms = 0;
    int rc = words ? opt_out_settings(t, o->tenant, &settings) : 0;
    enum stop_kind kind = rc == 0 && words && json_flag(settings, "enabled", true)
                              ? stop_word(h->text, settings)
                              : STOP_NONE;
    rc = rc != 0 ? rc : window_heard(t, o, contact, h->time_ms, h->now_ms, kind == STOP_OUT);
    rc = rc == 0 && kind != STOP_NONE ? choose(t, o, h, kind, settings) : rc;
    json_decref(settings);
    return rc;
}
