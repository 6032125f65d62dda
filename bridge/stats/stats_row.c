/*
 * A row of counts: (field, count) for each that is not 0, the count in groups of 7 bits, lowest
 * first. Most rows have few fields, so that they are some 10 bytes.
 */
#include "stats.h"

#include <stdio.h>
#include <string.h>

/* Upper bounds; the bins grow with what they hold, so that a median is right within some 30 %. */
static const uint32_t response_s[STATS_BINS - 1] = {
    5,   10,  20,  30,   45,   60,   90,   120,  180,  300,   450,  600,
    900, 1350, 1800, 2700, 3600, 5400, 7200, 14400, 28800, 86400, 259200};
static const uint32_t latency_ms[STATS_BINS - 1] = {
    5,   10,  20,   30,   50,   75,   100,  150,  200,  300,   400,  500,
    750, 1000, 1500, 2000, 3000, 4000, 5000, 7500, 10000, 20000, 30000};

size_t stats_encode(const struct stats_row *r, unsigned char out[STATS_ROW_MAX])
{
    size_t len = 0;
    for (unsigned i = 0; i < STATS_FIELDS; i++) {
        uint64_t n = r->v[i];
        if (n == 0) {
            continue;
        }
        out[len++] = (unsigned char)i;
        for (; n >= 0x80; n >>= 7) {
            out[len++] = (unsigned char)(0x80 | (n & 0x7F));
        }
        out[len++] = (unsigned char)n;
    }
    return len;
}

bool stats_decode(const void *data, size_t len, struct stats_row *r)
{
    const unsigned char *in = data, *end = in + len;
    struct stats_row got = {{0}};
    while (in < end) {
        unsigned field = *in++;
        uint64_t n = 0;
        unsigned shift = 0;
        for (; in < end && (*in & 0x80) != 0 && shift < 63; shift += 7) {
            n |= (uint64_t)(*in++ & 0x7F) << shift;
        }
        if (in == end || (*in & 0x80) != 0) {
            return false;
        }
        n |= (uint64_t)*in++ << shift;
        if (field < STATS_FIELDS) {
            got.v[field] += n;
        }
    }
    stats_add(r, &got);
    return true;
}

void stats_add(struct stats_row *to, const struct stats_row *from)
{
    for (unsigned i = 0; i < STATS_FIELDS; i++) {
        to->v[i] += from->v[i];
    }
}

/* ---- histograms ---------------------------------------------------------------------------------- */

static unsigned bin_of(const uint32_t bounds[STATS_BINS - 1], uint64_t value)
{
    unsigned i = 0;
    while (i < STATS_BINS - 1 && value > bounds[i]) {
        i++;
    }
    return i;
}

enum stats_field stats_response_field(uint64_t ms)
{
    return (enum stats_field)(STATS_RESPONSE + bin_of(response_s, (ms + 999) / 1000));
}

enum stats_field stats_latency_field(uint64_t us)
{
    return (enum stats_field)(STATS_LATENCY + bin_of(latency_ms, (us + 999) / 1000));
}

uint64_t stats_total(const struct stats_row *r, enum stats_field histogram)
{
    uint64_t n = 0;
    for (unsigned i = 0; i < STATS_BINS; i++) {
        n += r->v[histogram + i];
    }
    return n;
}

double stats_quantile(const struct stats_row *r, enum stats_field histogram, double part)
{
    const uint32_t *bounds = histogram == STATS_LATENCY ? latency_ms : response_s;
    double want = part * (double)stats_total(r, histogram), seen = 0;
    if (want <= 0) {
        return -1;
    }
    for (unsigned i = 0; i < STATS_BINS - 1; i++) {
        double here = (double)r->v[histogram + i];
        if (here > 0 && seen + here >= want) {
            double low = i == 0 ? 0 : bounds[i - 1];
            return low + (bounds[i] - low) * (want - seen) / here;
        }
        seen += here;
    }
    return bounds[STATS_BINS - 2];
}

/* ---- names ---------------------------------------------------------------------------------------- */

void stats_name(char out[STATS_NAME_LEN], bool hour, uint64_t at_s)
{
    (void)snprintf(out, STATS_NAME_LEN, "%s.%010llu", hour ? "1h" : "5m",
                   (unsigned long long)(at_s % UINT64_C(10000000000)));
}

bool stats_name_parse(const char *name, bool *hour, uint64_t *at_s)
{
    *hour = strncmp(name, "1h.", 3) == 0;
    if ((!*hour && strncmp(name, "5m.", 3) != 0) || strlen(name) != 13 ||
        strspn(name + 3, "0123456789") != 10) {
        return false;
    }
    *at_s = 0;
    for (const char *p = name + 3; *p != '\0'; p++) {
        *at_s = *at_s * 10 + (uint64_t)(*p - '0');
    }
    return *at_s % (*hour ? STATS_HOUR_S : STATS_FINE_S) == 0;
}
