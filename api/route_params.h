/*
 * The parameters of the query string that routes take; routes.c names them in its table. Each list
 * ends with a NULL name. Private to api/, read only, any thread.
 */
#ifndef API_ROUTE_PARAMS_H
#define API_ROUTE_PARAMS_H

#include "query.h"

extern const struct query_param params_paging[];
extern const struct query_param params_searching[];
extern const struct query_param params_chats[];
extern const struct query_param params_inbox[];
extern const struct query_param params_facets[];
extern const struct query_param params_messages[];
extern const struct query_param params_chat_messages[];
extern const struct query_param params_sending[];
extern const struct query_param params_erasing[];
extern const struct query_param params_linking[];
extern const struct query_param params_deliveries[];
extern const struct query_param params_events[];
extern const struct query_param params_log_lines[];
extern const struct query_param params_uploading[];
extern const struct query_param params_downloading[];
extern const struct query_param params_text_search[];
extern const struct query_param params_audits[];
extern const struct query_param params_usages[];
extern const struct query_param params_statistics[];

#endif
