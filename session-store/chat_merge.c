/*
 * Chats of several sessions as one list, newest first: one cursor on each session's index by time,
 * and of the rows that they stand at always the newest is given. A page costs its own rows and one
 * row of each session, however many there are behind them.
 */
#include "store_priv.h"

#include "mem.h"

#include <stdlib.h>
#include <string.h>

struct lane {
    struct iter it;
    const char *session;
    const char *chat; /* of the row that it stands at; in it.at */
    uint64_t last_ms;
    bool open, ended;
};

struct merge {
    struct store_txn *t;
    const char *tenant;
    struct lane *lane;
    size_t count;
};

static int lane_next(struct lane *l)
{
    struct key_reader r;
    int rc = iter_next(&l->it);
    if (rc != 0) {
        l->ended = true;
        return rc == E_NOTFOUND ? 0 : rc;
    }
    key_read(&r, l->it.at.b + l->it.prefix.len, l->it.at.len - l->it.prefix.len);
    l->last_ms = key_read_u64(&r);
    l->chat = key_read_text(&r);
    return key_read_done(&r) ? 0 : txn_corrupt(l->it.t);
}

/* Behind `after` in the order of the whole list: time, chat, session, all downwards. */
static int lane_open(struct merge *m, struct lane *l, const struct store_chat_place *after)
{
    struct key prefix, from;
    unsigned flags = ITER_BACK | ITER_AFTER;
    key_session(&prefix, m->tenant, l->session);
    if (after != NULL) {
        key_session(&from, m->tenant, l->session);
        key_u64(&from, after->last_ms);
        key_text(&from, after->chat, STORE_MAX_ID);
        if (strcmp(l->session, after->session) < 0) {
            flags = ITER_BACK; /* the same chat of this session is still to come */
        }
    }
    int rc = iter_open(&l->it, m->t, DB_CHAT_RECENT, &prefix, after != NULL ? &from : NULL, flags);
    l->open = rc == 0;
    return rc != 0 ? rc : lane_next(l);
}

static bool before(const struct lane *a, const struct lane *b)
{
    if (a->last_ms != b->last_ms) {
        return a->last_ms > b->last_ms;
    }
    int chat = strcmp(a->chat, b->chat);
    return chat != 0 ? chat > 0 : strcmp(a->session, b->session) > 0;
}

static struct lane *first(struct merge *m)
{
    struct lane *best = NULL;
    for (size_t i = 0; i < m->count; i++) {
        struct lane *l = &m->lane[i];
        if (!l->ended && (best == NULL || before(l, best))) {
            best = l;
        }
    }
    return best;
}

static int run(struct merge *m, store_chats_fn fn, void *arg)
{
    struct lane *l;
    int rc = 0;
    while (rc == 0 && (l = first(m)) != NULL) {
        struct store_value v;
        rc = store_chat_get(m->t, m->tenant, l->session, l->chat, &v, NULL);
        rc = rc != 0 ? rc : fn(arg, l->session, l->chat, l->last_ms, v);
        rc = rc != 0 ? rc : lane_next(l);
    }
    return rc == 1 ? 0 : rc;
}

int store_chat_merge(struct store_txn *t, const char *tenant, const char *const *sessions,
                     const struct store_chat_place *after, store_chats_fn fn, void *arg)
{
    struct merge m = {.t = t, .tenant = tenant};
    int rc = 0;
    while (sessions[m.count] != NULL) {
        m.count++;
    }
    m.lane = mem_calloc(m.count + 1, sizeof(*m.lane));
    if (m.lane == NULL) {
        return E_NOMEM;
    }
    for (size_t i = 0; rc == 0 && i < m.count; i++) {
        m.lane[i].session = sessions[i];
        rc = lane_open(&m, &m.lane[i], after);
    }
    rc = rc != 0 ? rc : run(&m, fn, arg);
    for (size_t i = 0; i < m.count; i++) {
        if (m.lane[i].open) {
            iter_close(&m.lane[i].it);
        }
    }
    free(m.lane);
    return rc;
}
