/* Everything of a session or a tenant goes, in steps that each leave the indexes in agreement. */
#include "store_priv.h"

static int wipe(struct store_txn *t, enum db db, const char *tenant, const char *session,
                size_t *left)
{
    struct key prefix;
    key_owner(&prefix, tenant, session);
    return txn_wipe(t, db, &prefix, left);
}

static int erase_kept(struct store_txn *t, const char *tenant, const char *session, size_t *left)
{
    int rc = erase_messages(t, tenant, session, left);
    if (rc == 0) {
        rc = erase_chats(t, tenant, session, left);
    }
    static const enum db kept[] = {DB_TERMS, DB_CONTACTS, DB_ALIASES, DB_GROUPS, DB_NOTES,
                                   DB_SYNC,     DB_FETCHES, DB_AGENT_CHATS,
                                   DB_WINDOWS,  DB_STATS};
    for (size_t i = 0; rc == 0 && i < sizeof(kept) / sizeof(kept[0]); i++) {
        rc = wipe(t, kept[i], tenant, session, left);
    }
    return rc;
}

static int erase_tenant_rest(struct store_txn *t, const char *tenant, size_t *left)
{
    int rc = erase_deliveries(t, tenant, NULL, left);
    if (rc == 0) {
        rc = erase_events(t, tenant, left);
    }
    if (rc == 0) {
        rc = erase_idem(t, tenant, left);
    }
    if (rc == 0) {
        rc = erase_dirty(t, tenant, left);
    }
    static const enum db documents[] = {DB_SESSIONS, DB_WEBHOOKS, DB_MEDIA,   DB_CHECKS,
                                        DB_AUDIT,    DB_GUARDS,   DB_OPT_OUTS};
    for (size_t i = 0; rc == 0 && i < sizeof(documents) / sizeof(documents[0]); i++) {
        rc = wipe(t, documents[i], tenant, NULL, left);
    }
    if (rc == 0) { /* those of an erased session stay: they are its tenant's bill */
        rc = wipe(t, DB_USAGE, tenant, NULL, left);
    }
    return rc;
}

int store_erase_some(struct store_txn *t, const char *tenant, const char *session,
                     bool keep_messages, size_t max, size_t *n)
{
    size_t left = max;
    *n = 0;
    if (!t->write) {
        return E_STATE;
    }
    static const enum db always[] = {DB_AGENTS, DB_ALERTS, DB_AGENT_QUEUE};
    int rc = erase_outbox(t, tenant, session, &left);
    for (size_t i = 0; rc == 0 && i < sizeof(always) / sizeof(always[0]); i++) {
        rc = wipe(t, always[i], tenant, session, &left);
    }
    if (rc == 0 && !keep_messages) {
        rc = erase_kept(t, tenant, session, &left);
    }
    if (rc == 0 && session == NULL) {
        rc = erase_tenant_rest(t, tenant, &left);
    }
    *n = max - left;
    return rc;
}

int store_erase(struct store_txn *t, const char *tenant, const char *session, bool keep_messages)
{
    size_t n;
    return store_erase_some(t, tenant, session, keep_messages, SIZE_MAX, &n);
}
