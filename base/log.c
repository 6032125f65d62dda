/*
 * A line is built in one stack buffer of 4 KiB (PIPE_BUF) and handed on whole. Everything that comes from a caller passes
 * escape(): nobody outside can forge a line, move a terminal's cursor or break a log reader.
 */
#include "log_priv.h"

#include "clock.h"
#include "text.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LINE_MAX_BYTES LOG_LINE_MAX /* with the newline */
#define TAIL 64             /* always left for what closes a line: cut mark, colour off, newline */
#define FIELD_MAX 160       /* bytes of one context field; longer is cut and marked */
#define CUT "\xe2\x80\xa6[cut]"

struct line {
    char s[LINE_MAX_BYTES];
    size_t len;
    size_t limit; /* escape() stops before it */
};

static atomic_int threshold = LOG_INFO;
static enum log_format chosen = LOG_TEXT; /* these two are set before threads start */
static bool colour;

static const char *const names[] = {"trace", "debug", "info", "warn", "error"};

void log_init(enum log_format format, enum log_level level, int fd)
{
    const char *no_color = getenv("NO_COLOR");
    chosen = format;
    log_sink_fd(fd);
    colour = format == LOG_TEXT && (no_color == NULL || no_color[0] == '\0') && isatty(fd) == 1;
    log_set_level(level);
}

void log_set_level(enum log_level level)
{
    atomic_store(&threshold, (int)level);
}

enum log_level log_get_level(void)
{
    return (enum log_level)atomic_load(&threshold);
}

int log_level_parse(const char *name)
{
    for (int i = 0; name != NULL && i < (int)(sizeof(names) / sizeof(names[0])); i++) {
        if (strcmp(name, names[i]) == 0) {
            return i;
        }
    }
    return -1;
}

const char *log_level_name(enum log_level level)
{
    return names[level];
}

/* For our own text, which is short: the limit leaves room for it. */
static void put(struct line *l, const char *s)
{
    size_t n = strlen(s);
    if (n <= sizeof(l->s) - l->len) {
        memcpy(l->s + l->len, s, n);
        l->len += n;
    }
}

static uint32_t decode(const unsigned char *p, size_t n)
{
    if (n == 1) {
        return p[0];
    }
    uint32_t c = p[0] & (0xFFu >> (n + 1));
    for (size_t i = 1; i < n; i++) {
        c = c << 6 | (p[i] & 0x3Fu);
    }
    return c;
}

/* Controls, line separators and the marks that reverse the reading order. */
static bool unsafe(uint32_t c)
{
    return c < 0x20 || (c >= 0x7F && c <= 0x9F) || (c >= 0x2028 && c <= 0x202E) ||
           (c >= 0x2066 && c <= 0x2069);
}

/* Appends s with everything unsafe escaped and malformed bytes as U+FFFD. Stops before the limit,
 * never inside a character or an escape; false when it did. */
static bool escape(struct line *l, const char *s, size_t len)
{
    for (size_t i = 0; i < len;) {
        char unit[8];
        size_t unit_len;
        size_t n = text_utf8_next(s + i, len - i);
        uint32_t c = n > 0 ? decode((const unsigned char *)s + i, n) : 0xFFFD;
        if (n == 0) {
            memcpy(unit, "\xef\xbf\xbd", unit_len = 3);
        } else if (c == '\n' || c == '\t' || c == '\r') {
            unit[0] = '\\';
            unit[1] = c == '\n' ? 'n' : c == '\t' ? 't' : 'r';
            unit_len = 2;
        } else if (unsafe(c)) {
            unit_len = (size_t)snprintf(unit, sizeof(unit), "\\u%04x", (unsigned)(c & 0xFFFF));
        } else if (chosen == LOG_JSON && (c == '"' || c == '\\')) {
            unit[0] = '\\';
            unit[1] = (char)c;
            unit_len = 2;
        } else {
            memcpy(unit, s + i, unit_len = n);
        }
        if (l->len + unit_len > l->limit) {
            return false;
        }
        memcpy(l->s + l->len, unit, unit_len);
        l->len += unit_len;
        i += n > 0 ? n : 1;
    }
    return true;
}

/* A context field: bounded by itself, so that a long one cannot push the message out. */
static void field(struct line *l, const char *before, const char *s, const char *after)
{
    size_t whole = l->limit;
    put(l, before);
    if (l->len + FIELD_MAX < l->limit) {
        l->limit = l->len + FIELD_MAX;
    }
    if (!escape(l, s, strlen(s))) {
        put(l, CUT);
    }
    put(l, after);
    l->limit = whole;
}

static void json_line(struct line *l, enum log_level level, const struct log_ctx *ctx,
                      const char *event, const char *msg, bool cut)
{
    char time[CLOCK_RFC3339_LEN];
    clock_rfc3339(clock_wall_ms(), time);
    field(l, "{\"time\":\"", time, "\"");
    field(l, ",\"level\":\"", names[level], "\"");
    field(l, ",\"event\":\"", event, "\"");
    if (ctx != NULL && ctx->tenant != NULL) {
        field(l, ",\"tenant\":\"", ctx->tenant, "\"");
    }
    if (ctx != NULL && ctx->session != NULL) {
        field(l, ",\"session\":\"", ctx->session, "\"");
    }
    if (ctx != NULL && ctx->request_id != NULL) {
        field(l, ",\"request_id\":\"", ctx->request_id, "\"");
    }
    put(l, ",\"msg\":\"");
    cut = !escape(l, msg, strlen(msg)) || cut;
    put(l, cut ? CUT "\",\"cut\":true}\n" : "\"}\n");
}

static void text_line(struct line *l, enum log_level level, const struct log_ctx *ctx,
                      const char *event, const char *msg, bool cut)
{
    static const char *const labels[] = {"TRACE", "DEBUG", "INFO ", "WARN ", "ERROR"};
    static const char *const colours[] = {"\x1b[90m", "\x1b[36m", "\x1b[32m", "\x1b[33m",
                                          "\x1b[31m"};
    char time[CLOCK_RFC3339_LEN];
    clock_rfc3339(clock_wall_ms(), time);
    put(l, time);
    put(l, " ");
    put(l, colour ? colours[level] : "");
    put(l, labels[level]);
    put(l, colour ? "\x1b[0m " : " ");
    if (ctx != NULL && (ctx->tenant != NULL || ctx->session != NULL)) {
        field(l, "[", ctx->tenant != NULL ? ctx->tenant : "-", ctx->session != NULL ? "/" : "");
        field(l, "", ctx->session != NULL ? ctx->session : "", "] ");
    }
    field(l, "", event, "");
    if (ctx != NULL && ctx->request_id != NULL) {
        field(l, " (", ctx->request_id, ")");
    }
    put(l, ": ");
    cut = !escape(l, msg, strlen(msg)) || cut;
    put(l, cut ? CUT "\n" : "\n");
}

/* Without colours: escape() lets no other ESC through, and each of ours ends with an m. */
static size_t plain(const struct line *l, char out[LINE_MAX_BYTES])
{
    size_t n = 0;
    for (size_t i = 0; i < l->len && l->s[i] != '\n'; i++) {
        if (l->s[i] == '\x1b') {
            while (i < l->len && l->s[i] != 'm') {
                i++;
            }
        } else {
            out[n++] = l->s[i];
        }
    }
    return n;
}

void log_at(enum log_level level, const struct log_ctx *ctx, const char *event, const char *fmt,
            ...)
{
    if (!log_wanted(level, ctx)) {
        return;
    }
    int saved = errno;
    char msg[LINE_MAX_BYTES];
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(msg, sizeof(msg), fmt, ap);
    va_end(ap);
    bool cut = n >= (int)sizeof(msg);
    if (n < 0) {
        msg[0] = '\0';
    } else if (cut) {
        msg[text_utf8_cut(msg, sizeof(msg) - 1, sizeof(msg) - 4)] = '\0';
    }

    struct line l;
    l.len = 0;
    l.limit = sizeof(l.s) - TAIL;
    if (chosen == LOG_JSON) {
        json_line(&l, level, ctx, event, msg, cut);
    } else {
        text_line(&l, level, ctx, event, msg, cut);
    }
    log_sink_write(l.s, l.len);
    char text[LINE_MAX_BYTES];
    log_remember(ctx, text, plain(&l, text));
    errno = saved;
}

struct log_short log_phone(const char *id)
{
    struct log_short out = {"-"};
    if (id == NULL) {
        return out;
    }
    size_t user = strcspn(id, "@");
    size_t digits = 0;
    for (size_t i = 0; i < user; i++) {
        digits += isdigit((unsigned char)id[i]) != 0;
    }
    /* "status@broadcast" hides nobody; from anything else at least five characters are dropped. */
    size_t shown = digits == 0 && user <= 24 ? user : user > 13 ? 8 : user > 5 ? user - 5 : 0;
    bool whole = shown == user;
    size_t head = whole ? user : shown / 2;
    char *p = out.s;
    for (size_t i = 0; i < user; i++) {
        if (i == head && !whole) {
            memcpy(p, "\xe2\x80\xa6", 3);
            p += 3;
            i = user - (shown - head);
            if (i == user) {
                break;
            }
        }
        *p++ = id[i] >= 0x20 && id[i] < 0x7F ? id[i] : '?';
    }
    /* Of the rest only a domain: a message id may carry a second number behind it. */
    const char *rest = id + user;
    for (size_t n = 0; n < 16 && (*rest == '.' || (n == 0 && *rest == '@') ||
                                  (*rest >= 'a' && *rest <= 'z'));
         n++) {
        *p++ = *rest++;
    }
    if (*rest != '\0') {
        memcpy(p, "\xe2\x80\xa6", 3);
        p += 3;
    }
    *p = '\0';
    return out;
}
