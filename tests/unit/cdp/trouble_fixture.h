/* What the tests of browsers in trouble share: the browsers, a script that stands for one, how a test
 * is run on several. */
#ifndef TEST_CDP_TROUBLE_FIXTURE_H
#define TEST_CDP_TROUBLE_FIXTURE_H

#include "fixture.h"

#include "browser_priv.h"

static const struct variant SHELL_PIPE = {SHELL_PATH, CDP_PIPE};
static const struct variant SHELL_WS = {SHELL_PATH, CDP_WEBSOCKET};
static const struct variant CHROMIUM_PIPE = {CHROMIUM_PATH, CDP_PIPE};
static const struct variant CHROMIUM_WS = {CHROMIUM_PATH, CDP_WEBSOCKET};

static const char ENDLESS[] = "{\"expression\":\"new Promise(()=>{})\",\"awaitPromise\":true}";

static inline void write_script(struct fx *fx, char path[96], const char *text)
{
    snprintf(path, 96, "%s/fake-headless-shell", fx->dir);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0755);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    close(fd);
    fx->o.executable = path;
}

static inline void spin(struct fx *fx, int turns)
{
    for (int i = 0; i < turns; i++) {
        uv_run(&fx->loop, UV_RUN_NOWAIT);
    }
}

#define ON(test, variant)                                                                          \
    {                                                                                              \
        .name = #test " " #variant, .test_func = test,                                             \
        .initial_state = (void *)(uintptr_t)&variant                                               \
    }
#define ON_ALL(test)                                                                               \
    ON(test, SHELL_PIPE), ON(test, SHELL_WS), ON(test, CHROMIUM_PIPE), ON(test, CHROMIUM_WS)

/* The first argument, if there is one, says which tests to run. */
static inline void trouble_begin(int argc, char **argv)
{
    log_init(LOG_TEXT, LOG_ERROR, 2);
    if (argc > 1) {
        cmocka_set_test_filter(argv[1]);
    }
}

#endif
