/*
 * What people add to a message: reactions, and choices in a poll. "_" keeps the last word of each
 * person, also that they took it back, so that a repetition is known as one; the message shows
 * those that stand.
 */
#include "inbox_priv.h"

#include "json.h"

#include <string.h>

#define PEOPLE_MAX 2000 /* whose reactions to one message are kept */

static const char *table_name(enum added_kind kind)
{
    return kind == ADDED_REACTION ? "reactions" : "votes";
}

json_t *added_all(const json_t *m, enum added_kind kind)
{
    return json_obj(json_obj(m, "_"), table_name(kind));
}

static bool stands(const json_t *value)
{
    return json_is_string(value) ? json_string_length(value) > 0 : json_array_size(value) > 0;
}

/* [{by,emoji,at}] or [{by,options,at}] of those that stand. */
static json_t *shown(json_t *table, enum added_kind kind)
{
    const char *who;
    json_t *one, *list = json_array();
    json_object_foreach(table, who, one)
    {
        const json_t *value = json_object_get(one, "value");
        if (list == NULL || !stands(value)) {
            continue;
        }
        json_t *entry = json_object();
        int rc = entry != NULL ? json_object_set(entry, "by", json_object_get(one, "by")) : -1;
        rc = rc != 0 ? rc
                     : json_object_set(entry, kind == ADDED_REACTION ? "emoji" : "options",
                                       json_object_get(one, "value"));
        rc = rc != 0 ? rc : json_set_time(entry, "at", (uint64_t)json_int(one, "at_ms", 0));
        if (rc != 0 || json_array_append_new(list, entry) != 0) {
            json_decref(list);
            list = NULL;
        }
    }
    return list;
}

static int show(json_t *m, enum added_kind kind)
{
    json_t *table = added_all(m, kind);
    json_t *list = shown(table, kind);
    if (list == NULL) {
        return E_NOMEM;
    }
    json_t *home = kind == ADDED_REACTION ? m : json_obj(m, "poll");
    if (home == NULL) { /* votes of a poll that we do not have */
        json_decref(list);
        return 0;
    }
    if (kind == ADDED_REACTION && json_array_size(list) == 0) {
        json_decref(list);
        (void)json_object_del(m, "reactions");
        return 0;
    }
    return json_object_set_new(home, table_name(kind), list) == 0 ? 0 : E_NOMEM;
}

int added_put(json_t *m, const struct added *a, bool *news)
{
    json_t *private = message_private(m);
    json_t *table = json_obj(private, table_name(a->kind));
    const json_t *now = json_obj(table, a->who);
    const bool stub = message_is_stub(m);
    *news = false;
    if (now != NULL) {
        bool same = json_equal(json_object_get(now, "value"), a->value) != 0;
        bool older = a->at_ms != 0 && a->at_ms < (uint64_t)json_int(now, "at_ms", 0);
        if (same || older) {
            return 0;
        }
    } else if ((!stands(a->value) && !stub) || json_object_size(table) >= PEOPLE_MAX) {
        return 0;
    }
    if (private != NULL && table == NULL) {
        (void)json_object_set_new(private, table_name(a->kind), json_object());
        table = json_obj(private, table_name(a->kind));
    }
    json_t *one = json_object();
    bool ok = table != NULL && one != NULL && json_object_set(one, "by", a->by) == 0 &&
              json_object_set(one, "value", a->value) == 0 &&
              json_object_set_new(one, "at_ms", json_integer((json_int_t)a->at_ms)) == 0;
    if (!ok || json_object_set(table, a->who, one) != 0) {
        json_decref(one);
        return E_NOMEM;
    }
    json_decref(one);
    *news = true;
    return show(m, a->kind);
}

int added_adopt(json_t *m, const json_t *from)
{
    for (int kind = ADDED_REACTION; kind <= ADDED_VOTE; kind++) {
        json_t *table = added_all(from, (enum added_kind)kind);
        if (table == NULL) {
            continue;
        }
        json_t *private = message_private(m);
        if (private == NULL ||
            json_object_set(private, table_name((enum added_kind)kind), table) != 0) {
            return E_NOMEM;
        }
        int rc = show(m, (enum added_kind)kind);
        if (rc != 0) {
            return rc;
        }
    }
    return 0;
}
