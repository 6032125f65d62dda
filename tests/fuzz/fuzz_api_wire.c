/* Bytes of a connection: judged alike however they are cut, and what passes has the framing that
 * everybody agrees on. */
#include "api_priv.h"
#include "fuzz.h"

static size_t feed(struct wire *w, const char *text, size_t size, size_t step)
{
    size_t fine = 0;
    wire_init(w);
    for (size_t i = 0; i < size && w->fault == WIRE_FINE; i += step) {
        size_t n = size - i < step ? size - i : step;
        size_t taken = wire_feed(w, text + i, n);
        must(taken <= n && (w->fault != WIRE_FINE || taken == n));
        fine += taken;
    }
    return fine;
}

/* Up to the end of the first head: only whole lines, no stray control characters. */
static void check_head(const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        unsigned char c = (unsigned char)text[i];
        must(c != '\n' || (i > 0 && text[i - 1] == '\r'));
        must(c >= 0x20 || c == '\t' || c == '\r' || c == '\n');
        if (i >= 3 && memcmp(text + i - 3, "\r\n\r\n", 4) == 0) {
            return;
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = fuzz_text(data, size);
    struct wire whole, pieces;
    size_t fine = feed(&whole, text, size, size > 0 ? size : 1);
    (void)feed(&pieces, text, size, 1 + size / 7);
    must(whole.fault == pieces.fault && whole.begun == pieces.begun);
    if (whole.fault == WIRE_FINE) {
        must(whole.state == pieces.state && whole.left == pieces.left);
    } else {
        struct err e = {0};
        must(wire_problem(&whole, &e) < 0 && problem_status(&e) >= 400 && problem_status(&e) < 600);
    }
    if (whole.begun == 1 && whole.fault == WIRE_FINE) {
        size_t start = 0;
        while (start < fine && (text[start] == '\r' || text[start] == '\n')) {
            start++;
        }
        check_head(text + start, fine - start);
    }
    free(text);
    return 0;
}
