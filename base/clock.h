/*
 * Time. Wall time in ms since 1970 UTC for what is stored and shown; monotonic ms for deadlines.
 * Both can be replaced in unit tests. Thread: any.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stddef.h>
#include <stdint.h>

uint64_t clock_wall_ms(void);
uint64_t clock_mono_ms(void);
/* For what cannot be undone (to expire, to trim): the wall time that is certainly reached. A step ahead
 * of more than a minute counts only once it has lasted CLOCK_SURE_HOLD_MS, until then this goes on as
 * the clock did before; a step back counts at once. The first call of a process believes the wall
 * clock. Time asleep is no step. Never later than clock_wall_ms() by more than its being read. */
#define CLOCK_SURE_HOLD_MS 3600000u
uint64_t clock_sure_ms(void);
/* Tests: a fixed wall and monotonic time; 0, 0 gives the real clock back.
 * Going from one to the other forgets what clock_sure_ms() knew. */
void clock_fake(uint64_t wall_ms, uint64_t mono_ms);

#define CLOCK_RFC3339_LEN 25 /* "2026-11-21T01:02:03.456Z" and NUL */
void clock_rfc3339(uint64_t wall_ms, char out[CLOCK_RFC3339_LEN]);
/* RFC 3339 date-time with any offset, seconds fraction optional. 0 or E_INVALID. */
int clock_parse_rfc3339(const char *s, uint64_t *wall_ms);

#endif
