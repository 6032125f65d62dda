/*
 * Internal notes of a conversation: nobody outside sees them. They lie under the id that the chat
 * has when they are written; a person's are read from all ids of theirs.
 */
#include "people_priv.h"

#include "chat_row.h"
#include "clock.h"
#include "crypto.h"
#include "event.h"
#include "json.h"
#include "mem.h"
#include "text.h"

#include <stdlib.h>
#include <string.h>

#define NOTE_CHARS_MAX 4000
#define NOTES_MAX 500
#define NOTE_ID_MAX 40

/* The ids under which notes of that chat may lie. */
struct places {
    char id[IDENTITY_JIDS_MAX + 1][STORE_MAX_ID + 1];
    size_t count;
    struct person who;
    enum chat_kind kind;
};

static int places_of(struct store_txn *t, const struct message_owner *o, const char *chat,
                     struct places *p, struct err *e)
{
    char jids[IDENTITY_JIDS_MAX][STORE_MAX_ID + 1];
    memset(p, 0, sizeof(*p));
    int rc = identity_address(t, o, chat, p->id[0], &p->kind, e);
    if (rc != 0) {
        return rc;
    }
    p->count = 1;
    rc = p->kind == CHAT_USER ? identity_find(t, o, p->id[0], &p->who) : E_NOTFOUND;
    size_t n = rc == 0 ? identity_jids(&p->who, jids) : 0;
    for (size_t i = 0; i < n; i++) {
        if (strcmp(jids[i], p->id[0]) != 0) {
            memcpy(p->id[p->count++], jids[i], sizeof(jids[i]));
        }
    }
    return rc == E_NOTFOUND ? 0 : rc;
}

/* ---- list --------------------------------------------------------------------------------------
 */

static int on_note(void *arg, const char *const *path, struct store_value v)
{
    json_t *note = message_load(v);
    (void)path;
    return note != NULL && json_array_append_new(arg, note) == 0 ? 0 : E_NOMEM;
}

static int by_id(const void *a, const void *b)
{
    json_t *const *x = a, *const *y = b;
    return strcmp(json_str_or(*x, "id", ""), json_str_or(*y, "id", ""));
}

/* Oldest first, whatever id they lie under: ids grow with time. */
static json_t *sorted(json_t *all)
{
    size_t n = json_array_size(all);
    json_t **notes = mem_calloc(n + 1, sizeof(json_t *)), *out = json_array();
    for (size_t i = 0; notes != NULL && i < n; i++) {
        notes[i] = json_array_get(all, i);
    }
    if (notes != NULL) {
        qsort(notes, n, sizeof(json_t *), by_id);
    }
    for (size_t i = 0; notes != NULL && out != NULL && i < n; i++) {
        if (json_array_append(out, notes[i]) != 0) {
            json_decref(out);
            out = NULL;
        }
    }
    bool failed = notes == NULL;
    free(notes);
    json_decref(all);
    if (failed) {
        json_decref(out);
        out = NULL;
    }
    return out;
}

int bridge_note_list(struct bridge *b, const char *tenant, const char *session, const char *chat,
                     json_t **out, struct err *e)
{
    struct message_owner o;
    struct store_txn *t;
    struct places p;
    err_clear(e);
    int rc = people_read(b, tenant, session, &o, &t, e);
    if (rc != 0) {
        return rc;
    }
    rc = places_of(t, &o, chat, &p, e);
    json_t *items = json_array();
    for (size_t i = 0; rc == 0 && i < p.count; i++) {
        rc = store_scan(t, STORE_NOTES, STORE_PATH(o.tenant, o.session, p.id[i]), NULL, on_note,
                        items);
    }
    store_read_end(t);
    if (rc != 0) {
        json_decref(items);
        return people_unreadable(e, rc);
    }
    *out = page_body(sorted(items), NULL);
    return *out != NULL ? 0 : err_set(e, E_NOMEM, "out of memory");
}

/* ---- changes -----------------------------------------------------------------------------------
 */

struct note_op {
    struct call call;
    struct message_owner owner;
    char chat[256]; /* as it was asked for */
    char id[NOTE_ID_MAX + 1];
    char author[96], author_name[128];
    char *text; /* NULL: delete */
    uint64_t at_ms;
};

static int on_count(void *arg, const char *const *path, struct store_value v)
{
    (void)path;
    (void)v;
    return ++*(size_t *)arg == NOTES_MAX;
}

static int tell(struct store_txn *t, struct note_op *n, const struct places *p, const char *action,
                json_t *note)
{
    const struct channel_peer chat = {
        .id = p->id[0],
        .phone = p->who.phone,
        .lid = p->who.lid,
        .name = p->who.name,
        .contact_id = p->who.contact_id,
    };
    struct buf b;
    size_t len = 0;
    char *text = json_text(note, &len);
    buf_init(&b, STORE_MAX_VALUE);
    buf_printf(&b, "{\"action\":\"%s\",\"chat\":", action);
    message_write_peer(&b, &chat, &p->kind);
    buf_str(&b, ",\"note\":");
    buf_append(&b, text != NULL ? text : "null", text != NULL ? len : 4);
    int rc = buf_char(&b, '}');
    if (rc == 0) {
        rc = message_event(n->call.b, t, &n->owner, "chat.note", peer_lane(&chat), b.data, b.len);
    }
    free(text);
    buf_finish(&b);
    return rc;
}

static int check_chat(struct store_txn *t, const struct message_owner *o, const char *chat,
                      struct err *e)
{
    struct chat_row row;
    int rc = chat_row_load(t, o, chat, &row);
    if (rc == 0 && row.doc == NULL) {
        rc = err_word(e, E_NOTFOUND, "unknown_chat", "there is no conversation with that chat");
    }
    chat_row_free(&row);
    return rc;
}

static int add(struct store_txn *t, struct call *c, struct err *e)
{
    struct note_op *n = (struct note_op *)c;
    struct places p;
    size_t count = 0;
    int rc = places_of(t, &n->owner, n->chat, &p, e);
    rc = rc != 0 ? rc : check_chat(t, &n->owner, p.id[0], e);
    for (size_t i = 0; rc == 0 && i < p.count; i++) {
        rc = store_scan(t, STORE_NOTES, STORE_PATH(n->owner.tenant, n->owner.session, p.id[i]),
                        NULL, on_count, &count);
    }
    if (rc == 0 && count >= NOTES_MAX) {
        return err_word(e, E_CONFLICT, "too_many_notes",
                        "a conversation has at most %d notes; delete some", NOTES_MAX);
    }
    json_decref(c->answer);
    c->answer = json_pack("{s:s, s:s, s:s, s:s, s:s?}", "id", n->id, "chat", p.id[0], "text",
                          n->text, "author", n->author, "author_name",
                          n->author_name[0] != '\0' ? n->author_name : NULL);
    rc = rc != 0             ? rc
         : c->answer == NULL ? E_NOMEM
                             : json_set_time(c->answer, "created_at", n->at_ms);
    rc = rc != 0 ? rc
                 : record_put(t, STORE_NOTES,
                              STORE_PATH(n->owner.tenant, n->owner.session, p.id[0], n->id),
                              c->answer, e);
    c->created = rc == 0;
    return rc != 0 ? rc : tell(t, n, &p, "added", c->answer);
}

static int drop(struct store_txn *t, struct call *c, struct err *e)
{
    struct note_op *n = (struct note_op *)c;
    struct places p;
    int rc = places_of(t, &n->owner, n->chat, &p, e);
    if (rc != 0) {
        return rc;
    }
    for (size_t i = 0; i < p.count; i++) {
        const char *const *path = STORE_PATH(n->owner.tenant, n->owner.session, p.id[i], n->id);
        struct store_value v;
        rc = store_get(t, STORE_NOTES, path, &v);
        if (rc != E_NOTFOUND) {
            json_t *note = rc == 0 ? message_load(v) : NULL;
            rc = rc != 0 ? rc : store_del(t, STORE_NOTES, path);
            rc = rc != 0 ? rc : tell(t, n, &p, "deleted", note);
            json_decref(note);
            return rc;
        }
    }
    return err_word(e, E_NOTFOUND, "unknown_note", "no such note in this conversation");
}

static void finish(struct call *c, int rc)
{
    if (rc == 0) {
        event_committed(c->b, ((struct note_op *)c)->owner.tenant);
    }
}

static void release(struct call *c)
{
    struct note_op *n = (struct note_op *)c;
    json_decref(c->answer);
    free(n->text);
    free(n);
}

static struct note_op *create(struct bridge *b, const char *tenant, const char *session,
                              const char *chat, struct err *e)
{
    struct session *s;
    if (session_find(b, tenant, session, &s, e) != 0) {
        return NULL;
    }
    struct note_op *n = mem_calloc(1, sizeof(*n));
    if (n == NULL) {
        err_set(e, E_NOMEM, "out of memory");
        return NULL;
    }
    n->call = (struct call){.finish = finish, .release = release};
    message_owner_set(&n->owner, tenant, session);
    memcpy(n->chat, chat, strnlen(chat, sizeof(n->chat) - 1));
    n->at_ms = clock_wall_ms();
    return n;
}

static int take_text(struct note_op *n, const json_t *body, struct err *e)
{
    static const char *const fields[] = {"text", NULL};
    const json_t *v = json_object_get(body, "text");
    const char *s = json_string_value(v);
    int rc = body_check(body, fields, e);
    if (rc != 0) {
        return rc;
    }
    n->text = s != NULL ? mem_strdup(s) : NULL;
    size_t len = n->text != NULL ? text_strip_controls(n->text, strlen(n->text)) : 0;
    size_t chars = len > 0 ? text_utf8_count(n->text, len) : 0;
    if (chars < 1 || chars > NOTE_CHARS_MAX) {
        return err_field(e, NULL, "text", "`text` must have 1 to %d characters", NOTE_CHARS_MAX);
    }
    return 0;
}

void bridge_note_add(struct bridge *b, const char *tenant, const char *session, const char *chat,
                     const struct bridge_author *author, const json_t *body, bridge_done_fn done,
                     void *arg)
{
    struct err e;
    char ulid[CRYPTO_ULID_LEN];
    err_clear(&e);
    struct note_op *n = create(b, tenant, session, chat, &e);
    if (n == NULL || take_text(n, body, &e) != 0) {
        reply_later(b, done, arg, &e, NULL);
        if (n != NULL) {
            release(&n->call);
        }
        return;
    }
    crypto_ulid(n->at_ms, ulid);
    memcpy(n->id, "note_", 5);
    memcpy(n->id + 5, ulid, sizeof(ulid));
    memcpy(n->author, author->id, strnlen(author->id, sizeof(n->author) - 1));
    memcpy(n->author_name, author->name, text_utf8_cut(author->name, strlen(author->name),
                                                       sizeof(n->author_name) - 1));
    n->call.apply = add;
    call_submit(&n->call, b, done, arg);
}

void bridge_note_delete(struct bridge *b, const char *tenant, const char *session, const char *chat,
                        const char *note, bridge_done_fn done, void *arg)
{
    struct err e;
    err_clear(&e);
    struct note_op *n = create(b, tenant, session, chat, &e);
    if (n == NULL) {
        reply_later(b, done, arg, &e, NULL);
        return;
    }
    memcpy(n->id, note, strnlen(note, sizeof(n->id) - 1));
    n->call.apply = drop;
    call_submit(&n->call, b, done, arg);
}
