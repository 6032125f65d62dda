/* Documents, chats, messages, events, idempotency: what each verb promises. */
#include "fixture.h"

#include "clock.h"

/* The body of a test runs inside one operation on the writer thread; a failed assertion there must
 * not jump out of the thread, so answers are collected as text and compared on the loop. */
struct log {
    char text[4096];
    size_t len;
};

static void note(struct log *log, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void note(struct log *log, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(log->text + log->len, sizeof(log->text) - log->len, fmt, ap);
    va_end(ap);
    log->len += n > 0 && (size_t)n < sizeof(log->text) - log->len ? (size_t)n : 0;
}

static void expect(struct log *log, const char *text)
{
    assert_string_equal(log->text, text);
    memset(log, 0, sizeof(*log));
}

static int note_path(void *arg, const char *const *path, struct store_value v)
{
    struct log *log = arg;
    for (size_t i = 0; path[i] != NULL; i++) {
        note(log, "%s%s", i == 0 ? "" : "/", path[i]);
    }
    note(log, "=%.*s ", (int)v.len, v.data);
    return 0;
}

/* ---- documents ----------------------------------------------------------------------------- */

static int put_documents(struct store_txn *t, struct store_op *op)
{
    (void)op;
    int rc = store_put(t, STORE_TENANTS, STORE_PATH("a"), "1", 1);
    rc |= store_put(t, STORE_TENANTS, STORE_PATH("a-b"), "2", 1);
    rc |= store_put(t, STORE_SESSIONS, STORE_PATH("a", "main"), "3", 1);
    rc |= store_put(t, STORE_SESSIONS, STORE_PATH("a-b", "main"), "4", 1);
    rc |= store_put(t, STORE_SESSIONS, STORE_PATH("a", "zwei"), "5", 1);
    rc |= store_put(t, STORE_SESSIONS, STORE_PATH("ab", "main"), "6", 1);
    rc |= store_put(t, STORE_CONTACTS, STORE_PATH("a", "main", "49@c.us"), "7", 1);
    rc |= store_put(t, STORE_CONTACTS, STORE_PATH("a", "main", "55@c.us"), "8", 1);
    rc |= store_put(t, STORE_CONTACTS, STORE_PATH("a", "zwei", "55@c.us"), "9", 1);
    rc |= store_put(t, STORE_KEYS, STORE_PATH("k1"), "", 0);
    return rc;
}

static int stop_at_second(void *arg, const char *const *path, struct store_value v)
{
    (void)path;
    (void)v;
    return ++*(int *)arg == 2 ? 1 : 0;
}

static int stop_with_notfound(void *arg, const char *const *path, struct store_value v)
{
    (void)arg;
    (void)path;
    (void)v;
    return E_NOTFOUND;
}

static void test_documents(void **state)
{
    struct fixture *fx = *state;
    struct log log = {.len = 0};
    struct store_value v;
    int n = 0;
    assert_int_equal(fx_run(fx, put_documents, NULL), 0);
    struct store_txn *t = fx_read(fx);
    assert_int_equal(store_get(t, STORE_SESSIONS, STORE_PATH("a-b", "main"), &v), 0);
    assert_value(v, "4");
    assert_int_equal(store_get(t, STORE_KEYS, STORE_PATH("k1"), &v), 0);
    assert_int_equal(v.len, 0);
    assert_int_equal(store_get(t, STORE_SESSIONS, STORE_PATH("a", "none"), &v), E_NOTFOUND);
    assert_int_equal(store_get(t, STORE_SESSIONS, STORE_PATH("a"), &v), E_INVALID);
    assert_int_equal(store_get(t, STORE_TENANTS, STORE_PATH("a", "b"), &v), E_INVALID);
    assert_int_equal(store_get(t, STORE_TENANTS, STORE_PATH(""), &v), E_INVALID);

    assert_int_equal(store_scan(t, STORE_SESSIONS, NULL, NULL, note_path, &log), 0);
    expect(&log, "a/main=3 a/zwei=5 a-b/main=4 ab/main=6 ");
    /* no tenant's prefix is another's */
    assert_int_equal(store_scan(t, STORE_SESSIONS, STORE_PATH("a"), NULL, note_path, &log), 0);
    expect(&log, "a/main=3 a/zwei=5 ");
    assert_int_equal(store_scan(t, STORE_SESSIONS, STORE_PATH("a"), "main", note_path, &log), 0);
    expect(&log, "a/zwei=5 ");
    assert_int_equal(store_scan(t, STORE_SESSIONS, STORE_PATH("a"), "m", note_path, &log), 0);
    expect(&log, "a/main=3 a/zwei=5 ");
    assert_int_equal(store_scan(t, STORE_TENANTS, NULL, "a", note_path, &log), 0);
    expect(&log, "a-b=2 ");
    assert_int_equal(store_scan(t, STORE_CONTACTS, STORE_PATH("a"), NULL, note_path, &log), 0);
    expect(&log, "a/main/49@c.us=7 a/main/55@c.us=8 a/zwei/55@c.us=9 ");
    assert_int_equal(store_scan(t, STORE_CONTACTS, STORE_PATH("a"), "x", note_path, &log),
                     E_INVALID);
    assert_int_equal(store_scan(t, STORE_SESSIONS, NULL, NULL, stop_at_second, &n), 0);
    assert_int_equal(n, 2);
    assert_int_equal(store_scan(t, STORE_SESSIONS, NULL, NULL, stop_with_notfound, NULL),
                     E_NOTFOUND);
    store_read_end(t);
}

static int limits_apply(struct store_txn *t, struct store_op *op)
{
    struct log *log = op->data;
    char name[65], id[130];
    char *big = calloc(1, STORE_MAX_VALUE + 1);
    memset(name, 'n', 64);
    memset(id, 'i', 129);
    name[64] = id[129] = '\0';
    note(log, "%d ", store_put(t, STORE_TENANTS, STORE_PATH(name), "x", 1));
    note(log, "%d ", store_put(t, STORE_TENANTS, STORE_PATH(name + 1), "x", 1));
    note(log, "%d ", store_chat_put(t, name + 1, name + 1, id, 1, "x", 1));
    note(log, "%d ", store_chat_put(t, name + 1, name + 1, id + 1, 1, "x", 1));
    note(log, "%d ", store_message_put(t, name + 1, name + 1, id + 1, id, 1, "x", 1, NULL));
    note(log, "%d ", store_message_put(t, name + 1, name + 1, id + 1, id + 1, 1, "x", 1, NULL));
    note(log, "%d ", store_message_put(t, "a", "b", NULL, "i", 1, "x", 1, NULL));
    note(log, "%d ", store_put(t, STORE_META, STORE_PATH("big"), big, STORE_MAX_VALUE + 1));
    note(log, "%d ", store_put(t, STORE_META, STORE_PATH("big"), big, STORE_MAX_VALUE));
    note(log, "%d ", store_put(t, STORE_META, STORE_PATH("null"), NULL, 1));
    note(log, "%d ", store_delivery_add(t, name, "h", 1, 0, 0));
    note(log, "%d ", store_delivery_add(t, name + 1, name + 1, 1, UINT64_MAX, UINT64_MAX));
    note(log, "%d ", store_outbox_add(t, name + 1, name + 1, id + 1, 1, "x", 1, NULL));
    free(big);
    return 0;
}

static void test_limits(void **state)
{
    struct fixture *fx = *state;
    struct log log = {.len = 0};
    char want[128];
    assert_int_equal(fx_run(fx, limits_apply, &log), 0);
    snprintf(want, sizeof(want), "%d 0 %d 0 %d 0 %d %d 0 %d %d 0 0 ", E_TOOLARGE, E_TOOLARGE,
             E_TOOLARGE, E_INVALID, E_TOOLARGE, E_INVALID, E_TOOLARGE);
    expect(&log, want);
    fx_check(fx);
}

/* A visitor may change what it walks over. */
static int delete_visited(void *arg, const char *const *path, struct store_value v)
{
    (void)v;
    struct store_txn *t = arg;
    return store_del(t, STORE_SESSIONS, path);
}

static int delete_all_apply(struct store_txn *t, struct store_op *op)
{
    (void)op;
    return store_scan(t, STORE_SESSIONS, STORE_PATH("a"), NULL, delete_visited, t);
}

static void test_write_while_scanning(void **state)
{
    struct fixture *fx = *state;
    struct log log = {.len = 0};
    assert_int_equal(fx_run(fx, put_documents, NULL), 0);
    assert_int_equal(fx_run(fx, delete_all_apply, NULL), 0);
    struct store_txn *t = fx_read(fx);
    assert_int_equal(store_scan(t, STORE_SESSIONS, NULL, NULL, note_path, &log), 0);
    store_read_end(t);
    expect(&log, "a-b/main=4 ab/main=6 ");
}

/* ---- chats --------------------------------------------------------------------------------- */

static int note_chat(void *arg, const char *chat, uint64_t last_ms, struct store_value v)
{
    note(arg, "%s@%d=%.*s ", chat, (int)last_ms, (int)v.len, v.data);
    return 0;
}

static int chats_apply(struct store_txn *t, struct store_op *op)
{
    (void)op;
    struct store_value v;
    uint64_t ms;
    int rc = store_chat_put(t, "a", "s", "x", 10, "X", 1);
    rc |= store_chat_put(t, "a", "s", "y", 20, "Y", 1);
    rc |= store_chat_put(t, "a", "s", "z", 20, "Z", 1);
    rc |= store_chat_put(t, "a-b", "s", "other", 99, "O", 1);
    rc |= store_chat_put(t, "a", "s", "w", 5, "W", 1);
    /* the borrowed old value is put back under a new time */
    rc |= store_chat_get(t, "a", "s", "x", &v, &ms);
    rc |= store_chat_put(t, "a", "s", "x", 30, v.data, v.len);
    rc |= store_chat_del(t, "a", "s", "w");
    return rc == 0 && store_chat_del(t, "a", "s", "w") == E_NOTFOUND ? 0 : E_INTERNAL;
}

static void test_chats(void **state)
{
    struct fixture *fx = *state;
    struct log log = {.len = 0};
    struct store_value v;
    uint64_t last_ms;
    assert_int_equal(fx_run(fx, chats_apply, NULL), 0);
    struct store_txn *t = fx_read(fx);
    assert_int_equal(store_chat_list(t, "a", "s", 0, NULL, note_chat, &log), 0);
    expect(&log, "x@30=X z@20=Z y@20=Y ");
    assert_int_equal(store_chat_list(t, "a", "s", 20, "z", note_chat, &log), 0);
    expect(&log, "y@20=Y ");
    assert_int_equal(store_chat_list(t, "a", "s", 20, "y", note_chat, &log), 0);
    expect(&log, "");
    assert_int_equal(store_chat_get(t, "a", "s", "x", &v, &last_ms), 0);
    assert_value(v, "X");
    assert_int_equal(last_ms, 30);
    store_read_end(t);
    fx_check(fx);
}

/* ---- messages ------------------------------------------------------------------------------ */

static int note_message(void *arg, const struct store_message_ref *ref, struct store_value v)
{
    note(arg, "%s/%s@%d=%.*s ", ref->chat, ref->id, (int)ref->time_ms, (int)v.len, v.data);
    return 0;
}

static int messages_apply(struct store_txn *t, struct store_op *op)
{
    struct store_message_ref *ref = op->data, first;
    int rc = store_message_put(t, "a", "s", "x", "m1", 100, "1", 1, &first);
    rc |= store_message_put(t, "a", "s", "x", "m2", 300, "2", 1, NULL);
    rc |= store_message_put(t, "a", "s", "y", "m3", 200, "3", 1, NULL);
    rc |= store_message_put(t, "a", "s", "x", "m4", 300, "4", 1, NULL); /* a tie */
    rc |= store_message_put(t, "a", "s", "y", "m1", 400, "5", 1, NULL); /* same id, other chat */
    rc |= store_message_put(t, "a-b", "s", "x", "m9", 1, "9", 1, NULL);
    /* a replaced message keeps its place, whatever time comes with it */
    rc |= store_message_put(t, "a", "s", "x", "m1", 999, "one", 3, ref);
    if (rc == 0 && (ref->time_ms != first.time_ms || ref->ordinal != first.ordinal)) {
        rc = E_INTERNAL;
    }
    return rc;
}

static void list(struct store_txn *t, const char *chat, struct store_range range, struct log *log)
{
    assert_int_equal(store_message_list(t, "a", "s", chat, &range, note_message, log), 0);
}

static void test_messages(void **state)
{
    struct fixture *fx = *state;
    struct log log = {.len = 0};
    struct store_message_ref ref;
    struct store_value v;
    assert_int_equal(fx_run(fx, messages_apply, &ref), 0);
    fx_check(fx);
    struct store_txn *t = fx_read(fx);
    list(t, "x", (struct store_range){0}, &log);
    expect(&log, "x/m4@300=4 x/m2@300=2 x/m1@100=one ");
    list(t, "x", (struct store_range){.oldest_first = true}, &log);
    expect(&log, "x/m1@100=one x/m2@300=2 x/m4@300=4 ");
    list(t, NULL, (struct store_range){0}, &log);
    expect(&log, "y/m1@400=5 x/m4@300=4 x/m2@300=2 y/m3@200=3 x/m1@100=one ");
    /* since is in, until is out */
    list(t, NULL, (struct store_range){.since_ms = 200, .until_ms = 400}, &log);
    expect(&log, "x/m4@300=4 x/m2@300=2 y/m3@200=3 ");
    list(t, NULL, (struct store_range){.since_ms = 200, .until_ms = 300, .oldest_first = true},
         &log);
    expect(&log, "y/m3@200=3 ");
    list(t, "y", (struct store_range){.until_ms = 200}, &log);
    expect(&log, "");

    assert_int_equal(store_message_get(t, "a", "s", NULL, "m3", &v, &ref), 0);
    assert_string_equal(ref.chat, "y");
    assert_value(v, "3");
    assert_int_equal(store_message_get(t, "a", "s", NULL, "m1", &v, &ref), 0);
    assert_string_equal(ref.chat, "x");
    assert_int_equal(store_message_get(t, "a", "s", "y", "m2", &v, NULL), E_NOTFOUND);
    assert_int_equal(store_message_get(t, "a", "s", NULL, "m", &v, NULL), E_NOTFOUND);

    /* every row is a place to go on from, both ways, ties included */
    static const char *const down[] = {"m1", "m4", "m2", "m3", "m1"};
    static const char *const chats[] = {"y", "x", "x", "y", "x"};
    for (size_t i = 0; i < 5; i++) {
        char cursor[STORE_CURSOR_LEN];
        struct log page = {.len = 0};
        assert_int_equal(store_message_get(t, "a", "s", chats[i], down[i], NULL, &ref), 0);
        store_message_cursor(&ref, cursor);
        list(t, NULL, (struct store_range){.cursor = cursor}, &page);
        size_t rows = 0;
        for (const char *p = page.text; *p != '\0'; p++) {
            rows += *p == ' ';
        }
        assert_int_equal(rows, 4 - i);
        memset(&page, 0, sizeof(page));
        list(t, NULL, (struct store_range){.cursor = cursor, .oldest_first = true}, &page);
        rows = 0;
        for (const char *p = page.text; *p != '\0'; p++) {
            rows += *p == ' ';
        }
        assert_int_equal(rows, i);
    }
    struct store_range range = {.cursor = "nonsense"};
    assert_int_equal(store_message_list(t, "a", "s", NULL, &range, note_message, &log), E_INVALID);
    store_read_end(t);
}

static int move_apply(struct store_txn *t, struct store_op *op)
{
    struct log *log = op->data;
    note(log, "%d ", store_message_move(t, "a", "s", "x", "z", "m2"));
    note(log, "%d ", store_message_move(t, "a", "s", "x", "z", "m2"));
    note(log, "%d ", store_message_move(t, "a", "s", "x", "x", "m4"));
    note(log, "%d ", store_message_move(t, "a", "s", "x", "y", "m1"));
    note(log, "%d ", store_message_del(t, "a", "s", "y", "m3"));
    note(log, "%d ", store_message_del(t, "a", "s", "y", "m3"));
    return 0;
}

static void test_move_and_delete(void **state)
{
    struct fixture *fx = *state;
    struct log log = {.len = 0};
    struct store_message_ref ref;
    char want[64];
    assert_int_equal(fx_run(fx, messages_apply, &ref), 0);
    assert_int_equal(fx_run(fx, move_apply, &log), 0);
    snprintf(want, sizeof(want), "0 %d 0 %d 0 %d ", E_NOTFOUND, E_EXISTS, E_NOTFOUND);
    expect(&log, want);
    struct store_txn *t = fx_read(fx);
    list(t, NULL, (struct store_range){0}, &log);
    expect(&log, "y/m1@400=5 x/m4@300=4 z/m2@300=2 x/m1@100=one ");
    list(t, "z", (struct store_range){0}, &log);
    expect(&log, "z/m2@300=2 ");
    store_read_end(t);
    fx_check(fx);
}

/* ---- events -------------------------------------------------------------------------------- */

static int note_event(void *arg, uint64_t seq, struct store_value v)
{
    note(arg, "%d=%.*s ", (int)seq, (int)v.len, v.data);
    return 0;
}

static int events_apply(struct store_txn *t, struct store_op *op)
{
    (void)op;
    int rc = 0;
    for (int i = 0; i < 6 && rc == 0; i++) {
        uint64_t seq = 0;
        char text[8];
        const char *tenant = i == 5 ? "a-b" : "a";
        rc = store_event_next(t, tenant, &seq);
        snprintf(text, sizeof(text), "e%d", (int)seq);
        rc = rc != 0 ? rc : store_event_put(t, tenant, seq, text, strlen(text));
    }
    rc |= store_delivery_add(t, "a", "erp", 2, 1, 1);
    rc |= store_delivery_add(t, "a", "erp", 3, 2, 1);
    rc |= store_delivery_add(t, "a", "erp", 4, 3, 1);
    struct store_delivery d = {.seq = 3, .state = STORE_DELIVERED, .finished_ms = 5};
    snprintf(d.tenant, sizeof(d.tenant), "a");
    snprintf(d.webhook, sizeof(d.webhook), "erp");
    rc |= store_delivery_update(t, &d);
    d.seq = 4;
    d.state = STORE_DEAD;
    rc |= store_delivery_update(t, &d);
    return rc;
}

struct trim {
    uint64_t before;
    size_t max, n;
};

static int trim_apply(struct store_txn *t, struct store_op *op)
{
    struct trim *trim = op->data;
    return store_event_trim(t, trim->before, trim->max, &trim->n);
}

static int dead_goes_apply(struct store_txn *t, struct store_op *op)
{
    size_t *n = op->data;
    return store_delivery_trim(t, 10, true, 10, n);
}

static int next_apply(struct store_txn *t, struct store_op *op)
{
    uint64_t *seq = op->data;
    int rc = store_event_next(t, "a", seq);
    return rc != 0 ? rc : store_event_put(t, "a", *seq, "new", 3);
}

static void test_events(void **state)
{
    struct fixture *fx = *state;
    struct log log = {.len = 0};
    struct store_value v;
    uint64_t last;
    clock_fake(1000, 1000);
    assert_int_equal(fx_run(fx, events_apply, NULL), 0);
    struct store_txn *t = fx_read(fx);
    assert_int_equal(store_event_list(t, "a", 0, note_event, &log), 0);
    expect(&log, "1=e1 2=e2 3=e3 4=e4 5=e5 ");
    assert_int_equal(store_event_list(t, "a", 4, note_event, &log), 0);
    expect(&log, "5=e5 ");
    assert_int_equal(store_event_get(t, "a", 3, &v), 0);
    assert_value(v, "e3");
    assert_int_equal(store_event_get(t, "a", 6, &v), E_NOTFOUND);
    assert_int_equal(store_event_last(t, "a", &last), 0);
    assert_int_equal(last, 5);
    assert_int_equal(store_event_last(t, "none", &last), 0);
    assert_int_equal(last, 0);
    store_read_end(t);

    struct trim trim = {.before = 1000, .max = 100}; /* put at 1000: not below */
    assert_int_equal(fx_run(fx, trim_apply, &trim), 0);
    assert_int_equal(trim.n, 0);
    clock_fake(2000, 2000);
    uint64_t seq = 0;
    assert_int_equal(fx_run(fx, next_apply, &seq), 0);
    assert_int_equal(seq, 6);
    trim = (struct trim){.before = 2000, .max = 1};
    assert_int_equal(fx_run(fx, trim_apply, &trim), 0);
    assert_int_equal(trim.n, 1);
    trim.max = 100;
    assert_int_equal(fx_run(fx, trim_apply, &trim), 0);
    assert_int_equal(trim.n, 3); /* 3 and 5 of a, 1 of a-b; 2 is pending, 4 dead, 6 young */
    t = fx_read(fx);
    assert_int_equal(store_event_list(t, "a", 0, note_event, &log), 0);
    expect(&log, "2=e2 4=e4 6=new ");
    store_read_end(t);

    size_t n = 0;
    assert_int_equal(fx_run(fx, dead_goes_apply, &n), 0);
    assert_int_equal(n, 2);
    assert_int_equal(fx_run(fx, trim_apply, &trim), 0);
    assert_int_equal(trim.n, 1);
    t = fx_read(fx);
    assert_int_equal(store_event_list(t, "a", 0, note_event, &log), 0);
    expect(&log, "2=e2 6=new ");
    store_read_end(t);

    /* numbers are not given out twice, even when the log is empty again */
    clock_fake(3000, 3000);
    trim.before = 3000;
    assert_int_equal(fx_run(fx, trim_apply, &trim), 0);
    fx_reopen(fx);
    assert_int_equal(fx_run(fx, next_apply, &seq), 0);
    assert_int_equal(seq, 7);
    fx_check(fx);
    clock_fake(0, 0);
}

/* An event put while the clock was wrong does not keep the others from going. */
static void test_event_from_the_future(void **state)
{
    struct fixture *fx = *state;
    uint64_t seq;
    clock_fake(9000000, 1);
    assert_int_equal(fx_run(fx, next_apply, &seq), 0);
    clock_fake(1000, 1);
    assert_int_equal(fx_run(fx, next_apply, &seq), 0);
    clock_fake(5000, 1);
    struct trim trim = {.before = 4000, .max = 10};
    assert_int_equal(fx_run(fx, trim_apply, &trim), 0);
    assert_int_equal(trim.n, 1);
    clock_fake(0, 0);
}

/* ---- idempotency --------------------------------------------------------------------------- */

static int idem_apply(struct store_txn *t, struct store_op *op)
{
    struct log *log = op->data;
    unsigned char hash[32];
    char key[257];
    size_t n = 0;
    memset(hash, 7, sizeof(hash));
    memset(key, 'k', 256);
    key[256] = '\0';
    note(log, "%d ", store_idem_put(t, "a", "k1", hash, 100, "yes", 3));
    note(log, "%d ", store_idem_put(t, "a", "k1", hash, 100, "no", 2));
    note(log, "%d ", store_idem_put(t, "a-b", "k1", hash, 200, "other", 5));
    note(log, "%d ", store_idem_put(t, "a", key, hash, 300, "x", 1));
    note(log, "%d ", store_idem_put(t, "a", key + 1, hash, 300, "x", 1));
    note(log, "%d ", store_idem_trim(t, 99, 10, &n));
    note(log, "n%zu ", n);
    note(log, "%d ", store_idem_trim(t, 200, 1, &n));
    note(log, "n%zu ", n);
    return 0;
}

static void test_idempotency(void **state)
{
    struct fixture *fx = *state;
    struct log log = {.len = 0};
    unsigned char hash[32];
    struct store_value v;
    char want[64];
    assert_int_equal(fx_run(fx, idem_apply, &log), 0);
    snprintf(want, sizeof(want), "0 %d 0 %d 0 0 n0 0 n1 ", E_EXISTS, E_TOOLARGE);
    expect(&log, want);
    struct store_txn *t = fx_read(fx);
    assert_int_equal(store_idem_get(t, "a", "k1", hash, &v), E_NOTFOUND);
    assert_int_equal(store_idem_get(t, "a-b", "k1", hash, &v), 0);
    assert_value(v, "other");
    assert_int_equal(hash[31], 7);
    store_read_end(t);
    fx_check(fx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_documents, fx_setup, fx_teardown),
        cmocka_unit_test_setup_teardown(test_limits, fx_setup, fx_teardown),
        cmocka_unit_test_setup_teardown(test_write_while_scanning, fx_setup, fx_teardown),
        cmocka_unit_test_setup_teardown(test_chats, fx_setup, fx_teardown),
        cmocka_unit_test_setup_teardown(test_messages, fx_setup, fx_teardown),
        cmocka_unit_test_setup_teardown(test_move_and_delete, fx_setup, fx_teardown),
        cmocka_unit_test_setup_teardown(test_events, fx_setup, fx_teardown),
        cmocka_unit_test_setup_teardown(test_event_from_the_future, fx_setup, fx_teardown),
        cmocka_unit_test_setup_teardown(test_idempotency, fx_setup, fx_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
