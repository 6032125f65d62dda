/* Contacts of a send body: each becomes a vCard. Pure but for memory. */
#include "outbox_priv.h"

#include "json.h"
#include "mem.h"

#include <stdlib.h>
#include <string.h>

#define CONTACTS_MOST 257
#define PHONES_MOST 20

/* Into a line of a vCard: what would end the line or the value is escaped (RFC 2426). */
static void put_vcard(struct buf *b, const char *s)
{
    for (; *s != '\0'; s++) {
        if (*s == '\n') {
            buf_str(b, "\\n");
        } else {
            if (strchr(",;\\", *s) != NULL) {
                buf_char(b, '\\');
            }
            buf_char(b, *s);
        }
    }
}

static int put_phones(const json_t *list, const char *cc, struct buf *vcard, json_t *phones,
                      struct err *e)
{
    size_t count = json_array_size(list);
    if (count == 0 || count > PHONES_MOST) {
        return err_field(e, NULL, "contacts", "each contact needs 1 to %d `phones`", PHONES_MOST);
    }
    for (size_t i = 0; i < count; i++) {
        char digits[PHONE_MAX + 1];
        struct err why;
        if (phone_parse(json_string_value(json_array_get(list, i)), cc, digits, &why) != 0) {
            return err_field(e, why.word, "contacts", "%s", why.msg);
        }
        buf_printf(vcard, "TEL;type=CELL;type=VOICE;waid=%s:+%s\n", digits, digits);
        if (json_array_append_new(phones, json_string(digits)) != 0) {
            return err_set(e, E_NOMEM, "out of memory");
        }
    }
    return 0;
}

/* Gives {name,phones,vcard}. */
static json_t *take_contact(const json_t *v, const char *cc, int *rc, struct err *e)
{
    static const char *const known[] = {"name", "phones", NULL};
    struct buf vcard;
    *rc = send_check_members(v, "contacts", known, e);
    char *name = *rc == 0 ? send_take_text(v, "contacts", "name", true, NAME_MOST, rc, e) : NULL;
    json_t *o = name != NULL ? json_object() : NULL;
    json_t *phones = json_array();
    buf_init(&vcard, CHANNEL_CONTENT_MAX);
    if (*rc == 0) {
        buf_str(&vcard, "BEGIN:VCARD\nVERSION:3.0\nN:;");
        put_vcard(&vcard, name);
        buf_str(&vcard, ";;;\nFN:");
        put_vcard(&vcard, name);
        buf_char(&vcard, '\n');
        *rc = put_phones(json_arr(v, "phones"), cc, &vcard, phones, e);
    }
    if (*rc == 0 &&
        (buf_str(&vcard, "END:VCARD") != 0 || json_set_str(o, "name", name) != 0 ||
         json_object_set(o, "phones", phones) != 0 || json_set_str(o, "vcard", vcard.data) != 0)) {
        *rc = err_set(e, E_NOMEM, "out of memory");
    }
    buf_finish(&vcard);
    free(name);
    json_decref(phones);
    if (*rc != 0) {
        json_decref(o);
        return NULL;
    }
    return o;
}

int send_contacts_parse(const json_t *v, const char *cc, struct send_body *out, struct err *e)
{
    size_t count = json_array_size(v);
    if (count == 0 || count > CONTACTS_MOST) {
        return err_field(e, NULL, "contacts", "`contacts` must be a list of 1 to %d contacts",
                         CONTACTS_MOST);
    }
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++) {
        int rc;
        json_t *contact = take_contact(json_array_get(v, i), cc, &rc, e);
        if (rc == 0 && json_array_append_new(list, contact) != 0) {
            rc = err_set(e, E_NOMEM, "out of memory");
        }
        if (rc != 0) {
            json_decref(list);
            return rc;
        }
    }
    out->text = mem_strdup(json_str_or(json_array_get(list, 0), "name", ""));
    return send_keep_content(out, "contacts", list, e);
}
