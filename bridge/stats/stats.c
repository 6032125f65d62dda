/* Counting. A row that does not decode is begun anew: statistics hold up no message. */
#include "stats.h"

#include "clock.h"
#include "guard.h"

#include <string.h>

int stats_count(struct store_txn *t, const char *tenant, const char *session, uint64_t at_ms,
                uint64_t fields)
{
    char name[STATS_NAME_LEN];
    unsigned char text[STATS_ROW_MAX];
    struct stats_row row = {{0}};
    struct store_value v;
    uint64_t now_ms = clock_wall_ms();
    at_ms = at_ms > now_ms ? now_ms : at_ms;
    uint64_t age_s = (now_ms - at_ms) / 1000, at_s = at_ms / 1000;
    if (fields == 0 || age_s >= STATS_KEEP_S) {
        return 0;
    }
    const bool hour = age_s >= STATS_FINE_KEEP_S;
    stats_name(name, hour, at_s - at_s % (hour ? STATS_HOUR_S : STATS_FINE_S));
    int rc = store_get(t, STORE_STATS, STORE_PATH(tenant, session, name), &v);
    if (rc != 0 && rc != E_NOTFOUND) {
        return rc;
    }
    if (rc == 0) {
        (void)stats_decode(v.data, v.len, &row);
    }
    for (unsigned i = 0; i < STATS_FIELDS; i++) {
        row.v[i] += (fields >> i) & 1;
    }
    return store_put(t, STORE_STATS, STORE_PATH(tenant, session, name), text,
                     stats_encode(&row, text));
}

/* All that a message in that status has come through. */
static uint64_t reached(enum message_status s)
{
    switch (s) {
    case MESSAGE_SENT:
        return STATS_ONE(STATS_SENT);
    case MESSAGE_DELIVERED:
        return STATS_ONE(STATS_SENT) | STATS_ONE(STATS_DELIVERED);
    case MESSAGE_READ:
    case MESSAGE_PLAYED:
        return STATS_ONE(STATS_SENT) | STATS_ONE(STATS_DELIVERED) | STATS_ONE(STATS_READ);
    case MESSAGE_FAILED:
        return STATS_ONE(STATS_FAILED);
    case MESSAGE_QUEUED:
    case MESSAGE_SUBMITTED:
    case MESSAGE_UNCONFIRMED:
    case MESSAGE_STATUS_COUNT:
        break;
    }
    return 0;
}

int stats_count_status(struct store_txn *t, const struct message_owner *o, uint64_t message_ms,
                       enum message_status from, enum message_status to)
{
    return stats_count(t, o->tenant, o->session, message_ms, reached(to) & ~reached(from));
}

int stats_count_delivery(struct store_txn *t, const char *tenant, enum store_delivery_state state,
                         bool failed, uint64_t us)
{
    uint64_t fields = us > 0 ? STATS_ONE(stats_latency_field(us)) : 0;
    fields |= state == STORE_DELIVERED ? STATS_ONE(STATS_HOOK_DELIVERED) : 0;
    fields |= state == STORE_DEAD ? STATS_ONE(STATS_HOOK_DEAD) : 0;
    fields |= failed ? STATS_ONE(STATS_HOOK_FAILED) : 0;
    return stats_count(t, tenant, STATS_TENANT, clock_wall_ms(), fields);
}

bool stats_by_team(const char *source)
{
    return source == NULL ||
           (strcmp(source, "agent") != 0 && strcmp(source, "campaign") != 0 &&
            strcmp(source, GUARD_SOURCE) != 0);
}
