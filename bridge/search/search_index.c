/*
 * Table m holds what is indexed (FTS5 needs it to forget a text again), f is the index over it:
 * body is what a person may look for, k what the message is. A row's number orders by time, so that
 * the newest matches come out of the index first and no sorting is needed.
 */
#include "search_index.h"

#include "buf.h"
#include "clock.h"
#include "json.h"
#include "mem.h"
#include "search_text.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define VERSION 1
#define PROGRESS_STEPS 2000 /* of SQLite's machine between two looks at the clock */
#define SAME_PLACE_MAX 1000

static const char schema[] =
    "CREATE TABLE meta(name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE m(n INTEGER PRIMARY KEY, session TEXT NOT NULL, chat TEXT NOT NULL,"
    " id TEXT NOT NULL, body TEXT NOT NULL, k TEXT NOT NULL);"
    "CREATE UNIQUE INDEX m_id ON m(id, chat, session);"
    "CREATE VIRTUAL TABLE f USING fts5(body, k, content='m', content_rowid='n',"
    " tokenize='unicode61 remove_diacritics 2');";

enum statement {
    BEGIN,
    COMMIT,
    FIND,
    TAKEN,
    INSERT,
    INSERT_F,
    DELETE,
    DELETE_F,
    META_GET,
    META_PUT,
    NEWEST,
    RANKED,
    STATEMENTS
};
#define HITS                                                                                       \
    "SELECT f.rowid, m.session, m.chat, m.id, snippet(f, 0, '**', '**', '…', 16)"                \
    " FROM f JOIN m ON m.n = f.rowid WHERE f MATCH ?1 AND f.rowid >= ?2 AND f.rowid < ?3"
static const char *const statements[STATEMENTS] = {
    [BEGIN] = "BEGIN IMMEDIATE",
    [COMMIT] = "COMMIT",
    [FIND] = "SELECT n, body, k FROM m WHERE id = ?1 AND chat = ?2 AND session = ?3",
    [TAKEN] = "SELECT 1 FROM m WHERE n = ?1",
    [INSERT] = "INSERT INTO m(n, id, chat, session, body, k) VALUES(?1, ?2, ?3, ?4, ?5, ?6)",
    [INSERT_F] = "INSERT INTO f(rowid, body, k) VALUES(?1, ?2, ?3)",
    [DELETE] = "DELETE FROM m WHERE n = ?1",
    [DELETE_F] = "INSERT INTO f(f, rowid, body, k) VALUES('delete', ?1, ?2, ?3)",
    [META_GET] = "SELECT value FROM meta WHERE name = ?1",
    [META_PUT] = "INSERT INTO meta(name, value) VALUES(?1, ?2)"
                 " ON CONFLICT(name) DO UPDATE SET value = excluded.value",
    [NEWEST] = HITS " ORDER BY f.rowid DESC LIMIT ?4",
    [RANKED] = HITS " ORDER BY f.rank, f.rowid DESC LIMIT ?4 OFFSET ?5",
};

struct search_db {
    sqlite3 *sql;
    sqlite3_stmt *st[STATEMENTS];
    uint64_t deadline_ms; /* 0: none */
    uint64_t count;
};

/* ---- errors ------------------------------------------------------------------------------------
 */

static int code_of(int sql)
{
    switch (sql & 0xFF) {
    case SQLITE_OK:
        return 0;
    case SQLITE_NOMEM:
        return E_NOMEM;
    case SQLITE_FULL:
        return E_FULL;
    case SQLITE_INTERRUPT:
        return E_TIMEOUT;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_SCHEMA:
    case SQLITE_ERROR: /* a table that is not as ours */
    case SQLITE_CONSTRAINT:
    case SQLITE_MISMATCH:
        return E_PROTO;
    default:
        return E_IO;
    }
}

static int fail(const struct search_db *db, int sql, struct err *e)
{
    return err_set(e, code_of(sql), "the search index: %.150s",
                   db->sql != NULL ? sqlite3_errmsg(db->sql) : sqlite3_errstr(sql));
}

/* ---- statements --------------------------------------------------------------------------------
 */

/* NULL: *sql says why. */
static sqlite3_stmt *statement(struct search_db *db, enum statement s, int *sql)
{
    *sql = SQLITE_OK;
    if (db->st[s] == NULL) {
        *sql = sqlite3_prepare_v3(db->sql, statements[s], -1, SQLITE_PREPARE_PERSISTENT, &db->st[s],
                                  NULL);
    }
    return db->st[s];
}

static void bind_text(sqlite3_stmt *st, int i, const char *s)
{
    (void)sqlite3_bind_text(st, i, s, -1, SQLITE_STATIC);
}

static void done_with(sqlite3_stmt *st)
{
    (void)sqlite3_reset(st);
    (void)sqlite3_clear_bindings(st);
}

/* One that gives no rows. */
static int run(sqlite3_stmt *st)
{
    int sql = sqlite3_step(st);
    done_with(st);
    return sql == SQLITE_DONE ? SQLITE_OK : sql;
}

static int simple(struct search_db *db, enum statement s)
{
    int sql = SQLITE_OK;
    sqlite3_stmt *st = statement(db, s, &sql);
    return st != NULL ? run(st) : sql;
}

static int meta_get(struct search_db *db, const char *name, uint64_t *value)
{
    int sql = SQLITE_OK;
    sqlite3_stmt *st = statement(db, META_GET, &sql);
    *value = 0;
    if (st == NULL) {
        return sql;
    }
    bind_text(st, 1, name);
    sql = sqlite3_step(st);
    if (sql == SQLITE_ROW) {
        *value = (uint64_t)sqlite3_column_int64(st, 0);
    }
    done_with(st);
    return sql == SQLITE_ROW || sql == SQLITE_DONE ? SQLITE_OK : sql;
}

static int meta_put(struct search_db *db, const char *name, uint64_t value)
{
    int sql = SQLITE_OK;
    sqlite3_stmt *st = statement(db, META_PUT, &sql);
    if (st == NULL) {
        return sql;
    }
    bind_text(st, 1, name);
    (void)sqlite3_bind_int64(st, 2, (sqlite3_int64)value);
    return run(st);
}

/* ---- open --------------------------------------------------------------------------------------
 */

void search_db_remove(const char *path)
{
    static const char *const ends[] = {"", "-wal", "-shm", "-journal"};
    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        char *name = mem_printf("%s%s", path, ends[i]);
        if (name != NULL) {
            (void)unlink(name);
        }
        free(name);
    }
}

void search_db_close(struct search_db *db)
{
    if (db == NULL) {
        return;
    }
    for (size_t i = 0; i < STATEMENTS; i++) {
        (void)sqlite3_finalize(db->st[i]);
    }
    (void)sqlite3_close(db->sql);
    free(db);
}

static int on_progress(void *arg)
{
    const struct search_db *db = arg;
    return db->deadline_ms != 0 && clock_mono_ms() > db->deadline_ms;
}

static int make(struct search_db *db, uint64_t done)
{
    int sql = sqlite3_exec(db->sql, "BEGIN", NULL, NULL, NULL);
    sql = sql != 0 ? sql : sqlite3_exec(db->sql, schema, NULL, NULL, NULL);
    sql = sql != 0 ? sql : meta_put(db, "version", VERSION);
    sql = sql != 0 ? sql : meta_put(db, "done", done);
    sql = sql != 0 ? sql : meta_put(db, "built", 0);
    sql = sql != 0 ? sql : meta_put(db, "count", 0);
    return sql != 0 ? sql : sqlite3_exec(db->sql, "COMMIT", NULL, NULL, NULL);
}

static int read_state(struct search_db *db, struct search_db_state *state, struct err *e)
{
    uint64_t version = 0, built = 0;
    int sql = meta_get(db, "version", &version);
    sql = sql != 0 ? sql : meta_get(db, "built", &built);
    sql = sql != 0 ? sql : meta_get(db, "done", &state->done);
    sql = sql != 0 ? sql : meta_get(db, "count", &state->count);
    if (sql != 0) {
        return fail(db, sql, e);
    }
    db->count = state->count;
    state->built = built != 0;
    return version == VERSION ? 0 : err_set(e, E_PROTO, "the search index is of another version");
}

int search_db_open(const char *path, bool fresh, uint64_t done, struct search_db **out,
                   struct search_db_state *state, struct err *e)
{
    static const char setup[] = "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;"
                                "PRAGMA cache_size=-2048; PRAGMA temp_store=MEMORY;";
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | (fresh ? SQLITE_OPEN_CREATE : 0);
    *out = NULL;
    if (fresh) {
        search_db_remove(path);
    } else if (access(path, F_OK) != 0) {
        return err_set(e, E_PROTO, "there is no search index");
    }
    struct search_db *db = mem_calloc(1, sizeof(*db));
    if (db == NULL) {
        return err_set(e, E_NOMEM, "out of memory");
    }
    int sql = sqlite3_open_v2(path, &db->sql, flags, NULL);
    sql = sql != 0 ? sql : sqlite3_extended_result_codes(db->sql, 1);
    sql = sql != 0 ? sql : sqlite3_exec(db->sql, setup, NULL, NULL, NULL);
    sql = sql != 0 || !fresh ? sql : make(db, done);
    int rc = sql != 0 ? fail(db, sql, e) : read_state(db, state, e);
    if (rc != 0) {
        search_db_close(db);
        return rc;
    }
    sqlite3_progress_handler(db->sql, PROGRESS_STEPS, on_progress, db);
    *out = db;
    return 0;
}

/* ---- writing -----------------------------------------------------------------------------------
 */

/* What the index has of a message. n 0: nothing. */
struct known {
    int64_t n;
    char *body, *k;
};

static int find(struct search_db *db, const struct search_doc *d, struct known *out)
{
    int sql = SQLITE_OK;
    sqlite3_stmt *st = statement(db, FIND, &sql);
    if (st == NULL) {
        return sql;
    }
    bind_text(st, 1, d->id);
    bind_text(st, 2, d->chat);
    bind_text(st, 3, d->session);
    sql = sqlite3_step(st);
    if (sql == SQLITE_ROW) {
        out->n = sqlite3_column_int64(st, 0);
        out->body = mem_strdup((const char *)sqlite3_column_text(st, 1));
        out->k = mem_strdup((const char *)sqlite3_column_text(st, 2));
        sql = out->body != NULL && out->k != NULL ? SQLITE_DONE : SQLITE_NOMEM;
    }
    done_with(st);
    return sql == SQLITE_DONE ? SQLITE_OK : sql;
}

static int index_text(struct search_db *db, enum statement which, int64_t n, const char *body,
                      const char *k)
{
    int sql = SQLITE_OK;
    sqlite3_stmt *st = statement(db, which, &sql);
    if (st == NULL) {
        return sql;
    }
    (void)sqlite3_bind_int64(st, 1, n);
    bind_text(st, 2, body);
    bind_text(st, 3, k);
    return run(st);
}

static int forget(struct search_db *db, const struct known *old)
{
    int sql = index_text(db, DELETE_F, old->n, old->body, old->k);
    sqlite3_stmt *st = sql == 0 ? statement(db, DELETE, &sql) : NULL;
    if (st == NULL) {
        return sql;
    }
    (void)sqlite3_bind_int64(st, 1, old->n);
    db->count--;
    return run(st);
}

/* The next free place when another message of that moment has it. */
static int find_place(struct search_db *db, const struct search_doc *d, int64_t *n)
{
    int sql = SQLITE_OK;
    sqlite3_stmt *st = statement(db, TAKEN, &sql);
    *n = search_place(d->time_ms, d->ordinal);
    for (int tries = 0; st != NULL && tries < SAME_PLACE_MAX; tries++) {
        (void)sqlite3_bind_int64(st, 1, *n);
        sql = sqlite3_step(st);
        done_with(st);
        if (sql != SQLITE_ROW) {
            return sql == SQLITE_DONE ? SQLITE_OK : sql;
        }
        ++*n;
    }
    return st == NULL ? sql : SQLITE_CONSTRAINT;
}

static int insert(struct search_db *db, const struct search_doc *d, const char *body, const char *k)
{
    int64_t n = 0;
    int sql = find_place(db, d, &n);
    sqlite3_stmt *st = sql == 0 ? statement(db, INSERT, &sql) : NULL;
    if (st == NULL) {
        return sql;
    }
    (void)sqlite3_bind_int64(st, 1, n);
    bind_text(st, 2, d->id);
    bind_text(st, 3, d->chat);
    bind_text(st, 4, d->session);
    bind_text(st, 5, body);
    bind_text(st, 6, k);
    sql = run(st);
    db->count++;
    return sql != 0 ? sql : index_text(db, INSERT_F, n, body, k);
}

/* What is to be found of it; body empty: nothing. */
static int read_doc(const struct search_doc *d, struct buf *body, struct buf *marks)
{
    json_t *m = d->data != NULL ? json_loadb(d->data, d->len, 0, NULL) : NULL;
    int rc = 0;
    if (m != NULL && !json_flag(json_obj(m, "_"), "stub", false)) {
        rc = search_body(m, body);
        rc = rc != 0 ? rc
                     : search_marks(d->session, d->chat, json_str_or(m, "type", ""),
                                    json_str_or(m, "direction", ""), marks);
    }
    json_decref(m);
    return rc == 0 ? SQLITE_OK : SQLITE_NOMEM;
}

static int apply_one(struct search_db *db, const struct search_doc *d)
{
    struct buf body, marks;
    struct known old = {0};
    buf_init(&body, SEARCH_BODY_MAX + 8);
    buf_init(&marks, 512);
    int sql = read_doc(d, &body, &marks);
    sql = sql != 0 ? sql : find(db, d, &old);
    bool wanted = body.len > 0;
    bool same =
        wanted && old.n != 0 && strcmp(old.body, body.data) == 0 && strcmp(old.k, marks.data) == 0;
    if (sql == 0 && old.n != 0 && !same) {
        sql = forget(db, &old);
    }
    if (sql == 0 && wanted && !same) {
        sql = insert(db, d, body.data, marks.data);
    }
    free(old.body);
    free(old.k);
    buf_finish(&body);
    buf_finish(&marks);
    return sql;
}

int search_db_apply(struct search_db *db, const struct search_doc *docs, size_t count,
                    uint64_t done, bool built, struct search_db_state *state, struct err *e)
{
    const uint64_t before = db->count;
    db->deadline_ms = 0;
    int sql = simple(db, BEGIN);
    for (size_t i = 0; sql == 0 && i < count; i++) {
        sql = apply_one(db, &docs[i]);
    }
    sql = sql != 0 || done == 0 ? sql : meta_put(db, "done", done);
    sql = sql != 0 || !built ? sql : meta_put(db, "built", 1);
    sql = sql != 0 ? sql : meta_put(db, "count", db->count);
    sql = sql != 0 ? sql : simple(db, COMMIT);
    if (sql != 0) {
        int rc = fail(db, sql, e);
        (void)sqlite3_exec(db->sql, "ROLLBACK", NULL, NULL, NULL);
        db->count = before;
        return rc;
    }
    state->count = db->count;
    state->built = state->built || built;
    return 0;
}

/* ---- reading -----------------------------------------------------------------------------------
 */

static char *column(sqlite3_stmt *st, int i)
{
    const char *s = (const char *)sqlite3_column_text(st, i);
    return mem_strdup(s != NULL ? s : "");
}

static bool read_hit(sqlite3_stmt *st, struct search_hit *h)
{
    h->place = sqlite3_column_int64(st, 0);
    h->session = column(st, 1);
    h->chat = column(st, 2);
    h->id = column(st, 3);
    h->snippet = column(st, 4);
    return h->session != NULL && h->chat != NULL && h->id != NULL && h->snippet != NULL;
}

int search_db_find(struct search_db *db, const struct search_db_query *q, struct search_hit *hits,
                   size_t *count, struct err *e)
{
    int sql = SQLITE_OK;
    sqlite3_stmt *st = statement(db, q->by_rank ? RANKED : NEWEST, &sql);
    *count = 0;
    if (st == NULL) {
        return fail(db, sql, e);
    }
    bind_text(st, 1, q->match);
    (void)sqlite3_bind_int64(st, 2, q->from);
    (void)sqlite3_bind_int64(st, 3, q->before);
    (void)sqlite3_bind_int64(st, 4, (sqlite3_int64)q->limit);
    if (q->by_rank) {
        (void)sqlite3_bind_int64(st, 5, (sqlite3_int64)q->skip);
    }
    db->deadline_ms = clock_mono_ms() + q->timeout_ms;
    while (*count < q->limit && (sql = sqlite3_step(st)) == SQLITE_ROW) {
        if (!read_hit(st, &hits[(*count)++])) {
            sql = SQLITE_NOMEM;
            break;
        }
    }
    int rc = sql == SQLITE_DONE || sql == SQLITE_ROW ? 0 : fail(db, sql, e);
    db->deadline_ms = 0;
    done_with(st);
    if ((sql & 0xFF) == SQLITE_ERROR) { /* says nothing about the file */
        return err_field(e, NULL, "q", "this cannot be searched for");
    }
    return rc == E_TIMEOUT ? err_word(e, E_TIMEOUT, "search_too_slow",
                                      "the search took too long; look for more or longer words")
                           : rc;
}

void search_hits_finish(struct search_hit *hits, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free(hits[i].session);
        free(hits[i].chat);
        free(hits[i].id);
        free(hits[i].snippet);
    }
}
