/* From the settings, all texts, to what the bridge is told: durations in ms, arguments in a list.
 */
#include "config_priv.h"

#include "mem.h"

#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int split_args(struct config *c, struct err *e)
{
    const char *text = config_text(c, "browser", "args");
    free(c->args_text);
    free(c->args);
    c->args_text = mem_strdup(text);
    c->args = mem_calloc(strlen(text) / 2 + 2, sizeof *c->args);
    if (c->args_text == NULL || c->args == NULL) {
        return err_set(e, E_NOMEM, "out of memory");
    }
    /* An argument may itself hold spaces (a resolver rule does): a new one starts at " --". */
    size_t n = 0;
    char *p = c->args_text;
    while (*p != '\0') {
        while (*p == ' ') {
            p++;
        }
        if (*p == '\0') {
            break;
        }
        c->args[n++] = p;
        char *next = strstr(p, " --");
        char *end = next != NULL ? next : p + strlen(p);
        while (end[-1] == ' ') { /* p itself is no space */
            end--;
        }
        *end = '\0';
        if (next == NULL) {
            break;
        }
        p = next + 1;
    }
    return 0;
}

static const char *or_null(const char *s)
{
    return s[0] != '\0' ? s : NULL;
}

/* Chromium's sandbox does not run as root, so root's browsers belong to somebody else. */
#define BROWSER_USER "wabridge"

const char *config_browser_user(const struct config *c)
{
    const char *set = config_text(c, "browser", "user");
    if (set[0] != '\0') {
        return set;
    }
    bool needed = geteuid() == 0 && config_bool(c, "browser", "sandbox") &&
                  config_text(c, "browser", "attach")[0] == '\0';
    return needed && getpwnam(BROWSER_USER) != NULL ? BROWSER_USER : NULL;
}

int config_to_bridge(struct config *c, struct bridge_config *out, struct err *e)
{
    int r = split_args(c, e);
    if (r == 0 && bridge_media_download_check(config_text(c, "media", "download"), e) != 0) {
        r = err_wrap(e, "[media] download");
    }
    if (r != 0) {
        return r;
    }
    bridge_config_defaults(out);
    out->data_dir = config_data_dir(c);
    out->browser.executable = or_null(config_text(c, "browser", "executable"));
    out->browser.user = config_browser_user(c);
    out->browser.sandbox = config_bool(c, "browser", "sandbox");
    out->browser.websocket = strcmp(config_text(c, "browser", "transport"), "websocket") == 0;
    out->browser.attach = or_null(config_text(c, "browser", "attach"));
    out->browser.args = c->args;
    out->browser.start_timeout_ms = config_number(c, "browser", "start_timeout_s") * 1000;
    out->page.origin = config_text(c, "page", "origin");
    out->page.wa_js = c->wa_js;
    out->page.wa_js_fixed = config_text(c, "page", "wa_js")[0] != '\0';
    out->page.call_timeout_ms = config_number(c, "page", "call_timeout_s") * 1000;
    out->page.ready_timeout_ms = config_number(c, "page", "ready_timeout_s") * 1000;
    out->session.qr_attempts = (unsigned)config_number(c, "session", "qr_attempts");
    out->session.start_stagger_ms = config_number(c, "session", "start_stagger_ms");
    out->session.sync_interval_ms = config_number(c, "session", "sync_interval_ms");
    out->session.watchdog_ms = config_number(c, "session", "watchdog_ms");
    out->session.backoff_min_ms = config_number(c, "session", "backoff_min_ms");
    out->session.backoff_max_ms = config_number(c, "session", "backoff_max_ms");
    out->session.max_sessions = (unsigned)config_number(c, "session", "max_sessions");
    out->outbox.per_minute = (unsigned)config_number(c, "outbox", "per_minute");
    out->outbox.burst = (unsigned)config_number(c, "outbox", "burst");
    out->outbox.jitter_percent = (unsigned)config_number(c, "outbox", "jitter_percent");
    out->outbox.ack_timeout_ms = config_number(c, "outbox", "ack_timeout_ms");
    out->outbox.expires_ms = config_number(c, "outbox", "expires_s") * 1000;
    out->outbox.max_queued = (unsigned)config_number(c, "outbox", "max_queued");
    out->jwt.issuer = or_null(config_text(c, "jwt", "issuer"));
    out->jwt.audience = or_null(config_text(c, "jwt", "audience"));
    out->jwt.algorithms = config_text(c, "jwt", "algorithms");
    out->jwt.secret_file = or_null(config_text(c, "jwt", "secret_file"));
    out->jwt.jwks_file = or_null(config_text(c, "jwt", "jwks_file"));
    out->jwt.jwks_url = or_null(config_text(c, "jwt", "jwks_url"));
    out->jwt.allow_private = config_bool(c, "jwt", "allow_private");
    out->jwt.tenant_claim = config_text(c, "jwt", "tenant_claim");
    out->jwt.role_claim = config_text(c, "jwt", "role_claim");
    out->jwt.sessions_claim = config_text(c, "jwt", "sessions_claim");
    out->jwt.leeway_ms = config_number(c, "jwt", "leeway_s") * 1000;
    out->jwt.cache_ms = config_number(c, "jwt", "jwks_cache_s") * 1000;
    out->jwt.refetch_ms = config_number(c, "jwt", "jwks_refetch_s") * 1000;
    out->relay.allow_private = config_bool(c, "relay", "allow_private");
    out->relay.timeout_ms = config_number(c, "relay", "timeout_s") * 1000;
    out->relay.host_connections = (unsigned)config_number(c, "relay", "host_connections");
    out->relay.total_connections = (unsigned)config_number(c, "relay", "total_connections");
    out->relay.keep_delivered_ms = config_number(c, "relay", "keep_delivered_s") * 1000;
    out->relay.keep_dead_ms = config_number(c, "relay", "keep_dead_s") * 1000;
    out->relay.keep_events_ms = config_number(c, "relay", "keep_events_s") * 1000;
    out->relay.max_webhooks = (unsigned)config_number(c, "relay", "max_webhooks");
    out->relay.pause_after_failures = config_number(c, "relay", "pause_after_failures");
    out->media.download = config_text(c, "media", "download");
    out->media.max_download_bytes = config_number(c, "media", "max_download_bytes");
    out->media.max_upload_bytes = config_number(c, "media", "max_upload_bytes");
    out->media.fetch_timeout_ms = config_number(c, "media", "fetch_timeout_ms");
    out->media.keep_ms = config_number(c, "media", "keep_days") * UINT64_C(86400000);
    out->media.max_total_bytes = config_number(c, "media", "max_total_bytes");
    out->usage.keep_ms = config_number(c, "limits", "keep_usage_days") * UINT64_C(86400000);
    out->audit.keep_ms = config_number(c, "audit", "keep_days") * UINT64_C(86400000);
    out->dashboard.sign_in_ms =
        config_number(c, "dashboard", "sign_in_hours") * UINT64_C(3600000);
    out->audit.sends = config_bool(c, "audit", "sends");
    out->memory.sample_ms = config_number(c, "memory", "sample_s") * 1000;
    out->alerts.tenant = or_null(config_text(c, "alerts", "tenant"));
    out->alerts.check_ms = config_number(c, "alerts", "check_ms");
    out->alerts.hold_ms = config_number(c, "alerts", "hold_s") * 1000;
    out->alerts.recover_ms = config_number(c, "alerts", "recover_s") * 1000;
    out->alerts.window_ms = config_number(c, "alerts", "send_window_s") * 1000;
    out->alerts.send_failures = (unsigned)config_number(c, "alerts", "send_failures");
    out->alerts.send_failures_percent =
        (unsigned)config_number(c, "alerts", "send_failures_percent");
    out->alerts.flap_window_ms = config_number(c, "alerts", "flap_window_s") * 1000;
    out->alerts.flaps = (unsigned)config_number(c, "alerts", "flaps");
    out->alerts.queue_age_ms = config_number(c, "alerts", "queue_age_s") * 1000;
    out->alerts.disk_free_bytes = config_number(c, "alerts", "disk_free_mib") << 20;
    out->alerts.memory_percent = (unsigned)config_number(c, "alerts", "memory_percent");
    out->memory.soft_bytes = config_number(c, "memory", "soft_mb") << 20;
    out->memory.hard_bytes = config_number(c, "memory", "hard_mb") << 20;
    out->memory.hold_ms = config_number(c, "memory", "hold_s") * 1000;
    out->memory.reserve_bytes = config_number(c, "memory", "reserve_mb") << 20;
    out->memory.max_browsers = (unsigned)config_number(c, "memory", "max_browsers");
    out->memory.storage_ms = config_number(c, "memory", "storage_s") * 1000;
    out->memory.max_cache_bytes = config_number(c, "memory", "max_cache_mb") << 20;
    out->memory.quarantine_keep = (unsigned)config_number(c, "memory", "quarantine_keep");
    out->memory.quarantine_keep_ms =
        config_number(c, "memory", "quarantine_keep_days") * UINT64_C(86400000);
    r = bridge_jwt_check(out, e);
    return r != 0 ? r : config_wa_js(c, c->wa_js, sizeof c->wa_js, e);
}

void config_to_limits(const struct config *c, struct api_config *out)
{
    static const char *const names[API_CLASS_COUNT] = {
#define CLASS_KEY(id, word) [API_CLASS_##id] = word "_per_minute",
        API_CLASSES(CLASS_KEY)
#undef CLASS_KEY
    };
    out->trusted_proxies = config_text(c, "server", "trusted_proxies");
    out->limits.rates = config_bool(c, "limits", "rates");
    for (size_t i = API_UNLIMITED + 1; i < API_CLASS_COUNT; i++) {
        out->limits.per_minute[i] = (uint32_t)config_number(c, "limits", names[i]);
    }
    out->limits.burst_percent = (unsigned)config_number(c, "limits", "burst_percent");
    out->limits.login_failures = (unsigned)config_number(c, "limits", "login_failures");
    out->limits.login_wait_max_ms = config_number(c, "limits", "login_wait_max_s") * 1000;
}
