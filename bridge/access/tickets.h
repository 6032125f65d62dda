/*
 * Tickets: random texts that stand for who asked for them, once and for a short while. They are in
 * memory only, and of a text only its hash: a restart forgets them. Private to bridge/.
 * Thread: loop.
 */
#ifndef BRIDGE_TICKETS_H
#define BRIDGE_TICKETS_H

#include "bridge.h"
#include "crypto.h"

#define TICKETS_OF_WIDGET 4 /* that one widget's credential has waiting; one more ends its oldest */
#define TICKET_LEN 47 /* a prefix of 4 and 256 bits in base64url */

struct ticket_rules {
    const char *prefix;         /* "wat_": of 4 characters */
    uint64_t life_ms;
    unsigned max, max_per_tenant; /* at once; of tenant "" too */
};

struct ticket {
    struct list link;
    uint8_t hash[CRYPTO_SHA256_LEN];
    uint64_t until_ms; /* monotonic */
    char tenant[64];
    struct bridge_principal who;
    json_t *grant; /* what it is good for; may be NULL. Owned */
};

struct tickets;
struct tickets *tickets_create(const struct ticket_rules *rules); /* NULL: no memory */
void tickets_free(struct tickets *t);                             /* NULL accepted */
/* The text of a new one; takes grant, also when it fails. E_LIMIT "too_many_tickets" (of this
 * tenant), E_UNAVAILABLE "too_many_tickets" (in all), E_NOMEM. */
int tickets_make(struct tickets *t, const char *tenant, const struct bridge_principal *who,
                 json_t *grant, char text[TICKET_LEN + 1], struct err *e);
/* Takes it out of the table: whoever shows it again has nothing. Gives, ticket_free(). NULL: there
 * is none such, or its time is over. */
struct ticket *tickets_take(struct tickets *t, const char *text, size_t len);
void ticket_free(struct ticket *t); /* NULL accepted */

extern const struct ticket_rules stream_ticket_rules; /* stream_ticket.c */
extern const struct ticket_rules sign_in_link_rules;  /* sign_in.c */

#endif
