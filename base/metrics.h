/*
 * Counters and histograms of the process, and the text that Prometheus reads.
 *
 * A metric is a static object. One without labels may be moved by any thread (relaxed atomics); one
 * with labels keeps a series for each set of values, on the loop thread only. A metric has at most
 * max_series of them: what comes after is counted in one more series whose values are all "other".
 * Gauges are not kept: whoever answers GET /metrics writes them from what it knows at that moment.
 * Durations go in as microseconds and come out as seconds, the unit that Prometheus asks for.
 */
#ifndef BASE_METRICS_H
#define BASE_METRICS_H

#include "buf.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define METRIC_LABELS 4      /* names of labels a metric may have */
#define METRIC_BOUNDS 14     /* bounds of a histogram; the one above all is added */
#define METRIC_SERIES 1000   /* max_series when a metric names none */
#define METRIC_VALUE_MAX 128 /* bytes of a label's value; longer is cut */

enum metric_kind { METRIC_COUNTER, METRIC_HISTOGRAM };

struct metric_series;
struct metric {
    const char *name; /* [a-z_]; counters end in _total, durations in _seconds */
    const char *help;
    enum metric_kind kind;
    const char *labels[METRIC_LABELS]; /* NULL after the last */
    const uint64_t *bounds_us;         /* histograms: growing, 0 after the last */
    size_t max_series;                 /* 0: METRIC_SERIES */

    /* private */
    bool registered;
    struct metric *next;
    size_t label_count, bound_count, series_count;
    struct metric_series **table;
    struct metric_series *other;
    _Atomic uint64_t own[METRIC_BOUNDS + 2]; /* without labels: the only series */
};

/* Lists the metric in the text, in the order of registration; again is harmless. Loop thread, before
 * it is first moved. */
void metrics_register(struct metric *m);
/* As many values as the metric has labels, in their order. */
#define METRIC_VALUES(...) ((const char *const[]){__VA_ARGS__})
/* values NULL for a metric without labels. Never fails: without memory the step is lost. */
void metric_add(struct metric *m, const char *const *values, uint64_t n);
void metric_observe_us(struct metric *m, const char *const *values, uint64_t us);

/* Series that have all these labels with these values go (a tenant was deleted). Loop thread. */
struct metric_match {
    const char *label, *value;
};
void metrics_forget(const struct metric_match *match, size_t count);
/* All series go and nothing is registered any more: tests, end of the process. */
void metrics_reset(void);

/* ---- the text (Prometheus exposition format 0.0.4) ----------------------------------------------
 */

#define METRICS_TYPE "text/plain; version=0.0.4; charset=utf-8"
/* Every registered metric. Errors stay in out->rc. */
void metrics_write(struct buf *out);
/* A family of a caller: its head, then its samples. type: "gauge" or "counter". */
void metrics_head(struct buf *out, const char *name, const char *type, const char *help);
/* labels: names, NULL after the last (may be NULL: none); values as many. */
void metrics_sample(struct buf *out, const char *name, const char *const *labels,
                    const char *const *values, double v);

#endif
