#include "people_priv.h"

#include "json.h"

int far_channel(struct bridge *b, const char *tenant, const char *session, struct channel **out,
                struct err *e)
{
    struct session *s;
    int rc = b->closing ? err_set(e, E_CANCELED, "the bridge is closing")
                        : session_find(b, tenant, session, &s, e);
    if (rc != 0) {
        return rc;
    }
    *out = session_status(s) == SESSION_READY ? session_channel(s) : NULL;
    return *out != NULL
               ? 0
               : err_word(e, E_CONFLICT, "session_not_ready",
                          "this is done at WhatsApp, and the session is %s; start or link it first",
                          session_status_name(session_status(s)));
}

void far_error(const struct err *from, struct err *to)
{
    err_copy(to, from);
    switch (from->code) {
    case E_STATE:
    case E_CLOSED:
    case E_CANCELED:
        err_word(to, E_CONFLICT, "session_not_ready", "the session is not ready any more: %.200s",
                 from->msg);
        break;
    case E_PROTO:
        err_word(to, E_UNAVAILABLE, "refused_by_whatsapp", "WhatsApp did not do it: %.200s",
                 from->msg);
        break;
    default:
        break;
    }
}

void far_answer(bridge_done_fn done, void *arg, const struct err *e, json_t *body)
{
    const struct bridge_reply r = {.err = e != NULL && e->code != 0 ? e : NULL, .body = body};
    if (done != NULL) {
        done(arg, &r);
    }
    json_decref(body);
}

struct channel_peer peer_of_json(const json_t *v)
{
    return (struct channel_peer){.id = json_str_or(v, "id", ""),
                                 .phone = json_str_or(v, "phone", ""),
                                 .lid = json_str_or(v, "lid", ""),
                                 .name = json_str_or(v, "name", "")};
}

static const char *or_null(const char *s)
{
    return s != NULL && s[0] != '\0' ? s : NULL;
}

json_t *person_json(struct store_txn *t, const struct message_owner *o, const json_t *peer)
{
    struct person who = {.id = ""};
    const struct channel_peer p = peer_of_json(peer);
    if (identity_is_person(p.id) && identity_find(t, o, p.id, &who) == E_NOTFOUND) {
        identity_told(&p, &who);
    }
    const struct channel_peer full = identity_fill(&p, &who);
    return json_pack("{s:s?, s:s?, s:s?, s:s?, s:s?}", "id", or_null(full.id), "phone",
                     or_null(full.phone), "lid", or_null(full.lid), "name", or_null(full.name),
                     "contact_id", or_null(full.contact_id));
}
