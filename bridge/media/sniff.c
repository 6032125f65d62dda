/* Types of files by their first bytes. */
#include "media_sniff.h"

#include "text.h"

#include <string.h>
#include <strings.h>

#define MAX_PIXELS 65535
#define MAX_SECONDS (366u * 86400u)

size_t sniff_read(const struct sniff_reader *r, uint64_t off, void *out, size_t len)
{
    return off < r->size ? r->read(r->arg, off, out, len) : 0;
}

unsigned sniff_seconds(uint64_t units, uint64_t per_second)
{
    if (per_second == 0 || units == 0) {
        return 0;
    }
    uint64_t s = units / per_second + (units % per_second != 0);
    return s <= MAX_SECONDS ? (unsigned)s : 0;
}

unsigned sniff_pixels(uint64_t n)
{
    return n <= MAX_PIXELS ? (unsigned)n : 0;
}

/* ---- magic numbers that say all ---------------------------------------------------------------
 */

static const struct {
    size_t off, len;
    const char *magic;
    const char *type;
    enum sniff_family family;
} table[] = {
    {0, 5, "%PDF-", "application/pdf", SNIFF_KNOWN},
    {0, 3, "\xFF\xD8\xFF", "image/jpeg", SNIFF_KNOWN},
    {0, 8, "\x89PNG\r\n\x1A\n", "image/png", SNIFF_KNOWN},
    {0, 6, "GIF87a", "image/gif", SNIFF_KNOWN},
    {0, 6, "GIF89a", "image/gif", SNIFF_KNOWN},
    {0, 4, "II*\0", "image/tiff", SNIFF_KNOWN},
    {0, 4, "MM\0*", "image/tiff", SNIFF_KNOWN},
    {0, 9, "#!AMR-WB\n", "audio/amr-wb", SNIFF_KNOWN},
    {0, 6, "#!AMR\n", "audio/amr", SNIFF_KNOWN},
    {0, 4, "fLaC", "audio/flac", SNIFF_KNOWN},
    {0, 4, "OggS", "application/ogg", SNIFF_KNOWN},
    {0, 4, "\x1A\x45\xDF\xA3", "video/x-matroska", SNIFF_KNOWN},
    {0, 3, "ID3", "audio/mpeg", SNIFF_KNOWN},
    {0, 4, "PK\x03\x04", "application/zip", SNIFF_PACKED},
    {0, 4, "PK\x05\x06", "application/zip", SNIFF_PACKED},
    {0, 8, "\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1", "application/x-ole-storage", SNIFF_PACKED},
    {0, 3, "\x1F\x8B\x08", "application/gzip", SNIFF_KNOWN},
    {0, 6, "7z\xBC\xAF\x27\x1C", "application/x-7z-compressed", SNIFF_KNOWN},
    {0, 6, "Rar!\x1A\x07", "application/vnd.rar", SNIFF_KNOWN},
    {0, 6,
     "\xFD"
     "7zXZ\0",
     "application/x-xz", SNIFF_KNOWN},
    {0, 3, "BZh", "application/x-bzip2", SNIFF_KNOWN},
    {0, 5, "{\\rtf", "application/rtf", SNIFF_KNOWN},
    {0, 4,
     "\x7F"
     "ELF",
     "application/x-executable", SNIFF_KNOWN},
    {257, 5, "ustar", "application/x-tar", SNIFF_KNOWN},
};

static bool at(const uint8_t *head, size_t len, size_t off, const char *what)
{
    size_t n = strlen(what);
    return off + n <= len && memcmp(head + off, what, n) == 0;
}

static bool by_table(const uint8_t *head, size_t len, struct sniffed *out)
{
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        if (table[i].off + table[i].len <= len &&
            memcmp(head + table[i].off, table[i].magic, table[i].len) == 0) {
            out->type = table[i].type;
            out->family = table[i].family;
            return true;
        }
    }
    return false;
}

/* ---- zip: what the office programs put first ---------------------------------------------------
 */

static bool holds(const uint8_t *head, size_t len, const char *what)
{
    return memmem(head, len, what, strlen(what)) != NULL;
}

static void look_into_zip(const uint8_t *head, size_t len, struct sniffed *out)
{
    static const struct {
        const char *holds, *type;
    } kinds[] = {
        {"word/", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"},
        {"xl/", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"},
        {"ppt/", "application/vnd.openxmlformats-officedocument.presentationml.presentation"},
    };
    static const struct {
        const char *text, *type;
    } stored[] = {
        {"application/vnd.oasis.opendocument.text", "application/vnd.oasis.opendocument.text"},
        {"application/vnd.oasis.opendocument.spreadsheet",
         "application/vnd.oasis.opendocument.spreadsheet"},
        {"application/vnd.oasis.opendocument.presentation",
         "application/vnd.oasis.opendocument.presentation"},
        {"application/epub+zip", "application/epub+zip"},
    };
    if (at(head, len, 30, "mimetype")) {
        for (size_t i = 0; i < sizeof(stored) / sizeof(stored[0]); i++) {
            if (at(head, len, 38, stored[i].text)) {
                out->type = stored[i].type;
                out->family = SNIFF_KNOWN;
                return;
            }
        }
    }
    if (!at(head, len, 30, "[Content_Types].xml") && !at(head, len, 30, "_rels/") &&
        !at(head, len, 30, "docProps/")) {
        return;
    }
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (holds(head, len, kinds[i].holds)) {
            out->type = kinds[i].type;
            out->family = SNIFF_KNOWN;
            return;
        }
    }
}

/* ---- text --------------------------------------------------------------------------------------
 */

/* UTF-8 (its last character may be cut) without control characters that no text has. */
static bool is_text(const uint8_t *head, size_t len, bool whole)
{
    size_t i = 0;
    while (i < len) {
        uint8_t c = head[i];
        if (c < 0x20 && c != '\t' && c != '\n' && c != '\r' && c != '\f' && c != 0x1B) {
            return false;
        }
        size_t n = text_utf8_next((const char *)head + i, len - i);
        if (n == 0) {
            return !whole && len - i < 4 && c >= 0xC0;
        }
        i += n;
    }
    return len > 0;
}

static bool starts(const char *s, size_t len, const char *with)
{
    size_t n = strlen(with);
    return len >= n && strncasecmp(s, with, n) == 0;
}

static void look_at_text(const uint8_t *head, size_t len, struct sniffed *out)
{
    static const char *const html[] = {"<!doctype html", "<html",  "<head",  "<body",  "<script",
                                       "<iframe",        "<style", "<title", "<table", "<div",
                                       "<meta",          "<base",  "<a ",    "<img",   "<h1"};
    const char *s = (const char *)head;
    if (len >= 3 && memcmp(s, "\xEF\xBB\xBF", 3) == 0) {
        s += 3;
        len -= 3;
    }
    while (len > 0 && memchr(" \t\r\n\f", *s, 5) != NULL) {
        s++;
        len--;
    }
    out->family = SNIFF_KNOWN;
    while (starts(s, len, "<!--")) { /* what browsers skip before they decide */
        const char *end = memmem(s, len, "-->", 3);
        if (end == NULL) {
            out->type = "text/html";
            return;
        }
        end += 3;
        len -= (size_t)(end - s);
        s = end;
        while (len > 0 && memchr(" \t\r\n\f", *s, 5) != NULL) {
            s++;
            len--;
        }
    }
    for (size_t i = 0; i < sizeof(html) / sizeof(html[0]); i++) {
        if (starts(s, len, html[i])) {
            out->type = "text/html";
            return;
        }
    }
    if (starts(s, len, "<svg") || (starts(s, len, "<?xml") && memmem(s, len, "<svg", 4) != NULL) ||
        (starts(s, len, "<!doctype svg"))) {
        out->type = "image/svg+xml";
    } else if (starts(s, len, "<?xml")) {
        out->type = "application/xml";
    } else if (starts(s, len, "BEGIN:VCARD")) {
        out->type = "text/vcard";
    } else if (starts(s, len, "BEGIN:VCALENDAR")) {
        out->type = "text/calendar";
    } else {
        out->type = "text/plain";
        out->family = SNIFF_TEXT;
    }
}

/* ---- all of it ---------------------------------------------------------------------------------
 */

static bool is_riff(const uint8_t *head, size_t len, struct sniffed *out)
{
    if (!at(head, len, 0, "RIFF") || len < 12) {
        return false;
    }
    out->family = SNIFF_KNOWN;
    if (at(head, len, 8, "WEBP")) {
        out->type = "image/webp";
    } else if (at(head, len, 8, "WAVE")) {
        out->type = "audio/wav";
    } else if (at(head, len, 8, "AVI ")) {
        out->type = "video/x-msvideo";
    } else {
        out->family = SNIFF_NOTHING;
        return false;
    }
    return true;
}

static bool is_iso(const uint8_t *head, size_t len)
{
    static const char *const boxes[] = {"ftyp", "moov", "mdat", "wide", "free", "skip"};
    for (size_t i = 0; i < sizeof(boxes) / sizeof(boxes[0]) && len >= 12; i++) {
        if (memcmp(head + 4, boxes[i], 4) == 0) {
            uint32_t size = be32(head);
            return size == 0 || size == 1 || size >= 8;
        }
    }
    return false;
}

/* Sound without a container: the first frame says what it is. */
static bool is_frames(const uint8_t *head, size_t len, struct sniffed *out)
{
    if (len < 4 || head[0] != 0xFF || (head[1] & 0xE0) != 0xE0) {
        return false;
    }
    out->family = SNIFF_KNOWN;
    unsigned version = (head[1] >> 3) & 3, layer = (head[1] >> 1) & 3;
    if ((head[1] & 0xF6) == 0xF0) {
        out->type = "audio/aac";
        return ((head[2] >> 2) & 15) < 13; /* a sample rate that there is */
    }
    out->type = "audio/mpeg";
    return version != 1 && layer == 1 && (head[2] >> 4) != 15 && (head[2] >> 4) != 0 &&
           ((head[2] >> 2) & 3) != 3;
}

static void sound_of(const struct sniff_reader *r, const uint8_t *head, size_t len,
                     struct sniffed *out)
{
    if (strcmp(out->type, "application/ogg") == 0) {
        sniff_ogg(r, head, len, out);
    } else if (strcmp(out->type, "audio/mpeg") == 0) {
        sniff_mp3(r, out);
    } else if (strcmp(out->type, "audio/wav") == 0) {
        sniff_wav(head, len, out);
    } else if (strcmp(out->type, "audio/flac") == 0) {
        sniff_flac(head, len, out);
    }
}

void sniff_file(const struct sniff_reader *r, struct sniffed *out)
{
    uint8_t head[SNIFF_HEAD];
    size_t len = sniff_read(r, 0, head, sizeof(head));
    *out = (struct sniffed){.type = "application/octet-stream"};
    if (is_iso(head, len)) {
        sniff_iso(r, head, len, out);
    } else if (by_table(head, len, out) || is_riff(head, len, out) || is_frames(head, len, out)) {
        if (strcmp(out->type, "application/zip") == 0) {
            look_into_zip(head, len, out);
        } else if (strcmp(out->type, "video/x-matroska") == 0) {
            sniff_matroska(r, out);
        } else if (strncmp(out->type, "image/", 6) == 0) {
            sniff_picture(r, head, len, out);
        } else {
            sound_of(r, head, len, out);
        }
    } else if (len >= 26 && at(head, len, 0, "BM") && le32(head + 14) >= 12 &&
               le32(head + 14) <= 124) {
        out->type = "image/bmp";
        out->family = SNIFF_KNOWN;
        sniff_picture(r, head, len, out);
    } else if (is_text(head, len, len < sizeof(head))) {
        look_at_text(head, len, out);
    } else {
        *out = (struct sniffed){.type = "application/octet-stream"};
    }
}

/* ---- what is kept ------------------------------------------------------------------------------
 */

bool sniff_type_clean(const char *declared, char *out)
{
    size_t n = 0, slashes = 0;
    if (declared == NULL) {
        return false;
    }
    while (*declared == ' ') {
        declared++;
    }
    for (; declared[n] != '\0' && declared[n] != ';' && declared[n] != ' '; n++) {
        char c = declared[n];
        bool word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                    (c != '\0' && strchr("!#$&^_.+-", c) != NULL);
        if ((!word && c != '/') || n + 1 >= SNIFF_TYPE) {
            return false;
        }
        slashes += c == '/';
        out[n] = c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
    }
    out[n] = '\0';
    return slashes == 1 && out[0] != '/' && out[n - 1] != '/';
}

bool sniff_type_active(const char *type)
{
    static const char *const active[] = {"text/html",          "text/xml", "application/xml",
                                         "text/javascript",    "text/css", "text/xsl",
                                         "text/cache-manifest"};
    size_t len = strlen(type);
    if ((len > 4 && strcmp(type + len - 4, "+xml") == 0) || strstr(type, "script") != NULL ||
        strncmp(type, "multipart/", 10) == 0 || strncmp(type, "message/", 8) == 0) {
        return true;
    }
    for (size_t i = 0; i < sizeof(active) / sizeof(active[0]); i++) {
        if (strcmp(type, active[i]) == 0) {
            return true;
        }
    }
    return false;
}

/* A claim that the bytes would have borne out. */
static bool would_show(const char *type)
{
    static const char *const more[] = {
        "image/svg+xml", "video/mp4",  "video/3gpp", "video/webm",     "audio/mp4",
        "audio/ogg",     "audio/webm", "audio/aac",  "audio/wav",      "image/webp",
        "image/bmp",     "image/heic", "image/avif", "video/quicktime"};
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        if (strcmp(type, table[i].type) == 0) {
            return true;
        }
    }
    for (size_t i = 0; i < sizeof(more) / sizeof(more[0]); i++) {
        if (strcmp(type, more[i]) == 0) {
            return true;
        }
    }
    return false;
}

void sniff_settle(const struct sniffed *s, const char *declared, char *out)
{
    char clean[SNIFF_TYPE];
    const char *keep = s->type;
    if (s->family != SNIFF_KNOWN && sniff_type_clean(declared, clean) &&
        !sniff_type_active(clean) && !would_show(clean) &&
        strcmp(clean, "application/octet-stream") != 0 &&
        strcmp(clean, "application/x-www-form-urlencoded") != 0) {
        bool text = strncmp(clean, "text/", 5) == 0;
        bool file = strncmp(clean, "application/", 12) == 0;
        if (s->family == SNIFF_TEXT ? text || file : s->family == SNIFF_PACKED ? file : !text) {
            keep = clean;
        }
    }
    memcpy(out, keep, strlen(keep) + 1);
}
