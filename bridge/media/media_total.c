/*
 * How many bytes of files a tenant has, and what its quota leaves. One row, (tenant, "quota", "-",
 * "media") of STORE_USAGE, is written in the transaction that records a file or forgets it. Where
 * there is no such row (files of an earlier version, after an import or a repair) the records are
 * added up once. Inside transactions; any thread, but counting anew is not for the loop.
 */
#include "media_priv.h"

#include "json.h"
#include "usage.h"

#include <stdio.h>
#include <string.h>

#define TOTAL(tenant) STORE_PATH(tenant, "quota", "-", "media")

static int on_file(void *arg, const char *const *path, struct store_value v)
{
    struct media_record r;
    if (media_record_parse(path[1], v, &r) == 0) {
        *(uint64_t *)arg += r.info.size_bytes;
    }
    return 0;
}

static int kept_total(struct store_txn *t, const char *tenant, uint64_t *bytes)
{
    struct store_value v;
    int rc = store_get(t, STORE_USAGE, TOTAL(tenant), &v);
    json_t *o = rc == 0 ? record_parse(v, NULL) : NULL;
    int64_t n = json_int(o, "bytes", -1);
    json_decref(o);
    *bytes = n > 0 ? (uint64_t)n : 0;
    return rc == 0 && n < 0 ? E_NOTFOUND : rc;
}

int media_total(struct store_txn *t, const char *tenant, uint64_t *bytes)
{
    int rc = kept_total(t, tenant, bytes);
    if (rc == E_NOTFOUND) {
        *bytes = 0;
        rc = store_scan(t, STORE_MEDIA, STORE_PATH(tenant), NULL, on_file, bytes);
    }
    return rc < 0 ? rc : 0;
}

int media_total_change(struct store_txn *t, const char *tenant, uint64_t more, uint64_t less)
{
    char text[48];
    uint64_t bytes = 0;
    int rc = media_total(t, tenant, &bytes);
    bytes += more;
    bytes -= less < bytes ? less : bytes;
    int n = snprintf(text, sizeof(text), "{\"bytes\":%llu}", (unsigned long long)bytes);
    return rc != 0 ? rc : store_put(t, STORE_USAGE, TOTAL(tenant), text, (size_t)n);
}

int media_total_forget(struct store_txn *t, const char *tenant)
{
    int rc = store_del(t, STORE_USAGE, TOTAL(tenant));
    return rc == E_NOTFOUND ? 0 : rc;
}

/* ---- the quota ----------------------------------------------------------------------------------
 */

static uint64_t limit_of(struct store_txn *t, const char *tenant)
{
    json_t *record = usage_tenant(t, tenant);
    int64_t n = json_int(json_obj(record, "limits"), "max_media_bytes", -1);
    json_decref(record);
    return n < 0 ? UINT64_MAX : (uint64_t)n;
}

int media_quota_exceeded(struct err *e, const char *tenant)
{
    return err_word(e, E_LIMIT, "quota_exceeded",
                    "the file would take tenant %.63s past limits.max_media_bytes: delete files, "
                    "or an administrator raises it",
                    tenant);
}

int media_quota_check(struct store_txn *t, const char *tenant, const char *sha256, uint64_t bytes,
                      struct err *e)
{
    struct media_record r;
    uint64_t used = 0, limit = limit_of(t, tenant);
    if (limit == UINT64_MAX || media_record_get(t, tenant, sha256, &r) == 0) {
        return 0;
    }
    int rc = media_total(t, tenant, &used);
    bool fits = used <= limit && bytes <= limit - used;
    return rc != 0 || fits ? rc : media_quota_exceeded(e, tenant);
}

uint64_t media_quota_room(struct store_txn *t, const char *tenant)
{
    uint64_t used = 0, limit = limit_of(t, tenant);
    if (limit == UINT64_MAX || kept_total(t, tenant, &used) != 0) {
        return limit; /* what is not counted yet the record's operation counts */
    }
    return used < limit ? limit - used : 0;
}

int media_quota_glance(struct store_txn *t, const char *tenant, const char *sha256, uint64_t bytes,
                       struct err *e)
{
    struct media_record r;
    uint64_t room = media_quota_room(t, tenant);
    if ((bytes <= room && room > 0) || media_record_get(t, tenant, sha256, &r) == 0) {
        return 0;
    }
    return media_quota_exceeded(e, tenant);
}
