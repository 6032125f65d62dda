#include "core_priv.h"

#include "clock.h"
#include "json.h"
#include "process_self.h"
#include "sessions.h"

int bridge_health(struct bridge *b, json_t **out, bool *healthy, struct err *e)
{
    struct store_counts counts = {0};
    struct store_txn *t = NULL;
    bool readable = store_read(b->store, &t, NULL) == 0;
    if (readable) {
        readable = store_counts(t, NULL, NULL, &counts) == 0;
        store_read_end(t);
    }
    struct sessions_totals totals = {0};
    if (b->sessions != NULL) {
        sessions_totals(b->sessions, &totals);
    }
    struct process_self self;
    process_self_read(&self);
    *healthy = readable && store_writable(b->store, NULL);
    json_t *body =
        json_pack("{s:s, s:s, s:I, s:{s:I}, s:{s:I, s:I, s:I, s:I, s:I}, s:{s:I, s:I, s:I}}",
                  "status", *healthy ? "ok" : "degraded", "version", WABRIDGE_VERSION, "uptime_s",
                  (json_int_t)((clock_mono_ms() - b->started_ms) / 1000), "memory", "rss_bytes",
                  (json_int_t)self.rss_bytes, "sessions", "total", (json_int_t)totals.total, "ready",
                  (json_int_t)totals.ready, "unlinked", (json_int_t)totals.unlinked, "disconnected",
                  (json_int_t)totals.disconnected, "failed", (json_int_t)totals.failed, "queues",
                  "outbox", (json_int_t)counts.outbox, "deliveries", (json_int_t)counts.deliveries,
                  "dead_letters", (json_int_t)counts.dead_letters);
    if (body == NULL || json_set_time(body, "timestamp", clock_wall_ms()) != 0) {
        json_decref(body);
        return err_set(e, E_NOMEM, "out of memory");
    }
    *out = body;
    return 0;
}
