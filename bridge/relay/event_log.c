/* The event log as clients read it. */
#include "relay_priv.h"

#include "text.h"
#include "webhook.h"

#include <stdio.h>
#include <string.h>

struct reading {
    unsigned left;
    bridge_event_fn fn;
    void *arg;
};

static int on_event(void *arg, uint64_t seq, struct store_value v)
{
    struct reading *r = arg;
    char id[EVENT_ID_LEN], type[EVENT_TYPE_LEN];
    if (event_head(v.data, v.len, id, type) != 0) {
        return E_INTERNAL;
    }
    int stop = r->fn(r->arg, seq, type, v.data, v.len);
    return stop != 0 || --r->left == 0 ? 1 : 0;
}

int bridge_events(struct bridge *b, const char *tenant, uint64_t after, unsigned limit,
                  bridge_event_fn fn, void *arg, struct err *e)
{
    struct store_txn *t = NULL;
    struct reading r = {.left = limit, .fn = fn, .arg = arg};
    int rc = store_read(b->store, &t, e);
    if (rc != 0) {
        return rc;
    }
    rc = tenant_check(t, tenant, e);
    if (rc == 0 && limit > 0) {
        rc = store_event_list(t, tenant, after, on_event, &r);
        if (rc < 0) {
            err_clear(e);
            rc = store_err(e, rc, "the event log could not be read");
        } else {
            rc = 0;
        }
    }
    store_read_end(t);
    return rc;
}

uint64_t bridge_events_last(struct bridge *b, const char *tenant)
{
    struct store_txn *t = NULL;
    uint64_t last = 0;
    if (store_read(b->store, &t, NULL) != 0) {
        return 0;
    }
    if (store_event_last(t, tenant, &last) != 0) {
        last = 0;
    }
    store_read_end(t);
    return last;
}

/* ---- types -------------------------------------------------------------------------------------
 */

#define MAX_TYPE 64

/* The next pattern of a list; false at its end. One that is too long is "". */
static bool next_type(const char **at, char out[MAX_TYPE + 1])
{
    const char *s = *at;
    if (*s == '\0') {
        return false;
    }
    size_t len = strcspn(s, ",");
    size_t kept = len <= MAX_TYPE ? len : 0;
    memcpy(out, s, kept);
    out[kept] = '\0';
    *at = s + len + (s[len] == ',');
    return true;
}

int bridge_types_check(const char *list, struct err *e)
{
    char one[MAX_TYPE + 1];
    size_t n = 0, len = strlen(list);
    bool good = len > 0 && list[len - 1] != ',';
    while (good && next_type(&list, one)) {
        good = webhook_pattern_valid(one) && ++n <= BRIDGE_MAX_TYPES;
    }
    return good ? 0
                : err_field(e, "invalid_pattern", "types",
                            "types is a list of 1 to %d event types with commas, such as "
                            "message.*,session.status",
                            BRIDGE_MAX_TYPES);
}

bool bridge_types_match(const char *list, const char *type)
{
    char one[MAX_TYPE + 1];
    bool match = list == NULL;
    while (!match && next_type(&list, one)) {
        match = text_glob(one, type);
    }
    return match;
}
