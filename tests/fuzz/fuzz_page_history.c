/* The page's lists of chats and of earlier messages. Their readers are static: the file is part of
 * this one, in place of the library's. */
#include "fuzz.h"
#include "page_history.c"
#include "text.h"

#include "log.h"

static void on_digests(void *arg, const struct err *e, const struct channel_digest *chats,
                       size_t count, const char *next)
{
    (void)arg;
    must((e != NULL) == (next == NULL) && count <= PAGE_MAX);
    for (size_t i = 0; i < count; i++) {
        must(chats[i].chat.id[0] != '\0' && strlen(chats[i].last_id) <= STORE_MAX_ID);
        must(strlen(chats[i].rev) <= CHANNEL_REV_MAX && chats[i].last_ms <= TIME_MAX_MS);
    }
}

static void on_history(void *arg, const struct err *e, const struct channel_message *messages,
                       size_t count, const char *next)
{
    (void)arg;
    must((e != NULL) == (next == NULL) && count <= PAGE_MAX);
    for (size_t i = 0; i < count; i++) {
        must(messages[i].id[0] != '\0' && text_utf8_valid(messages[i].text, strlen(messages[i].text)));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool quiet;
    if (!quiet) {
        log_init(LOG_TEXT, LOG_ERROR, 2);
        quiet = true;
    }
    char *text = fuzz_text(data, size);
    struct err e = {0};
    json_t *v = json_parse(text, size, 1 << 20, &e);
    static struct page page;
    struct page_call_slot s = {.page = &page};
    s.cb.digests = on_digests;
    answer_digests(&s, NULL, v);
    s.cb.history = on_history;
    answer_history(&s, NULL, v);
    json_decref(v);
    free(text);
    return 0;
}
