/*
 * Are these numbers on WhatsApp? Happy path: numbers read -> what was found out lately comes from
 * the store (STORE_CHECKS; 24 h for yes, 1 h for no) -> the rest is asked in groups of at most
 * CHANNEL_CHECK_MAX with a pause between -> kept -> answered item by item. A number that is none is
 * an error of its item. Failure modes: the far end fails or time is up: the numbers that are left
 * have an error of their own. One check a session at a time: E_LIMIT.
 */
#include "people_mem.h"

#include "clock.h"
#include "event.h"
#include "json.h"
#include "mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PHONES_MAX 100
#define YES_MS (24 * UINT64_C(3600000))
#define NO_MS UINT64_C(3600000)
#define PAUSE_MS 1000
#define GROUP_TIMEOUT_MS 30000
#define TRIM_VISITS 200
#define TRIM_MAX 50

enum found { UNKNOWN, KEPT, ASKED, BAD, FAILED };

struct item {
    const char *input; /* borrowed of the body's copy */
    char phone[PHONE_MAX + 1];
    enum found found;
    struct err err;
    json_t *answer; /* {phone,exists,chat,business,at_ms}; owned */
};

struct check {
    struct store_op op;
    struct list link;
    uv_timer_t pause;
    struct bridge *b;
    struct message_owner owner;
    json_t *body;
    struct item items[PHONES_MAX];
    size_t count;
    uint64_t now_ms;
    bool told; /* out */
    bridge_done_fn done;
    void *arg;
};

static void next(struct check *c);

/* ---- the store ---------------------------------------------------------------------------------
 */

static bool fresh(const json_t *kept, uint64_t now_ms)
{
    uint64_t at = (uint64_t)json_int(kept, "at_ms", 0);
    uint64_t ttl = json_flag(kept, "exists", false) ? YES_MS : NO_MS;
    return at <= now_ms && now_ms - at < ttl;
}

static int look_up(struct check *c, struct store_txn *t)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < c->count; i++) {
        struct item *it = &c->items[i];
        struct store_value v;
        if (it->found != UNKNOWN) {
            continue;
        }
        rc = store_get(t, STORE_CHECKS, STORE_PATH(c->owner.tenant, it->phone), &v);
        json_t *kept = rc == 0 ? message_load(v) : NULL;
        if (kept != NULL && fresh(kept, c->now_ms)) {
            it->answer = json_incref(kept);
            it->found = KEPT;
        }
        json_decref(kept);
        rc = rc == E_NOTFOUND ? 0 : rc;
    }
    return rc;
}

struct trim {
    uint64_t now_ms;
    size_t visits, count;
    char phone[TRIM_MAX][PHONE_MAX + 1];
};

static int on_old(void *arg, const char *const *path, struct store_value v)
{
    struct trim *x = arg;
    json_t *kept = message_load(v);
    if (!fresh(kept, x->now_ms) && strlen(path[1]) <= PHONE_MAX) {
        memcpy(x->phone[x->count++], path[1], strlen(path[1]) + 1);
    }
    json_decref(kept);
    return ++x->visits == TRIM_VISITS || x->count == TRIM_MAX;
}

/* Rows behind the one just written: what is too old goes, so that the table does not only grow. */
static int trim(struct store_txn *t, const struct check *c, const char *phone)
{
    struct trim x = {.now_ms = c->now_ms};
    int rc = store_scan(t, STORE_CHECKS, STORE_PATH(c->owner.tenant), phone, on_old, &x);
    for (size_t i = 0; rc == 0 && i < x.count; i++) {
        rc = store_del(t, STORE_CHECKS, STORE_PATH(c->owner.tenant, x.phone[i]));
    }
    return rc;
}

/* Whoever we know already may have got their other id; nobody is made a contact by being checked.
 */
static int learn(struct store_txn *t, struct check *c, const json_t *answer)
{
    const json_t *chat = json_obj(answer, "chat");
    const struct channel_peer p = peer_of_json(chat);
    char jid[STORE_MAX_ID + 1];
    struct person who;
    (void)snprintf(jid, sizeof(jid), "%.15s@c.us", json_str_or(answer, "phone", ""));
    if (chat == NULL || !identity_is_person(p.id)) {
        return 0;
    }
    int rc = identity_find(t, &c->owner, jid, &who);
    rc = rc == E_NOTFOUND && p.lid[0] != '\0' ? identity_find(t, &c->owner, p.lid, &who) : rc;
    if (rc == 0) {
        rc = identity_learn(c->b, t, &c->owner, &p, &who);
        c->told = c->told || who.told;
    }
    return rc == E_NOTFOUND ? 0 : rc;
}

static int apply(struct store_txn *t, struct store_op *op)
{
    struct check *c = op->data;
    int rc = 0;
    c->told = false;
    for (size_t i = 0; rc == 0 && i < c->count; i++) {
        const struct item *it = &c->items[i];
        struct err e;
        err_clear(&e);
        if (it->found != ASKED) {
            continue;
        }
        rc = record_put(t, STORE_CHECKS, STORE_PATH(c->owner.tenant, it->phone), it->answer, &e);
        rc = rc != 0 ? rc : learn(t, c, it->answer);
        rc = rc != 0 ? rc : trim(t, c, it->phone);
    }
    return rc;
}

/* ---- the answer --------------------------------------------------------------------------------
 */

static json_t *show(struct store_txn *t, const struct check *c, const struct item *it)
{
    json_t *out = json_pack("{s:s}", "input", it->input);
    int rc =
        out != NULL ? json_set_str(out, "phone", it->phone[0] != '\0' ? it->phone : NULL) : E_NOMEM;
    if (rc == 0 && it->answer != NULL) {
        const json_t *chat = json_obj(it->answer, "chat");
        rc = body_set(out, "exists", json_boolean(json_flag(it->answer, "exists", false)));
        rc = rc != 0 ? rc
                     : body_set(out, "business",
                                json_boolean(json_flag(it->answer, "business", false)));
        rc = rc != 0 ? rc
                     : body_set(out, "chat",
                                chat != NULL ? person_json(t, &c->owner, chat) : json_null());
        rc = rc != 0 ? rc
                     : json_set_time(out, "checked_at", (uint64_t)json_int(it->answer, "at_ms", 0));
        rc = rc != 0 ? rc : body_set(out, "cached", json_boolean(it->found == KEPT));
    } else if (rc == 0) {
        rc = body_set(out, "exists", json_null());
        rc = rc != 0 ? rc
                     : body_set(out, "error",
                                json_pack("{s:s, s:s}", "code", err_word_of(&it->err), "detail",
                                          it->err.msg));
    }
    if (rc != 0) {
        json_decref(out);
        out = NULL;
    }
    return out;
}

static void on_pause_closed(uv_handle_t *h)
{
    struct check *c = h->data;
    struct bridge *b = c->b;
    for (size_t i = 0; i < c->count; i++) {
        json_decref(c->items[i].answer);
    }
    json_decref(c->body);
    free(c);
    core_leave(b);
}

static void answer(struct check *c)
{
    struct store_txn *t;
    struct err e;
    json_t *items = json_array();
    err_clear(&e);
    int rc = store_read(c->b->store, &t, &e);
    for (size_t i = 0; rc == 0 && i < c->count; i++) {
        rc = json_array_append_new(items, show(t, c, &c->items[i])) == 0 ? 0 : E_NOMEM;
    }
    if (e.code == 0) {
        store_read_end(t);
    }
    json_t *body = rc == 0 ? json_pack("{s:O}", "items", items) : NULL;
    if (body == NULL && e.code == 0) {
        err_set(&e, E_NOMEM, "out of memory");
    }
    json_decref(items);
    list_remove(&c->link);
    far_answer(c->done, c->arg, &e, body);
    uv_close((uv_handle_t *)&c->pause, on_pause_closed);
}

static void on_stored(struct store_op *op, int rc)
{
    struct check *c = op->data;
    (void)rc; /* not kept: it is asked again another time */
    if (rc == 0 && c->told) {
        event_committed(c->b, c->owner.tenant);
    }
    answer(c);
}

/* ---- asking ------------------------------------------------------------------------------------
 */

static void finish(struct check *c)
{
    for (size_t i = 0; i < c->count; i++) {
        if (c->items[i].found == ASKED) {
            c->op.data = c;
            store_submit(c->b->store, &c->op, apply, on_stored);
            return;
        }
    }
    answer(c);
}

static void fail_rest(struct check *c, const struct err *e)
{
    struct err why;
    far_error(e, &why);
    for (size_t i = 0; i < c->count; i++) {
        if (c->items[i].found == UNKNOWN) {
            c->items[i].found = FAILED;
            c->items[i].err = why;
        }
    }
    finish(c);
}

static void take(struct check *c, const json_t *found)
{
    const char *phone = json_str_or(found, "phone", "");
    json_t *kept = json_deep_copy(found);
    if (kept == NULL || body_set(kept, "at_ms", json_integer((json_int_t)clock_wall_ms())) != 0) {
        json_decref(kept);
        return;
    }
    for (size_t i = 0; i < c->count; i++) {
        struct item *it = &c->items[i];
        if (it->found == UNKNOWN && strcmp(it->phone, phone) == 0) {
            it->answer = json_incref(kept);
            it->found = ASKED;
        }
    }
    json_decref(kept);
}

static void on_pause(uv_timer_t *t)
{
    next(t->data);
}

static void on_checked(void *arg, const struct err *e, const json_t *value)
{
    struct check *c = arg;
    const json_t *items = json_arr(value, "items");
    if (e != NULL) {
        fail_rest(c, e);
        return;
    }
    size_t before = 0, after = 0;
    for (size_t i = 0; i < c->count; i++) {
        before += c->items[i].found == UNKNOWN;
    }
    for (size_t i = 0; i < json_array_size(items); i++) {
        take(c, json_array_get(items, i));
    }
    for (size_t i = 0; i < c->count; i++) {
        after += c->items[i].found == UNKNOWN;
    }
    if (after == before) {
        struct err why;
        err_set(&why, E_PROTO, "the far end did not say anything about these numbers");
        fail_rest(c, &why);
    } else if (after == 0) {
        finish(c);
    } else {
        (void)uv_timer_start(&c->pause, on_pause, PAUSE_MS, 0);
    }
}

/* The next numbers that are not known yet, each once. */
static void next(struct check *c)
{
    const char *group[CHANNEL_CHECK_MAX];
    size_t n = 0;
    struct channel *ch;
    struct err e;
    json_t *phones = json_array();
    for (size_t i = 0; i < c->count && n < CHANNEL_CHECK_MAX; i++) {
        bool twice = false;
        for (size_t k = 0; k < n; k++) {
            twice = twice || strcmp(group[k], c->items[i].phone) == 0;
        }
        if (c->items[i].found == UNKNOWN && !twice) {
            group[n++] = c->items[i].phone;
            (void)json_array_append_new(phones, json_string(c->items[i].phone));
        }
    }
    if (n == 0) {
        json_decref(phones);
        finish(c);
    } else if (far_channel(c->b, c->owner.tenant, c->owner.session, &ch, &e) != 0) {
        json_decref(phones);
        fail_rest(c, &e);
    } else {
        channel_ask(ch, "contact_check", json_pack("{s:o}", "phones", phones), GROUP_TIMEOUT_MS,
                    on_checked, c);
    }
}

/* ---- the call ----------------------------------------------------------------------------------
 */

static int read_phones(struct check *c, const char *country, struct err *e)
{
    static const char *const fields[] = {"phones", NULL};
    const json_t *list = json_arr(c->body, "phones");
    int rc = body_check(c->body, fields, e);
    if (rc != 0) {
        return rc;
    }
    c->count = json_array_size(list);
    if (c->count < 1 || c->count > PHONES_MAX) {
        c->count = 0;
        return err_field(e, NULL, "phones", "`phones` must be a list of 1 to %d numbers",
                         PHONES_MAX);
    }
    for (size_t i = 0; i < c->count; i++) {
        struct item *it = &c->items[i];
        it->input = json_string_value(json_array_get(list, i));
        if (it->input == NULL) {
            char field[40];
            c->count = 0;
            (void)snprintf(field, sizeof(field), "phones[%zu]", i);
            return err_field(e, NULL, field, "each of `phones` must be a text");
        }
        if (phone_parse(it->input, country, it->phone, &it->err) != 0) {
            it->phone[0] = '\0';
            it->found = BAD;
        }
    }
    return 0;
}

static int prepare(struct check *c, const char *tenant, const char *session, bool *asks,
                   struct err *e)
{
    struct message_owner o;
    struct store_txn *t;
    struct store_value v;
    int rc = people_read(c->b, tenant, session, &o, &t, e);
    if (rc != 0) {
        return rc;
    }
    json_t *doc =
        store_get(t, STORE_TENANTS, STORE_PATH(o.tenant), &v) == 0 ? message_load(v) : NULL;
    c->owner = o;
    c->now_ms = clock_wall_ms();
    rc = read_phones(c, json_str(doc, "default_country_code"), e);
    rc = rc != 0 ? rc : look_up(c, t);
    store_read_end(t);
    json_decref(doc);
    *asks = false;
    for (size_t i = 0; i < c->count; i++) {
        *asks = *asks || c->items[i].found == UNKNOWN;
    }
    return people_unreadable(e, rc);
}

static bool under_way(const struct check *c)
{
    struct list *all = &c->b->people->checks;
    for (struct list *at = all->next; at != all; at = at->next) {
        const struct check *other = LIST_ENTRY(at, struct check, link);
        if (strcmp(other->owner.tenant, c->owner.tenant) == 0 &&
            strcmp(other->owner.session, c->owner.session) == 0) {
            return true;
        }
    }
    return false;
}

void bridge_contact_check(struct bridge *b, const char *tenant, const char *session,
                          const json_t *body, bridge_done_fn done, void *arg)
{
    struct check *c = mem_calloc(1, sizeof(*c));
    struct channel *ch;
    struct err e;
    bool asks = false;
    err_clear(&e);
    if (c == NULL) {
        err_set(&e, E_NOMEM, "out of memory");
        reply_later(b, done, arg, &e, NULL);
        return;
    }
    c->b = b;
    c->done = done;
    c->arg = arg;
    c->body = json_deep_copy(body);
    list_init(&c->link);
    core_enter(b);
    (void)uv_timer_init(b->loop, &c->pause);
    c->pause.data = c;
    int rc = prepare(c, tenant, session, &asks, &e);
    if (rc == 0 && asks) {
        rc = far_channel(b, tenant, session, &ch, &e);
    }
    if (rc == 0 && asks && under_way(c)) {
        rc = err_word(&e, E_LIMIT, "check_running",
                      "numbers are being checked for this session already; wait for its answer");
    }
    if (rc != 0) {
        reply_later(b, done, arg, &e, NULL);
        uv_close((uv_handle_t *)&c->pause, on_pause_closed);
        return;
    }
    if (asks) {
        list_append(&b->people->checks, &c->link);
    }
    /* in a later turn also when all is known: never inside the call */
    (void)uv_timer_start(&c->pause, on_pause, 0, 0);
}
