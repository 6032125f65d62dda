/*
 * The settings of a bridge, with their defaults; times in milliseconds, sizes in bytes.
 *
 * Ownership: texts are borrowed; bridge_create() copies them. Thread: any; nothing here is kept.
 */
#ifndef BRIDGE_PUBLIC_CONFIG_H
#define BRIDGE_PUBLIC_CONFIG_H

#include "err.h"

#include <stdbool.h>
#include <stdint.h>

struct bridge_config {
    const char *data_dir; /* absolute; profiles live in <data_dir>/profiles/<tenant>/<session> */
    bool new_admin_key;   /* make one more admin key at this start: the old file was lost */

    struct {
        const char *executable; /* NULL: found */
        const char *user;       /* NULL: no change of user */
        bool sandbox;
        bool websocket;            /* transport: false = debugging pipe */
        const char *attach;        /* NULL, or ws://…: drive that browser */
        const char *const *args;   /* extra arguments, NULL-terminated; may be NULL */
        uint64_t start_timeout_ms; /* default 30000 */
    } browser;
    struct {
        const char *origin;        /* default https://web.whatsapp.com/ */
        const char *wa_js;         /* path of wppconnect-wa.js; must exist */
        bool wa_js_fixed;          /* the settings name it: no other can be installed */
        uint64_t call_timeout_ms;  /* default 15000 */
        uint64_t ready_timeout_ms; /* navigation to a working page; default 60000 */
    } page;
    struct {
        unsigned qr_attempts;      /* codes shown before `stopped`; default 6 */
        uint64_t start_stagger_ms; /* between starts at boot; default 1000 */
        uint64_t watchdog_ms;      /* liveness probe; default 15000 */
        uint64_t sync_interval_ms; /* catching up without a reason; default 3600000, 0: never */
        uint64_t backoff_min_ms;   /* default 1000 */
        uint64_t backoff_max_ms;   /* default 300000 */
        unsigned max_sessions;     /* default 1000 */
    } session;
    struct {
        unsigned per_minute;     /* pacing of sends per session; default 20; 0: no pacing */
        unsigned burst;          /* default 5 */
        unsigned jitter_percent; /* of the pacing interval; default 30 */
        uint64_t ack_timeout_ms; /* submitted without server ack -> unconfirmed; default 60000 */
        uint64_t expires_ms;     /* default 86400000 */
        unsigned max_queued;     /* per session; default 100000; past it E_LIMIT queue_full */
    } outbox;
    struct {
        bool allow_private;            /* default false */
        uint64_t timeout_ms;           /* default 10000 */
        unsigned host_connections;     /* default 4 */
        unsigned total_connections;    /* default 64 */
        uint64_t keep_delivered_ms;    /* default 3 days */
        uint64_t keep_dead_ms;         /* default 30 days */
        uint64_t keep_events_ms;       /* default 30 days */
        unsigned max_webhooks;         /* per tenant; default 20 */
        uint64_t pause_after_failures; /* consecutive failures before an endpoint is paused; 10 */
    } relay;
    struct {
        const char *download;        /* files of incoming messages: all (default), none, or types */
        uint64_t max_download_bytes; /* of such a file; default 100 MiB */
        uint64_t max_upload_bytes;   /* of a file that is sent; default 100 MiB */
        uint64_t fetch_timeout_ms;   /* of a file that is fetched from a url; default 60000 */
        uint64_t keep_ms;            /* after the last use; default 30 days; 0: for ever */
        uint64_t max_total_bytes;    /* per tenant; default 10 GiB; 0: no bound */
    } media;
    struct {
        uint64_t keep_ms; /* counts of a day; default 400 days */
    } usage;
    struct {
        uint64_t keep_ms; /* default 365 days; 0: for ever */
        bool sends;       /* a record for each accepted send too; default false */
    } audit;
    struct {
        uint64_t sample_ms;     /* between measurements of the browsers; default 15000 */
        uint64_t soft_bytes;    /* of a browser: collect garbage, then load the page again; 600 MiB */
        uint64_t hard_bytes;    /* of a browser: restart it; default 900 MiB; 0: no limit, both */
        uint64_t hold_ms;       /* between two such helps; default 30 min */
        uint64_t reserve_bytes; /* left free when a browser starts; default 256 MiB */
        unsigned max_browsers;  /* default 0: as many as fit */
        uint64_t storage_ms;    /* between measurements of a profile; default 1 h */
        uint64_t max_cache_bytes;    /* past it the caches go between two runs; 256 MiB; 0: never */
        unsigned quarantine_keep;    /* profiles set aside, of a session; default 2 */
        uint64_t quarantine_keep_ms; /* default 30 days; 0: for ever */
    } memory;
    struct {                        /* docs/monitoring.md; a threshold of 0: no such alert */
        const char *tenant;         /* whose log gets the node's alerts; default "default" */
        uint64_t check_ms;          /* between rounds; default 10000 */
        uint64_t hold_ms;           /* disk and memory bad for so long; default 60000 */
        uint64_t recover_ms;        /* good for so long before it is over; default 120000 */
        uint64_t window_ms;         /* of send failures; default 300000 */
        unsigned send_failures;     /* at least so many in it; default 5 */
        unsigned send_failures_percent; /* and so big a part of the sends; default 50 */
        uint64_t flap_window_ms;    /* default 600000 */
        unsigned flaps;             /* falls of a session in it; default 5 */
        uint64_t queue_age_ms;      /* of the first message that waits; default 900000 */
        uint64_t disk_free_bytes;   /* default 1 GiB */
        unsigned memory_percent;    /* in use; default 95 */
    } alerts;
    struct {
        uint64_t sign_in_ms; /* life of a key of a sign-in link; default 12 h */
    } dashboard;
    struct { /* tokens of an identity provider, beside keys */
        const char *issuer; /* NULL: none are accepted */
        const char *audience, *algorithms, *secret_file, *jwks_file, *jwks_url; /* NULL: not set */
        const char *tenant_claim, *role_claim, *sessions_claim;
        bool allow_private;  /* jwks_url may be a private address */
        uint64_t leeway_ms;  /* clocks differ; default 60000 */
        uint64_t cache_ms;   /* between fetches of jwks_url; default 300000 */
        uint64_t refetch_ms; /* a fetch for an unknown key, at most; default 60000 */
    } jwt;
};
/* Do the settings of [jwt] go together? E_INVALID says what is missing. Files are not read. */
int bridge_jwt_check(const struct bridge_config *c, struct err *e);
/* Is it something for media.download? E_INVALID says what is. */
int bridge_media_download_check(const char *list, struct err *e);
/* Fills the defaults above. */
void bridge_config_defaults(struct bridge_config *c);

#endif
