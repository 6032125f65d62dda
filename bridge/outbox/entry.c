/* The record of an outbox entry: small, so that a long queue stays cheap; the text is in the
 * message. */
#include "outbox_priv.h"

#include "json.h"
#include "mem.h"

#include <stdlib.h>
#include <string.h>

int entry_write(struct buf *b, const char *to, const char *chat, const char *account,
                const char *how, bool handed)
{
    buf_str(b, handed ? "{\"state\":\"handed\",\"to\":" : "{\"state\":\"queued\",\"to\":");
    json_quote(b, to, strlen(to));
    buf_str(b, ",\"chat\":");
    json_quote(b, chat, strlen(chat));
    if (account[0] != '\0') {
        buf_str(b, ",\"account\":");
        json_quote(b, account, strlen(account));
    }
    if (how != NULL) {
        buf_str(b, ",\"how\":");
        buf_str(b, how);
    }
    return buf_char(b, '}');
}

static enum operation operation_of(const json_t *how)
{
    const char *op = json_str_or(how, "op", "");
    return strcmp(op, "react") == 0    ? OPERATION_REACT
           : strcmp(op, "edit") == 0   ? OPERATION_EDIT
           : strcmp(op, "revoke") == 0 ? OPERATION_REVOKE
                                       : OPERATION_NONE;
}

int send_how(const struct send_body *s, const char *source_chat, struct buf *out)
{
    static const char *const ops[] = {
        [OPERATION_REACT] = "react", [OPERATION_EDIT] = "edit", [OPERATION_REVOKE] = "revoke"};
    const size_t start = out->len;
    if (s->mentions != NULL) {
        buf_printf(out, ",\"mentions\":%s", s->mentions);
    }
    if (s->link_preview) {
        buf_str(out, ",\"link_preview\":true");
    }
    if (s->presence != NULL) {
        buf_printf(out, ",\"presence\":\"%s\",\"presence_ms\":%u", s->presence, s->presence_ms);
    }
    if (s->operation != OPERATION_NONE) {
        buf_printf(out, ",\"op\":\"%s\",\"target\":", ops[s->operation]);
        json_quote(out, s->target, strlen(s->target));
    } else if (source_chat != NULL) {
        buf_str(out, ",\"forward\":{\"chat\":");
        json_quote(out, source_chat, strlen(source_chat));
        buf_str(out, ",\"message_id\":");
        json_quote(out, s->target, strlen(s->target));
        buf_char(out, '}');
    }
    if (out->len == start) {
        return out->rc;
    }
    out->data[start] = '{';
    return buf_char(out, '}');
}

static bool take(char out[STORE_MAX_ID + 1], const char *in)
{
    size_t len = in != NULL ? strnlen(in, STORE_MAX_ID + 1) : 0;
    if (len < 1 || len > STORE_MAX_ID) {
        return false;
    }
    memcpy(out, in, len + 1);
    return true;
}

unsigned entry_state_known(const struct entry *en)
{
    return !en->handed                       ? ENTRY_DEFERRED
           : en->operation != OPERATION_NONE ? ENTRY_RESEND
                                             : ENTRY_UNSURE;
}

struct entry *entry_read(uint64_t order, const char *id, uint64_t expires_ms, struct store_value v)
{
    json_t *record = json_loadb(v.data, v.len, 0, NULL);
    struct entry *en = record != NULL ? mem_calloc(1, sizeof(*en)) : NULL;
    if (en == NULL || !take(en->id, id) || !take(en->to, json_str(record, "to")) ||
        !take(en->chat, json_str(record, "chat"))) {
        free(en);
        json_decref(record);
        return NULL;
    }
    list_init(&en->link);
    en->order = order;
    en->expires_ms = expires_ms;
    en->handed = strcmp(json_str_or(record, "state", ""), "handed") == 0;
    (void)take(en->account, json_str(record, "account"));
    en->how = json_incref(json_obj(record, "how"));
    en->operation = operation_of(en->how);
    en->state = entry_state_known(en);
    json_decref(record);
    return en;
}

void entry_free(struct entry *en)
{
    if (en != NULL) {
        json_decref(en->how);
        free(en);
    }
}
