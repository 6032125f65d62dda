/* How far each chat is known to be complete, and what the page showed of it then. */
#include "sync_priv.h"

#include "clock.h"
#include "json.h"

#include <string.h>

#define SESSION_MARK "!session" /* beside the chats: no JID begins with ! */
#define MARK_MAX 1024

static void copy(char *to, size_t size, const char *from)
{
    size_t len = strnlen(from, size - 1);
    memcpy(to, from, len);
    to[len] = '\0';
}

static uint64_t number(const json_t *v, const char *key)
{
    int64_t n = json_int(v, key, 0);
    return n > 0 ? (uint64_t)n : 0;
}

static int load(struct store_txn *t, const struct message_owner *o, const char *name, json_t **out)
{
    struct store_value v;
    int rc = store_get(t, STORE_SYNC, STORE_PATH(o->tenant, o->session, name), &v);
    if (rc == 0) {
        *out = json_loadb(v.data, v.len, 0, NULL);
    }
    return rc != 0 ? rc : *out != NULL ? 0 : E_NOTFOUND;
}

static int save(struct store_txn *t, const struct message_owner *o, const char *name,
                struct buf *text)
{
    int rc = text->rc;
    if (rc == 0) {
        rc = store_put(t, STORE_SYNC, STORE_PATH(o->tenant, o->session, name), text->data,
                       text->len);
    }
    buf_finish(text);
    return rc;
}

int session_mark_load(struct store_txn *t, const struct message_owner *o, struct session_mark *m)
{
    json_t *v = NULL;
    memset(m, 0, sizeof(*m));
    int rc = load(t, o, SESSION_MARK, &v);
    if (rc == 0) {
        m->ms = number(v, "ms");
        m->floor = number(v, "floor");
        copy(m->account, sizeof(m->account), json_str_or(v, "account", ""));
        json_decref(v);
    }
    return rc;
}

int session_mark_save(struct store_txn *t, const struct message_owner *o,
                      const struct session_mark *m)
{
    struct buf b;
    buf_init(&b, MARK_MAX);
    buf_printf(&b, "{\"ms\":%llu,\"floor\":%llu,\"account\":", (unsigned long long)m->ms,
               (unsigned long long)m->floor);
    json_quote(&b, m->account, strlen(m->account));
    buf_char(&b, '}');
    return save(t, o, SESSION_MARK, &b);
}

int chat_mark_load(struct store_txn *t, const struct message_owner *o, const char *chat,
                   struct chat_mark *m)
{
    json_t *v = NULL;
    memset(m, 0, sizeof(*m));
    int rc = load(t, o, chat, &v);
    if (rc == 0) {
        m->ms = number(v, "ms");
        m->last_ms = number(v, "last");
        copy(m->last_id, sizeof(m->last_id), json_str_or(v, "id", ""));
        copy(m->rev, sizeof(m->rev), json_str_or(v, "rev", ""));
        m->unread = (unsigned)number(v, "unread");
        m->partial = json_flag(v, "partial", false);
        m->archived = json_flag(v, "archived", false);
        m->pinned = json_flag(v, "pinned", false);
        m->muted_until_ms = number(v, "muted");
        json_decref(v);
    }
    return rc;
}

int chat_mark_save(struct store_txn *t, const struct message_owner *o, const char *chat,
                   const struct chat_mark *m)
{
    struct buf b;
    buf_init(&b, MARK_MAX);
    buf_printf(&b, "{\"ms\":%llu,\"last\":%llu,\"id\":", (unsigned long long)m->ms,
               (unsigned long long)m->last_ms);
    json_quote(&b, m->last_id, strlen(m->last_id));
    buf_str(&b, ",\"rev\":");
    json_quote(&b, m->rev, strlen(m->rev));
    buf_printf(&b, ",\"partial\":%s,\"unread\":%u,\"archived\":%s,\"pinned\":%s,\"muted\":%llu}",
               m->partial ? "true" : "false", m->unread, m->archived ? "true" : "false", m->pinned ? "true" : "false",
               (unsigned long long)m->muted_until_ms);
    return save(t, o, chat, &b);
}

struct erasing {
    struct store_txn *t;
    const struct message_owner *o;
    size_t max, n;
    bool more;
};

static int on_mark(void *arg, const char *const *path, struct store_value v)
{
    struct erasing *e = arg;
    char name[STORE_MAX_ID + 1];
    (void)v;
    if (e->n == e->max) {
        e->more = true;
        return 1;
    }
    e->n++;
    copy(name, sizeof(name), path[2]);
    return store_del(e->t, STORE_SYNC, STORE_PATH(e->o->tenant, e->o->session, name));
}

int chat_marks_erase(struct store_txn *t, const struct message_owner *o, size_t max, bool *more)
{
    struct erasing e = {.t = t, .o = o, .max = max};
    int rc = store_scan(t, STORE_SYNC, STORE_PATH(o->tenant, o->session), NULL, on_mark, &e);
    *more = e.more;
    return rc < 0 ? rc : 0;
}

/* ---- what a digest asks for --------------------------------------------------------------------- */

static bool same_look(const char *rev, const char *was)
{
    size_t a = strlen(rev), b = strlen(was);
    return strncmp(rev, was, a < b ? a : b) == 0;
}

struct sync_verdict sync_judge(const struct channel_digest *d, const struct chat_mark *was,
                               uint64_t floor_ms)
{
    if (was == NULL) {
        bool news = d->last_ms >= floor_ms;
        return (struct sync_verdict){.open = news, .state = news};
    }
    /* Which message is the last the page may not know right after it was loaded; its time it does. */
    bool moved = d->last_id[0] != '\0' && was->last_id[0] != '\0'
                     ? strcmp(d->last_id, was->last_id) != 0
                     : d->last_ms != was->last_ms;
    return (struct sync_verdict){
        .open = was->partial || moved || !same_look(d->rev, was->rev),
        .state = d->unread != was->unread || d->archived != was->archived ||
                 d->pinned != was->pinned || d->muted_until_ms != was->muted_until_ms,
    };
}
