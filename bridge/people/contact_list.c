/*
 * Contacts: all of them in the order of their ids, or those that a search finds, best first:
 *
 *   EXACT    the whole name           one range of the terms n…
 *   BEGINS   the name begins so       the same range, longer terms
 *   WORD     words of it begin so     the range w… of the longest word of the search
 *   NUMBER   the number has it        all terms p…, which are short rows
 *
 * A contact is given once, in the best part that it fits: each part leaves out what an earlier one
 * has, so that a cursor (part and term) is enough to go on from.
 */
#include "people_priv.h"

#include "json.h"

#include <stdio.h>
#include <string.h>

#define VISITS 5000          /* records parsed for one page */
#define NUMBER_VISITS 200000 /* rows of numbers walked for one page */
#define DIGITS_MIN 2

enum part { EXACT, BEGINS, WORD, NUMBER, PARTS };

struct search {
    struct listing l;
    struct store_txn *t;
    const struct message_owner *o;
    enum part part;
    char q[TERM_MAX + 1];       /* folded, as long as a term */
    char word[TERM_MAX + 1];    /* its longest word */
    char digits[PHONE_MAX + 1]; /* "": no number is meant */
    size_t walked;
};

static bool begins(const char *s, const char *with)
{
    return strncmp(s, with, strlen(with)) == 0;
}

/* ---- what a contact fits ------------------------------------------------------------------------
 */

/* The smallest word of the contact that begins with `with`; "" none. */
static void first_word(const json_t *doc, const char *with, char out[TERM_MAX + 1])
{
    static const char *const keys[] = {"name", "push_name", "saved_name"};
    out[0] = '\0';
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        char folded[2 * PERSON_NAME_MAX], at[TERM_MAX + 1];
        const char *s = folded, *word;
        size_t len;
        (void)term_fold(json_str_or(doc, keys[i], ""), folded, sizeof(folded));
        while (term_next(&s, &word, &len)) {
            (void)snprintf(at, sizeof(at), "%.*s", (int)(len < TERM_MAX ? len : TERM_MAX), word);
            if (begins(at, with) && (out[0] == '\0' || strcmp(at, out) < 0)) {
                memcpy(out, at, sizeof(at));
            }
        }
    }
}

static bool has_words(const struct search *s, const json_t *doc)
{
    char one[TERM_MAX + 1], found[TERM_MAX + 1];
    const char *q = s->q, *word;
    size_t len;
    while (term_next(&q, &word, &len)) {
        (void)snprintf(one, sizeof(one), "%.*s", (int)len, word);
        first_word(doc, one, found);
        if (found[0] == '\0') {
            return false;
        }
    }
    return true;
}

static enum part best_part(const struct search *s, const json_t *doc)
{
    char name[2 * PERSON_NAME_MAX];
    (void)term_fold(json_str_or(doc, "name", ""), name, sizeof(name));
    if (s->q[0] != '\0' && begins(name, s->q)) {
        return strcmp(name, s->q) == 0 ? EXACT : BEGINS;
    }
    return s->word[0] != '\0' && has_words(s, doc) ? WORD : NUMBER;
}

static bool is_here(const struct search *s, const json_t *doc, const char *term)
{
    char first[TERM_MAX + 1];
    if (best_part(s, doc) != s->part) {
        return false;
    }
    if (s->part != WORD) {
        return true;
    }
    first_word(doc, s->word, first); /* it may have several such words */
    return strcmp(first, term + 1) == 0;
}

/* ---- walking ------------------------------------------------------------------------------------
 */

/* Behind the range of this part? */
static bool is_past(const struct search *s, const char *term)
{
    switch (s->part) {
    case EXACT:
        return term[0] != 'n' || strcmp(term + 1, s->q) != 0;
    case BEGINS:
        return term[0] != 'n' || !begins(term + 1, s->q);
    case WORD:
        return term[0] != 'w' || !begins(term + 1, s->word);
    default:
        return term[0] != 'p';
    }
}

/* A number without these digits: goes on, or ends the page here. */
static int walk_on(struct search *s, const char *term, const char *id)
{
    if (++s->walked <= NUMBER_VISITS) {
        return 0;
    }
    s->l.number = NUMBER;
    (void)snprintf(s->l.place, sizeof(s->l.place), "%s\n%s", term, id);
    s->l.more = true;
    return 1;
}

static int on_term(void *arg, const char *const *path, struct store_value v)
{
    struct search *s = arg;
    const char *term = path[2];
    char place[LIST_PLACE_MAX + 1];
    (void)v;
    if (is_past(s, term)) {
        return 1;
    }
    if (s->part == NUMBER && strstr(term + 1, s->digits) == NULL) {
        return walk_on(s, term, path[3]);
    }
    json_t *doc = NULL;
    bool full = json_array_size(s->l.items) == s->l.limit || s->l.visits == 0;
    int rc = full ? 0 : contact_load(s->t, s->o, path[3], &doc);
    if (rc != 0 && rc != E_NOTFOUND) {
        return rc;
    }
    if (doc != NULL && !is_here(s, doc, term)) {
        json_decref(doc);
        doc = NULL;
    }
    (void)snprintf(place, sizeof(place), "%s\n%s", term, path[3]);
    rc = people_show_window(s->t, s->o, doc, false);
    if (rc != 0) {
        json_decref(doc);
        return rc;
    }
    return listing_keep(&s->l, s->part, place, contact_public(doc));
}

static int walk_part(struct search *s)
{
    const char *const owner[] = {s->o->tenant, s->o->session, NULL};
    char term[LIST_PLACE_MAX + 1], *id = NULL;
    bool go_on = s->l.place[0] != '\0' && s->l.number == s->part;
    if (go_on) {
        memcpy(term, s->l.place, sizeof(term));
        id = strchr(term, '\n');
        if (id == NULL) {
            return E_INVALID;
        }
        *id++ = '\0';
    } else {
        (void)snprintf(term, sizeof(term), "%c%s", "nnwp"[s->part],
                       s -> part == WORD ? s -> word : s -> part == NUMBER ? "" : s->q);
    }
    return store_scan_from(s->t, STORE_TERMS, owner,
                           STORE_PATH(s->o->tenant, s->o->session, term, id), go_on, on_term, s);
}

static bool has_part(const struct search *s)
{
    return s->part == NUMBER ? s->digits[0] != '\0'
           : s->part == WORD ? s->word[0] != '\0'
                             : s->q[0] != '\0';
}

static int walk(struct search *s)
{
    int rc = s->l.number < PARTS ? 0 : E_INVALID;
    for (unsigned i = (unsigned)s->l.number; rc == 0 && i < PARTS && !s->l.more; i++) {
        s->part = (enum part)i;
        rc = has_part(s) ? walk_part(s) : 0;
    }
    return rc;
}

/* ---- what is searched ---------------------------------------------------------------------------
 */

static void read_query(struct search *s, const char *q)
{
    char folded[2 * LIST_Q_MAX];
    const char *at = folded, *word;
    size_t len, best = 0, n = 0;
    (void)term_fold(q, folded, sizeof(folded));
    size_t lead = strspn(folded, " \t"), end = strlen(folded);
    while (end > lead && (folded[end - 1] == ' ' || folded[end - 1] == '\t')) {
        end--;
    }
    folded[end] = '\0';
    (void)snprintf(s->q, sizeof(s->q), "%s", folded + lead);
    while (term_next(&at, &word, &len)) {
        if (len > best) {
            best = len;
            (void)snprintf(s->word, sizeof(s->word), "%.*s", (int)(len < TERM_MAX ? len : TERM_MAX),
                           word);
        }
    }
    if (strspn(q, "0123456789+-.() \t") != strlen(q)) {
        return;
    }
    for (const char *p = q; *p != '\0' && n < PHONE_MAX; p++) {
        if (*p >= '0' && *p <= '9') {
            s->digits[n++] = *p;
        }
    }
    s->digits[n >= DIGITS_MIN ? n : 0] = '\0';
}

static int on_contact(void *arg, const char *const *path, struct store_value v)
{
    struct search *s = arg;
    bool full = json_array_size(s->l.items) == s->l.limit;
    json_t *doc = full ? NULL : message_public(v);
    int rc = people_show_window(s->t, s->o, doc, false);
    if (rc != 0) {
        json_decref(doc);
        return rc;
    }
    return listing_keep(&s->l, 0, path[2], doc);
}

int bridge_contact_list(struct bridge *b, const char *tenant, const char *session, const char *q,
                        const struct bridge_paging *p, json_t **out, struct err *e)
{
    struct message_owner o;
    struct search s = {.o = &o};
    char after[LIST_PLACE_MAX + 1];
    const bool all = q == NULL || q[strspn(q, " \t")] == '\0';
    err_clear(e);
    if (q != NULL && strlen(q) > LIST_Q_MAX) {
        return err_field(e, NULL, "q", "q has at most %d bytes", LIST_Q_MAX);
    }
    int rc = listing_start(&s.l, all ? 'p' : 'q', p, VISITS, e);
    rc = rc != 0 ? rc : people_read(b, tenant, session, &o, &s.t, e);
    if (rc != 0) {
        listing_drop(&s.l);
        return rc;
    }
    if (all) {
        memcpy(after, s.l.place, sizeof(after));
        rc =
            store_scan(s.t, STORE_CONTACTS, STORE_PATH(o.tenant, o.session), after, on_contact, &s);
    } else {
        read_query(&s, q);
        rc = walk(&s);
    }
    store_read_end(s.t);
    if (rc == E_INVALID && (e == NULL || e->code == 0)) {
        rc = err_field(e, "invalid_cursor", "cursor",
                       "not a cursor of this list; begin without one");
    }
    return listing_give(&s.l, rc, out, e);
}
