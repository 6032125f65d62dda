/*
 * The domain, as its users (api, cli) see it: tenants, linked sessions, messages, webhooks, events.
 * One header a theme in bridge/public/; users include this one, which has them all.
 *
 * What holds for every function, unless it says otherwise:
 *
 * Thread: it is called on the loop thread; every callback comes from the loop, once, never inside
 * the call that started the work. Reads are short store snapshots and answer at once.
 * Ownership: arguments are borrowed during the call; "gives" means a new reference, also of what
 * comes in json_t **out.
 * JSON bodies are the objects of the HTTP contract (docs/api.md).
 * Errors carry the contract's stable word (struct err.word); HTTP numbers live in api/ only.
 * tenant, session and webhook arguments are names that text_is_name() accepts; anything unknown is
 * E_NOTFOUND ("unknown_tenant", "unknown_session", "unknown_webhook", "unknown_message", …).
 */
#ifndef BRIDGE_H
#define BRIDGE_H

/* the bridge itself */
#include "public/config.h"
#include "public/life.h"

/* callers: who they are, how they are answered */
#include "public/answers.h"
#include "public/keys.h"
#include "public/tenants.h"
#include "public/who.h"
#include "public/widget.h"

/* linked accounts */
#include "public/adapter.h"
#include "public/backup.h"
#include "public/sessions.h"
#include "public/sync.h"

/* what is said, and with whom */
#include "public/chats.h"
#include "public/contacts.h"
#include "public/groups.h"
#include "public/media.h"
#include "public/messages.h"
#include "public/pictures.h"
#include "public/search.h"

/* what acts by itself */
#include "public/agent.h"
#include "public/guards.h"
#include "public/webhooks.h"

/* what happened */
#include "public/audit.h"
#include "public/events.h"
#include "public/reports.h"

#endif
