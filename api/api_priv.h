/*
 * What the files of api/ share, one header a theme. Private to api/.
 * Thread: loop, but for the pure parts (any).
 */
#ifndef API_PRIV_H
#define API_PRIV_H

#include "api.h"

#include "bridge.h"
#include "buf.h"
#include "err.h"
#include "json.h"
#include "list.h"
#include "log.h"
#include "sm.h"

/* pure: what is asked, in which words */
#include "address.h"
#include "bounds.h"
#include "media_head.h"
#include "negotiate.h"
#include "problem.h"
#include "query.h"
#include "router.h"

/* the server, its connections, its requests */
#include "gate.h"
#include "request.h"
#include "server.h"
#include "wire.h"

/* a request on its way */
#include "answer.h"
#include "api_metrics.h"
#include "audit.h"
#include "auth.h"
#include "handlers.h"
#include "streams.h"
#include "upload.h"

#include <microhttpd.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#endif
