/* Records as they come back from the store, which a damaged disk may have changed: no crash, no
 * rights out of nowhere. */
#include "fuzz.h"
#include "access.h"
#include "agent_loop.h"
#include "agent_settings.h"
#include "event.h"
#include "json.h"
#include "media_priv.h"
#include "outbox_priv.h"
#include "relay_priv.h"

static void check_json(const json_t *v)
{
    struct rights rights;
    rights_of_record(v, &rights);
    struct webhook_health webhook;
    webhook_health_read(v, &webhook);
    must(memchr(webhook.error, '\0', sizeof(webhook.error)) != NULL);
    struct agent_health agent;
    agent_health_read(v, &agent);
    struct retry_policy retry = webhook_retry(v);
    (void)retry_delay(&retry, 3, 7);
    struct agent_exchange exchanges[AGENT_LOOP_KEEP];
    size_t n = agent_loop_read(json_arr(v, "exchanges"), exchanges);
    must(n <= AGENT_LOOP_KEEP);
    struct agent_loop_rules rules = {.replies = 3, .window_ms = 1000};
    (void)agent_loop_check(exchanges, n, &rules);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = fuzz_text(data, size);
    struct store_value value = {.data = text, .len = size};
    struct media_record media;
    (void)media_record_parse("00", value, &media);
    entry_free(entry_read(1, "id", 0, value));
    struct err e = {0};
    json_t *v = record_parse(value, &e);
    if (v != NULL) {
        check_json(v);
    }
    json_decref(v);
    char id[EVENT_ID_LEN], type[EVENT_TYPE_LEN], session[64];
    if (event_head(text, size, id, type) == 0) {
        must(strlen(id) < EVENT_ID_LEN && strlen(type) < EVENT_TYPE_LEN);
    }
    if (event_session(text, size, session)) {
        must(memchr(session, '\0', sizeof(session)) != NULL);
    }
    free(text);
    return 0;
}
