/*
 * TZif (RFC 8536): the second block's 64-bit transitions, and behind the last of them the rule in
 * the footer (a POSIX TZ text such as <-03>3 or CET-1CEST,M3.5.0,M10.5.0/3).
 */
#include "zone.h"

#include "mem.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DAY_S INT64_C(86400)
#define FILE_MAX (64u << 10)
#define DIRECTORY "/usr/share/zoneinfo/"

/* "M3.5.0/2": the 5th (last) Sunday of March at 2:00 of the local time before the change. */
struct rule {
    int month, week, weekday;
    int32_t at_s;
};

struct zone {
    size_t count;
    int64_t *times;   /* UTC seconds, ascending */
    int32_t *offsets; /* from that time on */
    int32_t first;    /* before the first */
    bool ruled;       /* the three below hold behind the last time */
    int32_t standard;
    bool summer;
    int32_t summer_offset;
    struct rule begins, ends;
};

/* ---- days ------------------------------------------------------------------------------------- */

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

/* Howard Hinnant's algorithms for the proleptic Gregorian calendar. */
static void civil_of(int64_t days, int64_t *y, int *m, int *d)
{
    days += 719468;
    int64_t era = floor_div(days, 146097), doe = days - era * 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100), mp = (5 * doy + 2) / 153;
    *d = (int)(doy - (153 * mp + 2) / 5 + 1);
    *m = (int)(mp < 10 ? mp + 3 : mp - 9);
    *y = yoe + era * 400 + (*m <= 2);
}

static int64_t days_of(int64_t y, int m, int d)
{
    y -= m <= 2;
    int64_t era = floor_div(y, 400), yoe = y - era * 400;
    int64_t doy = (153 * (m > 2 ? m - 3 : m + 9) + 2) / 5 + d - 1;
    return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

/* The day of a rule in that year, as seconds of local time. */
static int64_t rule_time(const struct rule *r, int64_t year)
{
    int64_t first = days_of(year, r->month, 1);
    int weekday = (int)(((first + 4) % 7 + 7) % 7); /* 1970-01-01 was a Thursday */
    int64_t day = first + (r->weekday - weekday + 7) % 7 + (r->week - 1) * 7;
    int64_t next = r->month == 12 ? days_of(year + 1, 1, 1) : days_of(year, r->month + 1, 1);
    while (day >= next) {
        day -= 7;
    }
    return day * DAY_S + r->at_s;
}

static int32_t ruled_offset(const struct zone *z, int64_t utc_s)
{
    int64_t year;
    int month, day;
    if (!z->summer) {
        return z->standard;
    }
    civil_of(floor_div(utc_s + z->standard, DAY_S), &year, &month, &day);
    int64_t begins = rule_time(&z->begins, year) - z->standard;
    int64_t ends = rule_time(&z->ends, year) - z->summer_offset;
    bool summer = begins < ends ? utc_s >= begins && utc_s < ends : utc_s >= begins || utc_s < ends;
    return summer ? z->summer_offset : z->standard;
}

int32_t zone_offset(const struct zone *z, int64_t utc_s)
{
    if (z->count == 0 || utc_s < z->times[0]) {
        return z->count == 0 && z->ruled ? ruled_offset(z, utc_s) : z->first;
    }
    if (z->ruled && utc_s >= z->times[z->count - 1]) {
        return ruled_offset(z, utc_s);
    }
    size_t low = 0, high = z->count;
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (z->times[middle] <= utc_s) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return z->offsets[low];
}

static int64_t local_day(const struct zone *z, int64_t utc_s)
{
    return floor_div(utc_s + zone_offset(z, utc_s), DAY_S);
}

static int64_t local_month(const struct zone *z, int64_t utc_s)
{
    int64_t y;
    int m, d;
    civil_of(local_day(z, utc_s), &y, &m, &d);
    return y * 12 + m;
}

void zone_date(const struct zone *z, uint64_t wall_ms, char out[ZONE_DATE_LEN])
{
    int64_t y;
    int m, d;
    civil_of(local_day(z, (int64_t)(wall_ms / 1000)), &y, &m, &d);
    char text[48];
    (void)snprintf(text, sizeof(text), "%04lld-%02d-%02d", (long long)y, m, d);
    memcpy(out, text, ZONE_DATE_LEN - 1);
    out[ZONE_DATE_LEN - 1] = '\0';
}

/* The first second of a later period, which begins within span_s. */
static uint64_t period_end(const struct zone *z, uint64_t wall_ms, int64_t span_s,
                           int64_t (*period)(const struct zone *, int64_t))
{
    int64_t low = (int64_t)(wall_ms / 1000), high = low + span_s, now = period(z, low);
    while (high - low > 1) {
        int64_t middle = low + (high - low) / 2;
        if (period(z, middle) > now) {
            high = middle;
        } else {
            low = middle;
        }
    }
    return (uint64_t)high * 1000;
}

uint64_t zone_day_end(const struct zone *z, uint64_t wall_ms)
{
    return period_end(z, wall_ms, 2 * DAY_S, local_day);
}

uint64_t zone_month_end(const struct zone *z, uint64_t wall_ms)
{
    return period_end(z, wall_ms, 33 * DAY_S, local_month);
}

uint64_t zone_span_end(const struct zone *z, uint64_t wall_ms, int32_t from, int32_t to)
{
    int64_t utc = (int64_t)(wall_ms / 1000), local = utc + zone_offset(z, utc);
    int64_t time = local - floor_div(local, DAY_S) * DAY_S;
    bool on = from < to ? time >= from && time < to : time >= from || time < to;
    if (!on) {
        return 0;
    }
    int64_t end = utc + (to > time ? to - time : to - time + DAY_S);
    int64_t put = zone_offset(z, utc) - zone_offset(z, end); /* the clock is, between the two */
    end = end + put > utc ? end + put : end;
    return (uint64_t)end * 1000;
}

/* ---- the footer -------------------------------------------------------------------------------- */

static bool take_name(const char **s)
{
    const char *p = *s;
    if (*p == '<') {
        const char *end = strchr(p, '>');
        *s = end != NULL ? end + 1 : p;
        return end != NULL;
    }
    while ((*p >= 'A' && *p <= 'Z') || (*p >= 'a' && *p <= 'z')) {
        p++;
    }
    bool any = p > *s;
    *s = p;
    return any;
}

static bool take_number(const char **s, int max, int *out)
{
    int n = 0;
    const char *p = *s;
    for (; *p >= '0' && *p <= '9' && n <= max; p++) {
        n = n * 10 + (*p - '0');
    }
    bool good = p > *s && n <= max;
    *s = p;
    *out = n;
    return good;
}

/* [+-]h[:m[:s]] */
static bool take_time(const char **s, int32_t *out)
{
    int sign = **s == '-' ? -1 : 1, part[3] = {0, 0, 0};
    *s += **s == '-' || **s == '+';
    for (int i = 0; i < 3; i++) {
        if (i > 0 && **s != ':') {
            break;
        }
        *s += i > 0;
        if (!take_number(s, i == 0 ? 167 : 59, &part[i])) {
            return false;
        }
    }
    *out = sign * (part[0] * 3600 + part[1] * 60 + part[2]);
    return true;
}

static bool take_rule(const char **s, struct rule *r)
{
    r->at_s = 7200;
    if (**s != ',' || (*s)[1] != 'M') {
        return false;
    }
    *s += 2;
    if (!take_number(s, 12, &r->month) || r->month < 1 || *(*s)++ != '.' ||
        !take_number(s, 5, &r->week) || r->week < 1 || *(*s)++ != '.' ||
        !take_number(s, 6, &r->weekday)) {
        return false;
    }
    if (**s != '/') {
        return true;
    }
    ++*s;
    return take_time(s, &r->at_s);
}

static void read_footer(struct zone *z, const char *s)
{
    int32_t west;
    if (!take_name(&s) || !take_time(&s, &west)) {
        return;
    }
    z->standard = -west;
    z->summer_offset = z->standard + 3600;
    if (*s == '\0') {
        z->ruled = true;
        return;
    }
    if (!take_name(&s)) {
        return;
    }
    if (*s != ',' && *s != '\0') {
        if (!take_time(&s, &west)) {
            return;
        }
        z->summer_offset = -west;
    }
    z->summer = z->ruled = take_rule(&s, &z->begins) && take_rule(&s, &z->ends) && *s == '\0';
}

/* ---- the file ---------------------------------------------------------------------------------- */

#define HEADER 44

static uint64_t number(const unsigned char *p, size_t bytes)
{
    uint64_t n = 0;
    for (size_t i = 0; i < bytes; i++) {
        n = n << 8 | p[i];
    }
    return n;
}

struct counts {
    size_t utc, standard, leap, times, types, chars;
};

static bool read_counts(const unsigned char *p, size_t len, struct counts *c)
{
    if (len < HEADER || memcmp(p, "TZif", 4) != 0) {
        return false;
    }
    *c = (struct counts){(size_t)number(p + 20, 4), (size_t)number(p + 24, 4),
                         (size_t)number(p + 28, 4), (size_t)number(p + 32, 4),
                         (size_t)number(p + 36, 4), (size_t)number(p + 40, 4)};
    return c->utc <= FILE_MAX && c->standard <= FILE_MAX && c->leap <= FILE_MAX &&
           c->times <= FILE_MAX && c->types <= 256 && c->types > 0 && c->chars <= FILE_MAX;
}

static size_t block_size(const struct counts *c, size_t time_bytes)
{
    return c->times * (time_bytes + 1) + c->types * 6 + c->chars + c->leap * (time_bytes + 4) +
           c->standard + c->utc;
}

static bool fill(struct zone *z, const unsigned char *p, const struct counts *c)
{
    const unsigned char *kinds = p + c->times * 8, *types = kinds + c->times;
    z->times = mem_calloc(c->times + 1, sizeof(*z->times));
    z->offsets = mem_calloc(c->times + 1, sizeof(*z->offsets));
    if (z->times == NULL || z->offsets == NULL) {
        return false;
    }
    z->first = (int32_t)number(types, 4);
    for (size_t i = 0; i < c->times; i++) {
        if (kinds[i] >= c->types) {
            return false;
        }
        z->times[i] = (int64_t)number(p + 8 * i, 8);
        z->offsets[i] = (int32_t)number(types + (size_t)kinds[i] * 6, 4);
        if (z->offsets[i] < -DAY_S || z->offsets[i] > DAY_S ||
            (i > 0 && z->times[i] <= z->times[i - 1])) {
            return false;
        }
    }
    z->count = c->times;
    return true;
}

struct zone *zone_parse(const unsigned char *data, size_t len)
{
    struct counts c;
    char footer[128] = "";
    struct zone *z = NULL;
    if (!read_counts(data, len, &c) || data[4] < '2' || block_size(&c, 4) > len - HEADER) {
        return NULL; /* version 1 has no second block; nobody writes that any more */
    }
    size_t skip = HEADER + block_size(&c, 4);
    data += skip;
    len -= skip;
    if (!read_counts(data, len, &c) || block_size(&c, 8) > len - HEADER) {
        return NULL;
    }
    size_t end = HEADER + block_size(&c, 8);
    z = mem_calloc(1, sizeof(*z));
    if (z == NULL || !fill(z, data + HEADER, &c)) {
        zone_free(z);
        return NULL;
    }
    if (len - end > 2 && len - end < sizeof(footer) && data[end] == '\n' &&
        data[len - 1] == '\n') {
        memcpy(footer, data + end + 1, len - end - 2);
        read_footer(z, footer);
    }
    return z;
}

void zone_free(struct zone *z)
{
    if (z != NULL) {
        free(z->times);
        free(z->offsets);
        free(z);
    }
}

/* ---- the zones that are kept --------------------------------------------------------------------- */

static struct {
    pthread_mutex_t lock;
    size_t count;
    struct {
        char name[64];
        struct zone *zone;
    } item[ZONE_MAX];
} kept = {.lock = PTHREAD_MUTEX_INITIALIZER};

static const struct zone utc = {.ruled = true};

static struct zone *load(const char *name)
{
    char path[sizeof(DIRECTORY) + 64];
    (void)snprintf(path, sizeof(path), DIRECTORY "%s", name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    unsigned char *data = fd >= 0 ? mem_malloc(FILE_MAX) : NULL;
    ssize_t n = data != NULL ? read(fd, data, FILE_MAX) : -1;
    struct zone *z = n > 0 ? zone_parse(data, (size_t)n) : NULL;
    free(data);
    if (fd >= 0) {
        (void)close(fd);
    }
    return z;
}

static bool sane(const char *name)
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789/_+-";
    size_t len = strspn(name, letters);
    return len > 0 && len < 64 && name[len] == '\0' && name[0] != '/';
}

const struct zone *zone_get(const char *name)
{
    if (name == NULL || strcmp(name, "UTC") == 0) {
        return &utc;
    }
    if (!sane(name)) {
        return NULL;
    }
    struct zone *found = NULL;
    (void)pthread_mutex_lock(&kept.lock);
    for (size_t i = 0; i < kept.count && found == NULL; i++) {
        found = strcmp(kept.item[i].name, name) == 0 ? kept.item[i].zone : NULL;
    }
    if (found == NULL && kept.count < ZONE_MAX && (found = load(name)) != NULL) {
        (void)snprintf(kept.item[kept.count].name, sizeof(kept.item[0].name), "%s", name);
        kept.item[kept.count++].zone = found;
    }
    (void)pthread_mutex_unlock(&kept.lock);
    return found;
}
