/* Phone numbers, chat ids and keys as people write them. */
#include "fuzz.h"
#include "access.h"
#include "core_priv.h"

static void check_chat(const char *id, enum chat_kind kind)
{
    char again[STORE_MAX_ID + 1];
    enum chat_kind kind_again;
    struct err e = {0};
    must(strlen(id) <= STORE_MAX_ID && strchr(id, '@') != NULL && chat_kind_name(kind) != NULL);
    must(chat_id_parse(id, again, &kind_again, &e) == 0);
    must(strcmp(id, again) == 0 && kind == kind_again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const codes[] = {NULL, "55", "1", "49"};
    if (size == 0) {
        return 0;
    }
    const char *code = codes[data[0] % 4];
    char *text = fuzz_text(data + 1, size - 1);
    char phone[PHONE_MAX + 1], id[STORE_MAX_ID + 1], key[KEY_ID_LEN + 1], again[PHONE_MAX + 1];
    enum chat_kind kind;
    struct err e = {0};
    if (phone_parse(text, code, phone, &e) == 0) {
        must(strlen(phone) >= 7 && strspn(phone, "0123456789") == strlen(phone));
    } else {
        must(e.code < 0);
    }
    if (chat_id_parse(text, id, &kind, &e) == 0) {
        check_chat(id, kind);
        (void)chat_id_phone(id, again);
    }
    if (chat_address_parse(text, code, id, &kind, &e) == 0) {
        check_chat(id, kind);
    }
    if (key_parse(text, key, &e) == 0) {
        must(strlen(text) == KEY_TEXT_LEN && strlen(key) == KEY_ID_LEN);
    }
    free(text);
    return 0;
}
