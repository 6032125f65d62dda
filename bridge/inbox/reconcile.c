/*
 * The far end's present view of a message that we have. Whatever differs is what happened while
 * nobody listened: it goes the way that the event would have gone, so that the same is stored and
 * told, and a second look finds nothing. When it happened is told for some of it; else it is now.
 */
#include "inbox_priv.h"

#include "json.h"

#include <stdlib.h>
#include <string.h>

struct look {
    struct store_txn *t;
    struct ingest *g;
    struct ingest_item *it;
    const struct store_message_ref *ref;
    const json_t *m;
};

static bool is_type(const json_t *m, const char *type)
{
    return strcmp(json_str_or(m, "type", ""), type) == 0;
}

/* The same as the event that we missed, by who wrote the message. */
static int missed(const struct look *l, enum channel_event_kind kind, const char *text,
                  uint64_t time_ms)
{
    const struct channel_message *seen = &l->it->ev.message;
    struct ingest_item change = *l->it;
    change.fresh = false;
    change.ev = (struct channel_event){
        .kind = kind,
        .chat = seen->chat,
        .by = seen->from,
        .message_id = l->ref->id,
        .text = text,
        .participant = "",
        .content = "",
        .from_me = seen->from_me,
        .time_ms = time_ms,
    };
    change.ev.chat.id = l->ref->chat;
    int rc = change_apply(l->t, l->g, &change);
    l->it->fresh = l->it->fresh || change.fresh;
    return rc;
}

/* ---- reactions and votes ------------------------------------------------------------------------
 */

static int told_one(const struct look *l, enum added_kind kind, const struct channel_peer *by,
                    bool mine, json_t *value, uint64_t at_ms)
{
    struct ingest_item change = *l->it;
    char *content = NULL;
    int rc = 0;
    change.fresh = false;
    change.ev = (struct channel_event){
        .kind = kind == ADDED_VOTE ? CHANNEL_VOTE : CHANNEL_REACTION,
        .chat = l->it->ev.message.chat,
        .by = *by,
        .message_id = l->ref->id,
        .text = kind == ADDED_VOTE ? "" : json_string_value(value),
        .participant = "",
        .content = "",
        .from_me = mine,
        .time_ms = at_ms,
    };
    change.ev.chat.id = l->ref->chat;
    if (kind == ADDED_VOTE) {
        json_t *o = json_object();
        if (o == NULL || json_object_set(o, "options", value) != 0 ||
            (content = json_text(o, NULL)) == NULL) {
            rc = E_NOMEM;
        }
        json_decref(o);
        change.ev.content = content;
    }
    rc = rc != 0 ? rc : change_apply(l->t, l->g, &change);
    l->it->fresh = l->it->fresh || change.fresh;
    free(content);
    return rc;
}

static bool is_me(const struct look *l, const struct channel_peer *p)
{
    /* our own JIDs are those of the session's account */
    return (p->lid[0] != '\0' && strcmp(p->lid, l->g->me_lid) == 0) ||
           (p->id[0] != '\0' &&
            (strcmp(p->id, l->g->me_id) == 0 || strcmp(p->id, l->g->me_lid) == 0));
}

static struct channel_peer peer_of(const json_t *by)
{
    return (struct channel_peer){.id = json_str_or(by, "id", ""),
                                 .phone = json_str_or(by, "phone", ""),
                                 .lid = json_str_or(by, "lid", ""),
                                 .name = json_str_or(by, "name", "")};
}

/* Those that are not there any more were taken back, at a time that nobody tells. */
static int gone(const struct look *l, enum added_kind kind, const json_t *seen, json_t *known)
{
    const char *who;
    json_t *one;
    json_object_foreach(known, who, one)
    {
        const json_t *value = json_object_get(one, "value");
        bool stands =
            json_is_string(value) ? json_string_length(value) > 0 : json_array_size(value) > 0;
        if (!stands || json_object_get(seen, who) != NULL) {
            continue;
        }
        const struct channel_peer by = peer_of(json_obj(one, "by"));
        json_t *none = kind == ADDED_VOTE ? json_array() : json_string("");
        int rc = none != NULL ? told_one(l, kind, &by, strcmp(who, "me") == 0, none,
                                         (uint64_t)json_int(one, "at_ms", 0))
                              : E_NOMEM;
        json_decref(none);
        if (rc != 0) {
            return rc;
        }
    }
    return 0;
}

/* list: as told, [{by,at_ms,emoji|options}]. */
static int compare_added(const struct look *l, enum added_kind kind, const char *list_text)
{
    size_t i;
    json_t *one;
    int rc = 0;
    if (list_text[0] == '\0') {
        return 0;
    }
    json_t *list = json_loads(list_text, 0, NULL);
    json_t *seen = json_object();
    /* what was known before: applying changes the stored message, not this one */
    json_t *known = json_deep_copy(added_all(l->m, kind));
    json_array_foreach(list, i, one)
    {
        const struct channel_peer by = peer_of(json_obj(one, "by"));
        struct person person;
        bool mine = is_me(l, &by);
        json_t *value = json_object_get(one, kind == ADDED_VOTE ? "options" : "emoji");
        rc = mine ? 0 : identity_learn(l->g->b, l->t, &l->g->owner, &by, &person);
        rc =
            rc != 0 ? rc : told_one(l, kind, &by, mine, value, (uint64_t)json_int(one, "at_ms", 0));
        if (rc != 0 || json_object_set_new(seen, mine ? "me" : person.id, json_true()) != 0) {
            rc = rc != 0 ? rc : E_NOMEM;
            break;
        }
    }
    rc = rc != 0 || list == NULL ? rc : gone(l, kind, seen, known);
    json_decref(known);
    json_decref(seen);
    json_decref(list);
    return rc;
}

/* ---- the message itself
 * -------------------------------------------------------------------------- */

/* One of theirs that reads otherwise was edited; of ours only when the far end says so: it may keep
 * what we sent in another form. A view from before the edit that we know (a message that was told
 * live, and waited while the catch-up found it edited) takes nothing back. */
static bool was_edited(const struct channel_message *seen, const json_t *m)
{
    return seen->text[0] != '\0' && (!seen->from_me || seen->edited_ms != 0) &&
           !edited_after(m, seen->edited_ms) && strcmp(json_str_or(m, "text", ""), seen->text) != 0;
}

int change_reconcile(struct store_txn *t, struct ingest *g, struct ingest_item *it,
                     const struct store_message_ref *ref, json_t *m)
{
    const struct channel_message *seen = &it->ev.message;
    const struct look l = {.t = t, .g = g, .it = it, .ref = ref, .m = m};
    const struct channel_event ev = {.by = seen->from, .from_me = seen->from_me};
    const bool ours = strcmp(json_str_or(m, "direction", ""), "out") == 0;
    struct person who = {0};
    int rc = 0;
    if (ours != seen->from_me) {
        return 0; /* another message that bears the same id */
    }
    if (!ours) {
        rc = identity_learn(g->b, t, &g->owner, &seen->from, &who);
        if (rc != 0 || change_by_another(m, &ev, &who)) {
            return rc;
        }
    }
    if (is_type(m, "revoked")) {
        return 0;
    }
    if (strcmp(seen->type, "revoked") == 0) {
        return missed(&l, CHANNEL_REVOKE, "", seen->revoked_ms);
    }
    if (is_type(m, "pending") && strcmp(seen->type, "pending") != 0) {
        rc = message_fill(t, g, it, ref, m);
    } else if (is_type(m, seen->type) && was_edited(seen, m)) {
        rc = missed(&l, CHANNEL_EDIT, seen->text, seen->edited_ms);
    }
    rc = rc != 0 ? rc : compare_added(&l, ADDED_REACTION, seen->reactions);
    return rc != 0 ? rc : compare_added(&l, ADDED_VOTE, seen->votes);
}
