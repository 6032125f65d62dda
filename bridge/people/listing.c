#include "people_priv.h"

#include "clock.h"
#include "guard.h"
#include "json.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define HEAD 18 /* kind, version, 16 digits */

int people_read(struct bridge *b, const char *tenant, const char *session, struct message_owner *o,
                struct store_txn **t, struct err *e)
{
    struct session *s;
    int rc = session_find(b, tenant, session, &s, e);
    if (rc != 0) {
        return rc;
    }
    message_owner_set(o, tenant, session);
    return store_read(b->store, t, e);
}

int people_show_window(struct store_txn *t, const struct message_owner *o, json_t *v, bool chat)
{
    const char *id = json_str(v, "id"), *contact = chat ? json_str(v, "contact_id") : id;
    if (v == NULL) {
        return 0;
    }
    if (chat && contact == NULL && identity_is_person(id)) {
        contact = id;
    }
    return window_show(t, o, contact, v, clock_wall_ms());
}

int people_unreadable(struct err *e, int rc)
{
    if (rc == 0 || (e != NULL && e->code != 0)) {
        return rc;
    }
    return err_set(e, rc, "the store cannot be read (%s)", err_name(rc));
}

static int digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static int parse(struct listing *l, const char *cursor)
{
    size_t len = strnlen(cursor, HEAD + 2 * LIST_PLACE_MAX + 1), n = 0;
    if (len < HEAD || len % 2 != 0 || len > HEAD + 2 * LIST_PLACE_MAX || cursor[0] != l->kind ||
        cursor[1] != '1') {
        return E_INVALID;
    }
    for (size_t i = 2; i < len; i += 2) {
        int high = digit(cursor[i]), low = digit(cursor[i + 1]);
        if (high < 0 || low < 0 || (i >= HEAD && (high | low) == 0)) {
            return E_INVALID;
        }
        unsigned byte = (unsigned)high << 4 | (unsigned)low;
        if (i < HEAD) {
            l->number = l->number << 8 | byte;
        } else {
            l->place[n++] = (char)byte;
        }
    }
    l->place[n] = '\0';
    return 0;
}

int listing_start(struct listing *l, char kind, const struct bridge_paging *p, size_t visits,
                  struct err *e)
{
    memset(l, 0, sizeof(*l));
    l->kind = kind;
    l->limit = p->limit;
    l->visits = visits;
    int rc = paging_check(p, e);
    if (rc == 0 && p->cursor != NULL && p->cursor[0] != '\0' && parse(l, p->cursor) != 0) {
        rc = err_field(e, "invalid_cursor", "cursor",
                       "not a cursor of this list; begin without one");
    }
    if (rc == 0) {
        l->items = json_array();
        rc = l->items != NULL ? 0 : err_set(e, E_NOMEM, "out of memory");
    }
    return rc;
}

int listing_keep(struct listing *l, uint64_t number, const char *place, json_t *item)
{
    if (json_array_size(l->items) == l->limit || l->visits == 0) {
        json_decref(item);
        l->more = true;
        return 1;
    }
    l->visits--;
    l->number = number;
    (void)snprintf(l->place, sizeof(l->place), "%s", place);
    return item == NULL || json_array_append_new(l->items, item) == 0 ? 0 : E_NOMEM;
}

int listing_give(struct listing *l, int rc, json_t **out, struct err *e)
{
    char cursor[HEAD + 2 * LIST_PLACE_MAX + 1] = "";
    if (rc == 0 && l->more) {
        int n = snprintf(cursor, sizeof(cursor), "%c1%016" PRIx64, l->kind, l->number);
        for (const char *p = l->place; *p != '\0'; p++, n += 2) {
            (void)snprintf(cursor + n, sizeof(cursor) - (size_t)n, "%02x", (unsigned char)*p);
        }
    }
    if (rc == 0) {
        *out = page_body(l->items, cursor[0] != '\0' ? cursor : NULL);
        l->items = NULL;
        rc = *out != NULL ? 0 : E_NOMEM;
    }
    listing_drop(l);
    return people_unreadable(e, rc);
}

void listing_drop(struct listing *l)
{
    json_decref(l->items);
    l->items = NULL;
}
