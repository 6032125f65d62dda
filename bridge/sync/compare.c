/* What a run goes by: the session's mark, and which chats differ from theirs. Reads only. */
#include "sync_priv.h"

#include "clock.h"
#include "mem.h"

#include <stdlib.h>
#include <string.h>

static void copy(char *to, size_t size, const char *from)
{
    size_t len = from != NULL ? strnlen(from, size - 1) : 0;
    memcpy(to, from != NULL ? from : "", len);
    to[len] = '\0';
}

static void todo_set(struct sync_todo *todo, const struct channel_digest *g, uint64_t floor_ms)
{
    copy(todo->chat, sizeof(todo->chat), g->chat.id);
    copy(todo->phone, sizeof(todo->phone), g->chat.phone);
    copy(todo->lid, sizeof(todo->lid), g->chat.lid);
    if (strlen(g->chat.name) <= SYNC_NAME_MAX) { /* not cut within a character */
        copy(todo->name, sizeof(todo->name), g->chat.name);
    }
    uint64_t since = todo->was.ms > SYNC_SLACK_MS ? todo->was.ms - SYNC_SLACK_MS : 0;
    todo->since_ms = since > floor_ms ? since : floor_ms;
    todo->now = (struct chat_mark){
        .last_ms = g->last_ms,
        .unread = g->unread,
        .archived = g->archived,
        .pinned = g->pinned,
        .muted_until_ms = g->muted_until_ms,
        .ms = todo->was.ms,
    };
    copy(todo->now.last_id, sizeof(todo->now.last_id), g->last_id);
    copy(todo->now.rev, sizeof(todo->now.rev), g->rev);
}

int sync_compare(struct sync *y, const struct channel_digest *chats, size_t count, struct err *e)
{
    struct sync_run_state *run = &y->run;
    struct store_txn *t;
    free(run->todo);
    run->todo_at = run->todo_count = 0;
    run->todo = mem_calloc(count + 1, sizeof(*run->todo));
    if (run->todo == NULL) {
        return err_set(e, E_NOMEM, "out of memory");
    }
    int rc = store_read(y->b->store, &t, e);
    if (rc != 0) {
        return rc;
    }
    for (size_t n = 0; rc == 0 && n < count; n++) {
        struct sync_todo *todo = &run->todo[run->todo_count];
        memset(todo, 0, sizeof(*todo));
        rc = chat_mark_load(t, &y->owner, chats[n].chat.id, &todo->was);
        todo->known = rc == 0;
        rc = rc == E_NOTFOUND ? 0 : rc;
        const struct sync_verdict v =
            sync_judge(&chats[n], todo->known ? &todo->was : NULL, run->mark.floor);
        if (rc == 0 && (v.open || v.state)) {
            todo->open = v.open;
            todo_set(todo, &chats[n], run->mark.floor);
            run->todo_count++;
        }
    }
    store_read_end(t);
    return rc == 0 ? 0 : err_set(e, rc, "the marks of the chats cannot be read");
}

int sync_mark_open(struct sync *y, struct err *e)
{
    struct session_mark *m = &y->run.mark;
    struct store_txn *t;
    int rc = store_read(y->b->store, &t, e);
    if (rc != 0) {
        return rc;
    }
    rc = session_mark_load(t, &y->owner, m);
    store_read_end(t);
    if (rc != 0 && rc != E_NOTFOUND) {
        return err_set(e, rc, "the watermark cannot be read");
    }
    const char *account = json_string_value(json_object_get(session_account(y->s), "id"));
    account = account != NULL ? account : "";
    bool other = m->account[0] != '\0' && account[0] != '\0' && strcmp(m->account, account) != 0;
    bool fresh = rc == E_NOTFOUND || other;
    if (fresh) {
        uint64_t linked = session_linked_at(y->s);
        uint64_t ms = linked != 0 ? linked : clock_wall_ms();
        *m = (struct session_mark){.floor = ms - ms % 1000}; /* the far end's times are seconds */
    }
    if (account[0] != '\0') {
        copy(m->account, sizeof(m->account), account);
    }
    return fresh;
}
