/*
 * Rules on what is sent, and who does not want to be written to.
 *
 * Thread: loop. What holds for every function of the bridge stands in bridge.h.
 */
#ifndef BRIDGE_PUBLIC_GUARDS_H
#define BRIDGE_PUBLIC_GUARDS_H

#include "public/answers.h"

/* {max_text_length,forbidden:[{pattern,kind,reason}],opt_out:{enabled,languages,keywords,
 * resume_keywords,reply}}. What is not named stays as it is. A pattern that is no regular expression,
 * or one that would take too long, is E_INVALID "invalid_pattern", "pattern_too_costly". */
int bridge_guards_get(struct bridge *b, const char *tenant, json_t **out, struct err *e);
void bridge_guards_put(struct bridge *b, const char *tenant, const json_t *body,
                       bridge_done_fn done, void *arg);
/* What a send of body's `text` would be told: {allowed,code,detail}. Keeps nothing. */
void bridge_guards_try(struct bridge *b, const char *tenant, const json_t *body,
                       bridge_done_fn done, void *arg);

/* Who does not want to be written to: {phone,lid,source,session,text,reason,opted_out_at}. phone: a
 * number, or a LID. E_NOTFOUND "unknown_opt_out". */
int bridge_opt_out_list(struct bridge *b, const char *tenant, const struct bridge_paging *p,
                        json_t **out, struct err *e);
int bridge_opt_out_get(struct bridge *b, const char *tenant, const char *phone, json_t **out,
                       struct err *e);
/* body {reason?}, may be NULL. */
void bridge_opt_out_put(struct bridge *b, const char *tenant, const char *phone,
                        const json_t *body, bridge_done_fn done, void *arg);
void bridge_opt_out_delete(struct bridge *b, const char *tenant, const char *phone,
                           bridge_done_fn done, void *arg);
/* body {phones:[…],reason?}; answers {added,known,invalid:[…]}. */
#define BRIDGE_OPT_OUT_IMPORT_MAX 1000
void bridge_opt_out_import(struct bridge *b, const char *tenant, const json_t *body,
                           bridge_done_fn done, void *arg);

#endif
