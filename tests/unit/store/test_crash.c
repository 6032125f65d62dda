/*
 * kill -9: a child writes, and tells each operation's number through a pipe only in its done
 * callback. It is killed at a random moment, again and again. After each kill the store opens,
 * agrees with itself, and holds everything that was told.
 */
#include "fixture.h"

#include <fcntl.h>
#include <sys/wait.h>

#define ROUNDS 15
#define AHEAD 200 /* operations under way at once */

struct write {
    struct store_op op;
    struct child *child;
    uint64_t n;
};

struct child {
    struct fixture *fx;
    uint64_t next;
    int pipe;
    struct write writes[AHEAD];
};

static void id_of(uint64_t n, char id[32])
{
    snprintf(id, 32, "3EB0%018llu", (unsigned long long)n);
}

/* What a send and its event write; every third moves a delivery on, so that lanes are in motion. */
static int write_apply(struct store_txn *t, struct store_op *op)
{
    struct write *w = LIST_ENTRY(op, struct write, op);
    char id[32], chat[32];
    unsigned char hash[32] = {0};
    uint64_t seq, order;
    id_of(w->n, id);
    snprintf(chat, sizeof(chat), "%d@c.us", (int)(w->n % 7));
    int rc = store_idem_put(t, "acme", id, hash, 1, "a", 1);
    if (rc == 0) {
        rc = store_message_put(t, "acme", "main", chat, id, w->n, "text", 4, NULL);
    }
    if (rc == 0) {
        rc = store_chat_put(t, "acme", "main", chat, w->n, "chat", 4);
    }
    if (rc == 0) {
        rc = store_outbox_add(t, "acme", "main", id, 0, "o", 1, &order);
    }
    if (rc == 0) {
        rc = store_event_next(t, "acme", &seq);
    }
    if (rc == 0) {
        rc = store_event_put(t, "acme", seq, id, strlen(id));
    }
    if (rc == 0) {
        rc = store_delivery_add(t, "acme", "erp", seq, w->n % 7, w->n);
    }
    if (rc == 0 && w->n % 3 == 0 && seq > 10) {
        struct store_delivery d;
        rc = store_delivery_get(t, "acme", "erp", seq - 10, &d);
        d.state = w->n % 2 == 0 ? STORE_DELIVERED : STORE_DEAD;
        d.finished_ms = w->n;
        rc = rc != 0 ? rc : store_delivery_update(t, &d);
    }
    return rc;
}

static void write_done(struct store_op *op, int rc)
{
    struct write *w = LIST_ENTRY(op, struct write, op);
    struct child *c = w->child;
    if (rc != 0 || write(c->pipe, &w->n, sizeof(w->n)) != (ssize_t)sizeof(w->n)) {
        _exit(3);
    }
    w->n = c->next++;
    store_submit(c->fx->s, op, write_apply, write_done);
}

static void child_main(struct fixture *fx, uint64_t first, int fd)
{
    struct child *c = calloc(1, sizeof(*c));
    if (c == NULL || fx_try_open(fx, false, NULL) != 0) {
        _exit(2);
    }
    c->fx = fx;
    c->pipe = fd;
    c->next = first;
    for (size_t i = 0; i < AHEAD; i++) {
        c->writes[i].child = c;
        c->writes[i].n = c->next++;
        store_submit(fx->s, &c->writes[i].op, write_apply, write_done);
    }
    uv_run(&fx->loop, UV_RUN_DEFAULT);
    _exit(4);
}

/* Reads what was told until `enough` numbers came, kills, and reads the rest. */
static uint64_t read_told(pid_t child, int fd, size_t enough, bool *told, uint64_t max)
{
    uint64_t n, highest = 0;
    size_t count = 0;
    ssize_t got;
    while ((got = read(fd, &n, sizeof(n))) == (ssize_t)sizeof(n)) {
        assert_true(n < max);
        told[n] = true;
        highest = n > highest ? n : highest;
        if (++count == enough) {
            kill(child, SIGKILL);
        }
    }
    assert_int_equal(got, 0);
    assert_true(count >= enough);
    return highest;
}

static size_t verify(struct fixture *fx, const bool *told, uint64_t max, uint64_t *next)
{
    struct store_txn *t = fx_read(fx);
    struct store_counts counts;
    size_t kept = 0;
    uint64_t last;
    for (uint64_t n = 0; n < max; n++) {
        struct store_value v;
        char id[32];
        unsigned char hash[32];
        id_of(n, id);
        int rc = store_message_get(t, "acme", "main", NULL, id, &v, NULL);
        if (told[n] && rc != 0) {
            fail_msg("operation %llu was acknowledged and is lost", (unsigned long long)n);
        }
        assert_int_equal(store_idem_get(t, "acme", id, hash, &v), rc); /* all of it or nothing */
        if (rc == 0) {
            kept++;
            *next = n + 1;
        }
    }
    assert_int_equal(store_counts(t, "acme", "main", &counts), 0);
    assert_int_equal(counts.outbox, kept);
    assert_int_equal(store_event_last(t, "acme", &last), 0);
    assert_int_equal(last, kept); /* no gap, none twice */
    store_read_end(t);
    fx_check(fx);
    return kept;
}

static void test_kill(void **state)
{
    (void)state;
    static bool told[400000];
    uint64_t rnd = 42, next = 0;
    size_t kept = 0;
    struct fixture fx;
    fx_init(&fx, 0);
    for (int round = 0; round < ROUNDS; round++) {
        int fds[2];
        assert_int_equal(pipe(fds), 0);
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            close(fds[0]);
            child_main(&fx, next, fds[1]);
        }
        close(fds[1]);
        read_told(child, fds[0], 1 + fx_random(&rnd) % 1500, told, sizeof(told));
        close(fds[0]);
        int status;
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
        fx_open(&fx);
        size_t now = verify(&fx, told, next + 20000, &next);
        assert_true(now > kept);
        kept = now;
        fx_close(&fx);
    }
    print_message("%d kills, %zu operations kept\n", ROUNDS, kept);
    fx_finish(&fx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kill),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
