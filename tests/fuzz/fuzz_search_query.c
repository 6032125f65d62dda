/* What a person types into a search: always an expression that FTS5 understands. */
#include "search_text.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static sqlite3_stmt *statement(void)
{
    static sqlite3_stmt *st;
    sqlite3 *db = NULL;
    if (st == NULL &&
        (sqlite3_open(":memory:", &db) != SQLITE_OK ||
         sqlite3_exec(db, "CREATE VIRTUAL TABLE f USING fts5(body, k)", NULL, NULL, NULL) !=
             SQLITE_OK ||
         sqlite3_prepare_v2(db, "SELECT rowid FROM f WHERE f MATCH ?1", -1, &st, NULL) !=
             SQLITE_OK)) {
        abort();
    }
    return st;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct search_filter f = {.session = "main", .type = "text"};
    char q[SEARCH_Q_MAX + 1];
    struct buf match;
    size_t len = size < SEARCH_Q_MAX ? size : SEARCH_Q_MAX;
    memcpy(q, data, len);
    q[len] = '\0';
    buf_init(&match, 16384);
    if (search_match(q, &f, &match)) {
        sqlite3_stmt *st = statement();
        (void)sqlite3_bind_text(st, 1, match.data, -1, SQLITE_STATIC);
        if (sqlite3_step(st) != SQLITE_DONE) {
            abort();
        }
        (void)sqlite3_reset(st);
    }
    buf_finish(&match);
    return 0;
}
