/* Answers of the page to our calls, and the pieces in them. */
#include "fuzz.h"
#include "page_event.h"
#include "page_priv.h"
#include "page_read.h"
#include "text.h"

static void check_pieces(json_t *v)
{
    struct err e = {0};
    struct channel_message m;
    struct channel_peer p;
    struct page_state s;
    const char *text = "";
    if (page_message_read(v, &m, &e) == 0) {
        must(m.id[0] != '\0' && m.chat.id[0] != '\0' && text_utf8_valid(m.text, strlen(m.text)));
    }
    if (page_peer_read(v, &p, &e) == 0) {
        must(strlen(p.id) <= STORE_MAX_ID && strlen(p.phone) <= PHONE_MAX);
    }
    (void)page_state_read(v, &s, &e);
    json_decref(page_account(v));
    json_decref(page_caps(v));
    for (int kind = 0; kind <= CHANNEL_PRESENCE; kind++) {
        (void)page_details_read(v, (enum channel_event_kind)kind, &text);
    }
    page_content_read(v, "poll", &text);
    page_content_read(v, "location", &text);
    page_content_read(v, "contacts", &text);
    page_reactions_read(v, &text);
    page_votes_read(v, &text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = fuzz_text(data, size);
    struct err e = {0};
    json_t *v = page_answer(text, size, &e);
    must(v != NULL || (e.code < 0 && text_utf8_valid(e.msg, strlen(e.msg))));
    if (json_is_object(v)) {
        check_pieces(v);
    }
    json_decref(v);
    free(text);
    return 0;
}
