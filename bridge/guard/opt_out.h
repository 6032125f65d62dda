/*
 * The rows of the opt-out list. A person has one, under their number when it is known (else their
 * LID or first JID); their other ids only say where it is. Who wants to be written to again keeps a
 * row that says so: what an older message says does not count any more.
 * {out,phone,lid,source,session,text,reason,at_ms,heard_ms,confirmed_ms}. Private to bridge/guard.
 */
#ifndef OPT_OUT_H
#define OPT_OUT_H

#include "guard.h"

/* Gives the row of that person, the latest when there are several; *doc NULL: none. */
int opt_out_find(struct store_txn *t, const char *tenant, const struct person *who, json_t **doc);
/* Writes it under all that is known of the person's ids. */
int opt_out_save(struct store_txn *t, const char *tenant, const struct person *who, json_t *doc);
/* The object of the contract; gives, NULL: no memory. */
json_t *opt_out_public(const json_t *doc);
/* Tells contact.opted_out or contact.opted_in. session NULL: of none. */
int opt_out_tell(struct bridge *b, struct store_txn *t, const char *tenant, const char *session,
                 const json_t *doc, const struct person *who);
/* A new choice in doc (made when *doc is NULL). */
int opt_out_set(json_t **doc, bool out, const char *source, const char *session, uint64_t at_ms,
                uint64_t heard_ms);
/* The tenant's settings of opt-outs, or NULL: the defaults. Gives. */
int opt_out_settings(struct store_txn *t, const char *tenant, json_t **out);

#endif
