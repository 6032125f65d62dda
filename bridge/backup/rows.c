/* See rows.h for the form. */
#include "rows.h"

#include "core_priv.h"
#include "json.h"
#include "media.h"
#include "mem.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_MAX 255
#define HASH_LEN 64
#define ROW_MAX (STORE_MAX_VALUE + ROW_TEXTS * (TEXT_MAX + 2) + 32)

/* By name, so that a row means the same to another version. of_tenant: the path has no session. */
static const struct {
    enum store_table table;
    const char *name;
    bool of_tenant;
} tables[] = {
    {STORE_SESSIONS, "sessions", false},       {STORE_CONTACTS, "contacts", false},
    {STORE_ALIASES, "aliases", false},         {STORE_GROUPS, "groups", false},
    {STORE_NOTES, "notes", false},             {STORE_SYNC, "sync", false},
    {STORE_FETCHES, "fetches", false},         {STORE_AGENT_CHATS, "agent_chats", false},
    {STORE_TERMS, "terms", false},             {STORE_MEDIA, "media", true},
    {STORE_WINDOWS, "windows", false},
    {STORE_STATS, "stats", false},
};
#define TABLES (sizeof(tables) / sizeof(tables[0]))

static uint64_t get(const unsigned char *in, unsigned bytes)
{
    uint64_t v = 0;
    for (unsigned i = 0; i < bytes; i++) {
        v = v << 8 | in[i];
    }
    return v;
}

/* ---- writing ---------------------------------------------------------------------------------- */

struct out {
    struct pack_writer *p;
    struct store_txn *t;
    const char *tenant, *session, *table;
    struct buf row;
    struct buf hashes; /* HASH_LEN each; of files that messages refer to */
    bool media;
    struct err *e;
};

static void add_number(struct buf *b, uint64_t v, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++) {
        buf_char(b, (char)(v >> (8 * (bytes - 1 - i))));
    }
}

static int add_row(struct out *o, char kind, const char *const *texts, uint64_t number,
                   struct store_value v)
{
    unsigned count = 0;
    while (texts[count] != NULL) {
        count++;
    }
    buf_reset(&o->row);
    buf_char(&o->row, kind);
    add_number(&o->row, count, 1);
    for (unsigned i = 0; i < count; i++) {
        add_number(&o->row, strlen(texts[i]), 2);
        buf_str(&o->row, texts[i]);
    }
    add_number(&o->row, number, 8);
    add_number(&o->row, v.len, 4);
    if (buf_append(&o->row, v.data, v.len) != 0) {
        return err_set(o->e, o->row.rc, "a row of the session cannot be copied");
    }
    return pack_data(o->p, o->row.data, o->row.len, o->e);
}

static int on_document(void *arg, const char *const *path, struct store_value v)
{
    struct out *o = arg;
    const char *texts[ROW_TEXTS + 1] = {o->table};
    for (unsigned i = 0; i + 1 < ROW_TEXTS && path[2 + i] != NULL; i++) {
        texts[1 + i] = path[2 + i];
    }
    return add_row(o, 'D', texts, 0, v);
}

static int on_chat(void *arg, const char *chat, uint64_t last_ms, struct store_value v)
{
    return add_row(arg, 'C', (const char *const[]){chat, NULL}, last_ms, v);
}

static int note_media(struct out *o, struct store_value v)
{
    if (!o->media || memmem(v.data, v.len, "\"sha256\"", 8) == NULL) {
        return 0;
    }
    json_t *m = record_parse(v, o->e);
    const char *sha256 = json_str(json_obj(m, "media"), "sha256");
    int rc = 0;
    if (sha256 != NULL && strlen(sha256) == HASH_LEN &&
        strspn(sha256, "0123456789abcdef") == HASH_LEN) {
        rc = buf_append(&o->hashes, sha256, HASH_LEN);
    }
    json_decref(m);
    return rc == 0 ? 0 : err_set(o->e, rc, "the session has too many files");
}

static int on_message(void *arg, const struct store_message_ref *ref, struct store_value v)
{
    struct out *o = arg;
    int rc = add_row(o, 'M', (const char *const[]){ref->chat, ref->id, NULL}, ref->time_ms, v);
    return rc != 0 ? rc : note_media(o, v);
}

static int on_outbox(void *arg, uint64_t order, const char *message_id, uint64_t expires_ms,
                     struct store_value v)
{
    (void)order;
    return add_row(arg, 'O', (const char *const[]){message_id, NULL}, expires_ms, v);
}

static int by_hash(const void *a, const void *b)
{
    return memcmp(a, b, HASH_LEN);
}

/* Sorted, each once. */
static void tidy_hashes(struct buf *b)
{
    size_t n = b->len / HASH_LEN, kept = 0;
    if (n == 0) {
        return;
    }
    qsort(b->data, n, HASH_LEN, by_hash);
    for (size_t i = 0; i < n; i++) {
        if (i == 0 || by_hash(b->data + i * HASH_LEN, b->data + (kept - 1) * HASH_LEN) != 0) {
            memmove(b->data + kept++ * HASH_LEN, b->data + i * HASH_LEN, HASH_LEN);
        }
    }
    b->len = kept * HASH_LEN;
}

static const char *hash_at(const struct buf *b, size_t i, char out[HASH_LEN + 1])
{
    memcpy(out, b->data + i * HASH_LEN, HASH_LEN);
    out[HASH_LEN] = '\0';
    return out;
}

static int media_rows(struct out *o)
{
    int rc = 0;
    tidy_hashes(&o->hashes);
    for (size_t i = 0; rc == 0 && i < o->hashes.len / HASH_LEN; i++) {
        char hash[HASH_LEN + 1];
        struct store_value v;
        rc = store_get(o->t, STORE_MEDIA, STORE_PATH(o->tenant, hash_at(&o->hashes, i, hash)), &v);
        rc = rc == 0 ? add_row(o, 'D', (const char *const[]){"media", hash, NULL}, 0, v)
             : rc == E_NOTFOUND ? 0
                                : rc;
    }
    return rc;
}

static int all_rows(struct out *o)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < TABLES; i++) {
        if (!tables[i].of_tenant) {
            o->table = tables[i].name;
            rc = store_scan(o->t, tables[i].table, STORE_PATH(o->tenant, o->session), NULL,
                            on_document, o);
        }
    }
    const struct store_range all = {.oldest_first = true};
    rc = rc != 0 ? rc : store_chat_list(o->t, o->tenant, o->session, 0, NULL, on_chat, o);
    rc = rc != 0 ? rc
                 : store_message_list(o->t, o->tenant, o->session, NULL, &all, on_message, o);
    rc = rc != 0 ? rc : store_outbox_list(o->t, o->tenant, o->session, 0, on_outbox, o);
    return rc != 0 ? rc : media_rows(o);
}

int rows_pack(struct pack_writer *p, struct store *store, const char *tenant, const char *session,
              int (*media)(void *arg, const char *sha256), void *arg, struct err *e)
{
    struct out o = {
        .p = p, .tenant = tenant, .session = session, .media = media != NULL, .e = e};
    buf_init(&o.row, ROW_MAX);
    buf_init(&o.hashes, SIZE_MAX / 2);
    err_clear(e);
    int rc = store_snapshot(store, &o.t, e);
    rc = rc != 0 ? rc : pack_begin(p, "rows", e);
    if (rc == 0) {
        rc = all_rows(&o);
        rc = rc != 0 ? store_err(e, rc, "the session could not be read") : 0;
    }
    rc = rc != 0 ? rc : pack_finish(p, e);
    for (size_t i = 0; rc == 0 && i < o.hashes.len / HASH_LEN; i++) {
        char hash[HASH_LEN + 1];
        rc = media(arg, hash_at(&o.hashes, i, hash));
    }
    store_snapshot_end(o.t);
    buf_finish(&o.row);
    buf_finish(&o.hashes);
    return rc;
}

/* ---- reading ---------------------------------------------------------------------------------- */

int rows_open(struct rows_reader *r, const char *path, struct err *e)
{
    r->f = fopen(path, "rbe");
    r->memory = r->f != NULL ? mem_malloc(ROW_MAX) : NULL;
    if (r->memory == NULL) {
        int sys = errno;
        bool missing = r->f == NULL;
        rows_close(r);
        return missing ? err_sys(e, E_PROTO, sys, "the rows of the session cannot be read")
                       : err_set(e, E_NOMEM, "out of memory");
    }
    return 0;
}

void rows_close(struct rows_reader *r)
{
    if (r->f != NULL) {
        fclose(r->f);
    }
    free(r->memory);
    memset(r, 0, sizeof(*r));
}

static int damaged(struct err *e)
{
    return err_word(e, E_PROTO, "damaged_backup", "the rows of the session cannot be read");
}

static bool take(struct rows_reader *r, char **at, size_t len)
{
    size_t used = (size_t)(*at - r->memory);
    if (len > ROW_MAX - used || fread(*at, 1, len, r->f) != len) {
        return false;
    }
    *at += len;
    return true;
}

int rows_next(struct rows_reader *r, struct row *out, struct err *e)
{
    unsigned char n[8];
    char *at = r->memory;
    int kind = fgetc(r->f), count = kind != EOF ? fgetc(r->f) : 0;
    memset(out, 0, sizeof(*out));
    if (kind == EOF) {
        return feof(r->f) ? E_NOTFOUND : damaged(e);
    }
    if (count < 1 || count > ROW_TEXTS) {
        return damaged(e);
    }
    out->kind = (char)kind;
    out->count = (unsigned)count;
    for (unsigned i = 0; i < out->count; i++) {
        if (fread(n, 1, 2, r->f) != 2) {
            return damaged(e);
        }
        size_t len = (size_t)get(n, 2);
        out->text[i] = at;
        if (len > TEXT_MAX || !take(r, &at, len)) {
            return damaged(e);
        }
        *at++ = '\0';
        if (strlen(out->text[i]) != len) {
            return damaged(e);
        }
    }
    if (fread(n, 1, 8, r->f) != 8) {
        return damaged(e);
    }
    out->number = get(n, 8);
    if (fread(n, 1, 4, r->f) != 4) {
        return damaged(e);
    }
    out->len = (size_t)get(n, 4);
    out->data = at;
    return out->len <= STORE_MAX_VALUE && take(r, &at, out->len) ? 0 : damaged(e);
}

bool row_is_session(const struct row *row)
{
    return row->kind == 'D' && strcmp(row->text[0], "sessions") == 0;
}

static int put_document(struct store_txn *t, const char *tenant, const char *session,
                        const struct row *row)
{
    for (size_t i = 0; i < TABLES; i++) {
        if (strcmp(tables[i].name, row->text[0]) != 0) {
            continue;
        }
        if (!tables[i].of_tenant) {
            return store_put(t, tables[i].table,
                             STORE_PATH(tenant, session, row->text[1], row->text[2]), row->data,
                             row->len);
        }
        struct store_value v;
        int rc = store_get(t, tables[i].table, STORE_PATH(tenant, row->text[1]), &v);
        if (rc != E_NOTFOUND) {
            return rc;
        }
        rc = store_put(t, tables[i].table, STORE_PATH(tenant, row->text[1]), row->data, row->len);
        return rc != 0 || tables[i].table != STORE_MEDIA ? rc : media_total_forget(t, tenant);
    }
    return 0; /* of a newer version: without it the session works as before that version */
}

/* A message says in which session it is. */
static int put_message(struct store_txn *t, const char *tenant, const char *session,
                       const struct row *row, struct err *e)
{
    json_t *m = record_parse((struct store_value){row->data, row->len}, e);
    if (m == NULL) {
        return e != NULL ? e->code : E_PROTO;
    }
    char *text = NULL;
    size_t len = row->len;
    if (strcmp(json_str_or(m, "session", session), session) != 0) {
        text = json_set_str(m, "session", session) == 0 ? json_text(m, &len) : NULL;
        if (text == NULL) {
            json_decref(m);
            return E_NOMEM;
        }
    }
    json_decref(m);
    int rc = store_message_put(t, tenant, session, row->text[0], row->text[1], row->number,
                               text != NULL ? text : row->data, len, NULL);
    free(text);
    return rc;
}

/* The entry gets another place in the queue here, which its message knows of. */
static int put_outbox(struct store_txn *t, const char *tenant, const char *session,
                      const struct row *row, struct err *e)
{
    uint64_t order;
    struct store_value v;
    struct store_message_ref ref;
    int rc = store_outbox_add(t, tenant, session, row->text[0], row->number, row->data, row->len,
                              &order);
    rc = rc != 0 ? rc : store_message_get(t, tenant, session, NULL, row->text[0], &v, &ref);
    if (rc != 0) {
        return rc == E_NOTFOUND ? damaged(e) : rc;
    }
    json_t *m = record_parse(v, e);
    if (m == NULL) {
        return E_PROTO;
    }
    size_t len = 0;
    json_t *own = json_obj(m, "_");
    char *text = own == NULL || body_set(own, "order", json_integer((json_int_t)order)) == 0
                     ? json_text(m, &len)
                     : NULL;
    json_decref(m);
    rc = text == NULL ? E_NOMEM
                      : store_message_put(t, tenant, session, ref.chat, ref.id, ref.time_ms, text,
                                          len, NULL);
    free(text);
    return rc;
}

int row_put(struct store_txn *t, const char *tenant, const char *session, const struct row *row,
            struct err *e)
{
    switch (row->kind) {
    case 'D':
        return row_is_session(row) ? 0 : put_document(t, tenant, session, row);
    case 'C':
        return store_chat_put(t, tenant, session, row->text[0], row->number, row->data, row->len);
    case 'M':
        return row->count == 2 ? put_message(t, tenant, session, row, e) : damaged(e);
    case 'O':
        return put_outbox(t, tenant, session, row, e);
    default:
        return damaged(e);
    }
}
