/* Bodies of requests, after the JSON: each is taken with bounded texts, or refused with a word. */
#include "fuzz.h"
#include "access.h"
#include "agent_settings.h"
#include "json.h"
#include "media.h"
#include "outbox_priv.h"
#include "text.h"
#include "webhook.h"

static void check_send(const json_t *v, struct err *e)
{
    struct send_body s;
    if (send_body_parse(v, "55", &s, e) != 0) {
        must(e->code < 0 && e->msg[0] != '\0');
        return;
    }
    must(s.type != NULL && s.text != NULL && text_utf8_valid(s.text, s.text_len));
    json_t *content = s.content != NULL ? json_loads(s.content, 0, NULL) : NULL;
    must(s.content == NULL || json_is_object(content));
    json_decref(content);
    struct buf how;
    buf_init(&how, 1 << 20);
    if (send_how(&s, "", &how) == 0 && how.len > 0) {
        json_t *told = json_loadb(how.data, how.len, 0, NULL);
        must(told != NULL);
        json_decref(told);
    }
    buf_finish(&how);
    send_body_finish(&s);
}

static void check_edit(const json_t *v, struct err *e)
{
    struct send_body s;
    if (send_edit_parse(v, "3EB0AA", &s, e) == 0) {
        send_body_finish(&s);
    }
}

static void check_changes(int rc, json_t *changes, const struct err *e)
{
    must(rc == 0 ? json_is_object(changes) : e->code < 0);
    if (rc == 0) {
        json_decref(changes);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) {
        return 0;
    }
    struct err e = {0};
    char *text = fuzz_text(data + 1, size - 1);
    json_t *v = json_parse(text, size - 1, 1 << 20, &e);
    free(text);
    if (!json_is_object(v)) {
        json_decref(v);
        return 0;
    }
    json_t *changes = NULL;
    int rc;
    memset(&e, 0, sizeof(e));
    switch (data[0] % 6) {
    case 0:
        check_send(v, &e);
        break;
    case 1:
        rc = webhook_check(v, false, &changes, &e);
        check_changes(rc, changes, &e);
        break;
    case 2:
        rc = agent_check(v, false, &changes, &e);
        check_changes(rc, changes, &e);
        break;
    case 3:
        rc = key_body_check(v, false, 1000, &changes, &e);
        check_changes(rc, changes, &e);
        break;
    case 4:
        check_edit(v, &e);
        break;
    default:
        (void)media_rules_check(v, &e);
        break;
    }
    json_decref(v);
    return 0;
}
