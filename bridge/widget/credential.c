/*
 * Who comes with a widget's credential: somebody with a few scopes, one session, one chat, for as
 * long as the key that asked for the ticket is there and may still do as much.
 */
#include "widget.h"

#include "access.h"
#include "clock.h"
#include "text.h"

#include <string.h>

static int revoked(struct err *e)
{
    return err_word(e, E_AUTH, "credential_revoked",
                    "the key that this widget was opened with was deleted, changed or has expired");
}

/* Is it still the tenant that it was? E_AUTH. */
static int same_tenant(struct bridge *b, const struct bridge_principal *who, struct err *e)
{
    struct store_txn *t = NULL;
    int rc = store_read(b->store, &t, e);
    if (rc != 0) {
        return rc;
    }
    bool same = tenant_check(t, who->tenant, NULL) == 0 &&
                tenant_born_ms(t, who->tenant) == who->tenant_born_ms;
    store_read_end(t);
    return same ? 0 : revoked(e);
}

int widget_principal_check(struct bridge *b, struct bridge_principal *who, struct err *e)
{
    struct bridge_principal maker;
    uint64_t now = clock_wall_ms();
    if (who->expires_ms <= now) {
        return err_word(e, E_AUTH, "credential_expired",
                        "the time of this widget's credential is over: ask for a new ticket");
    }
    int rc = same_tenant(b, who, e);
    if (rc != 0 || who->key_id[0] == '\0') {
        return rc; /* a token's ends no later than that token did */
    }
    if (key_again(b, who, &maker, NULL) != 0 ||
        (maker.expires_ms != 0 && maker.expires_ms <= now)) {
        return revoked(e);
    }
    bool same = strcmp(maker.tenant, who->tenant) == 0;
    bool covers = (who->scopes & ~maker.scopes) == 0 && bridge_sees_session(&maker, who->sessions);
    return maker.admin || (same && covers) ? 0 : revoked(e);
}

static void fill(const struct grant *g, struct bridge_principal *out)
{
    static const char prefix[] = "widget:";
    memset(out, 0, sizeof(*out));
    memcpy(out->tenant, g->tenant, sizeof(out->tenant));
    memcpy(out->sessions, g->session, sizeof(g->session));
    memcpy(out->chat[0], g->chat, sizeof(g->chat));
    memcpy(out->key_id, g->key_id, sizeof(out->key_id));
    memcpy(out->proof, g->proof, sizeof(out->proof));
    out->scopes = g->scopes;
    out->tenant_born_ms = g->tenant_born_ms;
    out->expires_ms = g->expires_ms;
    const char *who = g->agent[0] != '\0' ? g->agent : g->subject;
    memcpy(out->name, g->agent, text_utf8_cut(g->agent, strlen(g->agent), sizeof(out->name) - 1));
    memcpy(out->subject, prefix, sizeof(prefix));
    memcpy(out->subject + sizeof(prefix) - 1, who,
           text_utf8_cut(who, strlen(who), sizeof(out->subject) - sizeof(prefix)));
}

/* The chat may have got another name since the credential was made. */
static int look_up(struct bridge *b, struct bridge_principal *who, struct err *e)
{
    struct store_txn *t = NULL;
    int rc = store_read(b->store, &t, e);
    if (rc != 0) {
        return rc;
    }
    rc = chat_names(t, who);
    store_read_end(t);
    return rc != 0 ? store_err(e, rc, "the chat could not be read") : 0;
}

int widget_authenticate(struct bridge *b, const char *text, struct bridge_principal *out,
                        struct err *e)
{
    struct grant g;
    int rc = grant_read(b->core->pepper, text, clock_wall_ms(), &g, e);
    if (rc != 0) {
        return rc;
    }
    fill(&g, out);
    rc = widget_principal_check(b, out, e);
    return rc != 0 ? rc : look_up(b, out, e);
}
