/*
 * Deliveries as a resource: list, and dead letters put back into their lanes.
 *
 * Redrive without ids, happy path: the seqs of all dead letters are collected, some per operation,
 * newest first; then they go back oldest first, so that no later event of a chat can leave before
 * an earlier one that is on its way back. Each operation is durable by itself: a crash leaves some
 * put back and some dead. Answered when all are back.
 */
#include "relay_priv.h"

#include "attempts.h"
#include "clock.h"
#include "json.h"
#include "mem.h"
#include "text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_IDS 500
#define STEP 500
#define MAX_REDRIVE 1000000

/* ---- list --------------------------------------------------------------------------------------
 */

static int parse_state(const char *name, enum store_delivery_state *out, struct err *e)
{
    for (unsigned i = 0; i <= STORE_DEAD; i++) {
        if (strcmp(name, delivery_state_name((enum store_delivery_state)i)) == 0) {
            *out = (enum store_delivery_state)i;
            return 0;
        }
    }
    return err_field(e, NULL, "state", "state must be pending, delivered or dead");
}

struct delivery_page {
    struct store_txn *t;
    const struct bridge_principal *who;
    json_t *items;
    unsigned limit;
    uint64_t last;
    bool more;
};

static int on_listed(void *arg, const struct store_delivery *d)
{
    struct delivery_page *p = arg;
    if (json_array_size(p->items) == p->limit) {
        p->more = true;
        return 1;
    }
    p->last = d->seq;
    return json_array_append_new(p->items, delivery_object(p->t, d, p->who, false)) == 0 ? 0 : E_NOMEM;
}

static int check_webhook(struct store_txn *t, const char *tenant, const char *webhook,
                         struct err *e)
{
    struct store_value v;
    int rc = tenant_check(t, tenant, e);
    if (rc == 0 && (!text_is_name(webhook) ||
                    store_get(t, STORE_WEBHOOKS, STORE_PATH(tenant, webhook), &v) != 0)) {
        rc = webhook_unknown(e, webhook);
    }
    return rc;
}

int bridge_delivery_list(struct bridge *b, const char *tenant, const char *webhook,
                         const struct bridge_principal *who, const char *state,
                         const struct bridge_paging *p, json_t **out, struct err *e)
{
    struct err why;
    err_clear(&why);
    enum store_delivery_state wanted = STORE_PENDING;
    struct delivery_page page = {.who = who, .limit = p->limit};
    uint64_t before = 0;
    char cursor[24];
    *out = NULL;
    int rc = paging_check(p, &why);
    rc = rc != 0 || state == NULL ? rc : parse_state(state, &wanted, &why);
    if (rc == 0 && p->cursor != NULL && p->cursor[0] != '\0' && !delivery_seq(p->cursor, &before)) {
        rc = err_field(&why, "invalid_cursor", "cursor", "not a cursor of this list; begin without one");
    }
    if (rc == 0 && (page.items = json_array()) == NULL) {
        rc = err_set(&why, E_NOMEM, "out of memory");
    }
    rc = rc != 0 ? rc : store_read(b->store, &page.t, &why);
    if (rc == 0) {
        rc = check_webhook(page.t, tenant, webhook, &why);
        rc = rc != 0
                 ? rc
                 : store_delivery_list(page.t, tenant, webhook, wanted, before, on_listed, &page);
        store_read_end(page.t);
    }
    if (rc < 0) {
        json_decref(page.items);
        store_err(&why, rc, "the deliveries could not be read");
    } else {
        (void)snprintf(cursor, sizeof(cursor), "%" PRIu64, page.last);
        *out = page_body(page.items, page.more ? cursor : NULL);
        rc = *out != NULL ? 0 : err_set(&why, E_NOMEM, "out of memory");
    }
    err_copy(e, &why);
    return rc;
}

int bridge_delivery_get(struct bridge *b, const char *tenant, const char *webhook,
                        const struct bridge_principal *who, const char *delivery, json_t **out,
                        struct err *e)
{
    struct err why;
    struct store_txn *t = NULL;
    struct store_delivery d;
    uint64_t seq = 0;
    err_clear(&why);
    *out = NULL;
    int rc = store_read(b->store, &t, &why);
    if (rc == 0) {
        rc = check_webhook(t, tenant, webhook, &why);
        if (rc == 0) {
            rc = delivery_seq(delivery, &seq) ? store_delivery_get(t, tenant, webhook, seq, &d)
                                              : E_NOTFOUND;
            rc = rc == E_NOTFOUND ? err_word(&why, rc, "unknown_delivery",
                                             "there is no delivery %.20s of this webhook; old ones "
                                             "are not kept",
                                             delivery)
                                  : rc;
        }
        if (rc == 0) {
            *out = delivery_object(t, &d, who, true);
            rc = *out != NULL ? 0 : err_set(&why, E_NOMEM, "out of memory");
        }
        store_read_end(t);
    }
    if (rc != 0) {
        store_err(&why, rc, "the delivery could not be read");
    }
    err_copy(e, &why);
    return rc;
}

/* ---- redrive -----------------------------------------------------------------------------------
 */

struct redrive {
    struct call call; /* first */
    char tenant[64], webhook[64];
    bool collecting;
    uint64_t *seqs; /* newest first */
    size_t count, cap;
    size_t base; /* collecting: count when this step began */
    size_t left; /* putting back: seqs[left - 1] is next */
    size_t step_left, redriven, step_redriven;
    uint64_t before, next;
    size_t seen;
};

static int on_dead(void *arg, const struct store_delivery *d)
{
    struct redrive *r = arg;
    if (r->count == r->cap) {
        size_t cap = r->cap == 0 ? 64 : 2 * r->cap;
        uint64_t *seqs = mem_realloc(r->seqs, cap * sizeof(*seqs));
        if (seqs == NULL) {
            return E_NOMEM;
        }
        r->seqs = seqs;
        r->cap = cap;
    }
    r->seqs[r->count++] = d->seq;
    r->next = d->seq;
    return ++r->seen == STEP || r->count == MAX_REDRIVE ? 1 : 0;
}

static int collect_step(struct store_txn *t, struct redrive *r)
{
    r->count = r->base;
    r->seen = 0;
    int rc = store_delivery_list(t, r->tenant, r->webhook, STORE_DEAD, r->before, on_dead, r);
    return rc < 0 ? rc : 0;
}

static int put_back_step(struct store_txn *t, struct redrive *r)
{
    uint64_t now = clock_wall_ms();
    r->step_left = r->left;
    r->step_redriven = 0;
    for (size_t n = 0; n < STEP && r->step_left > 0; n++) {
        struct store_delivery d;
        int rc = store_delivery_get(t, r->tenant, r->webhook, r->seqs[--r->step_left], &d);
        if (rc == E_NOTFOUND || (rc == 0 && d.state != STORE_DEAD)) {
            continue;
        }
        if (rc == 0) {
            d.state = STORE_PENDING;
            d.due_ms = now;
            d.attempts = attempts_redrive(d.attempts);
            rc = store_delivery_update(t, &d);
        }
        if (rc != 0) {
            return rc;
        }
        r->step_redriven++;
    }
    return 0;
}

static int apply_redrive(struct store_txn *t, struct call *c, struct err *e)
{
    struct redrive *r = (struct redrive *)c;
    int rc = check_webhook(t, r->tenant, r->webhook, e);
    if (rc != 0) {
        return rc;
    }
    return r->collecting ? collect_step(t, r) : put_back_step(t, r);
}

static void finish_redrive(struct call *c, int rc)
{
    struct redrive *r = (struct redrive *)c;
    if (rc != 0) {
        return;
    }
    if (r->collecting) {
        r->base = r->count;
        r->before = r->next;
        r->collecting = r->seen == STEP && r->count < MAX_REDRIVE;
        r->left = r->count;
        if (r->collecting || r->count > 0) {
            call_again(c);
            return;
        }
    } else {
        r->redriven += r->step_redriven;
        r->left = r->step_left;
        if (r->left > 0) {
            call_again(c);
            return;
        }
    }
    c->answer = json_pack("{s:I}", "redriven", (json_int_t)r->redriven);
    if (c->answer == NULL) {
        err_set(&c->op.err, E_NOMEM, "out of memory");
    }
    if (r->redriven > 0) {
        relay_probe_now(c->b->relay, r->tenant, r->webhook);
    }
}

static void release_redrive(struct call *c)
{
    struct redrive *r = (struct redrive *)c;
    json_decref(c->answer);
    free(r->seqs);
    free(r);
}

static int newest_first(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? 1 : x > y ? -1 : 0;
}

static int take_ids(struct redrive *r, const json_t *ids, struct err *e)
{
    size_t n = json_array_size(ids);
    if (!json_is_array(ids) || n == 0 || n > MAX_IDS) {
        return err_field(e, NULL, "delivery_ids", "delivery_ids must be a list of 1 to %d ids",
                         MAX_IDS);
    }
    r->seqs = mem_calloc(n, sizeof(*r->seqs));
    if (r->seqs == NULL) {
        return err_set(e, E_NOMEM, "out of memory");
    }
    for (size_t i = 0; i < n; i++) {
        const char *id = json_string_value(json_array_get(ids, i));
        if (id == NULL || !delivery_seq(id, &r->seqs[i])) {
            return err_field(e, NULL, "delivery_ids",
                             "delivery_ids[%zu] is not the id of a "
                             "delivery",
                             i);
        }
    }
    r->count = r->cap = r->left = n;
    qsort(r->seqs, n, sizeof(*r->seqs), newest_first);
    return 0;
}

void bridge_webhook_redrive(struct bridge *b, const char *tenant, const char *webhook,
                            const json_t *body, bridge_done_fn done, void *arg)
{
    static const char *const fields[] = {"delivery_ids", NULL};
    struct err e;
    err_clear(&e);
    struct redrive *r = NULL;
    const json_t *ids = json_object_get(body, "delivery_ids");
    if (body_check(body, fields, &e) != 0) {
        goto fail;
    }
    if (!text_is_name(tenant)) {
        tenant_unknown(&e, tenant);
        goto fail;
    }
    r = mem_calloc(1, sizeof(*r));
    if (r == NULL) {
        err_set(&e, E_NOMEM, "out of memory");
        goto fail;
    }
    (void)snprintf(r->tenant, sizeof(r->tenant), "%s", tenant);
    (void)snprintf(r->webhook, sizeof(r->webhook), "%.63s", webhook);
    r->collecting = ids == NULL;
    if (ids != NULL && take_ids(r, ids, &e) != 0) {
        goto fail;
    }
    r->call.apply = apply_redrive;
    r->call.finish = finish_redrive;
    r->call.release = release_redrive;
    call_submit(&r->call, b, done, arg);
    return;
fail:
    if (r != NULL) {
        release_redrive(&r->call);
    }
    reply_later(b, done, arg, &e, NULL);
}
