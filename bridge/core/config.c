#include "core_priv.h"

#include "mem.h"

#include <stdlib.h>
#include <string.h>

#define MINUTE_MS UINT64_C(60000)
#define DAY_MS UINT64_C(86400000)

void bridge_config_defaults(struct bridge_config *c)
{
    *c = (struct bridge_config){
        .browser = {.sandbox = true, .start_timeout_ms = 30000},
        .page = {.origin = "https://web.whatsapp.com/",
                 .call_timeout_ms = 15000,
                 .ready_timeout_ms = MINUTE_MS},
        .session = {.qr_attempts = 6,
                    .start_stagger_ms = 1000,
                    .watchdog_ms = 15000,
                    .sync_interval_ms = 60 * MINUTE_MS,
                    .backoff_min_ms = 1000,
                    .backoff_max_ms = 5 * MINUTE_MS,
                    .max_sessions = 1000},
        .outbox = {.per_minute = 20,
                   .burst = 5,
                   .jitter_percent = 30,
                   .ack_timeout_ms = MINUTE_MS,
                   .expires_ms = DAY_MS,
                   .max_queued = 100000},
        .relay = {.timeout_ms = 10000,
                  .host_connections = 4,
                  .total_connections = 64,
                  .keep_delivered_ms = 3 * DAY_MS,
                  .keep_dead_ms = 30 * DAY_MS,
                  .keep_events_ms = 30 * DAY_MS,
                  .max_webhooks = 20,
                  .pause_after_failures = 10},
        .jwt = {.algorithms = "RS256 ES256",
                .tenant_claim = "tenant",
                .role_claim = "role",
                .sessions_claim = "sessions",
                .leeway_ms = MINUTE_MS,
                .cache_ms = 5 * MINUTE_MS,
                .refetch_ms = MINUTE_MS},
        .media = {.download = "all",
                  .max_download_bytes = UINT64_C(100) << 20,
                  .max_upload_bytes = UINT64_C(100) << 20,
                  .fetch_timeout_ms = MINUTE_MS,
                  .keep_ms = 30 * DAY_MS,
                  .max_total_bytes = UINT64_C(10) << 30},
        .audit = {.keep_ms = 365 * DAY_MS},
        .usage = {.keep_ms = 400 * DAY_MS},
        .dashboard = {.sign_in_ms = DAY_MS / 2},
        .alerts = {.tenant = "default",
                   .check_ms = 10000,
                   .hold_ms = MINUTE_MS,
                   .recover_ms = 2 * MINUTE_MS,
                   .window_ms = 5 * MINUTE_MS,
                   .send_failures = 5,
                   .send_failures_percent = 50,
                   .flap_window_ms = 10 * MINUTE_MS,
                   .flaps = 5,
                   .queue_age_ms = 15 * MINUTE_MS,
                   .disk_free_bytes = UINT64_C(1) << 30,
                   .memory_percent = 95},
        .memory = {.sample_ms = 15000,
                   .soft_bytes = UINT64_C(600) << 20,
                   .hard_bytes = UINT64_C(900) << 20,
                   .hold_ms = 30 * MINUTE_MS,
                   .reserve_bytes = UINT64_C(256) << 20,
                   .storage_ms = 60 * MINUTE_MS,
                   .max_cache_bytes = UINT64_C(256) << 20,
                   .quarantine_keep = 2,
                   .quarantine_keep_ms = 30 * DAY_MS},
    };
}

/* Replaces *text by a copy that is freed with the bridge. */
static int keep(struct bridge *b, size_t *n, const char **text)
{
    if (*text == NULL) {
        return 0;
    }
    char *copy = mem_strdup(*text);
    if (copy == NULL) {
        return E_NOMEM;
    }
    b->cfg_texts[(*n)++] = copy;
    *text = copy;
    return 0;
}

int core_config_copy(struct bridge *b, const struct bridge_config *c)
{
    b->cfg = *c;
    size_t args = 0;
    while (c->browser.args != NULL && c->browser.args[args] != NULL) {
        args++;
    }
    const char **texts[] = {&b->cfg.data_dir,     &b->cfg.browser.executable,
                            &b->cfg.browser.user, &b->cfg.browser.attach,
                            &b->cfg.page.origin,  &b->cfg.page.wa_js,
                            &b->cfg.jwt.issuer,
                            &b->cfg.jwt.audience, &b->cfg.jwt.algorithms,
                            &b->cfg.jwt.secret_file, &b->cfg.jwt.jwks_file,
                            &b->cfg.jwt.jwks_url, &b->cfg.jwt.tenant_claim,
                            &b->cfg.jwt.role_claim, &b->cfg.jwt.sessions_claim,
                            &b->cfg.media.download, &b->cfg.alerts.tenant};
    const size_t count = sizeof(texts) / sizeof(texts[0]);
    /* One more slot holds the list of arguments itself, one the NULL at the end. */
    b->cfg_texts = mem_calloc(count + args + 2, sizeof(char *));
    if (b->cfg_texts == NULL) {
        return E_NOMEM;
    }
    size_t n = 0;
    int rc = 0;
    for (size_t i = 0; i < count && rc == 0; i++) {
        rc = keep(b, &n, texts[i]);
    }
    if (rc != 0 || c->browser.args == NULL) {
        return rc;
    }
    const char **list = mem_calloc(args + 1, sizeof(*list));
    if (list == NULL) {
        return E_NOMEM;
    }
    b->cfg_texts[n++] = (char *)list;
    b->cfg.browser.args = list;
    for (size_t i = 0; i < args && rc == 0; i++) {
        list[i] = c->browser.args[i];
        rc = keep(b, &n, &list[i]);
    }
    return rc;
}

void core_config_free(struct bridge *b)
{
    for (size_t i = 0; b->cfg_texts != NULL && b->cfg_texts[i] != NULL; i++) {
        free(b->cfg_texts[i]);
    }
    free(b->cfg_texts);
    b->cfg_texts = NULL;
}
