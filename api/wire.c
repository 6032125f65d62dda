/*
 *   START ─► METHOD ─► TARGET ─► VERSION ─► NAME ⇄ VALUE        (ENDING: CR was seen, LF must follow)
 *     ▲                                      │ empty line
 *     ├──────────── no body ─────────────────┤
 *     ├──────────── BODY (length) ◄──────────┤
 *     └─ NAME (trailer) ◄─ last ─ SIZE ◄─────┘ chunked
 *                                  SIZE ─► EXTENSION ─► DATA ─► DATA_END ─► SIZE
 *
 * What guard.c refuses anyway (two lengths, a length beside a coding, another coding) makes the
 * wire blind: it judges no more until that answer closes the connection.
 */
#include "wire.h"

#include "api_priv.h"

#include <string.h>
#include <strings.h>

enum { START, START_LF, METHOD, TARGET, VERSION, NAME, VALUE, ENDING, BODY, SIZE, EXTENSION, DATA,
       DATA_END, BLIND };
enum after { AFTER_LINE, AFTER_HEADERS, AFTER_SIZE, AFTER_DATA };
enum header { OTHER, LENGTH, CODING, COOKIE };

void wire_init(struct wire *w)
{
    memset(w, 0, sizeof(*w));
    w->state = START;
}

static bool is_token(char ch)
{
    unsigned char c = (unsigned char)ch;
    return c > 0x20 && c < 0x7f && strchr("\"(),/:;<=>?@[\\]{}", c) == NULL;
}

static bool fail(struct wire *w, enum wire_fault fault)
{
    w->fault = fault;
    return false;
}

static bool expect_ending(struct wire *w, char c, enum after after)
{
    if (c != '\r') {
        return fail(w, WIRE_ENDING);
    }
    w->state = ENDING;
    w->ending = (uint8_t)after;
    return true;
}

static void begin_line(struct wire *w)
{
    w->state = NAME;
    w->pos = 0;
}

static bool first_byte(struct wire *w, char c)
{
    if (w->state == START_LF) {
        w->state = START;
        return c == '\n' || fail(w, WIRE_ENDING);
    }
    if (c == '\r') { /* an empty line before a request is forgiven: RFC 9112, 2.2 */
        w->state = START_LF;
        return true;
    }
    w->state = METHOD;
    w->pos = 1;
    w->head = 0;
    w->fields = w->cookies = 0;
    w->chunked = w->sized = w->blind = w->trailer = false;
    w->length = 0;
    w->begun++;
    return is_token(c) || fail(w, WIRE_LINE);
}

static bool request_line(struct wire *w, char c)
{
    static const char version[] = "HTTP/1.";
    if (w->state == METHOD) {
        if (c == ' ') {
            w->state = TARGET;
            w->pos = 0;
            return true;
        }
        return (is_token(c) && ++w->pos <= WIRE_MAX_METHOD) || fail(w, WIRE_LINE);
    }
    if (w->state == TARGET) {
        if (c == ' ' && w->pos > 0) {
            w->state = VERSION;
            w->pos = 0;
            return true;
        }
        if ((unsigned char)c <= 0x20 || (unsigned char)c >= 0x7f) {
            return fail(w, WIRE_LINE);
        }
        return ++w->pos <= API_MAX_TARGET || fail(w, WIRE_LONG);
    }
    if (w->pos == sizeof(version)) {
        return expect_ending(w, c, AFTER_LINE);
    }
    bool good = w->pos + 1 < sizeof(version) ? c == version[w->pos] : c == '0' || c == '1';
    if (!good) {
        return fail(w, w->pos < 5 ? WIRE_LINE : WIRE_VERSION);
    }
    w->pos++;
    return true;
}

static enum header known(const char *name, size_t len)
{
    static const struct {
        const char *name;
        enum header header;
    } names[] = {{"Content-Length", LENGTH}, {"Transfer-Encoding", CODING}, {"Cookie", COOKIE}};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strlen(names[i].name) == len && strncasecmp(names[i].name, name, len) == 0) {
            return names[i].header;
        }
    }
    return OTHER;
}

static void begin_value(struct wire *w)
{
    bool framing = !w->trailer && w->pos <= sizeof(w->word);
    w->header = (uint8_t)(framing ? known(w->word, w->pos) : OTHER);
    if (w->header == LENGTH || w->header == CODING) {
        w->blind = w->blind || w->sized || w->chunked;
        w->sized = w->sized || w->header == LENGTH;
        w->chunked = w->chunked || w->header == CODING;
    }
    w->cookies += w->header == COOKIE;
    w->state = VALUE;
    w->pos = 0;
    w->word[0] = 0;
}

static bool name_byte(struct wire *w, char c)
{
    if (w->pos == 0) {
        if (c == '\r') {
            return expect_ending(w, c, AFTER_HEADERS);
        }
        if (c == ' ' || c == '\t') {
            return fail(w, WIRE_FOLD);
        }
        if (++w->fields > WIRE_MAX_FIELDS) {
            return fail(w, WIRE_MANY);
        }
    }
    if (c == ':' && w->pos > 0) {
        begin_value(w);
        return true;
    }
    if (!is_token(c)) {
        return fail(w, c == '\n' ? WIRE_ENDING : WIRE_NAME);
    }
    if (w->pos < sizeof(w->word)) {
        w->word[w->pos] = c;
    }
    w->pos++;
    return true;
}

/* Digits with blanks around them; pos counts them, word[0] a blank after them. */
static bool length_byte(struct wire *w, char c)
{
    if (c == ' ' || c == '\t') {
        w->word[0] = w->pos > 0;
        return true;
    }
    if (c < '0' || c > '9' || w->word[0]) {
        return fail(w, WIRE_LENGTH);
    }
    if (w->length > (UINT64_C(1) << 59) / 10) {
        return fail(w, WIRE_LENGTH_SIZE);
    }
    w->length = w->length * 10 + (uint64_t)(c - '0');
    w->pos++;
    return true;
}

/* The value's own text, blanks before it left out; what does not fit makes it unknown. */
static bool value_text(struct wire *w, char c)
{
    switch ((enum header)w->header) {
    case LENGTH:
        return length_byte(w, c);
    case CODING:
        if (w->pos > 0 || (c != ' ' && c != '\t')) {
            if (w->pos < sizeof(w->word)) {
                w->word[w->pos] = c;
            }
            w->pos++;
        }
        return true;
    case COOKIE:
        w->cookies += c == ';';
        return w->cookies <= WIRE_MAX_COOKIES || fail(w, WIRE_MANY);
    case OTHER:
        break;
    }
    return true;
}

static bool end_value(struct wire *w)
{
    if (w->header == LENGTH) {
        return w->pos > 0 || fail(w, WIRE_LENGTH);
    }
    if (w->header == CODING) {
        size_t len = w->pos;
        while (len > 0 && len <= sizeof(w->word) &&
               (w->word[len - 1] == ' ' || w->word[len - 1] == '\t')) {
            len--;
        }
        w->blind = w->blind || len != 7 || strncasecmp(w->word, "chunked", 7) != 0;
    }
    return true;
}

static bool value_byte(struct wire *w, char c)
{
    if (c == '\r') {
        return end_value(w) && expect_ending(w, c, AFTER_LINE);
    }
    if (c == '\n') {
        return fail(w, WIRE_ENDING);
    }
    if (((unsigned char)c < 0x20 && c != '\t') || c == 0x7f) {
        return fail(w, WIRE_VALUE);
    }
    return value_text(w, c);
}

static void begin_size(struct wire *w)
{
    w->state = SIZE;
    w->pos = 0;
    w->left = 0;
}

static void end_headers(struct wire *w)
{
    bool over = w->trailer || (!w->chunked && w->length == 0);
    if (w->blind) {
        w->state = BLIND;
    } else if (over) {
        w->state = START;
    } else if (w->chunked) {
        begin_size(w);
    } else {
        w->state = BODY;
        w->left = w->length;
    }
}

static void end_size(struct wire *w)
{
    if (w->left > 0) {
        w->state = DATA;
    } else {
        w->trailer = true;
        begin_line(w);
    }
}

static bool ending_byte(struct wire *w, char c)
{
    if (c != '\n') {
        return fail(w, WIRE_ENDING);
    }
    switch ((enum after)w->ending) {
    case AFTER_LINE:
        begin_line(w);
        break;
    case AFTER_HEADERS:
        end_headers(w);
        break;
    case AFTER_SIZE:
        end_size(w);
        break;
    case AFTER_DATA:
        begin_size(w);
        break;
    }
    return true;
}

static int hex(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* "1a3" or "1a3;name=value": extensions say nothing to us, but must be one short clean line. */
static bool size_byte(struct wire *w, char c)
{
    if (w->state == EXTENSION) {
        if (c == '\r') {
            return expect_ending(w, c, AFTER_SIZE);
        }
        bool clean = ((unsigned char)c >= 0x20 || c == '\t') && c != 0x7f;
        return (clean && ++w->pos <= WIRE_MAX_EXTENSION) || fail(w, WIRE_CHUNK);
    }
    int digit = hex(c);
    if (digit >= 0) {
        if (w->left >> 56 != 0) {
            return fail(w, WIRE_CHUNK_SIZE);
        }
        w->left = w->left << 4 | (uint64_t)digit;
        return ++w->pos <= 16 || fail(w, WIRE_CHUNK);
    }
    if (w->pos > 0 && c == ';') {
        w->state = EXTENSION;
        w->pos = 0;
        return true;
    }
    return w->pos > 0 && c == '\r' ? expect_ending(w, c, AFTER_SIZE) : fail(w, WIRE_CHUNK);
}

static bool step(struct wire *w, char c)
{
    switch (w->state) {
    case START:
    case START_LF:
        return first_byte(w, c);
    case METHOD:
    case TARGET:
    case VERSION:
        return request_line(w, c);
    case NAME:
        return name_byte(w, c);
    case VALUE:
        return value_byte(w, c);
    case ENDING:
        return ending_byte(w, c);
    case SIZE:
    case EXTENSION:
        return size_byte(w, c);
    default: /* DATA_END */
        return expect_ending(w, c, AFTER_DATA) || fail(w, WIRE_CHUNK);
    }
}

/* Bytes of a body, as many as there are. */
static size_t skip(struct wire *w, size_t len)
{
    size_t n = w->left < len ? (size_t)w->left : len;
    w->left -= n;
    if (w->left == 0) {
        w->state = w->state == BODY ? START : DATA_END;
    }
    return n;
}

/* In a request line, a header or a trailer: what counts as head. */
static bool in_lines(const struct wire *w)
{
    return w->state >= METHOD &&
           (w->state < ENDING || (w->state == ENDING && w->ending <= AFTER_HEADERS));
}

bool wire_in_head(const struct wire *w)
{
    return in_lines(w) && !w->trailer;
}

size_t wire_feed(struct wire *w, const char *data, size_t len)
{
    size_t start = 0; /* of the request that is being read */
    for (size_t i = 0; i < len;) {
        if (w->state == BLIND) {
            return len;
        }
        if (w->state == BODY || w->state == DATA) {
            i += skip(w, len - i);
            continue;
        }
        if (w->state == START) {
            start = i;
        }
        if (!step(w, data[i])) {
            return start;
        }
        if (in_lines(w) && ++w->head > API_MAX_HEADER) {
            w->fault = WIRE_LARGE;
            return start;
        }
        i++;
    }
    return len;
}

int wire_problem(const struct wire *w, struct err *e)
{
    static const struct {
        const char *word, *text;
    } texts[] = {
        [WIRE_LINE] = {"malformed_request", "the request line is not METHOD SP target SP version"},
        [WIRE_VERSION] = {"http_version", "HTTP/1.1 and HTTP/1.0 are understood here"},
        [WIRE_ENDING] = {"malformed_request", "a line of the request does not end with CR LF"},
        [WIRE_NAME] = {"malformed_request",
                       "a header's name has characters that HTTP does not allow, or a blank "
                       "before its colon"},
        [WIRE_VALUE] = {"malformed_request", "a header's value has a control character"},
        [WIRE_FOLD] = {"malformed_request", "a header that goes on in the next line is not taken"},
        [WIRE_MANY] = {"header_too_large", "more than 100 header lines, or 100 cookies"},
        [WIRE_LARGE] = {"header_too_large", "the headers have more than 32768 bytes"},
        [WIRE_LONG] = {"uri_too_long", "path and query have more than 8192 bytes"},
        [WIRE_LENGTH] = {"malformed_request", "Content-Length is not a number"},
        [WIRE_LENGTH_SIZE] = {"payload_too_large", "the body is too large"},
        [WIRE_CHUNK] = {"malformed_request", "the chunks of the body are malformed"},
        [WIRE_CHUNK_SIZE] = {"payload_too_large", "a chunk of the body is too large"},
    };
    bool large = w->fault == WIRE_CHUNK_SIZE || w->fault == WIRE_LENGTH_SIZE;
    int code = large ? E_TOOLARGE : E_INVALID;
    return err_word(e, code, texts[w->fault].word, "%s", texts[w->fault].text);
}
