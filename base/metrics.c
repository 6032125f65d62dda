/*
 * Series live in a small hash table of each metric. A cell is one number: a counter has one, a
 * histogram one for each bucket (not cumulative; the text adds them up, so that a reader never sees
 * a bucket above a later one) and one for the sum.
 */
#include "metrics.h"

#include "mem.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BUCKETS 256

struct metric_series {
    struct metric_series *next;
    uint32_t hash;
    char *values; /* one after the other, each with its NUL */
    _Atomic uint64_t cell[];
};

static struct metric *first; /* loop thread */

static size_t cells_of(const struct metric *m)
{
    return m->kind == METRIC_HISTOGRAM ? m->bound_count + 2 : 1;
}

void metrics_register(struct metric *m)
{
    if (m->registered) {
        return;
    }
    m->registered = true;
    m->label_count = m->bound_count = 0;
    while (m->label_count < METRIC_LABELS && m->labels[m->label_count] != NULL) {
        m->label_count++;
    }
    while (m->kind == METRIC_HISTOGRAM && m->bounds_us[m->bound_count] != 0) {
        m->bound_count++;
    }
    assert(m->bound_count <= METRIC_BOUNDS);
    m->next = NULL;
    struct metric **end = &first;
    while (*end != NULL) {
        end = &(*end)->next;
    }
    *end = m;
}

/* ---- series ------------------------------------------------------------------------------------
 */

static size_t value_len(const char *v)
{
    return strnlen(v, METRIC_VALUE_MAX);
}

static uint32_t hash_of(const struct metric *m, const char *const *values)
{
    uint32_t h = 2166136261u; /* FNV-1a */
    for (size_t i = 0; i < m->label_count; i++) {
        size_t n = value_len(values[i]);
        for (size_t k = 0; k < n; k++) {
            h = (h ^ (unsigned char)values[i][k]) * 16777619u;
        }
        h *= 16777619u; /* the NUL between them */
    }
    return h;
}

static bool is_of(const struct metric *m, const struct metric_series *s, const char *const *values)
{
    const char *at = s->values;
    for (size_t i = 0; i < m->label_count; i++) {
        size_t n = strlen(at);
        if (n != value_len(values[i]) || memcmp(at, values[i], n) != 0) {
            return false;
        }
        at += n + 1;
    }
    return true;
}

static struct metric_series *make(const struct metric *m, const char *const *values)
{
    size_t len = 0;
    for (size_t i = 0; i < m->label_count; i++) {
        len += value_len(values[i]) + 1;
    }
    struct metric_series *s =
        mem_calloc(1, sizeof(*s) + cells_of(m) * sizeof(s->cell[0]) + len);
    if (s == NULL) {
        return NULL;
    }
    s->values = (char *)(uintptr_t)(s->cell + cells_of(m));
    char *at = s->values;
    for (size_t i = 0; i < m->label_count; i++) {
        size_t n = value_len(values[i]);
        memcpy(at, values[i], n);
        at += n + 1;
    }
    return s;
}

static struct metric_series *other(struct metric *m)
{
    static const char *const values[METRIC_LABELS] = {"other", "other", "other", "other"};
    if (m->other == NULL) {
        m->other = make(m, values);
    }
    return m->other;
}

static struct metric_series *find(struct metric *m, const char *const *values)
{
    if (m->table == NULL && (m->table = mem_calloc(BUCKETS, sizeof(*m->table))) == NULL) {
        return NULL;
    }
    uint32_t hash = hash_of(m, values);
    struct metric_series **bucket = &m->table[hash % BUCKETS];
    for (struct metric_series *s = *bucket; s != NULL; s = s->next) {
        if (s->hash == hash && is_of(m, s, values)) {
            return s;
        }
    }
    if (m->series_count >= (m->max_series != 0 ? m->max_series : METRIC_SERIES)) {
        return other(m);
    }
    struct metric_series *s = make(m, values);
    if (s != NULL) {
        s->hash = hash;
        s->next = *bucket;
        *bucket = s;
        m->series_count++;
    }
    return s;
}

static _Atomic uint64_t *cells(struct metric *m, const char *const *values)
{
    if (!m->registered) {
        return NULL; /* a part that runs without the rest, as in unit tests */
    }
    if (m->label_count == 0) {
        return m->own;
    }
    struct metric_series *s = find(m, values);
    return s != NULL ? s->cell : NULL;
}

static void move(_Atomic uint64_t *cell, uint64_t n)
{
    (void)atomic_fetch_add_explicit(cell, n, memory_order_relaxed);
}

void metric_add(struct metric *m, const char *const *values, uint64_t n)
{
    _Atomic uint64_t *c = cells(m, values);
    if (c != NULL) {
        move(c, n);
    }
}

void metric_observe_us(struct metric *m, const char *const *values, uint64_t us)
{
    _Atomic uint64_t *c = cells(m, values);
    if (c == NULL) {
        return;
    }
    size_t i = 0;
    while (i < m->bound_count && us > m->bounds_us[i]) {
        i++;
    }
    move(c + i, 1);
    move(c + m->bound_count + 1, us);
}

/* ---- forgetting --------------------------------------------------------------------------------
 */

static bool matches(const struct metric *m, const struct metric_series *s,
                    const struct metric_match *match, size_t count)
{
    for (size_t k = 0; k < count; k++) {
        const char *at = s->values;
        size_t i = 0;
        while (i < m->label_count && strcmp(m->labels[i], match[k].label) != 0) {
            at += strlen(at) + 1;
            i++;
        }
        if (i == m->label_count || strcmp(at, match[k].value) != 0) {
            return false;
        }
    }
    return true;
}

void metrics_forget(const struct metric_match *match, size_t count)
{
    for (struct metric *m = first; m != NULL; m = m->next) {
        for (size_t i = 0; m->table != NULL && i < BUCKETS; i++) {
            for (struct metric_series **at = &m->table[i]; *at != NULL;) {
                struct metric_series *s = *at;
                if (!matches(m, s, match, count)) {
                    at = &s->next;
                    continue;
                }
                *at = s->next;
                free(s);
                m->series_count--;
            }
        }
    }
}

void metrics_reset(void)
{
    metrics_forget(NULL, 0);
    for (struct metric *m = first, *next = NULL; m != NULL; m = next) {
        next = m->next;
        free(m->table);
        free(m->other);
        m->table = NULL;
        m->other = NULL;
        m->registered = false;
        for (size_t i = 0; i < METRIC_BOUNDS + 2; i++) {
            atomic_store(&m->own[i], 0);
        }
    }
    first = NULL;
}

/* ---- text --------------------------------------------------------------------------------------
 */

static void escaped(struct buf *out, const char *s, bool quoted)
{
    for (; *s != '\0'; s++) {
        if (*s == '\n') {
            (void)buf_str(out, "\\n");
        } else if (*s == '\\' || (quoted && *s == '"')) {
            (void)buf_char(out, '\\');
            (void)buf_char(out, *s);
        } else {
            (void)buf_char(out, *s);
        }
    }
}

void metrics_head(struct buf *out, const char *name, const char *type, const char *help)
{
    (void)buf_printf(out, "# HELP %s ", name);
    escaped(out, help, false);
    (void)buf_printf(out, "\n# TYPE %s %s\n", name, type);
}

static void label(struct buf *out, bool *any, const char *name, const char *value)
{
    (void)buf_printf(out, "%s%s=\"", *any ? "," : "{", name);
    escaped(out, value, true);
    (void)buf_char(out, '"');
    *any = true;
}

static void number(struct buf *out, double v)
{
    bool whole = v > -9e15 && v < 9e15 && v == (double)(int64_t)v;
    (void)buf_printf(out, whole ? " %.0f\n" : " %.9g\n", v);
}

void metrics_sample(struct buf *out, const char *name, const char *const *labels,
                    const char *const *values, double v)
{
    bool any = false;
    (void)buf_str(out, name);
    for (size_t i = 0; labels != NULL && labels[i] != NULL; i++) {
        label(out, &any, labels[i], values[i]);
    }
    (void)buf_str(out, any ? "}" : "");
    number(out, v);
}

/* One line of a series of ours; le NULL: none. */
static void line(struct buf *out, const struct metric *m, const char *values, const char *suffix,
                 const char *le, double v)
{
    bool any = false;
    (void)buf_printf(out, "%s%s", m->name, suffix);
    for (size_t i = 0; i < m->label_count; i++) {
        label(out, &any, m->labels[i], values);
        values += strlen(values) + 1;
    }
    if (le != NULL) {
        label(out, &any, "le", le);
    }
    (void)buf_str(out, any ? "}" : "");
    number(out, v);
}

static uint64_t read_cell(const _Atomic uint64_t *cell)
{
    return atomic_load_explicit(cell, memory_order_relaxed);
}

static void write_series(struct buf *out, const struct metric *m, const char *values,
                         const _Atomic uint64_t *cell)
{
    if (m->kind == METRIC_COUNTER) {
        line(out, m, values, "", NULL, (double)read_cell(cell));
        return;
    }
    uint64_t count = 0;
    for (size_t i = 0; i <= m->bound_count; i++) {
        char le[32] = "+Inf";
        if (i < m->bound_count) {
            (void)snprintf(le, sizeof(le), "%g", (double)m->bounds_us[i] / 1e6);
        }
        count += read_cell(cell + i);
        line(out, m, values, "_bucket", le, (double)count);
    }
    line(out, m, values, "_sum", NULL, (double)read_cell(cell + m->bound_count + 1) / 1e6);
    line(out, m, values, "_count", NULL, (double)count);
}

void metrics_write(struct buf *out)
{
    for (const struct metric *m = first; m != NULL; m = m->next) {
        metrics_head(out, m->name, m->kind == METRIC_COUNTER ? "counter" : "histogram", m->help);
        if (m->label_count == 0) {
            write_series(out, m, "", m->own);
        }
        for (size_t i = 0; m->table != NULL && i < BUCKETS; i++) {
            for (const struct metric_series *s = m->table[i]; s != NULL; s = s->next) {
                write_series(out, m, s->values, s->cell);
            }
        }
        if (m->other != NULL) {
            write_series(out, m, m->other->values, m->other->cell);
        }
    }
}
