/*
 * Which message is meant? Ids are chosen by whoever writes, and a receiver knows the ids of what we
 * sent: the same id may lie in several chats, and on purpose.
 */
#include "identity.h"

#include "json.h"

#include <string.h>

struct pick {
    struct store_txn *t;
    const struct message_owner *o;
    struct store_value v;
    struct store_message_ref ref;
    size_t count;
    bool ours; /* what is picked is one of ours */

    struct person with; /* whose chat is meant */
    bool certain;
};

static bool is_ours(struct store_value v)
{
    json_t *m = message_load(v);
    bool out = strcmp(json_str_or(m, "direction", ""), "out") == 0;
    json_decref(m);
    return out;
}

bool message_is_in(struct store_value v)
{
    json_t *m = message_load(v);
    bool in = strcmp(json_str_or(m, "direction", ""), "in") == 0;
    json_decref(m);
    return in;
}

static void take(struct pick *p, const struct store_message_ref *ref, struct store_value v)
{
    p->ref = *ref;
    p->v = v;
}

static int give(const struct pick *p, int rc, struct store_value *v, struct store_message_ref *ref)
{
    if (rc != 0 || p->count == 0) {
        return rc != 0 ? rc : E_NOTFOUND;
    }
    if (v != NULL) {
        *v = p->v;
    }
    if (ref != NULL) {
        *ref = p->ref;
    }
    return 0;
}

/* With a single one, as nearly always, nothing is parsed. */
static int on_any(void *arg, const struct store_message_ref *ref, struct store_value v)
{
    struct pick *p = arg;
    if (p->count++ == 0) {
        take(p, ref, v);
        return 0;
    }
    p->ours = p->ours || is_ours(p->v);
    if (!p->ours) {
        p->ours = is_ours(v);
        if (p->ours) {
            take(p, ref, v);
        }
    }
    return p->ours;
}

int message_find(struct store_txn *t, const struct message_owner *o, const char *id,
                 struct store_value *v, struct store_message_ref *ref)
{
    struct pick p = {.t = t, .o = o};
    int rc = store_message_each(t, o->tenant, o->session, id, on_any, &p);
    return give(&p, rc, v, ref);
}

static int person_of(struct store_txn *t, const struct message_owner *o, const char *chat,
                     struct person *out)
{
    const struct channel_peer p = {.id = chat};
    int rc = identity_find(t, o, chat, out);
    if (rc == E_NOTFOUND) {
        identity_told(&p, out);
        return 0;
    }
    return rc;
}

static int on_other_chat(void *arg, const struct store_message_ref *ref, struct store_value v)
{
    struct pick *p = arg;
    struct person with;
    if (!identity_is_person(ref->chat)) {
        return 0;
    }
    int rc = person_of(p->t, p->o, ref->chat, &with);
    if (rc != 0) {
        return rc;
    }
    bool same = p->certain ? strcmp(with.id, p->with.id) == 0 : !identity_differs(&with, &p->with);
    if (same) {
        p->count = 1;
        take(p, ref, v);
    }
    return same;
}

int message_find_in(struct store_txn *t, const struct message_owner *o, const char *chat,
                    const char *id, bool certain, struct store_value *v,
                    struct store_message_ref *ref)
{
    struct pick p = {.t = t, .o = o, .certain = certain};
    int rc = store_message_get(t, o->tenant, o->session, chat, id, v, ref);
    if (rc != E_NOTFOUND || !identity_is_person(chat)) {
        return rc;
    }
    rc = person_of(t, o, chat, &p.with);
    rc = rc != 0 ? rc : store_message_each(t, o->tenant, o->session, id, on_other_chat, &p);
    return give(&p, rc, v, ref);
}
