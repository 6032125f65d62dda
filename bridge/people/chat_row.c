#include "chat_row.h"

#include "json.h"

#include <stdlib.h>
#include <string.h>

#define TAGS_MAX 20

static int load_at(struct store_txn *t, const struct message_owner *o, const char *chat,
                   struct chat_row *r)
{
    struct store_value v;
    size_t len = strnlen(chat, STORE_MAX_ID + 1);
    memset(r, 0, sizeof(*r));
    if (len == 0 || len > STORE_MAX_ID) {
        return 0;
    }
    memcpy(r->id, chat, len + 1);
    int rc = store_chat_get(t, o->tenant, o->session, chat, &v, &r->last_ms);
    if (rc == 0) {
        r->doc = message_load(v);
        rc = r->doc != NULL ? 0 : E_NOMEM;
    }
    return rc == E_NOTFOUND ? 0 : rc;
}

int chat_row_load(struct store_txn *t, const struct message_owner *o, const char *chat,
                  struct chat_row *r)
{
    char ids[IDENTITY_JIDS_MAX][STORE_MAX_ID + 1];
    struct person who;
    int rc = load_at(t, o, chat, r);
    if (rc != 0 || r->doc != NULL || !identity_is_person(chat)) {
        return rc;
    }
    rc = identity_find(t, o, chat, &who);
    if (rc != 0) {
        return rc == E_NOTFOUND ? 0 : rc;
    }
    size_t n = identity_jids(&who, ids);
    for (size_t i = 0; i < n && rc == 0; i++) {
        struct chat_row other;
        rc = load_at(t, o, ids[i], &other);
        if (rc == 0 && other.doc != NULL) {
            *r = other;
            break;
        }
    }
    return rc;
}

int chat_row_make(struct chat_row *r, const struct channel_peer *p, enum chat_kind kind)
{
    r->doc =
        json_pack("{s:s, s:s, s:n, s:n, s:n, s:n, s:i, s:n, s:s, s:n, s:[], s:b, s:b, s:n, s:b,"
                  " s:n}",
                  "id", p->id, "type", chat_kind_name(kind), "phone", "lid", "name", "contact_id",
                  "unread_count", 0, "last_message", "state", "open", "assignee", "tags", "pinned",
                  0, "archived", 0, "muted_until", "blocked", 0, "metadata");
    return r->doc != NULL ? chat_row_name(r, p) : E_NOMEM;
}

static int keep_known(json_t *doc, const char *key, const char *text)
{
    const char *now = json_str_or(doc, key, "");
    return text == NULL || text[0] == '\0' || strcmp(now, text) == 0 ? 0
                                                                     : json_set_str(doc, key, text);
}

int chat_row_name(struct chat_row *r, const struct channel_peer *p)
{
    int rc = keep_known(r->doc, "phone", p->phone);
    rc = rc != 0 ? rc : keep_known(r->doc, "lid", p->lid);
    rc = rc != 0 ? rc : keep_known(r->doc, "name", p->name);
    return rc != 0 ? rc : keep_known(r->doc, "contact_id", p->contact_id);
}

int chat_row_save(struct store_txn *t, const struct message_owner *o, struct chat_row *r,
                  const char *to)
{
    size_t len = 0;
    int rc = 0;
    if (to != NULL && strcmp(to, r->id) != 0) {
        rc = store_chat_del(t, o->tenant, o->session, r->id);
        rc = rc == E_NOTFOUND ? 0 : rc;
        memcpy(r->id, to, strlen(to) + 1);
    }
    rc = rc != 0 ? rc : json_set_str(r->doc, "id", r->id);
    char *text = rc == 0 ? json_text(r->doc, &len) : NULL;
    if (rc == 0) {
        rc = text != NULL ? store_chat_put(t, o->tenant, o->session, r->id, r->last_ms, text, len)
                          : E_NOMEM;
    }
    free(text);
    return rc;
}

void chat_row_free(struct chat_row *r)
{
    json_decref(r->doc);
    r->doc = NULL;
}

uint64_t chat_row_asked_ms(const struct chat_row *r)
{
    int64_t ms = json_int(json_obj(r->doc, "_"), "asked_ms", 0);
    return ms > 0 ? (uint64_t)ms : 0;
}

int chat_row_set_asked(struct chat_row *r, uint64_t ms)
{
    if (ms == 0) {
        (void)json_object_del(r->doc, "_");
        return 0;
    }
    json_t *own = json_pack("{s:I}", "asked_ms", (json_int_t)ms);
    return own != NULL && json_object_set_new(r->doc, "_", own) == 0 ? 0 : E_NOMEM;
}

int chat_row_tell(struct bridge *b, struct store_txn *t, const struct message_owner *o,
                  const struct chat_row *r)
{
    size_t len = 0;
    const struct channel_peer p = {.id = r->id, .phone = json_str(r->doc, "phone")};
    json_t *shown = json_copy(r->doc);
    json_t *data = shown != NULL && json_object_del(shown, "_") <= 0
                       ? json_pack("{s:O}", "chat", shown)
                       : NULL;
    char *text = data != NULL ? json_text(data, &len) : NULL;
    int rc =
        text != NULL ? message_event(b, t, o, "chat.updated", peer_lane(&p), text, len) : E_NOMEM;
    free(text);
    json_decref(data);
    json_decref(shown);
    return rc;
}

/* ---- two rows of one person --------------------------------------------------------------------
 */

static int unite_tags(json_t *into, const json_t *from)
{
    json_t *tags = json_arr(into, "tags");
    const json_t *more = json_arr(from, "tags");
    for (size_t i = 0; i < json_array_size(more) && json_array_size(tags) < TAGS_MAX; i++) {
        json_t *tag = json_array_get(more, i);
        bool there = false;
        for (size_t k = 0; k < json_array_size(tags); k++) {
            there = there || json_equal(json_array_get(tags, k), tag);
        }
        if (!there && json_array_append(tags, tag) != 0) {
            return E_NOMEM;
        }
    }
    return 0;
}

/* What people did to either stays: nothing that somebody set is lost. */
static int unite(json_t *into, const json_t *from)
{
    static const char *const keys[] = {"assignee",    "pinned",  "archived",
                                       "muted_until", "blocked", "metadata", "_"};
    int64_t unread = json_int(into, "unread_count", 0) + json_int(from, "unread_count", 0);
    int rc = json_object_set_new(into, "unread_count", json_integer(unread)) == 0 ? 0 : E_NOMEM;
    for (size_t i = 0; rc == 0 && i < sizeof(keys) / sizeof(keys[0]); i++) {
        const json_t *now = json_object_get(into, keys[i]);
        json_t *other = json_object_get(from, keys[i]);
        if ((now == NULL || json_is_null(now) || json_is_false(now)) && other != NULL) {
            rc = json_object_set(into, keys[i], other) == 0 ? 0 : E_NOMEM;
        }
    }
    if (rc == 0 && strcmp(json_str_or(from, "state", "open"), "open") == 0) {
        rc = json_set_str(into, "state", "open");
    }
    return rc != 0 ? rc : unite_tags(into, from);
}

int chat_rows_unite(struct store_txn *t, const struct message_owner *o,
                    char ids[][STORE_MAX_ID + 1], size_t count, const struct person *now)
{
    struct chat_row kept = {.doc = NULL};
    const struct channel_peer p = {.id = now->id,
                                   .phone = now->phone,
                                   .lid = now->lid,
                                   .name = now->name,
                                   .contact_id = now->contact_id};
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < count; i++) {
        struct chat_row r;
        rc = load_at(t, o, ids[i], &r);
        if (rc != 0 || r.doc == NULL || kept.doc == NULL) {
            kept = rc == 0 && r.doc != NULL ? r : kept;
            continue;
        }
        if (r.last_ms > kept.last_ms) {
            struct chat_row swap = kept;
            kept = r;
            r = swap;
        }
        rc = unite(kept.doc, r.doc);
        rc = rc != 0 ? rc : store_chat_del(t, o->tenant, o->session, r.id);
        chat_row_free(&r);
    }
    if (rc == 0 && kept.doc != NULL) {
        rc = chat_row_name(&kept, &p);
        rc = rc != 0 ? rc : chat_row_save(t, o, &kept, NULL);
    }
    chat_row_free(&kept);
    return rc;
}
