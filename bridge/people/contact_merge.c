/*
 * The second id of somebody is known now. In the transaction that learnt it: what still waits for
 * webhooks goes on in one lane, the chat's rows become one, contact.identity says so. Messages stay
 * filed where they are; who reads the chat reads all its ids.
 */
#include "chat_row.h"
#include "contact.h"

#include "event.h"
#include "json.h"

#include <stdlib.h>
#include <string.h>

static const char *lane_of(const struct person *p)
{
    return p->phone[0] != '\0' ? p->phone : p->lid[0] != '\0' ? p->lid : p->id;
}

/* Its events went by its LID while no number was known. */
static int move_lanes(struct store_txn *t, const struct message_owner *o, const struct person *was,
                      const struct person *now)
{
    const char *to = lane_of(now);
    const char *froms[] = {lane_of(was), was->lid, was->id};
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < sizeof(froms) / sizeof(froms[0]); i++) {
        bool again = i > 0 && strcmp(froms[i], froms[i - 1]) == 0;
        if (froms[i][0] != '\0' && strcmp(froms[i], to) != 0 && !again) {
            rc = event_lane_move(t, o->tenant, o->session, froms[i], to);
        }
    }
    return rc;
}

static size_t add_ids(const struct person *p, char ids[][STORE_MAX_ID + 1], size_t n)
{
    char own[IDENTITY_JIDS_MAX][STORE_MAX_ID + 1];
    size_t count = identity_jids(p, own);
    for (size_t i = 0; i < count; i++) {
        bool there = false;
        for (size_t k = 0; k < n; k++) {
            there = there || strcmp(ids[k], own[i]) == 0;
        }
        if (!there) {
            memcpy(ids[n++], own[i], sizeof(own[i]));
        }
    }
    return n;
}

static json_t *names_of(const struct person *p)
{
    return json_pack("{s:s, s:s, s:s?, s:s?, s:s?}", "contact_id", p->contact_id, "id", p->id,
                     "phone", p->phone[0] != '\0' ? p->phone : NULL, "lid",
                     p->lid[0] != '\0' ? p->lid : NULL, "name",
                     p->name[0] != '\0' ? p->name : NULL);
}

static int tell(struct bridge *b, struct store_txn *t, const struct message_owner *o,
                const struct person *was, size_t count, const json_t *doc, const struct person *now)
{
    size_t len = 0;
    json_t *before = json_array();
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < count; i++) {
        rc = json_array_append_new(before, names_of(&was[i])) == 0 ? 0 : E_NOMEM;
    }
    json_t *shown = contact_public(json_copy((json_t *)(uintptr_t)doc));
    json_t *data = rc == 0 && shown != NULL ? json_pack("{s:O, s:O, s:o}", "contact", shown, "was",
                                                        before, "now", names_of(now))
                                            : NULL;
    char *text = data != NULL ? json_text(data, &len) : NULL;
    rc = text != NULL ? message_event(b, t, o, "contact.identity", lane_of(now), text, len)
                      : E_NOMEM;
    free(text);
    json_decref(data);
    json_decref(shown);
    json_decref(before);
    return rc;
}

int contact_unite(struct bridge *b, struct store_txn *t, const struct message_owner *o,
                  const struct person *was, size_t count, const json_t *doc)
{
    char ids[3 * IDENTITY_JIDS_MAX][STORE_MAX_ID + 1];
    struct person now;
    contact_person(doc, &now);
    size_t n = add_ids(&now, ids, 0);
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < count; i++) {
        bool moved_on =
            now.phone[0] != '\0' && was[i].phone[0] != '\0' && strcmp(now.phone, was[i].phone) != 0;
        rc = move_lanes(t, o, &was[i], &now);
        /* the chat of a number that they gave up may become somebody else's */
        n = moved_on ? n : add_ids(&was[i], ids, n);
    }
    rc = rc != 0 ? rc : chat_rows_unite(t, o, ids, n, &now);
    return rc != 0 ? rc : tell(b, t, o, was, count, doc, &now);
}
