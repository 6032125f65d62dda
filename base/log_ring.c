/*
 * The last lines, for GET /v1/logs and GET …/sessions/{session}/log: LOG_RECENT_LINES of all, and of
 * each session what fits into LOG_SESSION_BYTES, for at most LOG_SESSIONS sessions: past that the
 * session that was silent for longest is forgotten. Also the levels that sessions have of their own.
 */
#include "log_priv.h"

#include "clock.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define NAME_MAX_BYTES 64
#define BUCKETS 256

/* ---- of all ------------------------------------------------------------------------------------
 */

/* A slot keeps its memory, which grows to the longest line it ever held. */
static struct {
    char *text;
    size_t len;
    size_t cap;
} recent[LOG_RECENT_LINES];
static uint64_t newest; /* id of the newest line; it is in slot id % LOG_RECENT_LINES */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* of all that is in this file */

static void remember(const char *text, size_t len)
{
    newest++;
    size_t slot = newest % LOG_RECENT_LINES;
    if (recent[slot].cap < len) {
        /* not mem_realloc(): a log line must not use up a fault test's count */
        char *grown = realloc(recent[slot].text, len);
        if (grown == NULL) {
            len = 0;
        } else {
            recent[slot].text = grown;
            recent[slot].cap = len;
        }
    }
    if (len > 0) {
        memcpy(recent[slot].text, text, len);
    }
    recent[slot].len = len;
}

uint64_t log_recent(uint64_t after, size_t max,
                    void (*fn)(void *arg, uint64_t id, const char *line, size_t len), void *arg)
{
    pthread_mutex_lock(&lock);
    uint64_t first = newest > LOG_RECENT_LINES ? newest - LOG_RECENT_LINES : 0;
    if (after == LOG_NEWEST) {
        after = newest > max ? newest - max : 0;
    } else if (after > newest) {
        after = 0; /* an id from before a restart */
    }
    uint64_t id = after > first ? after : first;
    for (size_t given = 0; id < newest && given < max; given++) {
        id++;
        size_t slot = id % LOG_RECENT_LINES;
        fn(arg, id, recent[slot].text, recent[slot].len);
    }
    pthread_mutex_unlock(&lock);
    return id;
}

/* ---- of a session ------------------------------------------------------------------------------
 */

struct ring {
    struct ring *next;
    char tenant[NAME_MAX_BYTES], session[NAME_MAX_BYTES];
    uint64_t newest, count; /* id of the newest line; how many are there */
    uint64_t touched;
    size_t from, used; /* of data: two bytes of length and the text, line after line */
    char data[LOG_SESSION_BYTES];
};
static struct ring *rings[BUCKETS];
static size_t ring_count;
static uint64_t touches;

static struct ring **find(const char *tenant, const char *session)
{
    uint32_t h = 2166136261u; /* FNV-1a */
    for (const char *s = tenant; *s != '\0'; s++) {
        h = (h ^ (unsigned char)*s) * 16777619u;
    }
    h *= 16777619u;
    for (const char *s = session; *s != '\0'; s++) {
        h = (h ^ (unsigned char)*s) * 16777619u;
    }
    struct ring **at = &rings[h % BUCKETS];
    while (*at != NULL &&
           (strcmp((*at)->tenant, tenant) != 0 || strcmp((*at)->session, session) != 0)) {
        at = &(*at)->next;
    }
    return at;
}

static void drop(struct ring **at)
{
    struct ring *r = *at;
    *at = r->next;
    free(r);
    ring_count--;
}

static void drop_most_silent(void)
{
    struct ring **oldest = NULL;
    for (size_t i = 0; i < BUCKETS; i++) {
        for (struct ring **at = &rings[i]; *at != NULL; at = &(*at)->next) {
            if (oldest == NULL || (*at)->touched < (*oldest)->touched) {
                oldest = at;
            }
        }
    }
    if (oldest != NULL) {
        drop(oldest);
    }
}

static struct ring *ring_of(const struct log_ctx *ctx)
{
    struct ring **at = find(ctx->tenant, ctx->session);
    if (*at != NULL) {
        return *at;
    }
    if (ring_count == LOG_SESSIONS) {
        drop_most_silent();
        at = find(ctx->tenant, ctx->session);
    }
    struct ring *r = calloc(1, sizeof(*r)); /* not mem_calloc(): as above */
    if (r != NULL) {
        memcpy(r->tenant, ctx->tenant, strlen(ctx->tenant) + 1);
        memcpy(r->session, ctx->session, strlen(ctx->session) + 1);
        *at = r;
        ring_count++;
    }
    return r;
}

static void ring_bytes(const struct ring *r, size_t at, char *out, size_t len)
{
    at %= LOG_SESSION_BYTES;
    size_t first = len < LOG_SESSION_BYTES - at ? len : LOG_SESSION_BYTES - at;
    memcpy(out, r->data + at, first);
    memcpy(out + first, r->data, len - first);
}

static size_t line_len(const struct ring *r, size_t at)
{
    unsigned char head[2];
    ring_bytes(r, at, (char *)head, 2);
    return (size_t)head[0] << 8 | head[1];
}

static void ring_put(struct ring *r, const void *data, size_t len)
{
    size_t at = (r->from + r->used) % LOG_SESSION_BYTES;
    size_t first = len < LOG_SESSION_BYTES - at ? len : LOG_SESSION_BYTES - at;
    memcpy(r->data + at, data, first);
    memcpy(r->data, (const char *)data + first, len - first);
    r->used += len;
}

static void remember_session(const struct log_ctx *ctx, const char *text, size_t len)
{
    struct ring *r = ring_of(ctx);
    if (r == NULL) {
        return;
    }
    while (LOG_SESSION_BYTES - r->used < len + 2) {
        size_t gone = line_len(r, r->from) + 2;
        r->from = (r->from + gone) % LOG_SESSION_BYTES;
        r->used -= gone;
        r->count--;
    }
    const unsigned char head[2] = {(unsigned char)(len >> 8), (unsigned char)len};
    ring_put(r, head, 2);
    ring_put(r, text, len);
    r->newest++;
    r->count++;
    r->touched = ++touches;
}

static bool fits(const char *name)
{
    return name != NULL && strnlen(name, NAME_MAX_BYTES) < NAME_MAX_BYTES;
}

void log_remember(const struct log_ctx *ctx, const char *text, size_t len)
{
    pthread_mutex_lock(&lock);
    remember(text, len);
    if (ctx != NULL && fits(ctx->tenant) && fits(ctx->session)) {
        remember_session(ctx, text, len);
    }
    pthread_mutex_unlock(&lock);
}

uint64_t log_recent_of(const char *tenant, const char *session, uint64_t after, size_t max,
                       void (*fn)(void *arg, uint64_t id, const char *line, size_t len), void *arg)
{
    char line[LOG_LINE_MAX];
    uint64_t id = 0;
    pthread_mutex_lock(&lock);
    const struct ring *r = fits(tenant) && fits(session) ? *find(tenant, session) : NULL;
    if (r != NULL) {
        uint64_t oldest = r->newest - r->count; /* the one before it */
        if (after == LOG_NEWEST) {
            after = r->count > max ? r->newest - max : oldest;
        } else if (after > r->newest) {
            after = 0; /* an id from before a restart */
        }
        id = after > oldest ? after : oldest;
        size_t at = r->from;
        for (uint64_t i = oldest; i < id; i++) {
            at += line_len(r, at) + 2;
        }
        for (size_t given = 0; id < r->newest && given < max; given++) {
            size_t len = line_len(r, at);
            ring_bytes(r, at + 2, line, len);
            at += len + 2;
            fn(arg, ++id, line, len);
        }
    }
    pthread_mutex_unlock(&lock);
    return id;
}

/* ---- levels of sessions ------------------------------------------------------------------------
 */

static struct own_level {
    char tenant[NAME_MAX_BYTES], session[NAME_MAX_BYTES];
    enum log_level level;
    uint64_t until_ms; /* monotonic; 0: the slot is free */
} levels[LOG_SESSION_LEVELS];
static atomic_uint level_count; /* so that nobody pays who has none */

static struct own_level *level_of(const char *tenant, const char *session)
{
    uint64_t now = clock_mono_ms();
    struct own_level *found = NULL;
    for (size_t i = 0; i < LOG_SESSION_LEVELS; i++) {
        struct own_level *l = &levels[i];
        if (l->until_ms != 0 && now >= l->until_ms) {
            l->until_ms = 0;
            atomic_fetch_sub(&level_count, 1);
        }
        if (l->until_ms != 0 && strcmp(l->tenant, tenant) == 0 &&
            strcmp(l->session, session) == 0) {
            found = l;
        }
    }
    return found;
}

bool log_session_level(const char *tenant, const char *session, int level, uint64_t for_ms)
{
    if (!fits(tenant) || !fits(session)) {
        return false;
    }
    pthread_mutex_lock(&lock);
    struct own_level *l = level_of(tenant, session);
    for (size_t i = 0; level >= 0 && l == NULL && i < LOG_SESSION_LEVELS; i++) {
        if (levels[i].until_ms == 0) {
            l = &levels[i];
            memcpy(l->tenant, tenant, strlen(tenant) + 1);
            memcpy(l->session, session, strlen(session) + 1);
            atomic_fetch_add(&level_count, 1);
        }
    }
    bool ok = l != NULL || level < 0;
    if (l != NULL && level < 0) {
        l->until_ms = 0;
        atomic_fetch_sub(&level_count, 1);
    } else if (l != NULL) {
        l->level = (enum log_level)level;
        l->until_ms = clock_mono_ms() + (for_ms > 0 ? for_ms : 1);
    }
    pthread_mutex_unlock(&lock);
    return ok;
}

enum log_level log_session_level_get(const char *tenant, const char *session, uint64_t *left_ms)
{
    enum log_level level = log_get_level();
    *left_ms = 0;
    pthread_mutex_lock(&lock);
    const struct own_level *l = fits(tenant) && fits(session) ? level_of(tenant, session) : NULL;
    if (l != NULL) {
        level = l->level;
        *left_ms = l->until_ms - clock_mono_ms();
    }
    pthread_mutex_unlock(&lock);
    return level;
}

bool log_wanted(enum log_level level, const struct log_ctx *ctx)
{
    uint64_t left;
    if (atomic_load(&level_count) == 0 || ctx == NULL || ctx->tenant == NULL ||
        ctx->session == NULL) {
        return level >= log_get_level();
    }
    return level >= log_session_level_get(ctx->tenant, ctx->session, &left);
}

void log_session_forget(const char *tenant, const char *session)
{
    (void)log_session_level(tenant, session, -1, 0);
    pthread_mutex_lock(&lock);
    struct ring **at = fits(tenant) && fits(session) ? find(tenant, session) : NULL;
    if (at != NULL && *at != NULL) {
        drop(at);
    }
    pthread_mutex_unlock(&lock);
}
