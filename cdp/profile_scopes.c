/*
 * What a killed browser had begun in a database of its pages and not finished.
 *
 * A transaction of IndexedDB is a "scope" (Chromium, content/browser/indexed_db, leveldb scopes):
 * its writes go to disk at once, with what takes them back (undo tasks) and the locks it holds; the
 * scope ends when its record has no locks any more. At the next start Chromium takes every
 * unfinished scope back, for which it asks for their locks again, each as if it were alone: two
 * that were open in one database at the same time want the same lock, "Invalid locks on disk", and
 * the whole database is deleted, the link to the account with it. (Seen with Chromium 156; a page
 * with two transactions under way when its browser is killed is enough.)
 *
 * So when two or more are open in the logs, we take them back ourselves before the start, as
 * Chromium would: one batch behind the log with the undo tasks, newest first, and without the
 * scopes' rows. Whatever we do not know leaves the log as it is.
 *
 *   00 00 00 00 32 01 <scope>                 its record: locks (field 1), or none: finished
 *   00 00 00 00 32 02 <scope> 00 <8 bytes>    undo task: {1: put {1: key, 2: value}} or {2: delete
 * {1: key}} 00 00 00 00 32 02 <scope> 01 <8 bytes>    what is to be cleaned when it is finished
 */
#include "profile_scopes_priv.h"

#include "mem.h"

#include <stdlib.h>
#include <string.h>

#define GIVE_UP (-1)
#define MAX_OPEN 64

static const unsigned char RECORD[] = {0, 0, 0, 0, 0x32, 1};
static const unsigned char TASK[] = {0, 0, 0, 0, 0x32, 2};
enum { TASK_UNDO = 0, TASK_CLEANUP = 1 };
enum { FIELD_PUT = 0x0A, FIELD_DELETE = 0x12, FIELD_LOCK = 0x0A }; /* protobuf tags */

struct task {
    bool undo;
    struct bytes key, value;
};

struct scope {
    uint64_t id;
    struct bytes record; /* its key */
    struct task *tasks;
    size_t count, room;
};

struct scopes {
    struct scope open[MAX_OPEN];
    size_t count;
    uint64_t next_seq;
};

/* ---- reading ----------------------------------------------------------------------------------
 */

static bool begins(struct bytes key, const unsigned char *prefix, size_t len, struct bytes *rest)
{
    if (key.len < len || memcmp(key.p, prefix, len) != 0) {
        return false;
    }
    *rest = (struct bytes){key.p + len, key.len - len};
    return true;
}

static struct scope *find(struct scopes *s, uint64_t id)
{
    for (size_t i = 0; i < s->count; i++) {
        if (s->open[i].id == id) {
            return &s->open[i];
        }
    }
    return NULL;
}

static void forget(struct scopes *s, struct scope *scope)
{
    free(scope->tasks);
    *scope = s->open[--s->count];
}

static int on_record(struct scopes *s, const struct leveldb_write *w, struct bytes rest)
{
    uint64_t id;
    if (!leveldb_varint(&rest, &id) || rest.len != 0) {
        return GIVE_UP;
    }
    struct scope *scope = find(s, id);
    bool locked = w->put && w->value.len > 0 && w->value.p[0] == FIELD_LOCK;
    if (!locked) {
        if (scope) {
            forget(s, scope);
        }
        return 0;
    }
    if (scope) {
        return 0;
    }
    if (s->count == MAX_OPEN) {
        return GIVE_UP;
    }
    s->open[s->count++] = (struct scope){.id = id, .record = w->key};
    return 0;
}

static int add_task(struct scope *scope, const struct leveldb_write *w, bool undo)
{
    if (scope->count == scope->room) {
        size_t room = scope->room > 0 ? 2 * scope->room : 16;
        struct task *grown = mem_realloc(scope->tasks, room * sizeof(*grown));
        if (!grown) {
            return GIVE_UP;
        }
        scope->tasks = grown;
        scope->room = room;
    }
    scope->tasks[scope->count++] = (struct task){undo, w->key, w->value};
    return 0;
}

/* An earlier start took the scope back itself, the newest task first. */
static void drop_task(struct scope *scope, struct bytes key)
{
    for (size_t i = scope->count; i-- > 0;) {
        struct task *t = &scope->tasks[i];
        if (t->key.len == key.len && memcmp(t->key.p, key.p, key.len) == 0) {
            scope->count--;
            memmove(t, t + 1, (scope->count - i) * sizeof(*t));
            return;
        }
    }
}

static int on_task(struct scopes *s, const struct leveldb_write *w, struct bytes rest)
{
    uint64_t id;
    if (!leveldb_varint(&rest, &id) || rest.len != 1 + 8 || rest.p[0] > TASK_CLEANUP) {
        return GIVE_UP;
    }
    struct scope *scope = find(s, id);
    if (!scope) {
        /* of a finished one, or one that began before these logs: Chromium sees to it */
        return 0;
    }
    if (!w->put) {
        drop_task(scope, w->key);
        return 0;
    }
    return add_task(scope, w, rest.p[0] == TASK_UNDO);
}

static int on_batch(void *arg, const unsigned char *batch, size_t len)
{
    struct scopes *s = arg;
    struct leveldb_batch b;
    struct leveldb_write w;
    struct bytes rest;
    int more, rc = 0;
    if (!leveldb_batch_open(batch, len, &b)) {
        return GIVE_UP;
    }
    s->next_seq = b.seq + b.count;
    while (rc == 0 && (more = leveldb_batch_next(&b, &w)) != 0) {
        if (more < 0) {
            return GIVE_UP;
        }
        if (begins(w.key, RECORD, sizeof(RECORD), &rest)) {
            rc = on_record(s, &w, rest);
        } else if (begins(w.key, TASK, sizeof(TASK), &rest)) {
            rc = on_task(s, &w, rest);
        }
    }
    return rc;
}

/* ---- taking back ------------------------------------------------------------------------------
 */

/* The write that an undo task stands for. */
static bool undo_write(struct bytes task, struct leveldb_write *w)
{
    struct bytes body;
    if (task.len < 2 || (task.p[0] != FIELD_PUT && task.p[0] != FIELD_DELETE)) {
        return false; /* a range: its keys are in tables too */
    }
    w->put = task.p[0] == FIELD_PUT;
    w->value = (struct bytes){task.p, 0};
    struct bytes in = {task.p + 1, task.len - 1};
    if (!leveldb_slice(&in, &body) || in.len != 0 || body.len == 0 || body.p[0] != 0x0A) {
        return false;
    }
    body.p++;
    body.len--;
    if (!leveldb_slice(&body, &w->key)) {
        return false;
    }
    if (w->put && body.len > 0) { /* an empty value is left out */
        if (body.p[0] != 0x12) {
            return false;
        }
        body.p++;
        body.len--;
        if (!leveldb_slice(&body, &w->value)) {
            return false;
        }
    }
    return body.len == 0;
}

static bool take_back(const struct scope *scope, struct buf *batch)
{
    struct leveldb_write w;
    for (size_t i = scope->count; i-- > 0;) {
        const struct task *t = &scope->tasks[i];
        if (t->undo) {
            if (!undo_write(t->value, &w)) {
                return false;
            }
            leveldb_batch_add(batch, &w);
        }
        leveldb_batch_add(batch, &(struct leveldb_write){.key = t->key});
    }
    leveldb_batch_add(batch, &(struct leveldb_write){.key = scope->record});
    return true;
}

size_t profile_scopes_undo(const struct bytes *logs, size_t count, unsigned char *joined,
                           struct buf *out)
{
    struct scopes *s = mem_calloc(1, sizeof(*s));
    struct buf batch;
    int rc = s && count > 0 ? 0 : GIVE_UP;
    for (size_t i = 0; rc == 0 && i < count; i++) {
        rc = leveldb_log_batches(logs[i].p, logs[i].len, joined, on_batch, s);
        joined += logs[i].len;
    }
    size_t found = rc == 0 && s->count > 1 ? s->count : 0;
    if (found > 0) {
        buf_init(&batch, out->max);
        leveldb_batch_begin(&batch, s->next_seq);
        for (size_t i = s->count; found > 0 && i-- > 0;) {
            found = take_back(&s->open[i], &batch) ? found : 0;
        }
        if (found > 0 && !batch.failed) {
            leveldb_log_frame(out, logs[count - 1].len, (unsigned char *)batch.data, batch.len);
        }
        found = batch.failed || out->failed ? 0 : found;
        buf_finish(&batch);
    }
    for (size_t i = 0; s && i < s->count; i++) {
        free(s->open[i].tasks);
    }
    free(s);
    return found;
}
