#include "clock.h"

#include "err.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <time.h>

#define DAY_MS 86400000u
#define STEP_MS 60000u /* less is a clock that is being drawn in */
#define LAST_MS UINT64_C(253402300799999) /* 9999-12-31T23:59:59.999Z */

static _Atomic uint64_t fake_wall;
static _Atomic uint64_t fake_mono;
static atomic_bool faked;

/* What clock_sure_ms() believes: `wall` when CLOCK_BOOTTIME was `since`. */
static struct {
    pthread_mutex_t lock;
    uint64_t wall, since, ahead_since;
    bool begun, ahead;
} sure = {.lock = PTHREAD_MUTEX_INITIALIZER};

static uint64_t now(clockid_t id)
{
    struct timespec ts;
    clock_gettime(id, &ts); /* cannot fail for these two clocks */
    return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

uint64_t clock_wall_ms(void)
{
    return atomic_load(&faked) ? atomic_load(&fake_wall) : now(CLOCK_REALTIME);
}

uint64_t clock_mono_ms(void)
{
    return atomic_load(&faked) ? atomic_load(&fake_mono) : now(CLOCK_MONOTONIC);
}

void clock_fake(uint64_t wall_ms, uint64_t mono_ms)
{
    bool fake = wall_ms != 0 || mono_ms != 0;
    pthread_mutex_lock(&sure.lock);
    sure.begun = sure.begun && fake == atomic_load(&faked);
    if (fake) { /* else another thread would see the zeros */
        atomic_store(&fake_wall, wall_ms);
        atomic_store(&fake_mono, mono_ms);
    }
    atomic_store(&faked, fake);
    pthread_mutex_unlock(&sure.lock);
}

uint64_t clock_sure_ms(void)
{
    pthread_mutex_lock(&sure.lock);
    uint64_t wall = clock_wall_ms();
    uint64_t awake = atomic_load(&faked) ? atomic_load(&fake_mono) : now(CLOCK_BOOTTIME);
    uint64_t due = sure.wall + (awake - sure.since);
    bool steps = sure.begun && wall > due + STEP_MS;
    if (steps && !sure.ahead) {
        sure.ahead_since = awake;
    }
    sure.ahead = steps && awake - sure.ahead_since < CLOCK_SURE_HOLD_MS;
    if (!sure.ahead) {
        sure.begun = true;
        sure.wall = due = wall;
        sure.since = awake;
    }
    pthread_mutex_unlock(&sure.lock);
    return due;
}

/* Days since 1970-01-01 and back in the proleptic Gregorian calendar, with years that start in
 * March so that the leap day is the last of its year (Howard Hinnant, "chrono-compatible
 * low-level date algorithms"). Years 0..9999. */
static int64_t days_from_date(int64_t year, int64_t month, int64_t day)
{
    year -= month <= 2;
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    int64_t year_of_era = year - era * 400;
    int64_t day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

static void date_from_days(uint64_t days, unsigned *year, unsigned *month, unsigned *day)
{
    days += 719468;
    uint64_t era = days / 146097;
    uint64_t day_of_era = days - era * 146097;
    uint64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    uint64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    uint64_t march_month = (5 * day_of_year + 2) / 153;
    *day = (unsigned)(day_of_year - (153 * march_month + 2) / 5 + 1);
    *month = (unsigned)(march_month < 10 ? march_month + 3 : march_month - 9);
    *year = (unsigned)(year_of_era + era * 400 + (*month <= 2));
}

static char *put(char *p, unsigned value, unsigned digits)
{
    for (unsigned i = digits; i-- > 0; value /= 10) {
        p[i] = (char)('0' + value % 10);
    }
    return p + digits;
}

void clock_rfc3339(uint64_t wall_ms, char out[CLOCK_RFC3339_LEN])
{
    if (wall_ms > LAST_MS) {
        wall_ms = LAST_MS; /* the format ends with the year 9999 */
    }
    unsigned year, month, day;
    date_from_days(wall_ms / DAY_MS, &year, &month, &day);
    unsigned ms = (unsigned)(wall_ms % DAY_MS);
    char *p = put(out, year, 4);
    *p++ = '-';
    p = put(p, month, 2);
    *p++ = '-';
    p = put(p, day, 2);
    *p++ = 'T';
    p = put(p, ms / 3600000, 2);
    *p++ = ':';
    p = put(p, ms / 60000 % 60, 2);
    *p++ = ':';
    p = put(p, ms / 1000 % 60, 2);
    *p++ = '.';
    p = put(p, ms % 1000, 3);
    *p++ = 'Z';
    *p = '\0';
}

/* Exactly n digits at *s; moves past them. */
static bool digits(const char **s, unsigned n, int64_t *value)
{
    *value = 0;
    for (unsigned i = 0; i < n; i++, (*s)++) {
        if (**s < '0' || **s > '9') {
            return false;
        }
        *value = *value * 10 + (**s - '0');
    }
    return true;
}

static bool literal(const char **s, char c)
{
    if (**s != c) {
        return false;
    }
    (*s)++;
    return true;
}

static int64_t days_in(int64_t year, int64_t month)
{
    static const int64_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return days[month - 1] + (month == 2 && leap);
}

/* "full-date"; days since 1970 */
static bool parse_date(const char **s, int64_t *days)
{
    int64_t year, month, day;
    if (!digits(s, 4, &year) || !literal(s, '-') || !digits(s, 2, &month) || !literal(s, '-') ||
        !digits(s, 2, &day)) {
        return false;
    }
    if (month < 1 || month > 12 || day < 1 || day > days_in(year, month)) {
        return false;
    }
    *days = days_from_date(year, month, day);
    return true;
}

/* "partial-time"; second may be 60. Digits past the milliseconds are read and dropped. */
static bool parse_time(const char **s, int64_t *seconds, int64_t *ms, bool *leap)
{
    int64_t hour, minute, second;
    if (!digits(s, 2, &hour) || !literal(s, ':') || !digits(s, 2, &minute) || !literal(s, ':') ||
        !digits(s, 2, &second) || hour > 23 || minute > 59 || second > 60) {
        return false;
    }
    *seconds = hour * 3600 + minute * 60 + second;
    *leap = second == 60;
    *ms = 0;
    if (literal(s, '.')) {
        int64_t unit = 100, digit;
        if (!digits(s, 1, &digit)) {
            return false;
        }
        do {
            *ms += digit * unit;
            unit /= 10;
        } while (digits(s, 1, &digit));
    }
    return true;
}

/* "time-offset"; seconds east of UTC */
static bool parse_offset(const char **s, int64_t *offset)
{
    *offset = 0;
    if (literal(s, 'Z') || literal(s, 'z')) {
        return true;
    }
    int64_t sign = **s == '-' ? -1 : 1;
    int64_t hour, minute;
    if (!(literal(s, '+') || literal(s, '-')) || !digits(s, 2, &hour) || !literal(s, ':') ||
        !digits(s, 2, &minute) || hour > 23 || minute > 59) {
        return false;
    }
    *offset = sign * (hour * 3600 + minute * 60);
    return true;
}

int clock_parse_rfc3339(const char *s, uint64_t *wall_ms)
{
    int64_t days, seconds, ms, offset;
    bool leap;
    if (s == NULL || !parse_date(&s, &days) || !(literal(&s, 'T') || literal(&s, 't')) ||
        !parse_time(&s, &seconds, &ms, &leap) || !parse_offset(&s, &offset) || *s != '\0') {
        return E_INVALID;
    }
    int64_t utc = days * 86400 + seconds - offset;
    if (utc < 0 || (leap && utc % 86400 != 0)) {
        return E_INVALID; /* before 1970, or a leap second that is not the last of a UTC day */
    }
    *wall_ms = (uint64_t)utc * 1000 + (uint64_t)ms;
    return 0;
}
