/*
 * Time zones of the system (TZif files below /usr/share/zoneinfo), without the process-wide TZ of
 * the C library. A zone is read once and kept until the process ends. Thread: any.
 */
#ifndef BASE_ZONE_H
#define BASE_ZONE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ZONE_MAX 700    /* zones kept at once; there are some 600 names */
#define ZONE_DATE_LEN 11 /* "2026-11-21" and NUL */

struct zone;

/* "America/Sao_Paulo"; NULL when the system has none of that name, or it cannot be read. The first
 * call for a name reads a small file. "UTC" and NULL are always there. */
const struct zone *zone_get(const char *name);
/* Seconds east of UTC at that time. */
int32_t zone_offset(const struct zone *z, int64_t utc_s);
/* The local date. */
void zone_date(const struct zone *z, uint64_t wall_ms, char out[ZONE_DATE_LEN]);
/* When the local day or month of that time ends, in ms since 1970 UTC. */
uint64_t zone_day_end(const struct zone *z, uint64_t wall_ms);
uint64_t zone_month_end(const struct zone *z, uint64_t wall_ms);
/* When a part of the day (seconds since its local midnight, past it when to < from) that is on at
 * that time ends, in ms since 1970 UTC; 0: it is not on. Where the clock is put forward over its end
 * it ends up to that much later. */
uint64_t zone_span_end(const struct zone *z, uint64_t wall_ms, int32_t from, int32_t to);
/* Reads a TZif file's bytes; gives, NULL when it is none. For tests and zone_get(). */
struct zone *zone_parse(const unsigned char *data, size_t len);
void zone_free(struct zone *z); /* of zone_parse() only */

#endif
