/*
 * One contact. Happy path: the stored record -> while the session is ready the far end is asked for
 * what it says of itself (about, business) -> kept when it differs -> answer. Not ready, no answer
 * in time, refused: the record as it is.
 */
#include "people_priv.h"

#include "event.h"
#include "json.h"
#include "mem.h"

#include <stdlib.h>
#include <string.h>

#define ABOUT_TIMEOUT_MS 5000

struct get {
    struct call call;
    struct message_owner owner;
    char id[CONTACT_ID_LEN + 1];
    char jid[STORE_MAX_ID + 1]; /* as the far end has them */
    json_t *about;              /* its answer; NULL: none */
    int block;                  /* -1: just look; 0, 1: that is what was done there */
    bool told;                  /* out */
};

static void release(struct call *c)
{
    struct get *g = (struct get *)c;
    json_decref(c->answer);
    json_decref(g->about);
    free(g);
}

/* ---- on the writer thread ----------------------------------------------------------------------
 */

static bool put_if_new(json_t *doc, const char *key, json_t *value, int *rc)
{
    bool news = value != NULL && !json_equal(json_object_get(doc, key), value);
    if (news && *rc == 0) {
        *rc = json_object_set(doc, key, value) == 0 ? 0 : E_NOMEM;
    }
    json_decref(value);
    return news;
}

static bool take_about(const struct get *g, json_t *doc, int *rc)
{
    const char *about = json_str_or(g->about, "about", "");
    if (g->about == NULL) {
        return false;
    }
    bool news = put_if_new(doc, "about", about[0] != '\0' ? json_string(about) : json_null(), rc);
    json_t *profile = json_obj(g->about, "business");
    return put_if_new(doc, "business_profile", profile != NULL ? json_incref(profile) : json_null(),
                      rc) ||
           news;
}

static int block_row(struct store_txn *t, const struct get *g)
{
    struct chat_row row;
    int rc = chat_row_load(t, &g->owner, g->jid, &row);
    if (rc == 0 && row.doc != NULL && json_flag(row.doc, "blocked", false) != (g->block == 1)) {
        rc = body_set(row.doc, "blocked", json_boolean(g->block == 1));
        rc = rc != 0 ? rc : chat_row_save(t, &g->owner, &row, NULL);
        rc = rc != 0 ? rc : chat_row_tell(g->call.b, t, &g->owner, &row);
    }
    chat_row_free(&row);
    return rc;
}

static int apply(struct store_txn *t, struct call *c, struct err *e)
{
    struct get *g = (struct get *)c;
    json_t *doc = NULL;
    char id[CONTACT_ID_LEN + 1];
    int rc = contact_resolve(t, &g->owner, g->id, id); /* it may have become another meanwhile */
    rc = rc != 0 ? rc : contact_load(t, &g->owner, id, &doc);
    if (rc == E_NOTFOUND) {
        return err_word(e, rc, "unknown_contact", "no such contact");
    }
    bool news = rc == 0 && take_about(g, doc, &rc);
    if (rc == 0 && g->block >= 0) {
        news |= put_if_new(doc, "blocked", json_boolean(g->block == 1), &rc);
    }
    g->told = false;
    if (rc == 0 && news) {
        rc = contact_save(t, &g->owner, id, doc);
        rc = rc != 0 ? rc : g->block >= 0 ? block_row(t, g) : 0;
        rc = rc != 0 ? rc : contact_tell(c->b, t, &g->owner, "contact.updated", doc);
        g->told = true;
    }
    rc = rc != 0 ? rc : people_show_window(t, &g->owner, doc, false);
    json_decref(c->answer);
    c->answer = contact_public(doc);
    return rc;
}

static void finish(struct call *c, int rc)
{
    struct get *g = (struct get *)c;
    if (rc == 0 && g->told) {
        event_committed(c->b, g->owner.tenant);
    }
}

/* ---- on the loop -------------------------------------------------------------------------------
 */

static void answer_stored(struct get *g)
{
    json_t *doc = g->call.answer;
    g->call.answer = NULL;
    far_answer(g->call.done, g->call.arg, NULL, doc);
    release(&g->call);
}

static void on_about(void *arg, const struct err *e, const json_t *value)
{
    struct get *g = arg;
    struct bridge *b = g->call.b;
    if (e == NULL) {
        g->about = json_deep_copy(value);
    }
    if (g->about != NULL) {
        call_submit(&g->call, b, g->call.done, g->call.arg);
    } else {
        answer_stored(g);
    }
    core_leave(b);
}

static void on_blocked(void *arg, const struct err *e, const json_t *value)
{
    struct get *g = arg;
    struct bridge *b = g->call.b;
    struct err why;
    (void)value;
    if (e != NULL) {
        far_error(e, &why);
        far_answer(g->call.done, g->call.arg, &why, NULL);
        release(&g->call);
    } else {
        call_submit(&g->call, b, g->call.done, g->call.arg);
    }
    core_leave(b);
}

/* The record into call.answer. */
static int find(struct get *g, const char *contact, struct err *e)
{
    struct message_owner o;
    struct store_txn *t;
    enum chat_kind kind;
    json_t *doc = NULL;
    int rc = people_read(g->call.b, g->owner.tenant, g->owner.session, &o, &t, e);
    if (rc != 0) {
        return rc;
    }
    rc = identity_address(t, &o, contact, g->jid, &kind, e);
    rc = rc != 0 ? rc : contact_resolve(t, &o, g->jid, g->id);
    rc = rc != 0 ? rc : contact_load(t, &o, g->id, &doc);
    rc = rc != 0 ? rc : people_show_window(t, &o, doc, false);
    store_read_end(t);
    g->call.answer = contact_public(doc);
    if (rc == E_NOTFOUND && e->code == 0) {
        rc = err_word(e, rc, "unknown_contact", "no such contact");
    }
    return people_unreadable(e, rc);
}

static struct get *start(struct bridge *b, const char *tenant, const char *session,
                         const char *contact, bridge_done_fn done, void *arg, struct err *e)
{
    struct get *g = mem_calloc(1, sizeof(*g));
    err_clear(e);
    if (g == NULL) {
        err_set(e, E_NOMEM, "out of memory");
        return NULL;
    }
    g->call = (struct call){
        .b = b, .done = done, .arg = arg, .apply = apply, .finish = finish, .release = release};
    g->block = -1;
    message_owner_set(&g->owner, tenant, session);
    if (find(g, contact, e) != 0) {
        release(&g->call);
        return NULL;
    }
    return g;
}

void bridge_contact_get(struct bridge *b, const char *tenant, const char *session,
                        const char *contact, bridge_done_fn done, void *arg)
{
    struct channel *ch;
    struct err e;
    struct get *g = start(b, tenant, session, contact, done, arg, &e);
    if (g == NULL) {
        reply_later(b, done, arg, &e, NULL);
    } else if (far_channel(b, tenant, session, &ch, NULL) != 0) {
        json_t *doc = json_incref(g->call.answer);
        release(&g->call);
        reply_later(b, done, arg, NULL, doc);
    } else {
        core_enter(b);
        channel_ask(ch, "contact_about", json_pack("{s:s}", "id", g->jid), ABOUT_TIMEOUT_MS,
                    on_about, g);
    }
}

void bridge_contact_block(struct bridge *b, const char *tenant, const char *session,
                          const char *contact, bool blocked, bridge_done_fn done, void *arg)
{
    struct channel *ch;
    struct err e;
    struct get *g = start(b, tenant, session, contact, done, arg, &e);
    if (g != NULL && far_channel(b, tenant, session, &ch, &e) != 0) {
        release(&g->call);
        g = NULL;
    }
    if (g == NULL) {
        reply_later(b, done, arg, &e, NULL);
        return;
    }
    g->block = blocked;
    core_enter(b);
    channel_ask(ch, "block", json_pack("{s:s, s:b}", "id", g->jid, "blocked", (int)blocked),
                FAR_TIMEOUT_MS, on_blocked, g);
}
