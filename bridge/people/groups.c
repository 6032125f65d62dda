#include "groups.h"

#include "event.h"
#include "json.h"
#include "mem.h"

#include <stdlib.h>
#include <string.h>

#define VISITS 2000

/* ---- the record --------------------------------------------------------------------------------
 */

static json_t *facts_of(const json_t *item)
{
    static const char *const flags[] = {"announce", "locked", "admin"};
    const char *description = json_str_or(item, "description", "");
    json_t *doc = json_pack("{s:s, s:s, s:s?, s:I}", "id", json_str_or(item, "id", ""), "name",
                            json_str_or(item, "name", ""), "description",
                            description[0] != '\0' ? description : NULL, "size",
                            (json_int_t)json_int(item, "size", 0));
    int rc = doc != NULL ? 0 : E_NOMEM;
    int64_t created = json_int(item, "created_ms", 0);
    rc = rc != 0 ? rc : json_set_time(doc, "created_at", created > 0 ? (uint64_t)created : 0);
    for (size_t i = 0; rc == 0 && i < sizeof(flags) / sizeof(flags[0]); i++) {
        rc = body_set(doc, flags[i], json_boolean(json_flag(item, flags[i], false)));
    }
    json_t *owner = json_obj(item, "owner");
    bool named = json_str_or(owner, "id", "")[0] != '\0';
    rc = rc != 0 ? rc : body_set(doc, "owner", named ? json_incref(owner) : json_null());
    if (rc != 0) {
        json_decref(doc);
        doc = NULL;
    }
    return doc;
}

int group_take(struct store_txn *t, const struct message_owner *o, const json_t *item,
               uint64_t now_ms, bool *complete)
{
    const char *id = json_str_or(item, "id", "");
    const char *const *path = STORE_PATH(o->tenant, o->session, id);
    struct store_value v;
    json_t *people = json_arr(item, "participants"), *old = NULL;
    *complete = true;
    if (id[0] == '\0') {
        return 0;
    }
    int rc = store_get(t, STORE_GROUPS, path, &v);
    if (rc == 0) {
        old = message_load(v);
    } else if (rc != E_NOTFOUND) {
        return rc;
    }
    json_t *doc = facts_of(item);
    people = people != NULL ? people : json_arr(old, "participants");
    *complete = people != NULL && (int64_t)json_array_size(people) == json_int(item, "size", 0);
    rc = doc == NULL      ? E_NOMEM
         : people != NULL ? body_set(doc, "participants", json_incref(people))
                          : 0;
    json_t *at = json_incref(json_object_get(old, "updated_at"));
    if (old != NULL) {
        json_object_del(old, "updated_at");
    }
    if (rc == 0 && !json_equal(doc, old)) {
        struct err e;
        err_clear(&e);
        rc = json_set_time(doc, "updated_at", now_ms);
        rc = rc != 0 ? rc : record_put(t, STORE_GROUPS, path, doc, &e);
    }
    json_decref(at);
    json_decref(old);
    json_decref(doc);
    return rc;
}

static int show_people(struct store_txn *t, const struct message_owner *o, json_t *doc)
{
    const json_t *people = json_arr(doc, "participants");
    json_t *out = json_array();
    int rc = out != NULL ? 0 : E_NOMEM;
    for (size_t i = 0; rc == 0 && i < json_array_size(people); i++) {
        const json_t *one = json_array_get(people, i);
        json_t *person = person_json(t, o, one);
        rc = person != NULL
                 ? body_set(person, "admin", json_boolean(json_flag(one, "admin", false)))
                 : E_NOMEM;
        rc = rc != 0
                 ? rc
                 : body_set(person, "super_admin", json_boolean(json_flag(one, "super", false)));
        rc = json_array_append_new(out, person) == 0 ? rc : E_NOMEM;
    }
    rc = rc == 0 && json_object_set(doc, "participants", out) == 0 ? 0 : E_NOMEM;
    json_decref(out);
    return rc;
}

json_t *group_public(struct store_txn *t, const struct message_owner *o, struct store_value v,
                     bool with_people)
{
    json_t *doc = message_public(v);
    json_t *owner = json_obj(doc, "owner");
    int rc = 0;
    if (owner != NULL) {
        rc = body_set(doc, "owner", person_json(t, o, owner));
    }
    if (doc != NULL && with_people) {
        rc = rc != 0 ? rc : show_people(t, o, doc);
    } else if (doc != NULL) {
        json_object_del(doc, "participants");
    }
    if (rc != 0) {
        json_decref(doc);
        doc = NULL;
    }
    return doc;
}

/* ---- list --------------------------------------------------------------------------------------
 */

struct walk {
    struct listing l;
    struct store_txn *t;
    const struct message_owner *o;
    char q[LIST_Q_MAX + 1];
};

static int on_group(void *arg, const char *const *path, struct store_value v)
{
    struct walk *w = arg;
    char name[2 * LIST_Q_MAX];
    bool full = json_array_size(w->l.items) == w->l.limit || w->l.visits == 0;
    json_t *doc = full ? NULL : group_public(w->t, w->o, v, false);
    (void)term_fold(json_str_or(doc, "name", ""), name, sizeof(name));
    if (doc != NULL && w->q[0] != '\0' && strstr(name, w->q) == NULL) {
        json_decref(doc);
        doc = NULL;
    }
    return listing_keep(&w->l, 0, path[2], doc);
}

int bridge_group_list(struct bridge *b, const char *tenant, const char *session, const char *q,
                      const struct bridge_paging *p, json_t **out, struct err *e)
{
    struct message_owner o;
    struct walk w = {.o = &o};
    char after[LIST_PLACE_MAX + 1];
    err_clear(e);
    if (q != NULL && strlen(q) > LIST_Q_MAX) {
        return err_field(e, NULL, "q", "q has at most %d bytes", LIST_Q_MAX);
    }
    (void)term_fold(q, w.q, sizeof(w.q));
    int rc = listing_start(&w.l, 'g', p, VISITS, e);
    rc = rc != 0 ? rc : people_read(b, tenant, session, &o, &w.t, e);
    if (rc != 0) {
        listing_drop(&w.l);
        return rc;
    }
    memcpy(after, w.l.place, sizeof(after));
    rc = store_scan(w.t, STORE_GROUPS, STORE_PATH(o.tenant, o.session), after, on_group, &w);
    store_read_end(w.t);
    return listing_give(&w.l, rc, out, e);
}
