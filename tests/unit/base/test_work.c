#include "work.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

struct job {
    struct work work; /* first: a job is found from its work */
    int in;
    int out;
    int done;
    int rc;
    bool off_loop;
};

static uv_loop_t loop;
static pthread_t loop_thread;
static uv_sem_t gate; /* jobs of hold() wait for it */

static int set_up(void **state)
{
    (void)state;
    loop_thread = pthread_self();
    return uv_loop_init(&loop) == 0 && uv_sem_init(&gate, 0) == 0 ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    uv_sem_destroy(&gate);
    return uv_loop_close(&loop);
}

static void square(struct work *w)
{
    struct job *j = (struct job *)(void *)w;
    j->off_loop = !pthread_equal(pthread_self(), loop_thread);
    j->out = j->in * j->in;
}

static void hold(struct work *w)
{
    (void)w;
    uv_sem_wait(&gate);
}

static void on_done(struct work *w, int rc)
{
    struct job *j = (struct job *)(void *)w;
    assert_true(pthread_equal(pthread_self(), loop_thread));
    j->done++;
    j->rc = rc;
}

static void test_run(void **state)
{
    (void)state;
    struct job jobs[20] = {0};
    for (int i = 0; i < 20; i++) {
        jobs[i].in = i;
        assert_int_equal(work_submit(&loop, &jobs[i].work, square, on_done), 0);
        assert_int_equal(jobs[i].done, 0); /* never inside work_submit() */
    }
    uv_run(&loop, UV_RUN_DEFAULT);
    for (int i = 0; i < 20; i++) {
        assert_int_equal(jobs[i].done, 1);
        assert_int_equal(jobs[i].rc, 0);
        assert_int_equal(jobs[i].out, i * i);
        assert_true(jobs[i].off_loop);
    }
}

static void test_limit(void **state)
{
    (void)state;
    static struct job jobs[WORK_MAX + 1];
    memset(jobs, 0, sizeof(jobs));
    for (int i = 0; i < WORK_MAX; i++) {
        assert_int_equal(work_submit(&loop, &jobs[i].work, hold, on_done), 0);
    }
    struct job *last = &jobs[WORK_MAX];
    assert_int_equal(work_submit(&loop, &last->work, square, on_done), E_LIMIT);
    for (int i = 0; i < WORK_MAX; i++) {
        uv_sem_post(&gate);
    }
    uv_run(&loop, UV_RUN_DEFAULT);
    for (int i = 0; i < WORK_MAX; i++) {
        assert_int_equal(jobs[i].done, 1);
    }
    assert_int_equal(last->done, 0);
    assert_int_equal(work_submit(&loop, &last->work, square, on_done), 0); /* room again */
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(last->done, 1);
}

static void on_done_again(struct work *w, int rc)
{
    struct job *j = (struct job *)(void *)w;
    on_done(w, rc);
    if (j->done < 3) {
        assert_int_equal(work_submit(&loop, w, square, on_done_again), 0);
    }
}

static void test_submit_in_done(void **state)
{
    (void)state;
    struct job j = {.in = 5};
    assert_int_equal(work_submit(&loop, &j.work, square, on_done_again), 0);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(j.done, 3);
}

/* More holding jobs than threads, so that the last has certainly not begun. */
static void test_cancel(void **state)
{
    (void)state;
    enum { HOLDING = 64 };
    static struct job jobs[HOLDING + 1];
    memset(jobs, 0, sizeof(jobs));
    for (int i = 0; i <= HOLDING; i++) {
        assert_int_equal(work_submit(&loop, &jobs[i].work, i < HOLDING ? hold : square, on_done), 0);
    }
    struct job *last = &jobs[HOLDING];
    last->in = 3;
    assert_int_equal(work_cancel(&last->work), 0);
    assert_int_equal(last->done, 0);
    for (int i = 0; i < HOLDING; i++) {
        uv_sem_post(&gate);
    }
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(last->done, 1);
    assert_int_equal(last->rc, E_CANCELED);
    assert_int_equal(last->out, 0);
    assert_int_equal(jobs[0].rc, 0);
}

static uv_sem_t begun;

static void hold_and_say(struct work *w)
{
    uv_sem_post(&begun);
    hold(w);
}

static void test_cancel_too_late(void **state)
{
    (void)state;
    struct job j = {0};
    assert_int_equal(uv_sem_init(&begun, 0), 0);
    assert_int_equal(work_submit(&loop, &j.work, hold_and_say, on_done), 0);
    uv_sem_wait(&begun);
    assert_int_equal(work_cancel(&j.work), E_STATE);
    uv_sem_post(&gate);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(j.done, 1);
    assert_int_equal(j.rc, 0);
    uv_sem_destroy(&begun);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_run),
        cmocka_unit_test(test_limit),
        cmocka_unit_test(test_submit_in_done),
        cmocka_unit_test(test_cancel),
        cmocka_unit_test(test_cancel_too_late),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
