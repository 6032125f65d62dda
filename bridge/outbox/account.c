/* The linked account of a session as a person: who our messages are from. */
#include "outbox_priv.h"

#include "json.h"

#include <string.h>

void session_person(struct session *s, struct person *out)
{
    const json_t *a = session_account(s);
    const struct {
        const char *text;
        char *to;
        size_t max;
    } parts[] = {
        {json_str_or(a, "id", ""), out->id, STORE_MAX_ID},
        {json_str_or(a, "phone", ""), out->phone, PHONE_MAX},
        {json_str_or(a, "lid", ""), out->lid, STORE_MAX_ID},
        {json_str_or(a, "push_name", ""), out->name, PERSON_NAME_MAX},
    };
    memset(out, 0, sizeof(*out));
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        size_t len = strlen(parts[i].text);
        if (len <= parts[i].max) {
            memcpy(parts[i].to, parts[i].text, len);
        }
    }
}
