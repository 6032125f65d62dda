/* People, chats and groups: the operations of channel_ops.h, plain JSON both ways. The adapter
 * bounds its answers, page_call.c the time; who asked reads the value field by field. */
#include "page_priv.h"

void channel_ask(struct channel *c, const char *op, json_t *args, uint64_t timeout_ms,
                 channel_value_cb cb, void *arg)
{
    page_call(c->page, op, args != NULL ? args : json_object(), timeout_ms, cb, arg);
}
