/* What other resources ask about a tenant, inside a transaction or with a snapshot of their own. */
#include "core_priv.h"

#include "json.h"
#include "text.h"

int tenant_unknown(struct err *e, const char *tenant)
{
    return err_word(e, E_NOTFOUND, "unknown_tenant", "there is no tenant %.63s", tenant);
}

int tenant_check(struct store_txn *t, const char *tenant, struct err *e)
{
    struct store_value v;
    err_clear(e);
    int rc =
        text_is_name(tenant) ? store_get(t, STORE_TENANTS, STORE_PATH(tenant), &v) : E_NOTFOUND;
    if (rc == E_NOTFOUND) {
        return tenant_unknown(e, tenant);
    }
    if (rc != 0) {
        return store_err(e, rc, "the tenant could not be read");
    }
    json_t *record = record_parse(v, e);
    if (record == NULL) {
        return E_INTERNAL;
    }
    bool deleting = json_flag(record, "deleting", false);
    json_decref(record);
    return deleting ? tenant_unknown(e, tenant) : 0;
}

int tenant_exists(struct bridge *b, const char *tenant, struct err *e)
{
    struct store_txn *t = NULL;
    int rc = store_read(b->store, &t, e);
    if (rc == 0) {
        rc = tenant_check(t, tenant, e);
        store_read_end(t);
    }
    return rc;
}

uint64_t tenant_born_ms(struct store_txn *t, const char *tenant)
{
    struct store_value v;
    json_t *record = store_get(t, STORE_TENANTS, STORE_PATH(tenant), &v) == 0
                         ? record_parse(v, NULL)
                         : NULL;
    int64_t born = json_int(record, "created_ms", 0);
    json_decref(record);
    return born > 0 ? (uint64_t)born : 0;
}

uint64_t tenant_limit(struct store_txn *t, const char *tenant, const char *name, uint64_t fallback)
{
    struct store_value v;
    if (store_get(t, STORE_TENANTS, STORE_PATH(tenant), &v) != 0) {
        return fallback;
    }
    json_t *record = record_parse(v, NULL);
    int64_t limit = json_int(json_obj(record, "limits"), name, -1);
    json_decref(record);
    return limit < 0 ? fallback : (uint64_t)limit;
}

uint64_t bridge_tenant_limit(struct bridge *b, const char *tenant, const char *name,
                             uint64_t fallback)
{
    struct store_txn *t = NULL;
    uint64_t n = fallback;
    if (store_read(b->store, &t, NULL) == 0) {
        n = tenant_limit(t, tenant, name, fallback);
        store_read_end(t);
    }
    return n;
}
