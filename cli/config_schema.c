/* Every setting, once. The order is that of `wabridge config check` and of docs/configuration.md.
 */
#include "config.h"

#define T(sec, key, def, help)                                                                     \
    {                                                                                              \
        sec, key, CONFIG_TEXT, def, 0, 0, NULL, false, help                                        \
    }
#define B(sec, key, def, help)                                                                     \
    {                                                                                              \
        sec, key, CONFIG_BOOL, def, 0, 0, NULL, false, help                                        \
    }
#define N(sec, key, def, lo, hi, help)                                                             \
    {                                                                                              \
        sec, key, CONFIG_NUMBER, def, lo, hi, NULL, false, help                                    \
    }
#define C(sec, key, def, choices, help)                                                            \
    {                                                                                              \
        sec, key, CONFIG_CHOICE, def, 0, 0, choices, false, help                                   \
    }

const struct config_key config_schema[] = {
    T("server", "listen", "127.0.0.1:3000", "address of the HTTP API; empty: Unix socket only"),
    T("server", "socket", "", "Unix socket of the API and the command line; default in data_dir"),
    T("server", "tls_cert", "", "PEM file, the certificate and its chain: the address above speaks TLS"),
    T("server", "tls_key", "", "PEM file of its key, not readable for others"),
    T("server", "data_dir", "", "everything durable; default depends on the user"),
    N("server", "max_connections", "1024", 16, 65536,
      "TCP connections at once; past it 503, see security.md"),
    N("server", "max_per_address", "256", 1, 65536,
      "of them from one address (IPv6: one /64), but for loopback"),
    T("server", "trusted_proxies", "",
      "reverse proxies whose X-Forwarded-For is believed: addresses and networks, with commas"),
    T("server", "public_url", "",
      "where browsers find the daemon, https://wa.example.com behind a proxy; empty: at listen"),

    T("log", "file", "", "where lines go, opened again at SIGUSR1; empty: standard error"),
    C("log", "format", "auto", "auto|json|text", "auto: text on a terminal, else json"),
    C("log", "level", "info", "trace|debug|info|warn|error", "least level that is written"),

    C("security", "confine", "auto", "auto|on|off",
      "files and system calls that the kernel refuses the daemon: auto: what it can"),

    T("browser", "executable", "", "path of Chromium; empty: headless shell, else chromium"),
    T("browser", "user", "", "runs the browser when the daemon is root; empty: wabridge, if it exists"),
    B("browser", "sandbox", "on", "the browser's own sandbox"),
    C("browser", "transport", "pipe", "pipe|websocket", "how a launched browser is driven"),
    T("browser", "attach", "", "ws://host:port of a browser that runs elsewhere; launches none"),
    T("browser", "args", "", "more arguments for the browser, one at each space before --"),
    N("browser", "start_timeout_s", "30", 1, 600, "launch to first answer"),

    T("page", "origin", "https://web.whatsapp.com/", "the page to open"),
    T("page", "wa_js", "", "path of wppconnect-wa.js; empty: looked for"),
    N("page", "call_timeout_s", "15", 1, 300, "deadline of one call into the page"),
    N("page", "ready_timeout_s", "60", 5, 900, "navigation to a working page"),

    N("session", "qr_attempts", "6", 1, 1000, "codes shown before the session stops"),
    N("session", "start_stagger_ms", "1000", 0, 60000, "between starts at boot"),
    N("session", "watchdog_ms", "15000", 200, 600000, "between liveness probes"),
    N("session", "sync_interval_ms", "3600000", 0, 604800000,
      "between runs that look for what was missed; 0: only when there is a reason"),
    N("session", "backoff_min_ms", "1000", 10, 60000, "first wait before a restart"),
    N("session", "backoff_max_ms", "300000", 100, 3600000, "longest wait before a restart"),
    N("session", "max_sessions", "1000", 1, 100000, "sessions on this node"),

    N("outbox", "per_minute", "20", 0, 1000000, "sends per session and minute; 0: no pacing"),
    N("outbox", "burst", "5", 1, 1000000, "sends that may go at once after a pause"),
    N("outbox", "jitter_percent", "30", 0, 100, "random part of the pacing interval"),
    N("outbox", "ack_timeout_ms", "60000", 100, 3600000, "without server ack: look it up again"),
    N("outbox", "expires_s", "86400", 1, 2592000, "default life of a queued message"),
    N("outbox", "max_queued", "100000", 1, 10000000, "messages waiting per session"),

    B("relay", "allow_private", "no", "webhooks may go to private and loopback addresses"),
    N("relay", "timeout_s", "10", 1, 120, "of one webhook request"),
    N("relay", "host_connections", "4", 1, 64, "at once to one host"),
    N("relay", "total_connections", "64", 1, 1024, "at once to all hosts"),
    N("relay", "keep_delivered_s", "259200", 60, 31536000, "delivered records in the lists"),
    N("relay", "keep_dead_s", "2592000", 60, 31536000, "dead letters"),
    N("relay", "keep_events_s", "2592000", 60, 31536000, "the event log"),
    N("relay", "max_webhooks", "20", 1, 1000, "per tenant"),
    N("relay", "pause_after_failures", "10", 1, 1000, "consecutive failures of an endpoint"),

    T("media", "download", "all",
      "files of incoming messages to fetch: all, none, or a list such as image,voice"),
    N("media", "max_download_bytes", "104857600", 0, 2147483648, "of a file of an incoming message"),
    N("media", "max_upload_bytes", "104857600", 1024, 2147483648, "of a file to be sent"),
    N("media", "fetch_timeout_ms", "60000", 100, 3600000, "of a file that is fetched from a url"),
    N("media", "keep_days", "30", 0, 36500, "files after their last use; 0: for ever"),
    N("media", "max_total_bytes", "10737418240", 0, 1099511627776,
      "all files of a tenant, the longest unused go first; 0: no bound"),

    N("audit", "keep_days", "365", 0, 36500, "records of the audit log; 0: for ever"),
    B("audit", "sends", "no", "a record for each accepted send too, not only in the message"),

    N("memory", "sample_s", "15", 1, 3600, "between measurements of the browsers"),
    N("memory", "soft_mb", "600", 0, 1048576,
      "MiB of a browser: garbage is collected, then the page loaded again; 0: never"),
    N("memory", "hard_mb", "900", 0, 1048576, "MiB of a browser: it is restarted; 0: never"),
    N("memory", "hold_s", "1800", 1, 604800, "least time between two such reloads or restarts"),
    N("memory", "reserve_mb", "256", 0, 16777216, "MiB left free when a browser starts"),
    N("memory", "max_browsers", "0", 0, 100000, "browsers at once; 0: as many as memory allows"),
    N("memory", "storage_s", "3600", 1, 604800, "between measurements of a profile on disk"),
    N("memory", "max_cache_mb", "256", 0, 1048576,
      "MiB of a browser's caches, past which they go between two runs; 0: never"),
    N("memory", "quarantine_keep", "2", 0, 1000, "old profiles set aside, of a session"),
    N("memory", "quarantine_keep_days", "30", 0, 36500, "old profiles set aside; 0: for ever"),

    T("alerts", "tenant", "default", "whose event log gets the alerts of the node; empty: none"),
    N("alerts", "check_ms", "10000", 50, 600000, "between looks at everything"),
    N("alerts", "hold_s", "60", 0, 86400, "disk or memory bad for so long before an alert"),
    N("alerts", "recover_s", "120", 0, 86400, "good for so long before an alert is over"),
    N("alerts", "send_window_s", "300", 1, 86400, "in which failed sends are counted"),
    N("alerts", "send_failures", "5", 1, 1000000, "of a session, at least so many"),
    N("alerts", "send_failures_percent", "50", 0, 100, "of its sends; 0: no such alert"),
    N("alerts", "flap_window_s", "600", 1, 86400, "in which falls of a session are counted"),
    N("alerts", "flaps", "5", 0, 1000000, "falls of a session; 0: no such alert"),
    N("alerts", "queue_age_s", "900", 0, 2592000, "age of a message that waits; 0: no such alert"),
    N("alerts", "disk_free_mib", "1024", 0, 16777216, "free in the data directory; 0: no such alert"),
    N("alerts", "memory_percent", "95", 0, 100, "memory in use; 0: no such alert"),

    B("dashboard", "enabled", "yes", "the web page at / and links to sign in there"),
    N("dashboard", "sign_in_hours", "12", 1, 720, "who signed in by a link stays so long"),

    B("metrics", "open", "no", "GET /metrics without a key on loopback and the Unix socket"),

    T("store", "master_key_file", "",
      "the key that secrets are sealed with; empty: store/master.key in data_dir"),

    B("limits", "rates", "on", "requests of a key are limited by route class"),
    N("limits", "connect_per_minute", "20", 0, 1000000, "start, stop, link; here and below 0: no limit"),
    N("limits", "status_per_minute", "100", 0, 1000000, "how sessions are"),
    N("limits", "send_per_minute", "200", 0, 1000000, "messages that go out"),
    N("limits", "messages_per_minute", "100", 0, 1000000, "chats, history, search"),
    N("limits", "contacts_per_minute", "60", 0, 1000000, "contacts and groups"),
    N("limits", "media_per_minute", "120", 0, 1000000, "files of messages"),
    N("limits", "webhooks_per_minute", "60", 0, 1000000, "webhooks and their deliveries"),
    N("limits", "events_per_minute", "120", 0, 1000000, "lists of events, and streams opened"),
    N("limits", "manage_per_minute", "120", 0, 1000000, "all else: tenants, keys, settings"),
    N("limits", "burst_percent", "100", 1, 1000, "how much of a minute's worth may come at once"),
    N("limits", "login_failures", "10", 0, 1000000,
      "requests with a wrong key from an address before it has to wait; 0: it never has"),
    N("limits", "login_wait_max_s", "900", 1, 86400, "the longest of these waits"),
    N("limits", "keep_usage_days", "400", 1, 36500, "counts of messages and costs by day"),

    T("jwt", "issuer", "", "accept tokens of this issuer (iss) beside keys; empty: none"),
    T("jwt", "audience", "", "of tokens that are meant for us (aud)"),
    T("jwt", "algorithms", "RS256 ES256", "of HS256, RS256, ES256"),
    T("jwt", "secret_file", "", "for HS256: file with a secret of 32 bytes or more"),
    T("jwt", "jwks_file", "", "for RS256 and ES256: file with the JWK set; read again when it changes"),
    T("jwt", "jwks_url", "", "or where it is fetched from"),
    B("jwt", "allow_private", "no", "jwks_url may be a private or loopback address"),
    T("jwt", "tenant_claim", "tenant", "claim that names the tenant; dots go into objects"),
    T("jwt", "role_claim", "role", "claim with a role or a list: admin, operator, agent, viewer"),
    T("jwt", "sessions_claim", "sessions", "claim with session patterns; without it all"),
    N("jwt", "leeway_s", "60", 0, 3600, "how much clocks may differ"),
    N("jwt", "jwks_cache_s", "300", 1, 86400, "between fetches of jwks_url"),
    N("jwt", "jwks_refetch_s", "60", 1, 3600, "between fetches because of an unknown key"),

    N("store", "map_gib", "64", 1, 65536, "address space of the store (the file is sparse)"),
};
const size_t config_schema_count = sizeof config_schema / sizeof config_schema[0];
