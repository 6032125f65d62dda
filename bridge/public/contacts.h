/*
 * People: contacts, who is on WhatsApp.
 *
 * Thread: loop. What holds for every function of the bridge stands in bridge.h.
 */
#ifndef BRIDGE_PUBLIC_CONTACTS_H
#define BRIDGE_PUBLIC_CONTACTS_H

#include "public/answers.h"

/* q: NULL, or what a name begins with, a word of it begins with, or part of a number; best first. */
int bridge_contact_list(struct bridge *b, const char *tenant, const char *session, const char *q,
                        const struct bridge_paging *p, json_t **out, struct err *e);
/* contact, below: contact id, phone number or JID; E_NOTFOUND "unknown_contact". Asks WhatsApp for
 * about and business profile while the session is ready, else gives what is stored. */
void bridge_contact_get(struct bridge *b, const char *tenant, const char *session,
                        const char *contact, bridge_done_fn done, void *arg);
void bridge_contact_block(struct bridge *b, const char *tenant, const char *session,
                          const char *contact, bool blocked, bridge_done_fn done, void *arg);
/* body {phones:[…]} of at most 100. Answers {items:[{input,phone,exists,business,chat,checked_at,
 * cached} or {input,phone,exists:null,error}]}. One at a time a session: E_LIMIT "check_running". */
void bridge_contact_check(struct bridge *b, const char *tenant, const char *session,
                          const json_t *body, bridge_done_fn done, void *arg);

#endif
