/*
 * Fine rows past their time are added to the row of their hour and go, in one transaction; rows of
 * hours past theirs go. A round walks over the sessions, a bounded number of rows and sessions a
 * step. A row that is not ours goes too.
 */
#include "stats.h"

#include "mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STEP_ROWS 250
#define STEP_SESSIONS 250
#define PAST "~" /* behind every name */
#define FINE "5m."  /* before the first of the fine rows */

struct old_row {
    char name[64];
    bool fold;
    uint64_t hour_s;
    struct stats_row row;
};
struct step {
    struct store_txn *t;
    struct stats_trim *at;
    uint64_t fold_before_s, drop_before_s;
    size_t count;
    struct old_row rows[STEP_ROWS];
    bool found, hours; /* hours: only what stands before the fine rows is looked at */
};

static int on_first(void *arg, const char *const *path, struct store_value v)
{
    struct step *s = arg;
    (void)v;
    (void)snprintf(s->at->tenant, sizeof(s->at->tenant), "%s", path[0]);
    (void)snprintf(s->at->session, sizeof(s->at->session), "%s", path[1]);
    s->found = true;
    return 1;
}

/* The next session (or tenant's own row set) behind the present one. */
static int next_session(struct step *s)
{
    char tenant[64], session[64];
    memcpy(tenant, s->at->tenant, sizeof(tenant));
    memcpy(session, s->at->session, sizeof(session));
    s->found = false;
    int rc = tenant[0] == '\0'
                 ? store_scan(s->t, STORE_STATS, NULL, NULL, on_first, s)
                 : store_scan_from(s->t, STORE_STATS, NULL, STORE_PATH(tenant, session, PAST), true,
                                   on_first, s);
    return rc;
}

static int on_row(void *arg, const char *const *path, struct store_value v)
{
    struct step *s = arg;
    bool hour = false;
    uint64_t at_s = 0;
    bool ours = stats_name_parse(path[2], &hour, &at_s);
    if (s->hours && strcmp(path[2], FINE) >= 0) {
        return 1;
    }
    if (ours && at_s >= (hour ? s->drop_before_s : s->fold_before_s)) {
        return 1; /* they stand in the order of time */
    }
    if (s->count == STEP_ROWS) {
        return 1;
    }
    struct old_row *o = &s->rows[s->count++];
    memset(o, 0, sizeof(*o));
    (void)snprintf(o->name, sizeof(o->name), "%s", path[2]);
    o->fold = ours && !hour && at_s >= s->drop_before_s && stats_decode(v.data, v.len, &o->row);
    o->hour_s = at_s - at_s % STATS_HOUR_S;
    return 0;
}

static int fold(struct step *s, struct old_row *o)
{
    char name[STATS_NAME_LEN];
    unsigned char text[STATS_ROW_MAX];
    struct store_value v;
    stats_name(name, true, o->hour_s);
    const char *const *path = STORE_PATH(s->at->tenant, s->at->session, name);
    int rc = store_get(s->t, STORE_STATS, path, &v);
    if (rc == 0) {
        (void)stats_decode(v.data, v.len, &o->row);
    }
    return rc != 0 && rc != E_NOTFOUND
               ? rc
               : store_put(s->t, STORE_STATS, path, text, stats_encode(&o->row, text));
}

static int trim_session(struct step *s)
{
    const char *const *within = STORE_PATH(s->at->tenant, s->at->session);
    const char *const *fine = STORE_PATH(s->at->tenant, s->at->session, FINE);
    size_t from = s->count;
    s->hours = true;
    int rc = store_scan(s->t, STORE_STATS, within, NULL, on_row, s);
    s->hours = false;
    if (rc == 0 && s->count < STEP_ROWS) {
        rc = store_scan_from(s->t, STORE_STATS, within, fine, false, on_row, s);
    }
    for (size_t i = from; rc == 0 && i < s->count; i++) {
        struct old_row *o = &s->rows[i];
        rc = o->fold ? fold(s, o) : 0;
        rc = rc != 0 ? rc
                     : store_del(s->t, STORE_STATS,
                                 STORE_PATH(s->at->tenant, s->at->session, o->name));
    }
    return rc;
}

int stats_trim(struct store_txn *t, uint64_t now_ms, struct stats_trim *at, bool *more)
{
    const uint64_t now_s = now_ms / 1000;
    struct step *s = mem_calloc(1, sizeof(*s));
    if (s == NULL) {
        return E_NOMEM;
    }
    s->t = t;
    s->at = at;
    s->fold_before_s = now_s > STATS_FINE_KEEP_S ? now_s - STATS_FINE_KEEP_S : 0;
    s->fold_before_s -= s->fold_before_s % STATS_HOUR_S;
    s->drop_before_s = now_s > STATS_KEEP_S ? now_s - STATS_KEEP_S : 0;
    int rc = 0;
    *more = true;
    for (unsigned i = 0; rc == 0 && i < STEP_SESSIONS && s->count < STEP_ROWS; i++) {
        rc = at->again ? 0 : next_session(s);
        if (rc == 0 && !at->again && !s->found) {
            *more = false;
            break;
        }
        rc = rc != 0 ? rc : trim_session(s);
        at->again = s->count == STEP_ROWS;
    }
    free(s);
    return rc;
}
