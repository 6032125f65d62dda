/*
 * One entry goes to the far end: resolve -> show presence when asked -> commit `submitted` -> send,
 * or carry out what is an operation.
 *
 * The commit stands between: once the far end may have heard of a message, the store says so, and
 * after any accident the message is looked up under its key before it is sent again. The answer of
 * the send only says that the far end took it; acks come as events.
 * Failure modes: the number is unknown to WhatsApp, or the far end refuses the message for good:
 * `failed`. No answer, or the channel went away: ENTRY_UNSURE. The page may even then still be at
 * it, so a miss at once proves nothing: `settling` asks for a second one.
 */
#include "outbox_priv.h"

#include "clock.h"
#include "crypto.h"
#include "guard.h"
#include "json.h"
#include "log.h"
#include "mem.h"

#include <stdlib.h>
#include <string.h>

#define SETTLE_MS 1000

static void go_on(struct outbox_lane *l, struct entry *en, const struct resolved *to);
static void submit(struct outbox_lane *l, struct entry *en, const struct resolved *to);

const struct resolved *lane_resolved(const struct outbox_lane *l, const char *to)
{
    for (size_t i = 0; i < LANE_RESOLVED; i++) {
        if (strcmp(l->resolved[i].to, to) == 0) {
            return &l->resolved[i];
        }
    }
    return NULL;
}

static bool copy(char *out, size_t max, const char *in)
{
    size_t len = in != NULL ? strnlen(in, max + 1) : 0;
    if (len > max) {
        return false;
    }
    memcpy(out, in != NULL ? in : "", len);
    out[len] = '\0';
    return true;
}

static const struct resolved *remember(struct outbox_lane *l, const char *to,
                                       const struct channel_resolved *r)
{
    struct resolved found = {.kind = r->kind};
    if (!copy(found.to, STORE_MAX_ID, to) || !copy(found.chat.id, STORE_MAX_ID, r->chat.id) ||
        found.chat.id[0] == '\0') {
        return NULL;
    }
    (void)copy(found.chat.phone, PHONE_MAX, r->chat.phone);
    (void)copy(found.chat.lid, STORE_MAX_ID, r->chat.lid);
    (void)copy(found.chat.name, PERSON_NAME_MAX, r->chat.name);
    if (found.chat.phone[0] == '\0') {
        (void)chat_id_phone(to, found.chat.phone); /* we were given the number */
    }
    struct resolved *slot = &l->resolved[l->resolved_next];
    l->resolved_next = (l->resolved_next + 1) % LANE_RESOLVED;
    *slot = found;
    return slot;
}

/* ---- resolve
 * ------------------------------------------------------------------------------------- */

static void on_resolved(void *arg, const struct err *e, const struct channel_resolved *r)
{
    struct outbox_lane *l = lane_call_over(arg);
    if (l == NULL) {
        return;
    }
    struct entry *en = l->current;
    if (e == NULL && r->exists) {
        const struct resolved *to = remember(l, en->to, r);
        if (!l->running) {
            lane_put_back(l, en, false);
        } else if (to == NULL) {
            lane_fail(l, en, "invalid_chat", "WhatsApp gave no usable id for the chat");
        } else {
            go_on(l, en, to);
        }
        return;
    }
    if (e == NULL || e->code == E_NOTFOUND) {
        lane_fail(l, en, "not_on_whatsapp", "this number or chat does not exist on WhatsApp");
    } else if (e->code == E_INVALID) {
        lane_fail(l, en, err_word_of(e), e->msg);
    } else {
        log_warn(session_log(l->s), "outbox.resolve", "message %s waits: %s", en->id, e->msg);
        lane_put_back(l, en, e->code == E_TIMEOUT || e->code == E_PROTO);
    }
}

void lane_send(struct outbox_lane *l, struct entry *en)
{
    const struct resolved *to = lane_resolved(l, en->to);
    if (to != NULL) {
        go_on(l, en, to);
        return;
    }
    struct channel *c = session_channel(l->s);
    struct lane_call *call = c != NULL ? lane_call_create(l) : NULL;
    if (call == NULL) {
        lane_put_back(l, en, false);
        return;
    }
    channel_resolve(c, en->to, on_resolved, call);
}

/* ---- presence
 * ------------------------------------------------------------------------------------ */

/* Whether it was shown or not, the message goes; the time of it is the caller's wish all the same.
 */
static void on_shown(void *arg, const struct err *e)
{
    struct outbox_lane *l = lane_call_over(arg);
    if (l != NULL && e != NULL) {
        log_info(session_log(l->s), "outbox.presence", "message %s: %s", l->current->id, e->msg);
    }
    if (l != NULL) {
        int64_t ms = json_int(l->current->how, "presence_ms", PRESENCE_MS);
        l->shown_until_ms = clock_mono_ms() + (uint64_t)ms;
        lane_pump(l);
    }
}

void lane_shown(struct outbox_lane *l)
{
    struct entry *en = l->current;
    const struct resolved *to = lane_resolved(l, en->to);
    l->shown_until_ms = 0;
    if (en->gone) {
        entry_free(en);
        lane_next(l);
    } else if (!l->running || to == NULL) {
        lane_put_back(l, en, false);
    } else {
        submit(l, en, to);
    }
}

static void go_on(struct outbox_lane *l, struct entry *en, const struct resolved *to)
{
    const char *presence = json_str(en->how, "presence");
    struct channel *c = session_channel(l->s);
    if (presence == NULL || en->shown || en->handed || c == NULL) {
        submit(l, en, to);
        return;
    }
    struct lane_call *call = lane_call_create(l);
    if (call == NULL) {
        lane_put_back(l, en, false);
        return;
    }
    en->shown = true;
    channel_presence(c, to->chat.id, presence, on_shown, call);
}

/* ---- send
 * ------------------------------------------------------------------------------------------ */

static void on_sent(void *arg, const struct err *e)
{
    struct outbox_lane *l = lane_call_over(arg);
    if (l == NULL) {
        return;
    }
    struct entry *en = l->current;
    if (en->gone) {
        entry_free(en);
        lane_next(l);
    } else if (e == NULL) {
        en->tries = en->misses = 0;
        lane_hand(l, en, ENTRY_WAITING, l->b->cfg.outbox.ack_timeout_ms);
        lane_next(l);
    } else if (e->code == E_NOTFOUND && strcmp(err_word_of(e), "unknown_message") == 0) {
        lane_fail(l, en, "unknown_message", "the message to forward is not there");
    } else if (e->code == E_NOTFOUND) {
        lane_fail(l, en, "not_on_whatsapp", "this number or chat does not exist on WhatsApp");
    } else if (e->code == E_INVALID) {
        lane_fail(l, en, err_word_of(e), e->msg);
    } else {
        log_warn(session_log(l->s), "outbox.unsure", "message %s: %s; it is looked up", en->id,
                 e->msg);
        en->settling = true;
        en->misses = 0;
        en->tries++;
        en->refused += e->code == E_PROTO;
        lane_hand(l, en, ENTRY_UNSURE, lane_backoff(en->tries, SETTLE_MS, 60000));
        lane_next(l);
    }
}

/* The members that a type adds, as text for the far end. Gives; NULL: no memory. */
static char *content_of(const struct entry *en, const json_t *m)
{
    static const char *const members[] = {"location", "contacts", "poll"};
    json_t *content = json_object();
    json_t *forward = json_obj(en->how, "forward");
    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
        json_t *v = json_object_get(m, members[i]);
        if (v != NULL && json_object_set(content, members[i], v) != 0) {
            json_decref(content);
            return NULL;
        }
    }
    if (forward != NULL && json_object_set(content, "forward", forward) != 0) {
        json_decref(content);
        return NULL;
    }
    char *text = content != NULL ? json_text(content, NULL) : NULL;
    json_decref(content);
    return text;
}

static int file_of(struct outbox_lane *l, const json_t *m, struct buf *path,
                   struct channel_file *out)
{
    const json_t *media = json_obj(m, "media");
    const char *sha256 = json_str(media, "sha256");
    if (sha256 == NULL) {
        return 0;
    }
    int rc = media_path(l->b, l->owner.tenant, sha256, path);
    out->path = path->data;
    out->mimetype = json_str_or(media, "mimetype", "application/octet-stream");
    out->filename = json_str_or(media, "filename", "");
    out->size_bytes = (uint64_t)json_int(media, "size_bytes", 0);
    return rc;
}

static int hand_over(struct outbox_lane *l, struct entry *en, const struct step *s)
{
    const json_t *m = s->message;
    const json_t *mentioned = json_arr(en->how, "mentions");
    const size_t count = json_array_size(mentioned);
    const bool forward = json_obj(en->how, "forward") != NULL;
    struct channel *c = session_channel(l->s);
    struct channel_file file = {0};
    struct buf path;
    buf_init(&path, 4096);
    char *content = content_of(en, m);
    const char **mentions = mem_calloc(count + 1, sizeof(*mentions));
    int rc = c == NULL ? E_STATE : content == NULL || mentions == NULL ? E_NOMEM : 0;
    rc = rc != 0 || forward ? rc : file_of(l, m, &path, &file);
    struct lane_call *call = rc == 0 ? lane_call_create(l) : NULL;
    en->with_file = forward || file.path != NULL;
    if (call != NULL) {
        for (size_t i = 0; i < count; i++) {
            mentions[i] = json_string_value(json_array_get(mentioned, i));
        }
        const char *quoted = json_str(json_obj(m, "quoted"), "id");
        const struct channel_outgoing out = {
            .chat_id = en->chat,
            .message_id = en->id,
            .type = forward ? "forward" : json_str_or(m, "type", "text"),
            .text = json_str_or(m, "text", ""),
            .content = content,
            .quoted_id = quoted,
            .mentions = count > 0 ? mentions : NULL,
            .link_preview = json_flag(en->how, "link_preview", false),
            .view_once = json_flag(json_obj(m, "media"), "view_once", false),
            .file = file,
        };
        uint32_t dice;
        crypto_random(&dice, sizeof(dice));
        pacing_take(&l->pacing, clock_mono_ms(), dice);
        channel_send(c, &out, on_sent, call);
    }
    free(mentions);
    free(content);
    buf_finish(&path);
    return rc == 0 && call == NULL ? E_NOMEM : rc;
}

/* ---- the commit in between
 * --------------------------------------------------------------------------- */

static void on_submitted(struct step *s, int rc)
{
    struct outbox_lane *l = s->lane;
    struct entry *en = l->current;
    if (rc != 0) {
        log_warn(session_log(l->s), "outbox.waiting", "message %s waits for the store (%s)", en->id,
                 err_name(rc));
        step_free(s);
        lane_put_back(l, en, false);
        return;
    }
    if (s->unwanted && !en->gone) {
        step_free(s);
        lane_fail(l, en, "opted_out", OPT_OUT_DETAIL);
        return;
    }
    if (!s->found || s->now != MESSAGE_SUBMITTED || en->gone) {
        /* Erased, expired in the queue, or acked after all. */
        step_free(s);
        entry_free(en);
        lane_next(l);
        return;
    }
    en->handed = true;
    memcpy(en->chat, s->chat.id, sizeof(en->chat));
    if (en->operation != OPERATION_NONE && s->target_failed) {
        lane_fail(l, en, "message_failed", "the message that it changes never went out");
    } else if (en->operation != OPERATION_NONE) {
        lane_operate(l, en, s);
    } else if (!l->running || hand_over(l, en, s) != 0) {
        lane_hand(l, en, ENTRY_UNSURE, SETTLE_MS);
        lane_next(l);
    }
    step_free(s);
}

static void submit(struct outbox_lane *l, struct entry *en, const struct resolved *to)
{
    struct buf record;
    struct step *s = step_create(l, en->id, MESSAGE_SUBMITTED);
    char *how = en->how != NULL ? json_text(en->how, NULL) : NULL;
    buf_init(&record, STORE_MAX_VALUE);
    int rc = s != NULL && (en->how == NULL) == (how == NULL) ? 0 : E_NOMEM;
    rc = rc != 0 ? rc : entry_write(&record, en->to, to->chat.id, en->account, how, true);
    free(how);
    if (rc != 0) {
        buf_finish(&record);
        step_free(s);
        lane_put_back(l, en, false);
        return;
    }
    s->submit = true;
    s->target = json_str(en->how, "target");
    s->chat = to->chat;
    s->kind = to->kind;
    session_person(l->s, &s->from);
    s->order = en->order;
    s->expires_ms = en->expires_ms;
    s->entry = buf_steal(&record, &s->entry_len);
    s->done = on_submitted;
    step_submit(s);
}
