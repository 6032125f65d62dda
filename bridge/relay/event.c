#include "relay_priv.h"

#include "agent.h"
#include "buf.h"
#include "clock.h"
#include "crypto.h"
#include "search.h"
#include "widget.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* FNV-1a over both names, then a mixer so that few bits of difference spread. Never 0. */
uint64_t event_lane(const char *session, const char *chat_lane)
{
    if (chat_lane == NULL) {
        return 0; /* events of no chat share one lane */
    }
    const char *parts[2] = {session != NULL ? session : "", chat_lane};
    uint64_t h = UINT64_C(14695981039346656037);
    for (size_t p = 0; p < 2; p++) {
        for (const char *s = parts[p]; *s != '\0'; s++) {
            h = (h ^ (unsigned char)*s) * UINT64_C(1099511628211);
        }
        h = (h ^ 0xFF) * UINT64_C(1099511628211); /* "a","bc" is not "ab","c" */
    }
    h ^= h >> 33;
    h *= UINT64_C(0xff51afd7ed558ccd);
    h ^= h >> 33;
    return h != 0 ? h : 1;
}

int event_lane_move(struct store_txn *t, const char *tenant, const char *session, const char *from,
                    const char *to)
{
    size_t n;
    return store_lane_move(t, tenant, event_lane(session, from), event_lane(session, to),
                           EVENT_LANE_MOVE_MAX, &n);
}

int event_render(struct buf *out, const struct event_draft *d, const char *id, uint64_t seq,
                 uint64_t now_ms)
{
    char at[CLOCK_RFC3339_LEN];
    clock_rfc3339(now_ms, at);
    /* Types, ids and names are made of letters that JSON needs no escapes for. */
    (void)buf_printf(out,
                     "{\"id\":\"%s\",\"type\":\"%s\",\"seq\":%" PRIu64
                     ",\"occurred_at\":\"%s\",\"tenant\":\"%s\",\"session\":",
                     id, d->type, seq, at, d->tenant);
    if (d->session != NULL) {
        (void)buf_char(out, '"');
        (void)buf_str(out, d->session);
        (void)buf_char(out, '"');
    } else {
        (void)buf_str(out, "null");
    }
    (void)buf_str(out, ",\"data\":");
    if (d->data_len > 0) {
        (void)buf_append(out, d->data, d->data_len);
    } else {
        (void)buf_str(out, "{}");
    }
    return buf_char(out, '}');
}

static int copy_until_quote(const char *text, size_t len, const char *before, char *out,
                            size_t size, size_t *used)
{
    size_t skip = strlen(before);
    if (len < skip || memcmp(text, before, skip) != 0) {
        return E_PROTO;
    }
    const char *end = memchr(text + skip, '"', len - skip);
    size_t n = end != NULL ? (size_t)(end - (text + skip)) : 0;
    if (n == 0 || n >= size) {
        return E_PROTO;
    }
    memcpy(out, text + skip, n);
    out[n] = '\0';
    *used = skip + n + 1;
    return 0;
}

int event_head(const char *text, size_t len, char id[EVENT_ID_LEN], char type[EVENT_TYPE_LEN])
{
    size_t used = 0, more = 0;
    int rc = copy_until_quote(text, len, "{\"id\":\"", id, EVENT_ID_LEN, &used);
    return rc != 0 ? rc
                   : copy_until_quote(text + used, len - used, ",\"type\":\"", type, EVENT_TYPE_LEN,
                                      &more);
}

/* Where the session's value begins: event_render() writes the head, and no name in it has a quote or
 * a backslash. */
static const char *session_value(const char *text, size_t len)
{
    static const char member[] = ",\"session\":";
    const char *at = memmem(text, len, member, sizeof(member) - 1);
    return at != NULL ? at + sizeof(member) - 1 : NULL;
}

bool event_session(const char *text, size_t len, char out[64])
{
    const char *at = session_value(text, len);
    size_t used = 0;
    return at != NULL &&
           copy_until_quote(at, len - (size_t)(at - text), "\"", out, 64, &used) == 0;
}

bool bridge_sees_event(const struct bridge_principal *who, const char *text, size_t len)
{
    char session[64];
    if (bridge_of_one_chat(who)) {
        return chat_event_seen(who, text, len);
    }
    return bridge_sees_all_sessions(who) ||
           (event_session(text, len, session) && bridge_sees_session(who, session));
}

/* ---- append ------------------------------------------------------------------------------------
 */

struct append {
    struct store_txn *t;
    const char *tenant;
    uint64_t seq, lane, now_ms;
};

static int on_match(void *arg, const char *webhook)
{
    struct append *a = arg;
    return store_delivery_add(a->t, a->tenant, webhook, a->seq, a->lane, a->now_ms);
}

int event_append(struct bridge *b, struct store_txn *t, const struct event_draft *d, uint64_t *seq,
                 struct err *e)
{
    char id[EVENT_ID_LEN] = "evt_";
    struct append a = {.t = t,
                       .tenant = d->tenant,
                       .lane = event_lane(d->session, d->chat_lane),
                       .now_ms = clock_wall_ms()};
    int rc = store_event_next(t, d->tenant, &a.seq);
    if (rc != 0) {
        return store_err(e, rc, "the event was not written");
    }
    crypto_ulid(a.now_ms, id + 4);

    struct buf own;
    buf_init(&own, STORE_MAX_VALUE);
    struct buf *text = router_scratch(b->router);
    text = text != NULL ? text : &own;
    rc = event_render(text, d, id, a.seq, a.now_ms);
    rc = rc != 0 ? rc : store_event_put(t, d->tenant, a.seq, text->data, text->len);
    buf_finish(&own);
    rc = rc != 0 ? rc : router_match(b->router, t, d->tenant, d->session, d->type, on_match, &a);
    rc = rc != 0 ? rc : agent_on_event(t, d, a.seq);
    if (rc != 0) {
        return store_err(e, rc, "the event was not written");
    }
    if (seq != NULL) {
        *seq = a.seq;
    }
    return 0;
}

void event_committed(struct bridge *b, const char *tenant)
{
    watch_grown(b, tenant);
    relay_wake(b->relay);
    agents_wake(b->agents, tenant);
    search_wake(b->search, tenant);
}
