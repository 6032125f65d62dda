/*
 * Tickets for event streams: a browser's EventSource can send no header, and a key does not belong
 * into a URL, which ends up in histories and in the logs of proxies. A ticket there is worthless
 * once it was seen.
 */
#include "access.h"

#include "clock.h"
#include "json.h"
#include "tickets.h"

#include <stdio.h>
#include <string.h>

const struct ticket_rules stream_ticket_rules = {
    .prefix = "wat_", .life_ms = 30000, .max = 1000, .max_per_tenant = 100};

int bridge_stream_ticket(struct bridge *b, const char *tenant, const struct bridge_principal *who,
                         json_t **out, struct err *e)
{
    char text[TICKET_LEN + 1];
    int rc = tenant_exists(b, tenant, e);
    rc = rc != 0 ? rc : tickets_make(b->core->stream_tickets, tenant, who, NULL, text, e);
    if (rc != 0) {
        return rc;
    }
    *out = json_object();
    rc = json_set_str(*out, "ticket", text);
    rc = rc != 0 ? rc
                 : json_set_time(*out, "expires_at", clock_wall_ms() + stream_ticket_rules.life_ms);
    crypto_wipe(text, sizeof(text));
    if (rc != 0) {
        json_decref(*out);
        *out = NULL;
        return err_set(e, E_NOMEM, "out of memory");
    }
    return 0;
}

int bridge_stream_ticket_use(struct bridge *b, const char *tenant, const char *text, size_t len,
                             struct bridge_principal *out, struct err *e)
{
    struct ticket *t = tickets_take(b->core->stream_tickets, text, len);
    bool fits = t != NULL && strcmp(t->tenant, tenant) == 0;
    if (fits) {
        *out = t->who;
    }
    ticket_free(t);
    if (!fits || bridge_principal_check(b, out, NULL) != 0) {
        memset(out, 0, sizeof(*out));
        return err_word(e, E_AUTH, "unknown_ticket",
                        "this ticket was used, is over, or never was: ask for another one with "
                        "POST …/events/tickets");
    }
    return 0;
}
