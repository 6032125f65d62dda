/*
 * A look at who and what the far end knows, page by page, beside everything else.
 *
 * Happy path: session ready -> a page of contacts asked for -> differences stored in one operation
 * of at most PAGE rows -> the next page … -> the groups the same way -> each group whose list of
 * people we do not have, or that was changed, by itself -> over. One such walk a session; what is
 * to be looked at again meanwhile is remembered. Failure modes: the session is not ready any more,
 * the far end fails, the store refuses: the walk ends and the next `ready` begins another; nothing
 * depends on it, since messages and changes bring their own people with them.
 */
#include "people_mem.h"

#include "clock.h"
#include "event.h"
#include "groups.h"
#include "json.h"
#include "log.h"
#include "mem.h"

#include <stdlib.h>
#include <string.h>

#define PAGE 200
#define PAGE_TIMEOUT_MS 30000
#define TODO_MAX 256 /* groups to be looked at one by one */

struct walk {
    struct list link;
    struct store_op op;
    struct bridge *b;
    struct message_owner owner;
    enum { CONTACTS, GROUPS, ONE_GROUP } what;
    char cursor[STORE_MAX_ID + 1]; /* ONE_GROUP: which */
    json_t *page;                  /* the far end's answer */
    uint64_t now_ms;
    bool told; /* out of the operation */
    size_t seen;
    size_t todo_count; /* of groups, filled in on the loop between operations */
    char (*todo)[STORE_MAX_ID + 1];
    size_t found_count; /* out: groups of this page to be looked at */
    char found[PAGE][STORE_MAX_ID + 1];
};

static void step(struct walk *w);

static void end(struct walk *w)
{
    struct bridge *b = w->b;
    struct log_ctx ctx = {w->owner.tenant, w->owner.session, NULL};
    log_debug(&ctx, "people.refreshed", "%zu contacts and groups looked at", w->seen);
    list_remove(&w->link);
    json_decref(w->page);
    free(w->todo);
    free(w);
    core_leave(b);
}

static void remember(struct walk *w, const char *group)
{
    for (size_t i = 0; i < w->todo_count; i++) {
        if (strcmp(w->todo[i], group) == 0) {
            return;
        }
    }
    size_t len = strnlen(group, STORE_MAX_ID + 1);
    if (w->todo_count < TODO_MAX && len <= STORE_MAX_ID) {
        memcpy(w->todo[w->todo_count++], group, len + 1);
    }
}

/* ---- on the writer thread ----------------------------------------------------------------------
 */

static bool set(json_t *doc, const char *key, json_t *value, int *rc)
{
    bool news = value != NULL && !json_equal(json_object_get(doc, key), value);
    if (news && *rc == 0) {
        *rc = json_object_set(doc, key, value) == 0 ? 0 : E_NOMEM;
    }
    json_decref(value);
    return news;
}

static json_t *text_or_null(const char *s)
{
    return s != NULL && s[0] != '\0' ? json_string(s) : json_null();
}

/* One of the list. Whoever we did not know is written without an event: there may be thousands. */
static int take_contact(struct store_txn *t, struct walk *w, const json_t *item)
{
    const struct channel_peer p = peer_of_json(item);
    struct person before = {.id = ""}, who;
    json_t *doc = NULL;
    if (!identity_is_person(p.id) || strlen(p.id) > STORE_MAX_ID) {
        return 0;
    }
    int rc = identity_find(t, &w->owner, p.id, &before);
    if (rc != 0 && rc != E_NOTFOUND) {
        return rc;
    }
    rc = identity_learn(w->b, t, &w->owner, &p, &who);
    rc = rc != 0 ? rc : contact_load(t, &w->owner, who.contact_id, &doc);
    if (rc != 0) {
        return rc;
    }
    bool saved = json_flag(item, "saved", false);
    bool news = set(doc, "push_name", text_or_null(json_str(item, "push_name")), &rc);
    news |= set(doc, "saved", json_boolean(saved), &rc);
    news |= set(doc, "saved_name", text_or_null(saved ? p.name : NULL), &rc);
    news |= set(doc, "business", json_boolean(json_flag(item, "business", false)), &rc);
    news |= set(doc, "blocked", json_boolean(json_flag(item, "blocked", false)), &rc);
    if (rc == 0 && news) {
        rc = json_set_time(doc, "updated_at", w->now_ms);
        rc = rc != 0 ? rc : contact_save(t, &w->owner, who.contact_id, doc);
    }
    bool other = before.contact_id[0] != '\0' && (news || strcmp(before.name, who.name) != 0);
    if (rc == 0 && other) {
        rc = contact_tell(w->b, t, &w->owner, "contact.updated", doc);
    }
    w->told = w->told || other || who.told;
    json_decref(doc);
    return rc;
}

static int take_group(struct store_txn *t, struct walk *w, const json_t *item)
{
    bool complete = false;
    const char *id = json_str_or(item, "id", "");
    int rc = group_take(t, &w->owner, item, w->now_ms, &complete);
    if (rc == 0 && !complete && w->found_count < PAGE && strlen(id) <= STORE_MAX_ID) {
        memcpy(w->found[w->found_count++], id, strlen(id) + 1);
    }
    return rc;
}

static int apply(struct store_txn *t, struct store_op *op)
{
    struct walk *w = op->data;
    const json_t *items = json_arr(w->page, "items");
    int rc = 0;
    w->told = false;
    w->found_count = 0;
    const char *gone = json_str(w->page, "gone");
    if (gone != NULL) {
        rc = store_del(t, STORE_GROUPS, STORE_PATH(w->owner.tenant, w->owner.session, gone));
        rc = rc == E_NOTFOUND ? 0 : rc;
    } else if (w->what == ONE_GROUP) {
        rc = take_group(t, w, w->page);
        w->found_count = 0;
    }
    for (size_t i = 0; rc == 0 && i < json_array_size(items) && i < PAGE; i++) {
        const json_t *item = json_array_get(items, i);
        rc = w->what == CONTACTS ? take_contact(t, w, item) : take_group(t, w, item);
        rc = rc == E_TOOLARGE || rc == E_INVALID ? 0 : rc; /* one that cannot be kept */
    }
    return rc;
}

/* ---- on the loop -------------------------------------------------------------------------------
 */

static void on_stored(struct store_op *op, int rc)
{
    struct walk *w = op->data;
    if (rc == 0 && w->told) {
        event_committed(w->b, w->owner.tenant);
    }
    for (size_t i = 0; i < w->found_count; i++) {
        remember(w, w->found[i]);
    }
    w->seen += w->what == ONE_GROUP ? 1 : json_array_size(json_arr(w->page, "items"));
    const char *next = json_str_or(w->page, "next", "");
    size_t len = strnlen(next, sizeof(w->cursor));
    if (rc != 0 || len == sizeof(w->cursor)) {
        end(w);
        return;
    }
    memcpy(w->cursor, next, len + 1);
    if (w->what != ONE_GROUP && len == 0) {
        w->what = w->what == CONTACTS ? GROUPS : ONE_GROUP;
    }
    step(w);
}

static void on_page(void *arg, const struct err *e, const json_t *value)
{
    struct walk *w = arg;
    json_decref(w->page);
    w->page = e == NULL ? json_deep_copy(value) : NULL;
    if (e != NULL && w->what == ONE_GROUP && e->code == E_NOTFOUND) {
        w->page = json_pack("{s:s}", "gone", w->cursor);
    }
    if (w->page == NULL) {
        struct log_ctx ctx = {w->owner.tenant, w->owner.session, NULL};
        log_info(&ctx, "people.refresh", "ends early: %s", e != NULL ? e->msg : "out of memory");
        end(w);
        return;
    }
    w->now_ms = clock_wall_ms();
    w->op.data = w;
    err_clear(&w->op.err);
    store_submit(w->b->store, &w->op, apply, on_stored);
}

static void step(struct walk *w)
{
    struct channel *ch;
    if (w->b->closing || far_channel(w->b, w->owner.tenant, w->owner.session, &ch, NULL) != 0 ||
        (w->what == ONE_GROUP && w->todo_count == 0)) {
        end(w);
        return;
    }
    if (w->what == ONE_GROUP) {
        w->todo_count--;
        memcpy(w->cursor, w->todo[w->todo_count], sizeof(w->cursor));
        json_t *args = json_pack("{s:s}", "id", w->cursor);
        channel_ask(ch, "group", args, PAGE_TIMEOUT_MS, on_page, w);
        return;
    }
    json_t *args = json_pack("{s:s, s:i}", "cursor", w->cursor, "limit", PAGE);
    channel_ask(ch, w->what == CONTACTS ? "contacts_list" : "groups_list", args, PAGE_TIMEOUT_MS,
                on_page, w);
}

static struct walk *find(struct people *p, const char *tenant, const char *session)
{
    for (struct list *at = p->walks.next; at != &p->walks; at = at->next) {
        struct walk *w = LIST_ENTRY(at, struct walk, link);
        if (strcmp(w->owner.tenant, tenant) == 0 && strcmp(w->owner.session, session) == 0) {
            return w;
        }
    }
    return NULL;
}

static struct walk *create(struct bridge *b, const char *tenant, const char *session)
{
    struct walk *w = mem_calloc(1, sizeof(*w));
    if (w == NULL) {
        return NULL;
    }
    w->todo = mem_calloc(TODO_MAX, sizeof(*w->todo));
    if (w->todo == NULL) {
        free(w);
        return NULL;
    }
    w->b = b;
    message_owner_set(&w->owner, tenant, session);
    list_append(&b->people->walks, &w->link);
    core_enter(b);
    return w;
}

void people_refresh(struct session *s)
{
    struct bridge *b = session_bridge(s);
    if (b->people == NULL || find(b->people, session_tenant(s), session_id(s)) != NULL) {
        return;
    }
    struct walk *w = create(b, session_tenant(s), session_id(s));
    if (w != NULL) {
        step(w);
    }
}

void people_group_changed(struct bridge *b, const char *tenant, const char *session,
                          const char *group)
{
    struct walk *w = b->people != NULL ? find(b->people, tenant, session) : NULL;
    bool under_way = w != NULL;
    if (b->people == NULL) {
        return;
    }
    w = under_way ? w : create(b, tenant, session);
    if (w == NULL) {
        return;
    }
    remember(w, group);
    if (!under_way) {
        w->what = ONE_GROUP;
        step(w);
    }
}
